"""An upload from a browser: named first, received in pieces, taken when complete.

Each piece is on disk before it is answered. A file is taken within the request that
brings its last byte; a large zip over several. Whatever breaks off goes on from what
the rows say.
"""

from __future__ import annotations

import logging
import shutil
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q, QuerySet

from apps.accounts.selectors import access_site
from apps.accounts.types import SYSTEM
from apps.audit.events import Event
from apps.audit.services import record
from apps.core import clock
from apps.core.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from apps.core.permissions import Permission
from apps.core.pieces import MAX_PIECE, check_piece, keep_piece, no_room
from apps.interop.types import ArchiveUnavailable
from apps.workflow.intake.batch import close_intake, open_intake, scratch_folder
from apps.workflow.intake.door import take_file
from apps.workflow.intake.report import write_outcome
from apps.workflow.intake.types import (
    FileOutcome,
    FileState,
    IntakeState,
    RowStatus,
    Status,
    Via,
)
from apps.workflow.intake.unpack import Entry, Unpacker
from apps.workflow.models import Intake, IntakeFile

if TYPE_CHECKING:
    from apps.accounts.types import Actor

log = logging.getLogger(__name__)

MAX_CHUNK: Final = MAX_PIECE
MAX_FILE: Final = 16 << 30
MAX_NAMED: Final = 1000
MAX_KEY, MAX_NAME = 64, 1024
ZIP_STEP_S: Final = 10.0
"""How long one request works on a large zip."""
TAKING_STALE: Final = timedelta(minutes=3)
"""After this long the request that was taking a file has died."""
ABANDONED_AFTER: Final = timedelta(days=1)
_TOUCH_EVERY: Final = timedelta(minutes=1)


def spool_folder(*, intake_id: UUID) -> Path:
    """Return where the received bytes of a batch are."""
    return Path(settings.STATE_DIR) / "intake" / str(intake_id)


def _spool(line: IntakeFile) -> Path:
    return spool_folder(intake_id=line.intake_id) / str(line.id)


# --- finding


def visible_intakes(*, actor: Actor) -> QuerySet[Intake]:
    """Return the batches of the sites where the actor may import, newest first."""
    sites = actor.sites_with(Permission.STUDY_IMPORT)
    found = Intake.objects.select_related("site", "by").filter(site_id__in=sites)
    return found.order_by("-started_at", "-id")


def access_intake(*, actor: Actor, intake_id: UUID, lock: bool = False) -> Intake:
    """Return one batch, or `NotFound`."""
    found = visible_intakes(actor=actor).filter(id=intake_id)
    if lock:
        found = found.select_for_update(of=("self",))
    intake = found.first()
    if intake is None:
        raise NotFound("not_found", "There is no such import.")
    return intake


def _own_open(*, actor: Actor, intake_id: UUID, lock: bool = False) -> Intake:
    intake = access_intake(actor=actor, intake_id=intake_id, lock=lock)
    if intake.by_id != actor.user_id or intake.via != Via.UPLOAD:
        raise Forbidden("forbidden", "Only who began an import adds to it.")
    if intake.state != IntakeState.OPEN:
        raise Conflict("closed", f"This import is {intake.state}; begin another one.")
    return intake


def access_line(*, actor: Actor, intake_id: UUID, file_id: UUID) -> IntakeFile:
    """Return one line of a batch, or `NotFound`."""
    intake = access_intake(actor=actor, intake_id=intake_id)
    return _line(intake, file_id)


def _line(intake: Intake, file_id: UUID) -> IntakeFile:
    line = with_members(IntakeFile.objects.filter(intake=intake, id=file_id)).first()
    if line is None:
        raise NotFound("not_found", "There is no such file in this import.")
    return line


def with_members(lines: QuerySet[IntakeFile]) -> QuerySet[IntakeFile]:
    """Count, for zips, the members that are taken (as `members_done`)."""
    taken = Q(members__state=FileState.TAKEN)
    return lines.annotate(members_done=Count("members", filter=taken))


# --- beginning


@transaction.atomic
def begin_upload(*, actor: Actor, site_id: UUID) -> Intake:
    """Begin a batch at a site."""
    site = access_site(actor=actor, site_id=site_id, need=Permission.STUDY_IMPORT)
    return open_intake(actor=actor, site=site, via=Via.UPLOAD)


@transaction.atomic
def name_files(
    *, actor: Actor, intake_id: UUID, files: list[dict[str, Any]]
) -> list[IntakeFile]:
    """Name files of a batch; a key that was named before answers its line.

    Args:
        actor: Who began the batch.
        intake_id: The batch.
        files: `key`, `name` and `size` of each.

    Returns:
        Their lines, in the same order.
    """
    if not 0 < len(files) <= MAX_NAMED:
        raise Invalid("invalid", f"files: 1 to {MAX_NAMED} at a time.", field="files")
    too_large = [file for file in files if file["size"] > MAX_FILE]
    if too_large:
        raise DomainError(
            "too_large",
            f"“{too_large[0]['name']}” is larger than {MAX_FILE >> 30} GiB. Use "
            "manage.py import_dicom on the server for it.",
            413,
        )
    intake = _own_open(actor=actor, intake_id=intake_id, lock=True)
    keys = [file["key"] for file in files]
    mine = IntakeFile.objects.filter(intake=intake, key__in=keys)
    known = set(mine.values_list("key", flat=True))
    fresh = {file["key"]: file for file in files if file["key"] not in known}
    IntakeFile.objects.bulk_create(
        [
            IntakeFile(
                intake=intake, key=key, name=file["name"], size=int(file["size"])
            )
            for key, file in fresh.items()
        ]
    )
    _touch(intake)
    lines = {line.key: line for line in with_members(mine)}
    return [lines[key] for key in keys]


def _touch(intake: Intake) -> None:
    """Note that somebody is at it, now and then: not for every piece."""
    now = clock.now()
    Intake.objects.filter(id=intake.id, touched_at__lt=now - _TOUCH_EVERY).update(
        touched_at=now
    )


# --- receiving


def receive(
    *, actor: Actor, intake_id: UUID, file_id: UUID, offset: int, chunk: bytes
) -> IntakeFile:
    """Keep a piece of a file; with its last byte, take the file.

    No bytes at the end of a file that is complete: go on taking it.

    Raises:
        Conflict: `closed`; `busy`, when another request is at this file;
            `offset_mismatch` with what is `received`.
        DomainError: `too_large`; `disk_full`, nothing of the piece was kept;
            `archive_unavailable`, the bytes are safe.
    """
    check_piece(chunk)
    intake = _own_open(actor=actor, intake_id=intake_id)
    line = _claimed(intake=intake, file_id=file_id)
    if line.state == FileState.TAKEN:
        return line
    try:
        if line.state == FileState.WAITING:
            _keep(line=line, offset=offset, chunk=chunk)
        if line.state == FileState.RECEIVED:
            _take(actor=actor, intake=intake, line=line)
    finally:
        IntakeFile.objects.filter(id=line.id).update(taking_since=None)
    _touch(intake)
    return _line(intake, file_id)


@transaction.atomic
def _claimed(*, intake: Intake, file_id: UUID) -> IntakeFile:
    """Return a line for this request alone."""
    line = IntakeFile.objects.select_for_update().filter(intake=intake, id=file_id)
    row = line.first()
    if row is None:
        raise NotFound("not_found", "There is no such file in this import.")
    if row.state == FileState.TAKEN:
        return _line(intake, file_id)
    now = clock.now()
    if row.taking_since is not None and row.taking_since > now - TAKING_STALE:
        raise Conflict("busy", "Another request is at this file; ask again soon.")
    row.taking_since = now
    row.save(update_fields=["taking_since", "updated_at"])
    return row


def _keep(*, line: IntakeFile, offset: int, chunk: bytes) -> None:
    """Write a piece to disk, then say so in the row."""
    line.received = keep_piece(
        path=_spool(line),
        offset=offset,
        chunk=chunk,
        received=line.received,
        size=line.size,
    )
    if line.received == line.size:
        line.state = FileState.RECEIVED
    line.save(update_fields=["received", "state", "updated_at"])


# --- taking


def _take(*, actor: Actor, intake: Intake, line: IntakeFile) -> None:
    """Take a complete file; of a zip, as much as one request has time for."""
    unpacker = Unpacker(scratch=scratch_folder())
    done = set(line.members.values_list("key", flat=True))
    until = time.monotonic() + ZIP_STEP_S
    try:
        entries = unpacker.unfold(
            path=_spool(line), name=line.name, key=line.key, done=done
        )
        for entry in entries:
            _take_entry(actor=actor, intake=intake, line=line, entry=entry)
            if entry.in_zip and time.monotonic() > until:
                return
    except ArchiveUnavailable as error:
        raise DomainError(
            "archive_unavailable",
            "The archive does not answer. The file is safe here; it goes on later.",
            503,
        ) from error
    except OSError as error:
        raise no_room(error) from error
    if line.members_total is not None:
        line.state, line.status = FileState.TAKEN, RowStatus.OPENED
        line.save()
    _spool(line).unlink(missing_ok=True)


def _take_entry(
    *, actor: Actor, intake: Intake, line: IntakeFile, entry: Entry
) -> None:
    if entry.opened is not None:
        line.members_total = entry.opened
        line.save(update_fields=["members_total", "updated_at"])
        return
    try:
        outcome = _outcome(actor=actor, intake=intake, entry=entry)
    finally:
        entry.discard()
    if not entry.in_zip:
        write_outcome(line=line, outcome=outcome)
        line.save()
        return
    member = IntakeFile(
        intake=intake, in_zip=line, key=entry.key, name=entry.name, size=entry.size
    )
    write_outcome(line=member, outcome=outcome)
    member.save()


def _outcome(*, actor: Actor, intake: Intake, entry: Entry) -> FileOutcome:
    if entry.source is None:
        return FileOutcome(name=entry.name, status=Status.REFUSED, reason=entry.refusal)
    return take_file(
        actor=actor,
        site=intake.site,
        source=entry.source,
        name=entry.name,
        via=Via.UPLOAD,
    )


# --- ending


def finish_upload(*, actor: Actor, intake_id: UUID, give_up: bool) -> Intake:
    """End a batch: its studies are registered, its report is final.

    Args:
        actor: Who began it.
        intake_id: The batch; ending it again changes nothing.
        give_up: Files that are not taken count as refused.

    Raises:
        Conflict: `unfinished` with how many files are not taken.
    """
    with transaction.atomic():
        intake = access_intake(actor=actor, intake_id=intake_id, lock=True)
        if intake.state == IntakeState.DONE and intake.by_id == actor.user_id:
            return intake
        intake = _own_open(actor=actor, intake_id=intake_id)
        left = IntakeFile.objects.filter(intake=intake).exclude(state=FileState.TAKEN)
        unfinished = left.count()
        if unfinished and not give_up:
            raise Conflict(
                "unfinished",
                f"{unfinished} files are not taken yet.",
                unfinished=unfinished,
            )
        for line in left.iterator():
            _give_up(line)
    closed = close_intake(actor=actor, intake=intake, state=IntakeState.DONE)
    shutil.rmtree(spool_folder(intake_id=intake.id), ignore_errors=True)
    return closed


def _give_up(line: IntakeFile) -> None:
    """End a line that was never taken; members of a zip that were stay as they are."""
    if line.members_total is not None:
        line.state, line.status = FileState.TAKEN, RowStatus.OPENED
        line.reason = f"Given up: of {line.members_total} files some were not taken."
    else:
        reason = f"Not received in full: {line.received} of {line.size} bytes."
        outcome = FileOutcome(name=line.name, status=Status.REFUSED, reason=reason)
        received = line.received
        write_outcome(line=line, outcome=outcome)
        line.received = received
    line.save()


def abandon_uploads() -> int:
    """End uploads that nobody touched for a day; what was taken stays."""
    old = Intake.objects.filter(
        state=IntakeState.OPEN, touched_at__lt=clock.now() - ABANDONED_AFTER
    )
    ended = 0
    for intake in old.select_related("site")[:50]:
        left = IntakeFile.objects.filter(intake=intake).exclude(state=FileState.TAKEN)
        for line in left.iterator():
            _give_up(line)
        close_intake(actor=SYSTEM, intake=intake, state=IntakeState.ABANDONED)
        shutil.rmtree(spool_folder(intake_id=intake.id), ignore_errors=True)
        ended += 1
    return ended


def read_report(*, actor: Actor, intake: Intake) -> None:
    """Record that somebody reads a report; its names may name patients."""
    record(
        actor=actor,
        event=Event.INTAKE_READ,
        site_id=intake.site_id,
        object_kind="intake",
        object_id=intake.id,
    )

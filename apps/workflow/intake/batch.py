"""Whole batches at once: a command's folders, a watched folder, a STOW request."""

from __future__ import annotations

import logging
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import connections, transaction

from apps.audit.events import Event
from apps.audit.services import record
from apps.core import clock
from apps.interop.types import ArchiveUnavailable
from apps.workflow import flow
from apps.workflow.intake.beneath import LINK, open_file, path_of
from apps.workflow.intake.door import Delivered, Prepared, deliver, prepare, settle
from apps.workflow.intake.report import (
    Counts,
    add_missing,
    count_files,
    plain_counts,
    write_outcome,
)
from apps.workflow.intake.types import (
    FileOutcome,
    FileState,
    IntakeState,
    RowStatus,
    Status,
    Via,
)
from apps.workflow.intake.unpack import Entry, Unpacker, walk_files
from apps.workflow.models import Intake, IntakeFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from apps.accounts.models import Site
    from apps.accounts.types import Actor

log = logging.getLogger(__name__)
AT_ONCE = 4
WINDOW = 16
LINES_AT_ONCE = 200
_LINK = "This is a link or a device, not a file: give the file itself."


def scratch_folder() -> Path:
    """Return where files are unpacked while they are taken."""
    return Path(settings.STATE_DIR) / "intake" / "scratch"


def open_intake(*, actor: Actor, site: Site, via: Via) -> Intake:
    """Begin the report of a batch."""
    now = clock.now()
    intake = Intake.objects.create(
        site=site, by_id=actor.user_id, via=via, started_at=now, touched_at=now
    )
    record(
        actor=actor,
        event=Event.INTAKE_BEGIN,
        site_id=site.id,
        object_kind="intake",
        object_id=intake.id,
        detail={"via": via.value},
    )
    return intake


def close_intake(*, actor: Actor, intake: Intake, state: IntakeState) -> Intake:
    """Register the studies of a batch, count its lines, and end its report."""
    lines = IntakeFile.objects.filter(intake=intake).exclude(archive_study_id="")
    ids = lines.order_by().values_list("archive_study_id", flat=True).distinct()
    for archive_id in sorted(ids):
        flow.take_one(archive_id=archive_id)
    with transaction.atomic():
        add_missing(intake=intake)
        counts = count_files(intake=intake)
        intake.counts = plain_counts(counts)
        intake.state = state
        intake.finished_at = intake.touched_at = clock.now()
        intake.save()
        record(
            actor=actor,
            event=Event.INTAKE_FINISH,
            site_id=intake.site_id,
            object_kind="intake",
            object_id=intake.id,
            detail={"via": intake.via, "state": state.value, **intake.counts},
        )
    return intake


def take_paths(
    *,
    actor: Actor,
    site: Site,
    paths: Iterable[Path],
    via: Via,
    within: Path | None = None,
    progress: Callable[[Counts], None] = lambda _: None,
) -> Intake:
    """Take files, folders and zips into the archive as studies of one site.

    Running it again stores nothing twice. A bad file never stops its neighbours.

    Args:
        actor: Who brings them.
        site: The site that their studies belong to.
        paths: Files and folders.
        via: Which way they came.
        within: A folder that others write to, which all paths are files below: no
            link in it is followed.
        progress: Is told how far it is, now and then.

    Returns:
        The report, ended.

    Raises:
        ArchiveUnavailable: The archive went away. What is stored is safe and in the
            report, which is left open; running it again goes on.
    """
    intake = open_intake(actor=actor, site=site, via=via)
    batch = _Batch(actor=actor, site=site, intake=intake, via=via, progress=progress)
    try:
        batch.take(_entries(list(paths), within=within))
    finally:
        batch.write()
    return close_intake(actor=actor, intake=intake, state=IntakeState.DONE)


def keep_report(
    *, actor: Actor, site: Site, via: Via, outcomes: Iterable[FileOutcome]
) -> Intake:
    """Keep the report of files taken one by one, and register their studies.

    Args:
        actor: Who brought them.
        site: The site that their studies belong to.
        via: Which way they came.
        outcomes: What became of each.
    """
    intake = open_intake(actor=actor, site=site, via=via)
    lines = []
    for number, outcome in enumerate(outcomes):
        line = IntakeFile(intake=intake, key=str(number), name=outcome.name, size=0)
        write_outcome(line=line, outcome=outcome)
        lines.append(line)
    IntakeFile.objects.bulk_create(lines, batch_size=1000)
    return close_intake(actor=actor, intake=intake, state=IntakeState.DONE)


def _entries(paths: list[Path], *, within: Path | None) -> Iterator[Entry]:
    unpacker = Unpacker(scratch=scratch_folder())
    number = 0
    for root in paths:
        for path in [root] if within else walk_files(paths=[root]):
            number += 1
            name, key = _name_below(root, path), str(number)
            folder = within or (root if path != root else None)
            if folder is None:
                yield from unpacker.unfold(path=path, name=name, key=key)
            else:
                yield from _unfolded(unpacker, folder, path, name=name, key=key)


def _unfolded(
    unpacker: Unpacker, folder: Path, path: Path, *, name: str, key: str
) -> Iterator[Entry]:
    """Yield the entries of a file below a folder; one behind a link is refused."""
    try:
        file = open_file(root=folder, path=path)
    except OSError as error:
        reason = f"The file cannot be read: {error.strerror or 'input error'}."
        refusal = _LINK if error.strerror == LINK else reason
        yield Entry(name=name, key=key, size=0, refusal=refusal)
        return
    yield from unpacker.unfold(path=path_of(file), name=name, key=key, handle=file)


def _name_below(root: Path, path: Path) -> str:
    base = root.resolve().name if path != root else ""
    below = path.relative_to(root) if path != root else Path(path.name)
    # A name that is no text on this system still gets a line.
    text = str(Path(base) / below).encode("utf-8", "replace").decode("utf-8")
    return text.replace("\x00", "�")


class _Batch:
    """One batch while it is taken: what waits for the archive, lines to write."""

    def __init__(
        self,
        *,
        actor: Actor,
        site: Site,
        intake: Intake,
        via: Via,
        progress: Callable[[Counts], None],
    ) -> None:
        self.actor = actor
        self.site = site
        self.intake = intake
        self.via = via
        self.progress = progress
        self._claims: dict[str, bool] = {}
        self._lines: list[IntakeFile] = []
        self._zips: dict[str, IntakeFile] = {}
        self._waiting: dict[Future[Delivered], Entry] = {}
        self._uids: set[str] = set()

    def take(self, entries: Iterable[Entry]) -> None:
        """Take every entry; a few are with the archive at the same time."""
        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            for entry in entries:
                prepared = self._prepared(entry)
                if prepared is not None:
                    self._begin(prepared, entry, pool)
                if len(self._waiting) >= WINDOW:
                    self._collect()
                if len(self._lines) >= LINES_AT_ONCE:
                    self.write()
                    self.progress(count_files(intake=self.intake))
            self._collect()

    def _begin(
        self, prepared: Prepared, entry: Entry, pool: ThreadPoolExecutor
    ) -> None:
        """Send a file on its way; of several of one UID the first one goes first.

        The archive keeps what comes first under a UID, and the others are compared with
        it: beside each other, another one would be kept each time.
        """
        uid = prepared.accepted.header.sop_uid
        if uid in self._uids:
            try:
                self._collect()
            except ArchiveUnavailable:
                entry.discard()
                raise
        self._uids.add(uid)
        self._waiting[pool.submit(_deliver, prepared)] = entry

    def write(self) -> None:
        """Write the lines that are ready."""
        lines, self._lines = self._lines, []
        IntakeFile.objects.bulk_create(lines)

    def _prepared(self, entry: Entry) -> Prepared | None:
        if entry.opened is not None:
            self._open_zip(entry)
            return None
        if entry.source is None:
            refused = FileOutcome(
                name=entry.name, status=Status.REFUSED, reason=entry.refusal
            )
            self._end(entry, refused)
            return None
        prepared = prepare(
            actor=self.actor,
            site=self.site,
            source=entry.source,
            name=entry.name,
            claims=self._claims,
        )
        if isinstance(prepared, FileOutcome):
            self._end(entry, prepared)
            return None
        return prepared

    def _open_zip(self, entry: Entry) -> None:
        line = self._line(entry)
        line.state, line.status = FileState.TAKEN, RowStatus.OPENED
        line.members_total = entry.opened
        line.save()
        self._zips[entry.key] = line

    def _line(self, entry: Entry) -> IntakeFile:
        return IntakeFile(
            intake=self.intake,
            in_zip=self._zips.get(entry.in_zip),
            key=entry.key,
            name=entry.name,
            size=entry.size,
            received=entry.size,
        )

    def _end(self, entry: Entry, outcome: FileOutcome) -> None:
        entry.discard()
        line = self._line(entry)
        write_outcome(line=line, outcome=outcome)
        self._lines.append(line)

    def _collect(self) -> None:
        """Wait for what is with the archive; one away is raised after the others."""
        away: ArchiveUnavailable | None = None
        self._uids.clear()
        for future in as_completed(list(self._waiting)):
            entry = self._waiting.pop(future)
            try:
                delivered = future.result()
            except ArchiveUnavailable as error:
                away = error
                entry.discard()
                continue
            outcome = settle(
                actor=self.actor, site=self.site, delivered=delivered, via=self.via
            )
            self._end(entry, outcome)
        if away is not None:
            raise away


def _deliver(prepared: Prepared) -> Delivered:
    try:
        return deliver(prepared)
    finally:
        connections.close_all()  # this thread's, should anything have opened one

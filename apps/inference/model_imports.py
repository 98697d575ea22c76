"""Importing a model from a page: upload, card, start, cancel. No byte is read here.

The work itself is done by `model_imports_run`, in a worker of the portal's machine.
Whoever manages models sees all imports; only who began one changes it.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import F

from apps.audit.events import Event
from apps.audit.services import record
from apps.core import clock
from apps.core.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from apps.core.permissions import Permission
from apps.core.pieces import check_piece, keep_piece
from apps.core.queue import enqueue
from apps.core.steps import Step
from apps.inference.models import ModelImport, ModelImportFile
from apps.inference.types import STARTABLE, UNDER_WAY, ImportState
from workers.model_import import KINDS, MOST_SOURCE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from django.db.models import QuerySet

    from apps.accounts.types import Actor

MOST_BYTES: Final = MOST_SOURCE_BYTES
MOST_FILES: Final = 2000
MOST_NAMED: Final = 500
MOST_KEPT: Final = 5
"""So many uploads of one person may lie here."""
IMPORT_QUEUE: Final = "imports"
_DEEPEST: Final = 12
_LONGEST_PART: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedFile:
    """A file that will be sent.

    Attributes:
        key: The sender's own name for it; naming it again finds it again.
        name: Its path as chosen, with “/”.
        size: Bytes.
    """

    key: str
    name: str
    size: int


def imports_folder() -> Path:
    """Return where uploads of models lie, and where they are worked at."""
    return Path(settings.STATE_DIR) / "model-imports"


def upload_folder(*, import_id: UUID) -> Path:
    """Return where the pieces of one import lie, each file under its id."""
    return imports_folder() / str(import_id)


def visible_imports(*, actor: Actor) -> QuerySet[ModelImport]:
    """Return all imports for who manages models, newest first.

    Raises:
        Forbidden: The actor does not.
    """
    if Permission.MODEL_MANAGE not in actor.permissions():
        raise Forbidden("forbidden", "You do not manage models.")
    return ModelImport.objects.select_related("by", "model")


def access_import(*, actor: Actor, import_id: UUID) -> ModelImport:
    """Return one import, or `NotFound`."""
    found = visible_imports(actor=actor).filter(id=import_id).first()
    if found is None:
        raise NotFound("not_found", "There is no such import of a model.")
    return found


def _own(*, actor: Actor, import_id: UUID) -> ModelImport:
    """Return an import of the actor's own, locked.

    Raises:
        Forbidden: Somebody else began it.
    """
    rows = visible_imports(actor=actor).select_for_update(of=("self",))
    row = rows.filter(id=import_id).first()
    if row is None:
        raise NotFound("not_found", "There is no such import of a model.")
    if row.by_id != actor.user_id:
        raise Forbidden("not_yours", "Only who began an import changes it.")
    return row


@transaction.atomic
def begin_import(*, actor: Actor) -> ModelImport:
    """Begin an import; its files are named next.

    Raises:
        Conflict: `too_many` of the person's uploads lie here already.
    """
    kept = visible_imports(actor=actor).filter(by_id=actor.person_id, files_kept=True)
    if kept.count() >= MOST_KEPT:
        raise Conflict(
            "too_many",
            f"{MOST_KEPT} uploads of yours are kept here. Remove one of them first.",
        )
    row = ModelImport.objects.create(by_id=actor.person_id)
    _note(actor, Event.MODEL_IMPORT_BEGIN, row)
    return row


@transaction.atomic
def name_files(
    *, actor: Actor, import_id: UUID, files: list[NamedFile]
) -> list[ModelImportFile]:
    """Name files of an import; a key that was named before answers its line.

    Raises:
        Conflict: `closed`: nothing is added to it any more.
        Invalid: A name is none that a file can have here.
        DomainError: `too_large`, together.
    """
    row = _own(actor=actor, import_id=import_id)
    _require(row, {ImportState.UPLOADING}, "takes no more files")
    known = {file.key: file for file in row.files.all()}
    fresh = {file.key: file for file in files if file.key not in known}
    taken = {file.name for file in known.values()}
    for file in fresh.values():
        _check_name(file.name, taken)
        taken.add(file.name)
    _check_sizes([*known.values(), *fresh.values()])
    made = ModelImportFile.objects.bulk_create(
        ModelImportFile(model_import=row, key=f.key, name=f.name, size=f.size)
        for f in fresh.values()
    )
    row.save(update_fields=["updated_at"])
    lines = known | {line.key: line for line in made}
    return [lines[file.key] for file in files]


def _check_name(name: str, taken: set[str]) -> None:
    parts = name.split("/")
    bad = not name.isprintable() or "\\" in name or len(parts) > _DEEPEST
    bad = bad or any(p in {"", ".", ".."} or len(p) > _LONGEST_PART for p in parts)
    if bad or name in taken:
        raise Invalid("bad_name", f"“{name[:80]}” can not be the name of a file here.")


def _check_sizes(files: Iterable[NamedFile | ModelImportFile]) -> None:
    sizes = [file.size for file in files]
    if len(sizes) > MOST_FILES or sum(sizes) > MOST_BYTES:
        raise DomainError(
            "too_large",
            f"A model has at most {MOST_FILES} files and {MOST_BYTES >> 30} GiB.",
            413,
        )


@transaction.atomic
def receive_piece(
    *, actor: Actor, import_id: UUID, file_id: UUID, offset: int, chunk: bytes
) -> ModelImportFile:
    """Keep a piece of a file; see `apps.core.pieces.keep_piece`."""
    check_piece(chunk)
    row = access_import(actor=actor, import_id=import_id)
    if row.by_id != actor.user_id:
        raise Forbidden("not_yours", "Only who began an import changes it.")
    _require(row, {ImportState.UPLOADING}, "takes no more files")
    line = row.files.select_for_update().filter(id=file_id).first()
    if line is None:
        raise NotFound("not_found", "There is no such file in this import.")
    if line.received == line.size:
        return line
    line.received = keep_piece(
        path=upload_folder(import_id=row.id) / str(line.id),
        offset=offset,
        chunk=chunk,
        received=line.received,
        size=line.size,
    )
    line.save(update_fields=["received", "updated_at"])
    return line


@transaction.atomic
def describe_import(
    *,
    actor: Actor,
    import_id: UUID,
    kind: str,
    card: dict[str, Any],
    expected_sha256: str,
) -> ModelImport:
    """Keep what a person says of a model; what is left empty is not said.

    Raises:
        Conflict: It is under way, or over.
    """
    row = _own(actor=actor, import_id=import_id)
    _require(row, STARTABLE, "can not be changed")
    if kind not in KINDS:
        raise Invalid("invalid", f"kind: is one of {', '.join(KINDS)}.", field="kind")
    row.kind = kind
    row.card = said_of(card)
    row.expected_sha256 = expected_sha256
    row.save()
    return row


def said_of(card: dict[str, Any]) -> dict[str, Any]:
    """Return a card without what is empty: it must not hide what the source says."""
    kept = {name: _said(value) for name, value in card.items()}
    return {name: value for name, value in kept.items() if not _is_empty(value)}


def _said(value: Any) -> Any:
    if isinstance(value, dict):
        return said_of(value)
    if isinstance(value, list):
        return [kept for one in value if not _is_empty(kept := _said(one))]
    return value.strip() if isinstance(value, str) else value


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str | list | dict) and not value)


@transaction.atomic
def start_import(*, actor: Actor, import_id: UUID) -> ModelImport:
    """Let the worker import it; once it was refused or interrupted, anew.

    Raises:
        Conflict: It is under way or over; its upload is incomplete or gone.
        Invalid: Its files are neither one file nor one folder.
    """
    row = _own(actor=actor, import_id=import_id)
    _require(row, STARTABLE, "can not be started")
    if not row.files_kept:
        raise Conflict("no_files", "Its upload was removed: begin another import.")
    files = list(row.files.all())
    missing = sum(1 for file in files if file.received < file.size)
    if missing:
        raise Conflict(
            "unfinished", f"{missing} files are not here in full.", unfinished=missing
        )
    source_name([file.name for file in files])
    row.state = ImportState.WAITING
    row.asked_at = clock.now()
    row.cancel_asked = False
    row.reason = ""
    row.steps = []
    row.started_at = row.ended_at = row.claim = None
    row.save()
    _note(actor, Event.MODEL_IMPORT_START, row, kind=row.kind)
    enqueue(Step.RUN_MODEL_IMPORT, queue=IMPORT_QUEUE, import_id=str(row.id))
    return row


def source_name(names: list[str]) -> str:
    """Return the one file or folder that all files of an import are, or are in.

    Raises:
        Invalid: There is no such one.
    """
    paths = [PurePosixPath(name) for name in names]
    tops = {path.parts[0] for path in paths}
    files = set(paths)
    nested = any(parent in files for path in paths for parent in path.parents)
    if len(tops) != 1 or nested:
        raise Invalid(
            "not_one_source",
            "A model is one file, or one folder with all that belongs to it.",
        )
    return tops.pop()


@transaction.atomic
def cancel_import(*, actor: Actor, import_id: UUID) -> ModelImport:
    """End an import, or remove the upload of one that ended; what is said stays.

    Raises:
        Conflict: There is nothing to end or remove.
    """
    row = _own(actor=actor, import_id=import_id)
    if not row.files_kept:
        raise Conflict("closed", f"This import is {row.state}; nothing of it is kept.")
    _note(actor, Event.MODEL_IMPORT_CANCEL, row, state=row.state)
    if row.state == ImportState.RUNNING:
        row.cancel_asked = True
        row.save()
        return row
    if row.state in UNDER_WAY | {ImportState.UPLOADING}:
        row.state = ImportState.CANCELLED
        row.ended_at = clock.now()
    row.files_kept = False
    row.save()
    transaction.on_commit(lambda: remove_upload(import_id=row.id))
    return row


def remove_upload(*, import_id: UUID) -> None:
    """Remove what lies on disk of an import."""
    shutil.rmtree(upload_folder(import_id=import_id), ignore_errors=True)


def received_bytes(row: ModelImport) -> tuple[int, int]:
    """Return how many bytes of an import are here, and how many it has."""
    sizes = row.files.values_list("received", "size")
    return sum(received for received, _ in sizes), sum(size for _, size in sizes)


def waiting_before(row: ModelImport) -> int:
    """Return how many imports come before one that waits."""
    if row.state != ImportState.WAITING or row.asked_at is None:
        return 0
    earlier = ModelImport.objects.filter(
        state=ImportState.WAITING, asked_at__lt=row.asked_at
    ).count()
    running = ModelImport.objects.filter(state=ImportState.RUNNING).count()
    return earlier + running


def next_waiting() -> ModelImport | None:
    """Return the import that waits longest; None while one is at work."""
    if ModelImport.objects.filter(state=ImportState.RUNNING).exists():
        return None
    waiting = ModelImport.objects.filter(state=ImportState.WAITING)
    return waiting.order_by(F("asked_at").asc(nulls_last=True)).first()


def _require(row: ModelImport, states: Iterable[str], what: str) -> None:
    if row.state not in set(states):
        raise Conflict("closed", f"This import is {row.state}: it {what}.")


def _note(actor: Actor, event: Event, row: ModelImport, **detail: Any) -> None:
    record(
        actor=actor,
        event=event,
        object_kind="model_import",
        object_id=row.id,
        detail=detail,
    )

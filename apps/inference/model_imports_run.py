"""The work of an import, in a worker of the portal's own machine, one at a time.

The row is the truth: a run claims it, says in it that it lives, and its last word
counts only while the claim is its own. What loses its worker is called interrupted,
and a person starts it again; nothing is begun anew by itself.
"""

from __future__ import annotations

import logging
import os
import shutil
import time
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction

from apps.accounts.selectors import make_actor
from apps.accounts.types import SYSTEM
from apps.audit.events import Event
from apps.audit.services import record
from apps.core import clock
from apps.core.errors import DomainError, Forbidden, Invalid
from apps.core.queue import enqueue
from apps.core.steps import Step
from apps.inference.card_gaps import plain_reason
from apps.inference.library import add_model
from apps.inference.model_imports import (
    IMPORT_QUEUE,
    imports_folder,
    next_waiting,
    remove_upload,
    source_name,
    upload_folder,
)
from apps.inference.models import ModelImport
from apps.inference.types import STARTABLE, ImportState
from workers.model_files import hash_source
from workers.model_import import ImportStoppedError

if TYPE_CHECKING:
    from apps.inference.models import ModelVersion

log = logging.getLogger(__name__)

BEAT_EVERY_S: Final = 5.0
STALE: Final = timedelta(seconds=60)
"""After this long without a word its worker is gone."""
LOST_IN_QUEUE: Final = timedelta(seconds=30)
KEPT: Final = timedelta(days=7)
"""So long an upload lies here that nobody touches."""
_WORK: Final = "work"
_MOST_STEPS: Final = 200
_INTERRUPTED: Final = (
    "The worker that imported it ended in the middle. Nothing was added; the upload"
    " is still here."
)


@dataclass(slots=True)
class _Run:
    """One run of an import.

    Attributes:
        row: The import.
        claim: What names this run in the row.
        begun: When it began, of the monotonic clock.
    """

    row: ModelImport
    claim: UUID
    begun: float = field(default_factory=time.monotonic)
    beaten: float = field(default_factory=time.monotonic)

    def seconds(self) -> float:
        return round(time.monotonic() - self.begun, 1)

    def tell(self, words: str) -> None:
        """Put words of progress where the page reads them."""
        said = {"seconds": self.seconds(), "words": words}
        self.row.steps = [*self.row.steps, said][-_MOST_STEPS:]
        self._write(steps=self.row.steps)

    def stopped(self) -> bool:
        """Say that it lives; return whether it is to end."""
        if time.monotonic() - self.beaten >= BEAT_EVERY_S:
            self._write()
        wanted = ModelImport.objects.filter(
            id=self.row.id, claim=self.claim, cancel_asked=False
        )
        return not wanted.exists()

    def end(self, state: ImportState, *, reason: str = "", **more: Any) -> None:
        """Say what became of it."""
        now, seconds = clock.now(), self.seconds()
        tried = {
            "at": now.isoformat(),
            "seconds": seconds,
            "outcome": state.value,
            "reason": reason,
        }
        self._write(
            state=state,
            reason=reason,
            ended_at=now,
            tries=[*self.row.tries, tried],
            **more,
        )

    def _write(self, **changes: Any) -> None:
        self.beaten = time.monotonic()
        now = clock.now()
        ModelImport.objects.filter(id=self.row.id, claim=self.claim).update(
            **changes, beat_at=now, updated_at=now
        )


def run_import(*, import_id: UUID) -> None:
    """Import a model that waits; done again, or while another runs, it does nothing."""
    row = _claimed(import_id)
    if row is None or row.claim is None:
        return
    run = _Run(row=row, claim=row.claim)
    try:
        _work(run)
    except Exception as error:
        log.exception("an import of a model broke off")
        run.end(
            ImportState.INTERRUPTED,
            reason=f"The portal failed at it ({type(error).__name__}). Nothing was"
            " added; the upload is still here.",
        )
    finally:
        _clear_work(row.id)
    go_on()


def _claimed(import_id: UUID) -> ModelImport | None:
    """Return a waiting import for this run alone; None when it is not its turn."""
    try:
        with transaction.atomic():
            rows = ModelImport.objects.select_for_update().filter(id=import_id)
            row = rows.filter(state=ImportState.WAITING).first()
            if row is None:
                return None
            now = clock.now()
            row.state, row.claim = ImportState.RUNNING, uuid4()
            row.started_at = row.beat_at = now
            row.save()
    except IntegrityError:  # another one is running
        return None
    return row


def _work(run: _Run) -> None:
    try:
        model = _import(run)
    except ImportStoppedError:
        run.end(ImportState.CANCELLED, files_kept=False)
        remove_upload(import_id=run.row.id)
    except DomainError as error:
        _note_refusal(run, error)
        run.end(ImportState.REFUSED, reason=plain_reason(error.detail))
    else:
        run.end(ImportState.ADDED, model=model, files_kept=False)
        remove_upload(import_id=run.row.id)


def _import(run: _Run) -> ModelVersion:
    row = run.row
    if not row.by.is_active:
        raise Forbidden("forbidden", "The account that began this import is closed.")
    run.tell("putting its files in place")
    work = upload_folder(import_id=row.id) / _WORK
    source = _lay_out(row, work)
    run.tell("hashing what was uploaded")
    row.sha256 = hash_source(source)
    ModelImport.objects.filter(id=row.id).update(sha256=row.sha256)
    if row.expected_sha256 and row.expected_sha256.lower() != row.sha256:
        raise Invalid(
            "wrong_hash",
            f"What was uploaded has the SHA-256 {row.sha256}, and another one was"
            " expected: it is not the file that its publisher means.",
        )
    return add_model(
        actor=make_actor(user=row.by),
        source=source,
        kind=row.kind,
        card=row.card,
        progress=run.tell,
        stop=run.stopped,
        scratch=work,
    )


def _lay_out(row: ModelImport, work: Path) -> Path:
    """Give the pieces' files their names again, in a folder of this run."""
    shutil.rmtree(work, ignore_errors=True)
    files = list(row.files.all())
    home = work / "in"
    for line in files:
        place = home / line.name
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if line.size:
            os.link(work.parent / str(line.id), place)
        else:
            place.touch()
    return home / source_name([line.name for line in files])


def _clear_work(import_id: UUID) -> None:
    shutil.rmtree(upload_folder(import_id=import_id) / _WORK, ignore_errors=True)


def _note_refusal(run: _Run, error: DomainError) -> None:
    """Put a refusal on record that the library has not put there itself."""
    if error.code == "import_refused":
        return
    with transaction.atomic():
        record(
            actor=make_actor(user=run.row.by),
            event=Event.MODEL_REFUSE,
            object_kind="model_import",
            object_id=run.row.id,
            detail={"reason": error.detail[:400]},
        )


def go_on() -> None:
    """Have the next import begin, if one waits and none is at work."""
    waiting = next_waiting()
    if waiting is not None:
        enqueue(Step.RUN_MODEL_IMPORT, queue=IMPORT_QUEUE, import_id=str(waiting.id))


def sweep_imports() -> dict[str, int]:
    """Find imports whose worker died, messages that were lost, uploads nobody wants."""
    now = clock.now()
    stale = ModelImport.objects.filter(
        state=ImportState.RUNNING, beat_at__lt=now - STALE
    )
    interrupted = [_interrupt(row.id) for row in stale]
    waiting = next_waiting()
    lost = waiting is not None and (waiting.asked_at or now) < now - LOST_IN_QUEUE
    if lost:
        go_on()
    old = ModelImport.objects.filter(
        state__in=STARTABLE, files_kept=True, updated_at__lt=now - KEPT
    )
    forgotten = [_forget(row.id) for row in old]
    return {
        "interrupted": sum(interrupted),
        "sent": int(lost),
        "forgotten": sum(forgotten),
        "removed": _remove_strays(),
    }


@transaction.atomic
def _interrupt(import_id: UUID) -> bool:
    row = (
        ModelImport.objects.select_for_update()
        .filter(
            id=import_id,
            state=ImportState.RUNNING,
            beat_at__lt=clock.now() - STALE,
        )
        .first()
    )
    if row is None:
        return False
    now, began = clock.now(), row.started_at or row.created_at
    ended = row.beat_at or now
    tried = {
        "at": now.isoformat(),
        "seconds": round((ended - began).total_seconds(), 1),
        "outcome": ImportState.INTERRUPTED.value,
        "reason": _INTERRUPTED,
    }
    row.state, row.reason = ImportState.INTERRUPTED, _INTERRUPTED
    if row.cancel_asked:
        row.state, row.reason = ImportState.CANCELLED, ""
        row.files_kept = False
        tried |= {"outcome": ImportState.CANCELLED.value, "reason": ""}
    row.tries = [*row.tries, tried]
    row.claim, row.ended_at = None, now
    row.save()
    record(
        actor=SYSTEM,
        event=Event.MODEL_IMPORT_INTERRUPT,
        object_kind="model_import",
        object_id=row.id,
    )
    transaction.on_commit(lambda: _clear_work(row.id))
    return True


@transaction.atomic
def _forget(import_id: UUID) -> bool:
    row = (
        ModelImport.objects.select_for_update()
        .filter(id=import_id, state__in=STARTABLE, files_kept=True)
        .first()
    )
    if row is None:
        return False
    if row.state == ImportState.UPLOADING:
        row.state, row.ended_at = ImportState.CANCELLED, clock.now()
        row.reason = "Nobody went on with the upload for a week."
    row.files_kept = False
    row.save()
    record(
        actor=SYSTEM,
        event=Event.MODEL_IMPORT_FORGET,
        object_kind="model_import",
        object_id=row.id,
    )
    return True


def _remove_strays() -> int:
    """Remove folders of which no import keeps anything; return how many went."""
    home = imports_folder()
    there = {path.name: path for path in home.iterdir()} if home.is_dir() else {}
    if not there:
        return 0
    kept = ModelImport.objects.filter(files_kept=True).values_list("id", flat=True)
    strays = set(there) - {str(import_id) for import_id in kept}
    for name in strays:
        shutil.rmtree(there[name], ignore_errors=True)
    return len(strays)

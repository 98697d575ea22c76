"""Work that was given up: inference runs and pixel packs, and another try for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from apps.core.errors import Invalid
from apps.inference.models import InferenceRun
from apps.inference.selectors import runs_at
from apps.inference.services import retry_run
from apps.inference.types import RunState
from apps.studies.models import StudyRevision
from apps.studies.pack_retries import packs_at, retry_pack
from apps.studies.types import PackState
from apps.workflow import flow
from apps.workflow.answers import show_ai
from apps.workflow.cursors import read_moment, write_moment
from apps.workflow.visibility import untold_studies

if TYPE_CHECKING:
    from enum import StrEnum

    from django.db.models import QuerySet

    from apps.accounts.types import Actor

PAGE = 50
_SALT = "overread.dead_letters.cursor"

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some rows, the last changed first.

    Attributes:
        items: As the API shows them; they name no patient.
        next_cursor: Where the next page begins; None on the last.
    """

    items: list[Row]
    next_cursor: str | None


def list_runs(*, actor: Actor, state: str, cursor: str) -> Page:
    """Return a page of the runs of the actor's sites, all or those in one state."""
    rows = runs_at(actor=actor, state=_known(state, RunState)).exclude(
        revision__study_id__in=untold_studies(actor=actor)
    )
    return _page(rows, cursor=cursor, shape=_run_row)


def list_packs(*, actor: Actor, state: str, cursor: str) -> Page:
    """Return a page of the packs of the actor's sites, all or those in one state."""
    rows = packs_at(actor=actor, state=_known(state, PackState))
    return _page(rows, cursor=cursor, shape=_pack_row)


@transaction.atomic
def try_run_again(*, actor: Actor, run_id: UUID) -> Row:
    """Send a failed run to the workers once more, and show that it is under way."""
    run = retry_run(actor=actor, run_id=run_id)
    flow.send_run(run_id=run.id)
    show_ai(revision_id=run.revision_id)
    run.refresh_from_db()
    return _run_row(run)


@transaction.atomic
def try_pack_again(*, actor: Actor, revision_id: UUID) -> Row:
    """Ask for a failed pack once more."""
    revision = retry_pack(actor=actor, revision_id=revision_id)
    flow.request_pack(revision_id=revision.id)
    revision.refresh_from_db()
    return _pack_row(revision)


def _known(state: str, states: type[StrEnum]) -> str:
    names = [member.value for member in states]
    if state and state not in names:
        raise Invalid("invalid", f"state: one of {', '.join(names)}.")
    return state


def _page(rows: QuerySet[Any], *, cursor: str, shape: Any) -> Page:
    after = read_moment(text=cursor, salt=_SALT)
    if after is not None:
        changed_at, row_id = after
        older = Q(updated_at__lt=changed_at)
        rows = rows.filter(older | Q(updated_at=changed_at, id__lt=row_id))
    found = list(rows[: PAGE + 1])
    more = len(found) > PAGE
    found = found[:PAGE]
    last = found[-1] if more else None
    return Page(
        items=[shape(row) for row in found],
        next_cursor=last
        and write_moment(at=last.updated_at, row_id=last.id, salt=_SALT),
    )


def _run_row(run: InferenceRun) -> Row:
    model = run.model_version
    return {
        "id": run.id,
        "state": run.state,
        "reason": run.reason,
        "attempts": run.attempts,
        "requested_at": run.requested_at,
        "changed_at": run.updated_at,
        "model": {"name": model.name, "version": model.version},
        "slot": run.slot.kind,
        **_study_part(run.revision),
    }


def _pack_row(revision: StudyRevision) -> Row:
    return {
        "id": revision.id,
        "state": revision.pack_state,
        "reason": revision.pack_reason,
        "attempts": revision.pack_attempts,
        "requested_at": revision.pack_requested_at,
        "changed_at": revision.updated_at,
        **_study_part(revision),
    }


def _study_part(revision: StudyRevision) -> Row:
    study = revision.study
    modalities = sorted({str(s["modality"]) for s in revision.series})
    return {
        "study": {
            "id": study.id,
            "uid": study.study_uid,
            "modality": "/".join(modalities),
            "revision": revision.number,
        },
        "site": {"id": study.site_id, "name": study.site.name},
    }

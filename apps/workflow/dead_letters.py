"""Work that was given up, and another try for it.

Inference runs, explanations of their findings, comparisons with earlier studies,
interpolations, pixel packs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from apps.annotations.types import JobState
from apps.core.errors import Invalid
from apps.inference.explanations import explanations_at
from apps.inference.models import InferenceRun
from apps.inference.selectors import runs_at
from apps.inference.services import retry_run
from apps.inference.types import ComparisonState, ExplanationState, RunState
from apps.studies.models import StudyRevision
from apps.studies.pack_retries import packs_at, retry_pack
from apps.studies.types import PackState
from apps.workflow import flow
from apps.workflow.answers import show_ai
from apps.workflow.cursors import read_moment, write_moment
from apps.workflow.explaining import try_explanation_again as try_again
from apps.workflow.longitudinal.retries import comparisons_at, retry_comparison
from apps.workflow.segments.retries import interpolations_at, retry_interpolation
from apps.workflow.visibility import untold_studies

if TYPE_CHECKING:
    from enum import StrEnum

    from django.db.models import QuerySet

    from apps.accounts.types import Actor
    from apps.annotations.models import SegmentInterpolation
    from apps.inference.models import Comparison, Explanation

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


def list_explanations(*, actor: Actor, state: str, cursor: str) -> Page:
    """Return a page of the explanations of findings of the actor's sites."""
    rows = explanations_at(actor=actor, state=_known(state, ExplanationState)).exclude(
        run__revision__study_id__in=untold_studies(actor=actor)
    )
    return _page(rows, cursor=cursor, shape=_work_of_run)


def list_comparisons(*, actor: Actor, state: str, cursor: str) -> Page:
    """Return a page of the comparisons of the actor's sites."""
    untold = untold_studies(actor=actor)
    rows = (
        comparisons_at(actor=actor, state=_known(state, ComparisonState))
        .exclude(run__revision__study_id__in=untold)
        .exclude(prior_run__revision__study_id__in=untold)
    )
    return _page(rows, cursor=cursor, shape=_work_of_run)


def list_interpolations(*, actor: Actor, state: str, cursor: str) -> Page:
    """Return a page of the interpolations of the actor's sites."""
    rows = interpolations_at(actor=actor, state=_known(state, JobState))
    return _page(rows, cursor=cursor, shape=_interpolation_row)


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
def try_explanation_again(*, actor: Actor, explanation_id: UUID) -> Row:
    """Ask once more where findings come from; it waits for its turn."""
    return _work_of_run(try_again(actor=actor, explanation_id=explanation_id))


@transaction.atomic
def try_comparison_again(*, actor: Actor, comparison_id: UUID) -> Row:
    """Ask for a failed comparison once more."""
    return _work_of_run(retry_comparison(actor=actor, comparison_id=comparison_id))


@transaction.atomic
def try_interpolation_again(*, actor: Actor, job_id: UUID) -> Row:
    """Ask for a failed interpolation once more."""
    return _interpolation_row(retry_interpolation(actor=actor, job_id=job_id))


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


def _work_of_run(row: Comparison | Explanation) -> Row:
    model = row.run.model_version
    return {
        "id": row.id,
        "state": row.state,
        "reason": row.reason,
        "attempts": row.attempts,
        "requested_at": row.requested_at,
        "changed_at": row.updated_at,
        "model": {"name": model.name, "version": model.version},
        **_study_part(row.run.revision),
    }


def _interpolation_row(row: SegmentInterpolation) -> Row:
    return {
        "id": row.id,
        "state": row.state,
        "reason": row.reason,
        "attempts": row.attempts,
        "requested_at": row.asked_at,
        "changed_at": row.updated_at,
        **_study_part(row.reading.revision),
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

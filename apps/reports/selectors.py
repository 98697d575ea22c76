"""Which objects of ours exist, and which still have to leave."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Q

from apps.annotations.models import Reading, Verification
from apps.annotations.types import VerificationState
from apps.core.errors import Forbidden
from apps.core.permissions import Permission
from apps.core.steps import Step
from apps.inference.models import InferenceRun
from apps.inference.types import RunState, SlotKind
from apps.reports.compared import exportable_comparisons
from apps.reports.models import ExportedObject, ExportKind, ExportState

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

    from apps.accounts.types import Actor

EXPORTED_STATES = (RunState.DONE.value, RunState.REJECTED.value)


def own_sop_uids(*, study_uid: str) -> frozenset[str]:
    """Return the SOP Instance UIDs that Overread wrote into a study."""
    rows = ExportedObject.objects.filter(study__study_uid=study_uid)
    return frozenset(rows.values_list("sop_uid", flat=True))


def exports_of(*, actor: Actor, state: str) -> QuerySet[ExportedObject]:
    """Return exports of the actor's sites, newest first, for the admin page."""
    sites = actor.sites_with(Permission.EXPORT_READ)
    if not sites:
        raise Forbidden("forbidden", "Your role does not see exports.")
    rows = ExportedObject.objects.select_related("study__site").filter(
        study__site_id__in=sites
    )
    if state:
        rows = rows.filter(state=state)
    return rows.order_by("-updated_at")


def exports_due(
    *, now: datetime, before: datetime, results_before: datetime, limit: int
) -> list[tuple[Step, str, UUID]]:
    """Return (step, argument name, source id) of every export that was lost.

    Args:
        now: The time.
        before: What is older than this and was not begun counts as lost …
        results_before: … and a model's result from this on: many wait in a burst.
        limit: At most so many of a kind.
    """
    runs = InferenceRun.objects.filter(
        state__in=EXPORTED_STATES,
        finished_at__lt=results_before,
        slot__kind=SlotKind.LIVE,
        set_aside_at__isnull=True,
        exportedobject__isnull=True,
    ).values_list("id", flat=True)
    readings = Reading.objects.filter(
        signed_at__lt=before, exportedobject__isnull=True
    ).values_list("id", flat=True)
    verified = Verification.objects.filter(
        state=VerificationState.VERIFIED,
        decided_at__lt=before,
        exportedobject__isnull=True,
    ).values_list("reading_id", flat=True)
    compared = exportable_comparisons().filter(
        finished_at__lt=results_before, exportedobject__isnull=True
    )
    waiting = (
        ExportedObject.objects.select_related("finding", "segmentation", "verification")
        .filter(
            Q(retry_at__lte=now) | Q(retry_at__isnull=True, created_at__lt=before),
            state=ExportState.PENDING,
        )
        .order_by("created_at")
    )
    due: list[tuple[Step, str, UUID]] = [
        (Step.EXPORT_RESULT, "run_id", run_id) for run_id in runs[:limit]
    ]
    due += [(Step.EXPORT_READING, "reading_id", rid) for rid in readings[:limit]]
    due += [(Step.EXPORT_READING, "reading_id", rid) for rid in verified[:limit]]
    due += [
        (Step.EXPORT_COMPARISON, "comparison_id", one)
        for one in compared.values_list("id", flat=True)[:limit]
    ]
    for row in waiting[:limit]:
        if row.kind == ExportKind.AI_RESULT and row.run_id is not None:
            due.append((Step.EXPORT_RESULT, "run_id", row.run_id))
        elif row.comparison_id is not None:
            due.append((Step.EXPORT_COMPARISON, "comparison_id", row.comparison_id))
        elif row.finding is not None:
            due.append((Step.EXPORT_RESULT, "run_id", row.finding.run_id))
        elif row.segmentation is not None:
            due.append((Step.EXPORT_READING, "reading_id", row.segmentation.reading_id))
        elif row.verification is not None:
            due.append((Step.EXPORT_READING, "reading_id", row.verification.reading_id))
        elif row.reading_id is not None:
            due.append((Step.EXPORT_READING, "reading_id", row.reading_id))
    return due

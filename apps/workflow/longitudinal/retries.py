"""Comparisons that failed: which, and how one is tried again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.db import transaction

from apps.audit.events import Event
from apps.audit.services import record
from apps.core.errors import Conflict, Forbidden, NotFound
from apps.core.permissions import Permission
from apps.core.queue import forget_losses
from apps.inference.models import Comparison
from apps.inference.types import ComparisonState
from apps.workflow.longitudinal.comparing import send_comparison

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from apps.accounts.types import Actor

_ABSENT: Final = "There is no such comparison."


def comparisons_at(*, actor: Actor, state: str) -> QuerySet[Comparison]:
    """Return comparisons of the actor's sites, the last changed first."""
    sites = actor.sites_with(Permission.EXPORT_READ)
    if not sites:
        raise Forbidden("forbidden", "Your role does not see comparisons.")
    rows = Comparison.objects.select_related(
        "run__revision__study__site", "run__model_version"
    ).filter(run__revision__study__site_id__in=sites)
    if state:
        rows = rows.filter(state=state)
    return rows.order_by("-updated_at", "-id")


@transaction.atomic
def retry_comparison(*, actor: Actor, comparison_id: UUID) -> Comparison:
    """Send a failed comparison to a worker as if it had never been tried.

    Raises:
        NotFound: There is none, or not at a site where the actor may do that.
        Conflict: It has not failed.
    """
    row = (
        Comparison.objects.select_for_update(of=("self",))
        .select_related("run__revision__study__site", "run__model_version")
        .select_related("prior_run__revision")
        .filter(id=comparison_id)
        .first()
    )
    if row is None:
        raise NotFound("not_found", _ABSENT)
    study = row.run.revision.study
    if not actor.can(Permission.DEAD_LETTER_RETRY, study.site_id):
        raise NotFound("not_found", _ABSENT)
    if row.state != ComparisonState.FAILED:
        raise Conflict(
            "not_failed", f"This comparison is {row.state}: nothing to try again."
        )
    given_up_for = row.reason
    row.state, row.reason, row.attempts = ComparisonState.QUEUED, "", 0
    row.requested_at = row.finished_at = None
    row.save()
    record(
        actor=actor,
        event=Event.COMPARISON_RETRY,
        site_id=study.site_id,
        patients=[study.patient_id],
        studies=[study.id, row.prior_run.revision.study_id],
        object_kind="comparison",
        object_id=row.id,
        detail={"model": str(row.run.model_version), "failed": given_up_for},
    )
    forget_losses(str(row.id))
    send_comparison(comparison_id=row.id)
    row.refresh_from_db()
    return row

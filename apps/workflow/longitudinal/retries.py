"""Comparisons that failed: which, and how one is tried again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.db import transaction

from apps.audit.events import Event
from apps.audit.services import record
from apps.core.queue import forget_losses
from apps.inference.models import Comparison
from apps.studies.given_up import Work, access_failed, work_at
from apps.workflow.longitudinal.comparing import begin_anew, send_comparison

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from apps.accounts.types import Actor

_WORK: Final = Work(name="comparison", study="run__revision__study")


def comparisons_at(*, actor: Actor, state: str) -> QuerySet[Comparison]:
    """Return comparisons of the actor's sites, the last changed first."""
    rows = Comparison.objects.select_related(
        "run__revision__study__site", "run__model_version"
    )
    return work_at(actor=actor, work=_WORK, rows=rows, state=state)


@transaction.atomic
def retry_comparison(*, actor: Actor, comparison_id: UUID) -> Comparison:
    """Send a failed comparison to a worker as if it had never been tried.

    Raises:
        NotFound: There is none, or not at a site where the actor may do that.
        Conflict: It has not failed.
    """
    rows = Comparison.objects.select_related(
        "run__revision__study__site", "run__model_version", "prior_run__revision"
    )
    row = access_failed(actor=actor, work=_WORK, rows=rows, row_id=comparison_id)
    study, given_up_for = row.run.revision.study, row.reason
    row.renewals = 0
    begin_anew(row)
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

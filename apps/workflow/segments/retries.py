"""Interpolations that failed: which, and how one is tried again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.db import transaction

from apps.annotations.models import SegmentInterpolation
from apps.annotations.types import JobState, ReadingState
from apps.audit.events import Event
from apps.audit.services import record
from apps.core import clock
from apps.core.errors import Conflict, Forbidden, NotFound
from apps.core.permissions import Permission
from apps.core.queue import forget_losses
from apps.workflow.segments.interpolation import send_interpolation

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from apps.accounts.types import Actor

_ABSENT: Final = "There is no such interpolation."
_SIGNED: Final = (
    "The reading is signed: nothing can be filled in it any more. Who amends it fills"
    " anew."
)


def interpolations_at(*, actor: Actor, state: str) -> QuerySet[SegmentInterpolation]:
    """Return interpolations of the actor's sites, the last changed first."""
    sites = actor.sites_with(Permission.EXPORT_READ)
    if not sites:
        raise Forbidden("forbidden", "Your role does not see interpolations.")
    rows = SegmentInterpolation.objects.select_related(
        "reading__revision__study__site"
    ).filter(reading__revision__study__site_id__in=sites)
    if state:
        rows = rows.filter(state=state)
    return rows.order_by("-updated_at", "-id")


@transaction.atomic
def retry_interpolation(*, actor: Actor, job_id: UUID) -> SegmentInterpolation:
    """Send a failed interpolation to a worker as if it had never been tried.

    What it makes is kept for its reader, who takes it by filling again in the room.

    Raises:
        NotFound: There is none, or not at a site where the actor may do that.
        Conflict: It has not failed, or its reading is signed.
    """
    job = (
        SegmentInterpolation.objects.select_for_update(of=("self",))
        .select_related("reading__revision__study__site")
        .filter(id=job_id)
        .first()
    )
    if job is None:
        raise NotFound("not_found", _ABSENT)
    study = job.reading.revision.study
    if not actor.can(Permission.DEAD_LETTER_RETRY, study.site_id):
        raise NotFound("not_found", _ABSENT)
    if job.state != JobState.FAILED:
        raise Conflict(
            "not_failed", f"This interpolation is {job.state}: nothing to try again."
        )
    if job.reading.state == ReadingState.SIGNED:
        raise Conflict("signed", _SIGNED)
    given_up_for = job.reason
    job.state, job.reason, job.attempts = JobState.QUEUED, "", 0
    job.asked_at = clock.now()
    job.save()
    record(
        actor=actor,
        event=Event.SEGMENT_RETRY,
        site_id=study.site_id,
        patients=[study.patient_id],
        studies=[study.id],
        object_kind="reading",
        object_id=job.reading_id,
        detail={"job": str(job.id), "failed": given_up_for},
    )
    forget_losses(str(job.id))
    send_interpolation(job_id=job.id)
    job.refresh_from_db()
    return job

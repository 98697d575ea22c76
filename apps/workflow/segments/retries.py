"""Interpolations that failed: which, and how one is tried again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.db import transaction

from apps.annotations.models import SegmentInterpolation
from apps.annotations.types import ReadingState
from apps.audit.events import Event
from apps.core.errors import Conflict
from apps.core.queue import forget_losses
from apps.studies.given_up import Work, access_failed, work_at
from apps.workflow.segments.interpolation import (
    audit,
    begin_anew,
    send_interpolation,
)

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from apps.accounts.types import Actor

_WORK: Final = Work(name="interpolation", study="reading__revision__study")
_SIGNED: Final = (
    "The reading is signed: nothing can be filled in it any more. Who amends it fills"
    " anew."
)


def interpolations_at(*, actor: Actor, state: str) -> QuerySet[SegmentInterpolation]:
    """Return interpolations of the actor's sites, the last changed first."""
    rows = SegmentInterpolation.objects.select_related("reading__revision__study__site")
    return work_at(actor=actor, work=_WORK, rows=rows, state=state)


@transaction.atomic
def retry_interpolation(*, actor: Actor, job_id: UUID) -> SegmentInterpolation:
    """Send a failed interpolation to a worker as if it had never been tried.

    What it makes is kept for its reader, who takes it by filling again in the room.

    Raises:
        NotFound: There is none, or not at a site where the actor may do that.
        Conflict: It has not failed, or its reading is signed.
    """
    rows = SegmentInterpolation.objects.select_related("reading__revision__study__site")
    job = access_failed(actor=actor, work=_WORK, rows=rows, row_id=job_id)
    if job.reading.state == ReadingState.SIGNED:
        raise Conflict("signed", _SIGNED)
    given_up_for = job.reason
    job.renewals = 0
    begin_anew(job)
    audit(job, actor=actor, event=Event.SEGMENT_RETRY, failed=given_up_for)
    forget_losses(str(job.id))
    send_interpolation(job_id=job.id)
    job.refresh_from_db()
    return job

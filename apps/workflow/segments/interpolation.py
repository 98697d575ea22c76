"""Filling between drawn slices: asked for by a reader, done by a worker."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from apps.accounts.types import SYSTEM
from apps.annotations.geometry import is_uid, mapping, wrong
from apps.annotations.models import SegmentInterpolation, SegmentSlice
from apps.annotations.segment_content import (
    MAX_SEGMENTS,
    is_sha256,
    parse_slices,
    split_key,
)
from apps.annotations.segment_files import inflate, read_packed, require_hash
from apps.annotations.segments import keep_slice, known_slices
from apps.annotations.types import JobState, ReadingState
from apps.audit.events import Event
from apps.audit.services import record
from apps.core import clock
from apps.core.errors import Conflict, DomainError, NotFound, Unavailable
from apps.core.permissions import Permission
from apps.core.queue import send
from apps.interop.types import ArchiveError
from apps.studies.machine import INTERPOLATE, issue_token
from apps.studies.planes import planes_of_series
from apps.studies.renewing import is_outdated, judge_renewal
from apps.studies.types import Renewal
from apps.workflow.segments.desk import leased_reading
from apps.worklist.selectors import access_item
from workers.contracts import PRIORITY_URGENT, QUEUE_PIXELS
from workers.measures.planes import places_of
from workers.segment_contracts import (
    TASK_INTERPOLATE,
    InterpolateRequest,
    InterpolateResult,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apps.accounts.types import Actor
    from apps.annotations.models import Reading
    from apps.studies.models import StudyRevision
    from workers.measures.planes import Plane

MAX_WAITING: Final = 3
MAX_ATTEMPTS: Final = 3
PATIENCE: Final = timedelta(seconds=60)
_ABSENT: Final = "There is no such interpolation here."
_WAITING: Final = (JobState.QUEUED.value, JobState.RUNNING.value)
_NOTHING: Final = "Draw the segment on two images at least; those between are filled."
_NOWHERE: Final = "It is not known where these images lie, so nothing lies between."
_NOBODY: Final = "No worker answered. Try again; what you drew is kept."


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a reader asks for, parsed.

    Attributes:
        series_uid: The series.
        number: The segment to fill.
        slices: The series' present label maps by image.
    """

    series_uid: str
    number: int
    slices: Mapping[str, str]


def parse_wanted(raw: object) -> Wanted:
    """Return a request, every field checked.

    Raises:
        Invalid: Names the field that is wrong.
    """
    body = mapping(raw, "interpolation")
    if not is_uid(body.get("series_uid")):
        raise wrong("series_uid", "is a DICOM UID")
    number = body.get("number")
    whole = isinstance(number, int) and not isinstance(number, bool)
    if not whole or not 1 <= int(str(number)) <= MAX_SEGMENTS:
        raise wrong("number", f"is a number from 1 to {MAX_SEGMENTS}")
    return Wanted(
        series_uid=str(body["series_uid"]),
        number=int(str(number)),
        slices=dict(parse_slices(raw=body.get("slices"), field="slices")),
    )


@transaction.atomic
def ask(*, actor: Actor, item_id: UUID, raw: object) -> SegmentInterpolation:
    """Ask a worker to fill the images between those that a segment was drawn on.

    Raises:
        Invalid: Names the field that is wrong.
        DomainError: 422 `unknown_slices`; `nothing_between` (it was drawn on fewer
            than two images); `no_places` (nothing is known to lie between).
        Conflict: `lease_lost`, `signed`, or `busy`: others still wait.
        Unavailable: The archive does not answer, and there is no pack.
    """
    wanted = parse_wanted(raw)
    reading = leased_reading(actor=actor, item_id=item_id)
    if reading.state == ReadingState.SIGNED:
        raise Conflict("signed", "This reading is signed; amend it instead.")
    waiting = SegmentInterpolation.objects.filter(reading=reading, state__in=_WAITING)
    if waiting.count() >= MAX_WAITING:
        raise Conflict("busy", "Others are still being filled. Wait for those first.")
    rows, columns = _size_of_row(reading.revision, wanted)
    _require_drawn(reading, wanted, (rows, columns))
    job = SegmentInterpolation.objects.create(
        reading=reading,
        series_uid=wanted.series_uid,
        rows=rows,
        columns=columns,
        number=wanted.number,
        slices=dict(wanted.slices),
        asked_at=clock.now(),
    )
    audit(
        job,
        actor=actor,
        event=Event.SEGMENT_INTERPOLATE,
        images=len(wanted.slices),
    )
    send_interpolation(job_id=job.id)
    return job


def _require_drawn(reading: Reading, wanted: Wanted, size: tuple[int, int]) -> None:
    known = known_slices(
        study=reading.revision.study,
        reader_id=reading.reader_id,
        hashes=wanted.slices.values(),
    )
    rows = {key: known.get((sha256, *size)) for key, sha256 in wanted.slices.items()}
    missing = [key for key, row in rows.items() if row is None]
    if missing:
        words = f"What was drawn on {len(missing)} images is not here. Send it again."
        raise DomainError("unknown_slices", words, 422, missing=missing)
    number = str(wanted.number)
    if sum(1 for row in rows.values() if row and number in row.counts) < 2:
        raise DomainError("nothing_between", _NOTHING, 422)


def _size_of_row(revision: StudyRevision, wanted: Wanted) -> tuple[int, int]:
    """Return rows and columns of the images drawn on, which stand in one row."""
    planes = {plane.key: plane for plane in _planes(revision, wanted.series_uid)}
    for key in wanted.slices:
        if key not in planes:
            raise wrong(f"slices.{key}", "is no image of this series")
    sizes = {(planes[key].rows, planes[key].columns) for key in wanted.slices}
    if len(sizes) < 2 and len(wanted.slices) < 2:
        raise DomainError("nothing_between", _NOTHING, 422)
    row, spacing = _row(tuple(planes.values()), next(iter(sizes)))
    if len(sizes) > 1 or spacing is None or not wanted.slices.keys() <= row.keys():
        raise DomainError("no_places", _NOWHERE, 422)
    return next(iter(sizes))


def _row(
    planes: tuple[Plane, ...], size: tuple[int, int]
) -> tuple[dict[str, float], tuple[float, float] | None]:
    """Return where the images of one size stand in a row, and their pixels' spacing."""
    alike = [plane for plane in planes if (plane.rows, plane.columns) == size]
    places = places_of(alike)
    spacing = (plane.spacing for plane in alike if plane.key in places)
    return places, next((one for one in spacing if one), None)


def _planes(revision: StudyRevision, series_uid: str) -> tuple[Plane, ...]:
    try:
        return planes_of_series(revision=revision, series_uid=series_uid)
    except ArchiveError as error:
        words = "The archive does not answer. What you drew is kept; try again."
        raise Unavailable("archive_down", words) from error


@transaction.atomic
def show(*, actor: Actor, item_id: UUID, job_id: UUID) -> SegmentInterpolation:
    """Return how far an interpolation is that the actor asked for on an item."""
    item = access_item(actor=actor, item_id=item_id, need=Permission.READING_WRITE)
    job = (
        SegmentInterpolation.objects.select_related("reading")
        .filter(id=job_id, reading__reader_id=actor.user_id)
        .filter(reading__revision_id=item.case.revision_id)
        .first()
    )
    if job is None:
        raise NotFound("not_found", _ABSENT)
    return job


# --- the worker's side


@transaction.atomic
def send_interpolation(*, job_id: UUID) -> None:
    """Send a request to a worker; one that was sent too often is given up."""
    job = _waiting_job(job_id)
    if job is None:
        return
    if job.attempts >= MAX_ATTEMPTS:
        job.state, job.reason = JobState.FAILED, _NOBODY
        job.save()
        return
    job.attempts += 1
    job.state, job.asked_at = JobState.QUEUED, clock.now()
    job.save()
    revision = job.reading.revision
    request = InterpolateRequest(
        job_id=str(job.id),
        revision_id=str(revision.id),
        token=issue_token(
            request_id=str(job.id), revision_id=revision.id, verbs=[INTERPOLATE]
        ),
        portal_url=settings.PORTAL_URL,
    )
    send(
        TASK_INTERPOLATE,
        queue=QUEUE_PIXELS,
        kwargs={"request": request.to_message()},
        priority=PRIORITY_URGENT,
    )


def _waiting_job(
    job_id: UUID, *, or_given_up: bool = False
) -> SegmentInterpolation | None:
    """Return one that waits, locked; or one that was given up for want of an answer.

    Not one whose reading was signed since it was given up.
    """
    found = Q(state__in=_WAITING)
    if or_given_up:
        unsigned = ~Q(reading__state=ReadingState.SIGNED)
        found |= Q(state=JobState.FAILED, reason=_NOBODY) & unsigned
    return (
        SegmentInterpolation.objects.select_related("reading__revision__study")
        .select_for_update(of=("self",))
        .filter(found, id=job_id)
        .first()
    )


def send_waiting(*, now: datetime, limit: int) -> int:
    """Send again what was asked for long ago and still waits; return how many."""
    rows = SegmentInterpolation.objects.filter(
        state__in=_WAITING, asked_at__lt=now - PATIENCE
    )
    waiting = list(rows.order_by("asked_at").values_list("id", flat=True)[:limit])
    for job_id in waiting:
        send_interpolation(job_id=job_id)
    return len(waiting)


@transaction.atomic
def work_of(*, job_id: UUID) -> dict[str, Any]:
    """Return what a worker has to do: the images in the order in which they lie."""
    job = _waiting_job(job_id)
    if job is None:
        raise NotFound("not_found", _ABSENT)
    planes = _planes(job.reading.revision, job.series_uid)
    places, spacing = _row(planes, (job.rows, job.columns))
    if spacing is None:
        raise NotFound("no_places", _NOWHERE)
    job.state = JobState.RUNNING
    job.save()
    return {
        "rows": job.rows,
        "columns": job.columns,
        "number": job.number,
        "spacing": list(spacing),
        "images": [
            {"key": key, "place_mm": places[key], "sha256": job.slices.get(key)}
            for key in sorted(places, key=lambda key: (places[key], key))
        ],
    }


def read_for_work(*, job_id: UUID, sha256: str) -> bytes:
    """Return a label map that a worker needs, as gzip."""
    job = SegmentInterpolation.objects.filter(id=job_id, state__in=_WAITING).first()
    if job is None or sha256 not in job.slices.values():
        raise NotFound("not_found", _ABSENT)
    return read_packed(sha256=sha256)


@transaction.atomic
def keep_for_work(*, job_id: UUID, sha256: str, packed: bytes) -> bool:
    """Keep a label map that a worker made, as the reader's; True when it is new.

    Raises:
        DomainError: 422 `bad_slice` or `hash_mismatch`.
    """
    job = _waiting_job(job_id)
    if job is None or not is_sha256(sha256):
        raise NotFound("not_found", _ABSENT)
    content = inflate(packed, size=job.rows * job.columns)
    require_hash(content, sha256=sha256)
    kept = keep_slice(
        actor=SYSTEM,
        reading=job.reading,
        sha256=sha256,
        rows=job.rows,
        columns=job.columns,
        content=content,
    )
    return kept.created


@transaction.atomic
def accept_filled(*, result: InterpolateResult) -> None:
    """Take a worker's answer once; label maps that it did not store are no answer.

    Nor is that the request's token had ended: it is sent again.
    """
    job = _waiting_job(UUID(result.job_id), or_given_up=is_outdated(result))
    if job is None or (is_outdated(result) and _renewed(job)):
        return
    job.state, job.reason = JobState(result.state), result.reason[:400]
    stored = SegmentSlice.objects.filter(
        study=job.reading.revision.study,
        reader_id=job.reading.reader_id,
        sha256__in=list(result.slices.values()),
    ).values_list("sha256", flat=True)
    images = set(job.reading.revision.instances.values_list("sop_uid", flat=True))
    named = {split_key(key)[0] for key in result.slices}
    if set(result.slices.values()) <= set(stored) and named <= images:
        job.filled = dict(result.slices)
    else:
        job.state, job.reason = JobState.FAILED, _NOBODY
    job.save()


def _renewed(job: SegmentInterpolation) -> bool:
    """Send a request that had waited too long once more; False when it has failed."""
    renewal = judge_renewal(
        requested_at=job.asked_at,
        renewals=job.renewals,
        is_wanted=job.reading.state != ReadingState.SIGNED,
    )
    if renewal is Renewal.SEND:
        job.renewals += 1
        begin_anew(job)
        audit(job, event=Event.SEGMENT_RENEW, actor=SYSTEM, renewals=job.renewals)
        send_interpolation(job_id=job.id)
    return renewal is not Renewal.FAIL


def begin_anew(job: SegmentInterpolation) -> None:
    """Make it one that was never sent; `send_interpolation` is to follow."""
    job.state, job.reason, job.attempts = JobState.QUEUED, "", 0
    job.asked_at = clock.now()
    job.save()


def audit(
    job: SegmentInterpolation, *, actor: Actor, event: Event, **detail: object
) -> None:
    """Record what befell an interpolation, about the reading that it is for."""
    study = job.reading.revision.study
    record(
        actor=actor,
        event=event,
        site_id=study.site_id,
        patients=[study.patient_id],
        studies=[study.id],
        object_kind="reading",
        object_id=job.reading_id,
        detail={"job": str(job.id), **detail},
    )

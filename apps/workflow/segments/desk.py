"""Label maps of a work item, and what readers segmented and signed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.db import transaction

from apps.annotations.models import Segmentation, SegmentSlice
from apps.annotations.segment_content import is_sha256
from apps.annotations.segment_files import read_packed
from apps.annotations.segments import put_slice
from apps.annotations.types import ReadingState
from apps.audit.events import Event
from apps.audit.services import record
from apps.core.errors import Conflict, Forbidden, Invalid, NotFound
from apps.core.permissions import Permission
from apps.studies.selectors import access_study
from apps.workflow.visibility import is_waiting, visible_study
from apps.worklist.selectors import access_item
from apps.worklist.services import require_lease

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from apps.accounts.types import Actor
    from apps.annotations.models import Reading
    from apps.annotations.segments import KeptSlice
    from apps.studies.models import Patient, Study

HIDDEN: Final = "What others drew is hidden while somebody still reads this study."
MAX_SEGMENTATIONS: Final = 200
_ABSENT: Final = "There is no such label map here."


@transaction.atomic
def keep(
    *,
    actor: Actor,
    item_id: UUID,
    sha256: str,
    rows: str,
    columns: str,
    packed: bytes,
) -> KeptSlice:
    """Keep a label map for the actor's reading of an item that they hold."""
    reading = leased_reading(actor=actor, item_id=item_id)
    return put_slice(
        actor=actor,
        reading_id=reading.id,
        sha256=sha256,
        rows=_number(rows, "rows"),
        columns=_number(columns, "columns"),
        packed=packed,
    )


def leased_reading(*, actor: Actor, item_id: UUID) -> Reading:
    """Return the actor's reading of an item that they hold.

    Raises:
        Conflict: `lease_lost`, or nobody has begun to read.
    """
    item = access_item(actor=actor, item_id=item_id, need=Permission.READING_WRITE)
    require_lease(actor=actor, item=item)
    if item.reading is None:
        raise Conflict("lease_lost", "Nobody has begun a reading of this study.")
    return item.reading


def _number(text: str, name: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        raise Invalid("invalid", f"{name}: is a number.", field=name)
    return int(text)


@transaction.atomic
def read(*, actor: Actor, item_id: UUID, sha256: str) -> bytes:
    """Return a label map, as gzip, that belongs to a reading that the actor may see.

    It is one that they put on the item's study, or one that a signed reading of a
    study of the item's patient names and that is not hidden.

    Raises:
        NotFound: There is none, or it may not be seen.
    """
    item = access_item(actor=actor, item_id=item_id, need=Permission.STUDY_PIXELS_READ)
    if not is_sha256(sha256):
        raise NotFound("not_found", _ABSENT)
    study = item.case.revision.study
    mine = SegmentSlice.objects.filter(
        study=study, reader_id=actor.user_id, sha256=sha256
    )
    if not mine.exists() and not _signed(actor, study.patient, sha256):
        raise NotFound("not_found", _ABSENT)
    record(
        actor=actor,
        event=Event.SEGMENT_READ,
        site_id=study.site_id,
        patients=[study.patient_id],
        studies=[study.id],
        object_kind="work_item",
        object_id=item.id,
        detail={"sha256": sha256},
    )
    return read_packed(sha256=sha256)


def _signed(actor: Actor, patient: Patient, sha256: str) -> bool:
    """Say whether a signed reading that the actor may see names a label map."""
    rows = _of_signed().filter(
        reading__revision__study__patient=patient, hashes__contains=[sha256]
    )
    return any(_may_see(actor, row) for row in rows)


def _may_see(actor: Actor, row: Segmentation) -> bool:
    study = row.reading.revision.study
    try:
        access_study(actor=actor, study_id=study.id, need=Permission.STUDY_PIXELS_READ)
    except (NotFound, Forbidden):
        return False
    if row.reading.reader_id == actor.user_id:
        return True
    return not is_waiting(study=study) and _may_tell(actor, study, row)


def _of_signed() -> QuerySet[Segmentation]:
    """Return signed segmentations; an amended reading speaks through its amendment."""
    rows = Segmentation.objects.filter(reading__state=ReadingState.SIGNED)
    return rows.exclude(reading__amended_by__signed_at__isnull=False).select_related(
        "reading__revision__study__patient", "reading__revision__study__site"
    )


def _may_tell(actor: Actor, study: Study, row: Segmentation) -> bool:
    """Say whether a segmentation may be shown that an AI may have begun.

    A segment copied from a model, or from an object that may be a model's, tells what
    that one found.
    """
    sources = [segment.get("source") for segment in row.body["segments"]]
    by_hand = all(s is None or s["kind"] == "reader" for s in sources)
    return by_hand or visible_study(actor=actor, study=study).visible


@transaction.atomic
def list_signed(*, actor: Actor, study_id: UUID) -> dict[str, Any]:
    """Return the signed segmentations of a study; none while it is still to be read."""
    study = access_study(
        actor=actor, study_id=study_id, need=Permission.STUDY_PIXELS_READ
    )
    waiting = is_waiting(study=study)
    rows = _of_signed().filter(reading__revision__study=study)
    newest = rows.order_by("-reading__signed_at")[:MAX_SEGMENTATIONS]
    shown = [row for row in (() if waiting else newest) if _may_tell(actor, study, row)]
    record(
        actor=actor,
        event=Event.READING_READ,
        site_id=study.site_id,
        patients=[study.patient_id],
        studies=[study.id],
        object_kind="study",
        object_id=study.id,
        detail={"segmentations": len(shown)},
    )
    return {
        "items": [
            {
                **row.body,
                "signed_by": row.reading.signed_name,
                "signed_at": row.reading.signed_at,
            }
            for row in shown
        ],
        "hidden_reason": HIDDEN if waiting else "",
    }

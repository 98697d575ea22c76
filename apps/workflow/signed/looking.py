"""Looking at a study without reading it: nothing is leased, nothing can be changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction

from apps.annotations.amending import may_amend
from apps.annotations.verifying import may_verify
from apps.audit.events import Event
from apps.audit.services import record
from apps.core.errors import Conflict, Gone
from apps.core.permissions import Permission
from apps.studies.services import open_study
from apps.workflow.rows import build_reading, build_row
from apps.worklist.selectors import access_item
from apps.worklist.types import ItemState

if TYPE_CHECKING:
    from uuid import UUID

    from apps.accounts.types import Actor
    from apps.annotations.models import Reading
    from apps.worklist.models import WorkItem


@transaction.atomic
def look_at(*, actor: Actor, item_id: UUID) -> dict[str, Any]:
    """Open a study to look at: a signed one, or one that somebody else reads.

    Returns:
        `{may_verify, may_amend, item, reading}`; the reading is the signed one that
        holds, and None while the study is still read: a colleague's draft is nobody
        else's to see.

    Raises:
        Conflict: `open`: it is free, so it is opened to be read.
        Gone: It was taken off the list without being read.
    """
    item = access_item(actor=actor, item_id=item_id, need=Permission.READING_READ)
    if item.state == ItemState.OPEN:
        raise Conflict("open", "Nobody reads this study now; open it to read it.")
    if item.state == ItemState.CANCELLED:
        raise Gone("cancelled", item.cancelled_reason or "It was taken off the list.")
    study = item.case.revision.study
    open_study(actor=actor, study_id=study.id, revision_id=item.case.revision_id)
    reading = _signed(item)
    if reading is not None:
        record(
            actor=actor,
            event=Event.READING_READ,
            site_id=item.site_id,
            patients=[study.patient_id],
            studies=[study.id],
            object_kind="work_item",
            object_id=item.id,
        )
    return {
        "may_verify": reading is not None and may_verify(actor=actor, reading=reading),
        "may_amend": reading is not None and may_amend(actor=actor, reading=reading),
        "item": build_row(actor=actor, item=item),
        "reading": reading and build_reading(reading=reading, item=item),
    }


def _signed(item: WorkItem) -> Reading | None:
    """Return the signed reading that holds; while it is amended, the one before."""
    reading = item.reading
    if item.state != ItemState.DONE or reading is None:
        return None
    return reading if reading.signed_at is not None else reading.amends

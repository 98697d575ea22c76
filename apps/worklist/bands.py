"""A clinician's band of an item: it overrides the AI's."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from apps.accounts.types import Actor
from apps.annotations.types import BAND_REASONS
from apps.audit.events import Event
from apps.core.errors import Conflict, Invalid
from apps.core.permissions import Permission
from apps.worklist.models import WorkItem
from apps.worklist.selectors import access_item
from apps.worklist.services import apply_rank, audit_item, save_item
from apps.worklist.types import ON_LIST, Band


@dataclass(frozen=True, slots=True)
class BandChange:
    """An item whose band was set.

    Attributes:
        item: As it is now.
        before: Its band until then.
    """

    item: WorkItem
    before: str


@transaction.atomic
def set_band(
    *, actor: Actor, item_id: UUID, band: str, reason_code: str, reason_text: str
) -> BandChange:
    """Set a clinician's band, up or down, with a reason; it overrides the AI's.

    Args:
        actor: Who.
        item_id: What of.
        band: The new one.
        reason_code: One of `BAND_REASONS`.
        reason_text: In words; needed where the reason is `other`.

    Raises:
        NotFound: There is no such item, or it is of a site that is not the actor's.
        Forbidden: The actor's role there does not allow it.
        Invalid: The band or the reason is none.
        Conflict: The study is off the list.
    """
    if band not in [b.value for b in Band]:
        raise Invalid("invalid", "band: is STAT, PRIORITY or ROUTINE.", field="band")
    if reason_code not in BAND_REASONS:
        raise Invalid("invalid", "reason_code: choose a reason.", field="reason_code")
    if reason_code == "other" and not reason_text.strip():
        raise Invalid(
            "invalid", "reason_text: say the reason in words.", field="reason_text"
        )
    item = access_item(
        actor=actor, item_id=item_id, need=Permission.ITEM_BAND, lock=True
    )
    if item.state not in ON_LIST:
        raise Conflict("not_open", f"This study is {item.state}; it is off the list.")
    before, source = item.band, item.band_source
    item.clinician_band = band
    item.band_reason_code = reason_code
    item.band_reason_text = reason_text.strip()[:400]
    item.band_by_id = actor.user_id
    apply_rank(item)
    save_item(item)
    audit_item(
        actor=actor,
        event=Event.ITEM_BAND,
        item=item,
        before=before,
        after=band,
        override=source == "ai" and before != band,
        reason_code=reason_code,
    )
    return BandChange(item=item, before=before)

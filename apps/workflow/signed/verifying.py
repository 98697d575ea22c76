"""Preliminary readings: an attending verifies one, or sends it back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction

from apps.annotations.amending import chains
from apps.annotations.models import Reading
from apps.annotations.verifying import send_back_reading, verify_reading
from apps.core.errors import Conflict
from apps.core.queue import enqueue
from apps.core.steps import Step
from apps.workflow.notices.telling import tell_sent_back
from apps.workflow.signed.selectors import access_signed, items_of
from apps.workflow.signed.services import show_signed
from apps.worklist.models import WorkItem
from apps.worklist.services import announce_item, lease_words

if TYPE_CHECKING:
    from apps.accounts.types import Actor


@transaction.atomic
def verify(*, actor: Actor, reading_id: UUID) -> dict[str, Any]:
    """Verify a preliminary reading as it stands; its verified report leaves.

    Raises:
        NotFound: There is none that the actor may see.
        Forbidden, Conflict: As `verify_reading`; `leased` while somebody amends it.
    """
    reading, item = _free(actor=actor, reading_id=reading_id)
    verify_reading(actor=actor, reading_id=reading.id)
    enqueue(Step.EXPORT_READING, reading_id=str(reading.id))
    return _after(actor=actor, reading=reading, item=item)


@transaction.atomic
def send_back(*, actor: Actor, reading_id: UUID, reason: str) -> dict[str, Any]:
    """Send a preliminary reading back to its reader, who is told."""
    reading, item = _free(actor=actor, reading_id=reading_id)
    send_back_reading(actor=actor, reading_id=reading.id, reason=reason)
    if item is not None:
        tell_sent_back(reading=reading, item=item)
    return _after(actor=actor, reading=reading, item=item)


def _free(*, actor: Actor, reading_id: UUID) -> tuple[Reading, WorkItem | None]:
    """Return a reading that the actor sees and nobody amends just now, and its item."""
    reading = access_signed(actor=actor, reading_id=reading_id)
    if reading.signed_at is None:
        raise Conflict("not_signed", "This reading is not signed yet.")
    item = items_of(readings=[reading]).get(reading.id)
    if item is None:
        return reading, None
    locked = WorkItem.objects.select_for_update(of=("self",)).get(id=item.id)
    if locked.in_hand and locked.lease_holder_id != actor.user_id:
        raise lease_words(locked)
    return reading, locked


def _after(*, actor: Actor, reading: Reading, item: WorkItem | None) -> dict[str, Any]:
    if item is not None:
        announce_item(item=item)
    reading = access_signed(actor=actor, reading_id=reading.id)
    before = chains(readings=[reading])[reading.id]
    return show_signed(actor=actor, row=reading, item=item, before=before)

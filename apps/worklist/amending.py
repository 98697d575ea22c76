"""Taking a done item in hand again: what was signed is about to be amended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from apps.core import clock
from apps.core.errors import Conflict, NotFound
from apps.worklist.services import LEASE, announce_item, lease_words
from apps.worklist.types import ItemState

if TYPE_CHECKING:
    from apps.accounts.types import Actor
    from apps.annotations.models import Reading
    from apps.worklist.models import WorkItem


def signed_of(*, actor: Actor, item: WorkItem) -> Reading:
    """Return the signed reading of an item that the actor may now take to amend it.

    Raises:
        Conflict: `not_signed`, or `leased`: another one amends it just now.
    """
    if item.withdrawn:
        raise NotFound("deleted", "The study was deleted from the archive.")
    if item.state != ItemState.DONE or item.reading is None:
        raise Conflict("not_signed", "This study is not signed yet: just read it.")
    live = item.lease_expires_at is not None and item.lease_expires_at > clock.now()
    if item.in_hand and live and item.lease_holder_id != actor.user_id:
        raise lease_words(item)
    if item.reading.signed_at is None and item.reading.amends is not None:
        return item.reading.amends
    return item.reading


@transaction.atomic
def reopen_item(*, actor: Actor, item: WorkItem, draft: Reading) -> WorkItem:
    """Give the actor a done item to amend. It stays done, and on no list.

    Args:
        actor: Who amends.
        item: Locked, and asked for by `signed_of`.
        draft: The amendment.
    """
    now = clock.now()
    if item.lease_holder_id != actor.user_id or item.lease_since is None:
        item.lease_since = now
    item.lease_holder_id = actor.user_id
    item.lease_expires_at = now + LEASE
    item.lease_number += 1
    item.reading = draft
    announce_item(item=item)
    return item

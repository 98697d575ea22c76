"""Who is told of what: the one place that decides it."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

from apps.core.permissions import Permission
from apps.notifications.selectors import people_who_may
from apps.notifications.services import forget, notify
from apps.notifications.types import Kind
from apps.worklist.types import ON_LIST, Band

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apps.annotations.models import Reading
    from apps.reports.models import CriticalResult
    from apps.worklist.models import WorkItem


def tell_stat(*, item: WorkItem, before: str, by: UUID | None = None) -> None:
    """Tell the readers of a site that an item has become STAT.

    Args:
        item: As it is now.
        before: Its band until now.
        by: Who made it so; they know.
    """
    if item.band != Band.STAT or before == Band.STAT or item.state not in ON_LIST:
        return
    readers = people_who_may(permission=Permission.ITEM_LEASE, site_id=item.site_id)
    notify(
        kind=Kind.STAT,
        people=[one for one in readers if one not in (by, item.lease_holder_id)],
        site_id=item.site_id,
        object_id=item.id,
        item_id=item.id,
    )


def tell_reminder(*, row: CriticalResult) -> None:
    """Remind who signed a critical result that nobody was told of it."""
    notify(
        kind=Kind.CRITICAL,
        people=[row.reading.reader_id],
        site_id=row.site_id,
        object_id=row.id,
        item_id=row.item_id,
    )


def untell_reminder(*, row: CriticalResult) -> None:
    """End the reminders of a critical result: somebody was told, or need not be."""
    forget(kind=Kind.CRITICAL, object_id=row.id)


def tell_mentioned(*, people: Sequence[UUID], message_id: UUID, item: WorkItem) -> None:
    """Tell those whom a message calls; that they may see it was asked before.

    Args:
        people: Whom.
        message_id: The message.
        item: The work item that it was written at.
    """
    notify(
        kind=Kind.MENTION,
        people=people,
        site_id=item.site_id,
        object_id=message_id,
        item_id=item.id,
    )


def tell_sent_back(*, reading: Reading, item: WorkItem) -> None:
    """Tell a reader that a preliminary reading of theirs was sent back."""
    notify(
        kind=Kind.SENT_BACK,
        people=[reading.reader_id],
        site_id=item.site_id,
        object_id=reading.id,
        item_id=item.id,
    )


def tell_assigned(*, to: UUID, batch_id: UUID, items: Sequence[WorkItem]) -> None:
    """Tell a reader that studies were assigned to them, once a site.

    Args:
        to: The reader.
        batch_id: The assignment.
        items: What is assigned.
    """
    sites: dict[UUID, list[WorkItem]] = defaultdict(list)
    for item in items:
        sites[item.site_id].append(item)
    for site_id, here in sites.items():
        notify(
            kind=Kind.ASSIGNED,
            people=[to],
            site_id=site_id,
            object_id=batch_id if len(sites) == 1 else uuid5(batch_id, str(site_id)),
            item_id=here[0].id if len(here) == 1 else None,
            n=len(here),
        )

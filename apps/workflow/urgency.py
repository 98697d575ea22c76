"""How urgent a study is for the queues: by the band that its item has just now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apps.worklist.selectors import items_of_revision
from apps.worklist.types import Band

if TYPE_CHECKING:
    from uuid import UUID

URGENCY: Final = {Band.STAT: 0, Band.PRIORITY: 3, Band.ROUTINE: 6}
"""Priorities of messages, 0 first; Redis keeps a list for each."""
LAST: Final = 9
"""What nobody waits for: objects for the archive, after every result is on record."""


def urgency_of(*, revision_id: UUID) -> int:
    """Return the priority of a revision's messages: that of its most urgent item."""
    bands = [Band(item.band) for item in items_of_revision(revision_id=revision_id)]
    return min((URGENCY[band] for band in bands), default=URGENCY[Band.ROUTINE])

"""What a reader may see of the AI: decided here and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from apps.annotations.models import Reading
from apps.annotations.types import DisplayMode, ReadingState
from apps.core.permissions import Permission

if TYPE_CHECKING:
    from apps.accounts.types import Actor
    from apps.worklist.models import WorkItem

_NEEDS_COMMIT = "Hidden until you commit your own read."
_NEVER = "This protocol does not show AI results."
_REVEALED = (ReadingState.REVEALED.value, ReadingState.SIGNED.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visibility:
    """Whether AI results of an item may leave the server for this person."""

    visible: bool = False
    reason: str = "AI results are not shown to you."


def visible_ai(*, actor: Actor, item: WorkItem) -> Visibility:
    """Return what of the AI the actor may see of an item; nothing by default."""
    if not actor.can(Permission.WORKLIST_READ, item.site_id):
        return Visibility()
    mode = item.case.protocol.display_mode
    if mode == DisplayMode.CONCURRENT:
        return Visibility(visible=True, reason="")
    if mode == DisplayMode.AFTER_COMMIT:
        return _after_commit(actor=actor, item=item)
    return Visibility(reason=_NEVER)


def _after_commit(*, actor: Actor, item: WorkItem) -> Visibility:
    revealed = Reading.objects.filter(
        revision=item.case.revision,
        protocol=item.case.protocol,
        reader_id=actor.user_id,
        state__in=_REVEALED,
    ).exists()
    if revealed:
        return Visibility(visible=True, reason="")
    return Visibility(reason=_NEEDS_COMMIT)

"""Preliminary readings that wait for a person, as a part of the one worklist.

What an attending is to verify, and what was sent back to whoever signed it, is signed
work: off the list of what is to be read, and on a view of the same list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import Q

from apps.annotations.types import VerificationState
from apps.core.permissions import Permission
from apps.workflow.rows import build_rows, show_verification
from apps.workflow.signed.selectors import visible_readings
from apps.worklist.lines import Lines, read_lines
from apps.worklist.models import DONE, WorkItem

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import QuerySet

    from apps.accounts.types import Actor
    from apps.annotations.models import Reading


def _waiting(*, actor: Actor) -> QuerySet[Reading]:
    """Return the signed readings that wait for the actor's verification or amendment.

    A colleague's reading of a study that the actor may still be given to read without
    AI is not among them (`visible_readings`).
    """
    mine = Q(reader_id=actor.user_id)
    verifies = Q(
        revision__study__site_id__in=actor.sites_with(Permission.READING_VERIFY),
        verification__state=VerificationState.WAITING,
    )
    sent_back = mine & Q(verification__state=VerificationState.SENT_BACK)
    return visible_readings(actor=actor).filter(verifies & ~mine | sent_back)


def waiting_readings(*, actor: Actor) -> tuple[UUID, ...]:
    """Return what an item's `reading` is when it waits for the actor.

    The signed readings, and the drafts that amend them: while one is amended its item
    has the draft in hand.
    """
    if not actor.sites_with(Permission.READING_READ):
        return ()
    # A reading that nobody amends has no draft.
    pairs: Iterable[tuple[UUID | None, ...]] = _waiting(actor=actor).values_list(
        "id", "amended_by"
    )
    return tuple(sorted({one for pair in pairs for one in pair if one is not None}))


def tell_waiting(*, actor: Actor, items: Iterable[UUID]) -> dict[str, dict[str, Any]]:
    """Return who signed what waits for the actor, and how far its verification is.

    Args:
        actor: Who asks.
        items: Work items; those of which nothing waits for the actor are left out.

    Returns:
        `{signed_by, mine, state, asked_at, decided_at, decided_by, reason}` by the
        item's id as text.
    """
    wanted = list(items)
    if not wanted or not actor.sites_with(Permission.READING_READ):
        return {}
    read = WorkItem.objects.filter(DONE, id__in=wanted, reading__isnull=False)
    signed: dict[UUID, str] = {}
    for item, reading, amends, at in read.values_list(
        "id", "reading_id", "reading__amends_id", "reading__signed_at"
    ):
        held = reading if at is not None else amends
        if held is not None:
            signed[held] = str(item)
    readings = _waiting(actor=actor).filter(id__in=signed) if signed else ()
    return {
        signed[reading.id]: {
            "signed_by": reading.signed_name,
            "mine": reading.reader_id == actor.user_id,
            **(show_verification(reading=reading) or {}),
        }
        for reading in readings
    }


def waiting_rows(
    *, actor: Actor, site_id: UUID, ids: Iterable[UUID]
) -> tuple[Lines, list[dict[str, Any]]]:
    """Return those of a site's items that wait for the actor, as the list has them."""
    if not actor.can(Permission.READING_READ, site_id):
        return Lines(lines=[], people={}), []
    there = WorkItem.objects.filter(DONE, site_id=site_id, id__in=list(ids))
    told = tell_waiting(actor=actor, items=there.values_list("id", flat=True))
    found = read_lines(ids=[UUID(one) for one in told])
    rows = build_rows(actor=actor, found=found)
    return found, [{**row, "preliminary": told[row["id"]]} for row in rows]

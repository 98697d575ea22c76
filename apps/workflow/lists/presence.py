"""Which colleagues have the list open, and who of them is reading."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apps.accounts.models import Membership, User
from apps.accounts.roles import roles_that_may
from apps.core.permissions import Permission
from apps.core.presence import present_of
from apps.workflow.rows import build_person
from apps.worklist.models import WorkItem
from apps.worklist.types import ItemReason, ItemState

if TYPE_CHECKING:
    from apps.accounts.types import Actor

_LISTING = roles_that_may(Permission.WORKLIST_READ)


def people_here(*, actor: Actor) -> list[dict[str, Any]]:
    """Return the colleagues of one's sites who are here: person, and items held."""
    sites = actor.sites_with(Permission.WORKLIST_READ)
    colleagues = set(
        Membership.objects.filter(
            site_id__in=sites, role__in=_LISTING, user__is_active=True
        ).values_list("user_id", flat=True)
    )
    here = present_of(user_ids=colleagues - {actor.user_id})
    if not here:
        return []
    reading: dict[object, int] = {}
    held = WorkItem.objects.filter(
        site_id__in=sites,
        state=ItemState.LEASED,
        reason=ItemReason.CLINICAL,
        lease_holder_id__in=here,
    )
    for holder in held.values_list("lease_holder_id", flat=True):
        reading[holder] = reading.get(holder, 0) + 1
    people = User.objects.filter(id__in=here).order_by("display_name", "id")
    return [
        {**build_person(person), "reading": reading.get(person.pk, 0)}
        for person in people
    ]

"""Take next: the free item that comes first, by the rule."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from apps.accounts.models import Membership
from apps.accounts.roles import Role, roles_that_may
from apps.audit.events import Event
from apps.core import clock
from apps.core.errors import Forbidden
from apps.core.permissions import Permission
from apps.inference.tiers import Tier
from apps.worklist.models import QueueState, WorkItem
from apps.worklist.selectors import ORDER
from apps.worklist.services import audit_item, take_item
from apps.worklist.types import Band, ItemReason, ItemState

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from apps.accounts.types import Actor


@transaction.atomic
def take_next(*, actor: Actor, site_ids: list[UUID]) -> WorkItem | None:
    """Lease the next free item by the rule; None when nothing is free.

    At most `stat_in_a_row` STAT items are handed out in a row while something
    is overdue; then the most overdue item comes. Two readers who ask at once get
    two items: a locked row is skipped. What is meant for somebody else is left out
    while it is in time.
    """
    sites = actor.sites_with(Permission.ITEM_LEASE)
    wanted = sites & frozenset(site_ids) if site_ids else sites
    if not wanted:
        raise Forbidden("forbidden", "You do not read at any of these sites.")
    free = _free_items(actor, wanted).select_for_update(of=("self",), skip_locked=True)
    first = free.order_by(*ORDER).first()
    if first is None:
        return None
    chosen = _fair(first=first, free=free)
    audit_item(actor=actor, event=Event.ITEM_TAKE_NEXT, item=chosen)
    return take_item(actor=actor, item=chosen)


def _fair(*, first: WorkItem, free: QuerySet[WorkItem]) -> WorkItem:
    queue, _ = QueueState.objects.select_for_update().get_or_create(site=first.site)
    chosen = _by_rule(first=first, free=free, streak=queue.stat_streak)
    queue.stat_streak = queue.stat_streak + 1 if chosen.band == Band.STAT else 0
    queue.save()
    return chosen


def _by_rule(*, first: WorkItem, free: QuerySet[WorkItem], streak: int) -> WorkItem:
    if first.band != Band.STAT or streak < first.site.stat_in_a_row:
        return first
    overdue = (
        free.filter(site_id=first.site_id, deadline_at__lt=clock.now())
        .exclude(band=Band.STAT)
        .order_by("deadline_at", "id")
        .first()
    )
    return overdue or first


def peek_next(*, actor: Actor) -> UUID | None:
    """Return the item that `take_next` would hand out now, without taking it."""
    free = _free_items(actor, actor.sites_with(Permission.ITEM_LEASE))
    first = free.order_by(*ORDER).first()
    if first is None:
        return None
    queue = QueueState.objects.filter(site=first.site).first()
    streak = queue.stat_streak if queue else 0
    return _by_rule(first=first, free=free, streak=streak).id


def _free_items(actor: Actor, sites: frozenset[UUID]) -> QuerySet[WorkItem]:
    """Select what is free for one reader, in any order.

    What a lead meant for somebody else is left to them until its deadline: then
    anybody takes it, so that an absent colleague delays no patient further. One whose
    account was closed, or who no longer reads there, is waited for by nobody. The same
    goes for what the models' sureness means for a resident or a specialist.
    """
    still_reads = Membership.objects.filter(
        user_id=OuterRef("assignee_id"),
        site_id=OuterRef("site_id"),
        role__in=roles_that_may(Permission.ITEM_LEASE),
        user__is_active=True,
    )
    nobodys = (
        Q(assignee__isnull=True)
        | Q(deadline_at__lt=clock.now())
        | ~Q(Exists(still_reads))
    )
    return WorkItem.objects.filter(
        nobodys & _for_whom(actor, sites) | Q(assignee_id=actor.user_id),
        site_id__in=sites,
        state=ItemState.OPEN,
        reason=ItemReason.CLINICAL,
        withdrawn=False,
    ).select_related("site", "case__protocol", "case__revision__study")


def _for_whom(actor: Actor, sites: frozenset[UUID]) -> Q:
    """Select what the models' sureness does not keep from one reader (`Tier`).

    Nothing waits for a tier that is STAT, past its deadline, or whose tier has no
    member at the site; nor where AI ordering is off. A resident is never handed what
    is for a specialist.
    """
    verifies = sites & actor.sites_with(Permission.READING_VERIFY)
    specialist = sites & actor.sites_with(Permission.ITEM_SPECIALIST)
    unheld = (
        Q(site__ai_ordering=False) | Q(band=Band.STAT) | Q(deadline_at__lt=clock.now())
    )
    nobody = ~Q(Exists(_members(Role.SPECIALIST)))
    no_resident = ~Q(Exists(_members(Role.RESIDENT)))
    return (
        Q(tier=Tier.ANYBODY)
        | Q(site__ai_ordering=False)
        | Q(tier=Tier.RESIDENT) & (~Q(site_id__in=verifies) | unheld | no_resident)
        | Q(tier=Tier.SPECIALIST, site_id__in=specialist)
        | Q(tier=Tier.SPECIALIST, site_id__in=verifies) & (unheld | nobody)
    )


def _members(role: Role) -> QuerySet[Membership]:
    return Membership.objects.filter(
        site_id=OuterRef("site_id"), role=role, user__is_active=True
    )

"""Loading work items is authorising; the open list in rank order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import ExtractHour

from apps.accounts.models import Site
from apps.core import clock
from apps.core.errors import Forbidden, NotFound
from apps.core.permissions import Permission
from apps.worklist.models import WorkItem
from apps.worklist.priority import SitePolicy
from apps.worklist.types import ON_LIST, ItemReason, ItemState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apps.accounts.types import Actor

ORDER = ("rank_class", "sort_at", "arrived_at", "id")
SortKey = tuple[int, datetime, datetime, UUID]


def policy_of(*, site: Site) -> SitePolicy:
    """Return a site's ranking settings."""
    return SitePolicy(
        stat_deadline_s=site.stat_deadline_s,
        priority_deadline_s=site.priority_deadline_s,
        routine_deadline_s=site.routine_deadline_s,
        base_rate=site.base_rate,
        critical_weight=site.critical_weight,
        urgent_weight=site.urgent_weight,
        routine_weight=site.routine_weight,
        ai_ordering=site.ai_ordering,
    )


def related_items(items: QuerySet[WorkItem]) -> QuerySet[WorkItem]:
    """Read with each item all that its row shows."""
    return items.select_related(
        "site",
        "lease_holder",
        "assignee",
        "reading",
        "case__protocol",
        "case__revision__study__patient",
        "case__revision__study__site",
    )


def visible_items(
    *, actor: Actor, need: Permission = Permission.WORKLIST_READ
) -> QuerySet[WorkItem]:
    """Items of the sites where the actor may `need`.

    The clinical worklist shows clinical work; labelling has its own lists. What was
    deleted from the archive is not on it.
    """
    return WorkItem.objects.filter(
        site_id__in=actor.sites_with(need),
        reason=ItemReason.CLINICAL,
        withdrawn=False,
    )


def access_item(
    *, actor: Actor, item_id: UUID, need: Permission, lock: bool = False
) -> WorkItem:
    """Return one work item that the actor may use for `need`.

    Raises:
        NotFound: There is none, or it is of a site that is not the actor's.
        Forbidden: The actor's role at the site does not allow `need`.
    """
    if lock:
        # Locked first and read afterwards: a row that had to be waited for is
        # re-read alone, with the lease holder and reading it was joined to before.
        one = WorkItem.objects.select_for_update().filter(id=item_id)
        one.order_by().values_list("id").first()
    item = related_items(WorkItem.objects.filter(id=item_id)).order_by().first()
    gone = "There is no such work item, or it is not yours to see."
    if item is None:
        raise NotFound("not_found", gone)
    if actor.can(need, item.site_id):
        return item
    if actor.is_member(item.site_id):
        raise Forbidden("forbidden", "Your role at this site does not allow this.")
    raise NotFound("not_found", gone)


def items_of_revision(*, revision_id: UUID) -> list[WorkItem]:
    """Items on the list for one revision, for the system's own steps."""
    return list(
        related_items(WorkItem.objects.filter(case__revision_id=revision_id)).order_by(
            "id"
        )
    )


_TIMES: Final = ("arrived_at", "created_at", "updated_at")


def lock_items(*, revision_ids: Iterable[UUID]) -> list[WorkItem]:
    """Lock the items of revisions and read them with what ranks them.

    In the order of their ids, so that nobody waits in a circle; read afterwards, for
    a row that had to be waited for is re-read alone, without what it is joined to.
    """
    items = WorkItem.objects.filter(case__revision_id__in=list(revision_ids))
    locked = items.select_for_update(of=("self",)).order_by("id")
    ids = list(locked.values_list("id", flat=True))
    # Less than a row of the list shows: it is read for every result.
    ranked = WorkItem.objects.select_related(
        "site", "case__protocol", "case__revision__study"
    ).defer(
        *(f"case__revision__{name}" for name in ("series", "withheld", *_TIMES)),
        *(f"case__revision__study__{name}" for name in _TIMES),
        *("case__revision__pack_requested_at", "case__revision__study__deleted_at"),
        *("case__created_at", "case__updated_at"),
        *("site__created_at", "site__updated_at"),
    )
    return list(ranked.filter(id__in=ids).order_by("id"))


def _after(key: SortKey) -> Q:
    rank_class, sort_at, arrived_at, item_id = key
    same = Q(rank_class=rank_class)
    due = same & Q(sort_at=sort_at)
    arrived = due & Q(arrived_at=arrived_at)
    return (
        Q(rank_class__gt=rank_class)
        | same & Q(sort_at__gt=sort_at)
        | due & Q(arrived_at__gt=arrived_at)
        | arrived & Q(id__gt=item_id)
    )


def rank_of(*, item: WorkItem) -> int:
    """Return the place of one item in its site's list."""
    return place_of(
        item=item, key=(item.rank_class, item.sort_at, item.arrived_at, item.id)
    )


def place_of(*, item: WorkItem, key: SortKey) -> int:
    """Return the place an item would have under another key, all else unchanged."""
    others = _others(item)
    return others.exclude(_after(key)).count() + 1


def _others(item: WorkItem) -> QuerySet[WorkItem]:
    return WorkItem.objects.filter(
        site_id=item.site_id, state__in=ON_LIST, reason=item.reason
    ).exclude(id=item.id)


def neighbours(*, item: WorkItem) -> tuple[WorkItem | None, WorkItem | None]:
    """Return the items just above and just below one in its site's list."""
    key = (item.rank_class, item.sort_at, item.arrived_at, item.id)
    others = _others(item)
    below = others.filter(_after(key)).order_by(*ORDER).first()
    above = (
        others.exclude(_after(key)).order_by(*(f"-{name}" for name in ORDER)).first()
    )
    return above, below


def expired_leases(*, now: datetime, limit: int) -> list[UUID]:
    """Items whose lease ended without release."""
    items = WorkItem.objects.filter(
        state__in=[ItemState.LEASED, ItemState.DONE], lease_expires_at__lt=now
    ).order_by("lease_expires_at")
    return list(items.values_list("id", flat=True)[:limit])


def unread_revisions(*, site_id: UUID) -> list[UUID]:
    """Revisions on a site's list that nobody has begun to read, in rank order."""
    items = WorkItem.objects.filter(
        site_id=site_id,
        state=ItemState.OPEN,
        withdrawn=False,
        case__revision__readings__isnull=True,
    ).order_by(*ORDER)
    return list(dict.fromkeys(items.values_list("case__revision_id", flat=True)))


def unread_items(*, revision_id: UUID) -> list[WorkItem]:
    """Items of a revision, locked, if nobody has begun to read it; else none."""
    items = list(
        WorkItem.objects.select_for_update()
        .filter(case__revision_id=revision_id, state__in=ON_LIST)
        .order_by("id")
    )
    begun = WorkItem.objects.filter(
        case__revision_id=revision_id, case__revision__readings__isnull=False
    )
    if begun.exists() or any(item.state != ItemState.OPEN for item in items):
        return []
    return items


def unasked_revisions(*, before: datetime, limit: int) -> list[UUID]:
    """Revisions on the list whose inference was never opened."""
    items = WorkItem.objects.filter(
        state__in=ON_LIST, ai_state="pending", created_at__lt=before
    ).filter(case__revision__runs__isnull=True)
    rows = items.order_by("created_at").values_list("case__revision_id", flat=True)
    return list(dict.fromkeys(rows[:limit]))


def sites_of(*, actor: Actor) -> list[Site]:
    """Return the sites whose list the actor may read."""
    sites = Site.objects.filter(id__in=actor.sites_with(Permission.WORKLIST_READ))
    return list(sites.order_by("name"))


def items_by_id(*, actor: Actor, ids: Iterable[UUID]) -> dict[UUID, WorkItem]:
    """Return those of the items that the actor may see."""
    items = related_items(visible_items(actor=actor).filter(id__in=list(ids)))
    return {item.id: item for item in items}


def arrivals_by_hour(*, site_id: UUID, days: int) -> list[float]:
    """Return a site's mean arrivals in each hour of the day (UTC), lately.

    Args:
        site_id: The site; who may see it was asked before.
        days: How many days back, today's begun hour included.
    """
    since = clock.now() - timedelta(days=days)
    rows = (
        WorkItem.objects.filter(
            site_id=site_id, reason=ItemReason.CLINICAL, arrived_at__gte=since
        )
        .annotate(hour=ExtractHour("arrived_at", tzinfo=UTC))
        .values("hour")
        .annotate(n=Count("id"))
    )
    counts = {row["hour"]: row["n"] for row in rows}
    return [counts.get(hour, 0) / days for hour in range(24)]

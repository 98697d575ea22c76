"""Loading work items is authorising; the open list in rank order."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Count, F, Min, Q, QuerySet, Window
from django.db.models.functions import ExtractHour, RowNumber

from apps.accounts.models import Site
from apps.annotations.types import DisplayMode
from apps.core import clock
from apps.core.errors import Forbidden, NotFound
from apps.core.permissions import Permission
from apps.worklist.models import WorkItem
from apps.worklist.priority import SitePolicy
from apps.worklist.types import ON_LIST, ItemReason, ItemState

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from apps.accounts.types import Actor

ORDER = ("rank_class", "sort_at", "arrived_at", "id")
SortKey = tuple[int, datetime, datetime, UUID]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What a person filters the list by; several values of one field mean "or".

    Attributes:
        sites: Site ids.
        bands: Band names.
        modalities: DICOM modalities.
        body_parts: Body Part Examined.
        ai_states: pending, running, done, failed, rejected, none.
        states: Item states; empty means open and leased.
        holder: Only items leased to this person.
        past_deadline_at: Only items whose deadline is before this time.
        text: Words of name, Patient ID, accession number, description or finding.
    """

    sites: tuple[UUID, ...] = ()
    bands: tuple[str, ...] = ()
    modalities: tuple[str, ...] = ()
    body_parts: tuple[str, ...] = ()
    ai_states: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    holder: UUID | None = None
    past_deadline_at: datetime | None = None
    text: str = ""

    @property
    def narrows(self) -> bool:
        """True when anything but the site is filtered."""
        return any(
            (
                self.bands,
                self.modalities,
                self.body_parts,
                self.ai_states,
                self.states,
                self.holder,
                self.past_deadline_at,
                self.text.strip(),
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of the list.

    Attributes:
        items: Items in rank order, each with `rank` set.
        next_key: Sort key after which the next page starts; None at the end.
        total: How many items match.
        rank_total: How many items the ranks count: the whole list of the sites.
    """

    items: list[WorkItem]
    next_key: SortKey | None
    total: int
    rank_total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BandCount:
    """How one band stands."""

    n: int = 0
    oldest_arrived_at: datetime | None = None
    past_deadline: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Facets:
    """Values that occur on the list, for the filter menus."""

    modalities: list[str] = field(default_factory=list)
    body_parts: list[str] = field(default_factory=list)


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


def _related(items: QuerySet[WorkItem]) -> QuerySet[WorkItem]:
    return items.select_related(
        "site",
        "lease_holder",
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
        WorkItem.objects.select_for_update().filter(id=item_id).order_by().first()
    item = _related(WorkItem.objects.filter(id=item_id)).first()
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
        _related(WorkItem.objects.filter(case__revision_id=revision_id)).order_by("id")
    )


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


def _filtered(items: QuerySet[WorkItem], filters: Filters) -> QuerySet[WorkItem]:
    study = "case__revision__study"
    items = items.filter(state__in=filters.states or ON_LIST)
    if filters.bands:
        # A band set by a model is hidden where the protocol hides the AI; such
        # items are ranked without it, so their stored band never leaks it.
        items = items.filter(band__in=filters.bands)
    if filters.modalities:
        items = items.filter(**{f"{study}__modalities__overlap": filters.modalities})
    if filters.body_parts:
        items = items.filter(**{f"{study}__body_part__in": filters.body_parts})
    if filters.ai_states:
        items = items.filter(
            ai_state__in=filters.ai_states,
            case__protocol__display_mode=DisplayMode.CONCURRENT,
        )
    if filters.holder is not None:
        items = items.filter(lease_holder_id=filters.holder)
    if filters.past_deadline_at is not None:
        items = items.filter(deadline_at__lt=filters.past_deadline_at)
    for word in filters.text.split()[:6]:
        shown = Q(ai_label__icontains=word) & Q(
            case__protocol__display_mode=DisplayMode.CONCURRENT
        )
        items = items.filter(
            Q(**{f"{study}__patient__name__icontains": word})
            | Q(**{f"{study}__patient__patient_id__icontains": word})
            | Q(**{f"{study}__accession_number__icontains": word})
            | Q(**{f"{study}__description__icontains": word})
            | shown
        )
    return items


def list_page(
    *,
    actor: Actor,
    filters: Filters,
    after: SortKey | None,
    offset: int,
    limit: int,
) -> Page:
    """Return one page of the list in rank order.

    Args:
        actor: Who asks.
        filters: What to keep.
        after: Sort key of the last item of the page before; None for the first.
        offset: How many items of the unfiltered list lie before this page. Used
            for the ranks when nothing is filtered, so that a page costs the same
            however long the list is.
        limit: Items a page.
    """
    base = visible_items(actor=actor)
    if filters.sites:
        base = base.filter(site_id__in=filters.sites)
    matching = _filtered(base, filters)
    total = matching.count()
    page = matching if after is None else matching.filter(_after(after))
    items = list(_related(page.order_by(*ORDER))[: limit + 1])
    more = len(items) > limit
    items = items[:limit]
    _set_ranks(items=items, base=base, filters=filters, offset=offset)
    last = items[-1] if items and more else None
    return Page(
        items=items,
        next_key=(last.rank_class, last.sort_at, last.arrived_at, last.id)
        if last
        else None,
        total=total,
        rank_total=base.filter(state__in=ON_LIST).count() if filters.narrows else total,
    )


def _set_ranks(
    *,
    items: Sequence[WorkItem],
    base: QuerySet[WorkItem],
    filters: Filters,
    offset: int,
) -> None:
    if not filters.narrows:
        for number, item in enumerate(items, start=offset + 1):
            item.rank = number  # type: ignore[attr-defined]
        return
    ranks = ranks_of(base=base, ids=[item.id for item in items])
    for item in items:
        item.rank = ranks.get(item.id)  # type: ignore[attr-defined]


def ranks_of(*, base: QuerySet[WorkItem], ids: Sequence[UUID]) -> dict[UUID, int]:
    """Return the place of each item in the whole list of `base`."""
    if not ids:
        return {}
    numbered = (
        base.filter(state__in=ON_LIST)
        .annotate(place=Window(RowNumber(), order_by=[F(name).asc() for name in ORDER]))
        .values_list("id", "place")
    )
    wanted = set(ids)
    return {item_id: place for item_id, place in numbered if item_id in wanted}


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


def band_counts(
    *, actor: Actor, sites: Sequence[UUID], now: datetime
) -> dict[str, BandCount]:
    """Return how many items each band has, the oldest, and those past deadline."""
    items = visible_items(actor=actor).filter(state__in=ON_LIST)
    if sites:
        items = items.filter(site_id__in=sites)
    rows = items.values("band").annotate(
        n=Count("id"),
        oldest=Min("arrived_at"),
        late=Count("id", filter=Q(deadline_at__lt=now)),
    )
    return {
        row["band"]: BandCount(
            n=row["n"], oldest_arrived_at=row["oldest"], past_deadline=row["late"]
        )
        for row in rows
    }


def facets(*, actor: Actor, sites: Sequence[UUID]) -> Facets:
    """Return the modalities and body parts that occur on the list."""
    items = visible_items(actor=actor).filter(state__in=ON_LIST)
    if sites:
        items = items.filter(site_id__in=sites)
    study = "case__revision__study"
    rows = items.values_list(f"{study}__modalities", f"{study}__body_part").distinct()
    modalities: set[str] = set()
    parts: set[str] = set()
    for names, part in rows:
        modalities.update(names or [])
        if part:
            parts.add(part)
    return Facets(modalities=sorted(modalities), body_parts=sorted(parts))


def expired_leases(*, now: datetime, limit: int) -> list[UUID]:
    """Items whose lease ended without release."""
    items = WorkItem.objects.filter(
        state__in=[ItemState.LEASED, ItemState.DONE], lease_expires_at__lt=now
    ).order_by("lease_expires_at")
    return list(items.values_list("id", flat=True)[:limit])


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
    items = _related(visible_items(actor=actor).filter(id__in=list(ids)))
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

"""Windows of the open list: in rank order, or sorted by a column within its bands.

A window is named by a key (the rows after or before it) or by its place. Everything
here reads the work items alone (their `list_*` columns), and of those only what is
on the list: a page costs the same at ten thousand studies and at a million.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.db import connection
from django.db.models import (
    Case,
    Count,
    Exists,
    F,
    FloatField,
    IntegerField,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Value,
    When,
    Window,
)
from django.db.models.fields.tuple_lookups import TupleGreaterThan, TupleLessThan
from django.db.models.functions import RowNumber

from apps.worklist.listed import fold
from apps.worklist.models import LISTED, WorkItem
from apps.worklist.selectors import ORDER, SortKey, related_items, visible_items
from apps.worklist.types import ON_LIST, Band, SortColumn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apps.accounts.types import Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What a person filters the list by; several values of one field mean "or".

    Attributes:
        sites: Site ids.
        bands: Band names.
        modalities: DICOM modalities.
        body_parts: Body Part Examined.
        ai_states: pending, running, done, failed, rejected, none, blinded.
        states: Item states; empty means open and leased.
        mine: Only what this person holds or was assigned.
        assignee: Only what is assigned to this person.
        unassigned: Only what is assigned to nobody.
        past_deadline_at: Only items whose deadline is before this time.
        text: Words of name, Patient ID, accession number, description or finding.
    """

    sites: tuple[UUID, ...] = ()
    bands: tuple[str, ...] = ()
    modalities: tuple[str, ...] = ()
    body_parts: tuple[str, ...] = ()
    ai_states: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    mine: UUID | None = None
    assignee: UUID | None = None
    unassigned: bool = False
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
                self.mine,
                self.assignee,
                self.unassigned,
                self.past_deadline_at,
                self.text.strip(),
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sort:
    """A column to sort by within the bands, which stay in their order.

    Attributes:
        by: The column.
        descending: Large values first.
    """

    by: SortColumn
    descending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a row stands.

    Attributes:
        key: Its rank key.
        band: Its band; needed under a `Sort` only.
        value: Its value in the sorted column, likewise.
    """

    key: SortKey
    band: Band = Band.ROUTINE
    value: str | float | datetime = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Which rows of the list are wanted: exactly one of three names where.

    Attributes:
        limit: How many rows.
        after: Rows below this place.
        before: Rows above this place, the nearest ones.
        at: Rows from this number on (0 is the top of what the filters leave).
    """

    limit: int
    after: Place | None = None
    before: Place | None = None
    at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Consecutive rows of the list.

    Attributes:
        items: Items in order.
        more: True when there are further ones in the direction that was read.
    """

    items: list[WorkItem]
    more: bool


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


UNKNOWN: Final = -1.0
"""Stands in for a probability that is not there, or hidden."""


def listed_items(*, actor: Actor, sites: Sequence[UUID] = ()) -> QuerySet[WorkItem]:
    """Return what is on the actor's list, of all sites or of some."""
    items = visible_items(actor=actor)
    return items.filter(site_id__in=sites) if sites else items


def _open_ai() -> Q:
    """Select items whose AI is hidden from nobody.

    Neither by the item's own protocol nor by another read of the same study that is
    to be done without AI: to filter or sort by what is hidden would tell it.
    """
    blind = WorkItem.objects.filter(
        LISTED, study_id=OuterRef("study_id"), shows_ai=False
    )
    return Q(~Exists(blind), shows_ai=True)


def filter_items(*, items: QuerySet[WorkItem], filters: Filters) -> QuerySet[WorkItem]:
    """Return the items that the filters leave."""
    items = items.filter(state__in=filters.states or ON_LIST)
    wanted = {
        "band__in": filters.bands,
        "list_modalities__overlap": list(filters.modalities),
        "list_body_part__in": filters.body_parts,
        "assignee_id": filters.assignee,
        "deadline_at__lt": filters.past_deadline_at,
    }
    items = items.filter(**{name: value for name, value in wanted.items() if value})
    if filters.unassigned:
        items = items.filter(assignee__isnull=True)
    if filters.mine:
        held = Q(state="leased", lease_holder_id=filters.mine)
        items = items.filter(held | Q(assignee_id=filters.mine))
    if filters.ai_states:
        items = items.filter(_ai_states(filters.ai_states))
    for word in fold(filters.text).split()[:6]:
        found = Q(ai_label__icontains=word) & _open_ai()
        items = items.filter(Q(list_words__contains=word) | found)
    return items


def _ai_states(states: Sequence[str]) -> Q:
    shown = Q(ai_state__in=states) & _open_ai()
    return shown | ~_open_ai() if "blinded" in states else shown


# --- order

_BAND_NUMBERS = {Band.STAT: 0, Band.PRIORITY: 1, Band.ROUTINE: 2}
_FIELDS = {
    SortColumn.WAITING: "arrived_at",
    SortColumn.DEADLINE: "deadline_at",
    SortColumn.PATIENT: "list_patient",
    SortColumn.STUDY: "list_study",
    SortColumn.MODALITY: "list_modality",
    SortColumn.BODY_PART: "list_body_part",
}


def _with_order(items: QuerySet[WorkItem], sort: Sort | None) -> QuerySet[WorkItem]:
    if sort is None:
        return items
    bands = [When(band=band, then=Value(n)) for band, n in _BAND_NUMBERS.items()]
    number = Case(*bands, default=Value(2), output_field=IntegerField())
    value: Any = None
    if sort.by is SortColumn.AI:
        known = Q(ai_state="done", ai_probability__isnull=False) & _open_ai()
        value = Case(
            When(known, then=F("ai_probability")),
            default=Value(UNKNOWN),
            output_field=FloatField(),
        )
    else:
        value = F(_FIELDS[sort.by])
    return items.annotate(band_number=number, sort_value=value)


def _order(sort: Sort | None) -> list[str]:
    if sort is None:
        return list(ORDER)
    return ["band_number", "-sort_value" if sort.descending else "sort_value", *ORDER]


def _reversed(order: Sequence[str]) -> list[str]:
    return [name[1:] if name.startswith("-") else f"-{name}" for name in order]


def _beyond(*, place: Place, sort: Sort | None, below: bool) -> Q:
    """Select what stands below (or above) a place."""
    compare = TupleGreaterThan if below else TupleLessThan
    keys = Q(compare(tuple(F(name) for name in ORDER), tuple(place.key)))
    if sort is None:
        return keys
    side = "gt" if below else "lt"
    value_side = side if not sort.descending else ("lt" if below else "gt")
    number = _BAND_NUMBERS[place.band]
    same_band = Q(band_number=number)
    return (
        Q(**{f"band_number__{side}": number})
        | same_band & Q(**{f"sort_value__{value_side}": place.value})
        | same_band & Q(sort_value=place.value) & keys
    )


def list_rows(
    *, actor: Actor, filters: Filters, span: Span, sort: Sort | None = None
) -> Rows:
    """Return consecutive rows of the list."""
    items = filter_items(
        items=listed_items(actor=actor, sites=filters.sites), filters=filters
    )
    items = _with_order(items, sort)
    order = _order(sort)
    start = 0
    if span.after is not None:
        items = items.filter(_beyond(place=span.after, sort=sort, below=True))
    elif span.before is not None:
        items = items.filter(_beyond(place=span.before, sort=sort, below=False))
        order = _reversed(order)
    else:
        start = span.at
    # Only the keys are sorted; what a row shows is read of these few afterwards.
    keys = items.order_by(*order).values_list("id", flat=True)
    ids = list(keys[start : start + span.limit + 1])
    more = len(ids) > span.limit
    ids = ids[: span.limit]
    if span.before is not None:
        ids.reverse()
    found = {i.id: i for i in related_items(WorkItem.objects.filter(id__in=ids))}
    return Rows(items=[found[one] for one in ids if one in found], more=more)


def count_rows(*, actor: Actor, filters: Filters) -> int:
    """Return how many items the filters leave."""
    items = listed_items(actor=actor, sites=filters.sites)
    return filter_items(items=items, filters=filters).count()


def ranks_of(
    *, actor: Actor, sites: Sequence[UUID], ids: Sequence[UUID]
) -> dict[UUID, int]:
    """Return the place of each item in the whole list of the sites."""
    if not ids:
        return {}
    items = listed_items(actor=actor, sites=sites).filter(state__in=ON_LIST)
    places = Window(RowNumber(), order_by=[F(name).asc() for name in ORDER])
    numbered = items.annotate(place=places).order_by().values_list("id", "place")
    inner, values = numbered.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id, place FROM ({inner}) AS list(id, place) WHERE id = ANY(%s)",  # noqa: S608  our own query, values apart
            [*values, list(ids)],
        )
        return {row[0]: row[1] for row in cursor.fetchall()}


def take_stock(
    *, actor: Actor, sites: Sequence[UUID], now: datetime
) -> tuple[dict[str, BandCount], Facets]:
    """Return how each band stands, and what the filter menus offer, in one scan."""
    items = listed_items(actor=actor, sites=sites).filter(state__in=ON_LIST)
    rows = (
        items.order_by()
        .values("band", "list_modalities", "list_body_part")
        .annotate(
            n=Count("id"),
            oldest=Min("arrived_at"),
            late=Count("id", filter=Q(deadline_at__lt=now)),
        )
    )
    bands: dict[str, BandCount] = {}
    modalities: set[str] = set()
    parts: set[str] = set()
    for row in rows:
        modalities.update(row["list_modalities"])
        parts.add(row["list_body_part"])
        so_far = bands.get(row["band"], BandCount())
        oldest = so_far.oldest_arrived_at or row["oldest"]
        bands[row["band"]] = BandCount(
            n=so_far.n + row["n"],
            oldest_arrived_at=min(oldest, row["oldest"]),
            past_deadline=so_far.past_deadline + row["late"],
        )
    facets = Facets(modalities=sorted(modalities), body_parts=sorted(parts - {""}))
    return bands, facets

"""Windows of the open list: in rank order, or sorted by a column within its bands.

A window is named by a key (the rows after or before it) or by its place. Everything
here reads the work items alone (their `list_*` columns), and of those only what is
on the list: a page costs the same at ten thousand studies and at a million.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.db import connection
from django.db.models import (
    BooleanField,
    Case,
    Exists,
    ExpressionWrapper,
    F,
    FloatField,
    IntegerField,
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
from apps.worklist.selectors import ORDER, SortKey, visible_items
from apps.worklist.types import ON_LIST, Band, ItemState, SortColumn

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
        readings: Only done items of which one of these is the reading, whatever
            `states` says; None for the list of what is to be read.
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
    readings: tuple[UUID, ...] | None = None

    @property
    def by_group(self) -> bool:
        """True when only what the list's counters tell apart is filtered."""
        return not any(
            (
                self.ai_states,
                self.states,
                self.mine,
                self.assignee,
                self.unassigned,
                self.text.strip(),
                self.readings is not None,
            )
        )

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
                self.readings is not None,
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
        ids: Items in order.
        more: True when there are further ones in the direction that was read.
        ranks: Their places in the whole list of the sites, where that was asked.
        total: How many rows the filters leave; None where that was not counted.
    """

    ids: list[UUID]
    more: bool
    ranks: dict[UUID, int] = field(default_factory=dict)
    total: int | None = None


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


def condition_of(filters: Filters) -> Q:
    """Return what the filters ask of an item, but for its site and state."""
    wanted = {
        "band__in": filters.bands,
        "list_modalities__overlap": list(filters.modalities),
        "list_body_part__in": filters.body_parts,
        "assignee_id": filters.assignee,
        "deadline_at__lt": filters.past_deadline_at,
    }
    asked = Q(**{name: value for name, value in wanted.items() if value})
    if filters.readings is not None:
        asked &= Q(reading_id__in=filters.readings)
    if filters.unassigned:
        asked &= Q(assignee__isnull=True)
    if filters.mine:
        held = Q(state="leased", lease_holder_id=filters.mine)
        asked &= held | Q(assignee_id=filters.mine)
    if filters.ai_states:
        asked &= _ai_states(filters.ai_states)
    for word in fold(filters.text).split()[:6]:
        found = Q(ai_label__icontains=word) & _open_ai()
        asked &= Q(list_words__contains=word) | found
    return asked


def filter_items(*, items: QuerySet[WorkItem], filters: Filters) -> QuerySet[WorkItem]:
    """Return the items that the filters leave."""
    states = filters.states or ON_LIST
    if filters.readings is not None:
        states = (ItemState.DONE,)
    return items.filter(condition_of(filters), state__in=states)


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
    *,
    actor: Actor,
    filters: Filters,
    span: Span,
    sort: Sort | None = None,
    counted: bool = False,
) -> Rows:
    """Return which rows of the list are wanted.

    Args:
        actor: Whose list.
        filters: What it is narrowed to.
        span: Which of its rows.
        sort: The order within the bands; None for rank order.
        counted: Count as well how many rows the filters leave, where that costs no
            further scan of the list.
    """
    if filters.readings is not None:
        # Signed work has no place in the list of what is to be read.
        return _plain_rows(actor=actor, filters=filters, span=span, sort=sort)
    if filters.states or not (filters.narrows or sort):
        rows = _plain_rows(actor=actor, filters=filters, span=span, sort=sort)
        ranks = {}
        if filters.states:
            ranks = ranks_of(actor=actor, sites=filters.sites, ids=rows.ids)
        return replace(rows, ranks=ranks)
    return _ranked_rows(
        actor=actor, filters=filters, span=span, sort=sort, counted=counted
    )


def _sorted_span(*, span: Span, sort: Sort | None) -> tuple[Q, list[str], int]:
    """Return what a span leaves, in which order it is read, and how many it skips."""
    order = _order(sort)
    if span.after is not None:
        return _beyond(place=span.after, sort=sort, below=True), order, 0
    if span.before is not None:
        beyond = _beyond(place=span.before, sort=sort, below=False)
        return beyond, _reversed(order), 0
    return Q(), order, span.at


def _plain_rows(
    *, actor: Actor, filters: Filters, span: Span, sort: Sort | None
) -> Rows:
    """Read along the index of the list, as far as is needed."""
    items = filter_items(
        items=listed_items(actor=actor, sites=filters.sites), filters=filters
    )
    beyond, order, start = _sorted_span(span=span, sort=sort)
    items = _with_order(items, sort).filter(beyond)
    keys = items.order_by(*order).values_list("id", flat=True)
    return _rows(list(keys[start : start + span.limit + 1]), span=span)


def _ranked_rows(
    *, actor: Actor, filters: Filters, span: Span, sort: Sort | None, counted: bool
) -> Rows:
    """Number the whole list, and keep of it what the filters and the span leave.

    In rank order this reads the list from its top until enough rows are found, in
    one scan that also says their ranks.
    """
    beyond, order, start = _sorted_span(span=span, sort=sort)
    items = listed_items(actor=actor, sites=filters.sites).filter(state__in=ON_LIST)
    places = Window(RowNumber(), order_by=[F(name).asc() for name in ORDER])
    hit = condition_of(filters) & beyond
    asked: Any = ExpressionWrapper(hit, output_field=BooleanField()) if hit else None
    numbered = (
        _with_order(items, sort)
        .annotate(place=places, hit=asked if asked is not None else Value(value=True))
        .order_by()
    )
    names = [name.removeprefix("-") for name in order]
    columns = ["id", "place", "hit", *(name for name in names if name != "id")]
    inner, values = numbered.values_list(*columns).query.sql_with_params()
    by = ", ".join(
        f"{name.removeprefix('-')}{' DESC' if name.startswith('-') else ''}"
        for name in order
    )
    counted = counted and not beyond
    total = "count(*) OVER ()" if counted else "NULL"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id, place, {total} FROM ({inner}) AS list({', '.join(columns)}) "  # noqa: S608  our own query, values apart
            f"WHERE hit ORDER BY {by} LIMIT %s OFFSET %s",
            [*values, span.limit + 1, start],
        )
        found = cursor.fetchall()
    rows = _rows([row[0] for row in found], span=span)
    return replace(
        rows,
        ranks={row[0]: row[1] for row in found},
        total=found[0][2] if found else None,
    )


def _rows(ids: list[UUID], *, span: Span) -> Rows:
    more = len(ids) > span.limit
    ids = ids[: span.limit]
    if span.before is not None:
        ids.reverse()
    return Rows(ids=ids, more=more)


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

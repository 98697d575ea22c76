"""Pages of the worklist: by address for programs, by question for the browser.

What a person searches for may name a patient, so the browser asks with a body
(`show_window`); nothing it types is ever part of an address.
"""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction
from django.utils.dateparse import parse_datetime

from apps.audit.events import Event
from apps.audit.services import record
from apps.core import clock
from apps.core.errors import Forbidden, Invalid
from apps.core.permissions import Permission
from apps.core.realtime import last_sequences
from apps.workflow.cursors import read_cursor, write_cursor
from apps.workflow.lists.presence import people_here
from apps.workflow.lists.waiting import tell_waiting, waiting_readings
from apps.workflow.rows import build_rows
from apps.worklist import listing
from apps.worklist.lines import read_lines
from apps.worklist.listed import sort_text
from apps.worklist.listing import Filters, Place, Sort, Span
from apps.worklist.selectors import sites_of
from apps.worklist.stock import BandCount, sum_up, take_stock, total_of
from apps.worklist.types import Band, SortColumn

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from django.http import QueryDict

    from apps.accounts.types import Actor
    from apps.worklist.listing import Rows
    from apps.worklist.selectors import SortKey
    from apps.worklist.stock import Group

DEFAULT_LIMIT, MAX_LIMIT = 50, 200
_NUMBER = re.compile(r"[0-9]{1,9}")


# --- by address


def _uuids(values: list[str], field: str) -> tuple[UUID, ...]:
    try:
        return tuple(UUID(value) for value in values)
    except ValueError as error:
        raise Invalid("invalid", f"{field}: is an id.", field=field) from error


def _flag(query: QueryDict, name: str) -> bool:
    return query.get(name, "").lower() in {"1", "true", "yes"}


def _filters_of_query(*, actor: Actor, query: QueryDict, now: datetime) -> Filters:
    return Filters(
        sites=_uuids(query.getlist("site"), "site"),
        bands=tuple(query.getlist("band")),
        modalities=tuple(query.getlist("modality")),
        body_parts=tuple(query.getlist("body_part")),
        ai_states=tuple(query.getlist("ai")),
        states=tuple(query.getlist("state")),
        mine=actor.user_id if _flag(query, "mine") else None,
        past_deadline_at=now if _flag(query, "past_deadline") else None,
        text=query.get("q", "")[:100],
    )


def _require_text(query: QueryDict) -> None:
    """Refuse NUL, which no database takes."""
    for name, values in query.lists():
        if any("\x00" in value for value in values):
            raise Invalid("invalid", f"{name}: has a NUL character.", field=name)


def _limit(query: QueryDict) -> int:
    text = query.get("limit", str(DEFAULT_LIMIT))
    if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= MAX_LIMIT:
        raise Invalid("invalid", f"limit: is 1 to {MAX_LIMIT}.", field="limit")
    return int(text)


@transaction.atomic
def show_worklist(*, actor: Actor, query: QueryDict) -> dict[str, Any]:
    """Return one page of the list, audited with the patients it names."""
    _require_list(actor)
    _require_text(query)
    now = clock.now()
    filters = _filters_of_query(actor=actor, query=query, now=now)
    head, sequences = _head(actor=actor, now=now)
    stock = _stock(sequences=sequences, filters=filters, now=now)
    after, offset = read_cursor(text=query.get("cursor", ""))
    place = None if after is None else Place(key=after)
    rows = listing.list_rows(
        actor=actor,
        filters=filters,
        span=Span(limit=_limit(query), after=place),
        counted=place is None,
    )
    counts = _counts(stock=stock, actor=actor, filters=filters, total=rows.total)
    shown = _rows(
        actor=actor,
        rows=rows,
        offset=None if filters.narrows else offset,
        counts=counts,
    )
    cursor = None
    if shown and rows.more:
        key = _key_of(shown[-1]["sort_key"])
        cursor = write_cursor(key=key, offset=offset + len(shown))
    return {**head, **counts, "items": shown, "next_cursor": cursor}


# --- by question


@transaction.atomic
def show_window(*, actor: Actor, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return consecutive rows of the list, audited with the patients they name.

    Args:
        actor: Who asks.
        wanted: `filters`, `sort`, `limit`, one of `after`, `before` and `at`, and
            `counts`: whether the list's counters are wanted as well.
    """
    _require_list(actor)
    now = clock.now()
    head, sequences = _head(actor=actor, now=now)
    filters = filters_of(actor=actor, wanted=wanted["filters"], now=now)
    sort = sort_of(wanted["sort"])
    span = Span(
        limit=wanted["limit"],
        after=_place(wanted["after"], sort),
        before=_place(wanted["before"], sort),
        at=wanted["at"],
    )
    counts = None
    rows = listing.list_rows(
        actor=actor,
        filters=filters,
        span=span,
        sort=sort,
        counted=wanted["counts"] and not filters.by_group,
    )
    if wanted["counts"]:
        stock = _stock(sequences=sequences, filters=filters, now=now)
        counts = _counts(stock=stock, actor=actor, filters=filters, total=rows.total)
    known = span.after is None and span.before is None
    plain = known and sort is None and not filters.narrows
    return {
        **head,
        "items": _rows(
            actor=actor,
            rows=rows,
            offset=span.at if plain else None,
            counts=counts,
            waiting=filters.readings is not None,
        ),
        "more": rows.more,
        "counts": counts,
    }


@transaction.atomic
def show_summary(*, actor: Actor, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return the counters of the list alone: no row, no patient."""
    _require_list(actor)
    now = clock.now()
    filters = filters_of(actor=actor, wanted=wanted["filters"], now=now)
    head, sequences = _head(actor=actor, now=now)
    stock = _stock(sequences=sequences, filters=filters, now=now)
    return {
        **head,
        "counts": _counts(stock=stock, actor=actor, filters=filters),
        "people": people_here(actor=actor),
    }


def filters_of(*, actor: Actor, wanted: Mapping[str, Any], now: datetime) -> Filters:
    """Return the filters that a person asked for."""
    assignee = wanted["assignee"]
    return Filters(
        sites=tuple(wanted["site"]),
        bands=tuple(wanted["band"]),
        modalities=tuple(wanted["modality"]),
        body_parts=tuple(wanted["body_part"]),
        ai_states=tuple(wanted["ai"]),
        states=tuple(wanted["state"]),
        mine=actor.user_id if wanted["mine"] else None,
        assignee=None if assignee in ("", "nobody") else UUID(assignee),
        unassigned=assignee == "nobody",
        past_deadline_at=now if wanted["past_deadline"] else None,
        text=wanted["q"],
        readings=waiting_readings(actor=actor) if wanted["to_verify"] else None,
    )


def sort_of(wanted: Mapping[str, Any] | None) -> Sort | None:
    """Return the order that a person asked for; None for rank order."""
    if not wanted:
        return None
    return Sort(by=SortColumn(wanted["by"]), descending=wanted["descending"])


def _place(wanted: Mapping[str, Any] | None, sort: Sort | None) -> Place | None:
    if wanted is None:
        return None
    key = (
        wanted["rank_class"],
        wanted["sort_at"],
        wanted["arrived_at"],
        wanted["id"],
    )
    if sort is None:
        return Place(key=key)
    return Place(
        key=key, band=Band(wanted["band"]), value=_value(wanted["value"], sort.by)
    )


def _value(text: str, by: SortColumn) -> str | float | datetime:
    """Return a value of the sorted column, as text on the wire."""
    if "\x00" in text:
        raise Invalid("invalid", "value: has a NUL character.", field="value")
    try:
        match by:
            case SortColumn.WAITING | SortColumn.DEADLINE:
                return _moment(text)
            case SortColumn.AI:
                return float(text)
            case SortColumn.BODY_PART:
                return text
            case SortColumn.PATIENT | SortColumn.STUDY | SortColumn.MODALITY:
                return sort_text(text)
    except ValueError as error:
        raise Invalid("invalid", "value: not of this column.", field="value") from error


def _key_of(key: list[Any]) -> SortKey:
    rank_class, sort_at, arrived_at, item_id = key
    return rank_class, _moment(sort_at), _moment(arrived_at), UUID(item_id)


def _moment(text: str) -> datetime:
    moment = parse_datetime(text)
    if moment is None or moment.tzinfo is None:
        raise ValueError(text)
    return moment


# --- what both say


def _require_list(actor: Actor) -> None:
    if not actor.sites_with(Permission.WORKLIST_READ):
        raise Forbidden("forbidden", "Your role has no clinical worklist.")


def _head(*, actor: Actor, now: datetime) -> tuple[dict[str, Any], dict[UUID, int]]:
    """Return what an answer is true at, and the sites' sequence numbers."""
    # The sequence numbers are read first: an event that lands in between is
    # then delivered again, which changes nothing, and never missed.
    sites = actor.sites_with(Permission.WORKLIST_READ)
    sequences = last_sequences(site_ids=sites)
    head = {
        "seq": {str(site): seq for site, seq in sequences.items()},
        "now": now,
        "ai_ordering": {
            str(site.id): site.ai_ordering for site in sites_of(actor=actor)
        },
    }
    return head, sequences


def _stock(
    *, sequences: Mapping[UUID, int], filters: Filters, now: datetime
) -> list[Group]:
    wanted = set(filters.sites) or sequences.keys()
    mine = {site: seq for site, seq in sequences.items() if site in wanted}
    return take_stock(sequences=mine, now=now)


def _counts(
    *, stock: list[Group], actor: Actor, filters: Filters, total: int | None = None
) -> dict[str, Any]:
    """Return the list's counters; `total` where the rows' own query counted it."""
    bands, found = sum_up(stock)
    if total is None:
        total = total_of(stock, filters)
    if total is None:
        total = listing.count_rows(actor=actor, filters=filters)
    return {
        "total": total,
        "to_verify": _to_verify(actor=actor, filters=filters),
        "rank_total": sum(count.n for count in bands.values()),
        "bands": {
            band.value: asdict(bands.get(band.value, BandCount())) for band in Band
        },
        "facets": {"modality": found.modalities, "body_part": found.body_parts},
    }


def _to_verify(*, actor: Actor, filters: Filters) -> int:
    """Return how many preliminary readings wait for the actor at the chosen sites."""
    readings = filters.readings
    if readings is None:
        readings = waiting_readings(actor=actor)
    if not readings:
        return 0
    waiting = Filters(sites=filters.sites, readings=readings)
    return listing.count_rows(actor=actor, filters=waiting)


def _rows(
    *,
    actor: Actor,
    rows: Rows,
    offset: int | None,
    counts: Mapping[str, Any] | None,
    waiting: bool = False,
) -> list[dict[str, Any]]:
    """Return rows, audited with the patients that they name.

    Args:
        actor: Who is shown them.
        rows: Which.
        offset: How many rows stand above the first, where rows follow each other in
            the whole list; None where `rows` says the ranks, or nobody knows them.
        counts: The list's counters, where they were asked for.
        waiting: They are signed, and wait for the actor: say by whom and what for.
    """
    found = read_lines(ids=rows.ids)
    record(
        actor=actor,
        event=Event.WORKLIST_LIST,
        patients=[UUID(one) for one in sorted({line.patient for line in found.lines})],
        detail={"n": len(found.lines), "total": counts["total"] if counts else None},
    )
    ranks: dict[str, int | None] = {str(i): rank for i, rank in rows.ranks.items()}
    if offset is not None:
        ranks = {str(i): n for n, i in enumerate(rows.ids, start=offset + 1)}
    whole = counts["rank_total"] if counts else 0
    shown = build_rows(actor=actor, found=found, rank_total=whole, ranks=ranks)
    if waiting:
        told = tell_waiting(actor=actor, items=rows.ids)
        shown = [{**row, "preliminary": told.get(row["id"])} for row in shown]
    return shown

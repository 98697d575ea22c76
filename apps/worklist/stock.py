"""How the whole list stands: its bands, and what its filter menus offer.

Everybody at a site sees the same counters, and they change only when something on the
list does. So they are counted once for each number of the site's changes and kept for
moments in the cache, without which they are simply counted each time.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from django.core.cache import cache
from django.db.models import Count, Min, Q
from redis.exceptions import RedisError

from apps.worklist.models import LISTED, WorkItem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from uuid import UUID

    from apps.worklist.listing import Filters

log = logging.getLogger(__name__)
KEPT_S: Final = 5
"""What time alone changes (who is past a deadline) is counted anew after so long."""


class Group(NamedTuple):
    """Items on a site's list that are alike.

    `late` of the `n` are past their deadline; `oldest` is the first arrival.
    """

    band: str
    modalities: tuple[str, ...]
    body_part: str
    n: int
    oldest: datetime
    late: int


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


def take_stock(*, sequences: Mapping[UUID, int], now: datetime) -> list[Group]:
    """Return what is on the lists of sites.

    Args:
        sequences: The sites, each with the number of its newest change.
        now: What deadlines are compared with.
    """
    moment = int(now.timestamp()) // KEPT_S
    keys = {site: f"stock:{site.hex}:{seq}:{moment}" for site, seq in sequences.items()}
    kept = _kept(keys)
    missing = keys.keys() - kept.keys()
    if missing:
        counted = _count(sites=missing, now=now)
        _keep({keys[site]: counted.get(site, []) for site in missing})
        kept |= counted
    return [group for groups in kept.values() for group in groups]


def _kept(keys: Mapping[UUID, str]) -> dict[UUID, list[Group]]:
    try:
        found = cache.get_many(list(keys.values()))
    except (RedisError, OSError) as error:
        log.warning("the list's counters are not kept: %s", type(error).__name__)
        return {}
    return {site: found[key] for site, key in keys.items() if key in found}


def _keep(groups: dict[str, list[Group]]) -> None:
    try:
        cache.set_many(groups, 2 * KEPT_S)
    except (RedisError, OSError) as error:
        log.warning("the list's counters are not kept: %s", type(error).__name__)


def _count(*, sites: Iterable[UUID], now: datetime) -> dict[UUID, list[Group]]:
    rows = (
        WorkItem.objects.filter(LISTED, site_id__in=list(sites))
        .order_by()
        .values_list("site_id", "band", "list_modalities", "list_body_part")
        .annotate(
            n=Count("id"),
            oldest=Min("arrived_at"),
            late=Count("id", filter=Q(deadline_at__lt=now)),
        )
    )
    groups: dict[UUID, list[Group]] = defaultdict(list)
    for site, band, modalities, *rest in rows:
        groups[site].append(Group(band, tuple(modalities), *rest))
    return dict(groups)


def sum_up(groups: Iterable[Group]) -> tuple[dict[str, BandCount], Facets]:
    """Return how each band stands, and what the filter menus offer."""
    bands: dict[str, BandCount] = {}
    modalities: set[str] = set()
    parts: set[str] = set()
    for group in groups:
        modalities.update(group.modalities)
        parts.add(group.body_part)
        so_far = bands.get(group.band, BandCount())
        bands[group.band] = BandCount(
            n=so_far.n + group.n,
            oldest_arrived_at=min(
                so_far.oldest_arrived_at or group.oldest, group.oldest
            ),
            past_deadline=so_far.past_deadline + group.late,
        )
    return bands, Facets(modalities=sorted(modalities), body_parts=sorted(parts - {""}))


def total_of(groups: Iterable[Group], filters: Filters) -> int | None:
    """Return how many items the filters leave; None where the groups cannot tell."""
    if not filters.by_group:
        return None
    return sum(
        group.late if filters.past_deadline_at else group.n
        for group in groups
        if _fits(group, filters)
    )


def _fits(group: Group, filters: Filters) -> bool:
    return (
        (not filters.bands or group.band in filters.bands)
        and (not filters.body_parts or group.body_part in filters.body_parts)
        and (
            not filters.modalities
            or not set(filters.modalities).isdisjoint(group.modalities)
        )
    )

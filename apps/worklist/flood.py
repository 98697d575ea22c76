"""Whether AI makes more of a site's studies STAT than it is expected to.

STATISTICS, "No starvation, no flood": a model that flags everything must not own the
list, so somebody hears of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.db.models import Count, Q

from apps.core import clock
from apps.worklist.models import WorkItem
from apps.worklist.types import Band, BandSource, ItemReason
from workers.measures.expected import most_expected

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

WINDOW: Final = timedelta(hours=1)
"""Arrivals that are looked at."""
HISTORY: Final = timedelta(days=28)
"""Arrivals before them that say what is usual."""
RISK: Final = 0.001
"""How often an hour without a flood is taken for one."""
FEWEST: Final = 5
"""Fewer STAT studies than this own no list."""
_PRIOR_SHARE: Final = 0.1
_PRIOR_STUDIES: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class StatShare:
    """STAT studies by AI among a site's arrivals of the last hour.

    Attributes:
        arrived: Studies that arrived.
        stat: How many of them AI made STAT.
        expected: The share that is usual at the site.
        most: The most that the usual share explains (its upper 99.9% limit).
    """

    arrived: int
    stat: int
    expected: float
    most: int

    @property
    def is_flood(self) -> bool:
        """More than the usual share explains."""
        return self.stat >= FEWEST and self.stat > self.most


def stat_share(*, site_id: UUID, at: datetime | None = None) -> StatShare:
    """Return how many studies AI made STAT lately, beside what is usual there.

    What is usual is the share among the arrivals of 28 days before the last hour, to
    which 20 studies with a share of .1 are added: a new site has no history (the mean
    of the posterior Beta distribution with that prior). The limit is the binomial
    distribution's (`most_expected`).

    Args:
        site_id: The site.
        at: The end of the hour; now if left out.
    """
    end = at or clock.now()
    begin = end - WINDOW
    arrivals = WorkItem.objects.filter(
        site_id=site_id,
        reason=ItemReason.CLINICAL,
        arrived_at__gt=begin - HISTORY,
        arrived_at__lte=end,
    )
    by_ai = Q(band=Band.STAT, band_source=BandSource.AI)
    late = Q(arrived_at__gt=begin)
    counts = arrivals.aggregate(
        arrived=Count("id", filter=late),
        stat=Count("id", filter=late & by_ai),
        past=Count("id", filter=~late),
        past_stat=Count("id", filter=~late & by_ai),
    )
    share = (counts["past_stat"] + _PRIOR_SHARE * _PRIOR_STUDIES) / (
        counts["past"] + _PRIOR_STUDIES
    )
    return StatShare(
        arrived=counts["arrived"],
        stat=counts["stat"],
        expected=share,
        most=most_expected(n=counts["arrived"], share=share, risk=RISK),
    )

"""Two readers, or two thresholds, on the same cases: the exact test of McNemar.

McNemar 1947; the exact two-sided p value is that of a binomial test of the discordant
pairs at 1/2, which needs no large numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binomtest

from workers.measures.estimate import MeasureError


@dataclass(frozen=True, slots=True, kw_only=True)
class Discordance:
    """How two differ on the same cases.

    Attributes:
        n: Cases.
        only_first: Right by the first alone.
        only_second: Right by the second alone.
        p: Two-sided, exact; 1 where nothing differs.
    """

    n: int
    only_first: int
    only_second: int
    p: float


def mcnemar(*, first: ArrayLike, second: ArrayLike) -> Discordance:
    """Compare how often two are right on the same cases.

    Args:
        first: True where the first is right, [n].
        second: True where the second is, [n].

    Raises:
        MeasureError: There are no cases, or the lengths differ.
    """
    one, other = np.asarray(first, dtype=bool), np.asarray(second, dtype=bool)
    if one.ndim != 1 or one.shape != other.shape or one.size == 0:
        raise MeasureError("both need the same cases, at least one")
    only_first, only_second = int((one & ~other).sum()), int((other & ~one).sum())
    differ = only_first + only_second
    p = float(binomtest(only_first, differ, 0.5).pvalue) if differ else 1.0
    return Discordance(n=one.size, only_first=only_first, only_second=only_second, p=p)

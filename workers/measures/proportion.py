"""Shares with Wilson's score interval."""

from __future__ import annotations

from math import sqrt

from workers.measures.estimate import Estimate, MeasureError, z_of


def wilson(*, successes: int, n: int, confidence: float = 0.95) -> Estimate:
    """Return a share and its Wilson interval, without continuity correction.

    Args:
        successes: How many of `n`.
        n: Observations, at least 1.
        confidence: Of the interval.

    Raises:
        MeasureError: `n` is 0 or `successes` is not one of 0 … n.
    """
    if n < 1 or not 0 <= successes <= n:
        raise MeasureError("a share needs at least one observation and 0 to n of them")
    z = z_of(confidence=confidence)
    share = successes / n
    scale = 1 + z * z / n
    middle = (share + z * z / (2 * n)) / scale
    half = z / scale * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low = 0.0 if successes == 0 else middle - half
    high = 1.0 if successes == n else middle + half
    return Estimate(value=share, low=max(low, 0.0), high=min(high, 1.0), n=n)

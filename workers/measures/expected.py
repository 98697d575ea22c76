"""How many of something are to be expected by a known share."""

from __future__ import annotations

from scipy.stats import binom

from workers.measures.estimate import MeasureError


def most_expected(*, n: int, share: float, risk: float = 0.001) -> int:
    """Return the largest count that a share explains but for a small risk.

    The smallest k with P(X ≤ k) ≥ 1 − risk for X ~ Binomial(n, share): a one-sided
    exact limit.

    Args:
        n: Observations, 0 or more.
        share: Of the outcome, 0 to 1.
        risk: How often more than the limit come by chance, between 0 and 1.

    Raises:
        MeasureError: A number is outside its range.
    """
    if n < 0 or not 0 <= share <= 1 or not 0 < risk < 1:
        raise MeasureError("n: at least 0; share: 0 to 1; risk: between 0 and 1")
    return int(binom.ppf(1 - risk, n, share)) if n else 0

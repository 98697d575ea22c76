"""A figure with its interval, as every figure shown to a person has one."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist


class MeasureError(ValueError):
    """The data do not allow the figure; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A figure, its confidence interval and the number behind it.

    Attributes:
        value: The figure.
        low: Lower limit.
        high: Upper limit.
        n: Observations behind it.
    """

    value: float
    low: float
    high: float
    n: int


def z_of(*, confidence: float) -> float:
    """Return the two-sided standard normal quantile, 1.96 for 0.95.

    Raises:
        MeasureError: `confidence` is not between 0 and 1.
    """
    if not 0 < confidence < 1:
        raise MeasureError("a confidence lies between 0 and 1")
    return NormalDist().inv_cdf(0.5 + confidence / 2)

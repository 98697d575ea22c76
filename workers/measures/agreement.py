"""How far two measurements of the same thing lie apart.

Limits of agreement: Bland and Altman, Lancet 327:307, 1986. Repeatability coefficient:
what two measurements of one thing differ by in 95 of 100 cases, 1.96·√2 times the
within-subject standard deviation, whose square is half the mean squared difference of
the pairs; its interval from the χ² distribution with one degree of freedom a pair
(Obuchowski and Bullen, Stat Methods Med Res 27:2257, 2018). Pure.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import chi2

from workers.measures.estimate import Estimate, MeasureError, z_of

Floats = NDArray[np.float64]

_LEAST = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of agreement of two measurements, in their unit.

    Attributes:
        bias: Mean of first less second.
        sd: Standard deviation of the differences (n - 1).
        low: Bias less so many standard deviations …
        high: … and plus them.
        n: Pairs.
    """

    bias: float
    sd: float
    low: float
    high: float
    n: int


def limits_of_agreement(
    *, first: ArrayLike, second: ArrayLike, deviations: float | None = None
) -> Limits:
    """Return the limits within which 95 of 100 differences lie.

    Args:
        first: One measurement of each thing, [n].
        second: The other one, [n].
        deviations: How many standard deviations wide; 1.96 by default. Bland and
            Altman's paper rounds to 2.

    Raises:
        MeasureError: Lengths differ, are less than 2, or a value is not finite.
    """
    difference = _differences(first, second)
    wide = z_of(confidence=0.95) if deviations is None else deviations
    bias, sd = float(difference.mean()), float(difference.std(ddof=1))
    return Limits(
        bias=bias,
        sd=sd,
        low=bias - wide * sd,
        high=bias + wide * sd,
        n=difference.size,
    )


def repeatability(*, first: ArrayLike, second: ArrayLike) -> Estimate:
    """Return the repeatability coefficient of pairs, in their unit, with its 95% CI.

    Args:
        first: One measurement of each thing, [n].
        second: The same measured again, [n].

    Raises:
        MeasureError: Lengths differ, are less than 2, or a value is not finite.
    """
    difference = _differences(first, second)
    n = difference.size
    squares = float(np.sum(difference**2))
    low, high = chi2.ppf((0.975, 0.025), n)
    z = z_of(confidence=0.95)
    return Estimate(
        value=z * float(np.sqrt(squares / n)),
        low=z * float(np.sqrt(squares / low)),
        high=z * float(np.sqrt(squares / high)),
        n=n,
    )


def relative_repeatability(*, first: ArrayLike, second: ArrayLike) -> Estimate:
    """Return the repeatability of positive values in percent of growth, with its CI.

    It is the coefficient on the logarithmic scale, told as the growth that measuring
    again may feign: 33 means that 4 may become 3 or 5.3 without any change.

    Args:
        first: One measurement of each thing, positive, [n].
        second: The same measured again, positive, [n].

    Raises:
        MeasureError: As `repeatability`, or a value is not positive.
    """
    one, two = (np.asarray(each, dtype=np.float64) for each in (first, second))
    if not ((one > 0).all() and (two > 0).all()):
        raise MeasureError("only positive values have a relative repeatability")
    found = repeatability(first=np.log(one), second=np.log(two))
    value, low, high = (
        100.0 * float(np.expm1(each)) for each in (found.value, found.low, found.high)
    )
    return Estimate(value=value, low=low, high=high, n=found.n)


def _differences(first: ArrayLike, second: ArrayLike) -> Floats:
    one, two = (np.asarray(each, dtype=np.float64) for each in (first, second))
    if one.ndim != 1 or one.shape != two.shape or one.size < _LEAST:
        raise MeasureError("two measurements of each of at least two things are needed")
    difference: Floats = one - two
    if not np.isfinite(difference).all():
        raise MeasureError("every measurement must be a finite number")
    return difference

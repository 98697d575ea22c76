"""What a threshold does to cases of known truth, patients counted as they come.

Where each patient gives one case a share has Wilson's interval. Where patients give
several, it is that of a bootstrap which draws patients, not cases.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workers.measures.estimate import Estimate, MeasureError
from workers.measures.proportion import wilson

Flags = NDArray[np.bool_]

_DRAWS: Final = 2000
_AT_ONCE: Final = 200
_SEED: Final = 20261121


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingPoint:
    """What a threshold does; a figure is None where it has no cases.

    Attributes:
        sensitivity: Of the cases that are positive, the share at or above it.
        specificity: Of those that are not, the share below it.
        ppv: Of the cases at or above it, the share that is positive.
        npv: Of those below it, the share that is not.
    """

    sensitivity: Estimate | None
    specificity: Estimate | None
    ppv: Estimate | None
    npv: Estimate | None


def operating_point(
    *,
    truth: ArrayLike,
    probabilities: ArrayLike,
    groups: Sequence[object],
    threshold: float,
) -> OperatingPoint:
    """Return what a threshold does to cases of known truth.

    Args:
        truth: True for a positive case, [n].
        probabilities: 0–1, [n].
        groups: Whose case each is (a patient), n of them.
        threshold: At or above it a case is flagged.

    Raises:
        MeasureError: Lengths differ.
    """
    positive = np.asarray(truth, dtype=bool)
    stated = np.asarray(probabilities, dtype=np.float64)
    if positive.shape != stated.shape or len(groups) != stated.size:
        raise MeasureError("truth, probabilities and groups need the same length")
    flagged = stated >= threshold
    of = _grouped(groups)
    return OperatingPoint(
        sensitivity=_share(flagged, positive, of),
        specificity=_share(~flagged, ~positive, of),
        ppv=_share(positive, flagged, of),
        npv=_share(~positive, ~flagged, of),
    )


def clustered_share(
    *, hits: ArrayLike, counted: ArrayLike, groups: Sequence[object]
) -> Estimate:
    """Return the share of hits among the counted cases with its interval.

    Args:
        hits: True for a hit, [n].
        counted: True for a case of the denominator, [n].
        groups: Whose case each is, n of them.

    Raises:
        MeasureError: No case is counted, or lengths differ.
    """
    hit, count = np.asarray(hits, dtype=bool), np.asarray(counted, dtype=bool)
    if hit.shape != count.shape or len(groups) != hit.size:
        raise MeasureError("hits, counted and groups need the same length")
    found = _share(hit, count, _grouped(groups))
    if found is None:
        raise MeasureError("a share needs at least one observation")
    return found


def _grouped(groups: Sequence[object]) -> NDArray[np.intp]:
    if not groups:
        return np.zeros(0, dtype=np.intp)
    return np.unique([str(one) for one in groups], return_inverse=True)[1]


def _share(hits: Flags, counted: Flags, groups: NDArray[np.intp]) -> Estimate | None:
    n = int(counted.sum())
    if n == 0:
        return None
    _, place = np.unique(groups[counted], return_inverse=True)
    of: NDArray[np.float64] = np.bincount(place).astype(np.float64)
    successes: NDArray[np.float64] = np.bincount(
        place, weights=hits[counted].astype(np.float64)
    ).astype(np.float64)
    total = int(successes.sum())
    if of.size == n:
        return wilson(successes=total, n=n)
    if total in (0, n):
        # Every draw says the same: the patients are what there is to count.
        bound = wilson(successes=of.size if total else 0, n=of.size)
        return Estimate(value=total / n, low=bound.low, high=bound.high, n=n)
    low, high = _drawn(successes, of)
    return Estimate(value=total / n, low=low, high=high, n=n)


def _drawn(
    successes: NDArray[np.float64], of: NDArray[np.float64]
) -> tuple[float, float]:
    """Return the 2.5th and 97.5th percentile of the share over drawn patients."""
    source = np.random.default_rng(_SEED)
    found = []
    for _ in range(_DRAWS // _AT_ONCE):
        drawn = source.integers(of.size, size=(_AT_ONCE, of.size))
        found.append(successes[drawn].sum(axis=1) / of[drawn].sum(axis=1))
    low, high = np.percentile(np.concatenate(found), [2.5, 97.5])
    return float(low), float(high)

"""Area under the ROC curve with DeLong's interval and paired test.

DeLong, DeLong and Clarke-Pearson 1988, by the midranks of Sun and Xu 2014.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workers.measures.estimate import Estimate, MeasureError, z_of

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedComparison:
    """Two scores of the same cases.

    Attributes:
        difference: AUROC of the first less that of the second, with interval.
        z: The statistic; 0 when the scores rank alike.
        p: Two-sided.
    """

    difference: Estimate
    z: float
    p: float


def auroc(*, truth: ArrayLike, scores: ArrayLike, confidence: float = 0.95) -> Estimate:
    """Return the AUROC and its DeLong interval, cut at 0 and 1.

    Args:
        truth: True for a positive case, [n].
        scores: Higher means more likely positive, [n].
        confidence: Of the interval.

    Raises:
        MeasureError: Not both kinds of cases, or lengths differ.
    """
    is_positive, values = _checked(truth, [scores])
    areas, covariance = _delong(is_positive, values)
    half = z_of(confidence=confidence) * sqrt(max(float(covariance[0, 0]), 0.0))
    area = float(areas[0])
    return Estimate(
        value=area,
        low=max(area - half, 0.0),
        high=min(area + half, 1.0),
        n=is_positive.size,
    )


def compare_paired(
    *,
    truth: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    confidence: float = 0.95,
) -> PairedComparison:
    """Compare two scores of the same cases by their AUROC.

    Args:
        truth: True for a positive case, [n].
        first: Scores, [n].
        second: Scores of the same cases, [n].
        confidence: Of the difference's interval.

    Raises:
        MeasureError: Not both kinds of cases, or lengths differ.
    """
    is_positive, values = _checked(truth, [first, second])
    areas, covariance = _delong(is_positive, values)
    contrast = np.array([1.0, -1.0])
    difference = float(contrast @ areas)
    error = sqrt(max(float(contrast @ covariance @ contrast), 0.0))
    z = difference / error if error > 0 else 0.0
    half = z_of(confidence=confidence) * error
    return PairedComparison(
        difference=Estimate(
            value=difference,
            low=difference - half,
            high=difference + half,
            n=is_positive.size,
        ),
        z=z,
        p=2 * NormalDist().cdf(-abs(z)),
    )


def _checked(
    truth: ArrayLike, scores: list[ArrayLike]
) -> tuple[NDArray[np.bool_], Floats]:
    is_positive = np.asarray(truth, dtype=bool)
    rows = [np.asarray(row, dtype=np.float64) for row in scores]
    if is_positive.ndim != 1 or any(row.shape != is_positive.shape for row in rows):
        raise MeasureError("truth and scores need the same length")
    if is_positive.all() or not is_positive.any():
        raise MeasureError("an AUROC needs positive and negative cases")
    values = np.stack(rows)
    if not np.isfinite(values).all():
        raise MeasureError("every score must be a finite number")
    return is_positive, values


def _delong(is_positive: NDArray[np.bool_], values: Floats) -> tuple[Floats, Floats]:
    """Return the areas, [k], and their covariance, [k, k], of scores [k, n]."""
    m, n = int(is_positive.sum()), int((~is_positive).sum())
    positives, negatives = values[:, is_positive], values[:, ~is_positive]
    among_all = np.stack([_midranks(row) for row in values])
    among_positives = np.stack([_midranks(row) for row in positives])
    among_negatives = np.stack([_midranks(row) for row in negatives])
    of_positives = (among_all[:, is_positive] - among_positives) / n
    of_negatives = 1 - (among_all[:, ~is_positive] - among_negatives) / m
    areas = of_positives.mean(axis=1)
    covariance = _covariance(of_positives) / m + _covariance(of_negatives) / n
    return areas, covariance


def _covariance(rows: Floats) -> Floats:
    if rows.shape[1] < 2:
        return np.zeros((rows.shape[0], rows.shape[0]))
    return np.atleast_2d(np.cov(rows, ddof=1))


def _midranks(row: Floats) -> Floats:
    """Return ranks from 1, ties sharing the mean of theirs."""
    _, place, count = np.unique(row, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    middle = last - (count - 1) / 2
    ranks: Floats = middle[place].astype(np.float64)
    return ranks

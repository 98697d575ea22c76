"""Do probabilities mean what they say? Brier, calibration error, temperature."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workers.measures.estimate import MeasureError

Floats = NDArray[np.float64]

_GOLDEN = (5**0.5 - 1) / 2
_STEPS = 80
_LOG_LIMIT = 5.0


def brier(*, truth: ArrayLike, probabilities: ArrayLike) -> float:
    """Return the mean squared distance of probabilities from what happened.

    Args:
        truth: 1 or True for a positive case, [n].
        probabilities: 0–1, [n].

    Raises:
        MeasureError: Empty, of different length, or not probabilities.
    """
    happened, stated = _checked(truth, probabilities)
    return float(np.mean((stated - happened) ** 2))


def expected_calibration_error(
    *, truth: ArrayLike, probabilities: ArrayLike, n_bins: int = 10
) -> float:
    """Return the mean distance between stated and observed share over bins.

    Bins have equal width; a probability on an edge belongs to the lower bin, 0
    to the first. Each bin weighs as many cases as it holds.

    Args:
        truth: 1 or True for a positive case, [n].
        probabilities: 0–1, [n].
        n_bins: How many, at least 1.

    Raises:
        MeasureError: Empty, of different length, or not probabilities.
    """
    happened, stated = _checked(truth, probabilities)
    if n_bins < 1:
        raise MeasureError("at least one bin is needed")
    inner = np.linspace(0.0, 1.0, n_bins + 1)[1:-1]
    bins = np.searchsorted(inner, stated, side="left")
    gap = np.bincount(bins, weights=stated - happened, minlength=n_bins)
    return float(np.abs(gap).sum() / stated.size)


def fit_temperature(*, truth: ArrayLike, logits: ArrayLike) -> float:
    """Return the temperature that makes sigmoid(logit / T) fit best.

    Best is the lowest cross-entropy; the search covers T from e⁻⁵ to e⁵.

    Args:
        truth: 1 or True for a positive case, [n].
        logits: Log odds, [n].

    Raises:
        MeasureError: Empty, of different length, or not finite.
    """
    happened = np.asarray(truth, dtype=np.float64)
    scores = np.asarray(logits, dtype=np.float64)
    if scores.size == 0 or scores.shape != happened.shape:
        raise MeasureError("truth and logits need the same length, at least 1")
    if not np.isfinite(scores).all():
        raise MeasureError("every logit must be a finite number")
    low, high = -_LOG_LIMIT, _LOG_LIMIT
    for _ in range(_STEPS):
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        if _loss(happened, scores, left) <= _loss(happened, scores, right):
            high = right
        else:
            low = left
    return float(np.exp((low + high) / 2))


def _loss(happened: Floats, scores: Floats, log_temperature: float) -> float:
    scaled = scores * np.exp(-log_temperature)
    return float(np.mean(np.logaddexp(0.0, scaled) - happened * scaled))


def _checked(truth: ArrayLike, probabilities: ArrayLike) -> tuple[Floats, Floats]:
    happened = np.asarray(truth, dtype=np.float64)
    stated = np.asarray(probabilities, dtype=np.float64)
    if stated.size == 0 or stated.shape != happened.shape or stated.ndim != 1:
        raise MeasureError("truth and probabilities need the same length, at least 1")
    if not ((stated >= 0) & (stated <= 1)).all():
        raise MeasureError("probabilities lie between 0 and 1")
    return happened, stated

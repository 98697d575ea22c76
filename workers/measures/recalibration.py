"""From a network's score to a probability that means what it says: fit and apply.

- temperature: sigmoid(score / T); Guo et al. 2017.
- Platt: sigmoid(slope · score + intercept), fitted to Platt's smoothed targets
  (n₊ + 1)/(n₊ + 2) and 1/(n₋ + 2), so that a separable sample has a finite fit.
- isotonic: pool adjacent violators, each pool smoothed by half a case of each kind,
  joined by straight lines between the mean scores of the pools, so that two scores
  seldom share a probability; level beyond the outermost pools.

What is told of a fit comes from folds: each case is judged by a fit that has not
seen its patient.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import isotonic_regression
from scipy.special import expit

from workers.measures.calibration import (
    brier,
    expected_calibration_error,
    fit_temperature,
)
from workers.measures.estimate import MeasureError

Floats = NDArray[np.float64]

_NEWTON_STEPS: Final = 50
_RIDGE: Final = 1e-9
_FOLDS: Final = 5
_SEED: Final = 20261121


class Method(StrEnum):
    """How scores become probabilities."""

    TEMPERATURE = "temperature"
    PLATT = "platt"
    ISOTONIC = "isotonic"


LEAST: Final[Mapping[Method, tuple[int, int]]] = {
    Method.TEMPERATURE: (60, 10),
    Method.PLATT: (100, 20),
    Method.ISOTONIC: (300, 50),
}
"""Cases in all, and of each kind, below which a method is not fitted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """A fitted map from scores to probabilities; it never falls.

    Attributes:
        method: Which.
        slope: Of temperature and Platt.
        intercept: Of Platt.
        scores: Of isotonic: where its pools lie, rising.
        shares: Of isotonic: the probabilities there, rising.
    """

    method: Method
    slope: float = 1.0
    intercept: float = 0.0
    scores: tuple[float, ...] = ()
    shares: tuple[float, ...] = ()

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Self:
        """Return what `plain` gave; further keys are left alone."""
        return cls(
            method=Method(plain["method"]),
            slope=float(plain.get("slope", 1.0)),
            intercept=float(plain.get("intercept", 0.0)),
            scores=tuple(plain.get("scores", ())),
            shares=tuple(plain.get("shares", ())),
        )

    def plain(self) -> dict[str, Any]:
        """Return it as JSON."""
        if self.method is Method.ISOTONIC:
            return {
                "method": self.method.value,
                "scores": list(self.scores),
                "shares": list(self.shares),
            }
        return {
            "method": self.method.value,
            "slope": self.slope,
            "intercept": self.intercept,
        }

    def probabilities(self, scores: ArrayLike) -> Floats:
        """Return the probabilities of scores, [n]."""
        values = np.asarray(scores, dtype=np.float64)
        if self.method is Method.ISOTONIC:
            found: Floats = np.interp(values, self.scores, self.shares)
        else:
            found = expit(self.slope * values + self.intercept)
        return found

    def probability(self, score: float) -> float:
        """Return the probability of one score."""
        return float(self.probabilities([score])[0])


def fit(*, method: Method, truth: ArrayLike, scores: ArrayLike) -> Calibration:
    """Fit a map to cases of known truth.

    Args:
        method: How.
        truth: 1 or True for a positive case, [n].
        scores: The network's log odds, [n].

    Raises:
        MeasureError: Lengths differ, one kind of case is missing, a score is not
            finite, or higher scores do not go with more positive cases.
    """
    happened, values = _checked(truth, scores)
    if method is Method.ISOTONIC:
        return _fit_isotonic(happened, values)
    if method is Method.TEMPERATURE:
        slope = 1 / fit_temperature(truth=happened, logits=values)
        return Calibration(method=method, slope=slope)
    return _fit_platt(happened, values)


def _checked(truth: ArrayLike, scores: ArrayLike) -> tuple[Floats, Floats]:
    happened = np.asarray(truth, dtype=np.float64)
    values = np.asarray(scores, dtype=np.float64)
    if happened.ndim != 1 or happened.shape != values.shape:
        raise MeasureError("truth and scores need the same length")
    if not np.isfinite(values).all():
        raise MeasureError("every score must be a finite number")
    if happened.size == 0 or happened.all() or not happened.any():
        raise MeasureError("a calibration needs positive and negative cases")
    return happened, values


def _fit_platt(happened: Floats, values: Floats) -> Calibration:
    """Fit by Newton's method on standardised scores."""
    centre, spread = float(values.mean()), float(values.std()) or 1.0
    design = np.stack([(values - centre) / spread, np.ones_like(values)], axis=1)
    n_positive = float(happened.sum())
    n_negative = happened.size - n_positive
    target = np.where(
        happened > 0, (n_positive + 1) / (n_positive + 2), 1 / (n_negative + 2)
    )
    weights = np.array([0.0, np.log((n_positive + 1) / (n_negative + 1))])
    for _ in range(_NEWTON_STEPS):
        stated = expit(design @ weights)
        curvature = (design * (stated * (1 - stated))[:, None]).T @ design
        step = np.linalg.solve(
            curvature + _RIDGE * np.eye(2), design.T @ (stated - target)
        )
        weights = weights - step
        if float(np.abs(step).max()) < 1e-10:
            break
    slope = float(weights[0]) / spread
    if not slope > 0:
        raise MeasureError("higher scores do not go with more positive cases here")
    return Calibration(
        method=Method.PLATT,
        slope=slope,
        intercept=float(weights[1]) - slope * centre,
    )


def _fit_isotonic(happened: Floats, values: Floats) -> Calibration:
    order = np.argsort(values, kind="stable")
    values, happened = values[order], happened[order]
    distinct, place = np.unique(values, return_inverse=True)
    counts = np.bincount(place).astype(np.float64)
    positives = np.bincount(place, weights=happened)
    pools = isotonic_regression(positives / counts, weights=counts).blocks
    starts = np.asarray(pools[:-1], dtype=np.intp)
    n = np.add.reduceat(counts, starts)
    shares = (np.add.reduceat(positives, starts) + 0.5) / (n + 1)
    centres = np.add.reduceat(distinct * counts, starts) / n
    return Calibration(
        method=Method.ISOTONIC,
        scores=tuple(float(one) for one in centres),
        shares=tuple(float(one) for one in np.maximum.accumulate(shares)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """One bin of a reliability curve.

    Attributes:
        stated: Mean probability in it.
        observed: Share of positive cases in it.
        n: Cases in it.
    """

    stated: float
    observed: float
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reliability:
    """How well probabilities mean what they say.

    Attributes:
        ece: Expected calibration error, ten bins of equal width.
        brier: Mean squared distance from what happened.
        curve: The bins that hold cases, rising.
        n: Cases.
    """

    ece: float
    brier: float
    curve: tuple[Bin, ...]
    n: int


def reliability(*, truth: ArrayLike, probabilities: ArrayLike) -> Reliability:
    """Return how well probabilities mean what they say.

    Args:
        truth: 1 or True for a positive case, [n].
        probabilities: 0–1, [n].

    Raises:
        MeasureError: Empty, of different length, or not probabilities.
    """
    error = expected_calibration_error(truth=truth, probabilities=probabilities)
    score = brier(truth=truth, probabilities=probabilities)
    happened = np.asarray(truth, dtype=np.float64)
    stated = np.asarray(probabilities, dtype=np.float64)
    bins = np.searchsorted(np.linspace(0, 1, 11)[1:-1], stated, side="left")
    curve = tuple(
        Bin(
            stated=float(stated[bins == one].mean()),
            observed=float(happened[bins == one].mean()),
            n=int((bins == one).sum()),
        )
        for one in np.unique(bins)
    )
    return Reliability(ece=error, brier=score, curve=curve, n=stated.size)


def judged_unseen(
    *, method: Method, truth: ArrayLike, scores: ArrayLike, groups: Sequence[object]
) -> Floats:
    """Return each case's probability by a fit that has not seen its group.

    Groups (patients) are dealt into five folds, the same each time.

    Args:
        method: How.
        truth: 1 or True for a positive case, [n].
        scores: Log odds, [n].
        groups: Whose case each is, n of them.

    Raises:
        MeasureError: There are too few of a kind to leave a fifth out.
    """
    happened, values = _checked(truth, scores)
    _, group = np.unique([str(one) for one in groups], return_inverse=True)
    dealt = np.random.default_rng(_SEED).permutation(int(group.max()) + 1) % _FOLDS
    folds = dealt[group]
    found = np.empty_like(values)
    for one in np.unique(folds):
        out = folds == one
        fitted = fit(method=method, truth=happened[~out], scores=values[~out])
        found[out] = fitted.probabilities(values[out])
    return found

"""How well probabilities separate and match the truth, with intervals.

Every interval is a bootstrap over patients: a patient's films are drawn
together, normal and pneumonia patients each in their number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Truths = NDArray[np.bool_]

N_BOOTSTRAPS = 1000
N_BINS = 10


def auroc(truth: Truths, score: Floats) -> float:
    """Return the area under the ROC curve; ties count one half."""
    n_positive = int(truth.sum())
    n_negative = len(truth) - n_positive
    if not n_positive or not n_negative:
        return float("nan")
    _, place, counts = np.unique(score, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    above = ranks[truth].sum() - n_positive * (n_positive + 1) / 2
    return float(above / (n_positive * n_negative))


def brier(truth: Truths, probability: Floats) -> float:
    """Return the mean squared difference between probability and truth."""
    return float(np.mean((probability - truth) ** 2))


def calibration_error(truth: Truths, probability: Floats) -> float:
    """Return ECE over ten equal-width bins, weighted by their films."""
    bins = np.minimum((probability * N_BINS).astype(int), N_BINS - 1)
    total = 0.0
    for index in range(N_BINS):
        chosen = bins == index
        if chosen.any():
            gap = abs(probability[chosen].mean() - truth[chosen].mean())
            total += chosen.mean() * gap
    return float(total)


def sensitivity(truth: Truths, called: Truths) -> float:
    """Return the share of positive films that are called."""
    return float(called[truth].mean()) if truth.any() else float("nan")


def specificity(truth: Truths, called: Truths) -> float:
    """Return the share of negative films that are not called."""
    return float(1 - called[~truth].mean()) if (~truth).any() else float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """Films with their truth and a model's calibrated probability.

    Attributes:
        truth: [n], whether the label says pneumonia.
        probability: [n], 0 to 1.
        patient: [n], names of patients.
    """

    truth: Truths
    probability: Floats
    patient: Sequence[str]

    def take(self, index: NDArray[np.int64]) -> Scored:
        """Return the films at an index, repeats included."""
        return Scored(
            truth=self.truth[index], probability=self.probability[index], patient=()
        )


def _draws(scored: Scored, n: int, seed: int) -> list[Scored]:
    films: dict[str, list[int]] = {}
    for index, patient in enumerate(scored.patient):
        films.setdefault(patient, []).append(index)
    groups = [np.array(rows) for rows in films.values()]
    strata = [
        [rows for rows in groups if scored.truth[rows[0]]],
        [rows for rows in groups if not scored.truth[rows[0]]],
    ]
    generator = np.random.default_rng(seed)
    draws = []
    for _ in range(n):
        rows = [
            stratum[int(k)]
            for stratum in strata
            if stratum
            for k in generator.integers(0, len(stratum), len(stratum))
        ]
        draws.append(scored.take(np.concatenate(rows)))
    return draws


def measure(
    scored: Scored, *, threshold: float, n_bootstraps: int = N_BOOTSTRAPS, seed: int = 0
) -> dict[str, Any]:
    """Return every figure with its 95% interval, ready for a card.

    Args:
        scored: The films.
        threshold: A film is called at or above it.
        n_bootstraps: Draws of the patient-clustered bootstrap.
        seed: Its seed.
    """
    figures: dict[str, Callable[[Scored], float]] = {
        "auroc": lambda s: auroc(s.truth, s.probability),
        "sensitivity": lambda s: sensitivity(s.truth, s.probability >= threshold),
        "specificity": lambda s: specificity(s.truth, s.probability >= threshold),
        "brier": lambda s: brier(s.truth, s.probability),
        "ece": lambda s: calibration_error(s.truth, s.probability),
    }
    draws = _draws(scored, n_bootstraps, seed)
    found: dict[str, Any] = {
        "n_images": len(scored.truth),
        "n_patients": len(set(scored.patient)),
        "n_positive_images": int(scored.truth.sum()),
        "threshold": round(threshold, 4),
        "interval": "95%, percentile bootstrap over patients, "
        f"{n_bootstraps} draws, seed {seed}",
    }
    for name, figure in figures.items():
        low, high = np.quantile([figure(draw) for draw in draws], (0.025, 0.975))
        found[name] = {
            "value": round(figure(scored), 4),
            "ci_low": round(float(low), 4),
            "ci_high": round(float(high), 4),
        }
    return found


def fit_platt(truth: Truths, logit: Floats) -> tuple[float, float]:
    """Fit probability = sigmoid(slope · logit + intercept) by Newton's method.

    Targets are Platt's smoothed ones, so that a separable sample stays finite.

    Returns:
        Slope and intercept.
    """
    n_positive, n_negative = int(truth.sum()), int((~truth).sum())
    target = np.where(truth, (n_positive + 1) / (n_positive + 2), 1 / (n_negative + 2))
    design = np.stack((logit, np.ones_like(logit)), axis=1)
    found = np.array([1.0, 0.0])
    for _ in range(100):
        probability = 1 / (1 + np.exp(-np.clip(design @ found, -50, 50)))
        gradient = design.T @ (probability - target)
        spread = probability * (1 - probability)
        hessian = (design.T * spread) @ design + 1e-6 * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        found -= np.clip(step, -1.0, 1.0)
        if np.abs(step).max() < 1e-8:
            break
    return float(found[0]), float(found[1])


def threshold_at_sensitivity(
    truth: Truths, probability: Floats, *, wanted: float
) -> float:
    """Return the highest threshold that calls `wanted` of the positive films.

    It lies midway to the next higher score, so that it is no film's own score.
    """
    positives = np.sort(probability[truth])[::-1]
    needed = int(np.ceil(wanted * len(positives))) - 1
    edge = positives[needed]
    below = probability[probability < edge]
    lower = below.max() if len(below) else 0.0
    return float((edge + lower) / 2)

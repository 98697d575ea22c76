"""Calibrate the haemorrhage model of phantom heads, and measure what it marks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from workers.inference.segment import segment_volume
from workers.measures.auroc import auroc
from workers.measures.calibration import brier, expected_calibration_error
from workers.measures.proportion import wilson
from workers.measures.recalibration import Method
from workers.training.calibration_shown import HOW, show_calibration
from workers.training.performance import fit_platt
from workers.training.phantom_heads import examples

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from workers.measures.estimate import Estimate
    from workers.models.package import ModelPackage
    from workers.training.phantom_heads import Truth

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

_N_BOOTSTRAPS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a package says of heads, beside their truth.

    Attributes:
        truths: Of each head.
        logits: [n], the studies' scores before calibration.
        dice: [n], overlap of the marked and the true voxels on the source's grid;
            NaN for heads without blood.
        marked_ml: [n], volume of what is marked.
    """

    truths: tuple[Truth, ...]
    logits: Floats
    dice: Floats
    marked_ml: Floats

    @property
    def truth(self) -> Flags:
        """Whether there is blood, [n]."""
        return np.array([t.positive for t in self.truths])


def overlap(one: Flags, other: Flags) -> float:
    """Return Dice's overlap of two masks, 0 to 1; NaN when both are empty."""
    total = int(one.sum()) + int(other.sum())
    return 2.0 * int((one & other).sum()) / total if total else float("nan")


def ask(package: ModelPackage, paths: Sequence[Path]) -> Asked:
    """Have a package judge heads, as inference does."""
    truths, logits, dice, marked = [], [], [], []
    for example in examples(paths):
        found = segment_volume(package, example.hu, example.spacing)[0]
        truths.append(example.truth)
        logits.append(found.raw_score)
        same = overlap(found.mask, example.mask)
        dice.append(same if example.truth.positive else float("nan"))
        marked.append(found.volume_ml)
    return Asked(
        truths=tuple(truths),
        logits=np.array(logits, dtype=np.float64),
        dice=np.array(dice, dtype=np.float64),
        marked_ml=np.array(marked, dtype=np.float64),
    )


def calibrate(asked: Asked) -> tuple[dict[str, Any], float]:
    """Fit slope and intercept, and find the threshold.

    The threshold is where sensitivity and specificity together are highest.

    Returns:
        The card's calibration, and the threshold.
    """
    truth = asked.truth
    slope, intercept = fit_platt(truth, asked.logits)
    row = {"slope": round(slope, 6), "intercept": round(intercept, 6)}
    probability = _probability(asked.logits, row)
    order = np.argsort(-probability)
    gain = np.cumsum(truth[order]) / truth.sum()
    gain = gain - np.cumsum(~truth[order]) / (~truth).sum()
    best = int(np.argmax(gain))
    after = probability[order[min(best + 1, len(order) - 1)]]
    calibration = {
        "method": "platt",
        "labels": [row],
        "fitted_on": f"{len(truth)} validation heads of the training world",
        "threshold_rule": "where sensitivity and specificity together are highest "
        "on the validation heads",
    }
    return calibration, round(float((probability[order[best]] + after) / 2), 4)


def _probability(logits: Floats, row: dict[str, float]) -> Floats:
    found: Floats = 1.0 / (1.0 + np.exp(-(row["slope"] * logits + row["intercept"])))
    return found


def measure_heads(asked: Asked, package: ModelPackage) -> dict[str, Any]:
    """Return every figure, ready for the card."""
    truth = asked.truth
    probability = _probability(asked.logits, package.card["calibration"]["labels"][0])
    called = probability >= float(package.card["labels"][0]["threshold"])
    dice = asked.dice[truth]
    return {
        "n_studies": len(truth),
        "n_positive": int(truth.sum()),
        "auroc": _plain(auroc(truth=truth, scores=probability)),
        "sensitivity": _share(called[truth]),
        "specificity": _share(~called[~truth]),
        "ece": _resampled(
            lambda rows: expected_calibration_error(
                truth=truth[rows], probabilities=probability[rows]
            ),
            len(truth),
        ),
        "brier": _resampled(
            lambda rows: brier(truth=truth[rows], probabilities=probability[rows]),
            len(truth),
        ),
        "calibration": show_calibration(
            truth=truth,
            logits=asked.logits,
            probability=probability,
            method=Method.PLATT,
        )
        | {"how": HOW},
        "dice": _spread(dice),
        "dice_at_5_ml_or_more": _spread(
            asked.dice[np.array([t.volume_ml >= 5 for t in asked.truths])]
        ),
        "marked_without_blood": _share(asked.marked_ml[~truth] > 0),
        "kinds": _by_kind(asked, called),
        "intervals": "95%: AUROC by DeLong, shares by Wilson, the rest by a "
        f"percentile bootstrap over studies, {_N_BOOTSTRAPS} draws, seed 0; Dice: "
        "median and quartiles over positive studies",
    }


def _by_kind(asked: Asked, called: Flags) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for kind in sorted({k for t in asked.truths for k in t.kinds}):
        rows = np.array([t.positive and kind in t.kinds for t in asked.truths])
        found[kind] = {
            "n": int(rows.sum()),
            "sensitivity": _share(called[rows]),
            "dice": _spread(asked.dice[rows]),
        }
    return found


def _spread(values: Floats) -> dict[str, float] | None:
    if not len(values):
        return None
    low, middle, high = np.quantile(values, (0.25, 0.5, 0.75))
    return {
        "median": round(float(middle), 4),
        "q1": round(float(low), 4),
        "q3": round(float(high), 4),
    }


def _resampled(
    figure: Callable[[NDArray[np.int64]], float], n: int
) -> dict[str, float]:
    rng = np.random.default_rng(0)
    draws = [figure(rng.integers(0, n, n)) for _ in range(_N_BOOTSTRAPS)]
    low, high = np.quantile(draws, (0.025, 0.975))
    return _figures(figure(np.arange(n)), float(low), float(high))


def _share(values: Flags) -> dict[str, float] | None:
    if not len(values):
        return None
    return _plain(wilson(successes=int(values.sum()), n=len(values)))


def _plain(found: Estimate) -> dict[str, float]:
    return _figures(found.value, found.low, found.high)


def _figures(value: float, low: float, high: float) -> dict[str, float]:
    return {
        "value": round(value, 4),
        "ci_low": round(low, 4),
        "ci_high": round(high, 4),
    }

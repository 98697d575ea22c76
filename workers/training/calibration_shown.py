"""What a package's calibration does to its probabilities: before, after, refitted.

- *before*: the network's log odds taken at their word, sigmoid(logit);
- *after*: what the package's calibration makes of them, which was fitted on patients of
  the validation part alone;
- *refitted*: what a calibration by patients of the measured world itself would make of
  them, each patient judged by a fit that has not seen them (five folds), as a site's
  slot does it (`workers.measures.recalibration`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.special import expit

from workers.measures.calibration import brier, expected_calibration_error
from workers.measures.estimate import MeasureError
from workers.measures.recalibration import Method, judged_unseen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

N_BOOTSTRAPS: Final = 1000
_SEED: Final = 0

HOW: Final = (
    "before: sigmoid(logit); after: the package's calibration, fitted on the "
    "validation part alone; change: after less before, on the same draws; refitted: "
    "by studies of this part, each judged by a fit without it (5 folds); ECE of 10 "
    "bins of equal width; 95%: percentile bootstrap over patients, "
    f"{N_BOOTSTRAPS} draws, seed {_SEED}"
)


def _ece(truth: Flags, probability: Floats) -> float:
    return expected_calibration_error(truth=truth, probabilities=probability)


def _brier(truth: Flags, probability: Floats) -> float:
    return brier(truth=truth, probabilities=probability)


_FIGURES: Final[Mapping[str, Callable[[Flags, Floats], float]]] = {
    "ece": _ece,
    "brier": _brier,
}


def show_calibration(
    *, truth: Flags, logits: Floats, probability: Floats, method: Method
) -> dict[str, Any]:
    """Return calibration error and Brier score before and after, ready for a card.

    Args:
        truth: [n], one study a patient.
        logits: [n], the network's log odds.
        probability: [n], the package's.
        method: How the measured world's own studies are fitted.

    Returns:
        `{before, after, change, refitted}` of `{ece, brier}` of
        `{value, ci_low, ci_high}`; `refitted` names its method and is None where there
        are too few studies of a kind.
    """
    before = np.asarray(expit(logits), dtype=np.float64)
    found: dict[str, Any] = {
        "before": _measured(truth, before),
        "after": _measured(truth, probability),
        "change": _measured(truth, probability, less=before),
        "refitted": None,
    }
    try:
        own = judged_unseen(
            method=method, truth=truth, scores=logits, groups=range(len(truth))
        )
    except MeasureError:
        return found
    return found | {"refitted": {"method": method.value, **_measured(truth, own)}}


def _measured(
    truth: Flags, probability: Floats, *, less: Floats | None = None
) -> dict[str, dict[str, float]]:
    return {
        name: _interval(figure, truth, probability, less)
        for name, figure in _FIGURES.items()
    }


def _interval(
    figure: Callable[[Flags, Floats], float],
    truth: Flags,
    probability: Floats,
    less: Floats | None,
) -> dict[str, float]:
    def value(rows: NDArray[np.int64]) -> float:
        found = figure(truth[rows], probability[rows])
        return found if less is None else found - figure(truth[rows], less[rows])

    n = len(truth)
    rng = np.random.default_rng(_SEED)
    draws = [value(rng.integers(0, n, n)) for _ in range(N_BOOTSTRAPS)]
    low, high = np.quantile(draws, (0.025, 0.975))
    return {
        "value": round(value(np.arange(n)), 4),
        "ci_low": round(float(low), 4),
        "ci_high": round(float(high), 4),
    }

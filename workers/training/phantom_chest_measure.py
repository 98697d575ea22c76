"""Calibrate the chest film phantom model, and measure what it says and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from workers.measures.auroc import auroc
from workers.measures.calibration import (
    brier,
    expected_calibration_error,
    fit_temperature,
)
from workers.measures.proportion import wilson
from workers.measures.recalibration import Method
from workers.models.finding_net import FindingNet
from workers.phantoms.settings import FILM_LABELS
from workers.training.calibration_shown import HOW, show_calibration
from workers.training.phantom_films import CELLS, Films

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workers.measures.estimate import Estimate
    from workers.models.package import ModelPackage

_BATCH = 64
_N_BOOTSTRAPS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a network says of films.

    Attributes:
        logits: [n, L].
        points: [n, L, 2]: column and row of the strongest cell's middle, as shares
            of the grid.
        boxes: [n, L, 4]: the box of that cell, as shares of the grid.
    """

    logits: NDArray[np.float64]
    points: NDArray[np.float64]
    boxes: NDArray[np.float64]


@torch.inference_mode()
def said_of(network: FindingNet, films: Films) -> Said:
    """Ask a network about films."""
    logits, points, boxes = [], [], []
    for start in range(0, len(films), _BATCH):
        images = films.images[start : start + _BATCH].astype(np.float32)
        features = network.features(torch.from_numpy(images)[:, None])
        logits.append(network.classify(features).numpy())
        places = network.places(features)
        n, labels, height, width = places.odds.shape
        best = places.odds.flatten(2).argmax(dim=2)
        index = best[:, :, None, None].expand(n, labels, 4, 1)
        boxes.append(places.boxes.flatten(3).gather(3, index)[..., 0].numpy())
        across, down = (best % width + 0.5) / width, (best // width + 0.5) / height
        points.append(torch.stack((across, down), dim=2).numpy())
    return Said(
        logits=np.concatenate(logits).astype(np.float64),
        points=np.concatenate(points).astype(np.float64),
        boxes=np.concatenate(boxes).astype(np.float64).clip(0.0, 1.0),
    )


def calibrate(said: Said, films: Films) -> tuple[dict[str, Any], list[float]]:
    """Fit one temperature a label, and find each label's threshold.

    The threshold is where sensitivity and specificity together are highest.

    Returns:
        The card's calibration, and the thresholds.
    """
    rows, thresholds = [], []
    for index, label in enumerate(FILM_LABELS):
        truth, logits = films.labels[:, index], said.logits[:, index]
        slope = round(1.0 / fit_temperature(truth=truth, logits=logits), 6)
        rows.append({"code": label, "slope": slope, "intercept": 0.0})
        probability = _sigmoid(slope * logits)
        thresholds.append(round(_best_threshold(truth, probability), 4))
    calibration = {
        "method": "temperature, one a label",
        "labels": rows,
        "fitted_on": f"{len(films)} validation films of the training world",
        "threshold_rule": "where sensitivity and specificity together are highest "
        "on the validation films",
    }
    return calibration, thresholds


def _sigmoid(values: NDArray[np.float64]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-values))
    return found


def _best_threshold(
    truth: NDArray[np.bool_], probability: NDArray[np.float64]
) -> float:
    order = np.argsort(-probability)
    sensitivity = np.cumsum(truth[order]) / truth.sum()
    false_share = np.cumsum(~truth[order]) / (~truth).sum()
    best = int(np.argmax(sensitivity - false_share))
    following = probability[order[min(best + 1, len(order) - 1)]]
    return float((probability[order[best]] + following) / 2)


def measure_films(package: ModelPackage, films: Films) -> dict[str, Any]:
    """Return every figure of a package on films, ready for its card."""
    if not isinstance(package.module, FindingNet):
        raise TypeError("the package is not of a network that says places")
    said = said_of(package.module, films)
    logits = torch.from_numpy(said.logits.astype(np.float32))
    probability = package.calibrate(logits).numpy().astype(np.float64)
    labels = {
        label: _measure_label(
            said,
            films,
            probability=probability[:, index],
            index=index,
            threshold=float(package.card["labels"][index]["threshold"]),
        )
        for index, label in enumerate(FILM_LABELS)
    }
    return {
        "n_films": len(films),
        "macro_auroc": _macro(films.labels, probability),
        "labels": labels,
        "calibration": HOW,
        "intervals": "95%: AUROC by DeLong, shares by Wilson, the rest by a "
        f"percentile bootstrap over films, {_N_BOOTSTRAPS} draws, seed 0",
    }


def _measure_label(
    said: Said,
    films: Films,
    *,
    probability: NDArray[np.float64],
    index: int,
    threshold: float,
) -> dict[str, Any]:
    truth = films.labels[:, index]
    called = probability >= threshold
    hits = truth & called
    pointed = _pointed(said.points[:, index], films.cover[:, index])
    overlaps = _overlaps(said.boxes[:, index], films.boxes[:, index])
    return {
        "n_positive": int(truth.sum()),
        "auroc": _plain(auroc(truth=truth, scores=probability)),
        "sensitivity": _share(called[truth]),
        "specificity": _share(~called[~truth]),
        "ece": _resampled(_ece, truth, probability),
        "brier": _resampled(_brier, truth, probability),
        "calibration": show_calibration(
            truth=truth,
            logits=said.logits[:, index],
            probability=probability,
            method=Method.TEMPERATURE,
        ),
        "pointing": _share(pointed[hits]),
        "box_iou_median": _resampled(
            lambda _, values: float(np.median(values)), truth[hits], overlaps[hits]
        ),
        "box_iou_at_least_0.3": _share(overlaps[hits] >= 0.3),
    }


def _ece(truth: NDArray[np.bool_], values: NDArray[np.float64]) -> float:
    return expected_calibration_error(truth=truth, probabilities=values)


def _brier(truth: NDArray[np.bool_], values: NDArray[np.float64]) -> float:
    return brier(truth=truth, probabilities=values)


def _pointed(
    points: NDArray[np.float64], cover: NDArray[np.uint8]
) -> NDArray[np.bool_]:
    """Return whether each point lies on its finding, to one cell of the truth."""
    at = (points * CELLS).astype(int).clip(1, CELLS - 2)
    found = np.zeros(len(points), bool)
    for film, (column, row) in enumerate(at):
        around = cover[film, row - 1 : row + 2, column - 1 : column + 2]
        found[film] = bool(around.any())
    return found


def _overlaps(
    boxes: NDArray[np.float64], truths: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return the best intersection over union with any box of the finding."""
    one, other = boxes[:, None, :], truths.astype(np.float64)
    size = np.minimum(one[..., 2:], other[..., 2:]) - np.maximum(
        one[..., :2], other[..., :2]
    )
    shared = size.clip(0).prod(axis=-1)
    areas = (one[..., 2:] - one[..., :2]).prod(axis=-1) + (
        other[..., 2:] - other[..., :2]
    ).prod(axis=-1)
    found: NDArray[np.float64] = np.nan_to_num(shared / (areas - shared)).max(axis=1)
    return found


def _macro(
    labels: NDArray[np.bool_], probability: NDArray[np.float64]
) -> dict[str, float]:
    """Return the mean AUROC over the labels; films are drawn whole."""
    rng = np.random.default_rng(0)
    n = len(labels)
    draws = []
    for _ in range(_N_BOOTSTRAPS // 5):
        rows = rng.integers(0, n, n)
        shares = labels[rows].mean(axis=0)
        if ((shares > 0) & (shares < 1)).all():
            draws.append(_mean_auroc(labels[rows], probability[rows]))
    low, high = np.quantile(draws or [0.0, 1.0], (0.025, 0.975))
    return _figures(_mean_auroc(labels, probability), float(low), float(high))


def _mean_auroc(labels: NDArray[np.bool_], probability: NDArray[np.float64]) -> float:
    areas = [
        auroc(truth=labels[:, k], scores=probability[:, k]).value
        for k in range(labels.shape[1])
    ]
    return float(np.mean(areas))


def _resampled(
    figure: Any, truth: NDArray[np.bool_], values: NDArray[np.float64]
) -> dict[str, float] | None:
    n = len(truth)
    if not n:
        return None
    rng = np.random.default_rng(0)
    draws = []
    for _ in range(_N_BOOTSTRAPS):
        rows = rng.integers(0, n, n)
        draws.append(figure(truth[rows], values[rows]))
    low, high = np.quantile(draws, (0.025, 0.975))
    return _figures(figure(truth, values), float(low), float(high))


def _share(values: NDArray[np.bool_]) -> dict[str, float] | None:
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

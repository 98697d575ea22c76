"""One model of volumes on one volume: voxels, volume, study score. No network border.

Training measures with the same `segment_volume` that inference uses.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from monai.inferers.utils import sliding_window_inference
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from workers.inference.monai_volume import prepare_monai
from workers.models.package import ModelPackage
from workers.models.preprocess import PreprocessError
from workers.models.volume_net import VolumeModel
from workers.models.volume_prepare import Spacing, prepare_volume, stretch

_COMPRESSION: Final = 6
_LEAST: Final = 1e-7


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """What a model marks for one label.

    Attributes:
        label_code: The label's code on the card.
        raw_score: The study's logit.
        probability: Calibrated, 0–1.
        is_positive: Whether the probability reaches the card's threshold.
        mask: bool [z, y, x] on the source's grid; empty where nothing is marked.
        volume_ml: What is marked.
    """

    label_code: str
    raw_score: float
    probability: float
    is_positive: bool
    mask: NDArray[np.bool_]
    volume_ml: float


@torch.inference_mode()
def segment_volume(
    package: ModelPackage,
    values: NDArray[Any],
    spacing: Spacing,
    *,
    device: torch.device | None = None,
) -> tuple[Segment, ...]:
    """Mark a volume and score the study, one segment for each label of the card.

    Args:
        package: The model; its card has a `segmentation`.
        values: [z, y, x] in Hounsfield units: up, to the back, to the left; or
            [channel, z, y, x] in each modality's own unit, of a model of several
            series.
        spacing: Millimetres between voxels, (z, y, x).
        device: Where the network is; the processor by default.

    Raises:
        PreprocessError: The volume can not be used.
    """
    place = device or torch.device("cpu")
    rules: dict[str, Any] = package.card["segmentation"]
    if rules.get("pipeline") == "monai":
        return _segment_monai(package, values, spacing, rules=rules, device=place)
    ready, grid_spacing = prepare_volume(
        torch.from_numpy(np.ascontiguousarray(values)).float(),
        spacing,
        steps=package.card["preprocessing"],
    )
    odds = _voxel_logits(package, ready, rules=rules, device=place)
    grid_ml = float(np.prod(grid_spacing)) / 1000.0
    scores = torch.stack([_study_score(one, grid_ml, rules=rules) for one in odds])
    probabilities = package.calibrate(scores)
    source_ml = float(np.prod(spacing)) / 1000.0
    size = (int(values.shape[-3]), int(values.shape[-2]), int(values.shape[-1]))
    found = []
    for index, label in enumerate(package.card["labels"]):
        mask = _mask_of(odds[index], size, source_ml, rules=rules)
        probability = float(probabilities[index])
        found.append(
            Segment(
                label_code=str(label["code"]),
                raw_score=float(scores[index]),
                probability=probability,
                is_positive=probability >= float(label.get("threshold", 0.5)),
                mask=mask,
                volume_ml=round(float(mask.sum()) * source_ml, 3),
            )
        )
    return tuple(found)


def _segment_monai(
    package: ModelPackage,
    values: NDArray[Any],
    spacing: Spacing,
    *,
    rules: dict[str, Any],
    device: torch.device,
) -> tuple[Segment, ...]:
    """Mark a volume as an imported MONAI bundle does.

    What the network gives becomes probabilities on its own grid, these are laid back on
    the source's grid, and are decided there. The study's score comes from its own grid.
    """
    volume = prepare_monai(
        torch.from_numpy(np.ascontiguousarray(values)),
        spacing,
        steps=package.card["preprocessing"],
    )
    outputs = _voxel_logits(
        package, volume.ready.as_tensor(), rules=rules, device=device
    )
    shares = _shares(outputs, activation=str(rules.get("activation", "sigmoid")))
    laid = volume.lay_back(shares, between=rules.get("back", "linear") == "linear")
    source_ml = float(np.prod(spacing)) / 1000.0
    columns = [int(c) for c in rules["channels"]]
    odds = torch.logit(shares[columns].clamp(_LEAST, 1.0 - _LEAST))
    scores = torch.stack(
        [_study_score(one, volume.voxel_ml, rules=rules) for one in odds]
    )
    probabilities = package.calibrate(scores)
    found = []
    for index, label in enumerate(package.card["labels"]):
        mask = _decide(laid, columns[index], rules=rules)
        mask = _without_specks(mask, source_ml, rules=rules)
        probability = float(probabilities[index])
        found.append(
            Segment(
                label_code=str(label["code"]),
                raw_score=float(scores[index]),
                probability=probability,
                is_positive=probability >= float(label.get("threshold", 0.5)),
                mask=mask,
                volume_ml=round(float(mask.sum()) * source_ml, 3),
            )
        )
    return tuple(found)


def _shares(outputs: Tensor, *, activation: str) -> Tensor:
    """Return probabilities, [C, i, j, k], of what a network gives."""
    if activation == "sigmoid":
        return outputs.sigmoid()
    if activation == "softmax":
        return outputs.softmax(dim=0)
    if activation == "none":
        return outputs
    raise PreprocessError(f"activation “{activation}” is unknown")


def _decide(
    shares: Tensor, channel: int, *, rules: dict[str, Any]
) -> NDArray[np.bool_]:
    """Return the voxels of a channel, [z, y, x]."""
    if rules.get("decide") == "argmax":
        chosen: NDArray[np.bool_] = (shares.argmax(dim=0) == channel).numpy()
        return chosen
    cut = float(rules.get("voxel_threshold", 0.5))
    above: NDArray[np.bool_] = (shares[channel] >= cut).numpy()
    return above


def _without_specks(
    mask: NDArray[np.bool_], voxel_ml: float, *, rules: dict[str, Any]
) -> NDArray[np.bool_]:
    """Return the pieces of a mask that are large enough, or the largest alone."""
    least = float(rules.get("min_ml", 0.0))
    only_largest = bool(rules.get("keep_largest", False))
    if not (least or only_largest):
        return mask
    pieces, n = ndimage.label(
        mask, structure=np.ones((3, 3, 3)) if only_largest else None
    )
    if not n:
        return mask
    counts = np.bincount(pieces.ravel())
    counts[0] = 0
    kept = counts * voxel_ml >= least
    kept[0] = False
    if only_largest:
        kept &= np.arange(len(counts)) == int(counts.argmax())
    cleaned: NDArray[np.bool_] = kept[pieces]
    return cleaned


def _voxel_logits(
    package: ModelPackage,
    ready: Tensor,
    *,
    rules: dict[str, Any],
    device: torch.device,
) -> Tensor:
    """Return [outputs, i, j, k] on the network's grid, on the processor.

    Args:
        package: The model.
        ready: [i, j, k], or [channel, i, j, k].
        rules: The card's `segmentation`.
        device: Where the network is.
    """
    if not isinstance(package.module, VolumeModel):
        raise PreprocessError("the model is not one of volumes")
    inputs = (ready[None, None] if ready.ndim == 3 else ready[None]).to(device)
    if not rules.get("window"):
        found = package.module(inputs).cpu()
    else:
        found = sliding_window_inference(
            inputs=inputs,
            roi_size=[int(n) for n in rules["window"]],
            sw_batch_size=1,
            predictor=package.module,
            overlap=float(rules.get("overlap", 0.25)),
            mode=str(rules.get("blend", "gaussian")),
            padding_mode=str(rules.get("padding", "constant")),
            device=torch.device("cpu"),
        )
    if not isinstance(found, Tensor):
        raise PreprocessError("the model gives no voxels")
    return found[0].float()


def _study_score(odds: Tensor, voxel_ml: float, *, rules: dict[str, Any]) -> Tensor:
    """Return the mean of the logits of the highest voxels."""
    score = rules["score"]
    if score["name"] != "mean_of_top":
        raise PreprocessError(f"study score “{score['name']}” is unknown")
    flat = odds.flatten()
    count = max(1, min(round(float(score["ml"]) / voxel_ml), flat.numel()))
    return flat.topk(count).values.mean()


def _mask_of(
    odds: Tensor,
    size: tuple[int, int, int],
    voxel_ml: float,
    *,
    rules: dict[str, Any],
) -> NDArray[np.bool_]:
    """Return the marked voxels on a grid of `size`, without specks."""
    share = float(rules.get("voxel_threshold", 0.5))
    cut = float(np.log(share / (1.0 - share)))
    mask: NDArray[np.bool_] = (stretch(odds, size) >= cut).numpy()
    return _without_specks(mask, voxel_ml, rules=rules)


def pack_mask(mask: NDArray[np.bool_]) -> bytes:
    """Return a mask, [frame, row, column], as its artefact; always the same bytes."""
    return gzip.compress(
        np.ascontiguousarray(mask).astype(np.uint8).tobytes(),
        compresslevel=_COMPRESSION,
        mtime=0,
    )


def unpack_mask(body: bytes, *, shape: tuple[int, int, int]) -> NDArray[np.bool_]:
    """Return the mask of an artefact, bool [frame, row, column]."""
    flat = np.frombuffer(gzip.decompress(body), np.uint8)
    return flat.reshape(shape).astype(bool)


def largest_slice(
    mask: NDArray[np.bool_],
) -> tuple[int, tuple[tuple[float, float], tuple[float, float]]] | None:
    """Return the frame (0-based) that holds most of a mask, and the box there.

    The box is top left and bottom right as (column, row), (0, 0) being the top left
    corner of the top left pixel; None for an empty mask.
    """
    areas = mask.sum(axis=(1, 2))
    frame = int(areas.argmax())
    if not areas[frame]:
        return None
    down, across = np.nonzero(mask[frame])
    return frame, (
        (float(across.min()), float(down.min())),
        (float(across.max() + 1), float(down.max() + 1)),
    )

"""One model on the chosen images of one study: scores, places, vector."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from workers.inference.box import Corners, box_of
from workers.inference.forward import Outputs, join, run_films
from workers.inference.saliency import (
    SaliencyMap,
    activation_of,
    lay_over_source,
    smoothed,
)
from workers.models.finding_net import FindingNet
from workers.models.onnx_net import OnnxFilm
from workers.models.package import ModelPackage
from workers.models.preprocess import Prepared
from workers.pixels.image import DisplayImage, ImageHeader

_BATCH = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What the model says about one label in the study.

    Attributes:
        label_code: The label's code on the card.
        raw_score: The network's output, log odds.
        probability: Calibrated, 0–1.
        uncertainty: How far the members disagree, 0–1; None for one network.
        image: Index of the image that speaks for it most.
        is_positive: Whether the probability reaches the card's threshold.
    """

    label_code: str
    raw_score: float
    probability: float
    uncertainty: float | None
    image: int
    is_positive: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What the model says about the study.

    Attributes:
        scores: One per label of the card, in its order.
        embedding: The pooled vector, float32 [D], mean over the images; None where
            the network gives none.
        vectors: The pooled vector of each image, float32 [N, D]; None likewise.
    """

    scores: tuple[Score, ...]
    embedding: NDArray[np.float32] | None
    vectors: NDArray[np.float32] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a label has its score.

    Attributes:
        saliency: Over the image that speaks for it most.
        box: Around the largest marked region; None when not positive.
    """

    saliency: SaliencyMap
    box: Corners | None


def pick_device() -> torch.device:
    """Return the GPU when there is one, else the processor."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def describe_device(device: torch.device) -> str:
    """Return the device in words for a person."""
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    return f"cpu ({torch.get_num_threads()} threads)"


def limit_threads(wanted: int) -> None:
    """Set the threads of one model call; 0 takes the cores that we may use."""
    torch.set_num_threads(wanted or len(os.sched_getaffinity(0)))


def prepare_images(
    package: ModelPackage, images: Sequence[DisplayImage]
) -> list[Prepared]:
    """Prepare images as the card says.

    Raises:
        PreprocessError: One can not be used.
    """
    return [package.prepare(image.values) for image in images]


def predict(
    package: ModelPackage, prepared: Sequence[Prepared], *, device: torch.device
) -> Prediction:
    """Score the images of one study by themselves, without a queue.

    Args:
        package: The model.
        prepared: Its images, at least one.
        device: Where the network is.
    """
    tensors = [one.tensor for one in prepared]
    parts = [
        run_films(package, tensors[start : start + _BATCH], device=device)
        for start in range(0, len(tensors), _BATCH)
    ]
    return conclude(package, join(parts))


def conclude(package: ModelPackage, outputs: Outputs) -> Prediction:
    """Return what the model says of a study, given what the network gave.

    A label's score is that of the image which speaks for it most.
    """
    logits = outputs.members.mean(dim=0)
    probabilities, doubts = outputs.probabilities, outputs.doubts
    labels: list[dict[str, Any]] = package.card["labels"]
    best = probabilities.argmax(dim=0)
    scores = []
    for index, label in enumerate(labels):
        image = int(best[index])
        probability = float(probabilities[image, index])
        scores.append(
            Score(
                label_code=str(label["code"]),
                raw_score=float(logits[image, index]),
                probability=probability,
                uncertainty=None if doubts is None else float(doubts[image, index]),
                image=image,
                is_positive=probability >= float(label.get("threshold", 0.5)),
            )
        )
    vectors = outputs.vectors
    return Prediction(
        scores=tuple(scores),
        embedding=None if vectors is None else vectors.mean(dim=0).numpy(),
        vectors=None if vectors is None else vectors.numpy(),
    )


def explain(
    package: ModelPackage,
    prepared: Prepared,
    header: ImageHeader,
    *,
    label: int,
    is_positive: bool,
    device: torch.device,
    outputs: Outputs | None = None,
) -> Explanation | None:
    """Say where in an image a label's score comes from.

    Args:
        package: The model.
        prepared: The image on the network's grid.
        header: Of the image.
        label: Index of the label.
        is_positive: Whether the label is said to be there, so that it has a box.
        device: Where the network is.
        outputs: What the network gave of the image, where that is known already.

    Returns:
        None when nothing in the image speaks for the label, the network gives no
        gradients, or its card asks for occlusion, which is done afterwards.
    """
    module = package.film_module
    if package.card.get("saliency") is not None:
        return None
    if isinstance(module, OnnxFilm) or not module.explains:
        return None
    if outputs is None:
        outputs = run_films(package, [prepared.tensor], device=device)
    height, width = prepared.tensor.shape[-2:]
    drawn: Corners | None = None
    if outputs.places is not None:
        cam = smoothed(outputs.places[0].numpy())
    elif outputs.features is None:
        return None
    elif isinstance(module, FindingNet):
        cam, drawn = _place(module, outputs.features, prepared, header, label=label)
    else:
        cam = activation_of(module, outputs.features, label=label)
    saliency = lay_over_source(
        cam,
        grid_shape=(int(height), int(width)),
        grid_to_source=prepared.grid_to_source,
        source_shape=(header.rows, header.columns),
    )
    if saliency is None:
        return None
    box = (drawn or box_of(saliency)) if is_positive else None
    return Explanation(saliency=saliency, box=box)


@torch.no_grad()
def _place(
    module: FindingNet,
    features: torch.Tensor,
    prepared: Prepared,
    header: ImageHeader,
    *,
    label: int,
) -> tuple[NDArray[np.float32], Corners | None]:
    """Return the share of each cell that a finding covers, and its box.

    The box is the one that the network draws at the strongest cell, cut at the
    image's edges; None when nothing is left of it.
    """
    places = module.places(features)
    odds = places.odds[0, label].cpu()
    strongest = int(odds.argmax())
    shares = places.boxes[0, label].flatten(1)[:, strongest].cpu().numpy()
    height, width = prepared.tensor.shape[-2:]
    corners = shares.reshape(2, 2).astype(np.float64) * (width, height)
    limits = (header.columns, header.rows)
    found = prepared.grid_to_source.to_source(corners).clip(0, limits).round(2)
    cam: NDArray[np.float32] = torch.sigmoid(odds).numpy()
    (left, top), (right, bottom) = found.tolist()
    if left >= right or top >= bottom:
        return cam, None
    return cam, ((left, top), (right, bottom))


def to_npy(vector: NDArray[np.float32]) -> bytes:
    """Return a vector as a `.npy` file, float32."""
    target = io.BytesIO()
    np.save(target, vector.astype(np.float32), allow_pickle=False)
    return target.getvalue()

"""Where a model's training inputs lie among its own features, and how far one is out.

The distance of a penultimate vector to the nearest of the training classes, in spreads
of the training vectors: Mahalanobis' distance with one covariance for all classes
(Lee et al., "A simple unified framework for detecting out-of-distribution samples and
adversarial attacks", NeurIPS 2018), the covariance shrunk as Ledoit and Wolf (2004)
do it, on vectors of length 1 (Mueller and Hein, "Mahalanobis++", ICML 2025).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.covariance import LedoitWolf

PREFIX: Final = "input_space."
"""Names of the tensors beside the network's own in `weights.safetensors`."""
METHOD: Final = "mahalanobis, tied covariance, vectors of length 1"

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class InputSpace:
    """What a package says of where its inputs lie.

    Attributes:
        means: [classes, D]: the mean of the unit vectors of each training class.
        whitening: [D, D]: brings what leaves a mean to spread 1.
        threshold: Distance beyond which an input is outside.
        reference: Sorted distances of held-out inputs, to say how rare one is.
    """

    means: Floats
    whitening: Floats
    threshold: float
    reference: Floats
    _centres: Floats = field(init=False, repr=False, compare=False)
    """The means as the whitening has them, [classes, D]."""

    def __post_init__(self) -> None:
        """Work out what each input is compared with."""
        object.__setattr__(self, "_centres", self.means @ self.whitening)

    def distance(self, vectors: NDArray[Any]) -> Floats:
        """Return how far penultimate vectors, [n, D], are out, [n], 0 or more."""
        # The whitening, which is large, is read once, whatever the number of classes.
        white = to_units(vectors) @ self.whitening
        away = white[:, None] - self._centres
        found: Floats = np.linalg.norm(away, axis=2).min(axis=1)
        return found

    def share_nearer(self, distance: float) -> float:
        """Return the share (0–1) of held-out inputs that lie nearer."""
        n = len(self.reference)
        return float(np.searchsorted(self.reference, distance)) / n if n else 0.0


def to_units(vectors: NDArray[Any]) -> Floats:
    """Return vectors, [n, D], at length 1."""
    values = np.asarray(vectors, dtype=np.float64)
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    found: Floats = values / np.maximum(lengths, 1e-12)
    return found


def fit_space(vectors: NDArray[Any], classes: NDArray[Any]) -> tuple[Floats, Floats]:
    """Return means and whitening of training vectors.

    Args:
        vectors: [n, D], penultimate.
        classes: [n], the training class of each.
    """
    units = to_units(vectors)
    kinds = np.unique(classes)
    means = np.stack([units[classes == kind].mean(axis=0) for kind in kinds])
    centred = np.concatenate(
        [units[classes == kind] - mean for kind, mean in zip(kinds, means, strict=True)]
    )
    covariance = LedoitWolf(assume_centered=True).fit(centred).covariance_
    # Cholesky of the inverse: ‖x · L‖² = x · Σ⁻¹ · xᵀ.
    whitening: Floats = np.linalg.cholesky(np.linalg.inv(covariance))
    return means, whitening


def space_tensors(
    means: Floats, whitening: Floats, reference: Floats
) -> dict[str, torch.Tensor]:
    """Return what goes into the weights' file."""
    return {
        f"{PREFIX}means": torch.from_numpy(means).float(),
        f"{PREFIX}whitening": torch.from_numpy(whitening).float(),
        f"{PREFIX}reference": torch.from_numpy(np.sort(reference)).float(),
    }


def split_tensors(
    tensors: Mapping[str, torch.Tensor],
) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """Return the network's own tensors, and those of its input space."""
    own = {k: v for k, v in tensors.items() if not k.startswith(PREFIX)}
    space = {k: v for k, v in tensors.items() if k.startswith(PREFIX)}
    return own, space


def read_space(
    card: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]
) -> InputSpace | None:
    """Return a package's input space; None when it has none.

    Raises:
        ValueError: The card and the tensors do not fit; the text says how.
    """
    said = card.get("input_space")
    names = {f"{PREFIX}{name}" for name in ("means", "whitening", "reference")}
    if said is None and not tensors:
        return None
    if said is None or set(tensors) != names:
        raise ValueError("the card and the weights disagree about an input space")
    if said.get("method") != METHOD:
        raise ValueError(f"input space method “{said.get('method')}” is unknown")
    means, whitening, reference = (
        tensors[f"{PREFIX}{name}"].double().numpy()
        for name in ("means", "whitening", "reference")
    )
    size = means.shape[-1]
    if means.ndim != 2 or whitening.shape != (size, size) or reference.ndim != 1:
        raise ValueError("the input space has the wrong shape")
    return InputSpace(
        means=means,
        whitening=whitening,
        threshold=float(said["threshold"]),
        reference=reference,
    )

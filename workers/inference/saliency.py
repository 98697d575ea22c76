"""What a network looked at, laid over the source image.

Gradient times activation at each place (HiResCAM), not Grad-CAM's gradient
averaged over places: our networks pool by maximum too, so that a place counts
for itself only, and the average would light up places that had no say.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from workers.models.architectures import ExplainableModel
from workers.models.preprocess import GridToSource

MAX_SIDE: Final = 512
CELL_SIDE: Final = 16
"""Pixels of the map for a cell of the network's: finer, it would say no more."""
_PNG_LEVEL: Final = 1  # a third of the default's time, and half as large again
CUT_OFF: Final = 0.5
"""Share of the map's maximum from which on it counts as marked."""

Map = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class SaliencyMap:
    """A relative map over a whole source image.

    Attributes:
        values: float32 in 0–1, [rows, columns] of the map, which covers the image
            from edge to edge; 1 is its maximum, whatever the score.
        columns: Columns of the image it lies on.
        rows: Rows of the image it lies on.
        cut_off: From which value on a region counts as marked.
    """

    values: Map
    columns: int
    rows: int
    cut_off: float = CUT_OFF

    def to_png(self) -> bytes:
        """Return it as an 8-bit grey PNG."""
        target = io.BytesIO()
        grey = np.round(self.values * 255).astype(np.uint8)
        Image.fromarray(grey).save(target, format="PNG", compress_level=_PNG_LEVEL)
        return target.getvalue()


def class_activation(
    module: ExplainableModel, image: torch.Tensor, *, label: int
) -> Map:
    """Return how much each place of the last convolution map speaks for a label.

    Args:
        module: The network, in evaluation mode.
        image: One prepared image, [1, 1, H, W].
        label: Which output.

    Returns:
        [h, w], 0 or more, smoothed by one cell so that a maximum is not a speck.
    """
    with torch.no_grad():
        features = module.features(image)
    return activation_of(module, features, label=label)


def activation_of(
    module: ExplainableModel, features: torch.Tensor, *, label: int
) -> Map:
    """Return the same of a map of `module.features`, [1, C, h, w]."""
    return smoothed(module.relevance(features, label=label)[0].float().cpu().numpy())


def smoothed(places: Map) -> Map:
    """Return what speaks for a label, [h, w], smoothed by one cell."""
    padded = np.pad(places.clip(0), 1, mode="edge")
    down = padded[:-2] + 2 * padded[1:-1] + padded[2:]
    found: Map = (down[:, :-2] + 2 * down[:, 1:-1] + down[:, 2:]) / 16
    return found


def lay_over_source(
    cam: Map,
    *,
    grid_shape: tuple[int, int],
    grid_to_source: GridToSource,
    source_shape: tuple[int, int],
) -> SaliencyMap | None:
    """Resample a map of the network's grid onto its source image.

    Args:
        cam: [h, w], over the whole grid.
        grid_shape: Rows and columns of the network's input.
        grid_to_source: Where that grid lies in the source image.
        source_shape: Rows and columns of the source image.

    Returns:
        The map, 0 where the network saw nothing; None when nothing in the image
        speaks for the label.
    """
    top = float(cam.max())
    if not np.isfinite(top) or top <= 0:
        return None
    rows, columns = source_shape
    ends = grid_to_source.to_grid(np.array([[0.0, 0.0], [columns, rows]]))
    cells = (ends[1] - ends[0]) / grid_shape[::-1] * cam.shape[::-1]
    shrink = min(1.0, MAX_SIDE / max(rows, columns))
    n_columns, n_rows = (
        max(1, min(round(length * shrink), math.ceil(CELL_SIDE * along)))
        for length, along in zip((columns, rows), cells, strict=True)
    )
    points = np.zeros((max(n_rows, n_columns), 2))
    points[:n_columns, 0] = (np.arange(n_columns) + 0.5) * columns / n_columns
    points[:n_rows, 1] = (np.arange(n_rows) + 0.5) * rows / n_rows
    on_grid = grid_to_source.to_grid(points)
    across = _weights(on_grid[:n_columns, 0] / grid_shape[1], cam.shape[1])
    down = _weights(on_grid[:n_rows, 1] / grid_shape[0], cam.shape[0])
    values = down @ (cam / top) @ across.T
    peak = float(values.max())
    if peak <= 0:
        return None
    scaled = np.clip(values / peak, 0.0, 1.0).astype(np.float32)
    return SaliencyMap(values=scaled, columns=columns, rows=rows)


def _weights(places: NDArray[np.float64], n_cells: int) -> NDArray[np.float64]:
    """Return linear interpolation as a matrix, [places, cells].

    Args:
        places: Where along an axis, 0–1 over the grid; outside of it nothing is
            seen and the row is zero.
        n_cells: Cells along the axis; each has its value in its middle.
    """
    at = places * n_cells - 0.5
    low = np.clip(np.floor(at).astype(int), 0, n_cells - 1)
    high = np.clip(low + 1, 0, n_cells - 1)
    share = np.clip(at - low, 0.0, 1.0)
    matrix = np.zeros((len(places), n_cells))
    index = np.arange(len(places))
    np.add.at(matrix, (index, low), 1.0 - share)
    np.add.at(matrix, (index, high), share)
    matrix[(places < 0) | (places > 1)] = 0.0
    return matrix

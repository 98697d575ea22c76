"""Declared preprocessing: the card names the steps, this executes them.

Training and inference call the same `prepare`. Its input is the grey image as
displayed (MONOCHROME2 polarity, VOI applied) of any size and range. Geometry
is kept as an affine map, so that what a network says on its grid can be said
in image coordinates: (column, row) in DICOM's sense, (0, 0) being the top left
*corner* of the top left pixel, so a pixel's centre is at + 0.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn import functional

from workers.measures.percentile import percentiles
from workers.pixels.breast import find_breast
from workers.pixels.image import ImageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    Image = NDArray[np.float32]

_SAMPLES_PER_SIDE = 512
_MOST_CHANNELS = 16


class PreprocessError(ValueError):
    """An image or a declared step that cannot be used, in plain words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GridToSource:
    """The map from the network's grid to the source image.

    source column = offset_column + scale_column · grid column, and so for rows.

    Attributes:
        scale_column: Source columns a grid column.
        scale_row: Source rows a grid row.
        offset_column: Source column of the grid's left edge.
        offset_row: Source row of the grid's top edge.
    """

    scale_column: float = 1.0
    scale_row: float = 1.0
    offset_column: float = 0.0
    offset_row: float = 0.0

    @property
    def matrix(self) -> NDArray[np.float64]:
        """The 3×3 matrix on homogeneous (column, row, 1)."""
        return np.array(
            [
                [self.scale_column, 0.0, self.offset_column],
                [0.0, self.scale_row, self.offset_row],
                [0.0, 0.0, 1.0],
            ]
        )

    def to_source(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map grid points, [K, 2] as (column, row), to the source image."""
        moved: NDArray[np.float64] = (
            np.asarray(points, dtype=np.float64) * self._scale + self._offset
        )
        return moved

    def to_grid(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map source points, [K, 2] as (column, row), to the network's grid."""
        moved: NDArray[np.float64] = (
            np.asarray(points, dtype=np.float64) - self._offset
        ) / self._scale
        return moved

    @property
    def _scale(self) -> NDArray[np.float64]:
        return np.array([self.scale_column, self.scale_row])

    @property
    def _offset(self) -> NDArray[np.float64]:
        return np.array([self.offset_column, self.offset_row])


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An image ready for a network.

    Attributes:
        tensor: float32 [channels, H, W]; one channel unless the card says more.
        grid_to_source: Where the grid lies in the source image.
    """

    tensor: torch.Tensor
    grid_to_source: GridToSource


def _sample(image: Image) -> Image:
    rows = max(1, image.shape[0] // _SAMPLES_PER_SIDE)
    columns = max(1, image.shape[1] // _SAMPLES_PER_SIDE)
    return image[::rows, ::columns]


def _span(image: Image, low: float, high: float) -> tuple[float, float]:
    bottom, top = percentiles(_sample(image), (low, high))
    return bottom, top


def _edge_run(flat: NDArray[np.bool_], limit: int) -> int:
    return int(np.argmin(np.append(flat[:limit], False)))


def _trim_uniform_border(
    image: Image, place: GridToSource, *, tolerance: float, max_fraction: float
) -> tuple[Image, GridToSource]:
    """Cut edge rows and columns that hold one grey value (collimation, padding)."""
    low, high = _span(image, 0.5, 99.5)
    limit = tolerance * max(high - low, 1e-6)
    rows, columns = image.shape
    flat_rows = image.std(axis=1) <= limit
    top = _edge_run(flat_rows, int(rows * max_fraction))
    bottom = _edge_run(flat_rows[::-1], int(rows * max_fraction))
    flat_columns = image.std(axis=0) <= limit
    left = _edge_run(flat_columns, int(columns * max_fraction))
    right = _edge_run(flat_columns[::-1], int(columns * max_fraction))
    kept = image[top : rows - bottom, left : columns - right]
    return kept, GridToSource(
        scale_column=place.scale_column,
        scale_row=place.scale_row,
        offset_column=place.offset_column + place.scale_column * left,
        offset_row=place.offset_row + place.scale_row * top,
    )


def _breast_region(image: Image, place: GridToSource) -> tuple[Image, GridToSource]:
    """Keep the breast of a mammogram: cut to its box, black around it."""
    try:
        found = find_breast(image)
    except ImageError as error:
        raise PreprocessError(str(error)) from error
    top, bottom, left, right = found.box
    alone = np.where(found.mask, image, image.min())
    return alone[top:bottom, left:right].astype(np.float32), GridToSource(
        scale_column=place.scale_column,
        scale_row=place.scale_row,
        offset_column=place.offset_column + place.scale_column * left,
        offset_row=place.offset_row + place.scale_row * top,
    )


def _clip_percentiles(
    image: Image, place: GridToSource, *, low: float, high: float
) -> tuple[Image, GridToSource]:
    """Clip to two percentiles and scale them to 0 and 1."""
    bottom, top = _span(image, low, high)
    scaled = (image - bottom) / max(top - bottom, 1e-6)
    return np.clip(scaled, 0.0, 1.0).astype(np.float32), place


def _squeeze_resize(
    image: Image, place: GridToSource, *, height: int, width: int
) -> tuple[Image, GridToSource]:
    """Resize to the grid, each axis on its own, with antialiasing."""
    rows, columns = image.shape
    resized = functional.interpolate(
        torch.from_numpy(np.ascontiguousarray(image))[None, None],
        size=(height, width),
        mode="bilinear",
        align_corners=False,
        antialias=True,
    )
    grid: Image = resized[0, 0].numpy()
    return grid, GridToSource(
        scale_column=place.scale_column * columns / width,
        scale_row=place.scale_row * rows / height,
        offset_column=place.offset_column,
        offset_row=place.offset_row,
    )


def _standardise(
    image: Image, place: GridToSource, *, epsilon: float
) -> tuple[Image, GridToSource]:
    """Bring the image to mean 0 and spread 1."""
    scaled = (image - image.mean()) / (image.std() + epsilon)
    return scaled.astype(np.float32), place


def _centre_square(image: Image, place: GridToSource) -> tuple[Image, GridToSource]:
    """Cut the longer sides to the length of the shorter ones, about the middle."""
    rows, columns = image.shape
    side = min(rows, columns)
    top, left = (rows - side) // 2, (columns - side) // 2
    return image[top : top + side, left : left + side], _moved(place, top, left)


def _pad_square(image: Image, place: GridToSource) -> tuple[Image, GridToSource]:
    """Lay black beside the shorter sides until all are as long, about the middle."""
    rows, columns = image.shape
    side = max(rows, columns)
    top, left = (side - rows) // 2, (side - columns) // 2
    around = ((top, side - rows - top), (left, side - columns - left))
    return np.pad(image, around), _moved(place, -top, -left)


def _moved(place: GridToSource, top: int, left: int) -> GridToSource:
    return GridToSource(
        scale_column=place.scale_column,
        scale_row=place.scale_row,
        offset_column=place.offset_column + place.scale_column * left,
        offset_row=place.offset_row + place.scale_row * top,
    )


def _scale_range(
    image: Image, place: GridToSource, *, low: float, high: float
) -> tuple[Image, GridToSource]:
    """Bring 0 and 1 to two values."""
    return (low + image * (high - low)).astype(np.float32), place


def _repeat_channels(
    image: Image, place: GridToSource, *, n: int
) -> tuple[Image, GridToSource]:
    """Give the one grey channel n times, [n, rows, columns]."""
    if not 1 <= n <= _MOST_CHANNELS:
        raise PreprocessError(f"a model has 1 to {_MOST_CHANNELS} channels, not {n}")
    return np.repeat(image[None], n, axis=0), place


def _normalise(
    image: Image, place: GridToSource, *, mean: Sequence[float], std: Sequence[float]
) -> tuple[Image, GridToSource]:
    """Take each channel's mean off and divide by its spread."""
    shape = (-1, 1, 1) if image.ndim == 3 else (-1, 1)
    centred = image - np.asarray(mean, np.float32).reshape(shape)
    return (centred / np.asarray(std, np.float32).reshape(shape)).astype(
        np.float32
    ), place


_ON_CHANNELS = frozenset({"normalise", "scale_range", "standardise"})
"""Steps that may follow `repeat_channels`."""
_STEPS: dict[str, Callable[..., tuple[Image, GridToSource]]] = {
    "breast_region": _breast_region,
    "centre_square": _centre_square,
    "pad_square": _pad_square,
    "scale_range": _scale_range,
    "repeat_channels": _repeat_channels,
    "normalise": _normalise,
    "trim_uniform_border": _trim_uniform_border,
    "clip_percentiles": _clip_percentiles,
    "squeeze_resize": _squeeze_resize,
    "standardise": _standardise,
}


def _apply(
    image: Image, place: GridToSource, step: Mapping[str, Any]
) -> tuple[Image, GridToSource]:
    params = {key: value for key, value in step.items() if key != "name"}
    name = str(step.get("name"))
    if name not in _STEPS:
        raise PreprocessError(f"preprocessing step “{name}” is unknown")
    if image.ndim == 3 and name not in _ON_CHANNELS:
        raise PreprocessError(f"step “{name}” can not follow repeat_channels")
    try:
        return _STEPS[name](image, place, **params)
    except PreprocessError:
        raise
    except (TypeError, ValueError) as error:
        raise PreprocessError(
            f"preprocessing step “{name}”: bad parameters ({error})"
        ) from error


def prepare(
    image: NDArray[np.generic], *, steps: Sequence[Mapping[str, Any]]
) -> Prepared:
    """Execute declared steps on one displayed grey image.

    Args:
        image: [rows, columns], any numeric type, size and range.
        steps: As in the card's `preprocessing`: each a `name` and its
            parameters; the last grid is the network's.

    Returns:
        float32 [channels, H, W] and the map from that grid to `image`.

    Raises:
        PreprocessError: When the image is not a finite two-dimensional one, is
            too small or blank, or a step is unknown.
    """
    grey: Image = np.asarray(image, dtype=np.float32)
    if grey.ndim != 2 or min(grey.shape) < 16:
        raise PreprocessError("the image is not a grey image of at least 16×16")
    if not np.isfinite(grey).all():
        raise PreprocessError("the image has values that are not numbers")
    if grey.max() <= grey.min():
        raise PreprocessError("the image is blank: every pixel has one value")
    place = GridToSource()
    for step in steps:
        grey, place = _apply(grey, place, step)
    return Prepared(
        tensor=torch.from_numpy(
            np.ascontiguousarray(grey if grey.ndim == 3 else grey[None])
        ),
        grid_to_source=place,
    )

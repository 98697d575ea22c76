"""Synthetic shifts: how a film of another room, reader or export would look.

A model that leans on exposure, framing or sharpness instead of the lungs falls
under these; the card reports by how much.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageFilter

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Film = NDArray[np.uint8]


def _curve(image: Film, gamma: float) -> Film:
    table = np.linspace(0.0, 1.0, 256) ** gamma * 255
    return np.asarray(table.astype(np.uint8)[image])


def _range(image: Film, low: float, high: float) -> Film:
    table = np.linspace(low, high, 256).astype(np.uint8)
    return np.asarray(table[image])


def _s_curve(image: Film) -> Film:
    grey = np.linspace(-1.0, 1.0, 256)
    table = (np.tanh(2.5 * grey) / np.tanh(2.5) * 0.5 + 0.5) * 255
    return np.asarray(table.astype(np.uint8)[image])


def _crop(image: Film, top: float, bottom: float, side: float) -> Film:
    rows, columns = image.shape
    return image[
        int(rows * top) : rows - int(rows * bottom),
        int(columns * side) : columns - int(columns * side),
    ]


def _pad(image: Film, vertical: float, horizontal: float, grey: int) -> Film:
    rows, columns = image.shape
    widths = ((int(rows * vertical),) * 2, (int(columns * horizontal),) * 2)
    return np.pad(image, widths, constant_values=grey)


def _pil(image: Film, change: Callable[[Image.Image], Image.Image]) -> Film:
    return np.asarray(change(Image.fromarray(image)))


def _jpeg(image: Film) -> Film:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="JPEG", quality=25)
    with Image.open(buffer) as again:
        return np.asarray(again)


def _noise(image: Film) -> Film:
    spread = np.random.default_rng(0).normal(0.0, 10.0, image.shape)
    return (image + spread).clip(0, 255).astype(np.uint8)


def _equalise(image: Film) -> Film:
    counts = np.bincount(image.ravel(), minlength=256)
    table = np.cumsum(counts) / image.size * 255
    return np.asarray(table.astype(np.uint8)[image])


STRESSES: dict[str, Callable[[Film], Film]] = {
    "as given": lambda image: image,
    "gamma 0.6 (darker tones lifted)": lambda image: _curve(image, 0.6),
    "gamma 1.7 (darker)": lambda image: _curve(image, 1.7),
    "contrast halved": lambda image: _range(image, 64.0, 192.0),
    "S-shaped curve": _s_curve,
    "histogram equalised": _equalise,
    "blurred": lambda image: _pil(
        image, lambda film: film.filter(ImageFilter.GaussianBlur(1.2))
    ),
    "sharpened": lambda image: _pil(
        image, lambda film: film.filter(ImageFilter.UnsharpMask(2, 150, 0))
    ),
    "noise": _noise,
    "JPEG quality 25": _jpeg,
    "cropped 8% all round": lambda image: _crop(image, 0.08, 0.08, 0.08),
    "cropped to the chest": lambda image: _crop(image, 0.05, 0.2, 0.05),
    "black side bands": lambda image: _pad(image, 0.0, 0.12, 0),
    "black bands above and below": lambda image: _pad(image, 0.12, 0.0, 0),
    "corners blanked": lambda image: _blank_corners(image),
    "arms, head and markers hidden": lambda image: _hide_outside(image),
    "stretched to 1500×1100": lambda image: _pil(
        image, lambda film: film.resize((1500, 1100), Image.Resampling.BICUBIC)
    ),
    "stretched sideways by a third": lambda image: _crop(image, 0.0, 0.0, 0.125),
    "squeezed sideways by a quarter": lambda image: np.pad(
        image, ((0, 0), (image.shape[1] // 6,) * 2), mode="reflect"
    ),
    "rotated 8°": lambda image: _pil(
        image, lambda film: film.rotate(8, Image.Resampling.BILINEAR)
    ),
}


def _hide_outside(image: Film) -> Film:
    """Put a smooth ramp on the outer seventh, which no trimming takes for border."""
    ramp = np.linspace(0.0, 90.0, image.shape[1]).astype(np.uint8)
    changed = np.tile(ramp, (image.shape[0], 1))
    rows, columns = (side // 7 for side in image.shape)
    inside = (slice(rows, -rows), slice(columns, -columns))
    changed[inside] = image[inside]
    return changed


def _blank_corners(image: Film) -> Film:
    changed = image.copy()
    side = image.shape[0] // 5
    for rows in (slice(0, side), slice(-side, None)):
        for columns in (slice(0, side), slice(-side, None)):
            changed[rows, columns] = 0
    return changed

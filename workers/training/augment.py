"""Random changes that a film's finding survives.

They take away what a small network would learn instead of the lungs: exposure
and window, sharpness of the resampling, the aspect ratio lost when the films
were squeezed to a square, collimation, side markers in the corners.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image
from torch.nn import functional

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Strength:
    """How far the changes go.

    Attributes:
        gamma: Largest |log gamma|.
        curve: Spread of the steps of a random monotone grey curve.
        match: Probability of taking on the grey histogram of another film of
            the batch, whatever its label: exposure then says nothing of it.
        rotation: Degrees.
        zoom: Largest |log zoom|.
        aspect: Largest |log (horizontal zoom / vertical zoom)|.
        shift: Share of the side.
        shear: Radians.
        flip: Probability of a left-right flip.
        jpeg: Probability of a JPEG round trip.
        blur: Probability of resampling to a coarser grid and back, and
            again of sharpening.
        noise: Largest spread of Gaussian noise, of a range of 1.
        cutout: Probability of a blanked corner or box.
        border: Probability of a uniform border, as collimation leaves. It is
            frequent and wide, as arms, head and markers are not the finding.
    """

    gamma: float = 0.6
    curve: float = 0.55
    match: float = 0.25
    rotation: float = 12.0
    zoom: float = 0.26
    aspect: float = 0.28
    shift: float = 0.09
    shear: float = 0.06
    flip: float = 0.25
    jpeg: float = 0.2
    blur: float = 0.35
    noise: float = 0.03
    cutout: float = 0.5
    border: float = 0.5


def _jpeg(image: NDArray[np.uint8], generator: Generator) -> NDArray[np.uint8]:
    buffer = io.BytesIO()
    quality = int(generator.integers(25, 90))
    Image.fromarray(image).save(buffer, format="JPEG", quality=quality)
    with Image.open(buffer) as again:
        return np.asarray(again)


def _grey_curve(strength: Strength, generator: Generator) -> NDArray[np.float32]:
    """Return a random monotone table of 256 grey values, 0 to 1."""
    knots = np.linspace(0.0, 1.0, 6)
    steps = np.exp(generator.normal(0.0, strength.curve, 5))
    heights = np.concatenate(([0.0], np.cumsum(steps) / steps.sum()))
    gamma = math.exp(generator.uniform(-strength.gamma, strength.gamma))
    table = np.interp(np.linspace(0.0, 1.0, 256) ** gamma, knots, heights)
    bottom, top = generator.uniform(0.0, 0.2), generator.uniform(0.7, 1.0)
    return np.asarray(bottom + (top - bottom) * table, dtype=np.float32)


def _match(image: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Give a film the grey histogram of another."""
    shares = [
        np.cumsum(np.bincount(film.ravel(), minlength=256)) / film.size
        for film in (image, other)
    ]
    table = np.interp(shares[0], shares[1], np.arange(256.0))
    return np.asarray(table.astype(np.uint8)[image])


def _affine(n: int, strength: Strength, generator: Generator) -> torch.Tensor:
    """Return random maps from output to input grid, [n, 2, 3]."""
    angle = np.deg2rad(generator.uniform(-1, 1, n) * strength.rotation)
    zoom = generator.uniform(-1, 1, n) * strength.zoom
    aspect = generator.uniform(-1, 1, n) * strength.aspect
    across = np.exp(zoom + aspect / 2)
    down = np.exp(zoom - aspect / 2)
    across = across * np.where(generator.random(n) < strength.flip, -1.0, 1.0)
    shear = generator.uniform(-1, 1, n) * strength.shear
    maps = np.zeros((n, 2, 3), dtype=np.float32)
    maps[:, 0, 0] = across * np.cos(angle)
    maps[:, 0, 1] = -down * np.sin(angle) + shear
    maps[:, 1, 0] = across * np.sin(angle)
    maps[:, 1, 1] = down * np.cos(angle)
    maps[:, :, 2] = generator.uniform(-2, 2, (n, 2)) * strength.shift
    return torch.from_numpy(maps)


def _resharpen(
    image: torch.Tensor, strength: Strength, generator: Generator
) -> torch.Tensor:
    """Blur by a coarser grid, or sharpen by what such a blur takes away."""
    drawn = generator.random()
    if drawn >= 2 * strength.blur:
        return image
    share = generator.uniform(0.4, 0.9)
    side = int(image.shape[-1] * share)
    coarse = functional.interpolate(
        image[None], size=(side, side), mode="bilinear", antialias=True
    )
    soft = functional.interpolate(coarse, size=image.shape[-2:], mode="bilinear")[0]
    if drawn < strength.blur:
        return soft
    return (image + generator.uniform(0.3, 1.5) * (image - soft)).clamp(0.0, 1.0)


def _cut_out(image: torch.Tensor, strength: Strength, generator: Generator) -> None:
    """Blank a corner or a box of [1, H, W] in place."""
    if generator.random() >= strength.cutout:
        return
    side = image.shape[-1]
    height, width = (int(side * share) for share in generator.uniform(0.08, 0.3, 2))
    if generator.random() < 0.5:
        top = int(generator.integers(0, 2)) * (side - height)
        left = int(generator.integers(0, 2)) * (side - width)
    else:
        top = int(generator.integers(0, side - height))
        left = int(generator.integers(0, side - width))
    image[:, top : top + height, left : left + width] = float(generator.random())


def _put_border(image: torch.Tensor, strength: Strength, generator: Generator) -> None:
    """Put a uniform border on [1, H, W] in place, as collimation does."""
    if generator.random() >= strength.border:
        return
    side = image.shape[-1]
    grey = float(generator.choice([0.0, float(image.mean()), generator.random()]))
    top, bottom, left, right = (
        int(side * share) for share in generator.uniform(0.0, 0.18, 4)
    )
    image[:, :top] = grey
    image[:, side - bottom :] = grey
    image[:, :, :left] = grey
    image[:, :, side - right :] = grey


def augment(
    images: NDArray[np.uint8], *, strength: Strength, generator: Generator
) -> torch.Tensor:
    """Change a batch of films at random.

    Args:
        images: [n, rows, columns] uint8.
        strength: How far.
        generator: Source of all randomness.

    Returns:
        Grey values of about 0 to 1, float32 [n, rows, columns].
    """
    greys = np.empty(images.shape, dtype=np.float32)
    for index, image in enumerate(images):
        film = _jpeg(image, generator) if generator.random() < strength.jpeg else image
        if generator.random() < strength.match:
            film = _match(film, images[int(generator.integers(0, len(images)))])
        greys[index] = _grey_curve(strength, generator)[film]
    batch = torch.from_numpy(greys)[:, None]
    grid = functional.affine_grid(
        _affine(len(images), strength, generator),
        list(batch.shape),
        align_corners=False,
    )
    padding = "border" if generator.random() < 0.5 else "zeros"
    batch = functional.grid_sample(
        batch, grid, mode="bilinear", padding_mode=padding, align_corners=False
    )
    changed = []
    for image in batch:
        film = _resharpen(image, strength, generator).clone()
        _cut_out(film, strength, generator)
        _put_border(film, strength, generator)
        film += torch.randn_like(film) * generator.uniform(0.0, strength.noise)
        changed.append(film)
    return torch.cat(changed)

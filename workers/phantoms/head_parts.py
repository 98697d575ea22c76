"""What heads are drawn with: the person's numbers, smooth fields, soft edges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from workers.phantoms.shapes import band_noise, rng_for

Floats = NDArray[np.floating[Any]]

_STEP = 3.0
_REACH = 120.0


@dataclass(frozen=True)
class Spot:
    """A small dense ball.

    Attributes:
        at: (z, y, x).
        radius: millimetres.
        hu: density.
    """

    at: tuple[float, float, float]
    radius: float
    hu: float


@dataclass(frozen=True)
class Fields:
    """Random fields over the head, mean 0, deviation 1.

    Attributes:
        gyral: folds of the cortex, some 18 mm apart.
        wide: slow changes over some 60 mm.
        rough: changes over some 8 mm.
    """

    gyral: Floats
    wide: Floats
    rough: Floats

    @classmethod
    def draw(cls, seed: int) -> Fields:
        """Draws the fields of one person."""
        n = round(2 * _REACH / _STEP) + 1
        shape = (n, n, n)
        rng = rng_for(seed, "head-fields")
        return cls(
            gyral=band_noise(shape, rng, low=0.11, high=0.22),
            wide=band_noise(shape, rng, low=0.0, high=0.05),
            rough=band_noise(shape, rng, low=0.1, high=0.5),
        )

    def folds(self, z: Floats, y: Floats, x: Floats) -> Floats:
        """Reads the folds at points."""
        return _read(self.gyral, z, y, x)

    def slow(self, z: Floats, y: Floats, x: Floats) -> Floats:
        """Reads the slow field at points."""
        return _read(self.wide, z, y, x)

    def fine(self, z: Floats, y: Floats, x: Floats) -> Floats:
        """Reads the rough field at points."""
        return _read(self.rough, z, y, x)


def _read(field: Floats, z: Floats, y: Floats, x: Floats) -> Floats:
    places = (np.stack((z, y, x)) + np.float32(_REACH)) / np.float32(_STEP)
    found: Floats = ndimage.map_coordinates(field, places, order=1, mode="nearest")
    return found


@dataclass(frozen=True)
class Head:
    """One person's head.

    Attributes:
        age: years.
        scale: size factor.
        half: half axes of the cranial cavity (z upwards, y, x).
        ventricles: size factor of the ventricles.
        atrophy: thickness of the fluid around the brain, millimetres.
        bone: thickness of the skull.
        scalp: thickness of the scalp.
        grey: density of grey matter.
        contrast: how much darker white matter is.
        leuko: how far white matter by the ventricles is dark, 0 to 1.
        bend: six numbers of asymmetry.
        spots: calcifications.
        falx: density of falx and tentorium.
        sinus: density of the venous sinuses.
    """

    age: float
    female: bool
    scale: float
    half: tuple[float, float, float]
    ventricles: float
    atrophy: float
    bone: float
    scalp: float
    grey: float
    contrast: float
    leuko: float
    bend: NDArray[np.float64]
    spots: tuple[Spot, ...]
    falx: float
    sinus: float
    fields: Fields

    def bent(self, z: Floats, y: Floats, x: Floats) -> tuple[Floats, Floats, Floats]:
        """Makes points a little asymmetric, as heads are."""
        b = self.bend.astype(np.float32) / np.float32(80.0)
        u, v, w = z / 80, y / 80, x / 80
        return (
            z + 80 * (b[0] * v * w + b[1] * w),
            y + 80 * (b[2] * w + b[3] * u * v),
            x + 80 * (b[4] * v * np.abs(v) + b[5] * u * v),
        )

    def floor(self, y: Floats, x: Floats) -> Floats:
        """Returns the height of the skull base under the brain."""
        front = 1.0 / (1.0 + np.exp((y + 38) / 4.5))
        back = 1.0 / (1.0 + np.exp(-(y - 8) / 6.0))
        middle = np.clip(1.0 - front - back, 0.0, 1.0)
        sella = np.exp(-((x / 17) ** 2))
        bowl = 0.0035 * x**2
        out: Floats = (
            front * (-24 + 0.3 * bowl)
            + middle * (-44 + 18 * sella + 0.4 * bowl)
            + back * (-66 + 0.6 * bowl)
        )
        return out

    def cavity(self, z: Floats, y: Floats, x: Floats) -> Floats:
        """Returns the signed distance to the inside of the skull, negative inside."""
        wall = shell_depth(self, z, y, x, low=150.0)
        found: Floats = np.maximum(wall, 0.85 * (self.floor(y, x) - z))
        return found


def shell_depth(head: Head, z: Floats, y: Floats, x: Floats, *, low: float) -> Floats:
    """Returns the distance outside the inner table of the vault, negative inside.

    Args:
        head: whose it is.
        z: up.
        y: to the back.
        x: to the left.
        low: half axis downwards; long ones make a neck.
    """
    top, long, wide = head.half
    v = y / long
    w = x / (wide * (1.0 + 0.09 * v - 0.06 * v * v))
    u = np.where(z > 0, z / top, z / low)
    level = (np.abs(u) ** 2.3 + np.abs(v) ** 2.2 + np.abs(w) ** 2.25) ** (1 / 2.25)
    found: Floats = ((level - 1.0) * 72.0).astype(np.float32)
    return found


def edge(distance: Floats, width: float) -> Floats:
    """Returns the share of a pixel that is inside, from a signed distance."""
    found: Floats = np.clip(0.5 - distance / np.float32(width), 0.0, 1.0)
    return found


def sheet(distance: Floats, half: float, width: float) -> Floats:
    """Returns the share of a pixel that a sheet fills; exact for thin ones.

    Args:
        distance: from the sheet's middle, signed or not.
        half: half its thickness.
        width: of the pixel.
    """
    high = np.clip(distance + width / 2, -half, half)
    low = np.clip(distance - width / 2, -half, half)
    found: Floats = (high - low) / np.float32(width)
    return found


def paint(hu: Floats, share: Floats, value: Floats | float) -> None:
    """Paints over what is there, in place."""
    hu += (share * (value - hu)).astype(hu.dtype)

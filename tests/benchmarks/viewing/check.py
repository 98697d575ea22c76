"""Whether a canvas shows a picture: every pixel against one computed here.

A viewer puts an image into its canvas enlarged by one factor, centred, sampled
bilinearly. The factor and a shift of less than two pixels are found by search; then
the whole canvas is compared. A thumbnail, a coarser step of a progressive image,
another slice or another window fails.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Floats = NDArray[np.floating[Any]]
# Grey levels of 255. Rounding and a graphics card's filter cost less than one.
WORST_MEAN_ERROR = 1.5
# How large a viewer may draw an image, as a share of what just fits.
NEAR = np.arange(0.84, 1.021, 0.004)
# Planes through a volume are fitted together: each of them may be smaller.
WIDE = np.arange(0.3, 1.15, 0.008)
_COARSE = 1_500
_FINE = 12_000


@dataclass(frozen=True)
class Picture:
    """How an image should look.

    Attributes:
        name: For messages.
        grey: [row, column], 0 black to 255 white, or beyond (`window`).
        pixel_mm: (between rows, between columns).
    """

    name: str
    grey: Floats
    pixel_mm: tuple[float, float]


@dataclass(frozen=True)
class Match:
    """How well a canvas shows a picture.

    Attributes:
        name: Of the picture.
        error: Mean absolute difference in grey levels, over the image's area.
        factor: Size, 1 when the image touches the canvas's edges.
    """

    name: str
    error: float
    factor: float

    @property
    def shown(self) -> bool:
        """Whether it is that picture, in full resolution."""
        return self.error <= WORST_MEAN_ERROR


def window(values: Floats, *, centre: float, width: float) -> Floats:
    """Apply DICOM's linear VOI function: stored × slope + intercept → 0…255.

    What lies outside the window goes on beyond 0 and 255: viewers interpolate values,
    then give them their greys, so it is cut off where a place has been interpolated.
    """
    low = centre - 0.5 - (width - 1) / 2
    grey: Floats = (values - low) / (width - 1) * 255
    return grey


class _Comparison:
    """One canvas, one picture."""

    def __init__(
        self, canvas: NDArray[np.uint8], picture: Picture, factors: Floats = NEAR
    ) -> None:
        self.canvas = canvas.astype(float)
        self.factors = factors
        self.picture = picture
        rows, columns = picture.grey.shape
        self.size_mm = (rows * picture.pixel_mm[0], columns * picture.pixel_mm[1])
        high, wide = canvas.shape
        self.fit = min(high / self.size_mm[0], wide / self.size_mm[1])

    def points(self, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return places in the canvas, spread evenly over the image's area."""
        high, wide = self.canvas.shape
        half_h = min(high, self.size_mm[0] * self.fit) * 0.38
        half_w = min(wide, self.size_mm[1] * self.fit) * 0.38
        draw = np.random.default_rng(1)
        y = (high / 2 + draw.uniform(-half_h, half_h, count)).astype(int)
        x = (wide / 2 + draw.uniform(-half_w, half_w, count)).astype(int)
        return y, x

    def expected(
        self,
        place: tuple[float, float, float],
        at: tuple[NDArray[np.int64], NDArray[np.int64]],
    ) -> Floats:
        """Return the picture's grey levels for (factor, shift down, shift right)."""
        factor, down, right = place
        scale = self.fit * factor
        high, wide = self.canvas.shape
        rows, columns = self.picture.grey.shape
        row = (at[0] + 0.5 - high / 2 - down) / (scale * self.picture.pixel_mm[0])
        column = (at[1] + 0.5 - wide / 2 - right) / (scale * self.picture.pixel_mm[1])
        values: Floats = ndimage.map_coordinates(
            self.picture.grey,
            [row + rows / 2 - 0.5, column + columns / 2 - 0.5],
            order=1,
            mode="nearest" if self.factors is NEAR else "constant",
        )
        return np.clip(values, 0, 255)

    def error(
        self,
        place: tuple[float, float, float],
        at: tuple[NDArray[np.int64], NDArray[np.int64]],
    ) -> float:
        """Return the mean difference for (factor, shift down, shift right)."""
        return float(np.abs(self.expected(place, at) - self.canvas[at]).mean())

    def search(self) -> tuple[float, float, float]:
        """Return the factor and the shifts that fit best."""
        at = self.points(_COARSE)
        coarse = [(float(f), 0.0, 0.0) for f in self.factors]
        best = min([*coarse, (1.0, 0.0, 0.0)], key=lambda place: self.error(place, at))
        steps = np.array([0.002, 0.5, 0.5])
        error = self.error(best, at)
        for _ in range(7):
            improved = True
            while improved:
                improved = False
                for axis, sign in ((0, 1), (0, -1), (1, 1), (1, -1), (2, 1), (2, -1)):
                    moved = list(best)
                    moved[axis] += sign * steps[axis]
                    if max(abs(moved[1]), abs(moved[2])) > 2:
                        continue
                    place = (moved[0], moved[1], moved[2])
                    tried = self.error(place, at)
                    if tried < error - 1e-6:
                        best, error, improved = place, tried, True
            steps /= 2
        return best


def compare(
    canvas: NDArray[np.uint8], picture: Picture, factors: Floats = NEAR
) -> Match:
    """Compare a canvas with one picture.

    Args:
        canvas: [row, column], what is on the screen.
        picture: What should be.
        factors: How large it may be drawn, as a share of what just fits.
    """
    pair = _Comparison(canvas, picture, factors)
    place = pair.search()
    error = pair.error(place, pair.points(_FINE))
    return Match(name=picture.name, error=error, factor=place[0])


def find(
    canvas: NDArray[np.uint8], pictures: Sequence[Picture], factors: Floats = NEAR
) -> Match:
    """Return the best match among several pictures, such as a series' slices."""
    if canvas.std() < 1:
        return Match(name="nothing", error=255.0, factor=0.0)
    tried = (1.0, 1 / 1.1, 0.95) if factors is NEAR else factors[::3]

    def roughly(picture: Picture) -> float:
        pair = _Comparison(canvas, picture, factors)
        at = pair.points(400)
        return min(pair.error((float(f), 0.0, 0.0), at) for f in tried)

    near = sorted(pictures, key=roughly)[:5]
    matches = (compare(canvas, one, factors) for one in near)
    return min(matches, key=lambda match: match.error)

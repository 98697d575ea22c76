"""What a reader's marks measure: lengths, angles, areas, pixels of a region.

Points are (column, row) in pixels, (0, 0) the top left corner of the top left pixel.
A pixel belongs to a region when its centre, (column + ½, row + ½), lies inside;
statistics are of those whole pixels, unweighted, with a population's deviation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from workers.measures.estimate import MeasureError

Points = Sequence[Sequence[float]]
Array = NDArray[Any]

SPLINE_STEPS: Final = 16
AREAS: Final = frozenset({"box", "ellipse", "circle", "polygon", "spline"})


@dataclass(frozen=True, slots=True)
class Spacing:
    """Distance between pixels, in mm, or in pixels where nothing better is known.

    Attributes:
        row: Between neighbouring rows.
        column: Between neighbouring columns.
    """

    row: float
    column: float


@dataclass(frozen=True, slots=True)
class RegionStatistics:
    """Of the values in a region.

    Attributes:
        count: Pixels.
        mean: Mean value.
        deviation: Standard deviation of the population.
        least: Smallest value.
        most: Largest value.
    """

    count: int
    mean: float
    deviation: float
    least: float
    most: float


def _scaled(points: Points, spacing: Spacing) -> Array:
    return np.asarray(points, dtype=float) * (spacing.column, spacing.row)


def length_of(*, points: Points, spacing: Spacing) -> float:
    """Return the distance between the first two points, in the spacing's unit."""
    first, second = _scaled(points[:2], spacing)
    return float(np.hypot(*(second - first)))


def _angle(p: Array, q: Array) -> float:
    cross = p[0] * q[1] - p[1] * q[0]
    return math.degrees(math.atan2(abs(cross), float(p @ q)))


def angle_of(*, points: Points, spacing: Spacing) -> float:
    """Return the angle at the middle one of three points, 0 to 180 degrees."""
    first, vertex, second = _scaled(points, spacing)
    return _angle(first - vertex, second - vertex)


def cobb_of(*, points: Points, spacing: Spacing) -> float:
    """Return the angle between two lines, whichever way they point: 0 to 90."""
    a, b, c, d = _scaled(points, spacing)
    angle = _angle(b - a, d - c)
    return min(angle, 180.0 - angle)


def spline_through(points: Points) -> Array:
    """Return the closed uniform Catmull-Rom curve, 16 steps a piece, [n, 2]."""
    controls = np.asarray(points, dtype=float)
    t = (np.arange(SPLINE_STEPS) / SPLINE_STEPS)[:, None]
    pieces = []
    for i in range(len(controls)):
        p, q, r, s = (controls[(i + k) % len(controls)] for k in (-1, 0, 1, 2))
        pieces.append(
            0.5
            * (
                2 * q
                + (r - p) * t
                + (2 * p - 5 * q + 4 * r - s) * t**2
                + (3 * q - p - 3 * r + s) * t**3
            )
        )
    return np.concatenate(pieces)


def contour_of(*, kind: str, points: Points) -> Array:
    """Return the corners of a region with straight sides, [n, 2].

    Raises:
        MeasureError: The kind has none.
    """
    array = np.asarray(points, dtype=float)
    if kind == "box":
        (x0, y0), (x1, y1) = array
        return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])
    if kind == "polygon":
        return array
    if kind == "spline":
        return spline_through(points)
    raise MeasureError(f"a {kind} has no contour of straight sides")


def ellipse_of(
    *, kind: str, points: Points, spacing: Spacing
) -> tuple[Array, Array, Array]:
    """Return centre and half axes of an ellipse or circle, in pixels.

    A circle is one of the patient: on pixels that are not square its two half axes
    have different numbers of pixels.
    """
    array = np.asarray(points, dtype=float)
    if kind == "circle":
        radius = length_of(points=points, spacing=spacing)
        u = np.array([radius / spacing.column, 0.0])
        v = np.array([0.0, radius / spacing.row])
        return array[0], u, v
    a, b, c, d = array
    return (a + b) / 2, (b - a) / 2, (d - c) / 2


def area_of(*, kind: str, points: Points, spacing: Spacing) -> float:
    """Return the area that a region encloses, in the square of the spacing's unit."""
    unit = spacing.row * spacing.column
    if kind in {"ellipse", "circle"}:
        _, u, v = ellipse_of(kind=kind, points=points, spacing=spacing)
        return math.pi * abs(float(u[0] * v[1] - u[1] * v[0])) * unit
    corners = contour_of(kind=kind, points=points)
    x, y = corners.T
    twice = float(x @ np.roll(y, -1) - y @ np.roll(x, -1))
    return abs(twice) / 2 * unit


def region_mask(
    *, kind: str, points: Points, spacing: Spacing, shape: tuple[int, int]
) -> NDArray[np.bool_]:
    """Return which pixels lie in a region, [rows, columns]."""
    y, x = np.mgrid[: shape[0], : shape[1]] + 0.5
    if kind in {"ellipse", "circle"}:
        centre, u, v = ellipse_of(kind=kind, points=points, spacing=spacing)
        area = u[0] * v[1] - u[1] * v[0]
        if area == 0:
            return np.zeros(shape, dtype=bool)
        dx, dy = x - centre[0], y - centre[1]
        s = (v[1] * dx - v[0] * dy) / area
        t = (-u[1] * dx + u[0] * dy) / area
        return np.asarray(s * s + t * t <= 1)
    return _inside(contour_of(kind=kind, points=points), x, y)


def _inside(corners: Array, x: Array, y: Array) -> NDArray[np.bool_]:
    """Count the sides to the right of each centre: odd is inside."""
    inside = np.zeros(x.shape, dtype=bool)
    for (px, py), (qx, qy) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if py == qy:
            continue
        crosses = (py <= y) != (qy <= y)
        at = px + (y - py) * (qx - px) / (qy - py)
        inside ^= crosses & (at <= x)
    return inside


def region_statistics(
    *, kind: str, points: Points, spacing: Spacing, values: Array
) -> RegionStatistics | None:
    """Return the statistics of the values in a region; None without a pixel in it.

    Args:
        kind: One of `AREAS`.
        points: As the mark has them.
        spacing: For circles.
        values: Modality values, [rows, columns].
    """
    mask = region_mask(
        kind=kind,
        points=points,
        spacing=spacing,
        shape=(values.shape[0], values.shape[1]),
    )
    chosen = values[mask].astype(float)
    if chosen.size == 0:
        return None
    return RegionStatistics(
        count=int(chosen.size),
        mean=float(chosen.mean()),
        deviation=float(chosen.std()),
        least=float(chosen.min()),
        most=float(chosen.max()),
    )


def value_at(*, point: Sequence[float], values: Array) -> float:
    """Return the value of the pixel that a point lies in."""
    rows, columns = values.shape
    column = min(math.floor(point[0]), columns - 1)
    row = min(math.floor(point[1]), rows - 1)
    return float(values[row, column])

"""A shape between two drawn ones: blended signed distances (Raya and Udupa 1990). Pure.

Each drawn shape becomes a field of signed distances to its edge, in mm, positive
inside. Between two drawn slices the fields are blended by place, not by number; what
is positive is inside. Shapes that overlap little, such as a steep vessel's, are moved
onto each other first by their centres, or they would be thin or gone half way.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, shift

Mask = NDArray[np.bool_]
Field = NDArray[np.float32]


def signed_distances(mask: Mask, *, spacing: tuple[float, float]) -> Field:
    """Return each pixel's distance to the edge of a shape, mm; positive inside.

    The edge runs half way between a pixel inside and its neighbour outside.

    Args:
        mask: [row, column]; it holds something, and not everything.
        spacing: Between rows and between columns, mm.
    """
    inside = distance_transform_edt(mask, sampling=spacing)
    outside = distance_transform_edt(~mask, sampling=spacing)
    half = min(spacing) / 2
    found: Field = np.where(mask, inside - half, half - outside).astype(np.float32)
    return found


def shapes_between(
    *,
    first: Mask,
    second: Mask,
    shares: Sequence[float],
    spacing: tuple[float, float],
) -> list[Mask]:
    """Return the shapes between two drawn ones.

    Args:
        first: [row, column], at share 0; not empty.
        second: The same, at share 1; not empty.
        shares: How far along the way each wanted shape lies, 0 to 1.
        spacing: Between rows and between columns, mm.

    Returns:
        One for each share, of the size of the drawn ones.
    """
    window = _window(first | second)
    one, other = (np.pad(mask[window], 1) for mask in (first, second))
    fields = [signed_distances(mask, spacing=spacing) for mask in (one, other)]
    way = None if overlap_well(one, other) else _centre(other) - _centre(one)
    shapes = []
    for share in shares:
        start, end = fields
        if way is not None:
            start = _moved(start, way * share)
            end = _moved(end, way * (share - 1))
        blended = (1 - share) * start + share * end
        shape = np.zeros(first.shape, dtype=bool)
        shape[window] = (blended > 0)[1:-1, 1:-1]
        shapes.append(shape)
    return shapes


def overlap_well(one: Mask, other: Mask) -> bool:
    """Say whether two shapes share at least half of the smaller one."""
    shared = np.count_nonzero(one & other)
    return bool(2 * shared >= min(np.count_nonzero(one), np.count_nonzero(other)))


def _window(mask: Mask) -> tuple[slice, slice]:
    """Return the rows and columns between the first and the last that hold something.

    A blend of two shapes lies within their common box: outside it both are negative.
    """
    spans = []
    for axis in (1, 0):
        there = np.flatnonzero(mask.any(axis=axis))
        spans.append(slice(int(there[0]), int(there[-1]) + 1))
    return spans[0], spans[1]


def _centre(mask: Mask) -> NDArray[np.float64]:
    found: NDArray[np.float64] = np.argwhere(mask).mean(axis=0)
    return found


def _moved(field: Field, by: NDArray[np.float64]) -> Field:
    found: Field = shift(field, by, order=1, mode="nearest")
    return found


def fill_between(
    *,
    maps: Sequence[NDArray[np.uint8] | None],
    places: Sequence[float],
    number: int,
    spacing: tuple[float, float],
) -> dict[int, NDArray[np.uint8]]:
    """Fill the images between those that a segment was drawn on.

    Only images that do not hold the segment are filled, and in them only voxels that
    no other segment has. Images at one place with a drawn one are left as they are.

    Args:
        maps: Label maps [row, column] of all images, in the order of their places;
            None where nothing is drawn.
        places: Where each lies along the normal, mm, never falling.
        number: The segment.
        spacing: Between rows and between columns, mm.

    Returns:
        New label maps, by index.
    """
    drawn = [
        i for i, one in enumerate(maps) if one is not None and (one == number).any()
    ]
    filled: dict[int, NDArray[np.uint8]] = {}
    for start, end in pairwise(drawn):
        gap = places[end] - places[start]
        between = [
            i for i in range(start + 1, end) if _is_between(places, i, start, end)
        ]
        if not between or gap <= 0:
            continue
        shapes = shapes_between(
            first=np.asarray(maps[start]) == number,
            second=np.asarray(maps[end]) == number,
            shares=[(places[i] - places[start]) / gap for i in between],
            spacing=spacing,
        )
        for i, shape in zip(between, shapes, strict=True):
            there = maps[i]
            before = np.zeros(shape.shape, dtype=np.uint8) if there is None else there
            free = shape & (before == 0)
            if free.any():
                filled[i] = np.where(free, np.uint8(number), before)
    return filled


def _is_between(places: Sequence[float], at: int, start: int, end: int) -> bool:
    return places[start] + _SAME < places[at] < places[end] - _SAME


_SAME = 0.01
"""Images nearer than this (mm) lie at one place."""

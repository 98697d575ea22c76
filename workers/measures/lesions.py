"""Lesions in a mask, and which of them is which of an earlier mask. Pure.

Each is matched with at most one: among pairs whose voxels, laid over each other, come
as near as the gate, the assignment of the least total distance between centres (Kuhn,
Naval Res Logist Q 2:83, 1955). Registering, allowing for its error, and assigning
without greed is the way of Santoro-Fernandes et al., Phys Med Biol 66:155017, 2021;
instead of dilating lesions by a margin, gaps of up to a margin are allowed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.optimize import linear_sum_assignment
from scipy.spatial import KDTree
from scipy.spatial.distance import pdist

Mask = NDArray[np.bool_]
Points = NDArray[np.float64]
Spacing = tuple[float, float, float]

JOIN_MM: Final = 5.0
"""Pieces of one label that come nearer than this are one lesion."""
GATE_MM: Final = 5.0
"""Furthest that two lesions may lie apart, laid over each other, and be the same."""
MOST: Final = 50
"""Lesions of one label that are told apart; the smallest beyond that are left out."""
_FAR: Final = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesion:
    """A connected marked thing.

    Attributes:
        volume_ml: Of its voxels.
        diameter_mm: The longest distance of two of its voxels' corners in one slice.
        centre: Its voxels' mean place, mm, (z, y, x) from the first voxel's centre.
        points: Its voxels' places, [n, 3], as `centre`.
        place: The middle of its voxels on the slice that holds most of it, as `centre`.
    """

    volume_ml: float
    diameter_mm: float
    centre: tuple[float, float, float]
    points: Points
    place: tuple[float, float, float]


def find_lesions(mask: Mask, spacing: Spacing) -> list[Lesion]:
    """Return the lesions of a mask, the largest first.

    Args:
        mask: [z, y, x].
        spacing: Millimetres between voxels, (z, y, x).
    """
    pieces, n = ndimage.label(mask, structure=np.ones((3, 3, 3)))
    voxels = [np.argwhere(pieces == number + 1) for number in range(n)]
    groups = _joined([places * np.array(spacing) for places in voxels])
    found = [
        _lesion(np.concatenate([voxels[one] for one in group]), spacing)
        for group in groups
    ]
    found.sort(key=lambda one: (-one.volume_ml, one.centre))
    return found[:MOST]


def _joined(clouds: Sequence[Points]) -> list[list[int]]:
    """Return which pieces come near enough to each other to be one."""
    trees = [KDTree(cloud) for cloud in clouds]
    group = list(range(len(clouds)))
    for one in range(len(clouds)):
        for other in range(one):
            if group[one] == group[other]:
                continue
            gap = trees[one].query(clouds[other], distance_upper_bound=JOIN_MM)[0]
            if np.isfinite(gap).any():
                old, new = group[one], group[other]
                group = [new if name == old else name for name in group]
    names = dict.fromkeys(group)
    return [[i for i, name in enumerate(group) if name == wanted] for wanted in names]


def _lesion(places: NDArray[Any], spacing: Spacing) -> Lesion:
    points = places * np.array(spacing)
    centre = points.mean(axis=0)
    frames, counts = np.unique(places[:, 0], return_counts=True)
    place = points[places[:, 0] == frames[counts.argmax()]].mean(axis=0)
    return Lesion(
        volume_ml=len(places) * float(np.prod(spacing)) / 1000.0,
        diameter_mm=max(_diameter(places, n, spacing) for n in frames),
        centre=(float(centre[0]), float(centre[1]), float(centre[2])),
        points=points,
        place=(float(place[0]), float(place[1]), float(place[2])),
    )


def _diameter(places: NDArray[Any], frame: int, spacing: Spacing) -> float:
    """Return the longest distance of two pixel corners of one slice, mm."""
    flat = places[places[:, 0] == frame][:, 1:]
    # The ends of each row are all that can be furthest apart.
    ends = []
    for row in np.unique(flat[:, 0]):
        columns = flat[flat[:, 0] == row][:, 1]
        low, high = columns.min(), columns.max() + 1
        ends += [(row, low), (row, high), (row + 1, low), (row + 1, high)]
    return float(pdist(np.array(ends) * np.array(spacing[1:])).max())


def match_lesions(
    *,
    now: Sequence[Lesion],
    then: Sequence[Lesion],
    moved: Sequence[Points],
    gate_mm: float = GATE_MM,
) -> list[tuple[int | None, int | None]]:
    """Return which lesion is which, one to one.

    Args:
        now: Lesions of one label.
        then: Earlier ones of the same label.
        moved: The earlier ones' points where they lie now, in the order of `then`.
        gate_mm: Furthest that two may lie apart and be the same.

    Returns:
        Pairs of places in `now` and `then`; None for what has no counterpart. Those
        of `now` first, in their order.
    """
    cost = np.full((len(now), len(then)), _FAR)
    trees = [KDTree(one.points) for one in now]
    for column, points in enumerate(moved):
        middle = points.mean(axis=0)
        for row, lesion in enumerate(now):
            gap = float(trees[row].query(points)[0].min())
            if gap <= gate_mm:
                cost[row, column] = float(np.linalg.norm(middle - lesion.centre))
    rows, columns = linear_sum_assignment(cost)
    pairs = {
        int(row): int(column)
        for row, column in zip(rows, columns, strict=True)
        if cost[row, column] < _FAR
    }
    taken = set(pairs.values())
    return [
        *((row, pairs.get(row)) for row in range(len(now))),
        *((None, column) for column in range(len(then)) if column not in taken),
    ]

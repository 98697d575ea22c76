"""Where the images of a series lie, how thick each is, and the volume of a segment.

Pure. Millimetres, DICOM patient coordinates (LPS).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

SAME_PLACE_MM: Final = 0.01
"""Images nearer than this lie at one place (repeats in time, directions)."""
_TURNED: Final = 1e-3
"""Images whose normals differ by more (1 − cosine) do not stand in one row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plane:
    """One image of a series, or one frame of an image.

    Attributes:
        key: `<SOP Instance UID>#<frame, 1-based>`.
        rows: Of the image.
        columns: Of the image.
        spacing: Distance between rows and between columns, mm; None when unknown.
        position: Middle of the top left pixel, mm; None when unknown.
        orientation: Direction cosines along a row, then down a column, six numbers.
    """

    key: str
    rows: int
    columns: int
    spacing: tuple[float, float] | None = None
    position: tuple[float, ...] | None = None
    orientation: tuple[float, ...] | None = None


def places_of(planes: Sequence[Plane]) -> dict[str, float]:
    """Return how far along the first placed image's normal images lie, mm, by key.

    Images that have no place, or do not stand in one row with that one, are left out.
    """
    placed = [plane for plane in planes if _normal(plane) is not None]
    if not placed:
        return {}
    normal = _normal(placed[0])
    places: dict[str, float] = {}
    for plane in placed:
        own = _normal(plane)
        if own is None or normal is None or 1 - abs(float(own @ normal)) >= _TURNED:
            continue
        places[plane.key] = float(np.array(plane.position) @ normal)
    return places


def _normal(plane: Plane) -> NDArray[np.float64] | None:
    """Return the unit normal of an image that has a place."""
    if plane.position is None or plane.orientation is None:
        return None
    cosines = np.array(plane.orientation)
    normal: NDArray[np.float64] = np.cross(cosines[:3], cosines[3:])
    length = float(np.linalg.norm(normal))
    return None if length < _TURNED else normal / length


def thicknesses_of(planes: Sequence[Plane]) -> dict[str, float]:
    """Return how much of the patient each image stands for along the normal, mm.

    Half of the gap to each neighbouring place; at the ends the one gap there is.
    Images that stand in no row with others are left out.
    """
    places = places_of(planes)
    distinct: list[float] = []
    for place in sorted(places.values()):
        if not distinct or place - distinct[-1] > SAME_PLACE_MM:
            distinct.append(place)
    if len(distinct) < 2:
        return {}
    gaps = np.diff(distinct)
    halves = (np.append(gaps[:1], gaps) + np.append(gaps, gaps[-1:])) / 2
    at = np.array(distinct)
    return {
        key: float(halves[int(np.abs(at - place).argmin())])
        for key, place in places.items()
    }


def volumes_ml(
    *, planes: Sequence[Plane], counts: Mapping[str, Mapping[int, int]]
) -> dict[int, float | None]:
    """Return the volume of each segment, ml.

    Σ voxels × spacing × how much of the patient the image stands for. A segment drawn
    on two images at one place has no volume: its voxels would count twice.

    Args:
        planes: All images of the series, not only those drawn on.
        counts: By image, voxels by segment number.
    """
    thick = thicknesses_of(planes)
    places = places_of(planes)
    by_key = {plane.key: plane for plane in planes}
    numbers = {number for found in counts.values() for number in found}
    volumes: dict[int, float | None] = {}
    for number in sorted(numbers):
        keys = [key for key, found in counts.items() if found.get(number)]
        volumes[number] = None
        if not all(key in thick for key in keys):
            continue
        if _share_a_place([places[key] for key in keys]):
            continue
        pieces = [counts[key][number] * _area(by_key[key]) * thick[key] for key in keys]
        total = sum(pieces) / 1000
        volumes[number] = total if total > 0 else None
    return volumes


def _area(plane: Plane) -> float:
    return plane.spacing[0] * plane.spacing[1] if plane.spacing else 0.0


def _share_a_place(places: Sequence[float]) -> bool:
    ordered = np.sort(np.array(places))
    return bool(len(ordered) > 1 and np.diff(ordered).min() <= SAME_PLACE_MM)

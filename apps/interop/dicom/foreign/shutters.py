"""Display shutters: what of an image is covered (PS3.3 C.7.6.11 and C.7.6.15)."""

from itertools import pairwise
from typing import Any, Final

import numpy as np
from pydicom.dataset import Dataset

from apps.interop.dicom.foreign.header import numbers_of
from apps.interop.dicom.foreign.types import Bitmap, Opening, Shutter

_EDGES: Final = (
    "ShutterLeftVerticalEdge",
    "ShutterUpperHorizontalEdge",
    "ShutterRightVerticalEdge",
    "ShutterLowerHorizontalEdge",
)
_P_VALUES_A_GREY: Final = 257
"""A shutter's value is of 16 bits: 65535 is 255."""

_OVERLAYS: Final = range(0x6000, 0x6100, 2)
MOST_RUNS: Final = 40_000
"""Of a bitmap that is shown: a ragged border of a film has some thousands."""


def shutter_of(dataset: Dataset) -> Shutter | None:
    """Return the shutter; None when there is none that is an area.

    Pixels are numbered from 1 there, row first; here points are (column, row) and
    (0, 0) is the corner of the first pixel. Edges are of the last pixels that are
    seen, centres and corners are middles of pixels.

    Raises:
        ValueError: Its numbers are none.
    """
    stated = dataset.get("ShutterShape") or ()
    shapes = [stated] if isinstance(stated, str) else list(stated)
    found = [_opening(dataset, str(shape)) for shape in shapes]
    openings = tuple(one for one in found if one is not None)
    bitmap = _bitmap(dataset) if "BITMAP" in shapes else None
    level = round(int(dataset.get("ShutterPresentationValue") or 0) / _P_VALUES_A_GREY)
    if not openings and bitmap is None:
        return None
    return Shutter(openings=openings, level=level, bitmap=bitmap)


def overlay_of(dataset: Dataset) -> int | None:
    """Return the group of the overlay that a bitmap shutter is; None without one."""
    group = dataset.get("ShutterOverlayGroup")
    return group if isinstance(group, int) and group in _OVERLAYS else None


def _bitmap(dataset: Dataset) -> Bitmap | None:
    """Return the overlay whose bits say what is covered.

    Raises:
        ValueError: It has several frames, too few bits or too many runs.
    """
    group = overlay_of(dataset)
    if group is None or (group, 0x3000) not in dataset:
        return None

    def stated(element: int, missing: Any = 0) -> Any:
        found: Any = dataset.get((group, element))
        return missing if found is None or found.value in (None, "") else found.value

    rows, columns = int(stated(0x0010)), int(stated(0x0011))
    packed = np.frombuffer(bytes(stated(0x3000, b"")), dtype=np.uint8)
    size = rows * columns
    if int(stated(0x0015, 1)) != 1 or size == 0 or len(packed) * 8 < size:
        msg = "its bitmap is not one picture"
        raise ValueError(msg)
    bits = np.unpackbits(packed, bitorder="little")[:size]
    edges = np.flatnonzero(np.diff(bits)) + 1
    bounds = [0, *([0] if bits[0] else []), *edges.tolist(), size]
    runs = tuple(b - a for a, b in pairwise(bounds))
    if len(runs) > MOST_RUNS:
        msg = "its bitmap is too ragged"
        raise ValueError(msg)
    row, column = numbers_of(stated(0x0050, [1, 1]))
    return Bitmap(
        rows=rows, columns=columns, left=int(column) - 1, top=int(row) - 1, runs=runs
    )


def _opening(dataset: Dataset, shape: str) -> Opening | None:
    if shape == "RECTANGULAR" and all(edge in dataset for edge in _EDGES):
        left, top, right, bottom = (float(dataset[edge].value) for edge in _EDGES)
        if left > right or top > bottom:
            return None
        points = ((left - 1, top - 1), (right, bottom))
        return Opening(kind="rectangle", points=points)
    if shape == "CIRCULAR" and "CenterOfCircularShutter" in dataset:
        row, column = numbers_of(dataset.CenterOfCircularShutter)
        radius = float(dataset.get("RadiusOfCircularShutter") or 0)
        middle = (column - 0.5, row - 0.5)
        return (
            Opening(kind="circle", points=(middle,), radius=radius) if radius else None
        )
    if shape == "POLYGONAL" and "VerticesOfThePolygonalShutter" in dataset:
        said = numbers_of(dataset.VerticesOfThePolygonalShutter)
        rows, columns = said[::2], said[1::2]
        corners = tuple(
            (column - 0.5, row - 0.5) for row, column in zip(rows, columns, strict=True)
        )
        return Opening(kind="polygon", points=corners) if len(corners) > 2 else None
    return None

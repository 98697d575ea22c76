"""Display shutters: what of an image is covered (PS3.3 C.7.6.11)."""

from typing import Final

from pydicom.dataset import Dataset

from apps.interop.dicom.foreign.header import numbers_of
from apps.interop.dicom.foreign.types import Opening, Shutter

_EDGES: Final = (
    "ShutterLeftVerticalEdge",
    "ShutterUpperHorizontalEdge",
    "ShutterRightVerticalEdge",
    "ShutterLowerHorizontalEdge",
)
_P_VALUES_A_GREY: Final = 257
"""A shutter's value is of 16 bits: 65535 is 255."""


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
    level = round(int(dataset.get("ShutterPresentationValue") or 0) / _P_VALUES_A_GREY)
    return Shutter(openings=openings, level=level) if openings else None


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

"""Shutters of presentation states: what they leave open, in image space."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom.dataset import Dataset

from apps.interop.dicom.foreign.read import read_foreign
from apps.interop.dicom.foreign.shutters import shutter_of
from apps.interop.dicom.foreign.types import Bitmap, Opening, Shutter
from tests.apps.interop.test_foreign import bytes_of, film, state_of


def _shutter(**said: object) -> Dataset:
    dataset = Dataset()
    for name, value in said.items():
        setattr(dataset, name, value)
    return dataset


RECTANGLE = {
    "ShutterLeftVerticalEdge": 11,
    "ShutterRightVerticalEdge": 90,
    "ShutterUpperHorizontalEdge": 21,
    "ShutterLowerHorizontalEdge": 80,
}


def test_edges_are_of_the_last_pixels_that_are_seen():
    dataset = _shutter(ShutterShape="RECTANGULAR", **RECTANGLE)
    assert shutter_of(dataset) == Shutter(
        openings=(Opening(kind="rectangle", points=((10, 20), (90, 80))),)
    )


def test_centre_and_corners_are_middles_of_pixels_row_first():
    dataset = _shutter(
        ShutterShape=["CIRCULAR", "POLYGONAL"],
        CenterOfCircularShutter=[30, 40],
        RadiusOfCircularShutter=25,
        VerticesOfThePolygonalShutter=[1, 2, 1, 50, 60, 50],
        ShutterPresentationValue=0x8080,
    )
    circle = Opening(kind="circle", points=((39.5, 29.5),), radius=25)
    corners = ((1.5, 0.5), (49.5, 0.5), (49.5, 59.5))
    polygon = Opening(kind="polygon", points=corners)
    assert shutter_of(dataset) == Shutter(openings=(circle, polygon), level=128)


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"ShutterShape": "BITMAP"},
        {"ShutterShape": "RECTANGULAR"},
        {"ShutterShape": "RECTANGULAR", **RECTANGLE, "ShutterLeftVerticalEdge": 91},
        {"ShutterShape": "CIRCULAR", "CenterOfCircularShutter": [30, 40]},
        {"ShutterShape": "POLYGONAL", "VerticesOfThePolygonalShutter": [1, 2, 3, 4]},
    ],
)
def test_what_is_no_area_is_no_shutter(said: dict[str, object]):
    assert shutter_of(_shutter(**said)) is None


def _with_bitmap(covered: np.ndarray, group: int = 0x6002, **said: object) -> Dataset:
    """Return a dataset whose shutter is an overlay; `covered` is [row][column]."""
    dataset = _shutter(ShutterShape="BITMAP", ShutterOverlayGroup=group, **said)
    add_overlay(dataset, covered, group=group, origin=[3, 2])
    return dataset


def add_overlay(
    dataset: Dataset, bits: np.ndarray, *, group: int, origin: list[int]
) -> None:
    """Lay bits [row][column] over an image; `origin` is row and column, from 1."""
    rows, columns = bits.shape
    packed = np.packbits(bits.ravel(), bitorder="little").tobytes()
    for element, vr, value in (
        (0x0010, "US", rows),
        (0x0011, "US", columns),
        (0x0040, "CS", "G"),
        (0x0050, "SS", origin),
        (0x0100, "US", 1),
        (0x0102, "US", 0),
        (0x3000, "OW", packed + b"\0" * (len(packed) % 2)),
    ):
        dataset.add_new((group, element), vr, value)


def _unrolled(bitmap: Bitmap) -> np.ndarray:
    values = np.arange(len(bitmap.runs)) % 2
    return np.repeat(values, bitmap.runs).reshape(bitmap.rows, bitmap.columns)


@pytest.mark.parametrize("first", [0, 1])
def test_a_bitmap_covers_where_its_bits_are_one(first: int):
    covered = np.random.default_rng(5).random((7, 11)) < 0.4
    covered[0, 0] = bool(first)
    found = shutter_of(_with_bitmap(covered, ShutterPresentationValue=0xFFFF))
    assert found is not None
    assert (found.openings, found.level) == ((), 255)
    bitmap = found.bitmap
    assert bitmap is not None
    assert (bitmap.left, bitmap.top) == (1, 2)
    assert np.array_equal(_unrolled(bitmap), covered)


def test_what_is_no_bitmap_is_not_covered():
    covered = np.ones((8, 8), dtype=bool)
    elsewhere = _with_bitmap(covered)
    elsewhere.ShutterOverlayGroup = 0x6004
    assert shutter_of(elsewhere) is None
    several = _with_bitmap(covered)
    several.add_new((0x6002, 0x0015), "IS", 2)
    short = _with_bitmap(covered)
    short[0x6002, 0x3000].value = b"\xff\xff"
    noise = np.indices((300, 300)).sum(axis=0) % 2
    for bad in (several, short, _with_bitmap(noise)):
        with pytest.raises(ValueError, match="bitmap"):
            shutter_of(bad)


def test_an_overlay_that_is_the_shutter_is_not_called_missing():
    state = state_of(film())
    state.ShutterShape, state.ShutterOverlayGroup = "BITMAP", 0x6002
    add_overlay(state, np.eye(9, dtype=bool), group=0x6002, origin=[1, 1])
    found = read_foreign(bytes_of(state))
    assert found.presentations[0].shutter == shutter_of(state)
    assert not found.notes
    add_overlay(state, np.eye(9, dtype=bool), group=0x6004, origin=[1, 1])
    assert any("overlay" in note for note in read_foreign(bytes_of(state)).notes)


def test_a_presentation_state_gives_its_shutter_or_says_that_it_does_not():
    state = state_of(film())
    state.ShutterShape = "RECTANGULAR"
    for name, value in RECTANGLE.items():
        setattr(state, name, value)
    found = read_foreign(bytes_of(state))
    [shown] = found.presentations
    assert shown.shutter == shutter_of(state)
    assert not any("shutter" in note for note in found.notes)
    state.ShutterShape = "BITMAP"
    other = read_foreign(bytes_of(state))
    assert other.presentations[0].shutter is None
    assert any("shutter" in note for note in other.notes)

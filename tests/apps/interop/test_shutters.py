"""Shutters of presentation states: what they leave open, in image space."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset

from apps.interop.dicom.foreign.read import read_foreign
from apps.interop.dicom.foreign.shutters import shutter_of
from apps.interop.dicom.foreign.types import Opening, Shutter
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

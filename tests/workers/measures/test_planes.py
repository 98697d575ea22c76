"""How much of the patient an image stands for, and the volume that follows."""

from __future__ import annotations

import math

import pytest

from workers.measures.planes import Plane, places_of, thicknesses_of, volumes_ml

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def plane(at, **parts):
    given = {
        "key": f"1.{at}#1",
        "rows": 8,
        "columns": 8,
        "spacing": (0.5, 0.25),
        "position": (0.0, 0.0, float(at)),
        "orientation": AXIAL,
    }
    return Plane(**{**given, **parts})


def thick(*planes):
    found = thicknesses_of(planes)
    return [round(found[one.key], 6) if one.key in found else None for one in planes]


def test_half_way_to_each_neighbour_in_any_order():
    assert thick(*(plane(at) for at in (0, 2, 5, 11))) == [2, 2.5, 4.5, 6]
    assert thick(*(plane(at) for at in (11, 0, 5, 2))) == [6, 2, 4.5, 2.5]


def test_repeats_in_time_are_one_place():
    again = plane(2, key="again#1", position=(0.0, 0.0, 2.004))
    assert thick(plane(0), plane(2), again, plane(5)) == [2, 2.5, 2.5, 3]


def test_a_tilted_stack_is_measured_along_its_normal():
    """A gantry tilt shifts the slices; their distance is along the normal."""
    c, s = math.cos(0.3), math.sin(0.3)
    tilted = (1.0, 0.0, 0.0, 0.0, c, s)
    planes = [
        plane(n, orientation=tilted, position=(0.0, 7.0, 4.0 * n)) for n in range(3)
    ]
    assert thick(*planes) == [round(4 * c, 6)] * 3


def test_one_place_alone_has_none():
    assert thick(plane(3)) == [None]
    assert thick(plane(3), plane(3, key="again#1")) == [None, None]


def test_images_out_of_the_row_are_left_out():
    """A localizer among the slices, an image without a place."""
    across = plane(1, orientation=(0, 1, 0, 0, 0, 1))
    assert thick(plane(0), across, plane(2)) == [2, None, 2]
    assert thick(plane(0), plane(1, position=None), plane(2)) == [2, None, 2]
    assert thick(plane(0, orientation=(0,) * 6), plane(1), plane(3)) == [None, 2, 2]
    assert thick(plane(0), plane(1, orientation=None)) == [None, None]
    assert places_of([]) == {}
    counts = {"1.0#1": {1: 5}, "1.1#1": {1: 5, 2: 5}}
    volumes = volumes_ml(planes=[plane(0), across, plane(2)], counts=counts)
    assert volumes == {1: None, 2: None}, "what is drawn out of the row has no volume"


def test_a_volume_is_voxels_by_area_by_thickness():
    planes = [plane(at) for at in (0, 2, 5, 11)]
    counts = {"1.2#1": {1: 10, 3: 4}, "1.5#1": {1: 20}}
    volumes = volumes_ml(planes=planes, counts=counts)
    assert volumes[1] == pytest.approx((10 * 2.5 + 20 * 4.5) * 0.125 / 1000)
    assert volumes[3] == pytest.approx(4 * 2.5 * 0.125 / 1000)


def test_no_volume_rather_than_a_wrong_one():
    planes = [plane(0), plane(2), plane(2, key="again#1")]
    twice = {"1.2#1": {1: 10}, "again#1": {1: 10, 2: 5}}
    volumes = volumes_ml(planes=planes, counts=twice)
    assert volumes[1] is None
    assert volumes[2] is not None
    assert volumes_ml(planes=planes, counts={"elsewhere#1": {1: 1}}) == {1: None}
    blind = [plane(0, spacing=None), plane(2, spacing=None)]
    assert volumes_ml(planes=blind, counts={"1.0#1": {1: 1}}) == {1: None}

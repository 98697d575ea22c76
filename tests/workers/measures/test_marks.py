"""What marks measure, against numbers that can be checked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.measures.estimate import MeasureError
from workers.measures.marks import (
    Spacing,
    angle_of,
    area_of,
    cobb_of,
    contour_of,
    length_of,
    region_mask,
    region_statistics,
    spline_through,
    value_at,
)

SQUARE = Spacing(row=0.5, column=0.5)
TALL = Spacing(row=2.0, column=0.5)


def test_a_length_counts_rows_and_columns_by_their_own_spacing():
    assert length_of(points=[(0, 0), (6, 8)], spacing=SQUARE) == pytest.approx(5)
    assert length_of(points=[(0, 0), (6, 2)], spacing=TALL) == pytest.approx(5)


def test_an_angle_is_the_patients_not_the_pixels():
    right = [(10, 0), (0, 0), (0, 10)]
    assert angle_of(points=right, spacing=TALL) == pytest.approx(90)
    diagonal = [(10, 0), (0, 0), (10, 10)]
    assert angle_of(points=diagonal, spacing=SQUARE) == pytest.approx(45)
    assert angle_of(points=diagonal, spacing=TALL) == pytest.approx(
        math.degrees(math.atan2(20, 5))
    )


def test_cobbs_angle_does_not_mind_which_way_lines_point():
    there = [(0, 0), (10, 0), (0, 5), (10, 15)]
    back = [(0, 0), (10, 0), (10, 15), (0, 5)]
    assert cobb_of(points=there, spacing=SQUARE) == pytest.approx(45)
    assert cobb_of(points=back, spacing=SQUARE) == pytest.approx(45)


def test_areas_are_geometric():
    assert area_of(kind="box", points=[(2, 3), (6, 5)], spacing=TALL) == 8
    triangle = [(0, 0), (4, 0), (0, 4)]
    assert area_of(kind="polygon", points=triangle, spacing=SQUARE) == 2
    ellipse = [(0, 5), (10, 5), (5, 3), (5, 7)]
    assert area_of(kind="ellipse", points=ellipse, spacing=SQUARE) == pytest.approx(
        math.pi * 2.5 * 1.0
    )
    circle = [(20, 20), (24, 20)]  # 2 mm to the right
    assert area_of(kind="circle", points=circle, spacing=TALL) == pytest.approx(
        math.pi * 4
    )
    with pytest.raises(MeasureError):
        area_of(kind="length", points=[(0, 0), (1, 1)], spacing=SQUARE)


def test_a_pixel_belongs_to_a_region_by_its_centre():
    mask = region_mask(
        kind="box", points=[(1.5, 1.0), (3.5, 2.0)], spacing=SQUARE, shape=(4, 5)
    )
    # The left border goes through a centre and counts, the right one does not.
    assert np.argwhere(mask).tolist() == [[1, 1], [1, 2]]


def test_a_circle_of_the_patient_on_tall_pixels():
    mask = region_mask(
        kind="circle", points=[(20, 20), (28, 20)], spacing=TALL, shape=(40, 40)
    )
    rows, columns = np.where(mask)
    assert np.ptp(columns) + 1 == 16, "4 mm each way, at half a millimetre"
    assert np.ptp(rows) + 1 == 4, "4 mm each way, at two millimetres"


def test_statistics_are_of_the_pixels_inside():
    values = np.arange(20.0).reshape(4, 5)
    found = region_statistics(
        kind="box", points=[(1, 1), (3, 3)], spacing=SQUARE, values=values
    )
    assert found is not None
    inside = np.array([6, 7, 11, 12.0])
    assert found.count == 4
    assert found.mean == inside.mean()
    assert found.deviation == pytest.approx(inside.std())
    assert (found.least, found.most) == (6, 12)
    nothing = region_statistics(
        kind="box", points=[(1.6, 1.6), (2.4, 2.4)], spacing=SQUARE, values=values
    )
    assert nothing is None
    assert value_at(point=(4.99, 1.0), values=values) == 9
    assert value_at(point=(5.0, 4.0), values=values) == 19, "the border is the last one"


def test_a_spline_goes_through_its_points():
    controls = [(0, 0), (10, 0), (10, 10), (0, 10)]
    curve = spline_through(controls)
    assert curve.shape == (64, 2)
    assert curve[::16].tolist() == [[0, 0], [10, 0], [10, 10], [0, 10]]
    assert area_of(kind="spline", points=controls, spacing=SQUARE) > 25
    assert len(contour_of(kind="spline", points=controls)) == 64


@given(
    st.lists(
        st.tuples(st.floats(0, 30), st.floats(0, 30)),
        min_size=4,
        max_size=4,
    )
)
def test_a_box_and_the_same_polygon_hold_the_same_pixels(points):
    (x0, y0), (x1, y1) = points[:2]
    corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    box = region_mask(kind="box", points=points[:2], spacing=SQUARE, shape=(30, 30))
    polygon = region_mask(
        kind="polygon", points=corners, spacing=SQUARE, shape=(30, 30)
    )
    assert np.array_equal(box, polygon)
    y, x = np.mgrid[:30, :30] + 0.5
    plain = (min(x0, x1) <= x) & (x < max(x0, x1)) & (min(y0, y1) <= y)
    assert np.array_equal(box, plain & (y < max(y0, y1)))

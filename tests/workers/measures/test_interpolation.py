"""Shapes between drawn ones, against shapes whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.measures.interpolation import (
    fill_between,
    overlap_well,
    shapes_between,
    signed_distances,
)

SPACING = (0.7, 0.5)
GRID = np.mgrid[:90, :120].astype(float)


def disc(row, column, radius_mm, spacing=SPACING):
    down, across = (GRID[0] - row) * spacing[0], (GRID[1] - column) * spacing[1]
    return down**2 + across**2 <= radius_mm**2


def dice(one, other):
    return 2 * (one & other).sum() / (one.sum() + other.sum())


def cone(z):
    return disc(45, 40 + 0.6 * z, 4 + 0.35 * z)


def ball(z):
    left = 15**2 - (z - 20) ** 2
    return disc(40, 60, left**0.5) if left > 0 else np.zeros(GRID[0].shape, bool)


def vessel(z):
    """Thin and steep: two drawn slices of it never overlap."""
    return disc(20 + 1.1 * z, 20 + 1.9 * z, 2.5)


EVEN = np.arange(0.0, 41.0)
UNEVEN = np.cumsum(np.random.default_rng(2).choice([0.4, 1.0, 1.7], 40))


def every_fifth(shape, places):
    truth = [shape(z) for z in places]
    held = [i for i, one in enumerate(truth) if one.any()]
    drawn = {*held[::5], held[-1]}
    maps = [
        truth[i].astype(np.uint8) * 3 if i in drawn else None
        for i in range(len(places))
    ]
    found = fill_between(maps=maps, places=list(places), number=3, spacing=SPACING)
    between = [i for i in range(held[0], held[-1]) if i not in drawn]
    assert sorted(found) == between
    return [(found[i] == 3, truth[i]) for i in between]


@pytest.mark.parametrize(
    ("shape", "places", "least_mean", "least"),
    [
        (cone, EVEN, 0.985, 0.93),
        (cone, UNEVEN, 0.985, 0.97),
        (ball, EVEN, 0.96, 0.87),
        (ball, UNEVEN, 0.95, 0.81),
        (vessel, EVEN, 0.96, 0.94),
        (vessel, UNEVEN, 0.97, 0.92),
    ],
    ids=["cone", "cone, uneven", "ball", "ball, uneven", "vessel", "vessel, uneven"],
)
def test_drawn_on_every_fifth_image(shape, places, least_mean, least):
    scores = [dice(*pair) for pair in every_fifth(shape, places)]
    assert np.mean(scores) >= least_mean
    assert min(scores) >= least


def test_place_counts_not_number():
    """Three images crowd near the first drawn one: they look like it."""
    small, large = disc(45, 60, 5), disc(45, 60, 15)
    places = [0.0, 0.5, 1.0, 1.5, 10.0]
    maps = [small.astype(np.uint8), None, None, None, large.astype(np.uint8)]
    found = fill_between(maps=maps, places=places, number=1, spacing=SPACING)
    radii = [np.sqrt(found[i].sum() * 0.35 / np.pi) for i in (1, 2, 3)]
    assert radii == pytest.approx([5.5, 6.0, 6.5], abs=0.25)


def test_other_segments_are_never_overwritten():
    shape = disc(45, 60, 8).astype(np.uint8)
    other = np.where(disc(45, 66, 6), np.uint8(9), np.uint8(0))
    maps = [shape, other, None, shape]
    found = fill_between(maps=maps, places=[0, 1, 2, 3], number=1, spacing=SPACING)
    assert np.array_equal(found[1] == 9, other == 9)
    assert np.array_equal(found[1] == 1, (shape == 1) & (other == 0))
    assert np.array_equal(found[2], shape)


def test_images_that_hold_the_segment_are_left_alone():
    shape = disc(45, 60, 8).astype(np.uint8)
    maps = [shape, None, disc(30, 30, 2).astype(np.uint8), None, shape]
    found = fill_between(maps=maps, places=range(5), number=1, spacing=SPACING)
    assert sorted(found) == [1, 3]


def test_images_at_a_drawn_place_are_left_alone():
    """Repeats in time: nothing lies between two images at one place."""
    shape = disc(45, 60, 8).astype(np.uint8)
    maps = [shape, None, None, shape, None]
    found = fill_between(maps=maps, places=[0, 0, 1, 2, 2], number=1, spacing=SPACING)
    assert sorted(found) == [2]


@pytest.mark.parametrize("maps", [[], [None], ["shape"], ["shape", "shape"]])
def test_nothing_to_fill(maps):
    shape = disc(45, 60, 8).astype(np.uint8)
    given_ = [shape if one else None for one in maps]
    places = list(range(len(maps)))
    assert fill_between(maps=given_, places=places, number=1, spacing=SPACING) == {}
    assert fill_between(maps=given_, places=places, number=2, spacing=SPACING) == {}


def test_distances_are_millimetres_from_the_edge():
    found = signed_distances(disc(45, 60, 12), spacing=SPACING)
    down, across = (GRID[0] - 45) * 0.7, (GRID[1] - 60) * 0.5
    assert np.abs(found - (12 - np.hypot(down, across))).max() < 0.5


masks = st.builds(
    disc,
    st.floats(20, 70),
    st.floats(20, 100),
    st.floats(1.5, 12),
)


@settings(max_examples=40, deadline=None)
@given(first=masks, second=masks, share=st.floats(0.02, 0.98))
def test_between_two_shapes_lies_one(first, second, share):
    """Never empty where they overlap, and never outside their common box."""
    [shape] = shapes_between(
        first=first, second=second, shares=[share], spacing=SPACING
    )
    both = first | second
    for axis in (0, 1):
        assert not (shape.any(axis=axis) & ~_spanned(both.any(axis=axis))).any()
    if overlap_well(first, second):
        assert (shape >= (first & second)).all()


def _spanned(line):
    there = np.flatnonzero(line)
    found = np.zeros_like(line)
    found[there[0] : there[-1] + 1] = True
    return found


def test_the_ends_are_the_drawn_shapes():
    first, second = disc(40, 50, 7), disc(43, 58, 11)
    start, end = shapes_between(
        first=first, second=second, shares=[0.0, 1.0], spacing=SPACING
    )
    assert np.array_equal(start, first)
    assert np.array_equal(end, second)

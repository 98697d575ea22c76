"""The benchmark's own eye: it must see every way in which a picture is not there."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from tests.benchmarks.viewing.check import WIDE, Picture, compare, find, window
from tests.benchmarks.viewing.planes import VIEWS, Volume, planes_of


def _image(seed: int = 0) -> np.ndarray:
    draw = np.random.default_rng(seed)
    y, x = np.mgrid[:256, :256] / 256
    body = 900 * np.exp(-((y - 0.5) ** 2 + (x - 0.45) ** 2) * 8)
    return body + draw.normal(0, 40, (256, 256))


def _picture(values: np.ndarray, name: str = "it") -> Picture:
    return Picture(name, window(values, centre=500, width=1000), (1.0, 1.0))


def _drawn(picture: Picture, *, factor: float = 1.0) -> np.ndarray:
    """Draw as a viewer does: centred, bilinear, black around."""
    high, wide = 700, 810
    scale = factor * high / 256
    y, x = np.mgrid[:high, :wide].astype(float)
    row = (y + 0.5 - high / 2) / scale + 127.5
    column = (x + 0.5 - wide / 2) / scale + 127.5
    drawn = ndimage.map_coordinates(
        picture.grey, [row, column], order=1, mode="nearest"
    )
    outside = (np.abs(row - 127.5) > 128) | (np.abs(column - 127.5) > 128)
    return np.where(outside, 0, drawn).clip(0, 255).round().astype(np.uint8)


@pytest.mark.parametrize("factor", [1.0, 1 / 1.1, 0.953])
def test_the_picture_is_known_at_any_size(factor):
    match = compare(_drawn(_picture(_image()), factor=factor), _picture(_image()))
    assert match.shown
    assert match.factor == pytest.approx(factor, abs=0.002)
    assert match.error < 1


def _thumbnail(values: np.ndarray) -> np.ndarray:
    return ndimage.zoom(ndimage.zoom(values, 0.5, order=1), 2, order=1)


@pytest.mark.parametrize(
    "fault",
    [
        _thumbnail,
        lambda values: _image(seed=1),
        lambda values: ndimage.gaussian_filter(values, 0.7),
        lambda values: values[::-1],
        lambda values: values[:, ::-1],
        lambda values: values + 12,
        lambda values: values * 1.05,
        lambda values: 1000 - values,
        lambda values: np.where(np.mgrid[:256, :256][0] < 200, values, 0),
        np.zeros_like,
    ],
    ids=[
        "a thumbnail",
        "another slice",
        "blurred",
        "upside down",
        "mirrored",
        "brighter",
        "another window",
        "inverted",
        "half of it",
        "black",
    ],
)
def test_what_is_not_the_picture_is_not_taken_for_it(fault):
    shown = _drawn(_picture(fault(_image())))
    assert not compare(shown, _picture(_image())).shown
    assert not find(shown, [_picture(_image())]).shown


def test_the_slice_that_is_shown_is_found_among_others():
    pictures = [_picture(_image(seed), f"slice {seed}") for seed in range(6)]
    match = find(_drawn(pictures[4], factor=1 / 1.1), pictures)
    assert match.shown
    assert match.name == "slice 4"


def _coarser(values: np.ndarray) -> np.ndarray:
    """Half as many voxels in every direction, as a viewer in a hurry shows first."""
    half = ndimage.zoom(values, 0.5, order=1)
    factors = np.array(values.shape) / half.shape
    return ndimage.zoom(half, factors, order=1)


def test_planes_are_known_along_the_voxels_and_coarser_ones_are_not():
    draw = np.random.default_rng(3)
    z, y, x = np.mgrid[:40, :96, :96]
    body = np.exp(-(((z - 18) / 30) ** 2 + ((y - 40) / 40) ** 2 + ((x - 50) / 30) ** 2))
    grey = np.clip(220 * body + draw.normal(0, 12, body.shape), 0, 255)
    affine = np.diag([1.0, 1.0, 3.0, 1.0])
    planes = planes_of(Volume(grey, affine))
    coarse = planes_of(Volume(_coarser(grey), affine))
    for name in VIEWS:
        shown = _drawn_plane(planes[name][len(planes[name]) // 2])
        found = {other: find(shown, planes[other], WIDE).error for other in VIEWS}
        assert min(found, key=lambda other: found[other]) == name
        assert found[name] < 1
        assert find(shown, coarse[name], WIDE).error > 3


def _drawn_plane(picture: Picture) -> np.ndarray:
    """Draw at .8 of what fits, as planes that are fitted together are."""
    high, wide = 500, 600
    rows, columns = picture.grey.shape
    size = rows * picture.pixel_mm[0], columns * picture.pixel_mm[1]
    scale = 0.8 * min(high / size[0], wide / size[1])
    y, x = np.mgrid[:high, :wide].astype(float)
    row = (y + 0.5 - high / 2) / scale / picture.pixel_mm[0] + rows / 2 - 0.5
    column = (x + 0.5 - wide / 2) / scale / picture.pixel_mm[1] + columns / 2 - 0.5
    drawn = ndimage.map_coordinates(picture.grey, [row, column], order=1, cval=0.0)
    return drawn.round().astype(np.uint8)

"""Preprocessing: the way there, and the way back to image coordinates."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.models.preprocess import GridToSource, PreprocessError, prepare
from workers.models.volume_prepare import prepare_volume
from workers.phantoms.breast import mammogram
from workers.phantoms.settings import TRAIN

STEPS = [
    {"name": "trim_uniform_border", "tolerance": 0.02, "max_fraction": 0.2},
    {"name": "clip_percentiles", "low": 0.5, "high": 99.5},
    {"name": "squeeze_resize", "height": 160, "width": 160},
    {"name": "standardise", "epsilon": 1e-3},
]


def film(rows, columns, seed=0):
    """A smooth film with a bright square two thirds down, one third across."""
    down, across = np.mgrid[0:rows, 0:columns]
    grey = 90 + 60 * np.sin(down / rows * 9 + 1 + seed) * np.cos(across / columns * 7)
    top, left = int(rows * 0.6), int(columns * 0.3)
    grey[top : top + rows // 10, left : left + columns // 10] = 255
    return grey.astype(np.float32)


def square_centre(rows, columns):
    top, left = int(rows * 0.6), int(columns * 0.3)
    return left + (columns // 10) / 2, top + (rows // 10) / 2


@pytest.mark.parametrize("shape", [(224, 224), (2022, 2346), (3000, 1400), (512, 900)])
@pytest.mark.parametrize("band", [0.0, 0.1])
def test_a_mark_on_the_grid_goes_back_to_where_it_was(shape, band):
    rows, columns = shape
    border = int(columns * band)
    image = np.pad(film(rows, columns), ((0, 0), (border, border)))
    prepared = prepare(image, steps=STEPS)
    assert prepared.tensor.shape == (1, 160, 160)
    grid = prepared.tensor[0].numpy()
    found = np.argwhere(grid > 0.9 * grid.max()).mean(axis=0)[::-1] + 0.5
    column, row = prepared.grid_to_source.to_source(found[None])[0]
    expected_column, expected_row = square_centre(rows, columns)
    assert column == pytest.approx(expected_column + border, abs=columns / 160)
    assert row == pytest.approx(expected_row, abs=rows / 160)


@given(
    scale=st.tuples(*[st.floats(0.05, 40)] * 2),
    offset=st.tuples(*[st.floats(-500, 500)] * 2),
    point=st.tuples(*[st.floats(0, 160)] * 2),
)
@settings(max_examples=60, deadline=None)
def test_the_map_and_its_inverse_cancel(scale, offset, point):
    place = GridToSource(
        scale_column=scale[0],
        scale_row=scale[1],
        offset_column=offset[0],
        offset_row=offset[1],
    )
    points = np.array([point])
    there = place.to_source(points)
    assert np.allclose(place.to_grid(there), points, atol=1e-6)
    assert np.allclose((place.matrix @ [*point, 1.0])[:2], there[0])


def test_the_grid_covers_the_image_corner_to_corner():
    place = prepare(film(1000, 1500), steps=STEPS).grid_to_source
    corners = place.to_source(np.array([[0.0, 0.0], [160.0, 160.0]]))
    assert np.allclose(corners, [[0, 0], [1500, 1000]])


@pytest.mark.parametrize(("gain", "offset"), [(16.0, 0.0), (257.0, -3000.0)])
def test_bit_depth_and_level_make_no_difference(gain, offset):
    image = film(600, 500)
    plain = prepare(image, steps=STEPS).tensor.numpy()
    deep = prepare(image * gain + offset, steps=STEPS).tensor.numpy()
    assert np.allclose(plain, deep, atol=2e-3)


def test_uniform_borders_are_cut_whatever_their_grey():
    image = film(400, 400)
    plain = prepare(image, steps=STEPS).tensor.numpy()
    for grey in (0.0, 255.0, 77.0):
        padded = np.pad(image, 30, constant_values=grey)
        prepared = prepare(padded, steps=STEPS)
        assert np.allclose(prepared.tensor.numpy(), plain, atol=0.05)
        assert prepared.grid_to_source.offset_column == 30
        assert prepared.grid_to_source.offset_row == 30


def test_a_few_burnt_in_pixels_do_not_set_the_window():
    image = film(800, 800)
    burnt = image.copy()
    burnt[5:35, 5:60] = 65535
    plain = prepare(image, steps=STEPS).tensor[0].numpy()
    marked = prepare(burnt, steps=STEPS).tensor[0].numpy()
    assert np.abs(plain - marked)[20:, 20:].max() < 0.2


def test_the_input_is_not_changed():
    image = film(100, 120)
    before = image.copy()
    prepare(image, steps=STEPS)
    assert np.array_equal(image, before)


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (np.zeros((64, 64)), "blank"),
        (np.full((64, 64), np.nan), "not numbers"),
        (np.zeros((3, 64, 64)), "not a grey image"),
        (np.arange(64.0).reshape(8, 8), "at least 16"),
    ],
)
def test_unusable_images_are_refused_in_plain_words(image, words):
    with pytest.raises(PreprocessError, match=words):
        prepare(image, steps=STEPS)


def test_unknown_steps_and_parameters_are_refused():
    image = film(64, 64)
    with pytest.raises(PreprocessError, match="unknown"):
        prepare(image, steps=[{"name": "sharpen"}])
    with pytest.raises(PreprocessError, match="bad parameters"):
        prepare(image, steps=[{"name": "standardise", "eps": 1}])


def test_the_breast_is_cut_out_and_keeps_its_place():
    made = mammogram(3, TRAIN)
    picture = np.asarray(made.views["L", "CC"], np.float32) / 4095.0
    prepared = prepare(picture, steps=[{"name": "breast_region"}])
    height, width = prepared.tensor.shape[-2:]
    assert height * width < 0.9 * picture.size
    corner = prepared.grid_to_source.to_source(np.array([[0.0, 0.0]]))[0]
    column, row = (int(part) for part in corner)
    inside = prepared.tensor[0].numpy()
    same = inside == picture[row : row + height, column : column + width]
    assert same.mean() > 0.6, "the breast is as it was"
    with pytest.raises(PreprocessError, match="no breast"):
        prepare(
            np.random.default_rng(0).normal(0.5, 0.002, (64, 64)),
            steps=[{"name": "breast_region"}],
        )


def test_mr_steps_are_declared_steps():
    z, y, x = np.mgrid[:8, :64, :64].astype(np.float32)
    inside = (y - 32) ** 2 + (x - 32) ** 2 < 24**2
    shaded = inside * (300 + z) * np.exp((x - 32) / 64)
    found, spacing = prepare_volume(
        torch.from_numpy(shaded.astype(np.float32)),
        (3.0, 1.0, 1.0),
        steps=[{"name": "correct_bias"}, {"name": "standardise_tissue"}],
    )
    assert spacing == (3.0, 1.0, 1.0)
    assert found.shape == (8, 64, 64)
    values = found.numpy()
    assert abs(float(values[values != 0].mean())) < 0.01
    assert not values[:, 0, 0].any()

"""Saliency and box lie where the network looked, in the source image's pixels."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from workers.inference.box import box_of
from workers.inference.saliency import (
    SaliencyMap,
    class_activation,
    lay_over_source,
)
from workers.models.architectures import ExplainableModel
from workers.models.preprocess import GridToSource, prepare
from workers.models.registry import build


def hot(row, column, *, size=10):
    cam = np.zeros((size, size), np.float32)
    cam[row, column] = 1
    return cam


def peak(found):
    row, column = np.unravel_index(found.values.argmax(), found.values.shape)
    return (
        (column + 0.5) * found.columns / found.values.shape[1],
        (row + 0.5) * found.rows / found.values.shape[0],
    )


@given(
    row=st.integers(0, 9),
    column=st.integers(0, 9),
    rows=st.integers(150, 1500),
    columns=st.integers(150, 1500),
    left=st.integers(0, 40),
    top=st.integers(0, 40),
)
@settings(max_examples=60, deadline=None)
def test_the_peak_is_where_the_hot_cell_is(row, column, rows, columns, left, top):
    grid = GridToSource(
        scale_column=(columns - 2 * left) / 160,
        scale_row=(rows - 2 * top) / 160,
        offset_column=left,
        offset_row=top,
    )
    found = lay_over_source(
        hot(row, column),
        grid_shape=(160, 160),
        grid_to_source=grid,
        source_shape=(rows, columns),
    )
    assert max(found.values.shape) <= 512
    assert found.values.max() == 1
    expected = grid.to_source(np.array([[(column + 0.5) * 16, (row + 0.5) * 16]]))[0]
    cell = (columns / 10, rows / 10)
    for at, there, size in zip(peak(found), expected, cell, strict=True):
        assert abs(at - there) <= size / 2 + 1


def test_outside_of_what_the_network_saw_there_is_nothing():
    found = lay_over_source(
        np.ones((10, 10), np.float32),
        grid_shape=(160, 160),
        grid_to_source=GridToSource(
            scale_column=1.0, scale_row=1.0, offset_column=40, offset_row=20
        ),
        source_shape=(200, 240),
    )
    assert (found.values[:, :40] == 0).all()
    assert (found.values[:20] == 0).all()
    assert (found.values[20:180, 40:200] == 1).all()


def test_a_map_that_speaks_for_nothing_is_none():
    found = lay_over_source(
        np.zeros((4, 4), np.float32),
        grid_shape=(64, 64),
        grid_to_source=GridToSource(),
        source_shape=(64, 64),
    )
    assert found is None


def test_the_picture_is_grey_and_of_the_maps_size():
    values = np.linspace(0, 1, 200, dtype=np.float32).reshape(10, 20)
    png = SaliencyMap(values=values, columns=40, rows=20).to_png()
    picture = Image.open(io.BytesIO(png))
    assert (picture.mode, picture.size) == ("L", (20, 10))
    assert np.asarray(picture)[-1, -1] == 255


@pytest.mark.parametrize("shape", [(160, 160), (3, 1), (1, 7), (1, 1), (67, 512)])
def test_a_picture_has_every_value_of_its_map(shape):
    values = np.random.default_rng(0).random(shape, dtype=np.float32)
    png = SaliencyMap(values=values, columns=shape[1], rows=shape[0]).to_png()
    picture = Image.open(io.BytesIO(png))
    picture.verify()
    read = np.asarray(Image.open(io.BytesIO(png)))
    assert (read == np.round(values * 255)).all()


def test_the_box_is_round_the_largest_region_in_image_pixels():
    values = np.zeros((100, 200), np.float32)
    values[10:20, 30:60] = 0.8
    values[70:74, 100:104] = 1.0
    found = box_of(SaliencyMap(values=values, columns=800, rows=400))
    assert found == ((120.0, 40.0), (240.0, 80.0))


def test_no_region_no_box():
    values = np.full((10, 10), 0.2, np.float32)
    assert box_of(SaliencyMap(values=values, columns=10, rows=10)) is None


def test_the_network_is_asked_where_a_bright_patch_is():
    """A network whose one output is the brightness of its first channel."""
    module = build("film_net", stem=4, widths=[4, 4], depths=[1, 1]).eval()
    torch.manual_seed(0)
    image = np.random.default_rng(0).normal(0, 0.01, (320, 320)).astype(np.float32)
    image[208:272, 48:112] += np.random.default_rng(1).normal(0, 3, (64, 64))
    prepared = prepare(image, steps=[{"name": "standardise", "epsilon": 1e-6}])
    cam = class_activation(module, prepared.tensor[None], label=0)
    assert cam.shape == (40, 40)
    assert (cam >= 0).all()
    assert np.isfinite(cam).all()


@pytest.mark.parametrize("members", [1, 3])
def test_activation_of_an_ensemble_covers_all_members(members):
    params = {"stem": 4, "widths": [4, 4], "depths": [1, 1]}
    module = build("film_ensemble", members=[params] * members).eval()
    cam = class_activation(module, torch.randn(1, 1, 96, 96), label=0)
    assert cam.shape == (12, 12)


def trained(module):
    """Give a network weights that say something, and statistics that are used."""
    torch.manual_seed(7)
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return module.eval()


FILM = {"stem": 4, "widths": [4, 6], "depths": [1, 1]}


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("film_net", {**FILM, "n_kinds": 2, "max_share": 0.5}),
        ("film_net", {**FILM, "max_share": 1.0}),
        ("film_ensemble", {"members": [{**FILM, "n_kinds": 2}, FILM]}),
        ("film_ensemble", {"members": [{**FILM, "n_kinds": 2, "max_share": 0.3}] * 3}),
        (
            "xrv_densenet",
            {"n_outputs": 3, "columns": [2, 0], "growth": 4, "blocks": [1, 1]},
        ),
    ],
)
def test_the_reason_in_closed_form_is_the_derivatives(name, params):
    module = trained(build(name, **params))
    maps = module.features(torch.randn(2, 1, 64, 96)).detach()
    # A place that is as strong as the strongest shares its part.
    maps[0, :, 0, 0] = maps[0].amax(dim=(1, 2))
    for label in range(module.n_labels):
        found = module.relevance(maps, label=label)
        expected = ExplainableModel.relevance(module, maps, label=label)
        assert float(expected.abs().max()) > 1e-4
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("film_net", {**FILM, "n_kinds": 2}),
        ("film_ensemble", {"members": [{**FILM, "n_kinds": 2}, FILM]}),
        ("film_ensemble", {"members": [FILM] * 3}),
        ("xrv_densenet", {"n_outputs": 2, "growth": 4, "blocks": [1, 1]}),
    ],
)
def test_what_a_network_tells_at_once_is_what_it_says_one_by_one(name, params):
    module = trained(build(name, **params))
    with torch.no_grad():
        maps = module.features(torch.randn(3, 1, 64, 96))
        told = module.tell(maps, why=True)
        assert module.tell(maps, why=False).places is None
        each = [module.classify_members(maps[[one]]) for one in range(3)]
        torch.testing.assert_close(told.members, torch.cat(each, dim=1))
        vectors = [module.pool(maps[[one]]) for one in range(3)]
        torch.testing.assert_close(told.vectors, torch.cat(vectors))
    places = [module.relevance(maps[[one]], label=0) for one in range(3)]
    assert float(told.places.abs().max()) > 1e-4
    torch.testing.assert_close(told.places, torch.cat(places), rtol=1e-4, atol=1e-6)


def test_members_that_are_alike_say_together_what_each_says():
    module = trained(build("film_ensemble", members=[{**FILM, "n_kinds": 2}] * 3))
    maps = module.features(torch.randn(2, 1, 64, 96)).detach()
    parts = list(zip(module.members, maps.chunk(3, dim=1), strict=True))
    each = torch.cat([member.classify_members(part) for member, part in parts])
    pooled = torch.cat([member.pool(part) for member, part in parts], dim=1)
    torch.testing.assert_close(module.classify_members(maps), each)
    torch.testing.assert_close(module.pool(maps), pooled)
    assert float((each[0] - each[1]).detach().abs().max()) > 1e-3, "members that differ"


@pytest.mark.parametrize(("source", "side"), [(100, 100), (2500, 160), (224, 160)])
def test_a_map_is_no_finer_than_its_cells_are(source, side):
    found = lay_over_source(
        hot(4, 4),
        grid_shape=(160, 160),
        grid_to_source=GridToSource(scale_column=source / 160, scale_row=source / 160),
        source_shape=(source, source),
    )
    assert found.values.shape == (side, side)
    assert (found.rows, found.columns) == (source, source)

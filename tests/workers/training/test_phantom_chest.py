"""Films of phantoms to train on: truth stays with its pixels all the way."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from workers.models.finding_net import FindingNet
from workers.models.package import load_package
from workers.phantoms.film import chest_film
from workers.phantoms.settings import FILM_LABELS, TRAIN, UNSEEN
from workers.training import phantom_films
from workers.training.phantom_chest import (
    ARCHITECTURE,
    Trainer,
    agrees,
    augmented,
    cell_targets,
    package_network,
)
from workers.training.phantom_chest_measure import Said, calibrate, measure_films
from workers.training.phantom_films import (
    CELLS,
    GRID,
    PARTS,
    Films,
    Part,
    load_part,
    make_film,
    make_part,
)

SEED = 1_000_000


@pytest.fixture(scope="module")
def films():
    made = [make_film(SEED + k, TRAIN, size=128) for k in range(6)]
    return phantom_films.join(made)


def test_a_film_keeps_its_truth_on_the_networks_grid(films):
    film = chest_film(SEED, TRAIN, size=128)
    assert films.images.shape == (6, GRID, GRID)
    assert abs(float(films.images[0].astype(np.float32).mean())) < 0.01
    assert films.labels[0].tolist() == [film.labels[name] for name in FILM_LABELS]
    for index, label in enumerate(FILM_LABELS):
        cover = films.cover[0, index] / 255.0
        if label not in film.masks:
            assert not cover.any()
            assert np.isnan(films.boxes[0, index]).all()
            continue
        assert cover.mean() == pytest.approx(film.masks[label].mean(), rel=0.15)
        boxes = films.boxes[0, index][: len(film.boxes[label])] * 128
        np.testing.assert_allclose(boxes, film.boxes[label][:3], atol=1e-3)


def test_a_film_is_the_same_again_and_parts_share_no_seed():
    one, other = make_film(7, UNSEEN, size=96), make_film(7, UNSEEN, size=96)
    np.testing.assert_array_equal(one.images, other.images)
    spans = sorted((p.first_seed, p.first_seed + p.count) for p in PARTS.values())
    assert all(a[1] <= b[0] for a, b in pairwise(spans))
    assert PARTS["unseen"].settings is UNSEEN
    assert UNSEEN.film != TRAIN.film


def test_cells_say_what_covers_them_and_where_its_box_is(films):
    truth, weight, boxes = cell_targets(films.cover, films.boxes)
    assert truth.shape == weight.shape == (6, 5, 24, 24)
    for film, label in zip(*np.nonzero(films.labels), strict=True):
        known = films.boxes[film, label]
        known = known[~np.isnan(known[:, 0])]
        if not len(known):
            continue
        marked = truth[film, label] > 0
        assert marked.any(), "even a small finding has its cell"
        for row, column in zip(*np.nonzero(marked), strict=True):
            box = boxes[film, label, :, row, column]
            assert any(np.allclose(box, one) for one in known)
        middle = ((known[:, :2] + known[:, 2:]) / 2 * 24).astype(int)
        assert all(marked[row, column] for column, row in middle)
    assert not truth[~films.labels].any()
    assert weight[~films.labels].all()


def test_moving_a_film_moves_its_truth(films):
    block = np.zeros((1, GRID, GRID), np.float32)
    block[0, 80:112, 48:80] = 3.0
    cover = np.zeros((1, 5, CELLS, CELLS), np.uint8)
    cover[0, :, 20:28, 12:20] = 255
    boxes = np.full((1, 5, 3, 4), np.nan, np.float32)
    boxes[0, :, 0] = np.array([48, 80, 80, 112]) / GRID
    one = Films(
        images=block.astype(np.float16),
        labels=np.ones((1, 5), bool),
        cover=cover,
        boxes=boxes,
    )
    rng = np.random.default_rng(1)
    flipped = 0
    for _ in range(20):
        moved = augmented(one, rng)
        left, top, right, bottom = np.round(moved.boxes[0, 0, 0] * GRID).astype(int)
        bright = moved.images[0] > moved.images[0].mean() + 1.0
        rows, columns = np.nonzero(bright)
        assert abs(columns.min() - left) <= 2
        assert abs(rows.min() - top) <= 2
        assert abs(columns.max() + 1 - right) <= 2
        assert abs(rows.max() + 1 - bottom) <= 2
        cells = np.nonzero(moved.cover[0, 0])
        assert (cells[1].min() * 4, cells[0].min() * 4) == (left, top)
        flipped += int(left > 96)
    assert 0 < flipped < 20


def test_a_network_learns_these_films_by_heart(films, tmp_path):
    trainer = Trainer(source=lambda: films, seed=1)
    first = trainer._step(np.arange(6), 0.0)
    for _ in range(12):
        last = trainer._step(np.arange(6), 0.0)
    assert last < 0.85 * first


def test_temperature_and_threshold_come_from_validation():
    rng = np.random.default_rng(0)
    labels = rng.random((400, 5)) < 0.4
    logits = np.where(labels, 3.0, -3.0) + rng.normal(0, 6.0, (400, 5))
    said = Said(logits=logits, points=np.zeros((400, 5, 2)), boxes=np.zeros((1, 5, 4)))
    films = Films(
        images=np.zeros((400, 1, 1), np.float16),
        labels=labels,
        cover=np.zeros((1, 5, 1, 1), np.uint8),
        boxes=np.zeros((1, 5, 1, 4), np.float32),
    )
    calibration, thresholds = calibrate(said, films)
    for row, threshold in zip(calibration["labels"], thresholds, strict=True):
        # log odds of the mixture are logit · 6/36, so that is the right slope
        assert row["slope"] == pytest.approx(1 / 6, rel=0.35)
        assert 0.25 < threshold < 0.75


def test_a_package_says_its_figures_and_gives_them_again(tmp_path, monkeypatch, capsys):
    for name in ("validation", "unseen"):
        part = Part(settings=PARTS[name].settings, first_seed=50_000, count=16)
        monkeypatch.setitem(PARTS, name, part)
        small = [make_film(50_000 + k, part.settings, size=96) for k in range(16)]
        whole = phantom_films.join(small)
        np.savez(
            tmp_path / f"{name}-000000.npz",
            images=whole.images,
            labels=whole.labels,
            cover=whole.cover,
            boxes=whole.boxes,
        )
    torch.manual_seed(0)
    network = FindingNet(**ARCHITECTURE).eval()
    card = package_network(
        network=network, folder=tmp_path / "out", films=tmp_path, training={}
    )
    assert set(card["performance"]["unseen"]["labels"]) == set(FILM_LABELS)
    assert card["performance"]["unseen"]["n_films"] == 16
    assert card["input"]["synthetic"] is True
    codes = [row["code"] for row in card["calibration"]["labels"]]
    assert codes == [label["code"] for label in card["labels"]]
    assert load_package(tmp_path / "out").card == card
    stated = card["performance"]["unseen"]
    again = measure_films(
        load_package(tmp_path / "out"), load_part(tmp_path, part="unseen")
    )
    assert agrees(again, stated)
    again["labels"]["nodule"]["auroc"]["value"] += 0.02
    assert not agrees(again, stated)
    make_part(tmp_path, part="unseen", count=16, jobs=1)
    assert len(load_part(tmp_path, part="unseen")) == 16, "nothing was made anew"

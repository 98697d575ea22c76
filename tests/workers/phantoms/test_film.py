"""Chest film phantoms: reproducible, marked, and true to their truth."""

import hashlib
from dataclasses import fields

import numpy as np
import pytest

from workers.phantoms.film import chest_film
from workers.phantoms.film_findings import draw_strengths
from workers.phantoms.marks import WORD, text_mask, text_scale
from workers.phantoms.settings import (
    FILM_LABELS,
    TRAIN,
    UNSEEN,
    BodySettings,
    FilmSettings,
    with_findings,
    without_findings,
)
from workers.phantoms.torso import draw_torso, heart_eggs

SIZE = 224


def digest(pixels):
    return hashlib.sha256(pixels.tobytes()).hexdigest()


def test_a_seed_gives_the_same_film_again_and_another_seed_another():
    first, again = chest_film(3, TRAIN, size=SIZE), chest_film(3, TRAIN, size=SIZE)
    assert digest(first.pixels) == digest(again.pixels)
    assert first.boxes == again.boxes
    assert digest(first.pixels) != digest(chest_film(4, TRAIN, size=SIZE).pixels)


def test_another_world_makes_another_film_of_the_same_seed():
    ours = chest_film(3, TRAIN, size=SIZE)
    theirs = chest_film(3, UNSEEN, size=SIZE)
    assert digest(ours.pixels) != digest(theirs.pixels)


def test_worlds_differ_in_every_part():
    for part in ("body", "film", "ct", "head", "breast"):
        assert getattr(TRAIN, part) != getattr(UNSEEN, part)
    for kind, part in ((BodySettings, "body"), (FilmSettings, "film")):
        changed = [
            f.name
            for f in fields(kind)
            if getattr(getattr(TRAIN, part), f.name)
            != getattr(getattr(UNSEEN, part), f.name)
        ]
        assert len(changed) >= 5


def test_pixels_are_twelve_bits_and_use_most_of_them():
    film = chest_film(5, TRAIN, size=SIZE)
    assert film.pixels.dtype == np.uint16
    assert film.pixels.shape == (SIZE, SIZE)
    assert film.pixels.max() <= 4095
    low, high = np.percentile(film.pixels, [5, 95])
    assert high - low > 2000


def test_the_word_synthetic_stands_in_the_pixels():
    film = chest_film(6, TRAIN, size=SIZE)
    bare = chest_film(6, TRAIN, size=SIZE, marked=False)
    letters = text_mask(WORD, scale=text_scale(SIZE))
    top = round(0.015 * (SIZE - letters.shape[0]))
    left = round(0.02 * (SIZE - letters.shape[1]))
    there = film.pixels[top : top + letters.shape[0], left : left + letters.shape[1]]
    assert (there[letters] > 3800).all()
    assert (there[~letters] < 1500).all()
    assert digest(film.pixels) != digest(bare.pixels)


@pytest.mark.parametrize("label", ["nodule", "effusion", "pneumothorax"])
@pytest.mark.parametrize("seed", [11, 12, 13])
def test_a_finding_changes_what_lies_in_its_mask_and_little_else(label, seed):
    """Noise is the same, so that the difference is the finding's alone.

    The display adapts to each film, so what is outside changes a little.
    """
    plain = without_findings(TRAIN)
    without = chest_film(seed, plain, size=SIZE, strengths={}, marked=False)
    found = chest_film(seed, plain, size=SIZE, strengths={label: 0.8}, marked=False)
    mask = found.masks[label]
    assert 0 < mask.sum() < 0.35 * mask.size
    change = np.abs(found.pixels.astype(int) - without.pixels.astype(int))
    inside = np.median(change[mask])
    outside = np.median(change[~mask])
    assert inside > 3 * outside
    assert inside > 60


@pytest.mark.parametrize("label", FILM_LABELS)
def test_labels_boxes_and_masks_agree(label):
    settings = with_findings(TRAIN, label)
    for seed in range(20, 24):
        film = chest_film(seed, settings, size=SIZE)
        assert film.labels == {k: k == label for k in FILM_LABELS}
        assert set(film.boxes) == set(film.masks) == {label}
        covered = np.zeros((SIZE, SIZE), dtype=bool)
        for left, top, right, bottom in film.boxes[label]:
            assert 0 <= left < right <= SIZE
            assert 0 <= top < bottom <= SIZE
            covered[int(top) : int(bottom), int(left) : int(right)] = True
        assert not (film.masks[label] & ~covered).any()


def test_nobody_has_anything_where_nothing_is_prevalent():
    film = chest_film(31, without_findings(TRAIN), size=SIZE)
    assert not any(film.labels.values())
    assert film.boxes == {}
    assert film.masks == {}


def test_findings_come_as_often_as_the_settings_say():
    drawn = [draw_strengths(seed, TRAIN) for seed in range(600)]
    for label in FILM_LABELS:
        share = np.mean([label in d for d in drawn])
        assert abs(share - TRAIN.findings[label].prevalence) < 0.06


def test_a_prior_shows_the_same_person_with_a_smaller_finding():
    before = chest_film(41, TRAIN, size=SIZE, person=9, strengths={"nodule": 0.3})
    now = chest_film(42, TRAIN, size=SIZE, person=9, strengths={"nodule": 0.9})
    assert before.torso == now.torso
    assert before.masks["nodule"].sum() < now.masks["nodule"].sum()
    # The same place, up to how the patient was placed before the detector.
    (a, b, *_), (c, d, *_) = before.boxes["nodule"][0], now.boxes["nodule"][0]
    assert abs(a - c) < 25
    assert abs(b - d) < 25


def test_a_big_heart_is_wider_than_any_healthy_one():
    healthy = TRAIN.body.heart_ratio.high
    film = chest_film(51, TRAIN, size=SIZE, strengths={"cardiomegaly": 0.0})
    assert film.torso.heart_ratio > healthy
    torso = draw_torso(51, TRAIN.body)
    eggs = heart_eggs(torso)
    left = eggs[0].x + eggs[0].reach()
    right = eggs[1].x - eggs[1].reach()
    width = (left - right) / (2 * torso.width)
    assert width == pytest.approx(torso.heart_ratio, abs=0.05)

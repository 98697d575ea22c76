"""Mammogram phantoms: four views, a mass that two of them show."""

import numpy as np
import pytest

from workers.phantoms.breast import VIEWS, WHITE, mammogram, power_law
from workers.phantoms.settings import TRAIN, UNSEEN

SIZE = 360


def made(seed, settings=TRAIN, strengths=None):
    return mammogram(seed, settings, size=SIZE, strengths=strengths)


@pytest.fixture(scope="module")
def healthy():
    return made(7, strengths={})


@pytest.fixture(scope="module")
def ill():
    return made(7, strengths={"mass": 0.9})


def test_the_same_seed_gives_the_same_pixels(ill):
    again = made(7, strengths={"mass": 0.9})
    assert all(np.array_equal(ill.views[k], again.views[k]) for k in VIEWS)


def test_settings_differ(healthy):
    other = made(7, UNSEEN, strengths={})
    assert not np.array_equal(healthy.views["R", "CC"], other.views["R", "CC"])


def test_breasts_face_each_other(healthy):
    for side, view in VIEWS:
        pixels = healthy.views[side, view].astype(float)
        half = pixels.shape[1] // 2
        rows = slice(SIZE // 3, 2 * SIZE // 3)
        left, right = pixels[rows, :half].mean(), pixels[rows, half:].mean()
        # The right breast's chest wall is on the right of its picture.
        assert (left < right) == (side == "R")
        assert pixels.max() <= WHITE


def test_a_healthy_one_has_no_mass(healthy):
    assert healthy.labels == {"mass": False}
    assert not healthy.masks
    assert not healthy.boxes
    assert healthy.side == ""


def test_both_views_of_one_side_show_the_mass(ill, healthy):
    assert ill.labels == {"mass": True}
    assert set(ill.masks) == {(ill.side, "CC"), (ill.side, "MLO")}
    for key, mask in ill.masks.items():
        gain = ill.views[key].astype(int) - healthy.views[key].astype(int)
        assert np.median(gain[mask]) > 150
        assert abs(float(np.median(gain[~mask]))) < 5
        left, top, right, bottom = ill.boxes[key]
        assert mask[int(top) : int(bottom), int(left) : int(right)].sum() == mask.sum()
    other = {k for k in VIEWS if k[0] != ill.side}
    assert all(np.array_equal(ill.views[k], healthy.views[k]) for k in other)


def test_both_views_agree_on_the_distance_from_the_nipple(ill):
    places = []
    for (side, view), (left, _, right, _) in ill.boxes.items():
        column = (left + right) / 2
        across = ill.views[side, view].shape[1]
        places.append(across - column if side == "R" else column)
    assert abs(places[0] - places[1]) * ill.spacing_mm < 12


def test_texture_falls_with_the_third_power():
    field = power_law((512, 512), np.random.default_rng(1), pixel=0.5, wide=200)
    power = np.abs(np.fft.fft2(field)) ** 2
    f = np.hypot(np.fft.fftfreq(512, 0.5)[:, None], np.fft.fftfreq(512, 0.5)[None, :])
    low = power[(f > 0.045) & (f < 0.055)].mean()
    high = power[(f > 0.45) & (f < 0.55)].mean()
    assert 2.7 < np.log10(low / high) < 3.3


def test_the_word_is_in_every_view(healthy):
    for pixels in healthy.views.values():
        assert (pixels[-12:] > 0.9 * WHITE).sum() > 60

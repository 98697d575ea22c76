"""Head CT phantoms: plausible tissue, blood where the truth says."""

import numpy as np
import pytest

from workers.phantoms.head import head_volume
from workers.phantoms.head_bleeds import KINDS
from workers.phantoms.settings import TRAIN, UNSEEN

SLICES, SIZE = 24, 96


def made(seed, settings=TRAIN, strengths=None):
    return head_volume(seed, settings, slices=SLICES, size=SIZE, strengths=strengths)


@pytest.fixture(scope="module")
def healthy():
    return made(7, strengths={})


def test_the_same_seed_gives_the_same_voxels(healthy):
    again = made(7, strengths={})
    assert np.array_equal(healthy.hu, again.hu)
    assert not np.array_equal(healthy.hu, made(8, strengths={}).hu)


def test_a_head_has_air_bone_brain_and_fluid(healthy):
    middle = healthy.hu[SLICES // 2, SIZE // 4 : -SIZE // 4, SIZE // 3 : -SIZE // 3]
    assert float(np.median(healthy.hu[:, :6, :6])) < -950
    assert 24 < float(np.median(middle)) < 46
    assert float(np.percentile(healthy.hu[SLICES // 2], 97)) > 600
    assert (healthy.hu[8:16] < 16).any()


def test_a_healthy_head_has_no_blood(healthy):
    assert healthy.labels == {"haemorrhage": False}
    assert healthy.kinds == ()
    assert not healthy.mask.any()


@pytest.mark.parametrize("kind", KINDS)
def test_blood_is_dense_where_the_mask_is(kind, healthy):
    bled = made(7, strengths={kind: 0.9})
    assert bled.labels == {"haemorrhage": True}
    assert bled.kinds == (kind,)
    assert bled.volume_ml == pytest.approx(
        bled.mask.sum() * np.prod(bled.spacing_mm) / 1000, abs=0.01
    )
    inside = float(np.median(bled.hu[bled.mask]))
    assert 44 < inside < 95
    # What is not near the head's inside is the same as without blood.
    corner = (slice(None), slice(0, 8), slice(0, 8))
    assert np.abs(bled.hu[corner].astype(int) - healthy.hu[corner]).max() <= 2


def test_stronger_is_more():
    small = made(7, strengths={"intraparenchymal": 0.2})
    large = made(7, strengths={"intraparenchymal": 0.95})
    assert 0 < small.volume_ml < large.volume_ml / 4


def test_settings_differ():
    trained, unseen = made(7, TRAIN, strengths={}), made(7, UNSEEN, strengths={})
    assert not np.array_equal(trained.hu, unseen.hu)


def test_about_half_of_drawn_heads_bleed():
    found = [
        head_volume(seed, TRAIN, slices=10, size=48).labels["haemorrhage"]
        for seed in range(24)
    ]
    assert 6 <= sum(found) <= 18


def test_a_person_keeps_the_anatomy():
    first = head_volume(7, TRAIN, slices=12, size=64, strengths={})
    prior = head_volume(8, TRAIN, slices=12, size=64, person=7, strengths={})
    assert first.age == prior.age
    assert not np.array_equal(first.hu, prior.hu)


def test_the_word_is_in_every_slice(healthy):
    assert (healthy.hu[:, -12:, :60] > 800).any(axis=(1, 2)).all()

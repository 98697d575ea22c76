"""Chest CT and PET phantoms: plausible tissue, findings where the truth says."""

import numpy as np
import pytest

from workers.phantoms import ct as organs
from workers.phantoms.ct import chest_ct
from workers.phantoms.pet import pet_over
from workers.phantoms.settings import FILM_LABELS, TRAIN

STRENGTHS = {"nodule": 0.8, "effusion": 0.6}


@pytest.fixture(scope="module")
def scan():
    return chest_ct(7, TRAIN, slices=40, size=160, strengths=STRENGTHS)


@pytest.fixture(scope="module")
def healthy():
    return chest_ct(7, TRAIN, slices=40, size=160, strengths={})


def test_the_same_seed_gives_the_same_voxels(scan):
    again = chest_ct(7, TRAIN, slices=40, size=160, strengths=STRENGTHS)
    assert np.array_equal(scan.hu, again.hu)


def test_organs_have_their_density(healthy):
    def middle(organ):
        return float(np.median(healthy.hu[healthy.organs == organ]))

    assert -930 < middle(organs.LUNG) < -750
    assert -130 < middle(organs.FAT) < -60
    assert 30 < middle(organs.MUSCLE) < 80
    assert 40 < middle(organs.LIVER) < 140
    assert middle(organs.BONE) > 130
    assert float(np.median(healthy.hu[0, :8, :8])) < -950


def test_labels_boxes_and_masks_agree(scan):
    assert scan.labels == {k: k in STRENGTHS for k in FILM_LABELS}
    for label, boxes in scan.boxes.items():
        covered = np.zeros(scan.hu.shape, dtype=bool)
        for x0, y0, z0, x1, y1, z1 in boxes:
            covered[z0:z1, y0:y1, x0:x1] = True
        assert scan.masks[label].any()
        assert not (scan.masks[label] & ~covered).any()


def test_findings_are_where_their_masks_are(scan, healthy):
    change = np.abs(scan.hu.astype(int) - healthy.hu.astype(int))
    findings = scan.masks["nodule"] | scan.masks["effusion"]
    assert np.median(change[scan.masks["effusion"]]) > 600
    assert np.median(change[scan.masks["nodule"]]) > 500
    assert np.median(change[~findings]) < 5


def test_the_word_is_in_every_slice(scan):
    assert (scan.hu[:, -12:, :60] > 800).any(axis=(1, 2)).all()


def test_lesions_are_hot_and_the_liver_is_not(scan):
    pet = pet_over(7, scan)
    assert pet.suv.shape == (40, 80, 80)
    assert pet.lesions
    liver = scan.organs[:, ::2, ::2] == organs.LIVER
    background = float(np.median(pet.suv[liver]))
    assert 1.5 < background < 3.0
    assert all(peak > background for _, peak in pet.lesions)
    assert np.array_equal(pet.suv, pet_over(7, scan).suv)


def test_pet_lies_over_its_ct(scan):
    pet = pet_over(7, scan, marked=False)
    for axis in range(3):
        n = scan.hu.shape[axis]
        middle = scan.origin_mm[axis] + scan.spacing_mm[axis] * (n - 1) / 2
        m = pet.suv.shape[axis]
        ours = pet.origin_mm[axis] + pet.spacing_mm[axis] * (m - 1) / 2
        assert ours == pytest.approx(middle)

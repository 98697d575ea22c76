"""The shipped haemorrhage model, on phantom heads that were made a moment ago."""

from __future__ import annotations

import pytest

from workers.inference.segment import segment_volume
from workers.models.package import SHIPPED, load_package
from workers.phantoms.head import head_volume
from workers.phantoms.settings import UNSEEN
from workers.training.phantom_head_measure import overlap

FOLDER = SHIPPED / "phantom-haemorrhage"


@pytest.fixture(scope="module")
def package():
    return load_package(FOLDER)


def judged(package, strengths, seed):
    made = head_volume(seed, UNSEEN, slices=40, size=160, strengths=strengths)
    return made, segment_volume(package, made.hu, made.spacing_mm)[0]


def test_plain_blood_is_called_and_marked_where_it_is(package):
    made, found = judged(package, {"intraparenchymal": 1.0}, 910)
    assert found.is_positive
    assert overlap(found.mask, made.mask) > 0.5
    assert found.volume_ml == pytest.approx(made.volume_ml, rel=0.6)


def test_blood_scores_above_the_same_head_without(package):
    _, bled = judged(package, {"epidural": 0.9}, 911)
    _, healthy = judged(package, {}, 911)
    assert bled.probability > healthy.probability


def test_the_figures_are_better_than_chance_and_whole(package):
    """The aim, an AUROC of 0.85 on unseen heads, is not reached: the card says so."""
    unseen = package.card["performance"]["unseen"]
    assert unseen["auroc"]["ci_low"] > 0.5
    short = unseen["auroc"]["value"] < 0.85
    assert short == any("not reached" in limit for limit in package.card["limits"])
    assert unseen["n_positive"] >= 50
    for name in ("auroc", "ece", "sensitivity", "specificity"):
        row = unseen[name]
        assert 0 <= row["ci_low"] <= row["value"] <= row["ci_high"] <= 1
    dice = unseen["dice"]
    assert 0 <= dice["q1"] <= dice["median"] <= dice["q3"] <= 1

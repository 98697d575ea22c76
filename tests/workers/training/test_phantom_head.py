"""Training on phantom heads: small, but all the way to a package with a card."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest
import torch

from workers.inference.segment import segment_volume
from workers.models.package import load_package
from workers.phantoms.settings import TRAIN, UNSEEN
from workers.training import phantom_heads
from workers.training.phantom_head import Trainer, loss_of, main
from workers.training.phantom_head_measure import Asked, calibrate, overlap
from workers.training.phantom_heads import (
    PARTS,
    Part,
    Truth,
    make_part,
    paths_of,
    read_example,
)

SMALL = {
    "train": Part(TRAIN, 100, 3),
    "validation": Part(TRAIN, 200, 4),
    "unseen": Part(UNSEEN, 300, 4),
}


@pytest.fixture(scope="module")
def heads(tmp_path_factory):
    """Heads of 12 × 64²; each part has some with blood and some without."""
    folder = tmp_path_factory.mktemp("heads")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(phantom_heads, "PARTS", SMALL)
        patch.setattr(phantom_heads, "SLICES", 12)
        patch.setattr(phantom_heads, "SIZE", 64)
        for part in SMALL:
            make_part(folder, part=part)
    return folder


def test_parts_share_no_seed_and_unseen_is_another_world():
    spans = sorted((p.start, p.start + p.count) for p in PARTS.values())
    assert all(a[1] <= b[0] for a, b in pairwise(spans))
    assert PARTS["unseen"].settings is UNSEEN
    assert UNSEEN.head != TRAIN.head


def test_a_kept_head_is_the_head_that_was_made(heads):
    for path in paths_of(heads, part="train"):
        example = read_example(path)
        assert example.hu.shape == example.mask.shape == (12, 64, 64)
        ml = example.mask.sum() * np.prod(example.spacing) / 1000
        assert ml == pytest.approx(example.truth.volume_ml, abs=0.01)


def test_the_loss_prefers_what_overlaps():
    blood = torch.zeros(1, 1, 4, 8, 8)
    blood[..., 1:3, 2:5, 2:5] = 1.0
    right = 12 * blood - 6
    assert loss_of(right, blood) < 0.2 * loss_of(right.flip(4), blood)
    nothing = torch.zeros_like(blood)
    quiet = torch.full_like(blood, -6.0)
    assert loss_of(quiet, nothing) < loss_of(right, nothing)


def test_training_ends_in_a_package_that_marks_volumes(heads, tmp_path):
    trainer = Trainer(heads, seed=1)
    took = trainer.run(minutes=0.05, out=tmp_path)
    assert took["steps"] >= 1
    took_path = tmp_path / "took.json"
    took_path.write_text(json.dumps(took))
    words = ["--heads", str(heads), "--weights", str(tmp_path / "checkpoint.pt")]
    folder = tmp_path / "package"
    out = ["--training", str(took_path), "--out", str(folder)]
    assert main(["package", *words, *out]) == 0
    package = load_package(folder)
    unseen = package.card["performance"]["unseen"]
    assert unseen["n_studies"] == 4
    assert 0 <= unseen["auroc"]["value"] <= 1
    example = read_example(paths_of(heads, part="unseen")[0])
    found = segment_volume(package, example.hu, example.spacing)[0]
    assert found.mask.shape == example.mask.shape
    assert 0 <= found.probability <= 1


def test_calibration_and_threshold_follow_the_truth():
    volumes = [0.0] * 30 + [4.0] * 30
    truths = tuple(
        Truth(seed=k, kinds=["subdural"] if v else [], strength=0.5, volume_ml=v)
        for k, v in enumerate(volumes)
    )
    rng = np.random.default_rng(1)
    logits = np.where(np.array(volumes) > 0, 3.0, -3.0) + rng.normal(0, 1, 60)
    asked = Asked(
        truths=truths, logits=logits, dice=np.zeros(60), marked_ml=np.zeros(60)
    )
    calibration, threshold = calibrate(asked)
    assert calibration["labels"][0]["slope"] > 0
    assert 0.02 < threshold < 0.98


def test_overlap_is_dices():
    one, other = np.zeros((2, 4), bool), np.zeros((2, 4), bool)
    one[0, :2] = other[0, 1:3] = True
    assert overlap(one, other) == pytest.approx(0.5)
    assert np.isnan(overlap(one & other & ~one, np.zeros_like(one)))

"""The shipped paediatric model: what its card promises, and that it works."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from workers.models.package import SHIPPED, load_package
from workers.training.dataset import (
    films_of,
    iterate_images,
    list_images,
    parse_film,
    split_patients,
)
from workers.training.evaluate import calibrated, score_images
from workers.training.performance import auroc

FOLDER = SHIPPED / "paediatric-pneumonia"
DATA = Path(__file__).parents[4] / "shared/data/cxr_paediatric_train.zip"


VERSIONS = [
    (
        "paediatric-pneumonia",
        "1.1.0",
        "49a7e2eabd8fef3d08734fa0216c97ec090d2b4566d3869d5321616026cb2594",
    ),
    (
        "phantom-chest",
        "1.0.2",
        "710eada329569d7c81ecc4382ae517c0e02396aa4277518bb0d33d9d82ba9100",
    ),
    (
        "phantom-haemorrhage",
        "1.0.2",
        "80b4a0dd805b5174609821d8cdb2c5c3a620ac21689af3c6c008fe7ba112ef66",
    ),
]
"""What was shipped under which version."""


@pytest.fixture(scope="module")
def package():
    return load_package(FOLDER)


@pytest.fixture(scope="module")
def held_out(package):
    if not DATA.exists():
        pytest.skip("the paediatric films are not here (shared/data)")
    films = [parse_film(name) for name in list_images(DATA)]
    seed = package.card["training_data"]["split_seed"]
    parts = split_patients(films=films, seed=seed)
    return films_of(films=films, parts=parts, part="held_out")


@pytest.mark.parametrize(("name", "version", "package_hash"), VERSIONS)
def test_what_is_shipped_under_a_version_never_changes(name, version, package_hash):
    found = load_package(SHIPPED / name)
    assert (found.card["version"], found.package_hash) == (version, package_hash), (
        "another card or other weights are another version: give it one"
    )


def test_the_card_says_what_the_portal_needs(package):
    card = package.card
    assert (card["name"], card["version"]) == ("paediatric-pneumonia", "1.1.0")
    assert card["intended_use"] == "detection"
    assert card["requires_review"] is True
    (label,) = card["labels"]
    assert (label["scheme"], label["code"]) == ("SCT", "233604007")
    assert label["acuity"] == "urgent"
    assert 0 < label["threshold"] < 1
    rules = card["input"]
    assert rules["modalities"] == ["CR", "DX"]
    assert "CHEST" in rules["body_parts"]
    assert {"LL", "RL", "LATERAL"} <= set(rules["views_excluded"])
    assert rules["age_years"] == {"min": 1, "max": 5, "unknown": "reject"}
    assert any("adults" in line for line in card["limits"])
    assert card["training_data"]["licence"] == "CC BY 4.0"


def test_every_figure_of_the_card_has_its_number_and_interval(package):
    performance = package.card["performance"]
    for part in ("validation", "held_out"):
        row = performance[part]
        counts = package.card["training_data"]["counts"][part]
        assert row["n_images"] == counts["images"]
        assert row["n_patients"] == counts["patients"]
        assert row["threshold"] == package.card["labels"][0]["threshold"]
        for figure in ("auroc", "sensitivity", "specificity", "brier", "ece"):
            found = row[figure]
            assert 0 <= found["ci_low"] <= found["ci_high"] <= 1
            assert 0 <= found["value"] <= 1
    shifts = performance["held_out_under_shifts"]
    assert len(shifts) >= 15
    assert min(row["auroc"] for row in shifts) > 0.97


def test_the_card_names_no_place_on_a_machine():
    text = (FOLDER / "card.json").read_text("utf-8")
    assert json.loads(text)
    assert not any(word in text for word in ("/work/", "/home/", "://"))


def test_every_weight_is_finite_and_the_answer_does_not_depend_on_the_batch(package):
    assert all(
        bool(torch.isfinite(value).all())
        for value in package.module.state_dict().values()
    )
    images = torch.randn(3, 1, 160, 160)
    with torch.inference_mode():
        together = package.module(images)
        alone = torch.cat([package.module(image[None]) for image in images])
    assert torch.allclose(together, alone, atol=1e-4)


@pytest.mark.real_data
def test_it_tells_held_out_patients_apart_at_any_size(package, held_out):
    generator = np.random.default_rng(0)
    positive = [film for film in held_out if film.positive]
    normal = [film for film in held_out if not film.positive]
    films = [
        group[int(i)]
        for group in (positive, normal)
        for i in generator.choice(len(group), 30, replace=False)
    ]
    names = [film.name for film in films]
    truth = np.array([film.positive for film in films])
    images = [image for _, image in iterate_images(source=DATA, names=names)]
    probability = calibrated(package, score_images(package, images))
    assert auroc(truth, probability) > 0.95
    tall = (np.repeat(np.repeat(i, 5, axis=0), 7, axis=1) * 16.0 for i in images)
    large = calibrated(package, score_images(package, tall))
    assert np.abs(large - probability).max() < 0.1


@pytest.mark.real_data
def test_held_out_patients_are_those_of_the_card(package, held_out):
    counts = package.card["training_data"]["counts"]["held_out"]
    assert len(held_out) == counts["images"]
    assert len({film.patient for film in held_out}) == counts["patients"]

"""Augmentation, stress and the evaluation command."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from workers.models.package import SHIPPED
from workers.training.augment import Strength, augment
from workers.training.evaluate import main, truth_of
from workers.training.fitting import Recipe, class_weights, fit, prepare_batch, score
from workers.training.performance import auroc
from workers.training.stress import STRESSES

STEPS = [
    {"name": "clip_percentiles", "low": 0.5, "high": 99.5},
    {"name": "squeeze_resize", "height": 32, "width": 32},
    {"name": "standardise", "epsilon": 1e-3},
]


def films(n, seed=0):
    """Films of which the odd ones hold a bright round patch somewhere."""
    generator = np.random.default_rng(seed)
    down, across = np.mgrid[0:64, 0:64]
    made = []
    for index in range(n):
        grey = 80 + generator.normal(0, 8, (64, 64)) + down
        if index % 2:
            row, column = generator.integers(20, 44, 2)
            grey += 90 * np.exp(-((down - row) ** 2 + (across - column) ** 2) / 60)
        made.append(grey.clip(0, 255).astype(np.uint8))
    return np.stack(made)


def test_augmentation_is_reproducible_and_stays_an_image():
    images = films(6)
    torch.manual_seed(3)
    first = augment(images, strength=Strength(), generator=np.random.default_rng(3))
    torch.manual_seed(3)
    second = augment(images, strength=Strength(), generator=np.random.default_rng(3))
    assert torch.equal(first, second)
    assert first.shape == (6, 64, 64)
    assert first.dtype == torch.float32
    assert float(first.min()) > -0.5
    assert float(first.max()) < 1.5


@pytest.mark.parametrize("name", list(STRESSES))
def test_a_stress_gives_a_film_of_eight_bits(name):
    (image,) = films(1)
    changed = STRESSES[name](image)
    assert changed.dtype == np.uint8
    assert changed.ndim == 2
    assert changed.std() > 0
    if name == "as given":
        assert np.array_equal(changed, image)


def test_training_learns_to_tell_films_with_a_patch():
    recipe = Recipe(
        architecture={"stem": 4, "widths": [8, 12], "depths": [1, 1], "n_kinds": 2},
        seed=1,
        epochs=12,
        minutes=5.0,
        batch_size=16,
        strength=Strength(jpeg=0, match=0, curve=0.1, cutout=0, border=0, blur=0),
    )
    kinds = np.arange(64, dtype=np.int64) % 2
    network, took = fit(recipe=recipe, images=films(64), kinds=kinds, steps=STEPS)
    assert took["epochs"] == pytest.approx(12)
    assert not network.training
    unseen = prepare_batch(list(films(60, seed=9)), steps=STEPS)
    assert auroc(np.arange(60) % 2 == 1, score(network, unseen)) > 0.9


def test_normal_and_pneumonia_films_weigh_alike():
    kinds = np.array([0] * 10 + [1] * 60 + [2] * 30)
    weights = class_weights(kinds).numpy()[kinds]
    assert weights[kinds == 0].sum() == pytest.approx(weights[kinds > 0].sum())
    assert weights.mean() == pytest.approx(1.0)


def test_the_folder_names_the_truth():
    assert truth_of("chest_xray/test/PNEUMONIA/a.jpeg") is True
    assert truth_of("NORMAL/a.jpeg") is False
    with pytest.raises(ValueError, match="neither"):
        truth_of("a.jpeg")


def test_the_evaluation_command_measures_a_folder_of_any_sizes(tmp_path, capsys):
    for index, film in enumerate(films(12)):
        folder = tmp_path / "test" / ("PNEUMONIA" if index % 2 else "NORMAL")
        folder.mkdir(parents=True, exist_ok=True)
        large = Image.fromarray(film).resize((300 + 40 * index, 280))
        large.save(folder / f"film{index}.png")
    out = tmp_path / "figures.json"
    status = main(
        [
            "--package",
            str(SHIPPED / "paediatric-pneumonia"),
            "--images",
            str(tmp_path / "test"),
            "--json",
            str(out),
        ]
    )
    assert status == 0
    found = json.loads(out.read_text())
    assert found["n_images"] == 12
    assert found["n_positive_images"] == 6
    assert 0 <= found["auroc"]["value"] <= 1
    assert "n = 12 images" in capsys.readouterr().out

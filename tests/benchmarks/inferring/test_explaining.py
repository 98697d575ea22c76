"""What the benchmark of occlusion measures: the same maps, each by its own way."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from monai.visualize import OcclusionSensitivity
from torch import nn

from tests.benchmarks.inferring.explaining import difference, occlude_plainly
from workers.saliency_card import Occlusion

HOW = Occlusion(patch=7, stride=3)


@pytest.fixture
def network():
    torch.manual_seed(3)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.LazyLinear(3)
    ).eval()


@pytest.mark.parametrize("batch", [1, 8, 500])
def test_the_plain_loop_says_what_monai_says(network, batch):
    film = torch.randn(1, 24, 20)

    @torch.no_grad()
    def ask(images):
        return network(torch.from_numpy(images)).numpy()

    found = occlude_plainly(ask, film.numpy(), how=HOW, batch=batch)
    monai = OcclusionSensitivity(
        network,
        mask_size=7,
        overlap=1 - 3.5 / 7,
        mode="mean_img",
        activate=False,
        verbose=False,
    )
    covered = torch.as_tensor(monai(film[None])[0])[0]
    with torch.no_grad():
        expected = (network(film[None])[0][:, None, None] - covered).numpy()
    assert difference(found, expected) < 1e-4
    assert difference(np.roll(found, 1, axis=-1), expected) > 0.1


def test_maps_of_nothing_agree_with_nobody():
    assert difference(np.zeros((2, 4, 4)), np.full((2, 4, 4), 1e-3)) == math.inf


def test_labels_are_compared_each_by_its_own_largest():
    expected = np.stack([np.eye(4) * 100, np.eye(4)])
    found = expected.copy()
    found[1, 0, 0] = 0.5
    assert difference(found, expected) == pytest.approx(0.5)

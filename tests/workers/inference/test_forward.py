"""What follows from a network's answer is, of a batch, what it is of each image."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from tests.workers.inference.test_body import prepared
from workers.inference.forward import Outputs, join, run_films
from workers.inference.predict import conclude
from workers.models.package import SHIPPED, load_package

CPU = torch.device("cpu")
NAMES = [field.name for field in dataclasses.fields(Outputs)]


@pytest.fixture(scope="module", params=["paediatric-pneumonia", "phantom-chest"])
def package(request):
    return load_package(SHIPPED / request.param)


@pytest.fixture(scope="module")
def images(package):
    return [prepared(package, seed).tensor for seed in range(3)]


def assert_same(found, expected):
    for name in NAMES:
        one, other = getattr(found, name), getattr(expected, name)
        assert (one is None) == (other is None), name
        if one is not None:
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5, msg=name)


def test_a_batch_says_of_each_image_what_is_said_of_it_alone(package, images):
    together = run_films(package, images, device=CPU)
    alone = [run_films(package, [one], device=CPU) for one in images]
    for index, expected in enumerate(alone):
        assert_same(together.part(index, index + 1), expected)
    assert_same(join(alone), together)
    turned = together.rows([2, 0])
    assert_same(turned.part(0, 1), alone[2])
    assert_same(turned.part(1, 2), alone[0])


def test_what_follows_is_the_packages_own_arithmetic(package, images):
    found = run_films(package, images, device=CPU)
    mean = found.members.mean(dim=0)
    torch.testing.assert_close(found.probabilities, package.calibrate(mean))
    if len(found.members) > 1:
        torch.testing.assert_close(found.doubts, package.uncertainty(found.members))
    else:
        assert found.doubts is None
    if package.input_space is not None:
        expected = package.input_space.distance(found.vectors.numpy())
        assert found.distances.tolist() == pytest.approx(expected.tolist())
        assert min(found.distances.tolist()) > 0
    best = conclude(package, found).scores[0]
    assert best.probability == pytest.approx(float(found.probabilities[:, 0].max()))


def test_the_map_is_kept_only_where_more_than_one_reason_may_be_wanted(package, images):
    found = run_films(package, images, device=CPU)
    assert (found.places is None) == (package.film_module.n_labels > 1)
    assert (found.features is None) == (found.places is not None)


def test_a_part_does_not_hold_on_to_the_maps_of_others():
    maps = torch.zeros(4, 8, 3, 3)
    nothing = torch.zeros(4, 1)
    outputs = Outputs(members=nothing[None], probabilities=nothing, features=maps)
    part = outputs.part(1, 2)
    assert part.features.shape == (1, 8, 3, 3)
    assert part.features.untyped_storage().nbytes() == maps[0].nbytes

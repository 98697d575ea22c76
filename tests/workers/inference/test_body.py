"""A film network's body by ONNX Runtime: the same map, or the network itself."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.fakes.portal import PUBLIC_KEY
from workers.inference import body as module_under_test
from workers.inference import store as store_module
from workers.inference.body import Body, make_body
from workers.inference.engine import BODY_BATCH, Engine
from workers.inference.predict import conclude, explain
from workers.inference.store import ModelStore, bytes_of
from workers.inference.trust import TrustedModels
from workers.models.package import SHIPPED, load_package
from workers.models.registry import build
from workers.pixels.image import ImageHeader

FILMS = ("paediatric-pneumonia", "phantom-chest")


def prepared(package, seed):
    noise = np.random.default_rng(seed).random((300, 260), dtype=np.float32)
    return package.prepare(np.cumsum(noise, axis=0) / 300)


def store(tmp_path, **more):
    return ModelStore(
        trusted=TrustedModels(public_key=PUBLIC_KEY, key_file=tmp_path / "none"),
        shipped=SHIPPED,
        cache=tmp_path,
        device=torch.device("cpu"),
        **more,
    )


@pytest.fixture(scope="module")
def warm(tmp_path_factory):
    found = store(tmp_path_factory.mktemp("models")).warm()
    return {package.card["name"]: package for package in found}


@pytest.mark.parametrize("name", FILMS)
def test_it_says_what_the_network_says(name, warm):
    plain = load_package(SHIPPED / name)
    fast = warm[plain.card["name"]]
    assert isinstance(fast.body, Body)
    images = [prepared(plain, seed).tensor for seed in range(5)]
    engine = Engine(device=torch.device("cpu"))
    given = engine.judge(fast, images)
    expected = engine.judge(plain, images)
    engine.close()
    np.testing.assert_allclose(given.members, expected.members, atol=1e-4)
    np.testing.assert_allclose(given.vectors, expected.vectors, atol=1e-4)
    said, wanted = conclude(fast, given), conclude(plain, expected)
    for one, other in zip(said.scores, wanted.scores, strict=True):
        assert one.probability == pytest.approx(other.probability, abs=1e-5)
        assert one.image == other.image


def test_a_body_runs_few_at_a_time_so_that_the_urgent_waits_for_few(warm):
    fast = warm["paediatric-pneumonia"]
    plain = load_package(SHIPPED / "paediatric-pneumonia")
    images = [prepared(plain, seed).tensor for seed in range(2 * BODY_BATCH + 1)]
    engine = Engine(device=torch.device("cpu"), batch=3 * BODY_BATCH)
    engine.judge(fast, images)
    assert engine.tally.batches == 3
    engine.judge(plain, images)
    assert engine.tally.batches == 4, "without a body more at a time is faster"
    engine.close()


def test_the_reason_comes_from_the_same_map(warm):
    plain = load_package(SHIPPED / FILMS[0])
    fast = warm[plain.card["name"]]
    one = prepared(plain, 3)
    header = ImageHeader(
        sop_uid="1.2",
        sop_class_uid="1.2",
        modality="DX",
        view="AP",
        image_type=(),
        is_for_processing=False,
        instance_number=1,
        rows=300,
        columns=260,
        n_frames=1,
        samples=1,
        pixel_spacing=None,
    )
    cpu = torch.device("cpu")
    more = {"label": 0, "is_positive": True, "device": cpu}
    engine = Engine(device=cpu)
    outputs = engine.judge(fast, [prepared(plain, 4).tensor, one.tensor])
    engine.close()
    found = explain(fast, one, header, outputs=outputs.rows([1]), **more)
    expected = explain(plain, one, header, **more)
    np.testing.assert_allclose(
        found.saliency.values, expected.saliency.values, atol=1e-3
    )
    assert found.box == expected.box


def test_a_graph_that_says_something_else_is_not_used(monkeypatch):
    torch.manual_seed(0)
    member = {"stem": 4, "widths": [8, 8], "depths": [1, 1]}
    one = build("film_ensemble", members=[member]).eval()
    other = build("film_ensemble", members=[member]).eval()
    example = torch.randn(1, 96, 96)
    assert make_body(one, example, threads=1) is not None
    export = module_under_test._export
    monkeypatch.setattr(module_under_test, "_export", lambda _, s: export(other, s))
    assert make_body(one, example, threads=1) is None


def test_what_can_not_be_written_as_a_graph_runs_as_it_is(monkeypatch):
    def refuse(*_):
        raise RuntimeError("an operator that is not known")

    monkeypatch.setattr(module_under_test, "_export", refuse)
    one = build("film_ensemble", members=[{"stem": 4, "widths": [8], "depths": [1]}])
    assert make_body(one.eval(), torch.randn(1, 96, 96), threads=1) is None


def test_models_give_way_when_memory_is_short(tmp_path, warm):
    sizes = {name: bytes_of(package) for name, package in warm.items()}
    assert all(size > 0 for size in sizes.values())
    *_, last = warm.values()
    small = store(tmp_path, budget_mb=max(1, bytes_of(last) >> 20))
    left = small.warm()
    assert left[-1].package_hash == last.package_hash
    assert len(left) < len(warm)
    assert sum(size for _, size in small.loaded()) <= max(
        bytes_of(last), max(1, bytes_of(last) >> 20) << 20
    )


def test_a_network_is_measured_once_and_not_for_every_study(tmp_path, monkeypatch):
    asked = []

    def measure(package):
        asked.append(package.package_hash)
        return 1

    monkeypatch.setattr(store_module, "bytes_of", measure)
    found = store(tmp_path)
    names = [package.package_hash for package in found.warm()]
    for _ in range(3):
        found.warm()
    assert asked == names
    assert [size for _, size in found.loaded()] == [1] * len(names)

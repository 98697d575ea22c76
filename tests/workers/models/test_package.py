"""The package: one name for one content, data only, and no other content."""

import io
import json
import math
import pickle
import zipfile
from pathlib import Path

import pytest
import torch

from workers.models.package import (
    CARD_NAME,
    WEIGHTS_NAME,
    PackageError,
    load_package,
    package_hash,
    save_package,
    write_package_zip,
)
from workers.models.registry import build

TINY = {"stem": 4, "widths": [4, 6], "depths": [1, 1], "n_kinds": 2}
STEPS = [
    {"name": "squeeze_resize", "height": 32, "width": 32},
    {"name": "standardise", "epsilon": 1e-3},
]


def make_card(**changes):
    card = {
        "name": "tiny",
        "version": "0.0.1",
        "intended_use": "detection",
        "labels": [{"scheme": "SCT", "code": "233604007", "display": "Pneumonia"}],
        "input": {"modalities": ["DX"]},
        "preprocessing": STEPS,
        "architecture": {
            "name": "film_ensemble",
            "params": {"members": [TINY, TINY]},
        },
        "calibration": {"labels": [{"slope": 2.0, "intercept": -1.0}]},
    }
    return card | changes


@pytest.fixture
def module():
    torch.manual_seed(0)
    return build("film_ensemble", members=[TINY, TINY]).eval()


@pytest.fixture
def folder(tmp_path, module):
    save_package(tmp_path / "tiny", card=make_card(), module=module)
    return tmp_path / "tiny"


def test_the_hash_names_the_content_and_not_the_wrapping(folder, tmp_path, module):
    named = package_hash(folder)
    assert len(named) == 64
    assert package_hash(write_package_zip(folder)) == named
    assert write_package_zip(folder) == write_package_zip(folder)
    again = save_package(tmp_path / "other", card=make_card(), module=module)
    assert again == named
    (folder / "README.txt").write_text("beside the package")
    assert package_hash(folder) == named


@pytest.mark.parametrize("name", [CARD_NAME, WEIGHTS_NAME])
def test_one_changed_byte_is_another_package(folder, name):
    named = package_hash(folder)
    content = bytearray((folder / name).read_bytes())
    content[-2] ^= 1
    (folder / name).write_bytes(bytes(content))
    assert package_hash(folder) != named
    with pytest.raises(PackageError, match="hash differs"):
        load_package(folder, expected=named)


def test_folder_and_zip_answer_alike(folder, tmp_path, module):
    images = torch.randn(3, 1, 32, 32)
    from_folder = load_package(folder, expected=package_hash(folder))
    content = write_package_zip(folder)
    from_bytes = load_package(content)
    (tmp_path / "tiny.zip").write_bytes(content)
    from_file = load_package(tmp_path / "tiny.zip")
    with torch.no_grad():
        answer = from_folder.module(images)
        assert torch.equal(answer, from_bytes.module(images))
        assert torch.equal(answer, from_file.module(images))
        assert torch.allclose(answer, module(images), atol=2e-2)
    assert not from_folder.module.training


def test_pickled_weights_are_refused_and_never_run(folder, tmp_path):
    mark = tmp_path / "ran"

    class Payload:
        def __reduce__(self):
            return (Path.touch, (mark,))

    (folder / WEIGHTS_NAME).write_bytes(pickle.dumps(Payload()))
    with pytest.raises(PackageError, match="safetensors"):
        load_package(folder)
    assert not mark.exists()


def test_a_zip_with_more_in_it_is_refused(folder):
    buffer = io.BytesIO(write_package_zip(folder))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("../setup.py", "print()")
    with pytest.raises(PackageError, match="only"):
        load_package(buffer.getvalue())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"architecture": {"name": "vgg", "params": {}}}, "unknown"),
        (
            {"architecture": {"name": "film_net", "params": {"depth": 9}}},
            "bad parameters",
        ),
        (
            {"architecture": {"name": "film_ensemble", "params": {"members": [TINY]}}},
            "do not fit",
        ),
    ],
)
def test_a_card_that_does_not_fit_its_weights_says_so(folder, change, words):
    (folder / CARD_NAME).write_text(json.dumps(make_card(**change)))
    with pytest.raises(PackageError, match=words):
        load_package(folder)


def test_a_missing_field_or_file_is_named(folder):
    card = make_card()
    del card["calibration"]
    (folder / CARD_NAME).write_text(json.dumps(card))
    with pytest.raises(PackageError, match="lacks calibration"):
        load_package(folder)
    (folder / WEIGHTS_NAME).unlink()
    with pytest.raises(PackageError, match=WEIGHTS_NAME):
        package_hash(folder)


def test_the_parts_of_a_network_agree(module):
    images = torch.randn(2, 1, 64, 48)
    with torch.no_grad():
        features = module.features(images)
        members = module.forward_members(images)
        assert features.shape == (2, 12, 8, 6)
        assert members.shape == (2, 2, 1)
        assert module.embed(images).shape == (2, 12)
        assert torch.allclose(module(images), module.classify(features))
        assert torch.allclose(module(images), members.mean(dim=0))


def test_logits_can_be_explained_by_the_last_map(module):
    features = module.features(torch.randn(1, 1, 64, 64)).detach().requires_grad_()
    module.classify(features).sum().backward()
    assert features.grad is not None
    assert float(features.grad.abs().sum()) > 0


def test_calibration_and_uncertainty_follow_the_card(folder):
    package = load_package(folder)
    logits = torch.tensor([[[4.0]], [[-3.0]]])
    expected = torch.sigmoid(2 * logits - 1)
    assert torch.allclose(package.calibrate(logits), expected)
    doubt = package.uncertainty(logits)
    assert doubt.shape == (1, 1)
    shares = [float(share) for share in expected.flatten()]
    mean = sum(_bits(share) for share in shares) / 2
    assert float(doubt) == pytest.approx(_bits(sum(shares) / 2) - mean, abs=1e-6)
    torn = package.uncertainty(torch.tensor([[[40.0]], [[-40.0]]]))
    assert float(torn) == pytest.approx(1.0), "each sure of the contrary"
    torn = package.uncertainty(torch.full((2, 1, 1), 0.5))
    assert float(torn) == 0.0, "one half to both is doubt, but no disagreement"
    assert float(package.uncertainty(torch.ones(2, 1, 1))) == 0.0


def _bits(share: float) -> float:
    return -share * math.log2(share) - (1 - share) * math.log2(1 - share)

"""Others' models become packages that say the same, or are refused with the reason."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path

import onnx
import pytest
import torch

from tests.workers.importing.makers import (
    ADC_SCALED,
    FILM_CARD,
    ROLES,
    SEVERAL_CARD,
    VOLUME_CARD,
    SmallNet,
    make_bundle,
    make_onnx,
    make_script,
    make_xrv,
    several_keys,
    xrv_tensors,
)
from workers.importing.xrv import densenet
from workers.model_files import write_card, zip_files
from workers.model_import import ImportRefusedError, import_model
from workers.models.package import SHIPPED, load_package, package_hash

XRV_CARD = {k: v for k, v in FILM_CARD.items() if k != "preprocessing"}


def load(imported):
    return load_package(zip_files(imported.files))


@torch.no_grad()
def pooled_by_hand(net, batch):
    """Return what the last layer of the small network is given."""
    return (torch.relu(net.norm(net.first(batch))) * 1.5).mean(dim=(2, 3))


def films(package, n=2):
    made = torch.Generator().manual_seed(2)
    return [
        package.prepare(torch.rand(90, 70, generator=made).numpy()) for _ in range(n)
    ]


@pytest.mark.parametrize("make", [make_script, make_onnx], ids=["torchscript", "onnx"])
def test_a_classifier_says_the_same_after_its_import(tmp_path, make):
    source = make(tmp_path / "model.onnx")
    steps = []
    imported = import_model(source, card=FILM_CARD, progress=steps.append)
    assert set(imported.files) == {"card.json", "model.onnx"}
    package = load(imported)
    batch = torch.stack([one.tensor for one in films(package)])
    with torch.no_grad():
        expected = SmallNet().eval()(batch)[:, [0, 2]]
    assert torch.allclose(package.film_module(batch), expected, atol=1e-5)
    figures, by_vector = imported.card["provenance"]["compared"]
    assert figures["largest_difference"] < 1e-5
    assert figures["n"] == 6
    assert by_vector["largest_difference"] < 1e-5
    assert by_vector["n"] == 9
    assert "comparing outputs before and after" in steps
    vectors = package.film_module.judge(batch)[1]
    pooled = pooled_by_hand(SmallNet().eval(), batch)
    assert vectors.shape == (2, 6)
    assert torch.allclose(vectors, pooled, atol=1e-5)
    assert len(imported.card["provenance"]["source_sha256"]) == 64


def test_weights_of_torchxrayvision_say_the_same(tmp_path):
    imported = import_model(make_xrv(tmp_path / "d.pt"), card=XRV_CARD)
    assert set(imported.files) == {"card.json", "weights.safetensors"}
    package = load(imported)
    (first, second) = films(package)
    batch = torch.stack((first.tensor, second.tensor))
    assert batch.shape == (2, 1, 224, 224)
    assert float(batch.min()) >= -1024
    assert float(batch.max()) <= 1024
    with torch.no_grad():
        expected = densenet(batch, xrv_tensors())[:, [0, 2]]
        logits = package.film_module(batch)
    assert torch.allclose(logits, expected, atol=1e-4)
    # Its operating points become 0.5 of what the card's thresholds are of.
    at_points = torch.logit(torch.tensor([[0.1, 0.03]]))
    assert package.calibrate(at_points) == pytest.approx(0.5, abs=1e-6)


def test_a_monai_bundle_marks_the_same_voxels(tmp_path):
    imported = import_model(make_bundle(tmp_path / "bundle"), card=VOLUME_CARD)
    card = imported.card
    assert card["name"] == "Small spleen segmentation"
    assert card["input"]["modalities"] == ["CT"]
    assert card["architecture"]["params"]["arguments"]["channels"] == [4, 8, 16]
    assert card["preprocessing"] == [
        {"name": "orient", "axcodes": "RAS"},
        {"name": "spacing", "pixdim": [2.0, 2.0, 2.5], "mode": "bilinear"},
        {
            "name": "scale_intensity_range",
            "a_min": -57,
            "a_max": 164,
            "b_min": 0,
            "b_max": 1,
            "clip": True,
        },
    ]
    assert card["segmentation"]["channels"] == [1]
    prepared, outputs, masks = card["provenance"]["compared"]
    assert prepared["largest_difference"] < 1e-5
    assert outputs["largest_difference"] < 1e-4
    assert masks["n_differing"] <= 1e-4 * masks["n"]
    assert masks["n_marked"] > 100
    assert "$" not in imported.files["card.json"].decode()


def agrees(imported):
    """Assert that a bundle and its package marked the same, and something."""
    prepared, outputs, masks = imported.card["provenance"]["compared"]
    assert prepared["largest_difference"] < 1e-4
    assert outputs["largest_difference"] < 1e-4
    assert masks["n_differing"] <= 1e-4 * masks["n"]
    assert masks["n_marked"] > 100


def test_a_bundle_of_one_image_of_several_channels_is_given_series_by_role(tmp_path):
    bundle = make_bundle(tmp_path / "bundle", n_channels=2)
    imported = import_model(bundle, card=SEVERAL_CARD)
    agrees(imported)
    assert load(imported).module.n_inputs == 2
    assert [role.name for role in load(imported).parsed.input.roles] == ["T2", "ADC"]


def test_a_bundle_of_several_images_becomes_roles_with_steps_of_their_own(tmp_path):
    bundle = make_bundle(
        tmp_path / "bundle",
        n_channels=2,
        image_key="t2",  # whose transforms are undone
        preprocessing=several_keys(ADC_SCALED),
    )
    imported = import_model(bundle, card=SEVERAL_CARD)
    agrees(imported)
    t2, adc = imported.card["input"]["roles"]
    assert "preprocessing" not in t2
    (step,) = adc["preprocessing"]
    assert (step["name"], step["a_max"]) == ("scale_intensity_range", 3000)
    assert [step["name"] for step in imported.card["preprocessing"]] == [
        "orient",
        "spacing",
        "normalise_intensity",
    ]
    # Before they are put together each image is normalised by itself.
    assert imported.card["preprocessing"][-1]["channel_wise"] is True


@pytest.mark.parametrize(
    ("card", "preprocessing", "words"),
    [
        (VOLUME_CARD, several_keys(), "2 images, t2, adc: say which series each is"),
        (
            {**SEVERAL_CARD, "input": {"roles": ROLES[::-1]}},
            several_keys(),
            "of these names in this order",
        ),
        (SEVERAL_CARD, several_keys(key_dst="adc"), "laid on the first alone, t2"),
        (
            SEVERAL_CARD,
            several_keys({"_target_": "Spacingd", "keys": "adc", "pixdim": [1, 1, 1]}),
            "of some images: only what changes values",
        ),
    ],
)
def test_a_bundle_whose_images_are_not_clear_is_refused(
    tmp_path, card, preprocessing, words
):
    bundle = make_bundle(tmp_path / "b", n_channels=2, preprocessing=preprocessing)
    with pytest.raises(ImportRefusedError, match=words):
        import_model(bundle, card=card)


def test_a_network_of_two_channels_and_a_card_of_one_are_refused(tmp_path):
    bundle = make_bundle(tmp_path / "bundle", n_channels=2)
    with pytest.raises(ImportRefusedError, match="takes 2 series as channels"):
        import_model(bundle, card=VOLUME_CARD)


def test_a_zipped_bundle_is_one_too(tmp_path):
    folder = make_bundle(tmp_path / "bundle")
    with zipfile.ZipFile(tmp_path / "bundle.zip", "w") as archive:
        for path in folder.rglob("*"):
            archive.write(path, Path("bundle") / path.relative_to(folder))
    assert import_model(tmp_path / "bundle.zip", card=VOLUME_CARD).card["labels"]


def test_a_package_of_ours_stays_what_it_is(tmp_path):
    folder = SHIPPED / "phantom-chest"
    card = {"purpose": "p"}
    with pytest.raises(ImportRefusedError, match="never changed"):
        import_model(folder, card=card)
    made = import_model(make_onnx(tmp_path / "m.onnx"), card=FILM_CARD)
    unsaid = {name: said for name, said in made.card.items() if name != "purpose"}
    silent = {**made.files, "card.json": write_card(unsaid)}
    (tmp_path / "silent.zip").write_bytes(zip_files(silent))
    with pytest.raises(ImportRefusedError, match="“purpose” is not said"):
        import_model(tmp_path / "silent.zip")
    (tmp_path / "own.zip").write_bytes(zip_files(made.files))
    again = import_model(tmp_path / "own.zip")
    assert again.files == made.files
    assert package_hash(tmp_path / "own.zip") == again.report["package_hash"]


# --- refused


class Payload:
    """A pickle that would make a file."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return (Path.touch, (self.mark,))


def test_a_malicious_pickle_is_refused_and_does_nothing(tmp_path):
    mark = tmp_path / "ran"
    path = tmp_path / "weights.pt"
    torch.save({"features.conv0.weight": Payload(mark)}, path)
    with pytest.raises(ImportRefusedError, match=r"would run code"):
        import_model(path, card=XRV_CARD)
    path.write_bytes(pickle.dumps(Payload(mark)))
    with pytest.raises(ImportRefusedError):
        import_model(path, card=XRV_CARD)
    assert not mark.exists()


def test_a_whole_model_that_was_pickled_is_refused_by_name(tmp_path):
    torch.save(SmallNet(), tmp_path / "model.pt")
    with pytest.raises(ImportRefusedError, match=r"SmallNet.*state_dict"):
        import_model(tmp_path / "model.pt", card=XRV_CARD)


def tampered_onnx(path, change):
    model = onnx.load(str(make_onnx(path)))
    change(model)
    path.write_bytes(model.SerializeToString())
    return path


def to_foreign_operator(model):
    model.opset_import.add(domain="com.acme", version=1)
    model.graph.node[0].domain = "com.acme"


def to_file_beside(model):
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../../etc/passwd")


@pytest.mark.parametrize(
    ("change", "words"),
    [(to_foreign_operator, "operators of com.acme"), (to_file_beside, "another file")],
)
def test_an_onnx_file_with_more_than_numbers_is_refused(tmp_path, change, words):
    path = tampered_onnx(tmp_path / "m.onnx", change)
    with pytest.raises(ImportRefusedError, match=words):
        import_model(path, card=FILM_CARD)


def test_what_a_person_could_not_read_is_asked_for(tmp_path):
    silent = {k: v for k, v in FILM_CARD.items() if k not in ("limits", "performance")}
    with pytest.raises(ImportRefusedError, match=r"“performance” is not said.*limits"):
        import_model(make_onnx(tmp_path / "m.onnx"), card=silent)


def test_outputs_and_labels_must_be_told_apart(tmp_path):
    labels = [
        {k: v for k, v in row.items() if k != "output"} for row in FILM_CARD["labels"]
    ]
    with pytest.raises(ImportRefusedError, match="3 outputs and the card 2 labels"):
        import_model(
            make_onnx(tmp_path / "m.onnx"), card={**FILM_CARD, "labels": labels}
        )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"network_def": {"_target_": "scripts.net.Mine", "channels": [4]}},
            "scripts.net.Mine.*code of the bundle's own",
        ),
        (
            {"network_def": {"_target_": "monai.networks.nets.AutoEncoder"}},
            "AutoEncoder.*not on the list",
        ),
        (
            {
                "preprocessing": {
                    "_target_": "Compose",
                    "transforms": [
                        {"_target_": "Lambdad", "keys": "image", "func": "$lambda x: x"}
                    ],
                }
            },
            "Lambdad.*no declared step",
        ),
        ({"inferer": {"_target_": "SaliencyInferer"}}, "SaliencyInferer.*counterpart"),
    ],
)
def test_what_has_no_counterpart_is_named(tmp_path, changes, words):
    bundle = make_bundle(tmp_path / "bundle", **changes)
    with pytest.raises(ImportRefusedError, match=words):
        import_model(bundle, card=VOLUME_CARD)


def test_nothing_that_is_known(tmp_path):
    (tmp_path / "notes.txt").write_text("no model")
    with pytest.raises(ImportRefusedError, match="no model that is known"):
        import_model(tmp_path / "notes.txt")
    with pytest.raises(ImportRefusedError, match="no file or folder"):
        import_model(tmp_path / "gone")

"""Bundles are written in many ways: those that their makers use become one."""

from __future__ import annotations

import json

import pytest
import torch
from monai.bundle.config_parser import ConfigParser

from tests.workers.importing.makers import NETWORK, VOLUME_CARD, make_bundle
from workers.importing.bundle_config import is_disabled, make_ready
from workers.importing.said import RefusedError
from workers.model_import import ImportRefusedError, import_model

LAST = {
    "_target_": "Lambdad",
    "keys": "pred",
    "func": "$lambda x: torch.where(x > 0, 4, 0)",
}

SHIFT = 0.1
"""Taken from the label's output, so that few voxels in pieces are marked."""


def in_parts():
    """Return a configuration whose transforms are put together of lists by name."""
    return {
        "imports": [
            "$import math",
            "$from scripts import mine",
            "$import nosuchmodule",
        ],
        "image": "$monai.utils.CommonKeys.IMAGE",
        "is_raw": False,
        "first": [
            {"_target_": "LoadImaged", "keys": "@image", "reader": "ITKReader"},
            {"_target_": "EnsureChannelFirstd", "keys": "@image", "channel_dim": -1},
            {
                "_target_": "Orientationd",
                "keys": "@image",
                "axcodes": "LPS",
                "_disabled_": "$not @is_raw",
            },
            {"_target_": "Orientationd", "keys": ["@image"], "axcodes": "RAS"},
        ],
        "crop": {
            "_target_": "CropForegroundd",
            "keys": ["@image"],
            "source_key": "@image",
            "mode": ["minimum"],
        },
        "then": [
            {
                "_target_": "ScaleIntensityRanged",
                "keys": "@image",
                "a_min": -250,
                "a_max": 400,
                "b_min": 0,
                "b_max": 1,
                "clip": True,
            },
            "@crop",
            {"_target_": "CastToTyped", "keys": "@image", "dtype": "$torch.float32"},
        ],
        "preprocessing": {"_target_": "Compose", "transforms": "$@first + @then"},
        "postprocessing": {
            "_target_": "Compose",
            "transforms": [
                {"_target_": "Activationsd", "keys": "pred", "softmax": True},
                {
                    "_target_": "Invertd",
                    "keys": "pred",
                    "transform": "@preprocessing",
                    "orig_keys": "image",
                    "nearest_interp": False,
                },
                {
                    "_target_": "AsDiscreted",
                    "keys": ["pred"],
                    "argmax": True,
                    "to_onehot": 2,
                },
                {
                    "_target_": "SaveImaged",
                    "keys": "pred",
                    "output_dir": "$@bundle_root + '/eval'",
                },
            ],
        },
        "handlers": [
            {
                "_target_": "CheckpointLoader",
                "load_path": "$@bundle_root + '/models/' + @best",
                "load_dict": {"model": "@network"},
            }
        ],
        "best": "net_best.pt",
    }


def test_a_configuration_in_parts_marks_the_same_voxels(tmp_path):
    bundle = make_bundle(tmp_path / "bundle", **in_parts())
    (bundle / "models" / "model.pt").rename(bundle / "models" / "net_best.pt")
    card = import_model(bundle, card=VOLUME_CARD).card
    assert [step["name"] for step in card["preprocessing"]] == [
        "orient",
        "scale_intensity_range",
        "crop_foreground",
    ]
    assert card["preprocessing"][0]["axcodes"] == "RAS"
    assert card["preprocessing"][2] == {"name": "crop_foreground"}
    prepared, outputs, masks = card["provenance"]["compared"]
    assert prepared["largest_difference"] < 1e-4
    assert outputs["largest_difference"] < 1e-4
    assert 100 < masks["n_marked"] < masks["n"]
    assert masks["n_differing"] <= 1e-4 * masks["n"]


def test_weights_that_are_not_there_are_named_as_the_configuration_does(tmp_path):
    bundle = make_bundle(tmp_path / "bundle", **in_parts())
    (bundle / "models" / "model.pt").unlink()
    with pytest.raises(
        ImportRefusedError, match=r"none of models/net_best\.pt, models/"
    ):
        import_model(bundle, card=VOLUME_CARD)


@pytest.fixture
def coded(tmp_path):
    """Return a bundle whose last step is code that gives masks other numbers."""
    bundle = make_bundle(tmp_path / "bundle")
    path = bundle / "configs" / "inference.json"
    config = json.loads(path.read_text())
    config["postprocessing"]["transforms"].append(LAST)
    path.write_text(json.dumps(config))
    return bundle


def test_code_after_the_masks_is_left_out_where_the_card_says_so(coded):
    with pytest.raises(ImportRefusedError, match=r"Lambdad.*leave_out.*Lambdad"):
        import_model(coded, card=VOLUME_CARD)
    card = {**VOLUME_CARD, "segmentation": {"leave_out": ["Lambdad"]}}
    imported = import_model(coded, card=card).card
    assert imported["segmentation"]["leave_out"] == ["Lambdad"], "it is on record"
    assert imported["provenance"]["compared"][2]["n_marked"] > 100


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["Lambdad"], "no “Lambdad” in postprocessing: Activationsd, AsDiscreted"),
        ("Lambdad", "a list of names"),
    ],
)
def test_what_is_left_out_must_be_there(tmp_path, names, words):
    card = {**VOLUME_CARD, "segmentation": {"leave_out": names}}
    with pytest.raises(ImportRefusedError, match=words):
        import_model(make_bundle(tmp_path / "bundle"), card=card)


@pytest.mark.parametrize(
    "name", ["Activationsd", "AsDiscreted", "Invertd", "KeepLargestConnectedComponentd"]
)
def test_what_decides_the_masks_is_never_left_out(tmp_path, name):
    """Left out on both sides, the comparison would not notice that it is gone."""
    card = {**VOLUME_CARD, "segmentation": {"leave_out": [name]}}
    with pytest.raises(ImportRefusedError, match=rf"“{name}” has a counterpart"):
        import_model(with_largest(tmp_path / "bundle"), card=card)


def with_largest(folder, **arguments):
    """Return a bundle that keeps the largest piece, of masks in many pieces."""
    bundle = make_bundle(folder)
    path = bundle / "configs" / "inference.json"
    config = json.loads(path.read_text())
    config["postprocessing"]["transforms"].insert(
        3,
        {
            "_target_": "KeepLargestConnectedComponentd",
            "keys": "pred",
            "applied_labels": [1],
            **arguments,
        },
    )
    path.write_text(json.dumps(config))
    weights = bundle / "models" / "model.pt"
    tensors = torch.load(weights, weights_only=True)
    bias = next(k for k in reversed(tensors) if k.endswith("bias"))
    tensors[bias] = tensors[bias] - torch.tensor([0.0, SHIFT])
    torch.save(tensors, weights)
    return bundle


def test_the_largest_piece_is_the_same(tmp_path):
    imported = import_model(with_largest(tmp_path / "bundle"), card=VOLUME_CARD).card
    assert imported["segmentation"]["keep_largest"] is True
    every = with_largest(tmp_path / "every", _disabled_=True)
    masks = [
        c["provenance"]["compared"][2]
        for c in (imported, import_model(every, card=VOLUME_CARD).card)
    ]
    assert 0 < masks[0]["n_marked"] < masks[1]["n_marked"], "pieces were dropped"
    assert masks[0]["n_differing"] <= 1e-4 * masks[0]["n"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"num_components": 2}, "num_components is 2, but only 1"),
        ({"connectivity": 1}, "connectivity is 1, but only 3"),
        ({"independent": False}, "independent is False, but only True"),
    ],
)
def test_pieces_by_another_rule_are_refused(tmp_path, arguments, words):
    with pytest.raises(ImportRefusedError, match=words):
        import_model(with_largest(tmp_path / "b", **arguments), card=VOLUME_CARD)


def test_a_network_for_single_images_is_refused_by_name(tmp_path):
    bundle = make_bundle(
        tmp_path / "bundle", network_def={**NETWORK, "spatial_dims": 2}
    )
    with pytest.raises(ImportRefusedError, match="spatial_dims is 2"):
        import_model(bundle, card=VOLUME_CARD)


def ready(**config):
    parser = ConfigParser(
        {
            "network_def": {"_target_": "UNet"},
            "preprocessing": {"_target_": "Compose", "transforms": []},
            "inferer": {"_target_": "SimpleInferer"},
            **config,
        }
    )
    make_ready(parser)
    return parser


def test_arguments_that_monai_dropped_go():
    network = {"_target_": "SwinUNETR", "img_size": 96, "in_channels": 1}
    parser = ready(network_def=network)
    assert parser.config["network_def"] == {"_target_": "SwinUNETR", "in_channels": 1}
    other = {"_target_": "UNETR", "img_size": 96}
    assert ready(network_def=dict(other)).config["network_def"] == other


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (True, True),
        ("True", True),
        ("@off", True),
        ("$not @off", False),
        (False, False),
    ],
)
def test_a_transform_is_switched_off_by_word_or_expression(said, expected):
    step = {"_target_": "Orientationd", "keys": "image", "_disabled_": said}
    parser = ready(
        off=True, preprocessing={"_target_": "Compose", "transforms": [step]}
    )
    assert is_disabled(parser, "preprocessing::transforms::0", step) is expected


@pytest.mark.parametrize("steps", ["$[]", "@nothing", {"_target_": "Flipd"}, None])
def test_what_is_no_list_of_transforms_is_refused(steps):
    with pytest.raises(RefusedError, match="a Compose of a list"):
        ready(preprocessing={"_target_": "Compose", "transforms": steps})


def test_a_cast_to_other_than_floats_is_no_harmless_step():
    cast = {"_target_": "CastToTyped", "keys": "image", "dtype": "$torch.int16"}
    parser = ready(preprocessing={"_target_": "Compose", "transforms": [cast]})
    assert parser.config["preprocessing"]["transforms"] == [cast]

"""Small models as others would make them, and cards for what they leave out."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from monai.networks.nets.unet import UNet
from torch import nn

LABELS = [
    {
        "scheme": "SCT",
        "code": "36118008",
        "display": "Pneumothorax",
        "acuity": "urgent",
        "threshold": 0.4,
        "output": 0,
    },
    {
        "scheme": "SCT",
        "code": "233604007",
        "display": "Pneumonia",
        "acuity": "routine",
        "threshold": 0.5,
        "output": 2,
    },
]
TOLD = {
    "purpose": "Tests of the import.",
    "population": "none: random weights",
    "training_data": "none",
    "performance": {"note": "never measured: random weights"},
    "limits": ["Not for people."],
}
FILM_CARD = {
    **TOLD,
    "name": "test-films",
    "version": "1",
    "intended_use": "detection",
    "input": {"kind": "film", "modalities": ["DX", "CR"]},
    "labels": LABELS,
    "preprocessing": [
        {"name": "squeeze_resize", "height": 64, "width": 48},
        {"name": "standardise", "epsilon": 1e-3},
    ],
}
VOLUME_CARD = {
    **TOLD,
    "version": "1",
    "intended_use": "segmentation",
    "input": {"volume": {"min_slices": 8}},
    "labels": [
        {
            "scheme": "SCT",
            "code": "78961009",
            "display": "Spleen",
            "acuity": "routine",
            "threshold": 0.5,
        }
    ],
}


class SmallNet(nn.Module):
    """Three outputs of one grey film, of any size."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.first = nn.Conv2d(1, 6, 5, stride=2)
        self.norm = nn.BatchNorm2d(6)
        self.last = nn.Linear(6, 3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        maps = torch.relu(self.norm(self.first(images)))
        if maps.shape[-1] > 4:  # a branch: scripted, never traced
            maps = maps * 1.5
        return self.last(maps.mean(dim=(2, 3))) * 3


def make_script(path: Path) -> Path:
    torch.jit.script(SmallNet().eval()).save(str(path))
    return path


def make_onnx(path: Path) -> Path:
    torch.onnx.export(
        SmallNet().eval(),
        (torch.rand(1, 1, 64, 48),),
        str(path),
        dynamo=False,
        input_names=["film"],
        output_names=["scores"],
        dynamic_axes={"film": {0: "n"}, "scores": {0: "n"}},
    )
    return path


def xrv_tensors(*, outputs=4, growth=8, blocks=(2, 3), stem=16):
    """Return a small DenseNet's weights under torchxrayvision's names."""
    made = torch.Generator().manual_seed(11)

    def norm(name, width):
        return {
            f"{name}.weight": torch.rand(width, generator=made) + 0.5,
            f"{name}.bias": torch.randn(width, generator=made) * 0.1,
            f"{name}.running_mean": torch.randn(width, generator=made) * 0.1,
            f"{name}.running_var": torch.rand(width, generator=made) + 0.5,
            f"{name}.num_batches_tracked": torch.tensor(7),
        }

    def conv(name, outputs, inputs, side):
        shape = (outputs, inputs, side, side)
        scale = (inputs * side * side) ** -0.5
        return {f"{name}.weight": torch.randn(shape, generator=made) * scale}

    found = conv("features.conv0", stem, 1, 7) | norm("features.norm0", stem)
    found["features.conv0.weight"] /= 500
    width = stem
    for number, depth in enumerate(blocks, 1):
        for index in range(depth):
            name = f"features.denseblock{number}.denselayer{index + 1}"
            found |= norm(f"{name}.norm1", width)
            found |= conv(f"{name}.conv1", 4 * growth, width, 1)
            found |= norm(f"{name}.norm2", 4 * growth)
            found |= conv(f"{name}.conv2", growth, 4 * growth, 3)
            width += growth
        if number < len(blocks):
            name = f"features.transition{number}"
            found |= norm(f"{name}.norm", width)
            found |= conv(f"{name}.conv", width // 2, width, 1)
            width //= 2
    found |= norm("features.norm5", width)
    found["classifier.weight"] = torch.randn(outputs, width, generator=made)
    found["classifier.bias"] = torch.randn(outputs, generator=made)
    return found


def make_xrv(path: Path, **changes) -> Path:
    tensors = xrv_tensors(**changes)
    tensors["op_threshs"] = torch.tensor([0.1, 0.2, 0.03, 0.6])
    torch.save(tensors, str(path))
    return path


ROLES = [{"name": "T2", "weighting": "T2"}, {"name": "ADC", "weighting": "ADC"}]
SEVERAL_CARD = {
    **VOLUME_CARD,
    "input": {"volume": {"min_slices": 3}, "modalities": ["MR"], "roles": ROLES},
}


def several_keys(*own, **more):
    """Return the preprocessing of a bundle of two images, put together."""
    both = ["t2", "adc"]
    return {
        "_target_": "Compose",
        "transforms": [
            {"_target_": "LoadImaged", "keys": both},
            {"_target_": "EnsureChannelFirstd", "keys": both},
            *own,
            {"_target_": "ResampleToMatchd", "keys": ["adc"], "key_dst": "t2"} | more,
            {"_target_": "Orientationd", "keys": both, "axcodes": "RAS"},
            {
                "_target_": "Spacingd",
                "keys": both,
                "pixdim": [2.0, 2.0, 2.5],
                "mode": ["bilinear", "bilinear"],
            },
            {"_target_": "NormalizeIntensityd", "keys": both, "nonzero": True},
            {"_target_": "ConcatItemsd", "keys": both, "name": "image", "dim": 0},
            {"_target_": "EnsureTyped", "keys": "image"},
        ],
    }


ADC_SCALED = {
    "_target_": "ScaleIntensityRanged",
    "keys": "adc",
    "a_min": 0,
    "a_max": 3000,
    "b_min": 0,
    "b_max": 1,
    "clip": True,
}
NETWORK = {
    "_target_": "UNet",
    "spatial_dims": 3,
    "in_channels": 1,
    "out_channels": 2,
    "channels": "$[int(2 ** n) for n in range(2, 5)]",
    "strides": [2, 2],
    "num_res_units": 1,
    "norm": "batch",
}


def make_bundle(folder: Path, *, n_channels: int = 1, **changes) -> Path:
    """Write a bundle that segments; `changes` replace parts of its inference.json."""
    (folder / "configs").mkdir(parents=True)
    (folder / "models").mkdir()
    metadata = {
        "version": "0.3.1",
        "name": "Small spleen segmentation",
        "task": "Spleen on CT",
        "description": "A test.",
        "network_data_format": {
            "inputs": {"image": {"modality": "CT", "num_channels": 1}},
            "outputs": {"pred": {"channel_def": {"0": "background", "1": "spleen"}}},
        },
    }
    (folder / "configs" / "metadata.json").write_text(json.dumps(metadata))
    config = {
        "imports": ["$import math"],
        "image_key": "image",
        "device": "$torch.device('cpu')",
        "network_def": {**NETWORK, "in_channels": n_channels},
        "network": "$@network_def.to(@device)",
        "preprocessing": {
            "_target_": "Compose",
            "transforms": [
                {"_target_": "LoadImaged", "keys": "@image_key"},
                {"_target_": "EnsureChannelFirstd", "keys": "@image_key"},
                {"_target_": "Orientationd", "keys": "@image_key", "axcodes": "RAS"},
                {
                    "_target_": "Spacingd",
                    "keys": "@image_key",
                    "pixdim": "$[math.sqrt(4.0), 2.0, 2.5]",
                    "mode": "bilinear",
                },
                {
                    "_target_": "ScaleIntensityRanged",
                    "keys": "@image_key",
                    "a_min": -57,
                    "a_max": 164,
                    "b_min": 0,
                    "b_max": 1,
                    "clip": True,
                },
                {"_target_": "EnsureTyped", "keys": "@image_key"},
            ],
        },
        "inferer": {
            "_target_": "SlidingWindowInferer",
            "roi_size": [32, 32, 32],
            "sw_batch_size": 2,
            "overlap": 0.25,
        },
        "postprocessing": {
            "_target_": "Compose",
            "transforms": [
                {"_target_": "Activationsd", "keys": "pred", "softmax": True},
                {
                    "_target_": "Invertd",
                    "keys": "pred",
                    "transform": "@preprocessing",
                    "orig_keys": "@image_key",
                    "nearest_interp": False,
                    "to_tensor": True,
                },
                {"_target_": "AsDiscreted", "keys": "pred", "argmax": True},
                {"_target_": "SaveImaged", "keys": "pred", "output_dir": "/nowhere"},
            ],
        },
    }
    (folder / "configs" / "inference.json").write_text(json.dumps(config | changes))
    torch.manual_seed(3)
    module = UNet(
        spatial_dims=3,
        in_channels=n_channels,
        out_channels=2,
        channels=(4, 8, 16),
        strides=(2, 2),
        num_res_units=1,
        norm="batch",
    )
    torch.save(module.state_dict(), folder / "models" / "model.pt")
    return folder

"""Every network of MONAI that a card may name runs with what is installed."""

from __future__ import annotations

import pytest
import torch

from workers.models.monai_nets import NETWORKS, MonaiNetwork

SMALL = {
    "AttentionUnet": {"spatial_dims": 3, "channels": [4, 8], "strides": [2]},
    "BasicUNet": {"features": [4, 4, 4, 4, 4, 4]},
    "DynUNet": {
        "spatial_dims": 3,
        "kernel_size": [3, 3, 3],
        "strides": [1, 2, 2],
        "upsample_kernel_size": [2, 2],
        "filters": [4, 8, 8],
    },
    "SegResNet": {"init_filters": 8, "blocks_down": [1, 1], "blocks_up": [1]},
    "SwinUNETR": {"feature_size": 12, "depths": [1, 1, 1, 1]},
    "UNETR": {
        "img_size": [32, 32, 32],
        "feature_size": 4,
        "hidden_size": 24,
        "mlp_dim": 24,
        "num_heads": 2,
    },
    "UNet": {"spatial_dims": 3, "channels": [4, 8], "strides": [2]},
    "VNet": {},
}


SIDE = {"SwinUNETR": 64}


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_it_marks_voxels(name):
    torch.manual_seed(4)
    network = MonaiNetwork(
        network=name, arguments={"in_channels": 1, "out_channels": 2, **SMALL[name]}
    ).eval()
    with torch.no_grad():
        sides = [SIDE.get(name, 32)] * 3
        found = network(torch.rand(1, 1, *sides))
    assert found.shape == (1, 2, *sides)
    assert float(found.std()) > 0

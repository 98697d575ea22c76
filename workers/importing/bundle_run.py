"""A bundle as its makers meant it, beside the package that was made of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import torch
from monai.bundle.config_parser import ConfigParser
from numpy.typing import NDArray

from workers.importing.assemble import compare
from workers.importing.bundle_config import config_of
from workers.importing.bundle_steps import Keys
from workers.importing.said import RefusedError
from workers.inference.monai_volume import (
    prepare_monai,
    run_role_steps,
    to_monai,
)
from workers.inference.segment import segment_volume
from workers.models.package import ModelPackage

_SHAPE: Final = (32, 96, 64)
"""Sides that a network which halves them five times takes whole (SimpleInferer)."""
_SPACING: Final = (2.0, 1.3, 1.1)
_MOST_DIFFERING: Final = 1e-4
"""Share of voxels that may be decided otherwise: those on the very threshold."""


def compare_runs(
    parser: ConfigParser,
    package: ModelPackage,
    *,
    tensors: Mapping[str, torch.Tensor],
    keys: Keys,
) -> list[dict[str, Any]]:
    """Run both on one made-up volume and return how far they differ.

    Raises:
        RefusedError: By more than rounding.
    """
    roles = package.parsed.input.roles
    values = torch.from_numpy(_volume(len(roles)))
    given = {keys.network: to_monai(values, _SPACING)}
    if keys.images:
        given = {
            key: to_monai(one, _SPACING)
            for key, one in zip(keys.images, values, strict=True)
        }
    prepared = values
    if roles:
        each = zip(roles, values, strict=True)
        prepared = torch.stack(
            [run_role_steps(one, _SPACING, steps=role.steps) for role, one in each]
        )
    key = keys.network
    network = parser.get_parsed_content("network_def").eval()
    network.load_state_dict(dict(tensors))
    inferer = parser.get_parsed_content("inferer")
    with torch.no_grad():
        data = parser.get_parsed_content("preprocessing")(given)
        ready = prepare_monai(
            prepared, _SPACING, steps=package.card["preprocessing"]
        ).ready
        figures = [
            compare(
                data[key].as_tensor(), ready.as_tensor(), what="the prepared voxels"
            )
        ]
        outputs = inferer(inputs=data[key][None], network=network)
        ours = inferer(inputs=ready.as_tensor()[None], network=package.module)
    figures.append(
        compare(_tensor(outputs)[0], _tensor(ours)[0], what="the network's outputs")
    )
    if "postprocessing" in config_of(parser):
        data["pred"] = outputs[0]
        figures.append(_masks(parser, package, data, prepared.numpy()))
    return figures


def _masks(
    parser: ConfigParser,
    package: ModelPackage,
    data: dict[str, Any],
    volume: NDArray[Any],
) -> dict[str, Any]:
    """Return how many voxels are decided otherwise on the source's grid."""
    final = _tensor(parser.get_parsed_content("postprocessing")(data)["pred"])
    segments = segment_volume(package, volume, _SPACING)
    shape, n_voxels = volume.shape[-3:], int(np.prod(volume.shape[-3:]))
    if tuple(final.shape[-3:]) != tuple(reversed(shape)):
        return {
            "what": "the masks",
            "n": 0,
            "note": "the bundle leaves them on its grid",
        }
    rules = package.card["segmentation"]
    differing = 0
    for segment, channel in zip(segments, rules["channels"], strict=True):
        theirs = _of_label(final, channel, is_argmax=rules.get("decide") == "argmax")
        differing += int((theirs.permute(2, 1, 0).numpy() != segment.mask).sum())
    share = differing / (n_voxels * max(len(segments), 1))
    if share > _MOST_DIFFERING:
        raise RefusedError(
            f"{differing} of {n_voxels} voxels are decided otherwise by the package"
        )
    return {
        "what": "the masks",
        "n": n_voxels * len(segments),
        "n_marked": sum(int(s.mask.sum()) for s in segments),
        "n_differing": differing,
    }


def _of_label(final: torch.Tensor, channel: int, *, is_argmax: bool) -> torch.Tensor:
    if is_argmax and len(final) == 1:  # of several each is a mask: to_onehot
        return final[0].round() == channel
    return final[channel] >= 0.5


def _tensor(found: Any) -> torch.Tensor:
    if isinstance(found, (tuple, list)):
        found = found[0]
    plain = found.as_tensor() if hasattr(found, "as_tensor") else found
    return torch.as_tensor(plain).float()


def _volume(n_channels: int) -> NDArray[np.float32]:
    """Return made-up volumes, [channel, z, y, x]; [z, y, x] of no channels."""
    if not n_channels:
        return _balls(7)
    return np.stack([_balls(seed) for seed in range(7, 7 + n_channels)])


def _balls(seed: int) -> NDArray[np.float32]:
    """Return a made-up volume in Hounsfield units, [z, y, x]: balls in air, noise."""
    made = np.random.default_rng(seed)
    grid = np.indices(_SHAPE).astype(np.float32)
    values = np.full(_SHAPE, -800.0, dtype=np.float32)
    for _ in range(7):
        centre = (made.uniform(0.2, 0.8, 3) * _SHAPE).reshape(3, 1, 1, 1)
        radius = made.uniform(4, 14)
        values[((grid - centre) ** 2).sum(axis=0) < radius**2] = made.uniform(-100, 600)
    noisy: NDArray[np.float32] = (values + made.normal(0, 15, _SHAPE)).astype(
        np.float32
    )
    return noisy

"""MONAI bundles: their configuration is read here, once, and becomes a card.

A bundle's `$` expressions are Python. They are evaluated in this process, which is shut
in, and never again: what comes out are literal values of declared steps. `_target_`s
must be on the lists of this module and of `workers.models.monai_nets`.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from monai.bundle.config_parser import ConfigParser
from safetensors.torch import save

from workers.importing.assemble import (
    build_package,
    finish_card,
    merge,
    source_record,
)
from workers.importing.bundle_config import (
    checkpoints,
    config_of,
    leave_out,
    make_ready,
    name_of,
)
from workers.importing.bundle_run import compare_runs
from workers.importing.bundle_steps import (
    AFTER,
    Keys,
    map_inferer,
    map_postprocessing,
    map_preprocessing,
    read_keys,
)
from workers.importing.said import RefusedError, Said
from workers.importing.weights import read_tensors
from workers.model_files import SAFETENSORS_NAME
from workers.models.monai_nets import NETWORKS, is_literal

_CONFIGS: Final = ("inference.json", "inference.yaml", "inference.yml")
_WEIGHTS: Final = ("model.pt", "model.safetensors", "model.pth")
_SECTIONS: Final = ("network_def", "preprocessing", "inferer", "postprocessing")
_PACKAGES: Final = ("monai.", "torch.nn.")
_DIMS: Final = 3
_UNPACKED: Final = Path("/tmp/bundle")  # noqa: S108  inside the jail's file system


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A bundle, read.

    Attributes:
        root: Its folder.
        metadata: What `metadata.json` says.
        parser: Its configuration for inference, loading steps left out.
    """

    root: Path
    metadata: dict[str, Any]
    parser: ConfigParser


def unpack_bundle(source: Path) -> Path:
    """Return a bundle's folder, unpacked when it is a zip."""
    if not source.is_file():
        return source
    with zipfile.ZipFile(source) as archive:
        archive.extractall(_UNPACKED)
    return _UNPACKED


def import_bundle(
    source: Path, *, card: Mapping[str, Any], said: Said
) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Import a bundle that marks voxels of one series, or of several by role.

    Raises:
        RefusedError: Something in it has no counterpart here; it is named.
    """
    bundle = _read(source)
    _check_targets(bundle.parser)
    leave_out(bundle.parser, _left_out(card))
    said.step("evaluating its configuration, in here only")
    network, arguments = _network(bundle.parser)
    keys = read_keys(bundle.parser)
    steps, own_steps = map_preprocessing(bundle.parser, keys)
    card = _with_roles(card, keys, own_steps)
    rules = {**map_inferer(bundle.parser), **map_postprocessing(bundle.parser)}
    said.step("reading its weights")
    tensors = _weights(bundle)
    own = {
        **_told(bundle),
        "preprocessing": steps,
        "architecture": {
            "name": "monai_network",
            "params": {"network": network, "arguments": arguments},
        },
        "segmentation": {
            "pipeline": "monai",
            "channels": _channels(card, rules),
            "score": {"name": "mean_of_top", "ml": 0.5},
            **rules,
        },
    }
    full = merge(own, card)
    # Networks that keep a layer under two names have its weights twice here.
    weights = save(
        {f"network.{k}": v.contiguous().clone() for k, v in sorted(tensors.items())}
    )
    said.step("loading the package")
    _, trial = build_package(
        finish_card(full), weights_name=SAFETENSORS_NAME, weights=weights
    )
    said.step("running the bundle and the package on the same volume")
    figures = compare_runs(bundle.parser, trial, tensors=tensors, keys=keys)
    record = source_record(bundle.root, kind="monai bundle")
    full["provenance"] = {**record, "compared": figures}
    files, _ = build_package(
        finish_card(full), weights_name=SAFETENSORS_NAME, weights=weights
    )
    return files, full["provenance"]


def _with_roles(
    card: Mapping[str, Any], keys: Keys, own_steps: Mapping[str, list[dict[str, Any]]]
) -> dict[str, Any]:
    """Return a card whose roles have what the bundle does to each image alone.

    Raises:
        RefusedError: The bundle's images and the card's roles are not the same.
    """
    full = dict(card)
    if not keys.images:
        return full
    said = full.get("input", {})
    roles = [dict(role) for role in said.get("roles", []) if isinstance(role, Mapping)]
    names = [str(role.get("name", "")).casefold() for role in roles]
    if names != [key.casefold() for key in keys.images]:
        raise RefusedError(
            f"it takes {len(keys.images)} images, {', '.join(keys.images)}: say which"
            " series each is, as “input.roles” of these names in this order"
        )
    for role, key in zip(roles, keys.images, strict=True):
        if own_steps.get(key):
            role["preprocessing"] = own_steps[key]
    full["input"] = {**said, "roles": roles}
    return full


def _read(source: Path) -> Bundle:
    found = sorted(source.rglob("configs/metadata.json"))
    if not found:
        raise RefusedError("it has no configs/metadata.json")
    root = found[0].parents[1]
    try:
        metadata = json.loads(found[0].read_text("utf-8"))
    except ValueError as error:
        raise RefusedError("configs/metadata.json is not JSON") from error
    there = [p for n in _CONFIGS if (p := root / "configs" / n).is_file()]
    if not there:
        raise RefusedError(f"it has none of configs/{', configs/'.join(_CONFIGS)}")
    parser = ConfigParser()
    parser.read_config(str(there[0]))
    parser["bundle_root"] = str(root)
    make_ready(parser)
    return Bundle(root=root, metadata=metadata, parser=parser)


def _left_out(card: Mapping[str, Any]) -> list[str]:
    """Return the names of transforms that the card leaves out."""
    segmentation = card.get("segmentation", {})
    said = (
        segmentation.get("leave_out", []) if isinstance(segmentation, Mapping) else []
    )
    if not isinstance(said, list) or not all(isinstance(one, str) for one in said):
        raise RefusedError("segmentation.leave_out: it is a list of names")
    for name in said:
        if name in AFTER:
            raise RefusedError(
                f"segmentation.leave_out: “{name}” has a counterpart and stays; take it"
                " off the list"
            )
    return said


def _check_targets(parser: ConfigParser) -> None:
    """Refuse `_target_`s of others' packages, by name, before anything is built."""
    for section in _SECTIONS:
        for target in _targets(config_of(parser).get(section)):
            if "." in target and not target.startswith(_PACKAGES):
                raise RefusedError(
                    f"{section}: “{target}” is not of MONAI or torch.nn: it would be"
                    " code of the bundle's own"
                )


def _targets(config: Any) -> list[str]:
    if isinstance(config, Mapping):
        own = [str(config["_target_"])] if "_target_" in config else []
        return own + [t for value in config.values() for t in _targets(value)]
    if isinstance(config, list):
        return [target for value in config for target in _targets(value)]
    return []


def _network(parser: ConfigParser) -> tuple[str, dict[str, Any]]:
    """Return the network's name and its literal arguments."""
    config = config_of(parser)["network_def"]
    name = name_of(config)
    if name not in NETWORKS:
        known = ", ".join(sorted(NETWORKS))
        raise RefusedError(
            f"network “{name}” is not on the list: {known}. One that classifies films"
            " can come as ONNX or TorchScript"
        )
    arguments = resolved_arguments(parser, "network_def")
    dims = arguments.get("spatial_dims", 3)
    if dims != _DIMS:
        raise RefusedError(
            f"network_def: spatial_dims is {dims}: bundles that mark voxels of volumes"
            f" ({_DIMS}) can be imported, those for single images can not"
        )
    return name, arguments


def resolved_arguments(parser: ConfigParser, place: str) -> dict[str, Any]:
    """Return the arguments of a component, expressions evaluated, as literal values.

    Raises:
        RefusedError: One is not literal even then.
    """
    config = parser.get(place)
    found = {}
    for key in config:
        if key.startswith("_"):
            continue
        value = _plain(parser.get_parsed_content(f"{place}::{key}"))
        if not is_literal(value):
            raise RefusedError(f"{place}: “{key}” is no number, text or list of them")
        found[key] = value
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return [_plain(one) for one in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, torch.Size):
        return list(value)
    return value.item() if hasattr(value, "item") else value


def _weights(bundle: Bundle) -> dict[str, torch.Tensor]:
    """Return the weights that the configuration loads, else those of a usual name."""
    named = [Path(path).name for path in checkpoints(bundle.parser)]
    names = list(dict.fromkeys([*named, *_WEIGHTS]))
    found = [p for name in names if (p := bundle.root / "models" / name).is_file()]
    if not found:
        raise RefusedError(f"it has none of models/{', models/'.join(names)}")
    return read_tensors(found[0])


def _channels(card: Mapping[str, Any], rules: Mapping[str, Any]) -> list[int]:
    """Return the network's channel of each label: after the background, if any."""
    first = 1 if rules.get("activation") == "softmax" else 0
    labels = card.get("labels", [])
    return [
        int(row.get("output", first + index))
        for index, row in enumerate(labels)
        if isinstance(row, Mapping)
    ]


def _told(bundle: Bundle) -> dict[str, Any]:
    """Return the fields of a card that a bundle's metadata gives."""
    said = bundle.metadata
    formats = said.get("network_data_format", {})
    modalities = [
        str(one["modality"]).upper()
        for one in formats.get("inputs", {}).values()
        if isinstance(one, Mapping) and one.get("modality")
    ]
    told: dict[str, Any] = {
        "name": str(said.get("name") or bundle.root.name),
        "version": str(said.get("version", "")),
        "title": str(said.get("task") or said.get("name") or bundle.root.name),
        "intended_use": "segmentation",
        "input": {"kind": "volume", "modalities": modalities},
    }
    if said.get("intended_use") or said.get("description"):
        told["purpose"] = str(said.get("intended_use") or said["description"])
    if said.get("data_source") or said.get("data_type"):
        told["training_data"] = str(said.get("data_source") or said["data_type"])
    if said.get("eval_metrics"):
        told["performance"] = {
            "as its makers state, not measured here": said["eval_metrics"]
        }
    return told

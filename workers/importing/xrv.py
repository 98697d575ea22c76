"""Weights in torchxrayvision's format: a DenseNet for chest films."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import save
from torch import Tensor
from torch.nn import functional

from workers.importing.assemble import (
    build_package,
    compare,
    example_films,
    finish_card,
    merge,
    source_record,
)
from workers.importing.said import RefusedError, Said
from workers.importing.weights import read_tensors
from workers.model_files import SAFETENSORS_NAME

_LAYER: Final = re.compile(r"features\.denseblock(\d+)\.denselayer(\d+)\.conv1\.weight")
_EPSILON: Final = 1e-5
STEPS: Final = (
    {"name": "centre_square"},
    {"name": "squeeze_resize", "height": 224, "width": 224},
    {"name": "scale_range", "low": -1024.0, "high": 1024.0},
)
"""What torchxrayvision does to a film before its networks."""


def import_xrv(
    source: Path, *, card: Mapping[str, Any], said: Said
) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Import weights of a DenseNet.

    Raises:
        RefusedError: They are of something else, or the card does not fit.
    """
    said.step("reading its tensors")
    tensors = read_tensors(source)
    points = tensors.pop("op_threshs", None)
    params = _parameters(tensors)
    labels = [row for row in card.get("labels", []) if isinstance(row, Mapping)]
    columns = _columns(labels, n_outputs=params["n_outputs"])
    own: dict[str, Any] = {
        "architecture": {
            "name": "xrv_densenet",
            "params": {**params, "columns": columns},
        },
        "preprocessing": [dict(step) for step in STEPS],
    }
    if points is not None:
        own["calibration"] = _calibration(labels, columns, points)
    full = merge(own, card)
    weights = save(
        {
            name.replace("features.", "features_net.", 1): value.contiguous()
            for name, value in sorted(tensors.items())
            if not name.endswith("num_batches_tracked")
        }
        | {
            name.replace("features.", "features_net.", 1): value
            for name, value in _counters(tensors).items()
        }
    )
    said.step("loading the package")
    _, trial = build_package(
        finish_card(full), weights_name=SAFETENSORS_NAME, weights=weights
    )
    said.step("comparing outputs before and after")
    examples = example_films(full["preprocessing"], n=2)
    with torch.no_grad():
        before = densenet(examples, tensors)[:, columns]
        figures = compare(before, trial.module(examples), what="the labels' logits")
    record = source_record(source, kind="torchxrayvision")
    full["provenance"] = {**record, "compared": [figures]}
    files, _ = build_package(
        finish_card(full), weights_name=SAFETENSORS_NAME, weights=weights
    )
    return files, full["provenance"]


def _counters(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the counters of the normalisations, which older files lack."""
    means = [name for name in tensors if name.endswith("running_mean")]
    return {
        name.removesuffix("running_mean") + "num_batches_tracked": torch.tensor(0)
        for name in means
    }


def _parameters(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """Return the architecture's parameters, read from the weights' shapes."""
    try:
        stem = tensors["features.conv0.weight"]
        n_outputs = int(tensors["classifier.weight"].shape[0])
        first = tensors["features.denseblock1.denselayer1.conv2.weight"]
    except KeyError as error:
        raise RefusedError(
            f"it has no {error}: it is no DenseNet in torchxrayvision's format"
        ) from error
    if int(stem.shape[1]) != 1:
        raise RefusedError(f"it wants {int(stem.shape[1])} channels; films have one")
    counts = Counter(
        int(found.group(1)) for name in tensors if (found := _LAYER.fullmatch(name))
    )
    growth = int(first.shape[0])
    return {
        "n_outputs": n_outputs,
        "growth": growth,
        "blocks": [counts[k] for k in sorted(counts)],
        "stem": int(stem.shape[0]),
        "bottleneck": int(first.shape[1]) // growth,
    }


def _columns(labels: list[Mapping[str, Any]], *, n_outputs: int) -> list[int]:
    if not labels:
        raise RefusedError(
            f"which findings its {n_outputs} outputs are is not in the file: give"
            " “labels” with codes, each with its “output” (from 0), with --card"
        )
    columns = [int(row.get("output", index)) for index, row in enumerate(labels)]
    if any(not 0 <= column < n_outputs for column in columns):
        raise RefusedError(f"a label names an output; there are {n_outputs}, from 0")
    if any("output" not in row for row in labels) and len(labels) != n_outputs:
        raise RefusedError(
            f"it has {n_outputs} outputs and the card {len(labels)} labels: say which"
            " output each label is (“output”, from 0)"
        )
    return columns


def _calibration(
    labels: list[Mapping[str, Any]], columns: list[int], points: Tensor
) -> dict[str, Any]:
    rows = []
    for label, column in zip(labels, columns, strict=True):
        point = float(points[column])
        if not 0.0 < point < 1.0:
            raise RefusedError(f"output {column} has no operating point")
        rows.append({"code": str(label.get("code")), "operating_point": point})
    return {
        "method": "torchxrayvision's operating points: 0.5 is the point",
        "labels": rows,
    }


def densenet(images: Tensor, tensors: Mapping[str, Tensor]) -> Tensor:
    """Return logits, [N, outputs], straight from the weights, without any module.

    It is written apart from `workers.models.xrv_densenet`, which it checks.
    """

    def norm(maps: Tensor, name: str) -> Tensor:
        return functional.batch_norm(
            maps,
            tensors[f"{name}.running_mean"],
            tensors[f"{name}.running_var"],
            tensors[f"{name}.weight"],
            tensors[f"{name}.bias"],
            eps=_EPSILON,
        )

    maps = functional.conv2d(images, tensors["features.conv0.weight"], None, 2, 3)
    maps = functional.max_pool2d(norm(maps, "features.norm0").relu(), 3, 2, 1)
    block = 1
    while f"features.denseblock{block}.denselayer1.conv1.weight" in tensors:
        layer = 1
        while f"features.denseblock{block}.denselayer{layer}.conv1.weight" in tensors:
            name = f"features.denseblock{block}.denselayer{layer}"
            inner = norm(maps, f"{name}.norm1").relu()
            inner = functional.conv2d(inner, tensors[f"{name}.conv1.weight"])
            inner = norm(inner, f"{name}.norm2").relu()
            new = functional.conv2d(inner, tensors[f"{name}.conv2.weight"], padding=1)
            maps, layer = torch.cat((maps, new), dim=1), layer + 1
        name = f"features.transition{block}"
        if f"{name}.conv.weight" in tensors:
            inner = norm(maps, f"{name}.norm").relu()
            inner = functional.conv2d(inner, tensors[f"{name}.conv.weight"])
            maps = functional.avg_pool2d(inner, 2, 2)
        block += 1
    pooled = norm(maps, "features.norm5").relu().mean(dim=(2, 3))
    return functional.linear(
        pooled, tensors["classifier.weight"], tensors["classifier.bias"]
    )

"""TorchScript and ONNX: what comes out is ONNX with standard operators."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from workers.importing.assemble import (
    build_package,
    compare,
    example_films,
    finish_card,
    merge,
    source_record,
)
from workers.importing.said import RefusedError, Said
from workers.importing.vector import Vector, add_vector
from workers.model_files import ONNX_NAME
from workers.models.onnx_check import OnnxRefusedError, read_onnx
from workers.models.onnx_net import OnnxFilm, OnnxSession, to_odds
from workers.models.package import ModelPackage

Made = tuple[dict[str, bytes], dict[str, Any]]
_OPSET = 18


def import_onnx(source: Path, *, card: Mapping[str, Any], said: Said) -> Made:
    """Import an ONNX file.

    Raises:
        RefusedError: It holds more than standard operators, or the card does not fit.
    """
    content = source.read_bytes()
    said.step("checking its operators")
    try:
        model = read_onnx(content)
        original = OnnxSession(content)
    except (OnnxRefusedError, ValueError) as error:
        raise RefusedError(f"the ONNX file is refused: {error}") from error
    del model.metadata_props[:]
    model.doc_string = ""
    model.producer_name = ""
    examples = _examples(card)
    said.step("running it as it came")
    name = _output(card) or original.output_names[0]
    before = _run_onnx(original, examples, name)
    return _finish(
        source,
        "onnx",
        card=card,
        graph=model.SerializeToString(deterministic=True),
        examples=examples,
        before=before,
        said=said,
    )


def import_torchscript(source: Path, *, card: Mapping[str, Any], said: Said) -> Made:
    """Import a TorchScript file: run it here, once, and write it as ONNX.

    Raises:
        RefusedError: It can not be written as ONNX, or the card does not fit.
    """
    said.step("loading its code, in here only")
    try:
        script = torch.jit.load(  # type: ignore[no-untyped-call]
            str(source), map_location="cpu"
        ).eval()
    except RuntimeError as error:
        raise RefusedError("it is no TorchScript file that can be read") from error
    examples = _examples(card)
    said.step("running it as it came")
    try:
        with torch.no_grad():
            before = _first(script(examples))
    except (RuntimeError, TypeError) as error:
        raise RefusedError(
            f"it does not take what the card's steps give, {tuple(examples.shape)}:"
            f" {_short(error)}"
        ) from error
    said.step("writing it as ONNX")
    graph = _export(script, examples)
    return _finish(
        source,
        "torchscript",
        card=card,
        graph=graph,
        examples=examples,
        before=before,
        said=said,
    )


def _export(script: torch.jit.ScriptModule, examples: torch.Tensor) -> bytes:
    target = Path(tempfile.mkdtemp()) / "model.onnx"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                script,
                (examples[:1],),
                str(target),
                dynamo=False,
                opset_version=_OPSET,
                input_names=["image"],
                output_names=["output"],
                dynamic_axes={"image": {0: "n"}, "output": {0: "n"}},
            )
    except Exception as error:
        # The exporter has dozens of errors of its own.
        raise RefusedError(
            f"it can not be written as ONNX: {type(error).__name__}: {_short(error)}"
        ) from error
    return target.read_bytes()


def _examples(card: Mapping[str, Any]) -> torch.Tensor:
    """Return made-up inputs of the kind that the card's steps give."""
    if card.get("input", {}).get("kind", "film") == "volume":
        window = card.get("segmentation", {}).get("window")
        if not window:
            raise RefusedError("a model of volumes needs “segmentation.window”")
        made = torch.Generator().manual_seed(1)
        channels = max(1, len(card["input"].get("roles", [])))
        return torch.rand((1, channels, *(int(n) for n in window)), generator=made)
    steps = card.get("preprocessing")
    if not isinstance(steps, list) or not steps:
        raise RefusedError(
            "how images are prepared is not in the file: give “preprocessing” with"
            " --card, in declared steps (docs/model-packages.md)"
        )
    return example_films([dict(step) for step in steps])


def _output(card: Mapping[str, Any]) -> str:
    return str(card.get("architecture", {}).get("params", {}).get("output", ""))


def _run_onnx(session: OnnxSession, examples: torch.Tensor, name: str) -> torch.Tensor:
    if name not in session.output_names:
        raise RefusedError(
            f"it has no output “{name}”, but {', '.join(session.output_names)}"
        )
    try:
        return session.run(examples, [name])[0]
    except Exception as error:
        # ONNX Runtime's own errors have no common class of their own.
        raise RefusedError(
            f"it does not take what the card's steps give, {tuple(examples.shape)}"
            f" ({session.input_shape} is wanted): {_short(error)}"
        ) from error


def _finish(
    source: Path,
    kind: str,
    *,
    card: Mapping[str, Any],
    graph: bytes,
    examples: torch.Tensor,
    before: torch.Tensor,
    said: Said,
) -> Made:
    """Return the package, after its outputs were compared with the source's."""
    vector = _vector(graph, card=card, examples=examples, before=before, said=said)
    own = {"architecture": _architecture(card, before, vector)}
    full = merge(own, card)
    weights = graph if vector is None else vector.graph
    record = source_record(source, kind=kind)
    said.step("loading the package")
    _, trial = build_package(finish_card(full), weights_name=ONNX_NAME, weights=weights)
    said.step("comparing outputs before and after")
    figures = [_compare(trial, examples, before)]
    if vector is not None:
        figures.append(vector.compared)
    full["provenance"] = {**record, "compared": figures}
    files, _ = build_package(finish_card(full), weights_name=ONNX_NAME, weights=weights)
    return files, full["provenance"]


def _vector(
    graph: bytes,
    *,
    card: Mapping[str, Any],
    examples: torch.Tensor,
    before: torch.Tensor,
    said: Said,
) -> Vector | None:
    """Find the vector of a classifier of films; none where the card says ''."""
    params = card.get("architecture", {}).get("params", {})
    named = params.get("embedding")
    if card.get("input", {}).get("kind", "film") == "volume" or named == "":
        return None
    said.step("looking for the vector that it decides by")
    vector = add_vector(
        graph,
        output=_output(card) or OnnxSession(graph).output_names[0],
        examples=examples,
        before=before,
        named=str(named or ""),
    )
    said.step(
        "it has none: inputs are not compared with those that it was made with"
        if vector is None
        else f"a vector of {vector.length} numbers, “{vector.name}”"
    )
    return vector


def _architecture(
    card: Mapping[str, Any], before: torch.Tensor, vector: Vector | None
) -> dict[str, Any]:
    width = int(before.shape[1]) if before.ndim > 1 else 1
    if card.get("input", {}).get("kind", "film") == "volume":
        return {"name": "onnx_volume", "params": {"n_outputs": width}}
    labels = card.get("labels", [])
    columns = [
        int(row.get("output", index))
        for index, row in enumerate(labels)
        if isinstance(row, Mapping)
    ]
    if any(not 0 <= column < width for column in columns):
        raise RefusedError(
            f"it has {width} outputs and the card {len(columns)} labels: say which"
            " output each label is (“output”, from 0)"
        )
    if "output" not in str(labels) and len(columns) != width:
        raise RefusedError(
            f"it has {width} outputs and the card {len(columns)} labels: say which"
            " output each label is (“output”, from 0)"
        )
    params: dict[str, Any] = {"columns": columns, "activation": "logits"}
    if vector is not None:
        params["embedding"] = vector.name
    return {"name": "onnx_film", "params": params}


def _compare(
    package: ModelPackage, examples: torch.Tensor, before: torch.Tensor
) -> dict[str, Any]:
    module = package.module
    params = package.card["architecture"]["params"]
    if isinstance(module, OnnxFilm):
        odds = to_odds(before.flatten(1), activation=params["activation"])
        return compare(
            odds[:, params["columns"]], module(examples), what="the labels' logits"
        )
    with torch.no_grad():
        return compare(before, module(examples), what="the voxels' outputs")


def _first(found: Any) -> torch.Tensor:
    if isinstance(found, (tuple, list)) and found:
        found = found[0]
    if not isinstance(found, torch.Tensor):
        raise RefusedError("what it gives is no tensor")
    return found.float()


def _short(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1][:300] if lines else "no reason given"

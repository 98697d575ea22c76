"""The vector by which a graph decides: what its last linear layer is given.

A classifier's last layer is a matrix times a vector; that vector is what the embedding
test of the input gate and the search for similar cases work with. It is found by going
back from the output, becomes an output of its own, and is checked: the rest of the
graph, run on the vector alone, has to say what the source said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import onnx
import torch
from onnx.utils import Extractor

from workers.importing.assemble import compare
from workers.importing.said import RefusedError
from workers.models.onnx_net import OnnxSession

MOST_NUMBERS: Final = 8192
"""Longest vector that is kept: a distribution of it is a matrix of its square."""
_LINEAR: Final = frozenset({"Gemm", "MatMul"})
_AFTER: Final = frozenset(
    {
        *("Add", "Sub", "Mul", "Div", "Neg", "Clip", "Identity", "Dropout", "Cast"),
        *("Sigmoid", "HardSigmoid", "Softmax", "LogSoftmax"),
        *("Reshape", "Flatten", "Squeeze", "Unsqueeze"),
    }
)
"""What may stand between the last linear layer and the output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vector:
    """A graph that gives the vector behind its output, too.

    Attributes:
        name: Of the vector among its outputs.
        length: Numbers of it.
        graph: The graph.
        compared: How far what follows from the vector alone is from what the source
            gave.
    """

    name: str
    length: int
    graph: bytes
    compared: dict[str, Any]


def add_vector(
    graph: bytes,
    *,
    output: str,
    examples: torch.Tensor,
    before: torch.Tensor,
    named: str = "",
) -> Vector | None:
    """Return a graph with its vector as an output; None where it has none.

    Args:
        graph: A graph that `read_onnx` lets through.
        output: The output whose vector is wanted.
        examples: Inputs of it, [n, C, H, W].
        before: What the source gave for them, at `output`.
        named: What the card calls the vector; sought when empty.

    Raises:
        RefusedError: The card names a vector that is none of the output.
    """
    model = onnx.load_model_from_string(graph)
    name = named or last_linear(model.graph, output=output)
    if not name:
        return None
    try:
        return _checked(model, name, output=output, examples=examples, before=before)
    except Exception as error:
        # ONNX and ONNX Runtime have dozens of errors; all say: it is no such vector.
        if not named:
            return None
        raise RefusedError(
            f"“{named}” is no vector that it decides by: {error}"
        ) from error


def last_linear(graph: onnx.GraphProto, *, output: str) -> str:
    """Return the name of what the last linear layer before an output is given.

    '' where something else than a linear layer decides, where the layer's matrix is no
    constant, or where it is given the image itself.
    """
    made = {name: node for node in graph.node for name in node.output if name}
    fixed = {one.name for one in graph.initializer} | {
        name for name, node in made.items() if node.op_type == "Constant"
    }
    pixels = {one.name for one in graph.input} - fixed
    at = output
    while (node := made.get(at)) is not None:
        moving = [name for name in node.input if name and name not in fixed]
        if len(moving) != 1:
            return ""
        if node.op_type in _LINEAR:
            is_given = node.input[0] == moving[0] and not _is_turned(node)
            return moving[0] if is_given and moving[0] not in pixels else ""
        if node.op_type not in _AFTER:
            return ""
        at = moving[0]
    return ""


def _is_turned(node: onnx.NodeProto) -> bool:
    """Whether a Gemm takes its input the other way round."""
    return any(one.name == "transA" and one.i for one in node.attribute)


def _checked(
    model: onnx.ModelProto,
    name: str,
    *,
    output: str,
    examples: torch.Tensor,
    before: torch.Tensor,
) -> Vector:
    if name not in {one.name for one in model.graph.output}:
        kind = _element_types(model).get(name, onnx.TensorProto.FLOAT)
        model.graph.output.append(onnx.helper.make_tensor_value_info(name, kind, None))
    content = model.SerializeToString(deterministic=True)
    (found,) = OnnxSession(content).run(examples, [name])
    flat = found.flatten(1)
    n_numbers = flat.shape[1]
    if len(flat) != len(examples) or not 1 < n_numbers <= MOST_NUMBERS:
        raise ValueError(
            f"it has {n_numbers} numbers for each of {len(flat)} images; 2 to"
            f" {MOST_NUMBERS} for each of {len(examples)} are taken"
        )
    tail = Extractor(model).extract_model([name], [output])
    rest = OnnxSession(tail.SerializeToString())
    after = torch.cat([rest.run(one[None], [output])[0] for one in found])
    return Vector(
        name=name,
        length=n_numbers,
        graph=content,
        compared=compare(
            before.flatten(1),
            after.flatten(1),
            what=f"outputs of the source and by the vector “{name}” alone",
        ),
    )


def _element_types(model: onnx.ModelProto) -> Mapping[str, int]:
    inferred = onnx.shape_inference.infer_shapes(model)
    return {
        one.name: one.type.tensor_type.elem_type for one in inferred.graph.value_info
    }

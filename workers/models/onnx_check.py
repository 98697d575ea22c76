"""What an ONNX file may hold before anything runs it: standard operators."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import onnx
from google.protobuf.message import DecodeError

ALLOWED_DOMAINS: Final = frozenset({"", "ai.onnx", "ai.onnx.ml"})
_MOST_NODES: Final = 100_000


class OnnxRefusedError(ValueError):
    """An ONNX file that is not run; the text says why."""


def read_onnx(content: bytes) -> onnx.ModelProto:
    """Return a graph that holds nothing but standard operators and its own weights.

    Refused are: weights in files beside it (their paths may lead anywhere), operators
    of others (they would need others' code), functions, and training parts.

    Raises:
        OnnxRefusedError: It holds something else, or is damaged.
    """
    try:
        model = onnx.load_model_from_string(content)
    except DecodeError as error:
        raise OnnxRefusedError("it is no ONNX file") from error
    if not model.graph.node or not model.opset_import:
        raise OnnxRefusedError("it is no ONNX file with a graph")
    foreign = {o.domain for o in model.opset_import} - ALLOWED_DOMAINS
    if foreign:
        raise OnnxRefusedError(f"it needs operators of {', '.join(sorted(foreign))}")
    if model.functions or model.training_info:
        raise OnnxRefusedError("it has functions or training parts of its own")
    count = 0
    for graph in _graphs(model.graph):
        count += len(graph.node)
        _check_graph(graph)
    if count > _MOST_NODES:
        raise OnnxRefusedError(f"it has {count} operators; at most {_MOST_NODES}")
    return model


def _check_graph(graph: onnx.GraphProto) -> None:
    for node in graph.node:
        if node.domain not in ALLOWED_DOMAINS:
            raise OnnxRefusedError(
                f"it needs the operator {node.domain}.{node.op_type}"
            )
    for tensor in _tensors(graph):
        if tensor.external_data or tensor.data_location == onnx.TensorProto.EXTERNAL:
            raise OnnxRefusedError("its weights lie in another file")


def _graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """Yield a graph and all graphs within its operators."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _graphs(attribute.g)
            for inner in attribute.graphs:
                yield from _graphs(inner)


def _tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors
            if attribute.HasField("sparse_tensor"):
                yield from (
                    attribute.sparse_tensor.values,
                    attribute.sparse_tensor.indices,
                )

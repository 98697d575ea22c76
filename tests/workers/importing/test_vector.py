"""The vector behind a graph's output is found, checked, and measured against others."""

from __future__ import annotations

import copy

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from tests.workers.importing.makers import FILM_CARD, make_onnx
from workers.importing.graphs import import_onnx
from workers.importing.said import RefusedError, Said
from workers.importing.vector import add_vector, last_linear
from workers.model_files import (
    SPACE_NAME,
    PackageError,
    hash_files,
    read_files,
    zip_files,
)
from workers.models.package import load_package
from workers.training.dataset import DatasetError
from workers.training.input_space import main as fit

MADE = np.random.default_rng(8)
WEIGHTS = MADE.normal(size=(5, 3)).astype(np.float32)
BIAS = MADE.normal(size=3).astype(np.float32)


def graph(*nodes, weights=WEIGHTS, kind=TensorProto.FLOAT):
    """Return a graph whose image is pooled to five numbers, then as `nodes` say."""
    pool = [
        helper.make_node("AveragePool", ["x"], ["map"], kernel_shape=[2, 2]),
        helper.make_node("Relu", ["map"], ["maps"]),
        helper.make_node("GlobalAveragePool", ["maps"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["v"]),
    ]
    made = helper.make_graph(
        [*pool, *nodes],
        "made",
        [helper.make_tensor_value_info("x", kind, ["n", 5, 4, 4])],
        [helper.make_tensor_value_info("y", kind, None)],
        [
            numpy_helper.from_array(weights, "w"),
            numpy_helper.from_array(BIAS, "b"),
            numpy_helper.from_array(np.array([1, -1]), "shape"),
        ],
    )
    return helper.make_model(
        made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    )


def node(kind, given, made, **more):
    return helper.make_node(kind, given, [made], **more)


GEMM = graph(node("Gemm", ["v", "w", "b"], "y"))
IMAGES = torch.rand((4, 5, 4, 4), generator=torch.Generator().manual_seed(6))
POOLED = (
    torch.nn.functional.avg_pool2d(IMAGES, 2, stride=1).relu().mean(dim=(2, 3)).numpy()
)


def test_the_last_matrix_is_given_the_vector():
    behind = graph(
        node("MatMul", ["v", "w"], "wv"),
        node("Add", ["b", "wv"], "odds"),
        node("Softmax", ["odds"], "shares"),
        node("Identity", ["shares"], "y"),
    )
    for model in (GEMM, behind):
        assert last_linear(model.graph, output="y") == "v"


@pytest.mark.parametrize(
    "nodes",
    [
        [node("Gemm", ["w", "v"], "y", transA=1, transB=1)],
        [node("MatMul", ["v", "w"], "a"), node("Mul", ["a", "a"], "y")],
        [node("ReduceMax", ["v"], "y", axes=[1])],
        [node("Concat", ["v", "v"], "y", axis=1)],
        [
            node("MatMul", ["v", "w"], "a"),
            node("ReduceSum", ["v"], "s"),
            node("Add", ["a", "s"], "y"),
        ],
    ],
    ids=["turned", "squared", "no-matrix", "two", "two-ways"],
)
def test_where_something_else_decides_there_is_none(nodes):
    assert last_linear(graph(*nodes).graph, output="y") == ""


def test_a_matrix_on_the_image_itself_is_no_vector():
    made = helper.make_graph(
        [node("MatMul", ["x", "w"], "y")],
        "made",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 5])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(WEIGHTS, "w")],
    )
    assert last_linear(made, output="y") == ""


def vector_of(model, before, **more):
    return add_vector(
        model.SerializeToString(),
        output="y",
        examples=IMAGES,
        before=torch.from_numpy(before),
        **more,
    )


def test_it_becomes_an_output_and_says_what_the_source_said():
    found = vector_of(GEMM, POOLED @ WEIGHTS + BIAS)
    assert (found.name, found.length) == ("v", 5)
    assert found.compared["largest_difference"] < 1e-5
    outputs = onnx.load_model_from_string(found.graph).graph.output
    assert [one.name for one in outputs] == ["y", "v"]


def test_a_vector_that_does_not_decide_is_not_taken():
    other = POOLED @ WEIGHTS + BIAS + 1.0
    assert vector_of(GEMM, other) is None
    with pytest.raises(RefusedError, match="no vector that it decides by"):
        vector_of(GEMM, other, named="v")
    with pytest.raises(RefusedError, match="“nowhere” is no vector"):
        vector_of(GEMM, POOLED @ WEIGHTS + BIAS, named="nowhere")


@pytest.fixture
def imported(tmp_path):
    source = make_onnx(tmp_path / "m.onnx")
    return lambda **card: import_onnx(
        source, card=copy.deepcopy(FILM_CARD) | card, said=Said(tell=lambda _: None)
    )[0]


def test_a_card_may_say_that_there_is_none(imported):
    params = {"embedding": ""}
    files = imported(architecture={"params": params})
    package = load_package(zip_files(files))
    assert not package.film_module.has_vector
    assert package.film_module.judge(torch.rand(1, 1, 64, 48))[1] is None


def films(folder, *, n, low, high, seed):
    made = np.random.default_rng(seed)
    for kind in ("normal", "ill"):
        for patient in range(n):
            place = folder / kind / f"p{patient}"
            place.mkdir(parents=True)
            grey = made.uniform(low, high, (70, 50))
            grey[20:40] += 40 * (kind == "ill")
            Image.fromarray(grey.clip(0, 255).astype(np.uint8)).save(place / "a.png")
    return folder


def test_an_imported_graph_learns_where_its_inputs_lie(imported, tmp_path):
    own = tmp_path / "package"
    own.mkdir()
    for name, content in imported().items():
        (own / name).write_bytes(content)
    pictures = films(tmp_path / "films", n=120, low=60, high=140, seed=1)
    out = tmp_path / "out"
    arguments = ["--package", str(own), "--films", str(pictures)]
    assert fit([*arguments, "--version", "2", "--out", str(out)]) == 0
    files = read_files(out)
    assert set(files) == {"card.json", "model.onnx", SPACE_NAME}
    assert files["model.onnx"] == read_files(own)["model.onnx"]
    package = load_package(zip_files(files), expected=hash_files(files))
    said = package.card["input_space"]
    assert package.card["version"] == "2"
    assert said["fitted_on"] == "180 training films, a class each for ill, normal"
    assert said["held_out_outside"]["n"] == 36
    space = package.input_space
    assert len(space.reference) == 24
    grey = np.random.default_rng(2).uniform(60, 140, (70, 50)).astype(np.float32)
    stripes = np.tile(np.array([0.0, 255.0], dtype=np.float32), (70, 25))
    near, far = (
        space.distance(
            package.film_module.judge(package.prepare(one).tensor[None])[1].numpy()
        )[0]
        for one in (grey, stripes)
    )
    assert near <= space.threshold < far


def test_a_space_of_another_package_is_refused(imported, tmp_path):
    files = imported()
    with pytest.raises(PackageError, match="input space"):
        load_package(zip_files(files | {SPACE_NAME: b"nothing"}))
    with pytest.raises(PackageError, match="must hold"):
        load_package(zip_files(files | {"more.bin": b"nothing"}))


def test_too_few_films_are_refused(imported, tmp_path):
    own = tmp_path / "package"
    own.mkdir()
    for name, content in imported().items():
        (own / name).write_bytes(content)
    few = films(tmp_path / "films", n=30, low=60, high=140, seed=1)
    with pytest.raises(DatasetError, match="are left for validation"):
        fit(["--package", str(own), "--films", str(few)])

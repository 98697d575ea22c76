"""What runs models tells nobody outside: ONNX Runtime's own reports are off."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
RUNS_A_GRAPH = """
import os, sys
import numpy as np
from workers.models import onnx_net  # as the workers import it
import onnx, onnxruntime
from onnx import TensorProto, helper

value = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1]) for n in "xy"]
node = helper.make_node("Identity", ["x"], ["y"])
graph = helper.make_graph([node], "g", value[:1], value[1:])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
model.ir_version = 8
session = onnxruntime.InferenceSession(model.SerializeToString())
assert session.run(None, {"x": np.ones(1, np.float32)})[0] == 1
print(os.environ["ORT_DISABLE_TELEMETRY"], len(os.listdir("/proc/self/task")))
"""


def test_onnx_runtime_has_no_uploader_and_no_identifier_of_this_machine(tmp_path):
    """Neither is made when it is told so before it starts."""
    own = {
        "HOME": str(tmp_path),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", RUNS_A_GRAPH],
        env=own,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[0] == "1"
    made = [p for p in tmp_path.rglob("*") if "onnx" in str(p).lower()]
    assert made == []


def test_everything_that_imports_it_belongs_to_the_workers():
    """So that the switch is thrown first, whoever comes by."""
    outside = [
        path.relative_to(ROOT)
        for folder in ("apps", "portal", "deploy")
        for path in (ROOT / folder).rglob("*.py")
        if "import onnxruntime" in path.read_text("utf-8")
    ]
    assert outside == []

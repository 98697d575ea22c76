"""Which engine runs the paediatric model best on this processor, by measurement.

`python -m tests.benchmarks.inferring.engines [--only NAME …]`: milliseconds of
processor an image with one thread (what load on the machine blurs least; with one
thread it is the time on a quiet machine), for one and for eight images at a time, and
the largest difference of a probability from the plain network's on real films.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
import time
from collections.abc import Callable
from copy import deepcopy
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import onnxruntime
import pydicom
import torch
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    quantize_dynamic,
    quantize_static,
)
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from tests.benchmarks.inferring.department import films
from tests.benchmarks.inferring.plain import PACKAGE
from workers.models.package import ModelPackage, load_package
from workers.packs.rendering import render_frame

N_FILMS = 32
SIZES = (1, 8)
Network = Callable[[torch.Tensor], torch.Tensor]


class _Whole(nn.Module):
    """What the worker needs of a batch: logits, and the last map for the reasons."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        features = self.module.features(images)
        return self.module.classify(features), features


def _eager(module: nn.Module) -> Network:
    return lambda images: _Whole(module)(images)[0]


def _channels_last(module: nn.Module) -> Network:
    placed = deepcopy(module).to(memory_format=torch.channels_last)
    return lambda images: _Whole(placed)(images.to(memory_format=torch.channels_last))[
        0
    ]


def fold(module: nn.Module) -> nn.Module:
    """Return a network with each normalisation folded into its convolution."""
    folded = deepcopy(module).eval()
    for part in list(folded.modules()):
        children = list(part.named_children())
        for (name, first), (after, second) in pairwise(children):
            if isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d):
                setattr(part, name, fuse_conv_bn_eval(first, second))
                setattr(part, after, nn.Identity())
    return folded


def _folded(module: nn.Module) -> Network:
    return _channels_last(fold(module))


def _compiled(module: nn.Module) -> Network:
    placed = deepcopy(module).to(memory_format=torch.channels_last)
    run = torch.compile(_Whole(placed), dynamic=False)
    return lambda images: run(images.to(memory_format=torch.channels_last))[0]


def _onnx(module: nn.Module) -> bytes:
    target = io.BytesIO()
    torch.onnx.export(
        _Whole(module),
        (torch.zeros(2, 1, 160, 160),),
        target,
        input_names=["images"],
        output_names=["logits", "features"],
        dynamic_axes={"images": {0: "n"}, "logits": {0: "n"}, "features": {0: "n"}},
        opset_version=18,
        dynamo=False,
    )
    return target.getvalue()


def _session(content: bytes) -> Network:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        content, options, providers=["CPUExecutionProvider"]
    )

    def run(images: torch.Tensor) -> torch.Tensor:
        found = session.run(["logits", "features"], {"images": images.numpy()})
        return torch.from_numpy(found[0])

    return run


def _runtime(module: nn.Module) -> Network:
    return _session(_onnx(module))


def _bfloat16(module: nn.Module) -> Network:
    """Convolutions in 16 bits, as a GPU runs them in half precision."""
    run = _channels_last(module)

    def half(images: torch.Tensor) -> torch.Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return run(images).float()

    return half


class _Examples(CalibrationDataReader):
    """Films that a quantisation takes its ranges from, one after the other."""

    def __init__(self, images: torch.Tensor) -> None:
        self._left = iter(images.split(1))

    def get_next(self) -> dict[str, np.ndarray] | None:
        one = next(self._left, None)
        return None if one is None else {"images": one.numpy()}


def _runtime_int8_static(module: nn.Module) -> Network:
    """Convolutions in 8 bits, a scale a channel; ranges from 64 other films."""
    with tempfile.TemporaryDirectory() as name:
        whole, small = Path(name) / "whole.onnx", Path(name) / "small.onnx"
        whole.write_bytes(_onnx(module))
        quantize_static(
            whole,
            small,
            _Examples(_films(load_package(PACKAGE), skip=N_FILMS, n=64)),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            op_types_to_quantize=["Conv"],
        )
        return _session(small.read_bytes())


def _runtime_int8(module: nn.Module) -> Network:
    with tempfile.TemporaryDirectory() as name:
        whole, small = Path(name) / "whole.onnx", Path(name) / "small.onnx"
        whole.write_bytes(_onnx(module))
        quantize_dynamic(whole, small)
        return _session(small.read_bytes())


ENGINES: dict[str, Callable[[nn.Module], Network]] = {
    "eager": _eager,
    "eager, channels last": _channels_last,
    "eager, channels last, normalisation folded": _folded,
    "ONNX Runtime": _runtime,
    "ONNX Runtime, int8 dynamic": _runtime_int8,
    "ONNX Runtime, int8 static": _runtime_int8_static,
    "bfloat16, channels last": _bfloat16,
    "torch.compile": _compiled,
}


def _films(package: ModelPackage, *, skip: int = 0, n: int = N_FILMS) -> torch.Tensor:
    ready = []
    for sent in islice(films("ENGINE", skip=skip), n):
        dataset = pydicom.dcmread(io.BytesIO(sent.film))
        ready.append(package.prepare(render_frame(dataset, frame=1).values).tensor)
    return torch.stack(ready)


def _milliseconds(run: Network, images: torch.Tensor, size: int) -> float:
    run(images[:size])
    began = time.process_time()
    for at in range(0, len(images), size):
        run(images[at : at + size])
    return 1000 * (time.process_time() - began) / len(images)


@torch.no_grad()
def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", nargs="*", default=list(ENGINES))
    torch.set_num_threads(1)
    package = load_package(PACKAGE)
    images = _films(package)
    module = package.film_module.eval()
    plain = package.calibrate(_eager(module)(images)).numpy()
    for name in parser.parse_args().only:
        began = time.process_time()
        run = ENGINES[name](module)
        times = [_milliseconds(run, images, size) for size in SIZES]
        said = torch.cat([run(images[at : at + 8]) for at in range(0, N_FILMS, 8)])
        differs = float(np.abs(package.calibrate(said).numpy() - plain).max())
        sys.stdout.write(
            f"{name:45} {times[0]:7.1f} {times[1]:7.1f} ms  {differs:.1e}"
            f"  {time.process_time() - began:6.1f} s in all\n"
        )
        sys.stdout.flush()


if __name__ == "__main__":
    main()

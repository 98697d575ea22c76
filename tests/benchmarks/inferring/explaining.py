"""How fast a film is occluded: the worker's way against MONAI's and plain loops.

`python -m tests.benchmarks.inferring.explaining [--films N] [--json FILE]`: maps of all
labels of real films, in the same process and in alternation, with the same patch,
stride and filling. *Ours* is what the models' process does: the imported graph, through
the engine. Beside it MONAI's `OcclusionSensitivity` over the network in torch, and
ONNX Runtime in a plain loop over the covered films, one by one and by eight; these
loops have as many threads, and none that spins. Milliseconds of processor a map are
what counts (what else runs on the machine blurs those least), seconds are beside them.
It ends with 1 where a map differs by more than `TOLERANCE` of its largest value.
"""

from __future__ import annotations

import argparse
import io
import itertools
import json
import math
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np
import onnxruntime
import pydicom
import torch
from monai.visualize import OcclusionSensitivity
from numpy.typing import NDArray
from torch import Tensor, nn

from tests.benchmarks.inferring.densenet import AGE, N_OUTPUTS, card, weights
from tests.benchmarks.inferring.department import films
from tests.benchmarks.inferring.plain import PACKAGE
from tests.fakes.portal import PUBLIC_KEY
from workers.contracts import PRIORITY_MAX
from workers.importing.graphs import import_torchscript
from workers.importing.said import Said
from workers.importing.xrv import STEPS
from workers.inference.answering import make_workplace
from workers.inference.films import LEAST_FALL, occlude
from workers.inference.workplace import Ask, Workplace
from workers.model_files import ONNX_NAME, zip_files
from workers.models.package import ModelPackage, load_package
from workers.models.xrv_densenet import XrvDenseNet
from workers.packs.rendering import render_frame
from workers.saliency_card import MEAN_IMAGE, Occlusion
from workers.settings import read_settings
from workers.supervisor import QUIET_THREADS

Maps = NDArray[np.float32]
SALIENCY: Final = {"method": "occlusion", "patch": 32, "stride": 16}
"""What docs/model-packages.md shows as an example of a card."""
BATCH: Final = 8
TOLERANCE: Final = 1e-3
"""Of a map's largest value: a fall is the small difference of two answers, and both
engines compute in 32 bits."""
OURS: Final = "ours"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A network in the forms in which it is asked.

    Attributes:
        name: For the table.
        module: It in torch.
        package: As the product imported it.
        graph: What ONNX Runtime loads.
        how: What the package's card says of occlusion.
    """

    name: str
    module: nn.Module
    package: ModelPackage
    graph: bytes
    how: Occlusion


def make_subject(name: str, module: nn.Module, given: dict[str, Any]) -> Subject:
    """Import a network by the product, from TorchScript, with occlusion on its card."""
    example = torch.zeros(2, 1, *(_side(given["preprocessing"]),) * 2)
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        source = Path(folder) / "network.pt"
        torch.jit.trace(module, example).save(str(source))
        said = Said(tell=lambda words: None)
        made, _ = import_torchscript(
            source, card=given | {"saliency": SALIENCY}, said=said
        )
    package = load_package(zip_files(made))
    how = package.parsed.saliency
    if how is None:
        raise RuntimeError("the imported card has lost what it said of occlusion")
    return Subject(
        name=name, module=module, package=package, graph=made[ONNX_NAME], how=how
    )


def _side(steps: list[dict[str, Any]]) -> int:
    return next(int(step["height"]) for step in steps if "height" in step)


def densenet() -> Subject:
    """Return torchxrayvision's DenseNet-121 with random weights."""
    module = XrvDenseNet(n_outputs=N_OUTPUTS)
    module.load_state_dict(
        {
            name.replace("features.", "features_net.", 1): value
            for name, value in weights().items()
        }
    )
    steps = [dict(step) for step in STEPS]
    given = card("1") | {"preprocessing": steps}
    return make_subject("DenseNet-121", module.eval(), given)


def paediatric() -> Subject:
    """Return the shipped network for films of children."""
    package = load_package(PACKAGE)
    kept = {
        name: value
        for name, value in package.card.items()
        if name not in ("architecture", "input_space")
    }
    return make_subject("paediatric", package.film_module.eval(), kept)


def places(side: int, *, patch: int, stride: int) -> list[int]:
    """Return where a patch begins: every stride, and at the edge."""
    return sorted({*range(0, side - patch, stride), side - patch})


Network = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def occlude_plainly(
    network: Network, film: NDArray[np.float32], *, how: Occlusion, batch: int
) -> Maps:
    """Return the fall of each output, [outputs, H, W], averaged over a pixel's patches.

    Args:
        network: Gives [N, outputs] of [N, channels, H, W].
        film: [channels, H, W].
        how: Patch, stride and filling.
        batch: Covered films at a time.
    """
    rows, columns = (
        places(n, patch=how.patch, stride=how.stride) for n in film.shape[1:]
    )
    grey = film.mean() if how.fill == MEAN_IMAGE else how.fill
    whole = network(film[None])[0]
    total = np.zeros((len(whole), *film.shape[1:]), dtype=np.float32)
    times = np.zeros(film.shape[1:], dtype=np.float32)
    corners = itertools.product(rows, columns)
    while some := list(islice(corners, batch)):
        squares = [
            (slice(row, row + how.patch), slice(column, column + how.patch))
            for row, column in some
        ]
        covered = np.repeat(film[None], len(some), axis=0)
        for one, square in zip(covered, squares, strict=True):
            one[:, *square] = grey
        for said, square in zip(network(covered), squares, strict=True):
            total[:, *square] += (whole - said)[:, None, None]
            times[square] += 1
    return total / times


def _monai(subject: Subject) -> Callable[[Tensor], Maps]:
    """Return MONAI's way with its own default of 16 films at a time."""
    how = subject.how
    ask = OcclusionSensitivity(
        subject.module,
        mask_size=how.patch,
        overlap=1 - how.stride / how.patch,
        mode="mean_img",
        activate=False,
        verbose=False,
    )

    warnings.filterwarnings("ignore", message="Using a non-tuple sequence")

    @torch.no_grad()
    def run(image: Tensor) -> Maps:
        whole = subject.module(image[None])[0]
        covered = torch.as_tensor(ask(image[None])[0])[0]
        return (whole[:, None, None] - covered).numpy()

    return run


def _loop(subject: Subject, *, batch: int, threads: int) -> Callable[[Tensor], Maps]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(
        subject.graph, options, providers=["CPUExecutionProvider"]
    )
    given, said = session.get_inputs()[0].name, [session.get_outputs()[0].name]

    def ask(images: NDArray[np.float32]) -> NDArray[np.float32]:
        found: NDArray[np.float32] = session.run(said, {given: images})[0]
        return found

    return lambda image: occlude_plainly(
        ask, image.numpy(), how=subject.how, batch=batch
    )


def _ours(subject: Subject, workplace: Workplace) -> Callable[[Tensor], Maps]:
    ask = Ask(priority=PRIORITY_MAX)
    return lambda image: occlude(
        subject.package,
        image,
        how=subject.how,
        workplace=workplace,
        ask=ask,
        until=float("inf"),
    )


def ways_of(
    subject: Subject, workplace: Workplace, *, threads: int
) -> dict[str, Callable[[Tensor], Maps]]:
    """Return each way to the maps of a prepared film, [1, H, W]."""
    return {
        OURS: _ours(subject, workplace),
        "MONAI over torch": _monai(subject),
        "ONNX Runtime, one by one": _loop(subject, batch=1, threads=threads),
        f"ONNX Runtime, by {BATCH}": _loop(subject, batch=BATCH, threads=threads),
    }


def difference(found: Maps, expected: Maps) -> float:
    """Return the largest difference of two stacks of maps, as shares of the largest.

    Of each label by itself, which is how a map is drawn. Where covering changes an
    answer by less than `LEAST_FALL` there is no map, and nothing is compared; infinity
    if that is so of every label.
    """
    largest = np.abs(expected).max(axis=(1, 2))
    there = largest >= LEAST_FALL
    if not there.any():
        return math.inf
    far = np.abs(found - expected).max(axis=(1, 2))
    return float((far[there] / largest[there]).max())


def _films(package: ModelPackage, n: int) -> list[Tensor]:
    ready = []
    for sent in islice(films("EXPLAIN", age=AGE), n):
        dataset = pydicom.dcmread(io.BytesIO(sent.film))
        ready.append(package.prepare(render_frame(dataset, frame=1).values).tensor)
    return ready


def measure(subject: Subject, workplace: Workplace, *, n: int) -> dict[str, Any]:
    """Return of each way ms of processor and s a map, and how far maps differ."""
    ways = ways_of(subject, workplace, threads=torch.get_num_threads())
    order = list(ways)
    warm, *images = _films(subject.package, n + 1)
    for way in ways.values():
        way(warm)
    used, took = defaultdict(list), defaultdict(list)
    differs: dict[str, float] = defaultdict(float)
    for number, image in enumerate(images):
        maps = {}
        for name in order[number % len(order) :] + order[: number % len(order)]:
            began, before = time.perf_counter(), time.process_time()
            maps[name] = ways[name](image)
            used[name].append(1000 * (time.process_time() - before))
            took[name].append(time.perf_counter() - began)
        for name in order[1:]:
            far = difference(maps[OURS], maps[name])
            differs[name] = max(differs[name], far)
    return {
        "network": subject.name,
        "places": len(
            places(
                images[0].shape[-1], patch=subject.how.patch, stride=subject.how.stride
            )
        )
        ** 2,
        "labels": len(maps[OURS]),
        "ways": {
            name: {
                "ms": median(used[name]),
                "s": median(took[name]),
                "ours_ms": median(
                    a / b for a, b in zip(used[OURS], used[name], strict=True)
                ),
                "ours_s": median(
                    a / b for a, b in zip(took[OURS], took[name], strict=True)
                ),
                "differs": differs[name],
            }
            for name in order
        },
    }


def _lines(found: dict[str, Any]) -> Iterator[str]:
    yield (
        f"{found['network']}, {found['places']} places of the patch,"
        f" {found['labels']} labels"
    )
    for name, way in found["ways"].items():
        beside = (
            ""
            if name == OURS
            else f"  ours ÷ it {way['ours_ms']:.2f} ({way['ours_s']:.2f} by the clock)"
            f"  differs {way['differs']:.1e}"
        )
        rate = found["places"] / way["s"]
        yield (
            f"  {name:25} {way['ms']:8.0f} ms of processor {way['s']:7.2f} s a film,"
            f" {rate:6.1f} covered films/s{beside}"
        )


@contextmanager
def _workplace() -> Iterator[Workplace]:
    with tempfile.TemporaryDirectory() as folder:
        settings = {
            **os.environ,
            "OVERREAD_STATE_DIR": folder,
            "OVERREAD_MODEL_KEY": PUBLIC_KEY,
        }
        made = make_workplace(read_settings(settings))
        try:
            yield made
        finally:
            made.engine.close()
            made.decoder.close()


def _measure_here(n: int, to: Path | None) -> int:
    """Measure and print; return 1 where maps differ."""
    with _workplace() as workplace:
        found = []
        for subject in (densenet(), paediatric()):
            found.append(measure(subject, workplace, n=n))
            sys.stdout.write("\n".join(_lines(found[-1])) + "\n")
            sys.stdout.flush()
    load = os.getloadavg()[1]
    threads = torch.get_num_threads()
    sys.stdout.write(f"{n} films each, {threads} threads, load {load:.1f}\n")
    if to:
        to.write_text(json.dumps({"load": load, "threads": threads, "found": found}))
    far = max(way["differs"] for one in found for way in one["ways"].values())
    if far > TOLERANCE:
        sys.stdout.write(f"maps differ by {far:.1e}; at most {TOLERANCE:.0e} may be\n")
        return 1
    return 0


def main() -> None:
    """Measure in a process with the environment of the models' process."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--films", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.films < 1:
        parser.error("--films must be at least 1")
    if given.here:
        sys.exit(_measure_here(given.films, given.json))
    again = [sys.executable, "-m", "tests.benchmarks.inferring.explaining"]
    done = subprocess.run(
        [*again, *sys.argv[1:], "--here"],
        env={**QUIET_THREADS, **os.environ},
        check=False,
    )
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()

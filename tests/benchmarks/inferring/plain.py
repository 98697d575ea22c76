"""What a plain script would do with the same pixels: torch in a loop, nothing else.

Run as a process of its own, so that its threads are its own:
`python -m tests.benchmarks.inferring.plain FOLDER --batch 8 --threads 2 [--package
PACKAGE]`. It prints films a second as JSON: `batched` and `one` from decoded pixels to
scores (declared preprocessing and the network), `batched_ms` and `one_ms` the
milliseconds of processor a film of the same, `network` and `network_one` the network
alone. Files are read and decoded before the clock starts. No gate, no saliency, no
vector, no record.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pydicom
import torch

from workers.models.package import SHIPPED, load_package
from workers.packs.rendering import render_frame

if TYPE_CHECKING:
    from collections.abc import Callable

    from workers.models.package import ModelPackage

PACKAGE = SHIPPED / "paediatric-pneumonia"


def _pixels(folder: Path) -> list[object]:
    return [
        render_frame(pydicom.dcmread(path), frame=1).values
        for path in sorted(folder.glob("*.dcm"))
    ]


def _score(package: ModelPackage, tensors: list[torch.Tensor], batch: int) -> None:
    for at in range(0, len(tensors), batch):
        logits = package.film_module(torch.stack(tensors[at : at + batch]))
        package.calibrate(logits).tolist()


def _rate(do: Callable[[], None], n: int, *, rounds: int) -> float:
    """Return films a second: of `rounds` the median."""
    seconds = []
    for _ in range(rounds):
        began = time.perf_counter()
        do()
        seconds.append(time.perf_counter() - began)
    return n / sorted(seconds)[len(seconds) // 2]


def _processor(do: Callable[[], None], n: int) -> float:
    """Return milliseconds of processor a film: what other load blurs least."""
    began = time.process_time()
    do()
    return 1000 * (time.process_time() - began) / n


@torch.inference_mode()
def measure(
    folder: Path, *, batch: int, rounds: int, source: Path = PACKAGE
) -> dict[str, float]:
    """Return films a second of each loop over the films of a folder."""
    package = load_package(source)
    pixels = _pixels(folder)
    ready = [package.prepare(image).tensor for image in pixels]

    def whole(size: int) -> None:
        for at in range(0, len(pixels), size):
            part = [package.prepare(p).tensor for p in pixels[at : at + size]]
            _score(package, part, size)

    for size in (batch, 1):  # kernels are chosen at the first call of a shape
        _score(package, ready[:size], size)
    n = len(pixels)
    return {
        "batched_ms": _processor(lambda: whole(batch), n),
        "one_ms": _processor(lambda: whole(1), n),
        "batched": _rate(lambda: whole(batch), n, rounds=rounds),
        "one": _rate(lambda: whole(1), n, rounds=rounds),
        "network": _rate(lambda: _score(package, ready, batch), n, rounds=rounds),
        "network_one": _rate(lambda: _score(package, ready, 1), n, rounds=rounds),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--package", type=Path, default=PACKAGE)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    found = measure(
        given.folder, batch=given.batch, rounds=given.rounds, source=given.package
    )
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()

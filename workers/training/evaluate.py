"""Measure a model package on labelled films of any size.

    python -m workers.training.evaluate --package DIR --images FOLDER_OR_ZIP

The films lie in NORMAL/ and PNEUMONIA/ folders (JPEG or PNG). Patients are
read from the names of the paediatric set where they fit; else a film counts as
its own patient, and the interval says nothing about repeats.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from workers.models.package import ModelPackage, load_package
from workers.training.dataset import (
    DatasetError,
    iterate_images,
    list_images,
    parse_film,
)
from workers.training.performance import Scored, measure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray


def truth_of(name: str) -> bool:
    """Return whether a path lies in a PNEUMONIA folder; NORMAL gives False."""
    folders = {part.upper() for part in name.split("/")[:-1]}
    if "PNEUMONIA" in folders:
        return True
    if "NORMAL" in folders:
        return False
    raise DatasetError(f"{name} lies neither in NORMAL nor in PNEUMONIA")


def patient_of(name: str) -> str:
    """Return the patient that a film's name states, or the name itself."""
    try:
        return parse_film(name).patient
    except DatasetError:
        return name


def prepared_batches(
    package: ModelPackage, images: Iterable[NDArray[Any]], *, batch_size: int = 32
) -> Iterator[torch.Tensor]:
    """Prepare displayed grey images of any sizes as the card says.

    Yields:
        The network's input, [N, C, height, width], N at most `batch_size`.
    """
    waiting: list[torch.Tensor] = []
    for image in images:
        waiting.append(package.prepare(image).tensor)
        if len(waiting) == batch_size:
            yield torch.stack(waiting)
            waiting.clear()
    if waiting:
        yield torch.stack(waiting)


@torch.inference_mode()
def score_images(
    package: ModelPackage,
    images: Iterable[NDArray[Any]],
    *,
    batch_size: int = 32,
) -> NDArray[np.float64]:
    """Return the raw logits, [n], of displayed grey images of any sizes."""
    found: list[float] = []
    for batch in prepared_batches(package, images, batch_size=batch_size):
        found.extend(package.module(batch)[:, 0].tolist())
    return np.array(found, dtype=np.float64)


def calibrated(
    package: ModelPackage, logits: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the card's calibrated probabilities, [n], of raw logits, [n]."""
    tensor = torch.from_numpy(logits)[:, None]
    found: NDArray[np.float64] = package.calibrate(tensor)[:, 0].double().numpy()
    return found


def evaluate(*, package: ModelPackage, source: Path) -> dict[str, Any]:
    """Score every film of a folder or zip and return the figures."""
    names = [
        name for name in list_images(source) if not Path(name).name.startswith(".")
    ]
    logits = score_images(
        package,
        (image for _, image in iterate_images(source=source, names=names)),
    )
    scored = Scored(
        truth=np.array([truth_of(name) for name in names]),
        probability=calibrated(package, logits),
        patient=[patient_of(name) for name in names],
    )
    threshold = float(package.card["labels"][0]["threshold"])
    return {
        "package_hash": package.package_hash,
        "model": f"{package.card['name']} {package.card['version']}",
        **measure(scored, threshold=threshold),
        "at_one_half": measure(scored, threshold=0.5, n_bootstraps=200),
    }


def _words(found: dict[str, Any]) -> list[str]:
    lines = [
        f"{found['model']} ({found['package_hash'][:12]})",
        f"n = {found['n_images']} images, {found['n_patients']} patients, "
        f"{found['n_positive_images']} positive; threshold {found['threshold']}",
        found["interval"],
    ]
    for name in ("auroc", "sensitivity", "specificity", "brier", "ece"):
        row = found[name]
        lines.append(
            f"{name:12} {row['value']:.4f} [{row['ci_low']:.4f}, {row['ci_high']:.4f}]"
        )
    half = found["at_one_half"]
    lines.append(
        f"at 0.5       sensitivity {half['sensitivity']['value']:.4f}, "
        f"specificity {half['specificity']['value']:.4f}"
    )
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--package", type=Path, required=True)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    found = evaluate(package=load_package(options.package), source=options.images)
    sys.stdout.write("\n".join(_words(found)) + "\n")
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

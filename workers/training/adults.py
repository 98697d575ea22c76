"""Show what the gate says when a model for children is given films of adults.

    python -m workers.training.adults --data DIR [--package DIR]

Each film is wrapped as DICOM and goes through the gate like any other: what its header
says against the card, and where its penultimate vector lies among the training films'.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.inference.pictures import load_pictures
from workers.measures.auroc import auroc
from workers.models.package import SHIPPED, ModelPackage, PackageError, load_package
from workers.packs.isolation import IsolatedDecoder
from workers.pixels.image import read_header
from workers.quality.declared import OUTSIDE
from workers.quality.gate import Quality, assess, check_space
from workers.quality.verdict import Check
from workers.training.chest14 import read_pixels, read_table, wrap
from workers.training.input_space import embed_images


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One film at the gate.

    Attributes:
        name: Of its picture.
        quality: By header and pixels.
        space: By its place among the training films.
    """

    name: str
    quality: Quality
    space: Check


def judge_folder(*, package: ModelPackage, data: Path) -> list[Judged]:
    """Return what the gate says of each film of a folder.

    Raises:
        PackageError: The package says nothing of where its inputs lie.
    """
    if package.input_space is None:
        raise PackageError("the package says nothing of where its inputs lie")
    found = []
    with IsolatedDecoder() as decoder:
        for film in read_table(data):
            content = wrap(read_pixels(data, film), film=film)
            header = read_header(content)
            (image,) = load_pictures(content, header=header, decoder=decoder)
            (vector,) = embed_images(package, [image.values])
            found.append(
                Judged(
                    name=film.name,
                    quality=assess(image, package.parsed.input),
                    space=check_space(
                        package.input_space,
                        float(package.input_space.distance(vector[None])[0]),
                    ),
                )
            )
    return found


def summarise(*, package: ModelPackage, judged: Sequence[Judged]) -> dict[str, Any]:
    """Return how many were turned away and why, and how far out they lie."""
    space = package.input_space
    if space is None:
        raise PackageError("the package says nothing of where its inputs lie")
    far: NDArray[np.float64] = np.array([one.space.value for one in judged])
    near = space.reference
    area = auroc(truth=[False] * len(near) + [True] * len(far), scores=[*near, *far])
    return {
        "model": f"{package.card['name']} {package.card['version']}",
        "n": len(judged),
        "accepted": sum(not _reasons(one) for one in judged),
        "outside_declared_population": sum(
            any(OUTSIDE in words for words in one.quality.reasons) for one in judged
        ),
        "outside_input_space": sum(one.space.is_failed for one in judged),
        "limit": space.threshold,
        "distance": {
            "least": round(float(far.min()), 1),
            "median": round(float(np.median(far)), 1),
            "most": round(float(far.max()), 1),
        },
        "own_kind": {
            "n": len(near),
            "median": round(float(np.median(near)), 1),
            "most": round(float(near.max()), 1),
        },
        "auroc_of_distance": [
            round(part, 4) for part in (area.value, area.low, area.high)
        ],
    }


def _reasons(one: Judged) -> tuple[str, ...]:
    further = (one.space.words,) if one.space.is_failed else ()
    return (*one.quality.reasons, *further)


def _words(found: dict[str, Any], judged: Sequence[Judged]) -> list[str]:
    lines = [f"{found['model']}: {found['n']} films"]
    lines += [
        f"  {one.name}: not analysed: {'; '.join(_reasons(one))}" for one in judged[:3]
    ]
    distance, own, area = (
        found["distance"],
        found["own_kind"],
        found["auroc_of_distance"],
    )
    return [
        *lines,
        f"outside the declared population: {found['outside_declared_population']}"
        f" of {found['n']}; accepted: {found['accepted']}",
        f"how far: median {distance['median']} spreads ({distance['least']} to"
        f" {distance['most']}); the model's own kind (n = {own['n']}): median"
        f" {own['median']}, most {own['most']}; limit {found['limit']:.1f}",
        f"beyond the limit: {found['outside_input_space']} of {found['n']}; the"
        f" distance tells both apart with AUROC {area[0]:.3f}"
        f" [{area[1]:.3f}, {area[2]:.3f}]",
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument(
        "--package", type=Path, default=SHIPPED / "paediatric-pneumonia"
    )
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    package = load_package(options.package)
    judged = judge_folder(package=package, data=options.data)
    found = summarise(package=package, judged=judged)
    sys.stdout.write("\n".join(_words(found, judged)) + "\n")
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

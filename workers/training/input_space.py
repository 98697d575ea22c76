"""Measure where a film model's training inputs lie, and put it into its package.

    python -m workers.training.input_space --package DIR --data ZIP
    python -m workers.training.input_space --package DIR --films FOLDER
        --version 1.1 --out DIR

The first is for the paediatric set, split as the model's card says. The second is for
any model of films that gives a vector, imported ones included: one folder a class
(`FOLDER/normal/….png`), each folder within it a patient. Means and covariance are of
the training films, the threshold is a quantile of the validation films' distances; the
held-out films say how many are then outside.

The package keeps its network, byte for byte; its card gains an input space, so its hash
changes: a model that is in use needs another version.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from workers.measures.proportion import wilson
from workers.model_files import read_files
from workers.models.input_space import (
    METHOD,
    InputSpace,
    fit_space,
    space_tensors,
)
from workers.models.onnx_net import OnnxFilm
from workers.models.package import (
    ModelPackage,
    PackageError,
    load_package,
    save_space,
)
from workers.training.dataset import (
    PARTS,
    SHARES,
    DatasetError,
    films_of,
    iterate_images,
    list_images,
    load_films,
    split_patients,
)
from workers.training.evaluate import prepared_batches

logger = logging.getLogger(__name__)

QUANTILE: Final = 0.99
LEAST: Final = 20
"""Fewest films of a part: below it a quantile of 99% says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The films of one part.

    Attributes:
        images: Displayed grey images of any size.
        kinds: Class of each, [n].
    """

    images: Iterable[NDArray[Any]]
    kinds: NDArray[Any]


@torch.no_grad()
def embed_images(
    package: ModelPackage, images: Iterable[NDArray[Any]]
) -> NDArray[np.float32]:
    """Return the penultimate vectors, [n, D], of displayed grey images of any size.

    Raises:
        PackageError: The network gives none.
    """
    network = package.film_module
    found = []
    for batch in prepared_batches(package, images):
        if isinstance(network, OnnxFilm):
            vectors = network.judge(batch)[1]
        else:
            vectors = network.embed(batch)
        if vectors is None:
            raise PackageError("the package's network gives no penultimate vectors")
        found.append(vectors.float())
    joined: NDArray[np.float32] = torch.cat(found).numpy()
    return joined


def paediatric_parts(*, data: Path, seed: int) -> dict[str, Chosen]:
    """Return the films of the paediatric set by part, split as its model was made.

    Args:
        data: The films, a zip or folder.
        seed: Of the split.
    """
    films, images = load_films(source=data)
    parts = split_patients(films=films, seed=seed)
    index = {film.name: row for row, film in enumerate(films)}
    chosen = {part: films_of(films=films, parts=parts, part=part) for part in PARTS}
    return {
        part: Chosen(
            images=(images[index[film.name]] for film in of),
            kinds=np.array([film.positive for film in of]),
        )
        for part, of in chosen.items()
    }


def folder_parts(*, source: Path, seed: int) -> dict[str, Chosen]:
    """Return the films of class folders by part.

    A patient's films stay together: all films of a folder within a class folder are of
    one patient, and a film that lies in the class folder itself is its own.

    Args:
        source: A zip or folder of class folders.
        seed: Of the split.

    Raises:
        DatasetError: A film lies in no class folder, or there are too few.
    """
    names = list_images(source)
    if flat := [name for name in names if "/" not in name]:
        raise DatasetError(f"{flat[0]} lies in no folder of a class")
    kinds = [name.split("/", 1)[0] for name in names]
    patients = [
        name if name.count("/") == 1 else "/".join(name.split("/")[:2])
        for name in names
    ]
    part_of: dict[str, str] = {}
    made = np.random.default_rng(seed)
    for kind in sorted(set(kinds)):
        mine = sorted({p for p, k in zip(patients, kinds, strict=True) if k == kind})
        bounds = np.cumsum([round(SHARES[part] * len(mine)) for part in PARTS[:-1]])
        order = made.permutation(len(mine))
        for place, number in enumerate(order):
            part = PARTS[int(np.searchsorted(bounds, place, side="right"))]
            part_of[mine[int(number)]] = part
    found = {}
    for part in PARTS:
        rows = [row for row, one in enumerate(patients) if part_of[one] == part]
        if len(rows) < LEAST:
            raise DatasetError(
                f"{len(rows)} films are left for {part}; {LEAST} are needed"
            )
        chosen = [names[row] for row in rows]
        found[part] = Chosen(
            images=(image for _, image in iterate_images(source=source, names=chosen)),
            kinds=np.array([kinds[row] for row in rows]),
        )
    return found


def measure_space(
    *, package: ModelPackage, parts: Mapping[str, Chosen], note: str = ""
) -> tuple[InputSpace, dict[str, Any]]:
    """Fit a package's input space on training films, and measure it on others.

    Args:
        package: The model.
        parts: Films of `train`, `validation` and `held_out`.
        note: What else the card says of it.

    Returns:
        The space, and what the card says of it.
    """
    vectors = {part: embed_images(package, parts[part].images) for part in PARTS}
    for part in PARTS:
        logger.info("%s: %d films", part, len(vectors[part]))
    classes = np.unique(parts["train"].kinds)
    means, whitening = fit_space(vectors["train"], parts["train"].kinds)
    space = InputSpace(
        means=means, whitening=whitening, threshold=np.inf, reference=np.zeros(0)
    )
    reference = np.sort(space.distance(vectors["validation"]))
    threshold = round(float(np.quantile(reference, QUANTILE)), 4)
    outside = space.distance(vectors["held_out"]) > threshold
    share = wilson(successes=int(outside.sum()), n=len(outside))
    said = {
        "method": METHOD,
        "sources": "Lee et al., NeurIPS 2018; Ledoit and Wolf, 2004; Mueller and"
        " Hein, ICML 2025",
        "fitted_on": f"{len(vectors['train'])} training films,"
        f" {_classes_in_words(classes)}",
        "threshold": threshold,
        "threshold_rule": f"{QUANTILE:.0%} of the {len(reference)} validation films"
        " lie nearer",
        "held_out_outside": {
            "n": len(outside),
            "value": round(float(outside.mean()), 4),
            "ci_low": round(share.low, 4),
            "ci_high": round(share.high, 4),
        },
        "command": "python -m workers.training.input_space",
    } | ({"note": note} if note else {})
    space = InputSpace(
        means=means, whitening=whitening, threshold=threshold, reference=reference
    )
    return space, said


PAEDIATRIC_NOTE: Final = (
    "that vectors are brought to length 1 was chosen among six forms with"
    " 85 adult films in sight: its figures on adults are not a blind test"
)


def _classes_in_words(classes: NDArray[Any]) -> str:
    if classes.dtype == bool:
        return "a class each for normal and pneumonia"
    return f"a class each for {', '.join(str(one) for one in classes)}"


def add_space(
    *,
    folder: Path,
    parts: Mapping[str, Chosen],
    note: str = "",
    out: Path | None = None,
    version: str = "",
) -> str:
    """Measure the input space of a package and return the new hash.

    Args:
        folder: Of the package.
        parts: Films of `train`, `validation` and `held_out`.
        note: What else the card says of it.
        out: Where the package goes; in its own place unless said.
        version: Of the new package; the same unless said.
    """
    package = load_package(folder)
    space, said = measure_space(package=package, parts=parts, note=note)
    card = package.card | {"input_space": said}
    if version:
        card["version"] = version
    save_space(
        out or folder,
        files=read_files(folder),
        card=card,
        space=space_tensors(space.means, space.whitening, space.reference),
    )
    logger.info("%s", said)
    return load_package(out or folder).package_hash


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--package", type=Path, required=True)
    films = parser.add_mutually_exclusive_group(required=True)
    films.add_argument("--data", type=Path, help="the paediatric set")
    films.add_argument("--films", type=Path, help="a folder or zip of class folders")
    parser.add_argument("--seed", type=int, default=0, help="of the split of --films")
    parser.add_argument("--version", default="", help="of the new package")
    parser.add_argument("--out", type=Path, help="where the new package goes")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    note = ""
    if options.films:
        parts = folder_parts(source=options.films, seed=options.seed)
    else:
        card = load_package(options.package).card
        seed = int(card["training_data"]["split_seed"])
        parts = paediatric_parts(data=options.data, seed=seed)
        note = PAEDIATRIC_NOTE
    found = add_space(
        folder=options.package,
        parts=parts,
        note=note,
        out=options.out,
        version=options.version,
    )
    logger.info("package %s", found)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""Measure where a film model's training inputs lie, and put it into its package.

    python -m workers.training.input_space --package DIR --data ZIP

The package keeps its network; its card and weights gain an input space, so its hash
changes. Means and covariance are of the training films, the threshold is a quantile of
the validation films' distances; the held-out films say how many are then outside.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from workers.measures.proportion import wilson
from workers.models.architectures import ExplainableModel
from workers.models.input_space import (
    METHOD,
    InputSpace,
    fit_space,
    space_tensors,
)
from workers.models.package import (
    ModelPackage,
    PackageError,
    load_package,
    save_package,
)
from workers.training.dataset import films_of, load_films, split_patients
from workers.training.evaluate import prepared_batches

logger = logging.getLogger(__name__)

QUANTILE: Final = 0.99


@torch.inference_mode()
def embed_images(
    package: ModelPackage, images: Iterable[NDArray[Any]]
) -> NDArray[np.float32]:
    """Return the penultimate vectors, [n, D], of displayed grey images of any size.

    Raises:
        PackageError: The network gives none.
    """
    network = package.film_module
    if not isinstance(network, ExplainableModel):
        raise PackageError("the package's network gives no penultimate vectors")
    found = [network.embed(x).float() for x in prepared_batches(package, images)]
    vectors: NDArray[np.float32] = torch.cat(found).numpy()
    return vectors


def measure_space(
    *, package: ModelPackage, data: Path
) -> tuple[InputSpace, dict[str, Any]]:
    """Fit a package's input space on its training films, and measure it.

    Args:
        package: The model; its card names the seed of its split.
        data: The films, a zip or folder of the paediatric set.

    Returns:
        The space, and what the card says of it.
    """
    films, images = load_films(source=data)
    seed = int(package.card["training_data"]["split_seed"])
    parts = split_patients(films=films, seed=seed)
    index = {film.name: row for row, film in enumerate(films)}
    vectors, kinds = {}, {}
    for part in ("train", "validation", "held_out"):
        chosen = films_of(films=films, parts=parts, part=part)
        vectors[part] = embed_images(package, (images[index[f.name]] for f in chosen))
        kinds[part] = np.array([film.positive for film in chosen])
        logger.info("%s: %d films", part, len(chosen))
    means, whitening = fit_space(vectors["train"], kinds["train"])
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
        "fitted_on": f"{len(vectors['train'])} training films, a class each for"
        " normal and pneumonia",
        "threshold": threshold,
        "threshold_rule": f"{QUANTILE:.0%} of the {len(reference)} validation films"
        " lie nearer",
        "held_out_outside": {
            "n": len(outside),
            "value": round(float(outside.mean()), 4),
            "ci_low": round(share.low, 4),
            "ci_high": round(share.high, 4),
        },
        "note": "that vectors are brought to length 1 was chosen among six forms with"
        " 85 adult films in sight: its figures on adults are not a blind test",
        "command": "python -m workers.training.input_space",
    }
    space = InputSpace(
        means=means, whitening=whitening, threshold=threshold, reference=reference
    )
    return space, said


def add_space(*, folder: Path, data: Path) -> str:
    """Measure the input space of a package in place and return its new hash."""
    package = load_package(folder)
    space, said = measure_space(package=package, data=data)
    save_package(
        folder,
        card=package.card | {"input_space": said},
        module=package.module,
        space=space_tensors(space.means, space.whitening, space.reference),
    )
    logger.info("%s", said)
    return load_package(folder).package_hash


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--package", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logger.info("package %s", add_space(folder=options.package, data=options.data))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

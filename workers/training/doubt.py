"""Measure when an ensemble of films is unsure, and put the limit on its card.

    python -m workers.training.doubt --package DIR --data ZIP

The package keeps its networks; its card gains `uncertainty`, so its hash changes. The
limit is a quantile of the validation films' mutual information; the held-out films say
how often the model errs on either side of it, which is what the limit is worth.
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
from workers.model_files import CARD_NAME, write_card
from workers.models.architectures import ExplainableModel
from workers.models.package import ModelPackage, PackageError, load_package
from workers.training.dataset import films_of, load_films, split_patients
from workers.training.evaluate import prepared_batches

logger = logging.getLogger(__name__)

QUANTILE: Final = 0.95


@torch.inference_mode()
def doubts_of(
    package: ModelPackage, images: Iterable[NDArray[Any]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Score displayed grey images of any size with every member.

    Returns:
        Calibrated probabilities and mutual information in bits, [n] each, of the
        package's first label.

    Raises:
        PackageError: The network is no ensemble.
    """
    network = package.film_module
    if not isinstance(network, ExplainableModel):
        raise PackageError("the package's network is no ensemble of films")
    shares, doubts = [], []
    for batch in prepared_batches(package, images):
        members = network.forward_members(batch)
        if members.shape[0] < 2:
            raise PackageError("the package's network has one member")
        shares.append(package.calibrate(members.mean(dim=0))[:, 0].double())
        doubts.append(package.uncertainty(members)[:, 0].double())
    return torch.cat(shares).numpy(), torch.cat(doubts).numpy()


def errors_by_doubt(
    *,
    wrong: NDArray[np.bool_],
    doubts: NDArray[np.float64],
    limit: float,
) -> dict[str, Any]:
    """Return how often the model errs above and below a limit, with Wilson's 95%.

    Args:
        wrong: Whether its answer at its threshold is wrong, [n].
        doubts: Mutual information, bits, [n].
        limit: Above it (inclusive) a film counts as unsure.
    """
    unsure = doubts >= limit
    found: dict[str, Any] = {}
    for name, chosen in (("unsure", unsure), ("sure", ~unsure)):
        n, errors = int(chosen.sum()), int((wrong & chosen).sum())
        if not n:
            found[name] = {"n": 0}
            continue
        share = wilson(successes=errors, n=n)
        found[name] = {
            "n": n,
            "errors": errors,
            "value": round(errors / n, 4),
            "ci_low": round(share.low, 4),
            "ci_high": round(share.high, 4),
        }
    return found


def measure_doubt(*, package: ModelPackage, data: Path) -> dict[str, Any]:
    """Return what the card says of a package's uncertainty.

    Args:
        package: The model; its card names the seed of its split.
        data: The films, a zip or folder of the paediatric set.
    """
    films, images = load_films(source=data)
    seed = int(package.card["training_data"]["split_seed"])
    parts = split_patients(films=films, seed=seed)
    index = {film.name: row for row, film in enumerate(films)}

    def part(name: str) -> tuple[NDArray[np.float64], ...]:
        chosen = films_of(films=films, parts=parts, part=name)
        shares, doubts = doubts_of(package, (images[index[f.name]] for f in chosen))
        logger.info("%s: %d films", name, len(chosen))
        return shares, doubts, np.array([film.positive for film in chosen])

    _, reference, _ = part("validation")
    limit = round(float(np.quantile(reference, QUANTILE)), 4)
    shares, doubts, truth = part("held_out")
    called = shares >= float(package.card["labels"][0]["threshold"])
    return {
        "method": "mutual information of the ensemble's members, bits",
        "sources": "Houlsby et al., 2011; Gal et al., ICML 2017",
        "review_from": limit,
        "rule": f"{QUANTILE:.0%} of the {len(reference)} validation films lie below",
        "held_out_errors": errors_by_doubt(
            wrong=called != truth, doubts=doubts, limit=limit
        ),
        "command": "python -m workers.training.doubt",
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--package", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    package = load_package(options.package)
    said = measure_doubt(package=package, data=options.data)
    logger.info("%s", said)
    card = write_card(package.card | {"uncertainty": said})
    (options.package / CARD_NAME).write_bytes(card)
    logger.info("package %s", load_package(options.package).package_hash)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

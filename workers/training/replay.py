"""Make a model package that replays published probabilities, and say how good they are.

    python -m workers.training.replay --data DIR --out PACKAGE

DIR holds the films and the table of `workers.training.chest14`. The package goes the
whole way of any model; its card says that its answers are replayed. It is for trials
with real probabilities: of any other picture it says nothing.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from workers.measures.auroc import auroc
from workers.models.package import load_package, save_package
from workers.models.preprocess import prepare
from workers.models.recorded_net import RecordedNet
from workers.training.chest14 import LABELS, AdultFilm, read_pixels, read_table

STEPS: Final = [{"name": "squeeze_resize", "height": 96, "width": 96}]
_LEAST: Final = 1e-7

# SNOMED CT codes, acuity and threshold; thresholds are for trials, nobody chose them.
_CODES: Final[dict[str, tuple[str, str, str, float]]] = {
    "Atelectasis": ("46621007", "Atelectasis", "routine", 0.3),
    "Cardiomegaly": ("8186001", "Cardiomegaly", "routine", 0.3),
    "Effusion": ("60046008", "Pleural effusion", "urgent", 0.3),
    "Infiltration": ("409609008", "Pulmonary infiltrate", "routine", 0.4),
    "Mass": ("309529002", "Mass of lung", "urgent", 0.3),
    "Nodule": ("427359005", "Solitary nodule of lung", "routine", 0.3),
    "Pneumonia": ("233604007", "Pneumonia", "urgent", 0.2),
    "Pneumothorax": ("36118008", "Pneumothorax", "critical", 0.3),
    "Consolidation": ("95436008", "Lung consolidation", "urgent", 0.3),
    "Edema": ("19242006", "Pulmonary oedema", "urgent", 0.3),
    "Emphysema": ("87433001", "Pulmonary emphysema", "routine", 0.3),
    "Fibrosis": ("51615001", "Fibrosis of lung", "routine", 0.3),
    "Pleural_Thickening": ("698638005", "Pleural thickening", "routine", 0.3),
    "Hernia": ("39839004", "Diaphragmatic hernia", "routine", 0.3),
}


def any_finding(
    films: Sequence[AdultFilm],
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return whether each film shows anything, and its highest probability."""
    truth = np.array([any(film.truth) for film in films])
    return truth, np.array([max(film.probability) for film in films])


def make_package(*, data: Path, out: Path) -> str:
    """Write the package and return its hash."""
    films = read_table(data)
    images = torch.stack(
        [prepare(read_pixels(data, f) / 255.0, steps=STEPS).tensor for f in films]
    )
    shares = torch.tensor([film.probability for film in films], dtype=torch.float64)
    module = RecordedNet(n_labels=len(LABELS), n_images=len(films))
    module.record(images, torch.logit(shares.clamp(_LEAST, 1 - _LEAST)))
    return save_package(out, card=_card(films), module=module)


def _card(films: Sequence[AdultFilm]) -> dict[str, Any]:
    truth, highest = any_finding(films)
    found = auroc(truth=truth, scores=highest)
    return {
        "name": "replayed-chest14",
        "version": "1",
        "title": "Replayed: published answers for 85 adult chest films",
        "intended_use": "triage",
        "requires_review": True,
        "replayed": True,
        "purpose": "Trials of list and insights with real probabilities",
        "population": "The patients of these very films, and nobody else",
        "training_data": "None of ours: a published DenseNet-121 on ChestX-ray14",
        "performance": {
            "any_finding_by_highest_probability": {
                "auroc": {
                    "value": round(found.value, 4),
                    "ci_low": round(found.low, 4),
                    "ci_high": round(found.high, 4),
                },
                "n": len(films),
                "interval": "95%, DeLong",
            }
        },
        "limits": [
            "Replays recorded answers by picture: it judges nothing, and says nothing"
            " of any other picture.",
            "Thresholds and acuities are for trials; nobody chose them.",
        ],
        "input": {"modalities": ["DX", "CR"], "body_parts": ["CHEST"]},
        "preprocessing": STEPS,
        "labels": [
            {
                "scheme": "SCT",
                "code": _CODES[label][0],
                "display": _CODES[label][1],
                "acuity": _CODES[label][2],
                "threshold": _CODES[label][3],
            }
            for label in LABELS
        ],
        "architecture": {
            "name": "recorded",
            "params": {"n_labels": len(LABELS), "n_images": len(films)},
        },
        "calibration": {
            "method": "none: probabilities as published",
            "labels": [
                {"code": _CODES[label][0], "slope": 1.0, "intercept": 0.0}
                for label in LABELS
            ],
        },
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    name = make_package(data=options.data, out=options.out)
    card = load_package(options.out).card
    row = card["performance"]["any_finding_by_highest_probability"]
    area = row["auroc"]
    sys.stdout.write(
        f"package {name}\nany finding, by the highest of 14 recorded probabilities:"
        f" AUROC {area['value']:.3f} [{area['ci_low']:.3f}, {area['ci_high']:.3f}],"
        f" n = {row['n']}\n"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

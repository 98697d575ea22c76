"""The card of the chest film phantom model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workers.phantoms.settings import FILM_LABELS
from workers.training.phantom_films import PREPROCESSING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NAME = "phantom-chest"
VERSION = "1.0.2"

LABELS: dict[str, dict[str, str]] = {
    "nodule": {"code": "427359005", "display": "Solitary nodule of lung"},
    "effusion": {"code": "60046008", "display": "Pleural effusion"},
    "pneumothorax": {"code": "36118008", "display": "Pneumothorax"},
    "consolidation": {"code": "95436008", "display": "Lung consolidation"},
    "cardiomegaly": {"code": "8186001", "display": "Cardiomegaly"},
}
ACUITY = {
    "nodule": "routine",
    "effusion": "urgent",
    "pneumothorax": "critical",
    "consolidation": "urgent",
    "cardiomegaly": "routine",
}

INPUT_RULES: dict[str, Any] = {
    "synthetic": True,
    "modalities": ["CR", "DX"],
    "body_parts": ["CHEST", "THORAX"],
    "views": ["PA", "AP"],
    "views_excluded": ["LATERAL", "LL", "RL", "LLD", "RLD", "LLO", "RLO"],
    "pixels": "grey film as displayed (MONOCHROME2 polarity, VOI applied), any size",
}

LIMITS = [
    "Only for phantoms: images marked Synthetic Data (0008,001C) = YES. It has never "
    "seen a person and must not be used on one.",
    "Trained and measured on generated films. A figure on phantoms says that the way "
    "from image to worklist works, and nothing about patients.",
    "The unseen films come from other settings of the same generator: another world, "
    "by the same makers.",
    "One box a finding, the strongest: a second nodule or the other side's effusion "
    "gets none.",
    "Every result requires review by a person.",
]


def write_card(
    *,
    architecture: Mapping[str, Any],
    calibration: Mapping[str, Any],
    thresholds: Sequence[float],
    training: Mapping[str, Any],
    performance: Mapping[str, Any],
) -> dict[str, Any]:
    """Put the card together; every figure comes from the caller's measurement."""
    rows = [
        row | {"code": LABELS[label]["code"]}
        for row, label in zip(calibration["labels"], FILM_LABELS, strict=True)
    ]
    return {
        "name": NAME,
        "version": VERSION,
        "title": "Five findings on phantom chest films (synthetic images only)",
        "intended_use": "detection",
        "requires_review": True,
        "labels": [
            {
                "scheme": "SCT",
                "acuity": ACUITY[label],
                "threshold": threshold,
                **LABELS[label],
            }
            for label, threshold in zip(FILM_LABELS, thresholds, strict=True)
        ],
        "input": INPUT_RULES,
        "preprocessing": list(PREPROCESSING),
        "architecture": {"name": "finding_net", "params": dict(architecture)},
        "outputs": {
            "raw_score": "the network's logit, log odds",
            "probability": "sigmoid(slope · logit), see calibration",
            "uncertainty": "none: a single network",
            "saliency": "the finding's share of each cell of the map, by the network",
            "box": "as the network draws it at the finding's strongest cell",
            "embedding": "pooled vector of the last map",
        },
        "calibration": {**calibration, "labels": rows},
        "purpose": "Shows the whole way from a film to a read finding on phantoms, "
        "with five findings at known places: for demonstrations, tests and teaching "
        "of the portal.",
        "population": {"patients": "none: phantoms of workers.phantoms, adults"},
        "training_data": {
            "source": "workers.phantoms.chest_film, settings TRAIN; findings placed "
            "by the generator, so their boxes and masks are exact",
            "licence": "own work",
            **training,
        },
        "performance": {
            **performance,
            "note": "validation chose temperatures and thresholds; unseen is of other "
            "generator settings, and its films were made when training had ended and "
            "chose nothing (how hard that world is was set on other films of it); at "
            "256 pixels: 60 films of 1280 scored alike",
            "command": "python -m workers.training.phantom_chest evaluate",
        },
        "limits": LIMITS,
    }

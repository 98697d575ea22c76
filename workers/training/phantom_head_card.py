"""The card of the haemorrhage model of phantom heads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = "phantom-haemorrhage"
VERSION = "1.0.2"
CODE = "1386000"

PREPROCESSING: list[dict[str, Any]] = [
    {"name": "resample", "spacing_mm": [5.0, 2.8, 2.8]},
    {"name": "clip_hu", "low": -10.0, "high": 110.0},
]
ARCHITECTURE: dict[str, Any] = {
    "n_labels": 1,
    "channels": [12, 24, 48, 96],
    "strides": [[1, 2, 2], [2, 2, 2], [2, 2, 2]],
    "num_res_units": 0,
    "norm": "INSTANCE",
}
SEGMENTATION: dict[str, Any] = {
    "window": [32, 80, 80],
    "overlap": 0.25,
    "voxel_threshold": 0.5,
    "min_ml": 0.1,
    "score": {"name": "mean_of_top", "ml": 0.5},
}
INPUT_RULES: dict[str, Any] = {
    "kind": "volume",
    "synthetic": True,
    "modalities": ["CT"],
    "body_parts": ["HEAD", "BRAIN", "SKULL"],
    "volume": {
        "min_slices": 8,
        "max_voxels": 100_000_000,
        "max_spacing_mm": [10, 2, 2],
    },
}
LIMITS = [
    "Only for phantoms: images marked Synthetic Data (0008,001C) = YES. It has never "
    "seen a person and must not be used on one.",
    "Trained and measured on generated heads. A figure on phantoms says that the way "
    "from volume to worklist and mask works, and nothing about patients.",
    "The unseen heads come from other settings of the same generator: another world, "
    "by the same makers.",
    "Bleeds of less than about one millilitre, thin films on the skull and blood in "
    "few furrows are often missed; calcified plexus, dense sinuses and small dense "
    "tumours are sometimes called.",
    "Trained for a few hours on one processor thread. The unseen heads' bleeds are "
    "drawn as plain as training's on the whole (strength .2 to .95 against .15 to 1), "
    "in other heads by another scanner; with fainter ones (.1 to .9) the same network "
    "reached an AUROC of .84 [.79, .90]. It misses most subdural collections there; "
    "see performance.unseen.kinds.",
    "One label for all kinds of bleeding; the mask does not tell them apart.",
    "Every result requires review by a person.",
]


def write_card(
    *,
    calibration: Mapping[str, Any],
    threshold: float,
    training: Mapping[str, Any],
    performance: Mapping[str, Any],
) -> dict[str, Any]:
    """Put the card together; every figure comes from the caller's measurement."""
    return {
        "name": NAME,
        "version": VERSION,
        "title": "Intracranial haemorrhage on phantom head CT (synthetic only)",
        "intended_use": "detection",
        "requires_review": True,
        "synthetic": True,
        "labels": [
            {
                "scheme": "SCT",
                "code": CODE,
                "display": "Intracranial haemorrhage",
                "acuity": "critical",
                "threshold": threshold,
            }
        ],
        "input": INPUT_RULES,
        "preprocessing": PREPROCESSING,
        "architecture": {"name": "monai_unet", "params": ARCHITECTURE},
        "segmentation": SEGMENTATION,
        "outputs": {
            "raw_score": "mean of the voxel logits of the highest half millilitre",
            "probability": "sigmoid(slope · logit + intercept), see calibration",
            "uncertainty": "none: a single network",
            "mask": "voxels at even odds or more, in pieces of 0.1 ml or more",
        },
        "calibration": {
            **calibration,
            "labels": [row | {"code": CODE} for row in calibration["labels"]],
        },
        "purpose": "Shows the whole way from a head CT to a marked bleed on phantoms "
        "with known truth: for demonstrations, tests and teaching of the portal.",
        "population": {"patients": "none: phantoms of workers.phantoms, adults"},
        "training_data": {
            "source": "workers.phantoms.head_volume, settings TRAIN; bleeds placed by "
            "the generator, so their masks are exact",
            "licence": "own work",
            **training,
        },
        "performance": {
            **performance,
            "note": "validation chose calibration and threshold; unseen chose nothing "
            "and is of other generator settings",
            "command": "python -m workers.training.phantom_head evaluate",
        },
        "limits": LIMITS,
    }

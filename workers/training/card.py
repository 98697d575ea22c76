"""The card of the paediatric pneumonia model: what it is for and what is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workers.training.dataset import BACTERIAL, NORMAL, PARTS, SHARES, VIRAL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from workers.training.dataset import Film

NAME = "paediatric-pneumonia"
VERSION = "1.1.0"
LABEL_CODE = "233604007"

INPUT_RULES: dict[str, Any] = {
    "modalities": ["CR", "DX"],
    "body_parts": ["CHEST", "THORAX", "LUNG", "RIBS"],
    "views": ["AP", "PA"],
    "views_excluded": [
        "LATERAL",
        "LL",
        "RL",
        "LLD",
        "RLD",
        "LLO",
        "RLO",
        "LPO",
        "RPO",
        "LAO",
        "RAO",
    ],
    "age_years": {"min": 1, "max": 5, "unknown": "reject"},
    "age_rule": "from the first birthday to the day before the sixth: completed "
    "years 1 to 5, the population of the training films; an unknown age is rejected",
    "pixels": "grey film as displayed (MONOCHROME2 polarity, VOI applied), one "
    "frontal view, any size; the film is squeezed to a square, as the training "
    "films were, so its aspect ratio is not used",
}

LIMITS = [
    "Not for adults or for children under 1 or over 5 years: the same kind of "
    "model falls to an AUROC of .37 to .85 on adult films.",
    "One hospital (Guangzhou Women and Children's Medical Center), films of "
    "routine care; other rooms, detectors and exports shift the scores. Published "
    "models of this data over-call normal films of the separate test collection.",
    "Labels are readings of films, not microbiology or follow-up; some are wrong.",
    "Frontal films only; not for laterals, abdomen, or films with large devices.",
    "Framing counts: a film that is squeezed sideways (wide margins kept at its "
    "sides) is over-called, one that is stretched is under-called; see "
    "performance.held_out_under_shifts.",
    "The saliency often lies on the heart and the hila and is no outline of a "
    "consolidation.",
    "Absence of a finding does not exclude pneumonia or any other disease.",
    "Age of the single patients of the training films is not published, so no "
    "performance by age or sex can be given.",
    "Bacterial and viral pneumonia are told apart in training only and are not "
    "claimed at use.",
    "74% of the training films show pneumonia: the calibrated probability holds "
    "at that share and is too high where pneumonia is rarer.",
    "For triage and second reading; every result requires review by a person.",
]


def count_films(
    *, films: Sequence[Film], parts: Mapping[str, str]
) -> dict[str, dict[str, int]]:
    """Return films and patients of each part and kind."""
    table: dict[str, dict[str, int]] = {}
    for part in PARTS:
        chosen = [film for film in films if parts[film.patient] == part]
        row = {"images": len(chosen), "patients": len({f.patient for f in chosen})}
        for kind, word in (
            (NORMAL, "normal"),
            (BACTERIAL, "bacterial"),
            (VIRAL, "viral"),
        ):
            row[f"{word}_images"] = sum(film.kind == kind for film in chosen)
        table[part] = row
    return table


def write_card(
    *,
    architecture: Mapping[str, Any],
    preprocessing: Sequence[Mapping[str, Any]],
    calibration: Mapping[str, Any],
    threshold: float,
    training: Mapping[str, Any],
    performance: Mapping[str, Any],
) -> dict[str, Any]:
    """Put the card together; every figure comes from the caller's measurement."""
    return {
        "name": NAME,
        "version": VERSION,
        "title": "Pneumonia on frontal chest films of children of 1 to 5 years",
        "intended_use": "detection",
        "requires_review": True,
        "labels": [
            {
                "scheme": "SCT",
                "code": LABEL_CODE,
                "display": "Pneumonia",
                "acuity": "urgent",
                "threshold": threshold,
            }
        ],
        "input": INPUT_RULES,
        "preprocessing": list(preprocessing),
        "architecture": dict(architecture),
        "outputs": {
            "raw_score": "sigmoid of the logit, which is the members' mean log odds",
            "probability": "sigmoid(slope · logit + intercept), see calibration",
            "uncertainty": "mutual information of the answer and the member, bits: "
            "0 when the members agree, 1 when they contradict",
            "saliency": "from the last convolution map",
            "embedding": "pooled vectors of the members, side by side",
        },
        "calibration": dict(calibration),
        "purpose": "Second reading and ordering of frontal chest films of children of "
        "1 to 5 years: says how likely pneumonia is, so that likely films are read "
        "sooner. A person decides.",
        "population": {
            "ages": "children of 1 to 5 years",
            "place": "Guangzhou Women and Children's Medical Center, routine care",
            "views": "frontal (AP)",
        },
        "training_data": {
            "source": "Kermany, Zhang, Goldbaum: Labeled Optical Coherence "
            "Tomography (OCT) and Chest X-Ray Images for Classification, Mendeley "
            "Data, 2018; its training part of 5,216 films, resized to 224×224",
            "licence": "CC BY 4.0",
            "split": "by patient, stratified by kind; shares "
            + ", ".join(f"{part} {SHARES[part]:.0%}" for part in PARTS)
            + "; equal numbers of the two normal series are taken as one patient",
            **training,
        },
        "performance": dict(performance),
        "limits": LIMITS,
    }

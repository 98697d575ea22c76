"""Regions of the body, so that rules and earlier studies meet across vendors' words."""

from __future__ import annotations

import re
from typing import Final

_WORDS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("BREAST", ("BREAST", "MAMMO", "MAMMA")),
    ("HEAD", ("HEAD", "BRAIN", "SKULL", "CRANI", "NEURO", "CEREBR", "SINUS", "ORBIT")),
    ("NECK", ("NECK", "CAROTID", "THYROID", "LARYN")),
    ("SPINE", ("SPINE", "SPINAL", "LUMBAR", "CSPINE", "LSPINE", "TSPINE", "VERTEBR")),
    ("HEART", ("HEART", "CARDIAC", "CORONARY", "ECHOCARD")),
    ("CHEST", ("CHEST", "THORAX", "THORAC", "LUNG", "RIB", "PULMON", "MEDIASTIN")),
    (
        "ABDOMEN",
        ("ABDOMEN", "ABDOMINAL", "LIVER", "KIDNEY", "RENAL", "PANCREAS", "SPLEEN"),
    ),
    ("PELVIS", ("PELVI", "PROSTA", "BLADDER", "UTER", "RECT")),
    (
        "LIMB",
        (
            *("HIP", "KNEE", "ANKLE", "FOOT", "TOE", "LEG", "FEMUR", "TIBIA"),
            *("SHOULDER", "ELBOW", "WRIST", "HAND", "FINGER", "ARM", "HUMERUS"),
            *("FOREARM", "CLAVIC", "EXTREMITY"),
        ),
    ),
    ("BODY", ("WHOLEBODY", "WHOLE BODY", "PET/CT", "BODY")),
)


def region_of(*texts: str, modality: str = "") -> str:
    """Name the region that the first telling text is of.

    Args:
        texts: Body Part Examined first, then descriptions; in any case and spelling.
        modality: Mammography is of the breast, whatever the texts say.

    Returns:
        ``HEAD``, ``NECK``, ``SPINE``, ``HEART``, ``CHEST``, ``BREAST``, ``ABDOMEN``,
        ``PELVIS``, ``LIMB``, ``BODY``, or '' when nothing tells.
    """
    if "MG" in modality.split("/"):
        return "BREAST"
    for text in texts:
        plain = re.sub(r"[_^-]", " ", text.upper())
        for region, words in _WORDS:
            if any(_begins(word, plain) for word in words):
                return region
    return ""


def _begins(word: str, text: str) -> bool:
    """Say whether a word of the text begins so: RIB is not in DISTRIBUTION."""
    return re.search(rf"(?<![A-Z]){re.escape(word)}", text) is not None

"""The report templates that come with Overread; a site may put its own before them."""

from __future__ import annotations

from typing import Any


def _section(
    key: str, title: str, kind: str = "text", start: str = "", normal: str = ""
) -> dict[str, Any]:
    return {
        "key": key,
        "title": title,
        "kind": kind,
        "required": False,
        "start": start,
        "normal": normal,
    }


def _template(
    code: str,
    name: str,
    technique: str,
    normal: str,
    modalities: tuple[str, ...] = (),
    body_parts: tuple[str, ...] = (),
    *more: dict[str, Any],
) -> dict[str, Any]:
    return {
        "code": code,
        "version": 0,
        "name": name,
        "modalities": list(modalities),
        "body_parts": list(body_parts),
        "protocols": [],
        "sections": [
            _section("indication", "Indication"),
            _section("technique", "Technique", start=technique),
            _section("comparison", "Comparison"),
            _section("findings", "Findings", "findings", normal=normal),
            *more,
            _section("impression", "Impression", "impression"),
        ],
    }


_CHEST = ("CHEST", "THORAX", "LUNG")
_HEAD = ("HEAD", "BRAIN", "SKULL")

SHIPPED: tuple[dict[str, Any], ...] = (
    _template(
        "chest-film",
        "Chest radiograph",
        "Radiograph of the chest.",
        "Heart and mediastinum are not enlarged. The lungs are clear. "
        "No pleural effusion, no pneumothorax.",
        ("CR", "DX"),
        _CHEST,
    ),
    _template(
        "chest-ct",
        "CT chest",
        "Computed tomography of the chest.",
        "No suspicious nodule, consolidation or effusion. "
        "No enlarged mediastinal lymph nodes.",
        ("CT",),
        _CHEST,
    ),
    _template(
        "head-ct",
        "CT head",
        "Computed tomography of the head.",
        "No intracranial haemorrhage, mass effect or established infarct. "
        "The ventricles are of normal size.",
        ("CT",),
        _HEAD,
    ),
    _template(
        "mammogram",
        "Mammography",
        "Digital mammography, two views of each breast.",
        "No suspicious mass, calcification or architectural distortion.",
        ("MG",),
        (),
        _section("density", "Breast density (ACR a–d)"),
        _section("assessment", "Assessment (BI-RADS)"),
    ),
    _template("mr", "MR", "Magnetic resonance imaging.", "No abnormality.", ("MR",)),
    _template(
        "pet-ct",
        "PET/CT",
        "Positron emission tomography with computed tomography.",
        "No focus of abnormal uptake.",
        ("PT",),
    ),
    _template("general", "General", "", "No abnormality."),
)

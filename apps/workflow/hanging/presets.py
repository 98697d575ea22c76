"""Window presets by modality and region. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from apps.workflow.hanging.types import Preset

if TYPE_CHECKING:
    from collections.abc import Mapping


def _preset(name: str, width: float, level: float) -> Preset:
    return Preset(name=name, width=width, level=level)


def _uptake(most: int) -> Preset:
    return _preset(f"SUV 0–{most}", most, most / 2)


SOFT: Final = _preset("Soft tissue", 400, 40)
LUNG: Final = _preset("Lung", 1500, -600)
BONE: Final = _preset("Bone", 2000, 500)
BRAIN: Final = _preset("Brain", 80, 40)
VESSEL: Final = _preset("Vessels", 700, 100)
LIVER: Final = _preset("Liver", 150, 90)

BUILT_IN: Final[Mapping[str, Mapping[str, tuple[Preset, ...]]]] = {
    "CT": {
        "": (SOFT, LUNG, BONE, BRAIN, VESSEL, LIVER),
        "HEAD": (
            BRAIN,
            _preset("Subdural", 200, 75),
            _preset("Stroke", 40, 40),
            _preset("Bone", 2800, 600),
            SOFT,
            VESSEL,
        ),
        "NECK": (_preset("Soft tissue", 350, 50), VESSEL, BONE, LUNG),
        "SPINE": (_preset("Disc", 300, 60), _preset("Bone", 1800, 400), SOFT, LUNG),
        "ABDOMEN": (SOFT, LUNG, BONE, LIVER, VESSEL),
        "PELVIS": (SOFT, BONE, VESSEL),
        "LIMB": (_preset("Bone", 1800, 400), SOFT, VESSEL),
    },
    "PT": {"": tuple(_uptake(most) for most in (5, 7, 10, 15, 20))},
}
"""Modality → region ('' for any) → presets. Only units that a standard fixes have any:
CT's Hounsfield units; of PET, SUV by body weight, which the viewer turns into the
image's own values where its header says enough for that (else it offers none)."""


def presets_for(
    *,
    modalities: tuple[str, ...],
    region: str,
    settings: Mapping[str, Mapping[str, tuple[Preset, ...]]],
) -> dict[str, tuple[Preset, ...]]:
    """Return the presets that readers are offered, by modality.

    Args:
        modalities: Of the study.
        region: As `region_of` names it.
        settings: The installation's own table; a modality in it replaces ours.
    """
    table = {**BUILT_IN, **settings}
    return {
        modality: rows.get(region, rows.get("", ()))
        for modality in modalities
        if (rows := table.get(modality)) is not None
    }


def read_presets(raw: Any) -> dict[str, dict[str, tuple[Preset, ...]]]:
    """Read an installation's table: `{"CT": {"HEAD": [{"name", "width", "level"}]}}`.

    Raises:
        ValueError: It is not such a table; says what is wrong.
    """
    if not isinstance(raw, dict):
        raise ValueError("window presets: an object of modalities is needed")
    try:
        return {
            str(modality).upper(): {
                str(region).upper(): tuple(_read(row) for row in rows)
                for region, rows in regions.items()
            }
            for modality, regions in raw.items()
        }
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(
            "window presets: modality → region → [{name, width, level}]"
        ) from error


def _read(row: Mapping[str, Any]) -> Preset:
    width, level = float(row["width"]), float(row["level"])
    if width < 1:
        raise ValueError("window presets: a width is at least 1")
    return Preset(name=str(row["name"])[:40], width=width, level=level)

"""What a model's card says, read once and valid from then on. No torch, no Django.

docs/model-packages.md describes every field. The portal, the quality gate and the
workers read a card through `read_card`; nobody else looks into its JSON for rules.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

INTENDED_USES: Final = frozenset({"triage", "detection", "segmentation"})
ACUITIES: Final = frozenset({"critical", "urgent", "routine"})
CODE_SCHEMES: Final = frozenset({"SCT", "RADLEX"})
KINDS: Final = frozenset({"film", "volume"})
FILM_STEPS: Final = frozenset(
    {
        "trim_uniform_border",
        "clip_percentiles",
        "centre_square",
        "pad_square",
        "squeeze_resize",
        "standardise",
        "scale_range",
        "normalise",
        "repeat_channels",
        "breast_region",
    }
)
VOLUME_STEPS: Final = frozenset(
    {
        "resample",
        "clip_hu",
        "orient",
        "spacing",
        "resize",
        "scale_intensity",
        "scale_intensity_range",
        "scale_intensity_percentiles",
        "normalise_intensity",
        "crop_foreground",
        "correct_bias",
        "standardise_tissue",
    }
)
_INPUT_LISTS: Final = (
    "modalities",
    "body_parts",
    "views",
    "views_excluded",
    "lateralities",
    "sexes",
    "manufacturers",
    "roles",
)
_TEXTS: Final = ("name", "version", "intended_use")
_TOLD: Final = ("purpose", "population", "training_data", "performance", "limits")


class CardError(ValueError):
    """A card that can not be used; the text names every field that is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """An inclusive range; None is open.

    Attributes:
        least: The smallest value that is taken.
        most: The largest value that is taken.
        unknown: Whether an input of which the value is not known is taken.
    """

    least: float | None = None
    most: float | None = None
    unknown: bool = True

    def covers(self, value: float | None) -> bool:
        """Whether a value is taken."""
        if value is None:
            return self.unknown
        return (self.least is None or value >= self.least) and (
            self.most is None or value <= self.most
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesRole:
    """One of the series that a model of several is given, as MR's T1 and FLAIR.

    Attributes:
        name: The role, such as `t2`.
        words: Words of a series description that mark it, in capitals.
    """

    name: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class InputRules:
    """What a model may be given: the card's `input`. Empty means: not restricted.

    Attributes:
        kind: `film` (single images) or `volume` (one series).
        modalities: DICOM modalities.
        body_parts: Body Part Examined, in capitals.
        views: View Positions that the model knows, in capitals.
        views_excluded: View Positions that it must not be given.
        lateralities: Image Laterality, `L` or `R`.
        sexes: Patient's Sex, `M`, `F`, `O`.
        manufacturers: Beginnings of the maker's name, in capitals.
        age_years: Completed years at the study.
        slice_thickness_mm: Slice Thickness.
        synthetic: True: phantoms and nothing else; False: people only; None: both.
        min_slices: Fewest slices of a volume.
        max_voxels: Most voxels of a volume; None for the worker's own limit.
        max_spacing_mm: Largest distance between (slices, rows, columns).
        contrast: True: only with contrast agent; False: only without; None: both.
        roles: The series of a model of several, in the order of its channels.
    """

    kind: str = "film"
    modalities: frozenset[str] = frozenset()
    body_parts: frozenset[str] = frozenset()
    views: frozenset[str] = frozenset()
    views_excluded: frozenset[str] = frozenset()
    lateralities: frozenset[str] = frozenset()
    sexes: frozenset[str] = frozenset()
    manufacturers: frozenset[str] = frozenset()
    age_years: Range | None = None
    slice_thickness_mm: Range | None = None
    synthetic: bool | None = False
    min_slices: int | None = None
    max_voxels: int | None = None
    max_spacing_mm: tuple[float, float, float] | None = None
    contrast: bool | None = None
    roles: tuple[SeriesRole, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """One thing that a model says.

    Attributes:
        scheme: `SCT` or `RADLEX`.
        code: The code.
        display: Its words.
        acuity: How bad a positive would be; a site may choose another.
        threshold: Suggested, of the calibrated probability.
    """

    scheme: str
    code: str
    display: str
    acuity: str = "routine"
    threshold: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A model's card.

    Attributes:
        name: What the model is called; versions of one model share it.
        version: Its version.
        title: Words for people; the name where none are given.
        intended_use: `triage`, `detection` or `segmentation`.
        input: What it may be given.
        labels: What it says, in the order of its outputs.
        steps: Its preprocessing: name and parameters of each declared step.
        limits: What it must not be used for, in sentences.
        raw: The whole card, for showing.
    """

    name: str
    version: str
    title: str
    intended_use: str
    input: InputRules
    labels: tuple[Label, ...]
    steps: tuple[dict[str, Any], ...]
    limits: tuple[str, ...]
    raw: Mapping[str, Any]


def read_card(card: Mapping[str, Any]) -> Card:
    """Return a card that can be used.

    Raises:
        CardError: Fields are missing or wrong; all of them are named.
    """
    problems = _problems(card)
    if problems:
        raise CardError("the card can not be used: " + "; ".join(problems))
    return Card(
        name=card["name"],
        version=card["version"],
        title=str(card.get("title", card["name"])),
        intended_use=card["intended_use"],
        input=read_input(card["input"]),
        labels=tuple(_label(row) for row in card["labels"]),
        steps=tuple(dict(step) for step in card["preprocessing"]),
        limits=tuple(str(text) for text in card.get("limits", [])),
        raw=card,
    )


def card_problems(card: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what keeps a card from being used, each thing in words."""
    return tuple(_problems(card))


def check_told(card: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what a card leaves unsaid that a person must be able to read.

    A model that was never measured says so in `performance`; it may not be silent.
    """
    unsaid = [f"“{name}” is not said" for name in _TOLD if not card.get(name)]
    for row in card.get("labels", []):
        if isinstance(row, Mapping) and "threshold" not in row:
            unsaid.append(f"label {row.get('code')}: no suggested threshold")
        if isinstance(row, Mapping) and "acuity" not in row:
            unsaid.append(f"label {row.get('code')}: no acuity")
    if not card.get("input", {}).get("modalities"):
        unsaid.append("“input.modalities” is not said")
    return tuple(unsaid)


def read_input(rules: Mapping[str, Any]) -> InputRules:
    """Return a card's `input`, which must be well formed."""
    volume = rules.get("volume", {})
    spacing = volume.get("max_spacing_mm")
    synthetic = rules.get("synthetic", False)
    return InputRules(
        kind=rules.get("kind", "film"),
        modalities=_words(rules, "modalities"),
        body_parts=_words(rules, "body_parts"),
        views=_words(rules, "views"),
        views_excluded=_words(rules, "views_excluded"),
        lateralities=_words(rules, "lateralities"),
        sexes=_words(rules, "sexes"),
        manufacturers=_words(rules, "manufacturers"),
        age_years=_range(rules.get("age_years"), default_unknown="reject"),
        slice_thickness_mm=_range(
            rules.get("slice_thickness_mm"), default_unknown="accept"
        ),
        synthetic=None if synthetic == "allowed" else bool(synthetic),
        min_slices=volume.get("min_slices"),
        max_voxels=volume.get("max_voxels"),
        max_spacing_mm=None
        if not spacing
        else (float(spacing[0]), float(spacing[1]), float(spacing[2])),
        contrast=rules.get("contrast"),
        roles=tuple(
            SeriesRole(
                name=str(role["name"]),
                words=tuple(str(word).upper() for word in role.get("words", [])),
            )
            for role in rules.get("roles", [])
        ),
    )


def _words(rules: Mapping[str, Any], name: str) -> frozenset[str]:
    return frozenset(str(word).upper() for word in rules.get(name, []))


def _range(said: Mapping[str, Any] | None, *, default_unknown: str) -> Range | None:
    if said is None:
        return None
    return Range(
        least=None if said.get("min") is None else float(said["min"]),
        most=None if said.get("max") is None else float(said["max"]),
        unknown=said.get("unknown", default_unknown) == "accept",
    )


def _label(row: Mapping[str, Any]) -> Label:
    return Label(
        scheme=row["scheme"],
        code=str(row["code"]),
        display=str(row["display"]),
        acuity=str(row.get("acuity", "routine")),
        threshold=float(row.get("threshold", 0.5)),
    )


# --- what is wrong with a card ---------------------------------------------------


def _problems(card: Mapping[str, Any]) -> list[str]:
    found = [
        f"“{name}” must be a text"
        for name in _TEXTS
        if not isinstance(card.get(name), str) or not card[name].strip()
    ]
    if card.get("intended_use") not in INTENDED_USES:
        found.append(f"“intended_use” must be one of {_list(INTENDED_USES)}")
    for name, check in _PARTS.items():
        found += check(card.get(name))
    found += _repeatability_problems(card.get("repeatability", []))
    kind = card["input"].get("kind") if isinstance(card.get("input"), Mapping) else ""
    found += _step_problems(card.get("preprocessing"), kind=kind or "film")
    return found


def _repeatability_problems(rows: Any) -> list[str]:
    """A change of volume is judged by it, so half of it is worse than none."""
    well = isinstance(rows, list) and all(
        isinstance(row, Mapping)
        and isinstance(row.get("code"), str)
        and isinstance(row.get("source"), str)
        and _is_number(row.get("percent"))
        and row["percent"] > 0
        and _is_number(row.get("least_ml"))
        and row["least_ml"] >= 0
        for row in rows
    )
    if well:
        return []
    return [
        "“repeatability” must be a list of {code, percent above 0, least_ml, source}"
    ]


def _label_problems(labels: Any) -> list[str]:
    if not isinstance(labels, list) or not labels:
        return ["“labels” must name at least one label"]
    found = []
    for index, row in enumerate(labels, 1):
        if isinstance(row, Mapping):
            found += [f"label {index}: {problem}" for problem in _problems_of(row)]
        else:
            found.append(f"label {index} must be an object")
    codes = [row.get("code") for row in labels if isinstance(row, Mapping)]
    if len(set(map(str, codes))) != len(codes):
        found.append("two labels have one code")
    return found


def _problems_of(label: Mapping[str, Any]) -> list[str]:
    found = []
    if label.get("scheme") not in CODE_SCHEMES:
        found.append(f"“scheme” must be one of {_list(CODE_SCHEMES)}")
    if not label.get("code") or not label.get("display"):
        found.append("“code” and “display” are needed")
    if label.get("acuity", "routine") not in ACUITIES:
        found.append(f"“acuity” must be one of {_list(ACUITIES)}")
    threshold = label.get("threshold", 0.5)
    if not _is_number(threshold) or not 0 <= threshold <= 1:
        found.append("“threshold” must be from 0 to 1")
    return found


def _input_problems(rules: Any) -> list[str]:
    if not isinstance(rules, Mapping):
        return ["“input” must be an object"]
    found = [
        f"“input.{name}” must be a list"
        for name in _INPUT_LISTS
        if not isinstance(rules.get(name, []), list)
    ]
    if rules.get("kind", "film") not in KINDS:
        found.append(f"“input.kind” must be one of {_list(KINDS)}")
    for name in ("age_years", "slice_thickness_mm"):
        found += _range_problems(rules.get(name), name=f"input.{name}")
    if rules.get("synthetic", False) not in (True, False, "allowed"):
        found.append('“input.synthetic” must be true, false or "allowed"')
    return found


def _range_problems(said: Any, *, name: str) -> list[str]:
    if said is None:
        return []
    if not isinstance(said, Mapping):
        return [f"“{name}” must be an object with min and max"]
    ends = [said.get("min"), said.get("max")]
    if any(end is not None and not _is_number(end) for end in ends):
        return [f"“{name}”: min and max must be numbers"]
    if said.get("unknown", "reject") not in ("reject", "accept"):
        return [f"“{name}.unknown” must be reject or accept"]
    return []


def _step_problems(steps: Any, *, kind: str) -> list[str]:
    if not isinstance(steps, list):
        return ["“preprocessing” must be a list of steps"]
    known = VOLUME_STEPS if kind == "volume" else FILM_STEPS
    found = []
    for step in steps:
        name = step.get("name") if isinstance(step, Mapping) else None
        if name not in known:
            found.append(f"preprocessing step “{name}” is unknown for a {kind}")
    return found


def _is_number(value: Any) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
    )


def _list(words: frozenset[str]) -> str:
    return ", ".join(sorted(words))


_PARTS: Final[dict[str, Callable[[Any], list[str]]]] = {
    "labels": _label_problems,
    "input": _input_problems,
}

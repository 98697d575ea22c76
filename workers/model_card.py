"""What a model's card says, read once and valid from then on. No torch, no Django.

docs/model-packages.md describes every field. The portal, the quality gate and the
workers read a card through `read_card`; nobody else looks into its JSON for rules.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from workers.saliency_card import Occlusion, read_saliency, saliency_problems

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
ROLE_STEPS: Final = frozenset(
    {
        "clip_hu",
        "scale_intensity",
        "scale_intensity_range",
        "scale_intensity_percentiles",
        "normalise_intensity",
        "correct_bias",
        "standardise_tissue",
    }
)
"""Steps that a role may have of its own: they change values and move no voxel."""
WEIGHTINGS: Final = ("T1", "T1C", "T2", "T2*", "FLAIR", "PD", "DWI", "ADC", "SWI")
PLANES: Final = frozenset({"axial", "coronal", "sagittal"})
SEVERAL: Final = frozenset({"refuse", "most_images", "first", "last"})
"""What becomes of a role that several series may have."""
MIN_COVER: Final = 0.5
"""Share of the first role's volume that the others' must cover, unless said."""
_ROLE_LISTS: Final = (
    "words",
    "modalities",
    "body_parts",
    "planes",
    "image_types",
    "image_types_excluded",
    "scanning_sequences",
    "sequence_names",
)
_ROLE_RANGES: Final = ("echo_ms", "repetition_ms", "inversion_ms", "b_value")
_ROLE_CHOICES: Final[Mapping[str, tuple[str | bool, ...]]] = {
    "weighting": WEIGHTINGS,
    "several": tuple(sorted(SEVERAL)),
    "contrast_agent": (True, False),
}
_ROLE_FIELDS: Final = frozenset(
    {
        *("name", "weighting", "contrast_agent", "preprocessing", "several"),
        *("min_cover", *_ROLE_LISTS, *_ROLE_RANGES),
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

    What it asks for is matched by `workers.series_roles`; empty and None ask nothing.

    Attributes:
        name: The role, such as `t2`.
        words: Words of a series description that mark it, in capitals, where the
            series does not state how it was made.
        weighting: One of `WEIGHTINGS`.
        modalities: DICOM modalities; the card's own when empty.
        body_parts: Body Part Examined, in capitals; the card's own when empty.
        planes: Of `PLANES`.
        image_types: One of these is among the values of Image Type.
        image_types_excluded: None of these is.
        scanning_sequences: One of these is among the values of Scanning Sequence.
        sequence_names: Beginnings of Sequence Name, without Siemens' asterisk.
        echo_ms: Echo Time.
        repetition_ms: Repetition Time.
        inversion_ms: Inversion Time.
        b_value: Diffusion b-value, s/mm². Of the images of a series those of the
            highest within it are taken.
        contrast_agent: Whether a contrast agent is named.
        several: Of `SEVERAL`.
        min_cover: Share of the first role's volume that it must cover, 0–1.
        steps: Its own preprocessing, on its own grid; of `ROLE_STEPS`.
    """

    name: str
    words: tuple[str, ...] = ()
    weighting: str = ""
    modalities: frozenset[str] = frozenset()
    body_parts: frozenset[str] = frozenset()
    planes: frozenset[str] = frozenset()
    image_types: frozenset[str] = frozenset()
    image_types_excluded: frozenset[str] = frozenset()
    scanning_sequences: frozenset[str] = frozenset()
    sequence_names: frozenset[str] = frozenset()
    echo_ms: Range | None = None
    repetition_ms: Range | None = None
    inversion_ms: Range | None = None
    b_value: Range | None = None
    contrast_agent: bool | None = None
    several: str = "refuse"
    min_cover: float = MIN_COVER
    steps: tuple[dict[str, Any], ...] = ()

    @property
    def asks(self) -> bool:
        """Whether it asks for anything of how a series was made."""
        return bool(
            self.words
            or self.weighting
            or self.image_types
            or self.scanning_sequences
            or self.sequence_names
            or self.echo_ms
            or self.repetition_ms
            or self.inversion_ms
            or self.b_value
        )


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
        saliency: How a film is occluded to show what the model looked at; None where
            gradients show it, or nothing does.
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
    saliency: Occlusion | None
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
        saliency=read_saliency(card),
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
        roles=tuple(_role(role) for role in rules.get("roles", [])),
    )


def _role(said: Mapping[str, Any]) -> SeriesRole:
    return SeriesRole(
        name=str(said["name"]),
        words=tuple(str(word).upper() for word in said.get("words", [])),
        weighting=str(said.get("weighting", "")),
        modalities=_words(said, "modalities"),
        body_parts=_words(said, "body_parts"),
        planes=frozenset(str(plane) for plane in said.get("planes", [])),
        image_types=_words(said, "image_types"),
        image_types_excluded=_words(said, "image_types_excluded"),
        scanning_sequences=_words(said, "scanning_sequences"),
        sequence_names=frozenset(
            name.lstrip("*") for name in _words(said, "sequence_names")
        ),
        echo_ms=_range(said.get("echo_ms"), default_unknown="accept"),
        repetition_ms=_range(said.get("repetition_ms"), default_unknown="accept"),
        inversion_ms=_range(said.get("inversion_ms"), default_unknown="accept"),
        b_value=_range(said.get("b_value"), default_unknown="accept"),
        contrast_agent=said.get("contrast_agent"),
        several=str(said.get("several", "refuse")),
        min_cover=float(said.get("min_cover", MIN_COVER)),
        steps=tuple(dict(step) for step in said.get("preprocessing", [])),
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
    found += saliency_problems(card)
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
    if isinstance(rules.get("roles", []), list):
        found += _role_problems(rules.get("roles", []))
    return found


def _role_problems(roles: Sequence[Any]) -> list[str]:
    found = []
    for index, role in enumerate(roles, 1):
        if isinstance(role, Mapping):
            found += [f"“input.roles” {index}: {text}" for text in _wrong_in(role)]
        else:
            found.append(f"“input.roles” {index}: must be an object")
    names = [str(role.get("name")) for role in roles if isinstance(role, Mapping)]
    if len(set(names)) != len(names):
        found.append("“input.roles”: two roles have one name")
    return found


def _wrong_in(role: Mapping[str, Any]) -> list[str]:
    name = role.get("name")
    found = [] if isinstance(name, str) and name.strip() else ["“name” must be a text"]
    found += [f"{key} is unknown" for key in sorted(set(role) - _ROLE_FIELDS)]
    found += [
        f"{key} must be a list of words"
        for key in _ROLE_LISTS
        if not _is_words(role.get(key, []))
    ]
    for key in _ROLE_RANGES:
        found += _range_problems(role.get(key), name=key)
    found += [
        f"{key} must be one of {', '.join(str(one) for one in known)}"
        for key, known in _ROLE_CHOICES.items()
        if key in role and role[key] not in known
    ]
    planes = role.get("planes", [])
    if _is_words(planes) and set(planes) - PLANES:
        found.append(f"planes must be of {_list(PLANES)}")
    cover = role.get("min_cover", MIN_COVER)
    if not _is_number(cover) or not 0 < cover <= 1:
        found.append("min_cover must be above 0, at most 1")
    return found + _own_step_problems(role.get("preprocessing", []))


def _own_step_problems(steps: Any) -> list[str]:
    if not isinstance(steps, list):
        return ["preprocessing must be a list of steps"]
    names = [s.get("name") if isinstance(s, Mapping) else None for s in steps]
    return [
        f"preprocessing step “{name}” is not one of a role"
        for name in names
        if name not in ROLE_STEPS
    ]


def _is_words(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


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

"""Is an input what the model's card declares? From headers alone, before any pixel.

The portal compares what it knows of the study; here the files themselves speak.
"""

from __future__ import annotations

from collections.abc import Callable
from math import floor
from typing import Final

from workers.model_card import InputRules, Range
from workers.pixels.image import ImageHeader
from workers.quality.verdict import Check, failed, passed

OUTSIDE: Final = "outside the declared population"


DECLARED: Final = frozenset(
    {
        "age",
        "body_part",
        "view",
        "laterality",
        "sex",
        "manufacturer",
        "slice_thickness",
        "contrast_agent",
    }
)
"""Names of the checks of this module."""


def check_declared(header: ImageHeader, rules: InputRules) -> tuple[Check, ...]:
    """Compare an image (one of a series stands for it) with a card's `input`.

    What a file does not state is taken, but for what the card says to reject.
    """
    checks = (check(header, rules) for check in _CHECKS)
    return tuple(check for check in checks if check is not None)


def _age(header: ImageHeader, rules: InputRules) -> Check | None:
    if rules.age_years is None:
        return None
    span = _span(rules.age_years, "years")
    if header.age_years is None and not rules.age_years.unknown:
        return failed(
            "age", f"{OUTSIDE}: the age is not known, and the model is for {span}"
        )
    years = None if header.age_years is None else float(floor(header.age_years))
    if rules.age_years.covers(years):
        return passed("age")
    return failed("age", f"{OUTSIDE}: the patient is not of {span}")


def _body_part(header: ImageHeader, rules: InputRules) -> Check | None:
    return _one_of("body_part", "body part", header.body_part, rules.body_parts)


def _view(header: ImageHeader, rules: InputRules) -> Check | None:
    if header.view in rules.views_excluded:
        return failed("view", f"the view is {header.view}, which the model excludes")
    return _one_of("view", "view", header.view, rules.views)


def _laterality(header: ImageHeader, rules: InputRules) -> Check | None:
    stated = header.laterality if header.laterality in {"L", "R"} else ""
    return _one_of("laterality", "side", stated, rules.lateralities)


def _sex(header: ImageHeader, rules: InputRules) -> Check | None:
    if not rules.sexes:
        return None
    if not header.sex or header.sex in rules.sexes:
        return passed("sex")
    return failed(
        "sex", f"{OUTSIDE}: the model is for {' or '.join(sorted(rules.sexes))}"
    )


def _manufacturer(header: ImageHeader, rules: InputRules) -> Check | None:
    if not rules.manufacturers:
        return None
    maker = header.manufacturer.upper()
    if not maker or maker.startswith(tuple(rules.manufacturers)):
        return passed("manufacturer")
    names = ", ".join(sorted(rules.manufacturers))
    return failed(
        "manufacturer",
        f"the machine's maker is {header.manufacturer}, the model knows {names}",
    )


def _thickness(header: ImageHeader, rules: InputRules) -> Check | None:
    limits = rules.slice_thickness_mm
    if limits is None:
        return None
    has = header.slice_thickness_mm
    if limits.covers(has):
        return passed("slice_thickness", value=has, unit="mm")
    span = _span(limits, "mm")
    if has is None:
        return failed(
            "slice_thickness",
            f"the slice thickness is not stated, and the model is for {span}",
        )
    return failed(
        "slice_thickness",
        f"the slices are {has:g} mm thick, and the model is for {span}",
        value=has,
        limit=limits.most
        if limits.most is not None and has > limits.most
        else limits.least,
        unit="mm",
    )


def _contrast_agent(header: ImageHeader, rules: InputRules) -> Check | None:
    if rules.contrast is None:
        return None
    has = header.acquisition.has_contrast_agent
    if has is rules.contrast:
        return passed("contrast_agent")
    wanted = "with" if rules.contrast else "without"
    return failed("contrast_agent", f"the model is for images {wanted} contrast agent")


def _one_of(name: str, words: str, stated: str, wanted: frozenset[str]) -> Check | None:
    if not wanted:
        return None
    if not stated or stated in wanted:
        return passed(name)
    return failed(
        name, f"the {words} is {stated}, the model is for {', '.join(sorted(wanted))}"
    )


def _span(limits: Range, unit: str) -> str:
    low, high = limits.least, limits.most
    if low is None and high is None:
        return f"any number of {unit}"
    if low is None:
        return f"{high:g} {unit} at most"
    if high is None:
        return f"{low:g} {unit} at least"
    return f"{low:g} to {high:g} {unit}"


_CHECKS: Final[tuple[Callable[[ImageHeader, InputRules], Check | None], ...]] = (
    _age,
    _body_part,
    _view,
    _laterality,
    _sex,
    _manufacturer,
    _thickness,
    _contrast_agent,
)

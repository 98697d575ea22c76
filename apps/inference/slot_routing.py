"""Which studies a site gives to a slot, and who reads them by what it says. Pure.

A rule narrows and never widens: a study goes to a slot when the card's input rules
(`apps.inference.rules`) and the site's rule both take it. There are no patterns to
write: lists of DICOM words, ages, words of the description, hours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from apps.core.errors import Invalid

if TYPE_CHECKING:
    from datetime import datetime

    from apps.inference.rules import StudyInput

_LISTS: Final = ("modalities", "body_parts", "views")
_WORDS: Final = ("description_has", "description_lacks")
_MOST: Final = 30
_LONGEST: Final = 64
_OLDEST: Final = 150


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """A site's rule for one slot; what is empty or None asks for nothing.

    Attributes:
        modalities: One of these, DICOM words, upper case.
        body_parts: One of these; a study that states none does not match.
        views: One of these view positions; a study that states none matches.
        age_min: Completed years, inclusive.
        age_max: Completed years, inclusive. With either, an unknown age does not
            match.
        description_has: The study or a series is described with one of these.
        description_lacks: … with none of these. Case does not count.
        hour_from: Arrived at this full hour or later, local time of the portal.
        hour_to: … and before this one; over midnight when it is the smaller.
        resident_first: What the model is sure of is for a resident first
            (`apps.inference.tiers`).
        specialist_if_unsure: What it is unsure of is for a specialist.
        unsure_from: Unsure is also a displayed probability from here, 0–1 …
        unsure_to: … to here, inclusive; None is the card's own limit alone.
    """

    modalities: tuple[str, ...] = ()
    body_parts: tuple[str, ...] = ()
    views: tuple[str, ...] = ()
    age_min: int | None = None
    age_max: int | None = None
    description_has: tuple[str, ...] = ()
    description_lacks: tuple[str, ...] = ()
    hour_from: int | None = None
    hour_to: int | None = None
    resident_first: bool = False
    specialist_if_unsure: bool = False
    unsure_from: float | None = None
    unsure_to: float | None = None

    @property
    def is_tiered(self) -> bool:
        """Whether it says who a study is for."""
        return self.resident_first or self.specialist_if_unsure

    def plain(self) -> dict[str, Any]:
        """Return what it asks for as JSON; {} when that is nothing."""
        said = asdict(self)
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in said.items()
            if value is not None and value is not False and value != ()
        }


def parse_routing(*, raw: Mapping[str, Any]) -> Routing:
    """Return a rule, every field checked.

    Raises:
        Invalid: Names the field that is wrong and why.
    """
    known = set(Routing.__dataclass_fields__)
    unknown = sorted(set(raw) - known)
    if unknown:
        raise _wrong(unknown[0], "is no part of a rule")
    lists = {name: _words(raw, name, upper=True) for name in _LISTS}
    words = {name: _words(raw, name, upper=False) for name in _WORDS}
    rule = Routing(
        **lists,
        **words,
        age_min=_number(raw, "age_min", _OLDEST),
        age_max=_number(raw, "age_max", _OLDEST),
        hour_from=_number(raw, "hour_from", 23),
        hour_to=_number(raw, "hour_to", 24),
        resident_first=_flag(raw, "resident_first"),
        specialist_if_unsure=_flag(raw, "specialist_if_unsure"),
        unsure_from=_share(raw, "unsure_from"),
        unsure_to=_share(raw, "unsure_to"),
    )
    if (rule.unsure_from is None) != (rule.unsure_to is None):
        raise _wrong("unsure_from", "needs the other end: say both or neither")
    if rule.unsure_from is not None and rule.unsure_from > (rule.unsure_to or 0):
        raise _wrong("unsure_from", "is above the probability that it goes to")
    if rule.unsure_from is not None and not rule.is_tiered:
        raise _wrong("unsure_from", "is for a rule that says who a study is for")
    if None not in (rule.age_min, rule.age_max) and rule.age_min > rule.age_max:  # type: ignore[operator]
        raise _wrong("age_min", "is above the age that it goes to")
    if (rule.hour_from is None) != (rule.hour_to is None):
        raise _wrong("hour_from", "needs the other hour: say both or neither")
    if rule.hour_from is not None and rule.hour_from == rule.hour_to:
        raise _wrong("hour_to", "is the hour that it begins at")
    return rule


_NAMES: Final = {
    "modalities": "Modalities",
    "body_parts": "Body parts",
    "views": "Views",
    "description_has": "Described with one of",
    "description_lacks": "Described with none of",
    "age_min": "From age",
    "age_max": "To age",
    "hour_from": "Arrived from",
    "hour_to": "Arrived to",
    "unsure_from": "Unsure from probability",
    "unsure_to": "Unsure to probability",
}
"""What the page calls the fields."""


def _wrong(field: str, what: str) -> Invalid:
    name = _NAMES.get(field, f"routing.{field}")
    return Invalid("invalid", f"{name}: {what}.", field=f"routing.{field}")


def _words(raw: Mapping[str, Any], name: str, *, upper: bool) -> tuple[str, ...]:
    given = raw.get(name) or []
    if not isinstance(given, list) or len(given) > _MOST:
        raise _wrong(name, f"is a list of up to {_MOST} words")
    if not all(isinstance(one, str) and len(one) <= _LONGEST for one in given):
        raise _wrong(name, f"has words of up to {_LONGEST} characters")
    cleaned = [" ".join(one.split()) for one in given]
    said = [one.upper() if upper else one.lower() for one in cleaned if one]
    return tuple(dict.fromkeys(said))


def _number(raw: Mapping[str, Any], name: str, most: int) -> int | None:
    value = raw.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise _wrong(name, f"is a whole number from 0 to {most}")
    return value


def _flag(raw: Mapping[str, Any], name: str) -> bool:
    value = raw.get(name) or False
    if not isinstance(value, bool):
        raise _wrong(name, "is true or false")
    return value


def _share(raw: Mapping[str, Any], name: str) -> float | None:
    value = raw.get(name)
    if value is None:
        return None
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 <= value <= 1:
        raise _wrong(name, "is a probability from 0 to 1")
    return float(value)


def why_not(*, rule: Routing, study: StudyInput, arrived: datetime) -> str:
    """Return why a site's rule does not take a study; '' when it does.

    Args:
        rule: The rule.
        study: What is known of the study.
        arrived: When it arrived, in the portal's local time.
    """
    checks = (
        _one_of("the modality", rule.modalities, study.modalities, unstated=False),
        _one_of("the body part", rule.body_parts, study.body_parts, unstated=False),
        _one_of("the view", rule.views, study.views, unstated=True),
        _age(rule, study.age_years),
        _description(rule, study.description.lower()),
        _hour(rule, arrived.hour),
    )
    return next((words for words in checks if words), "")


def _one_of(
    name: str, wanted: tuple[str, ...], stated: frozenset[str], *, unstated: bool
) -> str:
    said = {one for one in stated if one}
    if not wanted or (not said and unstated) or said & set(wanted):
        return ""
    return f"{name} is not {' or '.join(wanted)}"


def _age(rule: Routing, years: float | None) -> str:
    if rule.age_min is None and rule.age_max is None:
        return ""
    if years is None:
        return "the age is not known"
    if rule.age_min is not None and years < rule.age_min:
        return f"younger than {rule.age_min} years"
    if rule.age_max is not None and years >= rule.age_max + 1:
        return f"older than {rule.age_max} years"
    return ""


def _description(rule: Routing, text: str) -> str:
    if rule.description_has and not any(one in text for one in rule.description_has):
        return f"not described as “{'” or “'.join(rule.description_has)}”"
    found = next((one for one in rule.description_lacks if one in text), "")
    return f"described as “{found}”" if found else ""


def _hour(rule: Routing, hour: int) -> str:
    start, end = rule.hour_from, rule.hour_to
    if start is None or end is None:
        return ""
    inside = start <= hour < end if start < end else hour >= start or hour < end
    return "" if inside else f"arrived outside {start:02d}:00–{end:02d}:00"

"""Does a model's declared input cover a study? Pure: no database, no clock."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from apps.inference.types import Fit
from workers.model_card import read_input
from workers.series_roles import Choice, SeriesFacts, choose_series

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyInput:
    """What is known of a study before any pixel is read.

    Attributes:
        modalities: DICOM modalities of its image series.
        body_parts: Body Part Examined of its image series, upper case.
        description: Study and series descriptions, for a missing body part.
        views: View Position values of its images, upper case.
        age_years: Age of the patient at the study; None when unknown.
        synthetic: For each image series whether it is marked as made, not taken.
        series: What is known of each series that a worker may get; None where a
            revision of an older installation does not say it.
    """

    modalities: frozenset[str]
    body_parts: frozenset[str]
    description: str
    views: frozenset[str]
    age_years: float | None
    synthetic: frozenset[bool] = frozenset()
    series: tuple[SeriesFacts, ...] | None = None


def check_fit(*, card: Mapping[str, Any], study: StudyInput) -> Fit:
    """Compare a study with the `input` rules of a model card.

    The rules are `modalities`, `body_parts`, `views_excluded`, `age_years` (`min`,
    `max`, both inclusive in completed years, and `unknown`: `reject` or `accept`)
    and `synthetic`: `true` takes phantoms and nothing else, `"allowed"` takes both,
    and without it phantoms are refused. Words never say the patient's age. Of a model
    of several series `roles` must be filled (`workers.series_roles`), each by one.
    """
    rules = card.get("input", {})
    name = str(card.get("name", "model"))
    other_kind = {
        "synthetic": _synthetic(rules=rules, study=study),
        "modality": _modality(rules=rules, study=study),
    }
    other_part = {"body_part": _other_body_part(rules=rules, study=study)}
    rejected = {
        "body_part": _unstated_body_part(rules=rules, study=study),
        "view": _view(rules=rules, study=study),
        "age": _age(rules=rules, study=study),
        "series": series_of_roles(card=card, study=study).reason,
    }
    checks = [*other_kind.items(), *other_part.items(), *rejected.items()]
    check, reason = next(((key, text) for key, text in checks if text), ("", ""))
    return Fit(
        fits=not reason,
        reason=f"{name}: {reason}" if reason else "",
        near=not any(other_kind.values()),
        rejects=bool(reason)
        and not any(other_kind.values())
        and not any(other_part.values()),
        check=check,
    )


def _synthetic(*, rules: Mapping[str, Any], study: StudyInput) -> str:
    wanted = rules.get("synthetic", False)
    if wanted is True and study.synthetic != {True}:
        return "only for phantoms (images marked as synthetic)"
    if not wanted and True in study.synthetic:
        return "not for phantoms; these images are synthetic"
    return ""


def _modality(*, rules: Mapping[str, Any], study: StudyInput) -> str:
    wanted = {str(m).upper() for m in rules.get("modalities", [])}
    if not wanted or wanted & study.modalities:
        return ""
    return f"needs {' or '.join(sorted(wanted))}"


def _other_body_part(*, rules: Mapping[str, Any], study: StudyInput) -> str:
    wanted = {str(p).upper() for p in rules.get("body_parts", [])}
    if not wanted or not study.body_parts or wanted & study.body_parts:
        return ""
    return "is for another body part"


def _unstated_body_part(*, rules: Mapping[str, Any], study: StudyInput) -> str:
    wanted = {str(p).upper() for p in rules.get("body_parts", [])}
    if not wanted or study.body_parts:
        return ""
    text = study.description.upper()
    if any(part in text for part in wanted):
        return ""
    return "the body part is not stated"


def _view(*, rules: Mapping[str, Any], study: StudyInput) -> str:
    excluded = {str(v).upper() for v in rules.get("views_excluded", [])}
    stated = {view for view in study.views if view}
    if stated and stated <= excluded:
        return f"not for the view {' or '.join(sorted(stated))}"
    return ""


def _age(*, rules: Mapping[str, Any], study: StudyInput) -> str:
    limits = rules.get("age_years")
    if not limits:
        return ""
    # A card may name one end alone.
    low, high = float(limits.get("min", 0)), float(limits.get("max", math.inf))
    span = f"patients of {low:g} to {high:g} years"
    if math.isinf(high):
        span = f"patients of {low:g} years and older"
    if study.age_years is None:
        if limits.get("unknown", "reject") == "accept":
            return ""
        return f"only for {span}; the age is not known"
    if low <= study.age_years < high + 1:
        return ""
    side = "younger" if study.age_years < low else "older"
    return f"only for {span}; this patient is {side}"


def series_of_roles(*, card: Mapping[str, Any], study: StudyInput) -> Choice:
    """Return the series of each role of a card, or why there are none.

    Nothing is chosen, and nothing refused, for a model of one series, and where too
    little is known of a study's series: the worker then chooses by the files.
    """
    rules = card.get("input", {})
    if not rules.get("roles") or rules.get("kind") != "volume" or study.series is None:
        return Choice(series={})
    return choose_series(read_input(rules), study.series)

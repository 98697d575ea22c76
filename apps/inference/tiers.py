"""Who a study is for, by how sure the models are of it.

A rule of a slot (`apps.inference.slot_routing`) says: what the model is sure of goes to
a resident first, what it is unsure of straight to a specialist. Where a model with a
rule has not answered, or two models differ, anybody reads it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from apps.inference.doubt import needs_specialist
from apps.inference.selectors import probability_of
from apps.inference.slot_routing import parse_routing
from apps.inference.types import RunState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apps.inference.models import Finding, InferenceRun, ModelVersion
    from apps.inference.slot_routing import Routing


class Tier(StrEnum):
    """Who a study is meant for."""

    ANYBODY = ""
    RESIDENT = "resident"
    SPECIALIST = "specialist"


def is_unsure(
    *, rule: Routing, model: ModelVersion, findings: Iterable[tuple[Finding, float]]
) -> bool:
    """Say whether a model is unsure of a study.

    It is where a finding is beyond the card's own limit of uncertainty
    (`apps.inference.doubt`), or its displayed probability lies from `unsure_from` to
    `unsure_to` of the rule, both inclusive.

    Args:
        rule: The site's.
        model: The model.
        findings: What it said, each with its displayed probability.
    """
    low, high = rule.unsure_from, rule.unsure_to
    return any(
        needs_specialist(finding=finding, model=model)
        or (low is not None and high is not None and low <= shown <= high)
        for finding, shown in findings
    )


def tier_by_rule(*, rule: Routing, unsure: bool) -> Tier:
    """Return who a rule means a study for."""
    if unsure:
        return Tier.SPECIALIST if rule.specialist_if_unsure else Tier.ANYBODY
    return Tier.RESIDENT if rule.resident_first else Tier.ANYBODY


def tier_of(*, runs: Iterable[InferenceRun]) -> Tier:
    """Return who a study is for by the live runs on it, with their findings.

    A specialist as soon as one rule says so; a resident where all rules do.
    """
    said = {tier for run in runs if (tier := _tier(run)) is not None}
    if Tier.SPECIALIST in said:
        return Tier.SPECIALIST
    return Tier.RESIDENT if said == {Tier.RESIDENT} else Tier.ANYBODY


def _tier(run: InferenceRun) -> Tier | None:
    """Return what one run says.

    None where its slot has no such rule, or its model was never asked: its card rules
    the study out (`services.open_runs`).
    """
    rule = parse_routing(raw=run.slot.routing)
    never_asked = run.state == RunState.REJECTED and run.requested_at is None
    if not rule.is_tiered or never_asked:
        return None
    if run.state != RunState.DONE:
        return Tier.ANYBODY
    findings = [(f, probability_of(finding=f)) for f in run.findings.all()]
    unsure = is_unsure(rule=rule, model=run.model_version, findings=findings)
    return tier_by_rule(rule=rule, unsure=unsure)

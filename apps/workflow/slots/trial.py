"""A routing rule tried on history: how often it would have fired, and on what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction
from django.utils.timezone import localtime

from apps.audit.events import Event
from apps.audit.services import record
from apps.core import clock
from apps.core.permissions import Permission
from apps.inference.models import InferenceRun
from apps.inference.rules import check_fit
from apps.inference.selectors import probability_of
from apps.inference.services import describe_input
from apps.inference.slot_routing import Routing, parse_routing, why_not
from apps.inference.slots import access_slot
from apps.inference.tiers import Tier, is_unsure, tier_by_rule
from apps.inference.types import RunState
from apps.studies.models import StudyRevision
from workers.measures.rate import poisson_rate

if TYPE_CHECKING:
    from uuid import UUID

    from apps.accounts.types import Actor
    from apps.inference.models import Slot

DAYS: Final = 28
_MOST: Final = 20_000
_EXAMPLES: Final = 8


@transaction.atomic
def try_routing(
    *, actor: Actor, slot_id: UUID, raw: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what a rule would have sent to a slot's model in the last days.

    Nothing is changed. The examples name studies by our ids, say why, and no more;
    that they were looked at is on record.

    Args:
        actor: A lead or admin of the site.
        slot_id: A version of a slot.
        raw: The rule.

    Raises:
        Invalid: The rule is none; names the field.
    """
    slot = access_slot(actor=actor, slot_id=slot_id, need=Permission.SITE_MANAGE)
    rules = {
        "asked": parse_routing(raw=raw),
        "holding": parse_routing(raw=slot.routing),
    }
    now = clock.now()
    revisions = list(
        StudyRevision.objects.select_related("study")
        .filter(
            study__site_id=slot.site_id,
            study__deleted_at__isnull=True,
            arrived_at__gte=now - timedelta(days=DAYS),
        )
        .order_by("-arrived_at")[:_MOST]
    )
    outcomes = [_outcome(one, slot.model_version.card, rules) for one in revisions]
    first = min((one["arrived_at"] for one in outcomes), default=now)
    days = round(max((now - first) / timedelta(days=1), 1.0), 2)
    fired = [one for one in outcomes if not one["reason"]]
    held_back = [one for one in outcomes if one["fits"] and one["reason"]]
    examples = fired[:_EXAMPLES] + held_back[:_EXAMPLES]
    record(
        actor=actor,
        event=Event.STUDY_LIST,
        site_id=slot.site_id,
        studies=[one["study_id"] for one in examples],
        object_kind="slot",
        object_id=slot.id,
        detail={"trial": rules["asked"].plain()},
    )
    return {
        "days": days,
        "arrived": len(outcomes),
        "fits": sum(one["fits"] for one in outcomes),
        "fired": len(fired),
        "fired_now": sum(one["holds"] for one in outcomes),
        "per_day": asdict(poisson_rate(events=len(fired), exposure=days)),
        "tiers": _tiers(slot, rules["asked"], fired),
        "by_day": _by_day(outcomes),
        "examples": examples,
    }


def _outcome(
    revision: StudyRevision, card: Mapping[str, Any], rules: Mapping[str, Routing]
) -> dict[str, Any]:
    study = describe_input(revision=revision)
    fit = check_fit(card=card, study=study)
    arrived = localtime(revision.arrived_at)
    words = {
        name: why_not(rule=rule, study=study, arrived=arrived)
        for name, rule in rules.items()
    }
    return {
        "revision_id": revision.id,
        "study_id": revision.study_id,
        "arrived_at": revision.arrived_at,
        "modality": ", ".join(sorted(study.modalities)),
        "fits": fit.fits,
        "holds": fit.fits and not words["holding"],
        "reason": words["asked"] if fit.fits else fit.reason,
    }


def _tiers(
    slot: Slot, rule: Routing, fired: list[dict[str, Any]]
) -> dict[str, int] | None:
    """Return for whom studies would have been, by what the model said of them.

    None where the rule says nothing of it. The results are those of this slot's
    package, read with this version's calibration.
    """
    if not rule.is_tiered:
        return None
    runs = InferenceRun.objects.filter(
        revision_id__in=[one["revision_id"] for one in fired],
        model_version_id=slot.model_version_id,
        state=RunState.DONE,
    ).prefetch_related("findings")
    said = Counter(_tier(slot, rule, run) for run in runs)
    return {
        "resident": said[Tier.RESIDENT],
        "specialist": said[Tier.SPECIALIST],
        "anybody": said[Tier.ANYBODY],
        "unscored": len(fired) - said.total(),
    }


def _tier(slot: Slot, rule: Routing, run: InferenceRun) -> Tier:
    findings = list(run.findings.all())
    for finding in findings:
        finding.run = run
    run.slot = slot
    shown = [(finding, probability_of(finding=finding)) for finding in findings]
    unsure = is_unsure(rule=rule, model=slot.model_version, findings=shown)
    return tier_by_rule(rule=rule, unsure=unsure)


def _by_day(outcomes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return how many fired each day on which anything arrived, the newest first."""

    def count(these: list[dict[str, Any]]) -> Counter[date]:
        return Counter(localtime(one["arrived_at"]).date() for one in these)

    arrived = count(outcomes)
    fired = count([one for one in outcomes if not one["reason"]])
    return [
        {"day": day, "arrived": arrived[day], "fired": fired[day]}
        for day in sorted(arrived, reverse=True)
    ]

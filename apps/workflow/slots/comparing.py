"""A challenger or shadow beside the live model: the same studies, the same readings."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from django.db import transaction

from apps.annotations.truth import Judged, JudgedCases, Scored, TruthKind, judge_cases
from apps.audit.events import Event
from apps.audit.services import record
from apps.core import clock
from apps.core.errors import Conflict, Invalid
from apps.core.permissions import Permission
from apps.inference.slots import access_slot, versions_of
from apps.inference.types import SlotKind
from apps.workflow.slots.figures import (
    DAYS,
    LEAST,
    displayed,
    label_of,
    scored_at,
    told,
    truth_counts,
)
from apps.workflow.visibility import untold_studies
from apps.worklist.models import WorkItem
from workers.measures.auroc import auroc, compare_paired
from workers.measures.operating import operating_point
from workers.measures.paired import mcnemar
from workers.measures.rate import poisson_rate

if TYPE_CHECKING:
    from uuid import UUID

    from numpy.typing import NDArray

    from apps.accounts.types import Actor
    from apps.inference.models import Slot

MOST: Final = 50
"""Discordant studies that are listed, the newest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """One model on the common studies.

    Attributes:
        slot: The version by which it is read.
        threshold: Its own.
        raw: Raw scores by revision.
        shown: Displayed probabilities by revision.
    """

    slot: Slot
    threshold: float
    raw: dict[UUID, float]
    shown: dict[UUID, float]

    def flags(self, revision_ids: list[UUID]) -> NDArray[np.bool_]:
        """Return which of the studies are at or above its threshold."""
        return np.array([self.shown[one] >= self.threshold for one in revision_ids])


@transaction.atomic
def compare_slots(
    *, actor: Actor, slot_id: UUID, code: str, truth: TruthKind
) -> dict[str, Any]:
    """Return how a challenger or shadow does beside what is live in its slot.

    Both are judged on the studies that both have scored, each at its own threshold
    and calibration. Sensitivity and specificity count all of them (a patient's
    together, `workers.measures.operating`). The paired tests ask for independent
    cases: they count the newest study of each patient.

    Args:
        actor: A lead or admin of the site.
        slot_id: The challenger's or shadow's version.
        code: The label; both models give it.
        truth: Whose readings are the truth.

    Raises:
        Invalid: It is live itself, or one of the models does not give the label.
        Conflict: `no_live`: nothing is live in its slot.
    """
    slot = access_slot(actor=actor, slot_id=slot_id, need=Permission.SITE_MANAGE)
    if slot.kind == SlotKind.LIVE:
        raise Invalid("is_live", "This is the live one: open the one beside it.")
    live = versions_of(slot=slot).filter(active=True, kind=SlotKind.LIVE).first()
    if live is None:
        raise Conflict("no_live", "Nothing is live in this slot to compare it with.")
    label = label_of(slot=slot, code=code)
    label_of(slot=live, code=code)
    scored = {one.revision_id: one for one in scored_at(slot=live, code=code)}
    others = {one.revision_id: one for one in scored_at(slot=slot, code=code)}
    common = [scored[one] for one in scored if one in others]
    one = _side(live, code, common)
    other = _side(slot, code, [others[s.revision_id] for s in common])
    cases = judge_cases(scored=common, code=code, kind=truth)
    late = [s for s in common if s.at >= clock.now() - timedelta(days=DAYS)]
    differ = _discordant(cases, one, other)
    return {
        "code": code,
        "display": label["display"],
        "truth": truth,
        "least": LEAST,
        "n_both": len(common),
        "days": _days(common),
        "truths": [
            truth_counts(kind, judge_cases(scored=common, code=code, kind=kind))
            for kind in TruthKind
        ],
        "live": _figures(one, late, cases, _days(common)),
        "other": _figures(other, late, cases, _days(common)),
        "paired": _paired(one, other, cases),
        "n_discordant": len(differ),
        "discordant": _listed(actor, slot, differ, one, other),
    }


def _side(slot: Slot, code: str, scored: list[Scored]) -> _Side:
    shown = displayed(slot=slot, code=code, scored=scored)
    return _Side(
        slot=slot,
        threshold=float(slot.thresholds[code]),
        raw={s.revision_id: s.raw_score for s in scored},
        shown={s.revision_id: float(p) for s, p in zip(scored, shown, strict=True)},
    )


def _days(common: list[Scored]) -> float:
    """Return over how many of the last days alerts are counted, at least one."""
    now = clock.now()
    since = now - timedelta(days=DAYS)
    first = min((s.at for s in common), default=now)
    return round(max((now - max(first, since)) / timedelta(days=1), 1.0), 2)


def _figures(
    side: _Side, late: list[Scored], cases: JudgedCases, days: float
) -> dict[str, Any]:
    ids = [case.scored.revision_id for case in cases.cases]
    truth = [case.present for case in cases.cases]
    point = operating_point(
        truth=truth,
        probabilities=[side.shown[one] for one in ids],
        groups=[case.scored.patient_id for case in cases.cases],
        threshold=side.threshold,
    )
    alerts = int(side.flags([s.revision_id for s in late]).sum())
    single = _one_a_patient(cases)
    enough = _enough(single)
    area = (
        auroc(
            truth=[case.present for case in single],
            scores=[side.raw[case.scored.revision_id] for case in single],
        )
        if enough
        else None
    )
    return {
        "slot_id": side.slot.id,
        "kind": side.slot.kind,
        "number": side.slot.number,
        "model": str(side.slot.model_version),
        "threshold": side.threshold,
        "alerts": alerts,
        "alerts_per_day": asdict(poisson_rate(events=alerts, exposure=days)),
        "sensitivity": told(point.sensitivity),
        "specificity": told(point.specificity),
        "auroc": asdict(area) if area else _untold(len(single)),
    }


def _untold(n: int) -> dict[str, Any]:
    return {"value": None, "low": None, "high": None, "n": n}


def _one_a_patient(cases: JudgedCases) -> list[Judged]:
    """Return the newest judged study of each patient, as independent cases."""
    newest: dict[UUID, Judged] = {}
    for case in sorted(cases.cases, key=lambda c: (c.scored.at, c.scored.revision_id)):
        newest[case.scored.patient_id] = case
    return list(newest.values())


def _enough(cases: list[Judged]) -> bool:
    present = sum(case.present for case in cases)
    return min(present, len(cases) - present) >= LEAST


def _paired(one: _Side, other: _Side, cases: JudgedCases) -> dict[str, Any]:
    """Return the paired tests, the live model first; without figures when too few."""
    single = _one_a_patient(cases)
    n_present = sum(case.present for case in single)
    counts = {"n": len(single), "n_present": n_present}
    if not _enough(single):
        return {
            **counts,
            "refused": (
                f"The paired tests need {LEAST} patients with the finding and {LEAST}"
                f" without, whose study both models scored and a reading judges. There"
                f" are {n_present} with it and {len(single) - n_present} without."
            ),
            "difference": None,
            "z": None,
            "p": None,
            "sensitivity": None,
            "specificity": None,
        }
    ids = [case.scored.revision_id for case in single]
    truth = np.array([case.present for case in single])
    areas = compare_paired(
        truth=truth,
        first=[other.raw[i] for i in ids],
        second=[one.raw[i] for i in ids],
    )
    first, second = one.flags(ids), other.flags(ids)
    return {
        **counts,
        "refused": "",
        "difference": asdict(areas.difference),
        "z": areas.z,
        "p": areas.p,
        "sensitivity": asdict(mcnemar(first=first[truth], second=second[truth])),
        "specificity": asdict(mcnemar(first=~first[~truth], second=~second[~truth])),
    }


def _discordant(cases: JudgedCases, one: _Side, other: _Side) -> list[Judged]:
    """Return the judged studies that one model flags and the other does not."""
    ids = [case.scored.revision_id for case in cases.cases]
    differs = one.flags(ids) != other.flags(ids) if ids else []
    found = [case for case, yes in zip(cases.cases, differs, strict=True) if yes]
    return sorted(found, key=lambda case: case.scored.at, reverse=True)


def _listed(
    actor: Actor, slot: Slot, differ: list[Judged], one: _Side, other: _Side
) -> list[dict[str, Any]]:
    """Return discordant studies by our ids; that they were looked at is on record.

    A study that the actor may still be given to read without AI is not among them.
    """
    hidden = untold_studies(actor=actor)
    shown = [case for case in differ if case.scored.study_id not in hidden][:MOST]
    revisions = [case.scored.revision_id for case in shown]
    items = dict(
        WorkItem.objects.filter(
            case__revision_id__in=revisions, withdrawn=False
        ).values_list("case__revision_id", "id")
    )
    record(
        actor=actor,
        event=Event.STUDY_LIST,
        site_id=slot.site_id,
        studies=[case.scored.study_id for case in shown],
        object_kind="slot",
        object_id=slot.id,
        detail={"comparison": str(one.slot.id)},
    )
    return [
        {
            "study_id": case.scored.study_id,
            "item_id": items.get(case.scored.revision_id),
            "at": case.scored.at,
            "present": case.present,
            "live": one.shown[case.scored.revision_id],
            "other": other.shown[case.scored.revision_id],
        }
        for case in shown
    ]

"""What a threshold would do at a site: from stored raw scores and signed readings."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from django.db.models import Count

from apps.annotations.truth import (
    JudgedCases,
    Scored,
    TruthKind,
    judge_cases,
    scored_cases,
)
from apps.core import clock
from apps.core.errors import Invalid
from apps.core.permissions import Permission
from apps.inference.models import Finding
from apps.inference.slots import access_slot, versions_of
from apps.inference.types import RunState
from workers.measures.operating import operating_point
from workers.measures.rate import poisson_rate
from workers.measures.recalibration import Calibration

if TYPE_CHECKING:
    from uuid import UUID

    from numpy.typing import NDArray

    from apps.accounts.types import Actor
    from apps.inference.models import Slot
    from workers.measures.estimate import Estimate

DAYS: Final = 28
"""Alerts are counted over so many days, or since the first score."""
LEAST: Final = 10
"""A figure of fewer cases is not told: insufficient data."""
_BINS: Final = 20


def simulate_threshold(
    *, actor: Actor, slot_id: UUID, code: str, threshold: float, truth: TruthKind
) -> dict[str, Any]:
    """Return what a threshold would do, beside what the one that holds does.

    Args:
        actor: A lead or admin of the site.
        slot_id: A version of a slot.
        code: The label.
        threshold: Displayed probability, above 0 and at most 1.
        truth: Whose readings are the truth.

    Raises:
        Invalid: The model does not give the label, or the threshold is none.
    """
    slot = access_slot(actor=actor, slot_id=slot_id, need=Permission.SITE_MANAGE)
    label = label_of(slot=slot, code=code)
    if not 0 < threshold <= 1:
        raise Invalid("invalid", "threshold: is above 0 and at most 1.")
    scored = scored_at(slot=slot, code=code)
    judged = {
        kind: judge_cases(scored=scored, code=code, kind=kind) for kind in TruthKind
    }
    cases = judged[truth]
    now = float(slot.thresholds[code])
    window = _window(scored)
    holding = _figures(slot, code, window, cases, now)
    asked = _figures(slot, code, window, cases, threshold)
    return {
        "code": code,
        "display": label["display"],
        "threshold": threshold,
        "holding": now,
        "truth": truth,
        "truths": [truth_counts(kind, judged[kind]) for kind in TruthKind],
        "least": LEAST,
        "scored": len(scored),
        "package_hash": slot.model_version.package_hash,
        "others": scored_by_others(slot=slot, code=code),
        "days": window.days,
        "at_holding": holding,
        "at_threshold": asked,
        "more_alerts_per_day": (asked["alerts"] - holding["alerts"]) / window.days,
        "histogram": _histogram(slot, code, scored, cases),
    }


def label_of(*, slot: Slot, code: str) -> dict[str, Any]:
    """Return a label of a slot's model.

    Raises:
        Invalid: The model says nothing of it.
    """
    labels: list[dict[str, Any]] = slot.model_version.card["labels"]
    found = next((one for one in labels if one["code"] == code), None)
    if found is None or code not in slot.thresholds:
        raise Invalid("invalid", "code: the model says nothing of this label.")
    return found


def scored_at(*, slot: Slot, code: str) -> tuple[Scored, ...]:
    """Return what a slot's model has scored at its site for one label."""
    return scored_cases(
        site_id=slot.site_id, model_version_id=slot.model_version_id, code=code
    )


def scored_by_others(*, slot: Slot, code: str) -> list[dict[str, Any]]:
    """Return what other packages of a slot have scored for a label, and how much.

    Their raw scores are of other networks: they can not stand in for this one's. A
    package that is added again under the same hash is the same model, and counted.
    """
    others = versions_of(slot=slot).exclude(model_version_id=slot.model_version_id)
    rows = (
        Finding.objects.filter(
            run__revision__study__site_id=slot.site_id,
            run__revision__study__deleted_at__isnull=True,
            run__model_version_id__in=others.values("model_version_id"),
            run__state=RunState.DONE,
            label_code=code,
        )
        .values_list("run__model_version__name", "run__model_version__version")
        .annotate(n=Count("run__revision", distinct=True))
        .order_by("run__model_version__name", "run__model_version__version")
    )
    return [{"model": f"{name} {version}", "n": n} for name, version, n in rows]


def displayed(*, slot: Slot, code: str, scored: list[Scored]) -> NDArray[np.float64]:
    """Return the probabilities that people see of scores by a version of a slot."""
    fitted = slot.calibrations.get(code)
    if not fitted:
        return np.array([one.stated for one in scored], dtype=np.float64)
    return Calibration.of(fitted).probabilities([one.raw_score for one in scored])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Window:
    """The scores of the last days: over how many, at least one."""

    scored: list[Scored]
    days: float


def _window(scored: tuple[Scored, ...]) -> _Window:
    now = clock.now()
    since = now - timedelta(days=DAYS)
    late = [one for one in scored if one.at >= since]
    first = min((one.at for one in scored), default=now)
    span = (now - max(first, since)) / timedelta(days=1)
    return _Window(scored=late, days=round(max(span, 1.0), 2))


def _figures(
    slot: Slot, code: str, window: _Window, cases: JudgedCases, threshold: float
) -> dict[str, Any]:
    shown = displayed(slot=slot, code=code, scored=window.scored)
    alerts = int((shown >= threshold).sum())
    scores = [case.scored for case in cases.cases]
    point = operating_point(
        truth=[case.present for case in cases.cases],
        probabilities=displayed(slot=slot, code=code, scored=scores),
        groups=[case.scored.patient_id for case in cases.cases],
        threshold=threshold,
    )
    shares = ("sensitivity", "specificity", "ppv", "npv")
    return {
        "alerts": alerts,
        "alerts_per_day": asdict(poisson_rate(events=alerts, exposure=window.days)),
        **{name: told(getattr(point, name)) for name in shares},
    }


def told(figure: Estimate | None) -> dict[str, Any]:
    """Return a share as it may be told: without its value where n is too small."""
    n = figure.n if figure else 0
    if figure is None or n < LEAST:
        return {"value": None, "low": None, "high": None, "n": n}
    return asdict(figure)


def truth_counts(kind: TruthKind, judged: JudgedCases) -> dict[str, Any]:
    """Return how many studies readers judge, and how many are left out and why."""
    return {
        "kind": kind,
        "n": len(judged.cases),
        "n_present": judged.n_present,
        "n_readers": judged.n_readers,
        "n_disagreed": judged.n_disagreed,
        "n_unasked": judged.n_unasked,
    }


def _histogram(
    slot: Slot, code: str, scored: tuple[Scored, ...], cases: JudgedCases
) -> list[dict[str, Any]]:
    """Return the scores in bins of equal width: unread, present and absent."""
    edges = np.linspace(0, 1, _BINS + 1)

    def count(these: list[Scored]) -> NDArray[np.intp]:
        shown = displayed(slot=slot, code=code, scored=these)
        return np.histogram(shown, bins=edges)[0]

    present = count([case.scored for case in cases.cases if case.present])
    absent = count([case.scored for case in cases.cases if not case.present])
    judged = {case.scored.revision_id for case in cases.cases}
    others = count([one for one in scored if one.revision_id not in judged])
    return [
        {
            "low": float(edges[i]),
            "high": float(edges[i + 1]),
            "present": int(present[i]),
            "absent": int(absent[i]),
            "unknown": int(others[i]),
        }
        for i in range(_BINS)
    ]

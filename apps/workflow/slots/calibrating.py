"""Calibration of a slot by signed unaided readings: proposed, judged, applied."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from django.db import transaction

from apps.annotations.truth import JudgedCases, TruthKind, judge_cases
from apps.core import clock
from apps.core.errors import Conflict
from apps.core.permissions import Permission
from apps.inference.slots import SlotChange, access_slot, change_slot
from apps.workflow.slots.figures import displayed, label_of, scored_at
from workers.measures.estimate import MeasureError
from workers.measures.recalibration import (
    LEAST,
    Calibration,
    Method,
    fit,
    judged_unseen,
    reliability,
)

if TYPE_CHECKING:
    from uuid import UUID

    from numpy.typing import NDArray

    from apps.accounts.types import Actor
    from apps.annotations.truth import Scored
    from apps.inference.models import Slot

_DIGITS: Final = 6


def propose_calibration(
    *, actor: Actor, slot_id: UUID, code: str, method: Method
) -> dict[str, Any]:
    """Return what a calibration would be like, or why there can be none.

    Args:
        actor: A lead or admin of the site.
        slot_id: A version of a slot.
        code: The label.
        method: How.
    """
    slot = access_slot(actor=actor, slot_id=slot_id, need=Permission.SITE_MANAGE)
    label = label_of(slot=slot, code=code)
    scored = scored_at(slot=slot, code=code)
    cases = judge_cases(scored=scored, code=code, kind=TruthKind.UNAIDED)
    n, n_present = len(cases.cases), cases.n_present
    least, least_each = LEAST[method]
    said = {
        "code": code,
        "display": label["display"],
        "method": method,
        "n": n,
        "n_present": n_present,
        "n_readers": cases.n_readers,
        "n_disagreed": cases.n_disagreed,
        "n_unasked": cases.n_unasked,
        "least": least,
        "least_each": least_each,
        "refused": too_few(method=method, n=n, n_present=n_present),
        "before": None,
        "after": None,
        "threshold": float(slot.thresholds[code]),
        "new_threshold": None,
        "holding": _method_of(slot, code),
    }
    if said["refused"]:
        return said
    try:
        fitted, figures = _fit(slot, code, method, cases)
    except MeasureError as error:
        return {**said, "refused": f"It can not be fitted: {error}."}
    threshold = carried_threshold(slot=slot, code=code, fitted=fitted, scored=scored)
    return {**said, **figures, "fitted": fitted, "new_threshold": threshold}


def _method_of(slot: Slot, code: str) -> str:
    fitted = slot.calibrations.get(code)
    return str(fitted["method"]) if fitted else "package"


def too_few(*, method: Method, n: int, n_present: int) -> str:
    """Return why there are too few readings to fit a method; '' when there are enough.

    Args:
        method: How.
        n: Studies with a signed unaided reading.
        n_present: Those of them that have the label.
    """
    least, each = LEAST[method]
    n_absent = n - n_present
    if n >= least and min(n_present, n_absent) >= each:
        return ""
    return (
        f"It needs {least} studies with a signed unaided reading, {each} of them with"
        f" the finding and {each} without. There are {n}: {n_present} with it and"
        f" {n_absent} without."
    )


def _fit(
    slot: Slot, code: str, method: Method, cases: JudgedCases
) -> tuple[Calibration, dict[str, Any]]:
    """Return the fit to all cases, and how it does on patients it has not seen."""
    scores = [case.scored for case in cases.cases]
    truth = [case.present for case in cases.cases]
    raw = [one.raw_score for one in scores]
    patients = [one.patient_id for one in scores]
    fitted = fit(method=method, truth=truth, scores=raw)
    after = judged_unseen(method=method, truth=truth, scores=raw, groups=patients)
    before = displayed(slot=slot, code=code, scored=scores)
    return fitted, {
        "before": asdict(reliability(truth=truth, probabilities=before)),
        "after": asdict(reliability(truth=truth, probabilities=after)),
    }


def carried_threshold(
    *, slot: Slot, code: str, fitted: Calibration | None, scored: tuple[Scored, ...]
) -> float:
    """Return the threshold that flags the same stored studies by other probabilities.

    Midway between the lowest probability that is flagged now and the highest that is
    not; where a level stretch of the new map joins both, all of it is flagged.

    Args:
        slot: The version that holds.
        code: The label.
        fitted: The new calibration; None for the package's own.
        scored: What the model has scored.
    """
    now = float(slot.thresholds[code])
    these = list(scored)
    flagged = displayed(slot=slot, code=code, scored=these) >= now
    new = _probabilities(fitted, these)
    low = float(new[~flagged].max()) if (~flagged).any() else 0.0
    high = float(new[flagged].min()) if flagged.any() else 1.0
    middle = round((low + high) / 2, _DIGITS)
    return middle if low < middle <= high else max(high, 10**-_DIGITS)


def _probabilities(
    fitted: Calibration | None, scored: list[Scored]
) -> NDArray[np.float64]:
    if fitted is None:
        return np.array([one.stated for one in scored], dtype=np.float64)
    return fitted.probabilities([one.raw_score for one in scored])


@transaction.atomic
def apply_calibration(
    *, actor: Actor, slot_id: UUID, code: str, method: Method | None, reason: str
) -> Slot:
    """Let a version hold whose probabilities come from a calibration fitted now.

    The threshold is carried over, so that the same studies stay flagged. The curve
    is kept with the version; runs keep their raw scores.

    Args:
        actor: Who manages the site's models.
        slot_id: The version that holds.
        code: The label.
        method: How; None goes back to what the package says.
        reason: Why, for the record.

    Raises:
        Conflict: There are too few readings, or another version holds.
    """
    slot = access_slot(actor=actor, slot_id=slot_id, need=Permission.MODEL_MANAGE)
    kept: dict[str, Any] | None = None
    if method is None:
        label_of(slot=slot, code=code)
        threshold = carried_threshold(
            slot=slot, code=code, fitted=None, scored=scored_at(slot=slot, code=code)
        )
    else:
        said = propose_calibration(
            actor=actor, slot_id=slot_id, code=code, method=method
        )
        if said["refused"]:
            raise Conflict("too_few", said["refused"])
        threshold = said["new_threshold"]
        kept = {
            **said["fitted"].plain(),
            "fitted_at": clock.now().isoformat(),
            **{name: said[name] for name in _KEPT},
        }
    return change_slot(
        actor=actor,
        slot_id=slot_id,
        change=SlotChange(calibrations={code: kept}, thresholds={code: threshold}),
        reason=reason,
    )


_KEPT: Final = ("n", "n_present", "n_readers", "before", "after")

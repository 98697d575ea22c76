"""The ranking rule (STATISTICS, "The ranking rule"). Pure: no database, no clock.

Every key is fixed between events. The list is sorted by `Rank.key`:

1. class 0, a clinician's STAT; class 1, the AI's STAT; each by due time;
2. class 2, everything else, by due time = arrival + allowance.

The allowance of a ROUTINE study falls smoothly from ROUTINE's deadline towards
PRIORITY's with x = acuity weight × calibrated probability:
`allowance = R − (R − P) · x`. Without an AI result the site's base rate stands
in for the probability, so a missing result never ranks last.

With the AI switched off the list is first in, first out within the clinician's
bands: classes 10, 11, 12 for STAT, PRIORITY, ROUTINE, each by arrival.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from apps.worklist.types import Band, BandSource

CRITICAL, URGENT, ROUTINE = "critical", "urgent", "routine"
_BAND_OF_ACUITY = {CRITICAL: Band.STAT, URGENT: Band.PRIORITY, ROUTINE: Band.ROUTINE}
_OFF_CLASS = {Band.STAT: 10, Band.PRIORITY: 11, Band.ROUTINE: 12}


@dataclass(frozen=True, slots=True, kw_only=True)
class SitePolicy:
    """A site's settings for ranking; times in seconds, weights from 0 to 1."""

    stat_deadline_s: float = 1800
    priority_deadline_s: float = 7200
    routine_deadline_s: float = 28800
    base_rate: float = 0.1
    critical_weight: float = 1.0
    urgent_weight: float = 0.7
    routine_weight: float = 0.3
    ai_ordering: bool = True

    def deadline_s(self, band: Band) -> float:
        """Return the deadline of a band in seconds from arrival."""
        return {
            Band.STAT: self.stat_deadline_s,
            Band.PRIORITY: self.priority_deadline_s,
            Band.ROUTINE: self.routine_deadline_s,
        }[band]

    def weight(self, acuity: str) -> float:
        """Return the weight of an acuity."""
        return {
            CRITICAL: self.critical_weight,
            URGENT: self.urgent_weight,
            ROUTINE: self.routine_weight,
        }.get(acuity, self.routine_weight)


@dataclass(frozen=True, slots=True, kw_only=True)
class AiInput:
    """What the AI says of one study, reduced to what ranks it.

    Attributes:
        probability: Calibrated probability of the deciding finding, 0 to 1.
        acuity: Its acuity at the site.
        positive: True at or above the site's threshold.
    """

    probability: float
    acuity: str
    positive: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Rank:
    """The place of one item, with all its parts.

    Attributes:
        rank_class: First key.
        sort_at: Second key: the due time, or the arrival with the AI off.
        band: Band shown.
        band_source: Who set it.
        allowance_s: Seconds from arrival to the due time.
        due_at: Arrival + allowance.
        deadline_at: Arrival + the band's deadline.
        probability: The probability that ranked it; None under a clinician's band.
        probability_source: finding, base_rate or clinician.
        weight: The acuity weight used.
    """

    rank_class: int
    sort_at: datetime
    band: Band
    band_source: BandSource
    allowance_s: float
    due_at: datetime
    deadline_at: datetime
    probability: float | None
    probability_source: str
    weight: float

    def key(self, *, arrived_at: datetime, item_id: str) -> tuple[object, ...]:
        """Return the complete sort key; ties go by arrival, then by id."""
        return (self.rank_class, self.sort_at, arrived_at, item_id)


def compute_rank(
    *,
    arrived_at: datetime,
    policy: SitePolicy,
    ai: AiInput | None = None,
    clinician_band: Band | None = None,
) -> Rank:
    """Return the rank of one item.

    Args:
        arrived_at: When the study revision arrived.
        policy: The site's settings.
        ai: The AI's result; None when missing, failed, rejected or hidden.
        clinician_band: A clinician's band, which overrides the AI's.
    """
    use_ai = ai if policy.ai_ordering else None
    band, source = _band(ai=use_ai, clinician_band=clinician_band)
    probability, weight, why = _risk(
        ai=use_ai, clinician_band=clinician_band, policy=policy
    )
    allowance = _allowance(
        band=band, source=source, risk=(probability or 0.0) * weight, policy=policy
    )
    due_at = arrived_at + timedelta(seconds=allowance)
    if policy.ai_ordering:
        rank_class = _class(band=band, source=source)
        sort_at = due_at
    else:
        rank_class, sort_at = _OFF_CLASS[band], arrived_at
    return Rank(
        rank_class=rank_class,
        sort_at=sort_at,
        band=band,
        band_source=source,
        allowance_s=allowance,
        due_at=due_at,
        deadline_at=arrived_at + timedelta(seconds=policy.deadline_s(band)),
        probability=probability,
        probability_source=why,
        weight=weight,
    )


def _band(
    *, ai: AiInput | None, clinician_band: Band | None
) -> tuple[Band, BandSource]:
    if clinician_band is not None:
        return clinician_band, BandSource.CLINICIAN
    if ai is not None and ai.positive:
        band = _BAND_OF_ACUITY.get(ai.acuity, Band.ROUTINE)
        return band, BandSource.AI
    return Band.ROUTINE, BandSource.SITE_RULE


def _risk(
    *, ai: AiInput | None, clinician_band: Band | None, policy: SitePolicy
) -> tuple[float | None, float, str]:
    if clinician_band is not None:
        return None, 0.0, "clinician"
    if ai is not None:
        return ai.probability, policy.weight(ai.acuity), "finding"
    return policy.base_rate, policy.weight(URGENT), "base_rate"


def _allowance(
    *, band: Band, source: BandSource, risk: float, policy: SitePolicy
) -> float:
    deadline = policy.deadline_s(band)
    if source is BandSource.CLINICIAN or band is Band.STAT:
        return deadline
    routine, priority = policy.routine_deadline_s, policy.priority_deadline_s
    smooth = routine - (routine - priority) * min(max(risk, 0.0), 1.0)
    return min(smooth, deadline)


def _class(*, band: Band, source: BandSource) -> int:
    if band is not Band.STAT:
        return 2
    return 0 if source is BandSource.CLINICIAN else 1


def _span_words(seconds: float) -> str:
    """Say a span as the list says it: `24 min`, `7 h`, `7 h 05`."""
    hours, minutes = divmod(round(seconds / 60), 60)
    if hours == 0:
        return f"{minutes} min"
    return f"{hours} h {minutes:02d}" if minutes else f"{hours} h"


def explain(
    *, rank: Rank, policy: SitePolicy, acuity: str, model: str, reason: str
) -> list[str]:
    """Return the rule that placed an item, in plain sentences, first step first."""
    hours = _span_words(rank.allowance_s)
    if not policy.ai_ordering:
        return [
            "AI ordering is off: first in, first out within the clinicians' bands.",
            f"Band {rank.band} ({_who(rank, model, reason)}).",
        ]
    lines = [f"Band {rank.band} ({_who(rank, model, reason)})."]
    if rank.band is Band.STAT:
        lines.append("STAT first: a clinician's before the AI's, then by due time.")
    elif rank.probability_source == "finding":
        lines.append(_allowance_words(rank=rank, policy=policy, acuity=acuity))
    elif rank.probability_source == "base_rate":
        lines.append(
            f"Allowance {hours}: no AI result counts here, so the site's base rate "
            f"{rank.probability:.2f} stands in (ranked neutral)."
        )
    else:
        lines.append(f"Allowance {hours}: the deadline of the clinician's band.")
    lines.append("Due time = arrival + allowance; earlier due time first.")
    return lines


def _allowance_words(*, rank: Rank, policy: SitePolicy, acuity: str) -> str:
    hours = _span_words(rank.allowance_s)
    parts = f"{acuity} weight {rank.weight:g} × calibrated p {rank.probability:.2f}"
    if rank.allowance_s < policy.deadline_s(rank.band):
        return (
            f"Allowance {hours}: {parts}, from ROUTINE's towards PRIORITY's deadline."
        )
    return f"Allowance {hours}: {parts}, and never more than {rank.band}'s deadline."


def _who(rank: Rank, model: str, reason: str) -> str:
    if rank.band_source is BandSource.CLINICIAN:
        return f"set by a clinician: {reason}" if reason else "set by a clinician"
    if rank.band_source is BandSource.AI:
        return f"raised by AI, {model}, requires review"
    return "site rule"

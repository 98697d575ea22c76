"""What the ranking rule does to waiting: our rule beside others, on the same studies.

Everything is simulated (`workers.measures.reading_room`); only the rule is ours: each
study gets its place from `apps.worklist.priority`, as on the list.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import t as student

from apps.worklist.priority import (
    CRITICAL,
    ROUTINE,
    URGENT,
    AiInput,
    SitePolicy,
    compute_rank,
)
from apps.worklist.types import Band
from workers.measures.estimate import MeasureError
from workers.measures.reading_room import (
    HOURS,
    AccumulatingPriority,
    FirstCome,
    Place,
    Ranked,
    StrictPriority,
    Waited,
    daily_roster,
    every_day,
    simulate,
    waited,
)
from workers.measures.triage_reader import TriageReader

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from workers.measures.reading_room import Line, Stream
    from workers.measures.triage_reader import Flagged

MINUTES_A_HOUR = 60.0
# A study's read may be put off into the next shift: days at both ends are left out.
_WARM_DAYS = 1
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_FLOOD_PROBABILITY = 0.95
_CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Department:
    """A department whose list is simulated; times in minutes.

    Attributes:
        arrivals: Mean arrivals in each hour of the day (UTC where taken from a site).
        readers: Readers in each hour of the day.
        read_time: Mean of one read; single reads are exponential.
        ai: What the AI is like.
        acuity: Of its finding: critical, urgent or routine.
        clinician_stat: Share of studies that a clinician sends as STAT.
        flood: Share of studies that a broken model flags beside its own, each with a
            probability of .95.
        policy: The site's ranking settings.
        stat_in_a_row: The site's N for `take next`.
        days: Simulated days in each repetition, the first of which does not count.
    """

    arrivals: Sequence[float]
    readers: Sequence[int]
    ai: TriageReader
    read_time: float = 10.0
    acuity: str = CRITICAL
    clinician_stat: float = 0.02
    flood: float = 0.0
    policy: SitePolicy = field(default_factory=SitePolicy)
    stat_in_a_row: int = 3
    days: int = 15

    def __post_init__(self) -> None:
        """Refuse a department whose list only grows, or that has no such acuity."""
        if self.acuity not in (CRITICAL, URGENT, ROUTINE):
            raise MeasureError("acuity: is critical, urgent or routine")
        if self.read_time <= 0 or self.days <= _WARM_DAYS or self.stat_in_a_row < 1:
            raise MeasureError("read_time, days, stat_in_a_row: too small")
        for name in ("clinician_stat", "flood"):
            if not 0 <= getattr(self, name) <= 1:
                raise MeasureError(f"{name}: lies between 0 and 1")
        if sum(self.arrivals) <= 0:
            raise MeasureError("arrivals: at least one study a day")
        if self.load >= 1:
            raise MeasureError(
                f"readers: {sum(self.arrivals):g} studies a day of {self.read_time:g} "
                f"min need more than the {sum(self.readers)} reader hours a day; the "
                "list only grows. Add readers or hours"
            )

    @property
    def load(self) -> float:
        """Share of the readers' time that is needed."""
        hours = sum(self.arrivals) * self.read_time / MINUTES_A_HOUR
        return hours / sum(self.readers) if sum(self.readers) else float("inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean:
    """A mean over repetitions with its 95% interval (Student's t)."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupWait:
    """How a group waits under one rule, over all repetitions; minutes.

    Attributes:
        n: Studies.
        mean: Mean wait.
        p99: Mean of the repetitions' 99th percentiles.
        longest: The longest wait of all.
        late: Share begun after the band's deadline.
    """

    n: int
    mean: Mean
    p99: Mean
    longest: float
    late: float


RULES = ("fifo", "strict", "accumulating", "overread", "overread_ai_off")


def compare_rules(
    *, department: Department, repetitions: int = 20, seed: int = 1
) -> dict[str, dict[str, GroupWait]]:
    """Return how each group waits under each rule, on the same studies.

    Args:
        department: What is simulated.
        repetitions: Independent runs; at least 2, for the intervals.
        seed: Of the first run.

    Returns:
        By rule (`RULES`) and group: all, clinician_stat, diseased, flagged, rest.
    """
    if repetitions < 2:
        raise MeasureError("repetitions: at least 2")
    runs = [_run(department=department, seed=seed + n) for n in range(repetitions)]
    return {
        rule: {
            group: _pooled([run[rule][group] for run in runs if group in run[rule]])
            for group in runs[0][rule]
        }
        for rule in RULES
    }


def _run(*, department: Department, seed: int) -> dict[str, dict[str, Waited]]:
    stream, draw = every_day(
        days=department.days,
        by_hour=department.arrivals,
        seed=seed,
        read_time=department.read_time,
        hour=MINUTES_A_HOUR,
    )
    n = stream.arrived.size
    said = department.ai.read(n=n, draw=draw)
    flooded = draw.random(n) < department.flood
    said = replace(
        said,
        flagged=said.flagged | flooded,
        probability=np.where(flooded, _FLOOD_PROBABILITY, said.probability),
    )
    sent = draw.random(n) < department.clinician_stat
    places = _places(department=department, stream=stream, said=said, sent=sent)
    deadline = np.array([place.deadline for place in places])
    groups = {
        "all": np.ones(n, bool),
        "clinician_stat": sent,
        "diseased": said.diseased,
        "flagged": said.flagged & ~sent,
        "rest": ~said.flagged & ~sent,
    }
    # One more day to read what is left, which nothing arrives on.
    roster = daily_roster(
        days=department.days + 1, by_hour=department.readers, hour=MINUTES_A_HOUR
    )
    return {
        rule: waited(
            day=simulate(stream=stream, line=line, roster=roster),
            groups=groups,
            deadline=deadline,
            keep=stream.arrived >= _WARM_DAYS * HOURS * MINUTES_A_HOUR,
        )
        for rule, line in _lines(
            department=department, stream=stream, said=said, sent=sent, places=places
        ).items()
    }


def _lines(
    *,
    department: Department,
    stream: Stream,
    said: Flagged,
    sent: NDArray[np.bool_],
    places: Sequence[Place],
) -> Mapping[str, Line]:
    classes = np.where(sent, 0, np.where(said.flagged, 1, 2))
    off = replace(department, policy=replace(department.policy, ai_ordering=False))
    return {
        "fifo": FirstCome(),
        "strict": StrictPriority(classes=classes.tolist()),
        "accumulating": AccumulatingPriority(
            arrived=stream.arrived.tolist(),
            classes=(2 - classes).tolist(),
            rates=(1, 10, 100),
        ),
        "overread": Ranked(places=places, stat_in_a_row=department.stat_in_a_row),
        "overread_ai_off": Ranked(
            places=_places(department=off, stream=stream, said=said, sent=sent),
            stat_in_a_row=department.stat_in_a_row,
        ),
    }


def _places(
    *,
    department: Department,
    stream: Stream,
    said: Flagged,
    sent: NDArray[np.bool_],
) -> list[Place]:
    """Return the place that the list's own rule gives each study."""
    return [
        _place(
            department=department,
            arrived=arrived,
            ai=AiInput(
                probability=float(probability),
                acuity=department.acuity,
                positive=bool(flagged),
            ),
            sent=bool(by_hand),
        )
        for arrived, probability, flagged, by_hand in zip(
            stream.arrived, said.probability, said.flagged, sent, strict=True
        )
    ]


def _place(*, department: Department, arrived: float, ai: AiInput, sent: bool) -> Place:
    rank = compute_rank(
        arrived_at=_EPOCH + timedelta(minutes=float(arrived)),
        policy=department.policy,
        ai=ai,
        clinician_band=Band.STAT if sent else None,
    )
    return Place(
        rank_class=rank.rank_class,
        sort_at=_minutes(rank.sort_at),
        stat=rank.band is Band.STAT,
        deadline=_minutes(rank.deadline_at),
    )


def _minutes(at: datetime) -> float:
    return (at - _EPOCH) / timedelta(minutes=1)


def _pooled(parts: Sequence[Waited]) -> GroupWait:
    n = sum(part.n for part in parts)
    return GroupWait(
        n=n,
        mean=_mean([part.mean for part in parts]),
        p99=_mean([part.p99 for part in parts]),
        longest=max(part.longest for part in parts),
        late=sum((part.late or 0.0) * part.n for part in parts) / n,
    )


def _mean(values: Sequence[float]) -> Mean:
    data = np.array(values)
    value = float(data.mean())
    if data.size < 2:
        return Mean(value=value, low=float("-inf"), high=float("inf"))
    error = data.std(ddof=1) / np.sqrt(data.size)
    half = float(student.ppf(0.5 + _CONFIDENCE / 2, data.size - 1) * error)
    return Mean(value=value, low=value - half, high=value + half)

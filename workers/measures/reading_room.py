"""A reading room, study by study: who waits how long under which rule.

A discrete-event simulation. Studies arrive, lie in a line, and are read by as many
readers as the roster has at that time; a reader who goes home ends the read first.
The rule is a `Line`: what it hands out next, and whether it interrupts a read.
Times are numbers in one unit throughout; nothing here knows a clock.
"""

from __future__ import annotations

import heapq
from abc import ABC, abstractmethod
from collections import deque
from dataclasses import dataclass
from math import inf, isnan, nan
from typing import TYPE_CHECKING, Any

import numpy as np

from workers.measures.estimate import MeasureError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """Studies in order of arrival.

    Attributes:
        arrived: When each arrives, rising, shape (n,).
        read: How long its read takes, shape (n,).
    """

    arrived: Floats
    read: Floats

    def __post_init__(self) -> None:
        """Refuse what is no stream."""
        if self.arrived.shape != self.read.shape or self.arrived.ndim != 1:
            raise MeasureError("read: one time for each arrival")
        if np.any(np.diff(self.arrived) < 0):
            raise MeasureError("arrived: in order of arrival")
        if np.any(self.read <= 0):
            raise MeasureError("read: takes some time")


class Line(ABC):
    """The rule of a list: what waits, and what comes next."""

    @abstractmethod
    def add(self, study: int) -> None:
        """Put a study into the line."""

    @abstractmethod
    def take(self, now: float) -> int | None:
        """Take out the study to be read now; None when nothing waits."""

    def interrupts(self, study: int, running: Sequence[int]) -> int | None:
        """Return which running read an arrival interrupts; None for none."""
        del study, running
        return None


class FirstCome(Line):
    """First in, first out."""

    def __init__(self) -> None:
        self._waiting: deque[int] = deque()

    def add(self, study: int) -> None:
        """Put a study at the end."""
        self._waiting.append(study)

    def take(self, now: float) -> int | None:
        """Take the first."""
        del now
        return self._waiting.popleft() if self._waiting else None


class StrictPriority(Line):
    """The class with the lowest number first, always; first come within it.

    Args:
        classes: Of each study.
        preemptive: Whether an arrival interrupts a read of a later class.
    """

    def __init__(self, *, classes: Sequence[int], preemptive: bool = False) -> None:
        self._classes = classes
        self._preemptive = preemptive
        self._heap: list[tuple[int, int]] = []

    def add(self, study: int) -> None:
        """Put a study into its class; an interrupted one goes back to its place."""
        heapq.heappush(self._heap, (self._classes[study], study))

    def take(self, now: float) -> int | None:
        """Take the first of the first class."""
        del now
        return heapq.heappop(self._heap)[1] if self._heap else None

    def interrupts(self, study: int, running: Sequence[int]) -> int | None:
        """Interrupt the latest arrival of the last class, if that is later."""
        if not self._preemptive or not running:
            return None
        last = max(running, key=lambda one: (self._classes[one], one))
        return last if self._classes[last] > self._classes[study] else None


class AccumulatingPriority(Line):
    """Priority grows with waiting, at the rate of the study's class (Kleinrock 1964).

    Args:
        arrived: When each study arrived.
        classes: Of each study, an index into `rates`.
        rates: How fast a class's priority grows.
    """

    def __init__(
        self,
        *,
        arrived: Sequence[float],
        classes: Sequence[int],
        rates: Sequence[float],
    ) -> None:
        self._arrived = arrived
        self._classes = classes
        self._rates = rates
        self._waiting: list[deque[int]] = [deque() for _ in rates]

    def add(self, study: int) -> None:
        """Put a study at the end of its class."""
        self._waiting[self._classes[study]].append(study)

    def take(self, now: float) -> int | None:
        """Take the study with the most priority: the first of some class."""
        best, most = None, -inf
        for waiting, rate in zip(self._waiting, self._rates, strict=True):
            if waiting and rate * (now - self._arrived[waiting[0]]) > most:
                best, most = waiting, rate * (now - self._arrived[waiting[0]])
        return best.popleft() if best else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A study's fixed place in a ranked list.

    Attributes:
        rank_class: First key.
        sort_at: Second key.
        stat: Whether its band is STAT.
        deadline: When its band's deadline passes.
    """

    rank_class: int
    sort_at: float
    stat: bool
    deadline: float


class Ranked(Line):
    """The worklist's own rule: fixed places, and no starvation by STAT.

    After `stat_in_a_row` STAT studies in a row the most overdue study of another
    band comes, if one is overdue (STATISTICS, "The ranking rule", 3).

    Args:
        places: Of each study.
        stat_in_a_row: The site's setting N.
    """

    def __init__(self, *, places: Sequence[Place], stat_in_a_row: int) -> None:
        self._places = places
        self._limit = stat_in_a_row
        self._streak = 0
        self._gone: set[int] = set()
        self._ranked: list[tuple[int, float, int]] = []
        self._by_deadline: list[tuple[float, int]] = []

    def add(self, study: int) -> None:
        """Put a study at its place."""
        place = self._places[study]
        heapq.heappush(self._ranked, (place.rank_class, place.sort_at, study))
        if not place.stat:
            heapq.heappush(self._by_deadline, (place.deadline, study))

    def take(self, now: float) -> int | None:
        """Take the study that `take next` hands out."""
        _drop(self._ranked, self._gone)
        if not self._ranked:
            return None
        study = self._ranked[0][-1]
        if self._places[study].stat and self._streak >= self._limit:
            overdue = self._most_overdue(now)
            study = study if overdue is None else overdue
        self._streak = self._streak + 1 if self._places[study].stat else 0
        self._gone.add(study)
        return study

    def _most_overdue(self, now: float) -> int | None:
        _drop(self._by_deadline, self._gone)
        if self._by_deadline and self._by_deadline[0][0] < now:
            return self._by_deadline[0][-1]
        return None


def _drop(heap: list[Any], gone: set[int]) -> None:
    while heap and heap[0][-1] in gone:
        heapq.heappop(heap)


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """How many read, from when on; the first entry is in force from the beginning.

    Attributes:
        changes: (time, readers), rising in time.
    """

    changes: Sequence[tuple[float, int]]

    @classmethod
    def steady(cls, readers: int) -> Roster:
        """Return a roster that never changes."""
        return cls(changes=[(0.0, readers)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What a simulation gave, shape (n,) each.

    Attributes:
        began: When the read of each study first began; NaN if never.
        wait: Turnaround less the time of reading itself; NaN if never ended.
    """

    began: Floats
    wait: Floats


class _Room:
    """The state of one run."""

    def __init__(self, *, stream: Stream, line: Line) -> None:
        self.arrived: list[float] = stream.arrived.tolist()
        self.read: list[float] = stream.read.tolist()
        self.left = list(self.read)
        self.line = line
        self.readers = 0
        # Interrupted reads leave their end in the heap: `ends` says which counts.
        self.heap: list[tuple[float, int]] = []
        self.ends: dict[int, float] = {}
        n = len(self.arrived)
        self.began: list[float] = [nan] * n
        self.wait: list[float] = [nan] * n

    def arrive(self, *, study: int, now: float) -> None:
        if len(self.ends) >= self.readers:
            victim = self.line.interrupts(study, list(self.ends))
            if victim is not None:
                self.left[victim] = self.ends.pop(victim) - now
                self.line.add(victim)
        self.line.add(study)
        self.work(now)

    def work(self, now: float) -> None:
        while len(self.ends) < self.readers:
            study = self.line.take(now)
            if study is None:
                return
            if isnan(self.began[study]):
                self.began[study] = now
            self.ends[study] = end = now + self.left[study]
            heapq.heappush(self.heap, (end, study))

    def next_end(self) -> float:
        while self.heap and self.ends.get(self.heap[0][1]) != self.heap[0][0]:
            heapq.heappop(self.heap)
        return self.heap[0][0] if self.heap else inf

    def end(self, now: float) -> None:
        _, study = heapq.heappop(self.heap)
        del self.ends[study]
        self.wait[study] = now - self.arrived[study] - self.read[study]
        self.work(now)


def simulate(*, stream: Stream, line: Line, roster: Roster) -> Day:
    """Read a stream to its end, or as far as the roster ever gets.

    At equal times a read ends before the roster changes, and both before an arrival.

    Args:
        stream: The studies.
        line: The rule, empty; it is used up.
        roster: Who reads when.
    """
    room = _Room(stream=stream, line=line)
    changes = [*roster.changes, (inf, 0)]
    room.readers = changes[0][1]
    change, study, n = 1, 0, len(room.arrived)
    while True:
        end, shift = room.next_end(), changes[change][0]
        arrival = room.arrived[study] if study < n else inf
        if end <= shift and end <= arrival:
            if end == inf:
                break
            room.end(end)
        elif shift <= arrival:
            room.readers = changes[change][1]
            change += 1
            room.work(shift)
        else:
            room.arrive(study=study, now=arrival)
            study += 1
    return Day(began=np.array(room.began), wait=np.array(room.wait))


@dataclass(frozen=True, slots=True, kw_only=True)
class Waited:
    """How one group of studies waited; times in the stream's unit.

    Attributes:
        n: Studies.
        unread: How many of them nobody read.
        mean: Mean wait of those that were read.
        p99: Their 99th percentile.
        longest: Their maximum.
        late: Share of all that was begun after its deadline, or not at all; None
            where no deadline was given.
    """

    n: int
    unread: int
    mean: float
    p99: float
    longest: float
    late: float | None


def waited(
    *,
    day: Day,
    groups: Mapping[str, Flags],
    deadline: Floats | None = None,
    keep: Flags | None = None,
) -> dict[str, Waited]:
    """Sum up the waits by group.

    Args:
        day: What was simulated.
        groups: Which studies are in each group, shape (n,) each.
        deadline: When each study is to be begun at the latest, shape (n,).
        keep: Which studies count, as after warming up; all by default.
    """
    counted = np.ones(day.wait.shape, bool) if keep is None else keep
    return {
        name: _sum_up(day=day, which=group & counted, deadline=deadline)
        for name, group in groups.items()
        if np.any(group & counted)
    }


def _sum_up(*, day: Day, which: Flags, deadline: Floats | None) -> Waited:
    waits = day.wait[which]
    done = waits[~np.isnan(waits)]
    late = None
    if deadline is not None:
        # A study that was never begun (NaN) was not begun in time.
        late = float(np.mean(~(day.began[which] <= deadline[which])))
    some = done.size > 0
    return Waited(
        n=int(waits.size),
        unread=int(waits.size - done.size),
        mean=float(done.mean()) if some else np.nan,
        p99=float(np.percentile(done, 99)) if some else np.nan,
        longest=float(done.max()) if some else np.nan,
        late=late,
    )


def poisson_stream(
    *, seed: int, n: int, rate: float, read_time: float
) -> tuple[Stream, np.random.Generator]:
    """Return a steady random stream and the generator to draw the rest from.

    Gaps and reading times are scaled so that their means come out exactly: the load
    is then what was asked for, which takes most of the noise out of long waits.

    Args:
        seed: Same seed, same stream.
        n: Studies.
        rate: Arrivals per unit of time.
        read_time: Mean of the exponential reading times.
    """
    draw = np.random.default_rng(seed)
    gaps, read = draw.exponential(1, n), draw.exponential(1, n)
    arrived = np.cumsum(gaps / gaps.mean() / rate)
    return Stream(arrived=arrived, read=read / read.mean() * read_time), draw


def every_day(
    *, days: int, by_hour: Sequence[float], seed: int, read_time: float, hour: float
) -> tuple[Stream, np.random.Generator]:
    """Return a stream whose rate depends on the hour of the day.

    Args:
        days: How many days.
        by_hour: Mean arrivals in each of the 24 hours.
        seed: Same seed, same stream.
        read_time: Mean of the exponential reading times.
        hour: Length of an hour in the stream's unit.
    """
    if len(by_hour) != HOURS or min(by_hour) < 0:
        raise MeasureError("by_hour: 24 rates, none below 0")
    draw = np.random.default_rng(seed)
    counts = draw.poisson(np.tile(by_hour, days))
    begins = np.repeat(np.arange(counts.size) * hour, counts)
    arrived = np.sort(begins + draw.uniform(0, hour, begins.size))
    read = draw.exponential(read_time, arrived.size)
    return Stream(arrived=arrived, read=read), draw


HOURS = 24


def daily_roster(*, days: int, by_hour: Sequence[int], hour: float) -> Roster:
    """Return a roster that repeats every day.

    Args:
        days: How many days; after them the last hour's readers stay on.
        by_hour: Readers in each of the 24 hours.
        hour: Length of an hour.
    """
    if len(by_hour) != HOURS or min(by_hour) < 0:
        raise MeasureError("by_hour: 24 numbers of readers, none below 0")
    return Roster(
        changes=[(h * hour, int(by_hour[h % HOURS])) for h in range(days * HOURS)]
    )

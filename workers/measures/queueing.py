"""Mean waits of a reading room as a queue, in closed form.

One stream of studies arrives at random (Poisson), reading times are exponential
with the same mean for all, and readers share one list. Waits are from arrival to the
beginning of the read, in the unit of `read_time`. Where a read can be interrupted,
the time that it lies interrupted is waiting too: wait = turnaround − read time.

Sources: Cobham 1954 (non-pre-emptive priority), White and Christie 1958 (pre-emptive
resume), Erlang 1917 (several readers), Kleinrock 1964 (accumulating priority); for
triage by AI as a queue, Thompson et al. 2024 (QuCAD).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from workers.measures.estimate import MeasureError

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingRoom:
    """A steady reading room with an AI that flags.

    Attributes:
        load: ρ, the share of the readers' time that is needed, 0 < ρ < 1.
        read_time: Mean time of one read.
        readers: How many read from the list.
        prevalence: π, share of studies with the disease, 0 to 1.
        sensitivity: Share of the diseased that the AI flags, 0 to 1.
        specificity: Share of the others that it leaves alone, 0 to 1.
    """

    load: float
    read_time: float
    readers: int = 1
    prevalence: float = 0.1
    sensitivity: float = 0.9
    specificity: float = 0.9

    def __post_init__(self) -> None:
        """Refuse what has no steady state."""
        if not 0 < self.load < 1:
            raise MeasureError("load: lies between 0 and 1, or the list only grows")
        if self.read_time <= 0 or self.readers < 1:
            raise MeasureError("read_time and readers: at least one reader who reads")
        for name in ("prevalence", "sensitivity", "specificity"):
            if not 0 <= getattr(self, name) <= 1:
                raise MeasureError(f"{name}: lies between 0 and 1")

    @property
    def flagged(self) -> float:
        """f = π·Se + (1 − π)(1 − Sp), the share of studies that are flagged."""
        return self.prevalence * self.sensitivity + (1 - self.prevalence) * (
            1 - self.specificity
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """Mean waits under one policy.

    Attributes:
        fifo: Of everybody, were the list read first in, first out.
        flagged: Of what the AI flags.
        unflagged: Of the rest.
        diseased: Of the diseased, flagged or not.
        healthy: Of the others.
    """

    fifo: float
    flagged: float
    unflagged: float
    diseased: float
    healthy: float

    @property
    def gain(self) -> float:
        """δ, by how much the diseased wait longer than first in, first out."""
        return self.diseased - self.fifo


def _waiting(*, load: float, read_time: float, readers: int) -> float:
    """Return the mean wait of an M/M/c queue (Erlang's C formula)."""
    offered = load * readers
    term = total = 1.0
    for n in range(1, readers):
        term *= offered / n
        total += term
    term *= offered / readers / (1 - load)
    return term / (total + term) * read_time / (readers * (1 - load))


def fifo(*, room: ReadingRoom) -> float:
    """Return the mean wait, first in, first out."""
    return _waiting(load=room.load, read_time=room.read_time, readers=room.readers)


def preemptive(*, room: ReadingRoom) -> Waits:
    """Return the waits when a flagged study interrupts the read of another.

    Reads are alike, so who is served never changes how many wait in all: the rest's
    wait follows from the common mean.
    """
    common = fifo(room=room)
    share = room.flagged
    first = (
        _waiting(load=room.load * share, read_time=room.read_time, readers=room.readers)
        if share > 0
        else 0.0
    )
    rest = (common - share * first) / (1 - share) if share < 1 else common
    return _split(room=room, common=common, flagged=first, unflagged=rest)


def nonpreemptive(*, room: ReadingRoom) -> Waits:
    """Return the waits when a read that has begun is ended first."""
    common = fifo(room=room)
    first = common * (1 - room.load) / (1 - room.load * room.flagged)
    return _split(
        room=room, common=common, flagged=first, unflagged=first / (1 - room.load)
    )


def accumulating(*, room: ReadingRoom, rates: tuple[float, float]) -> Waits:
    """Return the waits when priority grows with waiting, at a rate for each class.

    Args:
        room: With one reader: Kleinrock's formula has no other.
        rates: How fast the priority of the unflagged and of the flagged grows.
    """
    if room.readers != 1:
        raise MeasureError("readers: the formula is for one reader")
    share = room.flagged
    rest, first = kleinrock(
        loads=[room.load * (1 - share), room.load * share],
        rates=rates,
        read_time=room.read_time,
    )
    return _split(room=room, common=fifo(room=room), flagged=first, unflagged=rest)


def kleinrock(
    *, loads: Sequence[float], rates: Sequence[float], read_time: float
) -> list[float]:
    """Return each class's mean wait under accumulating priority, one reader.

    W_p = [W₀/(1−ρ) − Σ_{i<p} ρᵢWᵢ(1−bᵢ/b_p)] / [1 − Σ_{i>p} ρᵢ(1−b_p/bᵢ)] with
    W₀ = ρ·read_time (Kleinrock 1964).

    Args:
        loads: ρᵢ of each class.
        rates: bᵢ of each class, rising.
        read_time: Mean time of one read.
    """
    load = sum(loads)
    if list(rates) != sorted(rates) or rates[0] <= 0 or len(rates) != len(loads):
        raise MeasureError("rates: one for each class, positive and rising")
    if not 0 < load < 1:
        raise MeasureError("loads: their sum lies between 0 and 1")
    waits: list[float] = []
    for p, rate in enumerate(rates):
        below = sum(
            loads[i] * waits[i] * (1 - rates[i] / rate) for i in range(len(waits))
        )
        above = sum(loads[i] * (1 - rate / rates[i]) for i in range(p + 1, len(rates)))
        waits.append((load * read_time / (1 - load) - below) / (1 - above))
    return waits


def _split(
    *, room: ReadingRoom, common: float, flagged: float, unflagged: float
) -> Waits:
    hit, spared = room.sensitivity, room.specificity
    return Waits(
        fifo=common,
        flagged=flagged,
        unflagged=unflagged,
        diseased=hit * flagged + (1 - hit) * unflagged,
        healthy=(1 - spared) * flagged + spared * unflagged,
    )

"""Simulated readers: how often each is right, and how far each follows the AI. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """How one person reads.

    Attributes:
        username: Their account.
        sensitivity: Share of true findings that they see unaided.
        specificity: Share of absent findings that they call absent unaided.
        automation_bias: Probability that they give up their own opinion for the
            AI's when the two differ.
        override_rate: Probability that they change the AI's band when they reject
            what it was set for.
        minutes: Shortest and longest time for one study.
    """

    username: str
    sensitivity: float
    specificity: float
    automation_bias: float
    override_rate: float
    minutes: tuple[float, float]


READERS = (
    Reader(
        username="radiologist",
        sensitivity=0.90,
        specificity=0.94,
        automation_bias=0.10,
        override_rate=0.5,
        minutes=(2.0, 7.0),
    ),
    Reader(
        username="radiologist2",
        sensitivity=0.80,
        specificity=0.96,
        automation_bias=0.40,
        override_rate=0.1,
        minutes=(1.5, 4.0),
    ),
    Reader(
        username="southgate",
        sensitivity=0.85,
        specificity=0.90,
        automation_bias=0.20,
        override_rate=0.3,
        minutes=(3.0, 9.0),
    ),
)
"""Known by construction, so that what a page says of them can be checked."""


def decide(
    *, reader: Reader, there: bool, ai_positive: bool | None, random: Random
) -> bool:
    """Return whether a reader says that a finding is there.

    Args:
        reader: Who reads.
        there: Whether it truly is.
        ai_positive: What the AI says of it; None when it says nothing.
        random: Where chance comes from.
    """
    share = reader.sensitivity if there else 1 - reader.specificity
    own = random.random() < share
    if ai_positive is None:
        return own
    return follow(reader=reader, own=own, ai_positive=ai_positive, random=random)


def follow(*, reader: Reader, own: bool, ai_positive: bool, random: Random) -> bool:
    """Return what a reader says who has an opinion and then learns the AI's."""
    if ai_positive != own and random.random() < reader.automation_bias:
        return ai_positive
    return own


def reading_minutes(*, reader: Reader, random: Random) -> float:
    """Return how long one study takes a reader."""
    return random.uniform(*reader.minutes)

"""What the gate says of an input: its checks, each with measure, limit and words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: Such as `age`, `noise`, `missing_slices`, `input_space`.
        outcome: `passed`, `noted` (a person should know; the model runs) or `failed`
            (the model must not judge it).
        words: For a person; empty when passed. Names no patient and no age.
        value: What was measured; None where nothing is.
        limit: What it was compared with; None where nothing is.
        unit: Of both.
    """

    name: str
    outcome: str
    words: str = ""
    value: float | None = None
    limit: float | None = None
    unit: str = ""

    @property
    def is_failed(self) -> bool:
        """Whether the model must not judge the input."""
        return self.outcome == "failed"

    def as_json(self) -> dict[str, Any]:
        """Return it for an `InferResult`'s `quality`."""
        found: dict[str, Any] = {"name": self.name, "outcome": self.outcome}
        if self.words:
            found["words"] = self.words
        for name, number in (("value", self.value), ("limit", self.limit)):
            if number is not None:
                found[name] = round(number, 4)
        if self.unit:
            found["unit"] = self.unit
        return found


def passed(name: str, **more: Any) -> Check:
    """Return a check with nothing to say."""
    return Check(name=name, outcome="passed", **more)


def failed(name: str, words: str, **more: Any) -> Check:
    """Return a check that keeps the model from judging."""
    return Check(name=name, outcome="failed", words=words, **more)


def noted(name: str, words: str, **more: Any) -> Check:
    """Return a check that a person should know of."""
    return Check(name=name, outcome="noted", words=words, **more)


def verdict_of(checks: Iterable[Check]) -> str:
    """Return `rejected`, `accepted with notes` or `accepted`."""
    outcomes = {check.outcome for check in checks}
    if "failed" in outcomes:
        return "rejected"
    return "accepted with notes" if "noted" in outcomes else "accepted"


def words_of(checks: Iterable[Check]) -> tuple[str, ...]:
    """Return the reasons of what failed, each once, in order."""
    return tuple(dict.fromkeys(check.words for check in checks if check.is_failed))

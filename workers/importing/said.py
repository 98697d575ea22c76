"""What an import says: its progress, its refusals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


class RefusedError(ValueError):
    """A model that can not be imported; the text says why, in plain words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Where progress is told.

    Attributes:
        tell: Takes words for a person.
    """

    tell: Callable[[str], None]

    def step(self, words: str) -> None:
        """Tell what is being done."""
        self.tell(words)

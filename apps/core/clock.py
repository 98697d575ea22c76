"""The one clock: a test can stop it, and a simulated past can be lived through."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from django.utils import timezone

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

_moment: ContextVar[datetime | None] = ContextVar("moment", default=None)


def now() -> datetime:
    """Return the present moment, aware, in UTC."""
    return _moment.get() or timezone.now()


@contextmanager
def standing_at(moment: datetime) -> Iterator[None]:
    """Let the clock stand at a moment for what this thread does in a block.

    The demonstration department lives through its weeks with it. No request and no
    task of a queue ever uses it.

    Args:
        moment: Aware; in the past.
    """
    before = _moment.set(moment)
    try:
        yield
    finally:
        _moment.reset(before)

"""Is each part well? The parts register themselves; the page asks them all."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import redis
from django.conf import settings
from django.db import connection

from apps.core.queue import waiting_by_priority

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

_KEEP_S = 2.0


class State(StrEnum):
    """How a part is."""

    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Part:
    """One part's state, with plain words for an admin."""

    name: str
    state: State
    detail: str


_checks: dict[str, Callable[[], tuple[State, str]]] = {}
_kept: tuple[float, tuple[Part, ...]] | None = None


def register(name: str, check: Callable[[], tuple[State, str]]) -> None:
    """Add a part; `check` returns its state and a sentence, or raises (down).

    A check must end by itself within a second or two.
    """
    _checks[name] = check


def report() -> tuple[Part, ...]:
    """Ask all parts; an answer is kept for two seconds, so that asking is cheap."""
    global _kept
    now = time.monotonic()
    if _kept is None or now - _kept[0] > _KEEP_S:
        _kept = (now, tuple(_ask(name) for name in sorted(_checks)))
    return _kept[1]


def overall(parts: tuple[Part, ...]) -> State:
    """Return the worst state of all parts."""
    order = (State.DOWN, State.DEGRADED)
    states = {part.state for part in parts}
    return next((state for state in order if state in states), State.OK)


def _ask(name: str) -> Part:
    try:
        state, detail = _checks[name]()
    except Exception as error:  # noqa: BLE001  whatever it is, the part is not well
        log.warning("Health check of %s failed: %s", name, type(error).__name__)
        return Part(name, State.DOWN, f"No answer ({type(error).__name__}).")
    return Part(name, state, detail)


def _database() -> tuple[State, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version')")
        version = cursor.fetchone()[0]
    return State.OK, f"PostgreSQL {version}"


def _redis() -> tuple[State, str]:
    client = redis.Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=1, socket_timeout=1
    )
    with client:
        client.ping()
        waiting = {
            queue: sum(waiting_by_priority(client, queue).values())
            for queue in ("portal", "pixels", "gpu")
        }
    counts = ", ".join(f"{name} {n}" for name, n in waiting.items())
    return State.OK, f"Messages waiting: {counts}"


register("database", _database)
register("redis", _redis)

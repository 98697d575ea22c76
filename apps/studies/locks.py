"""Locks that serialise work on one thing."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from django.db import connection

if TYPE_CHECKING:
    from collections.abc import Iterator

SILENT_S: Final = 150.0
"""Longer than one request to the archive may take, shorter than a step may take."""

_LIMITS: Final = ("idle_session_timeout", "idle_in_transaction_session_timeout")


def lock_study_uid(*, study_uid: str) -> None:
    """Serialise all work on one Study Instance UID until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 7))", [study_uid]
        )


@contextmanager
def only_one(name: str, *, silent_s: float = SILENT_S) -> Iterator[bool]:
    """Let one process at a time do something that takes several transactions.

    The lock belongs to the database session: it is gone when its holder is. A holder
    that hangs, or that lives where nobody can reach it, keeps its connection open, so
    the database ends a session that holds the lock and asks nothing for too long.
    Whoever wakes up after that finds its connection closed, and what it does in here
    must bear being done twice.

    Args:
        name: What is done.
        silent_s: How long the holder may ask the database nothing, in seconds.

    Yields:
        Whether it is ours to do.

    Raises:
        django.db.DatabaseError: When the lock was lost meanwhile.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 8))", [name])
        is_ours = bool(cursor.fetchone()[0])
        if is_ours:
            _limit_silence(silent_s)
    try:
        yield is_ours
    finally:
        if is_ours:
            with connection.cursor() as cursor:
                for limit in _LIMITS:
                    cursor.execute(f"RESET {limit}")
                cursor.execute(
                    "SELECT pg_advisory_unlock(hashtextextended(%s, 8))", [name]
                )


def _limit_silence(silent_s: float) -> None:
    with connection.cursor() as cursor:
        for limit in _LIMITS:
            cursor.execute(
                "SELECT set_config(%s, %s, false)", [limit, f"{silent_s * 1000:.0f}ms"]
            )

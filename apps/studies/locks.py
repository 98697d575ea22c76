"""Locks that serialise work on one thing."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.db import connection

if TYPE_CHECKING:
    from collections.abc import Iterator


def lock_study_uid(*, study_uid: str) -> None:
    """Serialise all work on one Study Instance UID until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 7))", [study_uid]
        )


@contextmanager
def only_one(name: str) -> Iterator[bool]:
    """Let one process at a time do something that takes several transactions.

    The lock belongs to the database session: it is gone when its holder is.

    Args:
        name: What is done.

    Yields:
        Whether it is ours to do.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 8))", [name])
        is_ours = bool(cursor.fetchone()[0])
    try:
        yield is_ours
    finally:
        if is_ours:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_advisory_unlock(hashtextextended(%s, 8))", [name]
                )

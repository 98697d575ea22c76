"""Opaque, signed cursors of keyset paging."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.core import signing

from apps.core.errors import Invalid
from apps.worklist.selectors import SortKey

_SALT = "overread.worklist.cursor"


def write_cursor(*, key: SortKey, offset: int) -> str:
    """Return a cursor for the page after `key`, `offset` items into the list."""
    rank_class, sort_at, arrived_at, item_id = key
    body = [rank_class, sort_at.isoformat(), arrived_at.isoformat(), str(item_id)]
    return signing.dumps([*body, offset], salt=_SALT)


def read_cursor(*, text: str) -> tuple[SortKey | None, int]:
    """Return key and offset of a cursor; (None, 0) for an empty one."""
    if not text:
        return None, 0
    try:
        rank_class, sort_at, arrived_at, item_id, offset = signing.loads(
            text, salt=_SALT
        )
    except (signing.BadSignature, ValueError) as error:
        raise _not_ours() from error
    key = (
        int(rank_class),
        datetime.fromisoformat(sort_at),
        datetime.fromisoformat(arrived_at),
        UUID(item_id),
    )
    return key, int(offset)


def write_moment(*, at: datetime | None, row_id: UUID, salt: str) -> str:
    """Return a cursor for the page after a row of a list in order of time.

    Args:
        at: When the row was.
        row_id: The row, which decides between two of one moment.
        salt: The list's own: no cursor of another list is taken.
    """
    return signing.dumps([at.isoformat() if at else "", str(row_id)], salt=salt)


def read_moment(*, text: str, salt: str) -> tuple[datetime, UUID] | None:
    """Return the moment and the row of a cursor; None for an empty one.

    Args:
        text: What `write_moment` returned, or nothing.
        salt: As there.

    Raises:
        Invalid: It is not a cursor of this list.
    """
    if not text:
        return None
    try:
        at, row_id = signing.loads(text, salt=salt)
        return datetime.fromisoformat(at), UUID(row_id)
    except (signing.BadSignature, ValueError) as error:
        raise _not_ours() from error


def _not_ours() -> Invalid:
    return Invalid("invalid", "cursor: not one of this list; start from the top.")

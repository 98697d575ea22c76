"""Opaque, signed cursors of the worklist's keyset paging."""

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
        raise Invalid(
            "invalid", "cursor: not one of this list; start from the top."
        ) from error
    key = (
        int(rank_class),
        datetime.fromisoformat(sort_at),
        datetime.fromisoformat(arrived_at),
        UUID(item_id),
    )
    return key, int(offset)

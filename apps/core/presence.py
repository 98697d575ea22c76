"""Who has the portal open just now. A convenience: without Redis nobody is shown."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from django.core.cache import cache
from redis.exceptions import RedisError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

log = logging.getLogger(__name__)
SEEN_FOR_S: Final = 20
"""A person counts as here so long after the last sign of them."""


def _key(user_id: UUID) -> str:
    return f"here:{user_id.hex}"


def note_presence(*, user_id: UUID) -> None:
    """Note a sign of a person; again every few seconds while they are here."""
    try:
        cache.set(_key(user_id), 1, SEEN_FOR_S)
    except (RedisError, OSError) as error:
        log.warning("presence is not kept: %s", type(error).__name__)


def present_of(*, user_ids: Iterable[UUID]) -> set[UUID]:
    """Return those of the people who are here now."""
    keys = {_key(user_id): user_id for user_id in user_ids}
    try:
        return {keys[key] for key in cache.get_many(list(keys))}
    except (RedisError, OSError) as error:
        log.warning("presence is not known: %s", type(error).__name__)
        return set()

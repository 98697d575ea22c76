"""How often a request was begun: one that kills its worker must not go on for ever."""

from __future__ import annotations

from typing import Final

import redis

MAX_ATTEMPTS: Final = 3
_KEPT_S: Final = 3600


class Attempts:
    """Counts beginnings of a request in Redis; a request that ends is forgotten."""

    def __init__(self, *, broker_url: str) -> None:
        """Take the broker's address."""
        self._redis: redis.Redis = redis.Redis.from_url(
            broker_url, socket_timeout=5, socket_connect_timeout=2
        )

    def begin(self, request_id: str) -> int:
        """Count a beginning; return which it is, 1 when Redis can not be asked."""
        key = self._key(request_id)
        try:
            count = self._redis.incr(key)
            self._redis.expire(key, _KEPT_S)
        except redis.RedisError:
            return 1
        return int(str(count))

    def end(self, request_id: str) -> None:
        """Forget a request that has its answer."""
        try:
            self._redis.delete(self._key(request_id))
        except redis.RedisError:
            return

    @staticmethod
    def _key(request_id: str) -> str:
        return f"overread:attempts:{request_id}"

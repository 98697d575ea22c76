"""How often a request lost its worker: one that kills workers must not go on.

A request is *begun* when its task starts and *ended* when its answer is sent. What
was begun and never ended lost its worker: the process was killed, or crashed. Such
a request is begun again, but not at once, so that its neighbours go first; after
`MAX_ATTEMPTS` losses it is given up. A request that is put off in good order (the
portal is away) is *excused*: that says nothing about the request.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Final

import redis

from workers.contracts import LOST_WORKER, attempt_keys

MAX_ATTEMPTS: Final = 3
DEFER_S: Final = 5.0
"""Seconds by which a second attempt is put off; a third one twice as long."""
LOST: Final = (
    f"{LOST_WORKER} three times on this study, so it was given up and others go on."
    " An administrator can have it tried again."
)
TOO_LATE: Final = (
    f"{LOST_WORKER} three times on this study: it did not answer in time, so its"
    " process was ended. Others go on. An administrator can have it tried again."
)
_KEPT_S: Final = 3600


class Turn(Enum):
    """What is to be done with a request that came up."""

    NOW = auto()
    LATER = auto()
    NEVER = auto()


class Attempts:
    """Counts beginnings of a request in Redis; a request that ends is forgotten.

    Where Redis cannot be asked, everything is done at once, as if for the first time.
    """

    def __init__(self, *, broker_url: str) -> None:
        """Take the broker's address."""
        self._redis: redis.Redis = redis.Redis.from_url(
            broker_url, socket_timeout=5, socket_connect_timeout=2
        )

    def begin(self, request_id: str) -> Turn:
        """Say whether a request is to be done now, and count the beginning if so."""
        turn = self.turn(request_id)
        if turn is Turn.NOW:
            self.count(request_id)
        return turn

    def count(self, request_id: str) -> None:
        """Count a beginning."""
        begun_key, _ = attempt_keys(request_id)
        try:
            with self._redis.pipeline(transaction=False) as pipeline:
                pipeline.incr(begun_key)
                pipeline.expire(begun_key, _KEPT_S)
                pipeline.execute()
        except redis.RedisError:
            return

    def turn(self, request_id: str) -> Turn:
        """Say whether a request is to be done now, see `look`."""
        return self.look(request_id)[0]

    def look(self, request_id: str) -> tuple[Turn, int]:
        """Say whether a request is to be done now, and how often it was lost.

        Nothing is counted. `LATER` is said once for each loss; the next time it is
        `NOW`. `NEVER` is said until `forget`, or for an hour.
        """
        begun_key, put_off_key = attempt_keys(request_id)
        try:
            begun, put_off = self._numbers(begun_key, put_off_key)
            if begun >= MAX_ATTEMPTS:
                return Turn.NEVER, begun
            if begun > put_off:
                self._redis.set(put_off_key, begun, ex=_KEPT_S)
                return Turn.LATER, begun
        except redis.RedisError:
            return Turn.NOW, 0
        return Turn.NOW, begun

    def losses(self, request_id: str) -> int:
        """Return how often a request was begun and not ended."""
        try:
            return self._numbers(*attempt_keys(request_id))[0]
        except redis.RedisError:
            return 0

    def excuse(self, request_id: str) -> None:
        """Take back a beginning that was put off in good order."""
        begun_key, _ = attempt_keys(request_id)
        try:
            if int(str(self._redis.decr(begun_key))) <= 0:
                self.end(request_id)
        except redis.RedisError:
            return

    def end(self, *request_ids: str) -> None:
        """Forget requests that have their answer."""
        if not request_ids:
            return
        try:
            self._redis.delete(
                *(key for one in request_ids for key in attempt_keys(one))
            )
        except redis.RedisError:
            return

    def _numbers(self, *keys: str) -> tuple[int, ...]:
        return tuple(int(found or 0) for found in self._redis.mget(keys))

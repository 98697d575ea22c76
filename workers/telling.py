"""What a worker of models tells about itself, for the portal's health page."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import Counter, deque
from typing import TYPE_CHECKING, Any, Final

import redis

from workers.broker import node_name
from workers.contracts import QUEUE_GPU, worker_key

if TYPE_CHECKING:
    from workers.supervisor import Supervisor

log = logging.getLogger(__name__)

EVERY_S: Final = 5.0
KEPT_S: Final = 30
_WINDOW_S: Final = 300.0


class Teller:
    """Writes how a worker is to the broker every few seconds; it lapses by itself."""

    def __init__(self, *, broker_url: str, supervisor: Supervisor) -> None:
        """Take where to write and what to tell about."""
        self._redis: redis.Redis = redis.Redis.from_url(
            broker_url, socket_timeout=5, socket_connect_timeout=2
        )
        self._supervisor = supervisor
        self._key = worker_key(node_name(queue=QUEUE_GPU))
        self._counts: Counter[str] = Counter()
        self._ends: deque[float] = deque()
        self._began = time.monotonic()
        self._lock = threading.Lock()
        self._stopped = threading.Event()

    def start(self) -> None:
        """Begin to tell, in a thread of its own."""
        threading.Thread(target=self._tell_on, daemon=True, name="telling").start()

    def stop(self) -> None:
        """Tell no more, and take back what was told."""
        self._stopped.set()
        try:
            self._redis.delete(self._key)
        except redis.RedisError:
            return

    def count(self, state: str) -> None:
        """Note that a request ended."""
        with self._lock:
            self._counts[state] += 1
            self._ends.append(time.monotonic())

    def report(self) -> dict[str, Any]:
        """Return how the worker is.

        `per_minute` is over the last five minutes, or since it started.
        """
        now = time.monotonic()
        with self._lock:
            while self._ends and self._ends[0] < now - _WINDOW_S:
                self._ends.popleft()
            span = max(min(_WINDOW_S, now - self._began), 1.0)
            rate, counts = 60.0 * len(self._ends) / span, dict(self._counts)
        return {
            **self._supervisor.report,
            "in_hand": self._supervisor.in_hand,
            "restarts": self._supervisor.restarts,
            "per_minute": round(rate, 1),
            "answers": counts,
        }

    def _tell_on(self) -> None:
        while not self._stopped.is_set():
            try:
                self._redis.set(self._key, json.dumps(self.report()), ex=KEPT_S)
            except redis.RedisError as error:
                log.warning("the worker's state was not told: %s", type(error).__name__)
            self._stopped.wait(EVERY_S)

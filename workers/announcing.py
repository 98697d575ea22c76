"""Who waits to hear that something urgent is on its way, before it is in the queue.

The portal says so when a clinician begins to make a study STAT: the burst behind which
it would be gives way while that is put on record, and not only once it is.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any, Final

import redis

from workers.contracts import CHANNEL_URGENT

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

_LOOK_S: Final = 1.0
"""How often it looks whether it is to end."""
_AGAIN_S: Final = 5.0


class Listener:
    """Calls something whenever the portal announces what is urgent.

    What is said while the broker is away is not heard: the study itself comes all the
    same, and everything gives way then.
    """

    def __init__(self, *, broker_url: str, heard: Callable[[], None]) -> None:
        """Take where to listen and what to call."""
        self._redis: Any = redis.Redis.from_url(broker_url, socket_connect_timeout=2)
        self._heard = heard
        self._stopped = threading.Event()

    def start(self) -> None:
        """Begin to listen, in a thread of its own."""
        threading.Thread(target=self._listen_on, daemon=True, name="listening").start()

    def stop(self) -> None:
        """Listen no more."""
        self._stopped.set()

    def _listen_on(self) -> None:
        while not self._stopped.is_set():
            try:
                self._listen()
            except redis.RedisError as error:
                log.warning("announcements are not heard: %s", type(error).__name__)
                self._stopped.wait(_AGAIN_S)

    def _listen(self) -> None:
        with self._redis.pubsub(ignore_subscribe_messages=True) as channel:
            channel.subscribe(CHANNEL_URGENT)
            while not self._stopped.is_set():
                if channel.get_message(timeout=_LOOK_S):
                    self._heard()

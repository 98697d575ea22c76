"""The channel layer, told from code that has no event loop, without making one.

`async_to_sync` makes an event loop for each message, and with it a connection to Redis:
3 ms of processor, in every request that changes the list. Here one loop a process is
kept, in a thread of its own, with its connection.
"""

from __future__ import annotations

import asyncio
import os
import threading
from typing import TYPE_CHECKING, Any, Final

from channels_redis.pubsub import RedisPubSubChannelLayer

if TYPE_CHECKING:
    from collections.abc import Mapping

TELL_S: Final = 5.0
"""Longest wait for Redis; who is not told polls."""


class KeptLoopLayer(RedisPubSubChannelLayer):  # type: ignore[misc]  # no types
    """Redis' channel layer with `tell`."""

    def __init__(self, *args: Any, **options: Any) -> None:
        """Take what the layer takes; the loop is started when it is needed."""
        super().__init__(*args, **options)
        self._starting = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._owner = 0

    def tell(self, group: str, message: Mapping[str, Any]) -> None:
        """Send a message to a group, from a thread without an event loop.

        Raises:
            Exception: Redis is away, or does not answer in time.
        """
        sent = self.group_send(group, dict(message))
        future = asyncio.run_coroutine_threadsafe(sent, self._kept_loop())
        try:
            future.result(TELL_S)
        except TimeoutError:
            future.cancel()
            raise

    def _kept_loop(self) -> asyncio.AbstractEventLoop:
        """Return this process' loop; what a fork brought along has no thread."""
        with self._starting:
            if self._loop is None or self._owner != os.getpid():
                self._loop, self._owner = asyncio.new_event_loop(), os.getpid()
                threading.Thread(
                    target=self._loop.run_forever, daemon=True, name="channel layer"
                ).start()
            return self._loop

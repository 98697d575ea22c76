"""Answers on their way to the portal: those that are ready together go as one message.

Whoever has an answer hands it over and waits until it was sent, so that a request is
acknowledged only after its answer is in the portal's queue.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from workers.contracts import PRIORITY_URGENT, InferResult

MOST: Final = 16
WAIT_S: Final = 0.1

Send = Callable[[Sequence[InferResult], int], None]
"""Sends answers of one urgency, 0 (first) to 9."""


@dataclass(slots=True)
class _Letter:
    result: InferResult
    priority: int
    entered: float = field(default_factory=time.monotonic)
    sent: threading.Event = field(default_factory=threading.Event)
    error: Exception | None = None


class Outbox:
    """Sends answers from a thread of its own; any number of threads may hand over."""

    def __init__(
        self,
        *,
        send: Send,
        in_hand: Callable[[], int] = lambda: 0,
        most: int = MOST,
        wait_s: float = WAIT_S,
    ) -> None:
        """Take how to send.

        Args:
            send: What sends answers of one urgency; it may raise.
            in_hand: How many requests are being worked at, from which an answer may
                come soon; where there is none nobody is waited for.
            most: Answers in a message.
            wait_s: Longest wait for others; what is urgent is not kept waiting.
        """
        self._send = send
        self._in_hand = in_hand
        self._most = most
        self._wait_s = wait_s
        self._letters: list[_Letter] = []
        self._changed = threading.Condition()
        threading.Thread(target=self._serve, daemon=True, name="outbox").start()

    def send(self, result: InferResult, *, priority: int) -> None:
        """Hand over an answer, and return when it was sent.

        Raises:
            Exception: What sending it raised; it was not sent.
        """
        letter = _Letter(result=result, priority=priority)
        with self._changed:
            self._letters.append(letter)
            self._changed.notify_all()
        letter.sent.wait()
        if letter.error is not None:
            raise letter.error

    def _serve(self) -> None:
        while True:
            by_priority: dict[int, list[_Letter]] = defaultdict(list)
            for letter in self._take():
                by_priority[letter.priority].append(letter)
            for priority in sorted(by_priority):
                self._deliver(by_priority[priority], priority)

    def _take(self) -> list[_Letter]:
        """Wait until there is something to send, and return it."""
        with self._changed:
            self._changed.wait_for(lambda: self._letters)
            while (left := self._left_to_wait()) > 0:
                self._changed.wait(left)
            taken, self._letters = (
                self._letters[: self._most],
                self._letters[self._most :],
            )
        return taken

    def _left_to_wait(self) -> float:
        is_urgent = any(one.priority <= PRIORITY_URGENT for one in self._letters)
        n = len(self._letters)
        if is_urgent or n >= self._most or not self._in_hand():
            return 0.0
        return self._letters[0].entered + self._wait_s - time.monotonic()

    def _deliver(self, letters: Sequence[_Letter], priority: int) -> None:
        try:
            self._send([letter.result for letter in letters], priority)
        except Exception as error:  # noqa: BLE001  it is its sender's to deal with
            for letter in letters:
                letter.error = error
        for letter in letters:
            letter.sent.set()

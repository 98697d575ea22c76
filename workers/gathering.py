"""What many threads want alike, done together: one message, one request for several.

Whoever hands something over waits until it was done, so that nothing is said to be done
before it is: a request is acknowledged only after its answer is in the portal's queue.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from workers.contracts import PRIORITY_URGENT
from workers.niceness import give_way

Given = TypeVar("Given")
Done = TypeVar("Done")


@dataclass(slots=True, eq=False)
class _Wish(Generic[Given, Done]):
    given: Given
    priority: int
    entered: float = field(default_factory=time.monotonic)
    ended: threading.Event = field(default_factory=threading.Event)
    done: list[Done] = field(default_factory=list)
    error: Exception | None = None


LOOK_S: Final = 0.02
"""How often it asks, while things wait for others, whether that must end."""


class Gatherer(Generic[Given, Done]):
    """Does things in threads of its own; any number of threads may hand over.

    Those of one urgency go together, the most urgent first.
    """

    def __init__(
        self,
        *,
        work: Callable[[Sequence[Given], int], Sequence[Done]],
        most: int,
        wait_s: float,
        in_hand: Callable[[], int] = lambda: 1,
        is_hurried: Callable[[], bool] | None = None,
        threads: int = 1,
        has_express: bool = False,
    ) -> None:
        """Take what is to be done.

        Args:
            work: Does several things of one urgency (0 first, to 9) and returns what
                became of each, in their order; it may raise.
            most: How many at a time.
            wait_s: Longest wait for others; what is urgent is not kept waiting.
            in_hand: How many may still come soon; where none may nobody waits.
            is_hurried: Says, while things wait for others, whether they no longer may.
            threads: How often it works at a time.
            has_express: Whether one more thread does what is urgent and nothing else,
                so that it does not wait until the others have a hand free.
        """
        self._work = work
        self._most = most
        self._wait_s = wait_s
        self._in_hand = in_hand
        self._is_hurried = is_hurried
        self._wishes: list[_Wish[Given, Done]] = []
        self._lock = threading.Lock()
        # One is told of each thing; waking all to see that it is another's costs more.
        self._changed = threading.Condition(self._lock)
        self._urgent = threading.Condition(self._lock)
        for is_express in [False] * threads + [True] * has_express:
            threading.Thread(
                target=self._serve,
                kwargs={
                    "is_express": is_express,
                    "is_patient": has_express and not is_express,
                },
                daemon=True,
                name="gather",
            ).start()

    @property
    def waiting(self) -> int:
        """How many were handed over and not begun with."""
        return len(self._wishes)

    def do(self, given: Given, *, priority: int) -> Done:
        """Hand something over, and return what became of it.

        Raises:
            Exception: What doing it raised.
        """
        wish: _Wish[Given, Done] = _Wish(given=given, priority=priority)
        with self._lock:
            self._wishes.append(wish)
            self._changed.notify()
            if priority <= PRIORITY_URGENT:
                self._urgent.notify()
        wish.ended.wait()
        if wish.error is not None:
            raise wish.error
        return wish.done[0]

    def _serve(self, *, is_express: bool, is_patient: bool) -> None:
        if is_patient:
            give_way()
        while True:
            self._fulfil(self._take(is_express=is_express))

    def _take(self, *, is_express: bool) -> list[_Wish[Given, Done]]:
        """Wait until there is something to do, and return it."""
        changed = self._urgent if is_express else self._changed
        with self._lock:
            while (left := self._left_to_wait(is_express=is_express)) > 0:
                if math.isinf(left):
                    changed.wait()
                elif self._is_hurried is None:
                    changed.wait(left)
                else:
                    changed.wait(min(left, LOOK_S))
                    self._look()
            first = min(wish.priority for wish in self._wishes)
            like = [wish for wish in self._wishes if wish.priority == first]
            taken = like[: self._most]
            self._wishes = [wish for wish in self._wishes if wish not in taken]
            if self._wishes:
                self._changed.notify()
        return taken

    def _look(self) -> None:
        """Ask whether those that wait must be done now; more may come meanwhile."""
        waiting = list(self._wishes)
        self._lock.release()
        try:
            is_hurried = bool(waiting and self._is_hurried and self._is_hurried())
        finally:
            self._lock.acquire()
        if is_hurried:
            for wish in waiting:
                wish.entered = -math.inf

    def _left_to_wait(self, *, is_express: bool) -> float:
        """Return seconds until something is to be done; infinity where nothing is."""
        if any(wish.priority <= PRIORITY_URGENT for wish in self._wishes):
            return 0.0
        if is_express or not self._wishes:
            return math.inf
        if len(self._wishes) >= self._most or self._in_hand() <= 0:
            return 0.0
        return self._wishes[0].entered + self._wait_s - time.monotonic()

    def _fulfil(self, wishes: Sequence[_Wish[Given, Done]]) -> None:
        try:
            given = [wish.given for wish in wishes]
            done = self._work(given, wishes[0].priority)
            for wish, one in zip(wishes, done, strict=True):
                wish.done.append(one)
        except Exception as error:  # noqa: BLE001  it is for those who wait to judge
            for wish in wishes:
                wish.error = error
        for wish in wishes:
            wish.ended.set()

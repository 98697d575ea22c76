"""What was read of foreign objects lately, so that it is read once a process."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

V = TypeVar("V")


class Shelf(Generic[V]):
    """Keeps what was used last, up to a total weight.

    Two threads may make the same thing at once; both get the right one.
    """

    def __init__(self, *, capacity: int, weigh: Callable[[V], int]) -> None:
        """Take how much it holds, and how heavy a thing is."""
        self._capacity = capacity
        self._weigh = weigh
        self._kept: OrderedDict[Hashable, tuple[V, int]] = OrderedDict()
        self._weight = 0
        self._lock = Lock()

    def get(self, key: Hashable, make: Callable[[], V]) -> V:
        """Return what is kept under a key, made if it is not there."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key][0]
        value = make()
        weight = self._weigh(value)
        with self._lock:
            if key not in self._kept and weight <= self._capacity:
                self._kept[key] = (value, weight)
                self._weight += weight
            while self._weight > self._capacity:
                _, (_, gone) = self._kept.popitem(last=False)
                self._weight -= gone
        return value

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()
            self._weight = 0

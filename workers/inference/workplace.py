"""What a worker process keeps, and how a run is timed and turned down."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
import torch

from workers.contracts import (
    PRIORITY_NORMAL,
    PRIORITY_URGENT,
    ArtefactRef,
    FindingResult,
)
from workers.inference.engine import Engine
from workers.inference.store import ModelStore
from workers.packs.isolation import IsolatedDecoder
from workers.pixels.image import ImageHeader
from workers.portal_client import PortalLine

EXPLAIN_S: Final = 100.0
"""A third of the default of what a request may take before its process is ended."""


class RejectedError(Exception):
    """The study is not one that the model may judge; the text says why.

    Attributes:
        quality: What the gate measured, for the result.
    """

    def __init__(self, reason: str, *, quality: dict[str, Any] | None = None) -> None:
        """Take the reason in plain words."""
        super().__init__(reason)
        self.quality = quality or {}


@dataclass(slots=True)
class Clock:
    """Seconds by part of the work."""

    spent: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Add the time of a block to a part."""
        started = time.perf_counter()
        try:
            yield
        finally:
            elapsed = time.perf_counter() - started
            self.spent[name] = round(self.spent.get(name, 0.0) + elapsed, 4)


class Gate:
    """Lets so many through at a time, the more urgent of those that wait first.

    What is urgent waits for nobody: it shares the processor with those inside. Who
    leaves hands the turn to the next alone: where forty wait, all of them waking to
    see whose it is would cost as much as a turn's work.
    """

    def __init__(self, room: int) -> None:
        """Take how many."""
        self._room = room
        self._waiting: list[tuple[int, int, threading.Event]] = []
        self._numbers = itertools.count()
        self._lock = threading.Lock()

    @contextmanager
    def turn(self, priority: int) -> Iterator[None]:
        """Wait for one's turn and keep it for a block."""
        if priority <= PRIORITY_URGENT:
            yield
            return
        if called := self._enter(priority):
            called.wait()
        try:
            yield
        finally:
            self._leave()

    def _enter(self, priority: int) -> threading.Event | None:
        """Take a turn that is free; else return what is set once one is given."""
        with self._lock:
            if self._room:
                self._room -= 1
                return None
            called = threading.Event()
            heapq.heappush(self._waiting, (priority, next(self._numbers), called))
            return called

    def _leave(self) -> None:
        with self._lock:
            if not self._waiting:
                self._room += 1
                return
            _, _, called = heapq.heappop(self._waiting)
        called.set()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """How a study is asked for.

    Attributes:
        priority: 0 (first) to 9.
        begin: Called when its images are here and work on them begins: from then on
            it may be what kills the process.
        series: Series Instance UID by role, as the portal chose; empty where it left
            that to the worker.
        explain: Labels of which it is asked where they come from; empty: for a result.
    """

    priority: int = PRIORITY_NORMAL
    begin: Callable[[], None] = lambda: None
    series: Mapping[str, str] = field(default_factory=dict)
    explain: tuple[str, ...] = ()


class Lines:
    """The lines to portals, one each, opened when first needed."""

    def __init__(self, *, let_pass: Callable[[int], None] = lambda _: None) -> None:
        """Begin without any; for `let_pass` see `PortalLine`."""
        self._let_pass = let_pass
        self._lines: dict[tuple[str, int], PortalLine] = {}
        self._lock = threading.Lock()

    def to(
        self, portal_url: str, *, transport: httpx.BaseTransport | None = None
    ) -> PortalLine:
        """Return the line to a portal.

        Args:
            portal_url: Where it is.
            transport: What carries HTTP; the network by default.
        """
        key = (portal_url, id(transport))
        with self._lock:
            if key not in self._lines:
                self._lines[key] = PortalLine(
                    portal_url=portal_url,
                    transport=transport,
                    let_pass=self._let_pass,
                )
            return self._lines[key]


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """What a worker process keeps between requests.

    Attributes:
        store: Its models.
        decoder: Its decoding process.
        device: Where its models run.
        engine: What runs them, for all studies in hand.
        device_words: The device in words for a person.
        gate: Lets as many work on pixels at a time as is sensible.
        films: Lets as many studies of films have their files in memory.
        volumes: Lets as many volumes be in memory, from the first file to the result.
        lines: What studies share on the way to a portal.
        explain_s: Longest time that an explanation may take.
    """

    store: ModelStore
    decoder: IsolatedDecoder
    device: torch.device
    engine: Engine
    device_words: str
    gate: Gate
    films: Gate
    volumes: Gate
    lines: Lines
    explain_s: float = EXPLAIN_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a model says of a study.

    Attributes:
        quality: What the input gate measured and decided.
        findings: One for each label on the card.
        embedding: The study's vector; None when not made.
    """

    quality: dict[str, Any]
    findings: tuple[FindingResult, ...]
    embedding: ArtefactRef | None = None


def check_synthetic(header: ImageHeader, *, rules: Mapping[str, Any]) -> None:
    """Keep phantoms from models for people, and people from models for phantoms.

    Args:
        header: An image that the model would be given.
        rules: The card's `input`; `synthetic`: True takes phantoms and nothing else,
            `"allowed"` takes both.

    Raises:
        RejectedError: The image is of the other kind.
    """
    wanted = rules.get("synthetic", False)
    if wanted is True and not header.is_synthetic:
        raise RejectedError(
            "the model is for phantoms only: an image is not marked as synthetic"
        )
    if not wanted and header.is_synthetic:
        raise RejectedError("the model is not for phantoms: an image is synthetic")

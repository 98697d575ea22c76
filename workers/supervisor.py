"""Keeps one process that runs models, asks it, ends it when it hangs. No torch here.

Each thread of the pool brings one request and waits. What the process had begun when
it died is suspect; what it was still fetching is not. A suspect is asked again *alone*:
the others wait at the door for that long, so whoever kills the process then is known.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from workers.contracts import InferRequest, InferResult
from workers.portal_client import PortalUnavailableError

log = logging.getLogger(__name__)

COMMAND: Final = (sys.executable, "-m", "workers.inference.child")
START_S: Final = 180.0
_LOOK_S: Final = 1.0
_CLOSE_S: Final = 5.0
# Threads that wait for work sleep: the cores are shared with decoding and the portal.
# OpenBLAS's (NumPy's) can not be told to, so it gets none besides the caller's.
QUIET_THREADS: Final = {
    "OMP_WAIT_POLICY": "PASSIVE",
    "GOMP_SPINCOUNT": "0",
    "OPENBLAS_NUM_THREADS": "1",
}


class ProcessLostError(Exception):
    """The process died, or was ended, with a request in hand.

    Attributes:
        was_begun: Whether it had begun with the request.
        was_late: Whether it was ended because something took too long.
        was_alone: Whether it had begun with no other request.
    """

    def __init__(
        self, *, was_begun: bool, was_late: bool, was_alone: bool = False
    ) -> None:
        """Take what is known."""
        super().__init__("the process that runs models was lost")
        self.was_alone = was_alone
        self.was_begun = was_begun
        self.was_late = was_late


@dataclass(slots=True)
class _Asked:
    """A request in the process.

    Attributes:
        begun: Called when its images are there.
        begun_at: When that was, by the monotonic clock; 0 before.
        event: The last word about it.
    """

    begun: Callable[[], None]
    begun_at: float = 0.0
    event: dict[str, Any] | None = None
    done: threading.Event = field(default_factory=threading.Event)


class _Process:
    """One life of the process."""

    def __init__(
        self, command: Sequence[str], *, lost: Callable[[], None] = lambda: None
    ) -> None:
        """Start it; `lost` is called when it ends after it was ready."""
        self.report: dict[str, Any] = {}
        self._lost = lost
        self._was_ready = False
        self.was_late = False
        self._ready = threading.Event()
        self._asked: dict[int, _Asked] = {}
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._is_dead = False
        self._begun_at_death = 0
        self._popen = subprocess.Popen(  # noqa: S603  our own module
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env={**QUIET_THREADS, **os.environ},
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def is_dead(self) -> bool:
        """Whether it has ended."""
        return self._is_dead

    @property
    def pid(self) -> int:
        """Its number."""
        return self._popen.pid

    def wait_ready(self, within_s: float) -> bool:
        """Wait until its models are loaded; False when it died before, or was slow."""
        return self._ready.wait(within_s) and not self._is_dead

    def ask(
        self, request: InferRequest, *, begun: Callable[[], None], limit_s: float
    ) -> dict[str, Any]:
        """Return the last event of a request.

        Raises:
            ProcessLostError: It died first.
        """
        asked = _Asked(begun=begun)
        number = next(self._numbers)
        line = json.dumps({"id": number, "request": request.to_message()}) + "\n"
        with self._lock:
            self._asked[number] = asked
            try:
                self._write(line)
            except (OSError, ValueError):
                self._popen.kill()
        while not asked.done.wait(_LOOK_S):
            if self._is_dead:
                break
            if asked.begun_at and time.monotonic() - asked.begun_at > limit_s:
                log.warning(
                    "a study took longer than %.0f s; its process ends", limit_s
                )
                self.was_late = True
                self._popen.kill()
                asked.done.wait(_CLOSE_S)
        with self._lock:
            self._asked.pop(number, None)
        if asked.event is None:
            was_begun = asked.begun_at > 0
            raise ProcessLostError(
                was_begun=was_begun,
                was_late=self.was_late,
                was_alone=was_begun and self._begun_at_death == 1,
            )
        return asked.event

    def end(self) -> None:
        """End it: in good order, or soon after without."""
        with contextlib.suppress(OSError, ValueError):
            if self._popen.stdin is not None:
                self._popen.stdin.close()
        try:
            self._popen.wait(_CLOSE_S)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()

    def make_way(self) -> None:
        """Tell it that something urgent is on its way."""
        with self._lock, contextlib.suppress(OSError, ValueError):
            self._write("{}\n")

    def _write(self, line: str) -> None:
        if self._is_dead or self._popen.stdin is None:
            raise OSError("it is dead")
        self._popen.stdin.write(line)
        self._popen.stdin.flush()

    def _read(self) -> None:
        for line in self._popen.stdout or ():
            try:
                self._take(json.loads(line))
            except ValueError:  # cut off by its death
                break
        self._popen.kill()
        self._popen.wait()
        with self._lock:
            self._is_dead = True
            left = list(self._asked.values())
            self._begun_at_death = sum(
                asked.begun_at > 0 and asked.event is None for asked in left
            )
        self._ready.set()
        for asked in left:
            asked.done.set()
        if self._was_ready:
            self._lost()

    def _take(self, event: dict[str, Any]) -> None:
        if "id" not in event:
            self.report = event.get("ready") or event.get("report") or {}
            if "ready" in event:
                self._was_ready = True
                self._ready.set()
            return
        with self._lock:
            asked = self._asked.get(event["id"])
        if asked is None:
            return
        if event["event"] == "begun":
            asked.begun_at = time.monotonic()
            asked.begun()
            return
        asked.event = event
        asked.done.set()


class Supervisor:
    """Asks the process that runs models; starts it when it is not there.

    Attributes:
        restarts: How often it had to be started again.
    """

    def __init__(
        self,
        *,
        limit_s: float,
        command: Sequence[str] = COMMAND,
        start_s: float = START_S,
    ) -> None:
        """Take the limits.

        Args:
            limit_s: Longest time from a study's images being there to its answer.
            command: The process.
            start_s: Longest time until its models are loaded.
        """
        self.restarts = 0
        self._limit_s = limit_s
        self._command = command
        self._start_s = start_s
        self._process: _Process | None = None
        self._starting = threading.Lock()
        self._door = threading.Condition()
        self._is_closed = False
        self._inside = 0
        self._alone_waiting = 0
        self._is_alone = False

    @property
    def report(self) -> dict[str, Any]:
        """What the process last said of itself."""
        process = self._process
        return {} if process is None or process.is_dead else dict(process.report)

    @property
    def in_hand(self) -> int:
        """Requests in the process."""
        return self._inside

    def start(self) -> None:
        """Start the process now, and wait until its models are loaded."""
        self._living()

    def ask(
        self, request: InferRequest, *, is_alone: bool, begun: Callable[[], None]
    ) -> InferResult:
        """Have a request done.

        Args:
            request: What is asked.
            is_alone: Whether nothing else may be in the process meanwhile.
            begun: Called when its images are there and work on them begins.

        Raises:
            ProcessLostError: The process died with it in hand, or does not start.
            PortalUnavailableError: The portal gives no answer; ask again later.
        """
        with self._inside_of(is_alone=is_alone):
            event = self._living().ask(request, begun=begun, limit_s=self._limit_s)
        if event["event"] == "away":
            raise PortalUnavailableError(str(event["detail"]))
        return InferResult.from_message(event["result"])

    def make_way(self) -> None:
        """Let a process that is there begin with nothing else for a moment.

        Something urgent is on its way.
        """
        process = self._process
        if process is not None and not process.is_dead:
            process.make_way()

    def close(self) -> None:
        """End the process; a later request starts another."""
        self._is_closed = True
        process, self._process = self._process, None
        if process is not None:
            process.end()

    def _revive(self) -> None:
        """Start another at once: it loads its models while nobody waits for it.

        Only after one that had been ready: one that dies before is tried again by the
        next request, or it would be started for ever.
        """
        if not self._is_closed:
            threading.Thread(target=self._start_again, daemon=True).start()

    def _start_again(self) -> None:
        try:
            self._living()
        except (ProcessLostError, OSError) as error:
            log.warning("the process did not start again: %s", type(error).__name__)

    def _living(self) -> _Process:
        with self._starting:
            process = self._process
            if process is None or process.is_dead:
                self.restarts += process is not None
                process = self._process = _Process(self._command, lost=self._revive)
            if not process.wait_ready(self._start_s):
                process.end()
                raise ProcessLostError(was_begun=False, was_late=True)
            return process

    @contextlib.contextmanager
    def _inside_of(self, *, is_alone: bool) -> Iterator[None]:
        """Let in many, or one alone, whom those who come later do not overtake."""
        with self._door:
            if is_alone:
                self._alone_waiting += 1
                self._door.wait_for(lambda: not self._inside)
                self._alone_waiting -= 1
                self._is_alone = True
            else:
                self._door.wait_for(
                    lambda: not self._is_alone and not self._alone_waiting
                )
            self._inside += 1
        try:
            yield
        finally:
            with self._door:
                self._inside -= 1
                self._is_alone = False
                self._door.notify_all()

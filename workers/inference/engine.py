"""The one place where networks run: batches across studies, the most urgent first.

Threads that prepare studies hand tensors over and wait. A lane, which is a thread of
the engine, takes what is ready, in the order of urgency, and runs films of one model
together. When others are about to be ready it waits for them, a moment at most and
never with something urgent in hand, which makes a batch of its own. A batch that fails
is run again one study at a time, so that only the study at fault gets the error; one
that needs more memory than there is, once more in two halves.

Where networks share the processor with all else that a study needs, nothing else is
begun while something urgent is in hand, for a moment (`Pause`).

The first lane runs anything. Bodies that ONNX Runtime runs on a processor need little
memory: where it is told to, the engine has further lanes for those, and one that takes
only what is urgent among them, so that it waits for no batch.
"""

from __future__ import annotations

import gc
import heapq
import itertools
import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import torch

from workers.contracts import PRIORITY_NORMAL, PRIORITY_URGENT
from workers.inference.forward import Outputs, join, run_films
from workers.models.package import ModelPackage
from workers.niceness import give_way

BATCH: Final = 8
BODY_BATCH: Final = 4
"""Images at a time for a body run by ONNX Runtime: its time is that of its images
(decisions/0022), what comes after it is done once a batch, and what is urgent has the
processor beside the batch before it."""
WAIT_S: Final = 0.02
PAUSE_S: Final = 0.25
"""So long at most nothing else is begun while something urgent is in hand: twice what
an idle worker takes for a film."""
_NO_MEMORY: Final = (MemoryError, torch.cuda.OutOfMemoryError)

Forward = Callable[[ModelPackage, Sequence[torch.Tensor]], Outputs]


class TooLargeError(Exception):
    """An input needs more memory than the device has, even by itself."""


@dataclass(slots=True)
class Tally:
    """What an engine did so far.

    Attributes:
        batches: Times that a network ran.
        images: Images in them.
        split: Batches that failed and were run again in parts.
        no_memory: Times that memory was short.
        busy_s: Seconds in which a network ran.
    """

    batches: int = 0
    images: int = 0
    split: int = 0
    no_memory: int = 0
    busy_s: float = 0.0


@dataclass(slots=True)
class _Job:
    """Something for the engine's thread.

    Attributes:
        priority: 0 first.
        work: What to call; None for films.
        package: The model of films.
        tensors: Prepared films.
        entered: When it came, by the monotonic clock.
    """

    priority: int
    work: Callable[[], Any] | None = None
    package: ModelPackage | None = None
    tensors: Sequence[torch.Tensor] = ()
    entered: float = field(default_factory=time.monotonic)
    done: threading.Event = field(default_factory=threading.Event)
    result: Any = None
    error: BaseException | None = None

    def end(self, result: Any = None, error: BaseException | None = None) -> None:
        """Hand the answer to whoever waits."""
        self.result, self.error = result, error
        self.done.set()

    def wait(self) -> Any:
        """Return the answer.

        Raises:
            BaseException: What the work raised.
        """
        self.done.wait()
        if self.error is not None:
            raise self.error
        return self.result


class Coming:
    """A study that will soon be handed over; it is until it was, or its block ends."""

    def __init__(self) -> None:
        """Begin as one that is still to come."""
        self.is_ended = False


class Pause:
    """When the rest waits for what is urgent: a moment each, half of the time at most.

    It begins when something urgent is announced or comes, and for what was announced
    it begins anew when that comes. Not thread-safe; times are those of one monotonic
    clock, in seconds.
    """

    def __init__(self, longest_s: float) -> None:
        """Take how long one may be; 0 for never."""
        self._longest_s = longest_s
        self._in_hand = 0
        self._began = self._until = self._next = -math.inf

    def announce(self, now: float) -> None:
        """Let all else wait for something urgent that is on its way."""
        if not self._in_hand and now >= self._next:
            self._began = now
            self._wait_from(now)

    def begin(self, now: float) -> None:
        """Count something urgent as in hand; where it is the first, all else waits."""
        if not self._in_hand and now < self._until:
            self._wait_from(now)
        else:
            self.announce(now)
        self._in_hand += 1

    def end(self, now: float) -> bool:
        """Count it no longer; say whether what waited may go on."""
        self._in_hand -= 1
        if self._in_hand or now >= self._until:
            return False
        self._until, self._next = now, now + (now - self._began)
        return True

    def left(self, now: float) -> float:
        """Return for how many seconds nothing else is to be begun."""
        return max(0.0, self._until - now)

    def _wait_from(self, now: float) -> None:
        self._until = now + self._longest_s
        self._next = self._until + (self._until - self._began)


Takes = Callable[[_Job], bool]
"""Which jobs a lane takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lane:
    """A thread of the engine.

    Attributes:
        takes: Which jobs.
        changed: Told of what it takes, and of nothing else: to wake a thread that has
            nothing to do costs as much as a small step of a study.
        threads: Processor threads of a network; 0 leaves them as they are.
        is_patient: Whether other lanes have the processor first.
    """

    takes: Takes
    changed: threading.Condition
    threads: int = 1
    is_patient: bool = False


class Engine:
    """Runs networks in threads of its own; any number of threads may ask.

    Attributes:
        tally: What it did so far.
        batch: Images at a time.
    """

    def __init__(
        self,
        *,
        device: torch.device,
        batch: int = BATCH,
        wait_s: float = WAIT_S,
        threads: int = 0,
        lanes: int = 1,
        pause_s: float = PAUSE_S,
        forward: Forward | None = None,
    ) -> None:
        """Start it.

        Args:
            device: Where the networks are.
            batch: Images at a time.
            wait_s: Longest wait for others to fill a batch.
            threads: Processor threads of a network; 0 leaves them as they are.
            lanes: Bodies run side by side; where it is more than one, urgent ones have
                a further lane.
            pause_s: Where it is more than one lane: how long at most nothing else is
                begun while something urgent is in hand.
            forward: What runs films; the networks by default.
        """
        self.tally = Tally()
        self._device = device
        self.batch = max(1, batch)
        self._wait_s = wait_s
        self._forward = forward or self._run_films
        self._heap: list[tuple[int, int, _Job]] = []
        self._order = itertools.count()
        self._coming = 0
        # On a device of its own a network takes nothing from what is urgent.
        self._pause = Pause(pause_s if lanes > 1 else 0.0)
        self._is_closed = False
        self._lock = threading.Lock()
        changed = partial(threading.Condition, self._lock)
        self._resumed = changed()
        self._lanes = [_Lane(takes=lambda _: True, changed=changed(), threads=threads)]
        if lanes > 1:
            self._lanes += [
                _Lane(takes=_is_body, changed=changed(), is_patient=True)
                for _ in range(lanes - 1)
            ]
            self._lanes += [_Lane(takes=_is_urgent_body, changed=changed())]
        for lane in self._lanes:
            threading.Thread(
                target=self._serve, args=(lane,), daemon=True, name="engine"
            ).start()

    @contextmanager
    def coming(self) -> Iterator[Coming]:
        """Say for a block that a study will soon be handed over, or not after all.

        It is to be given to `judge`: a study that waits is not one to wait for.
        """
        coming = Coming()
        with self._lock:
            self._coming += 1
        try:
            yield coming
        finally:
            with self._lock:
                self._end(coming)

    def make_way(self) -> None:
        """Begin with nothing else for a moment: something urgent is on its way."""
        with self._lock:
            self._pause.announce(time.monotonic())

    def let_pass(self, priority: int) -> None:
        """Wait, before a step on the way to a network, while the urgent goes first."""
        if priority <= PRIORITY_URGENT:
            return
        with self._lock:
            while (left := self._pause.left(time.monotonic())) > 0:
                self._resumed.wait(left)

    @contextmanager
    def urgent(self) -> Iterator[None]:
        """Say for a block that something urgent is in hand, from its first byte on."""
        with self._lock:
            self._pause.begin(time.monotonic())
        try:
            yield
        finally:
            with self._lock:
                if self._pause.end(time.monotonic()):
                    self._resumed.notify_all()
                    if self._heap:
                        self._tell_lanes()

    def judge(
        self,
        package: ModelPackage,
        tensors: Sequence[torch.Tensor],
        *,
        priority: int = PRIORITY_NORMAL,
        coming: Coming | None = None,
    ) -> Outputs:
        """Run the films of one study, with those of others where it can.

        Args:
            package: The model.
            tensors: The prepared films.
            priority: 0 first.
            coming: As what it was said to come, if it was.

        Raises:
            TooLargeError: There is not enough memory for it.
        """
        job = _Job(priority=priority, package=package, tensors=tensors)
        outputs: Outputs = self._enter(job, coming).wait()
        return outputs

    def call(self, work: Callable[[], Any], *, priority: int = PRIORITY_NORMAL) -> Any:
        """Do something that needs the device alone, such as a volume.

        Raises:
            TooLargeError: There is not enough memory for it.
        """
        return self._enter(_Job(priority=priority, work=work)).wait()

    def close(self) -> None:
        """Stop after what is in hand."""
        with self._lock:
            self._is_closed = True
            self._tell_lanes()

    def _tell_lanes(self) -> None:
        for lane in self._lanes:
            lane.changed.notify()

    def _end(self, coming: Coming) -> None:
        """Count a study as coming no longer."""
        if coming.is_ended:
            return
        coming.is_ended = True
        self._coming -= 1
        if not self._coming and self._heap:
            self._tell_lanes()

    def _enter(self, job: _Job, coming: Coming | None = None) -> _Job:
        with self._lock:
            if coming is not None:
                self._end(coming)
            heapq.heappush(self._heap, (job.priority, next(self._order), job))
            for lane in self._lanes:
                if lane.takes(job):
                    lane.changed.notify()
        return job

    def _serve(self, lane: _Lane) -> None:
        """Work as a lane, until the engine is closed."""
        if lane.is_patient:
            give_way()
        if lane.threads:
            torch.set_num_threads(lane.threads)
        while jobs := self._take(lane):
            began = time.perf_counter()
            self._do(jobs)
            with self._lock:
                self.tally.busy_s += time.perf_counter() - began

    def _take(self, lane: _Lane) -> list[_Job]:
        """Return what a lane is to run next; nothing when it is closed."""
        with self._lock:
            while (left := self._left_to_wait(lane.takes)) > 0:
                if self._is_closed and math.isinf(left):
                    return []
                lane.changed.wait(None if math.isinf(left) else left)
            first = self._pop(lane.takes)
            if first.work is not None:
                return [first]
            return [first, *self._like(first)]

    def _pop(self, takes: Takes) -> _Job:
        """Take the most urgent job of a lane, of which there is one."""
        entry = min(entry for entry in self._heap if takes(entry[2]))
        self._heap.remove(entry)
        heapq.heapify(self._heap)
        return entry[2]

    def _left_to_wait(self, takes: Takes) -> float:
        """Return in how many seconds a lane is to begin; infinity without a job.

        It waits until a batch is full, nobody is coming, or the wait is over.
        """
        mine = [entry for entry in self._heap if takes(entry[2])]
        if not mine:
            return math.inf
        first = min(mine)[2]
        if first.priority > PRIORITY_URGENT and not self._is_closed:
            pause = self._pause.left(time.monotonic())
            if pause > 0:
                return pause
        ready = sum(
            len(job.tensors) for _, _, job in mine if job.package is first.package
        )
        if (
            first.work is not None
            or first.priority <= PRIORITY_URGENT
            or ready >= self._size(first.package)
            or not self._coming
        ):
            return 0.0
        return first.entered + self._wait_s - time.monotonic()

    def _like(self, first: _Job) -> list[_Job]:
        """Take those that fit into a batch with the first, the most urgent first.

        What is urgent goes with what is urgent alone: a full batch takes longer.
        """
        is_urgent = first.priority <= PRIORITY_URGENT
        room = self._size(first.package) - len(first.tensors)
        taken, kept = [], []
        while self._heap:
            entry = heapq.heappop(self._heap)
            job = entry[2]
            is_like = (
                job.work is None
                and job.package is first.package
                and is_urgent == (job.priority <= PRIORITY_URGENT)
            )
            if is_like and len(job.tensors) <= room:
                room -= len(job.tensors)
                taken.append(job)
            else:
                kept.append(entry)
        for entry in kept:
            heapq.heappush(self._heap, entry)
        return taken

    def _size(self, package: ModelPackage | None) -> int:
        """Return how many images of a model are run at a time."""
        return min(self.batch, BODY_BATCH) if _has_body(package) else self.batch

    def _do(self, jobs: list[_Job]) -> None:
        try:
            self._run(jobs)
        except _NO_MEMORY:
            self.tally.no_memory += 1
            free_memory()
            self._again_smaller(jobs)
        except Exception as error:  # noqa: BLE001  it is its asker's to deal with
            if len(jobs) == 1:
                jobs[0].end(error=error)
                return
            self.tally.split += 1
            for job in jobs:
                self._do([job])

    def _again_smaller(self, jobs: list[_Job]) -> None:
        """Try once more with half of the images at a time."""
        half = max(1, sum(len(job.tensors) for job in jobs) // 2)
        middle = max(1, len(jobs) // 2)
        parts = [jobs[:middle], jobs[middle:]] if len(jobs) > 1 else [jobs]
        for part in parts:
            try:
                self._run(part, at_once=half)
            except _NO_MEMORY:
                self.tally.no_memory += 1
                free_memory()
                self._each_or_fail(part)
            except Exception:  # noqa: BLE001  whose fault it is shows one by one
                for job in part:
                    self._do([job])

    def _each_or_fail(self, jobs: list[_Job]) -> None:
        for job in jobs:
            if len(jobs) > 1:
                self._again_smaller([job])
            else:
                words = "it needs more memory than the device has"
                job.end(error=TooLargeError(words))

    def _run(self, jobs: list[_Job], *, at_once: int = 0) -> None:
        """Run jobs of one kind together and hand out the answers."""
        first = jobs[0]
        if first.work is not None or first.package is None:
            first.end(first.work() if first.work else None)
            return
        images = [tensor for job in jobs for tensor in job.tensors]
        size = self._size(first.package)
        step = min(at_once or size, size)
        outputs = join(
            [
                self._forward(first.package, images[at : at + step])
                for at in range(0, len(images), step)
            ]
        )
        with self._lock:
            self.tally.batches += -(-len(images) // step)
            self.tally.images += len(images)
        at = 0
        for job in jobs:
            job.end(outputs.part(at, at + len(job.tensors)))
            at += len(job.tensors)

    def _run_films(
        self, package: ModelPackage, tensors: Sequence[torch.Tensor]
    ) -> Outputs:
        return run_films(package, tensors, device=self._device)


def _has_body(package: ModelPackage | None) -> bool:
    return isinstance(package, ModelPackage) and package.body is not None


def _is_body(job: _Job) -> bool:
    return job.work is None and _has_body(job.package)


def _is_urgent_body(job: _Job) -> bool:
    return job.priority <= PRIORITY_URGENT and _is_body(job)


def free_memory() -> None:
    """Give back what nobody uses any more, on the device as well."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()

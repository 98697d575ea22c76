"""Start parts in order, keep them alive, stop them in order."""

import fcntl
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from deploy.local.console import Console
from deploy.local.environment import write_private
from deploy.local.layout import Layout
from deploy.local.problem import Problem
from deploy.local.processes import (
    Part,
    Record,
    is_alive,
    load_records,
    rotate,
    seconds_worked,
    session_members,
    spawn,
    stop_records,
    tail,
)

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0
CALM_S = 60.0
"""A part that ran this long starts again without a pause."""
QUIET_S = 120.0
"""A part that starts, lives and shows no progress for this long is given up …"""
LONGEST_START_S = 600.0
"""… and one that shows some, after this: the machine may have other things to do."""
PROGRESS_S = 2.0
"""Processor time that counts as progress: one that only waits uses less."""
LOOK_S = 5.0
"""How often it is looked for progress."""


@contextmanager
def single_instance(layout: Layout) -> Iterator[None]:
    """Hold the state folder; a second instance gets a plain message."""
    path = layout.run / "lock"
    with path.open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.seek(0)
            holder = lock.read().strip() or "another process"
            raise Problem(
                f"Overread already runs on {layout.state} ({holder}).",
                advice="Stop it with Ctrl-C or script/server --stop"
                " --state DIR, or use another --state.",
            ) from error
        lock.seek(0)
        lock.truncate()
        lock.write(f"pid {os.getpid()}, port {layout.ports.public}")
        lock.flush()
        try:
            yield
        finally:
            lock.truncate(0)


def holder_pid(layout: Layout) -> int:
    """The pid of the supervisor that holds the state folder, 0 when none does."""
    path = layout.run / "lock"
    if not path.exists():
        return 0
    with path.open("r", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            words = lock.read().split()
            return int(words[1].rstrip(",")) if len(words) > 1 else 0
    return 0


def recover(layout: Layout, console: Console) -> None:
    """Stop what an earlier start left running, for instance after a kill -9."""
    left = list(load_records(layout))
    running = [record for record in left if session_members(record)]
    if running:
        names = ", ".join(record.name for record in running)
        console.say(f"  • left over from an earlier start, stopping: {names}")
    stop_records(left, layout)
    layout.ready_file.unlink(missing_ok=True)


@dataclass
class Child:
    """A running part and its restart history."""

    part: Part
    process: subprocess.Popen[bytes]
    record: Record
    since: float
    pause: float = FIRST_PAUSE_S
    restarts: int = 0
    retry_at: float | None = None


@dataclass
class Progress:
    """What a part that starts shows of itself.

    Its log says nothing of progress: who tries for ever in vain writes as well.

    Attributes:
        since: When it last showed something new, by the monotonic clock.
        why: Why it does not serve yet.
        worked: Seconds of processor that it had used when it last showed something.
    """

    since: float
    why: str = "has not answered"
    worked: float = 0.0

    def note(self, *, why: str, worked: float, now: float) -> float:
        """Take how it is now; return the seconds since it last showed progress.

        Args:
            why: Why it does not serve.
            worked: Seconds of processor that it has used.
            now: By the monotonic clock.
        """
        if why != self.why or worked - self.worked >= PROGRESS_S:
            self.why, self.worked, self.since = why, worked, now
        return now - self.since


class Supervisor:
    """Owns the children of one state folder."""

    def __init__(self, layout: Layout, console: Console) -> None:
        self.layout = layout
        self.console = console
        self.children: dict[str, Child] = {}

    def start(self, parts: Sequence[Part], *, quiet_s: float = QUIET_S) -> None:
        """Start parts at the same time and wait until all of them serve.

        Args:
            parts: What to start.
            quiet_s: How long a part may take without any progress.

        Raises:
            Problem: One has ended, shows no progress, or takes ten minutes.
        """
        for part in parts:
            process, record = spawn(part, self.layout)
            self.children[part.name] = Child(part, process, record, time.monotonic())
        self._wait_ready([part.name for part in parts], quiet_s)

    def _wait_ready(self, names: list[str], quiet_s: float) -> None:
        begun = time.monotonic()
        waiting = {name: Progress(self.children[name].since) for name in names}
        look_at = begun + LOOK_S
        while waiting:
            is_due = time.monotonic() >= look_at
            for name in list(waiting):
                child = self.children[name]
                if child.process.poll() is not None:
                    self._fail(name, f"ended with code {child.process.returncode}")
                why = child.part.ready()
                if not why:
                    del waiting[name]
                elif is_due:
                    self._judge(child, waiting[name], why, begun, quiet_s)
            if is_due:
                seconds = time.monotonic() - begun
                self.console.flash(f"  … {', '.join(waiting)}: {seconds:.0f} s")
                look_at = time.monotonic() + LOOK_S
            if waiting:
                time.sleep(0.1)

    def _judge(
        self, child: Child, progress: Progress, why: str, begun: float, quiet_s: float
    ) -> None:
        """Give up a part that shows no progress, or takes far too long."""
        now, name = time.monotonic(), child.part.name
        worked = seconds_worked(child.record)
        quiet = progress.note(why=why, worked=worked, now=now)
        if quiet > quiet_s:
            self._fail(name, f"shows no progress for {quiet:.0f} s: it {why}")
        if now - begun > LONGEST_START_S:
            self._fail(name, f"is not ready after {now - begun:.0f} s: it {why}")

    def _fail(self, name: str, why: str) -> None:
        log = tail(self.layout, name)
        raise Problem(
            f"{name} {why}. The end of its log:\n{log}",
            advice=f"The whole log is {self.layout.logs / name}.log; put that right"
            " and run it again.",
        )

    def check(self) -> list[str]:
        """Restart what has died; returns one line per thing worth saying."""
        now = time.monotonic()
        said: list[str] = []
        for child in self.children.values():
            if child.retry_at is not None:
                if now >= child.retry_at:
                    self._restart(child, said)
            elif child.process.poll() is not None:
                self._plan_restart(child, now, said)
        return said

    def _plan_restart(self, child: Child, now: float, said: list[str]) -> None:
        calm = now - child.since > CALM_S
        child.pause = FIRST_PAUSE_S if calm else child.pause
        said.append(
            f"{child.part.name} ended with code {child.process.returncode};"
            f" starting it again in {child.pause:.0f} s"
        )
        child.retry_at = now + child.pause
        child.pause = min(child.pause * 2, LONGEST_PAUSE_S)

    def _restart(self, child: Child, said: list[str]) -> None:
        # Grandchildren of a killed child may still hold its port.
        stop_records([child.record], self.layout)
        child.restarts += 1
        child.retry_at = None
        child.since = time.monotonic()
        try:
            child.process, child.record = spawn(child.part, self.layout)
            said.append(f"{child.part.name} started again")
        except Problem as problem:
            said.append(str(problem))
            child.retry_at = child.since + child.pause

    def trim_logs(self) -> None:
        """Keep every child's log below its limit."""
        for name in self.children:
            rotate(self.layout.logs / f"{name}.log")

    def summary(self) -> str:
        """The parts in a few words, for the live line."""
        down = [c.part.name for c in self.children.values() if c.retry_at is not None]
        restarts = sum(child.restarts for child in self.children.values())
        text = f"{len(self.children) - len(down)}/{len(self.children)} parts up"
        text += f", down: {', '.join(down)}" if down else ""
        return text + (f", {restarts} restarts" if restarts else "")

    def stop(self) -> None:
        """Stop every child, nothing else."""

        def reap() -> None:
            for child in self.children.values():
                child.process.poll()

        records = [child.record for child in self.children.values()]
        stop_records(records, self.layout, reap=reap)
        self.layout.ready_file.unlink(missing_ok=True)
        self.children.clear()

    def announce(self, facts: dict[str, str]) -> None:
        """Write the ready file, which tests wait for."""
        text = json.dumps({"pid": os.getpid(), **facts}, indent=1)
        write_private(self.layout.ready_file, text)


def wait_until(condition: Callable[[], bool], *, timeout_s: float) -> bool:
    """Wait for a condition; False when the time is over."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def stop_everything(layout: Layout, console: Console) -> bool:
    """Stop the supervisor of a state folder, then whatever it left.

    Returns:
        Whether anything was running.
    """
    pid = holder_pid(layout)
    if pid:
        console.say(f"  • stopping the supervisor (pid {pid})")
        os.kill(pid, 15)
        if not wait_until(lambda: holder_pid(layout) != pid, timeout_s=90):
            raise Problem(
                f"The supervisor (pid {pid}) does not stop.",
                advice=f"Look at {layout.logs}; kill -9 {pid}, then run this again.",
            )
    left = list(load_records(layout))
    running = any(is_alive(record) for record in left)
    stop_records(left, layout)
    layout.ready_file.unlink(missing_ok=True)
    return bool(pid) or running

"""Children: start, remember, recognise after a crash, stop.

A child is known by pid *and* start time (in clock ticks since boot) *and* boot, so
that a recycled pid is never mistaken for one of ours. Each child leads its own
session, so that Ctrl-C reaches only the supervisor, and so that the grandchildren
of a child that was killed with -9 can still be found and stopped.
"""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from deploy.local.environment import write_private
from deploy.local.layout import ROOT, Layout
from deploy.local.problem import Problem

LOG_LIMIT_BYTES = 10_000_000
KILLED_S = 10.0  # longest wait for a killed process to be gone


@dataclass(frozen=True)
class Part:
    """One child process and how to treat it.

    Attributes:
        name: Short name; also that of the log and the pid record.
        argv: Command line.
        env: Complete environment.
        ready: Returns `""` when the part serves, else why not yet.
        cwd: Working folder.
        owner: (uid, gid) to run as, or None for ours.
        stop_signal: What asks it to finish.
        stop_seconds: How long it may take before it is killed.
        tier: Parts of a higher tier stop first.
    """

    name: str
    argv: tuple[str, ...]
    env: dict[str, str] = field(repr=False)
    ready: Callable[[], str]
    cwd: Path = ROOT
    owner: tuple[int, int] | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 10.0
    tier: int = 0


@dataclass(frozen=True)
class Record:
    """What is remembered of a child, enough to know it again."""

    name: str
    pid: int
    started: int
    boot: str
    stop_signal: int
    stop_seconds: float
    tier: int


@dataclass(frozen=True)
class ProcStat:
    """The few fields of `/proc/<pid>/stat` that matter here.

    Attributes:
        pid: Its number.
        state: One letter, `Z` for one that has ended.
        session: The number of its session's leader.
        started: Clock ticks since boot.
        worked: Clock ticks of processor so far, with those of its ended children.
    """

    pid: int
    state: str
    session: int
    started: int
    worked: int = 0


def read_stat(pid: int) -> ProcStat | None:
    """The process's state, or None when there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The command name is in brackets and may itself contain brackets and blanks.
    rest = text.rpartition(")")[2].split()
    return ProcStat(
        pid=pid,
        state=rest[0],
        session=int(rest[3]),
        started=int(rest[19]),
        worked=sum(int(ticks) for ticks in rest[11:15]),
    )


def boot_id() -> str:
    """Names this boot of the machine."""
    path = Path("/proc/sys/kernel/random/boot_id")
    return path.read_text(encoding="utf-8").strip()


def is_alive(record: Record) -> bool:
    """Whether this very process still runs (a zombie does not)."""
    if record.boot != boot_id():
        return False
    stat = read_stat(record.pid)
    return stat is not None and stat.started == record.started and stat.state != "Z"


def session_members(record: Record) -> list[int]:
    """Pids that still belong to the child's session, the child included."""
    if record.boot != boot_id():
        return []
    leader = read_stat(record.pid)
    if leader is not None and leader.started != record.started:
        # The number was given to somebody else, which the kernel does only when
        # nothing of our session is left.
        return []
    stats = (
        read_stat(int(p.name)) for p in Path("/proc").iterdir() if p.name.isdigit()
    )
    return [s.pid for s in stats if s and s.session == record.pid and s.state != "Z"]


def seconds_worked(record: Record) -> float:
    """Seconds of processor that a child's session used so far."""
    stats = (read_stat(pid) for pid in session_members(record))
    ticks = sum(stat.worked for stat in stats if stat)
    return ticks / os.sysconf("SC_CLK_TCK")


def record_path(layout: Layout, name: str) -> Path:
    """Where a child's record is kept."""
    return layout.run / f"{name}.pid.json"


def load_records(layout: Layout) -> Iterator[Record]:
    """Every remembered child of this state folder; damaged records are dropped."""
    for path in sorted(layout.run.glob("*.pid.json")):
        try:
            yield Record(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            path.unlink(missing_ok=True)


def rotate(path: Path) -> None:
    """Move a log that has grown too large aside, while its writer goes on.

    The writer's handle is in append mode, so emptying the file makes it go on at
    the beginning.
    """
    with suppress(FileNotFoundError):
        if path.stat().st_size <= LOG_LIMIT_BYTES:
            return
        older = path.with_name(path.name + ".1")
        try:
            shutil.copyfile(path, older)
        except OSError:  # a full disk: an old log is what it can do without
            older.unlink(missing_ok=True)
        os.truncate(path, 0)


def spawn(part: Part, layout: Layout) -> tuple[subprocess.Popen[bytes], Record]:
    """Start a child with its output in `<state>/log/<name>.log`.

    Raises:
        Problem: It cannot be started, or not be remembered (then it is stopped).
    """
    try:
        child = _start(part, layout.logs / f"{part.name}.log")
    except OSError as error:
        raise Problem(
            f"{part.name} cannot be started: {error}.",
            advice="Run script/server again; it installs what is missing.",
        ) from error
    stat = read_stat(child.pid)
    record = Record(
        name=part.name,
        pid=child.pid,
        started=stat.started if stat else 0,
        boot=boot_id(),
        stop_signal=int(part.stop_signal),
        stop_seconds=part.stop_seconds,
        tier=part.tier,
    )
    try:
        write_private(record_path(layout, part.name), json.dumps(asdict(record)))
    except OSError as error:
        for pid in session_members(record):
            _signal(pid, signal.SIGKILL)
        child.wait()
        raise Problem(
            f"{part.name} was stopped again, because {layout.run} cannot be written:"
            f" {error}.",
            advice="Make room on the disk; it is started again by itself.",
        ) from error
    return child, record


def _start(part: Part, log: Path) -> subprocess.Popen[bytes]:
    rotate(log)
    uid, gid = part.owner or (None, None)
    with log.open("ab") as output:
        return subprocess.Popen(
            part.argv,
            env=part.env,
            cwd=part.cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=uid,
            group=gid,
            extra_groups=None if gid is None else [],
        )


def _signal(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def stop_records(
    records: list[Record], layout: Layout, *, reap: Callable[[], None] = lambda: None
) -> None:
    """Stop children, the highest tier first, and forget them.

    What does not end in its time is killed, with all of its session, and waited for.

    Args:
        records: Who to stop; those already gone are only forgotten.
        layout: Where the records are kept.
        reap: Called while waiting, so that a parent can collect its zombies.
    """
    for tier in sorted({record.tier for record in records}, reverse=True):
        _stop_tier([r for r in records if r.tier == tier], reap)
    for record in records:
        record_path(layout, record.name).unlink(missing_ok=True)


def _stop_tier(records: list[Record], reap: Callable[[], None]) -> None:
    members = {record: set(session_members(record)) for record in records}
    for record in records:
        if is_alive(record):
            _signal(record.pid, record.stop_signal)
    deadline = time.monotonic() + max(record.stop_seconds for record in records)
    while time.monotonic() < deadline and any(map(is_alive, records)):
        reap()
        time.sleep(0.05)
    for record in records:
        # Only pids that were in our session before and still are.
        for pid in members[record] & set(session_members(record)):
            _signal(pid, signal.SIGKILL)
    # A killed process holds its ports and files until the kernel gets to it, which
    # takes a while on a busy machine.
    deadline = time.monotonic() + KILLED_S
    while time.monotonic() < deadline and any(
        members[record] & set(session_members(record)) for record in records
    ):
        reap()
        time.sleep(0.05)
    reap()


def tail(layout: Layout, name: str, *, lines: int = 12) -> str:
    """The end of a child's log, for a message about why it failed."""
    try:
        text = (layout.logs / f"{name}.log").read_text("utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(f"    {line}" for line in text.splitlines()[-lines:])

"""Children are known by pid, start time and boot; only ours are ever stopped."""

import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deploy.local import processes
from deploy.local import supervisor as supervising
from deploy.local.console import Console
from deploy.local.layout import Layout
from deploy.local.problem import Problem
from deploy.local.processes import (
    Part,
    is_alive,
    load_records,
    read_stat,
    record_path,
    seconds_worked,
    session_members,
    spawn,
    stop_records,
    tail,
)
from deploy.local.supervisor import (
    Progress,
    Supervisor,
    holder_pid,
    recover,
    single_instance,
    wait_until,
)

FAMILY = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
time.sleep(60)
"""


def part(name: str, code: str, **changes) -> Part:
    base = Part(
        name=name,
        argv=(sys.executable, "-c", code),
        env=dict(os.environ),
        cwd=Path("/"),
        ready=lambda: "",
        stop_seconds=2,
    )
    return dataclasses.replace(base, **changes)


def test_a_child_is_known_again_and_stopped(layout: Layout):
    child, record = spawn(part("sleeper", "import time; time.sleep(60)"), layout)
    assert list(load_records(layout)) == [record]
    assert is_alive(record)
    stop_records([record], layout, reap=child.poll)
    assert child.wait(timeout=5) == -signal.SIGTERM
    assert not is_alive(record)
    assert list(load_records(layout)) == []


def test_a_child_that_cannot_be_remembered_is_not_left_behind(layout: Layout):
    shutil.rmtree(layout.run)
    mark = f"time.sleep(61.{os.getpid()})"
    with pytest.raises(Problem, match="cannot be written"):
        spawn(part("sleeper", f"import time; {mark}"), layout)
    command_lines = [
        path.read_bytes()
        for path in Path("/proc").glob("[0-9]*/cmdline")
        if path.exists()
    ]
    assert not [line for line in command_lines if mark.encode() in line]


def test_a_recycled_pid_is_not_ours(layout: Layout):
    stranger = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True
    )
    try:
        time.sleep(0.05)  # two ticks of the clock that start times are counted in
        child, record = spawn(part("x", "pass"), layout)
        child.wait()
        mistaken = dataclasses.replace(record, pid=stranger.pid)
        assert not is_alive(mistaken)
        assert session_members(mistaken) == []
        stop_records([mistaken], layout)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_record_of_an_earlier_boot_is_not_alive(layout: Layout):
    child, record = spawn(part("x", "import time; time.sleep(60)"), layout)
    assert not is_alive(dataclasses.replace(record, boot="another"))
    stop_records([record], layout, reap=child.poll)


def test_orphans_of_a_killed_child_are_found_on_the_next_start(layout: Layout):
    child, record = spawn(part("family", FAMILY), layout)
    assert wait_until(lambda: len(session_members(record)) == 2, timeout_s=10)
    orphan = next(pid for pid in session_members(record) if pid != child.pid)
    child.kill()
    child.wait()
    assert not is_alive(record)
    recover(layout, Console())
    assert wait_until(lambda: read_stat(orphan) is None, timeout_s=5)
    assert list(load_records(layout)) == []


def test_a_damaged_record_is_dropped(layout: Layout):
    path = record_path(layout, "broken")
    path.write_text("{")
    assert list(load_records(layout)) == []
    assert not path.exists()


def test_a_child_that_ignores_sigterm_is_killed(layout: Layout):
    code = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "print('up', flush=True); time.sleep(60)"
    )
    child, record = spawn(part("deaf", code, stop_seconds=0.5), layout)
    assert wait_until(lambda: "up" in tail(layout, "deaf"), timeout_s=10)
    stop_records([record], layout, reap=child.poll)
    assert child.wait(timeout=5) == -signal.SIGKILL


def test_a_part_that_dies_is_started_again_with_a_longer_pause(layout: Layout):
    supervisor = Supervisor(layout, Console())
    supervisor.start([part("flaky", "import time; time.sleep(60)")])
    child = supervisor.children["flaky"]
    first = child.process.pid
    os.kill(first, signal.SIGKILL)
    child.process.wait()
    assert "ended with code -9" in supervisor.check()[0]
    assert "down: flaky" in supervisor.summary()
    child.retry_at = time.monotonic()
    assert supervisor.check() == ["flaky started again"]
    assert child.process.pid != first
    assert child.pause == 2
    supervisor.stop()


def test_a_part_that_ends_at_once_fails_with_the_end_of_its_log(layout: Layout):
    supervisor = Supervisor(layout, Console())
    broken = part("broken", "print('no such table'); raise SystemExit(3)")
    broken = dataclasses.replace(broken, ready=lambda: "is not there")
    with pytest.raises(Problem) as caught:
        supervisor.start([broken])
    assert "code 3" in str(caught.value)
    assert "no such table" in str(caught.value)
    supervisor.stop()


def test_who_works_or_says_something_new_is_waited_for():
    start = Progress(since=100.0)
    assert start.note(why="has not answered", worked=0.5, now=190.0) == 90.0
    assert start.note(why="has not answered", worked=2.1, now=200.0) == 0.0
    assert start.note(why="has not answered", worked=3.9, now=280.0) == 80.0
    assert start.note(why="answers 503", worked=3.9, now=281.0) == 0.0
    assert start.note(why="answers 503", worked=3.9, now=500.0) == 219.0


def test_processor_time_of_a_child_and_of_its_children_is_seen(layout: Layout):
    busy = "while True: pass"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', '{busy}'])"
    child, record = spawn(part("busy", code), layout)
    try:
        assert wait_until(lambda: seconds_worked(record) > 1, timeout_s=120)
    finally:
        stop_records([record], layout, reap=child.poll)
    assert seconds_worked(record) == 0


def test_a_part_that_lives_without_progress_is_given_up(layout: Layout, monkeypatch):
    monkeypatch.setattr(supervising, "LOOK_S", 0.05)
    idle = part("idle", "print('up', flush=True); import time; time.sleep(600)")
    idle = dataclasses.replace(idle, ready=lambda: "has not answered")
    found = Supervisor(layout, Console())
    try:
        with pytest.raises(Problem, match="idle shows no progress for"):
            found.start([idle], quiet_s=1.0)
    finally:
        found.stop()


def test_a_part_that_works_may_take_longer(layout: Layout, monkeypatch):
    monkeypatch.setattr(supervising, "LOOK_S", 0.0)
    monkeypatch.setattr(supervising, "PROGRESS_S", 0.0)
    said = iter(["has not answered"] * 5 + [""])
    slow = part("slow", "import time; time.sleep(600)")
    slow = dataclasses.replace(slow, ready=lambda: next(said))
    found = Supervisor(layout, Console())
    try:
        found.start([slow], quiet_s=0.0)
        assert next(said, None) is None
    finally:
        found.stop()


def test_a_second_instance_is_told_who_holds_the_folder(layout: Layout):
    assert holder_pid(layout) == 0
    code = (
        "import sys, time; from pathlib import Path;"
        "from deploy.local.layout import Layout, Ports;"
        "from deploy.local.supervisor import single_instance;"
        "layout = Layout(state=Path(sys.argv[1]), ports=Ports.from_base(9000));"
        "lock = single_instance(layout); lock.__enter__();"
        "print('held', flush=True); time.sleep(60)"
    )
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", code, str(layout.state)],
        cwd=root,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        try:
            assert other.stdout is not None
            assert other.stdout.readline() == "held\n"
            assert holder_pid(layout) == other.pid
            with (
                pytest.raises(Problem, match=f"already runs on.*pid {other.pid}"),
                single_instance(layout),
            ):
                pass
        finally:
            other.kill()
    assert holder_pid(layout) == 0
    with single_instance(layout):
        pass


def test_a_large_log_is_moved_aside_while_it_is_written(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(processes, "LOG_LIMIT_BYTES", 10_000)
    code = "import time\nwhile True: print('x' * 99, flush=True); time.sleep(0.001)"
    supervisor = Supervisor(layout, Console())
    supervisor.start([part("chatty", code)])
    log = layout.logs / "chatty.log"
    aside = layout.logs / "chatty.log.1"
    assert wait_until(lambda: log.stat().st_size > 10_000, timeout_s=10)
    supervisor.trim_logs()
    assert aside.stat().st_size > 10_000
    assert log.stat().st_size < 10_000
    assert wait_until(lambda: log.stat().st_size > 0, timeout_s=5)
    supervisor.stop()

"""The process that runs models dies, hangs, or is asked by many: what the others see.

The process is a small script that keeps to its lines; `test_killed.py` has the real
one.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import uuid

import pytest

from workers.contracts import InferRequest
from workers.portal_client import PortalUnavailableError
from workers.supervisor import ProcessLostError, Supervisor

SCRIPT = """
import json, os, sys, threading, time
def say(event):
    sys.stdout.write(json.dumps(event) + "\\n"); sys.stdout.flush()
def do(number, request):
    doing = request["token"]
    if doing == "fetching":
        time.sleep(30)
    say({"id": number, "event": "begun"})
    if doing == "die":
        time.sleep(0.2); os._exit(3)
    if doing == "hang":
        time.sleep(30)
    if doing == "slow":
        time.sleep(0.4)
    if doing == "away":
        say({"id": number, "event": "away", "detail": "no answer"}); return
    result = {"version": 1, "run_id": request["run_id"], "state": "done",
              "package_hash": request["package_hash"]}
    say({"id": number, "event": "answer", "result": result})
say({"ready": {"models": [["m 1", 5]]}})
for line in sys.stdin:
    asked = json.loads(line)
    if not asked:
        say({"report": {"models": [["made way", 0]]}})
        continue
    given = (asked["id"], asked["request"])
    threading.Thread(target=do, args=given, daemon=True).start()
"""


def request(doing):
    return InferRequest(
        run_id=str(uuid.uuid4()),
        revision_id=str(uuid.uuid4()),
        package_hash="0" * 64,
        token=doing,
        portal_url="http://127.0.0.1:1",
    )


@pytest.fixture
def supervisor():
    found = Supervisor(limit_s=1.5, command=(sys.executable, "-c", SCRIPT))
    yield found
    found.close()


class Asking(threading.Thread):
    """Asks in a thread of its own and keeps what came of it."""

    def __init__(self, supervisor, doing, *, is_alone=False):
        super().__init__(daemon=True)
        self.supervisor, self.doing, self.is_alone = supervisor, doing, is_alone
        self.begun, self.result, self.error, self.ended = [], None, None, 0.0
        self.start()

    def run(self):
        try:
            self.result = self.supervisor.ask(
                request(self.doing),
                is_alone=self.is_alone,
                begun=lambda: self.begun.append(time.monotonic()),
            )
        except (ProcessLostError, PortalUnavailableError) as error:
            self.error = error
        self.ended = time.monotonic()


def test_many_are_in_hand_and_it_says_how_it_is(supervisor):
    supervisor.start()
    began = time.monotonic()
    all_of_them = [Asking(supervisor, "slow") for _ in range(5)]
    for each in all_of_them:
        each.join(20)
    assert [each.result.state for each in all_of_them] == ["done"] * 5
    assert time.monotonic() - began < 5 * 0.4
    assert supervisor.report == {"models": [["m 1", 5]]}
    assert supervisor.in_hand == 0


def test_it_is_told_what_is_on_its_way(supervisor):
    supervisor.make_way()  # nobody is there yet
    assert supervisor.report == {}
    supervisor.start()
    supervisor.make_way()
    until(lambda: supervisor.report["models"] == [["made way", 0]])


def test_what_it_had_begun_is_suspect_and_what_it_fetched_is_not(supervisor):
    supervisor.start()
    fetching, neighbour = Asking(supervisor, "fetching"), Asking(supervisor, "hang")
    poison = Asking(supervisor, "die")
    for each in (fetching, neighbour, poison):
        each.join(20)
    assert [each.error.was_begun for each in (fetching, neighbour, poison)] == [
        False,
        True,
        True,
    ]
    assert not poison.error.was_late
    assert not poison.error.was_alone
    again = Asking(supervisor, "answer")
    again.join(20)
    assert again.result.state == "done"
    assert supervisor.restarts == 1


def until(said, *, within_s=20.0):
    """Wait until something holds."""
    late = time.monotonic() + within_s
    while not said() and time.monotonic() < late:
        time.sleep(0.02)
    assert said()


def test_another_is_there_before_anybody_asks(supervisor):
    supervisor.start()
    Asking(supervisor, "die").join(20)
    until(lambda: supervisor.report)
    assert supervisor.restarts == 1


def test_one_that_is_ended_while_idle_is_started_again(supervisor):
    supervisor.start()
    os.kill(supervisor._process.pid, signal.SIGKILL)
    until(lambda: supervisor.restarts == 1 and supervisor.report)


def test_one_that_was_never_ready_is_not_started_for_ever():
    supervisor = Supervisor(limit_s=1.5, command=(sys.executable, "-c", ""))
    with pytest.raises(ProcessLostError):
        supervisor.start()
    time.sleep(0.5)
    assert supervisor.restarts == 0


def test_one_that_is_closed_stays_away():
    supervisor = Supervisor(limit_s=1.5, command=(sys.executable, "-c", SCRIPT))
    supervisor.start()
    supervisor.close()
    time.sleep(0.3)
    assert (supervisor.restarts, supervisor.report) == (0, {})


def test_the_only_one_it_had_begun_is_known(supervisor):
    supervisor.start()
    fetching, poison = Asking(supervisor, "fetching"), Asking(supervisor, "die")
    for each in (fetching, poison):
        each.join(20)
    assert (fetching.error.was_alone, poison.error.was_alone) == (False, True)


def test_a_hang_is_ended_by_its_limit(supervisor):
    supervisor.start()
    began = time.monotonic()
    hanging = Asking(supervisor, "hang")
    hanging.join(30)
    assert (hanging.error.was_begun, hanging.error.was_late) == (True, True)
    assert 1.5 <= time.monotonic() - began < 20


def test_who_is_alone_shares_the_process_with_nobody(supervisor):
    supervisor.start()
    before = Asking(supervisor, "slow")
    while not before.begun:
        time.sleep(0.01)
    alone = Asking(supervisor, "slow", is_alone=True)
    time.sleep(0.1)
    after = Asking(supervisor, "answer")
    for each in (before, alone, after):
        each.join(20)
    assert before.ended <= alone.begun[0] + 0.1
    assert after.begun[0] >= alone.begun[0] + 0.35


def test_a_portal_that_is_away_is_said(supervisor):
    asking = Asking(supervisor, "away")
    asking.join(20)
    assert isinstance(asking.error, PortalUnavailableError)


def test_a_process_that_does_not_start_loses_nobody():
    broken = Supervisor(limit_s=5, command=(sys.executable, "-c", "raise SystemExit"))
    asking = Asking(broken, "answer")
    asking.join(20)
    assert (asking.error.was_begun, asking.begun) == (False, [])


SAYS_THREADS = """
import json, sys
import numpy as np
from threadpoolctl import threadpool_info
np.ones((8, 8)) @ np.ones((8, 8))
of = [one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"]
sys.stdout.write(json.dumps({"ready": {"threads": of}}) + "\\n"); sys.stdout.flush()
sys.stdin.read()
"""


def test_no_thread_of_numpy_spins_beside_the_networks():
    # One that waits for work keeps a core busy, where NumPy has more than one.
    supervisor = Supervisor(limit_s=5, command=(sys.executable, "-c", SAYS_THREADS))
    try:
        supervisor.start()
        assert supervisor.report == {"threads": [1]}
    finally:
        supervisor.close()

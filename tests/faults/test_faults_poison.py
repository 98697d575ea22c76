"""A study that kills its worker is given up after three tries; others go on."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.faults.running import (
    children_of,
    make_films,
    make_study,
    pictures,
    wait_until,
)
from workers.attempts import LOST, MAX_ATTEMPTS
from workers.contracts import attempt_keys

if TYPE_CHECKING:
    from tests.faults.running import Running, Sent

pytestmark = [pytest.mark.stack, pytest.mark.real_data]


class Poison(threading.Thread):
    """Kills the process that infers, each time it begins a certain study.

    Attributes:
        kills: How often so far.
    """

    def __init__(self, running: Running, sent: Sent) -> None:
        super().__init__(daemon=True)
        self.kills = 0
        self._running = running
        self._sent = sent
        self._stop_asked = threading.Event()

    def run(self) -> None:
        begun_key, _ = attempt_keys(self._run_id())
        broker = self._running.redis()
        seen = 0
        while not self._stop_asked.is_set():
            begun = int(broker.get(begun_key) or 0)
            if begun > seen:
                seen = begun
                self._kill()
            time.sleep(0.001)

    def end(self) -> None:
        self._stop_asked.set()
        self.join(timeout=10)

    def _run_id(self) -> str:
        query = """
            SELECT i.id FROM inference_inferencerun i
            JOIN studies_studyrevision r ON r.id = i.revision_id
            JOIN studies_study s ON s.id = r.study_id WHERE s.study_uid = %s
        """
        while not self._stop_asked.is_set():
            if rows := self._running.rows(query, self._sent.uid):
                return str(rows[0][0])
            time.sleep(0.005)
        return ""

    def _kill(self) -> None:
        """Kill the process that holds the model: the worker's one child."""
        for pid in children_of(self._running.process("worker-gpu").pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                self.kills += 1


def _large(n: int) -> np.ndarray:
    """Return a real film, enlarged, so that it is begun for longer than a moment."""
    [picture] = pictures(1)
    return np.kron(picture, np.ones((n, n), np.uint8))


def test_a_study_that_kills_its_worker(running):
    poisoned = make_study(_large(4))
    poison = Poison(running, poisoned)
    poison.start()
    try:
        running.send([poisoned])
        wait_until(lambda: poison.kills > 0, "the worker died of it", every_s=0.05)
        others = make_films(5)
        running.send(others)
        took = running.wait_done(others)
        wait_until(
            lambda: [s[1] for s in running.states([poisoned])] == ["failed"],
            lambda: f"killed {poison.kills} times: {running.states([poisoned])}",
        )
    finally:
        poison.end()
    running.check_once(others)
    query = """
        SELECT i.reason, i.finished_at FROM inference_inferencerun i
        JOIN studies_studyrevision r ON r.id = i.revision_id
        JOIN studies_study s ON s.id = r.study_id WHERE s.study_uid = ANY(%s)
    """
    [(reason, given_up_at)] = running.rows(query, [poisoned.uid])
    assert reason == LOST
    assert poison.kills == MAX_ATTEMPTS
    ends = [at for _, at in running.rows(query, [sent.uid for sent in others])]
    before = sum(at < given_up_at for at in ends)
    running.say(
        f"killed {poison.kills} times, then given up; {len(ends)} neighbours done in"
        f" {took:.0f} s, {before} of them before it was given up"
    )
    assert before >= len(ends) - 1, "neighbours go first"
    running.check_balance()

"""What may wait lets what is urgent have the processor first, thread by thread."""

from __future__ import annotations

import io
import json
import os
import sys
import threading
import uuid
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
import torch

from workers.contracts import PRIORITY_NORMAL, PRIORITY_URGENT, InferRequest
from workers.gathering import Gatherer
from workers.inference import child
from workers.inference.answering import failed_result
from workers.inference.engine import Engine
from workers.inference.forward import Outputs
from workers.niceness import PATIENCE, give_way

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="elsewhere threads have no niceness of their own"
)


def niceness():
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


def apart(do):
    """Return what a function gives in a thread of its own."""
    found = []
    thread = threading.Thread(target=lambda: found.append(do()))
    thread.start()
    thread.join(20)
    return found[0]


def test_a_thread_gives_way_by_itself_and_its_own_threads_with_it():
    before = niceness()

    def patient():
        give_way()
        return niceness(), apart(niceness)

    assert apart(patient) == (before + PATIENCE, before + PATIENCE)
    assert niceness() == apart(niceness) == before


def test_the_most_patient_thread_stays_one():
    def twice():
        give_way(19)
        give_way(19)
        return niceness()

    assert apart(twice) == 19


def test_what_is_gathered_waits_for_what_is_urgent():
    gatherer = Gatherer(
        work=lambda given, _: [niceness() for _ in given],
        most=4,
        wait_s=0.0,
        has_express=True,
    )
    assert gatherer.do(1, priority=PRIORITY_NORMAL) == niceness() + PATIENCE
    plain = Gatherer(work=lambda given, _: [niceness()], most=4, wait_s=0.0)
    assert plain.do(1, priority=PRIORITY_NORMAL) == niceness()


def test_the_lane_of_what_is_urgent_goes_first(monkeypatch):
    monkeypatch.setattr("workers.inference.engine._has_body", lambda _: True)
    found, held, begun = {}, threading.Event(), threading.Semaphore(0)

    def forward(_, tensors):
        found[float(tensors[0].item())] = niceness()
        begun.release()
        held.wait(20)
        nothing = torch.zeros(len(tensors), 1)
        return Outputs(members=nothing[None], probabilities=nothing)

    engine = Engine(device=torch.device("cpu"), batch=1, lanes=2, forward=forward)
    threads = [
        threading.Thread(
            target=engine.judge,
            args=(object(), [torch.tensor(value)]),
            kwargs={"priority": priority},
        )
        for value, priority in ((1.0, 6), (2.0, 6), (3.0, PRIORITY_URGENT))
    ]
    for thread in threads:
        thread.start()
        assert begun.acquire(timeout=20)
    held.set()
    for thread in threads:
        thread.join(20)
    engine.close()
    base = niceness()
    assert sorted((found[1.0], found[2.0])) == [base, base + PATIENCE]
    assert found[3.0] == base


def test_urgent_requests_have_threads_of_their_own(monkeypatch):
    """Also where everything else is in the hands of others."""
    base, held = niceness(), threading.Event()
    found, opened = {}, []

    def answer(request, **_):
        if request.priority > PRIORITY_URGENT:
            held.wait(20)
        found[request.priority] = niceness()
        return failed_result(request, "a test")

    monkeypatch.setattr(child, "answer", answer)
    tally = SimpleNamespace(batches=0, images=0, split=0, no_memory=0, busy_s=0.0)
    said: list[str] = []

    @contextmanager
    def urgent():
        said.append("in hand")
        yield
        said.append("over")

    workplace = SimpleNamespace(
        device_words="cpu",
        engine=SimpleNamespace(
            tally=tally, urgent=urgent, make_way=lambda: said.append("on its way")
        ),
        store=SimpleNamespace(loaded=list),
        lines=SimpleNamespace(to=lambda url: opened.append((url, niceness()))),
    )
    events = Events()
    server = child.Server(workplace=workplace, events=events, slots=1)
    asked = [
        {"id": number, "request": request(priority).to_message()}
        for number, priority in enumerate((6, 6, PRIORITY_URGENT))
    ]
    lines = [*asked[:2], {}, asked[2]]
    server.serve(io.StringIO("".join(json.dumps(one) + "\n" for one in lines)))
    assert events.answered(2), "the urgent one is answered while the others wait"
    assert said == ["on its way", "in hand", "over"], "and of the urgent one alone"
    assert found == {PRIORITY_URGENT: base}
    held.set()
    assert events.answered(0)
    assert found[6] == base + PATIENCE
    assert opened == [("http://127.0.0.1:1", base)] * 3, "lines begin as the main one"


class Events(io.StringIO):
    """Takes events, and says when one has come."""

    def __init__(self):
        super().__init__()
        self._come = threading.Condition()
        self._ended = set()

    def write(self, line):
        event = json.loads(line)
        with self._come:
            if event.get("event") == "answer":
                self._ended.add(event["id"])
            self._come.notify_all()
        return len(line)

    def answered(self, number):
        with self._come:
            return self._come.wait_for(lambda: number in self._ended, timeout=20)


def request(priority):
    return InferRequest(
        run_id=str(uuid.uuid4()),
        revision_id=str(uuid.uuid4()),
        package_hash="a" * 64,
        token="token",
        portal_url="http://127.0.0.1:1",
        priority=priority,
    )

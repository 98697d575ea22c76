"""A worker that dies in the middle loses no request: real Redis, real Celery."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from pathlib import Path

import numpy as np
import psutil
import pytest
import redis
import torch
from celery import Celery

from tests.factories.dicom import make_dx, to_bytes
from tests.fakes.portal import PUBLIC_KEY, FakePortal
from tests.faults.brokers import own_broker
from tests.faults.running import children_of
from tests.workers.inference.test_run import CARD, MEMBER, TOKEN
from workers.attempts import LOST, MAX_ATTEMPTS
from workers.broker import node_name, transport_options
from workers.contracts import (
    QUEUE_GPU,
    TASK_INFER,
    InferRequest,
    InferResult,
    attempt_keys,
)
from workers.models.package import save_package
from workers.models.registry import build

ROOT = Path(__file__).parents[3]
SLOTS = 3
SLOW_MEMBER = {"stem": 64, "widths": [128, 128], "depths": [4, 4]}
"""With `SLOW_CARD` most of a second a film: it can be killed in the middle."""
SLOW_CARD = {
    **CARD,
    "name": "slow-model",
    "preprocessing": [
        {"name": "squeeze_resize", "height": 640, "width": 640},
        {"name": "standardise", "epsilon": 1e-6},
    ],
    "architecture": {"name": "film_ensemble", "params": {"members": [SLOW_MEMBER] * 2}},
}


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    with own_broker(tmp_path_factory.mktemp("redis")) as url:
        yield url


class Bench:
    """One GPU worker, a queue, and a portal that can be made to wait."""

    def __init__(self, *, url, folder, package_hash, slow_hash, portal):
        self.redis = redis.Redis.from_url(url)
        self.redis.flushdb()
        self.folder, self.package_hash, self.portal = folder, package_hash, portal
        self.slow_hash = slow_hash
        self.env = {
            **os.environ,
            "REDIS_URL": url,
            "OVERREAD_STATE_DIR": str(folder / "state"),
            "OVERREAD_SHIPPED_MODELS": str(folder / "shipped"),
            "OVERREAD_TORCH_THREADS": "1",
            "OVERREAD_MODEL_KEY": PUBLIC_KEY,
            "OVERREAD_INFER_SLOTS": str(SLOTS),
        }
        self.app = Celery(broker=url)
        self.app.conf.broker_transport_options = transport_options(node="sender")
        self.start()

    def start(self):
        command = [sys.executable, "-m", "celery", "-A", "workers.celery_gpu"]
        command += ["worker", "-Q", QUEUE_GPU, "-n", "gpu@%h"]
        command += ["--without-gossip", "--without-mingle"]
        with (self.folder / "worker.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, env=self.env, cwd=ROOT, stdout=log, stderr=log
            )

    def send(self, *, priority=6, is_slow=False):
        request = InferRequest(
            run_id=str(uuid.uuid4()),
            revision_id=self.portal.revision_id,
            package_hash=self.slow_hash if is_slow else self.package_hash,
            token=TOKEN,
            portal_url=self.portal.url,
            priority=priority,
        )
        self.app.send_task(
            TASK_INFER,
            kwargs={"request": request.to_message()},
            queue=QUEUE_GPU,
            priority=priority,
        )
        return request.run_id

    def answers(self, count, *, within=200):
        """Return results, in order, as the portal's queue got them."""
        found = []
        end = time.monotonic() + within
        while len(found) < count and time.monotonic() < end:
            found += self.new_answers()
            time.sleep(0.02)
        assert len(found) >= count, (self.folder / "worker.log").read_text()[-3000:]
        return found

    def new_answers(self):
        """Return results that came since, in order."""
        found = []
        for key in sorted(self.redis.keys("portal*")):
            while message := self.redis.rpop(key):
                body = json.loads(base64.b64decode(json.loads(message)["body"]))
                found += [InferResult.from_message(m) for m in body[1]["results"]]
        return found

    def losses(self, run):
        """Return how often a run was begun and not answered."""
        return int(self.redis.get(attempt_keys(run)[0]) or 0)

    def kill_child(self):
        """Kill the process that works, as a crash in C code would."""
        for pid in children_of(self.process.pid):
            os.kill(pid, signal.SIGKILL)

    @property
    def children(self):
        """The processes below the worker."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def wait_until_fetching(self):
        """Return when the worker is in the middle of a request."""
        before = len(self.portal.requests)
        for _ in range(3000):
            if len(self.portal.waiting) > 0:
                return
            time.sleep(0.02)
        raise AssertionError(f"the worker asked for nothing after {before} requests")

    def stop(self):
        for process in self.family():
            process.kill()
        self.process.wait()

    def family(self):
        parent = psutil.Process(self.process.pid)
        return [*parent.children(recursive=True), parent]


class HoldingPortal(FakePortal):
    """A portal that lets requests wait while `is_holding`."""

    def __init__(self, **given):
        super().__init__(**given)
        self.is_holding = False
        self.waiting = []

    def listing(self):
        self.waiting.append(1)
        while self.is_holding:
            time.sleep(0.02)
        self.waiting.pop()
        return super().listing()


@pytest.fixture(scope="module")
def bench(broker, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    torch.manual_seed(0)
    module = build("film_ensemble", members=[MEMBER, MEMBER])
    name = save_package(folder / "shipped" / "test-model", card=CARD, module=module)
    slow = save_package(
        folder / "shipped" / "slow-model",
        card=SLOW_CARD,
        module=build("film_ensemble", members=[SLOW_MEMBER] * 2),
    )
    pixels = np.random.default_rng(3).normal(2000, 600, (240, 300)).clip(0, 4095)
    film = make_dx(pixels.astype(np.uint16), window=(2048, 4096))
    with HoldingPortal(
        revision_id=str(uuid.uuid4()),
        token=TOKEN,
        instances={str(film.SOPInstanceUID): to_bytes(film)},
        allowed=[name, slow],
    ) as portal:
        found = Bench(
            url=broker,
            folder=folder,
            package_hash=name,
            slow_hash=slow,
            portal=portal,
        )
        run = found.send()
        assert [r.run_id for r in found.answers(1)] == [run]
        yield found
        found.stop()


@pytest.fixture(autouse=True)
def _let_go(bench):
    yield
    bench.portal.is_holding = False


def test_a_request_is_answered_soon(bench):
    run = bench.send()
    started = time.monotonic()
    (result,) = bench.answers(1)
    assert (result.run_id, result.state) == (run, "done")
    assert time.monotonic() - started < 10


def test_a_killed_child_loses_nothing(bench):
    bench.portal.is_holding = True
    run = bench.send()
    bench.wait_until_fetching()
    bench.kill_child()
    bench.portal.is_holding = False
    (result,) = bench.answers(1, within=200)
    assert (result.run_id, result.state) == (run, "done")


def test_a_killed_worker_has_its_request_again_after_its_restart(bench):
    bench.portal.is_holding = True
    run = bench.send()
    bench.wait_until_fetching()
    bench.stop()
    bench.portal.is_holding = False
    bench.start()
    (result,) = bench.answers(1, within=200)
    assert (result.run_id, result.state) == (run, "done")
    time.sleep(0.5)
    assert bench.redis.keys("unacked*") == []
    assert bench.redis.keys("overread:attempts:*") == []


def test_a_study_that_kills_its_worker_is_given_up_and_neighbours_go_first(bench):
    poison = bench.send(is_slow=True)
    kills, found, neighbours = 0, [], []
    end = time.monotonic() + 240
    while len(found) < 5 and time.monotonic() < end:
        if bench.losses(poison) > kills:
            kills += 1
            bench.kill_child()
            neighbours = neighbours or [bench.send() for _ in range(4)]
        found += bench.new_answers()
        time.sleep(0.001)
    assert {result.run_id for result in found[:4]} == set(neighbours)
    assert found[4].run_id == poison
    assert {result.state for result in found[:4]} == {"done"}
    assert (found[4].state, found[4].reason, kills) == ("failed", LOST, MAX_ATTEMPTS)
    again = bench.send()
    assert [r.run_id for r in bench.answers(1)] == [again]


def test_the_most_urgent_goes_first(bench):
    """With every slot taken, what waits is taken by urgency."""
    bench.portal.is_holding = True
    first = [bench.send(priority=9) for _ in range(SLOTS)]
    for _ in range(500):
        if len(bench.portal.waiting) == SLOTS:
            break
        time.sleep(0.02)
    runs = [(p, bench.send(priority=p)) for p in (9, 6, 6, 6, 0)]
    bench.portal.is_holding = False
    order = [result.run_id for result in bench.answers(SLOTS + len(runs))]
    places = {run: order.index(run) for _, run in runs}
    assert set(order) == {*first, *places}
    assert places[runs[4][1]] < min(places[run] for p, run in runs if p == 6)
    assert max(places[run] for p, run in runs if p == 6) < places[runs[0][1]]


def test_what_is_in_hand_is_finished_and_the_rest_given_back(bench):
    """A deploy: SIGTERM lets the studies in hand end and leaves the others waiting."""
    bench.portal.is_holding = True
    runs = [bench.send() for _ in range(SLOTS + 3)]
    for _ in range(500):
        if len(bench.portal.waiting) == SLOTS:
            break
        time.sleep(0.02)
    children = bench.children
    bench.process.send_signal(signal.SIGTERM)
    time.sleep(1.0)
    bench.portal.is_holding = False
    assert bench.process.wait(120) == 0
    done = bench.new_answers()
    assert {result.state for result in done} == {"done"}
    assert len(done) >= SLOTS
    assert not any(p.is_running() for p in children)
    bench.start()
    found = [result.run_id for result in bench.answers(len(runs) - len(done))]
    assert {result.run_id for result in done} | set(found) == set(runs)
    assert [bench.losses(run) for run in runs] == [0] * len(runs)


def test_a_flushed_queue_ends_nothing(bench):
    bench.portal.is_holding = True
    run = bench.send()
    bench.wait_until_fetching()
    bench.redis.flushdb()
    bench.portal.is_holding = False
    assert [r.run_id for r in bench.answers(1)] == [run]
    again = bench.send()
    assert [r.run_id for r in bench.answers(1)] == [again]


def test_the_log_says_neither_token_nor_patient(bench):
    said = (bench.folder / "worker.log").read_text()
    assert " ready." in said
    assert TOKEN not in said
    assert "Test^Child" not in said


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["celery", "worker", "-n", "gpu@%h"], "gpu@host"),
        (["celery", "worker", "--hostname", "a b/c"], "a_b_c"),
        (["celery", "worker", "--hostname=w1@%h"], "w1@host"),
        (["celery", "worker"], "gpu@host"),
    ],
)
def test_a_workers_name_is_the_same_after_a_restart(monkeypatch, arguments, expected):
    monkeypatch.setattr(socket, "gethostname", lambda: "host")
    assert node_name(queue="gpu", arguments=arguments) == expected

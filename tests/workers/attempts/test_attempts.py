"""A request that loses its worker waits, then is given up; a patient one is not."""

from __future__ import annotations

import pytest
import redis
from celery.exceptions import Retry

from tests.faults.brokers import own_broker
from workers import tasks_gpu, tasks_pixels, tasks_segments
from workers.attempts import LOST, MAX_ATTEMPTS, Attempts, Turn
from workers.contracts import (
    LOST_WORKER,
    InferRequest,
    InferResult,
    PackRequest,
    PackResult,
    attempt_keys,
)
from workers.portal_client import PortalUnavailableError
from workers.segment_contracts import InterpolateRequest, InterpolateResult

RUN = "1c6de3a5-6a8f-4c43-9a62-6f0d2ed7a4c1"
REVISION = "2c6de3a5-6a8f-4c43-9a62-6f0d2ed7a4c1"
AWAY = PortalUnavailableError("the portal does not answer")


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    with own_broker(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture
def attempts(broker):
    redis.Redis.from_url(broker).flushdb()
    return Attempts(broker_url=broker)


def turns(attempts, count):
    return [attempts.begin(RUN) for _ in range(count)]


def test_what_loses_its_worker_waits_longer_each_time_and_is_given_up(attempts):
    assert turns(attempts, 5) == [
        Turn.NOW,
        Turn.LATER,
        Turn.NOW,
        Turn.LATER,
        Turn.NOW,
    ]
    assert attempts.losses(RUN) == MAX_ATTEMPTS == 3
    assert turns(attempts, 2) == [Turn.NEVER, Turn.NEVER]


def test_what_ends_is_forgotten(attempts, broker):
    turns(attempts, 3)
    attempts.end(RUN)
    assert redis.Redis.from_url(broker).keys("*") == []
    assert attempts.begin(RUN) is Turn.NOW


def test_an_excuse_takes_one_beginning_back(attempts, broker):
    for _ in range(10):
        assert attempts.begin(RUN) is Turn.NOW
        attempts.excuse(RUN)
    assert redis.Redis.from_url(broker).keys("*") == []
    turns(attempts, 3)
    attempts.excuse(RUN)
    assert (attempts.losses(RUN), attempts.begin(RUN)) == (1, Turn.NOW)


def test_without_a_broker_all_is_done_at_once():
    attempts = Attempts(broker_url="redis://127.0.0.1:1/0")
    assert turns(attempts, 6) == [Turn.NOW] * 6
    attempts.excuse(RUN)
    attempts.end(RUN)
    assert attempts.losses(RUN) == 0


def test_the_portal_finds_the_keys_and_the_reason(attempts, broker):
    turns(attempts, 2)
    client = redis.Redis.from_url(broker)
    assert sorted(client.keys("*")) == sorted(k.encode() for k in attempt_keys(RUN))
    assert all(client.ttl(key) > 3000 for key in attempt_keys(RUN))
    assert LOST.startswith(LOST_WORKER)


# --- the tasks


class Sent(list):
    """What went to the portal's queue."""

    def send_task(self, name, *, kwargs, queue):
        self.append(kwargs["result"])


class Task:
    """Celery's side of a bound task: how often it was retried, and asking again."""

    def __init__(self):
        self.request = self
        self.retries = 0
        self.waited = []

    def retry(self, *, exc=None, countdown):
        self.retries += 1
        self.waited.append(countdown)
        return Retry(exc=exc, when=countdown)


def ask_gpu(task):
    request = InferRequest(
        run_id=RUN,
        revision_id=REVISION,
        package_hash="0" * 64,
        token="t",
        portal_url="http://127.0.0.1:1",
    )
    tasks_gpu.infer.run.__func__(task, request=request.to_message())


def ask_pixels(task):
    request = PackRequest(
        request_id=RUN,
        revision_id=REVISION,
        token="t",
        portal_url="http://127.0.0.1:1",
        source_hash="0" * 64,
    )
    tasks_pixels.build_pack_task.run.__func__(task, request=request.to_message())


def ask_segments(task):
    request = InterpolateRequest(
        job_id=RUN, revision_id=REVISION, token="t", portal_url="http://127.0.0.1:1"
    )
    tasks_segments.interpolate_task.run.__func__(task, request=request.to_message())


class Killed(BaseException):
    """Stands for the end of the process."""


def gpu_result(given, **_):
    return InferResult(run_id=given.run_id, package_hash="0" * 64, state="done")


def pack_result(given, **_):
    return PackResult(
        request_id=given.request_id, revision_id=given.revision_id, state="ready"
    )


def segment_result(given, **_):
    return InterpolateResult(job_id=given.job_id, state="done")


class Worker:
    """One of the workers, with its work replaced."""

    def __init__(self, monkeypatch, module, work, ask, good):
        self.sent = Sent()
        self.ask = ask
        self.good = good
        self._set = lambda do: monkeypatch.setattr(module, work, do)
        monkeypatch.setattr(module, "app", self.sent)

    def does(self, outcome):
        def do(given, **more):
            if isinstance(outcome, BaseException):
                raise outcome
            return self.good(given, **more)

        self._set(do)


@pytest.fixture(params=["gpu", "pixels", "segments"])
def worker(request, monkeypatch, broker, attempts):
    monkeypatch.setenv("REDIS_URL", broker)
    monkeypatch.setattr(tasks_gpu, "_workplace", lambda: None)
    tasks_gpu._answered.clear()
    if request.param == "gpu":
        return Worker(monkeypatch, tasks_gpu, "answer", ask_gpu, gpu_result)
    if request.param == "segments":
        return Worker(
            monkeypatch, tasks_segments, "interpolate", ask_segments, segment_result
        )
    return Worker(monkeypatch, tasks_pixels, "make_pack", ask_pixels, pack_result)


def test_a_poison_request_is_answered_after_three_lost_workers(worker):
    worker.does(Killed())
    task = Task()
    for attempt in range(MAX_ATTEMPTS):
        if attempt:
            with pytest.raises(Retry):
                worker.ask(task)
        with pytest.raises(Killed):
            worker.ask(task)
    assert worker.sent == []
    assert task.waited == [5.0, 10.0]
    worker.ask(task)
    worker.ask(Task())
    said = [(each["state"], each["reason"]) for each in worker.sent]
    assert said == [("failed", LOST)] * 2


def test_a_portal_that_is_away_is_no_loss(worker, attempts):
    worker.does(AWAY)
    task = Task()
    for _ in range(tasks_gpu.MAX_RETRIES):
        with pytest.raises(Retry):
            worker.ask(task)
        assert attempts.losses(RUN) == 0
    assert task.waited == [1, 2, 4, 8, 16]
    worker.ask(task)
    assert worker.sent[0]["reason"] == "the portal could not be reached"
    worker.does("well")
    worker.ask(Task())
    assert worker.sent[1]["state"] in {"done", "ready"}


def test_what_lost_its_worker_once_may_still_be_done(worker, broker):
    worker.does(Killed())
    task = Task()
    with pytest.raises(Killed):
        worker.ask(task)
    worker.does("well")
    with pytest.raises(Retry):
        worker.ask(task)
    worker.ask(task)
    assert worker.sent[0]["state"] in {"done", "ready"}
    assert redis.Redis.from_url(broker).keys("*") == []

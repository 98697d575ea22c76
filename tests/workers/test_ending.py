"""A worker whose broker refuses to write ends soon, whatever its tasks do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import redis
from celery import Celery

from portal.celery import app as portal_app
from tests.faults.brokers import own_broker
from workers.broker import make_app
from workers.ending import end_soon_after_failure

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
LONG_S = 600
START_S = 120
APP = """
import os, time
from celery import Celery
from workers.ending import end_soon_after_failure

app = Celery("nap", broker=os.environ["BROKER"])
app.conf.update(worker_pool=os.environ["POOL"], task_acks_late=True)
end_soon_after_failure(app, within_s=1)

@app.task(name="nap")
def nap(seconds):
    print("napping", flush=True)
    time.sleep(seconds)
    print("rested", flush=True)
"""


class Worker:
    """A worker of one slot, in a process of its own."""

    def __init__(self, folder: Path, url: str, pool: str) -> None:
        (folder / "napping.py").write_text(APP)
        self.log = folder / "log"
        self.broker = redis.Redis.from_url(url)
        self._app = Celery(broker=url)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "celery", "-A", "napping", "worker"),
                    *("-Q", "nap", "-c", "1", "--loglevel", "INFO"),
                    *("--without-gossip", "--without-mingle"),
                ],
                cwd=folder,
                env={
                    **os.environ,
                    "BROKER": url,
                    "POOL": pool,
                    "PYTHONPATH": f"{ROOT}:{folder}",
                },
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def says(self, words: str) -> None:
        """Wait until the worker's log has these words."""
        end = time.monotonic() + START_S
        while words not in self.log.read_text():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < end, self.log.read_text()
            time.sleep(0.05)

    def nap(self, seconds: float) -> None:
        """Give it a task of so many seconds; it is at it afterwards."""
        self._app.send_task("nap", (seconds,), queue="nap")
        self.says("napping")


@contextmanager
def worker(folder: Path, pool: str) -> Iterator[Worker]:
    with own_broker(folder) as url:
        it = Worker(folder, url, pool)
        try:
            it.says("ready")
            yield it
        finally:
            if it.process.poll() is None:
                os.killpg(it.process.pid, signal.SIGKILL)
            it.process.wait()


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_a_worker_whose_broker_refuses_to_write_does_not_wait_for_its_tasks(
    pool, tmp_path
):
    with worker(tmp_path, pool) as it:
        it.nap(LONG_S)
        # As on a full disk: every command that writes is answered with an error.
        it.broker.config_set("min-replicas-to-write", 1)
        assert it.process.wait(START_S) == 1
        assert "did not end by itself" in it.log.read_text()


def test_one_that_is_asked_to_stop_lets_its_task_end(tmp_path):
    with worker(tmp_path, "prefork") as it:
        it.nap(4)
        it.process.send_signal(signal.SIGTERM)
        assert it.process.wait(START_S) == 0
        assert "rested" in it.log.read_text()


def test_the_applications_of_the_portal_and_of_the_workers_have_it():
    bare = Celery()
    assert not bare.steps["worker"]
    end_soon_after_failure(bare)
    (step,) = bare.steps["worker"]
    try:
        a_worker = make_app("any", broker_url="", queue="any", include=[], limit_s=None)
    finally:
        portal_app.set_current()
    for app in (portal_app, a_worker):
        assert step.__name__ in {one.__name__ for one in app.steps["worker"]}

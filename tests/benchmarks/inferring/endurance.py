"""Thousands of films through one models' worker, and what it has of memory meanwhile.

The worker is the product's, with Celery, supervisor, child and decoder; queue and
portal are a Redis and a small HTTP server of its own, so that hours of arrivals are
minutes. `python -m tests.benchmarks.inferring.endurance --studies 5000 [--json FILE]`.
"""

from __future__ import annotations

import argparse
import base64
import io
import itertools
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import defaultdict
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psutil
import pydicom
import redis
from celery import Celery

from tests.benchmarks.inferring.department import films
from tests.benchmarks.inferring.memory import family, slope_of
from tests.fakes.portal import PUBLIC_KEY, FakePortal
from tests.faults.brokers import own_broker
from workers.broker import transport_options
from workers.contracts import QUEUE_GPU, TASK_INFER, InferRequest
from workers.models.package import SHIPPED, package_hash

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[3]
PACKAGE: Final = SHIPPED / "paediatric-pneumonia"
POOL: Final = 100
"""Different films, one after the other."""
WAITING: Final = 200
"""Requests that wait in the queue at a time."""
EVERY_S: Final = 1.0
PATIENCE_S: Final = 180.0


class Films(FakePortal):
    """A portal whose one study is another film each time that it is asked for."""

    def __init__(self, contents: list[bytes], **given: Any) -> None:
        super().__init__(instances={}, **given)
        self._films = itertools.cycle([{_uid_of(one): one} for one in contents])
        self._turn = threading.Lock()

    def inputs(self, asked: dict[str, Any]) -> bytes:
        """Return the next film."""
        with self._turn:
            self.instances = next(self._films)
            return super().inputs(asked)

    def forget(self) -> None:
        """Let go of what was stored and asked."""
        self.artefacts.clear()
        self.requests.clear()


def _uid_of(content: bytes) -> str:
    header = pydicom.dcmread(io.BytesIO(content), stop_before_pixels=True)
    return str(header.SOPInstanceUID)


class Course:
    """A worker, what it is asked, and its memory while it answers."""

    def __init__(self, *, url: str, portal: Films, folder: Path) -> None:
        self._redis = redis.Redis.from_url(url)
        self._app = Celery(broker=url)
        self._app.conf.broker_transport_options = transport_options(node="sender")
        self._portal = portal
        self._folder = folder
        self._hash = package_hash(PACKAGE)
        self.log = folder / "worker.log"
        self.states: dict[str, int] = defaultdict(int)
        self.memory: dict[str, list[tuple[int, float]]] = defaultdict(list)
        self.asked = 0

    @property
    def answered(self) -> int:
        """Studies with their answer."""
        return sum(self.states.values())

    def run(self, n: int, env: dict[str, str]) -> float:
        """Have films judged; return how many a second."""
        command = [sys.executable, "-m", "celery", "-A", "workers.celery_gpu"]
        command += ["worker", "-Q", QUEUE_GPU, "-n", "gpu@%h"]
        command += ["--without-gossip", "--without-mingle"]
        with self.log.open("ab") as log:
            worker = subprocess.Popen(
                command, env=env, cwd=ROOT, stdout=log, stderr=log
            )
        try:
            return self._follow(n, worker)
        finally:
            worker.terminate()
            worker.wait(timeout=60)

    def _follow(self, n: int, worker: subprocess.Popen[bytes]) -> float:
        process = psutil.Process(worker.pid)
        heard, began, told = time.monotonic(), 0.0, 0
        while self.answered < n:
            while self.asked < min(n, self.answered + WAITING):
                self._ask()
            before = self.answered
            self._take()
            if self.answered > before:
                heard = time.monotonic()
                began = began or heard
            elif worker.poll() is not None or time.monotonic() - heard > PATIENCE_S:
                raise SystemExit(f"it says no more:\n{self.log.read_text()[-3000:]}")
            for name, used in family(process):
                self.memory[name].append((self.answered, used))
            self._portal.forget()
            if self.answered >= told:
                sys.stderr.write(f"  {self.answered} · {self._now()}\n")
                told += max(1, n // 20)
            time.sleep(EVERY_S)
        return n / (time.monotonic() - began)

    def _now(self) -> str:
        return " · ".join(f"{k} {v[-1][1]:.0f}" for k, v in self.memory.items())

    def _ask(self) -> None:
        request = InferRequest(
            run_id=str(uuid.uuid4()),
            revision_id=self._portal.revision_id,
            package_hash=self._hash,
            token=self._portal.token,
            portal_url=self._portal.url,
        )
        self._app.send_task(
            TASK_INFER,
            kwargs={"request": request.to_message()},
            queue=QUEUE_GPU,
            priority=6,
        )
        self.asked += 1

    def _take(self) -> None:
        for key in self._redis.keys("portal*"):
            while message := self._redis.rpop(key):
                body = json.loads(base64.b64decode(json.loads(message)["body"]))
                for result in body[1]["results"]:
                    self.states[result["state"]] += 1


def measure(n: int) -> Iterator[str]:
    """Run it, and yield what to say of it, line by line."""
    contents = [sent.film for sent in islice(films("ENDURE"), POOL)]
    with (
        tempfile.TemporaryDirectory() as name,
        own_broker(Path(name)) as url,
        Films(
            contents,
            revision_id=str(uuid.uuid4()),
            token="an-endurance-token",
            allowed=[package_hash(PACKAGE)],
        ) as portal,
    ):
        env = {
            **os.environ,
            "REDIS_URL": url,
            "OVERREAD_STATE_DIR": str(Path(name) / "state"),
            "OVERREAD_MODEL_KEY": PUBLIC_KEY,
        }
        course = Course(url=url, portal=portal, folder=Path(name))
        rate = course.run(n, env)
    yield f"{n} studies, {dict(course.states)}, {rate:.1f}/s"
    for process, samples in course.memory.items():
        found = slope_of(samples)
        used = [mb for _, mb in samples]
        yield (
            f"{process}: {used[-1]:.0f} MB at the end, {max(used):.0f} at most,"
            f" {found.per_thousand:+.2f} MB per 1,000 studies"
            f" [{found.low:+.2f}, {found.high:+.2f}]"
        )
    yield json.dumps(course.memory)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--studies", type=int, default=5000)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    *lines, samples = measure(given.studies)
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.write(f"load {os.getloadavg()[1]:.1f}\n")
    if given.json:
        given.json.write_text(samples)


if __name__ == "__main__":
    main()

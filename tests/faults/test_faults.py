"""Bad days, on the real stack: nothing is lost, nothing happens twice.

Each test counts what was sent and what arrived: studies in the archive equal the
portal's rows, and each revision has one result of the model.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import tempfile
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np
import psutil
import psycopg
import pytest
import redis
from PIL import Image

from tests.benchmarks.harness import Stack
from tests.factories.dicom import make_dx, to_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

FILMS = Path(__file__).parents[3] / "shared" / "data" / "cxr_paediatric_train.zip"
WAIT_S = 240

pytestmark = [
    pytest.mark.stack,
    pytest.mark.real_data,
    pytest.mark.skipif(
        "OVERREAD_STACK_URL" not in os.environ, reason="needs the running stack"
    ),
    pytest.mark.skipif(not FILMS.exists(), reason="../shared/data is not here"),
]


class Running:
    """The running stack, its processes and its database."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        lines = (stack.state / "env").read_text().splitlines()
        pairs = (line.split("=", 1) for line in lines if "=" in line and line[0] != "#")
        self.env = {name: value.strip("'\"") for name, value in pairs}

    def process(self, name: str) -> psutil.Process:
        facts = json.loads((self.stack.state / "run" / f"{name}.pid.json").read_text())
        return psutil.Process(facts["pid"])

    def kill(self, name: str) -> None:
        """Kill a part and its children the hard way."""
        parent = self.process(name)
        for process in [*parent.children(recursive=True), parent]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    @contextlib.contextmanager
    def stopped(self, name: str) -> Iterator[None]:
        """Freeze a part: its ports stay open and nobody answers."""
        process = self.process(name)
        process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            process.send_signal(signal.SIGCONT)

    def rows(self, query: str, *parameters: object) -> list[Any]:
        with psycopg.connect(self.env["DATABASE_URL"]) as connection:
            return connection.execute(query, parameters).fetchall()

    def send(self, films: list[tuple[str, bytes]]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            for uid, film in films:
                Path(folder, f"{uid}.dcm").write_bytes(film)
            command = ["storescu", "-aec", "OVERREAD", self.stack.dicom_host]
            subprocess.run(
                [*command, str(self.stack.dicom_port), "+sd", folder],
                check=True,
                env={**os.environ, "TCP_NODELAY": "1"},
            )

    def states(self, films: list[tuple[str, bytes]]) -> list[tuple[str, str, str]]:
        """Return (study UID, run state, export state) of each film's runs."""
        query = """
            SELECT s.study_uid, i.state, coalesce(e.state, '')
            FROM studies_study s
            JOIN studies_studyrevision r ON r.study_id = s.id
            JOIN inference_inferencerun i ON i.revision_id = r.id
            LEFT JOIN reports_exportedobject e ON e.run_id = i.id
            WHERE s.study_uid = ANY(%s)
        """
        return self.rows(query, [uid for uid, _ in films])

    def wait_done(self, films: list[tuple[str, bytes]]) -> float:
        """Wait until each film has its result in the archive; return the seconds."""
        began = time.monotonic()
        expected = sorted((uid, "done", "stored") for uid, _ in films)
        states: list[tuple[str, str, str]] = []
        while time.monotonic() - began < WAIT_S:
            states = sorted(self.states(films))
            if states == expected:
                return time.monotonic() - began
            time.sleep(0.5)
        raise AssertionError(f"after {WAIT_S} s: {[s[1:] for s in states]}")

    def wait_running(self, films: list[tuple[str, bytes]]) -> None:
        """Wait until a run of one of the films is under way."""
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end:
            if any(state == "running" for _, state, _ in self.states(films)):
                return
            time.sleep(0.02)
        raise AssertionError("no run was started")

    def check_once(self, films: list[tuple[str, bytes]]) -> None:
        """One revision, item, run and finding a film; one result event a run."""
        query = """
            SELECT count(DISTINCT s.id), count(DISTINCT r.id), count(DISTINCT i.id),
                   count(DISTINCT f.id), count(DISTINCT w.id), count(DISTINCT a.id)
            FROM studies_study s
            JOIN studies_studyrevision r ON r.study_id = s.id
            JOIN inference_inferencerun i ON i.revision_id = r.id
            JOIN inference_finding f ON f.run_id = i.id
            JOIN worklist_case c ON c.revision_id = r.id
            JOIN worklist_workitem w ON w.case_id = c.id
            JOIN audit_auditrecord a
              ON a.object_id = i.id AND a.event = 'inference:result'
            WHERE s.study_uid = ANY(%s)
        """
        counts = self.rows(query, [uid for uid, _ in films])[0]
        assert counts == (len(films),) * 6


@pytest.fixture(scope="module")
def running() -> Running:
    return Running(Stack.from_environment())


def _films(n: int) -> list[tuple[str, bytes]]:
    with zipfile.ZipFile(FILMS) as archive:
        names = [n for n in sorted(archive.namelist()) if n.endswith("jpeg")]
        pictures = [archive.read(name) for name in names[:: len(names) // n][:n]]
    films = []
    for picture in pictures:
        pixels = np.asarray(Image.open(io.BytesIO(picture)).convert("L"))
        name = f"FAULT{uuid4().hex[:10]}"
        dataset = make_dx(pixels, patient_name=name, patient_id=name, age="003Y")
        films.append((str(dataset.StudyInstanceUID), to_bytes(dataset)))
    return films


def test_a_gpu_worker_killed_during_inference(running):
    films = _films(4)
    running.send(films)
    running.wait_running(films)
    running.kill("worker-gpu")
    running.wait_done(films)
    running.check_once(films)


def test_a_portal_worker_killed_while_studies_arrive(running):
    films = _films(4)
    running.send(films)
    running.kill("worker-portal")
    running.wait_done(films)
    running.check_once(films)


def test_redis_emptied_while_studies_wait(running):
    films = _films(4)
    running.send(films)
    running.wait_running(films)
    redis.Redis.from_url(running.env["REDIS_URL"]).flushall()
    running.wait_done(films)
    running.check_once(films)


def test_the_archive_stopped_for_a_minute(running):
    films = _films(4)
    running.send(films)
    with running.stopped("orthanc"):
        time.sleep(60)
    more = _films(2)
    running.send(more)
    running.wait_done(films + more)
    running.check_once(films + more)


def test_one_arrival_told_many_times(running):
    """The change list is read again from its start: nothing happens twice."""
    films = _films(2)
    running.send(films)
    running.wait_done(films)
    before = running.rows("SELECT count(*) FROM inference_inferencerun")
    running.rows(
        "UPDATE studies_arrivalcursor SET seq = 0 WHERE name = 'changes' RETURNING seq"
    )
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if running.rows("SELECT seq FROM studies_arrivalcursor")[0][0] > 0:
            break
        time.sleep(0.2)
    time.sleep(3)
    assert running.rows("SELECT count(*) FROM inference_inferencerun") == before
    running.check_once(films)

"""Films that arrive at a running stack, held before the models, and let go."""

from __future__ import annotations

import contextlib
import io
import socket
import time
import zipfile
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import psycopg
from celery import Celery
from PIL import Image
from pydicom.uid import generate_uid

from tests.benchmarks.inferring.memory import family
from tests.factories.dicom import make_dx, to_bytes
from tests.faults.running import FILMS, Running, Sent, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

SEND_AT_ONCE = 250
REST_S = 1500.0
"""Reports are written one by one: a burst's take some minutes."""
PARTS = (
    "worker-gpu",
    "worker-portal",
    "worker-exports",
    "worker-pixels",
    "portal",
    "postgres",
    "orthanc",
    "redis",
)
OURS = ("worker-gpu", "worker-portal", "worker-exports", "worker-pixels", "portal")
UNREST = {
    "packs": "SELECT count(*) FROM studies_studyrevision WHERE pack_state = 'building'",
    "slots": "SELECT count(*) FROM inference_slot WHERE settled_at IS NULL",
    "exports begun": """
        SELECT count(*) FROM reports_exportedobject WHERE state = 'pending'
    """,
    "exports to come": """
        SELECT count(*) FROM inference_inferencerun i
        JOIN inference_slot s ON s.id = i.slot_id
        WHERE i.state IN ('done', 'rejected') AND i.set_aside_at IS NULL
          AND s.kind = 'live'
          AND NOT EXISTS (SELECT FROM reports_exportedobject e WHERE e.run_id = i.id)
    """,
    "exports not read back": """
        SELECT count(*) FROM reports_exportedobject e
        WHERE e.state = 'stored'
          AND NOT EXISTS (
            SELECT FROM studies_attachment a
            WHERE a.study_id = e.study_id AND a.series_uid = e.series_uid
          )
    """,
}
"""What goes on where a count is not 0.

An export has no row until it is begun. What was written into the archive is an arrival
there: its study is registered once more, some seconds later.
"""


def films(prefix: str, *, skip: int = 0, age: str = "004Y") -> Iterator[Sent]:
    """Yield real films, each the only one of a new study of a new patient.

    Args:
        prefix: How their Patient IDs begin.
        skip: How many pictures are left out first.
        age: Patient's Age, as DICOM writes it.
    """
    with zipfile.ZipFile(FILMS) as archive:
        names = sorted(n for n in archive.namelist() if n.endswith("jpeg"))
        number = skip
        while True:
            content = archive.read(names[(number * 7) % len(names)])
            pixels = np.asarray(Image.open(io.BytesIO(content)).convert("L"))
            name, uid = f"{prefix}{number:06d}", str(generate_uid())
            dataset = make_dx(
                pixels, patient_name=name, patient_id=name, age=age, study_uid=uid
            )
            yield Sent(uid=uid, patient_id=name, film=to_bytes(dataset), fits=True)
            number += 1


@dataclass(frozen=True, slots=True)
class Counts:
    """Where the runs of a prefix are that a worker was asked for.

    (What the portal itself rejects by a card has a run that nobody was asked for.)

    Attributes:
        sent: Asked of the models' queue.
        ended: With their answer on record.
        failed: Of these, without an analysis.
    """

    sent: int
    ended: int
    failed: int


@dataclass(frozen=True, slots=True)
class Asked:
    """A run that a worker was asked for.

    Attributes:
        run_id: It.
        patient_id: Patient ID of its study.
    """

    run_id: UUID
    patient_id: str


OF_PREFIX = """
    FROM inference_inferencerun i
    JOIN studies_studyrevision r ON r.id = i.revision_id
    JOIN studies_study s ON s.id = r.study_id
    JOIN studies_patient p ON p.id = s.patient_id
    WHERE p.patient_id LIKE %s AND i.requested_at IS NOT NULL
"""
OF_RUNS = "FROM inference_inferencerun i WHERE i.id = ANY(%s)"


class Department:
    """Arrivals with a common prefix, and what became of them.

    What is measured shares its cores with who measures. So the database is asked over
    one connection that stays, since to open one costs it as much as to record some ten
    films, and for runs by their ids once they are known: to find those of a prefix it
    reads through all patients.
    """

    def __init__(self, running: Running, prefix: str, *, age: str = "004Y") -> None:
        self.running = running
        self.prefix = prefix
        self._films = films(prefix, age=age)
        self._app = Celery(broker=running.env["REDIS_URL"])
        self._connection: psycopg.Connection | None = None
        self._asked: dict[UUID, Asked] = {}
        self.arrived = 0

    def arrive(self, n: int, *, within_s: float = 1500.0) -> None:
        """Send films and wait until each is asked of the models' queue."""
        left = n
        while left:
            some = list(islice(self._films, min(left, SEND_AT_ONCE)))
            self.running.send(some)
            left -= len(some)
        self.arrived += n
        self._asked = {}
        wait_until(
            lambda: self.counts().sent >= self.arrived,
            lambda: f"{self.counts()} of {self.arrived}",
            within_s=within_s,
        )
        rows = self._rows(f"SELECT i.id, p.patient_id {OF_PREFIX}", f"{self.prefix}%")
        self._asked = {row[0]: Asked(*row) for row in rows}

    def counts(self) -> Counts:
        """Count the runs."""
        what = """
            SELECT count(i.requested_at), count(i.finished_at),
                   count(*) FILTER (WHERE i.state = 'failed')
        """
        return Counts(*self._of_runs(what)[0])

    def last_waiting(self) -> Asked | None:
        """Return the run that was asked for last and still waits."""
        return self._last("i.finished_at IS NULL")

    def last_ended(self) -> Asked | None:
        """Return the run that was asked for last and has ended."""
        return self._last("i.finished_at IS NOT NULL")

    def ended_at(self, run: Asked) -> float | None:
        """Return when a run's answer came to be on record, seconds; None before."""
        query = """
            SELECT extract(epoch FROM finished_at) FROM inference_inferencerun
            WHERE id = %s AND finished_at IS NOT NULL
        """
        rows = self._rows(query, run.run_id)
        return float(rows[0][0]) if rows else None

    def _last(self, which: str) -> Asked | None:
        more = f"AND {which} ORDER BY i.requested_at DESC LIMIT 1"
        rows = self._of_runs("SELECT i.id", more)
        return self._asked[rows[0][0]] if rows else None

    def column(self, what: str) -> list[float]:
        """Return an SQL expression over the ended runs (`i`), in order of their end."""
        more = "AND i.finished_at IS NOT NULL ORDER BY i.finished_at"
        return [float(row[0] or 0) for row in self._of_runs(f"SELECT {what}", more)]

    def _of_runs(self, what: str, more: str = "") -> list[tuple[Any, ...]]:
        if self._asked:
            return self._rows(f"{what} {OF_RUNS} {more}", list(self._asked))
        return self._rows(f"{what} {OF_PREFIX} {more}", f"{self.prefix}%")

    def _rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(
                self.running.env["DATABASE_URL"], autocommit=True
            )
        return self._connection.execute(query, parameters).fetchall()

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Keep the models' worker from taking anything; on leaving it may."""
        worker = [f"gpu@{socket.gethostname()}"]
        self._app.control.cancel_consumer("gpu", destination=worker)
        time.sleep(1.0)
        try:
            yield
        finally:
            self._app.control.add_consumer("gpu", destination=worker)

    def wait_quiet(self) -> None:
        """Wait until nothing of what was before goes on.

        Packs are built, lists follow the slots that hold, every result is in the
        archive (also those whose turn had not come), and the portal knows of that.
        """
        wait_until(
            lambda: not any(self.running.count(query) for query in UNREST.values()),
            lambda: str({w: self.running.count(q) for w, q in UNREST.items()}),
            within_s=REST_S,
        )
        time.sleep(1.0)

    def wait_ended(self, n: int, *, within_s: float = 1500.0) -> None:
        """Wait until so many answers are on record."""
        wait_until(
            lambda: self.counts().ended >= n,
            lambda: str(self.counts()),
            within_s=within_s,
        )


def processor_seconds(running: Running) -> dict[str, float]:
    """Return processor time so far of each part, its children included.

    Also of those that have ended: PostgreSQL's processes come and go with connections.
    """
    found = {}
    for name in PARTS:
        total = 0.0
        with contextlib.suppress(psutil.Error, OSError):
            parent = running.process(name)
            for process in [parent, *parent.children(recursive=True)]:
                with contextlib.suppress(psutil.Error):
                    times = process.cpu_times()
                    total += times.user + times.system
                    total += times.children_user + times.children_system
        found[name] = total
    return found


def resident(running: Running) -> dict[str, float]:
    """Return the resident memory, MB, of each process of ours that does studies."""
    found = {}
    for name in OURS:
        with contextlib.suppress(psutil.Error, OSError):
            for process, used in family(running.process(name)):
                found[f"{name} {process}"] = used
    return found

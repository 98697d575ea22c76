"""The running stack as a fault finds it: its processes, its rows, its archive.

`Running.check_balance` is what has to be true after every fault: what the archive
holds is what the portal knows, each (revision, model) has one run and one result,
and the audit log has one line for each of these, not two and not none.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx
import numpy as np
import psutil
import psycopg
import redis
from PIL import Image
from pydicom.uid import generate_uid

from tests.benchmarks.harness import Stack
from tests.factories.dicom import make_dx, to_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

FILMS = Path(__file__).parents[3] / "shared" / "data" / "cxr_paediatric_train.zip"
WAIT_S = 240.0
FINAL = ("done", "rejected", "failed")


@dataclass(frozen=True)
class Sent:
    """One study of one film.

    Attributes:
        uid: Study Instance UID.
        patient_id: Of the film; new for every study.
        film: The DICOM file.
        fits: Whether the paediatric model takes it, so that a result must come.
    """

    uid: str
    patient_id: str
    film: bytes
    fits: bool


@dataclass(frozen=True)
class Balance:
    """What was counted after a fault.

    Attributes:
        archive: Studies in Orthanc.
        rows: Studies of the portal that are not tombstones.
        held: Studies in quarantine that nobody has released.
        runs: Runs over every revision and model.
        results: Audit records of a run's end.
    """

    archive: int
    rows: int
    held: int
    runs: int
    results: int


class Running:
    """The running stack, its processes and its database."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        lines = (stack.state / "env").read_text().splitlines()
        pairs = (line.split("=", 1) for line in lines if "=" in line and line[0] != "#")
        self.env = {name: "".join(shlex.split(value)) for name, value in pairs}

    def say(self, text: str) -> None:
        """Say a count: on the terminal (`pytest -s`) and in `log/faults.txt`."""
        test = os.environ.get("PYTEST_CURRENT_TEST", "").split("::")[-1].split(" ")[0]
        line = f"{test}: {text}\n"
        sys.stdout.write(f"\n    {line}")
        with (self.stack.state / "log" / "faults.txt").open("a") as file:
            file.write(line)

    # --- processes

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
    def stopped(self, *names: str) -> Iterator[None]:
        """Freeze parts and their children: ports stay open and nobody answers."""
        frozen = [p for name in names for p in self._family(name)]
        for process in frozen:
            process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            for process in frozen:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.send_signal(signal.SIGCONT)

    @contextlib.contextmanager
    def stopped_redis_at_commit(self, studies: list[Sent]) -> Iterator[None]:
        """Freeze Redis so that a registration commits and cannot tell the next step.

        The registration is held up by a lock on its site's sequence, Redis is frozen,
        the lock let go.
        """
        waits = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        with contextlib.ExitStack() as frozen:
            with psycopg.connect(self.env["DATABASE_URL"]) as connection:
                connection.execute("SELECT 1 FROM core_sitesequence FOR UPDATE")
                self.send(studies)
                wait_until(lambda: self.count(waits) > 0, "a registration waits")
                frozen.enter_context(self.stopped("redis"))
            wait_until(lambda: self.known(studies) > 0, "a registration committed")
            yield

    def _family(self, name: str) -> list[psutil.Process]:
        parent = self.process(name)
        return [parent, *parent.children(recursive=True)]

    def wait_back(self, *names: str) -> None:
        """Wait until the supervisor has started killed parts again."""

        def back() -> bool:
            try:
                return all(self.process(name).is_running() for name in names)
            except (psutil.NoSuchProcess, OSError, ValueError):
                return False

        wait_until(back, "the parts come back")

    # --- the portal's side

    def rows(self, query: str, *parameters: object) -> list[Any]:
        with psycopg.connect(self.env["DATABASE_URL"]) as connection:
            return connection.execute(query, parameters).fetchall()

    def count(self, query: str, *parameters: object) -> int:
        return int(self.rows(query, *parameters)[0][0])

    def redis(self) -> redis.Redis:
        return redis.Redis.from_url(self.env["REDIS_URL"])

    # --- the archive's side

    def archive(self) -> httpx.Client:
        login = (self.env["ORTHANC_USER"], self.env["ORTHANC_PASSWORD"])
        return httpx.Client(base_url=self.env["ORTHANC_URL"], auth=login, timeout=60)

    def archive_studies(self) -> dict[str, bool]:
        """Return whether each study in the archive is stable, by Study UID."""
        with self.archive() as archive:
            studies = archive.get("/studies", params={"expand": ""}).json()
        return {s["MainDicomTags"]["StudyInstanceUID"]: s["IsStable"] for s in studies}

    def send(self, studies: Iterable[Sent], *, aet: str = "OVERREAD") -> None:
        with tempfile.TemporaryDirectory() as folder:
            for sent in studies:
                Path(folder, f"{uuid4()}.dcm").write_bytes(sent.film)
            command = ["storescu", "-aec", aet, self.stack.dicom_host]
            subprocess.run(
                [*command, str(self.stack.dicom_port), "+sd", folder],
                check=True,
                env={**os.environ, "TCP_NODELAY": "1"},
            )

    # --- what became of what was sent

    def states(self, studies: Iterable[Sent]) -> list[tuple[str, str, str]]:
        """Return (study UID, run state, export state) of each film's runs."""
        query = """
            SELECT s.study_uid, i.state, coalesce(e.state, '')
            FROM studies_study s
            JOIN studies_studyrevision r ON r.study_id = s.id
            JOIN inference_inferencerun i ON i.revision_id = r.id
            LEFT JOIN reports_exportedobject e ON e.run_id = i.id
            WHERE s.study_uid = ANY(%s)
        """
        return self.rows(query, [sent.uid for sent in studies])

    def known(self, studies: Iterable[Sent]) -> int:
        """How many of the studies are on the worklist."""
        query = """
            SELECT count(DISTINCT s.study_uid) FROM studies_study s
            JOIN studies_studyrevision r ON r.study_id = s.id
            JOIN worklist_case c ON c.revision_id = r.id
            JOIN worklist_workitem w ON w.case_id = c.id
            WHERE s.study_uid = ANY(%s)
        """
        return self.count(query, [sent.uid for sent in studies])

    def wait_known(self, studies: list[Sent], *, within_s: float = WAIT_S) -> None:
        """Wait until every study is on the worklist."""
        wait_until(
            lambda: self.known(studies) == len(studies),
            lambda: f"{self.known(studies)} of {len(studies)} are on the list",
            within_s=within_s,
        )

    def wait_done(self, studies: list[Sent], *, within_s: float = WAIT_S) -> float:
        """Wait until each fitting film has its result in the archive; seconds."""
        began = time.monotonic()
        self.wait_known(studies, within_s=within_s)
        fitting = [sent for sent in studies if sent.fits]
        expected = sorted((sent.uid, "done", "stored") for sent in fitting)
        wait_until(
            lambda: sorted(self.states(studies)) == expected,
            lambda: f"runs: {[s[1:] for s in sorted(self.states(studies))]}",
            within_s=within_s,
        )
        return time.monotonic() - began

    def wait_running(self, studies: list[Sent]) -> None:
        """Wait until a run of one of the films is under way."""
        wait_until(
            lambda: any(state == "running" for _, state, _ in self.states(studies)),
            "a run is under way",
            every_s=0.02,
        )

    def check_once(self, studies: list[Sent], *, revisions: int = 1) -> None:
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
        fitting = [sent.uid for sent in studies if sent.fits]
        counts = self.rows(query, fitting)[0]
        assert counts == (len(fitting), *[len(fitting) * revisions] * 5)

    # --- the law

    def check_balance(self, *, within_s: float = 120.0) -> Balance:
        """Hold archive, rows, runs and audit log against each other.

        Args:
            within_s: How long the portal may take to catch up with the archive.
        """
        wait_until(
            lambda: not self._differences(),
            lambda: "; ".join(self._differences()),
            within_s=within_s,
        )
        balance = self._balance()
        self.say(str(balance))
        return balance

    def _balance(self) -> Balance:
        live = "SELECT count(*) FROM studies_study WHERE deleted_at IS NULL"
        held = "SELECT count(*) FROM studies_quarantinedstudy WHERE state = 'held'"
        events = "SELECT count(*) FROM audit_auditrecord WHERE event = %s"
        return Balance(
            archive=len(self.archive_studies()),
            rows=self.count(live),
            held=self.count(held),
            runs=self.count("SELECT count(*) FROM inference_inferencerun"),
            results=self.count(events, "inference:result"),
        )

    def _differences(self) -> list[str]:
        """Say in words what is not as it must be; nothing when all is well."""
        found = []
        archive = self.archive_studies()
        unstable = [uid for uid, stable in archive.items() if not stable]
        if unstable:
            found.append(f"{len(unstable)} studies are still arriving")
        query = """
            SELECT study_uid FROM studies_study WHERE deleted_at IS NULL
            UNION SELECT study_uid FROM studies_quarantinedstudy WHERE state = 'held'
        """
        rows = {row[0] for row in self.rows(query)}
        if missing := archive.keys() - rows:
            found.append(f"{len(missing)} of the archive's studies have no row")
        if gone := rows - archive.keys():
            found.append(f"{len(gone)} rows have no study in the archive")
        for what, question in LAWS.items():
            if n := len(self.rows(question)):
                found.append(f"{n} × {what}")
        return found


LAWS = {
    "more than one run of a model on a revision": """
        SELECT 1 FROM inference_inferencerun
        GROUP BY revision_id, model_version_id HAVING count(*) > 1""",
    "a run without an end": """
        SELECT 1 FROM inference_inferencerun
        WHERE state NOT IN ('done', 'rejected', 'failed')""",
    "a run whose end is not in the audit log exactly once": """
        SELECT 1 FROM inference_inferencerun i
        LEFT JOIN audit_auditrecord a
          ON a.object_id = i.id AND a.event = 'inference:result'
        WHERE i.state IN ('done', 'rejected')
        GROUP BY i.id HAVING count(a.id) <> 1""",
    "a revision that is not in the audit log exactly once": """
        SELECT 1 FROM studies_studyrevision r
        LEFT JOIN audit_auditrecord a
          ON a.object_id = r.id AND a.event = 'study:register'
        GROUP BY r.id HAVING count(a.id) <> 1""",
    "a signed reading that is not in the audit log exactly once": """
        SELECT 1 FROM annotations_reading r
        LEFT JOIN audit_auditrecord a
          ON a.object_id = r.id AND a.event = 'reading:sign'
        WHERE r.state = 'signed'
        GROUP BY r.id HAVING count(a.id) <> 1""",
}
"""Questions whose answer must be empty, by what a row of the answer means."""


def children_of(pid: int) -> list[int]:
    """Return the direct children of a process, quickly: no look at all processes."""
    found = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += [int(word) for word in path.read_text().split()]
    return found


def wait_until(
    condition: Callable[[], bool],
    what: str | Callable[[], str],
    *,
    within_s: float = WAIT_S,
    every_s: float = 0.5,
) -> None:
    """Wait for a condition; a database or archive that is away is "not yet"."""
    end = time.monotonic() + within_s
    while True:
        with contextlib.suppress(psycopg.OperationalError, httpx.TransportError):
            if condition():
                return
        if time.monotonic() > end:
            said = what if isinstance(what, str) else what()
            raise AssertionError(f"not so after {within_s:g} s: {said}")
        time.sleep(every_s)


def pictures(n: int) -> list[NDArray[np.uint8]]:
    """Return real films of children, [rows, columns]."""
    with zipfile.ZipFile(FILMS) as archive:
        names = [n for n in sorted(archive.namelist()) if n.endswith("jpeg")]
        chosen = [archive.read(name) for name in names[:: len(names) // n][:n]]
    return [np.asarray(Image.open(io.BytesIO(c)).convert("L")) for c in chosen]


def make_films(n: int) -> list[Sent]:
    """Return studies that the paediatric model takes."""
    return [make_study(pixels) for pixels in pictures(n)]


def make_bystanders(n: int) -> list[Sent]:
    """Return small studies that no model takes."""
    grey = np.linspace(0, 255, 64 * 64).reshape(64, 64).astype(np.uint8)
    return [make_study(grey, body_part="HAND", fits=False) for _ in range(n)]


def make_study(
    pixels: NDArray[np.uint8],
    *,
    body_part: str = "CHEST",
    fits: bool = True,
    **more: Any,
) -> Sent:
    """Wrap a picture as the only film of a new study of a new patient."""
    name = str(more.pop("patient_id", None) or f"FAULT{uuid4().hex[:10]}")
    uid = str(more.pop("study_uid", None) or generate_uid())
    dataset = make_dx(
        pixels,
        patient_name=name,
        patient_id=name,
        age="003Y",
        body_part=body_part,
        study_uid=uid,
        **more,
    )
    return Sent(uid=uid, patient_id=name, film=to_bytes(dataset), fits=fits)

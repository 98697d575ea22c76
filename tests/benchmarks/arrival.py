"""From the last instance on the wire to the re-ranked row in a browser.

A real Chromium looks at the worklist while paediatric films are sent by
`storescu`, one at a time. The time from the end of the C-STORE to the row that
shows the AI's answer is split by what each part left behind: Orthanc's change log,
the revision's and the run's times, the worker's own timings.

Goal of the whole: inference + StableAge + 2 s.
"""

from __future__ import annotations

import io
import json
import os
import statistics
import subprocess
import tempfile
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import numpy as np
import psycopg
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tests.benchmarks.harness import Metric, Stack
from tests.factories.dicom import make_dx, to_bytes

FILMS = Path("../shared/data/cxr_paediatric_train.zip")
N_STUDIES = int(os.environ.get("OVERREAD_ARRIVAL_STUDIES", "8"))
WAIT_S = 60
CHROMIUM = (
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# The page itself notes when the patient's row first says that the AI is done.
WATCH = """(name) => {
  window.__seen = null;
  const look = () => {
    for (const row of document.querySelectorAll('[role=row]')) {
      if (row.textContent.includes(name) && /Done/.test(row.textContent)) {
        window.__seen = performance.timeOrigin + performance.now();
        return;
      }
    }
    setTimeout(look, 10);
  };
  look();
}"""


@dataclass(frozen=True)
class Split:
    """Seconds that each part took for one study."""

    orthanc: float
    ingest: float
    queue: float
    inference: float
    push: float
    total: float


def _environment(stack: Stack) -> dict[str, str]:
    lines = (stack.state / "env").read_text().splitlines()
    pairs = (line.split("=", 1) for line in lines if "=" in line and line[0] != "#")
    return {name: value.strip("'\"") for name, value in pairs}


def _films() -> list[bytes]:
    """Films as DICOM files, each of a patient of its own."""
    with zipfile.ZipFile(FILMS) as archive:
        names = sorted(n for n in archive.namelist() if "PNEUMONIA/" in n)
        names = [n for n in names if n.endswith("jpeg")][: 40 * N_STUDIES : 40]
        pictures = [archive.read(name) for name in names]
    films = []
    for picture in pictures:
        pixels = np.asarray(Image.open(io.BytesIO(picture)).convert("L"))
        name = f"BENCH{uuid4().hex[:10].upper()}"
        dataset = make_dx(pixels, patient_name=name, patient_id=name, age="004Y")
        films.append(to_bytes(dataset))
    return films


def _name(film: bytes) -> str:
    at = film.index(b"BENCH")
    return film[at : at + 15].decode()


def _study_uid(path: Path) -> str:
    found = subprocess.run(
        ["dcmdump", "+P", "0020,000d", str(path)],
        check=True,
        capture_output=True,
        text=True,
    )
    return found.stdout.partition("[")[2].partition("]")[0]


def _login(page: Page, stack: Stack) -> None:
    page.goto(stack.url)
    page.locator("input").first.fill("radiologist")
    page.locator("input[type=password]").fill("overread-demo")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=row]")


def _wait_stable(archive: httpx.Client, since: int, study_uid: str) -> float:
    """Return when Orthanc's change log first named the study as stable."""
    end = time.time() + WAIT_S
    while time.time() < end:
        body = archive.get("changes", params={"since": since, "limit": 100}).json()
        for change in body["Changes"]:
            if change["ChangeType"] == "StableStudy":
                study = archive.get(f"studies/{change['ID']}").json()
                if study["MainDicomTags"]["StudyInstanceUID"] == study_uid:
                    return time.time()
        time.sleep(0.02)
    raise TimeoutError("Orthanc never called the study stable")


def _wait_shown(page: Page) -> float:
    """Return when the page saw the AI's answer in the patient's row."""
    end = time.time() + WAIT_S
    while time.time() < end:
        seen = page.evaluate("window.__seen")
        if seen is not None:
            return float(seen) / 1000
        page.wait_for_timeout(50)
    raise TimeoutError("the row never showed the AI's answer")


def _rows(database: str, study_uid: str) -> dict[str, Any]:
    query = """
        SELECT extract(epoch FROM r.arrived_at), extract(epoch FROM i.finished_at),
               i.timings, i.state
        FROM inference_inferencerun i
        JOIN studies_studyrevision r ON r.id = i.revision_id
        JOIN studies_study s ON s.id = r.study_id WHERE s.study_uid = %s
    """
    with psycopg.connect(database) as connection:
        row = connection.execute(query, [study_uid]).fetchone()
    if row is None:
        raise LookupError("no inference run was opened for the film")
    timings = row[2] if isinstance(row[2], dict) else json.loads(row[2])
    return {
        "registered": float(row[0]),
        "finished": float(row[1]),
        "inference": sum(timings.values()),
        "state": row[3],
    }


def _measure(
    page: Page, stack: Stack, archive: httpx.Client, database: str, film: bytes
) -> Split:
    since = archive.get("changes", params={"last": ""}).json()["Last"]
    with tempfile.NamedTemporaryFile(suffix=".dcm") as file:
        file.write(film)
        file.flush()
        # The list is narrowed to the patient, so that the row is on screen
        # however long the list is; it is empty until the study arrives.
        page.locator("input[type=search], [role=searchbox]").first.fill(_name(film))
        page.wait_for_timeout(1000)
        page.evaluate(WATCH, _name(film))
        study_uid = _study_uid(Path(file.name))
        subprocess.run(
            [
                "storescu",
                "-aec",
                "OVERREAD",
                stack.dicom_host,
                str(stack.dicom_port),
                file.name,
            ],
            check=True,
            env={**os.environ, "TCP_NODELAY": "1"},
        )
        sent = time.time()
    stable = _wait_stable(archive, since, study_uid)
    shown = _wait_shown(page)
    rows = _rows(database, study_uid)
    return Split(
        orthanc=stable - sent,
        ingest=rows["registered"] - stable,
        queue=rows["finished"] - rows["registered"] - rows["inference"],
        inference=rows["inference"],
        push=shown - rows["finished"],
        total=shown - sent,
    )


def run(stack: Stack) -> list[Metric]:
    """Send films one by one and return the medians of each part."""
    if not FILMS.exists():
        raise SystemExit(f"{FILMS} is not here: the benchmark needs its films.")
    env = _environment(stack)
    archive = httpx.Client(
        base_url=env["ORTHANC_URL"].rstrip("/") + "/",
        auth=(env["ORTHANC_USER"], env["ORTHANC_PASSWORD"]),
    )
    with sync_playwright() as playwright, archive:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=list(CHROMIUM)
        )
        page = browser.new_page(viewport={"width": 1600, "height": 1000})
        _login(page, stack)
        splits = [
            _measure(page, stack, archive, env["DATABASE_URL"], film)
            for film in _films()
        ]
        browser.close()
    return _metrics(splits, stable_age=_stable_age(archive_config=stack.state))


def _stable_age(*, archive_config: Path) -> float:
    config = json.loads((archive_config / "orthanc" / "orthanc.json").read_text())
    return float(config["StableAge"])


def _metrics(splits: list[Split], *, stable_age: float) -> list[Metric]:
    def median(part: str) -> float:
        return statistics.median(getattr(split, part) for split in splits)

    limit = median("inference") + stable_age + 2.0
    worst = max(split.total for split in splits)
    parts = [
        Metric(metric=f"{part}, median of {len(splits)}", value=median(part), unit="s")
        for part in ("orthanc", "ingest", "queue", "inference", "push")
    ]
    return [
        Metric(metric="StableAge (setting)", value=stable_age, unit="s"),
        *parts,
        Metric.at_most(
            "last instance → re-ranked row, median", median("total"), "s", limit
        ),
        Metric(metric="last instance → re-ranked row, worst", value=worst, unit="s"),
    ]

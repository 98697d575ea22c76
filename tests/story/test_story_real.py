"""The same story against a whole running Overread: nothing is a fake here.

Runs where `script/test` (or a person) has started a stack and says where it is:
`OVERREAD_STACK_URL`, `OVERREAD_STACK_DICOM`, `OVERREAD_STACK_STATE`.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import shlex
import shutil
import signal
import subprocess
import time
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import psycopg
import pydicom
import pytest
import redis
import websockets
from PIL import Image
from pydicom.uid import generate_uid

from tests.benchmarks.harness import Stack
from tests.factories.domain import make_film
from tests.person import PATIENCE_S, Person

if TYPE_CHECKING:
    from collections.abc import Iterator

FILMS = Path(__file__).resolve().parents[3] / "shared/data/cxr_paediatric_train.zip"

pytestmark = [
    pytest.mark.stack,
    pytest.mark.real_data,
    pytest.mark.skipif(
        "OVERREAD_STACK_URL" not in os.environ,
        reason="no stack: OVERREAD_STACK_URL is not set (script/test sets it)",
    ),
    pytest.mark.skipif(not FILMS.exists(), reason=f"no real films: {FILMS}"),
]


# --- the stack from outside


@pytest.fixture(scope="module")
def stack() -> Stack:
    return Stack.from_environment()


@pytest.fixture(scope="module")
def facts(stack: Stack) -> dict[str, str]:
    """The variables of the stack's own environment file."""
    lines = (stack.state / "env").read_text().splitlines()
    pairs = (line.split("=", 1) for line in lines if not line.startswith("#"))
    return {name: shlex.split(value)[0] for name, value in pairs if value}


@pytest.fixture
def reader(stack: Stack) -> Iterator[Person]:
    person = Person(stack, "radiologist")
    yield person
    person.http.close()


@dataclass
class Film:
    """A film of a child, fresh to the archive."""

    patient_id: str
    study_uid: str
    content: bytes


def wrap_film(*, nth: int) -> Film:
    """Wrap a film of the training set, with pneumonia, as a DX of a child of 4."""
    with zipfile.ZipFile(FILMS) as films:
        names = sorted(n for n in films.namelist() if n.startswith("PNEUMONIA/"))
        picture = Image.open(io.BytesIO(films.read(names[nth]))).convert("L")
    pixels = np.asarray(picture, dtype=np.uint8)
    study = generate_uid()
    patient = f"REAL-{study[-12:]}"
    content = make_film(
        age="004Y",
        born="20211101",
        study_uid=study,
        StudyDate="20260105",
        PatientID=patient,
        PatientName="Story^Real",
        AccessionNumber=study[-10:],
        Rows=pixels.shape[0],
        Columns=pixels.shape[1],
        BitsAllocated=8,
        BitsStored=8,
        HighBit=7,
        WindowCenter=128,
        WindowWidth=256,
        PixelData=pixels.tobytes() + b"\0" * (pixels.size % 2),
    )
    return Film(patient_id=patient, study_uid=str(study), content=content)


def store(stack: Stack, film: Film, folder: Path) -> None:
    path = folder / f"{film.patient_id}.dcm"
    path.write_bytes(film.content)
    storescu = shutil.which("storescu")
    if storescu is None:
        pytest.skip("storescu is not installed (apt-get install dcmtk)")
    where = [stack.dicom_host, str(stack.dicom_port)]
    subprocess.run(
        [storescu, "-xt", "-aet", "ROOM1", "-aec", "NORTHFIELD", *where, str(path)],
        check=True,
        env={**os.environ, "TCP_NODELAY": "1"},
    )


def run_count(facts: dict[str, str], study_uid: str) -> int:
    """Ask the database itself how many runs a study has."""
    query = (
        "SELECT count(*) FROM inference_inferencerun run"
        " JOIN studies_studyrevision rev ON rev.id = run.revision_id"
        " JOIN studies_study st ON st.id = rev.study_id WHERE st.study_uid = %s"
    )
    with psycopg.connect(facts["DATABASE_URL"]) as database:
        return int(database.execute(query, [study_uid]).fetchone()[0])


def reports_of(facts: dict[str, str], study_uid: str) -> list[pydicom.Dataset]:
    """Fetch the structured reports of a study from the archive itself."""
    archive = httpx.Client(
        base_url=facts["ORTHANC_URL"],
        auth=(facts["ORTHANC_USER"], facts["ORTHANC_PASSWORD"]),
    )
    query = {"StudyInstanceUID": study_uid, "Modality": "SR"}
    body = {"Level": "Instance", "Query": query}
    found = archive.post("/tools/find", json=body).raise_for_status().json()
    files = [archive.get(f"/instances/{i}/file").content for i in found]
    for content in files:
        _conforms(content)
    datasets = [pydicom.dcmread(io.BytesIO(content)) for content in files]
    return sorted(datasets, key=lambda d: d.VerificationFlag)


def _conforms(content: bytes) -> None:
    tool = shutil.which("dciodvfy")
    if tool is None:
        pytest.skip("dciodvfy is not installed (apt-get install dicom3tools)")
    said = subprocess.run([tool, "-"], input=content, capture_output=True, check=False)
    assert "Error" not in said.stderr.decode(), said.stderr.decode()


# --- the socket


@dataclass
class Watch:
    """What one browser was told while something happened."""

    events: list[dict[str, Any]] = field(default_factory=list)
    others: list[str] = field(default_factory=list)


@contextlib.asynccontextmanager
async def watching(person: Person) -> Any:
    page = await asyncio.to_thread(person.get, "worklist", limit=200)
    watch = Watch()
    url = person.stack.url.replace("http", "ws", 1) + "/ws/worklist"
    async with websockets.connect(
        url, additional_headers={"Cookie": person.cookie}, origin=person.stack.url
    ) as socket:
        await socket.send(json.dumps({"type": "subscribe", "since": page["seq"]}))

        async def listen() -> None:
            async for text in socket:
                message = json.loads(text)
                if message["type"] == "events":
                    watch.events += message["events"]
                elif message["type"] != "tick":
                    watch.others.append(message["type"])

        task = asyncio.create_task(listen())
        try:
            yield page, watch
            await asyncio.sleep(1)
        finally:
            task.cancel()


# --- the story


async def test_a_childs_film_travels_through_the_whole_of_overread(
    stack, facts, reader, tmp_path
):
    film = wrap_film(nth=40)
    async with watching(reader) as (page, watch):
        await asyncio.to_thread(store, stack, film, tmp_path)
        row = await asyncio.to_thread(
            reader.wait_for, film.patient_id, lambda r: r["ai"]["state"] == "done"
        )
        await asyncio.to_thread(_is_read, reader, row)
    _was_told_without_a_gap(page, watch, row)
    _is_back_in_the_archive(facts, reader, film)


def _is_read(reader: Person, row: dict[str, Any]) -> None:
    ai = row["ai"]
    assert ai["label"] == "Pneumonia"
    assert 0 <= ai["probability"] <= 1
    if ai["positive"]:
        assert (row["band"], row["band_source"]) == ("PRIORITY", "ai")
    else:
        assert (row["band"], row["band_source"]) == ("ROUTINE", "site_rule")
    item = f"worklist/items/{row['id']}"
    why = reader.get(f"{item}/why")
    assert why["probability"] == pytest.approx(ai["probability"])
    assert why["probability_source"] == "finding"
    assert why["rank"] >= 1

    leased = reader.send("POST", f"{item}/lease")
    assert leased.status_code == 200, leased.text
    other = Person(reader.stack, "radiologist2")
    refused = other.send("POST", f"{item}/lease")
    assert (refused.status_code, refused.json()["code"]) == (409, "leased")
    assert "Lindqvist" in refused.json()["holder"]["display_name"]
    stranger = Person(reader.stack, "southgate")
    assert stranger.send("GET", item).status_code == 404

    findings = [f for run in reader.get(f"{item}/ai")["runs"] for f in run["findings"]]
    saliency = next(f["saliency"] for f in findings if f["saliency"])
    picture = reader.send("GET", f"{item}/artefacts/{saliency['artefact_id']}")
    assert picture.content.startswith(b"\x89PNG")
    content = {
        "verdicts": {f["id"]: {"verdict": "accept"} for f in findings},
        "annotations": [],
        "impression": "As the model says.",
    }
    version = leased.json()["reading"]["version"]
    saved = reader.send(
        "PUT",
        f"{item}/reading",
        json={"content": content},
        headers={"If-Match": f'"{version}"'},
    )
    assert saved.status_code == 200, saved.text
    signed = reader.send(
        "POST",
        f"{item}/sign",
        json={"content": content},
        headers={"If-Match": saved.headers["ETag"]},
    )
    assert signed.status_code == 200, signed.text
    assert signed.json()["reading"]["state"] == "signed"


def _was_told_without_a_gap(
    page: dict[str, Any], watch: Watch, row: dict[str, Any]
) -> None:
    site = row["site"]["id"]
    numbers = [e["seq"] for e in watch.events if e["site"] == site]
    first = page["seq"][site] + 1
    assert numbers == list(range(first, first + len(numbers)))
    assert watch.others == []
    mine = [e for e in watch.events if e["id"] == row["id"]]
    states = [e["item"]["ai"]["state"] for e in mine if e["item"]]
    assert states[-1] == "done"
    assert mine[-1]["item"] is None, "signed: it left the list"


def _is_back_in_the_archive(facts, reader: Person, film: Film) -> None:
    deadline = time.monotonic() + PATIENCE_S
    reports: list[pydicom.Dataset] = []
    while len(reports) < 2 and time.monotonic() < deadline:
        time.sleep(1)
        reports = reports_of(facts, film.study_uid)
    assert [r.VerificationFlag for r in reports] == ["UNVERIFIED", "VERIFIED"]
    first, second = reports
    [study] = second.PredecessorDocumentsSequence
    [series] = study.ReferencedSeriesSequence
    [sop] = series.ReferencedSOPSequence
    assert sop.ReferencedSOPInstanceUID == first.SOPInstanceUID
    # Stable again, taken again, and nothing was started by it.
    time.sleep(6)
    assert run_count(facts, film.study_uid) == 1
    assert reader.row_of(film.patient_id) is None, "nothing to read again"


# --- faults


def test_a_flushed_queue_loses_nothing(stack, facts, reader, tmp_path):
    film = wrap_film(nth=41)
    broker = redis.Redis.from_url(facts["REDIS_URL"])
    store(stack, film, tmp_path)
    deadline = time.monotonic() + 12
    while time.monotonic() < deadline and reader.row_of(film.patient_id) is None:
        broker.flushall()
        time.sleep(0.1)
    broker.flushall()
    row = reader.wait_for(film.patient_id, lambda r: r["ai"]["state"] == "done")
    assert row["ai"]["label"] == "Pneumonia"
    assert run_count(facts, film.study_uid) == 1


def test_a_killed_worker_loses_nothing(stack, facts, reader, tmp_path):
    record = stack.state / "run" / "worker-gpu.pid.json"
    if not record.exists():
        pytest.skip("the supervisor does not say which process the gpu worker is")
    film = wrap_film(nth=42)
    store(stack, film, tmp_path)
    reader.wait_for(film.patient_id, lambda r: r["ai"]["state"] in {"running", "done"})
    os.kill(json.loads(record.read_text())["pid"], signal.SIGKILL)
    row = reader.wait_for(film.patient_id, lambda r: r["ai"]["state"] == "done")
    assert row["ai"]["label"] == "Pneumonia"
    assert run_count(facts, film.study_uid) == 1

"""A real prostate MR at the running stack, read by an imported model of three series.

As `test_story_series` has it in one process, here with everything as it runs: the
import by `manage.py models add`, C-STORE, the queue, a worker, the archive.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np
import pydicom
import pytest
from pydicom.uid import generate_uid

from tests.benchmarks.harness import Stack
from tests.faults.running import Running, wait_until
from tests.person import Person
from tests.story.test_story_series import (
    BIAS,
    CARD,
    PROSTATE,
    WEIGHTS,
    expected,
    files_by_series,
)
from tests.workers.inference.test_channels import graph

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

pytestmark = [
    pytest.mark.stack,
    pytest.mark.real_data,
    pytest.mark.skipif(not PROSTATE.exists(), reason=f"no real data: {PROSTATE}"),
]
ROOT = Path(__file__).parents[2]
SITE = "southgate"
ADC = "ep2d_diff_tra_DYNDIST_ADC"
WITHIN_S = 400.0
EXPORTED = """
    SELECT e.kind, e.state, e.problems FROM reports_exportedobject e
    JOIN studies_study s ON s.id = e.study_id WHERE s.study_uid = %s ORDER BY e.kind
"""


@pytest.fixture(scope="module")
def running() -> Running:
    if "OVERREAD_STACK_URL" not in os.environ:
        pytest.skip("needs the running stack (script/test starts one)")
    return Running(Stack.from_environment())


def models(running: Running, *words: str) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "models", *words],
        cwd=ROOT,
        env={**os.environ, **running.env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-600:]


@pytest.fixture
def model(running: Running, tmp_path: Path) -> Iterator[str]:
    """The model, live at one site for the length of a test."""
    version = uuid4().hex[:8]
    source, card = tmp_path / "sum.onnx", tmp_path / "card.json"
    source.write_bytes(graph(tuple(WEIGHTS.values()), BIAS))
    card.write_text(json.dumps(CARD | {"version": version}))
    models(running, "add", str(source), "--card", str(card))
    models(running, "activate", CARD["name"], version, "--site", SITE)
    yield version
    models(running, "withdraw", CARD["name"], version, "--reason", "the test is over")


class Copied:
    """A copy of the study: of another patient, under other UIDs.

    Attributes:
        patient: Its patient's name and ID.
        uid_of: New SOP Instance UID of each old one.
        series_of: New Series Instance UID of each series' description.
    """

    def __init__(self, folder: Path, *, without: Collection[str] = ()) -> None:
        self.patient = f"MR{uuid4().hex[:10].upper()}"
        self.study_uid = generate_uid()
        self.folder = folder
        self.uid_of: dict[str, str] = {}
        self.series_of: dict[str, str] = {}
        folder.mkdir()
        frame = generate_uid()
        renamed: dict[str, str] = {}
        for (description, _), paths in files_by_series().items():
            if description in without:
                continue
            for path in paths:
                image = pydicom.dcmread(path)
                new, old_series = generate_uid(), str(image.SeriesInstanceUID)
                series = renamed.setdefault(old_series, generate_uid())
                self.series_of[description] = series
                self.uid_of[str(image.SOPInstanceUID)] = new
                image.PatientName = image.PatientID = self.patient
                image.AccessionNumber = ""
                image.StudyInstanceUID = self.study_uid
                image.SeriesInstanceUID = series
                image.FrameOfReferenceUID = frame
                image.SOPInstanceUID = new
                image.file_meta.MediaStorageSOPInstanceUID = new
                image.save_as(folder / f"{len(self.uid_of):04}.dcm")

    def send(self, stack: Stack) -> None:
        subprocess.run(
            [
                *("storescu", "-R", "-xt", "-aec", SITE.upper(), stack.dicom_host),
                *(str(stack.dicom_port), "+sd", str(self.folder)),
            ],
            check=True,
            env={**os.environ, "TCP_NODELAY": "1"},
        )


@pytest.fixture
def reader(running: Running) -> Iterator[Person]:
    person = Person(running.stack, SITE)
    yield person
    person.http.close()


def wait_ai(reader: Person, copied: Copied, state: str) -> dict[str, Any]:
    """Wait until the list says of a study that the AI is in a state; return its row."""
    found: list[dict[str, Any]] = []

    def is_there() -> bool:
        row = reader.row_of(copied.patient)
        found[:] = [] if row is None else [row]
        return bool(found) and found[0]["ai"]["state"] == state

    wait_until(is_there, lambda: f"the list has {found}", within_s=WITHIN_S)
    return found[0]


def test_a_prostate_of_three_series_is_read_and_one_without_its_adc_is_not(
    running, reader, model, tmp_path
):
    whole = Copied(tmp_path / "whole")
    lacking = Copied(tmp_path / "lacking", without={ADC})
    whole.send(running.stack)
    lacking.send(running.stack)

    refused = wait_ai(reader, lacking, "rejected")
    assert "needs ADC, which this study lacks; it has" in refused["ai"]["reason"]

    row = wait_ai(reader, whole, "done")
    item = f"worklist/items/{row['id']}"
    reader.send("POST", f"{item}/lease").raise_for_status()
    (said,) = reader.get(f"{item}/ai")["runs"]
    assert said["model"]["version"] == model
    words = {check["name"]: check["words"] for check in said["quality"]["checks"]}
    assert words["inputs"] == "T2 is series 4; ADC is series 9; DWI is series 8, b 800"
    (finding,) = said["findings"]
    mask = finding["mask"]
    odds, uids = expected()
    assert mask["series_uid"] == whole.series_of["t2_tse_tra"]
    assert mask["sop_uids"] == [whole.uid_of[uid] for uid in uids]
    body = reader.send("GET", f"{item}/artefacts/{mask['artefact_id']}").content
    raw = gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
    marked = np.frombuffer(raw, np.uint8).reshape(odds.shape)
    clear = np.abs(odds) > 1e-2
    np.testing.assert_array_equal(marked[clear], (odds > 0)[clear])

    def exported() -> list[Any]:
        return running.rows(EXPORTED, whole.study_uid)

    stored = [("ai_result", "stored", ""), ("segmentation", "stored", "")]
    wait_until(lambda: exported() == stored, lambda: str(exported()), within_s=WITHIN_S)
    told = [("ai_result", "stored", "")]
    wait_until(
        lambda: running.rows(EXPORTED, lacking.study_uid) == told,
        lambda: str(running.rows(EXPORTED, lacking.study_uid)),
        within_s=WITHIN_S,
    )

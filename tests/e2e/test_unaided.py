"""Reading unaided: nothing of the AI reaches the reader before the commit.

Everything that the portal sends to a real browser, from the login to the commit, is
kept: every answer's headers and body, every frame of the socket. What the AI said is
asked of the database, and none of it may be there. After the commit it all is.
"""

from __future__ import annotations

import base64
import json
import re
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg
import pytest
from playwright.sync_api import Error, expect
from pydicom.uid import generate_uid

from tests.e2e.conftest import FILMS, Reader, film, send
from tests.factories.dicom import make_dx, to_bytes
from tests.person import Person

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

    from tests.benchmarks.harness import Stack

pytestmark = [
    pytest.mark.stack,
    pytest.mark.browser,
    pytest.mark.real_data,
    pytest.mark.skipif(not FILMS.exists(), reason="../shared/data is not here"),
]
CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
SR = "1.2.840.10008.5.1.4.1.1.88.33"
PATIENCE_S = 180
THEIRS = "QZXRIVALAI"


class Tap:
    """All that a browser was sent: (address, text) of answers and socket frames."""

    def __init__(self, page: Page) -> None:
        self.heard: list[tuple[str, str]] = []
        self._heads: dict[str, tuple[str, str]] = {}
        self._ended: list[str] = []
        self._wire = page.context.new_cdp_session(page)
        self._wire.on("Network.responseReceived", self._head)
        self._wire.on(
            "Network.loadingFinished", lambda e: self._ended.append(e["requestId"])
        )
        self._wire.on("Network.webSocketFrameReceived", self._frame)
        self._wire.send(
            "Network.enable",
            {"maxTotalBufferSize": 10**9, "maxResourceBufferSize": 10**8},
        )

    def _head(self, event: dict[str, Any]) -> None:
        answer = event["response"]
        head = "\n".join(
            f"{name}: {value}" for name, value in answer["headers"].items()
        )
        self._heads[event["requestId"]] = (answer["url"], head)

    def _frame(self, event: dict[str, Any]) -> None:
        self.heard.append(("/ws/", event["response"]["payloadData"]))

    def drain(self) -> int:
        """Fetch the bodies that came since the last time; return how much was heard."""
        ended, self._ended = self._ended, []
        for request in ended:
            if request not in self._heads:
                continue
            address, head = self._heads[request]
            try:
                body = self._wire.send(
                    "Network.getResponseBody", {"requestId": request}
                )
            except Error:
                # Chromium keeps no body of what a script left unread or a page
                # before this one asked for; pixels may be that, answers may not.
                assert "/api/" not in address, address
                continue
            text = body["body"]
            if body["base64Encoded"]:
                text = base64.b64decode(text).decode("utf-8", errors="replace")
            self.heard.append((address, f"{head}\n\n{text}"))
        return len(self.heard)

    def where(self, token: str) -> list[str]:
        return [address for address, text in self.heard if token in text]

    def about(self, keys: list[str]) -> Iterator[tuple[str, str]]:
        """What was said of one study: its part of each answer, else the whole."""
        for address, text in self.heard:
            try:
                tree = json.loads(text.partition("\n\n")[2] or text)
            except ValueError:
                if any(key in text for key in keys):
                    yield address, text
                continue
            for part in _parts(tree, keys):
                yield address, json.dumps(part)


def _parts(tree: Any, keys: list[str]) -> Iterator[Any]:
    """The rows of a list that name the study; of anything else, the whole."""
    if isinstance(tree, dict) and isinstance(tree.get("items"), list):
        rest = {name: value for name, value in tree.items() if name != "items"}
        yield from (row for row in [*tree["items"], rest] if _names(row, keys))
    elif isinstance(tree, dict) and isinstance(tree.get("events"), list):
        yield from (event for event in tree["events"] if _names(event, keys))
    elif _names(tree, keys):
        yield tree


def _names(part: Any, keys: list[str]) -> bool:
    text = json.dumps(part)
    return any(key in text for key in keys)


@dataclass(frozen=True)
class Secret:
    """What the AI said of a study, as the database has it."""

    study_id: str
    study_uid: str
    ids: list[str]
    words: list[str]


def _query(stack: Stack, query: str, *values: object) -> list[tuple[Any, ...]]:
    lines = (stack.state / "env").read_text().splitlines()
    pairs = dict(
        line.split("=", 1) for line in lines if line.startswith("DATABASE_URL")
    )
    with psycopg.connect(pairs["DATABASE_URL"].strip("'\"")) as connection:
        return connection.execute(query, values).fetchall()


def _wait_for_secret(stack: Stack, patient: str) -> Secret:
    """Wait until the AI has answered and its objects are in the archive."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        found = _query(
            stack,
            """
            SELECT s.id, s.study_uid, f.id, n.id, f.saliency_id, f.tracking_uid,
                   f.probability, f.raw_score, f.label_code, f.label_display, m.name
            FROM inference_finding f
            JOIN inference_inferencerun n ON n.id = f.run_id
            JOIN inference_modelversion m ON m.id = n.model_version_id
            JOIN studies_studyrevision r ON r.id = n.revision_id
            JOIN studies_study s ON s.id = r.study_id
            JOIN studies_patient p ON p.id = s.patient_id
            WHERE p.name = %s
            """,
            patient,
        )
        sent = _query(
            stack,
            """
            SELECT e.sop_uid FROM reports_exportedobject e
            JOIN studies_study s ON s.id = e.study_id
            JOIN studies_patient p ON p.id = s.patient_id
            WHERE p.name = %s AND e.state = 'stored'
            """,
            patient,
        )
        if found and len(sent) >= 2:  # the report and the saliency map
            return _secret(found, [row[0] for row in sent])
        time.sleep(1)
    raise AssertionError("the AI never answered")


def _secret(found: list[tuple[Any, ...]], sop_uids: list[str]) -> Secret:
    ids, words = set(sop_uids), set()
    for row in found:
        ids.update(str(value) for value in row[2:6] if value is not None)
        words.update(str(value) for value in row[6:8])  # the scores, to the last digit
        words.update(row[8:11])
    return Secret(
        study_id=str(found[0][0]),
        study_uid=found[0][1],
        ids=sorted(ids),
        words=sorted(words),
    )


def _send_study(stack: Stack) -> tuple[str, list[str]]:
    """Send a film with another vendor's report and boxes drawn in; name and UIDs."""
    name = f"E2E{uuid4().hex[:9].upper()}"
    study_uid = generate_uid()
    image = make_dx(
        film(), patient_name=name, patient_id=name, age="004Y", study_uid=study_uid
    )
    capture, report = (
        make_dx(
            film(),
            patient_name=name,
            patient_id=name,
            age="004Y",
            study_uid=study_uid,
        )
        for _ in range(2)
    )
    capture.SOPClassUID = capture.file_meta.MediaStorageSOPClassUID = CAPTURE
    report.SOPClassUID = report.file_meta.MediaStorageSOPClassUID = SR
    del report.PixelData
    report.Modality = "SR"
    for rival in (capture, report):
        rival.SeriesDescription = rival.Manufacturer = THEIRS
        rival.SeriesNumber = 77
    with tempfile.TemporaryDirectory() as folder:
        for number, dataset in enumerate((image, capture, report)):
            Path(folder, f"{number}.dcm").write_bytes(to_bytes(dataset))
        send(stack, Path(folder))
    theirs = [d.SeriesInstanceUID for d in (capture, report)]
    theirs += [d.SOPInstanceUID for d in (capture, report)]
    return name, [*theirs, THEIRS]


@contextmanager
def _blinded(stack: Stack, modality: str = "DX") -> Iterator[None]:
    """Have studies of the first site read unaided, as its admin sets it."""
    admin = Person(stack, "admin")
    listed = admin.get("protocols")["items"]
    site = next(p["site"]["id"] for p in listed if "North" in p["site"]["name"])
    made = admin.send(
        "POST",
        "protocols",
        json={
            "site": site,
            "modality": modality,
            "display_mode": "after_commit",
            "reason": "a browser test",
        },
    )
    assert made.status_code == 201, made.text
    try:
        yield
    finally:
        admin.send("DELETE", f"protocols/{made.json()['id']}").raise_for_status()


@pytest.fixture(scope="module")
def study(stack) -> Iterator[tuple[str, list[str], Secret]]:
    with _blinded(stack):
        name, theirs = _send_study(stack)
        yield name, theirs, _wait_for_secret(stack, name)


def _assert_silent(tap: Tap, secret: Secret, theirs: list[str], name: str) -> None:
    for token in [*secret.ids, *theirs]:
        assert tap.where(token) == [], token
    keys = [name, secret.study_id, secret.study_uid]
    said = list(tap.about(keys))
    assert said, "nothing at all was heard of the study"
    moved = ['"band_source": "ai"', '"band": "STAT"', '"band": "PRIORITY"']
    for address, text in said:
        for word in [*secret.words, *moved]:
            assert word not in text, (address, word)


def test_nothing_of_the_ai_is_sent_before_the_commit(study, new_reader):
    name, theirs, secret = study
    reader = new_reader()
    tap = Tap(reader.page)
    _read_unaided(reader, name)
    heard_before = tap.drain()
    _assert_silent(tap, secret, theirs, name)
    assert any("/ws/" in address for address, _ in tap.heard), "no socket was heard"

    _press(reader, "Control+Enter")
    expect(reader.page.get_by_text("Your read against AI")).to_be_visible()
    expect(reader.page.get_by_text("AI only")).to_be_visible()
    expect(reader.page.get_by_role("button", name=re.compile("Accept"))).to_be_visible()
    reader.picture("revealed-room")
    tap.drain()
    tap.heard = tap.heard[heard_before:]
    answers = [
        text.partition("\n\n")[2]
        for address, text in tap.heard
        if address.endswith("/ai")
    ]
    runs = [run for answer in answers for run in json.loads(answer)["runs"]]
    shown = {finding["id"] for run in runs for finding in run["findings"]}
    assert shown, "the commit revealed nothing"
    assert shown <= set(secret.ids)
    assert tap.where(THEIRS), "another vendor's objects are listed now"
    _sign(reader)
    _assert_stages(reader, secret)
    assert reader.errors == []


def _press(reader: Reader, stroke: str) -> None:
    """Press a key with no field in focus."""
    reader.page.evaluate("document.activeElement.blur()")
    reader.page.keyboard.press(stroke)


def _read_unaided(reader: Reader, name: str) -> None:
    """Log in, look at the row and why it is there, open it, and write."""
    reader.login("radiologist")
    reader.find(name)
    row = reader.row(name)
    expect(row).to_contain_text("Hidden by the protocol")
    expect(row).to_contain_text("ROUTINE")
    row.click()
    reader.page.keyboard.press("w")  # why here?
    reader.page.wait_for_timeout(1500)
    reader.page.keyboard.press("Escape")
    reader.picture("unaided-worklist")
    row.dblclick()
    reader.page.wait_for_url(re.compile("/read/"))
    expect(reader.page.locator("canvas:not(.early-pixels)").first).to_be_visible()
    expect(reader.page.get_by_text("Unaided reading")).to_be_visible()
    expect(reader.page.get_by_text("AI result hidden")).to_be_visible()
    reader.page.wait_for_timeout(2500)
    assert reader.pane_pixels().std() > 20, "the film is not on the screen"
    for key in ("a", "h", "1", "2", "3", "Tab"):  # nothing to answer, nothing to show
        reader.page.keyboard.press(key)
    expect(reader.page.get_by_role("dialog")).to_have_count(0)
    words = reader.page.get_by_placeholder("What you conclude")
    words.fill("Consolidation on the right, I think.")
    expect(reader.page.get_by_text("All changes saved")).to_be_visible()
    reader.picture("unaided-room")
    reader.page.wait_for_timeout(6000)  # a tick of the socket, the row read again


def _sign(reader: Reader) -> None:
    """Agree with the AI, change the words, sign."""
    words = reader.page.get_by_placeholder("What you conclude")
    reader.page.keyboard.press("1")
    words.fill("Pneumonia, right lower lobe.")
    expect(reader.page.get_by_text("All changes saved")).to_be_visible()
    _press(reader, "Control+Enter")
    expect(reader.page.get_by_text("Your read against AI")).to_have_count(0)


def _assert_stages(reader: Reader, secret: Secret) -> None:
    """Each state was kept, with the words of its time."""
    stages = _query(
        reader.stack,
        """
        SELECT t.state, t.content->>'impression' FROM annotations_readingstage t
        JOIN annotations_reading g ON g.id = t.reading_id
        JOIN studies_studyrevision r ON r.id = g.revision_id
        WHERE r.study_id = %s ORDER BY t.at, t.created_at
        """,
        secret.study_id,
    )
    mine = "Consolidation on the right, I think."
    assert stages == [
        ("unaided", ""),
        ("committed", mine),
        ("revealed", mine),
        ("signed", "Pneumonia, right lower lobe."),
    ]


def test_dicomweb_says_nothing_to_an_unaided_reader(study, stack):
    """The same study by QIDO and WADO, for a reader who has committed nothing."""
    name, theirs, secret = study
    person = Person(stack, "radiologist2")
    base = f"{stack.url}/dicom-web"
    heard = []
    for path in (
        f"/studies?PatientName={name}",
        f"/studies/{secret.study_uid}/series",
        f"/studies/{secret.study_uid}/instances",
        f"/studies/{secret.study_uid}/metadata",
        f"/studies/{secret.study_uid}",
        f"/series?StudyInstanceUID={secret.study_uid}",
    ):
        answer = person.http.get(f"{base}{path}")
        assert answer.status_code == 200, (path, answer.text[:200])
        heard.append((path, answer.content.decode("latin-1")))
    for token in [*secret.ids, *theirs]:
        assert [path for path, text in heard if token in text] == [], token

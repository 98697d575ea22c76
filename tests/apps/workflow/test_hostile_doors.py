"""Uploads, STOW and searches by somebody who wants what is another site's."""

from __future__ import annotations

import io
import time

import pydicom
import pytest
from django.test import Client

from apps.accounts.types import SYSTEM
from apps.audit.models import AuditRecord
from apps.studies.models import ImportClaim, QuarantinedStudy, Study
from apps.workflow import flow
from apps.workflow.dicomweb import store
from apps.workflow.intake import Status, Via, door, take_file
from tests.apps.workflow.test_dicomweb import STOW, body_of, get, stow
from tests.apps.workflow.test_dicomweb_real import archive as real_archive
from tests.factories.domain import client_for, make_department, make_film

pytestmark = pytest.mark.django_db
__all__ = ["real_archive"]


@pytest.fixture(autouse=True)
def own_state(settings, tmp_path, monkeypatch):
    settings.STATE_DIR = tmp_path / "state"
    monkeypatch.setattr(door, "PAUSES_S", (0.0,))


@pytest.fixture
def south(department):
    return make_department("south")


def take(site, source):
    return take_file(actor=SYSTEM, site=site, source=source, name="x", via=Via.STOW)


def arrive(archive, content, called):
    archive.c_store(content, called=called)
    archive.settle()
    flow.take_arrivals()


def uid_of(content):
    return str(pydicom.dcmread(io.BytesIO(content)).StudyInstanceUID)


def with_second_uid(content, uid):
    """Name the study twice: readers differ in which of the two counts."""
    dataset = pydicom.dcmread(io.BytesIO(content))
    own = dataset.StudyInstanceUID.encode()
    own += b"\0" * (len(own) % 2)
    element = b"\x20\x00\x0d\x00UI" + len(own).to_bytes(2, "little") + own
    other = uid.encode() + b"\0" * (len(uid) % 2)
    twin = b"\x20\x00\x0d\x00UI" + len(other).to_bytes(2, "little") + other
    assert content.count(element) == 1
    return content.replace(element, element + twin), content.replace(
        element, twin + element
    )


# --- into somebody else's study


def test_a_held_study_cannot_be_claimed_by_an_upload(
    department, south, archive, broker
):
    film = make_film()
    arrive(archive, film, called="NOBODY")
    assert QuarantinedStudy.objects.get().state == "held"
    outcome = take(south.site, film)
    assert (outcome.status, outcome.study_uid) == (Status.REFUSED, uid_of(film))
    assert not ImportClaim.objects.exists()
    flow.reconcile()
    assert not Study.objects.exists()


def test_a_study_that_is_just_arriving_cannot_be_claimed_by_another_site(
    department, south, archive, broker
):
    film = make_film()
    archive.c_store(film, called="NORTH")
    assert take(south.site, film).status == Status.REFUSED
    assert take(department.site, film).status == Status.ALREADY
    archive.settle()
    flow.take_arrivals()
    assert Study.objects.get().site == department.site


def test_a_claim_and_the_modality_that_agree_are_one_study(department, archive, broker):
    film = make_film()
    assert take(department.site, film).status == Status.STORED
    arrive(archive, film, called="NORTH")
    assert Study.objects.get().site == department.site
    assert not QuarantinedStudy.objects.exists()


@pytest.mark.parametrize("which", [0, 1])
def test_a_file_with_two_study_uids_reaches_no_other_sites_study(
    department, south, real_archive, broker, which
):
    """Orthanc takes the first of the two, our reader the last."""
    theirs = make_film()
    assert take(department.site, theirs).status == Status.STORED
    outcome = take(south.site, with_second_uid(make_film(), uid_of(theirs))[which])
    assert outcome.status == Status.REFUSED
    assert real_archive.statistics().instances == 1


def test_a_file_that_changes_after_it_was_looked_at(
    department, south, archive, broker, tmp_path, monkeypatch
):
    theirs = make_film()
    arrive(archive, theirs, called="NORTH")
    path = tmp_path / "IM1"
    path.write_bytes(make_film())
    more = make_film(study_uid=uid_of(theirs))
    claim = door.claim_import

    def claimed(**named):
        path.write_bytes(more)
        return claim(**named)

    monkeypatch.setattr(door, "claim_import", claimed)
    outcome = take(south.site, path)
    assert outcome.status == Status.REFUSED
    assert [f.content for f in archive.files.values()] == [theirs]


def test_a_file_that_no_memory_holds_is_refused(
    department, archive, tmp_path, monkeypatch
):
    monkeypatch.setattr(door, "MAX_INSTANCE_BYTES", 1000)
    path = tmp_path / "IM1"
    path.write_bytes(make_film())
    outcome = take(department.site, path)
    assert outcome.status == Status.REFUSED
    assert "larger" in outcome.reason
    assert not archive.files


# --- requests that cost too much


def test_a_part_without_an_end_of_line_is_not_gathered_in_memory(
    department, archive, broker
):
    class Endless:
        """A body that goes on for ever; says how much of it was read."""

        n = 0

        def read(self, size):
            self.n += 1
            begin = b"--x" if self.n == 1 else b""
            return (begin + b"a" * size)[:size]

    body = Endless()
    parts = store.read_parts(body, boundary=b"x", folder=None)
    assert list(parts) == []
    assert body.n < 4


@pytest.mark.parametrize(
    "query",
    [
        "series?SeriesDescription=" + "*a" * 30 + "b",
        "series?SeriesDescription=" + "%3F*" * 15 + "b",
        "studies?PatientName=" + "*a" * 30 + "b",
        "studies?StudyDescription=" + "*?" * 15,
        "studies?PatientID=" + "*" * 3999,
    ],
)
def test_a_pattern_costs_no_more_than_its_length(department, archive, broker, query):
    text = "a" * 60
    film = make_film(
        SeriesDescription=text, StudyDescription=text, PatientName=text, PatientID=text
    )
    arrive(archive, film, called="NORTH")
    begin = time.monotonic()
    get(client_for(department.reader), f"/{query}")
    assert time.monotonic() - begin < 2


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ("*", True),
        ("head*", True),
        ("HEAD*axial", True),
        ("*ax?al", True),
        ("head?axial", True),
        ("head", False),
        ("*sagittal", False),
        ("h*d*x*l", True),
        ("head axial?", False),
        ("[h]ead*", False),
        ("head.axial", False),
    ],
)
def test_what_a_pattern_means(department, archive, broker, pattern, matches):
    film = make_film(SeriesDescription="Head axial", StudyDescription="Head axial")
    arrive(archive, film, called="NORTH")
    reader = client_for(department.reader)
    for path in ("series?SeriesDescription=", "studies?StudyDescription="):
        found = get(reader, f"/{path}{pattern.replace('?', '%3F')}").json()
        assert len(found) == matches, path


def test_a_frame_is_sent_once_a_request(department, archive, broker):
    film = make_film()
    arrive(archive, film, called="NORTH")
    d = pydicom.dcmread(io.BytesIO(film))
    one = (
        f"/studies/{d.StudyInstanceUID}/series/{d.SeriesInstanceUID}"
        f"/instances/{d.SOPInstanceUID}"
    )
    reader = client_for(department.reader)
    get(reader, f"{one}/frames/1")
    get(reader, f"{one}/frames/1,1", status=404)


def test_a_pattern_has_few_wildcards(department, archive, broker):
    reader = client_for(department.reader)
    get(reader, "/studies?PatientName=" + "a*" * 33, status=400)
    get(reader, "/studies?PatientName=a" + "*" * 3000)


def test_a_number_is_looked_for_within_a_study_only(department, archive, broker):
    film = make_film()
    arrive(archive, film, called="NORTH")
    reader = client_for(department.reader)
    uid = uid_of(film)
    assert len(get(reader, f"/studies/{uid}/instances?InstanceNumber=1").json()) == 1
    get(reader, "/instances?InstanceNumber=1", status=400)


@pytest.mark.parametrize(
    "path",
    [
        "/dicom-web/studies/1%00",
        "/dicom-web/studies/1%00/series/2%00/instances/3%00/frames/1",
        "/dicom-web/studies?StudyInstanceUID=%00",
        "/dicom-web/studies?%00=1",
    ],
)
def test_a_nul_is_no_address(department, path):
    client = client_for(department.reader)
    client.raise_request_exception = False
    assert client.get(path).status_code in {200, 400, 404}


def test_a_nul_is_no_site(department, archive, broker):
    client = client_for(department.reader)
    client.raise_request_exception = False
    body = body_of(make_film())
    path = "/dicom-web/studies?site=%00"
    assert client.post(path, data=body, content_type=STOW).status_code == 404


def test_a_nul_is_no_status_of_a_file(department, archive, broker):
    client = client_for(department.reader)
    client.raise_request_exception = False
    body = {"site": str(department.site.id)}
    made = client.post("/api/intakes", body, content_type="application/json").json()
    path = f"/api/intakes/{made['id']}?status=%00"
    assert client.get(path).status_code in {200, 400}
    for cursor in ("9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "%00"):
        path = f"/api/intakes?cursor={cursor}_{made['id']}"
        assert client.get(path).status_code in {200, 400}, cursor


# --- cookie and token


def test_a_session_stores_with_the_token_of_its_page_only(department, archive, broker):
    client = Client(enforce_csrf_checks=True)
    client.force_login(department.reader)
    given = client.get("/api/session").json()["csrf_token"]
    body = body_of(make_film())
    path = "/dicom-web/studies"
    assert client.post(path, data=body, content_type=STOW).status_code == 403
    assert not archive.files
    answer = client.post(
        path, data=body, content_type=STOW, headers={"X-CSRFToken": given}
    )
    assert answer.status_code == 200, answer.content
    assert AuditRecord.objects.filter(event="dicomweb:store").count() == 1


def test_stow_makes_no_claim_for_a_site_of_others(department, south, archive, broker):
    client = client_for(department.reader)
    path = "/dicom-web/studies?site=south"
    answer = client.post(path, data=body_of(make_film()), content_type=STOW)
    assert answer.status_code == 404
    assert not archive.files
    stow(client, make_film())

"""DICOMweb: stored, found and had again, by those who may and by nobody else."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from datetime import timedelta

import pydicom
import pytest
from django.core.management import call_command

from apps.accounts.models import ApiToken, Role
from apps.accounts.tokens import Scope, create_token
from apps.audit.models import AuditRecord
from apps.core import clock
from apps.studies.models import Study
from apps.workflow.dicomweb import store
from apps.workflow.intake import door
from apps.workflow.models import Intake, IntakeFile
from tests.factories.domain import (
    actor_for,
    client_for,
    make_ct,
    make_department,
    make_film,
)

pytestmark = pytest.mark.django_db
B = "0123456789abcdef"
STOW = f'multipart/related; type="application/dicom"; boundary={B}'


@pytest.fixture(autouse=True)
def own_state(settings, tmp_path, monkeypatch):
    settings.STATE_DIR = tmp_path / "state"
    monkeypatch.setattr(door, "PAUSES_S", (0.0,))


def body_of(*files, media="application/dicom", end=True):
    parts = [
        f"\r\n--{B}\r\nContent-Type: {media}\r\n\r\n".encode() + content
        for content in files
    ]
    whole = b"".join(parts).removeprefix(b"\r\n")
    return whole + (f"\r\n--{B}--\r\n".encode() if end else b"")


@dataclass(frozen=True)
class Got:
    """An answer, read to its end."""

    headers: dict[str, str]
    content: bytes

    def __getitem__(self, name):
        return self.headers[name]

    def json(self):
        return json.loads(self.content)


def stow(client, *files, path="/dicom-web/studies", status=200, **more):
    answer = client.post(
        path, data=body_of(*files, **more), content_type=STOW, headers={}
    )
    assert answer.status_code == status, answer.content
    return pydicom.Dataset.from_json(answer.content.decode())


def get(client, path, status=200, accept="*/*", **headers):
    answer = client.get(f"/dicom-web{path}", headers={"Accept": accept, **headers})
    content = answer.getvalue() if answer.streaming else answer.content
    assert answer.status_code == status, content[:500]
    return Got(answer.headers, content)


def parts_of(answer):
    kind = answer["Content-Type"]
    boundary = kind.rpartition("boundary=")[2].encode()
    every = (b"\r\n" + answer.content).split(b"\r\n--" + boundary)
    assert every[0] == b""
    assert every[-1].startswith(b"--")
    return [part.partition(b"\r\n\r\n")[2] for part in every[1:-1]]


@pytest.fixture
def reader(department, archive, broker):
    return client_for(department.reader)


def read(content):
    return pydicom.dcmread(io.BytesIO(content))


def test_a_series_goes_in_and_comes_out(reader):
    files = make_ct(n=3)
    told = stow(reader, *files)
    assert len(told.ReferencedSOPSequence) == 3
    assert "FailedSOPSequence" not in told
    first = read(files[0])
    study = f"/studies/{first.StudyInstanceUID}"
    series = f"{study}/series/{first.SeriesInstanceUID}"
    assert told.RetrieveURL == f"http://testserver/dicom-web{study}"

    [found] = get(reader, "/studies").json()
    assert found["0020000D"]["Value"] == [first.StudyInstanceUID]
    assert found["00201208"]["Value"] == [3]
    [found] = get(reader, f"{study}/series").json()
    assert found["00080060"]["Value"] == ["CT"]
    found = get(reader, f"{series}/instances").json()
    uids = {read(f).SOPInstanceUID for f in files}
    assert {row["00080018"]["Value"][0] for row in found} == uids
    assert found[0]["00280010"]["Value"] == [first.Rows]

    for path in (study, series):
        assert sorted(parts_of(get(reader, path))) == sorted(files)
    one = f"{series}/instances/{first.SOPInstanceUID}"
    assert parts_of(get(reader, one)) == [files[0]]
    alone = get(reader, one, accept="application/dicom")
    assert (alone["Content-Type"], alone.content) == ("application/dicom", files[0])

    [frame] = parts_of(get(reader, f"{one}/frames/1"))
    assert frame == first.PixelData
    get(reader, f"{one}/frames/2", status=404)
    get(reader, f"{one}/frames/0", status=404)
    [header] = get(reader, f"{one}/metadata").json()
    uri = header["7FE00010"]["BulkDataURI"]
    assert uri == f"http://testserver/dicom-web{one}/bulk/7FE00010"
    [value] = parts_of(get(reader, uri.partition("/dicom-web")[2]))
    assert value == first.PixelData
    assert len(get(reader, f"{study}/metadata").json()) == 3
    picture = get(reader, f"{one}/rendered", accept="image/png")
    assert picture.content.startswith(b"\x89PNG")
    assert get(reader, f"{one}/frames/1/rendered").content.startswith(b"\xff\xd8")
    get(reader, one, status=406, accept="text/html")
    get(
        reader,
        one,
        status=406,
        accept="application/dicom; transfer-syntax=1.2.840.10008.1.2.4.80",
    )
    events = set(AuditRecord.objects.values_list("event", flat=True))
    assert {"dicomweb:search", "dicomweb:read", "dicomweb:store"} <= events


def test_each_part_is_in_the_answer_and_in_the_report(reader, department):
    film = make_film()
    other = read(film)
    other.PatientComments = "Another."
    stream = io.BytesIO()
    other.save_as(stream)
    told = stow(reader, film, b"hello", stream.getvalue(), film, b"", status=202)
    assert len(told.ReferencedSOPSequence) == 2
    [failed] = told.FailedSOPSequence
    assert failed.ReferencedSOPInstanceUID == other.SOPInstanceUID
    assert failed.FailureReason == 0x0111
    assert failed.TextValue
    assert [f.FailureReason for f in told[0x0008119A].value] == [0xC000, 0xC000]
    [intake] = Intake.objects.all()
    assert (intake.via, intake.site) == ("stow", department.site)
    assert IntakeFile.objects.filter(intake=intake).count() == 5
    assert Study.objects.count() == 1


def test_what_is_refused_as_a_whole(reader, archive, monkeypatch):
    film = make_film()
    told = stow(reader, b"hello", status=409)
    assert "ReferencedSOPSequence" not in told
    told = stow(reader, film, path="/dicom-web/studies/1.2.3", status=409)
    assert told.FailedSOPSequence[0].FailureReason == 0xA900
    answer = reader.post(
        "/dicom-web/studies", data=film, content_type="application/dicom"
    )
    assert answer.status_code == 415
    told = stow(reader, film, make_film(), end=False, status=202)
    assert told[0x0008119A].value[0].FailureReason == 0xC000
    archive.down = True
    told = stow(reader, make_film(), make_film(), status=503)
    assert [f.FailureReason for f in told[0x0008119A].value] == [0xA700, 0xA700]
    archive.down = False
    monkeypatch.setattr(store, "CHUNK", 500)
    monkeypatch.setattr(store, "MAX_BYTES", 2000)
    told = stow(reader, make_film(), status=409)
    assert told[0x0008119A].value[0].FailureReason == 0xA700
    assert not list(store.spool_folder().rglob("*"))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50])
def test_parts_are_cut_the_same_however_the_body_comes(tmp_path, monkeypatch, size):
    monkeypatch.setattr(store, "CHUNK", size)
    files = [b"\r\n--", b"", b"\r\n--0123456789abcde" * 3, b"x" * 100 + b"\r\n"]
    stream = io.BytesIO(b"preamble\r\n" + body_of(*files))
    got = [
        (part.path.read_bytes(), part.media.name, part.problem)
        for part in store.read_parts(stream, boundary=B.encode(), folder=tmp_path)
    ]
    assert got == [(f, "application/dicom", "") for f in files]


def test_another_sites_study_is_as_if_absent(reader, department):
    stow(reader, *make_ct(n=1))
    study = Study.objects.get()
    south = client_for(make_department("south").reader)
    admin = client_for(department.person(Role.ADMIN))
    absent = "/studies/1.2.3.4"
    theirs = f"/studies/{study.study_uid}"
    for tail in ("", "/metadata", "/series", "/instances"):
        gone = get(south, theirs + tail, status=404).json()
        assert gone == get(south, absent + tail, status=404).json()
        get(admin, theirs + tail, status=403)
    for path in ("/studies", "/series", "/instances"):
        assert get(south, path).json() == []
        assert len(get(reader, path).json()) == 1
    study.deleted_at = clock.now()
    study.save()
    for tail in ("", "/metadata", "/series", "/instances"):
        get(reader, theirs + tail, status=404)
    assert get(reader, "/studies").json() == []


def test_search_words(reader):
    stow(
        reader,
        make_film(PatientName="Doe^Jane", StudyDate="20240102", AccessionNumber="A1"),
        make_film(PatientName="Roe^Richard", StudyDate="20250304"),
    )

    def names(query):
        rows = get(reader, f"/studies?{query}").json()
        return sorted(r["00100010"]["Value"][0]["Alphabetic"] for r in rows)

    both = ["Doe^Jane", "Roe^Richard"]
    assert names("") == both
    assert names("PatientName=doe*") == ["Doe^Jane"]
    assert names("PatientName=Doe%5EJane") == ["Doe^Jane"]
    assert names("PatientName=?oe*") == both
    assert names("00100010=Roe*") == ["Roe^Richard"]
    assert names("PatientName=(oe*") == []
    assert names("StudyDate=20240101-20241231") == ["Doe^Jane"]
    assert names("StudyDate=20250304") == ["Roe^Richard"]
    assert names("StudyDate=20240103-") == ["Roe^Richard"]
    assert names("AccessionNumber=A1") == ["Doe^Jane"]
    assert names("ModalitiesInStudy=DX") == both
    assert names("ModalitiesInStudy=CT") == []
    first, second = names("limit=1"), names("limit=1&offset=1")
    assert sorted(first + second) == both
    assert names("limit=5&offset=2") == []
    get(reader, "/studies?StudyDate=yesterday", status=400)
    get(reader, "/studies?limit=x", status=400)
    assert get(reader, "/studies?Nonsense=1")["Warning"].startswith("299")
    row = get(reader, "/instances?includefield=PatientAge&includefield=00101010").json()
    assert row[0]["00101010"]["Value"] == ["004Y"]


# --- tokens


def bearer(department, *scopes, person=None, days=1):
    actor = actor_for(person or department.reader)
    return create_token(actor=actor, name="x", scopes=scopes, days=days)


def test_tokens_over_rest(reader, department, client):
    body = {"name": "PACS", "scopes": ["read"], "days": 30}
    made = reader.post(
        "/api/tokens", data=json.dumps(body), content_type="application/json"
    )
    assert made.status_code == 201
    secret = made.json()["token"]
    assert secret not in str(list(ApiToken.objects.values()))
    [listed] = reader.get("/api/tokens").json()["items"]
    assert "token" not in listed
    assert secret.startswith(listed["hint"])
    good = {"Authorization": f"Bearer {secret}"}
    assert get(client, "/studies", **good).json() == []
    # Nowhere else, and not for storing.
    assert client.get("/api/worklist", headers=good).status_code == 401
    answer = client.post(
        "/dicom-web/studies", data=body_of(b"x"), content_type=STOW, headers=good
    )
    assert answer.status_code == 403
    other = client_for(department.person(Role.RADIOLOGIST, "other"))
    gone = other.delete(f"/api/tokens/{listed['id']}")
    assert gone.status_code == 404
    assert reader.delete(f"/api/tokens/{listed['id']}").status_code == 204
    get(client, "/studies", status=401, **good)
    # A bad token is refused even where a session would do.
    get(reader, "/studies", status=401, Authorization="Bearer ovr_nonsense")
    bad = {**body, "days": 366}
    refused = reader.post(
        "/api/tokens", data=json.dumps(bad), content_type="application/json"
    )
    assert refused.status_code == 400


def test_a_token_dies_with_its_time_its_owner_and_its_rights(
    department, client, archive, broker
):
    token, secret = bearer(department, Scope.READ, Scope.STORE)
    good = {"Authorization": f"Bearer {secret}"}
    answer = client.post(
        "/dicom-web/studies",
        data=body_of(make_film()),
        content_type=STOW,
        headers=good,
    )
    assert answer.status_code == 200
    assert len(get(client, "/studies", **good).json()) == 1
    ApiToken.objects.update(expires_at=clock.now() - timedelta(seconds=1))
    get(client, "/studies", status=401, **good)
    ApiToken.objects.update(expires_at=clock.now() + timedelta(days=1))
    department.reader.memberships.all().delete()
    assert get(client, "/studies", **good).json() == []
    uid = Study.objects.get().study_uid
    get(client, f"/studies/{uid}", status=404, **good)
    department.reader.is_active = False
    department.reader.save()
    get(client, "/studies", status=401, **good)
    assert ApiToken.objects.get(id=token.id).last_used_at is not None


def test_a_session_needs_csrf_to_store(department, archive, broker):
    from_browser = client_for(department.reader)
    from_browser.handler.enforce_csrf_checks = True
    answer = from_browser.post(
        "/dicom-web/studies", data=body_of(make_film()), content_type=STOW
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "csrf_failed")
    token = from_browser.get("/api/session").json()["csrf_token"]
    stored = from_browser.post(
        "/dicom-web/studies",
        data=body_of(make_film()),
        content_type=STOW,
        headers={"X-CSRFToken": token},
    )
    assert stored.status_code == 200, stored.content
    assert len(stored.json()["00081199"]["Value"]) == 1
    other = from_browser.post(
        "/dicom-web/studies",
        data={"csrfmiddlewaretoken": token},
        headers={"X-CSRFToken": token},
    )
    assert other.status_code == 415


def test_the_command_makes_a_token(department, client, capsys):
    call_command("create_token", department.reader.username, "--scope", "read")
    secret = capsys.readouterr().out.strip()
    good = {"Authorization": f"Bearer {secret}"}
    assert get(client, "/studies", **good).json() == []

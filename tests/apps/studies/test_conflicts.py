"""Other content under the same UIDs: held whole, shown, and decided by a person."""

from __future__ import annotations

import hashlib
import io
import os
import stat
from pathlib import Path

import pydicom
import pytest
from PIL import Image
from pydicom.uid import generate_uid

from apps.accounts.models import Role
from apps.accounts.types import SYSTEM
from apps.audit.models import AuditRecord
from apps.interop.dicom.headers import classify_bytes
from apps.studies import conflicts
from apps.studies.conflicts import hold_conflict, take_held_arrivals
from apps.studies.models import HeldFile, QuarantinedStudy, Study
from apps.studies.pixels import read_pack_file
from apps.workflow import flow
from apps.worklist.models import WorkItem
from tests.factories.domain import client_for, make_department, make_film, unchanged_by

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _state(settings, tmp_path):
    settings.STATE_DIR = tmp_path


@pytest.fixture
def admin(department):
    return client_for(department.person(Role.ADMIN))


def hold(department, data=b"other", study="1.2.3", sop="1.2.3.4"):
    return hold_conflict(
        actor=SYSTEM,
        site=department.site,
        data=data,
        study_uid=study,
        series_uid="1.2.3.1",
        sop_uid=sop,
        via="dicom",
    )


def changed(content, **attributes):
    """Return a file with the same UIDs that says something else."""
    dataset = pydicom.dcmread(io.BytesIO(content))
    for name, value in attributes.items():
        setattr(dataset, name, value)
    out = io.BytesIO()
    dataset.save_as(out)
    return out.getvalue()


def arrive(archive, *files, called="NORTH"):
    for file in files:
        archive.c_store(file, called=called)
    archive.settle()
    flow.take_arrivals()


def leave(tmp_path, content):
    """Do as the archive's plugin does."""
    folder = Path(tmp_path) / "held" / "arrivals"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{hashlib.sha256(content).hexdigest()}.dcm"
    path.write_bytes(content)
    return path


def decide(client, held, what, **body):
    return client.post(
        f"/api/quarantine/{held.id}/{what}",
        {"reason": "compared by eye", "confirm": True, **body},
        content_type="application/json",
    )


# --- held


def test_a_held_file_is_whole_private_and_held_once(department, tmp_path):
    first = hold(department)
    path = Path(tmp_path) / "held" / f"{hashlib.sha256(b'other').hexdigest()}.dcm"
    assert path.read_bytes() == b"other"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert unchanged_by(lambda: hold(department)) == first
    assert hold(department, b"third", sop="1.2.3.5") == first
    row = QuarantinedStudy.objects.get()
    assert (row.kind, row.state, row.n_images) == ("conflict", "held", 2)
    assert row.site == department.site
    assert HeldFile.objects.count() == 2
    assert AuditRecord.objects.filter(event="study:quarantine").count() == 1
    assert [p.suffix for p in path.parent.iterdir()] == [".dcm", ".dcm"]


def test_what_the_archive_kept_back_is_compared_and_held(
    department, archive, broker, tmp_path
):
    film = make_film()
    arrive(archive, film)
    same, other = leave(tmp_path, film), leave(tmp_path, changed(film, PatientSex="M"))
    bad = leave(tmp_path, b"no DICOM at all")
    assert take_held_arrivals() == 3
    assert not same.exists()
    assert not other.exists()
    assert bad.with_suffix(".unreadable").exists()
    held = QuarantinedStudy.objects.get()
    assert held.study == Study.objects.get()
    assert held.files.get().via == "dicom"
    assert Path(tmp_path, "held", f"{held.files.get().sha256}.dcm").exists()
    unchanged_by(flow.take_arrivals)


def test_what_the_archive_lacks_after_all_is_stored(
    department, archive, broker, tmp_path
):
    path = leave(tmp_path, make_film())
    take_held_arrivals()
    assert len(archive.files) == 1
    assert not path.exists()
    assert QuarantinedStudy.objects.count() == 0


def test_one_that_always_fails_stops_no_other(
    department, archive, broker, tmp_path, monkeypatch
):
    monkeypatch.setattr(conflicts, "AT_ONCE", 1)
    films = [make_film(), make_film()]
    poison, good = (leave(tmp_path, film) for film in films)
    os.utime(poison, (1, 1))
    monkeypatch.setattr(
        conflicts, "classify_bytes", lambda data: keep_or_fail(data, films[0])
    )
    assert take_held_arrivals() == 0
    assert poison.exists()
    assert take_held_arrivals() == 1
    assert not good.exists()


def keep_or_fail(data, poison):
    if data == poison:
        raise ValueError("nobody foresaw this")
    return classify_bytes(data)


# --- shown


def test_both_sides_are_shown_with_what_differs(
    department, archive, broker, tmp_path, admin
):
    film = make_film(PatientName="One^Anna")
    arrive(archive, film)
    leave(tmp_path, changed(film, PatientName="Two^Berta", StudyDescription="Hand"))
    flow.take_arrivals()
    [row] = admin.get("/api/quarantine").json()["items"]
    assert (row["kind"], row["n_images"]) == ("conflict", 1)
    assert "Anna" not in str(row)
    body = admin.get(f"/api/quarantine/{row['id']}").json()
    assert body["sides"]["there"]["summary"]["patient_name"] == "One, Anna"
    assert body["sides"]["arrived"]["summary"]["patient_name"] == "Two, Berta"
    [file] = body["files"]
    assert file["differs"] == ["StudyDescription", "PatientName"]
    assert file["same_pixels"] is True
    assert body["actions"] == ["keep", "accept"]
    for side in ("there", "arrived"):
        [sop] = body["sides"][side]["pictures"]
        url = f"/api/quarantine/{row['id']}/pictures/{side}/{sop}"
        answer = admin.get(url)
        assert answer.status_code == 200
        assert answer["Content-Type"] == "image/png"
        assert Image.open(io.BytesIO(answer.content)).format == "PNG"
        assert admin.get(url + "9").status_code == 404
    assert AuditRecord.objects.filter(event="quarantine:read").count() == 3


def test_another_sites_admin_sees_nothing_of_it(department, archive, broker, tmp_path):
    film = make_film()
    arrive(archive, film)
    leave(tmp_path, changed(film, PatientSex="M"))
    flow.take_arrivals()
    held = QuarantinedStudy.objects.get()
    south = make_department("south")
    boss = client_for(south.person(Role.ADMIN))
    assert boss.get("/api/quarantine").json()["items"] == []
    assert boss.get(f"/api/quarantine/{held.id}").status_code == 404
    assert decide(boss, held, "accept").status_code == 404
    reader = client_for(department.reader)
    assert reader.get(f"/api/quarantine/{held.id}").status_code == 403


# --- decided


def test_keeping_what_is_there_changes_nothing_and_stands(
    department, archive, broker, tmp_path, admin
):
    film = make_film()
    other = changed(film, PatientSex="M")
    arrive(archive, film)
    leave(tmp_path, other)
    flow.take_arrivals()
    held = QuarantinedStudy.objects.get()
    assert decide(admin, held, "keep", confirm=False).status_code == 400
    assert decide(admin, held, "keep", reason=" ").status_code == 400
    assert decide(admin, held, "keep").json()["state"] == "kept"
    assert decide(admin, held, "accept").status_code == 409
    assert admin.get("/api/quarantine").json()["items"] == []
    assert [f.content for f in archive.files.values()] == [film]
    leave(tmp_path, other)
    unchanged_by(flow.take_arrivals)
    assert AuditRecord.objects.filter(event="quarantine:keep").count() == 1


def test_accepting_the_other_makes_a_revision_and_loses_nothing(
    department, archive, broker, tmp_path, admin, django_capture_on_commit_callbacks
):
    film = make_film(PatientName="One^Anna")
    other = changed(film, PatientName="Two^Berta")
    arrive(archive, film)
    first = Study.objects.get().revisions.get()
    leave(tmp_path, other)
    flow.take_arrivals()
    held = QuarantinedStudy.objects.get()
    with django_capture_on_commit_callbacks(execute=True):
        assert decide(admin, held, "accept").status_code == 202
    [(_, kwargs)] = [m for m in broker.on("portal") if m[0] == "workflow.finish_accept"]
    assert kwargs == {"quarantine_id": str(held.id)}
    flow.finish_accept(quarantine_id=held.id)
    held.refresh_from_db()
    assert held.state == "accepted"
    study = Study.objects.select_related("patient").get()
    assert study.patient.name == "Two, Berta"
    assert study.revisions.count() == 2
    [stored] = archive.files.values()
    assert pydicom.dcmread(io.BytesIO(stored.content)).PatientName == "Two^Berta"
    states = WorkItem.objects.order_by("case__revision__number")
    assert [i.state for i in states] == ["cancelled", "open"]
    assert "newer revision" in states[0].cancelled_reason
    # The first revision is what it was: its file is kept for it.
    kept = first.instances.get()
    assert Path(tmp_path, "held", f"{kept.kept_sha256}.dcm").read_bytes() == film
    old = read_pack_file(revision=first, path="metadata/0.json").body
    new = study.revisions.get(number=2)
    assert b"One^Anna" in old
    assert b"Two^Berta" in read_pack_file(revision=new, path="metadata/0.json").body
    unchanged_by(lambda: flow.finish_accept(quarantine_id=held.id))
    unchanged_by(flow.reconcile)


def test_an_archive_that_fails_on_the_way_is_finished_by_the_sweep(
    department, archive, broker, tmp_path, admin, monkeypatch
):
    film = make_film()
    arrive(archive, film)
    leave(tmp_path, changed(film, PatientSex="M"))
    flow.take_arrivals()
    held = QuarantinedStudy.objects.get()
    decide(admin, held, "accept")
    real = archive.delete_instance

    def dies(orthanc_id):
        real(orthanc_id)
        archive.down = True

    monkeypatch.setattr(archive, "delete_instance", dies)
    with pytest.raises(Exception, match="does not answer"):
        flow.finish_accept(quarantine_id=held.id)
    monkeypatch.setattr(archive, "delete_instance", real)
    archive.down = False
    assert len(archive.files) == 0
    flow.sweep()
    held.refresh_from_db()
    assert held.state == "accepted"
    [stored] = archive.files.values()
    assert stored.dataset.PatientSex == "M"
    kept = Study.objects.get().revisions.get(number=1).instances.get()
    assert Path(tmp_path, "held", f"{kept.kept_sha256}.dcm").read_bytes() == film
    assert Study.objects.get().deleted_at is None


def test_another_patients_study_is_compared_and_may_be_accepted(
    department, archive, broker, admin
):
    uid = generate_uid()
    wrong = make_film(study_uid=uid, PatientID="WRONG", PatientName="No^One")
    right = make_film(study_uid=uid, PatientID="RIGHT", PatientName="Real^Name")
    arrive(archive, wrong)
    arrive(archive, right)
    held = QuarantinedStudy.objects.get()
    assert held.kind == "other_patient"
    body = admin.get(f"/api/quarantine/{held.id}").json()
    assert body["sides"]["there"]["summary"]["patient_id"] == "WRONG"
    assert body["sides"]["arrived"]["summary"]["patient_id"] == "RIGHT"
    assert decide(admin, held, "accept").status_code == 202
    flow.finish_accept(quarantine_id=held.id)
    study = Study.objects.select_related("patient").get()
    assert study.patient.patient_id == "RIGHT"
    assert study.revisions.count() == 2
    assert len(archive.files) == 2, "nothing was deleted"
    states = WorkItem.objects.order_by("case__revision__number")
    assert [i.state for i in states] == ["cancelled", "open"]
    assert admin.get("/api/quarantine").json()["items"] == []
    unchanged_by(flow.reconcile)
    arrive(archive, make_film(study_uid=uid, PatientID="WRONG"))
    assert QuarantinedStudy.objects.filter(state="held").count() == 1


def test_what_ai_said_is_on_no_side(department, archive, broker, admin):
    uid = generate_uid()
    arrive(archive, make_film(study_uid=uid, PatientID="WRONG"))
    arrive(archive, make_film(study_uid=uid, PatientID="RIGHT"))
    ours = {"Manufacturer": "Overread", "sop_uid": "2.25.77"}
    arrive(archive, make_film(study_uid=uid, PatientID="WRONG", **ours))
    held = QuarantinedStudy.objects.get()
    body = admin.get(f"/api/quarantine/{held.id}").json()
    assert "2.25.77" not in str(body)
    assert len(body["files"]) == 2
    there = f"/api/quarantine/{held.id}/pictures/there"
    assert admin.get(f"{there}/2.25.77").status_code == 404


def test_an_unknown_sites_study_tells_nobody_whose_it_is(
    department, archive, broker, admin
):
    arrive(archive, make_film(PatientName="Secret^Name"), called="ELSEWHERE")
    held = QuarantinedStudy.objects.get()
    body = admin.get(f"/api/quarantine/{held.id}").json()
    assert body["actions"] == ["assign"]
    assert body["sides"]["there"] is None
    assert "Secret" not in str(body)
    assert body["sides"]["arrived"]["pictures"] == []
    assert "no site" in body["sides"]["arrived"]["hidden_reason"]

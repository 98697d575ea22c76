"""What goes wrong on arrival, through a real Orthanc and real C-STOREs."""

from __future__ import annotations

import io
import os
import subprocess
import time
from pathlib import Path

import pydicom
import pytest
from pydicom.uid import generate_uid

from apps.accounts.models import Role
from apps.audit.models import AuditRecord
from apps.interop.orthanc import Archive, ArchiveUnavailable
from apps.studies import archive as archive_module
from apps.studies.held import arrivals_folder
from apps.studies.models import ArrivalCursor, QuarantinedStudy, Study
from apps.workflow import flow
from apps.worklist.models import WorkItem
from apps.worklist.services import lease_item
from tests.factories.domain import (
    actor_for,
    client_for,
    make_ct,
    make_film,
    unchanged_by,
)

pytestmark = pytest.mark.django_db
WAIT_S = 15.0
_NAMES = ("ORTHANC_URL", "ORTHANC_USER", "ORTHANC_PASSWORD")
_PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancPython.so")


@pytest.fixture
def archive(settings):
    """Give a real archive whose change list begins now; empty it in the end."""
    if any(name not in os.environ for name in (*_NAMES, "OVERREAD_DICOM_PORT")):
        pytest.skip("no Orthanc: ORTHANC_URL is not set (script/test sets it)")
    settings.STATE_DIR = os.environ["OVERREAD_STATE_DIR"]
    with Archive(*(os.environ[name] for name in _NAMES)) as real:
        try:
            real.ping()
        except ArchiveUnavailable:
            pytest.skip(f"no Orthanc at {os.environ['ORTHANC_URL']}")
        _empty(real)
        for name, value in zip(_NAMES, (os.environ[n] for n in _NAMES), strict=True):
            setattr(settings, name, value)
        archive_module.archive.cache_clear()
        ArrivalCursor.objects.create(seq=real.last_change_seq())
        yield real
        _empty(real)
    archive_module.archive.cache_clear()


def _empty(real):
    for study_id in list(real.all_study_ids()):
        real.delete_study(study_id)
    for path in arrivals_folder().glob("*"):
        path.unlink()


def send(tmp_path, *contents, called="NORTH"):
    """Send files by C-STORE as a modality would; return whether all were taken."""
    folder = tmp_path / generate_uid()[-12:]
    folder.mkdir()
    for number, content in enumerate(contents):
        (folder / f"{number}.dcm").write_bytes(content)
    call = ("storescu", "-R", "-aet", "XR1", "-aec", called, "127.0.0.1")
    done = subprocess.run(
        [*call, os.environ["OVERREAD_DICOM_PORT"], "+sd", str(folder)],
        env={**os.environ, "TCP_NODELAY": "1"},
        check=False,
    )
    return done.returncode == 0


def until(condition):
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        flow.take_arrivals()
        if condition():
            return
        time.sleep(0.2)
    pytest.fail("it did not happen")


def changed(content, **attributes):
    dataset = pydicom.dcmread(io.BytesIO(content))
    for name, value in attributes.items():
        setattr(dataset, name, value)
    out = io.BytesIO()
    dataset.save_as(out)
    return out.getvalue()


def states():
    items = WorkItem.objects.order_by("case__revision__number")
    return [(i.case.revision.number, i.state) for i in items]


@pytest.mark.skipif(not _PLUGIN.exists(), reason="orthanc-python is not installed")
def test_the_second_of_two_contents_is_neither_lost_nor_put_in_place(
    department, archive, broker, tmp_path
):
    film = make_film(PatientName="One^Anna")
    other = changed(film, PatientName="Two^Berta")
    assert send(tmp_path, film)
    assert send(tmp_path, film)
    assert send(tmp_path, other)
    assert send(tmp_path, other)
    until(lambda: QuarantinedStudy.objects.exists() and WorkItem.objects.exists())
    held = QuarantinedStudy.objects.get()
    assert held.files.count() == 1
    until(lambda: Study.objects.exists())
    flow.reconcile()
    client = client_for(department.person(Role.ADMIN))
    body = client.get(f"/api/quarantine/{held.id}").json()
    assert body["files"][0]["differs"] == ["PatientName"]
    assert body["sides"]["there"]["summary"]["patient_name"] == "One, Anna"
    assert body["sides"]["arrived"]["summary"]["patient_name"] == "Two, Berta"
    answer = client.post(
        f"/api/quarantine/{held.id}/accept",
        {"reason": "corrected at the console", "confirm": True},
        content_type="application/json",
    )
    assert answer.status_code == 202
    flow.finish_accept(quarantine_id=held.id)
    study = Study.objects.select_related("patient").get()
    assert study.patient.name == "Two, Berta"
    assert states() == [(1, "cancelled"), (2, "open")]
    # The first one again is other content by now, and is held in its turn.
    assert send(tmp_path, film)
    until(lambda: QuarantinedStudy.objects.filter(state="held").exists())
    assert states() == [(1, "cancelled"), (2, "open")]


def test_late_slices_make_a_revision_and_a_resend_nothing(
    department, archive, broker, tmp_path
):
    uid = generate_uid()
    slices = [changed(s, PatientID="LATE") for s in make_ct(n=6, study_uid=uid)]
    assert send(tmp_path, *slices[:4])
    until(lambda: states() == [(1, "open")])
    first = Study.objects.get().revisions.get(number=1)
    before = list(first.instances.order_by("id").values())
    assert send(tmp_path, *slices[4:])
    until(lambda: states() == [(1, "cancelled"), (2, "open")])
    assert "newer revision" in WorkItem.objects.get(state="cancelled").cancelled_reason
    assert list(first.instances.order_by("id").values()) == before
    first.refresh_from_db()
    assert first.n_images == 4
    assert send(tmp_path, *slices)
    time.sleep(3.5)
    flow.take_arrivals()
    flow.reconcile()
    assert states() == [(1, "cancelled"), (2, "open")]
    unchanged_by(flow.reconcile)


def test_a_deleted_study_is_a_tombstone_until_it_is_sent_again(
    department, archive, broker, tmp_path
):
    film, other = make_film(PatientID="GONE"), make_film(PatientID="STAYS")
    assert send(tmp_path, film, other)
    until(lambda: WorkItem.objects.count() == 2)
    study = Study.objects.get(patient__patient_id="GONE")
    item = WorkItem.objects.get(case__revision__study=study)
    reader = actor_for(department.reader)
    client = client_for(department.reader)
    lease_item(actor=reader, item_id=item.id)
    item.refresh_from_db()
    draft = item.reading
    archive.delete_study(study.archive_id)
    assert flow.sweep() is not None
    study.refresh_from_db()
    item.refresh_from_db()
    assert study.deleted_at is not None
    assert (item.state, item.cancelled_reason) == ("cancelled", flow.DELETED)
    assert item.reading == draft
    listed = client.get("/api/worklist").json()["items"]
    assert [row["patient"]["id"] for row in listed] == ["STAYS"]
    answer = client.post(f"/api/studies/{study.id}/open")
    assert answer.status_code == 410
    assert "deleted" in answer.json()["detail"]
    assert AuditRecord.objects.filter(event="study:delete").count() == 1
    assert AuditRecord.objects.filter(event="item:cancel").count() == 1
    unchanged_by(flow.reconcile)
    assert send(tmp_path, film)
    until(lambda: Study.objects.get(id=study.id).deleted_at is None)
    assert [r.number for r in study.revisions.order_by("number")] == [1, 2]
    assert WorkItem.objects.filter(case__revision__study=study, state="open").exists()
    listed = client.get("/api/worklist").json()["items"]
    assert {row["patient"]["id"] for row in listed} == {"STAYS", "GONE"}


def test_two_patients_in_one_study_never_mix_and_stop_nobody(
    department, archive, broker, tmp_path
):
    uid = generate_uid()
    assert send(
        tmp_path,
        make_film(study_uid=uid, PatientID="A", PatientName="One^A"),
        make_film(study_uid=uid, PatientID="B", PatientName="Two^B"),
        make_film(PatientID="C"),
    )
    until(lambda: WorkItem.objects.count() == 2 and QuarantinedStudy.objects.exists())
    held = QuarantinedStudy.objects.get()
    assert (held.kind, held.study) == (
        "other_patient",
        Study.objects.get(study_uid=uid),
    )
    assert "Another patient" in held.reason


def test_a_file_without_uids_is_refused_and_stops_nobody(
    department, archive, broker, tmp_path
):
    nameless = pydicom.dcmread(io.BytesIO(make_film()))
    del nameless.StudyInstanceUID
    out = io.BytesIO()
    nameless.save_as(out)
    assert not send(tmp_path, out.getvalue())
    assert send(tmp_path, make_film(PatientID=""), make_film(PatientID="D"))
    until(lambda: WorkItem.objects.count() == 2)


def test_a_cleared_change_list_and_a_cursor_ahead_of_it_are_made_good(
    department, archive, broker, tmp_path, django_capture_on_commit_callbacks
):
    assert send(tmp_path, make_film(PatientID="A"))
    until(lambda: WorkItem.objects.count() == 1)
    assert send(tmp_path, make_film(PatientID="B"))
    time.sleep(3.5)
    archive.clear_change_log()
    with django_capture_on_commit_callbacks(execute=True):
        flow.take_arrivals()
    assert ("workflow.reconcile", {}) in broker.take("portal")
    flow.reconcile()
    assert WorkItem.objects.count() == 2
    last = archive.last_change_seq()
    ArrivalCursor.objects.update(seq=last + 1000)
    with django_capture_on_commit_callbacks(execute=True):
        flow.take_arrivals()
    assert ("workflow.reconcile", {}) in broker.take("portal")
    assert ArrivalCursor.objects.get().seq == last
    with django_capture_on_commit_callbacks(execute=True):
        unchanged_by(flow.take_arrivals)
    assert broker.on("portal") == []


def test_a_study_of_attachments_alone_is_listed_with_them(
    department, archive, broker, tmp_path
):
    report = changed(
        make_film(PatientID="PDF"),
        SOPClassUID="1.2.840.10008.5.1.4.1.1.104.1",
        Modality="DOC",
        SeriesDescription="Letter",
        Manufacturer="Ward Writer",
    )
    dataset = pydicom.dcmread(io.BytesIO(report))
    for keyword in ("Rows", "Columns", "PixelData", "BitsAllocated", "BitsStored"):
        if keyword in dataset:
            delattr(dataset, keyword)
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    out = io.BytesIO()
    dataset.save_as(out)
    assert send(tmp_path, out.getvalue())
    until(lambda: Study.objects.exists())
    assert WorkItem.objects.count() == 0
    assert flow.sweep()["packs"] == 0
    [study] = client_for(department.reader).get("/api/studies").json()["items"]
    [attachment] = study["attachments"]
    assert attachment["modality"] == "DOC"
    assert attachment["description"] == "Letter"
    assert attachment["creator"] == "Ward Writer"
    assert attachment["n_bytes"] > 500
    assert study["patient"]["id"] == "PDF"
    one = client_for(department.reader).get(f"/api/studies/{study['id']}").json()
    assert one["attachments"] == study["attachments"]

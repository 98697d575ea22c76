"""Where a study belongs: AE titles, claims, quarantine; what a revision is."""

from __future__ import annotations

from datetime import date
from uuid import uuid4

import pytest
from pydicom.uid import generate_uid

from apps.accounts.models import Role
from apps.accounts.types import SYSTEM
from apps.audit.models import AuditRecord
from apps.core.errors import Conflict, Forbidden, Invalid, NotFound
from apps.interop.types import NotInArchive
from apps.studies.models import (
    ArrivalFailure,
    Attachment,
    Patient,
    QuarantinedStudy,
    Study,
    StudyRevision,
)
from apps.studies.quarantine import release_quarantine
from apps.studies.services import (
    claim_import,
    create_ae_title,
    delete_ae_title,
    register_study,
)
from apps.studies.types import Held, Registered
from apps.workflow import flow
from apps.worklist.models import WorkItem
from tests.factories.domain import (
    actor_for,
    client_for,
    make_department,
    make_film,
    make_header,
    make_person,
    make_series,
    unchanged_by,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def south(department):
    return make_department("south")


@pytest.fixture
def admin(department):
    return department.person(Role.ADMIN)


def register(header):
    return register_study(actor=SYSTEM, header=header)


def site_of(header):
    outcome = register(header)
    if isinstance(outcome, Held):
        return None
    return Study.objects.get(id=outcome.study_id).site.code


# --- whose is it


def test_the_pair_of_titles_counts_before_the_called_one_alone(department, south):
    create_ae_title(
        actor=SYSTEM, called_aet="NORTH", calling_aet="BUS", site_id=south.site.id
    )
    assert site_of(make_header(department, calling_aet="XR1")) == "north"
    assert site_of(make_header(department, calling_aet="BUS")) == "south"
    assert site_of(make_header(department, calling_aet="bus")) == "north"
    assert site_of(make_header(department, called_aet="north")) is None
    assert site_of(make_header(department, called_aet="")) is None
    assert site_of(make_header(department, called_aet="ELSEWHERE")) is None


def test_what_was_claimed_before_its_import_counts_before_the_titles(department, south):
    uid = generate_uid()
    assert claim_import(actor=SYSTEM, study_uid=uid, site=south.site) is True
    assert claim_import(actor=SYSTEM, study_uid=uid, site=south.site) is True
    assert claim_import(actor=SYSTEM, study_uid=uid, site=department.site) is False
    assert site_of(make_header(department, study_uid=uid)) == "south"
    assert claim_import(actor=SYSTEM, study_uid=uid, site=department.site) is False
    assert AuditRecord.objects.filter(event="study:import").count() == 1


def test_a_study_stays_where_it_came_first(department, south):
    uid = generate_uid()
    assert site_of(make_header(department, study_uid=uid)) == "north"
    later = make_header(south, study_uid=uid, sop_uids=["1.2", "1.3"])
    assert site_of(later) == "north"


def test_two_sites_may_use_one_patient_id_for_two_people(department, south):
    register(make_header(department, patient_id="7", name="One, A"))
    register(make_header(south, patient_id="7", name="Two, B"))
    assert Patient.objects.filter(patient_id="7").count() == 2


def test_another_patients_study_never_takes_over_a_uid(department, south, admin):
    uid = generate_uid()
    mine = make_header(department, study_uid=uid, name="One, A", sop_uids=["1.1"])
    register(mine)
    theirs = make_header(south, study_uid=uid, name="Two, B", sop_uids=["1.2"])
    object.__setattr__(theirs, "orthanc_id", "f" * 40)
    for _ in range(2):
        assert isinstance(register(theirs), Held)
    study = Study.objects.select_related("patient").get()
    assert (study.archive_id, study.patient.name) == (mine.orthanc_id, "One, A")
    assert study.accession_number == mine.accession_number
    assert study.revisions.count() == 1
    held = QuarantinedStudy.objects.get()
    assert "Another patient" in held.reason
    with pytest.raises(Conflict, match="uid_taken"):
        release_quarantine(
            actor=actor_for(admin),
            quarantine_id=held.id,
            site_id=department.site.id,
            reason="it is ours",
        )
    held.refresh_from_db()
    assert held.state == "held"


@pytest.mark.parametrize(
    ("name", "born", "people"),
    [
        ("One, A", None, 1),
        ("ONE, A", None, 1),
        ("Two, B", None, 2),
        ("One, A", date(1950, 1, 1), 2),
    ],
)
def test_one_patient_id_with_two_names_is_two_people(department, name, born, people):
    first = make_header(department, patient_id="UNKNOWN", name="One, A")
    object.__setattr__(first.patient, "birth_date", date(1949, 1, 1))
    register(first)
    for _ in range(2):
        header = make_header(department, patient_id="UNKNOWN", name=name)
        object.__setattr__(header.patient, "birth_date", born)
        register(header)
        study = Study.objects.select_related("patient").get(study_uid=header.study_uid)
        assert study.patient.name.casefold() == name.casefold()
        assert study.patient.patient_id == "UNKNOWN"
    assert Patient.objects.count() == people


def test_two_unidentified_studies_are_never_joined(department):
    for _ in range(2):
        header = make_header(department)
        object.__setattr__(header.patient, "id", "")
        register(header)
    assert Patient.objects.count() == 2


# --- what is it


def test_the_same_header_twice_changes_nothing(department):
    header = make_header(department)
    first = register(header)
    again = unchanged_by(lambda: register(header))
    assert (first.is_new_revision, again.is_new_revision) == (True, False)
    assert first.revision_id == again.revision_id


def test_more_images_are_a_new_revision_and_a_report_is_none(department):
    uid = generate_uid()
    register(make_header(department, study_uid=uid, sop_uids=["1.1"]))
    register(make_header(department, study_uid=uid, sop_uids=["1.1", "1.2"]))
    report = make_series(uid, ("1.9",), modality="SR", is_image=False)
    header = make_header(
        department, study_uid=uid, sop_uids=["1.1", "1.2"], extra_series=(report,)
    )
    outcome = register_study(
        actor=SYSTEM, header=header, own_sop_uids=frozenset({"1.9"})
    )
    assert outcome.is_new_revision is False
    numbers = StudyRevision.objects.order_by("number").values_list("number", "n_images")
    assert list(numbers) == [(1, 1), (2, 2)]
    attached = Attachment.objects.get()
    assert attached.by_overread is True
    assert attached.sop_class_uid == report.instances[0].sop_class_uid != ""


def test_a_study_of_reports_alone_is_known_but_not_on_the_list(department):
    uid = generate_uid()
    header = make_header(department, study_uid=uid)
    report = make_series(uid, ("1.9",), modality="SR", is_image=False)
    object.__setattr__(header, "series", (report,))
    outcome = register(header)
    assert outcome == Registered(
        study_id=outcome.study_id, revision_id=None, is_new_revision=False
    )
    assert WorkItem.objects.count() == 0


def test_an_older_set_of_images_that_comes_back_is_not_read_again(department):
    uid = generate_uid()
    for sops in (["1.1"], ["1.1", "1.2"], ["1.1"]):
        outcome = register(make_header(department, study_uid=uid, sop_uids=sops))
        flow.place_revision(revision_id=outcome.revision_id)
    states = WorkItem.objects.order_by("case__revision__number")
    assert [item.state for item in states] == ["cancelled", "open"]


# --- quarantine


def held(department) -> QuarantinedStudy:
    outcome = register(make_header(department, called_aet="ELSEWHERE"))
    return QuarantinedStudy.objects.get(id=outcome.quarantine_id)


def test_an_unknown_title_holds_the_study_away_from_everybody(department, admin):
    study = held(department)
    assert "ELSEWHERE" in study.reason
    assert Study.objects.count() == Patient.objects.count() == 0
    assert AuditRecord.objects.filter(event="study:quarantine").count() == 1
    [shown] = client_for(admin).get("/api/quarantine").json()["items"]
    assert shown["called_aet"] == "ELSEWHERE"
    assert shown["modality"] == "DX"
    assert "Doe" not in str(shown)
    assert client_for(department.reader).get("/api/quarantine").status_code == 403


def test_it_is_released_to_a_site_and_the_next_step_takes_it_there(
    department, admin, archive, broker, django_capture_on_commit_callbacks
):
    stored = archive.c_store(make_film(), called="ELSEWHERE")
    archive.settle()
    flow.take_arrivals()
    study = QuarantinedStudy.objects.get()
    unchanged_by(flow.reconcile)
    with django_capture_on_commit_callbacks(execute=True):
        answer = client_for(admin).post(
            f"/api/quarantine/{study.id}/release",
            {"site": str(department.site.id), "reason": "the new room 4"},
            content_type="application/json",
        )
    assert answer.status_code == 200
    assert answer.json()["state"] == "released"
    assert ("workflow.reconcile", {}) in broker.on("portal"), "it does not wait"
    flow.reconcile()
    assert Study.objects.get().archive_id == stored.study_id
    assert Study.objects.get().site == department.site
    assert WorkItem.objects.count() == 1
    study.refresh_from_db()
    assert study.released_by == admin
    unchanged_by(flow.reconcile)


def test_a_release_needs_a_reason_the_right_person_and_happens_once(
    department, south, admin
):
    study = held(department)
    actor = actor_for(admin)

    def release(**more):
        return release_quarantine(
            **{
                "actor": actor,
                "quarantine_id": study.id,
                "site_id": department.site.id,
                "reason": "x",
                **more,
            }
        )

    with pytest.raises(Invalid):
        release(reason="  ")
    with pytest.raises(Forbidden):
        release(site_id=south.site.id)
    with pytest.raises(Forbidden):
        release(actor=actor_for(department.reader))
    with pytest.raises(NotFound):
        release(quarantine_id=uuid4())
    release()
    with pytest.raises(Conflict):
        release()
    assert AuditRecord.objects.filter(event="quarantine:release").count() == 1


# --- the table of AE titles


def test_ae_titles_over_rest(department, south, admin):
    client = client_for(admin)

    def create(**body):
        return client.post("/api/ae-titles", body, content_type="application/json")

    site = str(department.site.id)
    made = create(called_aet=" MAIN ", calling_aet="", site=site)
    assert made.status_code == 201
    assert made.json()["called_aet"] == "MAIN"
    assert create(called_aet="MAIN", calling_aet="", site=site).status_code == 409
    assert create(called_aet="", site=site).status_code == 400
    assert create(called_aet="A" * 17, site=site).status_code == 400
    assert create(called_aet="B", site=str(south.site.id)).status_code == 403
    assert create(called_aet="B", site=str(uuid4())).status_code == 403
    listed = client.get("/api/ae-titles").json()["items"]
    assert [title["called_aet"] for title in listed] == ["MAIN", "NORTH"]
    path = f"/api/ae-titles/{made.json()['id']}"
    assert client.delete(path).status_code == 204
    assert client.delete(path).status_code == 404
    other = actor_for(make_person(site=south.site, role=Role.ADMIN, name="boss"))
    with pytest.raises(NotFound):
        delete_ae_title(actor=other, ae_title_id=listed[1]["id"])


# --- when it goes wrong


def test_one_bad_study_never_stops_its_neighbours(
    department, archive, broker, monkeypatch
):
    films = [make_film(PatientID=f"P-{n}") for n in range(3)]
    bad = archive.c_store(films[0], called="NORTH").study_id
    archive.c_store(films[1], called="NORTH")
    archive.c_store(films[2], called="NORTH")
    archive.settle()
    real = archive.study_header

    def header(study_id):
        if study_id == bad:
            raise KeyError("an odd answer")
        return real(study_id)

    monkeypatch.setattr(archive, "study_header", header)
    flow.take_arrivals()
    assert WorkItem.objects.count() == 2
    failure = ArrivalFailure.objects.get()
    assert (failure.archive_id, failure.attempts) == (bad, 1)
    assert "KeyError" in failure.reason
    monkeypatch.setattr(archive, "study_header", real)
    ArrivalFailure.objects.update(retry_at="2020-01-01T00:00Z")
    assert flow.sweep()["arrivals"] == 1
    assert WorkItem.objects.count() == 3
    assert ArrivalFailure.objects.count() == 0


def test_a_study_that_vanished_is_no_failure(department, archive, monkeypatch):
    archive.c_store(make_film(), called="NORTH")
    archive.settle()

    def gone(study_id):
        raise NotInArchive("gone")

    monkeypatch.setattr(archive, "study_header", gone)
    flow.take_arrivals()
    assert ArrivalFailure.objects.count() == 0


def test_an_archive_that_is_down_moves_no_cursor(department, archive, broker):
    archive.c_store(make_film(), called="NORTH")
    archive.settle()
    archive.down = True

    def fails():
        with pytest.raises(Exception, match="does not answer"):
            flow.take_arrivals()

    fails()
    archive.down = False
    assert flow.take_arrivals() == 1
    assert WorkItem.objects.count() == 1


def test_a_cleared_change_list_is_made_good_by_a_reconcile(
    department, archive, broker, django_capture_on_commit_callbacks
):
    archive.c_store(make_film(PatientID="A"), called="NORTH")
    flow_settled(archive)
    archive.c_store(make_film(PatientID="B"), called="NORTH")
    archive.settle()
    archive.clear_change_log()
    with django_capture_on_commit_callbacks(execute=True):
        flow.take_arrivals()
    assert ("workflow.reconcile", {}) in broker.on("portal")
    flow.reconcile()
    assert WorkItem.objects.count() == 2
    unchanged_by(flow.reconcile)


def flow_settled(archive):
    archive.settle()
    flow.take_arrivals()


def test_a_failed_arrival_is_listed_in_plain_words_and_tried_again(
    department, admin, archive, broker, monkeypatch, django_capture_on_commit_callbacks
):
    archive.c_store(make_film(PatientName="Secret^Name"), called="NORTH")
    archive.settle()
    real = archive.study_header

    def odd(study_id):
        raise ValueError("Secret^Name makes no sense")

    monkeypatch.setattr(archive, "study_header", odd)
    flow.take_arrivals()
    client = client_for(admin)
    [failure] = client.get("/api/arrival-failures").json()["items"]
    assert "headers make no sense" in failure["reason"]
    assert "Secret" not in str(failure)
    monkeypatch.setattr(archive, "study_header", real)
    ArrivalFailure.objects.update(retry_at="2090-01-01T00:00Z")
    path = f"/api/arrival-failures/{failure['id']}/retry"
    assert client_for(department.reader).post(path).status_code == 403
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post(path).status_code == 202
    assert ("workflow.sweep", {}) in broker.on("portal")
    flow.sweep()
    assert WorkItem.objects.count() == 1
    assert client.get("/api/arrival-failures").json()["items"] == []
    assert client.post(path).status_code == 404
    assert AuditRecord.objects.filter(event="arrival:retry").count() == 1


def test_a_study_whose_uids_name_nothing_is_refused_in_plain_words(department):
    for uid, words in (("", "no Study Instance UID"), ("9" * 65, "no valid UID")):
        header = make_header(department)
        object.__setattr__(header, "study_uid", uid)
        with pytest.raises(Invalid, match=words):
            register(header)

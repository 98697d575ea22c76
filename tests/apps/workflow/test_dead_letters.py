"""What was given up is listed with its reason, and a person may have it tried again."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
import redis
from django.conf import settings as django_settings

from apps.accounts.models import Role
from apps.annotations.models import Reading, SegmentInterpolation
from apps.audit.models import AuditRecord
from apps.core import clock
from apps.core.queue import forget_losses
from apps.core.steps import Step
from apps.inference.models import Comparison, Explanation, InferenceRun
from apps.studies.models import StudyRevision
from apps.workflow import flow
from apps.workflow.dead_letters import PAGE
from tests.factories.domain import (
    answer,
    client_for,
    make_item,
    make_model,
    make_person,
    make_revision,
)
from workers.attempts import LOST
from workers.contracts import InferResult, PackResult, attempt_keys

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(department):
    return client_for(make_person(site=department.site, role=Role.ADMIN, name="ada"))


@pytest.fixture
def item(department, broker):
    make_model(department.site)
    found = make_item(department)
    flow.request_inference(revision_id=found.case.revision_id)
    return found


@pytest.fixture
def run(item):
    given = InferenceRun.objects.select_related("model_version").get()
    flow.accept_result(result=failed(given))
    given.refresh_from_db()
    return given


@pytest.fixture
def pack(item):
    revision = item.case.revision
    flow.request_pack(revision_id=revision.id)
    flow.accept_pack(
        result=PackResult(
            request_id=f"pack-{revision.id}",
            revision_id=str(revision.id),
            state="failed",
            reason=LOST,
        )
    )
    return StudyRevision.objects.get(id=revision.id)


def failed(run, reason=LOST):
    return InferResult(
        run_id=str(run.id),
        package_hash=run.model_version.package_hash,
        state="failed",
        reason=reason,
    )


def test_a_given_up_run_is_listed_with_its_reason_and_names_no_patient(run, admin):
    body = admin.get("/api/runs", {"state": "failed"}).json()
    (row,) = body["items"]
    assert (row["id"], row["state"], row["reason"]) == (str(run.id), "failed", LOST)
    assert row["reason"].startswith("The worker was lost three times on this study")
    study = run.revision.study
    assert row["study"]["uid"] == study.study_uid
    assert row["model"]["name"] == run.model_version.name
    assert body["next_cursor"] is None
    assert study.patient.name not in str(body)
    assert study.patient.patient_id not in str(body)
    assert admin.get("/api/runs", {"state": "done"}).json()["items"] == []


def test_the_reader_sees_that_it_failed_and_why(item, run):
    item.refresh_from_db()
    assert (item.ai_state, item.ai_reason) == ("failed", LOST)


def test_trying_again_begins_anew(
    run, item, admin, broker, django_capture_on_commit_callbacks
):
    broker.sent.clear()
    with django_capture_on_commit_callbacks(execute=True):
        answered = admin.post(f"/api/runs/{run.id}/retry")
    assert answered.status_code == 200
    assert (answered.json()["state"], answered.json()["attempts"]) == ("running", 1)
    ((_, kwargs),) = broker.on("gpu")
    assert kwargs["request"]["run_id"] == str(run.id)
    record = AuditRecord.objects.get(event="inference:retry")
    assert (record.actor_name, record.object_id) == ("ada-north", run.id)
    assert record.detail["failed"] == LOST
    item.refresh_from_db()
    assert item.ai_state == "running"
    run.refresh_from_db()
    flow.accept_result(result=answer(run))
    run.refresh_from_db()
    assert (run.state, run.reason) == ("done", "")
    again = admin.post(f"/api/runs/{run.id}/retry")
    assert (again.status_code, again.json()["code"]) == (409, "not_failed")


def test_what_another_model_replaced_is_not_run_again(run, admin, broker):
    broker.sent.clear()
    InferenceRun.objects.filter(id=run.id).update(set_aside_at=clock.now())
    assert admin.get("/api/runs", {"state": "failed"}).json()["items"] == []
    answered = admin.post(f"/api/runs/{run.id}/retry")
    assert (answered.status_code, answered.json()["code"]) == (409, "not_wanted")
    run.refresh_from_db()
    assert run.state == "failed"
    assert broker.sent == []


def test_an_answer_after_a_run_was_given_up_is_still_the_answer(run):
    """Two workers had it, and one of them was not lost after all."""
    flow.accept_result(result=answer(run))
    run.refresh_from_db()
    assert run.state == "done"


def test_a_failure_for_another_reason_stays_one(item):
    run = InferenceRun.objects.select_related("model_version").get()
    flow.accept_result(result=failed(run, reason="it took too long"))
    flow.accept_result(result=answer(run))
    run.refresh_from_db()
    assert (run.state, run.reason) == ("failed", "it took too long")


def test_a_given_up_pack_is_listed_and_tried_again(
    pack, admin, broker, django_capture_on_commit_callbacks
):
    (row,) = admin.get("/api/packs", {"state": "failed"}).json()["items"]
    assert (row["id"], row["reason"]) == (str(pack.id), LOST)
    broker.sent.clear()
    with django_capture_on_commit_callbacks(execute=True):
        answered = admin.post(f"/api/packs/{pack.id}/retry")
    assert (answered.status_code, answered.json()["state"]) == (200, "building")
    ((_, kwargs),) = broker.on("pixels")
    assert kwargs["request"]["revision_id"] == str(pack.id)
    assert AuditRecord.objects.get(event="pack:retry").object_id == pack.id
    again = admin.post(f"/api/packs/{pack.id}/retry")
    assert (again.status_code, again.json()["code"]) == (409, "not_failed")


@pytest.fixture
def comparison(run, department):
    """Of the run with one of an earlier study of the patient."""
    earlier = make_revision(department)
    prior = InferenceRun.objects.create(
        revision=earlier, model_version=run.model_version, slot=run.slot, state="done"
    )
    return Comparison.objects.create(
        run=run,
        prior_run=prior,
        days=40,
        state="failed",
        reason=LOST,
        attempts=3,
        finished_at=clock.now(),
    )


def test_a_given_up_comparison_is_listed_and_tried_again(
    comparison, admin, broker, django_capture_on_commit_callbacks
):
    (row,) = admin.get("/api/comparisons", {"state": "failed"}).json()["items"]
    assert (row["id"], row["reason"]) == (str(comparison.id), LOST)
    assert row["study"]["uid"] == comparison.run.revision.study.study_uid
    assert row["model"]["name"] == comparison.run.model_version.name
    broker.sent.clear()
    path = f"/api/comparisons/{comparison.id}/retry"
    with django_capture_on_commit_callbacks(execute=True):
        answered = admin.post(path)
    assert (answered.status_code, answered.json()["state"]) == (200, "running")
    assert answered.json()["attempts"] == 1
    ((_, kwargs),) = broker.on("pixels")
    assert kwargs["request"]["comparison_id"] == str(comparison.id)
    record = AuditRecord.objects.get(event="comparison:retry")
    assert (record.object_id, record.detail["failed"]) == (comparison.id, LOST)
    assert admin.get("/api/comparisons", {"state": "failed"}).json()["items"] == []
    again = admin.post(path)
    assert (again.status_code, again.json()["code"]) == (409, "not_failed")


def test_a_comparison_with_an_untold_study_is_not_listed(
    comparison, department, monkeypatch
):
    """Who may still be given a read without AI of either study learns nothing."""
    lead = client_for(department.person(Role.CLINICAL_LEAD))
    for study in (comparison.run.revision.study, comparison.prior_run.revision.study):
        monkeypatch.setattr(
            "apps.workflow.dead_letters.untold_studies",
            lambda *, actor, study=study: [study.id],
        )
        rows = lead.get("/api/comparisons", {"state": "failed"}).json()["items"]
        assert rows == []


@pytest.fixture
def explanation(run):
    InferenceRun.objects.filter(id=run.id).update(state="done", reason="")
    return Explanation.objects.create(
        run=run,
        labels=["36118008"],
        state="failed",
        reason=LOST,
        attempts=3,
        renewals=2,
        finished_at=clock.now(),
    )


def test_a_given_up_explanation_is_listed_and_tried_again(
    explanation, admin, broker, django_capture_on_commit_callbacks
):
    (row,) = admin.get("/api/explanations", {"state": "failed"}).json()["items"]
    assert (row["id"], row["reason"]) == (str(explanation.id), LOST)
    run = explanation.run
    assert row["study"]["uid"] == run.revision.study.study_uid
    assert row["model"]["name"] == run.model_version.name
    broker.sent.clear()
    path = f"/api/explanations/{explanation.id}/retry"
    with django_capture_on_commit_callbacks(execute=True):
        answered = admin.post(path)
    assert (answered.status_code, answered.json()["state"]) == (200, "queued")
    assert [name for name, _ in broker.on("exports")] == [Step.SEND_EXPLANATIONS]
    explanation.refresh_from_db()
    assert (explanation.attempts, explanation.renewals) == (0, 0)
    record = AuditRecord.objects.get(event="explanation:retry")
    assert (record.object_id, record.detail["failed"]) == (run.id, LOST)
    assert admin.get("/api/explanations", {"state": "failed"}).json()["items"] == []
    again = admin.post(path)
    assert (again.status_code, again.json()["code"]) == (409, "not_failed")


def test_what_is_shown_to_nobody_is_not_explained_again(explanation, admin):
    InferenceRun.objects.update(set_aside_at=clock.now())
    assert admin.get("/api/explanations").json()["items"] == []
    answered = admin.post(f"/api/explanations/{explanation.id}/retry")
    assert (answered.status_code, answered.json()["code"]) == (409, "not_wanted")


def test_an_explanation_of_an_untold_study_is_not_listed(
    explanation, department, monkeypatch
):
    """That something is explained tells that something was found."""
    lead = client_for(department.person(Role.CLINICAL_LEAD))
    assert len(lead.get("/api/explanations").json()["items"]) == 1
    monkeypatch.setattr(
        "apps.workflow.dead_letters.untold_studies",
        lambda *, actor: [explanation.run.revision.study_id],
    )
    assert lead.get("/api/explanations").json()["items"] == []


@pytest.fixture
def interpolation(item, department):
    reading = Reading.objects.create(
        revision=item.case.revision,
        protocol=item.case.protocol,
        reader=department.reader,
        saved_at=clock.now(),
    )
    return SegmentInterpolation.objects.create(
        reading=reading,
        series_uid="1.2.3",
        rows=2,
        columns=2,
        number=1,
        slices={},
        state="failed",
        reason=LOST,
        attempts=3,
        asked_at=clock.now(),
    )


def test_a_given_up_interpolation_is_listed_and_tried_again(
    interpolation, admin, broker, django_capture_on_commit_callbacks
):
    (row,) = admin.get("/api/interpolations", {"state": "failed"}).json()["items"]
    assert (row["id"], row["reason"]) == (str(interpolation.id), LOST)
    broker.sent.clear()
    path = f"/api/interpolations/{interpolation.id}/retry"
    with django_capture_on_commit_callbacks(execute=True):
        answered = admin.post(path)
    assert (answered.status_code, answered.json()["state"]) == (200, "queued")
    ((_, kwargs),) = broker.on("pixels")
    assert kwargs["request"]["job_id"] == str(interpolation.id)
    record = AuditRecord.objects.get(event="segment:retry")
    assert record.detail == {"job": str(interpolation.id), "failed": LOST}
    assert admin.post(path).json()["code"] == "not_failed"


def test_nothing_is_filled_in_a_signed_reading(interpolation, admin, broker):
    Reading.objects.filter(id=interpolation.reading_id).update(
        state="signed", signed_at=clock.now()
    )
    answered = admin.post(f"/api/interpolations/{interpolation.id}/retry")
    assert (answered.status_code, answered.json()["code"]) == (409, "signed")


KINDS = ["runs", "explanations", "comparisons", "interpolations", "packs"]


@pytest.mark.parametrize("what", KINDS)
def test_what_does_not_exist_is_not_found(what, admin):
    assert admin.post(f"/api/{what}/{uuid.uuid4()}/retry").status_code == 404


@pytest.mark.parametrize("what", KINDS)
@pytest.mark.parametrize("asked", [{"state": "strange"}, {"cursor": "made-up"}])
def test_a_question_that_makes_no_sense_is_refused(what, asked, admin):
    answered = admin.get(f"/api/{what}", asked)
    assert (answered.status_code, answered.json()["code"]) == (400, "invalid")


def test_pages_follow_each_other_without_gap_or_repetition(department, admin, broker):
    make_model(department.site)
    first = make_revision(department)
    flow.request_inference(revision_id=first.id)
    pattern = InferenceRun.objects.get()
    n = PAGE * 2 + 3
    revisions = StudyRevision.objects.bulk_create(
        StudyRevision(
            study=first.study,
            number=k + 2,
            image_hash=f"{k:064}",
            n_images=1,
            arrived_at=clock.now(),
        )
        for k in range(n)
    )
    runs = InferenceRun.objects.bulk_create(
        InferenceRun(
            revision=revision,
            model_version=pattern.model_version,
            slot=pattern.slot,
            state="failed",
        )
        for revision in revisions
    )
    now = clock.now()
    for k, run in enumerate(runs):  # pairs share a time
        InferenceRun.objects.filter(id=run.id).update(
            updated_at=now - timedelta(seconds=k // 2)
        )
    seen, cursor = [], ""
    for _ in range(3):
        page = admin.get("/api/runs", {"state": "failed", "cursor": cursor}).json()
        seen += [row["id"] for row in page["items"]]
        cursor = page["next_cursor"]
    assert cursor is None
    assert len(seen) == len(set(seen)) == n


def test_the_workers_count_anew(settings, django_capture_on_commit_callbacks):
    client = redis.Redis.from_url(django_settings.REDIS_URL)
    request_id = str(uuid.uuid4())
    try:
        client.mset(dict.fromkeys(attempt_keys(request_id), 3))
    except redis.ConnectionError:
        pytest.skip("needs Redis (deploy.local services)")
    with django_capture_on_commit_callbacks(execute=True):
        forget_losses(request_id)
    assert client.exists(*attempt_keys(request_id)) == 0
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    with django_capture_on_commit_callbacks(execute=True):
        forget_losses(request_id)

"""One study's journey: docs/architecture.md as a test, every step taken twice."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from dataclasses import replace
from datetime import timedelta

import pydicom
import pytest

from apps.audit.models import AuditRecord
from apps.core import clock
from apps.core.models import Change
from apps.inference.models import Finding, InferenceRun
from apps.interop.orthanc import orthanc_instance_id
from apps.reports.models import ExportedObject
from apps.studies.models import Attachment, StudyRevision
from apps.workflow import flow
from apps.worklist.models import WorkItem
from apps.worklist.priority import SitePolicy, compute_rank
from portal.celery import app as celery_app
from tests.factories.domain import (
    answer,
    make_ct,
    make_film,
    unchanged_by,
)
from workers.contracts import BoxResult, InferRequest, PackRequest, PackResult

DCIODVFY = shutil.which("dciodvfy")
PATIENT = ("Müller", "Zo", "P-1", "2022", "A-4711", "House")


def test_a_childs_film_from_the_modality_to_the_signed_report(stage):
    item = _arrives_before_any_ai(stage)
    run = _is_asked_for_without_a_word_of_the_patient(stage, item)
    _is_answered_and_ranked_again(stage, item, run)
    _is_read_and_signed(stage, item)
    _goes_back_to_the_archive(stage, item, run)
    _starts_nothing_when_it_comes_by_again(stage, run)


def _arrives_before_any_ai(stage):
    film = make_film()
    stage.archive.c_store(film, called="NORTH")
    stage.archive.settle()
    stage.do("workflow.take_arrivals")

    item = WorkItem.objects.select_related("case__revision__study__patient").get()
    assert (item.state, item.band, item.band_source) == ("open", "ROUTINE", "site_rule")
    assert (item.ai_state, item.rank_class) == ("pending", 2)
    study = item.case.revision.study
    assert study.site == stage.department.site
    assert study.patient.patient_id == "P-1"
    assert (study.modalities, study.patient_age_text) == (["DX"], "4 y")
    assert InferenceRun.objects.count() == 0
    page = stage.call("get", "worklist").json()
    assert [row["id"] for row in page["items"]] == [str(item.id)]
    assert page["items"][0]["ai"]["state"] == "pending"
    assert page["items"][0]["rank"] == 1
    assert _changes() == [1]

    # A cursor that is set back, or a reconcile, takes the same study again.
    unchanged_by(lambda: flow.take_study(archive_id=study.archive_id))
    unchanged_by(flow.reconcile)
    return item


def _is_asked_for_without_a_word_of_the_patient(stage, item):
    steps = dict(stage.take("portal"))
    revision_id = str(item.case.revision_id)
    assert steps == {
        "workflow.request_inference": {"revision_id": revision_id},
        "workflow.request_pack": {"revision_id": revision_id},
    }
    for name, kwargs in steps.items():
        stage.do(name, **kwargs)

    [(task, kwargs)] = stage.take("pixels")
    assert task == "workers.build_pack"
    pack = PackRequest.from_message(kwargs["request"])
    assert pack.revision_id == revision_id
    stage.do(
        "workflow.accept_pack",
        result=PackResult(
            request_id=pack.request_id, revision_id=revision_id, state="ready"
        ).to_message(),
    )
    assert StudyRevision.objects.get().pack_state == "ready"

    [(task, kwargs)] = stage.take("gpu")
    assert task == "workers.infer"
    request = InferRequest.from_message(kwargs["request"])
    run = InferenceRun.objects.select_related("model_version", "slot").get()
    assert (request.run_id, request.revision_id) == (str(run.id), revision_id)
    assert request.package_hash == run.model_version.package_hash
    text = json.dumps(kwargs)
    assert not [word for word in PATIENT if word in text.replace(request.token, "")]
    assert not [word for word in PATIENT if word in request.token]
    item.refresh_from_db()
    assert (item.ai_state, item.band) == ("running", "ROUTINE")
    return run


def _is_answered_and_ranked_again(stage, item, run):
    [image] = run.revision.instances.all()
    neutral = item.due_at
    before = _changes()[-1]
    result = answer(
        run,
        probabilities={"233604007": 0.91, "36118008": 0.02},
        box=BoxResult(sop_uid=image.sop_uid, frame=1, points=((8, 6), (30, 40))),
    )
    stage.do("workflow.accept_results", results=[result.to_message()])

    item.refresh_from_db()
    assert (item.band, item.band_source) == ("PRIORITY", "ai")
    assert (item.ai_state, item.ai_label) == ("done", "Pneumonia")
    assert item.ai_probability == pytest.approx(0.91)
    assert item.due_at < neutral
    assert Finding.objects.count() == 2
    assert _changes() == list(range(1, before + 2)), "numbered without a gap"
    page = stage.call("get", "worklist").json()
    assert page["seq"] == {str(item.site_id): before + 1}
    assert page["items"][0]["ai"]["label"] == "Pneumonia"
    # Another answer to the same run, even a different one, changes nothing.
    other = replace(answer(run, probabilities={"233604007": 0.1}), device="other")
    unchanged_by(lambda: flow.accept_result(result=other))


def _is_read_and_signed(stage, item):
    lease = stage.call("post", f"worklist/items/{item.id}/lease").json()
    again = stage.call("post", f"worklist/items/{item.id}/lease").json()
    assert lease["reading"] == again["reading"]
    assert again["lease"]["since"] == lease["lease"]["since"]
    assert again["lease"]["mine"] is True

    ai = stage.call("get", f"worklist/items/{item.id}/ai").json()
    [run] = ai["runs"]
    pneumonia = next(f for f in run["findings"] if f["positive"])
    content = {
        "verdicts": {
            pneumonia["id"]: {
                "verdict": "reject",
                "reason_code": "artefact",
                "reason_text": "a fold of the blanket",
            }
        },
        "annotations": [],
        "impression": "No consolidation.",
    }
    path = f"worklist/items/{item.id}/reading"

    def save(version: str, body: object):
        return stage.call(
            "put", path, data={"content": body}, headers={"If-Match": version}
        )

    assert stage.call("put", path, data={"content": content}).status_code == 428
    saved = save('"0"', content)
    assert (saved.status_code, saved["ETag"]) == (200, '"1"')
    late = unchanged_by(lambda: save('"0"', {"impression": "something else"}))
    assert late.status_code == 412
    assert late.json()["code"] == "conflict"
    assert late.json()["current"]["content"]["impression"] == "No consolidation."

    def sign():
        return stage.call(
            "post",
            f"worklist/items/{item.id}/sign",
            data={"content": content},
            headers={"If-Match": '"1"'},
        )

    signed = sign()
    assert signed.status_code == 200, signed.content
    assert signed.json()["reading"]["state"] == "signed"
    assert signed.json()["next"] is None
    twice = unchanged_by(sign)
    assert (twice.status_code, twice.json()["code"]) == (409, "signed")
    item.refresh_from_db()
    assert (item.state, item.lease_holder) == ("done", None)
    assert stage.call("get", "worklist").json()["items"] == []


def _goes_back_to_the_archive(stage, item, run):
    steps = [*stage.take("exports"), *stage.take("portal")]
    assert [name for name, _ in steps] == [
        "workflow.export_result",
        "workflow.export_reading",
    ]
    # The signed reading may come first: it takes the result that it answers along.
    for name, kwargs in reversed(steps):
        stage.do(name, **kwargs)
    result, reading = (
        ExportedObject.objects.get(kind=kind) for kind in ("ai_result", "reading")
    )
    assert (result.problems, result.state) == ("", "stored")
    assert (reading.problems, reading.state) == ("", "stored")
    first, second = (_object(stage, row) for row in (result, reading))
    assert first.CompletionFlag == "COMPLETE"
    assert first.VerificationFlag == "UNVERIFIED"
    assert second.VerificationFlag == "VERIFIED"
    [study] = second.PredecessorDocumentsSequence
    [series] = study.ReferencedSeriesSequence
    [sop] = series.ReferencedSOPSequence
    assert sop.ReferencedSOPInstanceUID == first.SOPInstanceUID
    assert first.StudyInstanceUID == item.case.revision.study.study_uid
    assert str(second.VerifyingObserverSequence[0].VerifyingObserverName) != ""


def _starts_nothing_when_it_comes_by_again(stage, run):
    stage.archive.settle()
    stage.broker.sent.clear()
    stage.do("workflow.take_arrivals")
    assert stage.broker.sent == []
    assert list(InferenceRun.objects.values_list("id", flat=True)) == [run.id]
    assert StudyRevision.objects.count() == WorkItem.objects.count() == 1
    ours = Attachment.objects.all()
    assert len(ours) == 2
    assert all(attachment.by_overread for attachment in ours)
    # However long the story took, or will have taken: nothing of it is lost.
    for later in (timedelta(), timedelta(hours=1)):
        with clock.standing_at(clock.now() + later):
            unchanged_by(lambda: stage.run("workflow.sweep"))
        assert stage.broker.sent == [], later
    events = AuditRecord.objects.values_list("event", flat=True)
    for once in (
        "study:register",
        "item:place",
        "inference:request",
        "inference:result",
        "reading:sign",
    ):
        assert list(events).count(once) == 1, once
    assert list(events).count("export:store") == 2


def _changes() -> list[int]:
    return list(Change.objects.order_by("seq").values_list("seq", flat=True))


def _object(stage, row: ExportedObject) -> pydicom.Dataset:
    key = row.archive_id
    content = stage.archive.files[key].content
    dataset = pydicom.dcmread(io.BytesIO(content))
    assert dataset.SOPInstanceUID == row.sop_uid
    assert key == orthanc_instance_id(
        patient_id=dataset.PatientID,
        study_uid=dataset.StudyInstanceUID,
        series_uid=dataset.SeriesInstanceUID,
        sop_uid=dataset.SOPInstanceUID,
    )
    if DCIODVFY:
        said = subprocess.run(
            [DCIODVFY, "-"], input=content, capture_output=True, check=False
        ).stderr.decode()
        assert "Error" not in said, said
    return dataset


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ([make_film(age="054Y", born="19720105")], "this patient is older"),
        ([make_film(age="", born="")], "the age is not known"),
    ],
    ids=["adult", "unknown age"],
)
def test_an_input_that_the_card_rules_out_is_rejected_with_an_object_of_its_own(
    stage, files, why
):
    item = stage.arrive(*files)
    for name, kwargs in stage.take("portal"):
        stage.do(name, **kwargs)
    item.refresh_from_db()
    assert item.ai_state == "rejected"
    assert why in item.ai_reason
    assert stage.take("gpu") == []
    neutral = compute_rank(arrived_at=item.arrived_at, policy=SitePolicy())
    assert (item.band, item.due_at) == ("ROUTINE", neutral.due_at)
    assert (item.rank_class, item.sort_at) == (neutral.rank_class, neutral.sort_at)
    for name, kwargs in stage.take("exports"):
        stage.do(name, **kwargs)
    row = ExportedObject.objects.get()
    assert (row.state, row.kind) == ("stored", "ai_result"), row.problems
    said = _object(stage, row)
    assert "Input rejected, not analysed" in str(said)
    texts = [str(one.value) for one in said.iterall() if one.keyword == "TextValue"]
    assert any(why in text for text in texts)
    [run] = stage.call("get", f"worklist/items/{item.id}/ai").json()["runs"]
    assert (run["state"], run["quality"]["verdict"]) == ("rejected", "rejected")


@pytest.mark.parametrize(("files", "why"), [(make_ct(), "needs CR or DX")], ids=["CT"])
def test_what_no_model_fits_says_so_and_ranks_neutral(stage, files, why):
    item = stage.arrive(*files)
    for name, kwargs in stage.take("portal"):
        stage.do(name, **kwargs)
    item.refresh_from_db()
    assert item.ai_state == "none"
    assert item.ai_reason.startswith("no model applies")
    assert why in item.ai_reason
    assert stage.take("gpu") == []
    assert InferenceRun.objects.count() == 0
    neutral = compute_rank(arrived_at=item.arrived_at, policy=SitePolicy())
    assert (item.band, item.due_at) == ("ROUTINE", neutral.due_at)
    assert (item.rank_class, item.sort_at) == (neutral.rank_class, neutral.sort_at)
    why_here = stage.call("get", f"worklist/items/{item.id}/why").json()
    assert (why_here["probability_source"], why_here["model"]) == ("base_rate", None)
    # It is read and signed all the same, and the report points at nothing.
    stage.call("post", f"worklist/items/{item.id}/lease")
    signed = stage.call(
        "post",
        f"worklist/items/{item.id}/sign",
        data={"content": {"verdicts": {}, "annotations": [], "impression": "Normal."}},
        headers={"If-Match": '"0"'},
    )
    assert signed.status_code == 200, signed.content
    [(name, kwargs)] = stage.take("portal")
    stage.do(name, **kwargs)
    assert ExportedObject.objects.get().state == "stored", (
        ExportedObject.objects.get().problems
    )


def test_late_slices_bring_the_study_back_with_its_place_in_the_queue(stage):
    uid = pydicom.uid.generate_uid()
    first, *rest = make_ct(n=3, study_uid=uid)
    item = stage.arrive(first)
    for file in rest:
        stage.archive.c_store(file, called="NORTH")
    stage.archive.settle()
    stage.do("workflow.take_arrivals")
    old, new = WorkItem.objects.order_by("case__revision__number")
    assert old.id == item.id
    assert (old.state, new.state) == ("cancelled", "open")
    assert new.arrived_at == old.arrived_at
    assert new.case.revision.n_images == 3


def test_every_enqueued_or_scheduled_step_is_a_registered_task(stage):
    stage.arrive(make_film())
    celery_app.loader.import_default_modules()
    names = {entry["task"] for entry in celery_app.conf.beat_schedule.values()}
    names |= {name for name, _ in stage.broker.on("portal")}
    names |= {"workflow.accept_results", "workflow.accept_pack"}
    names |= {"workflow.accept_interpolation"}
    names |= {"workflow.export_result", "workflow.export_reading"}
    names |= {"workflow.export_comparison"}
    names |= {"workflow.export_results"}
    for name in names:
        task = celery_app.tasks[name]
        assert task.acks_late, name
        assert task.reject_on_worker_lost, name

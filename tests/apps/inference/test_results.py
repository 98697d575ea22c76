"""Runs and results: once each, of the right model, with files that exist."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.types import SYSTEM
from apps.audit.models import AuditRecord
from apps.core import clock
from apps.core.errors import DomainError, Invalid, NotFound
from apps.core.models import Change
from apps.core.realtime import last_seq
from apps.inference.artefacts import artefact_path, read_artefact, write_artefact
from apps.inference.models import Artefact, Finding, InferenceRun, Slot
from apps.inference.packages import read_package
from apps.inference.quality import input_quality
from apps.inference.results import record_result, record_results
from apps.inference.rules import StudyInput, check_fit
from apps.inference.services import (
    RUN_MAX_ATTEMPTS,
    RUN_STALE,
    open_runs,
    register_model,
    start_run,
)
from apps.inference.slots import fill_slot
from apps.inference.types import SlotKind
from apps.workflow import flow
from apps.worklist.models import WorkItem
from tests.factories.domain import (
    CARD,
    answer,
    client_for,
    make_department,
    make_item,
    make_model,
    make_revision,
    unchanged_by,
)
from workers.contracts import MASK_MEDIA_TYPE, ArtefactRef, BoxResult, MaskRef

pytestmark = pytest.mark.django_db

SHIPPED = Path(__file__).parents[3] / "workers" / "models" / "shipped"


@pytest.fixture(autouse=True)
def _artefacts(settings, tmp_path):
    settings.ARTEFACTS_DIR = tmp_path


@pytest.fixture
def run(department):
    make_model(department.site)
    item = make_item(department)
    flow.request_inference(revision_id=item.case.revision_id)
    return InferenceRun.objects.select_related("model_version", "slot").get()


def reference(body: bytes, **more) -> ArtefactRef:
    return ArtefactRef(
        sha256=hashlib.sha256(body).hexdigest(), media_type="image/png", **more
    )


def mask_of(run, inflated: bytes, **changes) -> MaskRef:
    """Store a mask on the study's images and return the reference to it."""
    images = list(run.revision.instances.order_by("sop_uid"))
    body = changes.pop("body", gzip.compress(inflated))
    write_artefact(sha256=hashlib.sha256(body).hexdigest(), body=body)
    return MaskRef(
        artefact=replace(reference(body), media_type=MASK_MEDIA_TYPE),
        **{
            "series_uid": images[0].series_uid,
            "sop_uids": tuple(image.sop_uid for image in images),
            "rows": 2,
            "columns": 3,
            "volume_ml": 1.5,
            **changes,
        },
    )


# --- runs


def test_a_run_is_opened_once_for_each_model_that_fits(department):
    make_model(department.site)
    make_model(department.site, name="second")
    make_model(
        department.site, name="adults", input={"age_years": {"min": 18, "max": 99}}
    )
    make_model(make_department("south").site, name="elsewhere")
    revision = make_revision(department)
    first = open_runs(actor=SYSTEM, revision_id=revision.id)
    again = unchanged_by(lambda: open_runs(actor=SYSTEM, revision_id=revision.id))
    assert set(first.run_ids) == set(again.run_ids)
    assert len(first.run_ids) == 2
    assert first.refusals == again.refusals
    assert first.refusals == (
        "adults: only for patients of 18 to 99 years; this patient is younger",
    )


def test_an_input_that_a_live_card_rules_out_is_on_record_as_rejected(department):
    old = {"age_years": {"min": 18, "max": 99}}
    adults = make_model(department.site, name="adults", input=old)
    make_model(department.site, name="shadow", input=old, kind=SlotKind.SHADOW)
    make_model(department.site, name="ct", input={"modalities": ["CT"]})
    make_model(department.site, name="knee", input={"body_parts": ["KNEE"]})
    make_model(department.site, name="phantoms", input={"synthetic": True})
    revision = make_revision(department)
    opened = open_runs(actor=SYSTEM, revision_id=revision.id)
    assert opened.run_ids == ()
    assert len(opened.refusals) == 5
    run = InferenceRun.objects.get()
    assert opened.rejected_ids == (run.id,)
    assert (run.model_version, run.state) == (adults, "rejected")
    assert run.reason == opened.refusals[0]
    assert (run.requested_at, run.attempts) == (None, 0), "no worker is asked"
    assert run.finished_at is not None
    assert input_quality(run.quality) == {
        "verdict": "rejected",
        "checks": [
            {
                "name": "age",
                "outcome": "failed",
                "words": run.reason,
                "value": None,
                "limit": None,
                "unit": "",
            }
        ],
    }
    events = AuditRecord.objects.filter(object_id=run.id)
    assert [event.event for event in events] == ["inference:result"]
    again = unchanged_by(lambda: open_runs(actor=SYSTEM, revision_id=revision.id))
    assert again.rejected_ids == (), "it is written once"


def test_a_new_version_takes_the_slot_of_the_old_one(department):
    old = make_model(department.site)
    new = make_model(version="2.0.0")
    fill_slot(actor=SYSTEM, site=department.site, model=new)
    fill_slot(actor=SYSTEM, site=department.site, model=new)
    active = Slot.objects.filter(active=True)
    assert [slot.model_version_id for slot in active] == [new.id]
    assert Slot.objects.get(model_version=old).active is False


def test_a_lost_run_is_sent_again_until_it_is_given_up_with_the_reason(
    run, monkeypatch
):
    begun = clock.now()
    for attempt in range(2, RUN_MAX_ATTEMPTS + 1):
        now = begun + RUN_STALE * (attempt - 1) + timedelta(seconds=attempt)
        monkeypatch.setattr(clock, "now", lambda now=now: now)
        assert start_run(actor=SYSTEM, run_id=run.id).attempts == attempt
        assert start_run(actor=SYSTEM, run_id=run.id) is None, "it was just sent"
    later = begun + timedelta(hours=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    flow.send_run(run_id=run.id)
    run.refresh_from_db()
    assert run.state == "failed"
    assert run.reason == "no answer from a worker after 5 attempts"
    item = WorkItem.objects.get()
    assert (item.ai_state, item.ai_reason) == ("failed", run.reason)
    assert item.band == "ROUTINE"


def test_an_answer_that_comes_after_it_was_given_up_still_counts(run, monkeypatch):
    InferenceRun.objects.update(attempts=RUN_MAX_ATTEMPTS, requested_at=None)
    flow.send_run(run_id=run.id)
    run.refresh_from_db()
    assert run.state == "failed"
    flow.accept_result(result=answer(run))
    run.refresh_from_db()
    assert (run.state, run.reason) == ("done", "")
    assert WorkItem.objects.get().band == "PRIORITY"
    unchanged_by(lambda: flow.accept_result(result=answer(run)))


def test_what_a_worker_says_failed_stays_failed(run):
    flow.accept_result(result=answer(run, state="failed", reason="no memory"))
    unchanged_by(lambda: flow.accept_result(result=answer(run)))
    run.refresh_from_db()
    assert (run.state, run.reason) == ("failed", "no memory")


# --- results


def test_a_result_is_recorded_once(run):
    body = b"heat"
    write_artefact(sha256=reference(body).sha256, body=body)
    [image] = run.revision.instances.all()
    result = answer(
        run,
        probabilities={"233604007": 0.8},
        uncertainty=0.1,
        box=BoxResult(sop_uid=image.sop_uid, frame=1, points=((1, 2), (3, 4))),
        saliency=reference(body, sop_uid=image.sop_uid, frame=1, meta={"cut_off": 0.5}),
    )
    assert record_result(actor=SYSTEM, result=result).state == "done"
    assert unchanged_by(lambda: record_result(actor=SYSTEM, result=result)) is None
    [finding] = Finding.objects.all()
    assert finding.location["points"] == [[1, 2], [3, 4]]
    assert finding.saliency_meta == {
        "sop_uid": image.sop_uid,
        "frame": 1,
        "cut_off": 0.5,
    }
    assert finding.tracking_uid.startswith("2.25.")
    assert Artefact.objects.get().size == 4
    assert AuditRecord.objects.filter(event="inference:result").count() == 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"package_hash": "0" * 64}, "wrong_model"),
        ({"findings": "unknown"}, "unknown_label"),
        ({"findings": "missing"}, "artefact_missing"),
        ({"findings": "elsewhere"}, "wrong_image"),
    ],
)
def test_a_result_that_cannot_be_true_is_refused_whole(run, change, code):
    findings = {
        "unknown": answer(run, probabilities={"233604007": 0.5, "999": 0.5}),
        "missing": answer(run, saliency=reference(b"never stored")),
        "elsewhere": answer(
            run, box=BoxResult(sop_uid="9.9.9", frame=1, points=((1, 2), (3, 4)))
        ),
    }
    result = findings.get(change.get("findings", ""), answer(run))
    if "package_hash" in change:
        result = replace(result, **change)

    def refused():
        with pytest.raises(Invalid) as caught:
            flow.accept_result(result=result)
        return caught.value.code

    assert unchanged_by(refused) == code


def test_a_result_of_no_run_is_refused(run):
    run.id = uuid4()
    with pytest.raises(NotFound):
        flow.accept_result(result=answer(run))


def runs_of(department, n: int) -> list[InferenceRun]:
    """Return open runs of the department's model, one a study."""
    for _ in range(n):
        item = make_item(department)
        flow.request_inference(revision_id=item.case.revision_id)
    return list(InferenceRun.objects.select_related("model_version").order_by("id"))


def statements(results) -> int:
    with CaptureQueriesContext(connection) as captured:
        flow.accept_results(results=results)
    return len(captured)


def test_answers_together_cost_hardly_more_than_one(run, department):
    runs = runs_of(department, 8)
    one = statements([answer(runs[0])])
    eight = statements([answer(run) for run in runs[1:]] + [answer(runs[0])])
    assert eight <= one + 4, "nothing is asked for each"
    assert InferenceRun.objects.filter(state="done").count() == len(runs)
    assert AuditRecord.objects.filter(event="inference:result").count() == len(runs)
    assert AuditRecord.objects.filter(event="item:rank").count() == len(runs)
    assert set(WorkItem.objects.values_list("band", flat=True)) == {"PRIORITY"}
    again = [answer(run) for run in runs]
    unchanged_by(lambda: flow.accept_results(results=again))


def test_of_answers_together_each_change_of_the_list_has_its_number(run, department):
    runs = runs_of(department, 3)
    before = last_seq(site_id=department.site.id)
    flow.accept_results(results=[answer(run) for run in runs])
    numbers = Change.objects.filter(seq__gt=before).order_by("seq")
    assert [change.seq for change in numbers] == [
        before + number for number in range(1, len(runs) + 1)
    ]
    assert {change.object_id for change in numbers} == set(
        WorkItem.objects.values_list("id", flat=True)
    )


def test_an_answer_that_cannot_be_true_leaves_its_neighbours(run, department):
    runs = runs_of(department, 3)
    false = answer(runs[1], saliency=reference(b"never stored"))
    results = [answer(runs[0]), false, answer(runs[2]), answer(runs[3])]
    with pytest.raises(Invalid) as caught:
        flow.accept_results(results=results)
    assert caught.value.code == "artefact_missing"
    states = {one.id: one.state for one in InferenceRun.objects.all()}
    assert states == {one.id: "done" for one in runs} | {runs[1].id: "running"}
    assert AuditRecord.objects.filter(event="inference:result").count() == 3


def test_of_two_answers_of_a_run_in_one_message_the_first_counts(run):
    first = answer(run, probabilities={"233604007": 0.9})
    flow.accept_results(
        results=[first, answer(run, probabilities={"233604007": 0.1}), first]
    )
    assert Finding.objects.get(label_code="233604007").probability == 0.9
    assert AuditRecord.objects.filter(event="inference:result").count() == 1


def test_two_answers_may_name_one_artefact(run, department):
    body = b"heat"
    write_artefact(sha256=reference(body).sha256, body=body)
    runs = runs_of(department, 1)
    said = [answer(one, saliency=reference(body)) for one in runs]
    record_results(actor=SYSTEM, results=said)
    assert Artefact.objects.count() == 1
    kept = Finding.objects.exclude(saliency=None).values_list("run_id", flat=True)
    assert set(kept) == {one.id for one in runs}


def test_a_rejected_film_says_why_and_ranks_neutral(run):
    before = WorkItem.objects.get()
    flow.accept_result(result=answer(run, state="rejected", reason="no chest film"))
    item = WorkItem.objects.get()
    assert (item.ai_state, item.ai_reason) == ("rejected", "no chest film")
    assert (item.band, item.due_at) == ("ROUTINE", before.due_at)


def test_the_finding_that_decides_is_the_positive_of_the_highest_acuity(run):
    flow.accept_result(
        result=answer(run, probabilities={"233604007": 0.99, "36118008": 0.51})
    )
    item = WorkItem.objects.get()
    assert (item.ai_label, item.ai_acuity) == ("Pneumothorax", "critical")
    assert (item.band, item.ai_n_more) == ("STAT", 1)


# --- the store


class TestStore:
    def test_it_takes_what_has_the_hash_and_only_that(self):
        sha = hashlib.sha256(b"a").hexdigest()
        assert write_artefact(sha256=sha, body=b"a") is True
        assert write_artefact(sha256=sha, body=b"a") is False
        with pytest.raises(DomainError) as caught:
            write_artefact(sha256=sha, body=b"b")
        assert (caught.value.code, caught.value.status) == ("hash_mismatch", 422)
        assert read_artefact(sha256=sha) == b"a"

    def test_a_damaged_file_is_told_and_healed_by_the_right_bytes(self):
        sha = hashlib.sha256(b"a").hexdigest()
        write_artefact(sha256=sha, body=b"a")
        artefact_path(sha256=sha).write_bytes(b"")
        with pytest.raises(NotFound) as caught:
            read_artefact(sha256=sha)
        assert caught.value.code == "damaged"
        assert write_artefact(sha256=sha, body=b"a") is True
        assert read_artefact(sha256=sha) == b"a"

    @pytest.mark.parametrize(
        "name", ["", "..", "A" * 64, "g" * 64, "a" * 63, "a" * 64 + "\n"]
    )
    def test_a_name_that_is_no_hash_is_refused(self, name):
        with pytest.raises(Invalid):
            artefact_path(sha256=name)

    def test_nothing_half_written_is_left_behind(self, tmp_path):
        sha = hashlib.sha256(b"a").hexdigest()
        write_artefact(sha256=sha, body=b"a")
        assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == [sha]


# --- which study a model fits


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({}, ""),
        ({"modalities": {"CT"}}, "needs CR or DX"),
        ({"modalities": {"CT", "DX"}}, ""),
        ({"body_parts": {"HEAD"}}, "is for another body part"),
        ({"body_parts": set(), "description": "Chest PA"}, ""),
        ({"body_parts": set(), "description": "KNEE"}, "the body part is not stated"),
        ({"views": {"LL"}}, "not for the view LL"),
        ({"views": {"LL", "AP"}}, ""),
        ({"views": {""}}, ""),
        ({"age_years": 1.0}, ""),
        (
            {"age_years": 0.9},
            "only for patients of 1 to 5 years; this patient is younger",
        ),
        ({"age_years": 5.99}, ""),
        (
            {"age_years": 6.0},
            "only for patients of 1 to 5 years; this patient is older",
        ),
        (
            {"age_years": None},
            "only for patients of 1 to 5 years; the age is not known",
        ),
    ],
)
def test_the_cards_input_rules(change, why):
    base = {
        "modalities": {"DX"},
        "body_parts": {"CHEST"},
        "description": "",
        "views": {"AP"},
        "age_years": 4.0,
    }
    fit = check_fit(card=CARD, study=StudyInput(**{**base, **change}))
    assert fit.fits is (why == "")
    assert fit.reason == (f"paediatric-pneumonia: {why}" if why else "")


# --- masks


def with_mask(run, mask: MaskRef):
    said = answer(run)
    return replace(said, findings=(replace(said.findings[0], mask=mask),))


def test_a_mask_is_kept_shown_and_sent_as_gzip_content(run, department):
    n_images = run.revision.instances.count()
    inflated = (b"\x00\x01\x01\x00\x00\x01") * n_images
    mask = mask_of(run, inflated)
    record_result(actor=SYSTEM, result=with_mask(run, mask))
    finding = Finding.objects.get(run=run)
    assert finding.mask.media_type == MASK_MEDIA_TYPE
    item = WorkItem.objects.get()
    client = client_for(department.reader)
    said = client.get(f"/api/worklist/items/{item.id}/ai").json()["runs"][0]
    assert said["findings"][0]["mask"] == {
        "artefact_id": str(finding.mask_id),
        "series_uid": mask.series_uid,
        "sop_uids": list(mask.sop_uids),
        "rows": 2,
        "columns": 3,
        "volume_ml": 1.5,
    }
    sent = client.get(f"/api/worklist/items/{item.id}/artefacts/{finding.mask_id}")
    assert sent["Content-Encoding"] == "gzip"
    assert sent["Content-Type"] == MASK_MEDIA_TYPE
    assert gzip.decompress(sent.content) == inflated


def test_a_mask_that_is_not_what_it_says_is_refused(run):
    right = b"\x00\x01\x01\x00\x00\x01" * run.revision.instances.count()
    wrong = {
        "too small": mask_of(run, right[:-1]),
        "too large": mask_of(run, right + b"\x00"),
        "a bomb": mask_of(run, bytes(50_000_000)),
        "not 0 or 1": mask_of(run, right[:-1] + b"\x02"),
        "not gzip": mask_of(run, right, body=b"not gzip"),
        "cut off": mask_of(run, right, body=gzip.compress(right)[:-6]),
        "another series": mask_of(run, right, series_uid="1.2.3"),
        "another image": mask_of(run, b"\x01" * 6, sop_uids=("1.2.3.4",)),
    }
    for name, mask in wrong.items():
        with pytest.raises(Invalid):
            record_result(actor=SYSTEM, result=with_mask(run, mask))
        assert not Finding.objects.exists(), name


# --- phantoms


def test_phantoms_and_people_go_to_models_of_their_own(department):
    make_model(department.site, name="for-people")
    make_model(department.site, name="for-phantoms", input={"synthetic": True})
    make_model(department.site, name="for-both", input={"synthetic": "allowed"})
    person = open_runs(actor=SYSTEM, revision_id=make_revision(department).id)
    assert person.refusals == (
        "for-phantoms: only for phantoms (images marked as synthetic)",
    )
    assert len(person.run_ids) == 2
    phantom = make_revision(department)
    phantom.series = [{**series, "is_synthetic": True} for series in phantom.series]
    phantom.save()
    opened = open_runs(actor=SYSTEM, revision_id=phantom.id)
    assert opened.refusals == (
        "for-people: not for phantoms; these images are synthetic",
    )
    assert len(opened.run_ids) == 2


def test_the_reason_of_the_nearest_model_comes_first(department):
    make_model(department.site, name="for-phantoms", input={"synthetic": True})
    make_model(department.site, name="for-ct", input={"modalities": ["CT"]})
    make_model(
        department.site, name="for-adults", input={"age_years": {"min": 18, "max": 99}}
    )
    opened = open_runs(actor=SYSTEM, revision_id=make_revision(department).id)
    names = [reason.split(":")[0] for reason in opened.refusals]
    assert names[0] == "for-adults"
    assert set(names[1:]) == {"for-ct", "for-phantoms"}


@pytest.mark.parametrize(
    ("rule", "marks", "reason"),
    [
        (True, {True}, ""),
        (True, {True, False}, "m: only for phantoms (images marked as synthetic)"),
        (True, set(), "m: only for phantoms (images marked as synthetic)"),
        (False, {False}, ""),
        (False, {True, False}, "m: not for phantoms; these images are synthetic"),
        (None, {True}, "m: not for phantoms; these images are synthetic"),
        ("allowed", {True}, ""),
        ("allowed", {False}, ""),
    ],
)
def test_a_card_says_whether_phantoms_may_come(rule, marks, reason):
    study = StudyInput(
        modalities=frozenset({"DX"}),
        body_parts=frozenset(),
        description="",
        views=frozenset(),
        age_years=None,
        synthetic=frozenset(marks),
    )
    rules = {} if rule is None else {"synthetic": rule}
    fit = check_fit(card={"name": "m", "input": rules}, study=study)
    assert (fit.fits, fit.reason) == (not reason, reason)


@pytest.mark.parametrize(
    ("limits", "age", "reason"),
    [
        ({"min": 18}, 40, ""),
        (
            {"min": 18},
            4,
            "m: only for patients of 18 years and older; this patient is younger",
        ),
        ({"max": 15}, 4, ""),
        (
            {"max": 15},
            40,
            "m: only for patients of 0 to 15 years; this patient is older",
        ),
    ],
)
def test_a_card_may_name_one_end_of_the_ages(limits, age, reason):
    study = StudyInput(
        modalities=frozenset({"DX"}),
        body_parts=frozenset(),
        description="",
        views=frozenset(),
        age_years=age,
    )
    fit = check_fit(card={"name": "m", "input": {"age_years": limits}}, study=study)
    assert (fit.fits, fit.reason) == (not reason, reason)


def test_every_shipped_model_can_be_put_to_use(department):
    folders = sorted(p.parent for p in SHIPPED.glob("*/card.json"))
    assert folders
    for folder in folders:
        package = read_package(path=folder)
        model = register_model(
            actor=SYSTEM,
            package_hash=package.package_hash,
            card=package.card,
            package_path=str(folder),
        )
        slot = fill_slot(actor=SYSTEM, site=department.site, model=model)
        codes = {label["code"] for label in package.card["labels"]}
        assert set(slot.thresholds) == set(slot.acuities) == codes
        for_phantoms = package.card["input"].get("synthetic", False)
        assert for_phantoms is folder.name.startswith("phantom-")

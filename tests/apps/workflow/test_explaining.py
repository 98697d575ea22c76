"""Where findings of a graph come from: asked for after the result, few at a time."""

from __future__ import annotations

import hashlib
import io
from datetime import timedelta

import numpy as np
import pytest
from PIL import Image

from apps.audit.models import AuditRecord
from apps.core import clock
from apps.core.errors import Invalid
from apps.core.steps import Step
from apps.inference.artefacts import write_artefact
from apps.inference.explanations import MAX_ATTEMPTS, MOST_UNDER_WAY
from apps.inference.models import Explanation, Finding
from apps.inference.types import SlotKind
from apps.interop.dicom.pictures import read_saliency
from apps.reports.models import ExportedObject, ExportKind, ExportState
from apps.studies.machine import LIFETIME_S
from apps.studies.renewing import MAX_RENEWALS
from apps.workflow import exporting, flow
from apps.workflow.explaining import (
    EXPORT_LOST,
    PATIENCE,
    accept_explanation,
    send_explanations,
    sweep_explanations,
)
from apps.worklist.models import WorkItem
from tests.factories.domain import (
    client_for,
    give_ai,
    make_film,
    make_item,
    make_model,
    run_task,
)
from workers.contracts import (
    OUTDATED,
    PRIORITY_MAX,
    TASK_INFER,
    ArtefactRef,
    FindingResult,
    InferRequest,
    InferResult,
)

pytestmark = pytest.mark.django_db
LUNG, COLLAPSE = "233604007", "36118008"
OCCLUDED = {
    "saliency": {"method": "occlusion", "patch": 16, "stride": 8},
    "preprocessing": [{"name": "squeeze_resize", "height": 64, "width": 64}],
}


@pytest.fixture(autouse=True)
def _folders(settings, tmp_path):
    settings.ARTEFACTS_DIR = tmp_path / "artefacts"


@pytest.fixture
def model(department):
    return make_model(department.site, **OCCLUDED)


@pytest.fixture
def committed(django_capture_on_commit_callbacks):
    """Do something, and what waits for its commit."""

    def do(step, *args, **kwargs):
        with django_capture_on_commit_callbacks(execute=True):
            return step(*args, **kwargs)

    return do


def studied(department, committed, **scores):
    """Let a study arrive and the model answer."""
    item = make_item(department)
    return committed(give_ai, item, probabilities=scores or {LUNG: 0.9, COLLAPSE: 0.1})


def requests(broker):
    """Return what models' workers were asked to explain."""
    found = [
        InferRequest.from_message(kwargs["request"])
        for name, kwargs in broker.take("gpu")
        if name == TASK_INFER
    ]
    return [one for one in found if one.explain]


def picture():
    made = io.BytesIO()
    grey = np.zeros((20, 30), dtype=np.uint8)
    grey[5:9, 4:8] = 255
    Image.fromarray(grey).save(made, format="PNG")
    return made.getvalue()


def drawn(explanation, *, code=LUNG, sop_uid="", **changes):
    body = picture()
    sha256 = hashlib.sha256(body).hexdigest()
    write_artefact(sha256=sha256, body=body)
    first = explanation.run.revision.instances.first()
    ref = ArtefactRef(
        sha256=sha256,
        media_type="image/png",
        sop_uid=sop_uid or first.sop_uid,
        frame=1,
        meta={"cut_off": 0.5, "columns": 30, "rows": 20, "method": "occlusion"},
    )
    given = {
        "run_id": str(explanation.id),
        "package_hash": explanation.run.model_version.package_hash,
        "state": "done",
        "findings": (
            FindingResult(
                label_code=code, raw_score=1.0, probability=0.7, saliency=ref
            ),
        ),
    }
    return InferResult(**(given | changes))


def failed(explanation, reason="others come first"):
    return drawn(explanation, state="rejected", findings=(), reason=reason)


def test_what_is_positive_is_asked_for_after_the_result(
    department, model, broker, committed
):
    run = studied(department, committed)
    explanation = Explanation.objects.get()
    assert (explanation.run_id, explanation.labels) == (run.id, [LUNG])
    assert (explanation.state, explanation.attempts) == ("queued", 0)
    assert Finding.objects.filter(run=run).count() == 2
    exports = [name for name, _ in broker.take("exports")]
    assert exports.index(Step.EXPORT_RESULT) < exports.index(Step.SEND_EXPLANATIONS)
    assert requests(broker) == []
    committed(run_task, Step.SEND_EXPLANATIONS, {})
    (request,) = requests(broker)
    assert request.run_id == str(explanation.id)
    assert request.revision_id == str(run.revision_id)
    assert request.package_hash == model.package_hash
    assert request.explain == (LUNG,)
    assert request.priority == PRIORITY_MAX


def test_nobody_asks_why_something_is_not_there(department, model, broker, committed):
    studied(department, committed, **{LUNG: 0.2, COLLAPSE: 0.1})
    assert not Explanation.objects.exists()


@pytest.mark.parametrize("kind", [SlotKind.SHADOW, SlotKind.CHALLENGER])
def test_what_nobody_sees_is_not_explained(department, broker, committed, kind):
    make_model(department.site)
    make_model(department.site, kind=kind, name="other", **OCCLUDED)
    studied(department, committed)
    assert not Explanation.objects.exists()


def test_a_model_whose_card_asks_for_none_is_not_asked(department, broker, committed):
    make_model(department.site)
    studied(department, committed)
    assert not Explanation.objects.exists()


def test_few_are_under_way_at_a_time(department, model, broker, committed):
    for _ in range(MOST_UNDER_WAY + 2):
        studied(department, committed)
    broker.take("gpu")
    for _ in range(3):
        committed(send_explanations)
    sent = requests(broker)
    first = Explanation.objects.order_by("created_at")
    assert [one.run_id for one in sent] == [
        str(one.id) for one in first[:MOST_UNDER_WAY]
    ]
    broker.take("exports")
    committed(accept_explanation, result=drawn(first[0]))
    assert Step.SEND_EXPLANATIONS in [name for name, _ in broker.take("exports")]
    committed(send_explanations)
    (third,) = requests(broker)
    assert third.run_id == str(first[MOST_UNDER_WAY].id)


def test_the_map_is_kept_once_and_changes_nothing_else(
    department, model, broker, committed
):
    run = studied(department, committed)
    committed(send_explanations)
    explanation = Explanation.objects.get()
    before = Finding.objects.get(run=run, label_code=LUNG)
    version = WorkItem.objects.get().version
    broker.take("exports")
    for _ in range(2):
        committed(accept_explanation, result=drawn(explanation))
    after = Finding.objects.get(run=run, label_code=LUNG)
    assert (after.raw_score, after.probability) == (
        before.raw_score,
        before.probability,
    )
    assert after.location is None
    assert after.saliency is not None
    assert after.saliency_meta["method"] == "occlusion"
    explanation.refresh_from_db()
    assert explanation.state == "done"
    # The list is not told: who reads unaided would learn that something is positive.
    assert WorkItem.objects.get().version == version
    names = [name for name, _ in broker.take("exports")]
    assert names.count(Step.EXPORT_RESULT) == 1
    events = AuditRecord.objects.filter(event__startswith="explanation:")
    assert list(events.order_by("at").values_list("event", "detail__state")) == [
        ("explanation:request", "queued"),
        ("explanation:result", "done"),
    ]


def test_what_can_not_be_true_is_refused(department, model, broker, committed):
    run = studied(department, committed)
    committed(send_explanations)
    explanation = Explanation.objects.get()
    wrong = [
        drawn(explanation, code=COLLAPSE),
        drawn(explanation, sop_uid="1.2.3"),
        drawn(explanation, package_hash="0" * 64),
    ]
    for result in wrong:
        with pytest.raises(Invalid):
            accept_explanation(result=result)
    assert not Finding.objects.filter(run=run, saliency__isnull=False).exists()


def test_what_fails_is_tried_again_and_given_up(department, model, broker, committed):
    studied(department, committed)
    for attempt in range(1, MAX_ATTEMPTS + 1):
        committed(send_explanations)
        assert len(requests(broker)) == 1
        committed(accept_explanation, result=failed(Explanation.objects.get()))
        assert Explanation.objects.get().attempts == attempt
    committed(send_explanations)
    assert requests(broker) == []
    explanation = Explanation.objects.get()
    assert (explanation.state, explanation.reason) == ("failed", "others come first")
    committed(accept_explanation, result=drawn(explanation))
    assert Explanation.objects.get().state == "failed"


def test_what_was_lost_is_asked_for_again(department, model, broker, committed):
    studied(department, committed)
    committed(send_explanations)
    broker.take("gpu")
    now = clock.now()
    committed(sweep_explanations, now=now, limit=5)
    assert requests(broker) == []
    Explanation.objects.update(requested_at=now - PATIENCE - timedelta(seconds=1))
    committed(sweep_explanations, now=now, limit=5)
    assert len(requests(broker)) == 1
    assert Explanation.objects.get().attempts == 2


def test_what_the_site_reads_by_another_model_is_not_explained(
    department, model, broker, committed
):
    run = studied(department, committed)
    run.set_aside_at = clock.now()
    run.save()
    committed(send_explanations)
    assert requests(broker) == []
    assert Explanation.objects.get().state == "failed"


def test_the_map_reaches_the_archive_after_the_report(
    department, model, archive, broker, committed
):
    content = make_film()
    archive.c_store(content, called="NORTH")
    archive.settle()
    flow.take_arrivals()
    item = WorkItem.objects.select_related("case").get()
    run = committed(give_ai, item)
    exporting.send_result(run_id=run.id)
    report = ExportedObject.objects.get()
    assert (report.kind, report.state) == (ExportKind.AI_RESULT, ExportState.STORED)
    committed(send_explanations)
    committed(accept_explanation, result=drawn(Explanation.objects.get()))
    broker.take("exports")
    least, _ = EXPORT_LOST
    later = clock.now() + least + timedelta(seconds=1)
    committed(sweep_explanations, now=later, limit=5)
    (lost,) = [k for name, k in broker.take("exports") if name == Step.EXPORT_RESULT]
    run_task(Step.EXPORT_RESULT, lost)
    stored = ExportedObject.objects.get(kind=ExportKind.SALIENCY)
    assert (stored.state, stored.problems) == (ExportState.STORED, "")
    values = read_saliency(archive.fetch_instance(stored.archive_id))
    assert values.max() == pytest.approx(1.0)
    assert values.mean() < 0.2
    report.refresh_from_db()
    assert report.attempts == 1
    committed(sweep_explanations, now=later, limit=5)
    assert broker.take("exports") == []


# --- what its reader is told


def said_of(department, run):
    """Return what a reader is told of the first label's explanation, and its map."""
    reader = client_for(department.reader)
    item = WorkItem.objects.get(case__revision=run.revision)
    (told,) = reader.get(f"/api/worklist/items/{item.id}/ai").json()["runs"]
    by_label = {one["label"]["code"]: one for one in told["findings"]}
    assert by_label[COLLAPSE]["explanation"] is None
    return by_label[LUNG]["explanation"], by_label[LUNG]["saliency"]


def test_its_reader_is_told_how_far_it_is(department, model, broker, committed):
    run = studied(department, committed)
    assert said_of(department, run) == ({"state": "queued", "reason": ""}, None)
    committed(send_explanations)
    assert said_of(department, run)[0]["state"] == "running"
    committed(accept_explanation, result=drawn(Explanation.objects.get()))
    explanation, saliency = said_of(department, run)
    assert explanation == {"state": "done", "reason": ""}
    assert saliency["cut_off"] == 0.5


def test_its_reader_is_told_why_there_is_no_map(department, model, broker, committed):
    run = studied(department, committed)
    for _ in range(MAX_ATTEMPTS):
        committed(send_explanations)
        committed(accept_explanation, result=failed(Explanation.objects.get()))
    said = {"state": "failed", "reason": "others come first"}
    assert said_of(department, run) == (said, None)


# --- workers that were away


def give_up(committed):
    """Let no worker answer until it is given up, its last request then a day old."""
    for _ in range(MAX_ATTEMPTS + 1):
        committed(send_explanations)
        late = clock.now() - PATIENCE - timedelta(seconds=1)
        Explanation.objects.filter(state="running").update(requested_at=late)
    a_day = clock.now() - timedelta(seconds=LIFETIME_S + 1)
    Explanation.objects.update(requested_at=a_day)
    explanation = Explanation.objects.get()
    assert (explanation.state, explanation.reason) == ("failed", "no worker answered")
    return explanation


def test_an_answer_after_it_was_given_up_is_still_the_answer(
    department, model, broker, committed
):
    run = studied(department, committed)
    explanation = give_up(committed)
    committed(accept_explanation, result=failed(explanation))
    assert Explanation.objects.get().reason == "no worker answered"
    committed(accept_explanation, result=drawn(explanation))
    assert Explanation.objects.get().state == "done"
    assert Finding.objects.get(run=run, label_code=LUNG).saliency is not None


def test_what_waited_longer_than_its_token_lives_is_sent_again(
    department, model, broker, committed
):
    studied(department, committed)
    explanation = give_up(committed)
    broker.take("gpu")
    for _ in range(2):  # several requests of it waited alike: one is sent for them all
        outdated = drawn(explanation, state="failed", findings=(), reason=OUTDATED)
        committed(accept_explanation, result=outdated)
        committed(send_explanations)
    (request,) = requests(broker)
    assert request.run_id == str(explanation.id)
    explanation.refresh_from_db()
    assert (explanation.state, explanation.renewals) == ("running", 1)
    (record,) = AuditRecord.objects.filter(event="inference:renew")
    assert record.detail["of"] == "explanation"
    a_day = clock.now() - timedelta(seconds=LIFETIME_S + 1)
    Explanation.objects.update(requested_at=a_day, renewals=MAX_RENEWALS, attempts=3)
    committed(accept_explanation, result=outdated)
    explanation.refresh_from_db()
    assert (explanation.state, explanation.reason) == ("failed", OUTDATED)

"""One patient's heads, months apart: compared by a worker, shown to who may see both.

The studies are phantoms of one person whose bleed grows by construction; what the model
marked is the phantom's truth, so that volumes and matches can be checked against it.
"""

from __future__ import annotations

import gzip
import hashlib
import io
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import numpy as np
import pydicom
import pytest
from django.test import Client
from highdicom.sr import srread
from pydicom.sr.coding import Code

from apps.annotations.models import Reading
from apps.audit.models import AuditRecord
from apps.core import clock
from apps.core.errors import Invalid
from apps.inference.artefacts import write_artefact
from apps.inference.models import Comparison, InferenceRun, ModelVersion
from apps.reports.models import ExportedObject
from apps.reports.selectors import exports_due
from apps.studies.models import Study
from apps.workflow import flow
from apps.workflow.longitudinal.comparing import (
    MAX_ATTEMPTS,
    accept_comparison,
    repeatability_of,
    request_comparison,
    send_overdue,
)
from apps.worklist.models import WorkItem
from tests.factories.domain import (
    client_for,
    make_department,
    make_model,
    make_protocol,
    run_task,
)
from workers.compare_contracts import REGISTRATION, CompareRequest, CompareResult
from workers.contracts import (
    MASK_MEDIA_TYPE,
    ArtefactRef,
    FindingResult,
    InferResult,
    MaskRef,
)
from workers.longitudinal.registration import Registration, register
from workers.packs.isolation import IsolatedDecoder
from workers.phantoms.dicom import write_study
from workers.phantoms.head import HeadVolume, head_volume
from workers.phantoms.head_study import head_study
from workers.phantoms.orders import Order
from workers.phantoms.settings import NORTH, UNSEEN
from workers.tasks_compare import compare

pytestmark = pytest.mark.django_db
BLOOD = "1386000"
CARD: dict[str, Any] = {
    "name": "bleeds",
    "version": "1",
    "intended_use": "segmentation",
    "labels": [
        {
            "code": BLOOD,
            "scheme": "SCT",
            "display": "Intracranial haemorrhage",
            "threshold": 0.5,
            "acuity": "critical",
        }
    ],
    "input": {"modalities": ["CT"], "body_parts": ["HEAD"], "synthetic": True},
    "segmentation": {"min_ml": 0.1},
}
FIRST = datetime(2026, 3, 2, 9, tzinfo=UTC)
SECOND = FIRST + timedelta(days=40)
THIRD = SECOND + timedelta(days=50)


@pytest.fixture(autouse=True)
def _folders(settings, tmp_path):
    settings.ARTEFACTS_DIR = tmp_path / "artefacts"


SCANS: dict[tuple[Any, ...], HeadVolume] = {}
LAID: dict[tuple[str, str], Registration] = {}


@pytest.fixture(autouse=True)
def _laid_once(monkeypatch):
    """The same two volumes are laid over each other once for all tests here."""

    def once(*, now, then):
        key = tuple(
            hashlib.sha256(np.ascontiguousarray(one.hu)).hexdigest()
            for one in (now, then)
        )
        if key not in LAID:
            LAID[key] = register(now=now, then=then)
        return LAID[key]

    monkeypatch.setattr("workers.longitudinal.compare.register", once)


@pytest.fixture(scope="module")
def decoder():
    with IsolatedDecoder() as one:
        yield one


class Portal(httpx.BaseTransport):
    """The portal itself, as a worker's HTTP reaches it."""

    def handle_request(self, request):
        answer = Client().generic(
            request.method,
            request.url.path,
            request.read(),
            content_type=request.headers.get("Content-Type", ""),
            headers={"Authorization": request.headers["Authorization"]},
        )
        content = b"".join(answer) if answer.streaming else answer.content
        return httpx.Response(answer.status_code, content=content)


class OneThread:
    """Fetches as it is asked: another thread would not see this test's database."""

    def __init__(self, *_args: object, **_kwargs: object) -> None: ...

    def submit(self, do, *args):
        future: Future[Any] = Future()
        future.set_result(do(*args))
        return future

    def shutdown(self, **_: object) -> None: ...


@dataclass(frozen=True)
class Head:
    """A study that arrived, and the truth of it."""

    item: WorkItem
    run: InferenceRun
    truth: HeadVolume


@pytest.fixture
def arrive(department, archive, tmp_path, monkeypatch):
    """Let a phantom arrive and the model answer with the phantom's own truth."""
    made: list[HeadVolume] = []

    def keep(seed, settings, *, strengths, **kwargs):
        key = (seed, str(strengths), str(kwargs))
        if key not in SCANS:
            SCANS[key] = head_volume(seed, settings, strengths=strengths, **kwargs)
        made.append(SCANS[key])
        return made[-1]

    monkeypatch.setattr("workers.phantoms.head_study.head_volume", keep)

    def take(seed: int, when: datetime, strength: float, *, person: int = 3) -> Head:
        order = Order(
            kind="head-ct",
            seed=seed,
            person=person,
            site=NORTH,
            when=when,
            settings=UNSEEN,
            strengths={"intraparenchymal": strength} if strength else {},
            size=128,
            slices=32,
            bleed=person,
        )
        study = head_study(order)
        files = [one.read_bytes() for one in write_study(tmp_path / str(seed), study)]
        for content in files:
            archive.c_store(content, called="NORTH")
        archive.settle()
        flow.take_arrivals()
        row = Study.objects.get(study_uid=study.uid)
        item = WorkItem.objects.select_related("case__protocol").get(study_id=row.id)
        flow.request_inference(revision_id=item.case.revision_id)
        run = InferenceRun.objects.select_related("model_version").get(
            revision_id=item.case.revision_id
        )
        flow.accept_result(result=_answer(run, made[-1], files))
        run.refresh_from_db()
        return Head(item=item, run=run, truth=made[-1])

    return take


def _answer(run: InferenceRun, truth: HeadVolume, files: list[bytes]) -> InferResult:
    images = [pydicom.dcmread(pydicom.filebase.DicomBytesIO(one)) for one in files]
    images.sort(key=lambda image: float(image.ImagePositionPatient[2]))
    uids = tuple(str(image.SOPInstanceUID) for image in images)
    body = gzip.compress(truth.mask.astype(np.uint8).tobytes(), mtime=0)
    sha256 = hashlib.sha256(body).hexdigest()
    write_artefact(sha256=sha256, body=body)
    mask = MaskRef(
        artefact=ArtefactRef(sha256=sha256, media_type=MASK_MEDIA_TYPE),
        series_uid=str(images[0].SeriesInstanceUID),
        sop_uids=uids,
        rows=truth.mask.shape[1],
        columns=truth.mask.shape[2],
        volume_ml=truth.volume_ml,
    )
    there = bool(truth.mask.any())
    return InferResult(
        run_id=str(run.id),
        package_hash=run.model_version.package_hash,
        state="done",
        quality={"series_uid": mask.series_uid},
        findings=(
            FindingResult(
                label_code=BLOOD,
                raw_score=3.0 if there else -3.0,
                probability=0.95 if there else 0.05,
                mask=mask if there else None,
            ),
        ),
        device="cpu",
    )


@pytest.fixture
def work(broker, decoder, commits, monkeypatch):
    """Do what waits in the queues of exports and of pixels; give the answers back."""

    monkeypatch.setattr("workers.portal_client.ThreadPoolExecutor", OneThread)

    def do() -> list[CompareResult]:
        with commits():
            for name, kwargs in broker.take("exports"):
                if name == "workflow.request_comparison":
                    run_task(name, kwargs)
        results = []
        for name, kwargs in broker.take("pixels"):
            if name != "workers.compare":
                continue
            assert set(kwargs["request"]) == {
                *("version", "comparison_id", "revision_id", "prior_revision_id"),
                *("token", "prior_token", "portal_url"),
            }
            request = CompareRequest.from_message(kwargs["request"])
            result = compare(request, decoder=decoder, transport=Portal())
            run_task("workflow.accept_comparison", {"result": result.to_message()})
            results.append(result)
        return results

    return do


@pytest.fixture
def commits(django_capture_on_commit_callbacks):
    return lambda: django_capture_on_commit_callbacks(execute=True)


def shown(client: Client, head: Head) -> dict[str, Any] | None:
    body = client.get(f"/api/worklist/items/{head.item.id}/ai").json()
    found: dict[str, Any] | None = body["runs"][0]["comparison"]
    return found


@pytest.fixture
def pair(department, arrive, work, commits):
    """Two studies of one patient, forty days apart, and the bleed has grown."""
    make_model(department.site, **CARD)
    with commits():
        then = arrive(300, FIRST, 0.55)
        now = arrive(301, SECOND, 0.7)
    results = work()
    return then, now, results


def test_growth_is_measured_against_the_truth(department, pair):
    then, now, results = pair
    assert [one.state for one in results] == ["done"], results
    client = client_for(department.reader)
    found = shown(client, now)
    assert found is not None
    assert found["days"] == 40
    assert found["prior"]["study_id"] == str(then.run.revision.study_id)
    assert found["prior"]["same_version"] is True
    assert found["registration"]["inconsistency_mm"] < 1.0
    [lesion] = found["lesions"]
    assert lesion["kind"] == "grown"
    assert lesion["finding_id"] == str(now.run.findings.get().id)
    assert lesion["now"]["volume_ml"] == pytest.approx(now.truth.volume_ml, abs=0.02)
    assert lesion["then"]["volume_ml"] == pytest.approx(then.truth.volume_ml, abs=0.02)
    true = 100 * (now.truth.volume_ml / then.truth.volume_ml - 1)
    assert lesion["percent"] == pytest.approx(true, abs=1.0)
    assert lesion["percent_low"] < lesion["percent"] < lesion["percent_high"]
    assert 20 < lesion["doubling_days"] < 60
    assert "setting" in lesion["repeatability"]["source"]
    # Both places are on blood.
    for head, at in ((now, lesion["now_at"]), (then, lesion["then_at"])):
        uids = head.run.findings.get().mask_meta["sop_uids"]
        frame = uids.index(at["sop_uid"])
        assert head.truth.mask[frame, int(at["row"]), int(at["column"])]
    assert shown(client, then) is None, "nothing is earlier than the first"
    events = AuditRecord.objects.filter(event__startswith="comparison:")
    assert sorted(events.values_list("event", flat=True)) == [
        "comparison:request",
        "comparison:result",
    ]


def test_new_and_resolved_and_tracking(department, arrive, work, commits):
    make_model(department.site, **CARD)
    with commits():
        arrive(300, FIRST, 0.0)
        second = arrive(301, SECOND, 0.7)
        third = arrive(302, THIRD, 0.0)
    work()
    client = client_for(department.reader)
    new, gone = shown(client, second), shown(client, third)
    assert new is not None
    assert gone is not None
    [appeared], [vanished] = new["lesions"], gone["lesions"]
    assert (appeared["kind"], appeared["then"]) == ("new", None)
    assert (vanished["kind"], vanished["now"]) == ("resolved", None)
    assert vanished["percent"] == -100.0
    # Where it was then is shown on an image of now, and the other way round.
    assert appeared["then_at"]
    assert vanished["now_at"]
    assert vanished["tracking_uid"] == appeared["tracking_uid"]


def test_studies_may_arrive_in_any_order(department, arrive, work, commits):
    make_model(department.site, **CARD)
    with commits():
        third = arrive(302, THIRD, 0.7)
        first = arrive(300, FIRST, 0.55)
    work()
    assert Comparison.objects.get().prior_run_id == first.run.id
    with commits():
        second = arrive(301, SECOND, 0.7)
    work()
    found = shown(client_for(department.reader), third)
    assert found is not None
    assert found["prior"]["study_id"] == str(second.run.revision.study_id)
    pairs = Comparison.objects.values_list("run_id", "prior_run_id")
    assert set(pairs) == {
        (third.run.id, first.run.id),
        (second.run.id, first.run.id),
        (third.run.id, second.run.id),
    }


def test_once_however_often_it_is_asked(department, pair, broker, commits):
    _, now, results = pair
    before = Comparison.objects.values().get()
    with commits():
        request_comparison(run_id=now.run.id)
        accept_comparison(result=replace(results[0], lesions=()))
    assert Comparison.objects.values().get() == before
    assert broker.take("pixels") == []


def test_other_patients_sites_and_models_are_not_beside_it(
    department, arrive, work, commits
):
    make_model(department.site, **CARD)
    with commits():
        arrive(300, FIRST, 0.55, person=5)
        now = arrive(301, SECOND, 0.7)
    other = make_department("south")
    Study.objects.filter(id=now.run.revision.study_id).update(site=other.site)
    with commits():
        arrive(302, THIRD, 0.7)
    assert work() == []
    assert not Comparison.objects.exists()


def test_hidden_while_the_earlier_study_is_to_be_read_unaided(department, pair, arrive):
    then, now, _ = pair
    client = client_for(department.reader)
    assert shown(client, now)
    case = then.item.case
    case.protocol = make_protocol(department, "after_commit")
    case.save()
    assert shown(client, now) is None
    reading = Reading.objects.create(
        revision=case.revision,
        protocol=case.protocol,
        reader=department.reader,
        state="revealed",
        saved_at=clock.now(),
    )
    assert shown(client, now)
    reading.delete()
    case = now.item.case
    case.protocol = make_protocol(department, "none")
    case.save()
    body = client.get(f"/api/worklist/items/{now.item.id}/ai")
    assert b"comparison" not in body.content


def test_hidden_where_the_earlier_study_is_not_the_readers(department, pair):
    then, now, _ = pair
    client = client_for(department.reader)
    assert shown(client, now)
    elsewhere = make_department("south").site
    Study.objects.filter(id=then.run.revision.study_id).update(site=elsewhere)
    assert shown(client, now) is None


def test_what_lies_about_its_images_is_refused(department, arrive, commits):
    make_model(department.site, **CARD)
    with commits():
        arrive(300, FIRST, 0.55)
        now = arrive(301, SECOND, 0.7)
    request_comparison(run_id=now.run.id)
    row = Comparison.objects.get()
    lesion = {
        "label_code": BLOOD,
        "now_number": 1,
        "then_number": None,
        "now": {"volume_ml": 1.0, "diameter_mm": 9.0},
        "then": None,
        "now_at": {"sop_uid": "1.2.3", "column": 1.0, "row": 1.0},
        "then_at": None,
    }
    message = {
        "version": 1,
        "comparison_id": str(row.id),
        "state": "done",
        "reason": "",
        "registration": dict.fromkeys(REGISTRATION, 1.0),
        "lesions": [lesion],
    }
    with pytest.raises(Invalid, match="another study"):
        accept_comparison(result=CompareResult.from_message(message))
    lesion |= {"now_at": None, "label_code": "1"}
    with pytest.raises(Invalid, match="was not found"):
        accept_comparison(result=CompareResult.from_message(message))
    row.refresh_from_db()
    assert row.state == "running"


def test_lost_ones_are_sent_again_and_given_up(department, arrive, broker, commits):
    make_model(department.site, **CARD)
    with commits():
        arrive(300, FIRST, 0.55)
        now = arrive(301, SECOND, 0.7)
    with commits():
        request_comparison(run_id=now.run.id)
    for _ in range(MAX_ATTEMPTS):
        Comparison.objects.update(requested_at=clock.now() - timedelta(hours=2))
        with commits():
            assert send_overdue(now=clock.now(), limit=5) == 1
    found = shown(client_for(department.reader), now)
    assert found is not None
    assert (found["state"], found["reason"]) == ("failed", "no worker answered")
    assert send_overdue(now=clock.now(), limit=5) == 0


def test_change_counts_beyond_what_was_measured_for_the_model(pair):
    """The card's own figure; of two versions that of the one which errs more."""
    row = Comparison.objects.get()
    assert row.lesions[0]["kind"] == "grown"
    measured = {"code": BLOOD, "percent": 40.0, "least_ml": 0.2, "source": "measured"}
    worse = {**measured, "percent": 400.0}
    cards = [{"repeatability": [measured]}, {"repeatability": [worse]}, {}]
    assert repeatability_of(BLOOD, cards=cards).percent == 400.0
    assert repeatability_of(BLOOD, cards=cards[::2]).source == "measured"
    assert repeatability_of("1", cards=cards).source.startswith("a setting")
    model = row.run.model_version
    ModelVersion.objects.filter(id=model.id).update(
        card={**model.card, "repeatability": [worse]}
    )
    Comparison.objects.update(state="running", lesions=[])
    accept_comparison(result=pair[2][0])
    row.refresh_from_db()
    assert row.lesions[0]["kind"] == "unchanged"
    assert row.repeatability[BLOOD]["percent"] == 400.0


def reports_of(archive):
    """The structured reports in the archive, by their series' description."""
    found = [pydicom.dcmread(io.BytesIO(f.content)) for f in archive.files.values()]
    return {one.SeriesDescription: one for one in found if one.Modality == "SR"}


def test_it_leaves_as_a_report_of_its_own(department, pair, archive, broker, commits):
    then, now, results = pair
    Comparison.objects.update(state="running")
    broker.take("exports")
    with commits():
        accept_comparison(result=results[0])
    row = Comparison.objects.get()
    sent = dict(broker.take("exports"))
    assert sent["workflow.export_comparison"] == {"comparison_id": str(row.id)}
    run_task("workflow.export_comparison", {"comparison_id": str(row.id)})
    exported = ExportedObject.objects.get(kind="change")
    assert (exported.state, exported.problems) == ("stored", "")
    assert exported.study_id == now.run.revision.study_id
    report = reports_of(archive)["AI: change since earlier study, requires review"]
    assert report.SOPInstanceUID == exported.sop_uid
    answered = {
        one.ReferencedSeriesSequence[0]
        .ReferencedSOPSequence[0]
        .ReferencedSOPInstanceUID
        for one in report.PredecessorDocumentsSequence
    }
    results = ExportedObject.objects.filter(kind="ai_result", state="stored")
    assert answered == set(results.values_list("sop_uid", flat=True))
    assert len(answered) == 2
    [lesion] = row.lesions
    read = srread(io.BytesIO(archive_file(archive, exported)))
    groups = read.content.get_volumetric_roi_measurement_groups()
    assert {str(one.tracking_uid) for one in groups} == {lesion["tracking_uid"]}
    volumes = [
        one.get_measurements(Code("118565006", "SCT", "Volume"))[0].value
        for one in groups
    ]
    assert volumes == pytest.approx(
        [then.truth.volume_ml, now.truth.volume_ml], abs=0.02
    )
    before = ExportedObject.objects.values().get(kind="change")
    run_task("workflow.export_comparison", {"comparison_id": str(row.id)})
    assert ExportedObject.objects.values().get(kind="change") == before


def archive_file(archive, exported):
    return next(
        f.content
        for f in archive.files.values()
        if pydicom.dcmread(io.BytesIO(f.content)).SOPInstanceUID == exported.sop_uid
    )


def test_a_lost_report_is_written_by_the_sweep_and_a_shadows_never(pair, broker):
    row = Comparison.objects.get()

    def due():
        later = clock.now() + timedelta(hours=3)
        found = exports_due(now=later, before=later, results_before=later, limit=9)
        return [source for step, _, source in found if "comparison" in step]

    assert due() == [row.id]
    row.prior_run.set_aside_at = clock.now()
    row.prior_run.save()
    assert due() == []
    run_task("workflow.export_comparison", {"comparison_id": str(row.id)})
    assert not ExportedObject.objects.filter(kind="change").exists()


def test_the_report_is_withheld_while_the_earlier_study_is_read_unaided(
    department, pair, archive
):
    then, now, _ = pair
    row = Comparison.objects.get()
    run_task("workflow.export_comparison", {"comparison_id": str(row.id)})
    archive.settle()
    flow.take_arrivals()
    exported = ExportedObject.objects.get(kind="change")
    client = client_for(department.reader)
    path = f"/dicom-web/studies/{now.run.revision.study.study_uid}/series"

    def series():
        rows = client.get(path).json()
        return {one["0020000E"]["Value"][0] for one in rows}

    everything = series()
    assert exported.series_uid in everything
    case = then.item.case
    case.protocol = make_protocol(department, "after_commit")
    case.save()
    assert series() == everything - {exported.series_uid}


def test_a_token_opens_its_own_comparison_only(department, pair, broker, commits):
    Comparison.objects.update(state="running")
    row = Comparison.objects.get()
    Comparison.objects.update(requested_at=clock.now() - timedelta(hours=2))
    with commits():
        send_overdue(now=clock.now(), limit=5)
    sent = [kw for name, kw in broker.take("pixels") if name == "workers.compare"]
    request = sent[-1]["request"]
    path = f"/api/machine/comparisons/{row.id}"
    client = Client()

    def get(path: str, token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return client.get(path, headers=headers).status_code

    assert get(path, request["token"]) == 200
    assert get(path, request["prior_token"]) == 403
    assert get(f"/api/machine/comparisons/{row.run_id}", request["token"]) == 403
    assert get(f"{path}/masks/{'0' * 64}", request["token"]) == 404
    prior = f"/api/machine/revisions/{request['prior_revision_id']}/instances"
    assert get(prior, request["token"]) == 403
    assert get(prior, request["prior_token"]) == 200


def test_the_reports_draft_says_it(department, pair):
    then, now, _ = pair
    client = client_for(department.reader)
    path = f"/api/worklist/items/{now.item.id}"
    assert client.post(f"{path}/lease").status_code == 200
    finding = now.run.findings.get()
    verdict = {"verdict": "accept", "reason_code": "", "reason_text": ""}
    content = {"verdicts": {str(finding.id): verdict}, "annotations": []}

    def draft(content):
        answer = client.post(
            f"{path}/report-draft",
            data={"content": content},
            content_type="application/json",
        )
        assert answer.status_code == 200, answer.content
        return answer.json()["report"]

    report = draft(content)
    text = "\n".join(section["text"] for section in report["sections"])
    true = 100 * (now.truth.volume_ml / then.truth.volume_ml - 1)
    assert f"grown by {true:.0f}% (since 2 Mar 2026)" in text
    rejected = {**verdict, "verdict": "reject", "reason_code": "not_present"}
    other = draft({**content, "verdicts": {str(finding.id): rejected}})
    assert "grown" not in str(other)
    signed = client.post(
        f"{path}/sign",
        data={"content": {**content, "report": report}},
        content_type="application/json",
        headers={"If-Match": '"0"'},
    )
    assert signed.status_code == 200, signed.content
    kept = signed.json()["reading"]["content"]["report"]["sections"]
    assert "grown by" in str(kept)


def test_what_the_reader_has_not_read_is_not_signed(department, arrive, work, commits):
    """A comparison that comes between the draft and the signature is not in it."""
    make_model(department.site, **CARD)
    with commits():
        arrive(300, FIRST, 0.55)
        now = arrive(301, SECOND, 0.7)
    client = client_for(department.reader)
    path = f"/api/worklist/items/{now.item.id}"
    assert client.post(f"{path}/lease").status_code == 200
    verdict = {"verdict": "accept", "reason_code": "", "reason_text": ""}
    content = {"verdicts": {str(now.run.findings.get().id): verdict}}
    report = client.post(
        f"{path}/report-draft",
        data={"content": content},
        content_type="application/json",
    ).json()["report"]
    work()
    signed = client.post(
        f"{path}/sign",
        data={"content": {**content, "report": report}},
        content_type="application/json",
        headers={"If-Match": '"0"'},
    )
    assert signed.status_code == 200, signed.content
    kept = signed.json()["reading"]["content"]["report"]["sections"]
    assert "haemorrhage" in str(kept)
    assert "grown" not in str(kept)

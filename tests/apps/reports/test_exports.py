"""What leaves for the archive: once, checked, and with the reason when it cannot."""

from __future__ import annotations

import gzip
import hashlib
import io
from datetime import timedelta

import numpy as np
import pydicom
import pytest
from PIL import Image

from apps.accounts.models import Role
from apps.accounts.types import SYSTEM
from apps.audit.models import AuditRecord
from apps.core import clock
from apps.inference.artefacts import write_artefact
from apps.inference.models import InferenceRun
from apps.interop.dicom.pictures import read_segmentation
from apps.reports.models import ExportedObject
from apps.reports.services import MAX_ATTEMPTS, export_reading, export_result
from apps.workflow import flow
from apps.workflow.visibility import shown_findings
from apps.worklist.models import WorkItem
from apps.worklist.services import lease_item
from tests.factories.domain import (
    actor_for,
    answer,
    client_for,
    make_film,
    make_model,
    unchanged_by,
)
from workers.contracts import MASK_MEDIA_TYPE, ArtefactRef, MaskRef

pytestmark = pytest.mark.django_db


@pytest.fixture
def item(department, archive, broker):
    make_model(department.site)
    archive.c_store(make_film(), called="NORTH")
    archive.settle()
    flow.take_arrivals()
    return WorkItem.objects.select_related("case__revision").get()


@pytest.fixture
def run(item):
    flow.request_inference(revision_id=item.case.revision_id)
    run = InferenceRun.objects.select_related("model_version").get()
    flow.accept_result(result=answer(run))
    return InferenceRun.objects.get()


@pytest.fixture
def reading(department, item, run):
    actor = actor_for(department.reader)
    lease_item(actor=actor, item_id=item.id)
    item.refresh_from_db()
    shown = shown_findings(actor=actor, item=item)
    return flow.sign_item(
        actor=actor,
        item_id=item.id,
        expected_version=0,
        raw={"verdicts": {key: {"verdict": "accept"} for key in shown}},
    )


def stored(archive, row):
    return pydicom.dcmread(io.BytesIO(archive.files[row.archive_id].content))


def test_a_result_leaves_once(archive, run):
    row = export_result(actor=SYSTEM, run_id=run.id)
    assert (row.state, row.problems) == ("stored", "")
    before = len(archive.files)
    unchanged_by(lambda: export_result(actor=SYSTEM, run_id=run.id))
    assert len(archive.files) == before
    assert stored(archive, row).SOPInstanceUID == row.sop_uid
    assert AuditRecord.objects.filter(event="export:store").count() == 1


def test_an_archive_that_is_away_is_tried_again_later(archive, run, monkeypatch):
    archive.down = True
    row = export_result(actor=SYSTEM, run_id=run.id)
    assert (row.state, row.attempts) == ("pending", 1)
    assert "does not answer" in row.problems
    assert clock.now() < row.retry_at < clock.now() + timedelta(minutes=1)
    archive.down = False
    later = clock.now() + timedelta(minutes=11)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert ("run_id", run.id) in [due[1:] for due in due_exports()]
    assert export_result(actor=SYSTEM, run_id=run.id).state == "stored"
    assert due_exports() == []


def due_exports():
    now = clock.now()
    before = now - flow.LOST_AFTER
    return flow.exports_due(now=now, before=before, results_before=before, limit=9)


def test_what_the_validator_refuses_stays_with_its_words(
    department, archive, run, monkeypatch, settings, tmp_path
):
    tool = tmp_path / "dciodvfy"
    tool.write_text(
        "#!/bin/sh\ncat >/dev/null\necho 'Error - something is wrong' >&2\n"
    )
    tool.chmod(0o755)
    settings.DCIODVFY = str(tool)
    before = len(archive.files)
    row = export_result(actor=SYSTEM, run_id=run.id)
    assert row.state == "failed"
    assert "something is wrong" in row.problems
    assert len(archive.files) == before, "nothing left"
    unchanged_by(lambda: export_result(actor=SYSTEM, run_id=run.id))
    assert AuditRecord.objects.filter(event="export:failed").count() == 1
    admin = client_for(department.person(Role.ADMIN))
    [shown] = admin.get("/api/exports?state=failed").json()["items"]
    assert "something is wrong" in shown["problems"]
    assert client_for(department.reader).get("/api/exports").status_code == 403


def test_a_validator_that_is_missing_lets_nothing_leave(archive, run, settings):
    settings.DCIODVFY = "/nowhere/dciodvfy"
    row = export_result(actor=SYSTEM, run_id=run.id)
    assert row.state == "pending"
    assert row.retry_at is not None
    assert len(archive.files) == 1


def test_a_reading_waits_for_the_result_that_it_answers(archive, reading, monkeypatch):
    archive.down = True
    assert export_reading(actor=SYSTEM, reading_id=reading.id) is None
    archive.down = False
    row = export_reading(actor=SYSTEM, reading_id=reading.id)
    assert row.state == "stored"
    result = ExportedObject.objects.get(kind="ai_result")
    [study] = stored(archive, row).PredecessorDocumentsSequence
    sop = study.ReferencedSeriesSequence[0].ReferencedSOPSequence[0]
    assert sop.ReferencedSOPInstanceUID == result.sop_uid


def test_a_reading_of_a_refused_result_fails_in_view_and_waits_for_nothing(
    archive, reading, run
):
    ExportedObject.objects.create(
        run=run,
        study=run.revision.study,
        kind="ai_result",
        sop_uid="2.25.1",
        series_uid="2.25.2",
        state="failed",
        problems="refused",
    )
    row = export_reading(actor=SYSTEM, reading_id=reading.id)
    assert (row.kind, row.state) == ("reading", "failed")
    assert "points at the document that it answers" in row.problems
    assert len(archive.files) == 1
    assert due_exports() == []


def test_an_unsigned_reading_never_leaves(department, archive, item, run):
    leased = lease_item(actor=actor_for(department.reader), item_id=item.id)
    assert export_reading(actor=SYSTEM, reading_id=leased.reading_id) is None
    assert len(archive.files) == 1


def test_trying_ends(archive, run):
    export_result(actor=SYSTEM, run_id=run.id)
    ExportedObject.objects.update(state="pending", attempts=MAX_ATTEMPTS)
    archive.down = True
    row = export_result(actor=SYSTEM, run_id=run.id)
    assert row.state == "pending", "an archive that is away is waited for"
    assert row.retry_at <= clock.now() + timedelta(seconds=601)


# --- the sweep


class TestSweep:
    @pytest.fixture(autouse=True)
    def _later(self, item, monkeypatch):
        later = clock.now() + timedelta(minutes=10)
        self.move = lambda: monkeypatch.setattr(clock, "now", lambda: later)

    @pytest.fixture
    def sweep(self, broker, django_capture_on_commit_callbacks):
        def run_sweep():
            broker.sent.clear()
            with django_capture_on_commit_callbacks(execute=True):
                found = flow.sweep()
            return found, {name for _, name, _ in broker.sent}

        return run_sweep

    def test_nothing_lost_nothing_done(self, sweep):
        found, sent = sweep()
        assert set(found.values()) == {0}
        assert sent == set()
        unchanged_by(flow.sweep)

    def test_steps_that_the_broker_lost_are_asked_again(self, item, sweep):
        self.move()
        found, sent = sweep()
        assert (found["unasked"], found["packs"]) == (1, 1)
        assert sent >= {"workers.infer", "workers.build_pack"}
        item.refresh_from_db()
        assert item.ai_state == "running"
        assert item.case.revision.pack_state == "building"

    def test_a_lost_pack_is_asked_for_five_times_and_then_failed(self, item, sweep):
        revision = item.case.revision
        for attempt in range(1, 6):
            flow.request_pack(revision_id=revision.id)
            revision.refresh_from_db()
            assert (revision.pack_state, revision.pack_attempts) == (
                "building",
                attempt,
            )
            long_ago = clock.now() - timedelta(minutes=9)
            type(revision).objects.update(pack_requested_at=long_ago)
        found, sent = sweep()
        assert (found["packs"], "workers.build_pack" in sent) == (1, False)
        revision.refresh_from_db()
        assert revision.pack_state == "failed"
        assert revision.pack_reason == "gave up after 5 attempts"
        assert sweep()[0]["packs"] == 0

    def test_a_lost_result_and_a_lost_reading_are_exported(
        self, reading, sweep, broker
    ):
        self.move()
        found, sent = sweep()
        assert found["exports"] == 2
        assert sent >= {"workflow.export_result", "workflow.export_reading"}
        export_reading(actor=SYSTEM, reading_id=reading.id)
        assert sweep()[0]["exports"] == 0

    def test_a_run_that_waits_in_a_long_queue_is_not_sent_again(
        self, item, broker, sweep
    ):
        flow.request_inference(revision_id=item.case.revision_id)
        self.move()
        broker.waiting["gpu"] = 2000
        found, sent = sweep()
        assert (found["runs"], "workers.infer" in sent) == (0, False)
        broker.waiting["gpu"] = 0
        found, sent = sweep()
        assert (found["runs"], "workers.infer" in sent) == (1, True)

    def test_a_lost_run_is_sent_again(self, item, sweep):
        flow.request_inference(revision_id=item.case.revision_id)
        self.move()
        found, sent = sweep()
        assert found["runs"] == 1
        assert "workers.infer" in sent
        assert InferenceRun.objects.get().attempts == 2

    def test_one_repair_that_fails_stops_no_other(
        self, item, sweep, archive, monkeypatch
    ):
        self.move()
        monkeypatch.setattr(
            "apps.workflow.flow.studies.retries_due", lambda **_: ["gone"]
        )
        archive.down = True
        found, sent = sweep()
        assert found["arrivals"] == 1
        assert "workers.infer" in sent


def test_what_a_model_drew_leaves_too_and_the_report_points_at_it(
    item, archive, settings, tmp_path
):
    settings.ARTEFACTS_DIR = tmp_path / "artefacts"
    image = item.case.revision.instances.get()
    film = pydicom.dcmread(io.BytesIO(archive.files[image.archive_id].content))
    shape = (film.Rows, film.Columns)
    mask = np.zeros(shape, np.uint8)
    mask[1:3, 2:4] = 1
    picture = io.BytesIO()
    Image.fromarray(mask * 255).save(picture, "PNG")
    flow.request_inference(revision_id=item.case.revision_id)
    run = InferenceRun.objects.select_related("model_version").get()
    refs = [
        ArtefactRef(sha256=hashlib.sha256(body).hexdigest(), media_type=kind, **more)
        for body, kind, more in (
            (gzip.compress(mask.tobytes(), mtime=0), MASK_MEDIA_TYPE, {}),
            (
                picture.getvalue(),
                "image/png",
                {"sop_uid": image.sop_uid, "frame": 1, "meta": {"cut_off": 0.5}},
            ),
        )
    ]
    write_artefact(sha256=refs[0].sha256, body=gzip.compress(mask.tobytes(), mtime=0))
    write_artefact(sha256=refs[1].sha256, body=picture.getvalue())
    drawn = MaskRef(
        artefact=refs[0],
        series_uid=image.series_uid,
        sop_uids=(image.sop_uid,),
        rows=shape[0],
        columns=shape[1],
        volume_ml=0.0,
    )
    flow.accept_result(result=answer(run, mask=drawn, saliency=refs[1]))
    row = export_result(actor=SYSTEM, run_id=run.id)
    rows = {r.kind: r for r in ExportedObject.objects.all()}
    assert set(rows) == {"ai_result", "segmentation", "saliency"}
    assert {r.state for r in rows.values()} == {"stored"}, [
        r.problems for r in rows.values()
    ]
    back = read_segmentation(archive.files[rows["segmentation"].archive_id].content)
    assert np.array_equal(back[image.sop_uid], mask)
    report = stored(archive, row)
    text = str(report.ContentSequence)
    assert rows["segmentation"].sop_uid in text
    assert rows["saliency"].sop_uid in text
    before = len(archive.files)
    unchanged_by(lambda: export_result(actor=SYSTEM, run_id=run.id))
    assert len(archive.files) == before
    # They come back as what they are: attachments of ours, no new revision.
    archive.settle()
    flow.take_arrivals()
    assert item.case.revision.study.revisions.count() == 1

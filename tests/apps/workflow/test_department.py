"""The demonstration department: simulated time, real services, readers as declared."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from pydicom.uid import generate_uid

from apps.accounts.models import Role
from apps.accounts.types import SYSTEM
from apps.annotations.models import Reading, ReadingProtocol
from apps.annotations.truth import TruthKind, judge_cases, scored_cases
from apps.audit.models import AuditRecord
from apps.core import clock
from apps.core.queue import messages_kept, send
from apps.inference.models import InferenceRun
from apps.reports.models import ExportedObject
from apps.workflow import flow
from apps.workflow.department.disc import bring_disc
from apps.workflow.department.live import Department, Unaided, truth_name
from apps.workflow.department.manifest import read_manifest
from apps.workflow.department.readers import READERS, Reader, decide, reading_minutes
from apps.workflow.intake.door import take_file
from apps.workflow.models import IntakeFile
from apps.workflow.types import Via
from apps.worklist.models import WorkItem
from tests.factories.domain import answer, make_department, make_film, make_model
from tests.fakes.border import archive as archive
from tests.fakes.border import broker as broker
from workers.phantoms.disc import write_disc

LONG_AGO = datetime(2026, 5, 1, 9, 0, tzinfo=UTC)


def test_the_clock_stands_still_only_inside():
    with clock.standing_at(LONG_AGO):
        assert clock.now() == LONG_AGO
        with clock.standing_at(LONG_AGO + timedelta(hours=1)):
            assert clock.now() == LONG_AGO + timedelta(hours=1)
        assert clock.now() == LONG_AGO
    assert clock.now() > datetime.now(UTC) - timedelta(minutes=1)


@pytest.mark.django_db(transaction=True)
def test_messages_are_kept_and_not_sent(broker):
    with messages_kept() as messages:
        send("workers.infer", "gpu", {"request": {}})
    assert [(m.name, m.queue) for m in messages] == [("workers.infer", "gpu")]
    assert broker.sent == []
    send("workers.infer", "gpu", {"request": {}})
    assert len(broker.sent) == 1


@pytest.mark.parametrize("reader", READERS, ids=lambda r: r.username)
def test_readers_are_as_often_right_as_declared(reader: Reader):
    random = Random(1)  # noqa: S311  not a secret
    n = 20_000

    def share(*, there: bool, ai: bool | None) -> float:
        said = [
            decide(reader=reader, there=there, ai_positive=ai, random=random)
            for _ in range(n)
        ]
        return sum(said) / n

    assert share(there=True, ai=None) == pytest.approx(reader.sensitivity, abs=0.015)
    alarms = share(there=False, ai=None)
    assert alarms == pytest.approx(1 - reader.specificity, abs=0.015)
    # A wrong AI takes some of those that the reader saw alone, and only these.
    misled = reader.sensitivity * (1 - reader.automation_bias)
    assert share(there=True, ai=False) == pytest.approx(misled, abs=0.015)
    gained = 1 - (1 - reader.sensitivity) * (1 - reader.automation_bias)
    assert share(there=True, ai=True) == pytest.approx(gained, abs=0.015)
    low, high = reader.minutes
    times = [reading_minutes(reader=reader, random=random) for _ in range(500)]
    assert low <= min(times) < max(times) <= high


def write_department(folder, n: int):
    """Write n films of children, an hour apart; every second has pneumonia."""
    entries = []
    for number in range(n):
        study, sop = generate_uid(), generate_uid()
        at = datetime.now(UTC) - timedelta(hours=n + 1 - number)
        path = folder / f"study-{number}"
        path.mkdir()
        film = make_film(
            study_uid=study, SOPInstanceUID=sop, PatientID=f"PHANTOM-{number}"
        )
        (path / "film.dcm").write_bytes(film)
        there = number % 2 == 0
        box = {"sop_uid": str(sop), "corners": [1.0, 1.0, 3.0, 3.0]}
        entries.append(
            {
                "path": path.name,
                "site": "north",
                "kind": "chest-film",
                "study_uid": str(study),
                "acquired_at": at.isoformat(),
                "labels": {"pneumonia": there},
                "boxes": {"pneumonia": [box]} if there else {},
            }
        )
    (folder / "manifest.json").write_text(json.dumps({"studies": entries}))
    return read_manifest(folder / "manifest.json")


@pytest.mark.django_db(transaction=True)
def test_a_department_lives_through_its_past(tmp_path, archive, broker, settings):
    settings.STATE_DIR = tmp_path / "state"
    place = make_department()
    make_model(place.site)
    broker.sent.clear()
    studies = write_department(tmp_path, 8)
    careful = Reader(
        username=place.reader.username,
        sensitivity=1.0,
        specificity=1.0,
        automation_bias=0.0,
        override_rate=1.0,
        minutes=(2.0, 3.0),
    )
    asked = []

    def infer(request):
        """A model that finds pneumonia everywhere."""
        run = InferenceRun.objects.select_related("model_version").get(
            id=request["run_id"]
        )
        asked.append(run)
        return answer(run).to_message()

    def live():
        told: list[str] = []
        Department(studies=studies, infer=infer, seed=1, tell=told.append).live(
            readers=(careful,), unread=2
        )
        return told

    told = live()
    assert told[-1].startswith("8 of 8 studies")
    assert len(asked) == 8
    items = list(WorkItem.objects.order_by("arrived_at"))
    assert [item.state for item in items] == ["done"] * 6 + ["open"] * 2
    for item, study in zip(items, studies, strict=True):
        assert abs(item.arrived_at - study.acquired_at) < timedelta(seconds=10)
    _are_read_as_the_truth_says(studies)
    # The audit log tells the same past, and every result and verdict left.
    ends = AuditRecord.objects.filter(event="inference:result").order_by("at")
    assert [e.at > s.acquired_at for e, s in zip(ends, studies, strict=True)] == (
        [True] * 8
    )
    assert ends.last().at < datetime.now(UTC) - timedelta(minutes=30)
    # … what was read with its result; what nobody read follows when workers run.
    assert ExportedObject.objects.filter(state="stored").count() == 6 + 6
    left = [name for _, name, _ in broker.sent]
    assert {name: left.count(name) for name in left} == {
        "workers.build_pack": 8,
        "workflow.export_result": 8,
    }
    live()
    assert len(asked) == 8, "a second time adds nothing"


@pytest.mark.django_db(transaction=True)
def test_in_some_weeks_readers_read_alone_first(tmp_path, archive, broker, settings):
    settings.STATE_DIR = tmp_path / "state"
    place = make_department()
    make_model(place.site)
    lead = place.person(Role.CLINICAL_LEAD)
    studies = write_department(tmp_path, 6)
    follows = Reader(
        username=place.reader.username,
        sensitivity=1.0,
        specificity=1.0,
        automation_bias=1.0,
        override_rate=0.0,
        minutes=(2.0, 3.0),
    )

    def infer(request):
        """A model that finds pneumonia everywhere."""
        run = InferenceRun.objects.select_related("model_version").get(
            id=request["run_id"]
        )
        return answer(run).to_message()

    def live():
        Department(
            studies=studies,
            infer=infer,
            seed=1,
            tell=lambda _: None,
            unaided=Unaided(
                site=place.site.code,
                kind="chest-film",
                modalities=("DX",),
                until=studies[4].acquired_at - timedelta(minutes=1),
                by=lead.username,
            ),
        ).live(readers=(follows,), unread=0)

    live()
    modes = WorkItem.objects.order_by("arrived_at").values_list(
        "case__protocol__display_mode", flat=True
    )
    assert list(modes) == ["after_commit"] * 4 + ["concurrent"] * 2
    site, model = place.site.id, InferenceRun.objects.first().model_version_id
    scored = scored_cases(site_id=site, model_version_id=model, code="233604007")
    truth = judge_cases(scored=scored, code="233604007", kind=TruthKind.UNAIDED)
    said = {case.scored.study_id: case.present for case in truth.cases}
    assert said == {
        item.study_id: study.truth["pneumonia"]
        for item, study in zip(
            WorkItem.objects.order_by("arrived_at")[:4], studies, strict=False
        )
    }, "what they said before they saw the model is the truth"
    final = judge_cases(scored=scored, code="233604007", kind=TruthKind.FINAL)
    assert [case.present for case in final.cases] == [True] * 6, "and then they follow"
    versions = ReadingProtocol.objects.filter(modality="DX").count()
    live()
    assert ReadingProtocol.objects.filter(modality="DX").count() == versions


@pytest.mark.django_db(transaction=True)
def test_a_disc_from_elsewhere_has_something_of_everything(
    tmp_path, archive, broker, settings
):
    settings.STATE_DIR = tmp_path / "state"
    place = make_department()
    studies = write_department(tmp_path, 2)
    archive_id = take_file(
        actor=SYSTEM,
        site=place.site,
        source=studies[0].folder / "film.dcm",
        name="film.dcm",
        via=Via.COMMAND,
    ).archive_study_id
    flow.take_study(archive_id=archive_id)
    at = datetime.now(UTC) - timedelta(hours=3)
    disc = tmp_path / "disc"
    write_disc(disc, image=studies[0].folder / "film.dcm")

    def bring():
        return bring_disc(
            disc=disc,
            site_code=place.site.code,
            username=place.reader.username,
            at=at,
        )

    report = bring()
    lines = {line.name: line for line in IntakeFile.objects.filter(intake=report)}
    assert {name.split("/")[-1]: line.status for name, line in lines.items()} == {
        "IM000001": "already",
        "IM000002": "conflict",
        "IM000003": "refused",
        "IM000004": "refused",
        "AUTORUN.INF": "skipped",
    }
    assert all(line.reason for line in lines.values() if line.status != "already")
    assert report.started_at == at
    assert bring() is None, "a second start brings no second disc"


def _are_read_as_the_truth_says(studies):
    for reading in Reading.objects.filter(state="signed"):
        uid = reading.revision.study.study_uid
        study = next(s for s in studies if s.study_uid == uid)
        [verdict] = reading.content["verdicts"].values()
        expected = "accept" if study.truth["pneumonia"] else "reject"
        assert verdict["verdict"] == expected
        assert reading.signed_at is not None
        assert study.acquired_at < reading.signed_at
        assert reading.signed_at < study.acquired_at + timedelta(minutes=30)


def test_a_label_finds_its_truth(tmp_path):
    [study] = write_department(tmp_path, 1)
    assert truth_name("Pneumonia", study) == "pneumonia"
    assert truth_name("Fracture", study) == ""
    assert truth_name("Pneumonia", None) == ""

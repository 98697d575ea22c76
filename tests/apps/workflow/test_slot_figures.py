"""Thresholds and calibration: whose word counts, and what is told of it."""

from __future__ import annotations

from datetime import timedelta
from itertools import count

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.special import expit

from apps.accounts.models import Role
from apps.annotations.models import Annotation, Reading, ReadingStage
from apps.annotations.truth import TruthKind, judge_cases, scored_cases
from apps.annotations.types import DisplayMode, ReadingState
from apps.audit.events import Event
from apps.audit.models import AuditRecord
from apps.audit.services import record
from apps.core import clock
from apps.inference.models import Finding, InferenceRun, Slot
from apps.inference.selectors import probability_of
from apps.workflow import flow
from tests.factories.domain import (
    actor_for,
    answer,
    client_for,
    make_item,
    make_model,
    make_person,
    make_revision,
)
from tests.factories.domain import make_protocol as make_any_protocol

pytestmark = pytest.mark.django_db
PNEUMONIA = "233604007"
ASKED = [{"scheme": "SCT", "code": PNEUMONIA, "display": "Pneumonia"}]
_numbers = count(1)


@pytest.fixture(autouse=True)
def _broker(monkeypatch):
    monkeypatch.setattr("apps.core.queue._send", lambda *args: None)


@pytest.fixture
def slot(department):
    model = make_model(department.site)
    return Slot.objects.get(model_version=model)


@pytest.fixture
def admin(department):
    return client_for(make_person(site=department.site, role=Role.ADMIN, name="adm"))


def make_protocol(department, mode):
    """A protocol that asks for pneumonia."""
    return make_any_protocol(department, mode, labels=ASKED)


def content(*, present, code=PNEUMONIA):
    label = {"scheme": "SCT", "code": code, "display": "Pneumonia"}
    marks = [{"label": label}] if present else []
    return {"verdicts": {}, "annotations": marks, "impression": ""}


def score(department, slot, raw, *, stated=None, patient=""):
    """A scored study; its run is as a worker's answer leaves it."""
    n = next(_numbers)
    revision = make_revision(
        department, study_uid=f"1.4.{n}", patient_id=patient or f"P{n}"
    )
    run = InferenceRun.objects.create(
        revision=revision,
        model_version=slot.model_version,
        slot=slot,
        state="done",
        finished_at=clock.now(),
    )
    Finding.objects.create(
        run=run,
        label_scheme="SCT",
        label_code=PNEUMONIA,
        label_display="Pneumonia",
        raw_score=raw,
        probability=float(expit(raw)) if stated is None else stated,
        tracking_uid=f"2.25.{n}",
    )
    return revision


def read(revision, reader, protocol, *, unaided=None, final=None, signed=True):
    """A reading by its protocol's stages; what was coded before AI, and at the end."""
    now = clock.now()
    mode = protocol.display_mode
    before = content(present=bool(unaided))
    reading = Reading.objects.create(
        revision=revision,
        protocol=protocol,
        reader=reader,
        state=ReadingState.SIGNED if signed else ReadingState.DRAFT,
        content=before if final is None else content(present=final),
        saved_at=now,
        signed_at=now if signed else None,
    )
    if mode == DisplayMode.AFTER_COMMIT and unaided is not None:
        for state in (ReadingState.COMMITTED, ReadingState.REVEALED):
            ReadingStage.objects.create(
                reading=reading, state=state, at=now, content=before
            )
    return reading


def cases(department, slot, kind=TruthKind.UNAIDED):
    scored = scored_cases(
        site_id=department.site.id,
        model_version_id=slot.model_version_id,
        code=PNEUMONIA,
    )
    return judge_cases(scored=scored, code=PNEUMONIA, kind=kind)


def test_what_was_said_before_the_reveal_is_the_unaided_truth(department, slot):
    after_commit = make_protocol(department, "after_commit")
    revision = score(department, slot, 2.0)
    read(revision, department.reader, after_commit, unaided=False, final=True)
    (unaided,) = cases(department, slot).cases
    (final,) = cases(department, slot, TruthKind.FINAL).cases
    assert (unaided.present, final.present) == (False, True)


@pytest.mark.parametrize("mode", list(DisplayMode))
@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("committed", [True, False])
@pytest.mark.parametrize("seen", ["never", "before", "after"])
def test_an_aided_reading_never_calibrates(
    department, slot, mode, signed, committed, seen
):
    """Of all the ways in which a reading comes about, the unaided ones alone count."""
    protocol = make_protocol(department, mode)
    revision = score(department, slot, 2.0)
    if seen == "before":
        look(revision, department.reader)
    read(
        revision,
        department.reader,
        protocol,
        unaided=True if committed else None,
        final=True,
        signed=signed,
    )
    if seen == "after":
        look(revision, department.reader)
    counts = bool(cases(department, slot).cases)
    blind = mode == DisplayMode.NONE or (mode == DisplayMode.AFTER_COMMIT and committed)
    assert counts == (signed and blind and seen != "before")


def look(revision, reader):
    record(
        actor=actor_for(reader),
        event=Event.AI_VIEW,
        studies=[revision.study_id],
        patients=[revision.study.patient_id],
    )


def test_who_read_it_with_ai_does_not_calibrate_by_reading_again(department, slot):
    revision = score(department, slot, 2.0)
    read(revision, department.reader, department.protocol, final=True)
    read(revision, department.reader, make_protocol(department, "none"), unaided=True)
    assert cases(department, slot).cases == ()
    other = make_person(site=department.site, role=Role.RADIOLOGIST, name="second")
    read(revision, other, make_protocol(department, "after_commit"), unaided=True)
    (case,) = cases(department, slot).cases
    assert case.readers == {other.id}


def test_an_amendment_is_no_unaided_read_but_the_last_word(department, slot):
    none = make_protocol(department, "none")
    revision = score(department, slot, 2.0)
    first = read(revision, department.reader, none, unaided=False)
    Reading.objects.create(
        revision=revision,
        protocol=none,
        reader=department.reader,
        state=ReadingState.SIGNED,
        content=content(present=True),
        saved_at=clock.now(),
        signed_at=clock.now(),
        amends=first,
        edition=2,
        amend_code="correction",
    )
    assert [c.present for c in cases(department, slot).cases] == [False]
    assert [c.present for c in cases(department, slot, TruthKind.FINAL).cases] == [True]


def test_readers_who_disagree_evenly_are_left_out_and_counted(department, slot):
    none = make_protocol(department, "none")
    second = make_person(site=department.site, role=Role.RADIOLOGIST, name="second")
    revision = score(department, slot, 2.0)
    read(revision, department.reader, none, unaided=True)
    read(revision, second, none, unaided=False)
    judged = cases(department, slot)
    assert (judged.cases, judged.n_disagreed) == ((), 1)


@pytest.mark.parametrize("kind", list(TruthKind))
@pytest.mark.parametrize(
    ("asked", "said", "expected"),
    [
        ([], {}, None),
        (ASKED, {}, False),
        ([{**ASKED[0], "code": "1"}], {}, None),
        ([], {"present": True}, True),
        (ASKED, {"present": True}, True),
        ([], {"report": False}, False),
        ([], {"report": True}, True),
        ([], {"report": False, "source": "ai"}, None),
    ],
)
def test_silence_means_absent_only_where_the_protocol_asks(
    department, slot, kind, asked, said, expected
):
    protocol = make_any_protocol(department, "none", labels=asked)
    reading = read(
        score(department, slot, 2.0),
        department.reader,
        protocol,
        unaided=said.get("present", False),
    )
    if "report" in said:
        code = {
            **ASKED[0],
            "present": said["report"],
            "source": said.get("source", "reader"),
            "source_id": "",
        }
        reading.content = {**reading.content, "report": {"codes": [code]}}
        reading.save()
    judged = cases(department, slot, kind)
    if expected is None:
        assert (judged.cases, judged.n_unasked) == ((), 1)
    else:
        assert [case.present for case in judged.cases] == [expected]
        assert judged.n_unasked == 0


def test_who_was_not_asked_has_no_voice_among_several(department, slot):
    revision = score(department, slot, 2.0)
    second = make_person(site=department.site, role=Role.RADIOLOGIST, name="second")
    read(
        revision,
        department.reader,
        make_any_protocol(department, "none"),
        unaided=False,
    )
    read(revision, second, make_protocol(department, "after_commit"), unaided=True)
    (case,) = cases(department, slot).cases
    assert (case.present, case.readers) == (True, {second.id})


def test_the_pages_say_how_many_were_left_out(department, slot, admin):
    silent = make_any_protocol(department, "none")
    silent.code = "silent"
    silent.save()
    filled(department, slot)
    for raw in range(3):
        read(score(department, slot, raw), department.reader, silent, unaided=False)
    said = trial(admin, slot).json()
    assert [(t["n"], t["n_unasked"]) for t in said["truths"]] == [(40, 3), (40, 3)]
    assert (propose(admin, slot)["n"], propose(admin, slot)["n_unasked"]) == (40, 3)


def test_verdicts_of_a_reading_with_ai_are_its_final_word(department, slot):
    item = make_item(department)
    flow.request_inference(revision_id=item.case.revision_id)
    run = InferenceRun.objects.select_related("model_version").get()
    flow.accept_result(result=answer(run, probabilities={PNEUMONIA: 0.9}))
    reader = client_for(department.reader)
    reader.post(f"/api/worklist/items/{item.id}/lease")
    body = {
        "content": {
            "verdicts": {
                str(Finding.objects.get().id): {
                    "verdict": "reject",
                    "reason_code": "artefact",
                }
            },
            "annotations": [],
            "impression": "",
        }
    }
    signed = reader.post(
        f"/api/worklist/items/{item.id}/sign",
        body,
        content_type="application/json",
        headers={"If-Match": '"0"'},
    )
    assert signed.status_code == 200, signed.content
    (case,) = cases(department, slot, TruthKind.FINAL).cases
    assert case.present is False
    assert cases(department, slot).cases == ()
    assert not Annotation.objects.exists()


# --- thresholds


def filled(department, slot, n=80, seed=4):
    """Scores that are too sure, half of them read unaided by one reader."""
    source = np.random.default_rng(seed)
    none = make_protocol(department, "none")
    for i, raw in enumerate(source.normal(0, 2.5, n)):
        revision = score(department, slot, float(raw))
        if i % 2 == 0:
            present = source.random() < expit(0.5 * raw)
            read(revision, department.reader, none, unaided=bool(present))


def trial(client, slot, **asked):
    asked = {"code": PNEUMONIA, "threshold": 0.42, **asked}
    return client.get(f"/api/slots/{slot.id}/threshold", asked)


def test_a_threshold_is_told_with_n_and_intervals(department, slot, admin):
    filled(department, slot)
    InferenceRun.objects.update(finished_at=clock.now() - timedelta(days=3))
    InferenceRun.objects.filter(id__in=InferenceRun.objects.values("id")[:40]).update(
        finished_at=clock.now() - timedelta(days=10)
    )
    said = trial(admin, slot).json()
    shown = [float(expit(f.raw_score)) for f in Finding.objects.all()]
    now, then = said["at_holding"], said["at_threshold"]
    assert (said["scored"], said["days"], said["holding"]) == (80, 10.0, 0.7)
    assert now["alerts"] == sum(p >= 0.7 for p in shown)
    assert then["alerts"] == sum(p >= 0.42 for p in shown)
    more = (then["alerts"] - now["alerts"]) / 10
    assert said["more_alerts_per_day"] == pytest.approx(more)
    assert then["alerts_per_day"]["low"] < then["alerts"] / 10
    unaided = next(t for t in said["truths"] if t["kind"] == "unaided")
    assert (unaided["n"], unaided["n_readers"]) == (40, 1)
    assert then["sensitivity"]["n"] == unaided["n_present"]
    assert then["sensitivity"]["n"] + then["specificity"]["n"] == 40
    assert then["sensitivity"]["value"] >= now["sensitivity"]["value"]
    assert then["sensitivity"]["low"] < then["sensitivity"]["value"]
    bins = said["histogram"]
    assert sum(b["present"] + b["absent"] + b["unknown"] for b in bins) == 80
    assert sum(b["unknown"] for b in bins) == 40


def test_few_cases_are_no_figure(department, slot, admin):
    none = make_protocol(department, "none")
    for raw in range(9):
        revision = score(department, slot, float(raw))
        read(revision, department.reader, none, unaided=True)
    then = trial(admin, slot).json()["at_threshold"]
    assert then["sensitivity"] == {"value": None, "low": None, "high": None, "n": 9}
    assert then["specificity"]["n"] == 0
    assert then["alerts_per_day"]["value"] == 9


def test_what_is_no_threshold_is_refused(slot, admin):
    assert trial(admin, slot, threshold=0).status_code == 400
    assert trial(admin, slot, code="1").status_code == 400
    assert trial(admin, slot, truth="rumour").status_code == 400


# --- calibration


def propose(client, slot, method="platt"):
    asked = {"code": PNEUMONIA, "method": method}
    return client.get(f"/api/slots/{slot.id}/calibration", asked).json()


def calibrate(client, slot, method="platt"):
    body = {"code": PNEUMONIA, "method": method, "reason": "too sure"}
    address = f"/api/slots/{slot.id}/calibration"
    return client.post(address, body, content_type="application/json")


def test_too_few_readings_are_refused_with_what_is_needed(department, slot, admin):
    filled(department, slot)
    said = propose(admin, slot)
    assert said["n"] == 40
    assert "It needs 100 studies" in said["refused"]
    assert "There are 40" in said["refused"]
    assert calibrate(admin, slot).json()["code"] == "too_few"
    assert Slot.objects.count() == 1


def test_a_calibration_is_a_version_and_flags_the_same(department, slot, admin):
    filled(department, slot, n=240)
    before = {f.id: f.raw_score for f in Finding.objects.all()}
    said = propose(admin, slot)
    assert said["refused"] == ""
    # Folds follow the patients' ids: the error of ten bins alone may go either way.
    assert said["after"]["brier"] < said["before"]["brier"]
    assert said["after"]["n"] == 120
    done = calibrate(admin, slot)
    assert done.status_code == 201, done.content
    new = Slot.objects.get(active=True)
    kept = new.calibrations[PNEUMONIA]
    assert (kept["method"], kept["n"]) == ("platt", 120)
    assert kept["before"]["curve"]
    assert kept["slope"] == pytest.approx(0.5, abs=0.25)
    flags = {f.id: f.probability >= 0.7 for f in Finding.objects.all()}
    InferenceRun.objects.update(slot=new)
    found = Finding.objects.select_related("run__slot")
    for finding in found:
        shown = probability_of(finding=finding)
        assert shown == pytest.approx(
            float(expit(kept["slope"] * finding.raw_score + kept["intercept"]))
        )
        assert (shown >= new.thresholds[PNEUMONIA]) == flags[finding.id]
    assert {f.id: f.raw_score for f in found} == before, "raw scores stay"
    row = AuditRecord.objects.get(event=Event.SLOT_CHANGE)
    assert row.detail["changes"]["calibrations"] == {
        PNEUMONIA: ["package", "platt, n 120"]
    }
    back = calibrate(admin, new, method="package")
    assert back.status_code == 201
    assert Slot.objects.get(active=True).calibrations == {}


def test_aided_readings_do_not_move_a_fit(department, slot, admin):
    filled(department, slot, n=240)
    before = propose(admin, slot)
    for n in range(60):
        revision = score(department, slot, 4.0 + n / 60)
        read(revision, department.reader, department.protocol, final=False)
    after = propose(admin, slot)
    assert {k: after[k] for k in ("n", "n_present", "before", "after")} == {
        k: before[k] for k in ("n", "n_present", "before", "after")
    }


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    reads=st.lists(
        st.tuples(
            st.sampled_from(list(DisplayMode)),
            st.booleans(),
            st.booleans(),
            st.booleans(),
        ),
        max_size=5,
    )
)
def test_whatever_order_reads_come_in_the_aided_never_count(department, slot, reads):
    """Several people, any protocols: who counts saw nothing before saying it."""
    revision = score(department, slot, 1.0)
    expected = set()
    for mode, committed, looked, signed in reads:
        name = f"r{next(_numbers)}"
        person = make_person(site=department.site, role=Role.RADIOLOGIST, name=name)
        if looked:
            look(revision, person)
        protocol = department.protocol
        if mode != DisplayMode.CONCURRENT:
            protocol = (
                make_protocol(department, mode)
                if not any(p.code == f"study-{mode}" for p in protocols(department))
                else next(p for p in protocols(department) if p.code == f"study-{mode}")
            )
        read(
            revision,
            person,
            protocol,
            unaided=True if committed else None,
            final=True,
            signed=signed,
        )
        blind = mode == DisplayMode.NONE or (
            mode == DisplayMode.AFTER_COMMIT and committed
        )
        if signed and blind and not looked:
            expected.add(person.id)
    found = {
        reader
        for case in cases(department, slot).cases
        if case.scored.revision_id == revision.id
        for reader in case.readers
    }
    assert found == expected


def protocols(department):
    return list(type(department.protocol).objects.filter(site=department.site))

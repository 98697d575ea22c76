"""Slots: versions that never change, and what the open list makes of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from django.db import DatabaseError, transaction

from apps.accounts.models import Role
from apps.accounts.types import SYSTEM
from apps.audit.events import Event
from apps.audit.models import AuditRecord
from apps.core import clock
from apps.inference import library
from apps.inference.models import Finding, InferenceRun, Slot
from apps.inference.packages import read_package
from apps.inference.slots import fill_slot
from apps.inference.types import SlotKind
from apps.reports.selectors import exports_due
from apps.workflow import flow
from apps.workflow.management.commands import setup_demo
from tests.factories.domain import (
    answer,
    client_for,
    give_ai,
    make_item,
    make_model,
    make_person,
    run_task,
    unchanged_by,
)

pytestmark = pytest.mark.django_db

PNEUMONIA = "233604007"
SHIPPED = Path(__file__).parents[3] / "workers" / "models" / "shipped"


@pytest.fixture(autouse=True)
def _border(monkeypatch, settings, tmp_path):
    """Nothing leaves the process; keys and lists are this test's."""
    monkeypatch.setattr("apps.core.queue._send", lambda *args: None)
    settings.MODELS_DIR = tmp_path / "models"
    settings.MODEL_KEY_FILE = tmp_path / "keys" / "models.key"


@pytest.fixture
def site(department):
    return department.site


@pytest.fixture
def admin(department):
    return client_for(make_person(site=department.site, role=Role.ADMIN, name="adm"))


@pytest.fixture
def lead(department):
    return client_for(
        make_person(site=department.site, role=Role.CLINICAL_LEAD, name="lead")
    )


def post(client, slot, verb, **body):
    address = f"/api/slots/{slot.id}/{verb}"
    body = {"reason": "a try", **body}
    return client.post(address, body, content_type="application/json")


def holding(site, kind=SlotKind.LIVE):
    return Slot.objects.get(site=site, active=True, kind=kind)


def trusted(version, tmp_path):
    """The shipped model of children's films under another version, on the list."""
    folder = tmp_path / version
    shutil.copytree(SHIPPED / "paediatric-pneumonia", folder)
    card = folder / "card.json"
    card.write_text(card.read_text().replace('"1.1.0"', f'"{version}"', 1))
    return library.admit_shipped(actor=SYSTEM, package=read_package(path=folder))


def settle(site):
    return flow.settle_slots(site_id=site.id)


def test_a_threshold_makes_a_version_and_the_open_list_follows(department, site, admin):
    make_model(site)
    settle(site)
    items = [make_item(department, study_uid=f"1.7.{n}") for n in range(3)]
    for item, p in zip(items, (0.9, 0.6, 0.2), strict=True):
        give_ai(item, probabilities={PNEUMONIA: p})
    old = holding(site)
    assert [i.band for i in items] == ["PRIORITY", "ROUTINE", "ROUTINE"]

    answer_ = post(admin, old, "versions", thresholds={PNEUMONIA: 0.5})
    assert answer_.status_code == 201, answer_.content
    body = answer_.json()
    assert (body["number"], body["settled"], body["reason"]) == (2, False, "a try")
    assert settle(site) == 3
    for item in items:
        item.refresh_from_db()
    assert [i.band for i in items] == ["PRIORITY", "PRIORITY", "ROUTINE"]
    new = holding(site)
    assert {r.slot_id for r in InferenceRun.objects.all()} == {new.id}
    assert all(r.reread_at for r in InferenceRun.objects.all())
    assert sorted(Finding.objects.values_list("raw_score", flat=True)) == [
        *(0.2, 0.6, 0.9)
    ], "raw scores stay"
    old.refresh_from_db()
    assert (old.active, old.thresholds[PNEUMONIA]) == (False, 0.7)
    assert old.ended_at
    assert new.settled_at
    change = AuditRecord.objects.get(event=Event.SLOT_CHANGE)
    assert change.detail["changes"] == {"thresholds": {PNEUMONIA: [0.7, 0.5]}}
    assert change.detail["reason"] == "a try"
    moved = AuditRecord.objects.filter(event=Event.ITEM_RANK, detail__cause="slot")
    assert [row.object_id for row in moved] == [items[1].id]
    unchanged_by(lambda: settle(site))


def test_what_somebody_has_begun_to_read_stays_as_it_was(department, site, admin):
    make_model(site)
    settle(site)
    item = make_item(department)
    give_ai(item, probabilities={PNEUMONIA: 0.6})
    reader = client_for(department.reader)
    assert reader.post(f"/api/worklist/items/{item.id}/lease").status_code == 200
    old = holding(site)
    post(admin, old, "versions", thresholds={PNEUMONIA: 0.5})
    assert settle(site) == 0
    run = InferenceRun.objects.get()
    assert run.slot_id == old.id
    item.refresh_from_db()
    assert item.band == "ROUTINE"
    released = reader.delete(f"/api/worklist/items/{item.id}/lease")
    assert released.status_code == 204
    assert settle(site) == 0, "a draft may answer what it saw"


def test_the_list_says_why_it_was_read_anew(department, site, admin):
    make_model(site)
    settle(site)
    item = make_item(department)
    give_ai(item, probabilities={PNEUMONIA: 0.6})
    post(
        admin,
        holding(site),
        "versions",
        thresholds={PNEUMONIA: 0.5},
        reason="too much missed",
    )
    settle(site)
    said = client_for(department.reader).get(f"/api/worklist/items/{item.id}/why")
    words = " ".join(said.json()["rule"])
    assert "version 2 of the slot" in words
    assert "too much missed" in words
    assert "0.50" in words


def test_a_version_never_changes_in_the_database_either(site):
    make_model(site)
    slot = holding(site)
    slot.thresholds = {PNEUMONIA: 0.1}
    with pytest.raises(DatabaseError, match="never changes"), transaction.atomic():
        slot.save()
    Slot.objects.filter(id=slot.id).update(active=False)


def test_an_answer_that_was_under_way_is_read_by_what_holds(department, site, admin):
    make_model(site)
    item = make_item(department)
    flow.request_inference(revision_id=item.case.revision_id)
    run = InferenceRun.objects.select_related("model_version").get()
    post(admin, holding(site), "versions", thresholds={PNEUMONIA: 0.5})
    flow.accept_result(result=answer(run, probabilities={PNEUMONIA: 0.6}))
    item.refresh_from_db()
    assert (item.band, item.ai_threshold) == ("PRIORITY", 0.5)


def test_a_shadow_is_recorded_and_neither_shown_nor_ranks(department, site):
    make_model(site, kind=SlotKind.SHADOW)
    item = make_item(department)
    run = give_ai(item, probabilities={PNEUMONIA: 0.99, "36118008": 0.99})
    assert run.findings.count() == 2
    assert (item.band, item.ai_state) == ("ROUTINE", "none")
    reader = client_for(department.reader)
    said = reader.get(f"/api/worklist/items/{item.id}/ai").json()
    assert said["runs"] == []
    row = reader.get(f"/api/worklist/items/{item.id}").json()
    assert row["ai"]["probability"] is None
    later = clock.now() + flow.LOST_AFTER
    assert exports_due(now=later, before=later, results_before=later, limit=9) == []


def test_promoting_is_one_action_and_rolling_back_another(
    department, site, admin, tmp_path
):
    first, second = trusted("1.0.1", tmp_path), trusted("1.0.2", tmp_path)
    fill_slot(actor=SYSTEM, site=site, model=first)
    fill_slot(actor=SYSTEM, site=site, model=second, kind=SlotKind.SHADOW)
    settle(site)
    item = make_item(department)
    flow.request_inference(revision_id=item.case.revision_id)
    for run in InferenceRun.objects.select_related("model_version"):
        p = 0.9 if run.model_version == second else 0.1
        flow.accept_result(result=answer(run, probabilities={PNEUMONIA: p}))
    item.refresh_from_db()
    assert (item.band, item.ai_model_version) == ("ROUTINE", "1.0.1")
    live = holding(site)

    done = post(admin, holding(site, SlotKind.SHADOW), "promote", reason="better")
    assert done.status_code == 201, done.content
    settle(site)
    item.refresh_from_db()
    assert (item.band, item.ai_model_version) == ("PRIORITY", "1.0.2")
    assert holding(site).model_version == second
    assert not Slot.objects.filter(active=True, kind=SlotKind.SHADOW).exists()
    assert InferenceRun.objects.get(model_version=first).set_aside_at
    row = AuditRecord.objects.get(event=Event.SLOT_PROMOTE)
    assert row.detail["instead_of"].endswith("1.0.1")
    assert row.detail["reason"] == "better"

    back = post(admin, live, "roll-back", reason="floods the list")
    assert back.status_code == 201, back.content
    settle(site)
    item.refresh_from_db()
    assert (item.band, item.ai_model_version) == ("ROUTINE", "1.0.1")
    assert InferenceRun.objects.get(model_version=second).set_aside_at
    assert back.json()["number"] == 4
    assert AuditRecord.objects.filter(event=Event.SLOT_ROLL_BACK).count() == 1
    assert post(admin, holding(site), "roll-back").json()["code"] == "holds"
    assert post(admin, holding(site), "promote").json()["code"] == "is_live"


def test_an_emptied_slot_says_nothing_and_is_given_nothing(department, site, admin):
    make_model(site)
    settle(site)
    item = make_item(department)
    give_ai(item, probabilities={"36118008": 0.99})
    assert item.band == "STAT"
    done = post(admin, holding(site), "empty", reason="recalled")
    assert done.status_code == 200
    run_task("workflow.settle_slots", {"site_id": str(site.id)})
    item.refresh_from_db()
    assert (item.band, item.ai_state, item.ai_probability) == ("ROUTINE", "none", None)
    later = make_item(department)
    flow.request_inference(revision_id=later.case.revision_id)
    assert InferenceRun.objects.count() == 1
    assert (
        AuditRecord.objects.get(event=Event.SLOT_EMPTY).detail["reason"] == "recalled"
    )


def test_a_withdrawn_model_ranks_nothing_any_more(department, site):
    model = make_model(site)
    settle(site)
    item = make_item(department)
    give_ai(item, probabilities={"36118008": 0.99})
    library.withdraw_model(actor=SYSTEM, model=model, reason="recalled")
    settle(site)
    item.refresh_from_db()
    assert (item.band, item.ai_state) == ("ROUTINE", "none")


def test_a_change_that_was_lost_is_found_by_the_sweep(department, site, monkeypatch):
    make_model(site)
    sent = []
    monkeypatch.setattr(
        "apps.workflow.flow.enqueue", lambda **kwargs: sent.append(kwargs)
    )
    monkeypatch.setattr("apps.workflow.flow.LOST_AFTER", -flow.LOST_AFTER)
    monkeypatch.setattr("apps.workflow.flow.notice_deleted", lambda: None)
    flow.sweep()
    asked = [(one["step"], one.get("site_id")) for one in sent]
    assert ("workflow.settle_slots", str(site.id)) in asked
    settle(site)
    sent.clear()
    flow.sweep()
    assert not sent


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"thresholds": {PNEUMONIA: 0}}, "above 0"),
        ({"thresholds": {PNEUMONIA: 1.2}}, "at most 1"),
        ({"thresholds": {"1": 0.5}}, "says nothing of 1"),
        ({"acuities": {PNEUMONIA: "deadly"}}, "deadly"),
        ({"routing": {"age_min": 9, "age_max": 3}}, "From age: is above"),
        ({"routing": {"hour_from": 8}}, "Arrived from: needs"),
        ({"thresholds": {PNEUMONIA: 0.4}, "reason": " "}, "reason"),
        ({"thresholds": {PNEUMONIA: 0.7}}, "Nothing differs"),
        ({}, "Nothing differs"),
    ],
)
def test_what_can_not_be_is_refused_in_words(site, admin, body, words):
    make_model(site)
    said = post(admin, holding(site), "versions", **body)
    assert said.status_code in (400, 409)
    assert words in str(said.json())
    assert Slot.objects.count() == 1


def test_of_two_admins_the_second_is_told(site, admin):
    make_model(site)
    old = holding(site)
    assert post(admin, old, "versions", thresholds={PNEUMONIA: 0.4}).status_code == 201
    late = post(admin, old, "versions", thresholds={PNEUMONIA: 0.6})
    assert (late.status_code, late.json()["code"]) == (409, "superseded")


def test_a_lead_sees_and_does_not_change(site, lead):
    make_model(site)
    body = lead.get(f"/api/sites/{site.id}/slots").json()
    assert body["may_change"] is False
    assert [one["outputs"][0]["threshold"] for one in body["items"]] == [0.7]
    assert post(lead, holding(site), "empty").status_code == 403


def test_a_challenger_of_another_name_is_of_the_same_findings(site):
    make_model(site)
    other = make_model(name="other-pneumonia")
    task = holding(site).task
    slot = fill_slot(
        actor=SYSTEM, site=site, model=other, kind=SlotKind.CHALLENGER, task=task
    )
    assert (slot.task, slot.number) == (task, 2)
    foreign = make_model(
        name="knees",
        labels=[
            {
                "code": "9",
                "scheme": "SCT",
                "display": "Effusion",
                "threshold": 0.5,
                "acuity": "routine",
            }
        ],
    )
    with pytest.raises(Exception, match="says nothing of what the slot"):
        fill_slot(
            actor=SYSTEM, site=site, model=foreign, kind=SlotKind.SHADOW, task=task
        )


def test_a_start_does_not_fill_what_an_admin_emptied(site, admin):
    setup_demo.Command()._models([site])
    n = Slot.objects.filter(site=site, active=True).count()
    assert n == 3
    emptied = Slot.objects.filter(site=site).first()
    post(admin, emptied, "empty")
    setup_demo.Command()._models([site])
    assert Slot.objects.filter(site=site, active=True).count() == n - 1


# --- routing


def test_a_site_sends_only_what_its_rule_takes(department, site, admin):
    make_model(site)
    old = holding(site)
    rule = {"description_has": ["Chest"], "age_max": 3}
    assert post(admin, old, "versions", routing=rule).status_code == 201
    assert holding(site).routing == {"description_has": ["chest"], "age_max": 3}
    sent = make_item(department, study_uid="1.5.1", age=3.5)
    kept = make_item(department, study_uid="1.5.2", age=4.5)
    for item in (sent, kept):
        flow.request_inference(revision_id=item.case.revision_id)
    assert InferenceRun.objects.get().revision_id == sent.case.revision_id
    kept.refresh_from_db()
    assert kept.ai_state == "none"
    assert "older than 3 years" in kept.ai_reason


def test_a_rule_is_tried_on_history_and_changes_nothing(department, site, lead):
    make_model(site)
    for n in range(10):
        make_item(
            department, study_uid=f"1.6.{n}", age=1.5 + n % 4, age_s=86400 * (n % 5)
        )
    slot = holding(site)
    body = {"routing": {"age_max": 2}}
    said = lead.post(
        f"/api/slots/{slot.id}/routing-trial", body, content_type="application/json"
    ).json()
    assert (said["arrived"], said["fits"], said["fired_now"]) == (10, 10, 10)
    assert said["fired"] == 6
    assert said["days"] == pytest.approx(4, abs=0.01)
    assert said["per_day"]["value"] == pytest.approx(1.5, abs=0.01)
    assert said["per_day"]["low"] < 1.5 < said["per_day"]["high"]
    assert sum(day["fired"] for day in said["by_day"]) == 6
    reasons = {one["reason"] for one in said["examples"]}
    assert reasons == {"", "older than 2 years"}
    assert "Doe" not in str(said)
    assert Slot.objects.get().routing == {}
    row = AuditRecord.objects.get(event=Event.STUDY_LIST)
    assert len(row.studies) == 10

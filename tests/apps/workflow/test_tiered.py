"""Tiered review: a resident first and an attending's verification, or a specialist."""

from __future__ import annotations

import io
from datetime import timedelta

import pydicom
import pytest

from apps.accounts.models import Role
from apps.accounts.services import grant_membership
from apps.accounts.types import SYSTEM
from apps.annotations.models import Reading, Verification
from apps.annotations.truth import TruthKind, judge_cases, scored_cases
from apps.audit.models import AuditRecord
from apps.core import clock
from apps.inference.models import InferenceRun, Slot
from apps.inference.tiers import tier_of
from apps.notifications.models import Notification
from apps.reports.models import ExportedObject
from apps.workflow import exporting, flow
from apps.worklist.models import WorkItem
from apps.worklist.services import lease_item
from tests.factories.domain import (
    actor_for,
    answer,
    client_for,
    give_ai,
    make_department,
    make_film,
    make_item,
    make_model,
    make_person,
    make_protocol,
    make_revision,
)

pytestmark = pytest.mark.django_db
PNEUMONIA = "233604007"
SURE = {PNEUMONIA: 0.9}
UNSURE = {PNEUMONIA: 0.5}
RULE = {
    "resident_first": True,
    "specialist_if_unsure": True,
    "unsure_from": 0.4,
    "unsure_to": 0.6,
}


@pytest.fixture
def resident(department):
    return department.person(Role.RESIDENT)


@pytest.fixture
def specialist(department):
    return department.person(Role.SPECIALIST)


@pytest.fixture
def admin(department):
    return client_for(department.person(Role.ADMIN))


@pytest.fixture
def slot(department, admin, broker):
    make_model(department.site)
    return change_rule(admin, RULE)


def change_rule(admin, rule):
    slot = Slot.objects.get(active=True)
    body = {"routing": rule, "reason": "tiered review"}
    done = post(admin, f"/api/slots/{slot.id}/versions", body)
    assert done.status_code == 201, done.content
    return Slot.objects.get(active=True)


def post(client, path, body=None, version=None):
    headers = {} if version is None else {"If-Match": f'"{version}"'}
    return client.post(
        path, body or {}, content_type="application/json", headers=headers
    )


def said(impression="Clear.", **more):
    return {"verdicts": {}, "annotations": [], "impression": impression, **more}


def sign(user, item, content=None, version=0):
    path = f"/api/worklist/items/{item.id}/sign"
    signed = post(client_for(user), path, {"content": content or said()}, version)
    assert signed.status_code == 200, signed.content
    return Reading.objects.get(id=signed.json()["reading"]["id"])


def read(user, item, content=None):
    lease_item(actor=actor_for(user), item_id=item.id)
    return sign(user, item, content)


def verify(user, reading):
    return post(client_for(user), f"/api/readings/{reading.id}/verify")


def send_back(user, reading, reason="Look at the left apex."):
    path = f"/api/readings/{reading.id}/send-back"
    return post(client_for(user), path, {"reason": reason})


def waiting(user):
    """What the worklist's view of preliminary readings has for a person."""
    body = {"filters": {"to_verify": True}, "counts": True}
    answer = post(client_for(user), "/api/worklist/window", body).json()
    assert answer["counts"]["to_verify"] == answer["counts"]["total"]
    assert answer["counts"]["total"] == len(answer["items"])
    return answer["items"]


def events(name):
    return list(AuditRecord.objects.filter(event=name).order_by("id"))


# --- verification


def test_what_a_resident_signs_is_preliminary_until_verified(department, resident):
    item = make_item(department)
    first = read(resident, item)
    assert Verification.objects.get().reading == first
    [row] = waiting(department.reader)
    assert (row["id"], row["state"]) == (str(item.id), "done")
    assert row["preliminary"]["state"] == "waiting"
    assert row["preliminary"]["signed_by"] == resident.display_name
    assert waiting(resident) == []
    looked = post(
        client_for(department.reader), f"/api/worklist/items/{item.id}/look"
    ).json()
    assert looked["may_verify"]
    assert looked["may_amend"]
    assert looked["reading"]["verification"]["state"] == "waiting"

    done = verify(department.reader, first)
    assert done.status_code == 200, done.content
    said_now = done.json()["verification"]
    assert said_now["state"] == "verified"
    assert said_now["decided_by"] == department.reader.display_name
    first.refresh_from_db()
    assert first.signed_name == resident.display_name, "the reading stays as it was"
    assert waiting(department.reader) == []
    [event] = events("reading:verify")
    assert (event.object_id, event.detail["how"]) == (first.id, "as_signed")
    again = verify(department.reader, first)
    assert (again.status_code, again.json()["code"]) == (409, "not_waiting")


def test_an_earlier_report_says_that_nobody_has_verified_it(department, resident):
    first = read(resident, make_item(department, patient_id="P1"))
    second = make_item(department, patient_id="P1")
    lease_item(actor=actor_for(department.reader), item_id=second.id)
    path = f"/api/worklist/items/{second.id}/earlier-reports"
    [earlier] = client_for(department.reader).get(path).json()["items"]
    assert earlier["preliminary"]
    assert verify(department.reader, first).status_code == 200
    [earlier] = client_for(department.reader).get(path).json()["items"]
    assert not earlier["preliminary"]


@pytest.mark.parametrize("role", [Role.RADIOLOGIST, Role.SPECIALIST])
def test_what_an_attending_signs_needs_nobody(department, role):
    read(make_person(site=department.site, role=role, name="at"), make_item(department))
    assert not Verification.objects.exists()
    assert waiting(department.reader) == []


def test_nobody_verifies_their_own_and_a_resident_nothing(department, resident):
    second = make_person(site=department.site, role=Role.RESIDENT, name="second")
    elsewhere = make_department("south").reader
    lead = department.person(Role.CLINICAL_LEAD)
    reading = read(resident, make_item(department))
    for who, status in (
        (resident, 403),
        (second, 403),
        (lead, 403),
        (elsewhere, 404),
    ):
        assert verify(who, reading).status_code == status
        assert send_back(who, reading).status_code == status
    assert waiting(elsewhere) == []
    # Made an attending meanwhile, it is still one's own.
    grant_membership(
        actor=SYSTEM,
        user_id=resident.pk,
        site_id=department.site.pk,
        role=Role.RADIOLOGIST,
    )
    refused = verify(resident, reading)
    assert (refused.status_code, refused.json()["code"]) == (403, "own")
    assert waiting(resident) == []
    assert Verification.objects.get().state == "waiting"


def test_sent_back_it_is_its_readers_again_and_preliminary_again(department, resident):
    item = make_item(department)
    first = read(resident, item)
    empty = send_back(department.reader, first, reason="  ")
    assert (empty.status_code, empty.json()["field"]) == (400, "reason")
    assert send_back(department.reader, first).status_code == 200
    assert events("reading:send_back")[0].detail["reason"] == "Look at the left apex."
    assert Notification.objects.get().kind == "sent_back"
    [row] = waiting(resident)
    assert row["preliminary"]["reason"] == "Look at the left apex."
    assert row["preliminary"]["mine"]
    look = f"/api/worklist/items/{item.id}/look"
    assert post(client_for(resident), look).json()["may_amend"]
    assert waiting(department.reader) == []
    assert verify(department.reader, first).json()["code"] == "not_waiting"

    why = {"reason_code": "second_opinion"}
    path = f"/api/worklist/items/{item.id}/amend"
    assert post(client_for(resident), path, why).status_code == 200
    second = sign(resident, item, said("Nodule in the left apex."))
    states = {v.reading_id: v.state for v in Verification.objects.all()}
    assert states == {first.id: "replaced", second.id: "waiting"}
    assert waiting(resident) == []
    [row] = waiting(department.reader)
    assert (row["id"], row["preliminary"]["mine"]) == (str(item.id), False)


def test_an_attendings_amendment_is_final(department, resident):
    item = make_item(department)
    first = read(resident, item)
    path = f"/api/worklist/items/{item.id}/amend"
    why = {"reason_code": "correction"}
    assert post(client_for(department.reader), path, why).status_code == 200
    other = make_person(site=department.site, role=Role.RADIOLOGIST, name="other")
    held = verify(other, first)
    assert (held.status_code, held.json()["code"]) == (409, "leased")
    second = sign(department.reader, item, said("Not clear."))
    said_of = Verification.objects.get()
    assert (said_of.reading, said_of.state) == (first, "replaced")
    assert said_of.decided_by == department.reader
    assert second.edition == 2
    [event] = events("reading:verify")
    assert (event.object_id, event.detail["how"]) == (second.id, "amended")
    assert waiting(other) == []
    # A final reading is again its reader's alone to amend.
    assert post(client_for(other), path, why).status_code == 403


def test_the_archive_gets_it_unverified_and_then_verified(
    department, resident, archive, broker
):
    archive.c_store(make_film(), called="NORTH")
    archive.settle()
    flow.take_arrivals()
    item = WorkItem.objects.get()
    reading = read(resident, item)
    exporting.send_reading(reading_id=reading.id)
    assert verify(department.reader, reading).status_code == 200
    exporting.send_reading(reading_id=reading.id)
    exporting.send_reading(reading_id=reading.id)
    first = ExportedObject.objects.get(reading=reading)
    second = ExportedObject.objects.get(verification__reading=reading)
    assert ExportedObject.objects.count() == 2

    def document(row):
        assert (row.state, row.problems) == ("stored", "")
        return pydicom.dcmread(io.BytesIO(archive.files[row.archive_id].content))

    before, after = document(first), document(second)
    assert (before.VerificationFlag, before.PreliminaryFlag) == (
        "UNVERIFIED",
        "PRELIMINARY",
    )
    assert "VerifyingObserverSequence" not in before
    assert before.SeriesDescription == "Signed reading, preliminary"
    assert (after.VerificationFlag, after.PreliminaryFlag) == ("VERIFIED", "FINAL")
    verifier = after.VerifyingObserverSequence[0].VerifyingObserverName
    assert verifier.family_name == department.reader.display_name.split()[-1]
    pointed = after.PredecessorDocumentsSequence[0].ReferencedSeriesSequence[0]
    assert pointed.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == first.sop_uid


def test_the_sweep_finds_a_verified_report_that_was_lost(
    department, resident, archive, broker, monkeypatch
):
    archive.c_store(make_film(), called="NORTH")
    archive.settle()
    flow.take_arrivals()
    reading = read(resident, WorkItem.objects.get())
    exporting.send_reading(reading_id=reading.id)
    assert verify(department.reader, reading).status_code == 200
    later = clock.now() + timedelta(minutes=5)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert flow.sweep()["exports"] == 1


def test_the_paper_says_that_it_is_preliminary_and_who_verified(department, resident):
    reading = read(resident, make_item(department))
    path = f"/api/readings/{reading.id}/report"
    client = client_for(department.reader)
    text = client.get(f"{path}.txt").content.decode()
    assert "PRELIMINARY. Awaiting verification." in text
    assert client.get(f"{path}.pdf").content.startswith(b"%PDF")
    verify(department.reader, reading)
    text = client.get(f"{path}.txt").content.decode()
    assert "PRELIMINARY" not in text
    assert f"Signed electronically by {resident.display_name}" in text
    assert f"Verified by {department.reader.display_name}" in text


def test_what_is_not_upheld_is_no_truth(department, resident, slot):
    none = make_protocol(
        department,
        "none",
        labels=[{"scheme": "SCT", "code": PNEUMONIA, "display": "Pneumonia"}],
    )
    item = make_item(department, protocol=none)
    give_ai(item)

    def cases(kind):
        scored = scored_cases(
            site_id=department.site.id,
            model_version_id=slot.model_version_id,
            code=PNEUMONIA,
        )
        return len(judge_cases(scored=scored, code=PNEUMONIA, kind=kind).cases)

    reading = read(resident, item)
    assert [cases(kind) for kind in TruthKind] == [0, 0]
    assert verify(department.reader, reading).status_code == 200
    assert [cases(kind) for kind in TruthKind] == [1, 1]


# --- tiers


@pytest.mark.parametrize(
    ("rule", "result", "tier"),
    [
        (RULE, {"probabilities": SURE}, "resident"),
        (RULE, {"probabilities": UNSURE}, "specialist"),
        (RULE, {"probabilities": {PNEUMONIA: 0.4}}, "specialist"),
        (RULE, {"probabilities": {PNEUMONIA: 0.6}}, "specialist"),
        (RULE, {"probabilities": {PNEUMONIA: 0.61}}, "resident"),
        (RULE, {"probabilities": SURE, "uncertainty": 0.3}, "specialist"),
        (RULE, {"state": "failed", "reason": "broke"}, ""),
        (RULE, {"state": "rejected", "reason": "rotated"}, ""),
        ({"resident_first": True}, {"probabilities": SURE}, "resident"),
        (
            {"resident_first": True},
            {"probabilities": SURE, "uncertainty": 0.3},
            "",
        ),
        ({"specialist_if_unsure": True}, {"probabilities": SURE}, ""),
        ({}, {"probabilities": SURE, "uncertainty": 0.3}, ""),
    ],
)
def test_a_rule_says_by_the_models_sureness_who_reads(
    department, admin, broker, rule, result, tier
):
    make_model(department.site, uncertainty={"review_from": 0.2})
    if rule:
        change_rule(admin, rule)
    item = make_item(department)
    give_ai(item, **result)
    assert item.tier == tier
    row = client_for(department.reader).get(f"/api/worklist/items/{item.id}").json()
    assert row["tier"] == tier
    assert [e.detail["after"] for e in events("item:tier")] == ([tier] if tier else [])


def test_a_model_that_was_never_asked_has_no_say_in_who_reads(department, slot):
    item = make_item(department)
    give_ai(item, probabilities=SURE)
    run = InferenceRun.objects.get()
    ruled_out = InferenceRun(slot=run.slot, state="rejected")
    assert tier_of(runs=[run, ruled_out]) == "resident"
    by_gate = InferenceRun(slot=run.slot, state="rejected", requested_at=clock.now())
    assert tier_of(runs=[run, by_gate]) == ""


@pytest.mark.parametrize(
    "rule",
    [
        {"unsure_from": 0.4, "unsure_to": 0.6},
        {"resident_first": True, "unsure_from": 0.4},
        {"resident_first": True, "unsure_from": 0.7, "unsure_to": 0.6},
        {"resident_first": True, "unsure_from": -0.1, "unsure_to": 0.6},
        {"resident_first": "often"},
    ],
)
def test_what_is_no_rule_is_refused(department, admin, broker, rule):
    make_model(department.site)
    slot = Slot.objects.get()
    body = {"routing": rule, "reason": "a test"}
    assert post(admin, f"/api/slots/{slot.id}/versions", body).status_code == 400
    assert Slot.objects.count() == 1


def test_a_rule_that_is_let_hold_reaches_the_open_list(department, admin, slot):
    item = make_item(department)
    give_ai(item, probabilities=UNSURE)
    assert item.tier == "specialist"
    change_rule(admin, {**RULE, "unsure_from": 0.55})
    flow.settle_slots(site_id=department.site.id)
    item.refresh_from_db()
    assert item.tier == "resident"
    assert [e.detail["cause"] for e in events("item:tier")] == ["ai", "slot"]


def take(user):
    answered = post(client_for(user), "/api/worklist/take-next")
    return answered.json()["item"]["id"] if answered.status_code == 200 else None


def free(user):
    client = client_for(user)
    taken = take(user)
    if taken:
        client.delete(f"/api/worklist/items/{taken}/lease")
    return taken


def test_everybody_is_handed_what_is_for_them(
    department, resident, specialist, slot, monkeypatch
):
    sure, unsure = make_item(department), make_item(department)
    give_ai(sure, probabilities=SURE)
    give_ai(unsure, probabilities=UNSURE)
    assert free(resident) == str(sure.id)
    assert free(specialist) == str(unsure.id)
    assert free(department.reader) is None, "both are meant for somebody else"
    later = sure.deadline_at + timedelta(seconds=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert free(department.reader) == str(sure.id), "nothing waits past its deadline"


def test_nothing_waits_for_a_tier_that_has_nobody(department, slot):
    sure, unsure = make_item(department), make_item(department)
    give_ai(sure, probabilities=SURE)
    give_ai(unsure, probabilities=UNSURE)
    reader = department.reader
    first = take(reader)
    assert {first, take(reader)} == {str(sure.id), str(unsure.id)}


@pytest.mark.parametrize("why", ["stat", "off"])
def test_stat_and_the_off_switch_let_everybody_read(department, resident, slot, why):
    item = make_item(department)
    give_ai(item, probabilities=SURE)
    assert free(department.reader) is None
    if why == "stat":
        WorkItem.objects.update(band="STAT")
    else:
        department.site.ai_ordering = False
        department.site.save()
    assert free(department.reader) == str(item.id)


def test_a_resident_opens_what_is_for_a_specialist_only_when_assigned(
    department, resident, slot
):
    item = make_item(department)
    give_ai(item, probabilities=UNSURE)
    path = f"/api/worklist/items/{item.id}/lease"
    refused = post(client_for(resident), path)
    assert (refused.status_code, refused.json()["code"]) == (403, "for_specialist")
    assert free(resident) is None
    WorkItem.objects.update(assignee=resident)
    assert free(resident) == str(item.id)
    assert post(client_for(resident), path).status_code == 200


def test_an_attending_opens_what_they_choose(department, resident, specialist, slot):
    for probabilities in (SURE, UNSURE):
        item = make_item(department)
        give_ai(item, probabilities=probabilities)
        path = f"/api/worklist/items/{item.id}/lease"
        assert post(client_for(department.reader), path).status_code == 200


def test_why_here_says_what_the_rule_means(department, slot):
    item = make_item(department)
    give_ai(item, probabilities=UNSURE)
    path = f"/api/worklist/items/{item.id}/why"
    words = client_for(department.reader).get(path).json()["rule"]
    assert any("for a specialist" in line for line in words)


def test_a_rule_is_tried_on_what_the_model_has_said(department, admin, slot):
    for probabilities in (SURE, SURE, UNSURE):
        give_ai(make_item(department), probabilities=probabilities)
    make_revision(department)
    path = f"/api/slots/{slot.id}/routing-trial"
    told = post(admin, path, {"routing": RULE}).json()
    assert told["fired"] == 4
    assert told["tiers"] == {
        "resident": 2,
        "specialist": 1,
        "anybody": 0,
        "unscored": 1,
    }
    assert post(admin, path, {"routing": {}}).json()["tiers"] is None
    assert Slot.objects.get(active=True).id == slot.id


# --- who reads without AI learns nothing


@pytest.mark.parametrize("mode", ["after_commit", "none"])
def test_two_worlds_that_differ_in_the_ai_alone_look_alike(
    department, resident, specialist, slot, mode
):
    """Sure in one world, unsure in the other: no reader is sent any difference."""
    protocol = make_protocol(department, mode)
    people = (department.reader, resident, specialist)

    def world(probabilities):
        item = make_item(department, protocol=protocol)
        flow.request_inference(revision_id=item.case.revision_id)
        version = WorkItem.objects.get(id=item.id).version
        run = InferenceRun.objects.get(revision_id=item.case.revision_id)
        flow.accept_result(
            result=answer(run, probabilities=probabilities, uncertainty=0.5)
        )
        item.refresh_from_db()
        assert (item.tier, item.version) == ("", version)
        seen = []
        for person in people:
            client = client_for(person)
            row = client.get(f"/api/worklist/items/{item.id}").json()
            why = client.get(f"/api/worklist/items/{item.id}/why").json()
            handed = free(person) == str(item.id)
            leased = post(client, f"/api/worklist/items/{item.id}/lease").status_code
            client.delete(f"/api/worklist/items/{item.id}/lease")
            seen.append((row["tier"], row["ai"], len(why["rule"]), handed, leased))
        item.refresh_from_db()
        item.state = "cancelled"
        item.save()
        return seen

    assert world(SURE) == world(UNSURE)
    assert events("item:tier") == []


def test_a_resident_reads_unaided_and_is_verified_all_the_same(
    department, resident, slot
):
    item = make_item(department, protocol=make_protocol(department, "after_commit"))
    give_ai(item, probabilities=UNSURE)
    lease_item(actor=actor_for(resident), item_id=item.id)
    path = f"/api/worklist/items/{item.id}/commit"
    done = post(client_for(resident), path, {"content": said()}, 0)
    assert done.status_code == 200, done.content
    sign(resident, item, version=1)
    assert Verification.objects.get().state == "waiting"


def test_who_may_still_read_it_unaided_is_not_told_of_a_preliminary_one(
    department, resident
):
    first = make_item(department)
    reading = read(resident, first)
    assert len(waiting(department.reader)) == 1
    study = first.case.revision.study
    twin = study.revisions.create(
        number=2, image_hash="other", n_images=1, series=[], arrived_at=clock.now()
    )
    flow.place_item(
        actor=SYSTEM, revision=twin, protocol=make_protocol(department, "none")
    )
    assert waiting(department.reader) == []
    assert verify(department.reader, reading).status_code == 404
    assert Verification.objects.get().state == "waiting"


def test_the_view_is_narrowed_and_kept_as_the_list_is(department, resident):
    ct = make_item(department, modality="CT", patient_id="P1", name="Adler, B")
    mr = make_item(department, modality="MR", patient_id="P2", name="Zorn, C")
    make_item(department, modality="CT", patient_id="P3", name="Adler, D")
    for item in (ct, mr):
        read(resident, item)
    client = client_for(department.reader)

    def found(**filters):
        body = {"filters": {"to_verify": True, **filters}, "counts": True}
        answer = post(client, "/api/worklist/window", body).json()
        assert answer["counts"]["to_verify"] == 2, "whatever else narrows it"
        assert answer["counts"]["total"] == len(answer["items"])
        return {row["id"] for row in answer["items"]}

    assert found(modality=["CT"]) == {str(ct.id)}
    assert found(q="zorn") == {str(mr.id)}
    assert found(band=["STAT"]) == set()
    assert found(site=[str(department.site.id)]) == {str(ct.id), str(mr.id)}
    body = {"filters": {"to_verify": True}, "limit": 1}
    first = post(client, "/api/worklist/window", body).json()
    second = post(client, "/api/worklist/window", {**body, "at": 1}).json()
    assert (first["more"], second["more"]) == (True, False)
    assert [first["items"][0]["id"], second["items"][0]["id"]] == [
        str(item.id) for item in sorted((ct, mr), key=lambda one: one.sort_at)
    ]
    listed = post(client, "/api/worklist/window", {"counts": True}).json()
    assert len(listed["items"]) == 1, "what is signed is not to be read"
    assert listed["counts"]["to_verify"] == 2

    view = {
        "name": "CT to verify",
        "filters": {"to_verify": True, "modality": ["CT"]},
        "columns": ["rank", "band", "waiting", "patient"],
    }
    assert post(client, "/api/worklist/views", view).status_code == 201
    [kept] = client.get("/api/worklist/views").json()["items"]
    assert kept["filters"]["to_verify"]
    lead = client_for(department.person(Role.CLINICAL_LEAD))
    answer = post(lead, "/api/worklist/window", {"filters": {"to_verify": True}})
    assert answer.json()["items"] == [], "a lead verifies nothing"


def test_one_that_is_amended_stays_on_the_view_and_says_by_whom(department, resident):
    item = make_item(department)
    read(resident, item)
    path = f"/api/worklist/items/{item.id}/amend"
    why = {"reason_code": "correction"}
    assert post(client_for(department.reader), path, why).status_code == 200
    other = make_person(site=department.site, role=Role.RADIOLOGIST, name="other")
    [row] = waiting(other)
    assert row["preliminary"]["signed_by"] == resident.display_name
    assert row["lease"]["holder"]["display_name"] == department.reader.display_name

"""The commit: what ends the unaided read, what it reveals, and what stays of it."""

from __future__ import annotations

import pytest

from apps.accounts.models import Role
from apps.accounts.services import grant_membership
from apps.accounts.types import SYSTEM
from apps.annotations.models import Reading, ReadingProtocol, ReadingStage
from apps.audit.models import AuditRecord
from apps.core.models import Change
from apps.inference.models import Finding, InferenceRun
from apps.reports.models import ExportedObject
from apps.workflow import flow
from apps.worklist.models import WorkItem
from tests.factories.domain import (
    client_for,
    give_ai,
    make_item,
    make_model,
    make_protocol,
    make_revision,
)

pytestmark = pytest.mark.django_db
BEFORE = {"verdicts": {}, "annotations": [], "impression": "Clear, I think."}


@pytest.fixture
def blinded(department):
    """A positive, critical finding under a protocol that hides it."""
    make_model(department.site)
    item = make_item(department, protocol=make_protocol(department, "after_commit"))
    give_ai(item, probabilities={"36118008": 0.98765})
    return item


@pytest.fixture
def reader(department, blinded):
    client = client_for(department.reader)
    assert client.post(f"/api/worklist/items/{blinded.id}/lease").status_code == 200
    return client


def send(client, item, verb, content, version, method="post"):
    return getattr(client, method)(
        f"/api/worklist/items/{item.id}/{verb}",
        {"content": content},
        content_type="application/json",
        headers={"If-Match": f'"{version}"'},
    )


def test_each_state_keeps_its_content_and_its_time(blinded, reader):
    assert send(reader, blinded, "reading", BEFORE, 0, "put").status_code == 200
    done = send(reader, blinded, "commit", BEFORE, 1)
    assert done.status_code == 200, done.content
    body = done.json()
    assert body["reading"]["state"] == "revealed"
    assert body["reading"]["unaided"]["content"] == {**BEFORE, "report": None}
    assert body["item"]["ai"]["label"] == "Pneumothorax"
    finding = Finding.objects.get()
    after = {
        **BEFORE,
        "impression": "Small pneumothorax.",
        "verdicts": {str(finding.id): {"verdict": "accept"}},
    }
    assert send(reader, blinded, "reading", after, 2, "put").status_code == 200
    signed = send(reader, blinded, "sign", after, 3).json()["reading"]
    assert [s["state"] for s in signed["stages"]] == [
        "unaided",
        "committed",
        "revealed",
        "signed",
    ]
    assert signed["unaided"]["content"] == {**BEFORE, "report": None}
    assert signed["content"]["impression"] == "Small pneumothorax."
    stages = {s.state: s for s in ReadingStage.objects.all()}
    assert stages["committed"].content == stages["revealed"].content == BEFORE
    assert stages["revealed"].detail == {
        "ai_state": "done",
        "findings": [str(finding.id)],
    }
    assert signed["content"] == {**stages["signed"].content, "report": None}
    times = [s["at"] for s in signed["stages"]]
    assert times == sorted(times)


def test_committing_again_changes_nothing(blinded, reader):
    first = send(reader, blinded, "commit", BEFORE, 0)
    again = send(reader, blinded, "commit", {**BEFORE, "impression": "No!"}, 0)
    assert first.status_code == again.status_code == 200
    assert again.json()["reading"] == first.json()["reading"]
    assert AuditRecord.objects.filter(event="reading:commit").count() == 1
    assert ReadingStage.objects.filter(state="committed").count() == 1


def test_what_is_not_committed_is_not_signed(blinded, reader):
    refused = send(reader, blinded, "sign", BEFORE, 0)
    assert (refused.status_code, refused.json()["code"]) == (409, "not_committed")
    assert Reading.objects.get().state == "unaided"


def test_no_verdict_is_taken_before_the_commit(blinded, reader):
    finding = Finding.objects.get()
    guessed = {**BEFORE, "verdicts": {str(finding.id): {"verdict": "accept"}}}
    known = send(reader, blinded, "reading", guessed, 0, "put")
    other = {**BEFORE, "verdicts": {str(blinded.id): {"verdict": "accept"}}}
    unknown = send(reader, blinded, "reading", other, 0, "put")
    assert (known.status_code, unknown.status_code) == (400, 400)
    # An id that exists is refused in the very words of one that does not.
    assert known.content.replace(str(finding.id).encode(), b"") == (
        unknown.content.replace(str(blinded.id).encode(), b"")
    )
    assert send(reader, blinded, "commit", guessed, 0).status_code == 400


def test_a_commit_on_an_older_draft_shows_the_newer(blinded, reader):
    newer = {**BEFORE, "impression": "From the other tab."}
    send(reader, blinded, "reading", newer, 0, "put")
    refused = send(reader, blinded, "commit", BEFORE, 0)
    assert refused.status_code == 412
    assert refused.json()["current"]["content"] == newer
    assert Reading.objects.get().state == "unaided"


def test_a_colleagues_commit_reveals_nothing_to_me(department, blinded, reader):
    send(reader, blinded, "commit", BEFORE, 0)
    reader.delete(f"/api/worklist/items/{blinded.id}/lease")
    colleague = client_for(department.person(Role.RADIOLOGIST, "other"))
    row = colleague.get(f"/api/worklist/items/{blinded.id}").json()
    assert row["ai"]["state"] == "blinded"
    taken = colleague.post(f"/api/worklist/items/{blinded.id}/lease").json()
    assert taken["reading"]["state"] == "unaided"
    assert taken["reading"]["content"]["impression"] == ""


def test_nothing_to_commit_where_the_ai_is_shown_at_once(department):
    item = make_item(department)
    client = client_for(department.reader)
    client.post(f"/api/worklist/items/{item.id}/lease")
    refused = send(client, item, "commit", BEFORE, 0)
    assert (refused.status_code, refused.json()["code"]) == (409, "no_commit")


def test_a_hidden_result_stirs_nothing(department):
    """That a result came, how often, and what it was: the item does not move."""
    make_model(department.site)
    item = make_item(department, protocol=make_protocol(department, "after_commit"))
    client = client_for(department.reader)
    path = f"/api/worklist/items/{item.id}"
    client.post(f"{path}/lease")
    before = client.get(path).json()
    changes = Change.objects.count()
    give_ai(item, probabilities={"36118008": 0.98765})
    after = client.get(path).json()
    before.pop("rank"), after.pop("rank")
    assert after == before
    assert Change.objects.count() == changes
    send(client, item, "commit", BEFORE, 0)
    assert Change.objects.count() == changes + 1
    assert client.get(path).json()["ai"]["probability"] == pytest.approx(0.98765)


def test_a_triage_model_shows_no_marks_before_opening(department):
    make_model(department.site, intended_use="triage")
    item = make_item(department)
    give_ai(item, probabilities={"36118008": 0.98765})
    sop_uid = item.case.revision.instances.get().sop_uid
    place = {
        "kind": "box",
        "space": "image",
        "sop_uid": sop_uid,
        "frame": 1,
        "frame_of_reference_uid": None,
        "points": [[1, 1], [5, 5]],
    }
    Finding.objects.update(location=place)
    client = client_for(department.reader)
    path = f"/api/worklist/items/{item.id}"

    def finding():
        [run] = client.get(f"{path}/ai").json()["runs"]
        return run["findings"][0]

    assert client.get(path).json()["band"] == "STAT"
    assert finding()["probability"] == pytest.approx(0.98765)
    assert finding()["location"] is None
    client.post(f"{path}/lease")
    assert finding()["location"] == place


def test_whoever_leads_and_reads_is_told_of_no_run_and_no_object(department, blinded):
    lead = department.person(Role.CLINICAL_LEAD, "both")
    ExportedObject.objects.create(
        study=blinded.case.revision.study,
        kind="ai_result",
        run=InferenceRun.objects.get(),
        sop_uid="2.25.42",
        series_uid="2.25.43",
        state="stored",
    )
    client = client_for(lead)

    def told():
        pages = [client.get(f"/api/{page}").json()["items"] for page in PAGES]
        return [len(page) for page in pages]

    assert told() == [1, 1]  # who only leads reads nothing
    grant_membership(
        actor=SYSTEM, user_id=lead.pk, site_id=department.site.pk, role=Role.RADIOLOGIST
    )
    assert told() == [0, 0]
    client.post(f"/api/worklist/items/{blinded.id}/lease")
    send(client, blinded, "commit", BEFORE, 0)
    assert told() == [1, 1]


PAGES = ("runs", "exports")

# --- when readers see the AI


def set_mode(client, department, **body):
    return client.post(
        "/api/protocols",
        {"site": str(department.site.id), "reason": "a reader study", **body},
        content_type="application/json",
    )


def test_a_site_chooses_by_modality_for_what_arrives_from_now_on(department):
    admin = client_for(department.person(Role.ADMIN))
    old = make_item(department)
    made = set_mode(admin, department, modality="ct", display_mode="after_commit")
    assert made.status_code == 201, made.content
    assert made.json()["modality"] == "CT"
    general = set_mode(admin, department, display_mode="none").json()
    assert general["version"] == 2

    def mode_of_new(modality):
        revision = make_revision(department, modality=modality)
        flow.place_revision(revision_id=revision.id)
        item = WorkItem.objects.get(case__revision=revision)
        return item.case.protocol.display_mode

    assert mode_of_new("CT") == "after_commit"
    assert mode_of_new("DX") == "none"
    # What is on the list keeps the version it came with, however often it is seen.
    flow.place_revision(revision_id=old.case.revision_id)
    [item] = WorkItem.objects.filter(case__revision=old.case.revision)
    assert item.case.protocol.display_mode == "concurrent"
    listed = admin.get("/api/protocols").json()["items"]
    assert [(p["modality"], p["display_mode"]) for p in listed] == [
        ("", "none"),
        ("CT", "after_commit"),
    ]
    gone = admin.delete(f"/api/protocols/{made.json()['id']}")
    assert gone.status_code == 204
    assert mode_of_new("CT") == "none"
    assert admin.delete(f"/api/protocols/{general['id']}").status_code == 409
    assert AuditRecord.objects.filter(event="protocol:change").count() == 3


def test_choosing_what_holds_already_makes_no_version(department):
    admin = client_for(department.person(Role.ADMIN))
    for _ in range(2):
        set_mode(admin, department, display_mode="none")
    assert ReadingProtocol.objects.filter(site=department.site).count() == 2
    wrong = set_mode(admin, department, display_mode="sometimes")
    assert wrong.status_code == 400


def test_a_protocol_says_what_its_readers_are_asked_for(department):
    admin = client_for(department.person(Role.ADMIN))
    make_model(department.site)
    askable = admin.get("/api/protocols").json()["askable"]
    assert [one["code"] for one in askable] == ["233604007", "36118008"]
    label = askable[0]
    made = set_mode(admin, department, display_mode="none", labels=[label["code"]])
    assert made.json()["labels"] == [label]
    kept = set_mode(admin, department, display_mode="after_commit").json()
    assert (kept["version"], kept["labels"]) == (3, [label])
    item = make_item(department, protocol=ReadingProtocol.objects.get(id=kept["id"]))
    opened = client_for(department.reader).post(f"/api/worklist/items/{item.id}/lease")
    assert opened.json()["reading"]["asks"] == ["Pneumonia"]
    unknown = set_mode(admin, department, display_mode="none", labels=["1"])
    assert (unknown.status_code, unknown.json()["field"]) == (400, "labels")
    silent = set_mode(admin, department, display_mode="after_commit", labels=[]).json()
    assert (silent["version"], silent["labels"]) == (4, [])

"""A signed reading is amended as a new version; the old one stays as it was."""

from __future__ import annotations

import io
from datetime import timedelta

import pydicom
import pytest

from apps.accounts.models import Role
from apps.accounts.services import grant_membership
from apps.accounts.types import SYSTEM
from apps.annotations.models import Reading
from apps.audit.models import AuditRecord
from apps.core import clock
from apps.inference.models import Finding
from apps.reports.models import CriticalResult, ExportedObject
from apps.reports.services import export_reading
from apps.workflow import flow
from apps.worklist.models import WorkItem
from apps.worklist.services import lease_item
from tests.factories.domain import (
    actor_for,
    client_for,
    give_ai,
    make_film,
    make_item,
    make_model,
    make_person,
    make_protocol,
)

pytestmark = pytest.mark.django_db
WHY = {"reason_code": "correction", "reason_text": "Wrong side."}


@pytest.fixture
def client(department):
    return client_for(department.reader)


@pytest.fixture
def colleague(department):
    return make_person(site=department.site, role=Role.RADIOLOGIST, name="second")


def said(impression="Clear.", verdicts=None):
    return {"verdicts": verdicts or {}, "annotations": [], "impression": impression}


def call(client, verb, item, tail, body=None, version=None):
    headers = {} if version is None else {"If-Match": f'"{version}"'}
    return getattr(client, verb)(
        f"/api/worklist/items/{item.id}/{tail}",
        body,
        content_type="application/json",
        headers=headers,
    )


def sign(client, item, content, version=0, told=None):
    body = {"content": content} | ({"told": told} if told else {})
    return call(client, "post", item, "sign", body, version)


def amend(client, item, **why):
    return call(client, "post", item, "amend", WHY | why)


@pytest.fixture
def item(department, client):
    item = make_item(department)
    lease_item(actor=actor_for(department.reader), item_id=item.id)
    assert sign(client, item, said()).status_code == 200
    item.refresh_from_db()
    return item


def listed(client, query=""):
    return client.get(f"/api/readings{query}").json()["items"]


def test_an_amendment_is_a_new_reading_and_the_old_stays(department, client, item):
    first, done_at = item.reading, item.done_at
    answer = amend(client, item)
    assert answer.status_code == 200, answer.content
    body = answer.json()["reading"]
    assert body["content"]["impression"] == "Clear."
    assert (body["edition"], body["state"]) == (2, "draft")
    assert body["amends"]["id"] == str(first.id)
    assert body["amends"]["reason"] == "Correction of an error"
    assert answer.json()["item"]["state"] == "done"

    saved = call(client, "put", item, "reading", {"content": said("Left.")}, 0)
    assert saved.status_code == 200, saved.content
    signed = sign(client, item, said("Left lower lobe."), version=1)
    assert signed.status_code == 200, signed.content

    item.refresh_from_db()
    second = item.reading
    assert (second.amends, second.edition) == (first, 2)
    assert (item.state, item.done_at, item.lease_holder) == ("done", done_at, None)
    first.refresh_from_db()
    assert first.content["impression"] == "Clear."
    [row] = listed(client)
    assert (row["id"], row["edition"]) == (str(second.id), 2)
    assert (row["reason"], row["reason_text"]) == (
        "Correction of an error",
        "Wrong side.",
    )
    assert [one["id"] for one in row["before"]] == [str(first.id)]
    events = AuditRecord.objects.filter(event="reading:amend")
    assert [(e.object_id, e.detail["amends"]) for e in events] == [
        (second.id, str(first.id))
    ]


def test_versions_count_on_and_point_at_the_one_before(client, item):
    for edition in (2, 3):
        version = amend(client, item).json()["reading"]["version"]
        answer = sign(client, item, said(f"Number {edition}."), version)
        assert answer.json()["reading"]["edition"] == edition
    chain = Reading.objects.order_by("edition").values_list("id", "amends_id")
    ids = [row[0] for row in chain]
    assert [row[1] for row in chain] == [None, *ids[:2]]
    [row] = listed(client)
    assert [one["edition"] for one in row["before"]] == [2, 1]


@pytest.mark.parametrize(
    "why",
    [
        {"reason_code": ""},
        {"reason_code": "because"},
        {"reason_code": "other", "reason_text": "  "},
    ],
)
def test_a_reason_is_needed(client, item, why):
    assert amend(client, item, **why).status_code == 400
    item.refresh_from_db()
    assert item.lease_holder is None


def test_only_its_reader_or_a_lead_who_reads_amends(department, item, colleague):
    refused = amend(client_for(colleague), item)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_yours")
    assert not listed(client_for(colleague))[0]["may_amend"]

    lead = department.person(Role.CLINICAL_LEAD)
    assert amend(client_for(lead), item).status_code == 403  # sees no pixels

    grant_membership(
        actor=SYSTEM,
        user_id=colleague.id,
        site_id=department.site.id,
        role=Role.CLINICAL_LEAD,
    )
    assert listed(client_for(colleague))[0]["may_amend"]
    assert amend(client_for(colleague), item).status_code == 200
    signed = sign(client_for(colleague), item, said("Not clear."))
    assert signed.json()["reading"]["signed_by"] == colleague.display_name


def test_one_amends_at_a_time_and_the_draft_comes_back(
    department, client, item, colleague, monkeypatch
):
    grant_membership(
        actor=SYSTEM,
        user_id=colleague.id,
        site_id=department.site.id,
        role=Role.CLINICAL_LEAD,
    )
    draft = amend(client, item).json()["reading"]["id"]
    refused = amend(client_for(colleague), item)
    assert (refused.status_code, refused.json()["code"]) == (409, "leased")
    assert listed(client)[0]["amended_by"] == department.reader.display_name
    call(client, "put", item, "reading", {"content": said("Begun.")}, 0)

    assert call(client, "delete", item, "lease").status_code == 204
    item.refresh_from_db()
    assert (item.state, item.reading.edition) == ("done", 1)
    again = amend(client, item).json()["reading"]
    assert (again["id"], again["content"]["impression"]) == (draft, "Begun.")
    # a reload of the room, which lets go of it, goes on with it
    assert call(client, "delete", item, "lease").status_code == 204
    refused = call(client_for(colleague), "post", item, "lease")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_open")
    assert call(client, "post", item, "lease").json()["reading"]["id"] == draft

    later = clock.now() + timedelta(hours=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    flow.expire_leases()
    item.refresh_from_db()
    assert (item.state, item.lease_holder, item.reading.edition) == ("done", None, 1)
    # somebody else was quicker: the old draft is signed over nothing
    assert amend(client_for(colleague), item).status_code == 200
    assert sign(client_for(colleague), item, said("Theirs.")).status_code == 200
    refused = sign(client, item, said("Mine."), 1)
    assert refused.status_code == 409


def test_an_amendment_that_changes_nothing_is_not_signed(client, item):
    amend(client, item)
    refused = sign(client, item, said())
    assert (refused.status_code, refused.json()["code"]) == (409, "unchanged")


def test_what_is_not_signed_is_not_amended(department, client):
    item = make_item(department)
    assert amend(client, item).json()["code"] == "not_signed"
    lease_item(actor=actor_for(department.reader), item_id=item.id)
    assert amend(client, item).json()["code"] == "not_signed"


def test_amending_puts_nothing_on_the_worklist(client, item):
    amend(client, item)
    page = client.get("/api/worklist").json()
    assert (page["items"], page["total"]) == ([], 0)
    assert client.post("/api/worklist/take-next", {}, "application/json").status_code
    assert WorkItem.objects.get().state == "done"


def test_after_a_commit_the_amendment_sees_the_ai_from_the_start(department, client):
    make_model(department.site)
    item = make_item(department, protocol=make_protocol(department, "after_commit"))
    give_ai(item)
    lease_item(actor=actor_for(department.reader), item_id=item.id)
    call(client, "post", item, "commit", {"content": said()}, 0)
    answers = {str(f.id): {"verdict": "accept"} for f in Finding.objects.all()}
    signed = sign(client, item, said(verdicts=answers), 1)
    assert signed.status_code == 200, signed.content
    body = amend(client, item).json()
    assert body["reading"]["state"] == "revealed"
    assert client.get(f"/api/worklist/items/{item.id}/ai").json()["visible"]
    assert sign(client, item, said("More.", answers)).status_code == 200


def test_who_must_read_unaided_is_shown_no_reading_of_others(
    department, client, item, colleague
):
    assert len(listed(client_for(colleague))) == 1
    blind = make_protocol(department, "after_commit")
    study = item.case.revision.study
    flow.place_item(actor=SYSTEM, revision=_second(study), protocol=blind)
    assert listed(client_for(colleague)) == []
    assert len(listed(client)) == 1, "one's own stays"
    grant_membership(
        actor=SYSTEM,
        user_id=colleague.id,
        site_id=department.site.id,
        role=Role.CLINICAL_LEAD,
    )
    refused = amend(client_for(colleague), item)
    assert (refused.status_code, refused.json()["code"]) == (409, "blinded")


def _second(study):
    return study.revisions.create(
        number=2, image_hash="other", n_images=1, series=[], arrived_at=clock.now()
    )


def test_a_critical_finding_is_not_raised_twice_and_ends_when_taken_back(
    department, client
):
    make_model(department.site)
    item = make_item(department)
    give_ai(item, probabilities={"36118008": 0.8})
    lease_item(actor=actor_for(department.reader), item_id=item.id)
    [finding] = Finding.objects.all()
    yes = {str(finding.id): {"verdict": "accept"}}
    no = {str(finding.id): {"verdict": "reject", "reason_code": "not_present"}}
    assert sign(client, item, said(verdicts=yes)).status_code == 200
    amend(client, item)
    assert sign(client, item, said("Words.", yes)).status_code == 200
    assert CriticalResult.objects.get().state == "open"
    amend(client, item)
    assert sign(client, item, said("Taken back.", no)).status_code == 200
    row = CriticalResult.objects.get()
    assert (row.state, row.reason_code) == ("closed", "amended")
    amend(client, item)
    assert sign(client, item, said("After all.", yes)).status_code == 200
    states = CriticalResult.objects.order_by("raised_at").values_list("state")
    assert [state for (state,) in states] == ["closed", "open"]


def test_the_amendment_leaves_as_a_report_that_names_its_predecessor(
    department, client, archive, broker
):
    archive.c_store(make_film(), called="NORTH")
    archive.settle()
    flow.take_arrivals()
    item = WorkItem.objects.get()
    lease_item(actor=actor_for(department.reader), item_id=item.id)
    assert sign(client, item, said()).status_code == 200
    amend(client, item)
    assert sign(client, item, said("Not so clear.")).status_code == 200
    item.refresh_from_db()
    row = export_reading(actor=SYSTEM, reading_id=item.reading.id)
    assert (row.state, row.problems) == ("stored", "")
    first = ExportedObject.objects.get(reading=item.reading.amends)
    document = pydicom.dcmread(io.BytesIO(archive.files[row.archive_id].content))
    assert (document.CompletionFlag, document.VerificationFlag) == (
        "COMPLETE",
        "VERIFIED",
    )
    pointed = [
        instance.ReferencedSOPInstanceUID
        for study in document.PredecessorDocumentsSequence
        for series in study.ReferencedSeriesSequence
        for instance in series.ReferencedSOPSequence
    ]
    assert pointed == [first.sop_uid]
    assert document.SeriesDescription == "Signed reading, amended"
    assert first.state == "stored"


def test_the_list_is_paged_searched_and_ones_own(department, client, colleague):
    for number in range(52):
        item = make_item(department, name=f"Page^{number:02}")
        who = colleague if number == 3 else department.reader
        lease_item(actor=actor_for(who), item_id=item.id)
        assert sign(client_for(who), item, said()).status_code == 200
    page = client.get("/api/readings").json()
    assert len(page["items"]) == 50
    rest = client.get("/api/readings", {"cursor": page["next_cursor"]}).json()
    assert rest["next_cursor"] is None
    names = [one["patient"]["name"] for one in [*page["items"], *rest["items"]]]
    assert names == sorted(names, reverse=True)
    assert len(set(names)) == 52
    assert len(listed(client, "?q=Page^03")) == 1
    assert len(listed(client, "?q=Page^03&mine=1")) == 0
    assert client.get("/api/readings?cursor=x").status_code == 400


# --- looking without reading


def test_anybody_who_reads_here_looks_at_what_is_signed(client, colleague, item):
    mine, other = client, client_for(colleague)
    for one in (mine, other):
        said_of = call(one, "post", item, "look").json()
        assert said_of["reading"]["content"]["impression"] == "Clear."
        assert said_of["reading"]["signed_at"]
        assert said_of["item"]["lease"] is None
        manifest = one.get(f"/api/studies/{said_of['item']['study']['id']}/manifest")
        assert manifest.status_code == 200, "its images may be seen"
    item.refresh_from_db()
    assert (item.state, item.lease_holder_id) == ("done", None)
    assert AuditRecord.objects.filter(event="reading:read").count() == 2


def test_while_it_is_amended_the_signed_one_is_seen(client, colleague, item):
    assert amend(client, item).status_code == 200
    call(client, "put", item, "reading", {"content": said("Changed.")}, 0)
    seen = call(client_for(colleague), "post", item, "look").json()["reading"]
    assert seen["content"]["impression"] == "Clear."
    assert seen["edition"] == 1


def test_a_draft_is_nobody_elses_to_see(department, client, colleague):
    item = make_item(department, study_uid="1.2.7", sop_uids=["1.2.7.1"])
    free = call(client_for(colleague), "post", item, "look")
    assert (free.status_code, free.json()["code"]) == (409, "open")
    lease_item(actor=actor_for(department.reader), item_id=item.id)
    call(client, "put", item, "reading", {"content": said("Not yet.")}, 0)
    seen = call(client_for(colleague), "post", item, "look")
    assert seen.status_code == 200
    assert seen.json()["reading"] is None
    assert seen.json()["item"]["lease"]["holder"]["id"] == str(department.reader.pk)
    assert "Not yet." not in seen.content.decode()

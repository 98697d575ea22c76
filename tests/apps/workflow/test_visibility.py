"""What a reader may see of the AI: the whole table, and every way to ask."""

from __future__ import annotations

import hashlib

import pytest

from apps.accounts.models import Role
from apps.accounts.types import SYSTEM
from apps.annotations.models import Reading
from apps.core import clock
from apps.inference.artefacts import write_artefact
from apps.inference.models import Artefact, Finding
from apps.reports.services import export_result
from apps.workflow.visibility import shown_findings, visible_ai
from apps.worklist.models import WorkItem
from tests.factories.domain import (
    actor_for,
    client_for,
    give_ai,
    make_department,
    make_item,
    make_model,
    make_person,
    make_protocol,
)

pytestmark = pytest.mark.django_db
MODES = ("none", "after_commit", "concurrent")
STATES = (None, "draft", "unaided", "committed", "revealed", "signed")


READERS = {Role.RESIDENT, Role.RADIOLOGIST, Role.SPECIALIST, Role.CLINICAL_LEAD}


def expected(mode: str, state: str | None, role: Role) -> bool:
    if role not in READERS:
        return False
    if mode == "after_commit":
        return state in {"revealed", "signed"}
    return mode == "concurrent"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("state", STATES)
def test_the_table(department, mode, state):
    item = make_item(department, protocol=make_protocol(department, mode))
    for role in Role:
        person = department.person(role, f"{role}-x")
        if state is not None:
            Reading.objects.create(
                revision=item.case.revision,
                protocol=item.case.protocol,
                reader=person,
                state=state,
                saved_at=clock.now(),
            )
        sight = visible_ai(actor=actor_for(person), item=item)
        assert sight.visible is expected(mode, state, role), role
        assert bool(sight.reason) is not sight.visible


@pytest.mark.parametrize("mode", MODES)
def test_another_site_and_another_readers_reading_open_nothing(department, mode):
    item = make_item(department, protocol=make_protocol(department, mode))
    stranger = make_department("south").reader
    assert not visible_ai(actor=actor_for(stranger), item=item).visible
    colleague = make_person(site=department.site, role=Role.RADIOLOGIST, name="other")
    Reading.objects.create(
        revision=item.case.revision,
        protocol=item.case.protocol,
        reader=colleague,
        state="signed",
        saved_at=clock.now(),
    )
    sight = visible_ai(actor=actor_for(department.reader), item=item)
    assert sight.visible is (mode == "concurrent")


# --- every way to ask


@pytest.fixture
def blinded(department, settings, tmp_path):
    """A positive, critical finding with a picture, under a blinding protocol."""
    settings.ARTEFACTS_DIR = tmp_path
    make_model(department.site)
    item = make_item(department, protocol=make_protocol(department, "after_commit"))
    run = give_ai(item, probabilities={"36118008": 0.98765})
    write_artefact(sha256=HASH, body=b"grey")
    picture = Artefact.objects.create(sha256=HASH, media_type="image/png", size=4)
    Finding.objects.filter(run=run).update(saliency=picture)
    return item, picture


HASH = hashlib.sha256(b"grey").hexdigest()
TELLTALES = ("Pneumothorax", "36118008", "0.98765", "critical", "paediatric-pneumonia")


def says_nothing(answer) -> None:
    text = answer.content.decode()
    assert not [word for word in TELLTALES if word in text], text


def test_no_answer_says_anything_of_a_hidden_result(department, blinded):
    item, picture = blinded
    client = client_for(department.reader)
    twin = make_item(department, protocol=item.case.protocol, age_s=10)
    path = f"/api/worklist/items/{item.id}"
    for query in ("", "?state=open", "?band=ROUTINE"):
        says_nothing(client.get(f"/api/worklist{query}"))
    says_nothing(client.get(path))
    why = client.get(f"{path}/why")
    says_nothing(why)
    assert why.json()["probability_source"] == "base_rate"
    assert why.json()["without_ai"]["rank"] == why.json()["rank"]
    ai = client.get(f"{path}/ai")
    says_nothing(ai)
    assert (ai.json()["visible"], ai.json()["runs"]) == (False, [])
    assert ai.json()["state"] == "blinded"
    assert client.get(f"{path}/artefacts/{picture.id}").status_code == 404
    leased = client.post(f"{path}/lease")
    says_nothing(leased)
    says_nothing(client.get(f"{path}/reading"))
    says_nothing(client.post(f"/api/studies/{item.case.revision.study_id}/open"))
    # Nor does the order: an older study without any AI stays before it.
    page = client.get("/api/worklist").json()
    assert [row["id"] for row in page["items"]] == [str(twin.id), str(item.id)]
    assert page["bands"]["STAT"]["n"] == 0


@pytest.mark.parametrize(
    "query",
    ["ai=done", "ai=pending", "q=pneumothorax", "band=STAT", "q=0.98765", "ai=failed"],
)
def test_no_filter_finds_a_hidden_result(department, blinded, query):
    page = client_for(department.reader).get(f"/api/worklist?{query}").json()
    assert page["items"] == []
    assert page["total"] == 0


def test_a_verdict_on_a_hidden_finding_is_refused(department, blinded):
    item, _ = blinded
    client = client_for(department.reader)
    client.post(f"/api/worklist/items/{item.id}/lease")
    finding = Finding.objects.get()
    answer = client.post(
        f"/api/worklist/items/{item.id}/sign",
        {"content": {"verdicts": {str(finding.id): {"verdict": "accept"}}}},
        content_type="application/json",
        headers={"If-Match": '"0"'},
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "not_committed")
    says_nothing(answer)
    assert shown_findings(actor=actor_for(department.reader), item=item) == {}


def test_once_revealed_all_of_it_is_there(department, blinded):
    item, picture = blinded
    client = client_for(department.reader)
    client.post(f"/api/worklist/items/{item.id}/lease")
    Reading.objects.update(state="revealed")
    ai = client.get(f"/api/worklist/items/{item.id}/ai").json()
    [run] = ai["runs"]
    [finding] = run["findings"]
    assert ai["requires_review"] is True
    assert finding["label"]["display"] == "Pneumothorax"
    path = f"/api/worklist/items/{item.id}/artefacts/"
    assert client.get(f"{path}{picture.id}").content == b"grey"
    assert client.get(f"/api/worklist/items/{item.id}").json()["ai"]["state"] == "done"


def test_a_picture_is_bound_to_its_study(department, blinded):
    _, picture = blinded
    Reading.objects.all().delete()
    other = make_item(department)
    client = client_for(department.reader)
    path = f"/api/worklist/items/{other.id}/artefacts/{picture.id}"
    assert client.get(path).status_code == 404


def test_a_shadow_model_never_shows_ranks_or_leaves(department):
    make_model(department.site, kind="shadow")
    item = make_item(department)
    before = (item.band, item.due_at)
    run = give_ai(item, probabilities={"36118008": 0.98765})
    item = WorkItem.objects.get(id=item.id)
    assert (item.band, item.due_at) == before
    assert item.ai_label == ""
    ai = client_for(department.reader).get(f"/api/worklist/items/{item.id}/ai").json()
    assert ai["runs"] == []
    assert export_result(actor=SYSTEM, run_id=run.id) is None

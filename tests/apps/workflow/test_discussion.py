"""What people write about a study: who sees it, who may be called, who is told."""

from __future__ import annotations

from uuid import uuid4

import pytest

from apps.accounts.models import Role, User
from apps.annotations.models import Reading
from apps.audit.models import AuditRecord
from apps.notifications.models import Notification
from apps.workflow.discussion.mentions import called_in
from apps.worklist.models import WorkItem
from apps.worklist.services import lease_item
from tests.factories.domain import (
    actor_for,
    client_for,
    make_department,
    make_item,
    make_person,
    make_protocol,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def other(department):
    return make_person(site=department.site, role=Role.RADIOLOGIST, name="other")


@pytest.fixture
def lead(department):
    return department.person(Role.CLINICAL_LEAD)


def address(item):
    return f"/api/worklist/items/{item.id}/discussion"


def read(person, item, status=200):
    answer = client_for(person).get(address(item))
    assert answer.status_code == status, answer.content
    return answer.json()


def write(person, item, text, status=201):
    answer = client_for(person).post(
        address(item), {"text": text}, content_type="application/json"
    )
    assert answer.status_code == status, answer.content
    return answer.json()


def said(person, item):
    return [one["text"] for one in read(person, item)["items"]]


def callable_(person, item):
    return {one["username"] for one in read(person, item)["people"]}


def notices(person):
    return client_for(person).get("/api/notifications").json()


def test_names_after_an_at_are_calls_and_addresses_are_not():
    assert called_in("@Rosa, and @jo.smith. See a@b.example, 5 @ 3 mm, @2") == [
        "rosa",
        "jo.smith",
    ]
    assert called_in("(@rosa) @rosa") == ["rosa"]


def test_what_is_said_is_kept_and_on_record(department, other, lead):
    item = make_item(department, name="Zwei^Albert")
    write(department.reader, item, "  Is there a prior?  ")
    write(lead, item, "Not here.")
    body = read(other, item)
    assert [one["text"] for one in body["items"]] == ["Is there a prior?", "Not here."]
    assert [one["mine"] for one in body["items"]] == [False, False]
    assert body["hidden_reason"] == ""
    assert body["about"]["patient"] == "Zwei^Albert"
    study = item.case.revision.study
    for event, n in (("discussion:write", 2), ("discussion:read", 1)):
        rows = AuditRecord.objects.filter(event=event)
        assert rows.count() == n
        for row in rows:
            assert (row.patients, row.studies) == ([study.patient_id], [study.id])
            assert "prior" not in str(row.detail)
    write(other, item, "   ", 400)
    write(other, item, "x" * 2001, 400)


def test_it_stays_when_the_study_is_signed(department, other):
    item = make_item(department)
    write(department.reader, item, "Look at the apex.")
    WorkItem.objects.filter(id=item.id).update(state="done")
    assert said(other, item) == ["Look at the apex."]


def test_a_call_tells_that_person_alone(department, other, lead):
    item = make_item(department, name="Zwei^Albert")
    answer = write(department.reader, item, f"@{other.username} what do you think?")
    assert [one["id"] for one in answer["mentioned"]] == [str(other.pk)]
    [told] = notices(other)["items"]
    assert (told["kind"], told["title"]) == ("mention", "You were mentioned")
    assert told["item_id"] == str(item.id)
    assert told["about"]["patient"] == "Zwei^Albert"
    assert notices(lead)["items"] == notices(department.reader)["items"] == []
    write(department.reader, item, f"@{other.username} anybody there?")
    assert notices(other)["unread"] == 2, "each call is one"


@pytest.mark.parametrize("whom", ["far", "annotator", "closed", "nobody", "oneself"])
def test_who_may_not_see_it_cannot_be_called(department, other, whom):
    item = make_item(department)
    person = {
        "far": lambda: make_department("south").reader,
        "annotator": lambda: department.person(Role.ANNOTATOR),
        "closed": lambda: other,
        "nobody": lambda: User(username="nobody-here"),
        "oneself": lambda: department.reader,
    }[whom]()
    if whom == "closed":
        User.objects.filter(pk=other.pk).update(is_active=False)
    body = write(department.reader, item, f"@{person.username} look", 400)
    assert f"@{person.username.lower()}: nobody of this name" in body["detail"]
    assert said(department.reader, item) == [], "nothing is kept"
    assert not Notification.objects.exists()
    assert person.username not in callable_(department.reader, item)


def test_other_sites_know_nothing_of_it(department):
    item = make_item(department)
    write(department.reader, item, "Ours.")
    stranger = make_department("south").reader
    read(stranger, item, 404)
    write(stranger, item, "Mine.", 404)


# --- blind reading: nothing of the AI, nothing of a colleague's reading


def commit(person, item, state="revealed"):
    """Let a person have taken the item and gone so far with it."""
    lease_item(actor=actor_for(person), item_id=item.id)
    Reading.objects.filter(revision=item.case.revision, reader_id=person.pk).update(
        state=state
    )


def test_before_the_commit_only_ones_own_words_show(department, other, lead):
    item = make_item(department, protocol=make_protocol(department, "after_commit"))
    commit(department.reader, item, "unaided")
    write(lead, item, "AI says pneumothorax, and so do I.")
    write(department.reader, item, "A note of mine.")
    body = read(department.reader, item)
    assert [one["text"] for one in body["items"]] == ["A note of mine."]
    assert "pneumothorax" not in str(body)
    empty = make_item(department, protocol=item.case.protocol)
    assert read(department.reader, empty)["hidden_reason"] == body["hidden_reason"], (
        "whether others wrote is not told"
    )
    commit(department.reader, item)
    assert len(said(department.reader, item)) == 2
    assert said(other, item) == [], "a colleague's commit opens nothing for me"


def test_before_the_commit_nobody_blind_can_be_called(department, other, lead):
    item = make_item(department, protocol=make_protocol(department, "after_commit"))
    commit(department.reader, item)
    assert callable_(department.reader, item) == set()
    for person in (other, lead):
        write(department.reader, item, f"@{person.username} a mass", 400)
    assert notices(other)["items"] == []
    WorkItem.objects.filter(id=item.id).update(state="done")
    assert callable_(department.reader, item) == {other.username, lead.username}
    write(department.reader, item, f"@{other.username} a mass")
    assert notices(other)["unread"] == 1


def test_a_read_without_ai_keeps_everybody_apart_until_it_is_done(department, other):
    item = make_item(department, protocol=make_protocol(department, "none"))
    write(other, item, "Effusion, I think.")
    assert said(department.reader, item) == []
    assert callable_(department.reader, item) == set()
    WorkItem.objects.filter(id=item.id).update(state="done")
    assert said(department.reader, item) == ["Effusion, I think."]


def test_while_a_second_read_is_to_be_done_a_colleagues_words_are_hidden(
    department, other
):
    item = make_item(department)
    again = WorkItem.objects.get(id=item.id)
    again.pk, again.slot = uuid4(), 2
    again.save(force_insert=True)
    WorkItem.objects.filter(id=item.id).update(state="done")
    write(other, item, "I called it normal.")
    for one in (item, again):
        assert said(department.reader, one) == []
        assert callable_(department.reader, one) == set()
    write(other, item, f"@{department.reader.username} normal?", 400)
    assert notices(department.reader)["items"] == []
    WorkItem.objects.filter(id=again.id).update(state="done")
    assert said(department.reader, again) == ["I called it normal."]

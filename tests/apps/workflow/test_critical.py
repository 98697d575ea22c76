"""Critical results: raised by signing, reminded of, closed by a person, on record."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.accounts.models import Role
from apps.audit.models import AuditRecord
from apps.core import clock
from apps.core.models import Change
from apps.core.steps import Step
from apps.inference.models import Finding
from apps.reports.models import CriticalResult
from apps.worklist.services import lease_item
from tests.factories.domain import (
    actor_for,
    client_for,
    give_ai,
    make_department,
    make_item,
    make_model,
    make_protocol,
    run_task,
)

pytestmark = pytest.mark.django_db

PNEUMOTHORAX = {"scheme": "SCT", "code": "36118008", "display": "Pneumothorax"}


@pytest.fixture
def lead(department):
    return client_for(department.person(Role.CLINICAL_LEAD))


@pytest.fixture
def client(department):
    return client_for(department.reader)


def phoned(**changes):
    return {
        "told_to": "Dr. Ward",
        "told_role": "Ward doctor",
        "how": "phone",
        "told_at": clock.now().isoformat(),
        "read_back": True,
        **changes,
    }


def leased(department, probabilities, **header):
    make_model(department.site)
    item = make_item(department, **header)
    give_ai(item, probabilities=probabilities)
    lease_item(actor=actor_for(department.reader), item_id=item.id)
    return item


def verdicts(**kinds):
    """Answers by label: accept, reject or modify."""
    found = {}
    for finding in Finding.objects.all():
        kind = kinds.get(finding.label_display.lower())
        if kind:
            found[str(finding.id)] = {
                "verdict": kind,
                "reason_code": "not_present" if kind == "reject" else "",
                "reason_text": "",
                "label": PNEUMOTHORAX if kind == "modify" else None,
                "geometry": None,
            }
    return found


def mark(item, label):
    sop_uid = item.case.revision.instances.get().sop_uid
    return {
        "id": "mark-1",
        "tracking_uid": "1.2.3",
        "label": label,
        "geometry": {
            "kind": "box",
            "space": "image",
            "sop_uid": sop_uid,
            "frame": 1,
            "frame_of_reference_uid": None,
            "points": [[1, 1], [5, 5]],
        },
        "text": "",
        "missed_by_ai": True,
    }


def sign(client, item, *, answers=None, annotations=(), told=None):
    body = {
        "content": {
            "verdicts": answers or {},
            "annotations": list(annotations),
            "impression": "See findings.",
        }
    }
    if told is not None:
        body["told"] = told
    return client.post(
        f"/api/worklist/items/{item.id}/sign",
        body,
        content_type="application/json",
        headers={"If-Match": '"0"'},
    )


BOTH = {"233604007": 0.9, "36118008": 0.8}


def test_an_accepted_critical_finding_waits_until_somebody_was_told(
    department, client, lead
):
    item = leased(department, BOTH)
    answer = sign(
        client, item, answers=verdicts(pneumonia="accept", pneumothorax="accept")
    )
    assert answer.status_code == 200, answer.content
    [row] = CriticalResult.objects.all()
    assert (row.label_code, row.state, row.source) == ("36118008", "open", "finding")

    for person in (client, lead):
        body = person.get("/api/critical-results?state=open").json()
        assert [one["id"] for one in body["items"]] == [str(row.id)]
        assert body["total"] == 1
    mine = client.get("/api/critical-results").json()["items"][0]
    assert mine["mine"]
    assert mine["told"] is None

    closed = client.post(
        f"/api/critical-results/{row.id}/close",
        phoned(read_back=False),
        content_type="application/json",
    )
    assert closed.status_code == 200, closed.content
    told = closed.json()["told"]
    assert told["told_to"] == "Dr. Ward"
    assert told["how"] == "By telephone"
    assert told["read_back"] is False
    assert told["closed_by"]["display_name"] == department.reader.display_name
    assert lead.get("/api/critical-results?state=open").json()["items"] == []
    events = list(AuditRecord.objects.values_list("event", flat=True))
    assert events.count("critical:raise") == events.count("critical:close") == 1
    assert "Ward" not in str(
        list(AuditRecord.objects.filter(event="critical:close").values())
    )

    again = lead.post(
        f"/api/critical-results/{row.id}/close",
        {"reason_code": "already_known"},
        content_type="application/json",
    )
    assert again.status_code == 409
    assert again.json()["code"] == "closed"


def test_what_was_told_before_signing_goes_with_the_signature(department, client):
    item = leased(department, BOTH)
    answers = verdicts(pneumonia="reject", pneumothorax="accept")
    [source] = [k for k, v in answers.items() if v["verdict"] == "accept"]
    answer = sign(client, item, answers=answers, told={source: phoned()})
    assert answer.status_code == 200, answer.content
    [row] = CriticalResult.objects.all()
    assert (row.state, row.told_to, row.read_back) == ("closed", "Dr. Ward", True)


@pytest.mark.parametrize(
    ("told", "field"),
    [
        ({"told_to": " "}, "told_to"),
        ({"how": "pigeon"}, "how"),
        ({"read_back": None}, "read_back"),
        ({"told_at": "yesterday"}, "told_at"),
        ({"told_at": "2999-01-01T00:00:00Z"}, "told_at"),
        ({"told_at": "2026-02-31T00:00:00Z"}, "told_at"),
        ({"reason_code": "other", "reason_text": ""}, "reason_text"),
        ({"reason_code": "amended"}, "reason_code"),
    ],
)
def test_half_an_answer_closes_nothing_and_signs_nothing(
    department, client, told, field
):
    item = leased(department, BOTH)
    answers = verdicts(pneumonia="reject", pneumothorax="accept")
    source = next(k for k, v in answers.items() if v["verdict"] == "accept")
    answer = sign(client, item, answers=answers, told={source: phoned(**told)})
    assert answer.status_code == 400, answer.content
    assert answer.json()["field"] == field
    assert not CriticalResult.objects.exists()
    item.refresh_from_db()
    assert item.state == "leased"
    assert sign(client, item, answers=answers, told={"x": phoned()}).status_code == 400


@pytest.mark.parametrize(
    ("probability", "verdict", "critical"),
    [
        (0.8, "reject", False),
        (0.1, "accept", False),
        (0.1, "reject", True),
        (0.1, "modify", True),
    ],
)
def test_what_the_reader_says_counts_and_not_what_the_model_says(
    department, client, probability, verdict, critical
):
    item = leased(department, {"36118008": probability})
    answer = sign(client, item, answers=verdicts(pneumothorax=verdict))
    assert answer.status_code == 200, answer.content
    assert CriticalResult.objects.exists() is critical


def test_a_mark_of_the_readers_own_is_critical_by_its_label(department, client):
    item = leased(department, {"233604007": 0.1, "36118008": 0.1})
    assert client.get(f"/api/worklist/items/{item.id}/critical-results").json()[
        "codes"
    ] == ["36118008"]
    other = {"scheme": "SCT", "code": "233604007", "display": "Pneumonia"}
    second = mark(item, other) | {"id": "mark-2"}
    answer = sign(client, item, annotations=[mark(item, PNEUMOTHORAX), second])
    assert answer.status_code == 200, answer.content
    [row] = CriticalResult.objects.all()
    assert (row.source, row.source_id) == ("annotation", "mark-1")


def test_one_label_at_several_places_is_one_result(department, client):
    item = leased(department, BOTH)
    answers = verdicts(pneumonia="reject", pneumothorax="accept")
    answer = sign(
        client,
        item,
        answers=answers,
        annotations=[mark(item, PNEUMOTHORAX)],
        told={"mark-1": phoned()},
    )
    assert answer.status_code == 200, answer.content
    [row] = CriticalResult.objects.all()
    assert (row.source, row.n_places) == ("finding", 2)
    assert (row.state, row.told_to) == ("closed", "Dr. Ward"), "told of one is of all"
    [shown] = client.get("/api/critical-results").json()["items"]
    assert shown["n_places"] == 2
    assert AuditRecord.objects.filter(event="critical:raise").count() == 1


def test_an_open_result_is_reminded_of_until_it_is_closed(
    department, client, settings, broker
):
    settings.CRITICAL_REMIND_S = 600
    item = leased(department, {"36118008": 0.9})
    began = clock.now()
    with clock.standing_at(began):
        sign(client, item, answers=verdicts(pneumothorax="accept"))
    row = CriticalResult.objects.get()
    run_task(Step.REMIND_CRITICAL, {})
    row.refresh_from_db()
    assert row.reminders == 0
    for n in (1, 2):
        with clock.standing_at(began + timedelta(seconds=601 * n)):
            run_task(Step.REMIND_CRITICAL, {})
            run_task(Step.REMIND_CRITICAL, {})
        row.refresh_from_db()
        assert row.reminders == n
    assert Change.objects.filter(kind="critical", object_id=row.id).count() == 2
    assert AuditRecord.objects.filter(event="critical:remind").count() == 2
    client.post(
        f"/api/critical-results/{row.id}/close",
        {"reason_code": "other", "reason_text": "Told by the fellow."},
        content_type="application/json",
    )
    with clock.standing_at(began + timedelta(hours=9)):
        run_task(Step.REMIND_CRITICAL, {})
    row.refresh_from_db()
    assert (row.reminders, row.state) == (2, "closed")


def test_who_must_read_without_knowing_is_not_told(department, client):
    item = leased(department, {"36118008": 0.9})
    sign(client, item, answers=verdicts(pneumothorax="accept"))
    blind = make_protocol(department, "after_commit")
    again = make_item(department, protocol=blind)
    again.case.revision = item.case.revision
    again.case.save()
    second = client_for(department.person(Role.RADIOLOGIST, "second"))
    lead = client_for(department.person(Role.CLINICAL_LEAD))
    assert second.get("/api/critical-results").json()["items"] == []
    assert len(client.get("/api/critical-results").json()["items"]) == 1
    assert len(lead.get("/api/critical-results").json()["items"]) == 1


def test_another_site_sees_nothing_of_it(department, client):
    item = leased(department, {"36118008": 0.9})
    sign(client, item, answers=verdicts(pneumothorax="accept"))
    row = CriticalResult.objects.get()
    stranger = client_for(make_department("south").reader)
    assert stranger.get("/api/critical-results").json()["items"] == []
    answer = stranger.post(
        f"/api/critical-results/{row.id}/close",
        {"reason_code": "already_known"},
        content_type="application/json",
    )
    assert answer.status_code == 404

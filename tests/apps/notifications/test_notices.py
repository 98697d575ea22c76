"""Who is told of what, by which way, and that no patient is named outside."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer  # noqa: TID251  as a socket would

from apps.accounts.models import Membership, Role, User
from apps.audit.models import AuditRecord
from apps.core import clock
from apps.core.realtime import person_group
from apps.core.steps import Step
from apps.inference.models import Finding
from apps.notifications.models import Delivery, Notification, Webhook
from apps.notifications.sending import MAX_ATTEMPTS, pause_after, signed_headers
from apps.notifications.services import notify
from apps.notifications.types import CHOICES, Kind
from apps.worklist.services import lease_item
from tests.factories.domain import (
    actor_for,
    client_for,
    give_ai,
    make_department,
    make_item,
    make_model,
    make_person,
    run_task,
)
from tests.fakes.outside import mail_server, web_server

pytestmark = pytest.mark.django_db
ROOT = "/api/notifications"
NAME = "Zweistein^Albertine"
PATIENT_ID = "PID-77123"


@pytest.fixture
def client(department):
    return client_for(department.reader)


@pytest.fixture
def second(department):
    return make_person(site=department.site, role=Role.RADIOLOGIST, name="second")


def put(client, tail, body):
    return client.put(f"{ROOT}/{tail}", body, content_type="application/json")


def post(client, tail, body):
    return client.post(f"{ROOT}/{tail}", body, content_type="application/json")


def make_stat(client, item):
    answer = client.post(
        f"/api/worklist/items/{item.id}/band",
        {"band": "STAT", "reason_code": "clinical_info", "reason_text": ""},
        content_type="application/json",
    )
    assert answer.status_code == 200, answer.content


def listed(person, query=""):
    return client_for(person).get(f"{ROOT}{query}").json()


def named(department, **header):
    return make_item(department, name=NAME, patient_id=PATIENT_ID, **header)


def run_deliveries(broker):
    for name, kwargs in broker.take("portal"):
        if name == Step.DELIVER_NOTIFICATION:
            run_task(name, kwargs)


# --- in the app


def test_readers_are_told_of_a_new_stat_but_not_who_made_it_so(
    department, client, second
):
    admin = department.person(Role.ADMIN)
    item = named(department)
    make_stat(client, item)
    assert listed(department.reader)["items"] == []
    body = listed(second)
    assert body["unread"] == 1
    [told] = body["items"]
    assert (told["kind"], told["title"]) == ("stat", "New STAT study")
    assert told["item_id"] == str(item.id)
    assert told["about"]["patient"] == NAME
    assert listed(admin)["items"] == []
    make_stat(client, item)
    assert listed(second)["unread"] == 1, "it was STAT already"


def test_a_stat_of_the_ai_tells_all_readers(department, second):
    make_model(
        department.site,
        labels=[
            {
                "code": "36118008",
                "scheme": "SCT",
                "display": "Pneumothorax",
                "threshold": 0.5,
                "acuity": "critical",
            }
        ],
    )
    item = make_item(department)
    give_ai(item, probabilities={"36118008": 0.99})
    assert item.band == "STAT"
    for person in (department.reader, second):
        [told] = listed(person)["items"]
        assert (told["kind"], told["item_id"]) == ("stat", str(item.id))


def test_other_sites_are_told_nothing(department, client):
    stranger = make_department("south").reader
    make_stat(client, named(department))
    assert listed(stranger)["items"] == []


def test_reading_and_being_told_again(department, client, second):
    item = named(department)
    for _ in range(2):
        notify(
            kind=Kind.STAT,
            people=[second.id],
            site_id=department.site.id,
            object_id=item.id,
            item_id=item.id,
        )
    body = listed(second)
    assert (body["unread"], len(body["items"])) == (1, 1)
    mine = client_for(second)
    ids = [body["items"][0]["id"]]
    assert post(client, "read", {"ids": ids}).json() == {"unread": 0}
    assert listed(second)["unread"] == 1, "nobody reads for another"
    assert post(mine, "read", {"ids": ids}).json() == {"unread": 0}
    assert listed(second, "?unread=1")["items"] == []
    assert listed(second)["items"][0]["read_at"] is not None
    notify(
        kind=Kind.STAT,
        people=[second.id],
        site_id=department.site.id,
        object_id=item.id,
    )
    assert listed(second)["unread"] == 1
    assert post(mine, "read", {"ids": None}).json() == {"unread": 0}


def test_the_list_is_on_record_with_its_patients(department, client, second):
    item = named(department)
    make_stat(client, item)
    listed(second)
    [entry] = AuditRecord.objects.filter(event="notification:list")
    assert entry.patients == [item.case.revision.study.patient_id]


def test_the_list_goes_on_by_cursor(department, second):
    for number in range(53):
        with clock.standing_at(clock.now() + timedelta(seconds=number)):
            item = make_item(department)
            notify(
                kind=Kind.STAT,
                people=[second.id],
                site_id=department.site.id,
                object_id=item.id,
            )
    first = listed(second)
    rest = listed(second, f"?cursor={first['next_cursor']}")
    ids = [one["id"] for one in [*first["items"], *rest["items"]]]
    assert (len(first["items"]), len(set(ids)), rest["next_cursor"]) == (50, 53, None)
    assert client_for(second).get(f"{ROOT}?cursor=x").status_code == 400


def test_a_critical_result_reminds_its_reader_until_it_is_told(department, client):
    make_model(department.site)
    item = named(department)
    give_ai(item, probabilities={"36118008": 0.9})
    Notification.objects.all().delete()
    lease_item(actor=actor_for(department.reader), item_id=item.id)
    [finding] = Finding.objects.all()
    answer = client.post(
        f"/api/worklist/items/{item.id}/sign",
        {"content": {"verdicts": {str(finding.id): {"verdict": "accept"}}}},
        content_type="application/json",
        headers={"If-Match": '"0"'},
    )
    assert answer.status_code == 200, answer.content
    for n in (1, 2):
        with clock.standing_at(clock.now() + timedelta(hours=n)):
            run_task(Step.REMIND_CRITICAL, {})
    [told] = listed(department.reader)["items"]
    assert (told["kind"], told["about"]["patient"]) == ("critical", NAME)
    row_id = Notification.objects.get().object_id
    client.post(
        f"/api/critical-results/{row_id}/close",
        {"reason_code": "already_known"},
        content_type="application/json",
    )
    assert listed(department.reader)["unread"] == 0


# --- choices


def test_everybody_chooses_kinds_and_channels(department, client, second):
    mine = client_for(second)
    kinds = mine.get(f"{ROOT}/settings").json()["kinds"]
    names = [one["kind"] for one in kinds]
    assert names == ["stat", "assigned", "mention", "critical", "flood", "sent_back"]
    assert kinds[0]["channels"] == {"app": True, "email": False, "webhook": False}
    changed = put(mine, "settings", {"choices": {"stat": {"app": False}}}).json()
    assert changed["kinds"][0]["channels"]["app"] is False
    assert changed["kinds"][1]["channels"]["app"] is True
    make_stat(client, named(department))
    assert listed(second) == {"items": [], "unread": 0, "next_cursor": None}
    assert AuditRecord.objects.filter(event="notification:choose").count() == 1


@pytest.mark.parametrize(
    "choices", [{"nonsense": {"app": True}}, {"stat": {"pigeon": True}}, {"stat": 1}]
)
def test_a_strange_choice_is_refused(client, choices):
    assert put(client, "settings", {"choices": choices}).status_code == 400


# --- outside: real servers on the loopback


@pytest.fixture
def post_office(settings):
    with mail_server() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        settings.EMAIL_USE_TLS = False
        settings.EMAIL_IS_ON = True
        yield server


@pytest.fixture
def receiver(settings):
    settings.WEBHOOK_ALLOW = ["127.0.0.0/8"]
    with web_server() as server:
        yield server


def wants(person, channel):
    answer = put(client_for(person), "settings", {"choices": {"stat": {channel: True}}})
    assert answer.status_code == 200


def hook(person, receiver, path="/hook?a=1"):
    url = f"http://127.0.0.1:{receiver.port}{path}"
    answer = put(client_for(person), "webhook", {"url": url})
    assert answer.status_code == 200, answer.content
    return answer.json()["secret"]


@pytest.fixture
def on_commit(django_capture_on_commit_callbacks):
    def run(step):
        with django_capture_on_commit_callbacks(execute=True):
            step()

    return run


def secrets_of(item):
    study = item.case.revision.study
    return {
        NAME,
        "Zweistein",
        PATIENT_ID,
        study.study_uid,
        study.accession_number,
        study.description,
        str(item.id),
        str(study.id),
        str(study.patient_id),
    }


def test_an_email_comes_and_names_no_patient(
    department, client, second, broker, post_office, on_commit
):
    User.objects.filter(id=second.id).update(email="second@north.example")
    wants(second, "email")
    item = named(department)
    on_commit(lambda: make_stat(client, item))
    run_deliveries(broker)
    [(sender, people, mail)] = post_office.mails
    assert "overread@localhost" in sender
    assert people == ["<second@north.example>"]
    assert "Subject: Overread: New STAT study" in mail
    assert f"A study at {department.site.name} is STAT now." in mail
    assert "/notifications" in mail
    for secret in secrets_of(item):
        assert secret not in mail
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.attempts) == ("sent", 1)
    [entry] = AuditRecord.objects.filter(event="notification:send")
    assert (entry.detail["channel"], entry.detail["state"]) == ("email", "sent")
    run_task(Step.DELIVER_NOTIFICATION, {"delivery_id": str(delivery.id)})
    assert len(post_office.mails) == 1, "once is once"


def test_task_arguments_carry_ids_only(
    department, client, second, broker, post_office, on_commit
):
    wants(second, "email")
    item = named(department)
    on_commit(lambda: make_stat(client, item))
    sent = [kw for name, kw in broker.on("portal") if name == Step.DELIVER_NOTIFICATION]
    assert sent == [{"delivery_id": str(Delivery.objects.get().id)}]


def test_a_post_is_signed_and_names_no_patient(
    department, client, second, broker, receiver, on_commit
):
    wants(second, "webhook")
    secret = hook(second, receiver)
    item = named(department)
    on_commit(lambda: make_stat(client, item))
    run_deliveries(broker)
    [(path, headers, body)] = receiver.posts
    assert path == "/hook?a=1"
    assert headers["Host"] == f"127.0.0.1:{receiver.port}"
    stamp = headers["X-Overread-Timestamp"]
    wanted = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256)
    assert headers["X-Overread-Signature"] == f"sha256={wanted.hexdigest()}"
    said = json.loads(body)
    assert (said["kind"], said["title"]) == ("stat", "New STAT study")
    whole = body.decode() + json.dumps(headers)
    for one in secrets_of(item):
        assert one not in whole
    assert secret not in whole
    assert secret not in str(Webhook.objects.values())


def test_a_new_address_has_a_new_secret(second, receiver):
    assert hook(second, receiver) != hook(second, receiver)
    assert Webhook.objects.count() == 1


def test_what_fails_is_tried_again_ever_more_slowly_and_then_given_up(
    department, client, second, broker, receiver, on_commit
):
    wants(second, "webhook")
    hook(second, receiver)
    receiver.status = 503
    on_commit(lambda: make_stat(client, named(department)))
    run_deliveries(broker)
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.attempts) == ("pending", 1)
    assert "503" in delivery.problem
    shown = client_for(second).get(f"{ROOT}/settings").json()["webhook"]
    assert "503" in shown["problem"]
    assert shown["failed_since"] is not None
    before = len(receiver.posts)
    run_task(Step.DELIVER_NOTIFICATION, {"delivery_id": str(delivery.id)})
    assert len(receiver.posts) == before, "not before its time"

    at = clock.now()
    for _ in range(MAX_ATTEMPTS):
        at += timedelta(hours=2)
        with clock.standing_at(at):
            on_commit(lambda: run_task(Step.DELIVER_DUE, {}))
            run_deliveries(broker)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == ("failed", MAX_ATTEMPTS)
    assert len(receiver.posts) == MAX_ATTEMPTS
    assert [pause_after(n).total_seconds() for n in (1, 2, 3, 20)] == [10, 20, 40, 3600]
    receiver.status = 200


def test_a_server_that_comes_back_gets_what_waited(
    department, client, second, broker, receiver, on_commit
):
    wants(second, "webhook")
    hook(second, receiver)
    receiver.status = 500
    on_commit(lambda: make_stat(client, named(department)))
    run_deliveries(broker)
    receiver.status = 204
    with clock.standing_at(clock.now() + timedelta(minutes=1)):
        on_commit(lambda: run_task(Step.DELIVER_DUE, {}))
        run_deliveries(broker)
    assert Delivery.objects.get().state == "sent"
    shown = client_for(second).get(f"{ROOT}/settings").json()["webhook"]
    assert (shown["problem"], shown["failed_since"]) == ("", None)


def test_a_mail_server_that_is_away_loses_nothing(
    department, client, second, broker, post_office, on_commit, settings
):
    User.objects.filter(id=second.id).update(email="second@north.example")
    wants(second, "email")
    settings.EMAIL_PORT = 1
    on_commit(lambda: make_stat(client, named(department)))
    run_deliveries(broker)
    assert Delivery.objects.get().state == "pending"
    settings.EMAIL_PORT = post_office.port
    with clock.standing_at(clock.now() + timedelta(minutes=1)):
        on_commit(lambda: run_task(Step.DELIVER_DUE, {}))
        run_deliveries(broker)
    assert len(post_office.mails) == 1


def test_what_cannot_arrive_is_not_tried_again(
    department, client, second, broker, post_office, receiver, on_commit
):
    wants(second, "email")
    wants(second, "webhook")
    hook(second, receiver)
    receiver.status = 410
    on_commit(lambda: make_stat(client, named(department)))
    run_deliveries(broker)  # the account has no address
    states = dict(Delivery.objects.values_list("channel", "state"))
    assert states == {"email": "failed", "webhook": "failed"}
    assert Delivery.objects.filter(attempts=1).count() == 2


def test_a_closed_account_is_sent_nothing(
    department, client, second, broker, post_office, on_commit
):
    User.objects.filter(id=second.id).update(email="second@north.example")
    wants(second, "email")
    on_commit(lambda: make_stat(client, named(department)))
    User.objects.filter(id=second.id).update(is_active=False)
    run_deliveries(broker)
    assert Delivery.objects.get().state == "dropped"
    assert post_office.mails == []


def test_a_test_message_comes(second, broker, receiver, on_commit):
    mine = client_for(second)
    assert post(mine, "test", {"channel": "webhook"}).status_code == 400
    assert post(mine, "test", {"channel": "email"}).status_code == 400
    hook(second, receiver)
    on_commit(lambda: post(mine, "test", {"channel": "webhook"}))
    run_deliveries(broker)
    assert json.loads(receiver.posts[0][2])["kind"] == "test"
    assert listed(second)["items"] == [], "the app needs none"


def test_the_signature_changes_with_time_and_body():
    at = clock.now()
    one = signed_headers(secret="s", at=at, body=b"x")
    assert one == signed_headers(secret="s", at=at, body=b"x")
    assert one != signed_headers(secret="s", at=at, body=b"y")
    assert one != signed_headers(secret="t", at=at, body=b"x")
    later = at + timedelta(seconds=1)
    assert one != signed_headers(secret="s", at=later, body=b"x")


def test_who_is_assigned_studies_is_told_once(department, second):
    lead = client_for(department.person(Role.CLINICAL_LEAD))
    items = [named(department), make_item(department)]

    def assign(some):
        return lead.post(
            "/api/worklist/assignments",
            {"items": [str(one.id) for one in some], "to": str(second.id)},
            content_type="application/json",
        )

    assert assign(items).status_code == 200
    [told] = listed(second)["items"]
    assert (told["kind"], told["n"], told["item_id"]) == ("assigned", 2, None)
    assert assign(items).status_code == 200
    assert listed(second)["unread"] == 1, "nothing changed"
    assert assign([make_item(department)]).status_code == 200
    newest = listed(second)["items"][0]
    assert (newest["n"], newest["about"]["study"]) == (1, "Chest")


# --- each kind, by each way


def becomes_stat(department, item, second):
    make_stat(client_for(department.reader), item)
    return "A study at {site} is STAT now."


def is_assigned(department, item, second):
    answer = client_for(department.person(Role.CLINICAL_LEAD)).post(
        "/api/worklist/assignments",
        {"items": [str(item.id)], "to": str(second.pk)},
        content_type="application/json",
    )
    assert answer.status_code == 200, answer.content
    return "A study at {site} was assigned to you."


def mentions(department, item, second):
    answer = client_for(department.reader).post(
        f"/api/worklist/items/{item.id}/discussion",
        {"text": f"@{second.username} is {NAME} known to you?"},
        content_type="application/json",
    )
    assert answer.status_code == 201, answer.content
    return "A colleague mentioned you in the discussion of a study at {site}."


def is_reminded(department, item, second):
    lease_item(actor=actor_for(second), item_id=item.id)
    [finding] = Finding.objects.all()
    answer = client_for(second).post(
        f"/api/worklist/items/{item.id}/sign",
        {"content": {"verdicts": {str(finding.id): {"verdict": "accept"}}}},
        content_type="application/json",
        headers={"If-Match": '"0"'},
    )
    assert answer.status_code == 200, answer.content
    with clock.standing_at(clock.now() + timedelta(hours=1)):
        run_task(Step.REMIND_CRITICAL, {})
    return "A critical result that you signed at {site} waits"


def is_sent_back(department, item, second):
    Membership.objects.filter(user=second).update(role=Role.RESIDENT)
    lease_item(actor=actor_for(second), item_id=item.id)
    signed = client_for(second).post(
        f"/api/worklist/items/{item.id}/sign",
        {"content": {"impression": "Clear."}},
        content_type="application/json",
        headers={"If-Match": '"0"'},
    )
    assert signed.status_code == 200, signed.content
    answer = client_for(department.reader).post(
        f"/api/readings/{signed.json()['reading']['id']}/send-back",
        {"reason": f"{NAME} was here before."},
        content_type="application/json",
    )
    assert answer.status_code == 200, answer.content
    return "A preliminary reading that you signed at {site} was sent back to you."


EVERY = {
    Kind.STAT: becomes_stat,
    Kind.ASSIGNED: is_assigned,
    Kind.MENTION: mentions,
    Kind.CRITICAL: is_reminded,
    Kind.SENT_BACK: is_sent_back,
}


def test_every_kind_has_its_test_below():
    assert set(EVERY) == set(CHOICES) - {Kind.FLOOD}  # tests/apps/worklist/test_flood


@pytest.mark.parametrize("kind", EVERY)
def test_each_kind_comes_by_bell_mail_and_post_and_names_nobody_outside(
    kind, department, second, broker, post_office, receiver, on_commit
):
    make_model(department.site)
    item = named(department)
    sure = 0.9 if kind is Kind.CRITICAL else 0.1
    give_ai(item, probabilities={"36118008": sure})
    Notification.objects.all().delete()
    User.objects.filter(id=second.id).update(email="second@north.example")
    choice = {kind: {"email": True, "webhook": True}}
    assert put(client_for(second), "settings", {"choices": choice}).status_code == 200
    hook(second, receiver)
    layer = get_channel_layer()
    channel = async_to_sync(layer.new_channel)()
    async_to_sync(layer.group_add)(person_group(second.pk), channel)
    said = []
    on_commit(lambda: said.append(EVERY[kind](department, item, second)))
    words = said[0].format(site=department.site.name)

    async def heard():
        return await asyncio.wait_for(layer.receive(channel), timeout=5)

    assert async_to_sync(heard)() == {"type": "notified"}
    [told] = listed(second)["items"]
    assert (told["kind"], told["about"]["patient"]) == (kind.value, NAME)

    with clock.standing_at(clock.now() + timedelta(hours=2)):
        run_deliveries(broker)
    [(_, people, mail)] = post_office.mails
    assert people == ["<second@north.example>"]
    [(_, headers, body)] = receiver.posts
    assert json.loads(body)["kind"] == kind.value
    assert words in json.loads(body)["text"]
    assert words.split(" at ")[0][:40] in mail
    for one in secrets_of(item):
        assert one not in mail
        assert one not in body.decode() + json.dumps(headers)

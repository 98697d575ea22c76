"""Passwords of one's own, and what an admin may do to an account."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.accounts.models import ApiToken, Membership, Role, User
from apps.accounts.selectors import make_actor
from apps.accounts.sessions import MAX_PER_PAIR
from apps.accounts.tokens import Scope, create_token, recognise_token
from apps.audit.events import Event
from apps.audit.models import AuditRecord
from tests.matrix.worlds import PASSWORD

NEW = "quite another passphrase"
JSON = {"content_type": "application/json"}


def change(client, current=PASSWORD, new=NEW):
    body = {"current": current, "new": new}
    return client.post("/api/session/password", body, **JSON)


def log_in(username, password):
    client = Client()
    body = {"username": username, "password": password}
    return client, client.post("/api/session", body, **JSON)


def test_a_new_password_ends_the_other_sessions_and_keeps_this_one(worlds):
    here, other = worlds.client("radiologist@a"), worlds.client("radiologist@a")
    answer = change(here)
    assert answer.status_code == 200
    assert answer.json()["user"]["username"] == "radiologist-a"
    assert here.get("/api/hotkeys").status_code == 200
    assert other.get("/api/hotkeys").status_code == 401
    assert log_in("radiologist-a", PASSWORD)[1].status_code == 401
    assert log_in("radiologist-a", NEW)[1].status_code == 200
    row = AuditRecord.objects.get(event=Event.SESSION_PASSWORD)
    assert NEW not in str(row.detail)
    assert PASSWORD not in str(row.detail)


@pytest.mark.parametrize(
    ("new", "code"), [("short", "weak_password"), (PASSWORD, "invalid")]
)
def test_a_password_that_will_not_do_is_refused_in_words(worlds, new, code):
    client = worlds.client("radiologist@a")
    answer = change(client, new=new)
    assert answer.status_code == 400
    assert answer.json()["code"] == code
    assert len(answer.json()["detail"]) > 20
    assert log_in("radiologist-a", PASSWORD)[1].status_code == 200


def test_guessing_at_the_present_password_locks_as_a_login_does(worlds):
    client = worlds.client("radiologist@a")
    for _ in range(MAX_PER_PAIR):
        answer = change(client, current="not this one at all")
        assert answer.status_code == 400
        assert answer.json()["code"] == "wrong_password"
    assert change(client).status_code == 429
    assert User.objects.get(username="radiologist-a").check_password(PASSWORD)


def test_who_is_given_a_password_may_only_choose_another(worlds):
    admin = worlds.client("admin@a")
    reader = worlds.client("radiologist@a")
    person = worlds.person("radiologist@a")
    _, old_secret = create_token(
        actor=make_actor(user=person), name="mine", scopes=[Scope.READ], days=3
    )
    address = f"/api/users/{person.pk}/password"
    assert admin.post(address, {"password": "short"}, **JSON).status_code == 400
    given = "handed over on paper"
    assert admin.post(address, {"password": given}, **JSON).status_code == 204
    assert reader.get("/api/worklist").status_code == 401
    assert recognise_token(secret=old_secret, source_ip=None) is None

    client, answer = log_in("radiologist-a", given)
    body = answer.json()["user"]
    assert body["must_change_password"] is True
    assert body["permissions"] == []
    assert client.get("/api/worklist").status_code == 403
    made = {"name": "kept", "scopes": ["read"], "days": 30}
    client.post("/api/tokens", made, **JSON)

    body = change(client, current=given).json()["user"]
    assert body["must_change_password"] is False
    assert "worklist:read" in body["permissions"]
    assert client.get("/api/worklist").status_code == 200
    assert not ApiToken.objects.filter(user=person, revoked_at=None).exists()
    row = AuditRecord.objects.get(event=Event.USER_PASSWORD)
    assert row.detail == {"username": "radiologist-a"}


def test_an_account_that_is_closed_is_out_at_once_and_can_be_opened(worlds):
    admin, reader = worlds.client("admin@a"), worlds.client("radiologist@a")
    address = f"/api/users/{worlds.person('radiologist@a').pk}"
    answer = admin.patch(address, {"is_active": False}, **JSON)
    assert answer.json()["is_active"] is False
    assert reader.get("/api/worklist").status_code == 401
    assert log_in("radiologist-a", PASSWORD)[1].status_code == 401
    assert admin.patch(address, {"is_active": True}, **JSON).status_code == 200
    assert log_in("radiologist-a", PASSWORD)[1].status_code == 200
    rows = AuditRecord.objects.filter(event=Event.USER_CHANGE).order_by("at")
    assert [row.detail["changes"] for row in rows] == [
        {"is_active": False},
        {"is_active": True},
    ]


def test_nobody_closes_or_resets_their_own_account_by_the_admins_door(worlds):
    admin = worlds.client("admin@a")
    address = f"/api/users/{worlds.person('admin@a').pk}"
    assert admin.patch(address, {"is_active": False}, **JSON).status_code == 409
    answer = admin.post(f"{address}/password", {"password": NEW}, **JSON)
    assert answer.status_code == 409
    assert admin.get("/api/users").status_code == 200


def test_somebody_of_two_departments_is_nobodys_alone(worlds):
    person = worlds.person("radiologist@b")
    Membership.objects.create(user=person, site=worlds.a.site, role=Role.ANNOTATOR)
    admin = worlds.client("admin@a")
    address = f"/api/users/{person.pk}"
    assert admin.patch(address, {"is_active": False}, **JSON).status_code == 403
    answer = admin.post(f"{address}/password", {"password": NEW}, **JSON)
    assert answer.status_code == 403
    person.refresh_from_db()
    assert person.is_active
    assert person.check_password(PASSWORD)


def test_names_are_corrected(worlds):
    admin = worlds.client("admin@a")
    person = worlds.person("radiologist@a")
    body = {"display_name": "Dr. New Name", "email": "new@example.org"}
    answer = admin.patch(f"/api/users/{person.pk}", body, **JSON)
    assert answer.status_code == 200
    person.refresh_from_db()
    assert (person.display_name, person.email) == ("Dr. New Name", "new@example.org")
    wrong = admin.patch(f"/api/users/{person.pk}", {"email": "no"}, **JSON)
    assert wrong.status_code == 400

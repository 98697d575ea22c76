"""Logging in and out, what a session is worth, and when it ends."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.utils import timezone

from apps.accounts import sessions
from apps.accounts.models import LoginFailure, Role
from apps.accounts.selectors import actor_of_scope, session_hash
from apps.accounts.services import revoke_membership
from apps.accounts.types import SYSTEM
from apps.audit.events import Event
from apps.audit.models import AuditRecord
from apps.core import clock
from tests.matrix.worlds import PASSWORD


def log_in(client: Client, username="radiologist-a", password=PASSWORD, **extra):
    body = {"username": username, "password": password}
    return client.post("/api/session", body, content_type="application/json", **extra)


def events() -> list[str]:
    return list(AuditRecord.objects.order_by("id").values_list("event", flat=True))


def scope_of(client: Client) -> dict:
    return {
        "cookies": {name: m.value for name, m in client.cookies.items()},
        "client": ("127.0.0.1", 5000),
        "headers": [(b"x-real-ip", b"10.0.0.7")],
    }


def test_a_stranger_gets_a_token_and_nobody(client, db):
    answer = client.get("/api/session")
    assert answer.status_code == 200
    assert answer.json()["user"] is None
    assert len(answer.json()["csrf_token"]) > 30


def test_logging_in_says_who_one_is(worlds):
    client = Client()
    answer = log_in(client)
    assert answer.status_code == 200
    user = answer.json()["user"]
    assert user["username"] == "radiologist-a"
    assert user["initials"] == "RA"
    assert user["sites"] == [
        {"id": str(worlds.a.site.pk), "name": "Site A", "roles": ["radiologist"]}
    ]
    assert "reading:sign" in user["permissions"]
    assert "audit:read" not in user["permissions"]
    assert client.get("/api/session").json()["user"] == user
    row = AuditRecord.objects.get(event=Event.SESSION_LOGIN)
    assert row.session_hash == session_hash(client.session.session_key)
    assert row.actor_sites == [worlds.a.site.pk]


def test_the_cookie_is_named_hidden_and_same_site(worlds):
    client = Client()
    log_in(client)
    cookie = client.cookies["overread_session"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert int(cookie["max-age"]) == 8 * 3600


def test_a_session_that_was_planted_is_not_taken_over(worlds):
    client = Client()
    planted = client.session
    planted["x"] = 1
    planted.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = planted.session_key
    log_in(client)
    assert client.cookies[settings.SESSION_COOKIE_NAME].value != planted.session_key
    assert not Session.objects.filter(session_key=planted.session_key).exists()


def test_somebody_else_at_the_same_browser_ends_the_first_session(worlds):
    client = Client()
    log_in(client)
    first = client.session.session_key
    log_in(client, "admin-b")
    assert client.get("/api/session").json()["user"]["username"] == "admin-b"
    assert not Session.objects.filter(session_key=first).exists()
    assert [e for e in events() if e.startswith("session")] == [
        "session:login",
        "session:logout",
        "session:login",
    ]


def test_logging_out_ends_it_and_is_on_the_record(worlds):
    client = Client()
    log_in(client)
    key = client.session.session_key
    assert client.delete("/api/session").status_code == 204
    assert client.get("/api/session").json()["user"] is None
    assert not Session.objects.filter(session_key=key).exists()
    assert events()[-1] == "session:logout"
    assert client.delete("/api/session").status_code == 204


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("radiologist-a", "wrong"),
        ("nobody", PASSWORD),
        ("radiologist-a", PASSWORD + " "),
    ],
)
def test_wrong_name_and_wrong_password_answer_alike(worlds, username, password):
    answer = log_in(Client(), username, password)
    assert answer.status_code == 401
    assert answer.json() == {
        "code": "bad_credentials",
        "detail": "The name or the password is wrong.",
    }
    assert events()[-1] == "session:login_failed"


def test_what_was_typed_as_an_unknown_name_is_not_kept(worlds):
    log_in(Client(), "my-Secret-Password", "x")
    row = AuditRecord.objects.get(event=Event.SESSION_LOGIN_FAILED)
    assert row.actor_name.startswith("unknown:")
    assert "Secret" not in str(vars(row))
    assert "secret" not in str(list(LoginFailure.objects.values()))


def test_an_account_that_was_shut_off_cannot_enter_or_stay(worlds):
    person = worlds.person("radiologist@a")
    client = Client()
    log_in(client)
    person.is_active = False
    person.save()
    assert client.get("/api/session").json()["user"] is None
    assert log_in(Client()).status_code == 401
    assert actor_of_scope(scope_of(client)) is None


def test_csrf_is_asked_for_before_and_after_logging_in(worlds):
    client = Client(enforce_csrf_checks=True)
    refused = log_in(client)
    assert refused.status_code == 403
    assert refused.json()["code"] == "csrf_failed"
    token = client.get("/api/session").json()["csrf_token"]
    answer = log_in(client, headers={"X-CSRFToken": token})
    assert answer.status_code == 200
    assert client.delete("/api/session").status_code == 403
    fresh = answer.json()["csrf_token"]
    ended = client.delete("/api/session", headers={"X-CSRFToken": fresh})
    assert ended.status_code == 204


def test_a_refusal_is_on_the_record(worlds):
    client = worlds.client("radiologist@a")
    assert client.get("/api/users").status_code == 403
    row = AuditRecord.objects.get(event=Event.PERMISSION_REFUSED)
    assert row.actor_name == "radiologist-a"
    assert row.detail == {"view": "UsersView", "method": "GET", "code": "forbidden"}


class TestIdle:
    def test_use_moves_the_end_but_is_not_written_each_time(
        self, worlds, monkeypatch, django_assert_max_num_queries
    ):
        client = Client()
        log_in(client)
        client.get("/api/session")
        key = client.session.session_key
        Session.objects.filter(session_key=key).update(
            expire_date=timezone.now() + timedelta(hours=1)
        )
        client.get("/api/session")
        soon = Session.objects.get(session_key=key).expire_date
        assert soon < timezone.now() + timedelta(hours=2)
        monkeypatch.setattr("apps.accounts.middleware._REFRESH_S", 0)
        client.get("/api/session")
        later = Session.objects.get(session_key=key).expire_date
        assert later > timezone.now() + timedelta(hours=7)

    def test_eight_hours_without_use_end_it(self, worlds):
        client = Client()
        log_in(client)
        Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
        assert actor_of_scope(scope_of(client)) is None
        assert client.get("/api/session").json()["user"] is None


class TestSocket:
    def test_the_cookie_is_the_actor_as_long_as_it_lasts(self, worlds):
        client = Client()
        log_in(client)
        actor = actor_of_scope(scope_of(client))
        assert actor is not None
        assert actor.username == "radiologist-a"
        assert actor.source_ip == "10.0.0.7"
        assert actor.session_key_hash == session_hash(client.session.session_key)

        membership = worlds.a.membership(Role.RADIOLOGIST)
        revoke_membership(actor=SYSTEM, membership_id=membership.pk)
        again = actor_of_scope(scope_of(client))
        assert again is not None
        assert again.memberships == ()

        scope = scope_of(client)
        client.delete("/api/session")
        assert actor_of_scope(scope) is None

    def test_a_new_password_ends_it(self, worlds):
        client = Client()
        log_in(client)
        person = worlds.person("radiologist@a")
        person.set_password("another good passphrase")
        person.save()
        assert actor_of_scope(scope_of(client)) is None

    def test_no_cookie_is_nobody(self, db):
        assert actor_of_scope({"cookies": {}}) is None
        assert actor_of_scope({"cookies": {"overread_session": "x" * 32}}) is None


class TestLockOut:
    def wait(self, monkeypatch, minutes: float) -> None:
        then = timezone.now() + timedelta(minutes=minutes)
        monkeypatch.setattr(clock, "now", lambda: then)

    def test_five_failures_lock_the_name_from_that_address_for_15_minutes(
        self, worlds, monkeypatch
    ):
        for _ in range(5):
            assert log_in(Client(), password="wrong").status_code == 401
        locked = log_in(Client())
        assert locked.status_code == 429
        assert locked.json()["code"] == "locked_out"
        assert 800 < locked.json()["retry_after_s"] <= 900
        assert [e for e in events() if e == "session:locked"] == ["session:locked"]
        elsewhere = {"REMOTE_ADDR": "192.0.2.9"}
        assert log_in(Client(**elsewhere)).status_code == 200
        assert log_in(Client(), "admin-a").status_code == 200
        self.wait(monkeypatch, 14.9)
        assert log_in(Client()).status_code == 429
        self.wait(monkeypatch, 15.1)
        assert log_in(Client()).status_code == 200

    def test_tries_while_locked_do_not_lengthen_it(self, worlds, monkeypatch):
        for _ in range(5):
            log_in(Client(), password="wrong")
        self.wait(monkeypatch, 10)
        assert log_in(Client(), password="wrong").status_code == 429
        self.wait(monkeypatch, 15.1)
        assert log_in(Client()).status_code == 200

    def test_the_right_password_clears_the_count(self, worlds):
        for _ in range(3):
            for _ in range(4):
                assert log_in(Client(), password="wrong").status_code == 401
            assert log_in(Client()).status_code == 200

    def test_names_that_do_not_exist_lock_too(self, worlds):
        for _ in range(5):
            assert log_in(Client(), "nobody", "x").status_code == 401
        assert log_in(Client(), "nobody", "x").status_code == 429
        assert log_in(Client(), "NOBODY", "x").status_code == 429

    def test_guessing_one_name_from_many_addresses(self, worlds, monkeypatch):
        monkeypatch.setattr(sessions, "MAX_PER_NAME", 8)
        for n in range(8):
            client = Client(REMOTE_ADDR=f"192.0.2.{n + 1}")
            assert log_in(client, password="wrong").status_code == 401
        assert log_in(Client(REMOTE_ADDR="192.0.2.99")).status_code == 429

    def test_guessing_many_names_from_one_address(self, worlds, monkeypatch):
        monkeypatch.setattr(sessions, "MAX_PER_ADDRESS", 8)
        for n in range(8):
            assert log_in(Client(), f"name-{n}", "x").status_code == 401
        assert log_in(Client()).status_code == 429

    def test_the_address_is_the_clients_only_as_nginx_says_it(self, worlds):
        def failing(client: Client, real: str) -> int:
            headers = {"X-Real-IP": real}
            return log_in(client, password="wrong", headers=headers).status_code

        for n in range(5):  # from our own nginx the header counts: five addresses
            assert failing(Client(), f"192.0.2.{n + 1}") == 401
        assert failing(Client(), "192.0.2.50") == 401
        outside = {"REMOTE_ADDR": "203.0.113.5"}  # a stranger's header does not
        for n in range(5):
            assert failing(Client(**outside), f"198.51.100.{n + 1}") == 401
        assert failing(Client(**outside), "198.51.100.77") == 429


@pytest.mark.django_db(transaction=True)
def test_parallel_guesses_do_not_outrun_the_count(worlds):
    answers: list[int] = []

    def guess() -> None:
        try:
            answers.append(log_in(Client(), password="wrong").status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=guess) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [401] * 5 + [429] * 15

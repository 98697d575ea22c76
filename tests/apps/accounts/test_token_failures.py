"""Tokens that are not good: counted, put on record, and after too many refused."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts import sessions
from apps.accounts.models import ApiToken, LoginFailure
from apps.accounts.tokens import Scope, create_token
from apps.audit.models import AuditRecord
from apps.core import clock
from tests.factories.domain import PASSWORD, actor_for

pytestmark = pytest.mark.django_db


@pytest.fixture
def good(department):
    actor = actor_for(department.reader)
    return create_token(actor=actor, name="x", scopes=[Scope.READ], days=1)[1]


def ask(secret, ip="192.0.2.1"):
    headers = {"Authorization": f"Bearer {secret}", "X-Real-IP": ip}
    return Client().get("/dicom-web/studies", headers=headers)


def log_in(department, password=PASSWORD, ip="192.0.2.1"):
    body = {"username": department.reader.username, "password": password}
    headers = {"X-Real-IP": ip}
    return Client().post(
        "/api/session", body, content_type="application/json", headers=headers
    )


def failures():
    rows = AuditRecord.objects.filter(event__startswith="session:").order_by("id")
    return [(row.event, row.actor_name, row.detail) for row in rows]


def test_a_bad_token_waits_after_five_tries_and_is_on_record(good, monkeypatch):
    for _ in range(5):
        assert ask("ovr_wrong").status_code == 401
    locked = ask("ovr_wrong")
    assert (locked.status_code, locked.json()["code"]) == (429, "throttled")
    assert 800 < int(locked["Retry-After"]) <= 900
    *failed, last = failures()
    assert [event for event, _, _ in failed] == ["session:login_failed"] * 5
    assert last[0] == "session:locked"
    assert {detail["by"] for _, _, detail in failures()} == {"token"}
    kept = str(failures()) + str(list(LoginFailure.objects.values()))
    assert "ovr_wrong" not in kept
    # Others go on: the good token here, and the bad one is only bad elsewhere.
    assert ask(good).status_code == 200
    assert ask("ovr_wrong", ip="192.0.2.2").status_code == 401
    then = timezone.now() + timedelta(minutes=15.1)
    monkeypatch.setattr(clock, "now", lambda: then)
    assert ask("ovr_wrong").status_code == 401


def test_many_bad_tokens_of_one_address_lock_it_for_tokens(good, monkeypatch):
    monkeypatch.setattr(sessions, "MAX_PER_ADDRESS", 8)
    for n in range(8):
        assert ask(f"ovr_guess{n}").status_code == 401
    assert ask("ovr_another").status_code == 429
    assert ask(good).status_code == 429
    assert ask(good, ip="192.0.2.9").status_code == 200


def test_tokens_and_passwords_are_counted_apart(department, good, monkeypatch):
    monkeypatch.setattr(sessions, "MAX_PER_ADDRESS", 4)
    for n in range(4):
        assert ask(f"ovr_guess{n}").status_code == 401
    assert ask("ovr_another").status_code == 429
    assert log_in(department).status_code == 200
    LoginFailure.objects.all().delete()
    for n in range(4):
        assert log_in(department, password=f"wrong {n}").status_code == 401
    assert log_in(department).status_code == 429
    assert ask(good).status_code == 200


def test_whose_token_ran_out_is_on_record(department, good):
    ApiToken.objects.update(expires_at=timezone.now() - timedelta(days=1))
    assert ask(good).status_code == 401
    assert failures()[0][1] == department.reader.username


def test_one_tokens_failures_from_many_addresses(good, monkeypatch):
    monkeypatch.setattr(sessions, "MAX_PER_NAME", 6)
    for n in range(6):
        assert ask("ovr_spread", ip=f"192.0.2.{n + 1}").status_code == 401
    assert ask("ovr_spread", ip="192.0.2.77").status_code == 429

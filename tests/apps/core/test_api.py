"""Errors have one shape; a view that declares nothing answers nobody."""

from __future__ import annotations

import pytest
from django.test import override_settings
from django.urls import path
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core import errors, health
from apps.core.access import LoggedIn, Open
from apps.core.health import State


class Undeclared(APIView):
    def get(self, request):
        return Response({})


class Failing(APIView):
    permission_classes = [Open]

    def get(self, request):
        raise getattr(errors, request.query_params["with"])(
            "some_code", "What to do.", holder={"id": 1}
        )


class Strict(serializers.Serializer):
    name = serializers.CharField()
    nested = serializers.ListField(child=serializers.IntegerField())


class Validating(APIView):
    permission_classes = [Open]

    def get(self, request):
        Strict(data={"nested": ["x"]}).is_valid(raise_exception=True)


class Broken(APIView):
    permission_classes = [Open]

    def get(self, request):
        raise RuntimeError("Patient DOE^JANE is broken")


class Private(APIView):
    permission_classes = [LoggedIn]

    def get(self, request):
        return Response({})


urlpatterns = [
    path("undeclared", Undeclared.as_view()),
    path("failing", Failing.as_view()),
    path("validating", Validating.as_view()),
    path("broken", Broken.as_view()),
    path("private", Private.as_view()),
]
handler404 = "apps.core.api.not_found"
handler500 = "apps.core.api.server_error"


@pytest.fixture(autouse=True)
def _here():
    with override_settings(ROOT_URLCONF=__name__):
        yield


@pytest.mark.parametrize("who", ["radiologist@a", "admin@a", "superuser"])
def test_a_view_that_declares_nothing_refuses_everybody(worlds, who):
    answer = worlds.client(who).get("/undeclared")
    assert answer.status_code == 403
    assert answer.json()["code"] == "forbidden"


def test_a_stranger_is_401_where_a_session_is_needed(client, db):
    for address in ("/undeclared", "/private"):
        answer = client.get(address)
        assert answer.status_code == 401
        assert answer.json() == {"code": "not_logged_in", "detail": "Please log in."}


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("Invalid", 400),
        ("Forbidden", 403),
        ("NotFound", 404),
        ("Conflict", 409),
        ("PreconditionFailed", 412),
        ("PreconditionRequired", 428),
        ("Unavailable", 503),
    ],
)
def test_a_domain_error_keeps_code_words_and_extras(client, db, name, status):
    answer = client.get(f"/failing?with={name}")
    assert answer.status_code == status
    assert answer.json() == {
        "code": "some_code",
        "detail": "What to do.",
        "holder": {"id": 1},
    }


def test_validation_says_which_field(client, db):
    body = client.get("/validating").json()
    assert body["code"] == "invalid"
    assert "name: This field is required." in body["detail"]
    assert set(body["fields"]) == {"name", "nested"}


def test_wrong_method_and_unknown_address(client, db):
    answer = client.post("/failing")
    assert answer.status_code == 405
    assert answer.json()["code"] == "method_not_allowed"
    missing = client.get("/nowhere")
    assert missing.status_code == 404
    assert missing.json()["code"] == "not_found"


def test_what_nobody_foresaw_says_nothing_of_the_patient(client, db):
    client.raise_request_exception = False
    answer = client.get("/broken")
    assert answer.status_code == 500
    assert answer.json()["code"] == "server_error"
    assert b"DOE" not in answer.content


@pytest.fixture
def parts(monkeypatch):
    checks = {"archive": lambda: (State.OK, "fine")}
    monkeypatch.setattr(health, "_checks", checks)
    monkeypatch.setattr(health, "_kept", None)
    return checks


class TestHealth:
    def ask(self, client):
        health._kept = None
        with override_settings(ROOT_URLCONF="portal.urls"):
            return client.get("/api/health")

    def test_open_to_all_without_parts(self, client, db, parts):
        answer = self.ask(client)
        assert answer.status_code == 200
        assert answer.json() == {"status": "ok"}

    def test_admins_see_the_parts(self, worlds, parts):
        parts["queue"] = lambda: (State.DEGRADED, "12 messages wait")
        answer = self.ask(worlds.client("admin@a"))
        assert answer.json() == {
            "status": "degraded",
            "parts": [
                {"name": "archive", "state": "ok", "detail": "fine"},
                {"name": "queue", "state": "degraded", "detail": "12 messages wait"},
            ],
        }
        assert "parts" not in self.ask(worlds.client("radiologist@a")).json()

    def test_a_check_that_raises_is_a_part_that_is_down(self, client, db, parts):
        def broken():
            raise ConnectionError("password=secret")

        parts["archive"] = broken
        answer = self.ask(client)
        assert answer.status_code == 503
        assert answer.json() == {"status": "down"}
        assert health.report()[0].detail == "No answer (ConnectionError)."

    def test_asking_often_asks_the_parts_seldom(self, parts):
        asked = []

        def check():
            asked.append(1)
            return State.OK, ""

        health.register("counted", check)
        for _ in range(50):
            health.report()
        assert len(asked) == 1

    def test_the_real_database_is_well(self, db):
        state, detail = health._database()
        assert state is State.OK
        assert detail.startswith("PostgreSQL ")


def test_every_answer_carries_its_requests_id(client, db):
    given = client.get(
        "/failing?with=Invalid", headers={"X-Request-ID": "abcdef-12345"}
    )
    assert given["X-Request-ID"] == "abcdef-12345"
    forged = client.get("/failing?with=Invalid", headers={"X-Request-ID": 'x"\nfake'})
    assert len(forged["X-Request-ID"]) == 32

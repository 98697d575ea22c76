"""Keys that a person chose: kept whole, one's own, refused when they make no sense."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.accounts.hotkeys import my_hotkeys
from apps.accounts.roles import Role
from apps.audit.models import AuditRecord
from tests.factories.domain import PASSWORD, actor_for

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(department):
    client = Client()
    body = {"username": department.reader.username, "password": PASSWORD}
    assert client.post("/api/session", body, "application/json").status_code == 200
    return client


def put(client, keys):
    return client.put("/api/hotkeys", {"keys": keys}, "application/json")


def test_they_come_back_and_are_ones_own(client, department):
    assert client.get("/api/hotkeys").json() == {"keys": {}}
    keys = {"reading.invert": ["y"], "reading.cine-play": [" "], "reading.flip": []}
    assert put(client, keys).json() == {"keys": keys}
    assert client.get("/api/hotkeys").json() == {"keys": keys}
    assert my_hotkeys(actor=actor_for(department.person(Role.CLINICAL_LEAD))) == {}
    assert AuditRecord.objects.filter(event="hotkeys:save").count() == 1


def test_what_is_not_named_has_our_keys_again(client):
    put(client, {"reading.invert": ["y"]})
    assert put(client, {}).json() == {"keys": {}}
    assert client.get("/api/hotkeys").json() == {"keys": {}}


@pytest.mark.parametrize(
    "keys",
    [
        {"no name": ["y"]},
        {"reading.invert": ["y" * 41]},
        {"reading.invert": ["a", "b", "c", "d", "e"]},
        {"reading.invert": [""]},
        {f"reading.c{n}": ["y"] for n in range(301)},
    ],
)
def test_nonsense_is_refused_and_changes_nothing(client, keys):
    assert put(client, {"reading.flip": ["y"]}).status_code == 200
    assert put(client, keys).status_code == 400
    assert client.get("/api/hotkeys").json() == {"keys": {"reading.flip": ["y"]}}

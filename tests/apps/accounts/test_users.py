"""An admin manages the accounts of their site, and no others."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from apps.accounts.models import Membership, Role, User
from apps.accounts.selectors import make_actor
from apps.accounts.services import create_site, create_user
from apps.accounts.types import SYSTEM
from apps.audit.events import Event
from apps.audit.models import AuditRecord
from apps.core.errors import Conflict, Forbidden, Invalid

STRONG = "a rather long passphrase"


def post(client, address, body):
    return client.post(address, body, content_type="application/json")


def test_an_admin_sees_their_people_and_what_they_are_here(worlds):
    shared = worlds.person("radiologist@b")
    Membership.objects.create(user=shared, site=worlds.a.site, role=Role.ANNOTATOR)
    items = worlds.client("admin@a").get("/api/users").json()["items"]
    by_name = {item["username"]: item for item in items}
    assert set(by_name) == {f"{role.value}-a" for role in Role} | {"radiologist-b"}
    assert [m["role"] for m in by_name["radiologist-b"]["memberships"]] == ["annotator"]
    assert all("password" not in item for item in items)
    assert worlds.person("radiologist@a").password not in str(items)
    assert AuditRecord.objects.filter(event=Event.USER_READ).count() == 1


def test_a_role_is_given_and_taken_and_recorded(worlds):
    client = worlds.client("admin@a")
    person = worlds.person("radiologist@a")
    body = {"site": str(worlds.a.site.pk), "role": "clinical_lead"}
    given = post(client, f"/api/users/{person.pk}/memberships", body)
    assert given.status_code == 201
    again = post(client, f"/api/users/{person.pk}/memberships", body)
    assert again.json()["id"] == given.json()["id"]
    row = AuditRecord.objects.get(event=Event.MEMBERSHIP_GRANT, actor_name="admin-a")
    assert row.detail == {"username": "radiologist-a", "role": "clinical_lead"}
    assert row.site_id == worlds.a.site.pk
    assert client.delete(f"/api/memberships/{given.json()['id']}").status_code == 204
    assert AuditRecord.objects.filter(event=Event.MEMBERSHIP_REVOKE).count() == 1
    assert client.delete(f"/api/memberships/{given.json()['id']}").status_code == 404


def test_an_admin_cannot_reach_into_the_other_site(worlds):
    client = worlds.client("admin@a")
    mine, theirs = worlds.person("radiologist@a"), worlds.person("radiologist@b")
    elsewhere = {"site": str(worlds.b.site.pk), "role": "radiologist"}
    here = {"site": str(worlds.a.site.pk), "role": "radiologist"}
    assert (
        post(client, f"/api/users/{mine.pk}/memberships", elsewhere).status_code == 404
    )
    assert post(client, f"/api/users/{theirs.pk}/memberships", here).status_code == 404
    assert post(client, f"/api/users/{uuid4()}/memberships", here).status_code == 404
    membership = worlds.b.membership(Role.RADIOLOGIST)
    assert client.delete(f"/api/memberships/{membership.pk}").status_code == 404
    assert Membership.objects.filter(pk=membership.pk).exists()


def test_an_admin_does_not_see_or_place_superusers(worlds):
    client = worlds.client("admin@a")
    names = {row["username"] for row in client.get("/api/users").json()["items"]}
    assert "root" not in names
    here = {"site": str(worlds.a.site.pk), "role": "admin"}
    address = f"/api/users/{worlds.superuser.pk}/memberships"
    assert post(client, address, here).status_code == 404


def test_an_admin_creates_an_account_that_can_log_in(worlds, client):
    body = {
        "username": "new.reader",
        "display_name": "Dr. New Reader",
        "password": STRONG,
        "site": str(worlds.a.site.pk),
        "role": "radiologist",
    }
    made = post(worlds.client("admin@a"), "/api/users", body)
    assert made.status_code == 201, made.content
    assert [m["role"] for m in made.json()["memberships"]] == ["radiologist"]
    assert STRONG not in str(list(AuditRecord.objects.values()))
    login = {"username": "new.reader", "password": STRONG}
    assert post(client, "/api/session", login).json()["user"]["initials"] == "NR"
    again = post(worlds.client("admin@a"), "/api/users", body)
    assert (again.status_code, again.json()["code"]) == (409, "taken")


@pytest.mark.parametrize("password", ["short", "password1234", "0123456789"])
def test_a_weak_password_is_refused_and_nothing_is_left(worlds, password):
    body = {
        "username": "new.reader",
        "display_name": "New Reader",
        "password": password,
        "site": str(worlds.a.site.pk),
        "role": "radiologist",
    }
    answer = post(worlds.client("admin@a"), "/api/users", body)
    assert answer.status_code == 400
    assert answer.json()["code"] == "weak_password"
    assert not User.objects.filter(username="new.reader").exists()


def test_an_account_for_another_site_leaves_nothing_behind(worlds):
    body = {
        "username": "new.reader",
        "display_name": "New Reader",
        "password": STRONG,
        "site": str(worlds.b.site.pk),
        "role": "admin",
    }
    assert post(worlds.client("admin@a"), "/api/users", body).status_code == 404
    assert not User.objects.filter(username="new.reader").exists()


def test_only_superusers_make_superusers_and_sites(worlds):
    admin = make_actor(user=worlds.person("admin@a"))
    with pytest.raises(Forbidden):
        create_user(
            actor=admin,
            username="x-root",
            password=STRONG,
            display_name="X",
            is_superuser=True,
        )
    with pytest.raises(Forbidden):
        create_site(actor=admin, name="Mine", code="mine")
    reader = make_actor(user=worlds.person("radiologist@a"))
    with pytest.raises(Forbidden):
        create_user(actor=reader, username="x", password=STRONG, display_name="X")
    root = make_actor(user=worlds.superuser)
    assert create_site(actor=root, name="New", code="new").stat_deadline_s == 1800
    with pytest.raises(Conflict):
        create_site(actor=root, name="New", code="other")


@pytest.mark.django_db
def test_create_admin(monkeypatch, capsys):
    monkeypatch.setenv("OVERREAD_ADMIN_PASSWORD", STRONG)
    call_command("create_admin", "chief", display_name="Chief")
    made = User.objects.get(username="chief")
    assert made.is_superuser
    assert made.check_password(STRONG)
    assert STRONG not in capsys.readouterr().out
    row = AuditRecord.objects.get(event=Event.USER_CREATE)
    assert row.actor_kind == "system"
    with pytest.raises(CommandError, match="account of that name"):
        call_command("create_admin", "chief")
    monkeypatch.setenv("OVERREAD_ADMIN_PASSWORD", "short")
    with pytest.raises(CommandError, match="too short"):
        call_command("create_admin", "other")


@pytest.mark.django_db
def test_a_service_account_without_a_password_cannot_log_in(client):
    made = create_user(
        actor=SYSTEM, username="robot", password=None, display_name="Robot"
    )
    assert not made.has_usable_password()
    login = {"username": "robot", "password": ""}
    assert post(client, "/api/session", login).status_code == 400
    with pytest.raises(Invalid):
        create_user(actor=SYSTEM, username="r2", password="x", display_name="R")


@pytest.mark.django_db
def test_the_first_superuser_works_before_there_is_a_site(client):
    client.force_login(
        create_user(
            actor=SYSTEM,
            username="chief",
            password=STRONG,
            display_name="Chief",
            is_superuser=True,
        )
    )
    assert [u["username"] for u in client.get("/api/users").json()["items"]] == [
        "chief"
    ]
    assert client.get("/api/audit").status_code == 200
    assert "parts" in client.get("/api/health").json()

"""Part of the matrix: session, accounts, audit, health, schema."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from apps.accounts.models import Role
from tests.matrix.frame import Call
from tests.matrix.worlds import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.matrix.frame import Key
    from tests.matrix.worlds import Worlds

_USER_MEMBERSHIPS = "api/users/<uuid:user_id>/memberships"
_MEMBERSHIP = "api/memberships/<uuid:membership_id>"

# fmt: off
TABLE: dict[Key, str] = {
    #                                 A: rad ann lead adm srv  B: the same
    ("GET", "api/session"):      "200  200 200 200 200 200   200 200 200 200 200",
    ("POST", "api/session"):     "200  200 200 200 200 200   200 200 200 200 200",
    ("DELETE", "api/session"):   "204  204 204 204 204 204   204 204 204 204 204",
    ("GET", "api/health"):       "200  200 200 200 200 200   200 200 200 200 200",
    ("GET", "api/schema"):       "200  200 200 200 200 200   200 200 200 200 200",
    ("GET", "api/users"):        "401  403 403 403 200 403   403 403 403 200 403",
    ("POST", "api/users"):       "401  403 403 403 201 403   403 403 403 404 403",
    ("POST", _USER_MEMBERSHIPS): "401  403 403 403 201 403   403 403 403 404 403",
    ("DELETE", _MEMBERSHIP):     "401  403 403 403 204 403   403 403 403 404 403",
    ("GET", "api/audit"):        "401  403 403 403 200 403   403 403 403 200 403",
    ("GET", "api/audit/seals"):  "401  403 403 403 200 403   403 403 403 200 403",
    ("POST", "api/audit/checks"): "401  403 403 403 204 403   403 403 403 204 403",
}
# fmt: on

SOCKETS: dict[str, str] = {
    "ws/worklist": (
        "4401  accept 4403 accept 4403 4403   accept 4403 accept 4403 4403"
    ),
}


def populate(worlds: Worlds) -> None:
    """Name what the calls below ask for."""
    for world in (worlds.a, worlds.b):
        world.things["reader"] = world.people[Role.RADIOLOGIST]
        world.things["membership"] = world.membership(Role.RADIOLOGIST)
        world.secrets.add(str(world.things["membership"].pk))
        world.secrets.update(p.username for p in world.people.values())


def _login(worlds: Worlds) -> Call:
    name = worlds.a.things["reader"].username
    return Call("/api/session", {"username": name, "password": PASSWORD})


def _new_user(worlds: Worlds) -> Call:
    body = {
        "username": f"new-{uuid4().hex[:8]}",
        "display_name": "New Person",
        "password": PASSWORD,
        "site": str(worlds.a.site.pk),
        "role": "annotator",
    }
    return Call("/api/users", body)


def _grant(worlds: Worlds) -> Call:
    body = {"site": str(worlds.a.site.pk), "role": "annotator"}
    return Call(f"/api/users/{worlds.a.things['reader'].pk}/memberships", body)


def _logged_in_as_a(worlds: Worlds) -> set[str]:
    """What a login as A's reader rightly says of site A, whoever types it."""
    site, reader = worlds.a.site, worlds.a.things["reader"]
    return {str(site.pk), site.name, str(reader.pk)}


CALLS: dict[Key, Callable[[Worlds], Call]] = {
    ("GET", "api/session"): lambda _: Call("/api/session"),
    ("POST", "api/session"): _login,
    ("DELETE", "api/session"): lambda _: Call("/api/session"),
    ("GET", "api/health"): lambda _: Call("/api/health"),
    ("GET", "api/schema"): lambda _: Call("/api/schema"),
    ("GET", "api/users"): lambda _: Call("/api/users"),
    ("POST", "api/users"): _new_user,
    ("POST", _USER_MEMBERSHIPS): _grant,
    ("DELETE", _MEMBERSHIP): lambda w: Call(
        f"/api/memberships/{w.a.things['membership'].pk}"
    ),
    ("GET", "api/audit"): lambda _: Call("/api/audit?limit=200"),
    ("GET", "api/audit/seals"): lambda _: Call("/api/audit/seals"),
    ("POST", "api/audit/checks"): lambda _: Call("/api/audit/checks", {}),
}

ALLOWED: dict[Key, Callable[[Worlds], set[str]]] = {
    ("POST", "api/session"): _logged_in_as_a
}
"""Secrets that an answer may contain, with the reason in the function."""

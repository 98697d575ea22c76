"""Part of the matrix: what is changed of an account, and a site's rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apps.accounts.models import Role
from tests.matrix.frame import Call
from tests.matrix.worlds import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.matrix.frame import Key
    from tests.matrix.worlds import Worlds

_OWN = "api/session/password"
_USER = "api/users/<uuid:user_id>"
_PASSWORD = "api/users/<uuid:user_id>/password"
_POLICY = "api/sites/<uuid:site_id>/policy"
_SIMULATION = "api/sites/<uuid:site_id>/simulation"
_NEW = "quite another passphrase"

# fmt: off
TABLE: dict[Key, str] = {
    #                       A: rad ann lead adm srv  B: the same
    ("POST", _OWN):        "401  200 200 200 200 200   200 200 200 200 200",
    ("PATCH", _USER):      "401  403 403 403 200 403   403 403 403 404 403",
    ("POST", _PASSWORD):   "401  403 403 403 204 403   403 403 403 404 403",
    ("GET", _POLICY):      "401  403 403 200 200 403   403 403 404 404 403",
    ("PUT", _POLICY):      "401  403 403 200 200 403   403 403 404 404 403",
    ("GET", _SIMULATION):  "401  403 403 200 200 403   403 403 404 404 403",
    ("POST", _SIMULATION): "401  403 403 200 200 403   403 403 404 404 403",
}
# fmt: on

SOCKETS: dict[str, str] = {}
POLICY = {
    "stat_deadline_s": 900,
    "priority_deadline_s": 3600,
    "routine_deadline_s": 14400,
    "base_rate": 0.2,
    "critical_weight": 1.0,
    "urgent_weight": 0.5,
    "routine_weight": 0.1,
    "stat_in_a_row": 2,
    "reason": "a trial",
}

SIMULATION = {
    "arrivals": [1.0] * 24,
    "readers": [1] * 24,
    "read_time": 10,
    "ai": {"prevalence": 0.1, "sensitivity": 0.9, "specificity": 0.8},
    "acuity": "critical",
    "clinician_stat": 0.02,
    "flood": 0.0,
}


def populate(worlds: Worlds) -> None:
    """Name whose account is changed."""
    for world in (worlds.a, worlds.b):
        world.things["colleague"] = world.people[Role.RADIOLOGIST]


def _user(worlds: Worlds) -> str:
    return f"/api/users/{worlds.a.things['colleague'].pk}"


CALLS: dict[Key, Callable[[Worlds], Call]] = {
    ("POST", _OWN): lambda _: Call(
        "/api/session/password", {"current": PASSWORD, "new": _NEW}
    ),
    ("PATCH", _USER): lambda w: Call(_user(w), {"display_name": "Dr. Renamed"}),
    ("POST", _PASSWORD): lambda w: Call(f"{_user(w)}/password", {"password": _NEW}),
    ("GET", _POLICY): lambda w: Call(f"/api/sites/{w.a.site.pk}/policy"),
    ("PUT", _POLICY): lambda w: Call(f"/api/sites/{w.a.site.pk}/policy", POLICY),
    ("GET", _SIMULATION): lambda w: Call(f"/api/sites/{w.a.site.pk}/simulation"),
    ("POST", _SIMULATION): lambda w: Call(
        f"/api/sites/{w.a.site.pk}/simulation", SIMULATION
    ),
}

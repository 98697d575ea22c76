"""Part of the matrix: DICOMweb and tokens. A's study has no series to send."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from apps.accounts.models import Role
from apps.accounts.selectors import make_actor
from apps.accounts.tokens import Scope, create_token
from tests.matrix.frame import Call

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.matrix.frame import Key
    from tests.matrix.worlds import World, Worlds

_TOKEN = "api/tokens/<uuid:token_id>"
_STUDIES = "dicom-web/studies"
_STUDY = f"{_STUDIES}/<str:study_uid>"
_SERIES = f"{_STUDY}/series/<str:series_uid>"
_OBJECT = f"{_SERIES}/instances/<str:sop_uid>"
_FRAMES = f"{_OBJECT}/frames/<str:frames>"

# What only radiologists read, and leads search; nobody of B hears of it.
_FOUND = "401  200 403 200 403 403   404 404 404 404 404"
_PIXELS = "401  404 403 403 403 403   404 404 404 404 404"
# No part in the request; annotators and leads bring nothing.
_STORED = "401  400 403 403 400 400   400 403 403 400 400"

# fmt: off
TABLE: dict[Key, str] = {
    #                            A: rad ann lead adm srv  B: the same
    ("GET", "api/tokens"):        "401  200 200 200 200 200   200 200 200 200 200",
    ("POST", "api/tokens"):       "401  201 201 201 201 201   201 201 201 201 201",
    ("DELETE", _TOKEN):           "401  204 404 404 404 404   404 404 404 404 404",
    ("GET", _STUDIES):            "401  200 200 200 200 200   200 200 200 200 200",
    ("POST", _STUDIES):           _STORED,
    ("GET", "dicom-web/series"):  "401  200 200 200 200 200   200 200 200 200 200",
    ("GET", "dicom-web/instances"): "401  200 200 200 200 200   200 200 200 200 200",
    ("GET", _STUDY):              _PIXELS,
    ("POST", _STUDY):             _STORED,
    ("GET", f"{_STUDY}/metadata"): "401  404 403 404 403 403   404 404 404 404 404",
    ("GET", f"{_STUDY}/series"):  _FOUND,
    ("GET", f"{_STUDY}/instances"): _FOUND,
    ("GET", _SERIES):             _PIXELS,
    ("GET", f"{_SERIES}/metadata"): "401  404 403 404 403 403   404 404 404 404 404",
    ("GET", f"{_SERIES}/instances"): _FOUND,
    ("GET", _OBJECT):             _PIXELS,
    ("GET", f"{_OBJECT}/metadata"): "401  404 403 404 403 403   404 404 404 404 404",
    ("GET", f"{_OBJECT}/rendered"): _PIXELS,
    ("GET", _FRAMES):             _PIXELS,
    ("GET", f"{_FRAMES}/rendered"): _PIXELS,
    ("GET", f"{_OBJECT}/bulk/<path:path>"): _PIXELS,
}
# fmt: on

SOCKETS: dict[str, str] = {}
_TYPE = 'multipart/related; type="application/dicom"; boundary=b'


def populate(worlds: Worlds) -> None:
    """Give each site's radiologist a token."""
    for world in (worlds.a, worlds.b):
        person = world.people[Role.RADIOLOGIST]
        token, secret = create_token(
            actor=make_actor(user=person),
            name=f"T{uuid4().hex[:8]}",
            scopes=[Scope.READ],
            days=1,
        )
        world.things["token"] = token
        world.secrets.update({str(token.id), token.name, secret})


def _study(world: World, tail: str = "") -> Call:
    return Call(f"/dicom-web/studies/{world.things['study'].study_uid}{tail}")


def _store(path: str) -> Call:
    return Call(path, body=b"--b--\r\n", headers={"Content-Type": _TYPE})


_S, _O = "/series/1.2.3", "/series/1.2.3/instances/1.2.3.4"

CALLS: dict[Key, Callable[[Worlds], Call]] = {
    ("GET", "api/tokens"): lambda w: Call("/api/tokens"),
    ("POST", "api/tokens"): lambda w: Call(
        "/api/tokens", body={"name": "x", "scopes": ["read"], "days": 1}
    ),
    ("DELETE", _TOKEN): lambda w: Call(f"/api/tokens/{w.a.things['token'].id}"),
    ("GET", _STUDIES): lambda w: Call("/dicom-web/studies"),
    ("POST", _STUDIES): lambda w: _store("/dicom-web/studies"),
    ("GET", "dicom-web/series"): lambda w: Call("/dicom-web/series"),
    ("GET", "dicom-web/instances"): lambda w: Call("/dicom-web/instances"),
    ("GET", _STUDY): lambda w: _study(w.a),
    ("POST", _STUDY): lambda w: _store(_study(w.a).path),
    ("GET", f"{_STUDY}/metadata"): lambda w: _study(w.a, "/metadata"),
    ("GET", f"{_STUDY}/series"): lambda w: _study(w.a, "/series"),
    ("GET", f"{_STUDY}/instances"): lambda w: _study(w.a, "/instances"),
    ("GET", _SERIES): lambda w: _study(w.a, _S),
    ("GET", f"{_SERIES}/metadata"): lambda w: _study(w.a, f"{_S}/metadata"),
    ("GET", f"{_SERIES}/instances"): lambda w: _study(w.a, f"{_S}/instances"),
    ("GET", _OBJECT): lambda w: _study(w.a, _O),
    ("GET", f"{_OBJECT}/metadata"): lambda w: _study(w.a, f"{_O}/metadata"),
    ("GET", f"{_OBJECT}/rendered"): lambda w: _study(w.a, f"{_O}/rendered"),
    ("GET", _FRAMES): lambda w: _study(w.a, f"{_O}/frames/1"),
    ("GET", f"{_FRAMES}/rendered"): lambda w: _study(w.a, f"{_O}/frames/1/rendered"),
    ("GET", f"{_OBJECT}/bulk/<path:path>"): lambda w: _study(
        w.a, f"{_O}/bulk/7FE00010"
    ),
}

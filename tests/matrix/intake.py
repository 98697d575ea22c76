"""Part of the matrix: imports. The import asked for is begun by A's radiologist."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from apps.accounts.models import Role
from apps.core import clock
from apps.workflow.models import Intake, IntakeFile
from tests.matrix.frame import Call

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.matrix.frame import Key
    from tests.matrix.worlds import World, Worlds

_INTAKE = "api/intakes/<uuid:intake_id>"
_FILE = f"{_INTAKE}/files/<uuid:file_id>"

# fmt: off
TABLE: dict[Key, str] = {
    #                               A: rad ann lead adm srv  B: the same
    ("GET", "api/intakes"):          "401  200 403 403 200 200   200 403 403 200 200",
    ("POST", "api/intakes"):         "401  201 403 403 201 201   404 403 403 404 404",
    ("GET", _INTAKE):                "401  200 403 403 200 200   404 403 403 404 404",
    ("POST", f"{_INTAKE}/files"):    "401  201 403 403 403 403   404 403 403 404 404",
    ("GET", _FILE):                  "401  200 403 403 200 200   404 403 403 404 404",
    ("PUT", _FILE):                  "401  200 403 403 403 403   404 403 403 404 404",
    # One file of it is not taken yet.
    ("POST", f"{_INTAKE}/finish"):   "401  409 403 403 403 403   404 403 403 404 404",
}
# fmt: on

SOCKETS: dict[str, str] = {}


def populate(worlds: Worlds) -> None:
    """Begin an import with a file in each site."""
    for world in (worlds.a, worlds.b):
        now = clock.now()
        intake = Intake.objects.create(
            site=world.site,
            by=world.people[Role.RADIOLOGIST],
            via="upload",
            started_at=now,
            touched_at=now,
        )
        name = f"SECRET{uuid4().hex[:8]}/IM0001"
        line = IntakeFile.objects.create(intake=intake, key="1", name=name, size=9)
        world.things.update(intake=intake, intake_file=line)
        world.secrets.update({str(intake.id), str(line.id), name})


def _intake(world: World, tail: str = "") -> str:
    return f"/api/intakes/{world.things['intake'].id}{tail}"


def _file(world: World) -> str:
    return _intake(world, f"/files/{world.things['intake_file'].id}")


CALLS: dict[Key, Callable[[Worlds], Call]] = {
    ("GET", "api/intakes"): lambda w: Call("/api/intakes"),
    ("POST", "api/intakes"): lambda w: Call(
        "/api/intakes", body={"site": str(w.a.site.id)}
    ),
    ("GET", _INTAKE): lambda w: Call(_intake(w.a)),
    ("POST", f"{_INTAKE}/files"): lambda w: Call(
        _intake(w.a, "/files"), body={"files": [{"key": "k", "name": "n", "size": 3}]}
    ),
    ("GET", _FILE): lambda w: Call(_file(w.a)),
    ("PUT", _FILE): lambda w: Call(
        _file(w.a), body=b"DIC", headers={"Upload-Offset": "0"}
    ),
    ("POST", f"{_INTAKE}/finish"): lambda w: Call(_intake(w.a, "/finish"), body={}),
}

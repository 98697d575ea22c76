"""Part of the matrix: imports of models. The one asked for is of A's admin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apps.accounts.models import Role
from apps.inference.models import ModelImport
from tests.factories.domain import make_model
from tests.matrix.frame import Call

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.matrix.frame import Key
    from tests.matrix.worlds import Worlds

_ALL = "api/model-imports"
_ONE = f"{_ALL}/<uuid:import_id>"
_FILE = f"{_ONE}/files/<uuid:file_id>"
_VERIFY = "api/models/<uuid:model_id>/verify"

# fmt: off
TABLE: dict[Key, str] = {
    #                             A: rad ann lead adm srv  B: the same
    ("GET", _ALL):                 "401  403 403 403 200 403   403 403 403 200 403",
    ("POST", _ALL):                "401  403 403 403 201 403   403 403 403 201 403",
    # Models are the portal's: who manages them sees all, and changes one's own.
    ("GET", _ONE):                 "401  403 403 403 200 403   403 403 403 200 403",
    ("PUT", _ONE):                 "401  403 403 403 200 403   403 403 403 403 403",
    ("POST", f"{_ONE}/files"):     "401  403 403 403 201 403   403 403 403 403 403",
    ("PUT", _FILE):                "401  403 403 403 200 403   403 403 403 403 403",
    ("POST", f"{_ONE}/cancel"):    "401  403 403 403 200 403   403 403 403 403 403",
    # Its file is not here in full.
    ("POST", f"{_ONE}/start"):     "401  403 403 403 409 403   403 403 403 403 403",
    ("POST", _VERIFY):             "401  403 403 403 200 403   403 403 403 200 403",
}
# fmt: on

SOCKETS: dict[str, str] = {}


def populate(worlds: Worlds) -> None:
    """Begin an import with a file, and register a model."""
    world = worlds.a
    row = ModelImport.objects.create(by=world.people[Role.ADMIN])
    line = row.files.create(key="1", name="m.onnx", size=9)
    world.things.update(model_import=row, model_import_file=line)
    world.things["verified-model"] = make_model(name="matrix-verified")


def _path(worlds: Worlds, tail: str = "") -> str:
    return f"/api/model-imports/{worlds.a.things['model_import'].id}{tail}"


def _file(worlds: Worlds) -> str:
    return _path(worlds, f"/files/{worlds.a.things['model_import_file'].id}")


CALLS: dict[Key, Callable[[Worlds], Call]] = {
    ("GET", _ALL): lambda _: Call(f"/{_ALL}"),
    ("POST", _ALL): lambda _: Call(f"/{_ALL}", {}),
    ("GET", _ONE): lambda w: Call(_path(w)),
    ("PUT", _ONE): lambda w: Call(_path(w), {"kind": "onnx", "card": {"name": "n"}}),
    ("POST", f"{_ONE}/files"): lambda w: Call(
        _path(w, "/files"), {"files": [{"key": "k", "name": "n.bin", "size": 3}]}
    ),
    ("PUT", _FILE): lambda w: Call(
        _file(w), body=b"ONN", headers={"Upload-Offset": "0"}
    ),
    ("POST", f"{_ONE}/cancel"): lambda w: Call(_path(w, "/cancel"), {}),
    ("POST", f"{_ONE}/start"): lambda w: Call(_path(w, "/start"), {}),
    ("POST", _VERIFY): lambda w: Call(
        f"/api/models/{w.a.things['verified-model'].id}/verify", {}
    ),
}

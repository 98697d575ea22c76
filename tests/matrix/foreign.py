"""Part of the matrix: objects from PACS. A's study has none, so none is found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.matrix.frame import Call

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.matrix.frame import Key
    from tests.matrix.worlds import World, Worlds

_OBJECTS = "api/studies/<uuid:study_id>/objects"
_OBJECT = f"{_OBJECTS}/<dicom_uid:sop_uid>"
_MAP = f"{_OBJECT}/maps/<int:number>"
_SEGMENT = f"{_OBJECT}/segments/<int:number>"

# fmt: off
TABLE: dict[Key, str] = {
    #                            A: rad ann lead adm srv  B: the same
    ("GET", _OBJECTS):            "401  200 403 200 403 403   404 403 404 403 403",
    ("GET", _OBJECT):             "401  404 403 404 403 403   404 403 404 403 403",
    ("GET", _MAP):                "401  404 403 403 403 403   404 403 403 403 403",
    ("GET", _SEGMENT):            "401  404 403 403 403 403   404 403 403 403 403",
}
# fmt: on

SOCKETS: dict[str, str] = {}


def populate(worlds: Worlds) -> None:
    """Nothing: the study of the story is asked for."""


def _study(world: World, tail: str = "") -> Call:
    return Call(f"/api/studies/{world.things['study'].id}/objects{tail}")


CALLS: dict[Key, Callable[[Worlds], Call]] = {
    ("GET", _OBJECTS): lambda w: _study(w.a),
    ("GET", _OBJECT): lambda w: _study(w.a, "/1.2.3"),
    ("GET", _MAP): lambda w: _study(w.a, "/1.2.3/maps/1"),
    ("GET", _SEGMENT): lambda w: _study(w.a, "/1.2.3/segments/1"),
}

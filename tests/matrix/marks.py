"""Part of the matrix: signed measurements of a study."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.matrix.frame import Call

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.matrix.frame import Key
    from tests.matrix.worlds import Worlds

_MARKS = "api/studies/<uuid:study_id>/marks"

# fmt: off
TABLE: dict[Key, str] = {
    #                            A: rad ann lead adm srv  B: the same
    ("GET", _MARKS):              "401  200 403 200 403 403   404 403 404 403 403",
}
# fmt: on

SOCKETS: dict[str, str] = {}


def populate(worlds: Worlds) -> None:
    """Nothing: the study of the story is asked for."""


CALLS: dict[Key, Callable[[Worlds], Call]] = {
    ("GET", _MARKS): lambda w: Call(f"/api/studies/{w.a.things['study'].id}/marks"),
}

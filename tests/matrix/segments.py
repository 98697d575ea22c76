"""Part of the matrix: label maps and signed segmentations. One was put at site A."""

from __future__ import annotations

import gzip
import hashlib
from typing import TYPE_CHECKING

from apps.accounts.models import Role
from apps.accounts.selectors import make_actor
from apps.annotations.segments import put_slice
from tests.matrix.frame import Call

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.matrix.frame import Key
    from tests.matrix.worlds import Worlds

_SLICE = "api/worklist/items/<uuid:item_id>/segment-slices/<str:sha256>"
_SIGNED = "api/studies/<uuid:study_id>/segmentations"

# fmt: off
TABLE: dict[Key, str] = {
    #                            A: rad ann lead adm srv  B: the same
    ("GET", _SLICE):              "401  200 403 403 403 403   404 403 403 403 403",
    ("PUT", _SLICE):              "401  201 403 403 403 403   404 403 403 403 403",
    ("GET", _SIGNED):             "401  200 403 403 403 403   404 403 403 403 403",
}
# fmt: on

SOCKETS: dict[str, str] = {}
MAP = bytes([0, 1, 1, 0, 0, 2])
OTHER = bytes([0, 0, 3, 0, 0, 0])


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def populate(worlds: Worlds) -> None:
    """Put a label map of two rows and three columns on site A's study."""
    reading = worlds.a.things["item"].reading
    put_slice(
        actor=make_actor(user=worlds.a.people[Role.RADIOLOGIST], session_key="matrix"),
        reading_id=reading.id,
        sha256=sha256(MAP),
        rows=2,
        columns=3,
        packed=gzip.compress(MAP),
    )


def _of_item(content: bytes, body: bytes | None = None) -> Callable[[Worlds], Call]:
    path = f"segment-slices/{sha256(content)}"
    return lambda w: Call(
        f"/api/worklist/items/{w.a.things['item'].id}/{path}",
        body,
        {"X-Rows": "2", "X-Columns": "3"},
    )


CALLS: dict[Key, Callable[[Worlds], Call]] = {
    ("GET", _SLICE): _of_item(MAP),
    ("PUT", _SLICE): _of_item(OTHER, gzip.compress(OTHER)),
    ("GET", _SIGNED): lambda w: Call(
        f"/api/studies/{w.a.things['study'].id}/segmentations"
    ),
}

"""Part of the matrix: the commit, and when readers see the AI.

A's radiologist holds an item under a protocol that knows no commit: 409 is as far as
anybody gets with it here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from apps.annotations.models import ReadingProtocol
from tests.matrix.frame import Call
from tests.matrix.story import CONTENT

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.matrix.frame import Key
    from tests.matrix.worlds import Worlds

_COMMIT = "api/worklist/items/<uuid:item_id>/commit"
_PROTOCOLS = "api/protocols"
_PROTOCOL = "api/protocols/<uuid:protocol_id>"

# fmt: off
TABLE: dict[Key, str] = {
    #                           A: rad ann lead adm srv  B: the same
    ("POST", _COMMIT):      "401  409 403 403 403 403   404 403 403 403 403",
    ("GET", _PROTOCOLS):    "401  403 403 200 200 403   403 403 200 200 403",
    ("POST", _PROTOCOLS):   "401  403 403 201 201 403   403 403 404 404 403",
    ("DELETE", _PROTOCOL):  "401  403 403 204 204 403   403 403 404 404 403",
}
# fmt: on

SOCKETS: dict[str, str] = {}


def populate(worlds: Worlds) -> None:
    """Give A a protocol of its own for CT."""
    protocol = ReadingProtocol.objects.create(
        site=worlds.a.site,
        code="clinical-ct",
        name="Clinical read, CT",
        modality="CT",
        display_mode="none",
    )
    worlds.a.things["protocol"] = protocol
    worlds.a.secrets.add(str(protocol.id))


CALLS: dict[Key, Callable[[Worlds], Call]] = {
    ("POST", _COMMIT): lambda w: Call(
        f"/api/worklist/items/{w.a.things['item'].id}/commit",
        {"content": CONTENT},
        {"If-Match": '"0"'},
    ),
    ("GET", _PROTOCOLS): lambda _: Call("/api/protocols"),
    ("POST", _PROTOCOLS): lambda w: Call(
        "/api/protocols",
        {
            "site": str(w.a.site.pk),
            "modality": "MG",
            "display_mode": "after_commit",
            "reason": "a reader study",
        },
    ),
    ("DELETE", _PROTOCOL): lambda w: Call(
        f"/api/protocols/{w.a.things['protocol'].id}"
    ),
}

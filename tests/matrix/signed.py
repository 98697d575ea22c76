"""Part of the matrix: what was signed, beside the item A's radiologist holds."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from tests.matrix.frame import Call

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.matrix.frame import Key
    from tests.matrix.worlds import Worlds

_AMEND = "api/worklist/items/<uuid:item_id>/amend"
_LOOK = "api/worklist/items/<uuid:item_id>/look"
_VERIFY = "api/readings/<uuid:reading_id>/verify"
_SEND_BACK = "api/readings/<uuid:reading_id>/send-back"
_REPORT = "api/readings/<uuid:reading_id>/report.<slug:form>"

# fmt: off
TABLE: dict[Key, str] = {
    #                        A: rad ann lead adm srv  B: the same
    ("GET", "api/readings"):  "401  200 403 403 403 403   200 403 403 403 403",
    ("GET", _REPORT):         "401  200 403 403 403 403   404 403 403 403 403",
    # A draft, not signed: nothing to verify for its reader, nothing at all for others.
    ("POST", _VERIFY):        "401  409 403 403 403 403   404 403 403 403 403",
    ("POST", _SEND_BACK):     "401  409 403 403 403 403   404 403 403 403 403",
    ("POST", _LOOK):          "401  200 403 403 403 403   404 403 403 403 403",
    # Not signed yet: a conflict for whoever might amend it, nothing for the rest.
    ("POST", _AMEND):         "401  409 403 403 403 403   404 403 403 403 403",
}
# fmt: on

SOCKETS: dict[str, str] = {}


def populate(worlds: Worlds) -> None:
    """Nothing more: the item of the story is there."""


def _draft(worlds: Worlds) -> UUID:
    """The draft of the item that A's radiologist holds."""
    item = worlds.a.things["item"]
    item.refresh_from_db()
    reading_id: UUID = item.reading_id
    return reading_id


CALLS: dict[Key, Callable[[Worlds], Call]] = {
    ("GET", "api/readings"): lambda _: Call("/api/readings"),
    ("GET", _REPORT): lambda w: Call(f"/api/readings/{_draft(w)}/report.txt"),
    ("POST", _VERIFY): lambda w: Call(f"/api/readings/{_draft(w)}/verify"),
    ("POST", _SEND_BACK): lambda w: Call(
        f"/api/readings/{_draft(w)}/send-back", {"reason": "a test"}
    ),
    ("POST", _LOOK): lambda w: Call(
        f"/api/worklist/items/{w.a.things['item'].id}/look"
    ),
    ("POST", _AMEND): lambda w: Call(
        f"/api/worklist/items/{w.a.things['item'].id}/amend",
        {"reason_code": "correction"},
    ),
}

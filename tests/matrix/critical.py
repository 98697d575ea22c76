"""Part of the matrix: critical results. The one asked for is open at site A."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apps.accounts.models import Role
from apps.accounts.selectors import make_actor
from apps.annotations.services import start_reading
from apps.core import clock
from apps.reports.models import CriticalResult
from tests.matrix.frame import Call

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.matrix.frame import Key
    from tests.matrix.worlds import Worlds

_OF_ITEM = "api/worklist/items/<uuid:item_id>/critical-results"
_CLOSE = "api/critical-results/<uuid:critical_id>/close"

# fmt: off
TABLE: dict[Key, str] = {
    #                                A: rad ann lead adm srv  B: the same
    ("GET", "api/critical-results"):  "401  200 403 200 403 403   200 403 200 403 403",
    ("GET", _OF_ITEM):                "401  200 403 200 403 403   404 403 404 403 403",
    ("POST", _CLOSE):                 "401  200 403 200 403 403   404 403 404 403 403",
}
# fmt: on

SOCKETS: dict[str, str] = {}


def populate(worlds: Worlds) -> None:
    """Let a critical finding wait in each site."""
    for world in (worlds.a, worlds.b):
        item = world.things["item"]
        reader = make_actor(user=world.people[Role.RADIOLOGIST], session_key="matrix")
        reading = start_reading(
            actor=reader, revision=item.case.revision, protocol=item.case.protocol
        )
        row = CriticalResult.objects.create(
            site=world.site,
            study=item.case.revision.study,
            reading=reading,
            item_id=item.id,
            source="annotation",
            source_id="mark",
            label_scheme="SCT",
            label_code="36118008",
            label_display="Pneumothorax",
            raised_at=clock.now(),
            remind_at=clock.now(),
        )
        world.things["critical"] = row
        world.secrets.update({str(row.id), str(reading.id)})


CALLS: dict[Key, Callable[[Worlds], Call]] = {
    ("GET", "api/critical-results"): lambda _: Call("/api/critical-results"),
    ("GET", _OF_ITEM): lambda w: Call(
        f"/api/worklist/items/{w.a.things['item'].id}/critical-results"
    ),
    ("POST", _CLOSE): lambda w: Call(
        f"/api/critical-results/{w.a.things['critical'].id}/close",
        {"reason_code": "already_known"},
    ),
}

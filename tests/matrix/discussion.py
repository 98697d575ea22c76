"""Part of the matrix: what people write about a study of site A."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apps.accounts.models import Role
from apps.core import clock
from apps.workflow.models import StudyMessage
from tests.matrix.frame import Call

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.matrix.frame import Key
    from tests.matrix.worlds import Worlds

_PATH = "api/worklist/items/<uuid:item_id>/discussion"

# fmt: off
TABLE: dict[Key, str] = {
    #                  A: rad ann lead adm srv  B: the same
    ("GET", _PATH):     "401  200 403 200 403 403   404 403 404 403 403",
    ("POST", _PATH):    "401  201 403 201 403 403   404 403 404 403 403",
}
# fmt: on

SOCKETS: dict[str, str] = {}


def populate(worlds: Worlds) -> None:
    """Let each site's lead have written something that may tell what AI found."""
    for world in (worlds.a, worlds.b):
        item = world.things["item"]
        StudyMessage.objects.create(
            study_id=item.study_id,
            item=item,
            author=world.people[Role.CLINICAL_LEAD],
            at=clock.now(),
            text=f"QZXSAID at {world.site.code}",
        )
        world.secrets.add(f"QZXSAID at {world.site.code}")


def _address(worlds: Worlds) -> str:
    return f"/api/worklist/items/{worlds.a.things['item'].id}/discussion"


CALLS: dict[Key, Callable[[Worlds], Call]] = {
    ("GET", _PATH): lambda w: Call(_address(w)),
    ("POST", _PATH): lambda w: Call(_address(w), body={"text": "Is there a prior?"}),
}

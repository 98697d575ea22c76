"""Part of the matrix: hanging, saved layouts, earlier studies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apps.accounts.models import Role
from apps.workflow.models import SavedLayout
from tests.matrix.frame import Call

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.matrix.frame import Key
    from tests.matrix.worlds import World, Worlds

_HANGING = "api/studies/<uuid:study_id>/hanging"
_PRIORS = "api/studies/<uuid:study_id>/priors"
_LAYOUT = "api/layouts/<uuid:layout_id>"

# fmt: off
TABLE: dict[Key, str] = {
    #                                  A: rad ann lead adm srv  B: the same
    ("GET", _HANGING):                  "401  200 403 403 403 403   404 404 404 404 404",
    ("GET", _PRIORS):                   "401  200 403 403 403 403   404 404 404 404 404",
    ("POST", "api/layouts"):            "401  201 403 403 403 403   404 403 403 403 403",
    ("DELETE", "api/layouts"):          "401  204 403 403 403 403   204 403 403 403 403",
    # The layout is of A's radiologist: nobody else's to know of.
    ("DELETE", _LAYOUT):                "401  204 404 404 404 404   404 404 404 404 404",
}
# fmt: on

SOCKETS: dict[str, str] = {}
SERIES = "1.2.826.0.1.99"


def populate(worlds: Worlds) -> None:
    """Give A's study a series, and A's radiologist a layout."""
    revision = worlds.a.things["revision"]
    revision.series = [
        {
            "uid": SERIES,
            "number": 1,
            "modality": "DX",
            "description": "",
            "body_part": "CHEST",
            "n_instances": 1,
        }
    ]
    revision.save()
    reader = worlds.a.people[Role.RADIOLOGIST]
    worlds.a.things["layout"] = SavedLayout.objects.create(
        owner=reader, saved_by=reader, name="Mine", rows=1, columns=1, rules=[]
    )


def _of_study(world: World, tail: str) -> Call:
    return Call(f"/api/studies/{world.things['study'].id}/{tail}")


def _wanted(world: World) -> dict[str, object]:
    return {
        "study": str(world.things["study"].id),
        "name": "As it hangs",
        "scope": "user",
        "rows": 1,
        "columns": 1,
        "panes": [{"series_uid": SERIES, "window": None}],
    }


CALLS: dict[Key, Callable[[Worlds], Call]] = {
    ("GET", _HANGING): lambda w: _of_study(w.a, "hanging"),
    ("GET", _PRIORS): lambda w: _of_study(w.a, "priors"),
    ("POST", "api/layouts"): lambda w: Call("/api/layouts", body=_wanted(w.a)),
    ("DELETE", "api/layouts"): lambda _: Call("/api/layouts"),
    ("DELETE", _LAYOUT): lambda w: Call(f"/api/layouts/{w.a.things['layout'].id}"),
}

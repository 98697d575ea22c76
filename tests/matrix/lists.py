"""Part of the matrix: the worklist page, its views, settings and assignments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apps.accounts.models import Role
from apps.core import clock
from apps.worklist.models import AssignmentBatch, SavedView
from apps.worklist.saved_views import PLAIN
from tests.matrix.frame import Call

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.matrix.frame import Key
    from tests.matrix.worlds import World, Worlds

_VIEWS = "api/worklist/views"
_VIEW = "api/worklist/views/<uuid:view_id>"
_ASSIGN = "api/worklist/assignments"
_UNDO = "api/worklist/assignments/<uuid:batch_id>/undo"

# fmt: off
TABLE: dict[Key, str] = {
    #                                      A: rad ann lead adm srv  B: the same
    ("POST", "api/worklist/window"):        "401  200 403 200 403 403   200 403 200 403 403",
    ("POST", "api/worklist/summary"):       "401  200 403 200 403 403   200 403 200 403 403",
    ("GET", _VIEWS):                        "401  200 403 200 403 403   200 403 200 403 403",
    # A view for all readers of A.
    ("POST", _VIEWS):                       "401  403 403 201 403 403   404 403 404 403 403",
    # The view is of A's lead: nobody else's to know of.
    ("DELETE", _VIEW):                      "401  404 403 204 403 403   404 403 404 403 403",
    ("PUT", "api/worklist/settings"):       "401  200 403 200 403 403   200 403 200 403 403",
    ("GET", "api/worklist/readers"):        "401  403 403 200 403 403   403 403 200 403 403",
    ("GET", "api/worklist/assignees"):      "401  200 403 200 403 403   200 403 200 403 403",
    # B's lead is told that the item is not theirs to see, in the answer.
    ("POST", _ASSIGN):                      "401  403 403 200 403 403   403 403 200 403 403",
    ("POST", _UNDO):                        "401  403 403 200 403 403   403 403 404 403 403",
}
# fmt: on

SOCKETS: dict[str, str] = {}


def populate(worlds: Worlds) -> None:
    """Give A's lead a view and an assignment."""
    lead = worlds.a.people[Role.CLINICAL_LEAD]
    worlds.a.things["view"] = SavedView.objects.create(
        owner=lead, saved_by=lead, name="Only mine", filters={}, columns=list(PLAIN)
    )
    worlds.a.things["batch"] = AssignmentBatch.objects.create(
        by=lead,
        to=None,
        at=clock.now(),
        entries=[{"item": str(worlds.a.things["item"].id), "before": None}],
    )
    worlds.a.secrets.add("Only mine")


def _for_all(world: World) -> dict[str, object]:
    return {
        "name": "Nights",
        "site": str(world.site.id),
        "filters": {"past_deadline": True},
        "sort": {"by": "waiting"},
        "columns": list(PLAIN),
    }


def _assign(world: World) -> dict[str, object]:
    return {"items": [str(world.things["item"].id)], "to": None}


CALLS: dict[Key, Callable[[Worlds], Call]] = {
    ("POST", "api/worklist/window"): lambda _: Call(
        "/api/worklist/window", body={"counts": True}
    ),
    ("POST", "api/worklist/summary"): lambda _: Call("/api/worklist/summary", body={}),
    ("GET", _VIEWS): lambda _: Call("/api/worklist/views"),
    ("POST", _VIEWS): lambda w: Call("/api/worklist/views", body=_for_all(w.a)),
    ("DELETE", _VIEW): lambda w: Call(f"/api/worklist/views/{w.a.things['view'].id}"),
    ("PUT", "api/worklist/settings"): lambda _: Call(
        "/api/worklist/settings", body={"columns": list(PLAIN), "compact": True}
    ),
    ("GET", "api/worklist/readers"): lambda _: Call("/api/worklist/readers"),
    ("GET", "api/worklist/assignees"): lambda _: Call("/api/worklist/assignees"),
    ("POST", _ASSIGN): lambda w: Call(f"/{_ASSIGN}", body=_assign(w.a)),
    ("POST", _UNDO): lambda w: Call(f"/{_ASSIGN}/{w.a.things['batch'].id}/undo"),
}

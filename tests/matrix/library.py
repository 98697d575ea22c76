"""Part of the matrix: the models, which are the portal's, and their use at a site."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.factories.domain import make_model
from tests.matrix.frame import Call

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.matrix.frame import Key
    from tests.matrix.worlds import Worlds

_MODELS = "api/models"
_USES = "api/models/<uuid:model_id>/uses"
_WITHDRAW = "api/models/<uuid:model_id>/withdraw"

# fmt: off
TABLE: dict[Key, str] = {
    #                       A: rad ann lead adm srv  B: the same
    ("GET", _MODELS):        "401  403 403 403 200 403   403 403 403 200 403",
    # Its package lies nowhere: whoever may is told that it does not verify.
    ("POST", _USES):         "401  403 403 403 409 403   403 403 403 404 403",
    ("POST", _WITHDRAW):     "401  403 403 403 204 403   403 403 403 403 403",
}
# fmt: on

SOCKETS: dict[str, str] = {}


def populate(worlds: Worlds) -> None:
    """A model in use at A."""
    worlds.a.things["library-model"] = make_model(worlds.a.site, name="matrix-model")


def _path(worlds: Worlds, suffix: str) -> str:
    return f"/api/models/{worlds.a.things['library-model'].id}/{suffix}"


CALLS: dict[Key, Callable[[Worlds], Call]] = {
    ("GET", _MODELS): lambda _: Call("/api/models"),
    ("POST", _USES): lambda w: Call(
        _path(w, "uses"), {"site": str(w.a.site.pk), "kind": "shadow"}
    ),
    ("POST", _WITHDRAW): lambda w: Call(_path(w, "withdraw"), {"reason": "a test"}),
}

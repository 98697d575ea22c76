"""Part of the matrix: the slots of a site."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apps.inference.models import Slot
from tests.factories.domain import make_model
from tests.matrix.frame import Call

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.matrix.frame import Key
    from tests.matrix.worlds import Worlds

_SLOTS = "api/sites/<uuid:site_id>/slots"
_ONE = "api/slots/<uuid:slot_id>"
_CODE = "233604007"

# fmt: off
TABLE: dict[Key, str] = {
    #                                  A: rad ann lead adm srv  B: the same
    ("GET", _SLOTS):                   "401  403 403 200 200 403   403 403 404 404 403",
    ("GET", f"{_ONE}/versions"):       "401  403 403 200 200 403   403 403 404 404 403",
    ("POST", f"{_ONE}/versions"):      "401  403 403 403 201 403   403 403 403 404 403",
    # Its package lies nowhere: whoever may is told that it does not verify.
    ("POST", f"{_ONE}/promote"):       "401  403 403 403 409 403   403 403 403 404 403",
    ("POST", f"{_ONE}/roll-back"):     "401  403 403 403 409 403   403 403 403 404 403",
    ("POST", f"{_ONE}/empty"):         "401  403 403 403 200 403   403 403 403 404 403",
    ("GET", f"{_ONE}/threshold"):      "401  403 403 200 200 403   403 403 404 404 403",
    # Nothing is live beside the shadow: a conflict for whoever may ask.
    ("GET", f"{_ONE}/comparison"):     "401  403 403 409 409 403   403 403 404 404 403",
    ("GET", f"{_ONE}/calibration"):    "401  403 403 200 200 403   403 403 404 404 403",
    # Nobody has read: too few for a calibration.
    ("POST", f"{_ONE}/calibration"):   "401  403 403 403 409 403   403 403 403 404 403",
    ("POST", f"{_ONE}/routing-trial"): "401  403 403 200 200 403   403 403 404 404 403",
}
# fmt: on

SOCKETS: dict[str, str] = {}


def populate(worlds: Worlds) -> None:
    """A shadow at A."""
    model = make_model(worlds.a.site, kind="shadow", name="matrix-slot")
    worlds.a.things["slot"] = Slot.objects.get(model_version=model)


def _path(worlds: Worlds, suffix: str) -> str:
    return f"/api/slots/{worlds.a.things['slot'].id}/{suffix}"


CALLS: dict[Key, Callable[[Worlds], Call]] = {
    ("GET", _SLOTS): lambda w: Call(f"/api/sites/{w.a.site.pk}/slots"),
    ("GET", f"{_ONE}/versions"): lambda w: Call(_path(w, "versions")),
    ("POST", f"{_ONE}/versions"): lambda w: Call(
        _path(w, "versions"), {"thresholds": {_CODE: 0.33}, "reason": "a test"}
    ),
    ("POST", f"{_ONE}/promote"): lambda w: Call(
        _path(w, "promote"), {"reason": "a test"}
    ),
    ("POST", f"{_ONE}/roll-back"): lambda w: Call(
        _path(w, "roll-back"), {"reason": "a test"}
    ),
    ("POST", f"{_ONE}/empty"): lambda w: Call(_path(w, "empty"), {"reason": "a test"}),
    ("GET", f"{_ONE}/threshold"): lambda w: Call(
        _path(w, f"threshold?code={_CODE}&threshold=0.4")
    ),
    ("GET", f"{_ONE}/comparison"): lambda w: Call(_path(w, f"comparison?code={_CODE}")),
    ("GET", f"{_ONE}/calibration"): lambda w: Call(
        _path(w, f"calibration?code={_CODE}&method=platt")
    ),
    ("POST", f"{_ONE}/calibration"): lambda w: Call(
        _path(w, "calibration"),
        {"code": _CODE, "method": "platt", "reason": "a test"},
    ),
    ("POST", f"{_ONE}/routing-trial"): lambda w: Call(
        _path(w, "routing-trial"), {"routing": {"modalities": ["DX"]}}
    ),
}

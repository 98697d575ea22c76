"""Part of the matrix: the written report, beside the item A's radiologist holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.matrix.frame import Call

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.matrix.frame import Key
    from tests.matrix.worlds import Worlds

_ITEM = "api/worklist/items/<uuid:item_id>"
_DRAFT = f"{_ITEM}/report-draft"
_EARLIER = f"{_ITEM}/earlier-reports"
_TEMPLATES = "api/sites/<uuid:site_id>/report-templates"
_TEMPLATE = f"{_TEMPLATES}/<slug:code>"
_VERSIONS = f"{_TEMPLATE}/versions"
_PREVIEW = "api/sites/<uuid:site_id>/report-template-preview"

# fmt: off
TABLE: dict[Key, str] = {
    #                        A: rad ann lead adm srv  B: the same
    ("POST", _DRAFT):         "401  200 403 403 403 403   404 403 403 403 403",
    ("GET", _EARLIER):        "401  200 403 403 403 403   404 403 403 403 403",
    ("GET", _TEMPLATES):      "401  403 403 200 200 403   403 403 404 404 403",
    ("PUT", _TEMPLATE):       "401  403 403 200 200 403   403 403 404 404 403",
    ("GET", _VERSIONS):       "401  403 403 200 200 403   403 403 404 404 403",
    ("POST", _VERSIONS):      "401  403 403 404 404 403   403 403 404 404 403",
    ("POST", _PREVIEW):       "401  403 403 200 200 403   403 403 404 404 403",
    ("DELETE", _TEMPLATE):    "401  403 403 400 400 403   403 403 404 404 403",
}
# fmt: on

SOCKETS: dict[str, str] = {}
CONTENT = {"verdicts": {}, "annotations": [], "impression": "Clear."}
TEMPLATE = {
    "name": "Chest",
    "modalities": ["CR"],
    "body_parts": [],
    "protocols": [],
    "sections": [{"key": "findings", "title": "Findings", "kind": "findings"}],
}


def populate(worlds: Worlds) -> None:
    """Nothing more: the item of the story and the shipped templates are there."""


def _of_item(worlds: Worlds, tail: str) -> str:
    return f"/api/worklist/items/{worlds.a.things['item'].id}/{tail}"


def _of_site(worlds: Worlds, tail: str = "") -> str:
    return f"/api/sites/{worlds.a.site.pk}/report-templates{tail}"


CALLS: dict[Key, Callable[[Worlds], Call]] = {
    ("POST", _DRAFT): lambda w: Call(_of_item(w, "report-draft"), {"content": CONTENT}),
    ("GET", _EARLIER): lambda w: Call(_of_item(w, "earlier-reports")),
    ("GET", _TEMPLATES): lambda w: Call(_of_site(w)),
    ("PUT", _TEMPLATE): lambda w: Call(_of_site(w, "/chest-film"), TEMPLATE),
    ("GET", _VERSIONS): lambda w: Call(_of_site(w, "/chest-film/versions")),
    ("POST", _VERSIONS): lambda w: Call(
        _of_site(w, "/chest-film/versions"), {"version": 1}
    ),
    ("POST", _PREVIEW): lambda w: Call(
        f"/api/sites/{w.a.site.pk}/report-template-preview", TEMPLATE
    ),
    ("DELETE", _TEMPLATE): lambda w: Call(_of_site(w, "/chest-film")),
}

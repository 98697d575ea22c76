"""The two-worlds matrix: who gets what answer from which address.

Three things are kept apart. *Code* enumerates every route and method (`routes`,
`sockets`). *Hands* write what each asker is to be answered (`TABLE` in the parts).
*Calls* say how to ask (`CALLS` in the parts). A route without a row fails, and so
does a row without a route.

To add routes, write a part: a module with

- `TABLE: dict[tuple[method, route], str]`: eleven statuses, one for each of
  `worlds.ASKERS` (anonymous; then radiologist, annotator, clinical_lead, admin,
  service of A; then the same of B). The object asked for is always site A's.
- `CALLS: dict[tuple[method, route], Callable[[Worlds], Call]]`
- `SOCKETS: dict[route, str]`: eleven words, `accept` or the close code.
- `populate(worlds)`: puts objects into `worlds.a.things` and strings that B may
  never be sent into `worlds.a.secrets`.

and list it in `parts.PARTS`. Residents and specialists are answered as radiologists
are, but for the rows of `readers.READERS`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.urls import URLPattern, URLResolver, get_resolver

from portal.sockets import websocket_urlpatterns

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from django.http import HttpResponse

    from tests.matrix.worlds import Worlds

Key = tuple[str, str]
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class Call:
    """How to ask: the path, a JSON body, headers."""

    path: str
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    def text(self) -> str:
        """All that the asker said; what comes back of it is no leak."""
        return json.dumps([self.path, self.body, self.headers], default=str)


def routes() -> set[Key]:
    """Every (method, route) that the resolver knows.

    A plain function may answer any method, so all of them need a row.
    """
    return {
        (method, route)
        for route, pattern in _walk(get_resolver().url_patterns)
        for method in _methods(pattern)
    }


def sockets() -> set[str]:
    """Every socket route."""
    return {str(pattern.pattern) for pattern in websocket_urlpatterns}


def _walk(
    patterns: Iterable[URLPattern | URLResolver], prefix: str = ""
) -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, route)
        else:
            yield route, pattern


def _methods(pattern: URLPattern) -> list[str]:
    callback: Any = pattern.callback
    view = getattr(callback, "cls", getattr(callback, "view_class", None))
    if view is None:
        return list(METHODS)
    return [method for method in METHODS if hasattr(view, method.lower())]


def ask(worlds: Worlds, who: str, method: str, call: Call) -> HttpResponse:
    """Ask as somebody, then undo whatever it did."""
    with transaction.atomic():
        client = worlds.client(who)
        client.raise_request_exception = False
        given: dict[str, Any] = {"headers": call.headers}
        if method != "GET":
            given |= {"data": call.body, "content_type": "application/json"}
            if isinstance(call.body, bytes):
                given["content_type"] = "application/octet-stream"
        answer = client.generic(method, call.path, **_encoded(given))
        if getattr(answer, "streaming", False):
            answer.content = b"".join(answer.streaming_content)
        transaction.set_rollback(True)
    return answer


def _encoded(given: dict[str, Any]) -> dict[str, Any]:
    data = given.get("data", b"")
    if data is None:
        given["data"] = b""
    elif not isinstance(data, bytes):
        given["data"] = json.dumps(data, default=str)
    return given


def leaks(worlds: Worlds, who: str, call: Call, answer: HttpResponse) -> set[str]:
    """What of site A stands in an answer to somebody who is not of site A."""
    if who.endswith("@a"):
        return set()
    body, said = answer.content.decode("utf-8", "replace"), call.text()
    return {s for s in worlds.a.secrets if s in body and s not in said}

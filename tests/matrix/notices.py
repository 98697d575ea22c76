"""Part of the matrix: notifications are each person's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apps.accounts.models import Role
from apps.core import clock
from apps.notifications.models import Notification
from apps.notifications.types import Kind
from tests.matrix.frame import Call

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.matrix.frame import Key
    from tests.matrix.worlds import Worlds

_ROOT = "api/notifications"
_ALL = "401  200 200 200 200 200   200 200 200 200 200"

# fmt: off
TABLE: dict[Key, str] = {
    #                              A: rad ann lead adm srv  B: the same
    ("GET", _ROOT):                 _ALL,
    ("GET", f"{_ROOT}/unread"):     _ALL,
    ("POST", f"{_ROOT}/read"):      _ALL,
    ("GET", f"{_ROOT}/settings"):   _ALL,
    ("PUT", f"{_ROOT}/settings"):   _ALL,
    # The address is of a private network: nobody's messages go there.
    ("PUT", f"{_ROOT}/webhook"):    "401  400 400 400 400 400   400 400 400 400 400",
    ("DELETE", f"{_ROOT}/webhook"): "401  204 204 204 204 204   204 204 204 204 204",
    # No webhook, and no mail server.
    ("POST", f"{_ROOT}/test"):      "401  400 400 400 400 400   400 400 400 400 400",
}
# fmt: on

SOCKETS: dict[str, str] = {}


def populate(worlds: Worlds) -> None:
    """Tell A's radiologist of the item that they hold."""
    item = worlds.a.things["item"]
    row = Notification.objects.create(
        user=worlds.a.people[Role.RADIOLOGIST],
        site=worlds.a.site,
        kind=Kind.STAT,
        object_id=item.id,
        item_id=item.id,
        at=clock.now(),
    )
    worlds.a.things["notice"] = row
    worlds.a.secrets.add(str(row.id))


CALLS: dict[Key, Callable[[Worlds], Call]] = {
    ("GET", _ROOT): lambda _: Call(f"/{_ROOT}"),
    ("GET", f"{_ROOT}/unread"): lambda _: Call(f"/{_ROOT}/unread"),
    ("POST", f"{_ROOT}/read"): lambda w: Call(
        f"/{_ROOT}/read", {"ids": [str(w.a.things["notice"].id)]}
    ),
    ("GET", f"{_ROOT}/settings"): lambda _: Call(f"/{_ROOT}/settings"),
    ("PUT", f"{_ROOT}/settings"): lambda _: Call(
        f"/{_ROOT}/settings", {"choices": {"stat": {"app": False}}}
    ),
    ("PUT", f"{_ROOT}/webhook"): lambda _: Call(
        f"/{_ROOT}/webhook", {"url": "https://127.0.0.1/x"}
    ),
    ("DELETE", f"{_ROOT}/webhook"): lambda _: Call(f"/{_ROOT}/webhook"),
    ("POST", f"{_ROOT}/test"): lambda _: Call(f"/{_ROOT}/test", {"channel": "webhook"}),
}

"""Part of the matrix: the keys that a person chose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.matrix.frame import Call

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.matrix.frame import Key
    from tests.matrix.worlds import Worlds

_HOTKEYS = "api/hotkeys"

# fmt: off
TABLE: dict[Key, str] = {
    #                            A: rad ann lead adm srv  B: the same
    ("GET", _HOTKEYS):            "401  200 200 200 200 200   200 200 200 200 200",
    ("PUT", _HOTKEYS):            "401  200 200 200 200 200   200 200 200 200 200",
}
# fmt: on

SOCKETS: dict[str, str] = {}


def populate(worlds: Worlds) -> None:
    """Nothing: everybody has keys of one's own."""


CALLS: dict[Key, Callable[[Worlds], Call]] = {
    ("GET", _HOTKEYS): lambda _: Call("/api/hotkeys"),
    ("PUT", _HOTKEYS): lambda _: Call(
        "/api/hotkeys", body={"keys": {"reading.invert": ["y"]}}
    ),
}

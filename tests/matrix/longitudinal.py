"""Part of the matrix: comparisons with earlier studies. Only workers ask for them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from tests.matrix.frame import Call

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.matrix.frame import Key
    from tests.matrix.worlds import Worlds

_WORK = "api/machine/comparisons/<uuid:comparison_id>"
_MASK = f"{_WORK}/masks/<str:sha256>"
_PATH = f"/api/machine/comparisons/{UUID(int=7)}"

# fmt: off
TABLE: dict[Key, str] = {
    #                            A: rad ann lead adm srv  B: the same
    # A worker's token opens these, no session does.
    ("GET", _WORK):               "401  401 401 401 401 401   401 401 401 401 401",
    ("GET", _MASK):               "401  401 401 401 401 401   401 401 401 401 401",
}
# fmt: on

SOCKETS: dict[str, str] = {}


def populate(worlds: Worlds) -> None:
    """Nothing: no session gets as far as to look for one."""


CALLS: dict[Key, Callable[[Worlds], Call]] = {
    ("GET", _WORK): lambda _: Call(_PATH),
    ("GET", _MASK): lambda _: Call(f"{_PATH}/masks/{'0' * 64}"),
}

"""Part of the matrix: label maps and signed segmentations. One was put at site A."""

from __future__ import annotations

import gzip
import hashlib
from typing import TYPE_CHECKING

from apps.accounts.models import Role
from apps.accounts.selectors import make_actor
from apps.annotations.models import SegmentInterpolation
from apps.annotations.segments import put_slice
from apps.core import clock
from tests.matrix.frame import Call

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.matrix.frame import Key
    from tests.matrix.worlds import Worlds

_SLICE = "api/worklist/items/<uuid:item_id>/segment-slices/<str:sha256>"
_SIGNED = "api/studies/<uuid:study_id>/segmentations"
_ASK = "api/worklist/items/<uuid:item_id>/segment-interpolations"
_ASKED = f"{_ASK}/<uuid:job_id>"
_WORK = "api/machine/segment-interpolations/<uuid:job_id>"
_WORK_SLICE = f"{_WORK}/slices/<str:sha256>"

# fmt: off
TABLE: dict[Key, str] = {
    #                            A: rad ann lead adm srv  B: the same
    ("GET", _SLICE):              "401  200 403 403 403 403   404 403 403 403 403",
    ("PUT", _SLICE):              "401  201 403 403 403 403   404 403 403 403 403",
    ("GET", _SIGNED):             "401  200 403 403 403 403   404 403 403 403 403",
    # It names an image that is not of this series.
    ("POST", _ASK):               "401  400 403 403 403 403   404 403 403 403 403",
    ("GET", _ASKED):              "401  200 403 403 403 403   404 403 403 403 403",
    # A worker's token opens these, no session does.
    ("GET", _WORK):               "401  401 401 401 401 401   401 401 401 401 401",
    ("GET", _WORK_SLICE):         "401  401 401 401 401 401   401 401 401 401 401",
    ("PUT", _WORK_SLICE):         "401  401 401 401 401 401   401 401 401 401 401",
}
# fmt: on

SOCKETS: dict[str, str] = {}
MAP = bytes([0, 1, 1, 0, 0, 2])
OTHER = bytes([0, 0, 3, 0, 0, 0])


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def populate(worlds: Worlds) -> None:
    """Put a label map of two rows and three columns on site A's study."""
    reading = worlds.a.things["item"].reading
    put_slice(
        actor=make_actor(user=worlds.a.people[Role.RADIOLOGIST], session_key="matrix"),
        reading_id=reading.id,
        sha256=sha256(MAP),
        rows=2,
        columns=3,
        packed=gzip.compress(MAP),
    )
    job = SegmentInterpolation.objects.create(
        reading=reading,
        series_uid="1.2.3",
        rows=2,
        columns=3,
        number=1,
        slices={"1.2.3.4#1": sha256(MAP)},
        asked_at=clock.now(),
    )
    worlds.a.things["interpolation"] = job
    worlds.a.secrets.update({str(job.id), sha256(MAP)})


def _of_item(content: bytes, body: bytes | None = None) -> Callable[[Worlds], Call]:
    path = f"segment-slices/{sha256(content)}"
    return lambda w: Call(
        f"/api/worklist/items/{w.a.things['item'].id}/{path}",
        body,
        {"X-Rows": "2", "X-Columns": "3"},
    )


def _of_job(suffix: str = "", body: bytes | None = None) -> Callable[[Worlds], Call]:
    return lambda w: Call(
        f"/api/machine/segment-interpolations/{w.a.things['interpolation'].id}{suffix}",
        body,
    )


CALLS: dict[Key, Callable[[Worlds], Call]] = {
    ("GET", _SLICE): _of_item(MAP),
    ("PUT", _SLICE): _of_item(OTHER, gzip.compress(OTHER)),
    ("GET", _SIGNED): lambda w: Call(
        f"/api/studies/{w.a.things['study'].id}/segmentations"
    ),
    ("POST", _ASK): lambda w: Call(
        f"/api/worklist/items/{w.a.things['item'].id}/segment-interpolations",
        {
            "series_uid": "1.2.3",
            "number": 1,
            "slices": {"1.2.3.4#1": sha256(MAP)},
        },
    ),
    ("GET", _ASKED): lambda w: Call(
        f"/api/worklist/items/{w.a.things['item'].id}/segment-interpolations/"
        f"{w.a.things['interpolation'].id}"
    ),
    ("GET", _WORK): _of_job(),
    ("GET", _WORK_SLICE): _of_job(f"/slices/{sha256(MAP)}"),
    ("PUT", _WORK_SLICE): _of_job(f"/slices/{sha256(MAP)}", gzip.compress(MAP)),
}

"""Part of the matrix: what went wrong on arrival, and studies off the worklist."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from apps.core import clock
from apps.studies.models import ArrivalFailure, QuarantinedStudy
from apps.studies.types import QuarantineKind
from tests.matrix.frame import Call

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.matrix.frame import Key
    from tests.matrix.worlds import Worlds

_HELD = "api/quarantine/<uuid:quarantine_id>"
_PICTURE = f"{_HELD}/pictures/<str:side>/<str:sop_uid>"
_RETRY = "api/arrival-failures/<uuid:failure_id>/retry"
_STUDY = "api/studies/<uuid:study_id>"

# fmt: off
TABLE: dict[Key, str] = {
    #                                  A: rad ann lead adm srv  B: the same
    ("GET", _HELD):                     "401  403 403 403 200 403   403 403 403 404 403",
    ("GET", _PICTURE):                  "401  403 403 403 404 403   403 403 403 404 403",
    ("POST", f"{_HELD}/keep"):          "401  403 403 403 200 403   403 403 403 404 403",
    ("POST", f"{_HELD}/accept"):        "401  403 403 403 202 403   403 403 403 404 403",
    # What could not be registered is nobody's yet, and says nothing but why.
    ("GET", "api/arrival-failures"):    "401  403 403 403 200 403   403 403 403 200 403",
    ("POST", _RETRY):                   "401  403 403 403 202 403   403 403 403 202 403",
    ("GET", "api/studies"):             "401  200 403 200 403 403   200 403 200 403 403",
    ("GET", _STUDY):                    "401  200 403 200 403 403   404 403 404 403 403",
}
# fmt: on
SOCKETS: dict[str, str] = {}
DECISION = {"reason": "compared by eye", "confirm": True}


def populate(worlds: Worlds) -> None:
    """Hold something of site A's, and let an arrival fail."""
    study = worlds.a.things["study"]
    worlds.a.things["conflict"] = QuarantinedStudy.objects.create(
        kind=QuarantineKind.CONFLICT,
        study=study,
        site=worlds.a.site,
        study_uid=study.study_uid,
        reason="Other content.",
        arrived_at=clock.now(),
    )
    worlds.a.things["failure"] = ArrivalFailure.objects.create(
        archive_id=uuid4().hex, attempts=1, reason="Odd.", retry_at=clock.now()
    )


def _of_conflict(suffix: str = "", body: object = None) -> Callable[[Worlds], Call]:
    return lambda w: Call(f"/api/quarantine/{w.a.things['conflict'].id}{suffix}", body)


CALLS: dict[Key, Callable[[Worlds], Call]] = {
    ("GET", _HELD): _of_conflict(),
    ("GET", _PICTURE): _of_conflict("/pictures/there/1.2.3"),
    ("POST", f"{_HELD}/keep"): _of_conflict("/keep", DECISION),
    ("POST", f"{_HELD}/accept"): _of_conflict("/accept", DECISION),
    ("GET", "api/arrival-failures"): lambda _: Call("/api/arrival-failures"),
    ("POST", _RETRY): lambda w: Call(
        f"/api/arrival-failures/{w.a.things['failure'].id}/retry", {}
    ),
    ("GET", "api/studies"): lambda _: Call("/api/studies"),
    ("GET", _STUDY): lambda w: Call(f"/api/studies/{w.a.things['study'].id}"),
}

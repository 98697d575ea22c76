"""Plain values that the studies application hands out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class PackState(StrEnum):
    """How far the pixel pack of a revision is."""

    ABSENT = "absent"
    BUILDING = "building"
    READY = "ready"
    FAILED = "failed"


class Renewal(StrEnum):
    """What becomes of a request that waited until its token had ended."""

    SEND = "send"
    """It is sent again."""
    LEAVE = "leave"
    """Nothing: it has its answer, or another request is on its way."""
    FAIL = "fail"
    """It was sent again too often, or nobody wants its answer any more."""


class QuarantineKind(StrEnum):
    """Why something is held."""

    UNKNOWN_SITE = "unknown_site"
    OTHER_PATIENT = "other_patient"
    CONFLICT = "conflict"


class QuarantineState(StrEnum):
    """What became of something held.

    `kept`: what was there stayed, this was turned down. `accepting`: a person let
    this take the place of what was there, and it is being done. `accepted`: it is
    done. `replaced`: this was there, and something else took its place. `gone`: the
    archive has it no longer.
    """

    HELD = "held"
    RELEASED = "released"
    KEPT = "kept"
    ACCEPTING = "accepting"
    ACCEPTED = "accepted"
    REPLACED = "replaced"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """Outcome of registering one arrival.

    Attributes:
        study_id: The study's id.
        revision_id: The revision that the images of this arrival make up; None
            when the study has no image (only reports, say).
        is_new_revision: True when this arrival made the revision.
    """

    study_id: UUID
    revision_id: UUID | None
    is_new_revision: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Outcome of an arrival that no site could be found for."""

    quarantine_id: UUID
    reason: str

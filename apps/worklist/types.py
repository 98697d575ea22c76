"""Plain values of the worklist."""

from __future__ import annotations

from enum import StrEnum


class Band(StrEnum):
    """Priority band."""

    STAT = "STAT"
    PRIORITY = "PRIORITY"
    ROUTINE = "ROUTINE"


class BandSource(StrEnum):
    """Who set the band."""

    SITE_RULE = "site_rule"
    AI = "ai"
    CLINICIAN = "clinician"


class ItemState(StrEnum):
    """Where a work item is."""

    OPEN = "open"
    LEASED = "leased"
    DONE = "done"
    CANCELLED = "cancelled"


class ItemReason(StrEnum):
    """Why there is something to read."""

    CLINICAL = "clinical"
    LABEL = "label"
    RELABEL = "relabel"
    ADJUDICATE = "adjudicate"
    QUALITY_CHECK = "quality_check"


class SortColumn(StrEnum):
    """A column that the list can be sorted by within its bands."""

    WAITING = "waiting"
    DEADLINE = "deadline"
    PATIENT = "patient"
    STUDY = "study"
    MODALITY = "modality"
    BODY_PART = "body_part"
    AI = "ai"


ON_LIST = (ItemState.OPEN.value, ItemState.LEASED.value)

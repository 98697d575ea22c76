"""Plain values of readings."""

from __future__ import annotations

from enum import StrEnum


class DisplayMode(StrEnum):
    """When a reader under a protocol sees the AI."""

    NONE = "none"
    AFTER_COMMIT = "after_commit"
    CONCURRENT = "concurrent"


class ReadingState(StrEnum):
    """Where a reading is (PRODUCT: Reading)."""

    DRAFT = "draft"
    UNAIDED = "unaided"
    COMMITTED = "committed"
    REVEALED = "revealed"
    SIGNED = "signed"


class VerificationState(StrEnum):
    """How far the verification of a preliminary reading is."""

    WAITING = "waiting"
    SENT_BACK = "sent_back"
    VERIFIED = "verified"
    REPLACED = "replaced"


class JobState(StrEnum):
    """How far a worker's job for a reader is."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class VerdictKind(StrEnum):
    """A person's answer to one finding."""

    ACCEPT = "accept"
    REJECT = "reject"
    MODIFY = "modify"


REJECT_REASONS: dict[str, str] = {
    "artefact": "Artefact or device",
    "normal_anatomy": "Normal anatomy or variant",
    "other_pathology": "Another pathology",
    "wrong_location": "Wrong location",
    "known_chronic": "Known, old, unchanged",
    "image_quality": "Image quality insufficient",
    "not_present": "Not present",
    "other": "Other (say what)",
}

AMEND_REASONS: dict[str, str] = {
    "correction": "Correction of an error",
    "addition": "Something was left out",
    "new_images": "Further images",
    "clinical_info": "New clinical information",
    "second_opinion": "Second opinion or discussion",
    "other": "Other (say what)",
}

BAND_REASONS: dict[str, str] = {
    "clinical_info": "Clinical information",
    "referrer_request": "Referrer asked",
    "patient_waiting": "Patient is waiting",
    "ai_wrong": "AI is wrong",
    "already_known": "Already known or treated",
    "other": "Other (say what)",
}

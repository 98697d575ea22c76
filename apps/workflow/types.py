"""Plain words of what comes in: how files and batches end."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """How it ended for one file; every file ends in exactly one way."""

    STORED = "stored"
    ALREADY = "already"
    CONFLICT = "conflict"
    REFUSED = "refused"
    SKIPPED = "skipped"


class RowStatus(StrEnum):
    """What a line of a report says beside the outcomes of files."""

    OPENED = "opened"
    MISSING = "missing"


class FileState(StrEnum):
    """How far a file of an upload has come."""

    WAITING = "waiting"
    RECEIVED = "received"
    TAKEN = "taken"


class IntakeState(StrEnum):
    """How far a batch has come."""

    OPEN = "open"
    DONE = "done"
    ABANDONED = "abandoned"


class Via(StrEnum):
    """Which way files came in."""

    COMMAND = "command"
    UPLOAD = "upload"
    STOW = "stow"
    WATCH = "watch"

"""What came by C-STORE and is in no study: kept unread, or refused by the archive.

Both are written beside each other under `held`: files that nobody can read, each with
a text that says why, and notes of the archive's plugin about what it refused.
"""

from __future__ import annotations

import json
import logging
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from apps.core import clock
from apps.core.errors import Forbidden
from apps.core.permissions import Permission
from apps.studies.held import arrivals_folder, held_folder

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from apps.accounts.types import Actor

log = logging.getLogger(__name__)
UNREADABLE: Final = ".unreadable"
SHOWN: Final = 200
SHOWN_FOR: Final = timedelta(days=30)
_NOTE: Final = re.compile(r"[0-9a-f]{64}\.json")
_NO_WORDS: Final = "It cannot be read as DICOM."


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """A file that was kept and that nobody can read.

    Attributes:
        name: Of the file in the folder `held/arrivals`: a hash, it names no patient.
        reason: Why it cannot be read.
        size: Bytes.
        arrived_at: When it came.
    """

    name: str
    reason: str
    size: int
    arrived_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What the archive's plugin refused of one sender for one reason.

    Attributes:
        id: Names the pair of sender and reason.
        sender: The calling AE title, '' when it is not known.
        reason: Why, in plain words.
        n: How many objects.
        first_at: When the first one came.
        last_at: When the last one came.
    """

    id: str
    sender: str
    reason: str
    n: int
    first_at: datetime
    last_at: datetime


def refusals_folder() -> Path:
    """Return where the archive's plugin notes what it refused."""
    return held_folder() / "refused"


def set_aside(path: Path, *, reason: str) -> None:
    """Leave a kept file where it is, out of the way, with a text that says why."""
    note = path.with_suffix(".reason.txt")
    note.touch(mode=0o600)
    note.write_text(reason, encoding="utf-8")
    path.rename(path.with_suffix(UNREADABLE))


def unread_arrivals(*, actor: Actor) -> list[Unread]:
    """Return kept files that nobody can read, newest first."""
    _check(actor)
    found = [row for path in _in(arrivals_folder()) if (row := _unread(path))]
    return sorted(found, key=lambda row: row.arrived_at, reverse=True)[:SHOWN]


def archive_refusals(*, actor: Actor) -> list[Refusal]:
    """Return what the archive refused in the last 30 days, newest first."""
    _check(actor)
    since = clock.now() - SHOWN_FOR
    found = [row for path in _in(refusals_folder()) if (row := _refusal(path))]
    recent = [row for row in found if row.last_at > since]
    return sorted(recent, key=lambda row: row.last_at, reverse=True)[:SHOWN]


def _check(actor: Actor) -> None:
    if not actor.sites_with(Permission.QUARANTINE_MANAGE):
        raise Forbidden("forbidden", "You do not manage the quarantine.")


def _in(folder: Path) -> Iterable[Path]:
    try:
        return list(folder.iterdir())
    except FileNotFoundError:
        return []


def _unread(path: Path) -> Unread | None:
    if path.suffix != UNREADABLE:
        return None
    try:
        facts = path.stat()
    except FileNotFoundError:  # an administrator took it away just now
        return None
    try:
        reason = path.with_suffix(".reason.txt").read_text(encoding="utf-8")
    except FileNotFoundError:
        reason = _NO_WORDS
    return Unread(
        name=path.name,
        reason=reason.strip() or _NO_WORDS,
        size=facts.st_size,
        arrived_at=datetime.fromtimestamp(facts.st_mtime, tz=UTC),
    )


def _refusal(path: Path) -> Refusal | None:
    if not _NOTE.fullmatch(path.name):
        return None
    try:
        facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return Refusal(
            id=path.stem,
            sender=str(facts["sender"])[:64],
            reason=str(facts["reason"])[:400],
            n=int(facts["n"]),
            first_at=datetime.fromtimestamp(float(facts["first_at"]), tz=UTC),
            last_at=datetime.fromtimestamp(float(facts["last_at"]), tz=UTC),
        )
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        log.warning("a note about a refusal cannot be read: %s", path.name)
        return None

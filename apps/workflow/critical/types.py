"""What may be said of a critical result: who was told and how, or why nobody. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.utils.dateparse import parse_datetime

from apps.core.errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Mapping

HOW: dict[str, str] = {
    "phone": "By telephone",
    "in_person": "In person",
    "message": "By a secure message that was answered",
    "pager": "By pager, called back",
}
WHY_NOT: dict[str, str] = {
    "already_known": "The treating team knows of it already",
    "unreachable": "Nobody responsible could be reached",
    "patient_gone": "The patient has died or left care",
    "not_acute": "It needs no action now",
    "amended": "The finding was taken back by an amendment",
    "other": "Other (say what)",
}
CLOCK_SKEW = timedelta(minutes=2)
LONGEST_AGO = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """How a critical result is closed: told to somebody, or a reason why not.

    Attributes:
        told_to: Who was told; empty where nobody was.
        told_role: What they are (ward doctor, referrer), if said.
        how: A key of `HOW`; empty where nobody was told.
        told_at: When; None where nobody was told.
        read_back: Whether they repeated it; None where nobody was told.
        reason_code: A key of `WHY_NOT`; empty where somebody was told.
        reason_text: The reason in words; needed for `other`.
    """

    told_to: str = ""
    told_role: str = ""
    how: str = ""
    told_at: datetime | None = None
    read_back: bool | None = None
    reason_code: str = ""
    reason_text: str = ""


def _wrong(field: str, why: str) -> Invalid:
    return Invalid("invalid", f"{field}: {why}.", field=field)


def _words(body: Mapping[str, Any], field: str, limit: int) -> str:
    value = body.get(field) or ""
    if not isinstance(value, str) or len(value) > limit or "\x00" in value:
        raise _wrong(field, f"is text of up to {limit} characters")
    return value.strip()


def parse_told(*, raw: object, now: datetime) -> Told:
    """Return what was said, every field checked.

    Raises:
        Invalid: Names the field that is missing or wrong, in plain words.
    """
    if not isinstance(raw, dict):
        raise _wrong("told", "says who was told, or why nobody")
    if raw.get("reason_code"):
        return _why_not(raw)
    told_to = _words(raw, "told_to", 160)
    if not told_to:
        raise _wrong("told_to", "say who was told, or give a reason why nobody was")
    how = raw.get("how")
    if not isinstance(how, str) or how not in HOW:
        raise _wrong("how", f"is one of {', '.join(HOW)}")
    if not isinstance(raw.get("read_back"), bool):
        raise _wrong("read_back", "say whether it was read back, yes or no")
    return Told(
        told_to=told_to,
        told_role=_words(raw, "told_role", 80),
        how=how,
        told_at=_moment(raw.get("told_at"), now),
        read_back=raw["read_back"],
    )


def _why_not(raw: Mapping[str, Any]) -> Told:
    code = raw["reason_code"]
    if not isinstance(code, str) or code not in WHY_NOT or code == "amended":
        raise _wrong("reason_code", "is not a reason of the list")
    words = _words(raw, "reason_text", 400)
    if code == "other" and not words:
        raise _wrong("reason_text", "say in words why nobody was told")
    return Told(reason_code=code, reason_text=words)


def _moment(value: object, now: datetime) -> datetime:
    moment = None
    if isinstance(value, str):
        try:
            moment = parse_datetime(value)
        except ValueError:
            moment = None
    if moment is None or moment.tzinfo is None:
        raise _wrong("told_at", "is a time with its zone")
    if moment > now + CLOCK_SKEW:
        raise _wrong("told_at", "lies in the future")
    if moment < now - LONGEST_AGO:
        raise _wrong("told_at", "lies more than a week back")
    return moment

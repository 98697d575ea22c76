"""What a reader answers to objects of others: parsed once, at the edge. Pure.

An answer names the object and the thing in it; the object itself is never changed.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any

from apps.annotations.geometry import is_uid, mapping, wrong
from apps.annotations.types import REJECT_REASONS

MAX_ANSWERS = 500
_KEY = re.compile(r"[a-z][0-9]{1,9}")
_VERDICTS = ("accept", "reject")
_PLAIN = re.compile("[^\x00\ud800-\udfff]*", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignAnswer:
    """The answer to one thing that an object of others says.

    Attributes:
        sop_uid: The object.
        series_uid: Its series.
        sop_class_uid: Its SOP class.
        key: The thing in it, see `apps.interop.dicom.foreign.types.Item`.
        tracking_uid: The thing's own, '' when it has none.
        tracking_id: The same for people.
        scheme: Of the label's code, may be ''.
        code: Of the label, may be ''.
        display: What it is called.
        image_uid: An image that it lies on, '' when it says none.
        verdict: accept or reject.
        reason_code: Why it is rejected.
        reason_text: The same in the reader's words.
    """

    sop_uid: str
    series_uid: str
    sop_class_uid: str
    key: str
    tracking_uid: str
    tracking_id: str
    scheme: str
    code: str
    display: str
    image_uid: str
    verdict: str
    reason_code: str
    reason_text: str


_TEXTS = {
    "tracking_id": 200,
    "scheme": 16,
    "code": 32,
    "display": 120,
    "reason_text": 2000,
}


def parse_answers(*, raw: object, field: str) -> tuple[ForeignAnswer, ...]:
    """Return the answers of a reading, by `<sop_uid>#<key>`.

    Raises:
        Invalid: Names the field that is wrong and why.
    """
    body = mapping(raw, field)
    if len(body) > MAX_ANSWERS:
        raise wrong(field, f"has up to {MAX_ANSWERS} answers")
    return tuple(_answer(str(name), value, field) for name, value in body.items())


def plain_answers(answers: tuple[ForeignAnswer, ...]) -> dict[str, Any]:
    """Return the JSON form; parsing it again gives the same answers."""
    return {f"{a.sop_uid}#{a.key}": asdict(a) for a in answers}


def gaps(answers: tuple[ForeignAnswer, ...]) -> list[dict[str, str]]:
    """Return what the answers still lack before they can be signed."""
    return [
        {
            "field": f"foreign.{a.sop_uid}#{a.key}",
            "detail": f"Say why “{a.display}” from PACS is rejected.",
        }
        for a in answers
        if a.verdict == "reject"
        and (
            not a.reason_code
            or (a.reason_code == "other" and not a.reason_text.strip())
        )
    ]


def _answer(name: str, value: object, field: str) -> ForeignAnswer:
    body = mapping(value, field)
    uids = {
        key: _uid(body.get(key), f"{field}.{key}", optional=optional)
        for key, optional in (
            ("sop_uid", False),
            ("series_uid", False),
            ("sop_class_uid", False),
            ("tracking_uid", True),
            ("image_uid", True),
        )
    }
    key = body.get("key")
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        raise wrong(f"{field}.key", "is the key of an item")
    if name != f"{uids['sop_uid']}#{key}":
        raise wrong(field, "is named by its object and key")
    if body.get("verdict") not in _VERDICTS:
        raise wrong(f"{field}.verdict", f"is one of {', '.join(_VERDICTS)}")
    reason = body.get("reason_code") or ""
    if not isinstance(reason, str) or (reason and reason not in REJECT_REASONS):
        raise wrong(f"{field}.reason_code", "is not a reason of the vocabulary")
    texts = {
        key: _text(body.get(key) or "", f"{field}.{key}", limit)
        for key, limit in _TEXTS.items()
    }
    if not texts["display"]:
        raise wrong(f"{field}.display", "says what it is called")
    return ForeignAnswer(
        key=key, verdict=str(body["verdict"]), reason_code=reason, **uids, **texts
    )


def _uid(value: object, field: str, *, optional: bool) -> str:
    if optional and not value:
        return ""
    if not is_uid(value):
        raise wrong(field, "is a DICOM UID")
    return str(value)


def _text(value: object, field: str, limit: int) -> str:
    if not isinstance(value, str) or len(value) > limit:
        raise wrong(field, f"is text of up to {limit} characters")
    if not _PLAIN.fullmatch(value):
        raise wrong(field, "has a character that is no text")
    return value

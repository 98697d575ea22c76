"""The written report inside a reading's content: sections of text, and their codes."""

from __future__ import annotations

import re
from typing import Any

from apps.annotations.geometry import mapping, wrong

MAX_SECTIONS = 30
MAX_CODES = 500
MAX_TEXT = 20_000
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_SOURCES = ("ai", "reader")


def parse_report(*, raw: object) -> dict[str, Any] | None:
    """Return a reading's report, every field checked; None where none is written.

    `{template: {code, version, name}, sections: [{key, title, text, edited}],
    codes: [{scheme, code, display, present, source, source_id}]}`. A section that is
    not `edited` is as it was drafted from the answers.

    Raises:
        Invalid: Names the field that is wrong.
    """
    if raw is None:
        return None
    field = "content.report"
    body = mapping(raw, field)
    template = mapping(body.get("template"), f"{field}.template")
    version = template.get("version")
    if not isinstance(version, int) or isinstance(version, bool):
        raise wrong(f"{field}.template.version", "is a number")
    return {
        "template": {
            "code": _text(template.get("code"), f"{field}.template.code", 40),
            "version": version,
            "name": _text(template.get("name"), f"{field}.template.name", 120),
        },
        "sections": [
            _section(one, f"{field}.sections[{i}]")
            for i, one in enumerate(_list(body, "sections", field, MAX_SECTIONS))
        ],
        "codes": [
            _code(one, f"{field}.codes[{i}]")
            for i, one in enumerate(_list(body, "codes", field, MAX_CODES))
        ],
    }


def _list(body: Any, name: str, field: str, limit: int) -> list[Any]:
    value = body.get(name, [])
    if not isinstance(value, list) or len(value) > limit:
        raise wrong(f"{field}.{name}", f"is a list of up to {limit}")
    return value


def _text(value: object, field: str, limit: int) -> str:
    if not isinstance(value, str) or len(value) > limit or _UNSTORABLE.search(value):
        raise wrong(field, f"is text of up to {limit} characters")
    return value


def _flag(value: object, field: str) -> bool:
    if not isinstance(value, bool):
        raise wrong(field, "is true or false")
    return value


def _section(value: object, field: str) -> dict[str, Any]:
    body = mapping(value, field)
    return {
        "key": _text(body.get("key"), f"{field}.key", 40),
        "title": _text(body.get("title"), f"{field}.title", 80),
        "text": _text(body.get("text"), f"{field}.text", MAX_TEXT),
        "edited": _flag(body.get("edited", False), f"{field}.edited"),
    }


def _code(value: object, field: str) -> dict[str, Any]:
    body = mapping(value, field)
    if body.get("source") not in _SOURCES:
        raise wrong(f"{field}.source", "is ai or reader")
    return {
        "scheme": _text(body.get("scheme"), f"{field}.scheme", 16),
        "code": _text(body.get("code"), f"{field}.code", 32),
        "display": _text(body.get("display"), f"{field}.display", 120),
        "present": _flag(body.get("present"), f"{field}.present"),
        "source": body["source"],
        "source_id": _text(body.get("source_id"), f"{field}.source_id", 64),
    }

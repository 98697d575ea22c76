"""Texts and coded labels inside a reading's content: parsed once, at the edge. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from apps.annotations.geometry import mapping, wrong

MAX_TEXT: Final = 20_000
# Half a surrogate pair and NUL pass as JSON, but no database stores them.
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A coded label: scheme, code and what people read."""

    scheme: str
    code: str
    display: str


def parse_text(value: object, field: str, limit: int = MAX_TEXT) -> str:
    """Return a text of up to `limit` characters, or raise."""
    if not isinstance(value, str) or len(value) > limit:
        raise wrong(field, f"is text of up to {limit} characters")
    if _UNSTORABLE.search(value):
        raise wrong(field, "has a character that is no text")
    return value


def parse_label(value: object, field: str) -> Label:
    """Return a label of which every part is said, or raise."""
    body = mapping(value, field)
    parts = {
        name: parse_text(body.get(name), f"{field}.{name}", limit)
        for name, limit in (("scheme", 16), ("code", 32), ("display", 120))
    }
    if not all(parts.values()):
        raise wrong(field, "needs scheme, code and display")
    return Label(**parts)

"""A report's text from what was answered, by a template. Pure, without a clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from apps.core.errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

KINDS = ("text", "findings", "impression")
MAX_SECTIONS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One coded thing that a reading says is there, or is not.

    Attributes:
        scheme: Coding scheme (SCT, RADLEX).
        code: The code.
        display: What people read.
        present: Whether it is there.
        source: `ai` for an answered finding, `reader` for a mark of one's own.
        source_id: Id of the finding or mark.
        note: The reader's words beside it.
    """

    scheme: str
    code: str
    display: str
    present: bool
    source: str
    source_id: str
    note: str = ""


def choose_template(
    *,
    templates: Sequence[Mapping[str, Any]],
    modalities: Sequence[str],
    body_part: str,
    protocol: str,
) -> Mapping[str, Any]:
    """Return the template that fits a study best; the one for everything fits all.

    One that names the body part goes before one that does not, then one that names
    the protocol, then the order given (a site's own come first).
    """

    def fit(template: Mapping[str, Any]) -> tuple[int, int, int] | None:
        wanted = [set(template[name]) for name in ("modalities", "body_parts")]
        protocols = set(template["protocols"])
        if wanted[0] and not wanted[0] & set(modalities):
            return None
        if wanted[1] and body_part.upper() not in wanted[1]:
            return None
        if protocols and protocol not in protocols:
            return None
        return (bool(protocols), bool(wanted[1]), bool(wanted[0]))

    best: tuple[tuple[int, int, int], Mapping[str, Any]] | None = None
    for template in templates:
        found = fit(template)
        if found is not None and (best is None or found > best[0]):
            best = (found, template)
    if best is None:
        message = "no template fits every study"
        raise LookupError(message)
    return best[1]


def draft_sections(
    *, template: Mapping[str, Any], said: Sequence[Said]
) -> list[dict[str, Any]]:
    """Return the sections of a report as the answers give them.

    A section of kind `impression` is the reading's own impression and is not here.
    """
    return [
        {
            "key": section["key"],
            "title": section["title"],
            "text": _findings(section, said)
            if section["kind"] == "findings"
            else section["start"],
            "edited": False,
        }
        for section in template["sections"]
        if section["kind"] != "impression"
    ]


def _findings(section: Mapping[str, Any], said: Sequence[Said]) -> str:
    lines = [_sentence(one) for one in said]
    if not any(one.present for one in said) and section["normal"]:
        lines.append(section["normal"])
    return "\n".join(dict.fromkeys(lines))


def _sentence(one: Said) -> str:
    note = one.note.strip().rstrip(".")
    if not one.present:
        return f"No {_lower(one.display)}."
    return f"{one.display}: {note}." if note else f"{one.display}."


def _lower(display: str) -> str:
    """Begin with a small letter, unless it is an abbreviation."""
    head = display.split(" ", 1)[0]
    if len(head) > 1 and head[1:] != head[1:].lower():
        return display
    return display[:1].lower() + display[1:]


def plain_codes(*, said: Sequence[Said]) -> list[dict[str, Any]]:
    """Return the codes that a report keeps beside its text."""
    return [
        {
            "scheme": one.scheme,
            "code": one.code,
            "display": one.display,
            "present": one.present,
            "source": one.source,
            "source_id": one.source_id,
        }
        for one in said
    ]


def missing_sections(
    *,
    template: Mapping[str, Any],
    report: Mapping[str, Any] | None,
    impression: str,
) -> list[dict[str, str]]:
    """Return the required sections that are still empty, in words."""
    written = {
        section["key"]: section["text"]
        for section in (report or {}).get("sections", ())
    }
    missing = []
    for section in template["sections"]:
        is_impression = section["kind"] == "impression"
        text = impression if is_impression else written.get(section["key"], "")
        if section["required"] and not text.strip():
            missing.append(
                {
                    "field": f"report.{section['key']}",
                    "detail": f"Fill in “{section['title']}” in the report: "
                    f"the template “{template['name']}” requires it.",
                }
            )
    return missing


def parse_template(*, raw: object) -> dict[str, Any]:
    """Return a template as an administrator wrote it, every field checked.

    Raises:
        Invalid: Names the field that is wrong.
    """
    if not isinstance(raw, dict):
        raise _wrong("template", "is an object")
    sections = raw.get("sections")
    if not isinstance(sections, list) or not 1 <= len(sections) <= MAX_SECTIONS:
        raise _wrong("sections", f"is a list of 1 to {MAX_SECTIONS}")
    parsed = [_section(one, f"sections[{i}]") for i, one in enumerate(sections)]
    keys = [section["key"] for section in parsed]
    if len(set(keys)) != len(keys):
        raise _wrong("sections", "has two sections with one key")
    return {
        "name": _words(raw, "name", 120, needed=True),
        "modalities": _names(raw, "modalities"),
        "body_parts": [part.upper() for part in _names(raw, "body_parts")],
        "protocols": _names(raw, "protocols"),
        "sections": parsed,
    }


def _wrong(field: str, why: str) -> Invalid:
    return Invalid("invalid", f"{field}: {why}.", field=field)


def _words(
    body: Mapping[str, Any], name: str, limit: int, *, needed: bool = False
) -> str:
    value = body.get(name, "")
    if not isinstance(value, str) or len(value) > limit or "\x00" in value:
        raise _wrong(name, f"is text of up to {limit} characters")
    if needed and not value.strip():
        raise _wrong(name, "is needed")
    return value


def _names(body: Mapping[str, Any], name: str) -> list[str]:
    value = body.get(name, [])
    if not isinstance(value, list) or len(value) > 50:
        raise _wrong(name, "is a list of up to 50 words")
    if not all(isinstance(one, str) and 0 < len(one) <= 40 for one in value):
        raise _wrong(name, "is a list of words of up to 40 characters")
    return list(value)


def _section(value: object, field: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(field, "is an object")
    if value.get("kind") not in KINDS:
        raise _wrong(f"{field}.kind", f"is one of {', '.join(KINDS)}")
    if not isinstance(value.get("required", False), bool):
        raise _wrong(f"{field}.required", "is true or false")
    return {
        "key": _words(value, "key", 40, needed=True),
        "title": _words(value, "title", 80, needed=True),
        "kind": value["kind"],
        "required": value.get("required", False),
        "start": _words(value, "start", 4000),
        "normal": _words(value, "normal", 1000),
    }

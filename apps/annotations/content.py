"""What a reading contains: parsed once, at the edge. Pure.

The shape is `content` of docs/architecture.md. Errors name the field.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from apps.annotations.types import REJECT_REASONS, VerdictKind
from apps.core.errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Mapping

GEOMETRY_KINDS = {
    "box": 2,
    "point": 1,
    "length": 2,
    "ellipse": 4,
    "polyline": 2,
}
MAX_POINTS = 10_000
MAX_ANNOTATIONS = 500
MAX_TEXT = 20_000
_ID = re.compile(r"[0-9a-f-]{36}")
# Half a surrogate pair and NUL pass as JSON, but no database stores them.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
MAX_FRAME = 1_000_000
_UID = re.compile(r"[0-9]+(\.[0-9]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A coded label: scheme, code and what people read."""

    scheme: str
    code: str
    display: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Geometry:
    """A place on a named image.

    Attributes:
        kind: box, point, length, ellipse or polyline.
        space: `image` (column, row in pixels) or `patient` (mm, LPS).
        sop_uid: The image.
        frame: Frame number from 1.
        frame_of_reference_uid: For `patient` space.
        points: Two numbers a point in `image`, three in `patient`.
    """

    kind: str
    space: str
    sop_uid: str
    frame: int
    frame_of_reference_uid: str | None
    points: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictContent:
    """The answer to one finding."""

    finding_id: str
    verdict: VerdictKind
    reason_code: str
    reason_text: str
    label: Label | None
    geometry: Geometry | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotationContent:
    """A mark of the reader."""

    id: str
    tracking_uid: str
    label: Label
    geometry: Geometry
    text: str
    missed_by_ai: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingContent:
    """All that one reading says."""

    verdicts: tuple[VerdictContent, ...]
    annotations: tuple[AnnotationContent, ...]
    impression: str


EMPTY: dict[str, Any] = {"verdicts": {}, "annotations": [], "impression": ""}


def parse_content(*, raw: object) -> ReadingContent:
    """Return the content of a reading, every field checked.

    Raises:
        Invalid: Names the field that is wrong and why.
    """
    body = _mapping(raw, "content")
    unknown = set(body) - {"verdicts", "annotations", "impression"}
    if unknown:
        raise _wrong(f"content.{sorted(unknown)[0]}", "is no field of a reading")
    verdicts = _mapping(body.get("verdicts", {}), "content.verdicts")
    marks = body.get("annotations", [])
    if not isinstance(marks, list) or len(marks) > MAX_ANNOTATIONS:
        raise _wrong("content.annotations", f"is a list of up to {MAX_ANNOTATIONS}")
    parsed = tuple(
        _annotation(mark, f"content.annotations[{i}]") for i, mark in enumerate(marks)
    )
    ids = [mark.id for mark in parsed]
    if len(set(ids)) != len(ids):
        raise _wrong("content.annotations", "has two marks with one id")
    return ReadingContent(
        verdicts=tuple(
            _verdict(str(key), value, f"content.verdicts.{key}")
            for key, value in verdicts.items()
        ),
        annotations=parsed,
        impression=_text(body.get("impression", ""), "content.impression"),
    )


def plain_content(content: ReadingContent) -> dict[str, Any]:
    """Return the JSON form of a content; parsing it again gives the same content."""
    body = asdict(content)
    verdicts = {}
    for verdict in body["verdicts"]:
        key = verdict.pop("finding_id")
        verdicts[key] = {**verdict, "verdict": verdict["verdict"].value}
    return {
        "verdicts": verdicts,
        "annotations": list(body["annotations"]),
        "impression": body["impression"],
    }


def _wrong(field: str, why: str) -> Invalid:
    return Invalid("invalid", f"{field}: {why}.", field=field)


def _mapping(value: object, field: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(field, "is an object")
    return value


def _text(value: object, field: str, limit: int = MAX_TEXT) -> str:
    if not isinstance(value, str) or len(value) > limit:
        raise _wrong(field, f"is text of up to {limit} characters")
    if _UNSTORABLE.search(value):
        raise _wrong(field, "has a character that is no text")
    return value


def _label(value: object, field: str) -> Label:
    body = _mapping(value, field)
    parts = {
        name: _text(body.get(name), f"{field}.{name}", limit)
        for name, limit in (("scheme", 16), ("code", 32), ("display", 120))
    }
    if not all(parts.values()):
        raise _wrong(field, "needs scheme, code and display")
    return Label(**parts)


def _geometry(value: object, field: str) -> Geometry:
    body = _mapping(value, field)
    kind, space = body.get("kind"), body.get("space")
    if not isinstance(kind, str) or kind not in GEOMETRY_KINDS:
        raise _wrong(f"{field}.kind", f"is one of {', '.join(GEOMETRY_KINDS)}")
    if space not in ("image", "patient"):
        raise _wrong(f"{field}.space", "is image or patient")
    frame = body.get("frame", 1)
    whole = isinstance(frame, int) and not isinstance(frame, bool)
    if not whole or not 1 <= frame <= MAX_FRAME:
        raise _wrong(f"{field}.frame", "counts from 1")
    reference = body.get("frame_of_reference_uid")
    if space == "patient" and not _is_uid(reference):
        raise _wrong(f"{field}.frame_of_reference_uid", "is needed in patient space")
    if not _is_uid(body.get("sop_uid")):
        raise _wrong(f"{field}.sop_uid", "is a DICOM UID")
    return Geometry(
        kind=str(kind),
        space=str(space),
        sop_uid=str(body["sop_uid"]),
        frame=frame,
        frame_of_reference_uid=str(reference) if reference else None,
        points=_points(
            body.get("points"), f"{field}.points", str(kind), 2 + (space == "patient")
        ),
    )


def _is_uid(value: object) -> bool:
    return isinstance(value, str) and len(value) <= 64 and bool(_UID.fullmatch(value))


def _points(
    value: object, field: str, kind: str, size: int
) -> tuple[tuple[float, ...], ...]:
    least = GEOMETRY_KINDS[kind]
    if not isinstance(value, list) or not least <= len(value) <= MAX_POINTS:
        raise _wrong(field, f"a {kind} has at least {least} points")
    if kind != "polyline" and len(value) != least:
        raise _wrong(field, f"a {kind} has {least} points")
    return tuple(_point(point, f"{field}[{i}]", size) for i, point in enumerate(value))


def _point(value: object, field: str, size: int) -> tuple[float, ...]:
    if not isinstance(value, list) or len(value) != size:
        raise _wrong(field, f"has {size} numbers")
    for number in value:
        plain = isinstance(number, int | float) and not isinstance(number, bool)
        if not plain or not abs(number) <= 1e7:  # nor is NaN
            raise _wrong(field, f"has {size} finite numbers")
    return tuple(float(number) for number in value)


def _verdict(finding_id: str, value: object, field: str) -> VerdictContent:
    if not _ID.fullmatch(finding_id):
        raise _wrong(field.replace(finding_id, "…"), "is not the id of a finding")
    body = _mapping(value, field)
    kinds = [kind.value for kind in VerdictKind]
    if body.get("verdict") not in kinds:
        raise _wrong(f"{field}.verdict", f"is one of {', '.join(kinds)}")
    reason = _text(body.get("reason_code") or "", f"{field}.reason_code", 32)
    if reason and reason not in REJECT_REASONS:
        raise _wrong(f"{field}.reason_code", "is not a reason of the vocabulary")
    label, geometry = body.get("label"), body.get("geometry")
    return VerdictContent(
        finding_id=finding_id,
        verdict=VerdictKind(body["verdict"]),
        reason_code=reason,
        reason_text=_text(body.get("reason_text") or "", f"{field}.reason_text", 2000),
        label=_label(label, f"{field}.label") if label else None,
        geometry=_geometry(geometry, f"{field}.geometry") if geometry else None,
    )


def _annotation(value: object, field: str) -> AnnotationContent:
    body = _mapping(value, field)
    mark_id = _text(body.get("id"), f"{field}.id", 64)
    tracking = body.get("tracking_uid")
    if not mark_id or not _is_uid(tracking):
        raise _wrong(field, "needs an id and a tracking_uid")
    missed = body.get("missed_by_ai", False)
    if not isinstance(missed, bool):
        raise _wrong(f"{field}.missed_by_ai", "is true or false")
    return AnnotationContent(
        id=mark_id,
        tracking_uid=str(tracking),
        label=_label(body.get("label"), f"{field}.label"),
        geometry=_geometry(body.get("geometry"), f"{field}.geometry"),
        text=_text(body.get("text") or "", f"{field}.text", 2000),
        missed_by_ai=missed,
    )


def missing_for_signing(
    *, content: ReadingContent, findings: Mapping[str, str]
) -> list[dict[str, str]]:
    """Return what a reading still lacks before it can be signed.

    Args:
        content: The reading.
        findings: Id → label of each finding that must be answered.
    """
    answered = {verdict.finding_id: verdict for verdict in content.verdicts}
    missing = [
        {"field": f"verdicts.{key}", "detail": f"Answer “{label}” first."}
        for key, label in findings.items()
        if key not in answered
    ]
    for key, verdict in answered.items():
        missing += _verdict_gaps(key, verdict, findings.get(key, "the finding"))
    return missing


def _verdict_gaps(
    key: str, verdict: VerdictContent, label: str
) -> list[dict[str, str]]:
    field = f"verdicts.{key}"
    if verdict.verdict is VerdictKind.REJECT and not verdict.reason_code:
        return [{"field": field, "detail": f"Say why “{label}” is rejected."}]
    if verdict.reason_code == "other" and not verdict.reason_text.strip():
        return [{"field": field, "detail": f"Say in words why “{label}” is rejected."}]
    modified = verdict.label is not None or verdict.geometry is not None
    if verdict.verdict is VerdictKind.MODIFY and not modified:
        return [{"field": field, "detail": f"Change the label or box of “{label}”."}]
    return []

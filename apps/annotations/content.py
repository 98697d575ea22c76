"""What a reading contains: parsed once, at the edge. Pure.

The shape is `content` of docs/architecture.md. Errors name the field.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from apps.annotations.foreign_answers import (
    ForeignAnswer,
    gaps,
    parse_answers,
    plain_answers,
)
from apps.annotations.geometry import (
    Geometry,
    is_uid,
    mapping,
    parse_geometry,
    require_extent,
    wrong,
)
from apps.annotations.labels import Label, parse_label, parse_text
from apps.annotations.measured import Measured, parse_measured
from apps.annotations.report_content import parse_report
from apps.annotations.segment_content import (
    SegmentationContent,
    parse_segmentations,
    plain_segmentation,
)
from apps.annotations.types import REJECT_REASONS, VerdictKind

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_ANNOTATIONS = 500
_ID = re.compile(r"[0-9a-f-]{36}")
_FIELDS = frozenset(
    {"verdicts", "annotations", "impression", "foreign", "report", "segmentations"}
)


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
    measured: Measured | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingContent:
    """All that one reading says."""

    verdicts: tuple[VerdictContent, ...]
    annotations: tuple[AnnotationContent, ...]
    impression: str
    foreign: tuple[ForeignAnswer, ...] = ()
    report: dict[str, Any] | None = None
    segmentations: tuple[SegmentationContent, ...] = ()


EMPTY: dict[str, Any] = {"verdicts": {}, "annotations": [], "impression": ""}


def parse_content(*, raw: object) -> ReadingContent:
    """Return the content of a reading, every field checked.

    Raises:
        Invalid: Names the field that is wrong and why.
    """
    body = mapping(raw, "content")
    unknown = set(body) - _FIELDS
    if unknown:
        raise wrong(f"content.{sorted(unknown)[0]}", "is no field of a reading")
    verdicts = mapping(body.get("verdicts", {}), "content.verdicts")
    marks = body.get("annotations", [])
    if not isinstance(marks, list) or len(marks) > MAX_ANNOTATIONS:
        raise wrong("content.annotations", f"is a list of up to {MAX_ANNOTATIONS}")
    parsed = tuple(
        _annotation(mark, f"content.annotations[{i}]") for i, mark in enumerate(marks)
    )
    ids = [mark.id for mark in parsed]
    if len(set(ids)) != len(ids):
        raise wrong("content.annotations", "has two marks with one id")
    return ReadingContent(
        verdicts=tuple(
            _verdict(str(key), value, f"content.verdicts.{key}")
            for key, value in verdicts.items()
        ),
        annotations=parsed,
        impression=parse_text(body.get("impression", ""), "content.impression"),
        foreign=parse_answers(raw=body.get("foreign", {}), field="content.foreign"),
        report=parse_report(raw=body.get("report")),
        segmentations=parse_segmentations(
            raw=body.get("segmentations", []), field="content.segmentations"
        ),
    )


def plain_content(content: ReadingContent) -> dict[str, Any]:
    """Return the JSON form of a content; parsing it again gives the same content."""
    body = _listed(asdict(replace(content, segmentations=())))
    verdicts = {}
    for verdict in body["verdicts"]:
        key = verdict.pop("finding_id")
        verdicts[key] = {**verdict, "verdict": verdict["verdict"].value}
    foreign = plain_answers(content.foreign)
    drawn = [plain_segmentation(one) for one in content.segmentations]
    return {
        "verdicts": verdicts,
        "annotations": [_plain_mark(mark) for mark in body["annotations"]],
        "impression": body["impression"],
        **({"foreign": foreign} if foreign else {}),
        **({"report": body["report"]} if body["report"] else {}),
        **({"segmentations": drawn} if drawn else {}),
    }


def _listed(value: Any) -> Any:
    """Turn tuples into lists, as JSON has them."""
    if isinstance(value, dict):
        return {key: _listed(inner) for key, inner in value.items()}
    return [_listed(one) for one in value] if isinstance(value, list | tuple) else value


def _plain_mark(mark: dict[str, Any]) -> dict[str, Any]:
    """Leave out what a mark that measures nothing does not have."""
    if mark["measured"] is None:
        del mark["measured"]
    return mark


def _verdict(finding_id: str, value: object, field: str) -> VerdictContent:
    if not _ID.fullmatch(finding_id):
        raise wrong(field.replace(finding_id, "…"), "is not the id of a finding")
    body = mapping(value, field)
    kinds = [kind.value for kind in VerdictKind]
    if body.get("verdict") not in kinds:
        raise wrong(f"{field}.verdict", f"is one of {', '.join(kinds)}")
    reason = parse_text(body.get("reason_code") or "", f"{field}.reason_code", 32)
    if reason and reason not in REJECT_REASONS:
        raise wrong(f"{field}.reason_code", "is not a reason of the vocabulary")
    label, geometry = body.get("label"), body.get("geometry")
    return VerdictContent(
        finding_id=finding_id,
        verdict=VerdictKind(body["verdict"]),
        reason_code=reason,
        reason_text=parse_text(
            body.get("reason_text") or "", f"{field}.reason_text", 2000
        ),
        label=parse_label(label, f"{field}.label") if label else None,
        geometry=parse_geometry(raw=geometry, field=f"{field}.geometry")
        if geometry
        else None,
    )


def _annotation(value: object, field: str) -> AnnotationContent:
    body = mapping(value, field)
    geometry = parse_geometry(raw=body.get("geometry"), field=f"{field}.geometry")
    mark_id = parse_text(body.get("id"), f"{field}.id", 64)
    tracking = body.get("tracking_uid")
    if not mark_id or not is_uid(tracking):
        raise wrong(field, "needs an id and a tracking_uid")
    missed = body.get("missed_by_ai", False)
    if not isinstance(missed, bool):
        raise wrong(f"{field}.missed_by_ai", "is true or false")
    return AnnotationContent(
        id=mark_id,
        tracking_uid=str(tracking),
        label=parse_label(body.get("label"), f"{field}.label"),
        geometry=geometry,
        text=parse_text(body.get("text") or "", f"{field}.text", 2000),
        missed_by_ai=missed,
        measured=_measured(body.get("measured"), geometry, field),
    )


def _measured(raw: object, geometry: Geometry, field: str) -> Measured | None:
    if raw is None:
        return None
    require_extent(geometry=geometry, field=f"{field}.geometry")
    return parse_measured(raw=raw, geometry=geometry, field=f"{field}.measured")


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
    return missing + gaps(content.foreign)


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

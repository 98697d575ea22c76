"""What a reader drew voxel by voxel: parsed once, at the edge. Pure.

A segmentation is of one series. Its voxels are label maps, one an image, kept apart
under the SHA-256 of their bytes (`apps.annotations.segment_slices`); the content
only names them, so that undo, conflicts and stages are those of any draft.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from apps.annotations.geometry import MAX_FRAME, is_uid, mapping, wrong
from apps.annotations.labels import Label, parse_label, parse_text

MAX_SEGMENTATIONS: Final = 50
MAX_SEGMENTS: Final = 255
MAX_SLICES: Final = 5_000
MAX_SIDE: Final = 16_384
MAX_PIXELS: Final = 50_000_000
MAX_NOTE: Final = 2_000

SOURCES: Final = ("reader", "foreign", "ai")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_COLOUR: Final = re.compile(r"#[0-9a-fA-F]{6}")
_KEY: Final = re.compile(r"([0-9.]{1,64})#([1-9][0-9]{0,6})")
_SEGMENTATION: Final = frozenset(
    {
        "id",
        "series_uid",
        "frame_of_reference_uid",
        "rows",
        "columns",
        "segments",
        "slices",
    }
)
_SEGMENT: Final = frozenset({"number", "label", "colour", "note", "source"})
_SOURCE: Final = frozenset({"kind", "sop_uid", "segment", "finding_id"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentSource:
    """Where a segment's first voxels came from.

    Attributes:
        kind: `reader` by hand, `foreign` from an object of others, `ai` from a model.
        sop_uid: The object of others, '' for the rest.
        segment: Its segment, 0 for none.
        finding_id: The model's finding, '' for the rest.
    """

    kind: str
    sop_uid: str = ""
    segment: int = 0
    finding_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentContent:
    """One segment: the voxels that hold its number.

    Attributes:
        number: 1 to 255, the value in the label maps.
        label: What it is.
        colour: How it is drawn, `#rrggbb`.
        note: The reader's words.
        source: Where it came from; None when drawn by hand.
    """

    number: int
    label: Label
    colour: str
    note: str = ""
    source: SegmentSource | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentationContent:
    """All segments of one series.

    Attributes:
        id: Ours, lower-case canonical UUID.
        series_uid: The series that was drawn on.
        frame_of_reference_uid: Of its images; None when they have none.
        rows: Of each image.
        columns: Of each image.
        segments: In the order in which the reader lists them.
        slices: `<sop_uid>#<frame, 1-based>` → SHA-256 of the image's label map.
    """

    id: str
    series_uid: str
    frame_of_reference_uid: str | None
    rows: int
    columns: int
    segments: tuple[SegmentContent, ...]
    slices: tuple[tuple[str, str], ...]

    @property
    def numbers(self) -> frozenset[int]:
        """The numbers that its label maps may hold beside 0."""
        return frozenset(segment.number for segment in self.segments)


def split_key(key: str) -> tuple[str, int]:
    """Return SOP Instance UID and frame (1-based) of a slice's key.

    Raises:
        ValueError: It is no such key.
    """
    found = _KEY.fullmatch(key)
    if found is None or not is_uid(found[1]) or int(found[2]) > MAX_FRAME:
        raise ValueError(key)
    return found[1], int(found[2])


def is_sha256(value: object) -> bool:
    """Say whether a value is a SHA-256 in lower-case hexadecimal."""
    return isinstance(value, str) and _SHA256.fullmatch(value) is not None


def parse_size(*, rows: object, columns: object, field: str) -> tuple[int, int]:
    """Return rows and columns of an image, or raise."""
    for name, value in (("rows", rows), ("columns", columns)):
        if not _whole(value, 1, MAX_SIDE):
            raise wrong(f"{field}.{name}", f"is a number from 1 to {MAX_SIDE}")
    height, width = int(str(rows)), int(str(columns))
    if height * width > MAX_PIXELS:
        raise wrong(f"{field}.rows", f"an image has at most {MAX_PIXELS} pixels here")
    return height, width


def parse_slices(*, raw: object, field: str) -> tuple[tuple[str, str], ...]:
    """Return the named label maps by image, or raise."""
    body = mapping(raw, field)
    if len(body) > MAX_SLICES:
        raise wrong(field, f"has up to {MAX_SLICES} images")
    for key, sha256 in body.items():
        try:
            split_key(str(key))
        except ValueError as error:
            raise wrong(field, "is by <SOP Instance UID>#<frame>") from error
        if not is_sha256(sha256):
            raise wrong(f"{field}.{key}", "is a SHA-256 in lower-case hexadecimal")
    return tuple((str(key), str(sha256)) for key, sha256 in body.items())


def parse_segmentations(*, raw: object, field: str) -> tuple[SegmentationContent, ...]:
    """Return what a reading segments, every field checked.

    Raises:
        Invalid: Names the field that is wrong and why.
    """
    if not isinstance(raw, list) or len(raw) > MAX_SEGMENTATIONS:
        raise wrong(field, f"is a list of up to {MAX_SEGMENTATIONS}")
    parsed = tuple(_segmentation(one, f"{field}[{i}]") for i, one in enumerate(raw))
    if len({one.series_uid for one in parsed}) != len(parsed):
        raise wrong(field, "has two segmentations of one series")
    if len({one.id for one in parsed}) != len(parsed):
        raise wrong(field, "has two segmentations with one id")
    return parsed


def plain_segmentation(one: SegmentationContent) -> dict[str, Any]:
    """Return the JSON form; parsing it again gives the same segmentation."""
    return {
        "id": one.id,
        "series_uid": one.series_uid,
        "frame_of_reference_uid": one.frame_of_reference_uid,
        "rows": one.rows,
        "columns": one.columns,
        "segments": [_plain_segment(segment) for segment in one.segments],
        "slices": dict(one.slices),
    }


def _plain_segment(segment: SegmentContent) -> dict[str, Any]:
    label, source = segment.label, segment.source
    return {
        "number": segment.number,
        "label": {
            "scheme": label.scheme,
            "code": label.code,
            "display": label.display,
        },
        "colour": segment.colour,
        **({"note": segment.note} if segment.note else {}),
        **({"source": _plain_source(source)} if source else {}),
    }


def _plain_source(source: SegmentSource) -> dict[str, Any]:
    return {
        "kind": source.kind,
        **({"sop_uid": source.sop_uid} if source.sop_uid else {}),
        **({"segment": source.segment} if source.segment else {}),
        **({"finding_id": source.finding_id} if source.finding_id else {}),
    }


def _whole(value: object, least: int, most: int) -> bool:
    is_int = isinstance(value, int) and not isinstance(value, bool)
    return is_int and least <= int(str(value)) <= most


def _known(value: object, field: str, names: frozenset[str]) -> Any:
    body = mapping(value, field)
    unknown = sorted(set(body) - names)
    if unknown:
        raise wrong(f"{field}.{unknown[0]}", "is no field of it")
    return body


def _uuid(value: object, field: str) -> str:
    try:
        ok = isinstance(value, str) and str(UUID(value)) == value
    except ValueError:
        ok = False
    if not ok:
        raise wrong(field, "is a UUID in lower case")
    return str(value)


def _segmentation(value: object, field: str) -> SegmentationContent:
    body = _known(value, field, _SEGMENTATION)
    if not is_uid(body.get("series_uid")):
        raise wrong(f"{field}.series_uid", "is a DICOM UID")
    reference = body.get("frame_of_reference_uid")
    if reference is not None and not is_uid(reference):
        raise wrong(f"{field}.frame_of_reference_uid", "is a DICOM UID or null")
    rows, columns = parse_size(
        rows=body.get("rows"), columns=body.get("columns"), field=field
    )
    return SegmentationContent(
        id=_uuid(body.get("id"), f"{field}.id"),
        series_uid=str(body["series_uid"]),
        frame_of_reference_uid=reference,
        rows=rows,
        columns=columns,
        segments=_segments(body.get("segments"), f"{field}.segments"),
        slices=parse_slices(raw=body.get("slices"), field=f"{field}.slices"),
    )


def _segments(value: object, field: str) -> tuple[SegmentContent, ...]:
    if not isinstance(value, list) or len(value) > MAX_SEGMENTS:
        raise wrong(field, f"is a list of up to {MAX_SEGMENTS}")
    parsed = tuple(_segment(one, f"{field}[{i}]") for i, one in enumerate(value))
    if len({segment.number for segment in parsed}) != len(parsed):
        raise wrong(field, "has two segments with one number")
    return parsed


def _segment(value: object, field: str) -> SegmentContent:
    body = _known(value, field, _SEGMENT)
    if not _whole(body.get("number"), 1, MAX_SEGMENTS):
        raise wrong(f"{field}.number", f"is a number from 1 to {MAX_SEGMENTS}")
    colour = body.get("colour")
    if not isinstance(colour, str) or not _COLOUR.fullmatch(colour):
        raise wrong(f"{field}.colour", "is #rrggbb")
    source = body.get("source")
    return SegmentContent(
        number=body["number"],
        label=parse_label(body.get("label"), f"{field}.label"),
        colour=colour,
        note=parse_text(body.get("note") or "", f"{field}.note", MAX_NOTE),
        source=None if source is None else _source(source, f"{field}.source"),
    )


def _source(value: object, field: str) -> SegmentSource:
    body = _known(value, field, _SOURCE)
    kind = body.get("kind")
    if kind not in SOURCES:
        raise wrong(f"{field}.kind", f"is one of {', '.join(SOURCES)}")
    sop_uid, segment = body.get("sop_uid") or "", body.get("segment") or 0
    finding_id = body.get("finding_id") or ""
    if sop_uid and not is_uid(sop_uid):
        raise wrong(f"{field}.sop_uid", "is a DICOM UID")
    if segment and not _whole(segment, 1, 65_535):
        raise wrong(f"{field}.segment", "is the number of a segment")
    return SegmentSource(
        kind=str(kind),
        sop_uid=sop_uid,
        segment=segment,
        finding_id=_uuid(finding_id, f"{field}.finding_id") if finding_id else "",
    )

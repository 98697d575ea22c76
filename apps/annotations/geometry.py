"""Places on named images: parsed once, at the edge. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from apps.core.errors import Invalid

MAX_POINTS: Final = 10_000
MAX_FRAME: Final = 1_000_000
_UID = re.compile(r"[0-9]+(\.[0-9]+)*")

GEOMETRY_KINDS: Final[dict[str, int]] = {
    "box": 2,
    "point": 1,
    "length": 2,
    "ellipse": 4,
    "polyline": 2,
    "bidirectional": 4,
    "angle": 3,
    "cobb": 4,
    "circle": 2,
    "polygon": 3,
    "spline": 3,
    "arrow": 2,
}
"""The number of points of each kind; `OPEN_ENDED` ones have at least as many."""
OPEN_ENDED: Final = frozenset({"polyline", "polygon", "spline"})
_PIECES: Final[dict[str, tuple[tuple[int, int], ...]]] = {
    "length": ((0, 1),),
    "arrow": ((0, 1),),
    "circle": ((0, 1),),
    "angle": ((1, 0), (1, 2)),
    "cobb": ((0, 1), (2, 3)),
    "bidirectional": ((0, 1), (2, 3)),
    "ellipse": ((0, 1), (2, 3)),
}
"""Points that must lie apart, or the mark measures nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Geometry:
    """A place on a named image.

    Attributes:
        kind: One of `GEOMETRY_KINDS` (docs/architecture.md says what each means).
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


def wrong(field: str, why: str) -> Invalid:
    """Return the error that names a field and what is wrong with it."""
    return Invalid("invalid", f"{field}: {why}.", field=field)


def mapping(value: object, field: str) -> Mapping[str, Any]:
    """Return a JSON object, or raise."""
    if not isinstance(value, dict):
        raise wrong(field, "is an object")
    return value


def is_uid(value: object) -> bool:
    """Say whether a value is a DICOM UID."""
    return isinstance(value, str) and len(value) <= 64 and bool(_UID.fullmatch(value))


def is_number(value: object, *, most: float = 1e7) -> bool:
    """Say whether a value is a finite number of reasonable size."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= most  # nor is it NaN


def parse_geometry(*, raw: object, field: str) -> Geometry:
    """Return a place, every field checked.

    Raises:
        Invalid: Names the field that is wrong and why.
    """
    body = mapping(raw, field)
    kind, space = body.get("kind"), body.get("space")
    if not isinstance(kind, str) or kind not in GEOMETRY_KINDS:
        raise wrong(f"{field}.kind", f"is one of {', '.join(GEOMETRY_KINDS)}")
    if space not in ("image", "patient"):
        raise wrong(f"{field}.space", "is image or patient")
    frame = body.get("frame", 1)
    whole = isinstance(frame, int) and not isinstance(frame, bool)
    if not whole or not 1 <= frame <= MAX_FRAME:
        raise wrong(f"{field}.frame", "counts from 1")
    reference = body.get("frame_of_reference_uid")
    if space == "patient" and not is_uid(reference):
        raise wrong(f"{field}.frame_of_reference_uid", "is needed in patient space")
    if not is_uid(body.get("sop_uid")):
        raise wrong(f"{field}.sop_uid", "is a DICOM UID")
    return Geometry(
        kind=kind,
        space=str(space),
        sop_uid=str(body["sop_uid"]),
        frame=frame,
        frame_of_reference_uid=str(reference) if reference else None,
        points=_points(
            body.get("points"), f"{field}.points", kind, 2 + (space == "patient")
        ),
    )


def _points(
    value: object, field: str, kind: str, size: int
) -> tuple[tuple[float, ...], ...]:
    least = GEOMETRY_KINDS[kind]
    if not isinstance(value, list) or not least <= len(value) <= MAX_POINTS:
        raise wrong(field, f"a {kind} has at least {least} points")
    if kind not in OPEN_ENDED and len(value) != least:
        raise wrong(field, f"a {kind} has {least} points")
    return tuple(_point(point, f"{field}[{i}]", size) for i, point in enumerate(value))


def _point(value: object, field: str, size: int) -> tuple[float, ...]:
    if not isinstance(value, list) or len(value) != size:
        raise wrong(field, f"has {size} numbers")
    if not all(is_number(number) for number in value):
        raise wrong(field, f"has {size} finite numbers")
    return tuple(float(number) for number in value)


def require_extent(*, geometry: Geometry, field: str) -> None:
    """Raise when the points of a measurement do not lie apart.

    Raises:
        Invalid: Names the points.
    """
    for first, second in _PIECES.get(geometry.kind, ()):
        if geometry.points[first] == geometry.points[second]:
            raise wrong(
                f"{field}.points",
                f"points {first + 1} and {second + 1} of this {geometry.kind} are one",
            )
    if geometry.kind in OPEN_ENDED and all(
        p == q for p, q in pairwise(geometry.points)
    ):
        raise wrong(f"{field}.points", f"all points of this {geometry.kind} are one")
    if geometry.kind == "box" and not _has_area(geometry.points):
        raise wrong(f"{field}.points", "this box has no area")


def _has_area(points: tuple[tuple[float, ...], ...]) -> bool:
    return all(p != q for p, q in zip(*points, strict=True))


def require_inside(
    *, geometry: Geometry, field: str, columns: int, rows: int, frames: int
) -> None:
    """Raise when a mark in image space lies off its image.

    Args:
        geometry: The mark.
        field: How the caller names it.
        columns: Width of the image, pixels.
        rows: Its height.
        frames: How many frames it has.

    Raises:
        Invalid: Names the frame or the point that is outside.
    """
    if geometry.frame > frames:
        raise wrong(f"{field}.frame", f"this image has {frames} frames")
    if geometry.space != "image":
        return
    for i, (x, y) in enumerate(geometry.points):
        if not (0 <= x <= columns and 0 <= y <= rows):
            raise wrong(
                f"{field}.points[{i}]",
                f"({x:g}, {y:g}) lies outside the image of {columns} × {rows} pixels",
            )

"""Marks measured anew from their points and the image's scale. Pure.

What the browser computed is shown while drawing; what is signed is computed here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from apps.annotations.content import AnnotationContent
from apps.annotations.geometry import Geometry
from apps.annotations.measured import QUANTITIES, Measured, MeasuredValue
from workers.measures.marks import (
    AREAS,
    RegionStatistics,
    Spacing,
    angle_of,
    area_of,
    cobb_of,
    length_of,
)

_DIGITS: Final = 4
LENGTH: Final = ("SCT", "410668003")
LONG_AXIS: Final = ("SCT", "103339001")
SHORT_AXIS: Final = ("SCT", "103340004")
ANGLE: Final = ("SCT", "1483009")
COBB: Final = ("SCT", "285285000")
AREA: Final = ("SCT", "42798000")
MEAN: Final = ("SCT", "373098007")
DEVIATION: Final = ("SCT", "386136009")
LEAST: Final = ("SCT", "255605001")
MOST: Final = ("SCT", "56851009")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How large an image's pixels are.

    Attributes:
        spacing: Distances between pixels, mm, or pixels when `source` is `none`.
        source: What they rest on.
    """

    spacing: Spacing
    source: str


def scale_on(
    *, stated: Scale, sop_uid: str, marks: Iterable[AnnotationContent]
) -> Scale:
    """Return the scale that counts on an image: by its last known length, if any."""
    known = [
        mark
        for mark in marks
        if mark.geometry.sop_uid == sop_uid
        and mark.measured is not None
        and mark.measured.calibration_mm is not None
    ]
    if not known:
        return stated
    line = known[-1]
    drawn = length_of(points=line.geometry.points, spacing=stated.spacing)
    millimetres = line.measured.calibration_mm if line.measured else None
    if drawn <= 0 or millimetres is None:
        return stated
    factor = millimetres / drawn
    spacing = Spacing(
        row=stated.spacing.row * factor, column=stated.spacing.column * factor
    )
    return Scale(spacing=spacing, source="calibrated")


def remeasure(
    *, marks: tuple[AnnotationContent, ...], stated: Mapping[str, Scale]
) -> tuple[AnnotationContent, ...]:
    """Return the marks with lengths, angles and areas computed anew.

    Args:
        marks: All marks of a reading.
        stated: What each image says of its pixels, by SOP Instance UID; marks on
            other images stay as they are.
    """
    return tuple(_remeasured(mark, marks, stated) for mark in marks)


def _remeasured(
    mark: AnnotationContent,
    marks: tuple[AnnotationContent, ...],
    stated: Mapping[str, Scale],
) -> AnnotationContent:
    place, said = mark.geometry, mark.measured
    if said is None or place.space != "image" or place.sop_uid not in stated:
        return mark
    if said.calibration_mm is not None:
        known = Measured(
            scale="calibrated",
            calibration_mm=said.calibration_mm,
            values=(_value(LENGTH, said.calibration_mm, "mm"),),
        )
        return replace(mark, measured=known)
    scale = scale_on(stated=stated[place.sop_uid], sop_uid=place.sop_uid, marks=marks)
    found = measure_geometry(geometry=place, scale=scale)
    # Statistics are of pixels: they stay until those are at hand.
    kept = [one for one in said.values if (one.scheme, one.code) not in _COMPUTED]
    return replace(
        mark,
        measured=Measured(
            scale=scale.source, calibration_mm=None, values=(*found, *kept)
        ),
    )


_COMPUTED: Final = frozenset({LENGTH, LONG_AXIS, SHORT_AXIS, ANGLE, COBB, AREA})


def _value(quantity: tuple[str, str], value: float, unit: str) -> MeasuredValue:
    return MeasuredValue(
        scheme=quantity[0],
        code=quantity[1],
        display=QUANTITIES[quantity],
        value=round(value, _DIGITS),
        unit=unit,
    )


def _axes(points: tuple[tuple[float, ...], ...], spacing: Spacing) -> list[float]:
    pairs = (points[:2], points[2:])
    return sorted(length_of(points=pair, spacing=spacing) for pair in pairs)


def measure_geometry(*, geometry: Geometry, scale: Scale) -> list[MeasuredValue]:
    """Return the lengths, angles or the area of a mark in image space."""
    points, spacing, kind = geometry.points, scale.spacing, geometry.kind
    unit = "{pixels}" if scale.source == "none" else "mm"
    if kind in AREAS:
        area = area_of(kind=kind, points=points, spacing=spacing)
        square = "{pixels2}" if scale.source == "none" else "mm2"
        return [_value(AREA, area, square)]
    if kind == "bidirectional":
        short, long = _axes(points, spacing)
        return [_value(LONG_AXIS, long, unit), _value(SHORT_AXIS, short, unit)]
    simple: dict[str, tuple[tuple[str, str], Callable[..., float], str]] = {
        "length": (LENGTH, length_of, unit),
        "angle": (ANGLE, angle_of, "deg"),
        "cobb": (COBB, cobb_of, "deg"),
    }
    if kind not in simple:
        return []
    quantity, compute, said_in = simple[kind]
    return [_value(quantity, compute(points=points, spacing=spacing), said_in)]


def with_statistics(
    *, values: Iterable[MeasuredValue], found: RegionStatistics
) -> list[MeasuredValue]:
    """Return the numbers of a region with those of its pixels computed anew.

    Args:
        values: As they were said.
        found: What the pixels say, in the same unit.
    """
    new = {
        MEAN: found.mean,
        DEVIATION: found.deviation,
        LEAST: found.least,
        MOST: found.most,
    }
    return [
        _value(key, new[key], one.unit)
        if (key := (one.scheme, one.code)) in new
        else one
        for one in values
    ]

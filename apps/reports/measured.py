"""A signed reading's marks as its report shows them: measured anew, from the pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from apps.annotations.content import AnnotationContent, parse_content
from apps.annotations.remeasure import (
    Scale,
    remeasure,
    scale_on,
    with_statistics,
)
from apps.interop.dicom.errors import EncodingError
from apps.interop.dicom.scale import read_image_scale
from apps.interop.pictures import NoPictureError, read_values
from apps.studies.stored import fetch_file
from workers.measures.marks import (
    AREAS,
    Spacing,
    ellipse_of,
    length_of,
    region_statistics,
    spline_through,
    value_at,
)

if TYPE_CHECKING:
    from apps.annotations.geometry import Geometry
    from apps.annotations.models import Reading
    from apps.reports.types import Images

_AS_STORED: Final = frozenset({"[hnsf'U]", "1", "Bq/ml"})
"""Units of values as the file's own rescale gives them; SUV is not among them."""


@dataclass(frozen=True, slots=True)
class _Image:
    content: bytes
    stated: Scale


def measured_marks(
    *, reading: Reading, images: Images
) -> tuple[AnnotationContent, ...]:
    """Return the marks of a signed reading with every number computed from the file.

    Lengths, angles and areas come from points and spacing, the values of regions and
    points from the decoded frame. Shapes are what structured reports can hold: a
    spline becomes its contour, a circle on pixels that are not square an ellipse.

    Raises:
        ArchiveError: The archive does not answer.
    """
    marks = parse_content(raw=reading.content).annotations
    wanted = {m.geometry.sop_uid: m.geometry.frame for m in marks if m.measured}
    files = {
        uid: _read(fetch_file(images[uid]), frame)
        for uid, frame in wanted.items()
        if uid in images
    }
    known = {uid: image for uid, image in files.items() if image is not None}
    stated = {uid: image.stated for uid, image in known.items()}
    return tuple(
        _finished(mark, known, marks) for mark in remeasure(marks=marks, stated=stated)
    )


def _read(content: bytes, frame: int) -> _Image | None:
    try:
        grid = read_image_scale(content, frame=frame)
    except EncodingError:
        return None
    spacing = Spacing(row=grid.row, column=grid.column)
    return _Image(content, Scale(spacing=spacing, source=grid.source))


def _finished(
    mark: AnnotationContent,
    files: dict[str, _Image],
    marks: tuple[AnnotationContent, ...],
) -> AnnotationContent:
    image = files.get(mark.geometry.sop_uid)
    if image is None or mark.measured is None or mark.geometry.space != "image":
        return mark
    sop_uid = mark.geometry.sop_uid
    spacing = scale_on(stated=image.stated, sop_uid=sop_uid, marks=marks).spacing
    measured = _with_pixels(mark, image.content, spacing)
    geometry = shape_for_report(geometry=mark.geometry, spacing=spacing)
    return replace(measured, geometry=geometry)


def _with_pixels(
    mark: AnnotationContent, content: bytes, spacing: Spacing
) -> AnnotationContent:
    """Compute what the pixels say anew, where their unit is the file's own."""
    place, said = mark.geometry, mark.measured
    if said is None or not any(one.unit in _AS_STORED for one in said.values):
        return mark
    try:
        values = read_values(content, frame=place.frame)
    except NoPictureError:
        return mark
    new = list(said.values)
    if place.kind == "point":
        value = value_at(point=place.points[0], values=values)
        new = [replace(one, value=round(value, 4)) for one in new]
    elif place.kind in AREAS:
        found = region_statistics(
            kind=place.kind, points=place.points, spacing=spacing, values=values
        )
        if found is not None:
            new = with_statistics(values=new, found=found)
    return replace(mark, measured=replace(said, values=tuple(new)))


def shape_for_report(*, geometry: Geometry, spacing: Spacing) -> Geometry:
    """Return a place in shapes that structured reports have."""
    points = geometry.points
    if geometry.kind == "spline":
        return replace(
            geometry, kind="polygon", points=_rounded(spline_through(points))
        )
    if geometry.kind == "circle" and abs(spacing.row / spacing.column - 1) > 1e-4:
        centre, u, v = ellipse_of(kind="circle", points=points, spacing=spacing)
        axes = [centre - u, centre + u, centre - v, centre + v]
        if abs(v[1]) > abs(u[0]):
            axes = [*axes[2:], *axes[:2]]
        return replace(geometry, kind="ellipse", points=_rounded(axes))
    if geometry.kind == "bidirectional":
        first, second = (
            length_of(points=pair, spacing=spacing) for pair in (points[:2], points[2:])
        )
        if second > first:
            return replace(geometry, points=(*points[2:], *points[:2]))
    return geometry


def _rounded(points: Any) -> tuple[tuple[float, ...], ...]:
    return tuple((round(float(x), 3), round(float(y), 3)) for x, y in points)

"""A reader's marks as measurement groups: TID 1410 for regions, TID 1501 for lines."""

from typing import Any, Final

import numpy as np
from highdicom import sr

from apps.interop.dicom import codes
from apps.interop.dicom.errors import EncodingError
from apps.interop.dicom.sr_base import (
    Group,
    code,
    evaluation,
    image_item,
    image_of,
    make_group,
    text_item,
)
from apps.interop.dicom.types import (
    Geometry,
    GeometryKind,
    ImageRef,
    MarkMeasurement,
    ReaderAnnotation,
    ReaderSegment,
)

_LINES: Final[dict[GeometryKind, tuple[tuple[int, ...], ...]]] = {
    "length": ((0, 1),),
    "angle": ((0, 1, 2),),
    "cobb": ((0, 1), (2, 3)),
    "bidirectional": ((0, 1), (2, 3)),
}
"""Marks that are lines, not regions: which points make each line."""
_DIGITS: Final = 4


def mark_group(
    mark: ReaderAnnotation, *, images: tuple[ImageRef, ...]
) -> sr.ContentSequence:
    """Make the measurement group of one mark.

    Args:
        mark: The mark.
        images: Sources of a mark without a place.
    """
    origin = codes.MISSED if mark.missed_by_ai else codes.SUPPLEMENTED
    answers = [evaluation(codes.ASSESSMENT, origin)]
    if mark.stage:
        stage = codes.UNAIDED if mark.stage == "unaided" else codes.REVISED
        answers.append(evaluation(codes.READ_STAGE, stage))
    geometry, measurements = mark.geometry, mark.measurements
    lines = measurements and geometry is not None and geometry.kind in _LINES
    if geometry is not None and lines:
        said = _measured_along(geometry, measurements)
    else:
        said = [_measurement(one) for one in measurements]
    sources = (geometry.image,) if geometry is not None and geometry.image else images
    group = make_group(
        tracking_uid=mark.tracking_uid,
        tracking_id=mark.tracking_id,
        images=sources,
        geometry=None if lines else geometry,
        comment=mark.text.strip(),
        finding_type=code(mark.label) if mark.label else None,
        measurements=said or None,
        qualitative_evaluations=answers,
    )
    if mark.scale_note:
        group[0].ContentSequence.append(text_item(codes.SCALE, mark.scale_note))
    return group


def segment_group(segment: ReaderSegment) -> Group:
    """Make the measurement group of one segment: volumetric, with its volume."""
    answers = [evaluation(codes.ASSESSMENT, codes.SUPPLEMENTED)]
    if segment.stage:
        stage = codes.UNAIDED if segment.stage == "unaided" else codes.REVISED
        answers.append(evaluation(codes.READ_STAGE, stage))
    return make_group(
        tracking_uid=segment.tracking_uid,
        tracking_id=segment.tracking_id,
        images=segment.images,
        segment=segment.segment,
        comment=segment.text.strip(),
        finding_type=code(segment.label),
        measurements=[_measurement(one) for one in segment.measurements] or None,
        qualitative_evaluations=answers,
    )


def _measurement(
    one: MarkMeasurement, lines: list[Any] | None = None
) -> sr.Measurement:
    unit = codes.UNITS.get(one.unit)
    if unit is None:
        raise EncodingError(f"{one.unit} is no unit that marks are measured in.")
    return sr.Measurement(
        name=code(one.quantity),
        value=round(one.value, _DIGITS),
        unit=unit,
        referenced_coordinates=lines,
    )


def _measured_along(
    geometry: Geometry, measurements: tuple[MarkMeasurement, ...]
) -> list[sr.Measurement]:
    """Make the measurements of lines: two axes have one line each, in their order."""
    lines = [_line(geometry, indices) for indices in _LINES[geometry.kind]]
    if geometry.kind == "bidirectional" and len(measurements) == len(lines):
        pairs = zip(measurements, lines, strict=True)
        return [_measurement(one, [line]) for one, line in pairs]
    return [_measurement(one, lines) for one in measurements]


def _line(geometry: Geometry, indices: tuple[int, ...]) -> Any:
    points = np.array([geometry.points[i] for i in indices], dtype=float)
    if geometry.space == "patient":
        return sr.CoordinatesForMeasurement3D(
            graphic_type=sr.GraphicTypeValues3D.POLYLINE,
            graphic_data=points,
            frame_of_reference_uid=geometry.frame_of_reference_uid,
        )
    return sr.CoordinatesForMeasurement(
        graphic_type=sr.GraphicTypeValues.POLYLINE,
        graphic_data=points,
        source_image=image_item(sr.SourceImageForRegion, image_of(geometry)),
    )

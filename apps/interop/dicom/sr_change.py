"""What became of lesions since an earlier study, as a structured report (TID 1500).

It belongs to the later study. Each lesion has a group at each of the two time points
(TID 1502), both with the lesion's own tracking UID: what was measured then, and what
is measured now with what became of it. The model's reports of both studies are its
predecessors, whose measurements it repeats. Unverified and preliminary.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from highdicom import sr

from apps.interop.dicom import codes
from apps.interop.dicom.errors import EncodingError
from apps.interop.dicom.sr_ai import NOTICE, algorithm_of, device_observer
from apps.interop.dicom.sr_base import (
    DocumentMeta,
    Group,
    code,
    evaluation,
    make_document,
    make_group,
    make_report,
    predecessor,
    read_source,
    text_item,
    write_document,
)
from apps.interop.dicom.types import derive_uid

if TYPE_CHECKING:
    from pydicom.dataset import Dataset
    from pydicom.sr.coding import Code

    from apps.interop.dicom.change_types import (
        ChangedLesion,
        ChangeReport,
        ComparedStudy,
        LesionSide,
    )
    from apps.interop.dicom.types import EncodedObject, ImageRef

SERIES_DESCRIPTION: Final = "AI: change since earlier study, requires review"
SERIES_NUMBER: Final = 9002


def encode_change_report(
    report: ChangeReport, *, source: bytes | Dataset, software_version: str
) -> EncodedObject:
    """Write what became of lesions as a Comprehensive 3D SR.

    Args:
        report: What was found. The same comparison gives the same UIDs.
        source: Header (or whole file) of one of the later study's images: patient and
            study attributes are taken from it.
        software_version: Version of Overread.

    Returns:
        The DICOM file, not yet validated.

    Raises:
        EncodingError: When the report or the source cannot be written validly.
    """
    header = read_source(source, images=report.images)
    before = [one.report for one in (report.now, report.then) if one.report]
    try:
        return write_document(
            make_document(
                source=header,
                images=_referenced(report),
                report=_content(report),
                meta=DocumentMeta(
                    series_uid=report.series_uid,
                    sop_uid=report.sop_uid,
                    series_number=SERIES_NUMBER,
                    series_description=SERIES_DESCRIPTION,
                    software_version=software_version,
                    written_at=report.created_at,
                ),
                is_complete=True,
                is_final=False,
                is_verified=False,
                previous_versions=[predecessor(one) for one in before] or None,
            )
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise EncodingError(f"The comparison cannot be written: {error}") from error


def _content(report: ChangeReport) -> sr.MeasurementReport:
    groups: list[Group] = []
    for lesion in report.lesions:
        if lesion.then is not None:
            groups.append(_group(lesion, lesion.then, report.then, order=1))
        if lesion.now is not None:
            groups.append(_group(lesion, lesion.now, report.now, order=2))
    if not groups:
        groups = [_empty_group(report)]
    days = (report.now.study_date - report.then.study_date).days
    compared = (
        f"Compared with the study of {report.then.study_date.isoformat()}, "
        f"{days} days before."
    )
    return make_report(
        observer=device_observer(report.now.algorithm),
        procedure=None,
        groups=groups,
        statements=[
            text_item(codes.AI_NOTICE, NOTICE),
            text_item(codes.COMPARED_WITH, compared),
            text_item(codes.REGISTRATION, report.registration),
        ],
    )


def _group(
    lesion: ChangedLesion, side: LesionSide, study: ComparedStudy, *, order: int
) -> Group:
    """A lesion at one time point; what became of it is said at the later one."""
    is_later = order == 2
    answers = [
        evaluation(codes.PRESENCE, codes.ABSENT if _is_gone(side) else codes.PRESENT)
    ]
    if is_later:
        answers.append(evaluation(codes.LESION_CHANGE, codes.CHANGES[lesion.kind]))
    measured = _sizes(side) + (_changes(lesion) if is_later else [])
    group = make_group(
        tracking_uid=lesion.tracking_uid,
        tracking_id=lesion.tracking_id,
        images=[side.image],
        segment=side.segment,
        comment=lesion.rule if is_later else "",
        finding_type=code(lesion.label),
        algorithm_id=algorithm_of(study.algorithm, threshold=None),
        time_point_context=sr.TimePointContext(
            time_point=study.study_date.isoformat(), time_point_order=order
        ),
        measurements=measured or None,
        qualitative_evaluations=answers,
    )
    if side.finding_uid:
        group[0].ContentSequence.append(
            sr.UIDRefContentItem(
                name=codes.PART_OF_FINDING,
                value=side.finding_uid,
                relationship_type=sr.RelationshipTypeValues.CONTAINS,
            )
        )
    return group


def _is_gone(side: LesionSide) -> bool:
    return side.volume_ml is None


def _sizes(side: LesionSide) -> list[sr.Measurement]:
    if side.volume_ml is None or side.diameter_mm is None:
        return []
    return [
        _number(codes.VOLUME, round(side.volume_ml, 3), codes.UNITS["ml"]),
        _number(codes.LONG_AXIS, round(side.diameter_mm, 1), codes.UNITS["mm"]),
    ]


def _changes(lesion: ChangedLesion) -> list[sr.Measurement]:
    found: list[sr.Measurement] = []
    if lesion.percent is not None:
        found.append(_number(codes.VOLUME_CHANGE, lesion.percent, codes.PERCENT))
    if lesion.percent_range is not None:
        low, high = lesion.percent_range
        found.append(_number(codes.VOLUME_CHANGE_LOW, low, codes.PERCENT))
        found.append(_number(codes.VOLUME_CHANGE_HIGH, high, codes.PERCENT))
    if lesion.doubling_days is not None:
        found.append(_number(codes.DOUBLING_TIME, lesion.doubling_days, codes.DAYS))
    return found


def _number(name: Code, value: float, unit: Code) -> sr.Measurement:
    return sr.Measurement(name=name, value=round(value, 3), unit=unit)


def _empty_group(report: ChangeReport) -> Group:
    """A group that names the model and its input where there is no lesion."""
    return make_group(
        tracking_uid=derive_uid(report.comparison_id, "change"),
        tracking_id="Comparison with an earlier study",
        images=report.images,
        algorithm_id=algorithm_of(report.now.algorithm, threshold=None),
    )


def _referenced(report: ChangeReport) -> list[ImageRef]:
    sides = [
        side
        for lesion in report.lesions
        for side in (lesion.then, lesion.now)
        if side is not None
    ]
    drawn = [side.segment.image for side in sides if side.segment]
    return [*report.images, *(side.image for side in sides), *drawn]

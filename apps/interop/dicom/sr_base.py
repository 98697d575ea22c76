"""What both of our structured reports share: source attributes, groups, writing."""

import datetime as dt
import io
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import numpy as np
import pydicom
from highdicom import sr
from highdicom.coding_schemes import CodingSchemeIdentificationItem
from pydicom import config as pydicom_config
from pydicom.datadict import dictionary_description
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sr.coding import Code
from pydicom.uid import UID
from pydicom.valuerep import DA, TM, validate_value

from apps.interop.dicom import codes
from apps.interop.dicom.errors import EncodingError
from apps.interop.dicom.types import (
    CodedConcept,
    DocumentRef,
    EncodedObject,
    Geometry,
    ImageRef,
    SegmentRef,
)
from apps.interop.sop_classes import COMPREHENSIVE_3D_SR, is_multiframe_class
from apps.interop.types import OVERREAD

T = TypeVar("T")

PRODUCT: Final = "Overread"
UTF8: Final = "ISO_IR 192"

_EMPTY_WHEN_ABSENT: Final = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "AccessionNumber",
    "StudyID",
    "StudyDate",
    "StudyTime",
    "ReferringPhysicianName",
)
"""Attributes that an object must have but may leave empty."""

_TEXT_VRS: Final = frozenset(
    {"AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "PN", "SH", "TM", "UI"}
)


@dataclass(frozen=True, slots=True)
class DocumentMeta:
    """How a document calls itself.

    Attributes:
        series_uid: Series Instance UID.
        sop_uid: SOP Instance UID.
        series_number: Series Number.
        series_description: What a PACS lists.
        software_version: Version of Overread.
        written_at: Content date and time, wall clock of its own zone.
    """

    series_uid: str
    sop_uid: str
    series_number: int
    series_description: str
    software_version: str
    written_at: dt.datetime


Group = (
    sr.PlanarROIMeasurementsAndQualitativeEvaluations
    | sr.VolumetricROIMeasurementsAndQualitativeEvaluations
    | sr.MeasurementsAndQualitativeEvaluations
)


def code(concept: CodedConcept) -> Code:
    """Turn our coded concept into the libraries' one."""
    return Code(concept.value, concept.scheme, concept.meaning)


def read_source(source: bytes | Dataset, *, images: Sequence[ImageRef]) -> Dataset:
    """Read the image header that patient and study attributes are taken from.

    Args:
        source: A DICOM file or dataset of one of the images.
        images: The images that the document is about.

    Returns:
        A copy without pixels, with text as Unicode, required attributes
        present, and values that break their type's rules left out (a document
        of ours is valid even where the modality's was not).

    Raises:
        EncodingError: When it is not one of the images, or unreadable.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = _parse(source)
            dataset.decode()
    except Exception as error:
        raise EncodingError("The source image's header cannot be read.") from error
    _check_identity(dataset, images)
    for keyword in _EMPTY_WHEN_ABSENT:
        if keyword not in dataset:
            setattr(dataset, keyword, "")
    for element in list(dataset):
        _mend(dataset, element)
    _leave_out(dataset)
    dataset.SpecificCharacterSet = UTF8
    return dataset


def _leave_out(dataset: Dataset) -> None:
    """Leave out what would make a document of ours invalid or odd."""
    if dataset.PatientSex not in {"M", "F", "O"}:
        dataset.PatientSex = ""
    for keyword in ("PatientSize", "PatientWeight"):
        if keyword in dataset and not float(dataset[keyword].value or 0):
            del dataset[keyword]
    has_method = any(
        dataset.get(keyword)
        for keyword in ("DeidentificationMethod", "DeidentificationMethodCodeSequence")
    )
    if "PatientIdentityRemoved" in dataset and not has_method:
        del dataset["PatientIdentityRemoved"]
    if "RequestingService" in dataset:  # retired
        del dataset["RequestingService"]


def _check_identity(dataset: Dataset, images: Sequence[ImageRef]) -> None:
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        if not dataset.get(keyword):
            raise EncodingError("The source image lacks its identifiers.")
        if not UID(str(dataset[keyword].value)).is_valid:
            raise EncodingError(
                f"The image's {dictionary_description(keyword)} breaks DICOM's rule "
                "for UIDs (PS3.5 section 9.1: no part begins with 0, for one): other "
                "systems refuse a document that names it. The study can be read and "
                "what was read stays here; to have it written, let the sender send "
                "the study again with valid UIDs."
            )
    if dataset.SOPInstanceUID not in {image.sop_uid for image in images}:
        raise EncodingError("The source header is of none of the report's images.")


def _parse(source: bytes | Dataset) -> Dataset:
    if isinstance(source, Dataset):
        wanted = [e for e in source if e.tag.group < 0x0028]
        dataset = Dataset()
        for element in wanted:
            dataset.add(element)
        charset = source.get("SpecificCharacterSet")
        if charset:
            dataset.SpecificCharacterSet = charset
        return dataset
    return pydicom.dcmread(io.BytesIO(source), stop_before_pixels=True, force=True)


def _mend(dataset: Dataset, element: DataElement) -> None:
    """Leave out a value that breaks the rules of its type."""
    if element.VR not in _TEXT_VRS or element.is_empty:
        return
    values = element.value if element.VM > 1 else [element.value]
    try:
        for value in values:
            validate_value(element.VR, str(value), pydicom_config.RAISE)
    except (ValueError, TypeError):
        if element.keyword in _EMPTY_WHEN_ABSENT:
            element.value = ""
        else:
            del dataset[element.tag]


def region_of(geometry: Geometry) -> sr.ImageRegion | sr.ImageRegion3D:
    """Write a mark as an Image Region.

    Args:
        geometry: In image space it becomes a SCOORD on its image, in patient
            space a SCOORD3D. A box becomes a closed polyline.
    """
    if geometry.space == "patient":
        kinds = {
            "point": sr.GraphicTypeValues3D.POINT,
            "ellipse": sr.GraphicTypeValues3D.ELLIPSE,
        }
        return sr.ImageRegion3D(
            graphic_type=kinds.get(geometry.kind, sr.GraphicTypeValues3D.POLYLINE),
            graphic_data=np.array(geometry.points, dtype=float),
            frame_of_reference_uid=geometry.frame_of_reference_uid,
        )
    graphic_type, points = graphic_of(geometry)
    return sr.ImageRegion(
        graphic_type=graphic_type,
        graphic_data=points,
        source_image=image_item(sr.SourceImageForRegion, image_of(geometry)),
    )


def graphic_of(geometry: Geometry) -> tuple[sr.GraphicTypeValues, Any]:
    """Give a mark in image space as DICOM's graphic type and points.

    Returns:
        The type and an array of shape (n, 2), (column, row) in pixels.
    """
    points = np.array(geometry.points, dtype=float)
    if geometry.kind == "box":
        (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
        points = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)])
    if geometry.kind == "polygon":
        points = np.vstack([points, points[:1]])
    kinds = {
        "point": sr.GraphicTypeValues.POINT,
        "ellipse": sr.GraphicTypeValues.ELLIPSE,
        "circle": sr.GraphicTypeValues.CIRCLE,
    }
    return kinds.get(geometry.kind, sr.GraphicTypeValues.POLYLINE), points


def image_of(geometry: Geometry) -> ImageRef:
    """Give the image that a mark in image space lies on."""
    if geometry.image is None:
        raise EncodingError("A mark in image space names its image.")
    return geometry.image


def image_item(kind: Callable[..., T], image: ImageRef) -> T:
    """Make a content item that refers to an image, its frame where it has frames."""
    frames = None
    if image.frame is not None and is_multiframe_class(image.sop_class_uid):
        frames = [image.frame]
    return kind(
        referenced_sop_class_uid=image.sop_class_uid,
        referenced_sop_instance_uid=image.sop_uid,
        referenced_frame_numbers=frames,
    )


def make_group(
    *,
    tracking_uid: str,
    tracking_id: str,
    images: Sequence[ImageRef],
    geometry: Geometry | None = None,
    segment: SegmentRef | None = None,
    explanation: ImageRef | None = None,
    comment: str = "",
    **parts: Any,
) -> Group:
    """Make a measurement group: TID 1411, 1410 or 1501.

    A segment makes it volumetric, a region planar; without either it is of images.

    Args:
        tracking_uid: Tracking Unique Identifier.
        tracking_id: Tracking Identifier.
        images: Sources of a group without region.
        geometry: The region.
        segment: The segment; goes before the region.
        explanation: Parametric Map that explains it.
        comment: Free text, '' for none.
        **parts: What highdicom's template classes take beside these.
    """
    tracking = sr.TrackingIdentifier(uid=tracking_uid, identifier=tracking_id)
    group: Group
    if segment is not None:
        group = sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
            tracking_identifier=tracking,
            referenced_segment=sr.ReferencedSegment(
                sop_class_uid=segment.image.sop_class_uid,
                sop_instance_uid=segment.image.sop_uid,
                segment_number=segment.number,
                source_series=sr.SourceSeriesForSegmentation(segment.source_series_uid),
            ),
            **parts,
        )
    elif geometry is not None:
        group = sr.PlanarROIMeasurementsAndQualitativeEvaluations(
            tracking_identifier=tracking,
            referenced_region=region_of(geometry),
            **parts,
        )
    else:
        group = sr.MeasurementsAndQualitativeEvaluations(
            tracking_identifier=tracking,
            source_images=[
                image_item(sr.SourceImageForMeasurementGroup, image) for image in images
            ],
            **parts,
        )
    if explanation is not None:
        group[0].ContentSequence.append(
            sr.ImageContentItem(
                name=codes.VISUAL_EXPLANATION,
                referenced_sop_class_uid=explanation.sop_class_uid,
                referenced_sop_instance_uid=explanation.sop_uid,
                relationship_type=sr.RelationshipTypeValues.CONTAINS,
            )
        )
    if comment:
        group[0].ContentSequence.append(text_item(codes.COMMENT, comment))
    return group


def text_item(name: Code, text: str) -> sr.TextContentItem:
    """Make a contained text, at most 4,096 characters, without control characters."""
    clean = "".join(c for c in text if c.isprintable() or c in "\r\n\t")
    return sr.TextContentItem(
        name=name,
        value=clean[:4096],
        relationship_type=sr.RelationshipTypeValues.CONTAINS,
    )


def evaluation(name: Code, value: Code) -> sr.QualitativeEvaluation:
    """Make a coded question and answer."""
    return sr.QualitativeEvaluation(name=name, value=value)


def make_report(
    *,
    observer: sr.ObservationContext,
    procedure: CodedConcept | None,
    groups: Sequence[Any],
    statements: Sequence[sr.ContentItem],
) -> sr.MeasurementReport:
    """Make a TID 1500 content tree.

    Args:
        observer: Who speaks.
        procedure: Procedure reported.
        groups: Measurement groups, at least one.
        statements: Items of the Qualitative Evaluations container.
    """
    reported = code(procedure) if procedure else codes.IMAGING_PROCEDURE
    report = sr.MeasurementReport(
        observation_context=observer,
        procedure_reported=reported,
        imaging_measurements=list(groups),
    )
    if statements:
        container = sr.ContainerContentItem(
            name=codes.QUALITATIVE,
            relationship_type=sr.RelationshipTypeValues.CONTAINS,
        )
        container.ContentSequence = sr.ContentSequence(statements)
        report[0].ContentSequence.append(container)
    return report


def make_document(
    *,
    source: Dataset,
    images: Iterable[ImageRef],
    report: sr.MeasurementReport,
    meta: DocumentMeta,
    **flags: Any,
) -> sr.Comprehensive3DSR:
    """Wrap a content tree into a Comprehensive 3D SR.

    Args:
        source: What ``read_source`` gave.
        images: Every image that the tree refers to; listed as evidence.
        report: The content tree.
        meta: How the document calls itself.
        **flags: Completion, verification, predecessors: as highdicom takes them.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they quote the patient's name
        document = _new_document(source, images, report, meta, flags)
    _fix_times(document, meta.written_at)
    return document


def _new_document(
    source: Dataset,
    images: Iterable[ImageRef],
    report: sr.MeasurementReport,
    meta: DocumentMeta,
    flags: dict[str, Any],
) -> sr.Comprehensive3DSR:
    return sr.Comprehensive3DSR(
        evidence=_evidence(source, images),
        content=report,
        series_instance_uid=meta.series_uid,
        series_number=meta.series_number,
        sop_instance_uid=meta.sop_uid,
        instance_number=1,
        manufacturer=OVERREAD,
        manufacturer_model_name=PRODUCT,
        software_versions=meta.software_version,
        series_description=meta.series_description,
        content_date=meta.written_at.date(),
        content_time=meta.written_at.time(),
        specific_character_set=UTF8,
        coding_schemes=_private_schemes(report),
        **flags,
    )


def _private_schemes(
    report: sr.MeasurementReport,
) -> list[CodingSchemeIdentificationItem] | None:
    """Declare the private coding schemes (99…) that the content uses."""
    used = {
        str(element.value)
        for element in report[0].iterall()
        if element.keyword == "CodingSchemeDesignator"
    }
    return [
        CodingSchemeIdentificationItem(
            designator=scheme,
            name=codes.SCHEME_NAME if scheme == codes.SCHEME else "Local codes",
            responsible_organization=PRODUCT if scheme == codes.SCHEME else None,
        )
        for scheme in sorted(used)
        if scheme.startswith("99")
    ] or None


def _evidence(source: Dataset, images: Iterable[ImageRef]) -> list[Dataset]:
    others = []
    for image in images:
        if image.sop_uid == source.SOPInstanceUID:
            continue
        other = Dataset()
        other.StudyInstanceUID = image.study_uid or source.StudyInstanceUID
        other.SeriesInstanceUID = image.series_uid
        other.SOPClassUID = image.sop_class_uid
        other.SOPInstanceUID = image.sop_uid
        others.append(other)
    return [source, *others]


def _fix_times(document: sr.Comprehensive3DSR, moment: dt.datetime) -> None:
    """Say when the content was made, not when it was encoded: replays are equal."""
    document.InstanceCreationDate = DA(moment.date())
    document.InstanceCreationTime = TM(moment.time())
    for item in document.get("ContributingEquipmentSequence", []):
        if "ContributionDateTime" in item:
            item.ContributionDateTime = date_time(moment)


def date_time(moment: dt.datetime) -> str:
    """Write a moment as DT with its offset from UTC."""
    return moment.strftime("%Y%m%d%H%M%S.%f%z")


def predecessor(reference: DocumentRef) -> Dataset:
    """Make what highdicom needs to point at an earlier document."""
    dataset = Dataset()
    dataset.StudyInstanceUID = reference.study_uid
    dataset.SeriesInstanceUID = reference.series_uid
    dataset.SOPClassUID = reference.sop_class_uid
    dataset.SOPInstanceUID = reference.sop_uid
    return dataset


def write_document(document: sr.Comprehensive3DSR) -> EncodedObject:
    """Write a document as a DICOM file, deterministic for equal content."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        document.save_as(buffer, enforce_file_format=True)
    return EncodedObject(
        study_uid=str(document.StudyInstanceUID),
        series_uid=str(document.SeriesInstanceUID),
        sop_uid=str(document.SOPInstanceUID),
        sop_class_uid=COMPREHENSIVE_3D_SR,
        content=buffer.getvalue(),
    )

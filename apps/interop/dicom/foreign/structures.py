"""RT structure sets: regions as contours in the patient."""

from typing import Any

from pydicom.dataset import Dataset

from apps.interop.dicom.charset import decoded_text
from apps.interop.dicom.foreign.header import (
    coded,
    creator_of,
    moment_of,
    points_of,
    title_of,
    uid_of,
)
from apps.interop.dicom.foreign.types import Coded, ForeignObject, Item, Mark


def read_structures(dataset: Dataset) -> ForeignObject:
    """Read an RT Structure Set: an item for each region."""
    contours = {
        int(item.ReferencedROINumber): item
        for item in dataset.get("ROIContourSequence") or ()
    }
    seen = {
        int(item.ReferencedROINumber): item
        for item in dataset.get("RTROIObservationsSequence") or ()
        if item.get("ReferencedROINumber") is not None
    }
    regions = list(dataset.get("StructureSetROISequence") or ())
    items = [
        _region(
            region,
            contours.get(int(region.ROINumber)),
            seen.get(int(region.ROINumber)),
            default_reference=_only_reference(dataset),
        )
        for region in regions
    ]
    automatic = {
        decoded_text(region, "ROIGenerationAlgorithm") for region in regions
    } & {"AUTOMATIC"}
    title = title_of(
        dataset, "StructureSetLabel", "SeriesDescription", "StructureSetName"
    )
    algorithm = decoded_text(dataset, "ManufacturerModelName") if automatic else ""
    return ForeignObject(
        study_uid=uid_of(dataset, "StudyInstanceUID"),
        series_uid=uid_of(dataset, "SeriesInstanceUID"),
        sop_uid=uid_of(dataset, "SOPInstanceUID"),
        sop_class_uid=uid_of(dataset, "SOPClassUID"),
        kind="rtstruct",
        title=title,
        creator=creator_of(
            dataset,
            algorithm=algorithm or ("automatic" if automatic else ""),
            person=decoded_text(dataset, "OperatorsName"),
            title=title,
        ),
        made_at=moment_of(dataset, ("StructureSetDate", "StructureSetTime")),
        items=tuple(items),
    )


def _only_reference(dataset: Dataset) -> str:
    found = {
        uid_of(item, "FrameOfReferenceUID")
        for item in dataset.get("ReferencedFrameOfReferenceSequence") or ()
    }
    return found.pop() if len(found) == 1 else ""


def _region(
    region: Dataset,
    contours: Dataset | None,
    seen: Dataset | None,
    *,
    default_reference: str,
) -> Item:
    reference = uid_of(region, "ReferencedFrameOfReferenceUID") or default_reference
    number = int(region.ROINumber)
    name = decoded_text(region, "ROIName") or f"Region {number}"
    marks: list[Mark] = []
    troubles: list[str] = []
    for contour in (contours.get("ContourSequence") if contours else None) or ():
        try:
            marks += _contour(contour, reference)
        except (ValueError, TypeError) as error:
            troubles.append(f"A contour could not be read: {error}.")
    meaning = coded(seen.get("RTROIIdentificationCodeSequence")) if seen else None
    kind = decoded_text(seen, "RTROIInterpretedType") if seen else ""
    return Item(
        key=f"r{number}",
        label=Coded(scheme="", code="", display=name),
        tracking_id=name,
        tracking_uid=uid_of(region, "TrackingUID"),
        category=Coded(scheme="", code="", display=kind.lower()) if kind else None,
        site=meaning,
        text=decoded_text(region, "ROIDescription"),
        colour=_colour(contours.get("ROIDisplayColor") if contours else None),
        marks=tuple(marks),
        why_not=troubles[0] if troubles else "" if marks else "It has no contours.",
    )


def _contour(contour: Dataset, reference: str) -> list[Mark]:
    points = points_of(contour.get("ContourData"), 3)
    kind = str(contour.get("ContourGeometricType") or "")
    images = contour.get("ContourImageSequence") or ()
    uid = uid_of(images[0], "ReferencedSOPInstanceUID") if images else ""
    frame = images[0].get("ReferencedFrameNumber") if images else None
    place: dict[str, Any] = {
        "space": "patient",
        "sop_uid": uid,
        "frame": int(frame or 1),
        "frame_of_reference_uid": reference,
    }
    if kind == "POINT" or len(points) == 1:
        return [Mark(kind="point", points=(p,), **place) for p in points]
    is_open = kind in {"OPEN_PLANAR", "OPEN_NONPLANAR"}
    closed = points if is_open or points[0] == points[-1] else (*points, points[0])
    return [Mark(kind="polyline", points=closed, **place)]


def _colour(values: Any) -> str:
    if values is None or len(values) != 3:
        return ""
    return "#" + "".join(f"{min(255, max(0, int(v))):02x}" for v in values)

"""What a model drew: a finding's mask as Segmentation, its saliency as Parametric Map.

Both point at the images they were drawn on. A film has no place in the patient's
space; a Parametric Map must have one, so that of a film is in a frame of reference
of its own, which nothing else shares.
"""

import io
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import highdicom as hd
import numpy as np
import pydicom
from highdicom.pm import ParametricMap, RealWorldValueMapping
from highdicom.seg import Segmentation, SegmentDescription
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.sr.coding import Code
from pydicom.valuerep import DSfloat

from apps.interop.dicom import codes
from apps.interop.dicom.errors import EncodingError
from apps.interop.dicom.sr_base import PRODUCT, code, read_source
from apps.interop.dicom.types import (
    AlgorithmIdentity,
    CodedConcept,
    EncodedObject,
    ImageRef,
    derive_uid,
)
from apps.interop.types import OVERREAD

SEGMENTATION_NUMBER: Final = 9002
SALIENCY_NUMBER: Final = 9003
CATEGORY: Final = Code("49755003", "SCT", "Morphologically Abnormal Structure")
NO_UNITS: Final = Code("1", "UCUM", "no units")
_STEPS: Final = 255
_GEOMETRY: Final = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """One object that a finding was drawn into.

    Attributes:
        finding_id: Gives the object its UIDs, with what it is.
        tracking_uid: The finding's.
        tracking_id: The same for people.
        label: What was found.
        algorithm: Which model drew it.
        software_version: Of Overread.
    """

    finding_id: str
    tracking_uid: str
    tracking_id: str
    label: CodedConcept
    algorithm: AlgorithmIdentity
    software_version: str

    def sop_uid(self, role: str) -> str:
        """Return the SOP Instance UID of the object in one role."""
        return derive_uid(self.finding_id, role)

    def series_uid(self, role: str) -> str:
        """Return the Series Instance UID of the object in one role."""
        return derive_uid(self.finding_id, f"{role}-series")


def encode_segmentation(
    drawing: Drawing,
    *,
    mask: NDArray[np.uint8],
    sources: Sequence[bytes],
    others: Sequence[ImageRef] = (),
) -> EncodedObject:
    """Write a mask as a binary Segmentation with one segment.

    Args:
        drawing: What it is.
        mask: 0 or 1, [frame, row, column], a frame for each source, in their order.
        sources: The images' files (their headers are used). A mask that is empty in
            some of them may leave these out.
        others: Images of other series of the study that the model was given too.

    Raises:
        EncodingError: The mask and the images do not fit together.
    """
    headers = [read_image_header(source) for source in sources]
    _require_shape(mask, headers)
    algorithm = drawing.algorithm
    segment = SegmentDescription(
        segment_number=1,
        segment_label=drawing.label.meaning,
        segmented_property_category=CATEGORY,
        segmented_property_type=code(drawing.label),
        algorithm_type="AUTOMATIC",
        algorithm_identification=hd.AlgorithmIdentificationSequence(
            name=algorithm.name,
            version=algorithm.version,
            family=codes.ARTIFICIAL_INTELLIGENCE,
        ),
        tracking_uid=drawing.tracking_uid,
        tracking_id=drawing.tracking_id,
    )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            document = Segmentation(
                source_images=headers,
                pixel_array=mask,
                segmentation_type="BINARY",
                segment_descriptions=[segment],
                series_number=SEGMENTATION_NUMBER,
                omit_empty_frames=bool(mask.any()),
                **_identity(drawing, role="seg"),
            )
    except (ValueError, TypeError, KeyError, AttributeError, RuntimeError) as error:
        raise EncodingError(f"The mask cannot be written: {error}") from error
    document.SeriesDescription = "AI segmentation, requires review"
    orient(document, headers[0])
    _refer(document, others)
    return write_picture(document)


def _refer(document: Dataset, others: Sequence[ImageRef]) -> None:
    """Name further images that an object rests on (PS3.3 C.12.2), by their series."""
    by_series: dict[str, list[Dataset]] = {}
    for image in others:
        item = Dataset()
        item.ReferencedSOPClassUID = image.sop_class_uid
        item.ReferencedSOPInstanceUID = image.sop_uid
        by_series.setdefault(image.series_uid, []).append(item)
    for series_uid, images in by_series.items():
        series = Dataset()
        series.SeriesInstanceUID = series_uid
        series.ReferencedInstanceSequence = images
        document.ReferencedSeriesSequence.append(series)


def read_segmentation(content: bytes) -> dict[str, NDArray[np.uint8]]:
    """Read a Segmentation's mask back, by SOP Instance UID of the images.

    Only the first segment, only the frames that are there; 0 or 1, [row, column].
    """
    document = hd.seg.segread(io.BytesIO(content))
    frames = document.pixel_array.reshape(-1, document.Rows, document.Columns)
    uids = [
        item.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
        for item in document.PerFrameFunctionalGroupsSequence
    ]
    return {str(uid): frame for uid, frame in zip(uids, frames, strict=True)}


def encode_saliency(
    drawing: Drawing, *, picture: bytes, source: bytes
) -> EncodedObject:
    """Write a saliency picture as a Parametric Map with values from 0 to 1.

    Args:
        drawing: What it is.
        picture: 8-bit grey PNG over the whole image.
        source: The image's file (its header is used).

    Raises:
        EncodingError: The picture or the image cannot be used.
    """
    header = _placed(read_image_header(source), drawing)
    try:
        size = (int(header.Columns), int(header.Rows))
        grey = Image.open(io.BytesIO(picture)).convert("L").resize(size)
        pixels = np.asarray(grey, dtype=np.uint16)[np.newaxis]
        mapping = RealWorldValueMapping(
            lut_label="SALIENCY",
            lut_explanation="Saliency of the finding, 0 to 1",
            unit=NO_UNITS,
            value_range=(0, _STEPS),
            slope=1 / _STEPS,
            intercept=0.0,
            quantity_definition=codes.VISUAL_EXPLANATION,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            document = ParametricMap(
                source_images=[header],
                pixel_array=pixels,
                series_number=SALIENCY_NUMBER,
                contains_recognizable_visual_features=False,
                real_world_value_mappings=[mapping],
                window_center=_STEPS / 2,
                window_width=_STEPS,
                content_label="SALIENCY",
                content_description=f"Saliency of {drawing.label.meaning}"[:64],
                **_identity(drawing, role="saliency"),
            )
    except (ValueError, TypeError, KeyError, AttributeError, OSError) as error:
        raise EncodingError(f"The saliency cannot be written: {error}") from error
    document.SeriesDescription = "AI saliency, requires review"
    orient(document, header)
    return write_picture(document)


def read_saliency(content: bytes) -> NDArray[np.float64]:
    """Read a Parametric Map's values back, [row, column], by its own mapping."""
    document = pydicom.dcmread(io.BytesIO(content))
    shared = document.SharedFunctionalGroupsSequence[0]
    groups = (
        shared
        if "RealWorldValueMappingSequence" in shared
        else document.PerFrameFunctionalGroupsSequence[0]
    )
    mapping = groups.RealWorldValueMappingSequence[0]
    pixels = document.pixel_array.reshape(document.Rows, document.Columns)
    slope = float(mapping.RealWorldValueSlope)
    return pixels * slope + float(mapping.RealWorldValueIntercept)


def _identity(drawing: Drawing, *, role: str) -> Mapping[str, Any]:
    return {
        "series_instance_uid": drawing.series_uid(role),
        "sop_instance_uid": drawing.sop_uid(role),
        "instance_number": 1,
        "manufacturer": OVERREAD,
        "manufacturer_model_name": f"{PRODUCT} {drawing.algorithm.name}"[:64],
        "software_versions": drawing.software_version,
        "device_serial_number": drawing.algorithm.package_hash[:16],
    }


def read_image_header(source: bytes) -> Dataset:
    """Return an image's header, mended as for our reports."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole = pydicom.dcmread(io.BytesIO(source), stop_before_pixels=True, force=True)
    wanted = ImageRef(
        series_uid=str(whole.get("SeriesInstanceUID", "")),
        sop_class_uid=str(whole.get("SOPClassUID", "")),
        sop_uid=str(whole.get("SOPInstanceUID", "")),
    )
    header = read_source(source, images=[wanted])
    for keyword in _GEOMETRY:
        if keyword in whole and keyword not in header:
            # More digits than its type may have: 16 characters are enough.
            numbers = [float(number) for number in whole[keyword].value]
            setattr(header, keyword, [DSfloat(n, auto_format=True) for n in numbers])
    return header


def _require_shape(mask: NDArray[np.uint8], headers: Sequence[Dataset]) -> None:
    shapes = {(int(h.Rows), int(h.Columns)) for h in headers}
    fits = mask.ndim == 3 and len(mask) == len(headers)
    if not fits or shapes != {tuple(mask.shape[1:])}:
        raise EncodingError("The mask is not of the size of its images.")


def _placed(header: Dataset, drawing: Drawing) -> Dataset:
    """Give a film a frame of reference of its own; a slice has its true one."""
    if "ImagePositionPatient" in header and "FrameOfReferenceUID" in header:
        return header
    spacing = header.get("PixelSpacing") or header.get("ImagerPixelSpacing")
    header.PixelSpacing = list(spacing) if spacing else [1.0, 1.0]
    header.FrameOfReferenceUID = derive_uid(drawing.finding_id, "saliency-frame")
    header.PositionReferenceIndicator = ""
    header.ImagePositionPatient = [0.0, 0.0, 0.0]
    header.ImageOrientationPatient = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    header.SliceThickness = 1.0
    return header


def orient(document: Dataset, header: Dataset) -> None:
    """Say of the patient what the images say, as far as the object has room for it."""
    if "ImagePositionPatient" not in header:
        document.PatientOrientation = header.get("PatientOrientation") or ""
    if header.get("BodyPartExamined"):
        document.BodyPartExamined = header.BodyPartExamined
    if header.get("Laterality"):
        document.Laterality = header.Laterality


def write_picture(document: Dataset) -> EncodedObject:
    """Write an object as a DICOM file."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        document.save_as(buffer, enforce_file_format=True)
    return EncodedObject(
        study_uid=str(document.StudyInstanceUID),
        series_uid=str(document.SeriesInstanceUID),
        sop_uid=str(document.SOPInstanceUID),
        sop_class_uid=str(document.SOPClassUID),
        content=buffer.getvalue(),
    )

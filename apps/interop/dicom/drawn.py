"""What a reader drew voxel by voxel, as a binary Segmentation of one series.

Segments of a Segmentation count from 1 without gaps; a reader's need not. Each keeps
its tracking UID, which is how one is known again.
"""

import copy
import datetime as dt
import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import highdicom as hd
import numpy as np
from highdicom.color import CIELabColor
from highdicom.seg import Segmentation, SegmentDescription
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes as standard
from pydicom.sr.coding import Code
from pydicom.uid import SecondaryCaptureImageStorage
from pydicom.valuerep import DA, TM

from apps.interop.dicom.errors import EncodingError
from apps.interop.dicom.pictures import orient, read_image_header, write_picture
from apps.interop.dicom.sr_base import PRODUCT, code
from apps.interop.dicom.types import (
    CodedConcept,
    EncodedObject,
    ImageRef,
    PersonIdentity,
)
from apps.interop.types import OVERREAD

SERIES_NUMBER: Final = 9103
SERIES_DESCRIPTION: Final = "Signed segmentation"
ALGORITHM_FAMILY: Final = Code("123109", "DCM", "Manual Processing")
_CATEGORIES: Final = ((7193, "PhysicalObject"), (7191, "Tissue"))
_ANATOMY: Final = (7192, 4031)


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnSegment:
    """One segment.

    Attributes:
        number: Its value in the label maps.
        label: What it is.
        tracking_uid: Follows it through amendments.
        tracking_id: The same for people.
        colour: `#rrggbb`.
        method: What helped the reader's hand, '' when nothing did.
    """

    number: int
    label: CodedConcept
    tracking_uid: str
    tracking_id: str
    colour: str
    method: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnObject:
    """How the object calls itself.

    Attributes:
        sop_uid: SOP Instance UID.
        series_uid: Series Instance UID.
        segments: What the label maps hold, at least one.
        creator: Who drew it.
        made_at: When it was signed, with a zone (the site's).
        software_version: Of Overread.
    """

    sop_uid: str
    series_uid: str
    segments: tuple[DrawnSegment, ...]
    creator: PersonIdentity
    made_at: dt.datetime
    software_version: str


def encode_drawn(
    drawn: DrawnObject,
    *,
    maps: NDArray[np.uint8],
    sources: Sequence[bytes],
    frame: int | None = None,
) -> EncodedObject:
    """Write label maps as a binary Segmentation.

    Args:
        drawn: What it is.
        maps: [image][row][column], 0 or a segment's number; in the order of the
            sources, or of the frames of the one source that has frames.
        sources: Files of the images (their headers are used).
        frame: Of the one source, 1-based, that the one label map is of. Frames that
            have no place in the patient (ultrasound loops) are written one by one:
            an object of several would have to say where they lie.

    Raises:
        EncodingError: The label maps and the images do not fit together, or cannot
            be written.
    """
    headers = [read_image_header(source) for source in sources]
    image = ImageRef(
        series_uid=str(headers[0].SeriesInstanceUID),
        sop_class_uid=str(headers[0].SOPClassUID),
        sop_uid=str(headers[0].SOPInstanceUID),
        frame=frame,
    )
    headers = [_one_frame(header, frame) for header in headers]
    _require_shape(maps, headers)
    numbers = [segment.number for segment in drawn.segments]
    if set(np.unique(maps)) - {0} != set(numbers):
        raise EncodingError("The label maps hold other segments than are described.")
    renumbered = np.zeros(256, dtype=np.uint8)
    renumbered[numbers] = np.arange(1, len(numbers) + 1, dtype=np.uint8)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they quote the patient's name
            document = Segmentation(
                source_images=headers,
                pixel_array=renumbered[maps],
                segmentation_type="BINARY",
                segment_descriptions=[
                    _description(segment, at)
                    for at, segment in enumerate(drawn.segments, 1)
                ],
                series_instance_uid=drawn.series_uid,
                series_number=SERIES_NUMBER,
                sop_instance_uid=drawn.sop_uid,
                instance_number=1,
                manufacturer=OVERREAD,
                manufacturer_model_name=PRODUCT,
                software_versions=drawn.software_version,
                device_serial_number=PRODUCT,
                content_label="SEGMENTATION",
                content_creator_name=drawn.creator.dicom_name,
                omit_empty_frames=True,
            )
    except (ValueError, TypeError, KeyError, AttributeError, RuntimeError) as error:
        raise EncodingError(f"The segments cannot be written: {error}") from error
    document.SeriesDescription = SERIES_DESCRIPTION
    document.ContentDate = DA(drawn.made_at.date())
    document.ContentTime = TM(drawn.made_at.time())
    if image.frame is not None:
        _name_frame(document, image)
    orient(document, headers[0])
    return write_picture(document)


def _description(segment: DrawnSegment, at: int) -> SegmentDescription:
    by_hand = not segment.method
    return SegmentDescription(
        segment_number=at,
        segment_label=segment.label.meaning,
        segmented_property_category=category_of(segment.label),
        segmented_property_type=code(segment.label),
        algorithm_type="MANUAL" if by_hand else "SEMIAUTOMATIC",
        algorithm_identification=None
        if by_hand
        else hd.AlgorithmIdentificationSequence(
            name=segment.method[:64], version=PRODUCT, family=ALGORITHM_FAMILY
        ),
        tracking_uid=segment.tracking_uid,
        tracking_id=segment.tracking_id,
        display_color=CIELabColor.from_string(segment.colour),
    )


def category_of(label: CodedConcept) -> Code:
    """Return the category of what a segment is: DICOM's own lists say what is anatomy.

    What is in none of them is what readers mostly outline: something abnormal.
    """
    for context, name in _CATEGORIES:
        if (label.scheme, label.value) in _members(context):
            return _category(name)
    if any((label.scheme, label.value) in _members(context) for context in _ANATOMY):
        return _category("AnatomicalStructure")
    return _category("MorphologicallyAbnormalStructure")


def _category(name: str) -> Code:
    found: Code = getattr(standard.cid7150, name)
    return found


@cache
def _members(context: int) -> frozenset[tuple[str, str]]:
    group: Any = getattr(standard, f"cid{context}")
    concepts = [getattr(group, name) for name in group.dir()]
    return frozenset((one.scheme_designator, one.value) for one in concepts)


def _one_frame(header: Dataset, frame: int | None) -> Dataset:
    """Let a header stand for one frame, or say of all frames what each one says."""
    if frame is not None and "NumberOfFrames" in header:
        if not 1 <= frame <= int(header.NumberOfFrames):
            raise EncodingError("The image has no such frame.")
        del header.NumberOfFrames
        header.SOPClassUID = _SINGLE
    own = header.get("PerFrameFunctionalGroupsSequence")
    shared = header.get("SharedFunctionalGroupsSequence")
    for keyword in _OF_ALL_FRAMES if own and shared else ():
        said = [group.get(keyword) for group in own]
        if keyword not in shared[0] and all(one == said[0] for one in said):
            setattr(shared[0], keyword, said[0])
    return header


_OF_ALL_FRAMES: Final = ("PixelMeasuresSequence", "PlaneOrientationSequence")


_SINGLE: Final = SecondaryCaptureImageStorage
"""What the library is told that a frame is: of loops it knows no frames."""


def _name_frame(item: Dataset, image: ImageRef) -> None:
    """Let every reference to an image be to what it is, and to its frame."""
    for element in item:
        for at, one in enumerate(element.value if element.VR == "SQ" else ()):
            if one.get("ReferencedSOPInstanceUID") == image.sop_uid:
                one.ReferencedSOPClassUID = image.sop_class_uid
                if element.keyword == "SourceImageSequence":
                    own = copy.deepcopy(one)  # the library uses one item twice
                    own.ReferencedFrameNumber = image.frame
                    element.value[at] = own
            _name_frame(one, image)


def _require_shape(maps: NDArray[np.uint8], headers: Sequence[Dataset]) -> None:
    shapes = {(int(one.Rows), int(one.Columns)) for one in headers}
    frames = sum(int(one.get("NumberOfFrames") or 1) for one in headers)
    if maps.ndim != 3 or len(maps) != frames or shapes != {tuple(maps.shape[1:])}:
        raise EncodingError("The label maps are not of the size of their images.")


def read_drawn(content: bytes) -> dict[str, NDArray[np.uint8]]:
    """Read the voxels of a Segmentation of ours back, as label maps.

    Returns:
        By image, as `<SOP Instance UID>#<frame, 1-based>`; images without voxels are
        left out. In a map, n stands for the n-th segment of the object.
    """
    document = hd.seg.segread(io.BytesIO(content))
    frames = document.pixel_array.reshape(-1, document.Rows, document.Columns)
    maps: dict[str, NDArray[np.uint8]] = {}
    shared = document.SharedFunctionalGroupsSequence[0]
    groups = document.PerFrameFunctionalGroupsSequence
    for group, frame in zip(groups, frames, strict=True):
        said = shared if "SegmentIdentificationSequence" in shared else group
        number = said.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        source = group.DerivationImageSequence[0].SourceImageSequence[0]
        at = source.get("ReferencedFrameNumber") or 1
        key = f"{source.ReferencedSOPInstanceUID}#{int(at)}"
        voxels = maps.setdefault(key, np.zeros(frame.shape, dtype=np.uint8))
        voxels[frame > 0] = int(number)
    return maps

"""Segmentations: which segments there are, where they lie, and their voxels."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from apps.interop.dicom.charset import decoded_text
from apps.interop.dicom.foreign.frames import (
    SLIDE,
    groups_of,
    one_of,
    pixels_of,
    place_of,
)
from apps.interop.dicom.foreign.header import (
    coded,
    creator_of,
    moment_of,
    title_of,
    uid_of,
)
from apps.interop.dicom.foreign.types import (
    Coded,
    ForeignError,
    ForeignObject,
    Item,
    Segment,
    SegmentFrame,
)

LABELMAP: Final = "LABELMAP"
_WHOLE: Final = 255
_HALF: Final = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frames:
    """The frames of a segmentation.

    Attributes:
        places: Where each lies.
        numbers: Segment number of each; 0 where a frame shows several.
        pixels: As stored, [frame, row, column].
    """

    places: tuple[SegmentFrame, ...]
    numbers: tuple[int, ...]
    pixels: NDArray[Any]


def read_segmentation_object(dataset: Dataset, content: bytes) -> ForeignObject:
    """Read a segmentation: an item for each segment.

    Args:
        dataset: The whole object.
        content: Its file.

    Raises:
        ForeignError: Its frames cannot be had.
        ValueError: What it says of them is no sense.
    """
    frames = _frames(dataset, content)
    descriptions = list(dataset.get("SegmentSequence") or ())
    items = [
        _item(dataset, description, frames)
        for description in descriptions
        if int(description.get("SegmentNumber") or 0) > 0
    ]
    algorithm = _algorithm(descriptions)
    title = title_of(dataset, "SeriesDescription", "ContentDescription", "ContentLabel")
    return ForeignObject(
        study_uid=uid_of(dataset, "StudyInstanceUID"),
        series_uid=uid_of(dataset, "SeriesInstanceUID"),
        sop_uid=uid_of(dataset, "SOPInstanceUID"),
        sop_class_uid=uid_of(dataset, "SOPClassUID"),
        kind="seg",
        title=title,
        creator=creator_of(
            dataset,
            algorithm=algorithm,
            person=decoded_text(dataset, "ContentCreatorName"),
            title=title,
        ),
        made_at=moment_of(
            dataset, ("ContentDate", "ContentTime"), ("SeriesDate", "SeriesTime")
        ),
        items=tuple(items),
        notes=(f"It describes {described} frames and has {there}.",)
        if (described := len(groups_of(dataset))) != (there := len(frames.pixels))
        else (),
    )


def read_voxels(dataset: Dataset, content: bytes, *, number: int) -> NDArray[np.uint8]:
    """Return one segment's voxels, [frame, row, column]: 0 or 1.

    Of a fractional segment they are 0 to 255, the whole; at 128 and more the segment
    holds half of the voxel at least, which is what counts as inside elsewhere.
    The frames are those of `Segment.frames`, in their order.

    Raises:
        ForeignError: It has no such segment, or its frames cannot be had.
    """
    frames = _frames(dataset, content)
    kept = [values for _, values in _of_segment(dataset, frames, number)]
    if not kept:
        msg = f"segment {number} holds nothing"
        raise ForeignError(msg)
    return np.stack(kept)


def _algorithm(descriptions: list[Dataset]) -> str:
    """Return the algorithm's name when no person had a hand in the segments; ''."""
    for item in descriptions:
        if str(item.get("SegmentAlgorithmType") or "") == "AUTOMATIC":
            return decoded_text(item, "SegmentAlgorithmName") or "automatic"
    return ""


def _item(dataset: Dataset, description: Dataset, frames: _Frames) -> Item:
    number = int(description.SegmentNumber)
    kept = list(_of_segment(dataset, frames, number))
    half = _HALF if _kind(dataset) == "FRACTIONAL" else 1
    voxels = sum(int((values >= half).sum()) for _, values in kept)
    words = decoded_text(description, "SegmentLabel")
    kind = coded(description.get("SegmentedPropertyTypeCodeSequence"))
    is_slide = any("PlanePositionSlideSequence" in g for g in groups_of(dataset))
    return Item(
        key=f"s{number}",
        label=kind or Coded(scheme="", code="", display=words or f"Segment {number}"),
        tracking_uid=uid_of(description, "TrackingUID"),
        tracking_id=decoded_text(description, "TrackingID") or words,
        category=coded(description.get("SegmentedPropertyCategoryCodeSequence")),
        site=coded(description.get("AnatomicRegionSequence")),
        text=decoded_text(description, "SegmentDescription"),
        colour=_colour(description.get("RecommendedDisplayCIELabValue")),
        segment=Segment(
            number=number,
            rows=int(dataset.Rows),
            columns=int(dataset.Columns),
            frames=tuple(place for place, _ in kept),
            frame_of_reference_uid=uid_of(dataset, "FrameOfReferenceUID"),
            fractional=_kind(dataset) == "FRACTIONAL",
            volume_ml=_volume_ml(dataset, voxels, frames),
        )
        if kept and not is_slide
        else None,
        why_not=f"It could not be shown: {SLIDE}."
        if is_slide
        else ""
        if kept
        else "It is empty.",
    )


def _kind(dataset: Dataset) -> str:
    return str(dataset.get("SegmentationType") or "BINARY")


def _of_segment(
    dataset: Dataset, frames: _Frames, number: int
) -> Iterator[tuple[SegmentFrame, NDArray[np.uint8]]]:
    """Yield the frames that hold something of a segment, as `read_voxels` says."""
    kind = _kind(dataset)
    most = float(dataset.get("MaximumFractionalValue") or 1)
    for place, own, pixels in zip(
        frames.places, frames.numbers, frames.pixels, strict=True
    ):
        if kind == LABELMAP:
            values = pixels == number
        elif own != number:
            continue
        elif kind == "FRACTIONAL":
            values = np.rint(np.clip(pixels / most, 0, 1) * _WHOLE)
        else:
            values = pixels > 0
        if values.any():
            yield place, values.astype(np.uint8)


def _frames(dataset: Dataset, content: bytes) -> _Frames:
    shared = (dataset.get("SharedFunctionalGroupsSequence") or [Dataset()])[0]
    groups = groups_of(dataset)
    pixels = pixels_of(dataset, content)
    if not groups and str(dataset.get("DimensionOrganizationType")) == "TILED_FULL":
        raise ForeignError(SLIDE)
    if len(groups) < len(pixels):
        msg = f"it describes {len(groups)} frames and has {len(pixels)}"
        raise ForeignError(msg)
    # One that was cut short describes more: what is there is shown.
    groups = groups[: len(pixels)]
    return _Frames(
        places=tuple(place_of(group, shared) for group in groups),
        numbers=tuple(_number(group, shared) for group in groups),
        pixels=pixels,
    )


def _number(group: Dataset, shared: Dataset) -> int:
    items = group.get("SegmentIdentificationSequence") or shared.get(
        "SegmentIdentificationSequence"
    )
    return int(items[0].ReferencedSegmentNumber) if items else 0


def _volume_ml(dataset: Dataset, voxels: int, frames: _Frames) -> float | None:
    place = frames.places[0]
    shared = (dataset.get("SharedFunctionalGroupsSequence") or [Dataset()])[0]
    measures = one_of(groups_of(dataset)[0], shared, "PixelMeasuresSequence")
    if place.origin is None or measures is None:
        return None
    depth = measures.get("SpacingBetweenSlices") or measures.get("SliceThickness")
    if not depth:
        return None
    return voxels * place.row_spacing * place.column_spacing * float(depth) / 1000


def _colour(lab: Any) -> str:
    """Return a recommended colour: CIELab of PCS values as ``#rrggbb``; ''."""
    if lab is None or len(lab) != 3:
        return ""
    lightness = int(lab[0]) / 65535 * 100
    a, b = (int(value) / 65535 * 255 - 128 for value in lab[1:])
    fy = (lightness + 16) / 116
    xyz = [
        scale * (f**3 if f**3 > 0.008856 else (f - 16 / 116) / 7.787)
        for f, scale in zip(
            (fy + a / 500, fy, fy - b / 200), (0.9642, 1.0, 0.8249), strict=True
        )
    ]
    # From the profile's white (D50) to sRGB.
    matrix = np.array(
        [
            [3.1338561, -1.6168667, -0.4906146],
            [-0.9787684, 1.9161415, 0.0334540],
            [0.0719453, -0.2289914, 1.4052427],
        ]
    )
    linear = np.clip(matrix @ np.array(xyz), 0, 1)
    shown = np.where(
        linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055
    )
    return "#" + "".join(f"{round(v * 255):02x}" for v in shown)


def open_segmentation(content: bytes) -> Dataset:
    """Parse a segmentation's file with its pixels."""
    return pydicom.dcmread(io.BytesIO(content))

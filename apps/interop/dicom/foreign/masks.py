"""Segmentations: which segments there are, where they lie, and their voxels."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames

from apps.interop.dicom.charset import decoded_text
from apps.interop.dicom.foreign.header import (
    coded,
    creator_of,
    moment_of,
    numbers_of,
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
from workers.packs.isolation import DecodingError, IsolatedDecoder

LABELMAP: Final = "LABELMAP"
_WHOLE: Final = 255
_HALF: Final = 128
MAX_VOXELS: Final = 400_000_000
_NATIVE: Final = frozenset(
    {
        "1.2.840.10008.1.2",
        "1.2.840.10008.1.2.1",
        "1.2.840.10008.1.2.1.99",
        "1.2.840.10008.1.2.2",
        "1.2.840.10008.1.2.5",
    }
)
"""Transfer syntaxes that are read without a codec of others: raw, deflated, RLE."""

_RLE: Final = "1.2.840.10008.1.2.5"
_TIMEOUT_S: Final = 20.0
_MEMORY_BYTES: Final = 2 << 30


_SLIDE: Final = "it is drawn on the tiles of a slide"


@cache
def _decoder() -> IsolatedDecoder:
    return IsolatedDecoder(timeout_s=_TIMEOUT_S, memory_bytes=_MEMORY_BYTES)


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
        if (described := len(_groups(dataset))) != (there := len(frames.pixels))
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
    is_slide = any("PlanePositionSlideSequence" in g for g in _groups(dataset))
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
        why_not=f"It could not be shown: {_SLIDE}."
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


def _groups(dataset: Dataset) -> list[Dataset]:
    return list(dataset.get("PerFrameFunctionalGroupsSequence") or ())


def _frames(dataset: Dataset, content: bytes) -> _Frames:
    shared = (dataset.get("SharedFunctionalGroupsSequence") or [Dataset()])[0]
    groups = _groups(dataset)
    pixels = _pixels(dataset, content)
    if not groups and str(dataset.get("DimensionOrganizationType")) == "TILED_FULL":
        raise ForeignError(_SLIDE)
    if len(groups) < len(pixels):
        msg = f"it describes {len(groups)} frames and has {len(pixels)}"
        raise ForeignError(msg)
    # One that was cut short describes more: what is there is shown.
    groups = groups[: len(pixels)]
    return _Frames(
        places=tuple(_place(group, shared) for group in groups),
        numbers=tuple(_number(group, shared) for group in groups),
        pixels=pixels,
    )


def _pixels(dataset: Dataset, content: bytes) -> NDArray[Any]:
    rows, columns = int(dataset.get("Rows") or 0), int(dataset.get("Columns") or 0)
    count = int(dataset.get("NumberOfFrames") or 1)
    if rows * columns * count == 0:
        msg = "it has no pixels"
        raise ForeignError(msg)
    if rows * columns * count > MAX_VOXELS:
        msg = "it is too large to be shown here"
        raise ForeignError(msg)
    syntax = str(dataset.file_meta.get("TransferSyntaxUID") or "")
    if syntax == _RLE and int(dataset.get("BitsAllocated") or 8) == 1:
        return _run_lengths(dataset, rows, columns)
    if syntax not in _NATIVE:
        return _decoded(content, count)
    whole: NDArray[Any] = dataset.pixel_array
    return whole.reshape(-1, rows, columns)


def _run_lengths(dataset: Dataset, rows: int, columns: int) -> NDArray[Any]:
    """Read frames of single bits in DICOM's run lengths, each frame from a byte on."""
    size = -(-rows * columns // 8)
    count = int(dataset.get("NumberOfFrames") or 1)
    frames = []
    for frame in generate_frames(dataset.PixelData, number_of_frames=count):
        start = int.from_bytes(frame[4:8], "little")
        packed = np.frombuffer(unpack_bytes(frame[start:], size), dtype=np.uint8)
        bits = np.unpackbits(packed, bitorder="little")[: rows * columns]
        frames.append(bits.reshape(rows, columns))
    return np.stack(frames)


def unpack_bytes(packed: bytes, size: int) -> bytes:
    """Undo PackBits, until `size` bytes are there.

    Raises:
        ValueError: It ends before.
    """
    whole = bytearray()
    at = 0
    while len(whole) < size:
        if at + 1 >= len(packed):
            msg = "a frame ends too early"
            raise ValueError(msg)
        head = packed[at]
        if head < 128:
            whole += packed[at + 1 : at + 2 + head]
            at += 2 + head
        else:
            whole += packed[at + 1 : at + 2] * (257 - head if head > 128 else 0)
            at += 2 if head > 128 else 1
    return bytes(whole[:size])


def _decoded(content: bytes, count: int) -> NDArray[Any]:
    """Decode where a decoder may crash."""
    try:
        return np.stack(
            [_decoder().measure(content, frame=n) for n in range(1, count + 1)]
        )
    except DecodingError as error:
        raise ForeignError(str(error)) from error


def _number(group: Dataset, shared: Dataset) -> int:
    items = group.get("SegmentIdentificationSequence") or shared.get(
        "SegmentIdentificationSequence"
    )
    return int(items[0].ReferencedSegmentNumber) if items else 0


def _one(group: Dataset, shared: Dataset, keyword: str) -> Dataset | None:
    items = group.get(keyword) or shared.get(keyword)
    return items[0] if items else None


def _place(group: Dataset, shared: Dataset) -> SegmentFrame:
    uid, frame = _source(group, shared)
    position = _one(group, shared, "PlanePositionSequence")
    orientation = _one(group, shared, "PlaneOrientationSequence")
    measures = _one(group, shared, "PixelMeasuresSequence")
    if position is None or orientation is None or measures is None:
        return SegmentFrame(sop_uid=uid, frame=frame)
    x, y, z = numbers_of(position.ImagePositionPatient)
    cosines = numbers_of(orientation.ImageOrientationPatient)
    row_spacing, column_spacing = numbers_of(measures.PixelSpacing)
    return SegmentFrame(
        sop_uid=uid,
        frame=frame,
        origin=(x, y, z),
        row=(cosines[0], cosines[1], cosines[2]),
        column=(cosines[3], cosines[4], cosines[5]),
        row_spacing=row_spacing,
        column_spacing=column_spacing,
    )


def _source(group: Dataset, shared: Dataset) -> tuple[str, int]:
    """Return the one image that a frame was drawn on; '' for none or several."""
    derivation = _one(group, shared, "DerivationImageSequence")
    sources = derivation.get("SourceImageSequence") if derivation else None
    if not sources or len(sources) != 1:
        return "", 1
    frame = sources[0].get("ReferencedFrameNumber") or 1
    number = frame if isinstance(frame, int | str) else frame[0]
    return uid_of(sources[0], "ReferencedSOPInstanceUID"), int(number)


def _volume_ml(dataset: Dataset, voxels: int, frames: _Frames) -> float | None:
    place = frames.places[0]
    shared = (dataset.get("SharedFunctionalGroupsSequence") or [Dataset()])[0]
    measures = _one(_groups(dataset)[0], shared, "PixelMeasuresSequence")
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

"""Frames of multi-frame objects: where each lies, and what is stored of it."""

from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames

from apps.interop.dicom.foreign.header import numbers_of, uid_of
from apps.interop.dicom.foreign.types import ForeignError, SegmentFrame
from workers.packs.isolation import DecodingError, IsolatedDecoder

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
SLIDE: Final = "it is drawn on the tiles of a slide"


@cache
def _decoder() -> IsolatedDecoder:
    return IsolatedDecoder(timeout_s=_TIMEOUT_S, memory_bytes=_MEMORY_BYTES)


def pixels_of(
    dataset: Dataset, content: bytes, *, most: int = MAX_VOXELS
) -> NDArray[Any]:
    """Return all frames as stored, [frame, row, column].

    Args:
        dataset: The whole object.
        content: Its file, for what is compressed.
        most: Pixels in all that are read.

    Raises:
        ForeignError: It has none, too many, or they cannot be decoded.
    """
    rows, columns = int(dataset.get("Rows") or 0), int(dataset.get("Columns") or 0)
    count = int(dataset.get("NumberOfFrames") or 1)
    if rows * columns * count == 0:
        msg = "it has no pixels"
        raise ForeignError(msg)
    if rows * columns * count > most:
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


def groups_of(dataset: Dataset) -> list[Dataset]:
    """Return what is said of each frame alone."""
    return list(dataset.get("PerFrameFunctionalGroupsSequence") or ())


def one_of(group: Dataset, shared: Dataset, keyword: str) -> Dataset | None:
    """Return a functional group of a frame: its own, or that of all; None without."""
    items = group.get(keyword) or shared.get(keyword)
    return items[0] if items else None


def place_of(group: Dataset, shared: Dataset) -> SegmentFrame:
    """Return where a frame lies, as far as it says.

    Raises:
        ValueError: What it says of it is no sense.
    """
    uid, frame = _source(group, shared)
    position = one_of(group, shared, "PlanePositionSequence")
    orientation = one_of(group, shared, "PlaneOrientationSequence")
    measures = one_of(group, shared, "PixelMeasuresSequence")
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
    derivation = one_of(group, shared, "DerivationImageSequence")
    sources = derivation.get("SourceImageSequence") if derivation else None
    if not sources or len(sources) != 1:
        return "", 1
    frame = sources[0].get("ReferencedFrameNumber") or 1
    number = frame if isinstance(frame, int | str) else frame[0]
    return uid_of(sources[0], "ReferencedSOPInstanceUID"), int(number)

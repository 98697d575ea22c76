"""The frames of a DICOM file, one codestream each. Pure: bytes in, bytes out.

Nothing here runs a decoder (they crash): uncompressed pixels are put into the
byte order that browsers read, compressed frames are cut out as stored. What can
not be sent so is named by the plan and left to `workers.packs.recode`.
"""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom import encaps
from pydicom.dataset import Dataset

from workers.packs.codestream import bare_jpeg2000
from workers.packs.dataset import PARSE_ERRORS, read_dataset
from workers.packs.layout import (
    DEFLATED_FRAMES,
    EXPLICIT_BIG,
    HTJ2K,
    JPEG_2000,
    NATIVE,
)
from workers.packs.plan import FramePlan, PixelHeader, misfit, plan_frames


class FrameError(ValueError):
    """Frames that can not be had; the text says why and names no patient."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One frame, ready to be sent.

    Attributes:
        number: 1-based.
        codestream: The bytes.
        transfer_syntax: What they are, a Transfer Syntax UID.
        ext: The suffix of its file in a pack.
    """

    number: int
    codestream: bytes
    transfer_syntax: str
    ext: str


def plan_instance(dataset: Dataset) -> FramePlan:
    """Decide how the frames of an instance are sent. Never raises."""
    try:
        first = next(encapsulated_frames(dataset), None)
    except FrameError as error:
        return FramePlan(header=None, n_frames=0, why_not=str(error))
    except PARSE_ERRORS:
        return FramePlan(header=None, n_frames=0, why_not="its header is damaged")
    return plan_frames(dataset, first_frame=first)


def read_frames(content: bytes) -> Iterator[Frame]:
    """Yield the frames of a DICOM file, in order.

    Args:
        content: The file as stored.

    Raises:
        UnreadableInstanceError: It is no readable DICOM file.
        FrameError: It has no frames that can be sent as they are, or fewer than
            it says.
    """
    dataset = read_dataset(content)
    yield from iter_frames(dataset, plan=plan_instance(dataset))


def read_frame(content: bytes, *, number: int) -> Frame:
    """Return one frame (1-based) of a DICOM file.

    Raises:
        UnreadableInstanceError: It is no readable DICOM file.
        FrameError: There is no such frame, or it can not be sent as it is.
    """
    for frame in read_frames(content):
        if frame.number == number:
            return frame
    raise FrameError(f"there is no frame {number}")


def iter_frames(dataset: Dataset, *, plan: FramePlan) -> Iterator[Frame]:
    """Yield the frames of a parsed instance by its plan.

    Raises:
        FrameError: No frame can be sent as stored, or there are too few.
    """
    if plan.header is None or plan.why_not:
        raise FrameError(plan.why_not or "it has no frames")
    if plan.needs_decoding:
        raise FrameError("its frames must be decoded before a browser can show them")
    if plan.header.stored_syntax in NATIVE:
        codestreams = _native_frames(dataset, plan.header)
    elif plan.header.stored_syntax == DEFLATED_FRAMES:
        codestreams = _deflated_frames(dataset, plan.header)
    else:
        codestreams = _fitting(encapsulated_frames(dataset), plan.header)
    wraps = plan.transfer_syntax in {JPEG_2000, HTJ2K}
    found = 0
    for found, codestream in enumerate(codestreams, start=1):
        yield Frame(
            number=found,
            codestream=bare_jpeg2000(codestream) if wraps else codestream,
            transfer_syntax=plan.transfer_syntax,
            ext=plan.ext,
        )
        if found == plan.n_frames:
            return
    raise FrameError(f"it holds {found} of {plan.n_frames} frames")


# --- compressed


def _fitting(codestreams: Iterator[bytes], header: PixelHeader) -> Iterator[bytes]:
    for codestream in codestreams:
        if why_not := misfit(header, codestream):
            raise FrameError(why_not)
        yield codestream


def encapsulated_frames(dataset: Dataset) -> Iterator[bytes]:
    """Yield codestreams; nothing when the pixels are not encapsulated."""
    syntax = str(dataset.file_meta.TransferSyntaxUID)
    if syntax in NATIVE or "PixelData" not in dataset:
        return
    try:
        n_frames = int(dataset.get("NumberOfFrames") or 1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield from _cut(dataset, n_frames)
    except PARSE_ERRORS as error:
        raise FrameError("its pixel data are damaged") from error


def _cut(dataset: Dataset, n_frames: int) -> Iterator[bytes]:
    extended = None
    if "ExtendedOffsetTable" in dataset:
        extended = (dataset.ExtendedOffsetTable, dataset.ExtendedOffsetTableLengths)
    content = bytes(dataset.PixelData)
    if _offsets_are_sound(content, n_frames) or extended is not None:
        yield from encaps.generate_frames(
            content, number_of_frames=n_frames, extended_offsets=extended
        )
        return
    fragments = list(encaps.generate_fragments(_without_offsets(content)))
    if len(fragments) == n_frames:
        yield from fragments
    elif n_frames == 1:
        yield b"".join(fragments)
    else:
        yield from encaps.generate_frames(
            _without_offsets(content), number_of_frames=n_frames
        )


def _offset_table_length(content: bytes) -> int:
    if content[:4] != b"\xfe\xff\x00\xe0":
        raise ValueError("no offset table item")
    return int.from_bytes(content[4:8], "little")


def _without_offsets(content: bytes) -> bytes:
    """Return encapsulated pixel data with an empty basic offset table."""
    length = _offset_table_length(content)
    return b"\xfe\xff\x00\xe0\x00\x00\x00\x00" + content[8 + length :]


def _offsets_are_sound(content: bytes, n_frames: int) -> bool:
    """Whether the basic offset table names a fragment's start for each frame."""
    length = _offset_table_length(content)
    if length == 0 or length % 4 or length // 4 != n_frames:
        return False
    offsets = np.frombuffer(content, dtype="<u4", count=n_frames, offset=8)
    if offsets[0] != 0 or (np.diff(offsets.astype(np.int64)) <= 0).any():
        return False
    first = 8 + length
    return all(
        content[first + int(o) : first + int(o) + 4] == b"\xfe\xff\x00\xe0"
        for o in offsets
    )


# --- uncompressed


def _deflated_frames(dataset: Dataset, header: PixelHeader) -> Iterator[bytes]:
    size = -(-header.native_frame_bits // 8)
    for packed in encapsulated_frames(dataset):
        try:
            plain = zlib.decompressobj(-15).decompress(packed, size)
        except zlib.error as error:
            raise FrameError("its pixel data are damaged") from error
        if len(plain) < size:
            raise FrameError("its pixel data are incomplete")
        yield _to_browser(np.frombuffer(plain, np.uint8)[:size], header)


def _native_frames(dataset: Dataset, header: PixelHeader) -> Iterator[bytes]:
    try:
        element = dataset["PixelData"]
        content = np.frombuffer(element.value, dtype=np.uint8)
    except PARSE_ERRORS as error:
        raise FrameError("its pixel data are damaged") from error
    if header.stored_syntax == EXPLICIT_BIG:
        content = _to_little_endian(content, header, vr=element.VR)
    bits = header.native_frame_bits
    if content.size * 8 < bits * header.n_frames:
        raise FrameError(
            f"its pixel data are incomplete ({content.size} of"
            f" {-(-bits * header.n_frames // 8)} bytes)"
        )
    if header.bits_allocated == 1:
        for index in range(header.n_frames):
            first, shift = divmod(index * bits, 8)
            part = content[first : first - (-(shift + bits) // 8)]
            values = np.unpackbits(part, count=shift + bits, bitorder="little")
            yield values[shift:].tobytes()
        return
    size = bits // 8
    for index in range(header.n_frames):
        yield _to_browser(content[index * size : (index + 1) * size], header)


def _to_little_endian(
    content: NDArray[np.uint8], header: PixelHeader, *, vr: str
) -> NDArray[np.uint8]:
    """Swap bytes: by sample, or by 16-bit word where bytes are stored as OW."""
    width = header.bits_allocated // 8
    if width <= 1:
        if vr != "OW":
            return content
        width = 2
    whole = content[: content.size - content.size % width]
    return whole.reshape(-1, width)[:, ::-1].ravel()


def _to_browser(frame: NDArray[np.uint8], header: PixelHeader) -> bytes:
    """Return a little endian frame as Cornerstone reads it."""
    if header.bits_allocated == 1:
        n_values = header.rows * header.columns * header.samples
        return np.unpackbits(frame, count=n_values, bitorder="little").tobytes()
    if header.is_half_chroma:
        return _full_chroma(frame).tobytes()
    if header.bits_allocated == 8 and header.is_signed:
        return frame.view(np.int8).astype("<i2").tobytes()
    if header.bits_stored < header.bits_allocated and header.samples == 1:
        return _only_stored_bits(frame, header)
    return frame.tobytes()


def _full_chroma(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Turn Y Y Cb Cr for two pixels into Y Cb Cr for each; values unchanged."""
    pairs = frame.reshape(-1, 4)
    return pairs[:, [0, 2, 3, 1, 2, 3]].ravel()


def _only_stored_bits(frame: NDArray[np.uint8], header: PixelHeader) -> bytes:
    """Take out bits that are not the pixel's value (overlays of old machines)."""
    shift = header.high_bit + 1 - header.bits_stored
    if shift == 0 and header.is_signed:
        return frame.tobytes()  # the viewer extends the sign from Bits Stored
    values = frame.view(f"<u{header.bits_allocated // 8}")
    limit = (1 << header.bits_stored) - 1
    if shift == 0 and (values <= limit).all():
        return frame.tobytes()
    kept = np.right_shift(values, shift) & limit
    return bytes(kept.astype(values.dtype).tobytes())

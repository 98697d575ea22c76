"""What DICOMweb says of one DICOM file: its header as JSON, its frames, a picture.

The archive is asked for the file as stored and for nothing else: it must never
decode or transcode on a client's wish.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
from PIL import Image
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from workers.packs.dataset import PARSE_ERRORS, UnreadableInstanceError, read_dataset
from workers.packs.frames import FrameError, encapsulated_frames
from workers.packs.isolation import DecodingError, IsolatedDecoder

INLINE_BYTES: Final = 1024
"""Binary values up to this size stand in the JSON itself."""

_EXPLICIT_LITTLE: Final = "1.2.840.10008.1.2.1"
_EXPLICIT_BIG: Final = "1.2.840.10008.1.2.2"
_NATIVE: Final = frozenset(
    {
        "1.2.840.10008.1.2",
        _EXPLICIT_LITTLE,
        "1.2.840.10008.1.2.1.99",
        _EXPLICIT_BIG,
    }
)
_BULK_VRS: Final = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})
_NEVER_INLINE: Final = frozenset({0x7FE00010, 0x7FE00008, 0x7FE00009})
_TAG: Final = re.compile(r"[0-9A-F]{8}")
_INDEX: Final = re.compile(r"[0-9]{1,6}")
_MEDIA: Final = {
    "50": "image/jpeg",
    "51": "image/jpeg",
    "57": "image/jpeg",
    "70": "image/jpeg",
    "80": "image/jls",
    "81": "image/jls",
    "90": "image/jp2",
    "91": "image/jp2",
    "92": "image/jpx",
    "93": "image/jpx",
    "201": "image/jphc",
    "202": "image/jphc",
    "203": "image/jphc",
}
_DECODE_S: Final = 20.0
_DECODE_BYTES: Final = 4 << 30


class NotHad(ValueError):
    """What was asked for is not in the file; the text says why, without a name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameData:
    """The frames of a file that were asked for.

    Attributes:
        frames: Each one's bytes.
        media_type: Of each, such as `image/jls` or `application/octet-stream`.
        transfer_syntax: What the bytes are.
    """

    frames: tuple[bytes, ...]
    media_type: str
    transfer_syntax: str


def _read(content: bytes) -> Dataset:
    try:
        return read_dataset(content)
    except UnreadableInstanceError as error:
        raise NotHad(f"The file cannot be read: {error}.") from error


def _syntax(dataset: Dataset) -> str:
    return str(dataset.file_meta.TransferSyntaxUID)


# --- metadata


def metadata_of(content: bytes, *, bulk_url: str) -> dict[str, Any]:
    """Return a file's header in the DICOM JSON model.

    Args:
        content: The file as stored.
        bulk_url: What the addresses of its bulk data begin with.

    Returns:
        Keyed by tag. Values that make no sense by their VR are left out.

    Raises:
        NotHad: The file cannot be read.
    """
    return _as_json(_read(content), bulk_url=bulk_url, path=())


def _as_json(
    dataset: Dataset, *, bulk_url: str, path: tuple[str, ...]
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for tag in sorted(dataset.keys()):
        key = f"{int(tag):08X}"
        if tag.group in {0x0000, 0x0002} or tag.element == 0:
            continue
        try:
            found[key] = _element_json(dataset[tag], bulk_url=bulk_url, path=path)
        except PARSE_ERRORS:
            continue
    return found


def _element_json(
    element: DataElement, *, bulk_url: str, path: tuple[str, ...]
) -> dict[str, Any]:
    here = (*path, f"{int(element.tag):08X}")
    if element.VR == "SQ":
        items = [
            _as_json(item, bulk_url=bulk_url, path=(*here, str(index)))
            for index, item in enumerate(element.value, start=1)
        ]
        return {"vr": "SQ", "Value": items} if items else {"vr": "SQ"}
    vr = str(element.VR).split(" or ", maxsplit=1)[0]
    value = element.value
    is_bulk = isinstance(value, bytes) and vr in _BULK_VRS
    if is_bulk and (len(value) > INLINE_BYTES or int(element.tag) in _NEVER_INLINE):
        return {"vr": vr, "BulkDataURI": "/".join((bulk_url, *here))}
    shown: dict[str, Any] = element.to_json_dict(None, 1 << 40)
    json.dumps(shown, allow_nan=False)  # a value that JSON has no word for
    return shown


def bulk_of(content: bytes, *, path: str) -> bytes:
    """Return a binary value by the path in its address: tags and item numbers.

    Raises:
        NotHad: There is no such value.
    """
    *outer, last = path.upper().split("/")
    dataset = _read(content)
    try:
        for tag, index in zip(outer[::2], outer[1::2], strict=True):
            dataset = _checked(dataset, tag).value[_index(index)]
        value = _checked(dataset, last).value
    except (*PARSE_ERRORS, LookupError) as error:
        raise NotHad("The file has no such value.") from error
    if not isinstance(value, bytes):
        raise NotHad("The file has no such binary value.")
    return value


def _checked(dataset: Dataset, tag: str) -> DataElement:
    if not _TAG.fullmatch(tag):
        raise NotHad("This is no address of a value.")
    return dataset[int(tag, 16)]


def _index(text: str) -> int:
    if not _INDEX.fullmatch(text) or int(text) < 1:
        raise NotHad("This is no address of a value.")
    return int(text) - 1


# --- frames


def frames_of(content: bytes, *, numbers: Sequence[int]) -> FrameData:
    """Return frames as stored; uncompressed ones in little endian.

    Args:
        content: The file as stored.
        numbers: Which, 1-based, in the order wanted.

    Raises:
        NotHad: The file has no pixels, or not so many frames.
    """
    dataset = _read(content)
    syntax = _syntax(dataset)
    if "PixelData" not in dataset:
        raise NotHad("The object has no frames.")
    try:
        if syntax in _NATIVE:
            every: Iterator[bytes] = _native_frames(dataset, syntax)
        else:
            every = encapsulated_frames(dataset)
        wanted = frozenset(numbers)
        found: dict[int, bytes] = {}
        for number, frame in enumerate(every, start=1):
            if number in wanted:
                found[number] = frame
            if len(found) == len(wanted):
                break
    except (*PARSE_ERRORS, FrameError) as error:
        raise NotHad("The pixel data are damaged.") from error
    missing = sorted(wanted - found.keys())
    if missing:
        raise NotHad(f"The object has no frame {missing[0]}.")
    return FrameData(
        frames=tuple(found[number] for number in numbers),
        media_type=_media_type(syntax),
        transfer_syntax=_EXPLICIT_LITTLE if syntax in _NATIVE else syntax,
    )


def _media_type(syntax: str) -> str:
    if syntax == "1.2.840.10008.1.2.5":
        return "image/dicom-rle"
    prefix, _, last = syntax.rpartition(".")
    if prefix == "1.2.840.10008.1.2.4":
        return _MEDIA.get(last, "application/octet-stream")
    return "application/octet-stream"


def _native_frames(dataset: Dataset, syntax: str) -> Iterator[bytes]:
    content = dataset["PixelData"].value
    allocated = int(dataset.BitsAllocated)
    values = int(dataset.Rows) * int(dataset.Columns) * int(dataset.SamplesPerPixel)
    bits = values * allocated
    if str(dataset.get("PhotometricInterpretation")) == "YBR_FULL_422":
        bits = bits * 2 // 3
    n_frames = int(dataset.get("NumberOfFrames") or 1)
    if bits <= 0 or len(content) * 8 < bits * n_frames:
        raise NotHad("The pixel data are incomplete.")
    if syntax == _EXPLICIT_BIG:
        content = _little_endian(content, allocated, str(dataset["PixelData"].VR))
    for index in range(n_frames):
        if bits % 8 == 0:
            size = bits // 8
            yield content[index * size : (index + 1) * size]
            continue
        first, shift = divmod(index * bits, 8)
        part = np.frombuffer(content, np.uint8)[first : first - (-(shift + bits) // 8)]
        loose = np.unpackbits(part, count=shift + bits, bitorder="little")[shift:]
        yield np.packbits(loose, bitorder="little").tobytes()


def _little_endian(content: bytes, allocated: int, vr: str) -> bytes:
    width = allocated // 8
    if width <= 1 and vr == "OW":
        width = 2
    if width <= 1:
        return content
    whole = np.frombuffer(content, np.uint8)[: len(content) // width * width]
    return whole.reshape(-1, width)[:, ::-1].tobytes()


# --- pictures


@cache
def _decoder() -> IsolatedDecoder:
    return IsolatedDecoder(timeout_s=_DECODE_S, memory_bytes=_DECODE_BYTES)


def picture_of(content: bytes, *, frame: int, media_type: str) -> bytes:
    """Return a frame as displayed, in its full size.

    Args:
        content: The file as stored.
        frame: Which, 1-based.
        media_type: `image/jpeg` or `image/png`.

    Raises:
        NotHad: It has none, or it cannot be decoded.
    """
    try:
        shown = _decoder().render(content, frame=frame)
    except DecodingError as error:
        raise NotHad(f"No picture can be made: {error}.") from error
    grey = np.clip(np.rint(shown.values * 255.0), 0, 255).astype(np.uint8)
    stream = io.BytesIO()
    kind = "PNG" if media_type == "image/png" else "JPEG"
    Image.fromarray(grey).save(stream, format=kind, quality=92)
    return stream.getvalue()

"""An HTJ2K object into one that every archive holds, pixels bit for bit the same.

Decoders are C code that other people's files can crash: call this only in the
process that `workers.packs.isolation` starts for it.
"""

from __future__ import annotations

import io
import warnings
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom import encaps
from pydicom.dataset import Dataset
from pydicom.uid import UID

from workers.packs.codestream import (
    Jpeg2000Header,
    bare_jpeg2000,
    read_jpeg2000_header,
)
from workers.packs.dataset import read_dataset
from workers.packs.frames import FrameError, encapsulated_frames
from workers.packs.layout import EXPLICIT_LITTLE, JPEG_2000
from workers.packs.plan import is_believable

_ALWAYS_UNPACKED = 8 << 20
"""Bytes; HTJ2K, unlike JPEG 2000, packs even black no better than 1000 to 1."""
_MOST_BITS = 16
"""What a JPEG 2000 encoder is trusted with; deeper pixels go uncompressed."""
_COD = b"\xff\x52"
_IRREVERSIBLE = 0
_TABLE_LIMIT = 1 << 32


def transcode(content: bytes) -> bytes:
    """Return the DICOM file with its HTJ2K frames coded losslessly otherwise.

    Frames become lossless JPEG 2000 (uncompressed above 16 bits). Every other
    element is kept as it is, so is the SOP Instance UID: the values of the pixels
    do not change. What had been lossy before stays marked as lossy.

    Raises:
        UnreadableInstanceError: It is no readable DICOM file.
        FrameError: Its frames cannot be decoded, or not be coded to the same values.
    """
    dataset = read_dataset(content)
    n_frames = int(dataset.get("NumberOfFrames") or 1)
    frames = [bare_jpeg2000(f) for f in encapsulated_frames(dataset)]
    if len(frames) != n_frames:
        raise FrameError(f"it holds {len(frames)} of {n_frames} frames")
    headers = [_header(frame, index) for index, frame in enumerate(frames)]
    for frame, header in zip(frames, headers, strict=True):
        _require_sense(dataset, frame, header)
    if all(header.precision <= _MOST_BITS for header in headers):
        _compress(dataset, frames, headers)
    else:
        _uncompress(dataset, frames)
    return _written(dataset)


def _header(frame: bytes, index: int) -> Jpeg2000Header:
    header = read_jpeg2000_header(frame)
    if header is None:
        raise FrameError(f"frame {index + 1} is not HTJ2K, which its header names")
    return header


def _require_sense(dataset: Dataset, frame: bytes, header: Jpeg2000Header) -> None:
    """Refuse a frame of another size than the instance's, and a bomb."""
    if (header.rows, header.columns) != (dataset.get("Rows"), dataset.get("Columns")):
        raise FrameError(
            f"its frames are {header.columns}×{header.rows} pixels, its header says"
            " otherwise"
        )
    samples = header.rows * header.columns * header.n_components
    size = samples * header.precision // 8
    if not is_believable(unpacked=size, packed=len(frame), always=_ALWAYS_UNPACKED):
        raise FrameError("its frames would unpack to more than is believable")


def _compress(
    dataset: Dataset, frames: list[bytes], headers: list[Jpeg2000Header]
) -> None:
    """Put JPEG 2000 in the place of HTJ2K."""
    coded = []
    mixes = False
    for index, (frame, header) in enumerate(zip(frames, headers, strict=True)):
        mixes = _mixes_colours(frame)
        values = _decoded(frame, index)
        coded.append(_encoded(values, header=header, mixes=mixes, index=index))
    size = sum(len(part) + 16 for part in coded)
    body = encaps.encapsulate(coded, has_bot=size < _TABLE_LIMIT)
    dataset.add_new(0x7FE00010, "OB", body)
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = UID(JPEG_2000)
    if mixes and dataset.get("SamplesPerPixel") == 3:
        dataset.PhotometricInterpretation = "YBR_RCT"


def _encoded(
    values: NDArray[Any], *, header: Jpeg2000Header, mixes: bool, index: int
) -> bytes:
    coded = bytes(
        imagecodecs.jpeg2k_encode(
            values,
            level=0,
            codecformat="j2k",
            reversible=True,
            bitspersample=header.precision,
            mct=mixes,
        )
    )
    if not _same(imagecodecs.jpeg2k_decode(coded), values):
        raise FrameError(f"frame {index + 1} would not keep its values")
    return coded


def _uncompress(dataset: Dataset, frames: list[bytes]) -> None:
    """Put plain pixels in the place of HTJ2K."""
    shape = (int(dataset.Rows), int(dataset.Columns))
    kind = "i" if int(dataset.PixelRepresentation) else "u"
    wanted = np.dtype(f"<{kind}{int(dataset.BitsAllocated) // 8}")
    plain = bytearray()
    for index, frame in enumerate(frames):
        values = _decoded(frame, index)
        kept = values.astype(wanted)
        if values.shape != shape or not np.array_equal(values, kept):
            raise FrameError(f"frame {index + 1} is not what its header says")
        plain += kept.tobytes()
    dataset.add_new(0x7FE00010, "OW", bytes(plain + b"\0" * (len(plain) % 2)))
    dataset["PixelData"].is_undefined_length = False
    dataset.file_meta.TransferSyntaxUID = UID(EXPLICIT_LITTLE)


def _decoded(frame: bytes, index: int) -> NDArray[Any]:
    """Decode a frame; where it is lossless, two decoders must agree.

    OpenJPEG is believed: OpenJPH, as built here, lets bright values of lossy
    frames wrap round to black. Only OpenJPH decodes more than 16 bits.
    """
    is_reversible = _is_reversible(frame)
    try:
        if is_reversible and _header(frame, index).precision > _MOST_BITS:
            return np.asarray(imagecodecs.htj2k_decode(frame))
        values = np.asarray(imagecodecs.jpeg2k_decode(frame))
        if is_reversible and not _same(imagecodecs.htj2k_decode(frame), values):
            raise FrameError(f"two decoders disagree about frame {index + 1}")
    except (imagecodecs.Jpeg2kError, imagecodecs.Htj2kError) as error:
        raise FrameError(f"frame {index + 1} can not be decoded") from error
    return values


def _same(found: Any, expected: NDArray[Any]) -> bool:
    values = np.asarray(found)
    return values.dtype == expected.dtype and np.array_equal(values, expected)


def _coding_style(frame: bytes) -> bytes:
    """Return the body of the codestream's COD marker segment; '' without one."""
    at = frame.find(_COD)
    return frame[at + 4 : at + 16] if at > 0 else b""


def _mixes_colours(frame: bytes) -> bool:
    """Whether the codestream turns RGB into brightness and colour."""
    return _coding_style(frame)[4:5] == b"\x01"


def _is_reversible(frame: bytes) -> bool:
    style = _coding_style(frame)
    return len(style) > 9 and style[9] != _IRREVERSIBLE


def _written(dataset: Dataset) -> bytes:
    for keyword in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths"):
        if keyword in dataset:
            del dataset[keyword]
    icons = dataset.get("IconImageSequence")
    if icons and icons[0].get("PixelData", b"")[:4] == b"\xfe\xff\x00\xe0":
        del dataset["IconImageSequence"]  # coded as the frames were, and a copy
    target = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset.save_as(target, enforce_file_format=True)
    return target.getvalue()

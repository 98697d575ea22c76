"""What a compressed frame says about itself, without decoding it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_SOI = b"\xff\xd8"
_SOC = b"\xff\x4f\xff\x51"
_JP2_SIGNATURE = b"\x00\x00\x00\x0cjP  "
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD8)})
_SOF_CODES = frozenset(
    {0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF, 0xF7}
)
_RGB_IDS = (0x52, 0x47, 0x42)


@dataclass(frozen=True, slots=True, kw_only=True)
class JpegHeader:
    """The frame header of a JPEG or JPEG-LS codestream.

    Attributes:
        sof: Kind of coding: 0xC0–0xC2 lossy, 0xC3 lossless, 0xF7 JPEG-LS.
        precision: Bits a sample.
        rows: Lines.
        columns: Samples a line.
        n_components: Colour components.
        codec_gives_rgb: Whether an ordinary decoder turns the three components
            from YCbCr into RGB.
        is_jfif: Whether it says that it is JFIF, which is YCbCr always.
    """

    sof: int
    precision: int
    rows: int
    columns: int
    n_components: int
    codec_gives_rgb: bool
    is_jfif: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Jpeg2000Header:
    """The main header of a JPEG 2000 or HTJ2K codestream.

    Attributes:
        rows: Lines.
        columns: Samples a line.
        n_components: Colour components.
        precision: Bits a sample of the first component.
        is_signed: Whether its samples are signed.
        is_high_throughput: Whether the blocks are coded as HTJ2K.
    """

    rows: int
    columns: int
    n_components: int
    precision: int
    is_signed: bool
    is_high_throughput: bool


def read_jpeg_header(frame: bytes) -> JpegHeader | None:
    """Return what a JPEG or JPEG-LS frame says of itself; None when it is none."""
    adobe: int | None = None
    is_jfif = False
    for code, body in _segments(frame):
        if code in _SOF_CODES:
            return _jpeg_header(code, body, adobe=adobe, is_jfif=is_jfif)
        if code == 0xE0 and body[:5] == b"JFIF\x00":
            is_jfif = True
        if code == 0xEE and body[:5] == b"Adobe" and len(body) >= 12:
            adobe = body[11]
    return None


def _segments(frame: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the marker segments of a JPEG frame's head, as code and body."""
    if frame[:2] != _SOI:
        return
    position = 2
    while position + 4 <= len(frame) and frame[position] == 0xFF:
        code = frame[position + 1]
        if code == 0xFF:
            position += 1
        elif code in _STANDALONE:
            position += 2
        else:
            (length,) = struct.unpack_from(">H", frame, position + 2)
            yield code, frame[position + 4 : position + 2 + length]
            position += 2 + length


def _jpeg_header(
    code: int, body: bytes, *, adobe: int | None, is_jfif: bool
) -> JpegHeader | None:
    if len(body) < 6:
        return None
    precision, rows, columns, n_components = struct.unpack_from(">BHHB", body)
    ids = tuple(body[6 + 3 * i] for i in range(n_components) if 6 + 3 * i < len(body))
    by_ids = ids != _RGB_IDS if adobe is None else adobe != 0
    return JpegHeader(
        sof=code,
        precision=precision,
        rows=rows,
        columns=columns,
        n_components=n_components,
        codec_gives_rgb=is_jfif or by_ids,
        is_jfif=is_jfif,
    )


def bare_jpeg2000(frame: bytes) -> bytes:
    """Return the codestream of a frame that may be wrapped as a JP2 file."""
    if frame[:8] != _JP2_SIGNATURE:
        return frame
    start = frame.find(b"jp2c")
    return frame[start + 4 :] if start > 0 else frame


def read_jpeg2000_header(frame: bytes) -> Jpeg2000Header | None:
    """Return what a JPEG 2000 frame says of itself; None when it is none."""
    frame = bare_jpeg2000(frame)
    if frame[:4] != _SOC or len(frame) < 43:
        return None
    capabilities, x1, y1, x0, y0 = struct.unpack_from(">HIIII", frame, 6)
    n_components, depth = struct.unpack_from(">HB", frame, 40)
    return Jpeg2000Header(
        rows=y1 - y0,
        columns=x1 - x0,
        n_components=n_components,
        precision=(depth & 0x7F) + 1,
        is_signed=bool(depth & 0x80),
        is_high_throughput=bool(capabilities & 0x4000),
    )

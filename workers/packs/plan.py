"""How an instance's frames reach the browser: as stored where its codecs can.

The browser decodes with Cornerstone's codecs. Each has edges at which it shows
wrong pixels rather than none (a sign bit that differs from the header, colours
that a JPEG's header and DICOM's header tell differently, …). Those cases are
named here and decoded on our side instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from pydicom.dataset import Dataset

from workers.packs.codestream import (
    Jpeg2000Header,
    JpegHeader,
    read_jpeg2000_header,
    read_jpeg_header,
)
from workers.packs.dataset import PARSE_ERRORS, value_of
from workers.packs.layout import (
    DEFLATED_FRAMES,
    EXPLICIT_LITTLE,
    EXT_OF,
    HTJ2K,
    JPEG_2000,
    JPEG_BASELINE,
    JPEG_LOSSLESS,
    JPEG_LS,
    NATIVE,
    RLE,
)

_GREY: Final = frozenset({"MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"})
_COLOUR: Final = frozenset(
    {"RGB", "YBR_FULL", "YBR_FULL_422", "YBR_RCT", "YBR_ICT", "YBR_PARTIAL_420"}
)
_RGB_LIKE: Final = frozenset({"RGB", "YBR_RCT", "YBR_ICT", "YBR_PARTIAL_420"})
_JPEG_PREFIX: Final = "1.2.840.10008.1.2.4."
_MAX_FRAMES: Final = 1 << 16
_MAX_PIXELS: Final = 1 << 28
_MAX_UNPACKED: Final = 64 << 20
"""Bytes that a frame may unpack to, however small its codestream is."""
_MAX_RATIO: Final = 1000
_VIDEOS: Final = frozenset({"100", "101", "102", "103", "104", "105", "106", "107"})
_LOSSY_SOFS: Final = frozenset({0xC0, 0xC1, 0xC2})
_LOSSLESS_SOF: Final = 0xC3
_JPEG_LS_SOF: Final = 0xF7


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelHeader:
    """The image pixel module, as far as frames need it.

    Attributes:
        rows: Lines of a frame.
        columns: Pixels a line.
        n_frames: Frames, at least 1.
        samples: Samples a pixel: 1 or 3.
        photometric: Photometric Interpretation.
        bits_allocated: Bits of memory a sample.
        bits_stored: Bits that carry the value.
        high_bit: The most significant of them.
        is_signed: Whether values are signed.
        is_planar: Whether colours are stored plane by plane.
        stored_syntax: Transfer Syntax UID as stored.
    """

    rows: int
    columns: int
    n_frames: int
    samples: int
    photometric: str
    bits_allocated: int
    bits_stored: int
    high_bit: int
    is_signed: bool
    is_planar: bool
    stored_syntax: str

    @property
    def is_half_chroma(self) -> bool:
        """Whether uncompressed frames hold colour for every second pixel only."""
        return self.photometric in {"YBR_FULL_422", "YBR_PARTIAL_422"}

    @property
    def native_frame_bits(self) -> int:
        """Bits of one uncompressed frame."""
        samples = 2 if self.is_half_chroma else self.samples
        return self.rows * self.columns * samples * self.bits_allocated


@dataclass(frozen=True, slots=True, kw_only=True)
class FramePlan:
    """What becomes of an instance's frames.

    Attributes:
        header: The pixel module as stored; None when it has none.
        n_frames: Frames that can be shown; 0 when none can.
        transfer_syntax: What a frame file is served as.
        ext: Its suffix.
        needs_decoding: The frames must be decoded and encoded again (in a
            process of its own), they can not be sent as stored.
        changes: Attributes that the viewer must be told instead of the stored
            ones, by keyword.
        why_not: Why no frame can be shown, in plain words; else empty.
    """

    header: PixelHeader | None
    n_frames: int
    transfer_syntax: str = ""
    ext: str = ""
    needs_decoding: bool = False
    changes: Mapping[str, Any] = field(default_factory=dict)
    why_not: str = ""


class _CannotShowError(Exception):
    """Internal: carries the plain words."""


def plan_frames(dataset: Dataset, *, first_frame: bytes | None = None) -> FramePlan:
    """Decide how the frames of an instance are sent. Never raises.

    Args:
        dataset: The instance, with its file meta.
        first_frame: Its first codestream when it is compressed; None when it is
            not, or when there is none.
    """
    header: PixelHeader | None = None
    try:
        header = read_pixel_header(dataset)
        return _decide(header, first_frame)
    except _CannotShowError as error:
        return FramePlan(header=header, n_frames=0, why_not=str(error))
    except PARSE_ERRORS:
        return FramePlan(header=header, n_frames=0, why_not="its header is damaged")


def read_pixel_header(dataset: Dataset) -> PixelHeader:
    """Read the image pixel module.

    Raises:
        _CannotShowError: It is missing or contradicts itself.
    """
    if "FloatPixelData" in dataset or "DoubleFloatPixelData" in dataset:
        raise _CannotShowError("its pixels are floating-point numbers")
    if "PixelData" not in dataset:
        raise _CannotShowError("it has no pixel data")
    bits = _whole(dataset, "BitsAllocated")
    stored = _whole(dataset, "BitsStored", default=bits)
    header = PixelHeader(
        rows=_whole(dataset, "Rows"),
        columns=_whole(dataset, "Columns"),
        n_frames=_whole(dataset, "NumberOfFrames", default=1) or 1,
        samples=_whole(dataset, "SamplesPerPixel", default=1),
        photometric=str(dataset.get("PhotometricInterpretation", "")).strip(),
        bits_allocated=bits,
        bits_stored=stored,
        high_bit=_whole(dataset, "HighBit", default=stored - 1),
        is_signed=_whole(dataset, "PixelRepresentation", default=0) == 1,
        is_planar=_whole(dataset, "PlanarConfiguration", default=0) == 1,
        stored_syntax=str(dataset.file_meta.TransferSyntaxUID)
        if hasattr(dataset, "file_meta")
        else EXPLICIT_LITTLE,
    )
    _check(header)
    if header.photometric == "PALETTE COLOR" and not _has_palette(dataset):
        raise _CannotShowError("its colour palette is missing or segmented")
    return header


def _has_palette(dataset: Dataset) -> bool:
    return all(
        f"{colour}PaletteColorLookupTable{part}" in dataset
        for colour in ("Red", "Green", "Blue")
        for part in ("Descriptor", "Data")
    )


def _whole(dataset: Dataset, keyword: str, *, default: int | None = None) -> int:
    try:
        value = value_of(dataset, keyword)
        if value is None and default is not None:
            return default
        return int(value)
    except PARSE_ERRORS as error:
        raise _CannotShowError(f"its {keyword} is missing or not a number") from error


def _check(header: PixelHeader) -> None:
    _check_size(header)
    _check_depth(header)
    if header.samples == 1 and header.photometric in _GREY:
        return
    if header.samples == 3 and header.photometric in _COLOUR:
        return
    raise _CannotShowError(
        f"colour model {header.photometric or 'unknown'} with"
        f" {header.samples} samples a pixel is not supported"
    )


def _check_size(header: PixelHeader) -> None:
    if header.rows < 1 or header.columns < 1 or header.n_frames < 1:
        raise _CannotShowError("its size is zero")
    if header.n_frames > _MAX_FRAMES:
        raise _CannotShowError(
            f"it says that it has {header.n_frames:,} frames; {_MAX_FRAMES:,} can be"
            " shown"
        )
    if header.rows * header.columns > _MAX_PIXELS:
        raise _CannotShowError(
            f"it is too large to be shown: {header.columns} × {header.rows} pixels"
        )


def _check_depth(header: PixelHeader) -> None:
    if header.bits_allocated not in {1, 8, 16, 32}:
        raise _CannotShowError(
            f"it has {header.bits_allocated} bits a sample; 1, 8, 16 and 32 can be"
            " shown"
        )
    if not 1 <= header.bits_stored <= header.bits_allocated:
        raise _CannotShowError("its Bits Stored contradicts its Bits Allocated")
    if not header.bits_stored - 1 <= header.high_bit < header.bits_allocated:
        raise _CannotShowError("its High Bit contradicts its Bits Stored")
    if header.samples == 3 and (header.bits_allocated == 1 or header.is_signed):
        raise _CannotShowError("its colours are single bits or signed numbers")


def _decide(header: PixelHeader, first_frame: bytes | None) -> FramePlan:
    syntax = header.stored_syntax
    if syntax in NATIVE or syntax == DEFLATED_FRAMES:
        return _recoded(header) if _is_deep_colour(header) else _native(header)
    if _is_video(syntax):
        raise _CannotShowError("it is a video, which cannot be played here")
    if first_frame is None:
        raise _CannotShowError("its pixel data hold no frame")
    _check_proportion(header, first_frame)
    if syntax == RLE:
        return _rle(header)
    if syntax.startswith(_JPEG_PREFIX):
        jpeg2000 = read_jpeg2000_header(first_frame)
        if jpeg2000 is not None:
            return _jpeg2000(header, jpeg2000)
        jpeg = read_jpeg_header(first_frame)
        if jpeg is not None:
            return _jpeg(header, jpeg)
        raise _CannotShowError("its frames are not what its transfer syntax says")
    raise _CannotShowError(f"its transfer syntax {syntax} is not supported")


def _is_video(syntax: str) -> bool:
    """Whether this is MPEG-2, MPEG-4 or HEVC, or a stream of raw video."""
    number = syntax.removeprefix(_JPEG_PREFIX).split(".")[0]
    return syntax.startswith(_JPEG_PREFIX) and number in _VIDEOS


def is_believable(*, unpacked: int, packed: int, always: int = _MAX_UNPACKED) -> bool:
    """Whether a compressed frame may unpack to so many bytes: else it is a bomb.

    Args:
        unpacked: Bytes of its pixels.
        packed: Bytes of its codestream.
        always: What even the smallest codestream may unpack to.
    """
    return unpacked <= max(always, _MAX_RATIO * packed)


def _check_proportion(header: PixelHeader, first_frame: bytes) -> None:
    """Refuse a frame that would unpack to far more than it can mean."""
    unpacked = header.native_frame_bits // 8
    if not is_believable(unpacked=unpacked, packed=len(first_frame)):
        raise _CannotShowError(
            f"its {len(first_frame):,} compressed bytes would unpack to"
            f" {header.columns} × {header.rows} pixels, which is not believable"
        )


def _as_stored(header: PixelHeader, syntax: str, **changes: Any) -> FramePlan:
    return FramePlan(
        header=header,
        n_frames=header.n_frames,
        transfer_syntax=syntax,
        ext=EXT_OF[syntax],
        changes=changes,
    )


def _recoded(header: PixelHeader) -> FramePlan:
    """Decode, then lossless HTJ2K for grey, plain bytes for colour and 32 bits.

    Colours deeper than 8 bits are cut to what screens show.
    """
    if header.samples == 3:
        changes = {"PhotometricInterpretation": "RGB", **_INTERLEAVED}
        if _is_deep_colour(header):
            changes |= {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7}
        plan = _as_stored(header, EXPLICIT_LITTLE, **changes)
    elif header.bits_allocated == 32:
        plan = _as_stored(header, EXPLICIT_LITTLE)
    else:
        plan = _as_stored(header, HTJ2K, **_widened(header))
    return replace(plan, needs_decoding=True)


_INTERLEAVED: Final[dict[str, Any]] = {"PlanarConfiguration": 0}


def _is_deep_colour(header: PixelHeader) -> bool:
    return header.samples == 3 and header.bits_allocated > 8


def _widened(header: PixelHeader) -> dict[str, Any]:
    """Return the changes for depths that the browser can not hold as they are."""
    if header.bits_allocated == 1:
        return {"BitsAllocated": 8}
    if header.bits_allocated == 8 and header.is_signed:
        return {"BitsAllocated": 16, "BitsStored": 16, "HighBit": 15}
    return {}


def _native(header: PixelHeader) -> FramePlan:
    changes = _widened(header)
    if header.high_bit != header.bits_stored - 1:
        changes["HighBit"] = header.bits_stored - 1
    if header.is_half_chroma:
        changes |= {"PhotometricInterpretation": "YBR_FULL", **_INTERLEAVED}
    return _as_stored(header, EXPLICIT_LITTLE, **changes)


def _rle(header: PixelHeader) -> FramePlan:
    odd = header.bits_allocated in {1, 32} or _is_signed_byte(header)
    if odd or _is_deep_colour(header):
        return _recoded(header)
    if header.is_half_chroma:
        return _as_stored(header, RLE, PhotometricInterpretation="YBR_FULL")
    return _as_stored(header, RLE)


def _is_signed_byte(header: PixelHeader) -> bool:
    return header.bits_allocated == 8 and header.is_signed


def misfit(header: PixelHeader, codestream: bytes) -> str:
    """Tell in what a later compressed frame is not what the first one promised.

    Args:
        header: What the instance says of all its frames.
        codestream: A frame as stored.

    Returns:
        Plain words, '' when it fits: nobody needs to decode a bomb to find it.
    """
    try:
        _check_proportion(header, codestream)
        if header.stored_syntax == RLE:
            return ""
        found = read_jpeg2000_header(codestream) or read_jpeg_header(codestream)
        if found is None:
            return "its frames are not all what its transfer syntax says"
        _same_size(header, found)
    except _CannotShowError as error:
        return str(error)
    return ""


def _same_size(header: PixelHeader, found: JpegHeader | Jpeg2000Header) -> None:
    if (found.rows, found.columns) != (header.rows, header.columns):
        raise _CannotShowError(
            f"its frames are {found.columns}×{found.rows} pixels, its header says"
            f" {header.columns}×{header.rows}"
        )
    if found.n_components != header.samples:
        raise _CannotShowError(
            f"its frames have {found.n_components} colours, its header says"
            f" {header.samples}"
        )


def _jpeg(header: PixelHeader, found: JpegHeader) -> FramePlan:
    _same_size(header, found)
    if found.sof == _JPEG_LS_SOF:
        if header.samples == 3 or _is_signed_byte(header):
            return _recoded(header)
        return _as_stored(header, JPEG_LS)
    if found.sof == _LOSSLESS_SOF:
        return _jpeg_lossless(header)
    if found.sof not in _LOSSY_SOFS or header.is_signed:
        return _recoded(header)
    if found.precision > 8:
        return _recoded(header)  # the browser's decoder is off by some greys
    return _jpeg_lossy(header, found)


def _jpeg_lossless(header: PixelHeader) -> FramePlan:
    if _is_signed_byte(header) or _is_deep_colour(header):
        return _recoded(header)
    if header.samples == 1:
        return _as_stored(header, JPEG_LOSSLESS)
    if header.photometric in {"RGB", "YBR_FULL"}:
        return _as_stored(header, JPEG_LOSSLESS, **_INTERLEAVED)
    return _recoded(header)


def _jpeg_lossy(header: PixelHeader, found: JpegHeader) -> FramePlan:
    if header.samples == 1:
        return _as_stored(header, JPEG_BASELINE)
    says_rgb = header.photometric == "RGB"
    agrees = says_rgb != found.codec_gives_rgb
    if agrees or (says_rgb and found.is_jfif):
        return _as_stored(header, JPEG_BASELINE, **_INTERLEAVED)
    return _recoded(header)


def _jpeg2000(header: PixelHeader, found: Jpeg2000Header) -> FramePlan:
    _same_size(header, found)
    syntax = HTJ2K if found.is_high_throughput else JPEG_2000
    if header.samples == 1:
        sign_differs = found.is_signed != header.is_signed
        odd = header.bits_allocated in {1, 32} or _is_signed_byte(header)
        if sign_differs or odd:
            return _recoded(header)
        return _as_stored(header, syntax)
    if found.is_signed or found.precision != 8:
        return _recoded(header)
    if header.photometric in _RGB_LIKE:
        return _as_stored(header, syntax, **_INTERLEAVED)
    return _as_stored(
        header, syntax, PhotometricInterpretation="YBR_FULL", **_INTERLEAVED
    )

"""Stored values into grey values as displayed: modality LUT, VOI, polarity."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.processing import (
    apply_color_lut,
    apply_modality_lut,
    apply_voi,
    convert_color_space,
)

from workers.measures.percentile import percentiles
from workers.packs.dataset import PARSE_ERRORS
from workers.packs.frames import FrameError, iter_frames, plan_instance
from workers.packs.layout import NATIVE
from workers.packs.metadata import numbers_of, text_of
from workers.packs.plan import FramePlan, PixelHeader
from workers.packs.recode import decode_frame, to_screen_depth

_PERCENTILES = (0.5, 99.5)
_MAX_SAMPLES = 512 * 512


_TABLES = (
    "ModalityLUTSequence",
    "VOILUTSequence",
    "PerFrameFunctionalGroupsSequence",
    "SharedFunctionalGroupsSequence",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """One frame as displayed.

    Attributes:
        values: float32 in 0–1, [rows, columns] or, in colour, [rows, columns, 3];
            0 is black on the screen, whatever the stored polarity.
        voi: What gave the contrast: `lut`, `window`, `percentile` or `colour`.
    """

    values: NDArray[np.float32]
    voi: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainFile:
    """A file whose one picture is had by arithmetic alone.

    Attributes:
        dataset: The file, parsed.
        plan: How its frame is had.
    """

    dataset: Dataset
    plan: FramePlan


def as_plain(dataset: Dataset) -> PlainFile | None:
    """Return a file whose one picture is had by arithmetic alone; None for all others.

    It is one uncompressed grey frame of whole bytes, with neither tables nor groups: no
    decoder touches it, and it takes no more memory than a few times the file.
    """
    plan = plan_instance(dataset)
    header = plan.header
    is_plain = (
        header is not None
        and not plan.why_not
        and not plan.needs_decoding
        and header.stored_syntax in NATIVE
        and header.n_frames == 1
        and header.samples == 1
        and header.photometric in {"MONOCHROME1", "MONOCHROME2"}
        and header.bits_allocated in {8, 16}
        and not any(table in dataset for table in _TABLES)
    )
    return PlainFile(dataset=dataset, plan=plan) if is_plain else None


def render_frame(
    dataset: Dataset, *, frame: int, plan: FramePlan | None = None
) -> Rendered:
    """Decode and display one frame (1-based), by its plan where that is known.

    Raises:
        FrameError: It has no such frame, or it can not be decoded.
    """
    plan = plan or plan_instance(dataset)
    if plan.header is None or plan.why_not:
        raise FrameError(plan.why_not or "it has no frames")
    if not 1 <= frame <= plan.n_frames:
        raise FrameError(f"there is no frame {frame}")
    stored = _stored_values(dataset, plan, frame)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if plan.header.samples == 3:
                bits = plan.header.bits_stored
                return _colour(to_screen_depth(stored, bits=bits))
            if plan.header.photometric == "PALETTE COLOR":
                return _colour(_to_byte(apply_color_lut(stored, dataset)))
            return _grey(stored, dataset, plan.header, frame)
    except PARSE_ERRORS as error:
        raise FrameError("its contrast settings make no sense") from error


def measure_frame(
    dataset: Dataset, *, frame: int, plan: FramePlan | None = None
) -> NDArray[np.float32]:
    """Decode one grey frame (1-based) in its own unit, as Hounsfield for CT.

    Returns:
        float32 [rows, columns], rescaled by its header, no window applied.

    Raises:
        FrameError: It has no such frame, is in colour, or can not be decoded.
    """
    plan = plan or plan_instance(dataset)
    if plan.header is None or plan.why_not:
        raise FrameError(plan.why_not or "it has no frames")
    if not 1 <= frame <= plan.n_frames:
        raise FrameError(f"there is no frame {frame}")
    if not plan.header.photometric.startswith("MONOCHROME"):
        raise FrameError("it is in colour")
    stored = _stored_values(dataset, plan, frame)
    try:
        return _modality(stored, dataset, frame)
    except PARSE_ERRORS as error:
        raise FrameError("its scale makes no sense") from error


def _stored_values(dataset: Dataset, plan: FramePlan, frame: int) -> NDArray[Any]:
    header = plan.header
    if header is not None and plan.ext == "raw" and not plan.needs_decoding:
        for found in iter_frames(dataset, plan=plan):
            if found.number == frame:
                return _unpack(found.codestream, header, plan)
    return decode_frame(dataset, index=frame - 1)


def _unpack(codestream: bytes, header: PixelHeader, plan: FramePlan) -> NDArray[Any]:
    bits = int(plan.changes.get("BitsAllocated", header.bits_allocated))
    kind = "i" if header.is_signed else "u"
    values = np.frombuffer(codestream, f"<{kind}{bits // 8}")
    if header.samples == 1:
        if header.is_signed and header.bits_stored < bits:
            shift = bits - header.bits_stored
            values = (values << shift) >> shift
        return values.reshape(header.rows, header.columns)
    if header.is_planar and not header.is_half_chroma:
        values = values.reshape(3, header.rows, header.columns).transpose(1, 2, 0)
    values = values.reshape(header.rows, header.columns, 3)
    if header.photometric.startswith("YBR_FULL"):
        return convert_color_space(values, "YBR_FULL", "RGB")
    return values


def _to_byte(values: NDArray[Any]) -> NDArray[Any]:
    return values // 257 if values.dtype == np.uint16 else values


def _colour(values: NDArray[Any]) -> Rendered:
    return Rendered(values=values.astype(np.float32) / 255.0, voi="colour")


def _grey(
    stored: NDArray[Any], dataset: Dataset, header: PixelHeader, frame: int
) -> Rendered:
    padding = _padding_mask(stored, dataset)
    values = _modality(stored, dataset, frame)
    shown, voi = _contrast(values, dataset, frame, padding)
    if header.photometric == "MONOCHROME1":
        shown = 1.0 - shown
    if text_of(dataset, "PresentationLUTShape") == "INVERSE" and (
        header.photometric == "MONOCHROME2"
    ):
        shown = 1.0 - shown
    if padding is not None:
        shown = np.where(padding, np.float32(0.0), shown)
    return Rendered(values=np.ascontiguousarray(shown, dtype=np.float32), voi=voi)


def _padding_mask(stored: NDArray[Any], dataset: Dataset) -> NDArray[np.bool_] | None:
    """Return where the picture is filler, as its header declares; None without."""
    low = numbers_of(dataset, "PixelPaddingValue", 1)
    if low is None:
        return None
    high = numbers_of(dataset, "PixelPaddingRangeLimit", 1) or low
    first, last = sorted((low[0], high[0]))
    mask: NDArray[np.bool_] = (stored >= first) & (stored <= last)
    return mask if mask.any() and not mask.all() else None


def _groups(dataset: Dataset, name: str, frame: int) -> Dataset | None:
    """Return a functional group's item of a frame, or the shared one."""
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence") or []
    shared = dataset.get("SharedFunctionalGroupsSequence") or []
    for group in (*per_frame[frame - 1 : frame], *shared[:1]):
        items = group.get(name)
        if items:
            found: Dataset = items[0]
            return found
    return None


def _modality(
    stored: NDArray[Any], dataset: Dataset, frame: int
) -> NDArray[np.float32]:
    source = _groups(dataset, "PixelValueTransformationSequence", frame) or dataset
    if "ModalityLUTSequence" in source:
        looked_up: NDArray[np.float32] = apply_modality_lut(stored, source)
        return looked_up.astype(np.float32)
    slope = numbers_of(source, "RescaleSlope", 1) or (1.0,)
    intercept = numbers_of(source, "RescaleIntercept", 1) or (0.0,)
    scaled: NDArray[np.float32] = stored.astype(np.float32) * np.float32(
        slope[0]
    ) + np.float32(intercept[0])
    return scaled


def _contrast(
    values: NDArray[np.float32],
    dataset: Dataset,
    frame: int,
    padding: NDArray[np.bool_] | None,
) -> tuple[NDArray[np.float32], str]:
    source = _groups(dataset, "FrameVOILUTSequence", frame) or dataset
    if source.get("VOILUTSequence"):
        table = apply_voi(values.astype(np.int64), source, index=0)
        top = (1 << int(source.VOILUTSequence[0].LUTDescriptor[2])) - 1
        return table.astype(np.float32) / np.float32(top), "lut"
    centre = numbers_of(source, "WindowCenter", 1)
    width = numbers_of(source, "WindowWidth", 1)
    if centre is not None and width is not None and width[0] > 0:
        function = text_of(source, "VOILUTFunction") or "LINEAR"
        shown = _window(values, centre=centre[0], width=width[0], function=function)
        return shown, "window"
    return _stretch(values, padding), "percentile"


def _window(
    values: NDArray[np.float32], *, centre: float, width: float, function: str
) -> NDArray[np.float32]:
    """Apply a window as PS3.3 C.11.2.1 defines it, to 0–1."""
    if function == "SIGMOID":
        power = np.clip(-4.0 * (values - centre) / width, -60.0, 60.0)
        sigmoid: NDArray[np.float32] = (1.0 / (1.0 + np.exp(power))).astype(np.float32)
        return sigmoid
    if function == "LINEAR_EXACT" or width <= 1:
        shown = (values - centre) / width + 0.5
    else:
        shown = (values - (centre - 0.5)) / (width - 1.0) + 0.5
    clipped: NDArray[np.float32] = np.clip(shown, 0.0, 1.0).astype(np.float32)
    return clipped


def _stretch(
    values: NDArray[np.float32], padding: NDArray[np.bool_] | None
) -> NDArray[np.float32]:
    """Stretch the middle 99% of the values, filler aside, to 0–1."""
    kept = values.ravel() if padding is None else values[~padding]
    step = max(1, kept.size // _MAX_SAMPLES)
    low, high = percentiles(kept[::step], _PERCENTILES)
    if high <= low:
        low, high = float(kept.min()), float(kept.max())
    spread = max(high - low, 1e-6)
    shown: NDArray[np.float32] = np.clip((values - low) / spread, 0.0, 1.0)
    return shown.astype(np.float32)

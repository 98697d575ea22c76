"""Ultrasound frames: the scan itself, without what is written around and on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from scipy import ndimage

from workers.packs.dataset import (
    PARSE_ERRORS,
    UnreadableInstanceError,
    read_dataset,
)
from workers.packs.metadata import numbers_of
from workers.pixels.image import ImageError

_TISSUE: Final = 1
_COLOUR_FLOW: Final = 2
_TWO_DIMENSIONAL: Final = 1
_LEAST_FRAMES: Final = 3
_STILL: Final = 2.0 / 255.0
_BRIGHT: Final = 0.35
_LARGEST_MARK: Final = 0.01
_GREY_SPREAD: Final = 0.12

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A rectangle of the picture that holds a scan (PS3.3 C.8.5.5).

    Attributes:
        rows: First row and the row after the last.
        columns: First column and the column after the last.
    """

    rows: tuple[int, int]
    columns: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanFrames:
    """Frames with everything but the scan black.

    Attributes:
        values: float32 [frame, row, column], 0 black to 1 white.
        masked: bool [row, column]: what was blackened.
        masked_marks: Share of the scan's area that was blackened in it as writing.
        said: How the scan was found: `regions` (its header) or `picture`.
    """

    values: Floats
    masked: NDArray[np.bool_]
    masked_marks: float
    said: str


def read_regions(content: bytes) -> tuple[Region, ...]:
    """Return the rectangles of two-dimensional scans that a file states.

    One that does not fit the pixels is left out: pictures are scaled on their way,
    and their regions are not.

    Raises:
        ImageError: It is no readable DICOM file.
    """
    try:
        dataset = read_dataset(content)
        size = int(dataset.get("Rows") or 0), int(dataset.get("Columns") or 0)
        found = dataset.get("SequenceOfUltrasoundRegions") or []
        return tuple(r for item in found if (r := _region(item, *size)) is not None)
    except UnreadableInstanceError as error:
        raise ImageError(str(error)) from error
    except PARSE_ERRORS as error:
        raise ImageError("its header is damaged") from error


def _region(item: Dataset, rows: int, columns: int) -> Region | None:
    edges = [
        numbers_of(item, f"RegionLocation{name}", 1)
        for name in ("MinY0", "MaxY1", "MinX0", "MaxX1")
    ]
    spatial = item.get("RegionSpatialFormat")
    kind = item.get("RegionDataType")
    if spatial != _TWO_DIMENSIONAL or kind not in {_TISSUE, _COLOUR_FLOW}:
        return None
    if any(edge is None for edge in edges):
        return None
    top, bottom, left, right = (int(edge[0]) for edge in edges if edge is not None)
    if not (0 <= top < bottom <= rows and 0 <= left < right <= columns):
        return None
    return Region(
        rows=(top, min(bottom + 1, rows)), columns=(left, min(right + 1, columns))
    )


def clean_frames(
    frames: NDArray[Any], *, regions: tuple[Region, ...] = ()
) -> CleanFrames:
    """Blacken what is not the scan: outside its regions, and writing upon it.

    Without stated regions the scan is where the picture moves (of a loop), or the
    largest lit piece of it (of a still). Writing is what is bright, small and the same
    in every frame while its surroundings move; in a single frame it can not be told
    from echoes, so that only what lies outside the scan is masked there.

    Args:
        frames: [frame, row, column] or, in colour, [frame, row, column, 3], 0 to 1.
        regions: What `read_regions` said.

    Raises:
        ImageError: Nothing of the picture is a scan.
    """
    grey, coloured = _grey(frames)
    if regions:
        inside = np.zeros(grey.shape[1:], dtype=bool)
        for region in regions:
            inside[slice(*region.rows), slice(*region.columns)] = True
    else:
        inside = _find_scan(grey)
    marks = _find_marks(grey, coloured) & inside
    kept = inside & ~marks
    if not kept.any():
        raise ImageError("nothing of the picture is a scan")
    return CleanFrames(
        values=np.where(kept, grey, np.float32(0.0)),
        masked=~kept,
        masked_marks=float(marks.sum() / max(int(inside.sum()), 1)),
        said="regions" if regions else "picture",
    )


def _grey(frames: NDArray[Any]) -> tuple[Floats, NDArray[np.bool_]]:
    """Return brightness, and where the picture is in colour in every frame."""
    values = np.asarray(frames, dtype=np.float32)
    if values.ndim == 3:
        return values, np.zeros(values.shape[1:], dtype=bool)
    if values.ndim != 4 or values.shape[-1] != 3:
        raise ImageError("the frames are no pictures")
    spread = values.max(axis=-1) - values.min(axis=-1)
    weights = np.array([0.299, 0.587, 0.114], dtype=np.float32)
    grey: Floats = (values @ weights).astype(np.float32)
    coloured: NDArray[np.bool_] = (spread > _GREY_SPREAD).all(axis=0)
    return grey, coloured


def _find_scan(grey: Floats) -> NDArray[np.bool_]:
    if len(grey) >= _LEAST_FRAMES:
        lit = grey.std(axis=0) > _STILL
    else:
        lit = grey.max(axis=0) > 0.05
    # Echoes are speckled: what lies close together is one piece.
    joined = ndimage.binary_closing(lit, iterations=4)
    opened = ndimage.binary_opening(joined, iterations=3)
    pieces, n = ndimage.label(opened)
    if not n:
        raise ImageError("nothing of the picture is a scan")
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    found: NDArray[np.bool_] = ndimage.binary_fill_holes(pieces == sizes.argmax())
    return found


def _find_marks(grey: Floats, coloured: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return bright or coloured small pieces that stand still in a loop that moves."""
    shape = grey.shape[1:]
    if len(grey) < _LEAST_FRAMES or not (grey.std(axis=0) > _STILL).any():
        return np.zeros(shape, dtype=bool)
    still = grey.std(axis=0) <= _STILL
    written = still & ((grey.mean(axis=0) > _BRIGHT) | coloured)
    pieces, n = ndimage.label(ndimage.binary_dilation(written))
    if not n:
        return np.zeros(shape, dtype=bool)
    sizes = np.bincount(pieces.ravel()) / float(grey[0].size)
    small = sizes <= _LARGEST_MARK
    small[0] = False
    found: NDArray[np.bool_] = small[pieces]
    return found

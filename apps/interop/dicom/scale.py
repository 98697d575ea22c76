"""How large an image's pixels are, and what that rests on. Reads headers only."""

import io
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

import pydicom
from pydicom.dataset import Dataset

from apps.interop.dicom.errors import EncodingError

Source = Literal["patient", "detector", "none"]

_CENTIMETRES: Final = 3
_SAME: Final = 1e-3


@dataclass(frozen=True, slots=True)
class ImageScale:
    """The grid of an image.

    Attributes:
        rows: Of each frame.
        columns: Of each frame.
        frames: How many frames the image has.
        row: Distance between rows: mm, or pixels when nothing is known.
        column: Distance between columns, likewise.
        source: What the distances rest on: the patient, the detector, nothing.
    """

    rows: int
    columns: int
    frames: int
    row: float
    column: float
    source: Source


def read_image_scale(content: bytes, *, frame: int = 1) -> ImageScale:
    """Read the grid of an image from its file, as the viewer reads it.

    Args:
        content: The DICOM file.
        frame: The frame whose functional groups count, 1-based.

    Raises:
        EncodingError: It is no readable image.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = pydicom.dcmread(
                io.BytesIO(content), stop_before_pixels=True, force=True
            )
            row, column, source = _spacing(dataset, frame)
            return ImageScale(
                rows=int(dataset.Rows),
                columns=int(dataset.Columns),
                frames=max(1, int(dataset.get("NumberOfFrames") or 1)),
                row=row,
                column=column,
                source=source,
            )
    except Exception as error:  # pydicom raises what its parsers raise
        raise EncodingError("The image's header cannot be read.") from error


def _pair(dataset: Dataset, keyword: str) -> tuple[float, float] | None:
    values = dataset.get(keyword)
    if not values or len(values) != 2:
        return None
    row, column = float(values[0]), float(values[1])
    return (row, column) if row > 0 and column > 0 else None


def _layers(dataset: Dataset, frame: int) -> Iterable[Dataset]:
    """Yield what may state a frame's spacing: its own groups go before shared ones."""
    own = dataset.get("PerFrameFunctionalGroupsSequence") or []
    groups = [*own[frame - 1 : frame]]
    groups += (dataset.get("SharedFunctionalGroupsSequence") or [])[:1]
    for group in groups:
        yield from (group.get("PixelMeasuresSequence") or [])[:1]
    yield dataset


def _spacing(dataset: Dataset, frame: int) -> tuple[float, float, Source]:
    stated = next(
        filter(None, (_pair(one, "PixelSpacing") for one in _layers(dataset, frame))),
        None,
    )
    detector = _pair(dataset, "ImagerPixelSpacing")
    if stated and detector and _only_repeats(dataset, stated, detector):
        return (*detector, "detector")
    known = stated or _ultrasound(dataset)
    if known:
        return (*known, "patient")
    detector = detector or _pair(dataset, "NominalScannedPixelSpacing")
    if detector:
        return (*detector, "detector")
    aspect = dataset.get("PixelAspectRatio") or [1, 1]
    return float(aspect[0]) / (float(aspect[1]) or 1.0), 1.0, "none"


def _only_repeats(
    dataset: Dataset, stated: tuple[float, float], detector: tuple[float, float]
) -> bool:
    """Say whether a projection's Pixel Spacing is just the detector's (10.7.1.3)."""
    if dataset.get("PixelSpacingCalibrationType"):
        return False
    return all(abs(a - b) <= _SAME * b for a, b in zip(stated, detector, strict=True))


def _ultrasound(dataset: Dataset) -> tuple[float, float] | None:
    regions = dataset.get("SequenceOfUltrasoundRegions") or []
    if len(regions) != 1:
        return None
    region = regions[0]
    if region.get("PhysicalUnitsXDirection") != _CENTIMETRES:
        return None
    x = abs(float(region.get("PhysicalDeltaX") or 0)) * 10
    y = abs(float(region.get("PhysicalDeltaY") or 0)) * 10
    return (y, x) if x and y else None

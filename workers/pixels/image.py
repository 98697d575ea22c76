"""The image that a model is given, parsed once and valid from then on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from workers.packs.dataset import (
    PARSE_ERRORS,
    UnreadableInstanceError,
    read_dataset,
)
from workers.packs.isolation import DecodingError, IsolatedDecoder
from workers.packs.metadata import numbers_of, text_of


class ImageError(ValueError):
    """An image that can not be read; the text says why and names no patient."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageHeader:
    """What is known of an image before its pixels are decoded.

    Attributes:
        sop_uid: SOP Instance UID.
        sop_class_uid: SOP Class UID.
        modality: Modality.
        view: View Position in capitals, '' when not stated.
        image_type: Image Type values in capitals.
        is_for_processing: Whether it is raw detector data, not for reading.
        instance_number: Instance Number; 0 when absent.
        rows: Lines.
        columns: Pixels a line.
        n_frames: Frames.
        samples: Samples a pixel: 3 is colour.
        pixel_spacing: Millimetres between rows and between columns, of the
            patient where calibrated, else at the detector; None when unknown.
        is_synthetic: Whether the image is marked as made, not taken.
        series_uid: Series Instance UID.
        series_number: Series Number; 0 when absent.
        body_part: Body Part Examined in capitals, '' when not stated.
        position: Image Position (Patient), mm; None when absent.
        orientation: Image Orientation (Patient), six cosines; None when absent.
    """

    sop_uid: str
    sop_class_uid: str
    modality: str
    view: str
    image_type: tuple[str, ...]
    is_for_processing: bool
    instance_number: int
    rows: int
    columns: int
    n_frames: int
    samples: int
    pixel_spacing: tuple[float, float] | None
    is_synthetic: bool = False
    series_uid: str = ""
    series_number: int = 0
    body_part: str = ""
    position: tuple[float, ...] | None = None
    orientation: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DisplayImage:
    """A grey image as displayed.

    Attributes:
        header: Which image.
        frame: 1-based.
        values: float32 [rows, columns], 0 black to 1 white: modality LUT and
            VOI applied, MONOCHROME1 turned, filler black.
        voi: What gave the contrast: `lut`, `window`, `percentile` or `colour`.
    """

    header: ImageHeader
    frame: int
    values: NDArray[np.float32]
    voi: str

    def __post_init__(self) -> None:
        """Check shape and range."""
        if self.values.ndim != 2 or self.values.dtype != np.float32:
            raise ImageError("the image is not a grey image")
        if self.values.shape != (self.header.rows, self.header.columns):
            raise ImageError("the image has another size than its header says")
        if not np.isfinite(self.values).all():
            raise ImageError("the image has values that are not numbers")


def read_header(content: bytes) -> ImageHeader:
    """Read what a DICOM file says about its image.

    Raises:
        ImageError: It is no readable DICOM image.
    """
    try:
        return _header_of(read_dataset(content))
    except (UnreadableInstanceError, ImageError) as error:
        raise ImageError(str(error)) from error
    except PARSE_ERRORS as error:
        raise ImageError("its header is damaged") from error


def _header_of(dataset: Dataset) -> ImageHeader:
    if "Rows" not in dataset or "Columns" not in dataset:
        raise ImageError("the file holds no image")
    return ImageHeader(
        sop_uid=text_of(dataset, "SOPInstanceUID"),
        sop_class_uid=text_of(dataset, "SOPClassUID"),
        modality=text_of(dataset, "Modality").upper(),
        view=text_of(dataset, "ViewPosition").upper(),
        image_type=_image_type(dataset),
        is_for_processing=text_of(dataset, "PresentationIntentType").upper()
        == "FOR PROCESSING",
        instance_number=_whole(dataset, "InstanceNumber"),
        rows=_whole(dataset, "Rows"),
        columns=_whole(dataset, "Columns"),
        n_frames=_whole(dataset, "NumberOfFrames") or 1,
        samples=_whole(dataset, "SamplesPerPixel") or 1,
        pixel_spacing=_spacing(dataset),
        is_synthetic=text_of(dataset, "SyntheticData").upper() == "YES",
        series_uid=text_of(dataset, "SeriesInstanceUID"),
        series_number=_whole(dataset, "SeriesNumber"),
        body_part=text_of(dataset, "BodyPartExamined").upper(),
        position=numbers_of(dataset, "ImagePositionPatient", 3),
        orientation=numbers_of(dataset, "ImageOrientationPatient", 6),
    )


def load_image(
    content: bytes,
    *,
    header: ImageHeader,
    decoder: IsolatedDecoder,
    frame: int = 1,
) -> DisplayImage:
    """Decode one frame as displayed; colour becomes its brightness.

    Args:
        content: The DICOM file as stored.
        header: What `read_header` said of it.
        decoder: The process that decodes.
        frame: 1-based.

    Raises:
        ImageError: It can not be decoded.
    """
    try:
        found = decoder.render(content, frame=frame)
    except DecodingError as error:
        raise ImageError(str(error)) from error
    values = found.values
    if values.ndim == 3:
        weights = np.array([0.299, 0.587, 0.114], dtype=np.float32)
        values = (values @ weights).astype(np.float32)
    return DisplayImage(header=header, frame=frame, values=values, voi=found.voi)


def load_values(
    content: bytes, *, decoder: IsolatedDecoder, frame: int = 1
) -> NDArray[np.float32]:
    """Decode one grey frame in its own unit, as Hounsfield for CT, [rows, columns].

    Raises:
        ImageError: It can not be decoded.
    """
    try:
        return decoder.measure(content, frame=frame)
    except DecodingError as error:
        raise ImageError(str(error)) from error


def _image_type(dataset: Dataset) -> tuple[str, ...]:
    value = dataset.get("ImageType")
    if value is None:
        return ()
    parts = [value] if isinstance(value, str) else list(value)
    return tuple(str(part).upper() for part in parts)


def _whole(dataset: Dataset, keyword: str) -> int:
    found = numbers_of(dataset, keyword, 1)
    return 0 if found is None else int(found[0])


def _spacing(dataset: Dataset) -> tuple[float, float] | None:
    for keyword in ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing"):
        found = numbers_of(dataset, keyword, 2)
        if found is not None and min(found) > 0:
            return (found[0], found[1])
    return None

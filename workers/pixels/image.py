"""The image that a model is given, parsed once and valid from then on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from workers.packs.dataset import (
    PARSE_ERRORS,
    UnreadableInstanceError,
    read_dataset,
    value_of,
)
from workers.packs.frames import FrameError
from workers.packs.isolation import DecodingError, IsolatedDecoder, RenderedImage
from workers.packs.metadata import numbers_of, text_of
from workers.packs.rendering import PlainFile, as_plain, measure_frame, render_frame
from workers.series_roles import b_value_in

_AGE: Final = re.compile(r"(\d{1,3})([YMWD])$")
_DAMAGED: Final = "it is damaged and can not be decoded"
_PER_YEAR: Final = {"Y": 1.0, "M": 12.0, "W": 365.25 / 7, "D": 365.25}


class ImageError(ValueError):
    """An image that can not be read; the text says why and names no patient."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acquisition:
    """How an MR image was made, and which of several at one place it is.

    Attributes:
        contrast: Acquisition Contrast in capitals (enhanced MR), '' when absent.
        scanning: Scanning Sequence values, such as SE, GR, IR, EP.
        sequence_name: Sequence Name in capitals.
        echo_ms: Echo Time; None when absent.
        repetition_ms: Repetition Time; None when absent.
        inversion_ms: Inversion Time; None when absent.
        b_value: Diffusion b-value, s/mm²; None when not stated.
        has_contrast_agent: Whether a contrast agent is named.
        time_point: What tells repeats in time apart; '' when nothing does.
    """

    contrast: str = ""
    scanning: tuple[str, ...] = ()
    sequence_name: str = ""
    echo_ms: float | None = None
    repetition_ms: float | None = None
    inversion_ms: float | None = None
    b_value: float | None = None
    has_contrast_agent: bool = False
    time_point: str = ""


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
        frame: Which frame of the file, 1-based; others than 1 only where each frame
            was read on its own (`workers.pixels.frames`).
        laterality: Side of the body: L, R, B or U; '' when not stated.
        patient_orientation: Where columns and rows of the picture point, such as
            ("L", "F"); empty when not stated.
        manufacturer: Manufacturer, as stated.
        slice_thickness_mm: Slice Thickness; None when not stated.
        age_years: Age at the study; None when not known. It is for the gate and
            never leaves the worker.
        sex: M, F, O or '' when not stated; as the age.
        burned_in: Burned In Annotation: YES, NO, or '' when not stated.
        description: Series Description in capitals.
        acquisition: What the acquisition was, where an MR series needs it.
        frame_of_reference_uid: Frame of Reference UID, '' when not stated.
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
    frame: int = 1
    laterality: str = ""
    patient_orientation: tuple[str, ...] = ()
    manufacturer: str = ""
    slice_thickness_mm: float | None = None
    age_years: float | None = None
    sex: str = ""
    burned_in: str = ""
    description: str = ""
    acquisition: Acquisition = Acquisition()
    frame_of_reference_uid: str = ""


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
    return _read(content)[0]


def read_image(content: bytes) -> tuple[ImageHeader, PlainFile | None]:
    """Read what a DICOM file says about its image, and the file where it is plain.

    Returns:
        The header, and the parsed file where its pixels need no decoder
        (`workers.packs.rendering.as_plain`): it is all that `load_image` and
        `load_values` then need. None where they must be decoded, and for ultrasound,
        of which more is asked than its pixels.

    Raises:
        ImageError: It is no readable DICOM image.
    """
    header, dataset = _read(content)
    return header, None if header.modality == "US" else as_plain(dataset)


def _read(content: bytes) -> tuple[ImageHeader, Dataset]:
    try:
        dataset = read_dataset(content)
        return header_of(dataset), dataset
    except (UnreadableInstanceError, ImageError) as error:
        raise ImageError(str(error)) from error
    except PARSE_ERRORS as error:
        raise ImageError("its header is damaged") from error


def header_of(dataset: Dataset) -> ImageHeader:
    """Return what a parsed file says of its image.

    Raises:
        ImageError: It holds none.
    """
    if "Rows" not in dataset or "Columns" not in dataset:
        raise ImageError("the file holds no image")
    return ImageHeader(
        sop_uid=text_of(dataset, "SOPInstanceUID"),
        sop_class_uid=text_of(dataset, "SOPClassUID"),
        modality=text_of(dataset, "Modality").upper(),
        view=text_of(dataset, "ViewPosition").upper(),
        image_type=_words(dataset, "ImageType"),
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
        laterality=_laterality(dataset),
        patient_orientation=_words(dataset, "PatientOrientation"),
        manufacturer=text_of(dataset, "Manufacturer"),
        slice_thickness_mm=_number(dataset, "SliceThickness"),
        age_years=age_of(dataset),
        sex=text_of(dataset, "PatientSex").upper(),
        burned_in=text_of(dataset, "BurnedInAnnotation").upper(),
        description=text_of(dataset, "SeriesDescription").upper(),
        acquisition=_acquisition(dataset),
        frame_of_reference_uid=text_of(dataset, "FrameOfReferenceUID"),
    )


def _acquisition(dataset: Dataset) -> Acquisition:
    name = text_of(dataset, "SequenceName").upper()
    b_value = _number(dataset, "DiffusionBValue")
    return Acquisition(
        contrast=text_of(dataset, "AcquisitionContrast").upper(),
        scanning=_words(dataset, "ScanningSequence"),
        sequence_name=name,
        echo_ms=_number(dataset, "EchoTime"),
        repetition_ms=_number(dataset, "RepetitionTime"),
        inversion_ms=_number(dataset, "InversionTime"),
        b_value=b_value_in(name) if b_value is None else b_value,
        has_contrast_agent=bool(text_of(dataset, "ContrastBolusAgent")),
        time_point="/".join(
            text_of(dataset, keyword)
            for keyword in ("TemporalPositionIdentifier", "TriggerTime")
        ).strip("/"),
    )


def age_of(dataset: Dataset) -> float | None:
    """Return the age at the study in years: Patient's Age, else from the dates."""
    found = _AGE.match(text_of(dataset, "PatientAge").upper())
    if found is not None:
        return int(found[1]) / _PER_YEAR[found[2]]
    born = _date(text_of(dataset, "PatientBirthDate"))
    then = _date(text_of(dataset, "StudyDate"))
    if born is None or then is None or then < born:
        return None
    return (then - born).days / _PER_YEAR["D"]


def _date(text: str) -> date | None:
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except ValueError:
        return None


def _laterality(dataset: Dataset) -> str:
    found = text_of(dataset, "ImageLaterality") or text_of(dataset, "Laterality")
    return found.upper()


def _words(dataset: Dataset, keyword: str) -> tuple[str, ...]:
    value = value_of(dataset, keyword)
    if value is None or value == "":
        return ()
    parts = [value] if isinstance(value, str) else list(value)
    return tuple(str(part).upper() for part in parts)


def _number(dataset: Dataset, keyword: str) -> float | None:
    found = numbers_of(dataset, keyword, 1)
    return None if found is None else found[0]


def load_image(
    content: bytes,
    *,
    header: ImageHeader,
    decoder: IsolatedDecoder,
    frame: int = 1,
    plain: PlainFile | None = None,
) -> DisplayImage:
    """Decode one frame as displayed; colour becomes its brightness.

    Args:
        content: The DICOM file as stored; not looked at where it is plain.
        header: What `read_header` said of it.
        decoder: The process that decodes.
        frame: 1-based.
        plain: The parsed file, where `read_image` gave it: no decoder is asked.

    Raises:
        ImageError: It can not be decoded.
    """
    try:
        found = (
            decoder.render(content, frame=frame)
            if plain is None
            else _rendered(plain, frame)
        )
    except (DecodingError, FrameError) as error:
        raise ImageError(str(error)) from error
    values = found.values
    if values.ndim == 3:
        weights = np.array([0.299, 0.587, 0.114], dtype=np.float32)
        values = (values @ weights).astype(np.float32)
    return DisplayImage(header=header, frame=frame, values=values, voi=found.voi)


def load_values(
    content: bytes,
    *,
    decoder: IsolatedDecoder,
    frame: int = 1,
    plain: PlainFile | None = None,
) -> NDArray[np.float32]:
    """Decode one grey frame in its own unit, as Hounsfield for CT, [rows, columns].

    Args:
        content: The DICOM file as stored; not looked at where it is plain.
        decoder: The process that decodes.
        frame: 1-based.
        plain: The parsed file, where `read_image` gave it: no decoder is asked.

    Raises:
        ImageError: It can not be decoded.
    """
    try:
        if plain is None:
            return decoder.measure(content, frame=frame)
        return measure_frame(plain.dataset, frame=frame, plan=plain.plan)
    except (DecodingError, FrameError) as error:
        raise ImageError(str(error)) from error
    except PARSE_ERRORS as error:
        raise ImageError(_DAMAGED) from error


def _rendered(plain: PlainFile, frame: int) -> RenderedImage:
    try:
        found = render_frame(plain.dataset, frame=frame, plan=plain.plan)
    except FrameError:
        raise
    except PARSE_ERRORS as error:
        raise ImageError(_DAMAGED) from error
    return RenderedImage(values=found.values, voi=found.voi)


def _whole(dataset: Dataset, keyword: str) -> int:
    found = numbers_of(dataset, keyword, 1)
    return 0 if found is None else int(found[0])


def _spacing(dataset: Dataset) -> tuple[float, float] | None:
    for keyword in ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing"):
        found = numbers_of(dataset, keyword, 2)
        if found is not None and min(found) > 0:
            return (found[0], found[1])
    return None

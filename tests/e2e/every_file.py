"""Copies of every file of the small collection, and what Python sees in them.

Many of those files share their UIDs, or have none. Each copy is a series of its own
in one study of one new patient, so that one window of the reading room can be led
through all of them; pixels, transfer syntax and header are as they were.
`OVERREAD_FILES` names another folder whose files are to be tried.
"""

from __future__ import annotations

import io
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import imagecodecs
import numpy as np
import pydicom
from pydicom.encaps import generate_frames
from pydicom.pixels import apply_color_lut, apply_modality_lut
from pydicom.uid import generate_uid

from tests.e2e.conftest import SHARED

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

SMALL = Path(os.environ.get("OVERREAD_FILES", SHARED / "dicom_small"))
JPEG_EXTENDED = "1.2.840.10008.1.2.4.51"
GROUPS = ("PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence")


@dataclass(frozen=True)
class Copy:
    """One file of the collection as it is sent.

    Attributes:
        path: Below the collection's folder.
        number: Series Number of the copy; it finds the series in the room.
        series_uid: Its Series Instance UID.
        content: The file as it is sent.
    """

    path: str
    number: int
    series_uid: str
    content: bytes


def files_with_pixels() -> list[str]:
    """Return the paths of all files that hold pixels, in their order."""
    if not SMALL.exists():
        return []
    found = []
    for path in sorted(one for one in SMALL.rglob("*") if one.is_file()):
        dataset = _read(path)
        if dataset is not None and ("Rows" in dataset or _has_pixels(dataset)):
            found.append(str(path.relative_to(SMALL)))
    return found


def _has_pixels(dataset: Dataset) -> bool:
    return any(name in dataset for name in ("PixelData", "FloatPixelData"))


def _read(path: Path) -> Dataset | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            dataset = pydicom.dcmread(path)
            dataset.get("Rows")
        except Exception:  # noqa: BLE001 (what no reader takes is not sent)
            return None
    return dataset


def make_copy(path: str, *, number: int, study_uid: str, patient: str) -> Copy | None:
    """Return the file under UIDs of its own; None when it cannot be written."""
    dataset = _read(SMALL / path)
    if dataset is None:
        return None
    series_uid = generate_uid()
    dataset.PatientID = dataset.PatientName = patient
    dataset.PatientBirthDate = ""
    dataset.PatientSex = ""
    dataset.IssuerOfPatientID = ""
    dataset.StudyInstanceUID = study_uid
    dataset.SeriesInstanceUID = series_uid
    dataset.SOPInstanceUID = generate_uid()
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.SeriesNumber = number
    dataset.SeriesDescription = path.rsplit("/", maxsplit=1)[-1][:60]
    dataset.StudyDescription = "Every small file"
    for name in ("StudyID", "AccessionNumber", "StudyDate", "StudyTime"):
        setattr(dataset, name, "")
    body = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            pydicom.dcmwrite(body, dataset, enforce_file_format=False)
        except Exception:  # noqa: BLE001
            return None
    return Copy(path, number, series_uid, body.getvalue())


def expected_picture(path: str) -> np.ndarray | None:
    """Return what a screen has to show of the first frame, by DICOM's formulas.

    Returns:
        float [rows, columns, 3], 0 to 255; None for a frame of one value without a
        window, whose grey nothing states.
    """
    dataset = _read(SMALL / path)
    assert dataset is not None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stored = _decoded(dataset)
        if int(dataset.get("NumberOfFrames") or 1) > 1:
            stored = stored[0]
        return _shown(stored, dataset)


def aspect_of(path: str) -> float:
    """Return how much taller than wide a pixel of the first frame is."""
    dataset = _read(SMALL / path)
    assert dataset is not None
    measures = _macro(dataset, "PixelMeasuresSequence")
    region = dataset.get("SequenceOfUltrasoundRegions")
    if (pair := measures.get("PixelSpacing")) and all(pair):
        return float(pair[0]) / float(pair[1])
    if region and len(region) == 1 and region[0].PhysicalUnitsXDirection == 3:
        return abs(region[0].PhysicalDeltaY / region[0].PhysicalDeltaX)
    for name in ("ImagerPixelSpacing", "PixelAspectRatio"):
        if (pair := dataset.get(name)) and all(pair):
            return float(pair[0]) / float(pair[1])
    return 1.0


def _decoded(dataset: Dataset) -> np.ndarray:
    if dataset.file_meta.TransferSyntaxUID == JPEG_EXTENDED:
        # 12 bits: none of pydicom's decoders takes them
        frame = next(generate_frames(dataset.PixelData, number_of_frames=1))
        return imagecodecs.jpeg_decode(frame)
    return dataset.pixel_array


def _shown(stored: np.ndarray, dataset: Dataset) -> np.ndarray | None:
    if stored.ndim == 3:  # pydicom has made RGB of it
        return np.floor(stored / 2.0 ** (int(dataset.BitsStored) - 8))
    if dataset.PhotometricInterpretation == "PALETTE COLOR":
        colours = apply_color_lut(stored, dataset)
        return colours / (257 if colours.dtype == np.uint16 else 1)
    grey = _grey(stored, dataset)
    return None if grey is None else np.repeat(grey[..., None], 3, axis=2)


def _macro(dataset: Dataset, sequence: str) -> Dataset:
    """Return the functional group of the first frame, or the dataset itself."""
    for group in GROUPS:
        items = dataset.get(group)
        if items and sequence in items[0]:
            return items[0][sequence][0]
    return dataset


def _grey(stored: np.ndarray, dataset: Dataset) -> np.ndarray | None:
    scale = _macro(dataset, "PixelValueTransformationSequence")
    values = np.asarray(apply_modality_lut(stored, scale), float)
    voi = _macro(dataset, "FrameVOILUTSequence")
    low, high = values.min(), values.max()
    if voi.get("WindowCenter") not in (None, "") and voi.get("WindowWidth"):
        grey = _windowed(values, voi)
    elif low == high:
        return None
    else:
        grey = 255 * (values - low) / (high - low)
    inverted = dataset.PhotometricInterpretation == "MONOCHROME1"
    return 255 - grey if inverted else grey


def _first(value: object) -> float:
    many = isinstance(value, pydicom.multival.MultiValue)
    return float(value[0] if many else value)


def _windowed(values: np.ndarray, voi: Dataset) -> np.ndarray:
    """Apply the first window: PS3.3 C.11.2.1.2.1."""
    level, width = _first(voi.WindowCenter), _first(voi.WindowWidth)
    assert voi.get("VOILUTFunction", "LINEAR") == "LINEAR"
    share = (values - (level - 0.5)) / max(width - 1, 1e-9) + 0.5
    return 255 * np.clip(share, 0, 1)

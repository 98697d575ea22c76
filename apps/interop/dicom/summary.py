"""What one file says of its patient and study, for people to compare."""

from __future__ import annotations

import datetime as dt
import io
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pydicom

from apps.interop.dicom.charset import decoded_text
from apps.interop.dicom.values import format_person_name, parse_date

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSummary:
    """A file's patient and study; '' or None where it says nothing readable.

    Attributes:
        patient_name: For display.
        patient_id: As sent.
        birth_date: None when absent or unreadable.
        sex: As sent.
        study_date: None when absent or unreadable.
        study_description: As sent.
        series_description: As sent.
        accession_number: As sent.
        modality: As sent.
        station: Station, else manufacturer.
        rows: Pixels down, 0 when it is no image.
        columns: Pixels across, 0 when it is no image.
    """

    patient_name: str
    patient_id: str
    birth_date: dt.date | None
    sex: str
    study_date: dt.date | None
    study_description: str
    series_description: str
    accession_number: str
    modality: str
    station: str
    rows: int
    columns: int


def summarise_file(content: bytes) -> FileSummary | None:
    """Read a whole DICOM file's header; None when it cannot be read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = pydicom.dcmread(
                io.BytesIO(content), force=True, stop_before_pixels=True
            )
            return _summary(dataset)
    except Exception:  # noqa: BLE001  parsers fail on bad input in many ways
        return None


def _summary(dataset: Dataset) -> FileSummary:
    def text(keyword: str) -> str:
        return decoded_text(dataset, keyword)

    return FileSummary(
        patient_name=format_person_name(text("PatientName")),
        patient_id=text("PatientID"),
        birth_date=parse_date(text("PatientBirthDate")),
        sex=text("PatientSex"),
        study_date=parse_date(text("StudyDate")),
        study_description=text("StudyDescription"),
        series_description=text("SeriesDescription"),
        accession_number=text("AccessionNumber"),
        modality=text("Modality"),
        station=text("StationName") or text("Manufacturer"),
        rows=int(dataset.get("Rows") or 0),
        columns=int(dataset.get("Columns") or 0),
    )

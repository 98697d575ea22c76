"""Adult chest films with published probabilities: the table, the films as DICOM.

A folder with `labels_and_chexnet_predictions.csv` and `images/`: 85 films of 85 adults
and children of NIH ChestX-ray14 with their labels, and the 14 probabilities that a
published DenseNet-121 gave each of them.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import (
    UID,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    generate_uid,
)

TABLE: Final = "labels_and_chexnet_predictions.csv"
LABELS: Final = (
    "Atelectasis",
    "Cardiomegaly",
    "Effusion",
    "Infiltration",
    "Mass",
    "Nodule",
    "Pneumonia",
    "Pneumothorax",
    "Consolidation",
    "Edema",
    "Emphysema",
    "Fibrosis",
    "Pleural_Thickening",
    "Hernia",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdultFilm:
    """One film of the table.

    Attributes:
        name: File name of its picture.
        patient: Its number in the collection.
        age_years: Age.
        sex: M or F.
        view: AP or PA.
        truth: Whether each of `LABELS` is on it.
        probability: The published probability of each.
    """

    name: str
    patient: str
    age_years: int
    sex: str
    view: str
    truth: tuple[bool, ...]
    probability: tuple[float, ...]


def read_table(folder: Path) -> list[AdultFilm]:
    """Return the films of the folder's table, in its order."""
    with (folder / TABLE).open(encoding="utf-8", newline="") as source:
        return [
            AdultFilm(
                name=row["Image Index"],
                patient=row["Patient ID"],
                age_years=int(row["Patient Age"]),
                sex=row["Patient Gender"],
                view=row["View Position"],
                truth=tuple(bool(int(row[label])) for label in LABELS),
                probability=tuple(float(row[f"prob_{label}"]) for label in LABELS),
            )
            for row in csv.DictReader(source)
        ]


def read_pixels(folder: Path, film: AdultFilm) -> NDArray[np.uint8]:
    """Return a film's picture, uint8 [rows, columns]."""
    with Image.open(folder / "images" / film.name) as image:
        return np.asarray(image.convert("L"))


def wrap(
    pixels: NDArray[np.uint8], *, film: AdultFilm, uids: Sequence[str] = ()
) -> bytes:
    """Return a film as a DX file, with age, sex and view and no name.

    Args:
        pixels: uint8 [rows, columns], as displayed.
        film: What the table says of it.
        uids: Of study, series and image; new ones by default.
    """
    study, series, image = uids or [str(generate_uid()) for _ in range(3)]
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    meta.MediaStorageSOPInstanceUID = UID(image)
    dataset = Dataset()
    dataset.file_meta = meta
    for keyword, value in _attributes(film, study, series, image).items():
        setattr(dataset, keyword, value)
    dataset.Rows, dataset.Columns = pixels.shape
    body = np.ascontiguousarray(pixels).tobytes()
    dataset.PixelData = body + b"\0" * (len(body) % 2)
    target = io.BytesIO()
    dcmwrite(target, dataset, enforce_file_format=True)
    return target.getvalue()


def _attributes(film: AdultFilm, study: str, series: str, image: str) -> dict[str, Any]:
    return {
        "SOPClassUID": DigitalXRayImageStorageForPresentation,
        "SOPInstanceUID": image,
        "StudyInstanceUID": study,
        "SeriesInstanceUID": series,
        "PatientID": f"NIH-{film.patient}",
        "PatientName": "",
        "PatientAge": f"{film.age_years:03d}Y",
        "PatientSex": film.sex,
        "Modality": "DX",
        "SeriesNumber": 1,
        "InstanceNumber": 1,
        "ImageType": ["DERIVED", "PRIMARY", ""],
        "PresentationIntentType": "FOR PRESENTATION",
        "BodyPartExamined": "CHEST",
        "ViewPosition": film.view,
        "PatientOrientation": ["L", "F"],
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 8,
        "BitsStored": 8,
        "HighBit": 7,
        "PixelRepresentation": 0,
        "WindowCenter": "128",
        "WindowWidth": "256",
    }

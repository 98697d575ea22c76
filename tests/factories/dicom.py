"""Synthetic DICOM objects that validators accept, for tests and trials."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    CTImageStorage,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    MRImageStorage,
    generate_uid,
)

IMPLEMENTATION_UID = "2.25.329800735698586629295641978511506172918"


def coded(value: str, scheme: str, meaning: str) -> Dataset:
    """Return a code sequence item."""
    item = Dataset()
    item.CodeValue = value
    item.CodingSchemeDesignator = scheme
    item.CodeMeaning = meaning
    return item


def to_bytes(dataset: Dataset) -> bytes:
    """Return the file of a dataset."""
    target = io.BytesIO()
    dataset.save_as(target, enforce_file_format=True)
    return target.getvalue()


def _new(sop_class_uid: str, *, sop_uid: str | None) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = sop_class_uid
    meta.MediaStorageSOPInstanceUID = sop_uid or generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = IMPLEMENTATION_UID
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID = sop_class_uid
    dataset.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    return dataset


def _add_study(
    dataset: Dataset,
    *,
    patient_name: str,
    patient_id: str,
    birth_date: str,
    sex: str,
    age: str,
    study_date: str,
    study_time: str,
    study_uid: str | None,
    series_uid: str | None,
    accession_number: str,
    description: str,
) -> None:
    dataset.PatientName = patient_name
    dataset.PatientID = patient_id
    dataset.PatientBirthDate = birth_date
    dataset.PatientSex = sex
    if age:
        dataset.PatientAge = age
    dataset.StudyInstanceUID = study_uid or generate_uid()
    dataset.SeriesInstanceUID = series_uid or generate_uid()
    dataset.StudyDate = dataset.SeriesDate = dataset.AcquisitionDate = study_date
    dataset.StudyTime = dataset.SeriesTime = dataset.AcquisitionTime = study_time
    dataset.ContentDate, dataset.ContentTime = study_date, study_time
    dataset.StudyID = "1"
    dataset.AccessionNumber = accession_number
    dataset.ReferringPhysicianName = ""
    dataset.StudyDescription = description
    dataset.SeriesDescription = description
    dataset.Manufacturer = "Overread Test Factory"
    dataset.ManufacturerModelName = "Phantom"
    dataset.InstitutionName = "Test Hospital"
    dataset.StationName = "ROOM1"
    dataset.SoftwareVersions = "1"
    dataset.DeviceSerialNumber = "1"


def _add_pixels(
    dataset: Dataset, pixels: NDArray[Any], *, photometric: str, bits_stored: int
) -> None:
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = photometric
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.BitsAllocated = pixels.dtype.itemsize * 8
    dataset.BitsStored = bits_stored
    dataset.HighBit = bits_stored - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    body = np.ascontiguousarray(pixels).tobytes()
    dataset.add_new(
        0x7FE00010,
        "OW" if dataset.BitsAllocated > 8 else "OB",
        body + b"\0" * (len(body) % 2),
    )


def _today() -> str:
    return datetime.now(UTC).strftime("%Y%m%d")


def make_dx(
    pixels: NDArray[Any],
    *,
    patient_name: str = "Test^Child",
    patient_id: str = "TEST-1",
    age: str = "004Y",
    sex: str = "F",
    birth_date: str = "20200101",
    study_date: str = "",
    study_time: str = "101500",
    view: str = "AP",
    body_part: str = "CHEST",
    photometric: str = "MONOCHROME2",
    study_uid: str | None = None,
    series_uid: str | None = None,
    sop_uid: str | None = None,
    accession_number: str = "",
    pixel_spacing: float = 0.2,
    window: tuple[float, float] | None = None,
    instance_number: int = 1,
) -> FileDataset:
    """Wrap a grey image as a Digital X-Ray Image for presentation.

    Args:
        pixels: [rows, columns], uint8 or uint16; how it is to be seen when
            `photometric` is MONOCHROME2.
        patient_name: As DICOM writes it.
        patient_id: Identifier.
        age: Such as `004Y`; '' leaves it out.
        sex: M, F, O or ''.
        birth_date: YYYYMMDD or ''.
        study_date: YYYYMMDD; today when ''.
        study_time: HHMMSS.
        view: View Position: AP, PA, LL, RL, …
        body_part: Body Part Examined.
        photometric: MONOCHROME1 or MONOCHROME2.
        study_uid: A new one when None; the same for `series_uid`, `sop_uid`.
        series_uid: See `study_uid`.
        sop_uid: See `study_uid`.
        accession_number: '' for none.
        pixel_spacing: Millimetres at the detector.
        window: Centre and width; the whole range when None.
        instance_number: Instance Number.
    """
    dataset = _new(DigitalXRayImageStorageForPresentation, sop_uid=sop_uid)
    _add_study(
        dataset,
        patient_name=patient_name,
        patient_id=patient_id,
        birth_date=birth_date,
        sex=sex,
        age=age,
        study_date=study_date or _today(),
        study_time=study_time,
        study_uid=study_uid,
        series_uid=series_uid,
        accession_number=accession_number,
        description=f"{body_part} {view}",
    )
    bits = pixels.dtype.itemsize * 8
    dataset.Modality = "DX"
    dataset.SeriesNumber = 1
    dataset.InstanceNumber = instance_number
    dataset.AcquisitionNumber = 1
    dataset.ImageType = ["ORIGINAL", "PRIMARY", ""]
    dataset.PresentationIntentType = "FOR PRESENTATION"
    dataset.BodyPartExamined = body_part
    dataset.ViewPosition = view
    dataset.ImageLaterality = "U"
    dataset.AnatomicRegionSequence = Sequence([coded("51185008", "SCT", "Chest")])
    dataset.ViewCodeSequence = Sequence([_view_code(view)])
    dataset.PatientOrientation = _orientation(view)
    dataset.PatientPosition = ""
    dataset.PositionerType = "NONE"
    dataset.DetectorType = "DIRECT"
    dataset.ImagerPixelSpacing = [pixel_spacing, pixel_spacing]
    dataset.PixelIntensityRelationship = "LOG"
    dataset.PixelIntensityRelationshipSign = 1 if photometric == "MONOCHROME1" else -1
    dataset.PresentationLUTShape = (
        "INVERSE" if photometric == "MONOCHROME1" else "IDENTITY"
    )
    dataset.RescaleIntercept, dataset.RescaleSlope = "0", "1"
    dataset.RescaleType = "US"
    dataset.LossyImageCompression = "00"
    dataset.BurnedInAnnotation = "NO"
    dataset.AcquisitionContextSequence = Sequence([])
    centre, width = window or (2.0 ** (bits - 1), 2.0**bits)
    dataset.WindowCenter, dataset.WindowWidth = f"{centre:g}", f"{width:g}"
    dataset.WindowCenterWidthExplanation = "FULL"
    _add_pixels(dataset, pixels, photometric=photometric, bits_stored=bits)
    return dataset


def _view_code(view: str) -> Dataset:
    codes = {
        "PA": ("272479007", "postero-anterior"),
        "AP": ("272478004", "antero-posterior"),
    }
    value, meaning = codes.get(view, ("399067008", "lateral"))
    item = coded(value, "SCT", meaning)
    item.ViewModifierCodeSequence = Sequence([])
    return item


def _orientation(view: str) -> list[str]:
    return ["A", "F"] if view in {"LL", "RL", "LAT"} else ["L", "F"]


def make_ct_series(
    *,
    n_slices: int = 5,
    side: int = 64,
    spacing_mm: float = 2.0,
    study_uid: str | None = None,
    series_uid: str | None = None,
    patient_name: str = "Test^Adult",
    patient_id: str = "TEST-2",
    age: str = "061Y",
    sex: str = "M",
    birth_date: str = "19630101",
    study_date: str = "",
    series_number: int = 2,
    seed: int = 0,
) -> list[FileDataset]:
    """Return a small axial CT: a bright ball in water, from feet to head.

    Args:
        n_slices: Images.
        side: Rows and columns.
        spacing_mm: Between slices.
        study_uid: A new one when None; the same for `series_uid`.
        series_uid: See `study_uid`.
        patient_name: As DICOM writes it.
        patient_id: Identifier.
        age: Such as `061Y`; '' leaves it out.
        sex: M, F, O or ''.
        birth_date: YYYYMMDD or ''.
        study_date: YYYYMMDD; today when ''.
        series_number: Series Number.
        seed: Of the noise.
    """
    study = study_uid or generate_uid()
    series = series_uid or generate_uid()
    frame_of_reference = generate_uid()
    noise = np.random.default_rng(seed)
    date = study_date or _today()
    slices = []
    for index in range(n_slices):
        dataset = _new(CTImageStorage, sop_uid=None)
        _add_study(
            dataset,
            patient_name=patient_name,
            patient_id=patient_id,
            birth_date=birth_date,
            sex=sex,
            age=age,
            study_date=date,
            study_time="090000",
            study_uid=study,
            series_uid=series,
            accession_number="",
            description="CT phantom",
        )
        height = (index - (n_slices - 1) / 2) * spacing_mm
        dataset.Modality = "CT"
        dataset.SeriesNumber = series_number
        dataset.InstanceNumber = n_slices - index
        dataset.AcquisitionNumber = 1
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        dataset.BodyPartExamined = "CHEST"
        dataset.PatientPosition = "HFS"
        dataset.KVP = "120"
        dataset.SliceThickness = f"{spacing_mm:g}"
        dataset.FrameOfReferenceUID = frame_of_reference
        dataset.PositionReferenceIndicator = ""
        dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        dataset.ImagePositionPatient = [-float(side) / 2, -float(side) / 2, height]
        dataset.PixelSpacing = [1.0, 1.0]
        dataset.RescaleIntercept, dataset.RescaleSlope = "0", "1"
        dataset.RescaleType = "HU"
        dataset.WindowCenter, dataset.WindowWidth = "40", "400"
        pixels = _ball(side, height=height, noise=noise)
        _add_pixels(dataset, pixels, photometric="MONOCHROME2", bits_stored=16)
        slices.append(dataset)
    return slices


def make_mr_series(
    *,
    study_uid: str,
    frame_of_reference_uid: str,
    description: str,
    series_number: int,
    values: NDArray[Any],
    origin: tuple[float, float, float] = (0.0, 0.0, 0.0),
    spacing: tuple[float, float, float] = (3.0, 1.0, 1.0),
    orientation: tuple[float, ...] = (1, 0, 0, 0, 1, 0),
    echo_ms: float = 100.0,
    repetition_ms: float = 5000.0,
    scanning: str = "SE",
    image_type: tuple[str, ...] = ("ORIGINAL", "PRIMARY", "M"),
    b_value: float | None = None,
    sequence_name: str = "",
    body_part: str = "PROSTATE",
    is_synthetic: bool = False,
    series_uid: str | None = None,
) -> list[FileDataset]:
    """Return an MR series of given values, numbered against their order in space.

    Args:
        study_uid: The study.
        frame_of_reference_uid: Its frame of reference; '' leaves it out.
        description: Series Description.
        series_number: Series Number.
        values: [slice, row, column], from 0 to 65535.
        origin: Where the first voxel's centre is, LPS mm.
        spacing: Between slices, rows and columns, mm.
        orientation: Directions of rows and columns.
        echo_ms: Echo Time.
        repetition_ms: Repetition Time.
        scanning: Scanning Sequence.
        image_type: Image Type.
        b_value: Diffusion b-value; None leaves it out.
        sequence_name: Sequence Name; '' leaves it out.
        body_part: Body Part Examined.
        is_synthetic: Whether the images are marked as made.
        series_uid: A new one when None.
    """
    series = series_uid or generate_uid()
    normal = np.cross(orientation[:3], orientation[3:])
    slices = []
    for index, plane in enumerate(values):
        dataset = _new(MRImageStorage, sop_uid=None)
        _add_study(
            dataset,
            patient_name="Test^Adult",
            patient_id="TEST-3",
            birth_date="19630101",
            sex="M",
            age="061Y",
            study_date=_today(),
            study_time="090000",
            study_uid=study_uid,
            series_uid=series,
            accession_number="",
            description=description,
        )
        dataset.Modality = "MR"
        dataset.SeriesNumber = series_number
        dataset.InstanceNumber = len(values) - index
        dataset.ImageType = list(image_type)
        dataset.BodyPartExamined = body_part
        dataset.PatientPosition = "HFS"
        dataset.ScanningSequence, dataset.SequenceVariant = scanning, "NONE"
        dataset.ScanOptions, dataset.MRAcquisitionType = "", "2D"
        dataset.EchoTime, dataset.RepetitionTime = f"{echo_ms:g}", f"{repetition_ms:g}"
        dataset.EchoTrainLength = "1"
        dataset.SliceThickness = f"{spacing[0]:g}"
        if sequence_name:
            dataset.SequenceName = sequence_name
        if b_value is not None:
            dataset.DiffusionBValue = b_value
        if is_synthetic:
            dataset.SyntheticData = "YES"
        if frame_of_reference_uid:
            dataset.FrameOfReferenceUID = frame_of_reference_uid
        dataset.PositionReferenceIndicator = ""
        dataset.ImageOrientationPatient = list(orientation)
        place = np.array(origin) + index * spacing[0] * normal
        dataset.ImagePositionPatient = [round(float(part), 6) for part in place]
        dataset.PixelSpacing = [spacing[1], spacing[2]]
        pixels = np.asarray(plane, dtype=np.uint16)
        _add_pixels(dataset, pixels, photometric="MONOCHROME2", bits_stored=16)
        slices.append(dataset)
    return slices


def _ball(side: int, *, height: float, noise: np.random.Generator) -> NDArray[np.int16]:
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    inside = x**2 + y**2 + height**2 < (side / 4) ** 2
    values = np.where(inside, 120.0, 0.0) + noise.normal(0, 8, (side, side))
    return values.astype(np.int16)

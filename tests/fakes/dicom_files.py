"""Small valid DICOM files, made in memory."""

import io

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

DX_PRESENTATION = "1.2.840.10008.5.1.4.1.1.1.1"


def make_dx(
    *,
    view: str = "AP",
    study_uid: str = "",
    series_uid: str = "",
    sop_uid: str = "",
    number: int = 1,
    **attributes: object,
) -> bytes:
    """Make a small valid paediatric chest film (DX for presentation).

    Args:
        view: View Position.
        study_uid: Study Instance UID, fresh when ''.
        series_uid: Series Instance UID, fresh when ''.
        sop_uid: SOP Instance UID, fresh when ''.
        number: Instance Number.
        **attributes: Further attributes by keyword; None removes one.
    """
    dataset = Dataset()
    dataset.update(_dx_attributes())
    dataset.SOPInstanceUID = sop_uid or generate_uid()
    dataset.StudyInstanceUID = study_uid or generate_uid()
    dataset.SeriesInstanceUID = series_uid or generate_uid()
    dataset.ViewPosition = view
    dataset.ViewCodeSequence = [_VIEWS[view]]
    dataset.ViewCodeSequence[0].ViewModifierCodeSequence = []
    dataset.InstanceNumber = number
    for keyword, value in attributes.items():
        if value is None:
            del dataset[keyword]
        else:
            setattr(dataset, keyword, value)
    return write_part10(dataset)


def write_part10(dataset: Dataset) -> bytes:
    """Write a dataset as a DICOM file, explicit little endian."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = "1.2.3.4"
    dataset.file_meta = meta
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


def _code(value: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator = value, "SCT"
    item.CodeMeaning = meaning
    return item


_VIEWS = {
    "AP": _code("399348003", "antero-posterior"),
    "PA": _code("272479007", "postero-anterior"),
    "LL": _code("399173006", "left lateral"),
}


def _dx_attributes() -> Dataset:
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 100"
    dataset.SOPClassUID = DX_PRESENTATION
    dataset.ImageType = ["ORIGINAL", "PRIMARY", ""]
    dataset.StudyDate = dataset.SeriesDate = dataset.ContentDate = "20260105"
    dataset.AcquisitionDate = "20260105"
    dataset.StudyTime = "091500"
    dataset.SeriesTime = dataset.ContentTime = dataset.AcquisitionTime = "091700"
    dataset.AccessionNumber = "A-4711"
    dataset.Modality = "DX"
    dataset.PresentationIntentType = "FOR PRESENTATION"
    dataset.Manufacturer = "Acme"
    dataset.ManufacturerModelName = "Film 3"
    dataset.InstitutionName = "Children's Hospital"
    dataset.StationName = "XR2"
    dataset.ReferringPhysicianName = "House^Gregory"
    dataset.StudyDescription = "Chest"
    dataset.SeriesDescription = "Chest AP"
    dataset.PatientName = "Müller^Zoë"
    dataset.PatientID = "P-1"
    dataset.IssuerOfPatientID = "CITY"
    dataset.PatientBirthDate = "20230214"
    dataset.PatientSex = "F"
    dataset.PatientAge = "002Y"
    dataset.BodyPartExamined = "CHEST"
    dataset.StudyID = "S1"
    dataset.SeriesNumber = 1
    dataset.PatientOrientation = ["L", "F"]
    dataset.ImageLaterality = "U"
    dataset.AnatomicRegionSequence = [_code("51185008", "Chest")]
    dataset.DetectorType, dataset.PositionerType = "DIRECT", "NONE"
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.Rows, dataset.Columns = 48, 64
    dataset.ImagerPixelSpacing = [0.2, 0.2]
    dataset.BitsAllocated = 16
    dataset.BitsStored, dataset.HighBit = 12, 11
    dataset.PixelRepresentation = 0
    dataset.BurnedInAnnotation = "NO"
    dataset.LossyImageCompression = "00"
    dataset.PixelIntensityRelationship = "LIN"
    dataset.PixelIntensityRelationshipSign = -1
    dataset.RescaleIntercept, dataset.RescaleSlope = 0, 1
    dataset.RescaleType = "US"
    dataset.PresentationLUTShape = "IDENTITY"
    dataset.WindowCenter, dataset.WindowWidth = 2048, 4096
    dataset.AcquisitionContextSequence = []
    pixels = np.random.default_rng(7).integers(0, 4096, (48, 64), dtype=np.uint16)
    dataset.PixelData = pixels.tobytes()
    return dataset

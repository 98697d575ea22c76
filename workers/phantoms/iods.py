"""DICOM datasets of phantom images: DX, CR, MG, CT, PT and presentation states."""

from datetime import timedelta

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    CTImageStorage,
    DigitalMammographyXRayImageStorageForPresentation,
    DigitalXRayImageStorageForPresentation,
    GrayscaleSoftcopyPresentationStateStorage,
    PositronEmissionTomographyImageStorage,
)

from workers.phantoms.records import Film, Overlay, Series, Slices, Study, uid

_F18_HALF_LIFE_S = 6586.2
_REGION = {
    "CHEST": ("816094009", "Chest"),
    "HEAD": ("69536005", "Head"),
    "BREAST": ("76752008", "Breast"),
}
_VIEW = {
    "CC": ("399162004", "cranio-caudal"),
    "MLO": ("399368009", "medio-lateral oblique"),
    "PA": ("399348003", "postero-anterior"),
    "AP": ("399067008", "antero-posterior"),
}


def code(value: str, scheme: str, meaning: str) -> Dataset:
    """Makes one code sequence item."""
    item = Dataset()
    item.CodeValue = value
    item.CodingSchemeDesignator = scheme
    item.CodeMeaning = meaning
    return item


def _common(study: Study, series: Series, sop_class: str, index: int) -> Dataset:
    """Fills patient, study, series, equipment and SOP common."""
    patient, scanner, when = study.patient, series.scanner, study.when
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID = sop_class
    ds.SOPInstanceUID = uid(study.kind, study.seed, series.number, index)
    ds.SyntheticData = "YES"
    ds.PatientName = patient.name
    ds.PatientID = patient.id
    ds.IssuerOfPatientID = "OVERREAD-PHANTOM"
    ds.PatientBirthDate = patient.birth.strftime("%Y%m%d")
    ds.PatientSex = patient.sex
    ds.PatientAge = f"{(when.date() - patient.birth).days // 365:03d}Y"
    ds.PatientSize = f"{patient.height_m:.2f}"
    ds.PatientWeight = f"{patient.weight_kg:.1f}"
    ds.PatientComments = "Synthetic phantom, no person"
    ds.StudyInstanceUID = study.uid
    ds.StudyDate = ds.SeriesDate = ds.ContentDate = when.strftime("%Y%m%d")
    ds.StudyTime = ds.SeriesTime = ds.ContentTime = when.strftime("%H%M%S")
    ds.StudyID = study.accession[-8:]
    ds.StudyDescription = study.description
    ds.AccessionNumber = study.accession
    ds.ReferringPhysicianName = ""
    ds.SeriesInstanceUID = uid(study.kind, study.seed, series.number)
    ds.SeriesNumber = series.number
    ds.SeriesDescription = series.description
    ds.Modality = series.modality
    ds.InstanceNumber = index + 1
    ds.Manufacturer = scanner.manufacturer
    ds.ManufacturerModelName = scanner.model
    ds.StationName = scanner.station
    ds.SoftwareVersions = scanner.software
    ds.DeviceSerialNumber = scanner.serial
    ds.InstitutionName = study.site.name
    return ds


def _acquired(ds: Dataset, series: Series) -> None:
    ds.BodyPartExamined = series.body_part
    ds.AcquisitionDate, ds.AcquisitionTime = ds.StudyDate, ds.StudyTime
    ds.AcquisitionNumber = 1


def _grey(ds: Dataset, pixels: np.ndarray, *, bits: int, signed: bool) -> None:
    """Fills the image pixel module from a 2D array of 16-bit values."""
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.Rows, ds.Columns = pixels.shape
    ds.BitsAllocated = 16
    ds.BitsStored = bits
    ds.HighBit = bits - 1
    ds.PixelRepresentation = int(signed)
    ds.BurnedInAnnotation = "YES"
    kind = "<i2" if signed else "<u2"
    ds.PixelData = np.ascontiguousarray(pixels.astype(kind)).tobytes()


def film_dataset(study: Study, series: Series, index: int, film: Film) -> Dataset:
    """Builds a DX, CR or MG image."""
    if series.modality == "CR":
        return _cr(study, series, index, film)
    mammogram = series.modality == "MG"
    ds = _common(
        study,
        series,
        DigitalMammographyXRayImageStorageForPresentation
        if mammogram
        else DigitalXRayImageStorageForPresentation,
        index,
    )
    _acquired(ds, series)
    _projection(ds, film)
    ds.ImageType = ["ORIGINAL", "PRIMARY", ""]
    ds.PresentationIntentType = "FOR PRESENTATION"
    value, meaning = _REGION[series.body_part]
    ds.AnatomicRegionSequence = [code(value, "SCT", meaning)]
    ds.ImageLaterality = film.side or "U"
    ds.ImagerPixelSpacing = [film.spacing_mm, film.spacing_mm]
    ds.PixelIntensityRelationship = "LOG"
    ds.PixelIntensityRelationshipSign = 1 if film.inverted else -1
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = "0", "1", "US"
    ds.PresentationLUTShape = "INVERSE" if film.inverted else "IDENTITY"
    ds.LossyImageCompression = "00"
    ds.DetectorType = "DIRECT" if mammogram else "SCINTILLATOR"
    ds.DetectorConfiguration = "AREA"
    ds.DetectorID = series.scanner.serial
    ds.DetectorTemperature = "30"
    ds.FieldOfViewShape = "RECTANGLE"
    ds.AcquisitionContextSequence = Sequence()
    _view(ds, film, mammogram=mammogram)
    return ds


def _view(ds: Dataset, film: Film, *, mammogram: bool) -> None:
    value, meaning = _VIEW[film.view]
    view = code(value, "SCT", meaning)
    view.ViewModifierCodeSequence = Sequence()
    ds.ViewCodeSequence = [view]
    if not mammogram:
        ds.ViewPosition = film.view
        ds.PatientOrientation = ["L", "F"]
        ds.PositionerType = "NONE"
        return
    towards = "A" if film.side == "L" else "P"
    side_down = "R" if film.side == "L" else "L"
    ds.PatientOrientation = [towards, side_down if film.view == "CC" else "F"]
    ds.PositionerType = "MAMMOGRAPHIC"
    ds.PositionerPrimaryAngle = "0" if film.view == "CC" else "45"
    ds.OrganExposed = "BREAST"
    ds.BreastImplantPresent = "NO"
    ds.PartialView = "NO"
    ds.BodyPartThickness = f"{film.thickness_mm or 50:.0f}"
    ds.CompressionForce = "100"
    ds.AnodeTargetMaterial = "TUNGSTEN"
    ds.FilterMaterial = "RHODIUM"


def _projection(ds: Dataset, film: Film) -> None:
    """Fills pixels, window and exposure of a projection image."""
    _grey(ds, film.pixels, bits=film.bits, signed=False)
    if film.inverted:
        ds.PhotometricInterpretation = "MONOCHROME1"
    ds.WindowCenter, ds.WindowWidth = (f"{v:g}" for v in film.window)
    ds.KVP = f"{film.kvp:g}"
    ds.ExposureInuAs = round(film.exposure_mas * 1000)
    ds.Exposure = max(1, round(film.exposure_mas))
    ds.DistanceSourceToDetector = "650" if ds.Modality == "MG" else "1800"


def _cr(study: Study, series: Series, index: int, film: Film) -> Dataset:
    ds = _common(study, series, ComputedRadiographyImageStorage, index)
    _acquired(ds, series)
    _projection(ds, film)
    ds.ImageType = ["ORIGINAL", "PRIMARY"]
    ds.ViewPosition = film.view
    ds.PatientOrientation = ["L", "F"]
    ds.ImagerPixelSpacing = [film.spacing_mm, film.spacing_mm]
    ds.LossyImageCompression = "00"
    return ds


def slice_datasets(study: Study, series: Series, volume: Slices) -> list[Dataset]:
    """Builds the slices of a CT or PET volume, from the lowest up."""
    make = _pet_slice if series.modality == "PT" else _ct_slice
    return [make(study, series, volume, k) for k in range(len(volume.values))]


def _slice(
    study: Study, series: Series, volume: Slices, index: int, sop_class: str
) -> Dataset:
    """Fills what CT and PET slices have in common: the geometry."""
    ds = _common(study, series, sop_class, index)
    _acquired(ds, series)
    dz, dy, dx = volume.spacing_mm
    z, y, x = volume.origin_mm
    ds.FrameOfReferenceUID = uid(study.kind, study.seed, "frame")
    ds.PositionReferenceIndicator = ""
    if series.modality == "CT":
        ds.PatientPosition = "HFS"
    ds.ImagePositionPatient = [_number(v) for v in (x, y, z + index * dz)]
    ds.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
    ds.PixelSpacing = [_number(dy), _number(dx)]
    ds.SliceThickness = _number(dz)
    ds.SliceLocation = _number(z + index * dz)
    ds.PatientOrientation = ["L", "P"]
    return ds


def _number(value: float) -> str:
    return f"{value:.6g}"


def _ct_slice(study: Study, series: Series, volume: Slices, index: int) -> Dataset:
    ds = _slice(study, series, volume, index, CTImageStorage)
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    stored = np.clip(np.round(volume.values[index]), -1024, 3071) + 1024
    _grey(ds, stored, bits=12, signed=False)
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = "-1024", "1", "HU"
    ds.WindowCenter, ds.WindowWidth = (f"{v:g}" for v in volume.window)
    ds.KVP = f"{volume.kvp:g}"
    ds.ConvolutionKernel = volume.kernel or series.scanner.kernel
    ds.XRayTubeCurrent = 180
    ds.ExposureTime = 500
    ds.GantryDetectorTilt = "0"
    return ds


def _pet_slice(study: Study, series: Series, volume: Slices, index: int) -> Dataset:
    ds = _slice(study, series, volume, index, PositronEmissionTomographyImageStorage)
    ds.ImageType = ["ORIGINAL", "PRIMARY"]
    values = np.maximum(volume.values[index], 0)
    slope = max(float(values.max()), 1.0) / 32767
    _grey(ds, np.round(values / slope), bits=16, signed=True)
    ds.RescaleIntercept, ds.RescaleSlope = "0", f"{slope:.10g}"
    ds.WindowCenter, ds.WindowWidth = (f"{v:g}" for v in volume.window)
    ds.Units = "BQML"
    ds.CountsSource = "EMISSION"
    ds.SeriesType = ["STATIC", "IMAGE"]
    ds.NumberOfSlices = len(volume.values)
    ds.ImageIndex = index + 1
    ds.CorrectedImage = ["DECY", "ATTN", "SCAT", "DTIM", "RAN", "NORM"]
    ds.DecayCorrection = "START"
    ds.DecayFactor = "1"
    ds.FrameReferenceTime = "0"
    ds.ActualFrameDuration = "180000"
    ds.CollimatorType = "NONE"
    ds.RandomsCorrectionMethod = "DLYD"
    ds.AttenuationCorrectionMethod = "measured, CT"
    ds.ScatterCorrectionMethod = "model based"
    ds.ReconstructionMethod = series.scanner.kernel
    started = study.when - timedelta(minutes=60)
    dose = Dataset()
    dose.Radiopharmaceutical = "Fluorodeoxyglucose"
    dose.RadiopharmaceuticalStartTime = started.strftime("%H%M%S")
    dose.RadiopharmaceuticalStartDateTime = started.strftime("%Y%m%d%H%M%S")
    dose.RadionuclideTotalDose = f"{injected_dose(study.patient.weight_kg):.0f}"
    dose.RadionuclideHalfLife = f"{_F18_HALF_LIFE_S}"
    dose.RadionuclidePositronFraction = "0.967"
    dose.RadionuclideCodeSequence = [code("77004003", "SCT", "^18^Fluorine")]
    dose.RadiopharmaceuticalCodeSequence = [
        code("35321007", "SCT", "Fluorodeoxyglucose F^18^")
    ]
    ds.RadiopharmaceuticalInformationSequence = [dose]
    ds.PatientOrientationCodeSequence = [code("102538003", "SCT", "recumbent")]
    ds.PatientOrientationCodeSequence[0].PatientOrientationModifierCodeSequence = [
        code("40199007", "SCT", "supine")
    ]
    ds.PatientGantryRelationshipCodeSequence = [code("102540008", "SCT", "headfirst")]
    return ds


def injected_dose(weight_kg: float) -> float:
    """Returns the injected activity in becquerel: 3.5 MBq a kilogram."""
    return 3.5e6 * weight_kg


def activity_per_suv(weight_kg: float, *, minutes: float = 60.0) -> float:
    """Returns the Bq/ml at scan start that one unit of SUV (body weight) means."""
    left: float = 0.5 ** (minutes * 60 / _F18_HALF_LIFE_S)
    return injected_dose(weight_kg) * left / (weight_kg * 1000)


def overlay_dataset(
    study: Study, series: Series, overlay: Overlay, image: Dataset
) -> Dataset:
    """Builds a presentation state with boxes and words for one image."""
    ds = _common(study, series, GrayscaleSoftcopyPresentationStateStorage, 0)
    ds.PresentationCreationDate, ds.PresentationCreationTime = (
        ds.StudyDate,
        ds.StudyTime,
    )
    ds.ContentLabel = overlay.label
    ds.ContentDescription = "Note on a phantom"
    ds.ContentCreatorName = ""
    ds.Laterality = ""
    del ds.ContentDate, ds.ContentTime
    reference = Dataset()
    reference.ReferencedSOPClassUID = image.SOPClassUID
    reference.ReferencedSOPInstanceUID = image.SOPInstanceUID
    within = Dataset()
    within.SeriesInstanceUID = image.SeriesInstanceUID
    within.ReferencedImageSequence = [reference]
    ds.ReferencedSeriesSequence = [within]
    area = Dataset()
    area.DisplayedAreaTopLeftHandCorner = [1, 1]
    area.DisplayedAreaBottomRightHandCorner = [image.Columns, image.Rows]
    area.PresentationSizeMode = "SCALE TO FIT"
    area.PresentationPixelAspectRatio = [1, 1]
    area.ReferencedImageSequence = [reference]
    ds.DisplayedAreaSelectionSequence = [area]
    layer = Dataset()
    layer.GraphicLayer, layer.GraphicLayerOrder = "NOTE", 1
    ds.GraphicLayerSequence = [layer]
    annotation = Dataset()
    annotation.ReferencedImageSequence = [reference]
    annotation.GraphicLayer = "NOTE"
    if overlay.boxes:
        annotation.GraphicObjectSequence = [_outline(box) for box in overlay.boxes]
    if overlay.texts:
        annotation.TextObjectSequence = [_text(*text) for text in overlay.texts]
    if overlay.boxes or overlay.texts:
        ds.GraphicAnnotationSequence = [annotation]
    window = Dataset()
    window.WindowCenter, window.WindowWidth = (f"{v:g}" for v in overlay.window)
    ds.SoftcopyVOILUTSequence = [window]
    inverse = image.PhotometricInterpretation == "MONOCHROME1"
    ds.PresentationLUTShape = "INVERSE" if inverse else "IDENTITY"
    return ds


def _outline(box: tuple[float, float, float, float]) -> Dataset:
    left, top, right, bottom = box
    item = Dataset()
    item.GraphicAnnotationUnits = "PIXEL"
    item.GraphicDimensions = 2
    item.NumberOfGraphicPoints = 5
    item.GraphicData = [
        *(left, top, right, top, right, bottom),
        *(left, bottom, left, top),
    ]
    item.GraphicType = "POLYLINE"
    item.GraphicFilled = "N"
    return item


def _text(column: float, row: float, words: str) -> Dataset:
    item = Dataset()
    item.AnchorPointAnnotationUnits = "PIXEL"
    item.AnchorPoint = [column, row]
    item.AnchorPointVisibility = "N"
    item.UnformattedTextValue = words
    return item

"""Orthanc's JSON about one study → ``StudyHeader``. Pure: no requests here."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from apps.interop.dicom.values import (
    age_at,
    format_person_name,
    parse_date,
    parse_time,
)
from apps.interop.sop_classes import NON_IMAGE_MODALITIES, is_image_class
from apps.interop.types import (
    OVERREAD,
    ImageView,
    InstanceRef,
    Origin,
    PatientHeader,
    SeriesHeader,
    SeriesMaking,
    StudyHeader,
)
from workers.series_roles import b_value_in

Json = Mapping[str, Any]
Tags = Mapping[str, Any]
"""Tags of one instance in Orthanc's short form: ``{"0010,0020": "…"}``."""

PROJECTION_MODALITIES: Final = frozenset({"CR", "DX", "RG", "MG", "PX", "IO", "XC"})
"""One series may hold several views: more than one header is worth reading."""

_ORIGINS: Final[Mapping[str, Origin]] = {"DicomProtocol": "dicom", "RestApi": "rest"}


def build_study_header(
    *,
    study: Json,
    series: Sequence[Json],
    instances: Sequence[Json],
    samples: Mapping[str, Tags],
) -> StudyHeader:
    """Put together what Orthanc says about one study.

    Args:
        study: ``/studies/{id}``.
        series: Series of the study with their main tags.
        instances: Instances of the study with their metadata.
        samples: Tags of some instances, by Orthanc's instance id: at least one
            of each series where a header could be read.

    Returns:
        The header; absent values are '' or None, never an error.
    """
    by_series: dict[str, list[Json]] = {}
    for instance in instances:
        by_series.setdefault(_text(instance, "ParentSeries"), []).append(instance)
    headers = sorted(
        (
            _build_series(row, by_series.get(_text(row, "ID"), []), samples)
            for row in series
        ),
        key=lambda s: (s.number is None, s.number or 0, s.uid),
    )
    image_ids = [i.orthanc_id for s in headers for i in s.instances if i.is_image]
    every_id = [i.orthanc_id for s in headers for i in s.instances]
    sample = _first_sample(image_ids, samples) or _first_sample(every_id, samples)
    first_id = (image_ids or every_id or [""])[0]
    arrival = next((i for i in instances if i.get("ID") == first_id), {})
    return _build_study(study, tuple(headers), sample, _metadata(arrival))


def image_ids_first(instances: Sequence[Json]) -> list[Json]:
    """Sort instances of a series: images first, then by index, then by UID."""
    return sorted(
        instances,
        key=lambda i: (
            is_image_class(_text(_metadata(i), "SopClassUid")) is False,
            _index(i) is None,
            _index(i) or 0,
            _text(_main(i), "SOPInstanceUID"),
        ),
    )


def _build_study(
    study: Json, series: tuple[SeriesHeader, ...], sample: Tags, arrival: Json
) -> StudyHeader:
    main = _main(study)
    study_date = parse_date(_text(main, "StudyDate"))
    patient = _build_patient(study.get("PatientMainDicomTags") or {}, sample)
    age_text, age_years = age_at(
        age=_tag(sample, "0010,1010"),
        birth_date=patient.birth_date,
        study_date=study_date,
    )
    issuer = _first_item(sample, "0008,0051")
    return StudyHeader(
        orthanc_id=_text(study, "ID"),
        study_uid=_text(main, "StudyInstanceUID"),
        patient=patient,
        patient_age_text=age_text,
        patient_age_years=age_years,
        accession_number=_text(main, "AccessionNumber"),
        accession_issuer=_tag(issuer, "0040,0031") or _tag(issuer, "0040,0032"),
        study_id=_text(main, "StudyID"),
        study_date=study_date,
        study_time=parse_time(_text(main, "StudyTime")),
        description=_text(main, "StudyDescription"),
        referring_physician=format_person_name(_text(main, "ReferringPhysicianName")),
        institution=_text(main, "InstitutionName") or _tag(sample, "0008,0080"),
        series=series,
        called_aet=_text(arrival, "CalledAET"),
        calling_aet=_text(arrival, "RemoteAET"),
        origin=_ORIGINS.get(_text(arrival, "Origin"), "unknown"),
        is_stable=bool(study.get("IsStable")),
        last_update=_text(study, "LastUpdate"),
    )


def _build_patient(main: Json, sample: Tags) -> PatientHeader:
    dicom_name = _text(main, "PatientName")
    sex = _text(main, "PatientSex").upper()
    return PatientHeader(
        id=_text(main, "PatientID"),
        issuer=_tag(sample, "0010,0021"),
        name=format_person_name(dicom_name),
        dicom_name=dicom_name,
        birth_date=parse_date(_text(main, "PatientBirthDate")),
        sex=sex if sex in {"M", "F", "O"} else "",
    )


def _build_series(
    row: Json, instances: Sequence[Json], samples: Mapping[str, Tags]
) -> SeriesHeader:
    main = _main(row)
    modality = _text(main, "Modality")
    refs = tuple(
        _build_instance(i, modality, samples.get(_text(i, "ID"), {}))
        for i in image_ids_first(instances)
    )
    seen = [samples[ref.orthanc_id] for ref in refs if ref.orthanc_id in samples]
    sample = seen[0] if seen else {}
    manufacturer = _text(main, "Manufacturer") or _tag(sample, "0008,0070")
    return SeriesHeader(
        orthanc_id=_text(row, "ID"),
        uid=_text(main, "SeriesInstanceUID"),
        modality=modality,
        number=_integer(_text(main, "SeriesNumber")),
        description=_text(main, "SeriesDescription"),
        body_part=(_text(main, "BodyPartExamined") or _tag(sample, "0018,0015")),
        laterality=_tag(sample, "0020,0060") or _tag(sample, "0020,0062"),
        protocol_name=_text(main, "ProtocolName"),
        station=_text(main, "StationName") or _tag(sample, "0008,1010"),
        manufacturer=manufacturer,
        model_name=_tag(sample, "0008,1090"),
        institution=_text(main, "InstitutionName") or _tag(sample, "0008,0080"),
        view_positions=tuple(
            dict.fromkeys(view for s in seen if (view := _tag(s, "0018,5101")))
        ),
        sop_class_uids=tuple(dict.fromkeys(ref.sop_class_uid for ref in refs)),
        instances=refs,
        written_by_overread=manufacturer == OVERREAD
        and bool(refs)
        and all(ref.sop_uid.startswith("2.25.") for ref in refs),
        is_synthetic=bool(seen) and all(_is_synthetic(tags) for tags in seen),
        views=tuple(
            _build_view(ref.sop_uid, samples[ref.orthanc_id])
            for ref in refs
            if modality in PROJECTION_MODALITIES and ref.orthanc_id in samples
        ),
        plane=plane_of(_tag(sample, "0020,0037")),
        is_localizer="LOCALIZER" in _tag(sample, "0008,0008").upper(),
        frame_of_reference_uid=_tag(sample, "0020,0052"),
        making=_build_making(sample),
    )


def _build_making(tags: Tags) -> SeriesMaking | None:
    """Return how a slice was made; None of what has no place in the patient."""
    if not _tag(tags, "0020,0037"):
        return None
    name = _tag(tags, "0018,0024").upper()
    return SeriesMaking(
        image_type=_values(tags, "0008,0008"),
        contrast=_tag(tags, "0008,9209").upper(),
        scanning=_values(tags, "0018,0020"),
        sequence_name=name[:64],
        echo_ms=_decimal(tags, "0018,0081"),
        repetition_ms=_decimal(tags, "0018,0080"),
        inversion_ms=_decimal(tags, "0018,0082"),
        is_diffusion=_decimal(tags, "0018,9087") is not None
        or b_value_in(name) is not None,
        has_contrast_agent=bool(_tag(tags, "0018,0010")),
    )


def _values(tags: Tags, key: str) -> tuple[str, ...]:
    text = _tag(tags, key).upper()
    return tuple(part.strip()[:64] for part in text.split("\\")) if text else ()


def _decimal(tags: Tags, key: str) -> float | None:
    try:
        found = float(_tag(tags, key))
    except ValueError:
        return None
    return found if math.isfinite(found) else None


_VIEW_CODES: Final[Mapping[str, str]] = {
    "399162004": "CC",
    "R-10242": "CC",
    "399368009": "MLO",
    "R-10226": "MLO",
    "399260004": "ML",
    "R-10224": "ML",
    "399352003": "LM",
    "R-10228": "LM",
    "399348003": "AP",
    "R-10206": "AP",
    "272479007": "PA",
    "R-10214": "PA",
    "399067008": "LL",
    "R-10236": "LL",
    "399173006": "LL",
    "R-10232": "RL",
}
"""SNOMED CT and SRT codes of views (PS3.16 CID 4010, 4014), in View Position words."""


def _build_view(sop_uid: str, tags: Tags) -> ImageView:
    code = _first_item(tags, "0054,0220")
    stated = _tag(tags, "0018,5101").upper()
    coded = _VIEW_CODES.get(_tag(code, "0008,0100"), _tag(code, "0008,0104").upper())
    side = (_tag(tags, "0020,0062") or _tag(tags, "0020,0060")).upper()
    return ImageView(
        sop_uid=sop_uid,
        view=stated or coded,
        laterality=side if side in {"L", "R", "B"} else "",
    )


_PLANE_ALONG: Final = ("sagittal", "coronal", "axial")
_STRAIGHT: Final = 0.8
"""Cosine of the angle up to which a plane is still called by the patient's own."""


def plane_of(orientation: str) -> str:
    """Name the plane of an Image Orientation (Patient): six cosines and backslashes.

    Returns:
        ``axial``, ``coronal``, ``sagittal``, or '' when it is askew or not said.
    """
    try:
        cosines = [float(part) for part in orientation.split("\\")]
    except ValueError:
        return ""
    if len(cosines) != 6:
        return ""
    r, c = cosines[:3], cosines[3:]
    normal = [
        r[(i + 1) % 3] * c[(i + 2) % 3] - r[(i + 2) % 3] * c[(i + 1) % 3]
        for i in range(3)
    ]
    along = max(range(3), key=lambda i: abs(normal[i]))
    return _PLANE_ALONG[along] if abs(normal[along]) >= _STRAIGHT else ""


def _is_synthetic(tags: Tags) -> bool:
    return _tag(tags, "0008,001c").upper() == "YES"


def _build_instance(row: Json, modality: str, sample: Tags) -> InstanceRef:
    metadata = _metadata(row)
    sop_class = _text(metadata, "SopClassUid") or _tag(sample, "0008,0016")
    is_image = is_image_class(sop_class)
    if is_image is None:  # private or unknown class: the object itself decides
        is_image = modality not in NON_IMAGE_MODALITIES and _has_pixels(
            metadata, sample
        )
    return InstanceRef(
        orthanc_id=_text(row, "ID"),
        sop_uid=_text(_main(row), "SOPInstanceUID"),
        sop_class_uid=sop_class,
        transfer_syntax_uid=_text(metadata, "TransferSyntax"),
        size=_integer(str(row.get("FileSize", ""))) or 0,
        index=_index(row),
        is_image=is_image,
        n_frames=max(1, _integer(_text(_main(row), "NumberOfFrames")) or 1),
    )


def _has_pixels(metadata: Json, sample: Tags) -> bool:
    return "PixelDataOffset" in metadata or "0028,0010" in sample


def _first_sample(ids: Sequence[str], samples: Mapping[str, Tags]) -> Tags:
    return next((samples[i] for i in ids if i in samples), {})


def _main(row: Json) -> Json:
    return row.get("MainDicomTags") or {}


def _metadata(row: Json) -> Json:
    return row.get("Metadata") or {}


def _index(row: Json) -> int | None:
    return _integer(str(row.get("IndexInSeries") or ""))


def _integer(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[+-]?\d{1,12}", text.strip(), re.ASCII) else None


def _text(row: Json, key: str) -> str:
    value = row.get(key)
    return _clean(value) if isinstance(value, str) else ""


def _tag(tags: Tags, key: str) -> str:
    value = tags.get(key)
    return _clean(value) if isinstance(value, str) else ""


def _first_item(tags: Tags, key: str) -> Tags:
    value = tags.get(key)
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return value[0]
    return {}


def _clean(text: str) -> str:
    """Trim, and drop control characters, which PostgreSQL and people reject."""
    return "".join(c for c in text if c.isprintable() or c == "\n").strip()

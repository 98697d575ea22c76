"""What the archive says about studies, as frozen dataclasses in DICOM's words."""

import datetime as dt
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

Origin = Literal["dicom", "rest", "unknown"]

OVERREAD: Final = "Overread"
"""Manufacturer of every object that we write."""


class ArchiveError(Exception):
    """Something about the archive went wrong; the message is fit for a person.

    Attributes:
        status: The HTTP status that it answered, 0 when none.
        may_pass: Whether the same question may get another answer in a moment.
    """

    status: int = 0
    may_pass: bool = False


class ArchiveUnavailable(ArchiveError):
    """The archive did not answer: try again later."""


class ArchiveRefused(ArchiveError):
    """The archive answered and said no: trying again changes nothing."""


class NotInArchive(ArchiveRefused):
    """The archive has no such object (any more)."""


@dataclass(frozen=True, slots=True)
class Change:
    """One row of the archive's change log.

    Attributes:
        seq: Position in the log, rising, with gaps where rows vanished.
        kind: Orthanc's change type, such as ``StableStudy``.
        resource_type: ``Patient``, ``Study``, ``Series`` or ``Instance``.
        resource_id: Orthanc's id of the resource.
        date: The archive's local time of the change, without a zone.
    """

    seq: int
    kind: str
    resource_type: str
    resource_id: str
    date: dt.datetime | None


@dataclass(frozen=True, slots=True)
class ChangePage:
    """Some rows of the change log.

    Attributes:
        changes: Rows with ``seq`` above the cursor that was asked for.
        last: Cursor to ask from next time.
        done: Whether nothing is left after this page.
    """

    changes: tuple[Change, ...]
    last: int
    done: bool


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Studies that became stable since a cursor.

    Attributes:
        study_ids: Orthanc ids, each once, in order of their last stable event.
        cursor: Where to continue.
        done: Whether the log has been read to its end.
        history_lost: The log was cleared or restarted between the old cursor
            and now: studies may be missing from ``study_ids``, so reconcile
            against ``Archive.all_studies`` before trusting the cursor again.
    """

    study_ids: tuple[str, ...]
    cursor: int
    done: bool
    history_lost: bool


@dataclass(frozen=True, slots=True)
class StudySummary:
    """One line of the archive's list of studies, for the full reconcile."""

    orthanc_id: str
    study_uid: str
    last_update: str
    is_stable: bool


@dataclass(frozen=True, slots=True)
class Statistics:
    """How much the archive holds; sizes in bytes."""

    patients: int
    studies: int
    series: int
    instances: int
    disk_bytes: int


@dataclass(frozen=True, slots=True)
class StoreOutcome:
    """What became of an upload.

    Attributes:
        status: ``stored``, or ``already`` when this SOP Instance UID was there
            before (the archive keeps the first copy).
        instance_id: Orthanc's id of the instance.
        series_id: Orthanc's id of its series.
        study_id: Orthanc's id of its study.
    """

    status: Literal["stored", "already"]
    instance_id: str
    series_id: str
    study_id: str


@dataclass(frozen=True, slots=True)
class PatientHeader:
    """The patient as the images say.

    Attributes:
        id: Patient ID as sent.
        issuer: Issuer of Patient ID, '' when not said.
        name: Alphabetic name for display, ``Family, Given``.
        dicom_name: The name as sent (all component groups).
        birth_date: None when absent or unreadable.
        sex: ``M``, ``F``, ``O`` or ''.
    """

    id: str
    issuer: str
    name: str
    dicom_name: str
    birth_date: dt.date | None
    sex: str


@dataclass(frozen=True, slots=True)
class InstanceRef:
    """One stored instance.

    Attributes:
        orthanc_id: Orthanc's id.
        sop_uid: SOP Instance UID.
        sop_class_uid: SOP Class UID, '' when the archive does not know it.
        transfer_syntax_uid: As stored.
        size: Bytes of the stored file.
        index: Orthanc's index in the series (Instance Number mostly), or None.
        is_image: Whether it counts for the study revision.
        n_frames: Number of Frames, as far as the archive knows it; at least 1.
    """

    orthanc_id: str
    sop_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str
    size: int
    index: int | None
    is_image: bool
    n_frames: int = 1


@dataclass(frozen=True, slots=True)
class ImageView:
    """How one projection image was taken, as far as its header says.

    Attributes:
        sop_uid: SOP Instance UID.
        view: View Position in capitals (``PA``, ``CC``, ``MLO``, ``LL``), or the
            meaning of the View Code; '' when neither is said.
        laterality: ``L``, ``R``, ``B`` or ''.
    """

    sop_uid: str
    view: str
    laterality: str


@dataclass(frozen=True, slots=True)
class SeriesMaking:
    """How the first image of a series was made, as far as it says.

    `image_type`, `scanning` and `sequence_name` are in capitals, times in ms;
    `is_diffusion`: a b-value is stated. Whether all its images are alike is not known.
    """

    image_type: tuple[str, ...] = ()
    contrast: str = ""
    scanning: tuple[str, ...] = ()
    sequence_name: str = ""
    echo_ms: float | None = None
    repetition_ms: float | None = None
    inversion_ms: float | None = None
    is_diffusion: bool = False
    has_contrast_agent: bool = False


@dataclass(frozen=True, slots=True)
class SeriesHeader:
    """One series with its instances, ordered by index, then by UID.

    `is_synthetic`: every image that was looked into is marked Synthetic Data = YES.
    `views`: of a series of projections, each image that was looked into, in order.
    `plane`: ``axial``, ``coronal`` or ``sagittal`` of the first image, '' when it
    lies askew or does not say. `is_localizer`: its Image Type says so. `making`: of
    a series of slices, None where no image could be looked into.
    """

    orthanc_id: str
    uid: str
    modality: str
    number: int | None
    description: str
    body_part: str
    laterality: str
    protocol_name: str
    station: str
    manufacturer: str
    model_name: str
    institution: str
    view_positions: tuple[str, ...]
    sop_class_uids: tuple[str, ...]
    instances: tuple[InstanceRef, ...]
    written_by_overread: bool
    is_synthetic: bool = False
    views: tuple[ImageView, ...] = ()
    plane: str = ""
    is_localizer: bool = False
    frame_of_reference_uid: str = ""
    making: SeriesMaking | None = None

    @property
    def is_image(self) -> bool:
        """Whether the series holds at least one image."""
        return any(instance.is_image for instance in self.instances)


@dataclass(frozen=True)
class StudyHeader:
    """Everything the portal needs to register a study, in one value.

    Attributes:
        orthanc_id: Orthanc's id of the study.
        study_uid: Study Instance UID.
        patient: The patient module.
        patient_age_text: ``3 y``, ``10 mo``, ``2 w``, ``5 d`` or ''.
        patient_age_years: Age at the study in years, None when unknown.
        accession_number: '' when absent.
        accession_issuer: Issuer of Accession Number, '' when not said.
        study_id: Study ID, '' when absent.
        study_date: None when absent or unreadable.
        study_time: None when absent or unreadable; local to the modality.
        description: Study Description.
        referring_physician: Formatted like the patient's name.
        institution: Institution Name of the images.
        series: All series, images or not, ordered by number.
        called_aet: AE title that the modality called, '' for uploads.
        calling_aet: AE title of the sender, '' for uploads.
        origin: How the first image came in.
        is_stable: No instance arrived for the archive's stable age.
        last_update: The archive's own stamp of the last change to the study.
    """

    orthanc_id: str
    study_uid: str
    patient: PatientHeader
    patient_age_text: str
    patient_age_years: float | None
    accession_number: str
    accession_issuer: str
    study_id: str
    study_date: dt.date | None
    study_time: dt.time | None
    description: str
    referring_physician: str
    institution: str
    series: tuple[SeriesHeader, ...]
    called_aet: str
    calling_aet: str
    origin: Origin
    is_stable: bool
    last_update: str

    @cached_property
    def image_series(self) -> tuple[SeriesHeader, ...]:
        """The series that hold images."""
        return tuple(series for series in self.series if series.is_image)

    @cached_property
    def image_sop_uids(self) -> tuple[str, ...]:
        """SOP Instance UIDs of the images, sorted."""
        return tuple(
            sorted(
                instance.sop_uid
                for series in self.series
                for instance in series.instances
                if instance.is_image
            )
        )

    @cached_property
    def image_hash(self) -> str:
        """The hash that names a study revision (see ``image_hash_of``)."""
        return image_hash_of(self.image_sop_uids)

    @property
    def modalities(self) -> tuple[str, ...]:
        """Modalities of the image series, each once, in order of the series."""
        return tuple(dict.fromkeys(s.modality for s in self.image_series if s.modality))

    @property
    def body_part(self) -> str:
        """Body part of the first image series that names one."""
        return next((s.body_part for s in self.image_series if s.body_part), "")

    @property
    def station(self) -> str:
        """Station of the first image series that names one."""
        return next((s.station for s in self.image_series if s.station), "")

    @property
    def view_positions(self) -> tuple[str, ...]:
        """View positions of the images, each once."""
        return tuple(
            dict.fromkeys(view for s in self.image_series for view in s.view_positions)
        )

    @property
    def written_by_overread(self) -> bool:
        """Whether every object of the study is one that Overread wrote."""
        return bool(self.series) and all(s.written_by_overread for s in self.series)


def image_hash_of(sop_uids: Iterable[str]) -> str:
    """Hash that names a set of images: SHA-256 over the sorted UIDs.

    Args:
        sop_uids: SOP Instance UIDs, any order.

    Returns:
        64 hexadecimal digits; independent of order.
    """
    return hashlib.sha256("\n".join(sorted(sop_uids)).encode("ascii")).hexdigest()

"""What became of lesions since an earlier study, as frozen, always-valid values."""

from __future__ import annotations

import datetime as dt
import math
import uuid
from dataclasses import dataclass
from typing import Final, Literal

from apps.interop.dicom.errors import EncodingError
from apps.interop.dicom.types import (
    AlgorithmIdentity,
    CodedConcept,
    DocumentRef,
    ImageRef,
    SegmentRef,
    derive_uid,
)

ChangeKind = Literal["new", "resolved", "unchanged", "grown", "shrunk"]

_KINDS: Final = frozenset({"new", "resolved", "unchanged", "grown", "shrunk"})


@dataclass(frozen=True, slots=True, kw_only=True)
class LesionSide:
    """A lesion on one of the two studies.

    Attributes:
        image: The image that most of it is on, or its place where it is not there.
        volume_ml: Its volume; None where it is not there.
        diameter_mm: The longest in one slice; None where it is not there.
        finding_uid: Tracking UID of the model's finding that it is part of; '' where
            there is none.
        segment: The Segmentation's segment that is this lesion and no other.
    """

    image: ImageRef
    volume_ml: float | None = None
    diameter_mm: float | None = None
    finding_uid: str = ""
    segment: SegmentRef | None = None

    def __post_init__(self) -> None:
        """Refuse half a measurement."""
        sizes = (self.volume_ml, self.diameter_mm)
        if None in sizes and sizes != (None, None):
            raise EncodingError("A lesion has a volume and a diameter, or neither.")
        if any(one is not None and not 0 < one < math.inf for one in sizes):
            raise EncodingError("A lesion's size is a positive number.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedLesion:
    """A lesion now and then.

    Attributes:
        tracking_uid: Names the lesion in all studies of its patient.
        tracking_id: The same for people.
        label: What it is, coded.
        kind: What became of it.
        now: On the later study; None where its place is not on any image of it.
        then: On the earlier one, likewise.
        percent: Change of the volume in percent of the earlier one; None for a new one.
        percent_range: What the measurement's repeatability leaves open.
        doubling_days: Days in which it would double at this pace.
        rule: Beyond what a change counts, in words.
    """

    tracking_uid: str
    tracking_id: str
    label: CodedConcept
    kind: ChangeKind
    now: LesionSide | None
    then: LesionSide | None
    percent: float | None = None
    percent_range: tuple[float, float] | None = None
    doubling_days: float | None = None
    rule: str = ""

    def __post_init__(self) -> None:
        """Refuse a lesion that is nowhere, or of a kind that there is not."""
        if self.now is None and self.then is None:
            raise EncodingError("A lesion is on one of the two studies.")
        if self.kind not in _KINDS:
            raise EncodingError("A lesion is new, gone, unchanged, grown or shrunk.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedStudy:
    """One of the two studies.

    Attributes:
        study_uid: Study Instance UID.
        study_date: Its date.
        algorithm: The model that judged it.
        report: The model's report of it; None where it was not written.
    """

    study_uid: str
    study_date: dt.date
    algorithm: AlgorithmIdentity
    report: DocumentRef | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeReport:
    """What became of what a model marked, between two studies of a patient.

    Attributes:
        comparison_id: Gives the object its UIDs.
        created_at: When they were compared, with a zone (the site's).
        now: The later study, which the document belongs to.
        then: The earlier one.
        images: Images of the later study, at least one.
        lesions: What became of each.
        registration: How the studies were laid over each other, in words.
    """

    comparison_id: uuid.UUID
    created_at: dt.datetime
    now: ComparedStudy
    then: ComparedStudy
    images: tuple[ImageRef, ...]
    lesions: tuple[ChangedLesion, ...]
    registration: str

    def __post_init__(self) -> None:
        """Refuse a report about nothing."""
        if not self.images:
            raise EncodingError("A report of change needs an image of the later study.")
        if self.created_at.tzinfo is None:
            raise EncodingError("The time needs a zone.")

    @property
    def sop_uid(self) -> str:
        """SOP Instance UID of the object."""
        return derive_uid(self.comparison_id, "change-sr")

    @property
    def series_uid(self) -> str:
        """Series Instance UID of the object."""
        return derive_uid(self.comparison_id, "change-sr-series")

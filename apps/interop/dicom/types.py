"""What we write into DICOM objects, as frozen, always-valid values.

Coordinates: space ``image`` is (column, row) in pixels, with (0, 0) the top left
corner of the top left pixel; space ``patient`` is (x, y, z) in millimetres, LPS,
in the named frame of reference.
"""

import datetime as dt
import math
import re
import uuid
from dataclasses import dataclass, field
from typing import Final, Literal

from apps.interop.dicom.errors import EncodingError

GeometryKind = Literal[
    "box",
    "point",
    "polyline",
    "ellipse",
    "length",
    "bidirectional",
    "angle",
    "cobb",
    "circle",
    "polygon",
    "arrow",
]
GeometrySpace = Literal["image", "patient"]
VerdictKind = Literal["accept", "reject", "modify"]

_UID: Final = re.compile(r"[0-9]+(\.[0-9]+)*")
_POINTS: Final[dict[GeometryKind, tuple[int, int | None]]] = {
    "box": (2, 2),
    "point": (1, 1),
    "polyline": (2, None),
    "ellipse": (4, 4),
    "length": (2, 2),
    "bidirectional": (4, 4),
    "angle": (3, 3),
    "cobb": (4, 4),
    "circle": (2, 2),
    "polygon": (3, None),
    "arrow": (2, 2),
}
_NAMESPACE: Final = uuid.UUID("0d4bb8b4-2b0f-5a0c-9a0e-6f3e6f1f7c55")


def derive_uid(entity: uuid.UUID | str, role: str) -> str:
    """Make the UID that an entity of ours has in one role.

    The same entity and role give the same UID on every call and every machine,
    so that a replayed export stores nothing twice.

    Args:
        entity: Id of the run, reading or finding.
        role: What the UID names, such as ``sr`` or ``series``.

    Returns:
        A UID below 2.25, made of a version 5 UUID.
    """
    return f"2.25.{uuid.uuid5(_NAMESPACE, f'{entity}/{role}').int}"


def _need(condition: bool, words: str) -> None:  # noqa: FBT001  an assertion
    if not condition:
        raise EncodingError(words)


def _need_uid(value: str, what: str) -> None:
    _need(
        len(value) <= 64 and _UID.fullmatch(value) is not None,
        f"{what} is no UID.",
    )


@dataclass(frozen=True, slots=True)
class CodedConcept:
    """A code with its scheme and its words.

    Attributes:
        value: Code value, at most 16 characters.
        scheme: Coding scheme designator, such as ``SCT`` or ``DCM``.
        meaning: The words, at most 64 characters.
    """

    value: str
    scheme: str
    meaning: str

    def __post_init__(self) -> None:
        """Refuse what DICOM cannot hold."""
        _need(0 < len(self.value) <= 16, "A code value has 1 to 16 characters.")
        _need(0 < len(self.scheme) <= 16, "A coding scheme has 1 to 16 characters.")
        _need(0 < len(self.meaning) <= 64, "A code meaning has 1 to 64 characters.")


@dataclass(frozen=True, slots=True)
class AlgorithmIdentity:
    """Which model spoke.

    Attributes:
        name: Name of the model.
        version: Its version.
        package_hash: SHA-256 of the model package.
        family: Kind of algorithm, coded; None for ``Artificial Intelligence``.
        device_uid: Names this installation of the model; derived from the
            package when empty.
    """

    name: str
    version: str
    package_hash: str
    family: CodedConcept | None = None
    device_uid: str = ""

    def __post_init__(self) -> None:
        """Refuse a nameless model."""
        _need(
            bool(self.name and self.version and self.package_hash),
            "A model needs a name, a version and a package hash.",
        )
        if self.device_uid:
            _need_uid(self.device_uid, "The model's device UID")

    @property
    def observer_uid(self) -> str:
        """UID of the device observer."""
        return self.device_uid or derive_uid(self.package_hash, "device")


@dataclass(frozen=True, slots=True)
class PersonIdentity:
    """Who read.

    Attributes:
        family_name: Family name.
        given_name: Given name(s), may be ''.
        organization: Where the person answers for the reading.
        role: Role in the procedure, coded; None to leave it out.
    """

    family_name: str
    given_name: str
    organization: str
    role: CodedConcept | None = None

    def __post_init__(self) -> None:
        """Refuse a reader without name or organisation."""
        _need(bool(self.family_name.strip()), "A reader needs a family name.")
        _need(bool(self.organization.strip()), "A reader needs an organisation.")

    @property
    def dicom_name(self) -> str:
        """The name as a PN value, separators within the parts replaced."""
        parts = (_plain(self.family_name), _plain(self.given_name))
        return "^".join(parts) if parts[1] else f"{parts[0]}^"


def _plain(part: str) -> str:
    return re.sub(r"[\^=\\\x00-\x1f]+", " ", part).strip()[:64]


@dataclass(frozen=True, slots=True)
class ImageRef:
    """One image, or one frame of it.

    Attributes:
        series_uid: Series Instance UID.
        sop_class_uid: SOP Class UID.
        sop_uid: SOP Instance UID.
        frame: 1-based frame, None for a single-frame image or the whole.
        study_uid: Study Instance UID where it is not the document's own study.
    """

    series_uid: str
    sop_class_uid: str
    sop_uid: str
    frame: int | None = None
    study_uid: str = ""

    def __post_init__(self) -> None:
        """Refuse identifiers that are none."""
        _need_uid(self.series_uid, "The image's Series Instance UID")
        _need_uid(self.sop_class_uid, "The image's SOP Class UID")
        _need_uid(self.sop_uid, "The image's SOP Instance UID")
        _need(self.frame is None or self.frame >= 1, "Frames count from 1.")


@dataclass(frozen=True, slots=True)
class Geometry:
    """A mark (see the module's words on coordinates).

    Attributes:
        kind: ``box`` is two corners (space ``image`` only), ``ellipse`` is the two
            ends of the major axis, then of the minor one, ``length`` two points,
            ``circle`` centre and rim, round in pixels, ``polygon`` is closed, its
            first point not repeated, ``angle`` end, vertex, end, ``cobb`` two
            lines, ``bidirectional`` the ends of two axes, ``arrow`` tail and tip.
        space: Which coordinates ``points`` are in.
        points: The points.
        image: Image that the mark was made on; required in space ``image``.
        frame_of_reference_uid: Required in space ``patient``.
    """

    kind: GeometryKind
    space: GeometrySpace
    points: tuple[tuple[float, ...], ...]
    image: ImageRef | None = None
    frame_of_reference_uid: str = ""

    def __post_init__(self) -> None:
        """Refuse points that do not make such a mark."""
        least, most = _POINTS[self.kind]
        count = len(self.points)
        _need(
            count >= least and (most is None or count <= most),
            f"A {self.kind} does not have {count} points.",
        )
        size = 2 if self.space == "image" else 3
        _need(
            all(len(p) == size and all(map(math.isfinite, p)) for p in self.points),
            f"A point in {self.space} space has {size} finite coordinates.",
        )
        if self.space == "image":
            _need(self.image is not None, "A mark in image space names its image.")
        else:
            _need(self.kind != "box", "A box is a mark in image space.")
            _need_uid(self.frame_of_reference_uid, "The mark's frame of reference")


@dataclass(frozen=True, slots=True)
class SegmentRef:
    """One segment of a Segmentation.

    Attributes:
        image: The Segmentation.
        source_series_uid: Series that it was drawn on.
        number: Of the segment in it.
    """

    image: ImageRef
    source_series_uid: str
    number: int = 1

    def __post_init__(self) -> None:
        """Refuse identifiers that are none."""
        _need_uid(self.source_series_uid, "The segmented Series Instance UID")


@dataclass(frozen=True, slots=True)
class AiFinding:
    """One thing that a model looked for, found or not.

    Attributes:
        tracking_uid: Follows the finding into the reader's report.
        tracking_id: The same for people.
        label: What was looked for, coded.
        probability: Calibrated, 0 to 1.
        threshold: The site's threshold for it.
        positive: Whether the model calls it present at that threshold.
        geometry: Where, None when the model does not say.
        site: Anatomic site, coded; None when not said.
        segment: Where, pixel by pixel; None when the model does not say.
        explanation: Parametric Map of what the model looked at; None without one.
    """

    tracking_uid: str
    tracking_id: str
    label: CodedConcept
    probability: float
    threshold: float
    positive: bool
    geometry: Geometry | None = None
    site: CodedConcept | None = None
    segment: SegmentRef | None = None
    explanation: ImageRef | None = None

    def __post_init__(self) -> None:
        """Refuse numbers that are no probabilities."""
        _need_uid(self.tracking_uid, "The finding's tracking UID")
        _need(bool(self.tracking_id), "A finding needs a tracking identifier.")
        _need(0 <= self.probability <= 1, "A probability lies between 0 and 1.")
        _need(0 <= self.threshold <= 1, "A threshold lies between 0 and 1.")


@dataclass(frozen=True, slots=True)
class AiReport:
    """What one model says of one study revision.

    Attributes:
        run_id: The inference run: gives the object its UIDs.
        algorithm: Which model.
        created_at: When the result was made, with a zone (the site's: DICOM
            dates are local).
        images: The images that the model was given, at least one.
        findings: What it looked for; empty when it says nothing at all.
        rejected_because: Plain words when the model refused its input; then
            there are no findings.
        procedure: Procedure reported, coded; None for ``Imaging procedure``.
    """

    run_id: uuid.UUID
    algorithm: AlgorithmIdentity
    created_at: dt.datetime
    images: tuple[ImageRef, ...]
    findings: tuple[AiFinding, ...] = ()
    rejected_because: str = ""
    procedure: CodedConcept | None = None

    def __post_init__(self) -> None:
        """Refuse a report about nothing, or one that contradicts itself."""
        _need(bool(self.images), "An AI report needs the images it is about.")
        _need(self.created_at.tzinfo is not None, "The time needs a zone.")
        _need(
            not (self.rejected_because and self.findings),
            "A refused input has no findings.",
        )

    @property
    def sop_uid(self) -> str:
        """SOP Instance UID of the object."""
        return derive_uid(self.run_id, "ai-sr")

    @property
    def series_uid(self) -> str:
        """Series Instance UID of the object."""
        return derive_uid(self.run_id, "ai-sr-series")


@dataclass(frozen=True, slots=True)
class Verdict:
    """A reader's answer to one AI finding.

    Attributes:
        finding: What the model said; its tracking UID is kept.
        verdict: The answer.
        reason: Why, coded; expected on ``reject``.
        reason_text: Why, in the reader's words.
        label: What it is instead, when modified.
        geometry: Where it is instead, when modified.
    """

    finding: AiFinding
    verdict: VerdictKind
    reason: CodedConcept | None = None
    reason_text: str = ""
    label: CodedConcept | None = None
    geometry: Geometry | None = None


@dataclass(frozen=True, slots=True)
class MarkMeasurement:
    """One number that a mark measures.

    Attributes:
        quantity: What, coded.
        value: The number.
        unit: UCUM, such as ``mm``.
    """

    quantity: CodedConcept
    value: float
    unit: str

    def __post_init__(self) -> None:
        """Refuse what no report can hold."""
        _need(math.isfinite(self.value), "A measurement is a finite number.")
        _need(0 < len(self.unit) <= 16, "A unit has 1 to 16 characters.")


@dataclass(frozen=True, slots=True)
class ReaderAnnotation:
    """Something that the reader marked.

    Attributes:
        tracking_uid: Names the mark.
        tracking_id: The same for people.
        label: What it is, coded; None for a measurement that nobody labelled.
        geometry: Where; None for a finding of the whole study.
        text: Comment.
        missed_by_ai: The reader says that the model should have found it.
        measurements: What it measures.
        scale_note: What its millimetres rest on, '' where that is the patient.
        stage: Of a read that began unaided: whether the mark was committed before
            the AI was revealed, as it stands; '' of any other read.
    """

    tracking_uid: str
    tracking_id: str
    label: CodedConcept | None = None
    geometry: Geometry | None = None
    text: str = ""
    missed_by_ai: bool = False
    measurements: tuple[MarkMeasurement, ...] = ()
    scale_note: str = ""
    stage: Literal["", "unaided", "revised"] = ""

    def __post_init__(self) -> None:
        """Refuse a nameless mark."""
        _need_uid(self.tracking_uid, "The mark's tracking UID")
        _need(bool(self.tracking_id), "A mark needs a tracking identifier.")


@dataclass(frozen=True, slots=True)
class ReaderSegment:
    """Something that the reader drew voxel by voxel.

    Attributes:
        tracking_uid: Names the segment.
        tracking_id: The same for people.
        label: What it is, coded.
        segment: Where its voxels are; None when they could not be written.
        images: The images that it was drawn on, at least one.
        measurements: What it measures.
        text: Comment.
        stage: As of a mark (`ReaderAnnotation`).
    """

    tracking_uid: str
    tracking_id: str
    label: CodedConcept
    segment: SegmentRef | None
    images: tuple[ImageRef, ...]
    measurements: tuple[MarkMeasurement, ...] = ()
    text: str = ""
    stage: Literal["", "unaided", "revised"] = ""

    def __post_init__(self) -> None:
        """Refuse a nameless segment, or one of nothing."""
        _need_uid(self.tracking_uid, "The segment's tracking UID")
        _need(bool(self.tracking_id), "A segment needs a tracking identifier.")
        _need(bool(self.images), "A segment is drawn on an image.")


@dataclass(frozen=True, slots=True)
class DocumentRef:
    """A structured report that was written before.

    Attributes:
        study_uid: Study Instance UID.
        series_uid: Series Instance UID.
        sop_class_uid: SOP Class UID.
        sop_uid: SOP Instance UID.
    """

    study_uid: str
    series_uid: str
    sop_class_uid: str
    sop_uid: str

    def __post_init__(self) -> None:
        """Refuse identifiers that are none."""
        for value in (self.study_uid, self.series_uid, self.sop_class_uid):
            _need_uid(value, "The earlier document's identifier")
        _need_uid(self.sop_uid, "The earlier document's SOP Instance UID")


@dataclass(frozen=True, slots=True)
class OthersVerdict:
    """A reader's answer to what an object of others says.

    Attributes:
        sop_uid: The object, which stays as it is.
        tracking_uid: Of the thing in it that is answered.
        tracking_id: The same for people.
        label: What it is, coded; in our own scheme where it had no code.
        accepted: Whether the reader agrees.
        image: An image that it lies on; None when that is not known.
        reason: Why not, coded.
        reason_text: Why not, in the reader's words.
    """

    sop_uid: str
    tracking_uid: str
    tracking_id: str
    label: CodedConcept
    accepted: bool
    image: ImageRef | None = None
    reason: CodedConcept | None = None
    reason_text: str = ""

    def __post_init__(self) -> None:
        """Refuse an answer to nothing."""
        _need_uid(self.sop_uid, "The answered object's SOP Instance UID")
        _need_uid(self.tracking_uid, "The answered thing's tracking UID")
        _need(bool(self.tracking_id), "An answer needs a tracking identifier.")


@dataclass(frozen=True, slots=True)
class UnaidedRead:
    """What a reader had committed before the AI was revealed.

    Attributes:
        committed_at: When, with a zone.
        impression: The words of that moment, may be ''.
        n_marks: How many marks were committed.
    """

    committed_at: dt.datetime
    impression: str = ""
    n_marks: int = 0


@dataclass(frozen=True, slots=True)
class VerifiedBy:
    """Who verified a preliminary reading.

    Attributes:
        id: The verification: gives the object its UIDs.
        person: Who answers for the reading from then on.
        at: When, with a zone (the site's).
    """

    id: uuid.UUID
    person: PersonIdentity
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class ReadingReport:
    """What a reader signed.

    Attributes:
        reading_id: The reading: gives the object its UIDs.
        reader: Who answers for it.
        signed_at: When it was signed, with a zone (the site's).
        images: The images of the study revision that was read, at least one.
        verdicts: Answers to the model's findings.
        annotations: The reader's own marks.
        segments: What the reader drew voxel by voxel.
        others: Answers to objects of others.
        impression: Free text, may be ''.
        predecessors: The AI's reports answered here, and the reading that this
            one amends.
        is_amendment: Whether it replaces an earlier signed reading.
        procedure: Procedure reported, coded; None for ``Imaging procedure``.
        unaided: What was committed before the AI was revealed; None where the
            protocol knows no such stage.
        is_preliminary: Whether somebody else still has to verify it.
        verified: Who verified it as it stands; None where its reader's signature is
            enough, or it is preliminary.
    """

    reading_id: uuid.UUID
    reader: PersonIdentity
    signed_at: dt.datetime
    images: tuple[ImageRef, ...]
    verdicts: tuple[Verdict, ...] = ()
    annotations: tuple[ReaderAnnotation, ...] = ()
    segments: tuple[ReaderSegment, ...] = ()
    others: tuple[OthersVerdict, ...] = ()
    impression: str = ""
    predecessors: tuple[DocumentRef, ...] = field(default=())
    is_amendment: bool = False
    procedure: CodedConcept | None = None
    unaided: UnaidedRead | None = None
    is_preliminary: bool = False
    verified: VerifiedBy | None = None

    def __post_init__(self) -> None:
        """Refuse a report about nothing, or answers without a question."""
        both = self.is_preliminary and self.verified is not None
        _need(not both, "What is verified is not preliminary.")
        _need(bool(self.images), "A reading needs the images it is about.")
        _need(self.signed_at.tzinfo is not None, "The time needs a zone.")
        _need(
            bool(self.predecessors) or not (self.verdicts or self.is_amendment),
            "A verdict or an amendment points at the document that it answers.",
        )

    @property
    def sop_uid(self) -> str:
        """SOP Instance UID of the object; verified, it is another one."""
        if self.verified is not None:
            return derive_uid(self.verified.id, "verified-sr")
        return derive_uid(self.reading_id, "reading-sr")

    @property
    def series_uid(self) -> str:
        """Series Instance UID of the object."""
        if self.verified is not None:
            return derive_uid(self.verified.id, "verified-sr-series")
        return derive_uid(self.reading_id, "reading-sr-series")

    @property
    def written_at(self) -> dt.datetime:
        """When the document came to say what it says."""
        return self.verified.at if self.verified else self.signed_at


@dataclass(frozen=True, slots=True)
class EncodedObject:
    """A DICOM object ready to be checked and stored.

    Attributes:
        study_uid: Study Instance UID.
        series_uid: Series Instance UID.
        sop_uid: SOP Instance UID.
        sop_class_uid: SOP Class UID.
        content: The DICOM file.
    """

    study_uid: str
    series_uid: str
    sop_uid: str
    sop_class_uid: str
    content: bytes

    @property
    def reference(self) -> DocumentRef:
        """How a later document points at this one."""
        return DocumentRef(
            study_uid=self.study_uid,
            series_uid=self.series_uid,
            sop_class_uid=self.sop_class_uid,
            sop_uid=self.sop_uid,
        )

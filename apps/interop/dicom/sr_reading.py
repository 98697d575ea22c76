"""A signed reading as a structured report that points at what it answers.

It is verified, but for one that awaits its verification: that is unverified and
preliminary, and the verified one is another object with it as predecessor.

The AI's object is never changed. A verdict is a new object with the AI's object
as predecessor and the AI's tracking UID on each finding that it answers.
"""

from typing import Any, Final

from highdicom import sr
from pydicom.dataset import Dataset
from pydicom.sr.coding import Code

from apps.interop.dicom import codes
from apps.interop.dicom.errors import EncodingError
from apps.interop.dicom.sr_base import (
    DocumentMeta,
    Group,
    code,
    date_time,
    evaluation,
    make_document,
    make_group,
    make_report,
    predecessor,
    read_source,
    text_item,
    write_document,
)
from apps.interop.dicom.sr_marks import mark_group, segment_group
from apps.interop.dicom.types import (
    EncodedObject,
    Geometry,
    ImageRef,
    OthersVerdict,
    PersonIdentity,
    ReadingReport,
    UnaidedRead,
    Verdict,
    VerdictKind,
    derive_uid,
)

SERIES_DESCRIPTION: Final = "Signed reading"
AMENDMENT_DESCRIPTION: Final = "Signed reading, amended"
PRELIMINARY_DESCRIPTION: Final = "Signed reading, preliminary"
SERIES_NUMBER: Final = 9101

_ASSESSMENTS: Final[dict[VerdictKind, Code]] = {
    "accept": codes.ACCEPTED,
    "reject": codes.REJECTED,
    "modify": codes.MODIFIED,
}


def encode_reading_report(
    report: ReadingReport, *, source: bytes | Dataset, software_version: str
) -> EncodedObject:
    """Write a signed reading as a Comprehensive 3D SR, verified or preliminary.

    Args:
        report: What was signed. The same reading gives the same UIDs.
        source: Header (or whole file) of one of the report's images: patient and
            study attributes are taken from it.
        software_version: Version of Overread.

    Returns:
        The DICOM file, not yet validated.

    Raises:
        EncodingError: When the report or the source cannot be written validly.
    """
    header = read_source(source, images=report.images)
    description = AMENDMENT_DESCRIPTION if report.is_amendment else SERIES_DESCRIPTION
    if report.is_preliminary:
        description = PRELIMINARY_DESCRIPTION
    try:
        document = make_document(
            source=header,
            images=_referenced(report),
            report=_content(report),
            meta=DocumentMeta(
                series_uid=report.series_uid,
                sop_uid=report.sop_uid,
                series_number=SERIES_NUMBER,
                series_description=description,
                software_version=software_version,
                written_at=report.written_at,
            ),
            is_complete=True,
            is_final=not report.is_preliminary,
            previous_versions=[predecessor(r) for r in report.predecessors] or None,
            **_verification(report),
        )
        if not report.is_preliminary:
            verified = document.VerifyingObserverSequence[0]
            verified.VerificationDateTime = date_time(report.written_at)
        return write_document(document)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise EncodingError(f"The reading cannot be written: {error}") from error


def _verification(report: ReadingReport) -> dict[str, Any]:
    """Return the flags that say who verified the document, if anybody has."""
    if report.is_preliminary:
        return {"is_verified": False}
    person = report.verified.person if report.verified else report.reader
    return {
        "is_verified": True,
        "verifying_observer_name": person.dicom_name,
        "verifying_organization": person.organization[:64],
    }


def _content(report: ReadingReport) -> sr.MeasurementReport:
    groups = [_verdict_group(report, verdict) for verdict in report.verdicts]
    groups += [mark_group(mark, images=report.images) for mark in report.annotations]
    groups += [segment_group(segment) for segment in report.segments]
    groups += [_others_group(report, answer) for answer in report.others]
    if not groups:
        groups = [_plain_group(report)]
    statements: list[sr.ContentItem] = []
    if report.impression.strip():
        statements.append(text_item(codes.IMPRESSION, report.impression.strip()))
    if report.unaided is not None:
        statements += _unaided(report.unaided, impression=report.impression)
    return make_report(
        observer=_observer(report.reader),
        procedure=report.procedure,
        groups=groups,
        statements=statements,
    )


def _unaided(read: UnaidedRead, *, impression: str) -> list[sr.ContentItem]:
    """Say when the unaided read was committed, and its words where others followed."""
    when = read.committed_at.isoformat(timespec="seconds")
    marks = "1 mark" if read.n_marks == 1 else f"{read.n_marks} marks"
    words = f"Committed unaided at {when} with {marks}; AI results were revealed after."
    said: list[sr.ContentItem] = [text_item(codes.UNAIDED_READ, words)]
    before = read.impression.strip()
    if before and before != impression.strip():
        said.append(text_item(codes.UNAIDED_IMPRESSION, before))
    return said


def _observer(reader: PersonIdentity) -> sr.ObservationContext:
    person = sr.PersonObserverIdentifyingAttributes(
        name=reader.dicom_name,
        organization_name=reader.organization,
        role_in_procedure=code(reader.role) if reader.role else None,
    )
    return sr.ObservationContext(
        observer_person_context=sr.ObserverContext(
            observer_type=codes.PERSON,
            observer_identifying_attributes=person,
        )
    )


def _verdict_group(report: ReadingReport, verdict: Verdict) -> sr.ContentSequence:
    finding = verdict.finding
    answers = [
        evaluation(codes.ASSESSMENT, _ASSESSMENTS[verdict.verdict]),
        evaluation(codes.PRESENCE, _presence(verdict)),
    ]
    if verdict.reason is not None:
        answers.append(evaluation(codes.ASSESSMENT_REASON, code(verdict.reason)))
    return make_group(
        tracking_uid=finding.tracking_uid,
        tracking_id=finding.tracking_id,
        images=report.images,
        geometry=_answered_geometry(verdict),
        comment=verdict.reason_text.strip(),
        finding_type=code(verdict.label or finding.label),
        finding_sites=[sr.FindingSite(code(finding.site))] if finding.site else None,
        qualitative_evaluations=answers,
    )


def _presence(verdict: Verdict) -> Code:
    """Whether the reader holds the finding to be there."""
    if verdict.verdict == "modify":
        return codes.PRESENT
    says_yes = verdict.finding.positive == (verdict.verdict == "accept")
    return codes.PRESENT if says_yes else codes.ABSENT


def _answered_geometry(verdict: Verdict) -> Geometry | None:
    """Where the reader holds it to be; a rejected finding is nowhere."""
    if verdict.verdict == "reject":
        return None
    return verdict.geometry or verdict.finding.geometry


def _others_group(report: ReadingReport, answer: OthersVerdict) -> Group:
    """Answer a thing by its own tracking UID, and point at the object it is in."""
    said = codes.OTHERS_ACCEPTED if answer.accepted else codes.OTHERS_REJECTED
    answers = [evaluation(codes.ASSESSMENT, said)]
    if answer.reason is not None:
        answers.append(evaluation(codes.ASSESSMENT_REASON, code(answer.reason)))
    group = make_group(
        tracking_uid=answer.tracking_uid,
        tracking_id=answer.tracking_id,
        images=[answer.image] if answer.image else report.images[:1],
        comment=answer.reason_text.strip(),
        finding_type=code(answer.label),
        qualitative_evaluations=answers,
    )
    group[0].ContentSequence.append(
        sr.UIDRefContentItem(
            name=codes.ANSWERED_OBJECT,
            value=answer.sop_uid,
            relationship_type=sr.RelationshipTypeValues.CONTAINS,
        )
    )
    return group


def _plain_group(report: ReadingReport) -> sr.ContentSequence:
    """A group that names what was read where the reader marked nothing."""
    return make_group(
        tracking_uid=derive_uid(report.reading_id, "reading"),
        tracking_id="Reading",
        images=report.images,
    )


def _referenced(report: ReadingReport) -> list[ImageRef]:
    marks = [a.geometry for a in report.annotations]
    marks += [_answered_geometry(verdict) for verdict in report.verdicts]
    marked = [mark.image for mark in marks if mark is not None]
    drawn = [s.segment.image for s in report.segments if s.segment]
    return [*report.images, *(image for image in marked if image), *drawn]

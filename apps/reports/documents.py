"""From rows to the values that `apps.interop.dicom` encodes. Reads, never writes."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from django.utils.timezone import localtime

from apps.annotations.content import parse_content
from apps.annotations.types import REJECT_REASONS, ReadingState
from apps.annotations.verifying import verification_of
from apps.inference.selectors import is_positive, probability_of, threshold_of
from apps.interop.dicom.types import (
    AiFinding,
    AiReport,
    AlgorithmIdentity,
    CodedConcept,
    DocumentRef,
    Geometry,
    ImageRef,
    MarkMeasurement,
    OthersVerdict,
    PersonIdentity,
    ReaderAnnotation,
    ReaderSegment,
    ReadingReport,
    UnaidedRead,
    Verdict,
    VerifiedBy,
    derive_uid,
)
from apps.interop.sop_classes import is_report_class
from apps.reports.drawings import explanation_ref, segment_ref
from apps.reports.models import ExportedObject, ExportKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from apps.annotations.content import AnnotationContent, ReadingContent
    from apps.annotations.models import Reading, Verification
    from apps.annotations.models import Verdict as VerdictRow
    from apps.inference.models import Finding, InferenceRun
    from apps.reports.types import Images
    from apps.studies.models import RevisionInstance, StudyRevision


UNLABELLED: Final = ("99OVERREAD", "measurement")
"""The label of a measurement that nobody has named."""

SCALE_NOTES: Final = {
    "patient": "",
    "detector": "Spacing at the detector: magnification in the patient is not known",
    "calibrated": "Calibrated by a known length drawn on the image",
    "none": "The image has no scale: lengths are in pixels",
}


def images_of(*, revision: StudyRevision) -> Images:
    """Return the image instances of a revision by SOP Instance UID."""
    return {i.sop_uid: i for i in revision.instances.order_by("series_uid", "id")}


def _image_ref(instance: RevisionInstance, frame: int | None = None) -> ImageRef:
    return ImageRef(
        series_uid=instance.series_uid,
        sop_class_uid=instance.sop_class_uid,
        sop_uid=instance.sop_uid,
        frame=frame,
    )


def _geometry(raw: Mapping[str, Any] | None, images: Images) -> Geometry | None:
    if raw is None:
        return None
    instance = images.get(raw["sop_uid"])
    if instance is None:
        return None
    frame = int(raw.get("frame") or 1)
    return Geometry(
        kind=raw["kind"],
        space=raw["space"],
        points=tuple(tuple(float(n) for n in point) for point in raw["points"]),
        image=_image_ref(instance, frame if frame > 1 else None),
        frame_of_reference_uid=raw.get("frame_of_reference_uid") or "",
    )


def _concept(raw: Mapping[str, Any]) -> CodedConcept:
    return CodedConcept(
        value=str(raw["code"])[:16],
        scheme=str(raw["scheme"])[:16],
        meaning=str(raw["display"])[:64],
    )


def _ai_finding(
    finding: Finding, images: Images, drawn: Iterable[ExportedObject] = ()
) -> AiFinding:
    mine = {row.kind: row for row in drawn if row.finding_id == finding.id}
    segmentation = mine.get(ExportKind.SEGMENTATION)
    saliency = mine.get(ExportKind.SALIENCY)
    return AiFinding(
        tracking_uid=finding.tracking_uid,
        tracking_id=f"{finding.label_display}, {finding.run.model_version}"[:64],
        label=_concept(
            {
                "code": finding.label_code,
                "scheme": finding.label_scheme,
                "display": finding.label_display,
            }
        ),
        probability=probability_of(finding=finding),
        threshold=threshold_of(finding=finding),
        positive=is_positive(finding=finding),
        geometry=_geometry(finding.location, images),
        segment=None if segmentation is None else segment_ref(segmentation, finding),
        explanation=None if saliency is None else explanation_ref(saliency),
    )


def ai_report_of(
    *, run: InferenceRun, images: Images, drawn: Iterable[ExportedObject] = ()
) -> AiReport:
    """Return what one run says, ready to be encoded; it points at what was drawn."""
    if run.finished_at is None:
        msg = "a run that has not ended has no report"
        raise ValueError(msg)
    model = run.model_version
    findings = sorted(run.findings.all(), key=lambda f: f.label_code)
    return AiReport(
        run_id=run.id,
        algorithm=AlgorithmIdentity(
            name=model.name,
            version=model.version,
            package_hash=model.package_hash,
            device_uid=model.device_uid,
        ),
        created_at=localtime(run.finished_at),
        images=tuple(_image_ref(i) for i in images.values()),
        findings=tuple(_ai_finding(f, images, drawn) for f in findings),
        rejected_because=run.reason if run.state == "rejected" else "",
    )


def _verdict(row: VerdictRow, images: Images) -> Verdict:
    return Verdict(
        finding=_ai_finding(row.finding, images),
        verdict=cast("Any", row.verdict),
        reason=_reason(row.reason_code),
        reason_text=row.reason_text,
        label=_concept(row.label) if row.label else None,
        geometry=_geometry(row.geometry, images),
    )


def _unaided_of(reading: Reading) -> tuple[ReadingContent, datetime] | None:
    """Return what was committed before the AI was revealed, and when."""
    stage = reading.stages.filter(state=ReadingState.COMMITTED).first()
    return None if stage is None else (parse_content(raw=stage.content), stage.at)


def _stage(
    mark: AnnotationContent, unaided: ReadingContent | None
) -> Literal["", "unaided", "revised"]:
    """Say whether a mark stands as it was committed; what it measures follows it."""
    if unaided is None:
        return ""
    before = next((one for one in unaided.annotations if one.id == mark.id), None)
    same = before is not None and (before.label, before.geometry, before.text) == (
        mark.label,
        mark.geometry,
        mark.text,
    )
    return "unaided" if same else "revised"


def _annotation(
    mark: AnnotationContent, images: Images, unaided: ReadingContent | None
) -> ReaderAnnotation:
    said = mark.measured
    label = asdict(mark.label)
    unlabelled = (mark.label.scheme, mark.label.code) == UNLABELLED
    named = said.values[0].display if said and said.values else mark.label.display
    return ReaderAnnotation(
        tracking_uid=mark.tracking_uid,
        tracking_id=(mark.text or named)[:64] if unlabelled else label["display"][:64],
        label=None if unlabelled else _concept(label),
        geometry=_geometry(asdict(mark.geometry), images),
        text=mark.text,
        missed_by_ai=mark.missed_by_ai,
        measurements=tuple(
            MarkMeasurement(_concept(asdict(one)), one.value, one.unit)
            for one in (said.values if said else ())
        ),
        scale_note=SCALE_NOTES[said.scale] if said else "",
        stage=_stage(mark, unaided),
    )


def _others(reading: Reading, images: Images) -> tuple[OthersVerdict, ...]:
    """Return the answers to objects of others; one without a code gets ours."""
    rows = (reading.content.get("foreign") or {}).values()
    return tuple(
        OthersVerdict(
            sop_uid=row["sop_uid"],
            tracking_uid=row["tracking_uid"]
            or derive_uid(row["sop_uid"], f"item-{row['key']}"),
            tracking_id=(row["tracking_id"] or row["display"])[:64],
            label=_concept(
                {
                    "code": row["code"] or "unlabelled",
                    "scheme": row["scheme"] or "99OVERREAD",
                    "display": row["display"],
                }
            ),
            accepted=row["verdict"] == "accept",
            image=_image_ref(images[row["image_uid"]])
            if row["image_uid"] in images
            else None,
            reason=_reason(row["reason_code"]),
            reason_text=row["reason_text"],
        )
        for row in rows
    )


def _reason(code: str) -> CodedConcept | None:
    if not code:
        return None
    return CodedConcept(
        value=code[:16].upper(), scheme="99OVERREAD", meaning=REJECT_REASONS[code][:64]
    )


def _reports_answered(reading: Reading) -> tuple[DocumentRef, ...]:
    """Return the structured reports among the objects of others that are answered."""
    rows = (reading.content.get("foreign") or {}).values()
    refs = {
        row["sop_uid"]: DocumentRef(
            study_uid=reading.revision.study.study_uid,
            series_uid=row["series_uid"],
            sop_class_uid=row["sop_class_uid"],
            sop_uid=row["sop_uid"],
        )
        for row in rows
        if is_report_class(row["sop_class_uid"])
    }
    return tuple(refs.values())


def reader_of(reading: Reading) -> PersonIdentity:
    """Return who signed a reading."""
    return _person(reading.signed_name, reading)


def _person(name: str, reading: Reading) -> PersonIdentity:
    given, _, family = name.strip().rpartition(" ")
    return PersonIdentity(
        family_name=family or name,
        given_name=given,
        organization=reading.revision.study.site.name,
    )


def _verified_by(said: Verification, reading: Reading) -> VerifiedBy:
    if said.decided_at is None:
        msg = "a verification that waits has verified nothing"
        raise ValueError(msg)
    person = _person(said.decided_name, reading)
    return VerifiedBy(said.id, person, localtime(said.decided_at))


def reading_report_of(
    *,
    reading: Reading,
    images: Images,
    predecessors: tuple[DocumentRef, ...],
    marks: tuple[AnnotationContent, ...],
    segments: tuple[ReaderSegment, ...] = (),
    verification: Verification | None = None,
) -> ReadingReport:
    """Return what one signed reading says, ready to be encoded.

    Args:
        reading: The reading.
        images: Of its revision.
        predecessors: The documents that it answers.
        marks: Its annotations as the report is to show them.
        segments: What it drew voxel by voxel, measured.
        verification: By which the report is verified; without it a reading that needs
            one is preliminary for good: it is what its reader alone said.
    """
    if reading.signed_at is None:
        msg = "an unsigned reading has no report"
        raise ValueError(msg)
    verdicts = reading.verdicts.select_related(
        "finding__run__model_version", "finding__run__slot"
    ).order_by("finding__label_code")
    committed = _unaided_of(reading)
    before = committed[0] if committed else None
    return ReadingReport(
        reading_id=reading.id,
        reader=reader_of(reading),
        signed_at=localtime(reading.signed_at),
        images=tuple(_image_ref(i) for i in images.values()),
        verdicts=tuple(_verdict(row, images) for row in verdicts),
        annotations=tuple(
            _annotation(mark, images, before)
            for mark in sorted(marks, key=lambda m: m.id)
        ),
        segments=segments,
        impression=reading.content.get("impression", ""),
        others=_others(reading, images),
        predecessors=(*predecessors, *_reports_answered(reading)),
        is_amendment=reading.amends_id is not None,
        is_preliminary=verification is None
        and verification_of(reading=reading) is not None,
        verified=_verified_by(verification, reading) if verification else None,
        unaided=None
        if committed is None
        else UnaidedRead(
            committed_at=localtime(committed[1]),
            impression=committed[0].impression,
            n_marks=len(committed[0].annotations),
        ),
    )

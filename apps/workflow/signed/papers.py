"""A reading as a report for people: who, what was seen, what AI said, who signed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal
from uuid import UUID

from django.db import transaction
from django.utils.timezone import localtime

from apps.annotations.content import parse_content
from apps.annotations.types import (
    AMEND_REASONS,
    REJECT_REASONS,
    VerdictKind,
    VerificationState,
)
from apps.annotations.verifying import is_preliminary, verification_of
from apps.audit.events import Event
from apps.audit.services import record
from apps.core.errors import NotFound
from apps.inference.models import Finding
from apps.inference.selectors import is_positive, probability_of
from apps.reports.paper import Paper, Statement, as_text
from apps.reports.pdf import as_pdf
from apps.workflow.reporting.selectors import said_in
from apps.workflow.signed.selectors import access_signed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from apps.accounts.types import Actor
    from apps.annotations.content import AnnotationContent, VerdictContent
    from apps.annotations.models import Reading
    from apps.reports.drafting import Said

FORMS: Final = {"txt": "text/plain; charset=utf-8", "pdf": "application/pdf"}
_UNITS: Final = {
    "mm2": "mm²",
    "deg": "°",
    "{pixels}": "pixels",
    "{pixels2}": "pixels²",
    "[hnsf'U]": "HU",
    "{SUVbw}g/ml": "g/ml (SUVbw)",
    "1": "",
}
_ANSWERS: Final = {
    VerdictKind.ACCEPT: "accepted",
    VerdictKind.REJECT: "rejected",
    VerdictKind.MODIFY: "modified",
}


@transaction.atomic
def take_report(*, actor: Actor, reading_id: UUID, form: str) -> tuple[bytes, str]:
    """Return a reading's report as a file, and its name; on record as an export.

    Args:
        actor: Who takes it: the reader's own draft counts, marked as such.
        reading_id: The reading.
        form: A key of `FORMS`.
    """
    if form not in FORMS:
        raise NotFound("not_found", "A report is there as txt and as pdf.")
    reading = access_signed(actor=actor, reading_id=reading_id)
    paper = paper_of(reading=reading)
    study = reading.revision.study
    record(
        actor=actor,
        event=Event.READING_EXPORT,
        site_id=study.site_id,
        patients=[study.patient_id],
        studies=[study.id],
        object_kind="reading",
        object_id=reading.id,
        detail={"form": form, "edition": reading.edition, "state": paper.state},
    )
    body = as_pdf(paper) if form == "pdf" else as_text(paper).encode()
    return body, f"report-{str(reading.id)[:8]}-v{reading.edition}.{form}"


def paper_of(*, reading: Reading) -> Paper:
    """Return what stands on a reading's report."""
    study = reading.revision.study
    after = reading.amended_by.filter(signed_at__isnull=False).first()
    history = _history(reading, after)
    content = parse_content(raw=reading.content)
    answered = {verdict.finding_id: verdict for verdict in content.verdicts}
    findings = {
        str(row.id): row
        for row in Finding.objects.filter(
            id__in=list(answered), run__revision_id=reading.revision_id
        ).select_related("run__model_version", "run__slot")
    }
    said = said_in(content=content, findings=findings)
    return Paper(
        state=_state(reading, after),
        site=study.site.name,
        patient=_patient(study),
        study=_study(study),
        sections=_sections(reading.content),
        statements=tuple(_statement(one, findings, answered) for one in said),
        measurements=tuple(
            line for mark in content.annotations if (line := _measured(mark))
        ),
        edition=reading.edition,
        signature=""
        if reading.signed_at is None
        else f"Signed electronically by {reading.signed_name}, "
        f"{_moment(reading.signed_at)}",
        history=history,
        reference=str(reading.id),
    )


def _state(
    reading: Reading, after: Reading | None
) -> Literal["signed", "preliminary", "superseded", "draft"]:
    if reading.signed_at is None:
        return "draft"
    if after is not None:
        return "superseded"
    return "preliminary" if is_preliminary(reading=reading) else "signed"


def _patient(study: Any) -> tuple[tuple[str, str], ...]:
    patient = study.patient
    return (
        ("Patient", patient.name),
        ("Patient ID", patient.patient_id),
        ("Born", patient.birth_date.isoformat() if patient.birth_date else ""),
        ("Sex, age", ", ".join(filter(None, (patient.sex, study.patient_age_text)))),
    )


def _study(study: Any) -> tuple[tuple[str, str], ...]:
    return (
        ("Study", study.description),
        ("Modality", "/".join(study.modalities)),
        ("Study date", study.study_date.isoformat() if study.study_date else ""),
        ("Accession number", study.accession_number),
    )


def _sections(content: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return the written sections that are not empty, the impression last."""
    report = content.get("report") or {}
    written = [(one["title"], one["text"]) for one in report.get("sections", ())]
    return tuple(
        (title, text)
        for title, text in (*written, ("Impression", content.get("impression", "")))
        if text.strip()
    )


def _statement(
    said: Said,
    findings: Mapping[str, Finding],
    answered: Mapping[str, VerdictContent],
) -> Statement:
    code = f"{said.scheme} {said.code}"
    finding = findings.get(said.source_id) if said.source == "ai" else None
    if finding is None:
        return Statement(
            display=said.display, code=code, present=said.present, note=said.note
        )
    verdict, model = answered[said.source_id], finding.run.model_version
    positive = "present" if is_positive(finding=finding) else "absent"
    reason = REJECT_REASONS.get(verdict.reason_code, "")
    return Statement(
        display=said.display,
        code=code,
        present=said.present,
        ai=f"{finding.label_display} {positive}, probability "
        f"{probability_of(finding=finding):.2f} ({model.name} {model.version})",
        answer=_ANSWERS[verdict.verdict],
        note=", ".join(filter(None, (reason, verdict.reason_text.strip()))),
    )


def _measured(mark: AnnotationContent) -> str:
    """Return what a mark measures as one line; empty where it measures nothing."""
    if mark.measured is None or not mark.measured.values:
        return ""
    values = ", ".join(
        f"{one.display} {one.value:.4g} {_UNITS.get(one.unit, one.unit)}".strip()
        for one in mark.measured.values
    )
    scale = mark.measured.scale
    notes = {
        "detector": " (at the detector)",
        "calibrated": " (calibrated by hand)",
    }
    name = mark.text or ("" if mark.label.code == "measurement" else mark.label.display)
    return f"{name}: {values}{notes.get(scale, '')}" if name else values


def _history(reading: Reading, after: Reading | None) -> tuple[str, ...]:
    lines = _verification(reading)
    if reading.amends is not None:
        before = reading.amends
        why = AMEND_REASONS.get(reading.amend_code, "")
        words = f"{why}: {reading.amend_text}" if reading.amend_text else why
        lines.append(
            f"Replaces version {before.edition}, signed by {before.signed_name}, "
            f"{_moment(before.signed_at)}. Reason: {words}"
        )
    if after is not None:
        lines.append(
            f"Version {after.edition}, signed by {after.signed_name}, "
            f"{_moment(after.signed_at)}, takes its place."
        )
    return tuple(lines)


def _verification(reading: Reading) -> list[str]:
    """Return who verified a preliminary reading, or that nobody has yet."""
    said = verification_of(reading=reading)
    if said is None:
        return []
    who = f"{said.decided_name}, {_moment(said.decided_at)}"
    match VerificationState(said.state):
        case VerificationState.VERIFIED:
            return [f"Verified by {who}."]
        case VerificationState.SENT_BACK:
            return [f"Sent back to its reader by {who}: {said.reason}"]
        case VerificationState.WAITING | VerificationState.REPLACED:
            return []


def _moment(at: datetime | None) -> str:
    return localtime(at).strftime("%Y-%m-%d %H:%M %Z") if at else ""

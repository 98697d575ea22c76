"""What the worklist and the reading room show, built from rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apps.annotations.types import AMEND_REASONS, ReadingState
from apps.annotations.verifying import verification_of
from apps.inference.doubt import needs_specialist
from apps.inference.quality import input_quality
from apps.inference.selectors import (
    acuity_of,
    is_positive,
    live_runs,
    probability_of,
    threshold_of,
)
from apps.interop.sop_classes import SECONDARY_CAPTURE
from apps.studies.types import PackState
from apps.workflow.longitudinal.showing import show_comparison
from apps.workflow.visibility import (
    Visibility,
    may_be_ai,
    visible_ai,
    visible_ai_of_lines,
    visible_marks,
    visible_study,
)
from apps.worklist.lines import read_lines

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from apps.accounts.models import User
    from apps.accounts.types import Actor
    from apps.annotations.models import Reading
    from apps.inference.models import Explanation, Finding, InferenceRun, ModelVersion
    from apps.studies.models import Attachment, Study, StudyRevision
    from apps.workflow.visibility import Blinds
    from apps.worklist.lines import Line, Lines
    from apps.worklist.models import WorkItem


def show_choices(choices: Mapping[str, str]) -> list[dict[str, str]]:
    """Return codes that a person chooses from, each with its words, in their order."""
    return [{"code": code, "display": words} for code, words in choices.items()]


def build_row(
    *, actor: Actor, item: WorkItem, rank_total: int = 0, rank: int | None = None
) -> dict[str, Any]:
    """Return a Row (docs/architecture.md) of one work item for one person.

    Args:
        actor: The person.
        item: The work item, as it is saved.
        rank_total: How long the list is that its rank counts.
        rank: Its place in that list, where it is known.
    """
    (row,) = build_rows(
        actor=actor,
        found=read_lines(ids=[item.id]),
        rank_total=rank_total,
        ranks={str(item.id): rank},
    )
    return row


def build_rows(
    *,
    actor: Actor,
    found: Lines,
    rank_total: int = 0,
    ranks: Mapping[str, int | None] | None = None,
    blinds: Blinds | None = None,
) -> list[dict[str, Any]]:
    """Return the Rows of lines for one person, in their order, as plain JSON.

    Args:
        actor: The person.
        found: The lines, and whom they name.
        rank_total: How long the list is that ranks count.
        ranks: The place in it of each item, by id as text, where it is known.
        blinds: What `blind_reads` said of their studies, where that was asked.
    """
    sights = visible_ai_of_lines(actor=actor, lines=found.lines, blinds=blinds)
    me = str(actor.user_id)
    people = {key: build_person(user) for key, user in found.people.items()}
    known = ranks or {}
    return [
        {
            **_row(line, people, me),
            "rank": known.get(line.id),
            "rank_total": rank_total,
            "ai": _row_ai(line, sights[line.id]),
            "tier": line.tier if sights[line.id].visible else "",
        }
        for line in found.lines
    ]


def _row(line: Line, people: Mapping[str, Any], me: str) -> dict[str, Any]:
    return {
        "id": line.id,
        "version": line.version,
        "reason": line.reason,
        "state": line.state,
        "rank": None,
        "rank_total": 0,
        "band": line.band,
        "band_source": line.band_source,
        "band_reason": line.band_reason,
        "arrived_at": line.arrived_at,
        "due_at": line.due_at,
        "deadline_at": line.deadline_at,
        "sort_key": [line.rank_class, line.sort_at, line.arrived_at, line.id],
        "site": {"id": line.site_id, "name": line.site_name},
        "protocol": {
            "id": line.protocol_id,
            "name": line.protocol_name,
            "display_mode": line.display_mode,
        },
        "patient": {
            "name": line.patient_name,
            "id": line.patient_id,
            "sex": line.patient_sex,
            "birth_date": line.patient_birth_date,
            "age_text": line.patient_age_text,
        },
        "study": _row_study(line),
        "ai": None,
        "tier": "",
        "lease": _lease(line, people, me),
        "assignee": _assignee(line, people, me),
        "preliminary": None,
    }


def _row_study(line: Line) -> dict[str, Any]:
    hidden = [s for s in line.series or () if s["uid"] in line.withheld]
    return {
        "id": line.study_id,
        "uid": line.study_uid,
        "revision_id": line.revision_id,
        "revision": line.revision_number,
        "modality": line.modality,
        "description": line.description,
        "body_part": line.body_part,
        "n_images": line.n_images - sum(s["n_instances"] for s in hidden),
        "n_series": line.n_series - len(hidden),
        "station": line.station,
        "study_date": line.study_date,
        "accession_number": line.accession_number,
    }


def _patient(study: Study) -> dict[str, Any]:
    patient = study.patient
    return {
        "name": patient.name,
        "id": patient.patient_id,
        "sex": patient.sex,
        "birth_date": _iso(patient.birth_date),
        "age_text": study.patient_age_text,
    }


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _study(study: Study, revision: StudyRevision) -> dict[str, Any]:
    return {
        "id": study.id,
        "uid": study.study_uid,
        "revision_id": revision.id,
        "revision": revision.number,
        "modality": "/".join(study.modalities),
        "description": study.description,
        "body_part": study.body_part,
        "n_images": revision.n_images
        - sum(series["n_instances"] for series in _withheld(revision)),
        "n_series": len(_acquired(revision)),
        "station": study.station,
        "study_date": _iso(study.study_date),
        "accession_number": study.accession_number,
    }


def _row_ai(item: Line, sight: Visibility) -> dict[str, Any]:
    if not sight.visible:
        return {
            "state": "blinded",
            "reason": sight.reason,
            "label": "",
            "probability": None,
            "threshold": None,
            "acuity": "",
            "positive": False,
            "n_more": 0,
            "model": None,
        }
    model = {"name": item.ai_model_name, "version": item.ai_model_version}
    return {
        "state": item.ai_state,
        "reason": item.ai_reason,
        "label": item.ai_label,
        "probability": item.ai_probability,
        "threshold": item.ai_threshold,
        "acuity": item.ai_acuity,
        "positive": item.ai_positive,
        "n_more": item.ai_n_more,
        "model": model if item.ai_model_name else None,
    }


def build_person(user: User) -> dict[str, Any]:
    """Return how a colleague is named on screen."""
    return {
        "id": str(user.id),
        "display_name": user.display_name,
        "initials": user.initials,
    }


def _lease(line: Line, people: Mapping[str, Any], me: str) -> dict[str, Any] | None:
    if line.lease_holder_id is None:
        return None
    return {
        "holder": people[line.lease_holder_id],
        "mine": line.lease_holder_id == me,
        "since": line.lease_since,
        "expires_at": line.lease_expires_at,
        "number": line.lease_number,
        "draft_saved_at": line.draft_saved_at,
    }


def _assignee(line: Line, people: Mapping[str, Any], me: str) -> dict[str, Any] | None:
    if line.assignee_id is None:
        return None
    return {
        "person": people[line.assignee_id],
        "mine": line.assignee_id == me,
        "at": line.assigned_at,
    }


def build_reading(*, reading: Reading, item: WorkItem) -> dict[str, Any]:
    """Return a Reading (docs/architecture.md)."""
    return {
        "id": reading.id,
        "item_id": item.id,
        "state": reading.state,
        "version": reading.version,
        "saved_at": reading.saved_at,
        "signed_at": reading.signed_at,
        "signed_by": reading.signed_name or None,
        "content": reading.content,
        "edition": reading.edition,
        "amends": _amends(reading),
        "verification": show_verification(reading=reading),
        "asks": [label["display"] for label in reading.protocol.labels],
        **_stages(reading),
    }


def show_verification(*, reading: Reading) -> dict[str, Any] | None:
    """Return how far the verification of a reading is; None where it needs none."""
    said = verification_of(reading=reading)
    if said is None:
        return None
    return {
        "state": said.state,
        "asked_at": said.asked_at,
        "decided_at": said.decided_at,
        "decided_by": said.decided_name,
        "reason": said.reason,
    }


def _amends(reading: Reading) -> dict[str, Any] | None:
    """Return what an amendment supersedes, and why it was made."""
    before = reading.amends
    if before is None:
        return None
    return {
        "id": before.id,
        "edition": before.edition,
        "signed_at": before.signed_at,
        "signed_by": before.signed_name,
        "reason": AMEND_REASONS.get(reading.amend_code, ""),
        "reason_text": reading.amend_text,
    }


def _stages(reading: Reading) -> dict[str, Any]:
    """Return the states that a reading went through, and its unaided content."""
    stages = list(reading.stages.order_by("at", "created_at"))
    committed = next((s for s in stages if s.state == ReadingState.COMMITTED), None)
    return {
        "stages": [{"state": stage.state, "at": stage.at} for stage in stages],
        "unaided": None
        if committed is None
        else {"committed_at": committed.at, "content": committed.content},
    }


def build_ai(*, actor: Actor, item: WorkItem) -> dict[str, Any]:
    """Return everything of the AI that this person may see of an item."""
    sight = visible_ai(actor=actor, item=item)
    runs = live_runs(revision_id=item.case.revision_id) if sight.visible else []
    return {
        "display_mode": item.case.protocol.display_mode,
        "visible": sight.visible,
        "hidden_reason": sight.reason,
        "requires_review": True,
        "state": item.ai_state if sight.visible else "blinded",
        "reason": item.ai_reason if sight.visible else sight.reason,
        "runs": [_run(actor, run) for run in runs],
    }


def _run(actor: Actor, run: InferenceRun) -> dict[str, Any]:
    marks = visible_marks(actor=actor, run=run)
    model = run.model_version
    return {
        "id": run.id,
        "state": run.state,
        "reason": run.reason,
        "finished_at": run.finished_at,
        "quality": input_quality(run.quality),
        "model": {
            "name": model.name,
            "version": model.version,
            "intended_use": model.intended_use,
            "card": model.card,
        },
        "findings": [
            _finding(f, model, run=run, marks=marks) for f in run.findings.all()
        ],
        "comparison": show_comparison(actor=actor, run=run) if marks else None,
    }


def _explained(run: InferenceRun, finding: Finding) -> dict[str, Any] | None:
    """Say how far it is with showing where a finding comes from; None if not asked."""
    asked: Explanation | None = getattr(run, "explanation", None)
    if asked is None or finding.label_code not in asked.labels:
        return None
    return {"state": asked.state, "reason": asked.reason}


def _finding(
    finding: Finding, model: ModelVersion, *, run: InferenceRun, marks: bool
) -> dict[str, Any]:
    meta = finding.saliency_meta
    return {
        "id": finding.id,
        "label": {
            "scheme": finding.label_scheme,
            "code": finding.label_code,
            "display": finding.label_display,
        },
        "probability": probability_of(finding=finding),
        "raw_score": finding.raw_score,
        "uncertainty": finding.uncertainty,
        "needs_specialist": needs_specialist(finding=finding, model=model),
        "threshold": threshold_of(finding=finding),
        "positive": is_positive(finding=finding),
        "acuity": acuity_of(finding=finding),
        "tracking_uid": finding.tracking_uid,
        "location": finding.location if marks else None,
        "saliency": None
        if finding.saliency_id is None or not marks
        else {
            "artefact_id": finding.saliency_id,
            "cut_off": meta.get("cut_off", 0.0),
            "sop_uid": meta.get("sop_uid", ""),
            "frame": meta.get("frame", 1),
        },
        "explanation": _explained(run, finding) if marks else None,
        "mask": None
        if finding.mask_id is None or not marks
        else {"artefact_id": finding.mask_id, **finding.mask_meta},
    }


def build_manifest(*, actor: Actor, revision: StudyRevision) -> dict[str, Any]:
    """Return the Manifest of a revision: what there is to show, and where it is.

    What may come from AI, ours or others', is listed only for whom it is not hidden.
    """
    study = revision.study
    attached = [
        a
        for a in study.attachments.filter(by_overread=False)
        if a.modality not in _DRAWN_APART
    ]
    listed = [_attachment(a) for a in attached]
    if revision.withheld or attached:
        sight = visible_study(actor=actor, study=study)
        if sight.visible:
            listed += [_capture(s) for s in _withheld(revision)]
        else:
            listed = [
                _attachment(a) for a in attached if not may_be_ai(modality=a.modality)
            ]
    return {
        "study": _study(study, revision),
        "patient": _patient(study),
        "revision": {"id": revision.id, "number": revision.number},
        "pack": {
            "state": revision.pack_state,
            "reason": revision.pack_reason
            if revision.pack_state == PackState.FAILED
            else "",
            "base": f"/pixels/{revision.id}/",
        },
        "series": [
            {"index": index, **_series(series)}
            for index, series in enumerate(_acquired(revision))
        ],
        "attachments": listed,
    }


def _acquired(revision: StudyRevision) -> list[dict[str, Any]]:
    return [s for s in revision.series if s["uid"] not in revision.withheld]


def _withheld(revision: StudyRevision) -> list[dict[str, Any]]:
    return [s for s in revision.series if s["uid"] in revision.withheld]


def _attachment(attachment: Attachment) -> dict[str, Any]:
    return {
        "uid": attachment.series_uid,
        "sop_class_uid": attachment.sop_class_uid,
        "modality": attachment.modality,
        "description": attachment.description,
        "n_instances": attachment.n_instances,
    }


def _capture(series: dict[str, Any]) -> dict[str, Any]:
    """Name a withheld series: a secondary capture (`visibility.withheld_of`)."""
    return {
        "uid": series["uid"],
        "sop_class_uid": SECONDARY_CAPTURE,
        "modality": series["modality"],
        "description": series["description"],
        "n_instances": series["n_instances"],
    }


_DRAWN_APART = frozenset({"SR", "SEG", "PR"})


def _series(series: dict[str, Any]) -> dict[str, Any]:
    return {
        "uid": series["uid"],
        "number": series.get("number"),
        "modality": series["modality"],
        "description": series["description"],
        "body_part": series["body_part"],
        "n_instances": series["n_instances"],
        # What came before frames were counted says its images alone.
        "n_frames": series.get("n_frames", series["n_instances"]),
        "laterality": series.get("laterality", ""),
        "plane": series.get("plane", ""),
        "views": series.get("views", []),
    }

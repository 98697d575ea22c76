"""What the worklist and the reading room show, built from rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apps.annotations.types import AMEND_REASONS, ReadingState
from apps.inference.selectors import acuity_of, is_positive, live_runs, threshold_of
from apps.studies.types import PackState
from apps.workflow.visibility import (
    Visibility,
    may_be_ai,
    visible_ai,
    visible_marks,
    visible_study,
)

if TYPE_CHECKING:
    from datetime import date

    from apps.accounts.models import User
    from apps.accounts.types import Actor
    from apps.annotations.models import Reading
    from apps.inference.models import Finding, InferenceRun
    from apps.studies.models import Attachment, Study, StudyRevision
    from apps.worklist.models import WorkItem


def build_row(
    *,
    actor: Actor,
    item: WorkItem,
    rank_total: int = 0,
    sight: Visibility | None = None,
) -> dict[str, Any]:
    """Return a Row (docs/architecture.md) of one work item for one person.

    Args:
        actor: The person.
        item: The work item.
        rank_total: How long the list is that its rank counts.
        sight: What `visible_ai_of` said of it, where that was asked for many.
    """
    revision = item.case.revision
    study = revision.study
    protocol = item.case.protocol
    return {
        "id": item.id,
        "version": item.version,
        "reason": item.reason,
        "state": item.state,
        "rank": getattr(item, "rank", None),
        "rank_total": rank_total,
        "band": item.band,
        "band_source": item.band_source,
        "band_reason": item.band_reason_text or item.band_reason_code,
        "arrived_at": item.arrived_at,
        "due_at": item.due_at,
        "deadline_at": item.deadline_at,
        "sort_key": [item.rank_class, item.sort_at, item.arrived_at, str(item.id)],
        "site": {"id": item.site_id, "name": item.site.name},
        "protocol": {
            "id": protocol.id,
            "name": protocol.name,
            "display_mode": protocol.display_mode,
        },
        "patient": _patient(study),
        "study": _study(study, revision),
        "ai": _row_ai(item, sight or visible_ai(actor=actor, item=item)),
        "lease": _lease(actor, item),
        "assignee": _assignee(actor, item),
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


def _row_ai(item: WorkItem, sight: Visibility) -> dict[str, Any]:
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
        "id": user.id,
        "display_name": user.display_name,
        "initials": user.initials,
    }


def _lease(actor: Actor, item: WorkItem) -> dict[str, Any] | None:
    if item.lease_holder is None:
        return None
    return {
        "holder": build_person(item.lease_holder),
        "mine": item.lease_holder_id == actor.user_id,
        "since": item.lease_since,
        "expires_at": item.lease_expires_at,
        "draft_saved_at": item.reading.saved_at if item.reading else None,
    }


def _assignee(actor: Actor, item: WorkItem) -> dict[str, Any] | None:
    if item.assignee is None:
        return None
    return {
        "person": build_person(item.assignee),
        "mine": item.assignee_id == actor.user_id,
        "at": item.assigned_at,
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
        **_stages(reading),
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
        "runs": [_run(run, marks=visible_marks(actor=actor, run=run)) for run in runs],
    }


def _run(run: InferenceRun, *, marks: bool) -> dict[str, Any]:
    model = run.model_version
    return {
        "id": run.id,
        "state": run.state,
        "reason": run.reason,
        "finished_at": run.finished_at,
        "model": {
            "name": model.name,
            "version": model.version,
            "intended_use": model.intended_use,
            "card": model.card,
        },
        "findings": [_finding(f, marks=marks) for f in run.findings.all()],
    }


def _finding(finding: Finding, *, marks: bool) -> dict[str, Any]:
    meta = finding.saliency_meta
    return {
        "id": finding.id,
        "label": {
            "scheme": finding.label_scheme,
            "code": finding.label_code,
            "display": finding.label_display,
        },
        "probability": finding.probability,
        "raw_score": finding.raw_score,
        "uncertainty": finding.uncertainty,
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
            listed += [_series(s) for s in _withheld(revision)]
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
        "modality": attachment.modality,
        "description": attachment.description,
        "n_instances": attachment.n_instances,
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
        "laterality": series.get("laterality", ""),
        "plane": series.get("plane", ""),
        "views": series.get("views", []),
    }

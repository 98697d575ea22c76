"""Verbs of inference: register models, open runs and send them. Answers: results.py."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils.timezone import localtime

from apps.audit.events import Event
from apps.audit.services import record, record_each
from apps.core import clock
from apps.core.errors import Conflict, Invalid, NotFound
from apps.core.permissions import Permission
from apps.core.queue import forget_losses
from apps.inference.audited import about_run
from apps.inference.models import InferenceRun, ModelVersion, Slot
from apps.inference.rules import StudyInput, check_fit, series_of_roles
from apps.inference.selectors import RUN_WORK
from apps.inference.slot_routing import parse_routing, why_not
from apps.inference.types import (
    FINAL_STATES,
    Fit,
    IntendedUse,
    OpenedRuns,
    RunState,
    SlotKind,
)
from apps.studies.given_up import access_failed
from apps.studies.selectors import access_revision
from workers.contracts import LOST_WORKER
from workers.series_roles import SeriesFacts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from apps.accounts.types import Actor
    from apps.studies.models import StudyRevision

RUN_STALE = timedelta(seconds=45)
RUN_MAX_ATTEMPTS = 5
NO_ANSWER = "no answer from a worker"
GIVEN_UP = (NO_ANSWER, LOST_WORKER)
"""How the reasons begin of runs that may still be answered."""
_UID_NAMESPACE = uuid.UUID("6f1f3c55-2f5d-4f0e-8a5c-6d1b8f7d9a10")


def stable_uid(*parts: str) -> str:
    """Return a DICOM UID (2.25 arc) that the same parts always give."""
    return f"2.25.{uuid.uuid5(_UID_NAMESPACE, '/'.join(parts)).int}"


@transaction.atomic
def register_model(
    *, actor: Actor, package_hash: str, card: dict[str, Any], package_path: str
) -> ModelVersion:
    """Make a model version known; the same package twice is the same version."""
    existing = ModelVersion.objects.filter(package_hash=package_hash).first()
    if existing is not None:
        if existing.package_path != package_path:
            existing.package_path = package_path
            existing.save(update_fields=["package_path", "updated_at"])
        return existing
    for field in ("name", "version", "intended_use", "labels", "input"):
        if field not in card:
            raise Invalid("bad_card", f"card.json: the field “{field}” is missing.")
    model = ModelVersion.objects.create(
        name=card["name"],
        version=card["version"],
        package_hash=package_hash,
        intended_use=IntendedUse(card["intended_use"]),
        card=card,
        package_path=package_path,
        device_uid=stable_uid("device", package_hash),
    )
    record(
        actor=actor,
        event=Event.MODEL_REGISTER,
        object_kind="model_version",
        object_id=model.id,
        detail={"name": model.name, "version": model.version},
    )
    return model


def describe_input(*, revision: StudyRevision) -> StudyInput:
    """Return what a model's input rules are compared with."""
    study = revision.study
    series = revision.series
    words = [study.description, *(str(s.get("description", "")) for s in series)]
    return StudyInput(
        modalities=frozenset(str(s["modality"]).upper() for s in series),
        body_parts=frozenset(
            str(s["body_part"]).upper() for s in series if s.get("body_part")
        ),
        description=" ".join(words),
        views=frozenset(
            str(view).upper() for s in series for view in s.get("view_positions", [])
        ),
        age_years=study.patient_age_years,
        synthetic=frozenset(bool(s.get("is_synthetic")) for s in series),
        series=_series_facts(revision),
    )


def _series_facts(revision: StudyRevision) -> tuple[SeriesFacts, ...] | None:
    """Return what is known of the series that a worker may get; None if too little."""
    given = [s for s in revision.series if s["uid"] not in revision.withheld]
    if any("making" not in s for s in given):
        return None
    return tuple(_facts_of(s) for s in given if s["making"] is not None)


def _facts_of(series: Mapping[str, Any]) -> SeriesFacts:
    making: dict[str, Any] = dict(series["making"])
    for name in ("image_type", "scanning"):
        making[name] = tuple(making[name])
    return SeriesFacts(
        uid=str(series["uid"]),
        number=int(series.get("number") or 0),
        modality=str(series["modality"]).upper(),
        body_part=str(series.get("body_part", "")).upper(),
        description=str(series.get("description", "")).upper(),
        plane=str(series.get("plane", "")),
        n_images=int(series.get("n_instances", 0)),
        frame_of_reference_uid=str(series.get("frame_of_reference_uid", "")),
        **making,
    )


def series_of_run(*, run: InferenceRun) -> dict[str, str]:
    """Return the series that a worker is to give a run's model, by role.

    Empty for a model of one series, and where the worker is to choose by the files.
    """
    card = run.model_version.card
    if not card.get("input", {}).get("roles"):
        return {}
    study = describe_input(revision=run.revision)
    return dict(series_of_roles(card=card, study=study).series)


def check_slot(*, slot: Slot, study: StudyInput, arrived_at: datetime) -> Fit:
    """Say whether a study goes to a slot: by its model's card, and the site's rule.

    Args:
        slot: The version that holds, with its model.
        study: What is known of the study.
        arrived_at: When its revision arrived.
    """
    fit = check_fit(card=slot.model_version.card, study=study)
    if not fit.fits or not slot.routing:
        return fit
    words = why_not(
        rule=parse_routing(raw=slot.routing),
        study=study,
        arrived=localtime(arrived_at),
    )
    if not words:
        return fit
    name = slot.model_version.name
    return Fit(fits=False, reason=f"{name}: not sent to it by the site: {words}")


@transaction.atomic
def open_runs(*, actor: Actor, revision_id: UUID) -> OpenedRuns:
    """Open one run per model of the site that fits the revision and is sent to it.

    A live model that is for such images, but whose card rules this study out, has a
    run too, which has ended: the input is rejected, and on record as the gate's
    rejections are. Running it again opens nothing twice: a run is unique per revision
    and model version.
    """
    revision = access_revision(
        actor=actor, revision_id=revision_id, need=Permission.MACHINE_WORK
    )
    study_input = describe_input(revision=revision)
    slots = Slot.objects.select_related("model_version").filter(
        site_id=revision.study.site_id, active=True
    )
    waiting: list[UUID] = []
    rejected: list[UUID] = []
    refusals: list[Fit] = []
    for slot in slots:
        fit = check_slot(slot=slot, study=study_input, arrived_at=revision.arrived_at)
        if not fit.fits:
            refusals.append(fit)
            if fit.rejects and slot.kind == SlotKind.LIVE:
                run, created = _reject(slot=slot, revision=revision, fit=fit)
                if created:
                    _audit_run(actor=actor, run=run, event=Event.INFERENCE_RESULT)
                    rejected.append(run.id)
            continue
        run, created = InferenceRun.objects.get_or_create(
            revision=revision,
            model_version=slot.model_version,
            defaults={"slot": slot},
        )
        if created:
            _audit_run(actor=actor, run=run, event=Event.INFERENCE_REQUEST)
        if run.state not in FINAL_STATES:
            waiting.append(run.id)
    refusals.sort(key=lambda fit: not fit.near)
    return OpenedRuns(
        run_ids=tuple(waiting),
        rejected_ids=tuple(rejected),
        refusals=tuple(fit.reason for fit in refusals),
    )


def _reject(
    *, slot: Slot, revision: StudyRevision, fit: Fit
) -> tuple[InferenceRun, bool]:
    """Return the ended run of a model whose card rules a study out, and if it is new.

    No worker is asked; what the card said is its one check.
    """
    check = {"name": fit.check, "outcome": "failed", "words": fit.reason}
    return InferenceRun.objects.get_or_create(
        revision=revision,
        model_version=slot.model_version,
        defaults={
            "slot": slot,
            "state": RunState.REJECTED,
            "reason": fit.reason[:400],
            "finished_at": clock.now(),
            "quality": {"verdict": "rejected", "checks": [check]},
        },
    )


def _audit_run(*, actor: Actor, run: InferenceRun, event: Event) -> None:
    record_each(actor=actor, event=event, about=[about_run(run, state=run.state)])


@transaction.atomic
def start_run(*, actor: Actor, run_id: UUID) -> InferenceRun | None:
    """Mark a run as sent to the GPU queue; None when it has ended or is fresh.

    A run that was lost (no answer for `RUN_STALE`) may be sent again, at most
    `RUN_MAX_ATTEMPTS` times; then it is failed with the reason.
    """
    run = lock_run(run_id=run_id)
    now = clock.now()
    if run.state in FINAL_STATES:
        return None
    if run.requested_at is not None and run.requested_at > now - RUN_STALE:
        return None
    if run.attempts >= RUN_MAX_ATTEMPTS:
        _end_run(
            run=run,
            state=RunState.FAILED,
            reason=f"{NO_ANSWER} after {run.attempts} attempts",
        )
        _audit_run(actor=actor, run=run, event=Event.INFERENCE_RESULT)
        return run
    run.requested_at = now
    run.attempts = F("attempts") + 1
    run.state = RunState.RUNNING
    run.save(update_fields=["requested_at", "attempts", "state", "updated_at"])
    run.refresh_from_db()
    return run


@transaction.atomic
def retry_run(*, actor: Actor, run_id: UUID) -> InferenceRun:
    """Let a failed run begin anew, as if it had never been tried.

    Raises:
        NotFound: There is none, or not at a site where the actor may do that.
        Conflict: It has not failed, or the site reads the study by another model now.
    """
    rows = InferenceRun.objects.select_related("model_version", "slot")
    run = access_failed(actor=actor, work=RUN_WORK, rows=rows, row_id=run_id)
    if run.set_aside_at is not None:
        raise Conflict(
            "not_wanted",
            "Not tried again: the site reads this study by another model now.",
        )
    about = about_run(run, failed=run.reason)
    run.state, run.reason = RunState.QUEUED, ""
    run.attempts = run.renewals = 0
    run.requested_at = run.finished_at = None
    run.save()
    record_each(actor=actor, event=Event.INFERENCE_RETRY, about=[about])
    forget_losses(str(run.id))
    return run


def lock_run(*, run_id: UUID) -> InferenceRun:
    """Return a run, locked, with its study, model and slot.

    Raises:
        NotFound: There is none.
    """
    run = (
        InferenceRun.objects.select_for_update(of=("self",))
        .select_related("revision__study__patient", "model_version", "slot")
        .filter(id=run_id)
        .first()
    )
    if run is None:
        raise NotFound("not_found", "There is no such inference run.")
    return run


def _end_run(*, run: InferenceRun, state: RunState, reason: str) -> None:
    run.state = state
    run.reason = reason[:400]
    run.finished_at = clock.now()
    run.save()

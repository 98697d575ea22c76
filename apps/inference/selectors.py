"""What the models said, as the rest of the portal may ask for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.db.models import Min, Prefetch, Q

from apps.core.errors import NotFound
from apps.core.permissions import Permission
from apps.inference.models import Artefact, Finding, InferenceRun, ModelVersion
from apps.inference.types import AiSummary, RunState, SlotKind
from apps.studies.given_up import Work, work_at
from workers.measures.recalibration import Calibration

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from django.db.models import QuerySet

    from apps.accounts.types import Actor

RUN_WORK: Final = Work(name="inference run", study="revision__study")


def live_runs(*, revision_id: UUID) -> list[InferenceRun]:
    """Runs of live slots on a revision, with findings; shadow runs never show."""
    return list(
        _live([revision_id])
        .select_related("explanation")
        .prefetch_related("model_version", "slot", "findings__saliency")
    )


def scored_runs_of(*, revision_ids: Iterable[UUID]) -> dict[UUID, list[InferenceRun]]:
    """Return the live runs of many revisions, with what ranks a study, by revision.

    It is asked for every answer: what only a study's own page shows is not read.
    """
    found: dict[UUID, list[InferenceRun]] = {one: [] for one in revision_ids}
    scores = Finding.objects.defer(
        *("location", "saliency_meta", "mask_meta", "created_at", "updated_at")
    )
    runs = _live(list(found)).defer("quality", "timings", "created_at", "updated_at")
    for run in runs.prefetch_related(
        "model_version", "slot", Prefetch("findings", queryset=scores)
    ):
        found[run.revision_id].append(run)
    return found


def _live(revision_ids: Sequence[UUID]) -> QuerySet[InferenceRun]:
    return InferenceRun.objects.filter(
        revision_id__in=revision_ids,
        slot__kind=SlotKind.LIVE,
        set_aside_at__isnull=True,
    ).order_by("created_at")


def reread_run(*, revision_id: UUID, name: str, version: str) -> InferenceRun | None:
    """Return a model's run on a revision, if another slot version reads it by now."""
    return (
        InferenceRun.objects.select_related("slot")
        .filter(
            revision_id=revision_id,
            model_version__name=name,
            model_version__version=version,
            reread_at__isnull=False,
        )
        .first()
    )


def run_of(*, actor: Actor, run_id: UUID) -> InferenceRun:
    """Return one run for a step of the system or of a worker."""
    run = (
        InferenceRun.objects.select_related(
            "revision__study__patient",
            "revision__study__site",
            "model_version",
            "slot",
        )
        .prefetch_related("findings")
        .filter(id=run_id)
        .first()
    )
    if run is None or actor.kind == "user":
        raise NotFound("not_found", "There is no such inference run.")
    return run


def threshold_of(*, finding: Finding) -> float:
    """Return the site's threshold for a finding; 1.0 when none is set."""
    return float(finding.run.slot.thresholds.get(finding.label_code, 1.0))


def acuity_of(*, finding: Finding) -> str:
    """Return the site's acuity for a finding."""
    return str(finding.run.slot.acuities.get(finding.label_code, "routine"))


def probability_of(*, finding: Finding) -> float:
    """Return the calibrated probability that people see: the slot's, else the card's.

    It follows from the raw score and the slot version that the run is read with.
    """
    fitted = finding.run.slot.calibrations.get(finding.label_code)
    if not fitted:
        return finding.probability
    return Calibration.of(fitted).probability(finding.raw_score)


def is_positive(*, finding: Finding) -> bool:
    """Say whether a finding reaches the site's threshold."""
    return probability_of(finding=finding) >= threshold_of(finding=finding)


def summarise(
    *,
    runs: Sequence[InferenceRun],
    refusals: Sequence[str],
    weights: dict[str, float],
) -> AiSummary:
    """Return the one line of AI that the worklist ranks by and shows.

    The finding that counts is a positive one before any other, and among equals
    the one with the highest acuity weight × calibrated probability.
    """
    if not runs:
        return AiSummary(state="none", reason=_no_model(refusals))
    findings = [f for run in runs for f in run.findings.all()]
    if not findings:
        return _without_findings(runs)
    findings.sort(key=lambda f: _weight_of(f, weights), reverse=True)
    top = findings[0]
    positives = sum(is_positive(finding=f) for f in findings)
    positive = is_positive(finding=top)
    return AiSummary(
        state="done",
        label=top.label_display,
        probability=probability_of(finding=top),
        threshold=threshold_of(finding=top),
        acuity=acuity_of(finding=top),
        positive=positive,
        n_more=max(0, positives - int(positive)),
        model_name=top.run.model_version.name,
        model_version=top.run.model_version.version,
    )


def _weight_of(finding: Finding, weights: dict[str, float]) -> tuple[float, float]:
    weight = weights.get(acuity_of(finding=finding), 0.0)
    positive = weight if is_positive(finding=finding) else -1.0
    return positive, weight * probability_of(finding=finding)


def _no_model(refusals: Sequence[str]) -> str:
    why = "; ".join(dict.fromkeys(refusals))
    return f"no model applies ({why})"[:400] if why else "no model applies"


def _without_findings(runs: Sequence[InferenceRun]) -> AiSummary:
    order = (
        (RunState.RUNNING, "running"),
        (RunState.QUEUED, "pending"),
        (RunState.FAILED, "failed"),
        (RunState.REJECTED, "rejected"),
    )
    for state, word in order:
        found = next((run for run in runs if run.state == state), None)
        if found is not None:
            return AiSummary(
                state=word,
                reason=found.reason,
                model_name=found.model_version.name,
                model_version=found.model_version.version,
            )
    return AiSummary(state="failed", reason="the model gave no finding")


def unanswered_runs(*, revision_id: UUID) -> list[InferenceRun]:
    """Runs of a revision that were sent and have no answer yet."""
    return list(
        InferenceRun.objects.select_related("model_version").filter(
            revision_id=revision_id, state=RunState.RUNNING
        )
    )


def in_hand(*, since: datetime) -> bool:
    """Return whether models were asked for something since, and have not answered."""
    return InferenceRun.objects.filter(
        requested_at__gte=since, state__in=[RunState.QUEUED, RunState.RUNNING]
    ).exists()


def first_end_of(*, run_ids: Sequence[UUID]) -> datetime | None:
    """Return when the first of some runs ended; None where none has."""
    found: datetime | None = InferenceRun.objects.filter(id__in=run_ids).aggregate(
        Min("finished_at")
    )["finished_at__min"]
    return found


def stale_runs(
    *, unsent_before: datetime, sent_before: datetime, limit: int
) -> list[UUID]:
    """Runs that were never sent, or whose answer is overdue."""
    waiting = InferenceRun.objects.filter(
        Q(requested_at__isnull=True, created_at__lt=unsent_before)
        | Q(requested_at__lt=sent_before),
        state__in=[RunState.QUEUED, RunState.RUNNING],
    ).order_by("created_at")
    return list(waiting.values_list("id", flat=True)[:limit])


def runs_at(*, actor: Actor, state: str) -> QuerySet[InferenceRun]:
    """Return runs of the actor's sites, the last changed first, for the admin page.

    Those that count no longer, as the site reads by another model now, are not among
    them.
    """
    rows = InferenceRun.objects.filter(set_aside_at__isnull=True).select_related(
        "revision__study__site", "model_version", "slot"
    )
    return work_at(actor=actor, work=RUN_WORK, rows=rows, state=state)


def model_of_hash(*, package_hash: str) -> ModelVersion:
    """Return the model version of a package hash."""
    model = ModelVersion.objects.filter(package_hash=package_hash).first()
    if model is None:
        raise NotFound("not_found", "There is no model with this hash.")
    return model


def finding_artefact(*, revision_id: UUID, artefact_id: UUID) -> Artefact:
    """Return a picture or mask of a live run of this revision, and no other."""
    said = Finding.objects.filter(
        run__revision_id=revision_id, run__slot__kind=SlotKind.LIVE
    )
    artefact = (
        Artefact.objects.filter(id=artefact_id)
        .filter(Q(id__in=said.values("saliency_id")) | Q(id__in=said.values("mask_id")))
        .first()
    )
    if artefact is None:
        raise NotFound("not_found", "There is no such picture on this study.")
    return artefact


def known_labels(*, actor: Actor) -> list[dict[str, str]]:
    """Return the labels that the models of the actor's sites can give."""
    cards = ModelVersion.objects.filter(
        slot__active=True, slot__site_id__in=actor.sites_with(Permission.STUDY_READ)
    ).values_list("card", flat=True)
    labels = {
        label["code"]: {
            "scheme": label["scheme"],
            "code": label["code"],
            "display": label["display"],
        }
        for card in cards
        for label in card["labels"]
    }
    return [labels[code] for code in sorted(labels)]

"""Where findings of models without gradients come from: asked for after the result.

The row is the truth: `queued` waits for its turn, `running` was sent to a worker.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.db import transaction

from apps.audit.events import Event
from apps.audit.services import record_each
from apps.core import clock
from apps.core.errors import Conflict, Invalid
from apps.core.queue import forget_losses
from apps.core.realtime import nudge_site
from apps.inference.audited import about_run
from apps.inference.models import Explanation
from apps.inference.results import artefacts_of
from apps.inference.selectors import is_positive
from apps.inference.types import ExplanationState, RunState, SlotKind
from apps.studies.given_up import Work, access_failed, work_at
from apps.studies.models import RevisionInstance
from apps.studies.renewing import is_outdated, judge_renewal
from apps.studies.types import Renewal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from django.db.models import QuerySet

    from apps.accounts.types import Actor
    from apps.inference.models import Artefact, Finding, InferenceRun
    from workers.contracts import ArtefactRef, InferResult

MOST_UNDER_WAY: Final = 2
"""So that most threads of a worker are free for results, whoever else waits."""
MAX_ATTEMPTS: Final = 3
_UNWANTED: Final = "the site reads this study by another model now"
_NOBODY: Final = "no worker answered"
_WORK: Final = Work(name="explanation", study="run__revision__study")


def open_explanations(*, actor: Actor, runs: Sequence[InferenceRun]) -> int:
    """Note of which results it is to be shown where they come from; return how many.

    Of live results whose model's card asks for occlusion, and of those labels that are
    positive by the slot: nobody looks for why something is not there.
    """
    found = [(run, labels) for run in runs if (labels := _labels_of(run))]
    made = [Explanation(run=run, labels=labels) for run, labels in found]
    Explanation.objects.bulk_create(made, ignore_conflicts=True)
    record_each(
        actor=actor,
        event=Event.EXPLANATION_REQUEST,
        about=[about_run(run, state=ExplanationState.QUEUED) for run, _ in found],
    )
    return len(found)


def _labels_of(run: InferenceRun) -> list[str]:
    if run.state != RunState.DONE or run.slot.kind != SlotKind.LIVE:
        return []
    if not run.model_version.card.get("saliency"):
        return []
    return [
        finding.label_code
        for finding in run.findings.select_related("run__slot", "run__model_version")
        if finding.saliency_id is None and is_positive(finding=finding)
    ]


@transaction.atomic
def take_explanations(*, actor: Actor, overdue_before: datetime) -> list[Explanation]:
    """Return what is to be sent now, marked as sent, the oldest first.

    At most `MOST_UNDER_WAY` are under way at a time. One that was sent before
    `overdue_before` counts as lost; after `MAX_ATTEMPTS` it is given up.

    Args:
        actor: The portal.
        overdue_before: When an answer should have come.
    """
    rows = (
        Explanation.objects.select_for_update(of=("self",))
        .select_related("run__revision__study", "run__model_version", "run__slot")
        .order_by("created_at")
    )
    for lost in rows.filter(
        state=ExplanationState.RUNNING, requested_at__lt=overdue_before
    ):
        _put_back(actor=actor, explanation=lost, reason=_NOBODY)
    under_way = Explanation.objects.filter(state=ExplanationState.RUNNING).count()
    taken: list[Explanation] = []
    for one in rows.filter(state=ExplanationState.QUEUED)[: 2 * MOST_UNDER_WAY]:
        if under_way + len(taken) >= MOST_UNDER_WAY:
            break
        if not _is_wanted(one.run):
            _end(actor=actor, explanation=one, reason=_UNWANTED)
            continue
        one.attempts += 1
        one.state, one.requested_at = ExplanationState.RUNNING, clock.now()
        one.save()
        taken.append(one)
    return taken


def _is_wanted(run: InferenceRun) -> bool:
    """Say whether a run's findings are shown to anybody."""
    return run.set_aside_at is None and run.slot.kind == SlotKind.LIVE


@transaction.atomic
def record_explanation(*, actor: Actor, result: InferResult) -> Explanation | None:
    """Keep what a worker drew, once; None when it was there, or is tried again.

    What the result says of scores is not looked at: those are on record. An answer that
    comes after it was given up, because none had come, is still the answer.

    Raises:
        Invalid: It is of another model, of a label that was not asked for, or names an
            artefact that was never stored or an image of another study.
    """
    explanation = (
        Explanation.objects.select_for_update(of=("self",))
        .select_related("run__revision__study", "run__model_version", "run__slot")
        .filter(id=UUID(result.run_id))
        .exclude(state=ExplanationState.DONE)
        .first()
    )
    if explanation is None or not _waits_for(result, explanation):
        return None
    if is_outdated(result) and _renewed(actor=actor, explanation=explanation):
        return None
    run = explanation.run
    if result.package_hash != run.model_version.package_hash:
        raise Invalid("wrong_model", "The explanation is by another model package.")
    if result.state != RunState.DONE:
        _put_back(actor=actor, explanation=explanation, reason=result.reason)
        return None
    drawn = {
        one.label_code: one.saliency
        for one in result.findings
        if one.saliency is not None
    }
    if set(drawn) - set(explanation.labels):
        raise Invalid("wrong_label", "The explanation is of a label not asked for.")
    _require_images(run, drawn.values())
    artefacts = artefacts_of({ref.sha256: ref for ref in drawn.values()})
    for finding in run.findings.select_for_update().filter(
        label_code__in=drawn, saliency__isnull=True
    ):
        _draw(finding, drawn[finding.label_code], artefacts)
    _end(actor=actor, explanation=explanation, state=ExplanationState.DONE)
    return explanation


def _waits_for(result: InferResult, explanation: Explanation) -> bool:
    """Say whether an answer changes anything; after it was given up only some do."""
    if explanation.state != ExplanationState.FAILED:
        return True
    late = result.state == RunState.DONE or is_outdated(result)
    return late and explanation.reason == _NOBODY


def _draw(
    finding: Finding, ref: ArtefactRef, artefacts: Mapping[str, Artefact]
) -> None:
    finding.saliency = artefacts[ref.sha256]
    finding.saliency_meta = {"sop_uid": ref.sop_uid, "frame": ref.frame, **ref.meta}
    finding.save(update_fields=["saliency", "saliency_meta", "updated_at"])


def _require_images(run: InferenceRun, refs: Iterable[ArtefactRef]) -> None:
    named = {ref.sop_uid for ref in refs}
    rows = RevisionInstance.objects.filter(
        revision_id=run.revision_id, sop_uid__in=named
    )
    if set(rows.values_list("sop_uid", flat=True)) != named:
        raise Invalid("wrong_image", "The explanation is of another study's image.")


def _put_back(*, actor: Actor, explanation: Explanation, reason: str) -> None:
    """Have it tried again, or give it up."""
    if explanation.attempts >= MAX_ATTEMPTS:
        _end(actor=actor, explanation=explanation, reason=reason)
        return
    explanation.state, explanation.reason = ExplanationState.QUEUED, reason[:400]
    explanation.save()


def _renewed(*, actor: Actor, explanation: Explanation) -> bool:
    """Have a request that waited too long sent again, as `renew_run` does."""
    renewal = judge_renewal(
        requested_at=explanation.requested_at, renewals=explanation.renewals
    )
    if renewal is not Renewal.SEND:
        return renewal is Renewal.LEAVE
    explanation.renewals += 1
    _begin_anew(explanation)
    about = about_run(explanation.run, of="explanation", renewals=explanation.renewals)
    record_each(actor=actor, event=Event.INFERENCE_RENEW, about=[about])
    return True


def _begin_anew(explanation: Explanation) -> None:
    explanation.state, explanation.reason = ExplanationState.QUEUED, ""
    explanation.attempts = 0
    explanation.requested_at = explanation.finished_at = None
    explanation.save()


def _end(
    *,
    actor: Actor,
    explanation: Explanation,
    state: ExplanationState = ExplanationState.FAILED,
    reason: str = "",
) -> None:
    """End it, and tell those who may see AI of the study, and nobody else."""
    explanation.state, explanation.reason = state, reason[:400]
    explanation.finished_at = clock.now()
    explanation.save()
    run = explanation.run
    about = about_run(run, state=state)
    record_each(actor=actor, event=Event.EXPLANATION_RESULT, about=[about])
    nudge_site(
        site_id=run.revision.study.site_id,
        message={"type": "explained", "revision": str(run.revision_id)},
    )


# --- what was given up


def explanations_at(*, actor: Actor, state: str) -> QuerySet[Explanation]:
    """Return explanations of the actor's sites, the last changed first.

    Not those of what is shown to nobody any more.
    """
    rows = Explanation.objects.select_related(
        "run__revision__study__site", "run__model_version"
    ).filter(run__set_aside_at__isnull=True, run__slot__kind=SlotKind.LIVE)
    return work_at(actor=actor, work=_WORK, rows=rows, state=state)


@transaction.atomic
def retry_explanation(*, actor: Actor, explanation_id: UUID) -> Explanation:
    """Let a failed explanation begin anew, as if it had never been tried.

    Raises:
        NotFound: There is none, or not at a site where the actor may do that.
        Conflict: It has not failed, or the site reads the study by another model now.
    """
    rows = Explanation.objects.select_related(
        "run__revision__study__site", "run__model_version", "run__slot"
    )
    row = access_failed(actor=actor, work=_WORK, rows=rows, row_id=explanation_id)
    if not _is_wanted(row.run):
        raise Conflict("not_wanted", f"Not tried again: {_UNWANTED}.")
    about = about_run(row.run, of="explanation", failed=row.reason)
    row.renewals = 0
    _begin_anew(row)
    record_each(actor=actor, event=Event.EXPLANATION_RETRY, about=[about])
    forget_losses(str(row.id))
    return row

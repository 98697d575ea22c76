"""Verbs of comparisons: asked for after a result, done by a worker, kept once."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from apps.accounts.types import SYSTEM
from apps.audit.events import Event
from apps.audit.services import record
from apps.core import clock
from apps.core.errors import Invalid, NotFound
from apps.core.queue import enqueue, messages_waiting, send
from apps.core.steps import Step
from apps.inference.artefacts import read_artefact
from apps.inference.models import Comparison
from apps.inference.services import stable_uid
from apps.inference.types import ComparisonState, RunState
from apps.studies.machine import COMPARE, READ_INSTANCES, issue_token
from apps.studies.renewing import is_outdated, judge_renewal
from apps.studies.types import Renewal
from apps.workflow.longitudinal.choosing import (
    comparable_run,
    next_run_of,
    prior_run_of,
)
from apps.workflow.urgency import LAST
from workers.compare_contracts import TASK_COMPARE, CompareRequest
from workers.contracts import QUEUE_PIXELS
from workers.measures.change import (
    NODULE,
    SETTING,
    Repeatability,
    compare_volumes,
    read_repeatability,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from apps.inference.models import Finding, InferenceRun
    from workers.compare_contracts import CompareResult, LesionPair

QUEUE: Final = "exports"
"""By those who do what nobody waits for: results go on record first."""
MAX_ATTEMPTS: Final = 3
PATIENCE: Final = timedelta(minutes=5)
LOST_IN_A_QUEUE: Final = timedelta(hours=1)
_WAITING: Final = (ComparisonState.QUEUED.value, ComparisonState.RUNNING.value)
_NOBODY: Final = "no worker answered"
_ABSENT: Final = "There is no such comparison here."
NODULES: Final = frozenset({"427359005", "786838002", "RID3875", "RID50149"})
"""Codes of lung nodules (SNOMED CT, RadLex): their repeatability was published."""


def ask_comparisons(*, runs: Sequence[InferenceRun]) -> None:
    """Have results of volumes compared, once they are on record."""
    for run in runs:
        if run.state == RunState.DONE and "segmentation" in run.model_version.card:
            enqueue(
                Step.REQUEST_COMPARISON,
                queue=QUEUE,
                priority=LAST,
                run_id=str(run.id),
            )


@transaction.atomic
def request_comparison(*, run_id: UUID) -> None:
    """Have a result compared with the earlier one, and the next later one with it.

    Studies may arrive in any order: what is on record decides which is compared with
    which. Running it again asks for nothing twice.
    """
    run = comparable_run(run_id=run_id)
    if run is None:
        return
    _open(run, prior_run_of(run=run))
    later = next_run_of(run=run)
    if later is not None:
        _open(later, prior_run_of(run=later))


def _open(run: InferenceRun, prior: InferenceRun | None) -> None:
    """Open the comparison of two runs, if the model marked anything on either."""
    if prior is None or not (_masked(run) or _masked(prior)):
        return
    study, earlier = run.revision.study, prior.revision.study
    if study.study_date is None or earlier.study_date is None:
        return
    comparison, created = Comparison.objects.get_or_create(
        run=run,
        prior_run=prior,
        defaults={"days": (study.study_date - earlier.study_date).days},
    )
    if created:
        _audit(comparison, Event.COMPARISON_REQUEST)
        send_comparison(comparison_id=comparison.id)


def _masked(run: InferenceRun) -> list[Finding]:
    return [one for one in run.findings.select_related("mask") if one.mask_id]


def _audit(comparison: Comparison, event: Event, **detail: object) -> None:
    study = comparison.run.revision.study
    record(
        actor=SYSTEM,
        event=event,
        site_id=study.site_id,
        patients=[study.patient_id],
        studies=[study.id, comparison.prior_run.revision.study_id],
        object_kind="comparison",
        object_id=comparison.id,
        detail={
            "model": str(comparison.run.model_version),
            "prior_model": str(comparison.prior_run.model_version),
            "state": comparison.state,
            **detail,
        },
    )


@transaction.atomic
def send_comparison(*, comparison_id: UUID) -> None:
    """Send a comparison to a worker; one that was sent too often is given up."""
    comparison = _unanswered(comparison_id)
    if comparison is None:
        return
    if comparison.attempts >= MAX_ATTEMPTS:
        _end(comparison, ComparisonState.FAILED, _NOBODY)
        return
    comparison.attempts += 1
    comparison.state, comparison.requested_at = ComparisonState.RUNNING, clock.now()
    comparison.save()
    revision_id = comparison.run.revision_id
    prior_id = comparison.prior_run.revision_id
    name = str(comparison.id)
    request = CompareRequest(
        comparison_id=name,
        revision_id=str(revision_id),
        prior_revision_id=str(prior_id),
        token=issue_token(
            request_id=name, revision_id=revision_id, verbs=[READ_INSTANCES, COMPARE]
        ),
        prior_token=issue_token(
            request_id=name, revision_id=prior_id, verbs=[READ_INSTANCES]
        ),
        portal_url=settings.PORTAL_URL,
    )
    send(
        TASK_COMPARE,
        queue=QUEUE_PIXELS,
        kwargs={"request": request.to_message()},
        priority=LAST,
    )


def _unanswered(comparison_id: UUID) -> Comparison | None:
    """Return one that no worker has answered, be it given up for that."""
    given_up = Q(state=ComparisonState.FAILED, reason=_NOBODY)
    return (
        Comparison.objects.select_for_update(of=("self",))
        .select_related(
            "run__revision__study",
            "run__model_version",
            "prior_run__revision__study",
            "prior_run__model_version",
        )
        .filter(Q(state__in=_WAITING) | given_up, id=comparison_id)
        .first()
    )


def send_overdue(*, now: datetime, limit: int) -> int:
    """Send again what was asked for long ago and has no answer; return how many."""
    patience = PATIENCE if messages_waiting(QUEUE_PIXELS) == 0 else LOST_IN_A_QUEUE
    rows = Comparison.objects.filter(
        state__in=_WAITING, requested_at__lt=now - patience
    )
    overdue = list(rows.order_by("requested_at").values_list("id", flat=True)[:limit])
    for comparison_id in overdue:
        send_comparison(comparison_id=comparison_id)
    return len(overdue)


def _end(comparison: Comparison, state: ComparisonState, reason: str) -> None:
    comparison.state, comparison.reason = state, reason[:400]
    comparison.finished_at = clock.now()
    comparison.save()
    _audit(comparison, Event.COMPARISON_RESULT)


# --- the worker's side


def work_of(*, comparison_id: UUID) -> dict[str, Any]:
    """Return which series and masks a worker has to compare."""
    with transaction.atomic():
        comparison = _unanswered(comparison_id)
    if comparison is None:
        raise NotFound("not_found", _ABSENT)
    return {"now": _side(comparison.run), "then": _side(comparison.prior_run)}


def _side(run: InferenceRun) -> dict[str, Any]:
    return {
        "series_uid": run.quality["series_uid"],
        "masks": [
            {
                "label_code": finding.label_code,
                "sha256": finding.mask.sha256,
                "sop_uids": finding.mask_meta["sop_uids"],
                "rows": finding.mask_meta["rows"],
                "columns": finding.mask_meta["columns"],
            }
            for finding in _masked(run)
            if finding.mask is not None
        ],
    }


def mask_for_work(*, comparison_id: UUID, sha256: str) -> bytes:
    """Return a mask that a comparison is of, as gzip."""
    work = work_of(comparison_id=comparison_id)
    named = {mask["sha256"] for side in work.values() for mask in side["masks"]}
    if sha256 not in named:
        raise NotFound("not_found", _ABSENT)
    return read_artefact(sha256=sha256)


@transaction.atomic
def accept_comparison(*, result: CompareResult) -> None:
    """Take a worker's answer once, and say of each lesion what became of it.

    An answer that says that the request's token had ended is none: it is sent again.

    Raises:
        Invalid: It names a label that was not found, or an image of another study.
    """
    comparison = _unanswered(UUID(result.comparison_id))
    if comparison is None or (is_outdated(result) and _renewed(comparison)):
        return
    _require_known(comparison, result.lesions)
    comparison.registration = dict(result.registration)
    found = [_lesion(comparison, pair) for pair in result.lesions]
    comparison.lesions = found
    codes = {one.label_code for one in result.lesions}
    comparison.repeatability = {
        code: asdict(_repeatability(comparison, code)) for code in codes
    }
    _end(comparison, ComparisonState(result.state), result.reason)
    if comparison.state == ComparisonState.DONE:
        enqueue(
            Step.EXPORT_COMPARISON,
            queue=QUEUE,
            priority=LAST,
            comparison_id=str(comparison.id),
        )


def _renewed(comparison: Comparison) -> bool:
    """Send a request that had waited too long once more; False when it has failed."""
    runs = (comparison.run, comparison.prior_run)
    renewal = judge_renewal(
        requested_at=comparison.requested_at,
        renewals=comparison.renewals,
        is_wanted=all(run.set_aside_at is None for run in runs),
    )
    if renewal is Renewal.SEND:
        comparison.renewals += 1
        begin_anew(comparison)
        times = comparison.renewals
        _audit(comparison, Event.COMPARISON_RENEW, renewals=times)
        send_comparison(comparison_id=comparison.id)
    return renewal is not Renewal.FAIL


def begin_anew(comparison: Comparison) -> None:
    """Make it one that was never sent; `send_comparison` is to follow."""
    comparison.state, comparison.reason = ComparisonState.QUEUED, ""
    comparison.attempts = 0
    comparison.requested_at = comparison.finished_at = None
    comparison.save()


def repeatability_of(
    label_code: str, *, cards: Iterable[Mapping[str, Any]] = ()
) -> Repeatability:
    """Return beyond what a label's volume counts as changed.

    What was measured for the models at work goes before what was published of the
    finding, and that before a setting. Of two versions the one that errs more counts.

    Args:
        label_code: The label.
        cards: Of the models that marked the one and the other study.
    """
    measured = [
        one for card in cards if (one := read_repeatability(card).get(label_code))
    ]
    if measured:
        return max(measured, key=lambda one: one.percent)
    return NODULE if label_code in NODULES else SETTING


def _repeatability(comparison: Comparison, label_code: str) -> Repeatability:
    runs = (comparison.run, comparison.prior_run)
    return repeatability_of(label_code, cards=[one.model_version.card for one in runs])


def _require_known(comparison: Comparison, lesions: Sequence[LesionPair]) -> None:
    for run, at, number in (
        (comparison.run, "now_at", "now_number"),
        (comparison.prior_run, "then_at", "then_number"),
    ):
        named = {spot.sop_uid for one in lesions if (spot := getattr(one, at))}
        images = run.revision.instances.filter(sop_uid__in=named)
        if set(images.values_list("sop_uid", flat=True)) != named:
            raise Invalid("wrong_image", "A lesion is on an image of another study.")
        codes = {one.label_code for one in lesions if getattr(one, number)}
        if codes - {finding.label_code for finding in _masked(run)}:
            raise Invalid("wrong_label", "A lesion has a label that was not found.")


def _lesion(comparison: Comparison, pair: LesionPair) -> dict[str, Any]:
    change = compare_volumes(
        now_ml=None if pair.now is None else pair.now.volume_ml,
        then_ml=None if pair.then is None else pair.then.volume_ml,
        days=comparison.days,
        repeatability=_repeatability(comparison, pair.label_code),
    )
    return {
        **asdict(pair),
        **asdict(change),
        "kind": change.kind.value,
        "tracking_uid": _tracking_uid(comparison, pair),
    }


def _tracking_uid(comparison: Comparison, pair: LesionPair) -> str:
    """Return the UID by which a lesion is known on all studies of its patient."""
    run, number = comparison.run, pair.now_number
    if pair.then_number is not None:
        run, number = comparison.prior_run, pair.then_number
        before = run.comparisons.filter(state=ComparisonState.DONE)
        for earlier in before.order_by("-prior_run__revision__study__study_date"):
            for lesion in earlier.lesions:
                if (lesion["label_code"], lesion["now_number"]) == (
                    pair.label_code,
                    number,
                ):
                    return str(lesion["tracking_uid"])
    return stable_uid("lesion", str(run.id), pair.label_code, str(number))

"""After a result: where its findings come from, of models without gradients.

A result is recorded, ranked and on its way into the archive before anybody is asked;
requests are the last of the models' queue, and few are under way at a time.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.db.models import Exists, OuterRef

from apps.accounts.types import SYSTEM
from apps.core import clock
from apps.core.queue import enqueue, messages_waiting
from apps.core.steps import Step
from apps.inference.explanations import (
    open_explanations,
    record_explanation,
    retry_explanation,
    take_explanations,
)
from apps.inference.models import Explanation, Finding
from apps.inference.types import ExplanationState
from apps.reports.models import ExportedObject, ExportKind
from apps.workflow.asking import ask_explanation
from apps.workflow.exporting import EXPORT_QUEUE, LOST_IN_A_QUEUE, export_soon
from apps.workflow.urgency import LAST
from workers.contracts import QUEUE_GPU

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from apps.accounts.types import Actor
    from apps.inference.models import InferenceRun
    from workers.contracts import InferResult

PATIENCE: Final = timedelta(minutes=10)
EXPORT_LOST: Final = (timedelta(minutes=1), timedelta(minutes=15))
"""Between these ages a map that is not in the archive is sent there again."""


def ask_explanations(*, runs: Sequence[InferenceRun]) -> None:
    """Have it shown where results come from, once they are on record."""
    if open_explanations(actor=SYSTEM, runs=runs):
        _send_soon()


@transaction.atomic
def send_explanations() -> None:
    """Send to the models' workers as many as may be under way at a time."""
    patience = PATIENCE if messages_waiting(QUEUE_GPU) == 0 else LOST_IN_A_QUEUE
    for explanation in take_explanations(
        actor=SYSTEM, overdue_before=clock.now() - patience
    ):
        ask_explanation(explanation=explanation)


@transaction.atomic
def accept_explanation(*, result: InferResult) -> None:
    """Record a worker's maps once, have them exported, and send the next.

    The list is not told: only what is positive is explained, so that a change of its
    item would tell who must not know of the AI yet. Who may see the AI of the study and
    has it open is told (`consumers.explained`).
    """
    explanation = record_explanation(actor=SYSTEM, result=result)
    if explanation is not None:
        export_soon(run_id=explanation.run_id)
    _send_soon()


@transaction.atomic
def try_explanation_again(*, actor: Actor, explanation_id: UUID) -> Explanation:
    """Ask once more where the findings of a run come from; it waits for its turn."""
    explanation = retry_explanation(actor=actor, explanation_id=explanation_id)
    _send_soon()
    return explanation


def sweep_explanations(*, now: datetime, limit: int) -> None:
    """Set going again what was lost on the way."""
    open_ones = [ExplanationState.QUEUED, ExplanationState.RUNNING]
    if Explanation.objects.filter(state__in=open_ones).exists():
        send_explanations()
    least, most = EXPORT_LOST
    drawn = Finding.objects.filter(run_id=OuterRef("run_id"), saliency__isnull=False)
    there = ExportedObject.objects.filter(
        finding__run_id=OuterRef("run_id"), kind=ExportKind.SALIENCY
    )
    rows = Explanation.objects.filter(
        Exists(drawn),
        ~Exists(there),
        state=ExplanationState.DONE,
        finished_at__range=(now - most, now - least),
    )
    for run_id in rows.values_list("run_id", flat=True)[:limit]:
        export_soon(run_id=run_id)


def _send_soon() -> None:
    # By those who do what nobody waits for: results go on record first.
    enqueue(Step.SEND_EXPLANATIONS, queue=EXPORT_QUEUE, priority=LAST)

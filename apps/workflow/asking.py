"""What the models' workers are asked, with a token for that study and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings

from apps.core.queue import send
from apps.inference.services import series_of_run
from apps.studies.machine import (
    READ_INSTANCES,
    READ_MODEL,
    WRITE_ARTEFACT,
    issue_token,
)
from apps.workflow.urgency import LAST, urgency_of
from workers.contracts import QUEUE_GPU, TASK_INFER, InferRequest

if TYPE_CHECKING:
    from apps.inference.models import Explanation, InferenceRun


def ask_result(*, run: InferenceRun) -> None:
    """Send a run to the models' queue, the more urgent studies before the others."""
    urgency = urgency_of(revision_id=run.revision_id)
    _send(_request(run, priority=urgency))


def ask_explanation(*, explanation: Explanation) -> None:
    """Have it shown where the findings of a run come from, after everything else."""
    _send(_request(explanation.run, priority=LAST, explanation=explanation))


def _request(
    run: InferenceRun, *, priority: int, explanation: Explanation | None = None
) -> InferRequest:
    """Return the request: of a run, or of the explanation of one that has ended.

    Its token opens the study for a day (`apps.studies.machine.LIFETIME_S`); a request
    that waits longer is sent again with another (docs/decisions/0044).
    """
    request_id = str(run.id if explanation is None else explanation.id)
    return InferRequest(
        run_id=request_id,
        revision_id=str(run.revision_id),
        package_hash=run.model_version.package_hash,
        token=issue_token(
            request_id=request_id,
            revision_id=run.revision_id,
            verbs=[READ_INSTANCES, READ_MODEL, WRITE_ARTEFACT],
        ),
        portal_url=settings.PORTAL_URL,
        priority=priority,
        series=series_of_run(run=run),
        explain=() if explanation is None else tuple(explanation.labels),
    )


def _send(request: InferRequest) -> None:
    send(
        TASK_INFER,
        queue=QUEUE_GPU,
        kwargs={"request": request.to_message()},
        priority=request.priority,
    )

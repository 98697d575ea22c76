"""A small job of a worker: tried a few times, and always answered."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from celery.exceptions import SoftTimeLimitExceeded

from workers.attempts import DEFER_S, LOST, MAX_ATTEMPTS, Attempts, Turn
from workers.contracts import QUEUE_PORTAL
from workers.portal_client import PortalError, PortalUnavailableError
from workers.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from celery import Task

Result = TypeVar("Result")
log = logging.getLogger(__name__)

MAX_RETRIES: Final = 5
MOST_RETRIES: Final = MAX_RETRIES + MAX_ATTEMPTS
"""What Celery has to allow such a task: for an absent portal, and for lost workers."""


class Answer(Protocol):
    """What a job has come to."""

    def to_message(self) -> dict[str, Any]:
        """Return the plain JSON object."""


def carry_out(
    task: Task[..., None],
    *,
    job_id: str,
    do: Callable[[], Answer],
    failed: Callable[[str], Answer],
    answer_task: str,
    priority: int = 0,
) -> None:
    """Do a job and tell the portal, unless it killed too many workers.

    While the portal is away it is put off, with growing pauses; then it has failed.

    Args:
        task: The bound task; it may be retried `MOST_RETRIES` times.
        job_id: By which losses are counted.
        do: Does it.
        failed: Makes the answer that says why it failed.
        answer_task: The portal's task that takes the answer.
        priority: Of the answer; 0 goes first, `PRIORITY_MAX` last.
    """
    attempts = Attempts(broker_url=read_settings().broker_url)
    turn = attempts.begin(job_id)
    if turn is Turn.LATER:
        raise task.retry(countdown=DEFER_S * attempts.losses(job_id))
    try:
        result = failed(LOST) if turn is Turn.NEVER else do()
    except PortalUnavailableError as error:
        attempts.excuse(job_id)
        retries = task.request.retries
        if retries < MAX_RETRIES:
            raise task.retry(exc=error, countdown=2**retries) from error
        result = failed("the portal could not be reached")
    task.app.send_task(
        answer_task,
        kwargs={"result": result.to_message()},
        queue=QUEUE_PORTAL,
        priority=priority,
    )
    if turn is not Turn.NEVER:
        attempts.end(job_id)


def answered(do: Callable[[], Result], *, failed: Callable[[str], Result]) -> Result:
    """Return what a job comes to; what goes wrong for good is an answer too.

    Args:
        do: Does it.
        failed: Makes the answer that says why it failed.

    Raises:
        PortalUnavailableError: The portal gives no answer; ask again later.
    """
    try:
        return do()
    except PortalUnavailableError:
        raise
    except PortalError as error:
        return failed(error.reason)
    except SoftTimeLimitExceeded:
        return failed("it took too long")
    except Exception as error:  # the reader gets words, the log the type and place
        log.exception("a job failed")
        return failed(f"an unexpected error ({type(error).__name__})")

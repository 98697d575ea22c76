"""Requests that waited until their token had ended are sent again, with a fresh one.

The portal refuses them, for a token opens a study for a day and no longer; the worker
answers so. That answer is none: nothing was read and nothing is known of the study.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.db import transaction

from apps.audit.events import Event
from apps.audit.services import record_each
from apps.core import clock
from apps.inference.audited import about_run
from apps.inference.services import NO_ANSWER, lock_run
from apps.inference.types import FINAL_STATES, Renewal, RunState
from apps.studies.machine import LIFETIME_S
from workers.contracts import OUTDATED

if TYPE_CHECKING:
    from datetime import datetime

    from apps.accounts.types import Actor
    from workers.contracts import InferResult

MAX_RENEWALS: Final = 3
"""Days that workers may be away; what waits longer has failed, and may be retried."""
_TOKEN_LIFE: Final = timedelta(seconds=LIFETIME_S)


def is_outdated(result: InferResult) -> bool:
    """Say whether an answer is none: the request had waited until its token ended."""
    return result.state == RunState.FAILED and result.reason == OUTDATED


def is_on_its_way(*, requested_at: datetime | None) -> bool:
    """Say whether a request was sent since, whose token is still good.

    The portal sends what is overdue again, so that several requests of one run may
    wait; of those that are refused for their age the first has another sent.
    """
    return requested_at is not None and requested_at > clock.now() - _TOKEN_LIFE


@transaction.atomic
def renew_run(*, actor: Actor, run_id: UUID) -> Renewal:
    """Let a run whose request is outdated begin anew, as if it were asked for now.

    One that was given up because no worker answered is taken up again: it never had
    its turn. At most `MAX_RENEWALS` times, on record each.

    Returns:
        What is to be done; `FAIL` leaves the run as it is, for its answer to be
        recorded.

    Raises:
        NotFound: There is no such run.
    """
    run = lock_run(run_id=run_id)
    given_up = run.state == RunState.FAILED and run.reason.startswith(NO_ANSWER)
    if run.state in FINAL_STATES and not given_up:
        return Renewal.LEAVE
    if is_on_its_way(requested_at=run.requested_at):
        return Renewal.LEAVE
    if run.set_aside_at is not None or run.renewals >= MAX_RENEWALS:
        return Renewal.FAIL
    since = run.requested_at
    run.state, run.reason, run.attempts = RunState.QUEUED, "", 0
    run.requested_at = run.finished_at = None
    run.renewals += 1
    run.save()
    sent = since and since.isoformat()
    about = about_run(run, requested_at=sent, renewals=run.renewals)
    record_each(actor=actor, event=Event.INFERENCE_RENEW, about=[about])
    return Renewal.SEND

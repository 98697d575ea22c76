"""Runs whose request waited until its token had ended begin anew."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction

from apps.audit.events import Event
from apps.audit.services import record_each
from apps.inference.audited import about_run
from apps.inference.services import NO_ANSWER, lock_run
from apps.inference.types import FINAL_STATES, RunState
from apps.studies.renewing import judge_renewal
from apps.studies.types import Renewal

if TYPE_CHECKING:
    from apps.accounts.types import Actor


@transaction.atomic
def renew_run(*, actor: Actor, run_id: UUID) -> Renewal:
    """Let a run whose request is outdated begin anew, as if it were asked for now.

    One that was given up because no worker answered is taken up again: it never had
    its turn. On record each time.

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
    renewal = judge_renewal(
        requested_at=run.requested_at,
        renewals=run.renewals,
        is_wanted=run.set_aside_at is None,
    )
    if renewal is not Renewal.SEND:
        return renewal
    since = run.requested_at
    run.state, run.reason, run.attempts = RunState.QUEUED, "", 0
    run.requested_at = run.finished_at = None
    run.renewals += 1
    run.save()
    sent = since and since.isoformat()
    about = about_run(run, requested_at=sent, renewals=run.renewals)
    record_each(actor=actor, event=Event.INFERENCE_RENEW, about=[about])
    return Renewal.SEND

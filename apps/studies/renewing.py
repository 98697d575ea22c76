"""Requests that waited until their token had ended are sent again, with a fresh one.

The portal refuses them, for a token opens a study for a day and no longer; the worker
answers so. That answer is none: nothing was read and nothing is known of the study.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, Protocol

from apps.core import clock
from apps.studies.machine import LIFETIME_S
from apps.studies.types import Renewal
from workers.contracts import OUTDATED

if TYPE_CHECKING:
    from datetime import datetime

MAX_RENEWALS: Final = 3
"""Days that workers may be away; what waits longer has failed, and may be retried."""
_FAILED: Final = "failed"
_TOKEN_LIFE: Final = timedelta(seconds=LIFETIME_S)


class Answer(Protocol):
    """What a worker says of a request, whatever it was for."""

    @property
    def state(self) -> str:
        """How it ended."""

    @property
    def reason(self) -> str:
        """Why it ended so."""


def is_outdated(result: Answer) -> bool:
    """Say whether an answer is none: the request had waited until its token ended."""
    return result.state == _FAILED and result.reason == OUTDATED


def judge_renewal(
    *, requested_at: datetime | None, renewals: int, is_wanted: bool = True
) -> Renewal:
    """Return what is to be done about a request that was answered `OUTDATED`.

    The portal sends what is overdue again, so that several requests for one thing may
    wait; of those that are refused for their age the first has another sent, whose
    token is good while the others are refused.

    Args:
        requested_at: When the last request was sent; None for one that was not yet.
        renewals: How often it was sent again for this.
        is_wanted: Whether anybody wants the answer still.
    """
    if requested_at is not None and requested_at > clock.now() - _TOKEN_LIFE:
        return Renewal.LEAVE
    if not is_wanted or renewals >= MAX_RENEWALS:
        return Renewal.FAIL
    return Renewal.SEND

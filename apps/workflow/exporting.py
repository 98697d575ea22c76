"""Back to the archive: results, comparisons and verdicts, which nobody waits for."""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.db import DatabaseError

from apps.accounts.types import SYSTEM
from apps.core import clock
from apps.core.errors import DomainError
from apps.core.queue import enqueue
from apps.core.steps import Step
from apps.inference import selectors as inference
from apps.interop.types import ArchiveError
from apps.reports.services import (
    export_comparison,
    export_reading,
    export_result,
    export_verified,
)
from apps.workflow.urgency import LAST

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

log = logging.getLogger(__name__)

EXPORT_QUEUE: Final = "exports"
"""Results into the archive: what nobody waits for, by processes of its own."""
GO_FIRST: Final = timedelta(minutes=1)
"""So long a result waits for the models before it is written into the archive."""
GO_FIRST_LOOK_S: Final = 0.5
LOST_IN_A_QUEUE: Final = timedelta(hours=1)


def export_soon(*, run_id: UUID) -> None:
    """Have a result written into the archive."""
    enqueue(Step.EXPORT_RESULT, queue=EXPORT_QUEUE, priority=LAST, run_id=str(run_id))


def export_each_soon(*, run_ids: Sequence[UUID]) -> None:
    """Have results that are on record together written by one message."""
    if len(run_ids) == 1:
        export_soon(run_id=run_ids[0])
        return
    enqueue(
        Step.EXPORT_RESULTS,
        queue=EXPORT_QUEUE,
        priority=LAST,
        run_ids=[str(run_id) for run_id in run_ids],
    )


def let_models_go_first(
    *, run_ids: Sequence[UUID], pause: Callable[[float], None] = time.sleep
) -> None:
    """Wait while models have studies in hand: nobody waits for what is written after.

    At most until the oldest of these results is `GO_FIRST` old, so that where models
    are never idle all is written a little later, and nothing is left.

    Args:
        run_ids: Whose results are to be written.
        pause: Lets so many seconds pass.
    """
    ended = inference.first_end_of(run_ids=run_ids)
    while ended is not None and clock.now() < ended + GO_FIRST:
        if not inference.in_hand(since=clock.now() - LOST_IN_A_QUEUE):
            return
        pause(GO_FIRST_LOOK_S)


def send_result(*, run_id: UUID) -> None:
    """Write an AI result into the archive."""
    export_result(actor=SYSTEM, run_id=run_id)


def send_results(*, run_ids: Sequence[UUID]) -> None:
    """Do the same with several; one that fails is left to the sweep."""
    for run_id in run_ids:
        try:
            send_result(run_id=run_id)
        except (ArchiveError, DomainError, DatabaseError) as error:
            log.warning("a result was not written: %s", type(error).__name__)


def send_change(*, comparison_id: UUID) -> None:
    """Write what became of a result since an earlier study into the archive."""
    export_comparison(actor=SYSTEM, comparison_id=comparison_id)


def send_reading(*, reading_id: UUID) -> None:
    """Write a signed verdict into the archive, after the results it answers.

    And once more when a preliminary one was verified.
    """
    export_reading(actor=SYSTEM, reading_id=reading_id)
    export_verified(actor=SYSTEM, reading_id=reading_id)

"""How a step is declared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery import shared_task

if TYPE_CHECKING:
    from collections.abc import Callable

    from apps.core.steps import Step

SOFT_LIMIT_S = 300
"""After this many seconds a step is asked to stop …"""
HARD_LIMIT_S = 330
"""… and after this many its process is ended; the message is then delivered again."""


def task(
    *, name: Step, soft_limit_s: int = SOFT_LIMIT_S, hard_limit_s: int = HARD_LIMIT_S
) -> Callable[[Callable[..., Any]], Any]:
    """Declare a function as the Celery task of a step.

    The message is acknowledged only after the work, and a killed worker gives it
    back, so every step must bear being run twice.

    Args:
        name: The step.
        soft_limit_s: Seconds until `SoftTimeLimitExceeded` is raised inside.
        hard_limit_s: Seconds until the process is killed.
    """

    def declare(function: Callable[..., Any]) -> Any:
        return shared_task(
            name=name.value,
            acks_late=True,
            reject_on_worker_lost=True,
            ignore_result=True,
            serializer="json",
            soft_time_limit=soft_limit_s,
            time_limit=hard_limit_s,
        )(function)

    return declare

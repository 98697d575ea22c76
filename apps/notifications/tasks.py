"""Sending as Celery tasks: thin, named, repeatable."""

from __future__ import annotations

from uuid import UUID

from apps.core.steps import Step
from apps.core.tasks import task
from apps.notifications import sending


@task(name=Step.DELIVER_NOTIFICATION, soft_limit_s=60, hard_limit_s=90)
def deliver(*, delivery_id: str) -> None:
    """Try to send one message."""
    sending.deliver(delivery_id=UUID(delivery_id))


@task(name=Step.DELIVER_DUE)
def deliver_due() -> None:
    """Set going again what was lost."""
    sending.deliver_due()

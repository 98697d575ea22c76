"""Enqueue by name, on commit.

The row's state is the truth and the queue is a hint: when the broker is down the
request still succeeds, the failure is logged, and the sweep finds the row.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import redis
from amqp.exceptions import ChannelError
from celery import current_app
from django.conf import settings
from django.db import transaction
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from workers.contracts import CHANNEL_URGENT, attempt_keys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apps.core.steps import Step

log = logging.getLogger(__name__)

_STEP = "\x06\x16"
"""What Redis' transport puts between a queue's name and a priority."""
_STEPS = (0, 3, 6, 9)


@dataclass(frozen=True, slots=True)
class Message:
    """What would have been sent.

    Attributes:
        name: The task's.
        queue: Where it would have gone.
        kwargs: The task's arguments.
        priority: 0 (first) to 9; None where it was not said.
    """

    name: str
    queue: str
    kwargs: dict[str, Any]
    priority: int | None = None


_kept: ContextVar[list[Message] | None] = ContextVar("kept", default=None)


@contextmanager
def messages_kept() -> Iterator[list[Message]]:
    """Keep what this thread would send in a block, for the caller to do itself.

    Yields:
        The messages in the order of their commits; it grows while the block runs.
    """
    messages: list[Message] = []
    before = _kept.set(messages)
    try:
        yield messages
    finally:
        _kept.reset(before)


def enqueue(
    step: Step,
    *,
    queue: str = "portal",
    countdown: float | None = None,
    priority: int | None = None,
    **kwargs: Any,
) -> None:
    """Send a step of our own once the present transaction has committed.

    Args:
        step: Which one; its value is the task's name.
        queue: `portal` unless a step has a queue of its own.
        countdown: Seconds to wait before it may run.
        priority: 0 (first) to 9, as Redis orders them.
        **kwargs: The step's arguments: ids and hashes, never patient data.
    """
    options: dict[str, Any] = {"countdown": countdown, "priority": priority}
    transaction.on_commit(partial(_send, step.value, queue, kwargs, options))


def send(
    task_name: str,
    queue: str,
    kwargs: dict[str, Any],
    *,
    priority: int | None = None,
) -> None:
    """Send a request to a worker (by its task's name) on commit."""
    options: dict[str, Any] = {"priority": priority}
    transaction.on_commit(partial(_send, task_name, queue, kwargs, options))


def announce_urgent() -> None:
    """Tell the models' workers now that something urgent is on its way to them.

    They begin with nothing else for a moment, so that putting it on record, which is
    before the request, does not wait for a burst either. Nobody need hear it.
    """
    if _kept.get() is not None:
        return
    try:
        _announcer().publish(CHANNEL_URGENT, "")
    except RedisError as error:
        log.warning("Something urgent was not announced (%s).", type(error).__name__)


@cache
def _announcer() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=0.5, socket_timeout=0.5
    )


def forget_losses(request_id: str) -> None:
    """Let the workers count anew how often a request loses them, on commit."""
    transaction.on_commit(partial(_forget, attempt_keys(request_id)))


def _forget(keys: tuple[str, ...]) -> None:
    try:
        with redis.Redis.from_url(
            settings.REDIS_URL, socket_connect_timeout=2, socket_timeout=5
        ) as client:
            client.delete(*keys)
    except RedisError as error:
        log.warning("The losses were not forgotten (%s).", type(error).__name__)


def messages_waiting(queue: str) -> int | None:
    """Return how many messages nobody has taken yet; None when the broker is away."""
    try:
        with current_app.connection_for_write() as connection:
            channel: Any = connection.default_channel
            found = channel.queue_declare(queue=queue, passive=True)
    except ChannelError:
        return 0  # a queue that was never used, or was emptied, is not there
    except (KombuError, RedisError, OSError):
        return None
    return int(found.message_count)


def waiting_by_priority(client: redis.Redis, queue: str) -> dict[int, int]:
    """Return how many messages wait by priority, 0 first: each has a list of its own.

    Raises:
        RedisError: The broker is away.
    """
    steps = settings.CELERY_BROKER_TRANSPORT_OPTIONS.get("priority_steps", _STEPS)
    names = {step: f"{queue}{_STEP}{step}" if step else queue for step in steps}
    return {step: int(str(client.llen(name))) for step, name in names.items()}


def _send(
    name: str, queue: str, kwargs: dict[str, Any], options: dict[str, Any]
) -> None:
    kept = _kept.get()
    if kept is not None:
        kept.append(Message(name, queue, kwargs, options["priority"]))
        return
    given = {key: value for key, value in options.items() if value is not None}
    try:
        # Workers' events repeat the arguments for whoever watches: not a token.
        current_app.send_task(
            name, kwargs=kwargs, queue=queue, retry=False, kwargsrepr="{…}", **given
        )
    except (KombuError, RedisError, OSError) as error:
        log.warning(
            "The queue did not take %s (%s); the sweep will send it again.",
            name,
            type(error).__name__,
        )

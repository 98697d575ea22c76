"""The workers' Celery applications, and how no request is lost with a worker.

What happens when something dies, with Redis as the broker:

- a child of the pool (killed, or crashed in C code): the parent sees it and puts
  the request back at once (`task_reject_on_worker_lost`), within a second;
- the whole worker: its request stays in the set of unacknowledged messages, and
  Redis' transport gives such messages back only after `visibility_timeout`. A
  short one would start a long task twice, so it stays at an hour. Instead each
  worker has such a set *of its own*, named after it, and empties it back into
  the queue when it starts: a worker that the supervisor restarts has its request
  again within seconds;
- a worker that never comes back: the portal's sweep sends the request anew.

So a request may be done twice, and never not at all; the portal takes the first
result and ignores the second.
"""

from __future__ import annotations

import logging
import re
import socket
import sys
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

import redis
from celery import Celery
from celery.signals import worker_init
from kombu import Queue
from kombu.exceptions import OperationalError

from workers.ending import end_soon_after_failure

log = logging.getLogger(__name__)

VISIBILITY_TIMEOUT_S: Final = 3600
PRIORITY_STEPS: Final = (0, 3, 6, 9)
"""Redis' transport keeps one list per step and empties 0 first; the portal's
settings name the same steps, for a list is found by its name only."""


def make_app(
    name: str,
    *,
    broker_url: str,
    queue: str,
    include: Sequence[str],
    limit_s: int | None,
) -> Celery:
    """Return a worker's Celery application.

    Args:
        name: Its name, for logs.
        broker_url: Redis, database 0.
        queue: The one queue that it consumes.
        include: Modules with its tasks.
        limit_s: Longest time of a task; it is told 30 s before it is killed. None
            where the task sees to it.
    """
    app = Celery(name, broker=broker_url, include=list(include), set_as_current=True)
    app.conf.update(
        accept_content=["json"],
        task_serializer="json",
        result_backend=None,
        task_ignore_result=True,
        task_default_queue=queue,
        task_queues=[Queue(queue)],
        task_create_missing_queues=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_time_limit=limit_s,
        task_soft_time_limit=None if limit_s is None else limit_s - 30,
        task_default_priority=6,
        worker_prefetch_multiplier=1,
        # The parent waits this long for a child that loads a model.
        worker_proc_alive_timeout=120.0,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_hijack_root_logger=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options=transport_options(node=node_name(queue=queue)),
        timezone="UTC",
        enable_utc=True,
    )
    end_soon_after_failure(app)
    return app


def transport_options(*, node: str) -> dict[str, Any]:
    """Return how the Redis transport is to work for one worker."""
    return {
        "visibility_timeout": VISIBILITY_TIMEOUT_S,
        "queue_order_strategy": "priority",
        "priority_steps": list(PRIORITY_STEPS),
        "socket_connect_timeout": 2,
        "socket_timeout": 5,
        "socket_keepalive": True,
        "unacked_key": f"unacked:{node}",
        "unacked_index_key": f"unacked_index:{node}",
        "unacked_mutex_key": f"unacked_mutex:{node}",
    }


def node_name(*, queue: str, arguments: Sequence[str] | None = None) -> str:
    """Return what tells this worker from others, the same after a restart.

    It is Celery's node name (`-n`), or the queue and the host when none is given.
    Two workers of one queue on one host need different node names: Celery itself
    asks for that.
    """
    given = list(sys.argv if arguments is None else arguments)
    host = socket.gethostname()
    name = f"{queue}@{host}"
    for flag, value in pairwise([*given, ""]):
        if flag in {"-n", "--hostname"}:
            name = value
        elif flag.startswith("--hostname="):
            name = flag.removeprefix("--hostname=")
    name = name.replace("%h", host).replace("%n", queue).replace("%d", "")
    return re.sub(r"[^A-Za-z0-9@._-]", "_", name)


def has_urgent(client: redis.Redis, *, queue: str) -> bool:
    """Say whether something of the first urgency waits in a queue.

    Its list has the queue's own name, those of the other steps have a suffix. Where
    the broker cannot be asked, nothing does.
    """
    try:
        return bool(client.llen(queue))
    except redis.RedisError:
        return False


def give_back(app: Celery) -> int:
    """Put requests of this worker's earlier life back into their queue.

    Returns:
        How many there were.
    """
    with app.connection_for_write() as connection:
        channel: Any = connection.default_channel  # Redis' own, with its own verbs
        with channel.conn_or_acquire() as client:
            tags = client.zrange(channel.unacked_index_key, 0, -1)
            for tag in tags:
                channel.qos.restore_by_tag(tag, client=client, leftmost=False)
    return len(tags)


def give_back_at_start(app: Celery) -> None:
    """Have `give_back` called when a worker of this application starts."""

    def _on_start(**_: Any) -> None:
        try:
            count = give_back(app)
        except (OperationalError, OSError) as error:
            log.warning("could not look for lost requests: %s", type(error).__name__)
            return
        if count:
            log.info("gave back %d request(s) of this worker's earlier life", count)

    worker_init.connect(_on_start, weak=False)

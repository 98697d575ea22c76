"""How the models' queue and its workers are, for the health page."""

from __future__ import annotations

import json
from typing import Any

import redis
from django.conf import settings
from django.db.models import Min

from apps.core import clock
from apps.core.health import State
from apps.core.queue import waiting_by_priority
from apps.inference.models import InferenceRun
from apps.inference.types import RunState
from apps.workflow.urgency import URGENCY
from workers.contracts import QUEUE_GPU, WORKER_KEYS


def check_models() -> tuple[State, str]:
    """What waits for the models by urgency, and how their workers are."""
    with redis.Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=1, socket_timeout=1
    ) as client:
        waiting = waiting_by_priority(client, QUEUE_GPU)
        workers = _workers(client)
    sentences = [_waiting(waiting), *(_worker(name, w) for name, w in workers)]
    if not workers:
        sentences.append("No worker tells how it is.")
    state = State.OK if workers else State.DEGRADED
    return state, " ".join(sentences)


def _waiting(waiting: dict[int, int]) -> str:
    counts = ", ".join(
        f"{band} {waiting.get(priority, 0)}" for band, priority in URGENCY.items()
    )
    return f"Waiting: {counts}{_oldest()}."


def _oldest() -> str:
    oldest = InferenceRun.objects.filter(
        state__in=[RunState.QUEUED, RunState.RUNNING]
    ).aggregate(at=Min("created_at"))["at"]
    if oldest is None:
        return ""
    return f"; the oldest for {int((clock.now() - oldest).total_seconds())} s"


def _workers(client: redis.Redis) -> list[tuple[str, dict[str, Any]]]:
    prefix = WORKER_KEYS.removesuffix("*")
    found = []
    for key in sorted(client.scan_iter(match=WORKER_KEYS)):
        told = client.get(key)
        if told:
            found.append((key.decode().removeprefix(prefix), json.loads(told)))
    return found


def _worker(name: str, told: dict[str, Any]) -> str:
    """Return a sentence on a worker; what it does not tell is left out."""
    models = ", ".join(
        f"{model} {size / 2**20:.1f} MB" for model, size in told.get("models", [])
    )
    batches = int(told.get("batches", 0))
    each = told.get("images", 0) / batches if batches else 0.0
    answers = told.get("answers", {})
    parts = [
        f"in hand {told.get('in_hand', 0)}",
        f"{told.get('per_minute', 0):g} studies a minute",
        f"{batches} batches of {each:.1f} images",
        f"models: {models or 'none'}",
        f"memory {told.get('memory_mb', 0)} MB",
        f"given up {answers.get('failed', 0)}",
        f"started again {told.get('restarts', 0)} times",
    ]
    return f"{name} ({told.get('device', 'models not loaded')}): {', '.join(parts)}."

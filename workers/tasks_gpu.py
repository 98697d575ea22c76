"""The task of the GPU workers: hand a request to the process that runs models, answer.

The worker's threads wait; the models are in a process of their own
(`workers.supervisor`), and so is whatever a study may do to it.
"""

from __future__ import annotations

import json
import logging
import threading
import zlib
from collections import OrderedDict
from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import redis
from celery import Task
from celery.signals import worker_init, worker_shutdown

from workers.announcing import Listener
from workers.attempts import DEFER_S, LOST, MAX_ATTEMPTS, TOO_LATE, Attempts, Turn
from workers.broker import has_urgent
from workers.celery_gpu import app
from workers.contracts import (
    PRIORITY_MAX,
    QUEUE_GPU,
    QUEUE_PORTAL,
    TASK_ACCEPT_EXPLANATION,
    TASK_ACCEPT_RESULTS,
    TASK_INFER,
    InferRequest,
    InferResult,
)
from workers.gathering import Gatherer
from workers.portal_client import PortalUnavailableError
from workers.settings import read_settings
from workers.supervisor import ProcessLostError, Supervisor
from workers.telling import Teller

log = logging.getLogger(__name__)

MAX_RETRIES: Final = 5
MAX_STARTS: Final = 5
ANSWERS_AT_ONCE: Final = 32
ANSWERS_WAIT_S: Final = 0.4
"""To record one answer takes half as long as to record sixteen together; it is waited
for as long as so many need at full speed."""
_MAX_REMEMBERED: Final = 2048

_answered: OrderedDict[str, bytes] = OrderedDict()
"""Answers of this process by run: the portal asks again when its queue is long.

Packed: as objects two thousand of them are tens of megabytes.
"""
_answering = threading.Lock()


@cache
def _supervisor() -> Supervisor:
    return Supervisor(limit_s=read_settings().limit_s)


@cache
def _attempts() -> Attempts:
    return Attempts(broker_url=read_settings().broker_url)


@cache
def _teller() -> Teller:
    return Teller(broker_url=read_settings().broker_url, supervisor=_supervisor())


@cache
def _listener() -> Listener:
    return Listener(broker_url=read_settings().broker_url, heard=_supervisor().make_way)


@cache
def _outbox() -> Gatherer[InferResult, None]:
    return Gatherer(
        work=_send,
        most=ANSWERS_AT_ONCE,
        wait_s=ANSWERS_WAIT_S,
        in_hand=lambda: _supervisor().in_hand,
        is_hurried=_is_hurried,
    )


def _send(results: Sequence[InferResult], priority: int) -> Sequence[None]:
    app.send_task(
        TASK_ACCEPT_RESULTS,
        kwargs={"results": [result.to_message() for result in results]},
        queue=QUEUE_PORTAL,
        priority=priority,
    )
    given_up = (LOST, TOO_LATE)
    _attempts().end(*(one.run_id for one in results if one.reason not in given_up))
    return [None] * len(results)


def _tell_explained(result: InferResult) -> None:
    """Tell the portal where findings come from, after everything else."""
    app.send_task(
        TASK_ACCEPT_EXPLANATION,
        kwargs={"result": result.to_message()},
        queue=QUEUE_PORTAL,
        priority=PRIORITY_MAX,
    )
    if result.reason not in (LOST, TOO_LATE):
        _attempts().end(result.run_id)


def _is_hurried() -> bool:
    """Say whether something urgent waits for one of those in hand to be over."""
    return has_urgent(_broker(), queue=QUEUE_GPU)


@cache
def _broker() -> redis.Redis:
    return redis.Redis.from_url(
        read_settings().broker_url, socket_timeout=5, socket_connect_timeout=2
    )


@worker_init.connect
def _start(**_: Any) -> None:
    """Load the models before the first study asks for one."""
    try:
        _supervisor().start()
    except ProcessLostError:
        log.error("the process that runs models does not start; it is tried again")
    _teller().start()
    _listener().start()


@worker_shutdown.connect
def _stop(**_: Any) -> None:
    _listener().stop()
    _teller().stop()
    _supervisor().close()


def ask(wanted: InferRequest, **more: Any) -> InferResult:
    """Hand a request to the process, see `Supervisor.ask`."""
    return _supervisor().ask(wanted, **more)


@app.task(name=TASK_INFER, bind=True, max_retries=MAX_RETRIES + MAX_ATTEMPTS)
def infer(self: Task[..., None], *, request: dict[str, Any]) -> None:
    """Run a model on a study revision, or explain what it found, and tell the portal.

    Args:
        self: The task.
        request: An `InferRequest` message.
    """
    wanted = InferRequest.from_message(request)
    try:
        result = _known(wanted.run_id) or _find_out(self, wanted)
    except PortalUnavailableError as error:
        if self.request.retries < MAX_RETRIES:
            raise self.retry(exc=error, countdown=2**self.request.retries) from error
        result = _failed(wanted, "the portal could not be reached")
    if wanted.explain:
        _tell_explained(result)
        return
    _outbox().do(result, priority=wanted.priority)
    _teller().count(result.state)
    _remember(result)


def _find_out(task: Task[..., None], wanted: InferRequest) -> InferResult:
    """Ask the process; what dies with it is asked again, a suspect alone."""
    is_suspect = False
    for _ in range(MAX_STARTS):
        turn, losses = _attempts().look(wanted.run_id)
        if turn is Turn.NEVER:
            log.warning("run given up: it lost its worker too often")
            return _failed(wanted, LOST)
        if turn is Turn.LATER:
            raise task.retry(countdown=DEFER_S * losses)
        outcome = _once(wanted, is_alone=is_suspect or losses > 0)
        if isinstance(outcome, InferResult):
            return outcome
        is_suspect |= outcome
    raise task.retry(countdown=DEFER_S)


def _once(wanted: InferRequest, *, is_alone: bool) -> InferResult | bool:
    """Return the answer, or, when the process died, whether this may be why."""
    attempts, begun = _attempts(), threading.Event()

    def begin() -> None:
        begun.set()
        attempts.count(wanted.run_id)

    try:
        return ask(wanted, is_alone=is_alone, begun=begin)
    except PortalUnavailableError:
        if begun.is_set():
            attempts.excuse(wanted.run_id)
        raise
    except ProcessLostError as lost:
        if not begun.is_set():
            return False
        if not (is_alone or lost.was_alone):
            # It may have been a neighbour: nobody is charged, and it shows alone.
            attempts.excuse(wanted.run_id)
        elif attempts.losses(wanted.run_id) >= MAX_ATTEMPTS:
            return _failed(wanted, TOO_LATE if lost.was_late else LOST)
        return True


def _known(run_id: str) -> InferResult | None:
    with _answering:
        found = _answered.get(run_id)
    if found is None:
        return None
    return InferResult.from_message(json.loads(zlib.decompress(found)))


def _remember(result: InferResult) -> None:
    """Keep an answer, so that the same question costs nothing."""
    if result.state == "failed":
        return
    packed = zlib.compress(json.dumps(result.to_message()).encode(), level=1)
    with _answering:
        _answered[result.run_id] = packed
        while len(_answered) > _MAX_REMEMBERED:
            _answered.popitem(last=False)


def _failed(request: InferRequest, reason: str) -> InferResult:
    return InferResult(
        run_id=request.run_id,
        package_hash=request.package_hash,
        state="failed",
        reason=reason,
    )

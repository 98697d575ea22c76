"""The task of the GPU workers: fetch, infer, answer."""

from __future__ import annotations

import logging
from collections import OrderedDict
from functools import cache
from typing import Any

import httpx
from celery import Task
from celery.exceptions import SoftTimeLimitExceeded
from celery.signals import worker_process_init

from workers.attempts import DEFER_S, LOST, MAX_ATTEMPTS, Attempts, Turn
from workers.celery_gpu import app
from workers.contracts import (
    QUEUE_PORTAL,
    TASK_ACCEPT_RESULT,
    TASK_INFER,
    InferRequest,
    InferResult,
)
from workers.inference.predict import limit_threads, pick_device
from workers.inference.run import run_inference
from workers.inference.store import ModelStore, ModelUnavailableError
from workers.inference.trust import TrustedModels
from workers.inference.workplace import Workplace
from workers.packs.isolation import IsolatedDecoder
from workers.portal_client import PortalClient, PortalError, PortalUnavailableError
from workers.settings import WorkerSettings, read_settings

log = logging.getLogger(__name__)

MAX_RETRIES = 5
_MAX_REMEMBERED = 256

_answered: OrderedDict[str, dict[str, Any]] = OrderedDict()
"""Answers of this process by run: the portal asks again when its queue is long."""


def make_workplace(settings: WorkerSettings) -> Workplace:
    """Return what a worker process keeps: models, decoder, device."""
    limit_threads(settings.torch_threads)
    device = pick_device()
    return Workplace(
        store=ModelStore(
            trusted=TrustedModels(
                public_key=settings.model_key,
                key_file=settings.models_dir / "signing.pub",
            ),
            shipped=settings.shipped_models,
            cache=settings.models_dir / "cache",
            device=device,
        ),
        decoder=IsolatedDecoder(),
        device=device,
    )


@cache
def _workplace() -> Workplace:
    return make_workplace(read_settings())


@worker_process_init.connect
def _warm_up(**_: Any) -> None:
    """Load the shipped models before the first study asks for one."""
    _workplace().decoder.start()
    try:
        names = _workplace().store.warm()
    except ModelUnavailableError as error:
        log.warning("a shipped model was not loaded: %s", error)
        return
    log.info("ready with %d model(s) on %s", len(names), _workplace().device)


@app.task(name=TASK_INFER, bind=True, max_retries=MAX_RETRIES + MAX_ATTEMPTS)
def infer(self: Task[..., None], *, request: dict[str, Any]) -> None:
    """Run a model on a study revision and tell the portal.

    Args:
        self: The task.
        request: An `InferRequest` message.
    """
    wanted = InferRequest.from_message(request)
    attempts = Attempts(broker_url=read_settings().broker_url)
    try:
        result = _result(self, wanted, attempts=attempts)
    except PortalUnavailableError as error:
        attempts.excuse(wanted.run_id)
        if self.request.retries < MAX_RETRIES:
            raise self.retry(exc=error, countdown=2**self.request.retries) from error
        result = _failed(wanted, "the portal could not be reached")
    app.send_task(
        TASK_ACCEPT_RESULT, kwargs={"result": result.to_message()}, queue=QUEUE_PORTAL
    )
    if result.reason != LOST:
        attempts.end(wanted.run_id)
    _remember(result)


def _result(
    task: Task[..., None], wanted: InferRequest, *, attempts: Attempts
) -> InferResult:
    """Return what is known, or find it out; a request that was lost waits first."""
    if wanted.run_id in _answered:
        return InferResult.from_message(_answered[wanted.run_id])
    turn = attempts.begin(wanted.run_id)
    if turn is Turn.NEVER:
        log.warning("run given up: it lost its worker too often")
        return _failed(wanted, LOST)
    if turn is Turn.LATER:
        wait_s = DEFER_S * attempts.losses(wanted.run_id)
        raise task.retry(countdown=wait_s)
    return answer(wanted, workplace=_workplace())


def _remember(result: InferResult) -> None:
    """Keep an answer, so that the same question costs nothing."""
    if result.state == "failed":
        return
    _answered[result.run_id] = result.to_message()
    while len(_answered) > _MAX_REMEMBERED:
        _answered.popitem(last=False)


def answer(
    request: InferRequest,
    *,
    workplace: Workplace,
    transport: httpx.BaseTransport | None = None,
) -> InferResult:
    """Do a request; what goes wrong for good is an answer too.

    Args:
        request: What is asked.
        workplace: Models, decoder and device.
        transport: What carries HTTP; the network by default.

    Raises:
        PortalUnavailableError: The portal gives no answer; ask again later.
    """
    try:
        with PortalClient(
            portal_url=request.portal_url,
            token=request.token,
            revision_id=request.revision_id,
            transport=transport,
        ) as portal:
            return run_inference(request, portal=portal, workplace=workplace)
    except PortalUnavailableError:
        raise
    except (PortalError, ModelUnavailableError) as error:
        log.warning("run failed: %s", error)
        return _failed(request, str(error))
    except SoftTimeLimitExceeded:
        return _failed(request, "it took too long")
    except Exception as error:  # the reader gets words, the log the type and place
        log.exception("run failed")
        return _failed(request, f"an unexpected error ({type(error).__name__})")


def _failed(request: InferRequest, reason: str) -> InferResult:
    return InferResult(
        run_id=request.run_id,
        package_hash=request.package_hash,
        state="failed",
        reason=reason,
    )

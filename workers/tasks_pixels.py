"""The task of the pixels workers: fetch, build, answer."""

from __future__ import annotations

import logging
import time
from functools import cache
from typing import Any

import httpx
from celery import Task
from celery.exceptions import SoftTimeLimitExceeded
from celery.signals import worker_process_init

from workers.attempts import DEFER_S, LOST, MAX_ATTEMPTS, Attempts, Turn
from workers.celery_pixels import app
from workers.contracts import (
    QUEUE_PORTAL,
    TASK_ACCEPT_PACK,
    TASK_PACK,
    PackRequest,
    PackResult,
)
from workers.packs.build import build_pack
from workers.packs.isolation import IsolatedDecoder
from workers.portal_client import PortalClient, PortalError, PortalUnavailableError
from workers.settings import WorkerSettings, read_settings

log = logging.getLogger(__name__)

MAX_RETRIES = 5


@cache
def _decoder() -> IsolatedDecoder:
    """Return this process' decoder; starting one takes longer than a small study."""
    return IsolatedDecoder()


@worker_process_init.connect
def _warm_up(**_: Any) -> None:
    """Start the decoder before the first study asks for it."""
    _decoder().start()


@app.task(name=TASK_PACK, bind=True, max_retries=MAX_RETRIES + MAX_ATTEMPTS)
def build_pack_task(self: Task[..., None], *, request: dict[str, Any]) -> None:
    """Build a study revision's pixel pack and tell the portal.

    Args:
        self: The task.
        request: A `PackRequest` message.
    """
    wanted = PackRequest.from_message(request)
    attempts = Attempts(broker_url=read_settings().broker_url)
    try:
        result = _result(self, wanted, attempts=attempts)
    except PortalUnavailableError as error:
        attempts.excuse(wanted.request_id)
        if self.request.retries < MAX_RETRIES:
            raise self.retry(exc=error, countdown=2**self.request.retries) from error
        result = _failed(wanted, "the portal could not be reached")
    app.send_task(
        TASK_ACCEPT_PACK, kwargs={"result": result.to_message()}, queue=QUEUE_PORTAL
    )
    if result.reason != LOST:
        attempts.end(wanted.request_id)


def _result(
    task: Task[..., None], wanted: PackRequest, *, attempts: Attempts
) -> PackResult:
    """Build the pack; a request that lost its worker waits first."""
    turn = attempts.begin(wanted.request_id)
    if turn is Turn.NEVER:
        log.warning("pack given up: it lost its worker too often")
        return _failed(wanted, LOST)
    if turn is Turn.LATER:
        wait_s = DEFER_S * attempts.losses(wanted.request_id)
        raise task.retry(countdown=wait_s)
    return make_pack(wanted, settings=read_settings(), decoder=_decoder())


def make_pack(
    request: PackRequest,
    *,
    settings: WorkerSettings,
    decoder: IsolatedDecoder,
    transport: httpx.BaseTransport | None = None,
) -> PackResult:
    """Build the pack of a request; what goes wrong for good is an answer too.

    Args:
        request: What is asked.
        settings: Where packs are written.
        decoder: Decodes what browsers can not.
        transport: What carries HTTP; the network by default.

    Raises:
        PortalUnavailableError: The portal gives no answer; ask again later.
    """
    started = time.monotonic()
    try:
        with PortalClient(
            portal_url=request.portal_url,
            token=request.token,
            revision_id=request.revision_id,
            transport=transport,
        ) as portal:
            summary = build_pack(
                root=settings.packs_dir,
                revision_id=request.revision_id,
                source_hash=request.source_hash,
                source=portal,
                decoder=decoder,
            )
    except PortalError as error:
        return _failed(request, error.reason)
    except OSError as error:
        log.exception("pack not written")
        return _failed(request, f"the disk could not be written ({error.strerror})")
    except SoftTimeLimitExceeded:
        return _failed(request, "it took too long")
    except PortalUnavailableError:
        raise
    except Exception as error:  # the reader gets words, the log the type and place
        log.exception("pack not built")
        return _failed(request, f"an unexpected error ({type(error).__name__})")
    return PackResult(
        request_id=request.request_id,
        revision_id=request.revision_id,
        state="ready",
        n_series=summary.n_series,
        n_instances=summary.n_instances,
        n_frames=summary.n_frames,
        n_bytes=summary.n_bytes,
        timings={"build_s": round(time.monotonic() - started, 4)},
    )


def _failed(request: PackRequest, reason: str) -> PackResult:
    return PackResult(
        request_id=request.request_id,
        revision_id=request.revision_id,
        state="failed",
        reason=reason,
    )

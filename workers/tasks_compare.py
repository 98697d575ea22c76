"""The task that compares what a model marked with what it marked earlier."""

from __future__ import annotations

import logging
from functools import cache
from typing import Any, Final

import httpx
import numpy as np
from celery import Task
from celery.exceptions import SoftTimeLimitExceeded

from workers.attempts import DEFER_S, LOST, MAX_ATTEMPTS, Attempts, Turn
from workers.celery_pixels import app
from workers.compare_contracts import (
    TASK_ACCEPT_COMPARISON,
    TASK_COMPARE,
    CompareRequest,
    CompareResult,
)
from workers.contracts import PRIORITY_MAX, QUEUE_PORTAL
from workers.longitudinal.compare import Side, compare_sides, load_side
from workers.longitudinal.registration import NotComparableError
from workers.packs.isolation import IsolatedDecoder
from workers.portal_client import PortalClient, PortalError, PortalUnavailableError
from workers.settings import read_settings

log = logging.getLogger(__name__)

MAX_RETRIES: Final = 5


@cache
def _decoder() -> IsolatedDecoder:
    return IsolatedDecoder()


@app.task(name=TASK_COMPARE, bind=True, max_retries=MAX_RETRIES + MAX_ATTEMPTS)
def compare_task(self: Task[..., None], *, request: dict[str, Any]) -> None:
    """Compare two studies and tell the portal.

    Args:
        self: The task.
        request: A `CompareRequest` message.
    """
    wanted = CompareRequest.from_message(request)
    attempts = Attempts(broker_url=read_settings().broker_url)
    turn = attempts.begin(wanted.comparison_id)
    if turn is Turn.LATER:
        raise self.retry(countdown=DEFER_S * attempts.losses(wanted.comparison_id))
    try:
        result = (
            _failed(wanted, LOST)
            if turn is Turn.NEVER
            else compare(wanted, decoder=_decoder())
        )
    except PortalUnavailableError as error:
        attempts.excuse(wanted.comparison_id)
        if self.request.retries < MAX_RETRIES:
            raise self.retry(exc=error, countdown=2**self.request.retries) from error
        result = _failed(wanted, "the portal could not be reached")
    app.send_task(
        TASK_ACCEPT_COMPARISON,
        kwargs={"result": result.to_message()},
        queue=QUEUE_PORTAL,
        priority=PRIORITY_MAX,
    )
    if turn is not Turn.NEVER:
        attempts.end(wanted.comparison_id)


def compare(
    request: CompareRequest,
    *,
    decoder: IsolatedDecoder,
    transport: httpx.BaseTransport | None = None,
) -> CompareResult:
    """Do what a request asks; what goes wrong for good is an answer too.

    Args:
        request: What is asked.
        decoder: Decodes the images.
        transport: What carries HTTP; the network by default.

    Raises:
        PortalUnavailableError: The portal gives no answer; ask again later.
    """
    try:
        now, then = _sides(request, decoder=decoder, transport=transport)
        registration, lesions = compare_sides(now=now, then=then)
    except NotComparableError as error:
        return CompareResult(
            comparison_id=request.comparison_id,
            state="incomparable",
            reason=str(error),
        )
    except PortalError as error:
        return _failed(request, str(error))
    except SoftTimeLimitExceeded:
        return _failed(request, "it took too long")
    except PortalUnavailableError:
        raise
    except Exception as error:  # the reader gets words, the log the type and place
        log.exception("studies not compared")
        return _failed(request, f"an unexpected error ({type(error).__name__})")
    return CompareResult(
        comparison_id=request.comparison_id,
        state="done",
        registration={
            "overlap": round(registration.overlap, 3),
            "correlation": round(registration.correlation, 3),
            "inconsistency_mm": round(registration.inconsistency_mm, 2),
            "turn_degrees": round(registration.to_now.degrees, 1),
            "shift_mm": round(float(np.linalg.norm(registration.to_now.shift)), 1),
        },
        lesions=tuple(lesions),
    )


def _sides(
    request: CompareRequest,
    *,
    decoder: IsolatedDecoder,
    transport: httpx.BaseTransport | None,
) -> tuple[Side, Side]:
    """Fetch both studies; one connection each, for a token opens one study."""
    with (
        PortalClient(
            portal_url=request.portal_url,
            token=request.token,
            revision_id=request.revision_id,
            transport=transport,
        ) as portal,
        PortalClient(
            portal_url=request.portal_url,
            token=request.prior_token,
            revision_id=request.prior_revision_id,
            transport=transport,
        ) as prior,
    ):
        work = portal.read_comparison(request.comparison_id)
        now, then = (
            load_side(
                client,
                series_uid=work[side]["series_uid"],
                masks=[
                    (
                        said,
                        portal.read_compared_mask(
                            request.comparison_id, said["sha256"]
                        ),
                    )
                    for said in work[side]["masks"]
                ],
                decoder=decoder,
            )
            for side, client in (("now", portal), ("then", prior))
        )
    return now, then


def _failed(request: CompareRequest, reason: str) -> CompareResult:
    return CompareResult(
        comparison_id=request.comparison_id, state="failed", reason=reason
    )

"""The task that compares what a model marked with what it marked earlier."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import httpx
import numpy as np
from celery import Task

from workers.celery_pixels import app
from workers.compare_contracts import (
    TASK_ACCEPT_COMPARISON,
    TASK_COMPARE,
    CompareRequest,
    CompareResult,
)
from workers.contracts import PRIORITY_MAX
from workers.jobs import MOST_RETRIES, answered, carry_out
from workers.longitudinal.compare import Side, compare_sides, load_side
from workers.longitudinal.registration import NotComparableError
from workers.packs.isolation import IsolatedDecoder
from workers.portal_client import PortalClient


@cache
def _decoder() -> IsolatedDecoder:
    return IsolatedDecoder()


@app.task(name=TASK_COMPARE, bind=True, max_retries=MOST_RETRIES)
def compare_task(self: Task[..., None], *, request: dict[str, Any]) -> None:
    """Compare two studies and tell the portal.

    Args:
        self: The task.
        request: A `CompareRequest` message.
    """
    wanted = CompareRequest.from_message(request)
    carry_out(
        self,
        job_id=wanted.comparison_id,
        do=lambda: compare(wanted, decoder=_decoder()),
        failed=partial(_failed, wanted),
        answer_task=TASK_ACCEPT_COMPARISON,
        priority=PRIORITY_MAX,
    )


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
    return answered(
        lambda: _compared(request, decoder=decoder, transport=transport),
        failed=partial(_failed, request),
    )


def _compared(
    request: CompareRequest,
    *,
    decoder: IsolatedDecoder,
    transport: httpx.BaseTransport | None,
) -> CompareResult:
    try:
        now, then = _sides(request, decoder=decoder, transport=transport)
        registration, lesions = compare_sides(now=now, then=then)
    except NotComparableError as error:
        return CompareResult(
            comparison_id=request.comparison_id,
            state="incomparable",
            reason=str(error),
        )
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

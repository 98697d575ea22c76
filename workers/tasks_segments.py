"""The task that fills the images between those that a segment was drawn on."""

from __future__ import annotations

import gzip
import hashlib
import logging
from typing import Any, Final

import httpx
import numpy as np
from celery import Task
from celery.exceptions import SoftTimeLimitExceeded
from numpy.typing import NDArray

from workers.attempts import DEFER_S, LOST, MAX_ATTEMPTS, Attempts, Turn
from workers.celery_pixels import app
from workers.contracts import QUEUE_PORTAL
from workers.measures.interpolation import fill_between
from workers.portal_client import PortalClient, PortalError, PortalUnavailableError
from workers.segment_contracts import (
    TASK_ACCEPT_INTERPOLATION,
    TASK_INTERPOLATE,
    InterpolateRequest,
    InterpolateResult,
)
from workers.settings import read_settings

log = logging.getLogger(__name__)

MAX_RETRIES: Final = 5


@app.task(name=TASK_INTERPOLATE, bind=True, max_retries=MAX_RETRIES + MAX_ATTEMPTS)
def interpolate_task(self: Task[..., None], *, request: dict[str, Any]) -> None:
    """Interpolate a segment between slices and tell the portal.

    Args:
        self: The task.
        request: An `InterpolateRequest` message.
    """
    wanted = InterpolateRequest.from_message(request)
    attempts = Attempts(broker_url=read_settings().broker_url)
    turn = attempts.begin(wanted.job_id)
    if turn is Turn.LATER:
        raise self.retry(countdown=DEFER_S * attempts.losses(wanted.job_id))
    try:
        result = _failed(wanted, LOST) if turn is Turn.NEVER else interpolate(wanted)
    except PortalUnavailableError as error:
        attempts.excuse(wanted.job_id)
        if self.request.retries < MAX_RETRIES:
            raise self.retry(exc=error, countdown=2**self.request.retries) from error
        result = _failed(wanted, "the portal could not be reached")
    app.send_task(
        TASK_ACCEPT_INTERPOLATION,
        kwargs={"result": result.to_message()},
        queue=QUEUE_PORTAL,
    )
    if turn is not Turn.NEVER:
        attempts.end(wanted.job_id)


def interpolate(
    request: InterpolateRequest, *, transport: httpx.BaseTransport | None = None
) -> InterpolateResult:
    """Do what a request asks; what goes wrong for good is an answer too.

    Args:
        request: What is asked.
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
            return InterpolateResult(
                job_id=request.job_id,
                state="done",
                slices=_filled(request.job_id, portal),
            )
    except PortalError as error:
        return _failed(request, str(error))
    except SoftTimeLimitExceeded:
        return _failed(request, "it took too long")
    except PortalUnavailableError:
        raise
    except Exception as error:  # the reader gets words, the log the type and place
        log.exception("segment not interpolated")
        return _failed(request, f"an unexpected error ({type(error).__name__})")


def _filled(job_id: str, portal: PortalClient) -> dict[str, str]:
    """Fetch the label maps, fill, and store the new ones; return those by image."""
    job = portal.read_interpolation(job_id)
    shape = (int(job["rows"]), int(job["columns"]))
    images = job["images"]
    maps: list[NDArray[np.uint8] | None] = []
    for image in images:
        if image["sha256"] is None:
            maps.append(None)
            continue
        packed = portal.read_label_map(job_id, image["sha256"])
        maps.append(np.frombuffer(gzip.decompress(packed), np.uint8).reshape(shape))
    filled = fill_between(
        maps=maps,
        places=[float(image["place_mm"]) for image in images],
        number=int(job["number"]),
        spacing=(float(job["spacing"][0]), float(job["spacing"][1])),
    )
    named: dict[str, str] = {}
    for at, voxels in filled.items():
        content = voxels.tobytes()
        sha256 = hashlib.sha256(content).hexdigest()
        portal.store_label_map(
            job_id, sha256, gzip.compress(content, compresslevel=1, mtime=0)
        )
        named[str(images[at]["key"])] = sha256
    return named


def _failed(request: InterpolateRequest, reason: str) -> InterpolateResult:
    return InterpolateResult(job_id=request.job_id, state="failed", reason=reason)

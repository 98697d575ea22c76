"""The task that fills the images between those that a segment was drawn on."""

from __future__ import annotations

import gzip
import hashlib
from functools import partial
from typing import Any

import httpx
import numpy as np
from celery import Task
from numpy.typing import NDArray

from workers.celery_pixels import app
from workers.jobs import MOST_RETRIES, answered, carry_out
from workers.measures.interpolation import fill_between
from workers.portal_client import PortalClient
from workers.segment_contracts import (
    TASK_ACCEPT_INTERPOLATION,
    TASK_INTERPOLATE,
    InterpolateRequest,
    InterpolateResult,
)


@app.task(name=TASK_INTERPOLATE, bind=True, max_retries=MOST_RETRIES)
def interpolate_task(self: Task[..., None], *, request: dict[str, Any]) -> None:
    """Interpolate a segment between slices and tell the portal.

    Args:
        self: The task.
        request: An `InterpolateRequest` message.
    """
    wanted = InterpolateRequest.from_message(request)
    carry_out(
        self,
        job_id=wanted.job_id,
        do=lambda: interpolate(wanted),
        failed=partial(_failed, wanted),
        answer_task=TASK_ACCEPT_INTERPOLATION,
    )


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
    return answered(
        lambda: _interpolated(request, transport=transport),
        failed=partial(_failed, request),
    )


def _interpolated(
    request: InterpolateRequest, *, transport: httpx.BaseTransport | None
) -> InterpolateResult:
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

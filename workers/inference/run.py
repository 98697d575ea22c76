"""One inference request: get the model, judge the study, answer."""

from __future__ import annotations

from collections.abc import Callable

from workers.contracts import InferRequest, InferResult
from workers.inference.films import explain_films, judge_films
from workers.inference.volumes import judge_volume
from workers.inference.workplace import (
    Ask,
    Clock,
    RejectedError,
    Said,
    Workplace,
)
from workers.models.package import ModelPackage
from workers.models.volume_net import VolumeModel
from workers.portal_client import PortalClient

__all__ = ["Workplace", "run_inference"]


def run_inference(
    request: InferRequest,
    *,
    portal: PortalClient,
    workplace: Workplace,
    begin: Callable[[], None] = lambda: None,
) -> InferResult:
    """Do one request and return its answer; artefacts are stored on the way.

    A study that the model may not judge is an answer (`rejected`).

    Args:
        request: What is asked.
        portal: Bound to the request.
        workplace: What the process keeps.
        begin: Called when the images are here and work on them begins.

    Raises:
        PortalError: The portal refused.
        PortalUnavailableError: The portal gives no answer; ask again later.
        ModelUnavailableError: The model can not be loaded.
    """
    clock = Clock()
    device = workplace.device_words
    ask = Ask(
        priority=request.priority,
        begin=begin,
        series=request.series,
        explain=request.explain,
    )
    try:
        with clock.part("fetch_s"):
            package = workplace.store.get(
                request.package_hash,
                fetch=lambda: portal.read_model(request.package_hash),
                fetch_list=portal.read_model_list,
            )
        judge = _judge_of(package, ask)
        said = judge(package, portal=portal, workplace=workplace, clock=clock, ask=ask)
        with clock.part("store_s"):
            portal.flush()
    except RejectedError as error:
        return InferResult(
            run_id=request.run_id,
            package_hash=request.package_hash,
            state="rejected",
            reason=str(error),
            quality=error.quality,
            timings=clock.spent,
            device=device,
        )
    return InferResult(
        run_id=request.run_id,
        package_hash=request.package_hash,
        state="done",
        quality=said.quality,
        findings=said.findings,
        embedding=said.embedding,
        timings=clock.spent,
        device=device,
    )


def _judge_of(package: ModelPackage, ask: Ask) -> Callable[..., Said]:
    """Return who does what is asked of a model."""
    if isinstance(package.module, VolumeModel):
        if ask.explain:
            raise RejectedError("of volumes nothing is occluded")
        return judge_volume
    return explain_films if ask.explain else judge_films

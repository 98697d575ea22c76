"""One inference request: get the model, judge the study, answer."""

from __future__ import annotations

from workers.contracts import InferRequest, InferResult
from workers.inference.films import judge_films
from workers.inference.predict import describe_device
from workers.inference.volumes import judge_volume
from workers.inference.workplace import Clock, RejectedError, Workplace
from workers.models.volume_net import VolumeModel
from workers.portal_client import PortalClient

__all__ = ["Workplace", "run_inference"]


def run_inference(
    request: InferRequest, *, portal: PortalClient, workplace: Workplace
) -> InferResult:
    """Do one request and return its answer; artefacts are stored on the way.

    A study that the model may not judge is an answer (`rejected`).

    Raises:
        PortalError: The portal refused.
        PortalUnavailableError: The portal gives no answer; ask again later.
        ModelUnavailableError: The model can not be loaded.
    """
    clock = Clock()
    device = describe_device(workplace.device)
    try:
        with clock.part("fetch_s"):
            package = workplace.store.get(
                request.package_hash,
                fetch=lambda: portal.read_model(request.package_hash),
                fetch_list=portal.read_model_list,
            )
        judge = judge_volume if isinstance(package.module, VolumeModel) else judge_films
        said = judge(package, portal=portal, workplace=workplace, clock=clock)
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

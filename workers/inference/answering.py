"""One request answered: models, decoder and engine of a process; errors as words."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from typing import Final

import httpx
import numpy as np
import torch

from workers.contracts import InferRequest, InferResult
from workers.inference.engine import Engine
from workers.inference.predict import describe_device, limit_threads, pick_device
from workers.inference.run import run_inference
from workers.inference.store import ModelStore, ModelUnavailableError
from workers.inference.trust import TrustedModels
from workers.inference.workplace import EXPLAIN_S, Gate, Lines, Workplace
from workers.models.package import ModelPackage
from workers.models.preprocess import PreprocessError
from workers.models.volume_net import VolumeModel
from workers.packs.isolation import IsolatedDecoder
from workers.portal_client import (
    PortalClient,
    PortalError,
    PortalUnavailableError,
)
from workers.settings import WorkerSettings

log = logging.getLogger(__name__)

LANES: Final = 2
"""Bodies of films that run side by side on a processor, each with its share of the
threads: threads of one body wait for each other, which costs a tenth of its time."""
FILMS_A_BATCH: Final = 4
"""Studies of films with their files in memory, for each image of a batch: as many as
are on their way to the network when it never waits."""
VOLUMES: Final = 3
"""One that the network has, one that waits for it and one on its way. Each is a hundred
megabytes and more; and from its files being there its time runs."""


def make_workplace(settings: WorkerSettings) -> Workplace:
    """Return what a worker process keeps: models, decoder, device, engine."""
    limit_threads(settings.torch_threads)
    device = pick_device()
    words, threads = describe_device(device), torch.get_num_threads()
    lanes = min(LANES, threads) if device.type == "cpu" else 1
    engine = Engine(device=device, batch=settings.batch, threads=threads, lanes=lanes)
    return Workplace(
        store=ModelStore(
            trusted=TrustedModels(
                public_key=settings.model_key,
                key_file=settings.models_dir / "signing.pub",
            ),
            shipped=settings.shipped_models,
            cache=settings.models_dir / "cache",
            device=device,
            budget_mb=settings.models_mb,
            threads=max(1, threads // lanes),
        ),
        decoder=IsolatedDecoder(),
        device=device,
        engine=engine,
        device_words=words,
        gate=Gate(len(os.sched_getaffinity(0))),
        films=Gate(FILMS_A_BATCH * settings.batch),
        volumes=Gate(VOLUMES),
        lines=Lines(let_pass=engine.let_pass),
        explain_s=min(EXPLAIN_S, settings.limit_s / 3),
    )


def warm_up(workplace: Workplace) -> int:
    """Load the shipped models and run each once; return how many there are.

    The first study then waits neither for weights nor for kernels being chosen.
    """
    workplace.decoder.start()
    try:
        packages = workplace.store.warm()
    except ModelUnavailableError as error:
        log.warning("a shipped model was not loaded: %s", error)
        return 0
    for package in packages:
        _run_once(package, workplace)
    return len(packages)


def _run_once(package: ModelPackage, workplace: Workplace) -> None:
    if isinstance(package.module, VolumeModel):
        return
    noise = np.random.default_rng(0).random((512, 512), dtype=np.float32)
    try:
        tensor = package.prepare(noise).tensor
        workplace.engine.judge(package, [tensor])
        workplace.engine.judge(package, [tensor] * workplace.engine.batch)
    except (PreprocessError, RuntimeError, ValueError) as error:
        log.info("a model was not run in advance: %s", type(error).__name__)


def answer(
    request: InferRequest,
    *,
    workplace: Workplace,
    transport: httpx.BaseTransport | None = None,
    begin: Callable[[], None] = lambda: None,
) -> InferResult:
    """Do a request; what goes wrong for good is an answer too.

    Args:
        request: What is asked.
        workplace: Models, decoder and device.
        transport: What carries HTTP; the network by default.
        begin: Called when the images are here and work on them begins.

    Raises:
        PortalUnavailableError: The portal gives no answer; ask again later.
    """
    try:
        with PortalClient(
            portal_url=request.portal_url,
            token=request.token,
            revision_id=request.revision_id,
            line=workplace.lines.to(request.portal_url, transport=transport),
            priority=request.priority,
        ) as portal:
            return run_inference(
                request, portal=portal, workplace=workplace, begin=begin
            )
    except PortalUnavailableError:
        raise
    except PortalError as error:
        log.warning("run failed: %s", error)
        return failed_result(request, error.reason)
    except ModelUnavailableError as error:
        log.warning("run failed: %s", error)
        return failed_result(request, str(error))
    except Exception as error:  # the reader gets words, the log the type and place
        log.exception("run failed")
        return failed_result(request, f"an unexpected error ({type(error).__name__})")


def failed_result(request: InferRequest, reason: str) -> InferResult:
    """Return the answer that there is none."""
    return InferResult(
        run_id=request.run_id,
        package_hash=request.package_hash,
        state="failed",
        reason=reason,
    )

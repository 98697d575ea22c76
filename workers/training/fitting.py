"""Training of one network on augmented films, on a CPU."""

from __future__ import annotations

import copy
import logging
import math
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn import functional

from workers.models.architectures import FilmNet
from workers.models.preprocess import prepare
from workers.training.augment import Strength, augment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

logger = logging.getLogger(__name__)

_EMA_DECAY = 0.995


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How one network is trained.

    Attributes:
        architecture: Parameters of `FilmNet`.
        seed: Seed of weights, order and augmentation.
        epochs: Passes over the training films.
        minutes: The schedule shortens itself to end in about this time.
        batch_size: Films a step.
        peak_rate: Highest learning rate of the one-cycle schedule.
        weight_decay: Decoupled weight decay.
        smoothing: Label smoothing.
        mixup: Share of batches that mix pairs of films.
        strength: Of the augmentation.
    """

    architecture: Mapping[str, Any]
    seed: int
    epochs: int = 24
    minutes: float = 12.0
    batch_size: int = 48
    peak_rate: float = 3e-3
    weight_decay: float = 0.03
    smoothing: float = 0.05
    mixup: float = 0.3
    strength: Strength = field(default_factory=Strength)

    def describe(self) -> dict[str, Any]:
        """Return the recipe as JSON-able values for the card."""
        return asdict(self) | {"architecture": dict(self.architecture)}


def prepare_batch(
    films: Sequence[NDArray[Any]], *, steps: Sequence[Mapping[str, Any]]
) -> torch.Tensor:
    """Prepare films of any sizes, returning float32 [n, 1, H, W]."""
    return torch.stack([prepare(film, steps=steps).tensor for film in films])


def class_weights(kinds: NDArray[np.int64]) -> torch.Tensor:
    """Return weights of the three kinds: normal and pneumonia count alike."""
    n_normal = int((kinds == 0).sum())
    n_positive = len(kinds) - n_normal
    half = len(kinds) / 2
    return torch.tensor([half / n_normal, half / n_positive, half / n_positive])


def _loss(
    scores: torch.Tensor,
    targets: torch.Tensor,
    *,
    weights: torch.Tensor,
    smoothing: float,
) -> torch.Tensor:
    """Return the weighted cross-entropy of soft targets, [n, 3]."""
    row_weights = targets @ weights
    soft = targets * (1 - smoothing) + smoothing * _SMOOTH_TO
    losses = -(soft * functional.log_softmax(scores, dim=1)).sum(dim=1)
    return (losses * row_weights).mean()


_SMOOTH_TO = torch.tensor([0.5, 0.25, 0.25])


class _Average:
    """Exponential moving average of a network's weights and statistics."""

    def __init__(self, network: FilmNet) -> None:
        self.network = copy.deepcopy(network).eval()
        self.steps = 0

    @torch.no_grad()
    def update(self, network: FilmNet) -> None:
        self.steps += 1
        decay = min(_EMA_DECAY, self.steps / (10 + self.steps))
        pairs = zip(
            self.network.state_dict().values(),
            network.state_dict().values(),
            strict=True,
        )
        for kept, new in pairs:
            if kept.is_floating_point():
                kept.lerp_(new, 1 - decay)
            else:
                kept.copy_(new)


def _mix(
    batch: torch.Tensor, targets: torch.Tensor, recipe: Recipe, generator: Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    if generator.random() >= recipe.mixup:
        return batch, targets
    share = float(generator.beta(0.4, 0.4))
    order = torch.from_numpy(generator.permutation(len(batch)))
    return (
        torch.lerp(batch[order], batch, share),
        torch.lerp(targets[order], targets, share),
    )


def _rate(progress: float) -> float:
    """Return the share of the peak rate at a progress of 0 to 1."""
    if progress < 0.15:
        return 0.1 + 0.9 * progress / 0.15
    return 0.5 * (1 + math.cos(math.pi * (progress - 0.15) / 0.85)) + 1e-3


def fit(
    *,
    recipe: Recipe,
    images: NDArray[np.uint8],
    kinds: NDArray[np.int64],
    steps: Sequence[Mapping[str, Any]],
) -> tuple[FilmNet, dict[str, float]]:
    """Train one network and return its averaged weights and what it took.

    Args:
        recipe: How.
        images: [n, rows, columns] uint8, training films only.
        kinds: [n], kind of each film.
        steps: The declared preprocessing.
    """
    torch.manual_seed(recipe.seed)
    generator = np.random.default_rng(recipe.seed)
    network = FilmNet(**recipe.architecture).train()
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = _Average(network)
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=recipe.peak_rate, weight_decay=recipe.weight_decay
    )
    weights = class_weights(kinds)
    per_epoch = len(images) // recipe.batch_size
    started, progress, step, losses = time.monotonic(), 0.0, 0, [0.0]
    order = generator.permutation(len(images))
    while progress < 1.0:
        if step % per_epoch == 0:
            order = generator.permutation(len(images))
            logger.info(
                "epoch %d, %.0f s, progress %.2f, loss %.4f",
                step // per_epoch,
                time.monotonic() - started,
                progress,
                np.mean(losses),
            )
            losses = []
        place = step % per_epoch * recipe.batch_size
        chosen = order[place : place + recipe.batch_size]
        films = augment(images[chosen], strength=recipe.strength, generator=generator)
        batch = prepare_batch([film.numpy() for film in films], steps=steps)
        targets = functional.one_hot(torch.from_numpy(kinds[chosen]), 3).float()
        batch, targets = _mix(batch, targets, recipe, generator)
        for group in optimiser.param_groups:
            group["lr"] = recipe.peak_rate * _rate(progress)
        with torch.autocast("cpu", torch.bfloat16):
            found = network.kinds(network.features(batch))
        loss = _loss(
            found.float(), targets, weights=weights, smoothing=recipe.smoothing
        )
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 2.0)
        optimiser.step()
        average.update(network)
        losses.append(float(loss.detach()))
        step += 1
        minutes = (time.monotonic() - started) / 60
        progress = max(step / (per_epoch * recipe.epochs), minutes / recipe.minutes)
    took = {
        "seconds": round(time.monotonic() - started, 1),
        "epochs": round(step / per_epoch, 2),
    }
    return average.network, took


@torch.no_grad()
def score(
    module: torch.nn.Module, batch: torch.Tensor, *, batch_size: int = 64
) -> NDArray[np.float64]:
    """Return logits, [n], of prepared images [n, 1, H, W]."""
    parts = [module(part)[:, 0] for part in torch.split(batch, batch_size)]
    return torch.cat(parts).double().numpy()

"""Train, calibrate, measure and package the chest film phantom model.

    python -m workers.training.phantom_chest train --films DIR --out DIR
    python -m workers.training.phantom_chest evaluate [--films DIR] [--package DIR]
    python -m workers.training.phantom_chest card [--films DIR] [--package DIR]

`evaluate` makes the unseen films anew (same seeds, same films) unless they are
there, and gives the figures of the package's card. `card` writes them there, under
another version; the weights stay.
"""

from __future__ import annotations

import argparse
import json
import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn import functional

from workers.models.finding_net import FindingNet, Places
from workers.models.package import SHIPPED, load_package, save_package
from workers.training.measured import write_measured
from workers.training.phantom_chest_card import VERSION, write_card
from workers.training.phantom_chest_measure import (
    calibrate,
    measure_films,
    said_of,
)
from workers.training.phantom_films import (
    CELLS,
    GRID,
    PARTS,
    Films,
    load_part,
    make_part,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

logger = logging.getLogger(__name__)

ARCHITECTURE: dict[str, Any] = {
    "n_labels": 5,
    "stem": 16,
    "widths": [32, 64, 96],
    "depths": [1, 2, 2],
    "map_width": 96,
    "dropout": 0.2,
}
SHIPPED_FOLDER = SHIPPED / "phantom-chest"
_MAP = GRID // 8
_COVERED = 0.25
_BATCH = 16
_PEAK_RATE = 2e-3
_DECAY = 0.02
_KEPT = 0.998
_ROUNDING = 0.005
_SMALL = 6
_CHECKPOINT_S = 180.0


def cell_targets(
    cover: NDArray[np.uint8], boxes: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Return what each cell of the network's map should say.

    Args:
        cover: [n, L, CELLS, CELLS] of `Films`.
        boxes: [n, L, k, 4] of `Films`.

    Returns:
        Truth and weight, [n, L, 24, 24]; the box, [n, L, 4, 24, 24], of the finding
        that a cell is of (the smallest one around its centre, else the nearest).
    """
    n, labels = cover.shape[:2]
    step = CELLS // _MAP
    share = cover.reshape(n, labels, _MAP, step, _MAP, step).mean(axis=(3, 5)) / 255
    centre = (np.arange(_MAP, dtype=np.float32) + 0.5) / _MAP
    left, top, right, bottom = (boxes[..., k, None, None] for k in range(4))
    across, down = centre[None, :], centre[:, None]
    outside = np.maximum(
        np.maximum(left - across, across - right),
        np.maximum(top - down, down - bottom),
    )
    area = (right - left) * (bottom - top)
    cost = np.where(outside <= 0, area, 1.0 + outside)
    cost = np.where(np.isnan(cost), np.inf, cost)
    which = cost.argmin(axis=2)
    place = which[:, :, None, :, :, None]
    shaped = np.broadcast_to(
        boxes[:, :, :, None, None, :], (*boxes.shape[:3], _MAP, _MAP, 4)
    )
    nearest = np.take_along_axis(shaped, place, axis=2)[:, :, 0]
    middle = _holds_middle(boxes)
    truth = (share >= _COVERED) | middle
    weight = np.where((share > 0) & ~truth, 0.0, 1.0)
    return (
        truth.astype(np.float32),
        weight.astype(np.float32),
        np.nan_to_num(nearest).transpose(0, 1, 4, 2, 3).astype(np.float32),
    )


def _holds_middle(boxes: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return the cells, [n, L, 24, 24], that hold the middle of a box."""
    found = np.zeros((*boxes.shape[:2], _MAP, _MAP), bool)
    film, label, number = np.nonzero(~np.isnan(boxes[..., 0]))
    chosen = boxes[film, label, number]
    column = ((chosen[:, 0] + chosen[:, 2]) / 2 * _MAP).astype(int).clip(0, _MAP - 1)
    row = ((chosen[:, 1] + chosen[:, 3]) / 2 * _MAP).astype(int).clip(0, _MAP - 1)
    found[film, label, row, column] = True
    return found


def loss_of(
    logits: torch.Tensor,
    places: Places,
    *,
    labels: torch.Tensor,
    truth: torch.Tensor,
    weight: torch.Tensor,
    boxes: torch.Tensor,
) -> torch.Tensor:
    """Return the sum of the losses of labels, cells and boxes."""
    whole = functional.binary_cross_entropy_with_logits(logits, labels)
    each = functional.binary_cross_entropy_with_logits(
        places.odds, truth, reduction="none"
    )
    # Few cells are positive: they weigh as much as five negative ones each, and those
    # of a finding that has hardly any, as a nodule, much more.
    is_small = truth.sum(dim=(2, 3), keepdim=True) <= _SMALL
    balance = weight * (1.0 + truth * (4.0 + 12.0 * is_small))
    cells = (each * balance).sum() / balance.sum()
    overlap = _overlap(places.boxes, boxes)
    extents = ((1.0 - overlap) * truth).sum() / truth.sum().clamp_min(1.0)
    return whole + 2.0 * cells + 0.3 * extents


def _overlap(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Return the intersection over union of boxes, [N, L, 4, h, w] each."""
    a, b = first.unbind(2), second.unbind(2)
    width = (torch.minimum(a[2], b[2]) - torch.maximum(a[0], b[0])).clamp_min(0)
    height = (torch.minimum(a[3], b[3]) - torch.maximum(a[1], b[1])).clamp_min(0)
    shared = width * height
    one = (a[2] - a[0]) * (a[3] - a[1])
    other = (b[2] - b[0]).clamp_min(0) * (b[3] - b[1]).clamp_min(0)
    found: torch.Tensor = shared / (one + other - shared).clamp_min(1e-6)
    return found


def augmented(films: Films, rng: np.random.Generator) -> Films:
    """Return films as other rooms might have taken them: moved, toned, blurred."""
    images = films.images.astype(np.float32)
    cover, boxes = films.cover.copy(), films.boxes.copy()
    cell = GRID // CELLS
    for index in range(len(films)):
        down, across = (int(k) for k in rng.integers(-4, 5, 2))
        if rng.random() < 0.25:
            images[index] = images[index][:, ::-1]
            cover[index] = cover[index][:, :, ::-1]
            boxes[index] = 1.0 - boxes[index][..., [2, 1, 0, 3]]
            boxes[index][..., [1, 3]] = 1.0 - boxes[index][..., [1, 3]]
        images[index] = _moved(images[index], down * cell, across * cell)
        cover[index] = np.stack(
            [_moved(one, down, across, filler=0) for one in cover[index]]
        )
        boxes[index] += np.array([across, down, across, down]) / CELLS
        images[index] = _toned(images[index], rng)
    return Films(images=images, labels=films.labels, cover=cover, boxes=boxes)  # type: ignore[arg-type]


def _moved(
    image: NDArray[Any], down: int, across: int, *, filler: int | None = None
) -> NDArray[Any]:
    """Move an image; what comes in is its edge, or a value."""
    rows = np.arange(image.shape[0]) - down
    columns = np.arange(image.shape[1]) - across
    moved: NDArray[Any] = image[
        np.ix_(rows.clip(0, image.shape[0] - 1), columns.clip(0, image.shape[1] - 1))
    ]
    if filler is not None:
        moved[(rows < 0) | (rows >= image.shape[0])] = filler
        moved[:, (columns < 0) | (columns >= image.shape[1])] = filler
    return moved


def _toned(image: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    bend = rng.uniform(-0.15, 0.15)
    toned = image + bend * (image**2 - 1.0)
    if rng.random() < 0.4:
        soft = (toned + np.roll(toned, 1, 0) + np.roll(toned, 1, 1)) / 3
        toned += rng.uniform(-0.6, 0.8) * (soft - toned)
    if rng.random() < 0.6:
        noise = rng.standard_normal(image.shape, dtype=np.float32)
        toned += rng.uniform(0.0, 0.12) * noise
    toned = (toned - toned.mean()) / (toned.std() + 1e-3)
    found: NDArray[np.float32] = toned.astype(np.float32)
    return found


def _running_mean(
    mean: torch.Tensor, now: torch.Tensor, n: torch.Tensor | int
) -> torch.Tensor:
    """Return the mean of weights so far, which forgets the first ones soon."""
    kept = min(_KEPT, (1.0 + float(n)) / (10.0 + float(n)))
    return mean * kept + now * (1.0 - kept)


class Trainer:
    """One training, cut short by the clock, with its running mean of weights."""

    def __init__(
        self,
        *,
        source: Callable[[], Films],
        seed: int,
        start: Path | None = None,
        rate: float = _PEAK_RATE,
    ) -> None:
        """Take the films and make the network.

        Args:
            source: Gives the films; asked again before every epoch, because more
                may have been made meanwhile.
            seed: Of weights, order and augmentation.
            start: Weights to go on from; fresh ones when None.
            rate: Highest learning rate.
        """
        torch.manual_seed(seed)
        self.rng = np.random.default_rng(seed)
        self.rate = rate
        self.source = source
        self.films = source()
        self.network = FindingNet(**ARCHITECTURE).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if start is not None:
            self.network.load_state_dict(torch.load(start, weights_only=True))
        self.mean = torch.optim.swa_utils.AveragedModel(
            self.network, avg_fn=_running_mean, use_buffers=True
        )
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), lr=rate, weight_decay=_DECAY
        )
        self.steps = 0

    def run(self, *, minutes: float, out: Path) -> dict[str, float]:
        """Train until the time is up; checkpoints go to a file in `out`."""
        started = saved = time.monotonic()
        order: list[int] = []
        losses: list[float] = []
        while (share := (time.monotonic() - started) / (60 * minutes)) < 1.0:
            if len(order) < _BATCH:
                self.films = self.source()
                order = [int(k) for k in self.rng.permutation(len(self.films))]
            batch, order = order[:_BATCH], order[_BATCH:]
            losses.append(self._step(np.array(batch), share))
            if time.monotonic() - saved > _CHECKPOINT_S:
                saved = time.monotonic()
                logger.info(
                    "step %d, %.0f%%, loss %.4f",
                    self.steps,
                    100 * share,
                    np.mean(losses[-200:]),
                )
                self._checkpoint(out)
        self._checkpoint(out)
        return {
            "films_seen": self.steps * _BATCH,
            "minutes": round((time.monotonic() - started) / 60, 1),
            "last_loss": round(float(np.mean(losses[-200:])), 4),
        }

    def _checkpoint(self, out: Path) -> None:
        out.mkdir(parents=True, exist_ok=True)
        torch.save(self.best().state_dict(), out / "checkpoint.tmp")
        (out / "checkpoint.tmp").replace(out / "checkpoint.pt")

    def best(self) -> FindingNet:
        """Return the network of the running mean."""
        found = FindingNet(**ARCHITECTURE)
        found.load_state_dict(self.mean.module.state_dict())
        return found.eval()

    def _step(self, batch: NDArray[np.int64], share: float) -> float:
        rate = self.rate * min(1.0, self.steps / 100 + 0.02)
        rate *= 0.5 * (1 + np.cos(np.pi * share))
        for group in self.optimiser.param_groups:
            group["lr"] = max(rate, 1e-5)
        films = augmented(_chosen(self.films, batch), self.rng)
        truth, weight, boxes = cell_targets(films.cover, films.boxes)
        images = torch.from_numpy(films.images.astype(np.float32))[:, None]
        self.network.train()
        features = self.network.features(images)
        loss = loss_of(
            self.network.classify(features),
            self.network.places(features),
            labels=torch.from_numpy(films.labels.astype(np.float32)),
            truth=torch.from_numpy(truth),
            weight=torch.from_numpy(weight),
            boxes=torch.from_numpy(boxes),
        )
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimiser.step()
        self.mean.update_parameters(self.network)
        self.steps += 1
        return float(loss.detach())


def _chosen(films: Films, rows: NDArray[np.int64]) -> Films:
    return Films(
        images=films.images[rows],
        labels=films.labels[rows],
        cover=films.cover[rows],
        boxes=films.boxes[rows],
    )


def package_network(
    *, network: FindingNet, folder: Path, films: Path, training: dict[str, Any]
) -> dict[str, Any]:
    """Calibrate, measure and write a package; return its card."""
    validation = load_part(films, part="validation")
    calibration, thresholds = calibrate(said_of(network, validation), validation)
    unmeasured = write_card(
        architecture=ARCHITECTURE,
        calibration=calibration,
        thresholds=thresholds,
        training=training,
        performance={},
    )
    save_package(folder, card=unmeasured, module=network)
    package = load_package(folder)
    unseen = load_part(films, part="unseen")
    performance = {
        "unseen": measure_films(package, unseen),
        "validation": measure_films(package, validation),
    }
    card = write_card(
        architecture=ARCHITECTURE,
        calibration=calibration,
        thresholds=thresholds,
        training=training,
        performance=performance,
    )
    save_package(folder, card=card, module=network)
    return card


def _train(options: argparse.Namespace) -> int:
    torch.set_num_threads(1)
    trainer = Trainer(
        source=lambda: load_part(options.films, part="train", limit=options.limit),
        seed=options.seed,
        start=options.start,
        rate=options.rate,
    )
    took = trainer.run(minutes=options.minutes, out=options.out)
    films = trainer.films
    logger.info("%d films, shares %s", len(films), films.labels.mean(axis=0))
    logger.info("%s", took)
    card = package_network(
        network=trainer.best(),
        folder=options.out,
        films=options.films,
        training={"films": len(films), "seed": options.seed, **took},
    )
    logger.info("%s", json.dumps(card["performance"], indent=1))
    return 0


def _repackage(options: argparse.Namespace) -> int:
    torch.set_num_threads(1)
    network = FindingNet(**ARCHITECTURE)
    network.load_state_dict(torch.load(options.weights, weights_only=True))
    card = package_network(
        network=network.eval(),
        folder=options.out,
        films=options.films,
        training=json.loads(options.training),
    )
    logger.info("%s", json.dumps(card["performance"], indent=1))
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    torch.set_num_threads(1)
    package = load_package(options.package)
    count = options.count or PARTS["unseen"].count
    make_part(options.films, part="unseen", count=count, jobs=options.jobs)
    found = measure_films(package, load_part(options.films, part="unseen", limit=count))
    logger.info("%s", json.dumps(found, indent=2))
    if options.count:
        return 0
    same = agrees(found, package.card["performance"]["unseen"])
    logger.info("%s", "as on the card" if same else "not as on the card")
    return 0 if same else 1


def _card(options: argparse.Namespace) -> int:
    torch.set_num_threads(1)
    package = load_package(options.package)
    count = PARTS["unseen"].count
    make_part(options.films, part="unseen", count=count, jobs=options.jobs)
    found = measure_films(package, load_part(options.films, part="unseen"))
    write_measured(options.package, version=VERSION, measured={"unseen": found})
    logger.info("%s", json.dumps(found, indent=2))
    return 0


def agrees(found: Any, stated: Any) -> bool:
    """Return whether figures are those of a card, to what another machine rounds."""
    if isinstance(found, dict) and isinstance(stated, dict):
        return found.keys() == stated.keys() and all(
            agrees(found[name], stated[name]) for name in found
        )
    if isinstance(found, float) and isinstance(stated, float):
        return abs(found - stated) <= _ROUNDING
    return bool(found == stated)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(required=True)
    train = commands.add_parser("train", help="train, calibrate, measure, package")
    train.add_argument("--films", type=Path, required=True)
    train.add_argument("--out", type=Path, required=True)
    train.add_argument("--minutes", type=float, default=30.0)
    train.add_argument("--limit", type=int, help="films at most")
    train.add_argument("--seed", type=int, default=1)
    train.add_argument("--rate", type=float, default=_PEAK_RATE)
    train.add_argument("--start", type=Path, help="a checkpoint to go on from")
    train.set_defaults(act=_train)
    again = commands.add_parser("package", help="package a checkpoint")
    again.add_argument("--weights", type=Path, required=True)
    again.add_argument("--films", type=Path, required=True)
    again.add_argument("--out", type=Path, required=True)
    again.add_argument("--training", default="{}", help="what the card says of it")
    again.set_defaults(act=_repackage)
    evaluate = commands.add_parser("evaluate", help="reproduce the card's figures")
    evaluate.add_argument("--count", type=int, help="the first so many films only")
    evaluate.set_defaults(act=_evaluate)
    card = commands.add_parser("card", help="write the measured figures on the card")
    card.set_defaults(act=_card)
    for command in (evaluate, card):
        command.add_argument("--package", type=Path, default=SHIPPED_FOLDER)
        command.add_argument("--films", type=Path, default=Path("var/phantom-films"))
        command.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    return int(options.act(options))


if __name__ == "__main__":
    raise SystemExit(main())

"""Train, package and re-measure the haemorrhage model of phantom heads.

    python -m workers.training.phantom_head make --heads FOLDER
    python -m workers.training.phantom_head train --heads FOLDER --out FOLDER
    python -m workers.training.phantom_head package --heads FOLDER --weights FILE …
    python -m workers.training.phantom_head evaluate --heads FOLDER
    python -m workers.training.phantom_head repeat
    python -m workers.training.phantom_head card --heads FOLDER

`card` writes what `evaluate` and `repeat` find on the card, under another version.
Training keeps a checkpoint after each pass and takes up heads that were made
meanwhile, so that neither a cut nor a slow generator costs more than one pass.
"""

from __future__ import annotations

import argparse
import copy
import json
import logging
import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from workers.models.package import SHIPPED, load_package, save_package
from workers.models.volume_net import MonaiUNet
from workers.models.volume_prepare import prepare_volume, stretch
from workers.training.measured import write_measured
from workers.training.phantom_head_card import (
    ARCHITECTURE,
    PREPROCESSING,
    VERSION,
    write_card,
)
from workers.training.phantom_head_measure import ask, calibrate, measure_heads
from workers.training.phantom_head_repeat import (
    COUNT,
    measure_rescans,
    rescan,
    stated_repeatability,
)
from workers.training.phantom_heads import PARTS, make_part, paths_of, read_example

if TYPE_CHECKING:
    from collections.abc import Sequence

logger = logging.getLogger(__name__)

SHIPPED_FOLDER = SHIPPED / "phantom-haemorrhage"
_PEAK_RATE = 3e-3
_DECAY = 0.985
_HU_OF_ONE = float(PREPROCESSING[1]["high"]) - float(PREPROCESSING[1]["low"])


def _ready(path: Path) -> tuple[Tensor, Tensor]:
    """Prepare one head: its volume and its blood on the network's grid, [z, y, x]."""
    example = read_example(path)
    values, _ = prepare_volume(
        torch.from_numpy(example.hu.astype(np.float32)),
        example.spacing,
        steps=PREPROCESSING,
    )
    size = (int(values.shape[0]), int(values.shape[1]), int(values.shape[2]))
    blood = stretch(torch.from_numpy(example.mask.astype(np.float32)), size)
    return values.half(), blood.half()


def loss_of(odds: Tensor, blood: Tensor) -> Tensor:
    """Return the loss of voxel logits against shares of blood, both [n, 1, z, y, x].

    Cross-entropy keeps heads without blood quiet; the overlap (soft Dice) counts
    small bleeds as much as large ones.
    """
    entropy = functional.binary_cross_entropy_with_logits(
        odds, blood, pos_weight=torch.tensor(3.0)
    )
    if not bool(blood.any()):
        return 12.0 * entropy
    share = torch.sigmoid(odds)
    both = (share * blood).sum()
    overlap = (2 * both + 1.0) / (share.sum() + blood.sum() + 1.0)
    return 12.0 * entropy + (1.0 - overlap)


def _vary(volume: Tensor, blood: Tensor, rng: np.random.Generator) -> tuple[Any, Any]:
    """Mirror, shift density, add noise; the bits that scanners differ in."""
    values, truth = volume.float(), blood.float()
    if rng.random() < 0.5:
        values, truth = values.flip(2), truth.flip(2)
    values = values * float(rng.uniform(0.94, 1.06))
    values = values + float(rng.normal(0.0, 2.0)) / _HU_OF_ONE
    level = float(rng.uniform(0.0, 2.5)) / _HU_OF_ONE
    values = (values + level * torch.randn_like(values)).clamp(0.0, 1.0)
    return values, truth


def _expect_little(network: MonaiUNet) -> None:
    """Begin with the rareness of blood, so that it need not be learnt."""
    last = [p for p in network.parameters() if tuple(p.shape) == (network.n_labels,)]
    torch.nn.init.constant_(last[-1], -4.0)


class Trainer:
    """One run of training.

    Attributes:
        network: What learns.
        average: Moving average of its weights, which is what is kept.
        passes: How often the heads were gone through.
        steps: How many heads were shown.
    """

    def __init__(
        self,
        heads: Path,
        *,
        seed: int,
        start: Path | None = None,
        rate: float = _PEAK_RATE,
    ) -> None:
        """Begin, or go on from a checkpoint."""
        torch.manual_seed(seed)
        self.heads = heads
        self.rate = rate
        self.network = MonaiUNet(**ARCHITECTURE)
        _expect_little(self.network)
        if start is not None:
            self.network.load_state_dict(torch.load(start, weights_only=True))
        self.average = copy.deepcopy(self.network).eval()
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), lr=rate, weight_decay=1e-3
        )
        self.rng = np.random.default_rng(seed)
        self.kept: dict[Path, tuple[Tensor, Tensor]] = {}
        self.passes = 0
        self.steps = 0

    def run(self, *, minutes: float, out: Path) -> dict[str, Any]:
        """Train for so many minutes and return what it took."""
        out.mkdir(parents=True, exist_ok=True)
        begun = time.monotonic()
        spent = 0.0
        while spent < 1.0:
            paths = paths_of(self.heads, part="train")
            losses = []
            for index in self.rng.permutation(len(paths)):
                spent = (time.monotonic() - begun) / (60 * minutes)
                if spent >= 1.0:
                    break
                pair = self._read(paths[int(index)])
                # Heads without blood teach less: every other one will do.
                if pair[1].any() or self.rng.random() < 0.5:
                    losses.append(self._step(pair, spent))
            self.passes += 1
            torch.save(self.average.state_dict(), out / "checkpoint.pt")
            mean = float(np.mean(losses)) if losses else float("nan")
            logger.info(
                "pass %d, %d heads, %.2f done, loss %.4f",
                self.passes,
                len(paths),
                spent,
                mean,
            )
        return {
            "heads": len(self.kept),
            "passes": self.passes,
            "steps": self.steps,
            "seconds": round(time.monotonic() - begun),
        }

    def _read(self, path: Path) -> tuple[Tensor, Tensor]:
        if path not in self.kept:
            self.kept[path] = _ready(path)
        return self.kept[path]

    def _step(self, pair: tuple[Tensor, Tensor], spent: float) -> float:
        warm = min(1.0, (self.steps + 1) / 40)
        rate = self.rate * warm * (0.5 * (1 + math.cos(math.pi * spent)) + 0.01)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        values, blood = _vary(*pair, self.rng)
        self.network.train()
        odds = self.network(values[None, None])
        loss = loss_of(odds, blood[None, None])
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimiser.step()
        self._blend()
        self.steps += 1
        return float(loss.detach())

    @torch.no_grad()
    def _blend(self) -> None:
        decay = min(_DECAY, (1 + self.steps) / (10 + self.steps))
        pairs = zip(self.average.parameters(), self.network.parameters(), strict=True)
        for kept, new in pairs:
            kept.lerp_(new, 1 - decay)


def package_network(
    network: MonaiUNet, *, heads: Path, folder: Path, training: dict[str, Any]
) -> dict[str, Any]:
    """Calibrate on validation, measure, write the package; return its card."""
    blank: dict[str, Any] = {"labels": [{"slope": 1.0, "intercept": 0.0}]}
    card = write_card(
        calibration=blank, threshold=0.5, training=training, performance={}
    )
    save_package(folder, card=card, module=network)
    asked = ask(load_package(folder), paths_of(heads, part="validation"))
    calibration, threshold = calibrate(asked)
    card = write_card(
        calibration=calibration,
        threshold=threshold,
        training=training,
        performance={},
    )
    save_package(folder, card=card, module=network)
    package = load_package(folder)
    unseen = ask(package, paths_of(heads, part="unseen"))
    performance = {
        "unseen": measure_heads(unseen, package),
        "validation": measure_heads(asked, package),
    }
    card = write_card(
        calibration=calibration,
        threshold=threshold,
        training=training,
        performance=performance,
    )
    save_package(folder, card=card, module=network)
    return card


def _make(options: argparse.Namespace) -> int:
    for part in PARTS:
        count = make_part(options.heads, part=part, jobs=options.jobs)
        logger.info("%s: %d heads", part, count)
    return 0


def _train(options: argparse.Namespace) -> int:
    trainer = Trainer(
        options.heads, seed=options.seed, start=options.start, rate=options.rate
    )
    took = trainer.run(minutes=options.minutes, out=options.out)
    logger.info("%s", took)
    (options.out / "took.json").write_text(json.dumps(took | {"seed": options.seed}))
    return 0


def _package(options: argparse.Namespace) -> int:
    network = MonaiUNet(**ARCHITECTURE)
    network.load_state_dict(torch.load(options.weights, weights_only=True))
    card = package_network(
        network.eval(),
        heads=options.heads,
        folder=options.out,
        training=json.loads(options.training.read_text()),
    )
    logger.info("%s", json.dumps(card["performance"], indent=1))
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    package = load_package(options.package)
    stated = package.card["performance"]["unseen"]
    count = int(stated["n_studies"]) if options.count is None else options.count
    make_part(options.heads, part="unseen", count=count, jobs=options.jobs)
    paths = paths_of(options.heads, part="unseen")[:count]
    found = measure_heads(ask(package, paths), package)
    logger.info("%s", json.dumps(found, indent=2))
    same = found == stated
    logger.info("%s", "as on the card" if same else "not as on the card")
    return 0 if same or options.count else 1


def _repeat(options: argparse.Namespace) -> int:
    package = load_package(options.package)
    count = COUNT if options.count is None else options.count
    found = measure_rescans(rescan(package, count=count, jobs=options.jobs))
    logger.info("%s", json.dumps(found, indent=2))
    if options.count:
        return 0
    same = found == package.card["performance"]["repeatability"]
    logger.info("%s", "as on the card" if same else "not as on the card")
    return 0 if same else 1


def _card(options: argparse.Namespace) -> int:
    package = load_package(options.package)
    make_part(options.heads, part="unseen", jobs=options.jobs)
    paths = paths_of(options.heads, part="unseen")[: PARTS["unseen"].count]
    again = measure_rescans(rescan(package, count=COUNT, jobs=options.jobs))
    measured = {
        "unseen": measure_heads(ask(package, paths), package),
        "repeatability": again,
    }
    write_measured(
        options.package,
        version=VERSION,
        measured=measured,
        repeatability=stated_repeatability(again),
    )
    logger.info("%s", json.dumps(measured, indent=2))
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(required=True)
    make = commands.add_parser("make", help="make the heads")
    make.set_defaults(act=_make)
    train = commands.add_parser("train", help="train, keeping checkpoints")
    train.add_argument("--out", type=Path, required=True)
    train.add_argument("--minutes", type=float, default=30.0)
    train.add_argument("--seed", type=int, default=1)
    train.add_argument("--start", type=Path, help="a checkpoint to go on from")
    train.add_argument("--rate", type=float, default=_PEAK_RATE, help="highest")
    train.set_defaults(act=_train)
    package = commands.add_parser("package", help="package a checkpoint")
    package.add_argument("--weights", type=Path, required=True)
    package.add_argument("--training", type=Path, required=True, help="took.json")
    package.add_argument("--out", type=Path, default=SHIPPED_FOLDER)
    package.set_defaults(act=_package)
    evaluate = commands.add_parser("evaluate", help="reproduce the card's figures")
    evaluate.set_defaults(act=_evaluate)
    repeat = commands.add_parser("repeat", help="the same, of heads scanned twice")
    repeat.set_defaults(act=_repeat)
    for command in (evaluate, repeat):
        command.add_argument("--count", type=int, help="the first so many heads only")
    card = commands.add_parser("card", help="write the measured figures on the card")
    card.set_defaults(act=_card)
    for command in (evaluate, repeat, card):
        command.add_argument("--package", type=Path, default=SHIPPED_FOLDER)
    for command in (make, train, package, evaluate, repeat, card):
        command.add_argument("--heads", type=Path, default=Path("var/phantom-heads"))
        command.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)
    return int(options.act(options))


if __name__ == "__main__":
    raise SystemExit(main())

"""Chest film phantoms as a network sees them, with their truth on its grid.

    python -m workers.training.phantom_films --part train --out FOLDER

Films are generated small, prepared as the card says, and kept in shards, so that
the generator's seconds are paid once. `train` and `validation` are of the training
world; `unseen` is another department's, which no training and no tuning sees.
"""

from __future__ import annotations

import argparse
import logging
import os
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workers.models.preprocess import GridToSource, prepare
from workers.phantoms.film import chest_film
from workers.phantoms.settings import FILM_LABELS, TRAIN, UNSEEN

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from workers.phantoms.film import ChestFilm
    from workers.phantoms.settings import Settings

logger = logging.getLogger(__name__)

GRID = 192
CELLS = 48
MAX_BOXES = 3
FILM_PIXELS = 256
WHITE = 4095.0
PREPROCESSING: list[dict[str, Any]] = [
    {"name": "clip_percentiles", "low": 0.5, "high": 99.5},
    {"name": "squeeze_resize", "height": GRID, "width": GRID},
    {"name": "standardise", "epsilon": 0.001},
]
_SHARD = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Which films belong to a part.

    Attributes:
        settings: The world they are drawn from.
        first_seed: Seed of the first; parts never share a seed.
        count: How many films.
    """

    settings: Settings
    first_seed: int
    count: int


PARTS = {
    "train": Part(settings=TRAIN, first_seed=1_000_000, count=2400),
    "validation": Part(settings=TRAIN, first_seed=2_000_000, count=300),
    "unseen": Part(settings=UNSEEN, first_seed=4_000_000, count=400),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Films:
    """Prepared films.

    Attributes:
        images: float16 [n, GRID, GRID], standardised.
        labels: bool [n, 5], in the order of `FILM_LABELS`.
        cover: uint8 [n, 5, CELLS, CELLS]: share of a cell that a finding covers,
            255 for all of it.
        boxes: float32 [n, 5, MAX_BOXES, 4]: left, top, right, bottom as shares of
            the grid; NaN where there is none.
    """

    images: NDArray[np.float16]
    labels: NDArray[np.bool_]
    cover: NDArray[np.uint8]
    boxes: NDArray[np.float32]

    def __len__(self) -> int:
        """Return how many films there are."""
        return len(self.images)


def make_film(seed: int, settings: Settings, *, size: int = FILM_PIXELS) -> Films:
    """Make one film and prepare it.

    Args:
        seed: Of the film and its patient.
        settings: The world to draw from.
        size: Rows and columns of the film before it is prepared.
    """
    film = chest_film(seed, settings, size=size)
    ready = prepare(film.pixels / WHITE, steps=PREPROCESSING)
    return Films(
        images=ready.tensor.numpy().astype(np.float16),
        labels=np.array([[film.labels[label] for label in FILM_LABELS]]),
        cover=_cover(film, ready.grid_to_source)[None],
        boxes=_boxes(film, ready.grid_to_source)[None],
    )


def _cover(film: ChestFilm, place: GridToSource) -> NDArray[np.uint8]:
    centres = np.arange(GRID) + 0.5
    at = place.to_source(np.stack((centres, centres), axis=1))
    last = film.pixels.shape[0] - 1
    column = np.clip(at[:, 0].astype(int), 0, last)
    row = np.clip(at[:, 1].astype(int), 0, last)
    step = GRID // CELLS
    found = np.zeros((len(FILM_LABELS), CELLS, CELLS), np.uint8)
    for index, label in enumerate(FILM_LABELS):
        if label in film.masks:
            fine = film.masks[label][np.ix_(row, column)]
            share = fine.reshape(CELLS, step, CELLS, step).mean(axis=(1, 3))
            found[index] = np.round(share * 255)
    return found


def _boxes(film: ChestFilm, place: GridToSource) -> NDArray[np.float32]:
    found = np.full((len(FILM_LABELS), MAX_BOXES, 4), np.nan, np.float32)
    for index, label in enumerate(FILM_LABELS):
        for number, box in enumerate(film.boxes.get(label, [])[:MAX_BOXES]):
            corners = np.array([box[:2], box[2:]], dtype=np.float64)
            found[index, number] = place.to_grid(corners).ravel() / GRID
    return found


def join(films: Iterable[Films]) -> Films:
    """Put films one after the other."""
    every = list(films)
    return Films(
        images=np.concatenate([f.images for f in every]),
        labels=np.concatenate([f.labels for f in every]),
        cover=np.concatenate([f.cover for f in every]),
        boxes=np.concatenate([f.boxes for f in every]),
    )


def load_part(folder: Path, *, part: str, limit: int | None = None) -> Films:
    """Load the shards of a part, the first `limit` of its films."""
    shards = sorted(folder.glob(f"{part}-*.npz"))
    if not shards:
        raise FileNotFoundError(f"there are no films of “{part}” in that folder")
    films = join(_read(path) for path in shards)
    return Films(
        images=films.images[:limit],
        labels=films.labels[:limit],
        cover=films.cover[:limit],
        boxes=films.boxes[:limit],
    )


def _read(path: Path) -> Films:
    with np.load(path, allow_pickle=False) as shard:
        return Films(**{name: shard[name] for name in shard.files})


def _make_shard(job: tuple[str, int, int, Path]) -> Path:
    part, start, count, path = job
    wanted = PARTS[part]
    first = wanted.first_seed + start
    films = join(make_film(first + k, wanted.settings) for k in range(count))
    target = path.with_suffix(".tmp.npz")
    np.savez_compressed(
        target,
        images=films.images,
        labels=films.labels,
        cover=films.cover,
        boxes=films.boxes,
    )
    target.replace(path)
    return path


def make_part(folder: Path, *, part: str, count: int, jobs: int) -> None:
    """Make the shards of a part that are not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    waiting = []
    for start in range(0, count, _SHARD):
        path = folder / f"{part}-{start:06d}.npz"
        if not path.exists():
            waiting.append((part, start, min(_SHARD, count - start), path))
    with get_context("spawn").Pool(jobs) as pool:
        for path in pool.imap_unordered(_make_shard, waiting):
            logger.info("%s", path.name)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--part", choices=sorted(PARTS), nargs="+", required=True)
    parser.add_argument("--count", type=int, help="films of each part")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    for part in options.part:
        count = options.count or PARTS[part].count
        make_part(options.out, part=part, count=count, jobs=options.jobs)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

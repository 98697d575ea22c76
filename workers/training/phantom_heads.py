"""Head CT phantoms to train and measure on, made once and kept in a folder."""

from __future__ import annotations

import json
import multiprocessing
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from workers.phantoms.head import head_volume
from workers.phantoms.settings import TRAIN, UNSEEN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from workers.phantoms.settings import Settings

SLICES = 32
SIZE = 128
_ROOM = 1_000_000


@dataclass(frozen=True)
class Part:
    """One part of the heads.

    Attributes:
        settings: the world that they come from.
        start: first seed; parts never share one.
        count: how many.
    """

    settings: Settings
    start: int
    count: int


PARTS: dict[str, Part] = {
    "train": Part(TRAIN, 20 * _ROOM, 700),
    "validation": Part(TRAIN, 21 * _ROOM, 120),
    "unseen": Part(UNSEEN, 22 * _ROOM, 240),
}


@dataclass(frozen=True)
class Truth:
    """What is known of one head.

    Attributes:
        seed: of the head.
        kinds: of haemorrhage.
        strength: of the plainest, 0 when there is none.
        volume_ml: of blood.
    """

    seed: int
    kinds: list[str]
    strength: float
    volume_ml: float

    @property
    def positive(self) -> bool:
        """Whether there is blood."""
        return self.volume_ml > 0


@dataclass(frozen=True)
class Example:
    """One head with its truth.

    Attributes:
        hu: int16 [z, y, x].
        mask: bool [z, y, x].
        spacing: millimetres (z, y, x).
        truth: the rest.
    """

    hu: NDArray[np.int16]
    mask: NDArray[np.bool_]
    spacing: tuple[float, float, float]
    truth: Truth


def _make(job: tuple[Path, str, int]) -> Path:
    folder, part, index = job
    path = folder / part / f"{index:05d}.npz"
    if path.exists():
        return path
    rule = PARTS[part]
    made = head_volume(rule.start + index, rule.settings, slices=SLICES, size=SIZE)
    truth = Truth(
        seed=rule.start + index,
        kinds=list(made.kinds),
        strength=max(made.strengths.values(), default=0.0),
        volume_ml=made.volume_ml,
    )
    half = path.with_suffix(".half")
    with half.open("wb") as stream:
        np.savez(
            stream,
            hu=made.hu,
            mask=np.packbits(made.mask),
            spacing=np.array(made.spacing_mm),
            truth=np.array(json.dumps(asdict(truth))),
        )
    half.rename(path)
    return path


def make_part(
    folder: Path, *, part: str, count: int | None = None, jobs: int = 1
) -> int:
    """Make the heads of a part that are not there yet, and say how many there are.

    Args:
        folder: Where all parts are.
        part: Of `PARTS`.
        count: The first so many; all by default.
        jobs: Processes.
    """
    (folder / part).mkdir(parents=True, exist_ok=True)
    wanted = PARTS[part].count if count is None else count
    tasks = [(folder, part, index) for index in range(wanted)]
    if jobs <= 1:
        return len([_make(task) for task in tasks])
    with multiprocessing.get_context("spawn").Pool(jobs, os.nice, (5,)) as pool:
        return len(list(pool.imap(_make, tasks, chunksize=4)))


def paths_of(folder: Path, *, part: str) -> list[Path]:
    """Return the heads that are there, in order."""
    return sorted((folder / part).glob("*.npz"))


def read_example(path: Path) -> Example:
    """Read one head."""
    with np.load(path) as found:
        hu = found["hu"]
        bits = np.unpackbits(found["mask"], count=hu.size)
        spacing = tuple(float(v) for v in found["spacing"])
        known: dict[str, Any] = json.loads(str(found["truth"]))
    return Example(
        hu=hu,
        mask=bits.reshape(hu.shape).astype(bool),
        spacing=(spacing[0], spacing[1], spacing[2]),
        truth=Truth(**known),
    )


def examples(paths: Sequence[Path]) -> Iterator[Example]:
    """Read heads one after the other."""
    for path in paths:
        yield read_example(path)

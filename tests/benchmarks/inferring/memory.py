"""How much memory a process has while it does one study after the other."""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import psutil
from scipy import stats

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BLOCKS: Final = 6
"""Parts of a course whose means a line is drawn through: samples that follow each
other are alike, and each counted by itself would make the interval too narrow."""
FIRST: Final = 0.5
"""Share of a course that is left out: caches fill (answers that may be asked for
again, for instance, are kept for 2,048 studies)."""
_OWN: Final = ("RssAnon", "VmSwap")


@dataclass(frozen=True, slots=True, kw_only=True)
class Slope:
    """A line through the memory of a process.

    Attributes:
        per_thousand: MB more after 1,000 studies more.
        low: Lower limit of its 95% interval.
        high: Upper limit.
    """

    per_thousand: float
    low: float
    high: float


def slope_of(course: Sequence[tuple[int, float]]) -> Slope:
    """Return the line through (studies done, MB), after the first half.

    Ordinary least squares through the means of `BLOCKS` equal parts, and Student's
    interval of its slope.

    Returns:
        NaN where there are too few samples for it.
    """
    last = course[-1][0] if course else 0
    later = np.array([one for one in course if one[0] >= FIRST * last], dtype=float)
    if len(later) < 2 * BLOCKS or np.ptp(later[:, 0]) <= 0:
        return Slope(per_thousand=math.nan, low=math.nan, high=math.nan)
    done, used = np.array(
        [part.mean(axis=0) for part in np.array_split(later, BLOCKS)]
    ).T
    line = stats.linregress(done, used)
    spread = float(line.stderr) if np.ptp(used) > 0 else 0.0
    half = float(stats.t.ppf(0.975, BLOCKS - 2)) * spread
    middle = float(line.slope)
    return Slope(
        per_thousand=1000 * middle,
        low=1000 * (middle - half),
        high=1000 * (middle + half),
    )


def family(parent: psutil.Process) -> Iterator[tuple[str, float]]:
    """Yield the memory, in MB, of a process and of each that it started.

    It is what a process holds of its own, in memory or swapped out (`RssAnon` and
    `VmSwap`): pages of files come and go with what else the machine has to do.

    Yields:
        A name that stays the same while the process lives, and its memory.
    """
    for process in [parent, *parent.children(recursive=True)]:
        with contextlib.suppress(psutil.Error, OSError):
            said = " ".join(process.cmdline())
            used = _own_kb(process.pid) / 1024
            yield f"{_role(said, is_parent=process == parent)} {process.pid}", used


def _own_kb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
    said = dict(line.split(":", 1) for line in lines if ":" in line)
    return sum(int(said.get(name, "0").split()[0]) for name in _OWN)


def _role(command: str, *, is_parent: bool) -> str:
    if "workers.inference.child" in command:
        return "models"
    if is_parent:
        return "parent"
    return "decoder" if "workers.packs" in command else "child"

"""How far the haemorrhage model's volumes lie apart when a head is scanned twice.

Heads with one bleed each are scanned twice by the generator: the same person and the
same blood, lying otherwise, with other noise, blur, streaks and hardening. What the
model marks is taken as the comparison of two studies takes it: the lesion, of pieces
that are near each other, that holds most of the true blood.
"""

from __future__ import annotations

import multiprocessing
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from workers.inference.segment import segment_volume
from workers.measures.agreement import limits_of_agreement, relative_repeatability
from workers.measures.agreement import repeatability as absolute_repeatability
from workers.measures.change import SETTING, Change, Repeatability, compare_volumes
from workers.measures.estimate import MeasureError
from workers.measures.lesions import find_lesions
from workers.measures.proportion import wilson
from workers.phantoms.head import head_volume
from workers.phantoms.settings import UNSEEN
from workers.phantoms.shapes import rng_for
from workers.training.phantom_heads import SIZE, SLICES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from workers.measures.estimate import Estimate
    from workers.models.package import ModelPackage
    from workers.phantoms.head import HeadVolume

COUNT: Final = 60
FIRST_SEED: Final = 23_000_000
"""No head of training, validation or the unseen part has a seed from here on."""
SMALL_ML: Final = 3.0
"""Below this mean volume a difference is told in millilitres as well."""
_FEWEST: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescan:
    """One head, scanned twice.

    Attributes:
        kind: Of its bleed.
        true_ml: Volume of the blood in both scans; they differ by how it falls on
            voxels.
        marked_ml: Volume of the lesion that the model marked on it; 0 when none.
    """

    kind: str
    true_ml: tuple[float, float]
    marked_ml: tuple[float, float]


def scans_of(
    number: int, *, slices: int = SLICES, size: int = SIZE
) -> tuple[HeadVolume, HeadVolume]:
    """Return two scans of a head with a bleed, of the kinds as they come.

    Args:
        number: Of the head.
        slices: How many slices a scan has.
        size: Rows and columns.
    """
    person = FIRST_SEED + 3 * number
    strength = UNSEEN.head.haemorrhage.strength.draw(rng_for(person, "rescan"))
    one, two = (
        head_volume(
            person + scan,
            UNSEEN,
            slices=slices,
            size=size,
            person=person,
            bleed=person,
            strengths={"haemorrhage": strength},
        )
        for scan in (1, 2)
    )
    return one, two


def rescan(package: ModelPackage, *, count: int, jobs: int = 1) -> list[Rescan]:
    """Have a package judge heads that were scanned twice.

    Args:
        package: The model.
        count: How many heads.
        jobs: Processes that make them.
    """
    return [
        Rescan(
            kind=one.kinds[0],
            true_ml=(one.volume_ml, two.volume_ml),
            marked_ml=(_marked(package, one), _marked(package, two)),
        )
        for one, two in _made(count, jobs)
        if one.volume_ml > 0 and two.volume_ml > 0
    ]


def _made(count: int, jobs: int) -> Iterator[tuple[HeadVolume, HeadVolume]]:
    if jobs <= 1:
        yield from (scans_of(number) for number in range(count))
        return
    with multiprocessing.get_context("spawn").Pool(jobs, os.nice, (5,)) as pool:
        yield from pool.imap(scans_of, range(count))


def _marked(package: ModelPackage, scan: HeadVolume) -> float:
    """Return the volume of the lesion that holds most of the true blood; 0 for none."""
    found = segment_volume(package, scan.hu, scan.spacing_mm)[0]
    spacing = np.array(scan.spacing_mm)
    best, volume = 0, 0.0
    for lesion in find_lesions(found.mask, scan.spacing_mm):
        z, y, x = np.round(lesion.points / spacing).astype(int).T
        shared = int(scan.mask[z, y, x].sum())
        if shared > best:
            best, volume = shared, lesion.volume_ml
    return volume


def measure_rescans(rescans: Sequence[Rescan]) -> dict[str, Any]:
    """Return how repeatable the volumes are, ready for the card.

    Raises:
        MeasureError: Fewer than two heads were marked on both scans.
    """
    both = [one for one in rescans if min(one.marked_ml) > 0]
    marked = np.array([one.marked_ml for one in both], dtype=np.float64).reshape(-1, 2)
    true = np.array([one.true_ml for one in rescans], dtype=np.float64).reshape(-1, 2)
    first, second = marked.T
    percent = relative_repeatability(first=first, second=second)
    limits = limits_of_agreement(first=np.log(first), second=np.log(second))
    small = marked.mean(axis=1) < SMALL_ML
    called = sum(
        compare_volumes(now_ml=two, then_ml=one, days=None, repeatability=SETTING).kind
        is not Change.UNCHANGED
        for one, two in marked
    )
    return {
        "n_heads": len(rescans),
        "n_marked_twice": len(both),
        "n_marked_once": sum(
            max(one.marked_ml) > 0 and min(one.marked_ml) == 0 for one in rescans
        ),
        "percent": _figures(percent, 1),
        "limits_percent": {
            "low": round(100 * float(np.expm1(limits.low)), 1),
            "high": round(100 * float(np.expm1(limits.high)), 1),
        },
        "small_ml": _small(marked[small]),
        "of_the_truth_percent": _figures(
            relative_repeatability(first=true[:, 0], second=true[:, 1]), 1
        ),
        "setting_calls_change": _figures(wilson(successes=called, n=len(both)), 4),
        "kinds": {
            kind: _kind([one for one in rescans if one.kind == kind])
            for kind in sorted({one.kind for one in rescans})
        },
        "how": f"unseen heads with one bleed each, scanned twice (another position, "
        f"noise and blur), {SLICES} slices of {SIZE}²; the lesion that holds most of "
        "the blood; percent: 1.96·√2 times the within-head SD of the volumes' "
        "logarithms, as growth, interval by χ²; limits: of agreement, first against "
        f"second; small_ml: the same in ml of lesions below {SMALL_ML:g} ml; "
        "setting_calls_change: how often "
        f"{SETTING.percent:g}% and {SETTING.least_ml:g} ml say that an unchanged bleed "
        "has changed",
        "command": "python -m workers.training.phantom_head repeat",
    }


def stated_repeatability(measured: dict[str, Any]) -> Repeatability:
    """Return beyond what this model's volumes count as changed, by its own figures."""
    small = measured["small_ml"]
    return Repeatability(
        percent=float(np.ceil(measured["percent"]["value"])),
        least_ml=SETTING.least_ml if small is None else round(small["value"], 2),
        source=f"measured for this model: {measured['n_marked_twice']} phantom heads "
        "scanned twice, 95 of 100 lie within",
    )


def _small(marked: np.ndarray[Any, np.dtype[np.float64]]) -> dict[str, float] | None:
    if len(marked) < _FEWEST:
        return None
    found = absolute_repeatability(first=marked[:, 0], second=marked[:, 1])
    return _figures(found, 2) | {"n": found.n}


def _kind(rescans: Sequence[Rescan]) -> dict[str, Any]:
    marked = np.array([r.marked_ml for r in rescans if min(r.marked_ml) > 0])
    row: dict[str, Any] = {"n_heads": len(rescans), "n_marked_twice": len(marked)}
    try:
        found = relative_repeatability(first=marked[:, 0], second=marked[:, 1])
    except (MeasureError, IndexError):
        return row | {"percent": None}
    return row | {"percent": _figures(found, 1)}


def _figures(found: Estimate, digits: int) -> dict[str, float]:
    return {
        "value": round(found.value, digits),
        "ci_low": round(found.low, digits),
        "ci_high": round(found.high, digits),
    }

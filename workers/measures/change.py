"""How a measured volume changed, and whether that is more than the measurement errs.

A change counts only beyond the repeatability of the measurement: what two of the same
thing differ by in 95 of 100 cases (Bland and Altman, Lancet 327:307, 1986; Obuchowski
et al., Stat Methods Med Res 24:68, 2015). It is told on the logarithmic scale, on which
growing by a third and shrinking back are equally far. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final


class Change(StrEnum):
    """What became of a lesion."""

    NEW = "new"
    RESOLVED = "resolved"
    UNCHANGED = "unchanged"
    GROWN = "grown"
    SHRUNK = "shrunk"


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeatability:
    """How far two measurements of one volume may lie apart.

    Attributes:
        percent: Growth in percent that measuring again may feign; its inverse is the
            shrinking that it may.
        least_ml: Differences below this are none, however large in percent.
        source: Where the figures come from, in words.
    """

    percent: float
    least_ml: float
    source: str


def read_repeatability(card: Mapping[str, Any]) -> dict[str, Repeatability]:
    """Return how repeatable a model's card says that its volumes are, by label's code.

    It is said only of what was measured. A card that can be used says it well
    (`workers.model_card`).
    """
    return {
        str(row["code"]): Repeatability(
            percent=float(row["percent"]),
            least_ml=float(row["least_ml"]),
            source=str(row["source"]),
        )
        for row in card.get("repeatability", [])
    }


NODULE: Final = Repeatability(
    percent=25.0,
    least_ml=0.0,
    source="25% of the volume, BTS guideline on pulmonary nodules, 2015",
)
SETTING: Final = Repeatability(
    percent=33.0,
    least_ml=0.5,
    source="a setting, not measured for this model",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeChange:
    """A volume beside the earlier one.

    Attributes:
        kind: What became of it.
        change_ml: Now less then, ml.
        percent: Of the earlier volume; None where there was none.
        percent_low: The least and the most that the percentage may be, by the
            measurement's repeatability; None with `percent`, or when it has gone.
        percent_high: See `percent_low`.
        doubling_days: Days in which it would double at this pace; of what has grown
            over at least one day only (Schwartz, Cancer 14:1272, 1961).
    """

    kind: Change
    change_ml: float
    percent: float | None = None
    percent_low: float | None = None
    percent_high: float | None = None
    doubling_days: float | None = None


def compare_volumes(
    *,
    now_ml: float | None,
    then_ml: float | None,
    days: int | None,
    repeatability: Repeatability,
) -> VolumeChange:
    """Say how a volume changed.

    Args:
        now_ml: The volume now; None when it is not there.
        then_ml: The volume then; None when it was not there.
        days: Whole days between; None when not known.
        repeatability: Of the measurement.

    Raises:
        ValueError: Both are None, or one is no positive volume.
    """
    for volume in (now_ml, then_ml):
        if volume is not None and not (volume > 0 and math.isfinite(volume)):
            raise ValueError("a volume is more than 0 ml")
    if now_ml is None or then_ml is None:
        return _one_sided(now_ml, then_ml)
    growth = math.log(now_ml / then_ml)
    room = math.log1p(repeatability.percent / 100.0)
    is_real = abs(growth) > room and abs(now_ml - then_ml) >= repeatability.least_ml
    kind = Change.UNCHANGED
    if is_real:
        kind = Change.GROWN if growth > 0 else Change.SHRUNK
    doubles = kind is Change.GROWN and days is not None and days >= 1
    return VolumeChange(
        kind=kind,
        change_ml=now_ml - then_ml,
        percent=_percent(growth),
        percent_low=_percent(growth - room),
        percent_high=_percent(growth + room),
        doubling_days=days * math.log(2.0) / growth if doubles and days else None,
    )


def _one_sided(now_ml: float | None, then_ml: float | None) -> VolumeChange:
    if now_ml is not None:
        return VolumeChange(kind=Change.NEW, change_ml=now_ml)
    if then_ml is None:
        raise ValueError("it is there neither now nor then")
    return VolumeChange(kind=Change.RESOLVED, change_ml=-then_ml, percent=-100.0)


def _percent(growth: float) -> float:
    return 100.0 * math.expm1(growth)

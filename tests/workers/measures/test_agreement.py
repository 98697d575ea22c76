"""Limits of agreement and repeatability against a published case and simulation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from workers.measures.agreement import (
    limits_of_agreement,
    relative_repeatability,
    repeatability,
)
from workers.measures.estimate import MeasureError

PEFR = Path(__file__).parents[4] / "shared" / "data" / "statistics" / "pefr_17.csv"


@pytest.mark.skipif(not PEFR.exists(), reason="../shared/data is not here")
def test_bland_and_altmans_peak_flow_meters():
    wright, mini = np.loadtxt(PEFR, delimiter=",", skiprows=1).T
    found = limits_of_agreement(first=wright, second=mini, deviations=2.0)
    assert found.n == 17
    assert found.bias == pytest.approx(-2.12, abs=0.005)
    assert found.sd == pytest.approx(38.77, abs=0.005)
    assert (found.low, found.high) == pytest.approx((-79.6, 75.4), abs=0.06)


def test_repeatability_by_hand():
    """Differences 3 and 4: mean square 12.5, within-subject variance 6.25."""
    found = repeatability(first=[3.0, 10.0], second=[0.0, 6.0])
    assert found.value == pytest.approx(1.959964 * np.sqrt(2) * 2.5, rel=1e-6)
    grown = relative_repeatability(first=[2.0, 1.0], second=[1.0, 2.0])
    assert grown.value == pytest.approx(100 * (2**1.959964 - 1), rel=1e-6)


def test_the_interval_covers_what_it_says():
    rng = np.random.default_rng(5)
    true = 1.959964 * np.sqrt(2) * 0.7
    held = 0
    for _ in range(2000):
        things = rng.normal(10, 4, 25)
        one, two = things + rng.normal(0, 0.7, (2, 25))
        found = repeatability(first=one, second=two)
        held += found.low <= true <= found.high
    assert 0.93 <= held / 2000 <= 0.97


def test_what_cannot_be_compared_is_refused():
    for first, second in (([1.0], [1.0]), ([1.0, 2.0], [1.0]), ([1, 2], [1, np.nan])):
        with pytest.raises(MeasureError):
            repeatability(first=first, second=second)
    with pytest.raises(MeasureError, match="positive"):
        relative_repeatability(first=[1.0, 0.0], second=[1.0, 1.0])

"""Change beyond the measurement's repeatability."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.measures.change import (
    NODULE,
    SETTING,
    Change,
    Repeatability,
    compare_volumes,
)

EXACT = Repeatability(percent=25.0, least_ml=0.0, source="a test")
ML = st.floats(0.01, 1000.0)


@pytest.mark.parametrize(
    ("now", "then", "kind"),
    [
        (None, 2.0, Change.RESOLVED),
        (2.0, None, Change.NEW),
        (1.24, 1.0, Change.UNCHANGED),
        (1.26, 1.0, Change.GROWN),
        (1.0, 1.24, Change.UNCHANGED),
        (1.0, 1.26, Change.SHRUNK),
    ],
)
def test_kinds(now: float | None, then: float | None, kind: Change) -> None:
    """A quarter more, or back by as much, is within the measurement's error."""
    found = compare_volumes(now_ml=now, then_ml=then, days=10, repeatability=EXACT)
    assert found.kind is kind


def test_numbers() -> None:
    """18 ml that were 11 ml: 64% more, 31% to 104% with a repeatability of 25%."""
    found = compare_volumes(now_ml=18.0, then_ml=11.0, days=50, repeatability=NODULE)
    assert found.kind is Change.GROWN
    assert found.change_ml == pytest.approx(7.0)
    assert found.percent == pytest.approx(63.636, abs=1e-3)
    assert found.percent_low == pytest.approx(30.909, abs=1e-3)
    assert found.percent_high == pytest.approx(104.545, abs=1e-3)
    assert found.doubling_days == pytest.approx(50 * math.log(2) / math.log(18 / 11))


def test_doubling() -> None:
    """What doubled in 30 days doubles in 30; of no day, or shrinking, none."""
    twice = compare_volumes(now_ml=4.0, then_ml=2.0, days=30, repeatability=EXACT)
    assert twice.doubling_days == pytest.approx(30.0)
    for now, then, days in ((4.0, 2.0, 0), (4.0, 2.0, None), (2.0, 4.0, 30)):
        found = compare_volumes(
            now_ml=now, then_ml=then, days=days, repeatability=EXACT
        )
        assert found.doubling_days is None


def test_small_differences_are_none() -> None:
    """A third of a drop is no growth."""
    found = compare_volumes(now_ml=0.5, then_ml=0.2, days=3, repeatability=SETTING)
    assert found.kind is Change.UNCHANGED
    assert found.percent == pytest.approx(150.0)


@given(now=ML, then=ML)
def test_there_and_back(now: float, then: float) -> None:
    """What grows one way shrinks the other way."""
    there = compare_volumes(now_ml=now, then_ml=then, days=5, repeatability=SETTING)
    back = compare_volumes(now_ml=then, then_ml=now, days=5, repeatability=SETTING)
    mirror = {Change.GROWN: Change.SHRUNK, Change.SHRUNK: Change.GROWN}
    assert back.kind is mirror.get(there.kind, Change.UNCHANGED)
    assert there.percent_low is not None
    assert there.percent is not None
    assert there.percent_high is not None
    assert there.percent_low < there.percent < there.percent_high
    if there.kind is Change.GROWN:
        assert there.percent_low > 0


@pytest.mark.parametrize(("now", "then"), [(None, None), (0.0, 1.0), (1.0, math.inf)])
def test_no_volume(now: float | None, then: float | None) -> None:
    """Nothing beside nothing is no change, and nor is no volume."""
    with pytest.raises(ValueError, match=r"volume|neither"):
        compare_volumes(now_ml=now, then_ml=then, days=1, repeatability=EXACT)

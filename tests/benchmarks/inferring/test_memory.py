"""The line through a course of memory, on courses whose slope is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.benchmarks.inferring.memory import slope_of


def course(per_thousand, *, n=2000, noise=3.0, warm_up=0.0):
    """Return (studies, MB): a warm-up that ends, a line, and noise."""
    rng = np.random.default_rng(1)
    done = np.linspace(0, n, 200)
    used = 800 + per_thousand * done / 1000 + rng.normal(0, noise, len(done))
    used += warm_up * (1 - np.exp(-done / (n / 40)))
    return list(zip(done.astype(int).tolist(), used.tolist(), strict=True))


@pytest.mark.parametrize("per_thousand", [0.0, 5.0, 20.0])
def test_a_slope_lies_in_its_interval(per_thousand):
    found = slope_of(course(per_thousand))
    assert found.low <= per_thousand <= found.high
    assert found.high - found.low < 4


def test_what_fills_at_the_beginning_is_no_slope():
    found = slope_of(course(0.0, warm_up=150.0))
    assert found.low <= 0 <= found.high


def test_what_never_changes_has_no_slope():
    found = slope_of([(done, 42.0) for done in range(100)])
    assert (found.per_thousand, found.low, found.high) == (0.0, 0.0, 0.0)


def test_few_samples_give_no_figure():
    assert math.isnan(slope_of(course(1.0)[:12]).per_thousand)
    assert math.isnan(slope_of([]).per_thousand)
    assert math.isnan(slope_of([(5, 1.0)] * 100).high)

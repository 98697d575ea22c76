"""Percentiles: to the last bit what NumPy says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.measures.percentile import percentiles

WANTED = (0.0, 0.5, 5.0, 50.0, 62.5, 95.0, 99.5, 100.0)


@settings(max_examples=60, deadline=None)
@given(n=st.integers(1, 400), seed=st.integers(0, 10_000), levels=st.integers(1, 300))
def test_it_is_numpys(n, seed, levels):
    values = np.random.default_rng(seed).integers(0, levels, n).astype(np.float32) / 255
    assert percentiles(values, WANTED) == list(np.percentile(values, WANTED))


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.uint16])
def test_of_a_picture_of_any_kind(kind):
    values = (np.random.default_rng(3).random((83, 61)) * 4000).astype(kind)
    assert percentiles(values, WANTED) == list(np.percentile(values, WANTED))


def test_the_values_stay_in_their_order():
    values = np.array([3.0, 1.0, 2.0], np.float32)
    percentiles(values, (50.0,))
    assert values.tolist() == [3.0, 1.0, 2.0]

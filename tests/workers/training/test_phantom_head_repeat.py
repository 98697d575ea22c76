"""Heads scanned twice: the same blood, and how far the volumes lie apart."""

from __future__ import annotations

import numpy as np
import pytest

from workers.measures.agreement import relative_repeatability
from workers.training.phantom_head_repeat import (
    FIRST_SEED,
    Rescan,
    measure_rescans,
    scans_of,
    stated_repeatability,
)
from workers.training.phantom_heads import PARTS


def rescans(n=40, spread=0.2, missed=4):
    rng = np.random.default_rng(2)
    true = rng.uniform(2.0, 30.0, n)
    marked = true[:, None] * np.exp(rng.normal(0, spread, (n, 2)))
    marked[:missed, 0] = 0.0
    return [
        Rescan(kind="subdural", true_ml=(t, t * 1.01), marked_ml=(a, b))
        for t, (a, b) in zip(true, marked, strict=True)
    ]


def test_two_scans_are_of_the_same_blood():
    one, two = scans_of(0, slices=16, size=64)
    assert one.kinds == two.kinds
    assert one.strengths == two.strengths
    assert one.volume_ml == pytest.approx(two.volume_ml, rel=0.4)
    assert not np.allclose(one.pose[0], two.pose[0]), "it lies otherwise"
    assert (one.hu != two.hu).mean() > 0.2


def test_no_head_was_trained_or_measured_on():
    assert all(part.start + part.count <= FIRST_SEED for part in PARTS.values())


def test_figures_are_those_of_what_was_marked_twice():
    made = rescans()
    found = measure_rescans(made)
    assert (found["n_heads"], found["n_marked_twice"]) == (40, 36)
    assert found["n_marked_once"] == 4
    twice = np.array([r.marked_ml for r in made if min(r.marked_ml) > 0])
    own = relative_repeatability(first=twice[:, 0], second=twice[:, 1])
    assert found["percent"]["value"] == pytest.approx(own.value, abs=0.05)
    # A spread of 0.2 on the logarithmic scale: exp(2.77 · 0.2) = 1.74.
    assert 50 < found["percent"]["value"] < 100
    limits = found["limits_percent"]
    assert -50 < limits["low"] < -30
    assert 50 < limits["high"] < 110
    assert found["of_the_truth_percent"]["value"] == pytest.approx(2.0, abs=0.2)
    # The setting calls a change of some that have not changed at all.
    assert 0.05 < found["setting_calls_change"]["value"] < 0.5


def test_what_is_stated_is_rounded_up_and_says_where_it_is_from():
    found = measure_rescans(rescans())
    said = stated_repeatability(found)
    assert found["percent"]["value"] <= said.percent < found["percent"]["value"] + 1
    assert said.source.startswith("measured for this model: 36 phantom heads")

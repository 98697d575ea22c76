"""Operating points and rates: known intervals, and coverage where patients repeat."""

from __future__ import annotations

import numpy as np
import pytest

from workers.measures.estimate import MeasureError
from workers.measures.operating import clustered_share, operating_point
from workers.measures.rate import poisson_rate


def test_a_point_is_counted_as_by_hand_with_wilsons_interval():
    truth = [True] * 263 + [False] * 20
    probabilities = [0.9] * 81 + [0.1] * 182 + [0.1] * 20
    point = operating_point(
        truth=truth, probabilities=probabilities, groups=range(283), threshold=0.5
    )
    assert point.sensitivity is not None
    assert point.specificity is not None
    assert point.sensitivity.value == pytest.approx(81 / 263)
    assert (point.sensitivity.low, point.sensitivity.high) == pytest.approx(
        (0.2553, 0.3662), abs=5e-5
    )
    assert (point.specificity.low, point.specificity.high) == pytest.approx(
        (1 - 0.1611, 1.0), abs=5e-5
    )
    assert point.ppv is not None
    assert (point.ppv.value, point.ppv.n) == (1.0, 81)
    assert point.npv is not None
    assert point.npv.n == 202


def test_a_case_at_the_threshold_is_flagged_and_nothing_is_no_figure():
    point = operating_point(
        truth=[True], probabilities=[0.5], groups=[1], threshold=0.5
    )
    assert point.sensitivity is not None
    assert point.sensitivity.value == 1
    assert point.specificity is None
    assert point.npv is None


def test_patients_who_come_again_widen_the_interval():
    source = np.random.default_rng(5)
    patients = np.repeat(np.arange(40), 5)
    hits = (source.random(40) < 0.7)[patients]
    counted = np.ones(200, dtype=bool)
    by_patient = clustered_share(hits=hits, counted=counted, groups=list(patients))
    as_if_alone = clustered_share(hits=hits, counted=counted, groups=range(200))
    assert by_patient.value == as_if_alone.value
    widths = [one.high - one.low for one in (by_patient, as_if_alone)]
    assert widths[0] > 1.8 * widths[1]
    every = clustered_share(hits=counted, counted=counted, groups=list(patients))
    assert every.low == pytest.approx(1 - 0.0876, abs=1e-3), "40 patients, not 200"


def test_the_bootstrap_covers_what_it_says():
    source = np.random.default_rng(11)
    inside, trials, patients = 0, 400, 80
    for _ in range(trials):
        each = source.integers(1, 5, patients)
        likely = source.beta(3.5, 1.5, patients)
        groups = np.repeat(np.arange(patients), each)
        hits = source.random(groups.size) < likely[groups]
        found = clustered_share(
            hits=hits, counted=np.ones(groups.size, dtype=bool), groups=list(groups)
        )
        inside += found.low <= 0.7 <= found.high
    assert 0.92 <= inside / trials <= 0.975


def test_a_rate_has_garwoods_interval():
    rate = poisson_rate(events=10, exposure=2)
    assert rate.value == 5
    assert (2 * rate.low, 2 * rate.high) == pytest.approx((4.7954, 18.3904), abs=1e-4)
    none = poisson_rate(events=0, exposure=1)
    assert (none.value, none.low) == (0, 0)
    assert none.high == pytest.approx(3.6889, abs=1e-4)
    with pytest.raises(MeasureError):
        poisson_rate(events=1, exposure=0)

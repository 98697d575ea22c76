"""Calibrations: what is fitted, that it never falls, and what folds say of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit

from workers.measures.estimate import MeasureError
from workers.measures.recalibration import (
    Calibration,
    Method,
    fit,
    judged_unseen,
    reliability,
)

METHODS = list(Method)


def sample(n=4000, seed=1, slope=0.5, intercept=-1.0):
    """Scores that are too sure: the truth follows sigmoid(slope · s + intercept)."""
    source = np.random.default_rng(seed)
    scores = source.normal(0, 2.5, n)
    return source.random(n) < expit(slope * scores + intercept), scores


def test_platt_finds_what_made_the_sample():
    truth, scores = sample(n=40_000)
    fitted = fit(method=Method.PLATT, truth=truth, scores=scores)
    assert fitted.slope == pytest.approx(0.5, abs=0.02)
    assert fitted.intercept == pytest.approx(-1.0, abs=0.04)


def test_temperature_finds_what_made_the_sample():
    truth, scores = sample(n=40_000, intercept=0)
    fitted = fit(method=Method.TEMPERATURE, truth=truth, scores=scores)
    assert fitted.slope == pytest.approx(0.5, abs=0.02)
    assert fitted.intercept == 0


def test_isotonic_is_the_smoothed_pools_of_a_case_worked_by_hand():
    # Pools: {1}, {2, 3} (violators), {4}; shares (k + ½)/(n + 1).
    fitted = fit(
        method=Method.ISOTONIC, truth=[0, 1, 0, 1], scores=[1.0, 2.0, 3.0, 4.0]
    )
    assert fitted.scores == (1.0, 2.5, 4.0)
    assert fitted.shares == pytest.approx((0.25, 0.5, 0.75))
    assert fitted.probability(1.75) == pytest.approx(0.375)
    assert fitted.probability(-9) == pytest.approx(0.25)


@pytest.mark.parametrize("method", METHODS)
def test_too_sure_scores_become_honest_on_patients_not_seen(method):
    truth, scores = sample(intercept=0)
    before = reliability(truth=truth, probabilities=expit(scores))
    unseen = judged_unseen(
        method=method, truth=truth, scores=scores, groups=range(truth.size)
    )
    after = reliability(truth=truth, probabilities=unseen)
    assert after.ece < before.ece / 3
    assert after.brier < before.brier
    assert after.n == before.n == sum(one.n for one in before.curve)


@pytest.mark.parametrize("method", METHODS)
@given(
    pairs=st.lists(
        st.tuples(st.booleans(), st.floats(-30, 30, width=32)), min_size=4, max_size=60
    ),
    asked=st.lists(st.floats(-60, 60), min_size=2, max_size=10),
)
def test_more_score_never_means_less_probability(method, pairs, asked):
    truth, scores = [t for t, _ in pairs], [s for _, s in pairs]
    try:
        fitted = fit(method=method, truth=truth, scores=scores)
    except MeasureError:
        return
    again = Calibration.of(fitted.plain())
    assert again == fitted
    found = fitted.probabilities(sorted(asked))
    assert ((found >= 0) & (found <= 1)).all()
    assert (np.diff(found) >= -1e-12).all()


def test_a_fold_has_not_seen_the_patient_that_it_judges():
    """With one case of each patient repeated, leaking would show as certainty."""
    source = np.random.default_rng(3)
    patients = np.repeat(np.arange(60), 10)
    scores = source.normal(0, 1, 60)[patients] + source.normal(0, 1e-6, 600)
    truth = (source.random(60) < 0.5)[patients]
    unseen = judged_unseen(
        method=Method.ISOTONIC, truth=truth, scores=scores, groups=list(patients)
    )
    leaky = judged_unseen(
        method=Method.ISOTONIC, truth=truth, scores=scores, groups=range(600)
    )
    told = reliability(truth=truth, probabilities=unseen)
    assert told.brier > reliability(truth=truth, probabilities=leaky).brier


@pytest.mark.parametrize(
    ("truth", "scores", "words"),
    [
        ([1, 1], [0.0, 1.0], "positive and negative"),
        ([0, 1], [0.0, float("nan")], "finite"),
        ([0, 1], [0.0], "same length"),
    ],
)
def test_what_can_not_be_fitted_is_said(truth, scores, words):
    with pytest.raises(MeasureError, match=words):
        fit(method=Method.PLATT, truth=truth, scores=scores)


def test_scores_the_wrong_way_round_are_no_calibration():
    truth, scores = sample(slope=-0.5)
    with pytest.raises(MeasureError, match="do not go with"):
        fit(method=Method.PLATT, truth=truth, scores=scores)


def test_the_calibration_error_is_that_of_the_table():
    told = reliability(
        truth=[0, 0, 1, 1, 1], probabilities=[0.25, 0.25, 0.55, 0.75, 0.75]
    )
    assert told.brier == pytest.approx(0.0905)
    assert [one.n for one in told.curve] == [2, 1, 2]
    assert logit(told.curve[0].stated) == pytest.approx(logit(0.25))

"""Figures against worked cases, and intervals that know about patients."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from workers.training.performance import (
    Scored,
    auroc,
    brier,
    calibration_error,
    fit_platt,
    measure,
    threshold_at_sensitivity,
)


def sample(n, seed=0):
    generator = np.random.default_rng(seed)
    truth = generator.random(n) < 0.6
    logit = generator.normal(0, 1, n) + 1.5 * truth
    return truth, logit


def test_auroc_is_the_rank_statistic_ties_included():
    truth, logit = sample(400)
    score = np.round(logit, 1)
    assert auroc(truth, score) == pytest.approx(roc_auc_score(truth, score))
    assert np.isnan(auroc(np.array([True, True]), np.array([0.1, 0.2])))


def test_brier_on_the_published_cases():
    assert brier(np.array([0, 1, 1, 0]), np.array([0.1, 0.9, 0.8, 0.3])) == (
        pytest.approx(0.0375)
    )
    probability = np.array([0.25, 0.25, 0.55, 0.75, 0.75])
    assert brier(np.array([0, 0, 1, 1, 1]), probability) == pytest.approx(0.0905)


def test_calibration_error_over_ten_bins():
    truth = np.array([True, False, True, True])
    probability = np.array([0.11, 0.13, 0.95, 0.97])
    assert calibration_error(truth, probability) == pytest.approx(
        0.5 * (0.5 - 0.12) + 0.5 * (1 - 0.96)
    )


def test_platt_recovers_the_true_log_odds():
    truth, logit = sample(20000)
    slope, intercept = fit_platt(truth, logit)
    # Two normals 1.5 apart, prevalence 0.6: log odds = 1.5 x − 1.125 + log(1.5).
    assert slope == pytest.approx(1.5, abs=0.06)
    assert intercept == pytest.approx(-1.125 + np.log(1.5), abs=0.06)


def test_platt_stays_finite_when_the_classes_are_apart():
    truth = np.array([False] * 10 + [True] * 10)
    slope, intercept = fit_platt(truth, np.where(truth, 3.0, -3.0))
    assert 0 < slope < 5
    assert abs(intercept) < 1


def test_the_threshold_keeps_the_wanted_sensitivity_and_no_more():
    truth, logit = sample(500)
    threshold = threshold_at_sensitivity(truth, logit, wanted=0.95)
    kept = (logit[truth] >= threshold).sum()
    assert kept == int(np.ceil(0.95 * truth.sum()))
    assert threshold not in logit


def test_repeats_of_a_patient_widen_the_interval():
    truth, logit = sample(120)
    probability = 1 / (1 + np.exp(-logit))
    single = Scored(
        truth=truth,
        probability=probability,
        patient=[str(i) for i in range(120)],
    )
    repeated = Scored(
        truth=np.repeat(truth, 5),
        probability=np.repeat(probability, 5),
        patient=[str(i) for i in range(120) for _ in range(5)],
    )
    as_if_apart = Scored(
        truth=repeated.truth,
        probability=repeated.probability,
        patient=[str(i) for i in range(600)],
    )

    def width(scored):
        row = measure(scored, threshold=0.5, n_bootstraps=300)["auroc"]
        return row["ci_high"] - row["ci_low"]

    assert width(repeated) == pytest.approx(width(single), rel=0.3)
    assert width(as_if_apart) < 0.7 * width(repeated)

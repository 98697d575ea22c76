"""The golden numbers of STATISTICS, to four digits."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.measures.auroc import auroc, compare_paired
from workers.measures.calibration import (
    brier,
    expected_calibration_error,
    fit_temperature,
)
from workers.measures.estimate import MeasureError
from workers.measures.proportion import wilson

ASAH = Path(__file__).parents[4] / "shared" / "data" / "statistics" / "asah.csv"


@pytest.fixture
def asah():
    if not ASAH.exists():
        pytest.skip("the shared statistics data are not here")
    with ASAH.open() as source:
        rows = list(csv.DictReader(source))
    return {
        "truth": [row["outcome"] == "Poor" for row in rows],
        "s100b": [float(row["s100b"]) for row in rows],
        "ndka": [float(row["ndka"]) for row in rows],
    }


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("marker", "expected"),
    [("s100b", (0.7314, 0.6301, 0.8326)), ("ndka", (0.6120, 0.5012, 0.7227))],
)
def test_auroc_of_asah(asah, marker, expected):
    found = auroc(truth=asah["truth"], scores=asah[marker])
    assert (found.value, found.low, found.high) == pytest.approx(expected, abs=5e-5)
    assert found.n == 113


@pytest.mark.real_data
def test_paired_comparison_of_asah(asah):
    found = compare_paired(
        truth=asah["truth"], first=asah["s100b"], second=asah["ndka"]
    )
    assert found.z == pytest.approx(1.3908, abs=5e-5)
    assert found.p == pytest.approx(0.1643, abs=5e-5)
    assert found.difference.value == pytest.approx(0.7314 - 0.6120, abs=1e-4)


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (0, 20, 0.0, 0.1611), (20, 20, 0.8389, 1.0)],
)
def test_wilson(successes, n, low, high):
    found = wilson(successes=successes, n=n)
    assert found.value == pytest.approx(successes / n)
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_its_share(pair):
    found = wilson(successes=pair[0], n=pair[1])
    assert 0 <= found.low <= found.value <= found.high <= 1


FIVE = {"truth": [0, 0, 1, 1, 1], "probabilities": [0.25, 0.25, 0.55, 0.75, 0.75]}


def test_brier():
    assert brier(**FIVE) == pytest.approx(0.0905, abs=5e-5)
    four = brier(truth=[0, 1, 1, 0], probabilities=[0.1, 0.9, 0.8, 0.3])
    assert four == pytest.approx(0.0375, abs=5e-5)


def test_expected_calibration_error():
    found = expected_calibration_error(**FIVE, n_bins=2)
    assert found == pytest.approx(0.29, abs=5e-5)


def test_temperature_is_found_again():
    noise = np.random.default_rng(0)
    logits = noise.normal(0, 2, 200_000)
    truth = noise.random(logits.size) < 1 / (1 + np.exp(-logits))
    assert fit_temperature(truth=truth, logits=logits * 3) == pytest.approx(3, rel=0.02)


def test_auroc_counts_ties_half():
    found = auroc(truth=[0, 0, 1, 1], scores=[1, 2, 2, 3])
    assert found.value == pytest.approx(3.5 / 4)


@given(st.integers(0, 10_000))
def test_auroc_is_the_share_of_pairs_in_order(seed):
    noise = np.random.default_rng(seed)
    truth = np.array([True, False, *(noise.random(18) < 0.5)])
    scores = noise.integers(0, 6, truth.size)
    pairs = scores[truth][:, None] - scores[~truth][None, :]
    by_hand = np.mean((pairs > 0) + 0.5 * (pairs == 0))
    assert auroc(truth=truth, scores=scores).value == pytest.approx(by_hand)


def test_delong_interval_covers():
    noise = np.random.default_rng(1)
    area = 0.7602499389065233  # normal scores one standard deviation apart
    hits = 0
    for _ in range(1000):
        truth = np.arange(120) < 60
        scores = noise.normal(truth.astype(float), 1.0)
        found = auroc(truth=truth, scores=scores)
        hits += found.low <= area <= found.high
    assert 0.93 <= hits / 1000 <= 0.97


@pytest.mark.parametrize(
    "verb",
    [
        lambda: auroc(truth=[1, 1], scores=[0.1, 0.2]),
        lambda: auroc(truth=[1, 0], scores=[0.1]),
        lambda: auroc(truth=[1, 0], scores=[0.1, float("nan")]),
        lambda: wilson(successes=2, n=1),
        lambda: wilson(successes=0, n=0),
        lambda: brier(truth=[], probabilities=[]),
        lambda: brier(truth=[1], probabilities=[1.5]),
        lambda: fit_temperature(truth=[1], logits=[]),
    ],
)
def test_what_cannot_be_measured_is_an_error(verb):
    with pytest.raises(MeasureError):
        verb()

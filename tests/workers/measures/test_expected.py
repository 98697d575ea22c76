"""The most that a share explains."""

import pytest
from scipy.stats import binom

from workers.measures.estimate import MeasureError
from workers.measures.expected import most_expected


@pytest.mark.parametrize("n", [1, 7, 20, 60, 400])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("risk", [0.05, 0.001])
def test_it_is_the_smallest_count_that_leaves_no_more_than_the_risk(n, share, risk):
    most = most_expected(n=n, share=share, risk=risk)
    above = sum(binom.pmf(k, n, share) for k in range(most + 1, n + 1))
    assert above <= risk + 1e-12
    if most:
        assert above + binom.pmf(most, n, share) > risk - 1e-12


def test_of_nothing_nothing_is_expected():
    assert most_expected(n=0, share=0.3) == 0


@pytest.mark.parametrize(
    "wrong", [{"n": -1}, {"share": 1.2}, {"share": -0.1}, {"risk": 0}, {"risk": 1}]
)
def test_impossible_numbers_are_refused(wrong):
    with pytest.raises(MeasureError):
        most_expected(**{"n": 10, "share": 0.1, "risk": 0.01, **wrong})

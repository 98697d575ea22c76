"""McNemar's exact test, against the binomial coefficients themselves."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest

from workers.measures.estimate import MeasureError
from workers.measures.paired import mcnemar


def pair(both: int, first: int, second: int, neither: int):
    one = [True] * both + [True] * first + [False] * second + [False] * neither
    other = [True] * both + [False] * first + [True] * second + [False] * neither
    return one, other


@pytest.mark.parametrize(
    ("first", "second"), [(5, 12), (12, 5), (0, 6), (1, 1), (7, 7), (3, 20)]
)
def test_it_is_the_binomial_tail_of_the_discordant_pairs(first, second):
    one, other = pair(30, first, second, 9)
    said = mcnemar(first=one, second=other)
    n = first + second
    tail = sum(comb(n, k) for k in range(min(first, second) + 1)) / 2**n
    assert said.p == pytest.approx(min(1.0, 2 * tail))
    assert (said.n, said.only_first, said.only_second) == (39 + n, first, second)


def test_where_nothing_differs_nothing_is_found():
    assert mcnemar(first=[True, False], second=[True, False]).p == 1


def test_a_true_difference_of_nothing_is_found_as_often_as_said():
    source = np.random.default_rng(5)
    found = sum(
        mcnemar(first=source.random(60) < 0.8, second=source.random(60) < 0.8).p < 0.05
        for _ in range(600)
    )
    assert found / 600 < 0.05, "the exact test keeps its level"


@pytest.mark.parametrize(("one", "other"), [([], []), ([True], [True, False])])
def test_what_is_no_pair_is_refused(one, other):
    with pytest.raises(MeasureError):
        mcnemar(first=one, second=other)

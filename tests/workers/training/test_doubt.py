"""What an ensemble's uncertainty is worth, and that the shipped card says it."""

import numpy as np
import pytest

from workers.training.doubt import errors_by_doubt


def test_errors_are_counted_on_either_side_of_the_limit():
    found = errors_by_doubt(
        wrong=np.array([True, False, True, False, False]),
        doubts=np.array([0.5, 0.2, 0.1, 0.0, 0.19]),
        limit=0.2,
    )
    assert (found["unsure"]["n"], found["unsure"]["errors"]) == (2, 1)
    assert (found["sure"]["n"], found["sure"]["errors"]) == (3, 1)
    assert found["sure"]["value"] == pytest.approx(1 / 3, abs=1e-4)
    assert found["sure"]["ci_low"] < 1 / 3 < found["sure"]["ci_high"]


def test_nobody_unsure_is_said_and_not_divided_by():
    found = errors_by_doubt(wrong=np.array([True]), doubts=np.array([0.0]), limit=0.2)
    assert found["unsure"] == {"n": 0}

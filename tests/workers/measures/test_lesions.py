"""Lesions of masks, and which is which."""

from __future__ import annotations

import numpy as np
import pytest

from workers.measures.lesions import JOIN_MM, Lesion, find_lesions, match_lesions

SPACING = (4.0, 1.0, 1.0)


def _ball(centre: tuple[float, float, float], radius: float) -> np.ndarray:
    z, y, x = np.ogrid[:20, :80, :80]
    square = (z * 4.0 - centre[0]) ** 2 + (y - centre[1]) ** 2 + (x - centre[2]) ** 2
    found: np.ndarray = square <= radius**2
    return found


def _one(centre: tuple[float, float, float], radius: float) -> Lesion:
    return find_lesions(_ball(centre, radius), SPACING)[0]


def test_volume_diameter_and_place() -> None:
    """A ball's volume, width and centre are its own."""
    lesion = _one((40.0, 30.0, 50.0), 12.0)
    assert lesion.volume_ml == pytest.approx(4 / 3 * np.pi * 1.2**3, rel=0.05)
    assert lesion.diameter_mm == pytest.approx(25.0, abs=0.6)
    assert lesion.centre == pytest.approx((40.0, 30.0, 50.0), abs=0.01)
    assert lesion.place == pytest.approx((40.0, 30.0, 50.0), abs=0.01)


def test_pieces_are_joined_when_near() -> None:
    """Two pieces a little apart are one lesion, further apart two; largest first."""
    near = _ball((40, 30, 20), 6) | _ball((40, 30, 20 + 12 + JOIN_MM - 1), 6)
    assert len(find_lesions(near, SPACING)) == 1
    far = _ball((40, 30, 20), 6) | _ball((40, 30, 20 + 14 + JOIN_MM), 7)
    apart = find_lesions(far, SPACING)
    assert [round(one.centre[2]) for one in apart] == [39, 20]
    assert find_lesions(np.zeros((4, 5, 6), bool), SPACING) == []


def test_one_to_one() -> None:
    """Of two that could be the same the nearer is; the other one is new."""
    now = [_one((40, 30, 30), 8), _one((40, 30, 46), 4)]
    then = [_one((40, 30, 31), 8)]
    pairs = match_lesions(now=now, then=then, moved=[then[0].points])
    assert pairs == [(0, 0), (1, None)]


def test_not_greedy() -> None:
    """The nearest pair is given up where all together lie nearer otherwise."""
    now = [_one((40, 30, 30), 10), _one((40, 30, 44), 10)]
    then = [_one((40, 30, 36), 10), _one((40, 30, 20), 10)]
    moved = [one.points for one in then]
    assert match_lesions(now=now, then=then, moved=moved) == [(0, 1), (1, 0)]


def test_gate() -> None:
    """What lies further apart than the gate is no counterpart."""
    now, then = [_one((40, 30, 20), 6)], [_one((40, 30, 40), 6)]
    pairs = match_lesions(now=now, then=then, moved=[then[0].points])
    assert pairs == [(0, None), (None, 0)]
    moved = [then[0].points - np.array([0.0, 0.0, 19.0])]
    assert match_lesions(now=now, then=then, moved=moved) == [(0, 0)]
    assert match_lesions(now=[], then=[], moved=[]) == []

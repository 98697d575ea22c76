"""Phantoms of one head scanned twice: where it lies is known."""

from __future__ import annotations

import numpy as np
import pytest

from workers.longitudinal.registration import (
    MOST_INCONSISTENT_MM,
    NotComparableError,
    Rigid,
    Volume,
    register,
)
from workers.phantoms.head import HeadVolume, head_volume
from workers.phantoms.settings import UNSEEN


def _scan(seed: int, *, person: int, strength: float, slices: int = 32) -> HeadVolume:
    return head_volume(
        seed,
        UNSEEN,
        slices=slices,
        size=128,
        person=person,
        bleed=person,
        strengths={"intraparenchymal": strength},
    )


def _volume(head: HeadVolume) -> Volume:
    return Volume(hu=head.hu, spacing=head.spacing_mm)


def _truth(now: HeadVolume, then: HeadVolume) -> Rigid:
    """Return where the earlier scan's points lie in the newer one."""
    turn = (now.pose[0].T @ then.pose[0]).astype(np.float64)
    place = np.array(then.origin_mm) - then.pose[1]
    shift = turn @ place + now.pose[1] - np.array(now.origin_mm)
    return Rigid(turn=turn, shift=shift)


def _points(head: HeadVolume) -> np.ndarray:
    places = np.argwhere(head.hu[::2, ::4, ::4] > -200) * np.array([2, 4, 4])
    found: np.ndarray = places * np.array(head.spacing_mm)
    return found


@pytest.mark.parametrize("person", [2, 3])
def test_finds_the_movement(person: int) -> None:
    """Turned, moved, grown and noisy anew: laid over each other within a millimetre."""
    then = _scan(person * 100, person=person, strength=0.55)
    now = _scan(person * 100 + 1, person=person, strength=0.7)
    truth = _truth(now, then)
    assert truth.degrees > 5
    found = register(now=_volume(now), then=_volume(then))
    error = truth.apply(_points(then)) - found.to_now.apply(_points(then))
    assert np.linalg.norm(error, axis=1).mean() < 1.0
    assert found.inconsistency_mm < MOST_INCONSISTENT_MM
    back = found.to_now.inverse().apply(found.to_now.apply(_points(then)))
    np.testing.assert_allclose(back, _points(then), atol=1e-6)


def test_same_volumes_same_movement() -> None:
    """What is sought twice is found alike."""
    then, now = (_volume(_scan(n, person=2, strength=0.5)) for n in (200, 201))
    first, second = register(now=now, then=then), register(now=now, then=then)
    points = _points(_scan(200, person=2, strength=0.5))
    np.testing.assert_allclose(
        first.to_now.apply(points), second.to_now.apply(points), atol=1e-3
    )


def test_another_part_is_not_comparable() -> None:
    """A quarter of the head is not the head, whatever the optimiser says."""
    then, now = (_volume(_scan(n, person=2, strength=0.5)) for n in (200, 201))
    piece = Volume(hu=then.hu[:8], spacing=then.spacing)
    with pytest.raises(NotComparableError, match=r"shows|reliably|no overlap"):
        register(now=now, then=piece)


def test_air_and_coarse_slices_are_not_comparable() -> None:
    """Nothing, and slices too far apart, are refused in words."""
    now = _volume(_scan(200, person=2, strength=0.5))
    air = Volume(hu=np.full((32, 64, 64), -1000, np.int16), spacing=now.spacing)
    with pytest.raises(NotComparableError, match="no body"):
        register(now=now, then=air)
    thick = Volume(hu=now.hu[::4], spacing=(20.0, *now.spacing[1:]))
    with pytest.raises(NotComparableError, match="too differently"):
        register(now=now, then=thick)

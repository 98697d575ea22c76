"""Vessels and airways of the lungs."""

from dataclasses import dataclass

import numpy as np

from workers.phantoms.shapes import Points, Tubes, grow_tree, join, polyline, rng_for
from workers.phantoms.torso import (
    APEX,
    Torso,
    aorta,
    chest,
    dome,
    heart,
    mediastinum,
    spine,
)


@dataclass(frozen=True)
class LungTree:
    """What runs through the lungs.

    Attributes:
        vessels: arteries and veins.
        airways: windpipe and bronchi as far as they hold visible air.
    """

    vessels: Tubes
    airways: Tubes


def inside_lung(torso: Torso, points: Points, *, margin: float = 0.0) -> Points:
    """Tells which points [n, 3] (z, y, x) lie in lung, by a margin in y.

    Returns:
        Booleans [n].
    """
    z, y, x = (points[:, k].astype(np.float32) for k in range(3))
    lung = chest(torso, x * (1 + margin / 120), z + margin)
    inside = (y > lung.front + margin) & (y < lung.back - margin)
    for shape in (
        mediastinum(torso, x, z),
        heart(torso, x, z),
        spine(torso, x, z),
        aorta(torso, x, z),
        dome(torso, x, z - margin, side=-1),
        dome(torso, x, z - margin, side=1),
    ):
        inside &= (y < shape.front - margin) | (y > shape.back + margin)
    return np.asarray(inside)


def lung_points(
    torso: Torso, rng: np.random.Generator, side: int, n: int, *, margin: float = 4.0
) -> Points:
    """Draws n points evenly within one lung (side -1 right, +1 left)."""
    found: list[Points] = []
    have = 0
    while have < n:
        box = np.stack(
            [
                rng.uniform(-215, APEX, 6 * n),
                rng.uniform(-torso.depth, torso.depth + 10, 6 * n),
                side * rng.uniform(5, torso.width, 6 * n),
            ],
            axis=1,
        )
        box = box[inside_lung(torso, box, margin=margin)]
        found.append(box)
        have += len(box)
    return np.concatenate(found)[:n]


def grow_lungs(torso: Torso, *, leaves: int = 500) -> LungTree:
    """Grows vessels and airways of both lungs.

    Args:
        torso: whose.
        leaves: how many ends each of the four trees has.
    """
    vessels, airways = [], [_windpipe(torso)]
    for side in (-1, 1):
        rng = rng_for(torso.seed, "vessels", side)
        hilum = np.array([6.0 + (12 if side > 0 else 0), 12.0, side * 40.0])
        hilum += rng.normal(0, 2.5, 3)
        left_atrium = np.array([-22.0, 22.0, side * 30.0]) + rng.normal(0, 2.5, 3)
        targets = lung_points(torso, rng, side, leaves)
        artery = grow_tree(rng, hilum, targets, root_radius=8.2 * torso.build)
        vein = grow_tree(
            rng,
            left_atrium,
            lung_points(torso, rng, side, leaves),
            root_radius=7.0 * torso.build,
        )
        vessels += [_bend(rng, artery), _bend(rng, vein)]
        bronchus = np.array([0.0, 14.0, side * 36.0])
        some = targets[: max(40, leaves // 6)]
        airways.append(
            _bend(rng, grow_tree(rng, bronchus, some, root_radius=5.5, leaf_radius=0.6))
        )
    return LungTree(join(*vessels), join(*airways))


def _windpipe(torso: Torso) -> Tubes:
    """Returns windpipe and main bronchi."""
    bend = 4 + 0.15 * torso.knob
    pipe = np.array(
        [
            [APEX + 90, -8, 0],
            [APEX, 2, 0],
            [60, 8, -bend],
            [24, 13, -bend * 0.7],
        ]
    )
    fork = pipe[-1]
    right = np.array([fork, [8, 15, -22], [-4, 15, -38]])
    left = np.array([fork, [8, 15, 20], [-8, 16, 42]])
    return join(polyline(pipe, 8.2), polyline(right, 6.2), polyline(left, 5.6))


def _bend(rng: np.random.Generator, tubes: Tubes) -> Tubes:
    """Makes straight pieces gently curved: each becomes three."""
    along = tubes.end - tubes.start
    length = np.linalg.norm(along, axis=1, keepdims=True)
    side = rng.normal(0, 1, along.shape)
    unit = along / np.maximum(length, 1e-9)
    side -= unit * np.sum(side * unit, axis=1, keepdims=True)
    bow = side * length * 0.07
    a = tubes.start + along / 3 + bow
    b = tubes.start + along * 2 / 3 + bow
    return Tubes(
        np.concatenate([tubes.start, a, b]),
        np.concatenate([a, b, tubes.end]),
        np.tile(tubes.radius, 3),
    )

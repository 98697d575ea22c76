"""The bones of a torso as clouds of points, for films and volumes alike.

A cloud is points [n, 3] (z, y, x) with, for each, the cubic millimetres of dense
bone that it stands for beyond the soft tissue that it replaces.
"""

from dataclasses import dataclass

import numpy as np

from workers.phantoms.shapes import Points, rng_for
from workers.phantoms.torso import APEX, Torso, chest_size, spine_x

MARROW = 0.16


@dataclass(frozen=True)
class Cloud:
    """Points of bone."""

    points: Points
    mass: Points


@dataclass(frozen=True)
class Strip:
    """A bent bar of elliptical section.

    Attributes:
        line: [n, 3] centre line.
        face: [n, 3] unit vectors across its thin side.
        height: [n] half size across the line and the face.
        thick: [n] half size along the face.
        cortex: millimetres of dense bone around the marrow.
    """

    line: Points
    face: Points
    height: Points
    thick: Points
    cortex: float


def merge(clouds: list[Cloud]) -> Cloud:
    """Puts clouds together."""
    return Cloud(
        np.concatenate([c.points for c in clouds]),
        np.concatenate([c.mass for c in clouds]),
    )


def fill_strip(strip: Strip, step: float, bone: float | Points) -> Cloud:
    """Fills a strip with points about `step` apart.

    Args:
        strip: what to fill.
        step: millimetres.
        bone: mineral content, one or [n] along the line.
    """
    length = np.linalg.norm(np.diff(strip.line, axis=0), axis=1)
    s = np.concatenate([[0.0], np.cumsum(length)])
    count = max(2, int(np.ceil(s[-1] / step)))
    at = (np.arange(count) + 0.5) * s[-1] / count

    def along(values: Points) -> Points:
        if values.ndim == 1:
            return np.asarray(np.interp(at, s, values))
        return np.stack([np.interp(at, s, v) for v in values.T], axis=1)

    line = along(strip.line)
    tangent = np.gradient(line, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    face = along(strip.face)
    face -= tangent * np.sum(face * tangent, axis=1, keepdims=True)
    face /= np.linalg.norm(face, axis=1, keepdims=True)
    other = np.cross(tangent, face)
    height, thick = along(strip.height), along(strip.thick)
    area = float(np.pi * height.mean() * thick.mean())
    n = int(np.clip(area / step**2, 9, 900))
    k = np.arange(n)
    rho = np.sqrt((k + 0.5) / n)
    phi = k * 2.399963229728653
    # Each slice is turned, so that points do not line up along the strip.
    turn = np.arange(count)[:, None] * 0.7548776662
    u, v = rho * np.cos(phi + turn), rho * np.sin(phi + turn)
    points = (
        line[:, None, :]
        + (u * height[:, None])[..., None] * other[:, None, :]
        + (v * thick[:, None])[..., None] * face[:, None, :]
    )
    inner_h = np.maximum(height - strip.cortex, 0.05)[:, None]
    inner_t = np.maximum(thick - strip.cortex, 0.05)[:, None]
    core = (u * height[:, None] / inner_h) ** 2 + (v * thick[:, None] / inner_t) ** 2
    mineral = along(np.broadcast_to(bone, (len(strip.line),)).astype(float))
    density = np.where(core < 1.0, MARROW, 1.0) * mineral[:, None]
    each = np.pi * height * thick * s[-1] / count / n
    return Cloud(points.reshape(-1, 3), (density * each[:, None]).ravel())


def _rib_line(torso: Torso, k: int, side: int) -> tuple[Points, Points]:
    """Returns the centre line and outward normals of rib k (1 to 12)."""
    rng = rng_for(torso.seed, "rib", k, side)
    end = np.radians(
        np.interp(k, [1, 2, 6, 8, 10, 11, 12], [140, 148, 146, 134, 118, 88, 62])
    )
    theta = np.linspace(np.radians(11), end + rng.normal(0, 0.03), 56)
    drop = np.interp(k, [1, 2, 3, 5, 8, 10, 12], [34, 56, 72, 92, 104, 96, 80])
    drop = drop * (1 + 0.06 * float(torso.wave[13]) + rng.normal(0, 0.015))
    start = vertebra_z(torso, k) + 6 + rng.normal(0, 1.0)
    share = theta / np.radians(150)
    z = start + 5 * np.sin(np.pi * np.clip(share * 3, 0, 1)) - drop * share**1.75
    width, depth, middle = chest_size(
        torso, np.full(56, 60, np.float32), np.minimum(z, APEX - 8).astype(np.float32)
    )
    # Ribs wrap the lungs from just outside.
    a, b = width + 4.0, depth + 4.0
    n = 2 / 2.3
    s, c = np.sin(theta), np.cos(theta)
    x = a * np.abs(s) ** n
    y = middle + b * np.sign(c) * np.abs(c) ** n
    normal = np.stack(
        [np.zeros(56), np.sign(c) * np.abs(c) ** 1.1 / b, np.abs(s) ** 1.1 / a], axis=1
    )
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    line = np.stack([z, y, x], axis=1)
    line[:, 2] *= side
    normal[:, 2] *= side
    return line, normal


def vertebra_z(torso: Torso, k: int) -> float:
    """Returns the height of the middle of vertebra Tk (k may exceed 12: L1, …)."""
    grow = 0.94 + 0.06 * torso.build
    z = APEX - 8.0
    for j in range(1, abs(k - 1) + 1):
        z -= np.sign(k - 1) * (17.5 + 0.62 * j if k > 1 else 16.0) * grow
    return float(z)


def ribs(torso: Torso, step: float) -> Cloud:
    """Returns all ribs."""
    clouds = []
    for side in (-1, 1):
        for k in range(1, 13):
            line, normal = _rib_line(torso, k, side)
            t = np.linspace(0, 1, len(line))
            height = np.interp(t, [0, 0.15, 0.5, 1], [4.2, 5.2, 6.4, 6.8])
            thick = np.interp(t, [0, 0.3, 1], [3.8, 3.4, 3.0])
            size = np.interp(k, [1, 3, 9, 12], [0.95, 1, 1, 0.75]) * torso.build
            # The end goes over into cartilage, which hardly shows.
            strip = Strip(line, normal, height * size, thick * size, 0.7)
            fade = np.interp(t, [0, 0.35, 0.6, 0.9, 1], [0.85, 0.9, 0.8, 0.55, 0.2])
            clouds.append(fill_strip(strip, step, torso.bone * fade))
    return merge(clouds)


def _bar(points: list[tuple[float, float, float]], **kw: float) -> Strip:
    """Makes a round bar through (x, y, z) points, smoothly."""
    p = np.array(points)[:, [2, 1, 0]]
    t = np.linspace(0, len(p) - 1, 40)
    line = np.stack([_smooth(t, v) for v in p.T], axis=1)
    face = np.tile([0.1, 1.0, 0.15], (40, 1))
    start, end = kw["radius"], kw.get("end", kw["radius"])
    middle = kw.get("middle", 0.5 * (start + end))
    size = np.interp(t / t[-1], [0, 0.22, 0.5, 1], [start, middle, middle, end])
    flat = kw.get("flat", 1.0)
    return Strip(line, face, size, size * flat, kw.get("cortex", 1.6))


def _smooth(t: Points, values: Points) -> Points:
    """Interpolates with a Catmull-Rom spline."""
    padded = np.concatenate(
        [[2 * values[0] - values[1]], values, [2 * values[-1] - values[-2]]]
    )
    i = np.minimum(t.astype(int), len(values) - 2)
    u = t - i
    a, b, c, d = (padded[i + j] for j in range(4))
    out: Points = 0.5 * (
        2 * b
        + (c - a) * u
        + (2 * a - 5 * b + 4 * c - d) * u**2
        + (3 * b - a - 3 * c + d) * u**3
    )
    return out


def girdle(torso: Torso, step: float, *, arms: bool = True) -> Cloud:
    """Returns collarbones, shoulder blades, breastbone, and the upper arms."""
    rng = rng_for(torso.seed, "girdle")
    strips: list[Strip] = []
    end = torso.shoulder
    for s in (-1, 1):
        lift = rng.normal(0, 4) + 3 * float(torso.wave[14])
        zc = APEX - 44 + lift
        strips += [
            _bar(
                [
                    (s * 17, -62, zc),
                    (s * 52, -74, zc + 12),
                    (s * 100, -52, zc + 20 + lift),
                    (s * (end - 36), -4, zc + 34 + lift),
                    (s * (end - 16), 6, zc + 36 + lift),
                ],
                radius=12.0,
                middle=7.2,
                end=9.0,
                flat=0.75,
                cortex=1.3,
            ),
            # The blade's outer border, its spine, the coracoid.
            _bar(
                [
                    (s * (end - 46), 40, APEX - 42),
                    (s * (end - 52), 62, APEX - 85),
                    (s * (end - 60), 80, APEX - 150),
                ],
                radius=6,
                end=4,
                cortex=1.5,
                flat=0.7,
            ),
            _bar(
                [
                    (s * (end - 92), 88, APEX - 32),
                    (s * (end - 55), 70, APEX - 10),
                    (s * (end - 18), 30, APEX + 2),
                    (s * (end - 10), 6, APEX - 2),
                ],
                radius=5,
                end=7,
                cortex=1.3,
                flat=0.7,
            ),
            _bar(
                [
                    (s * (end - 52), 30, APEX - 26),
                    (s * (end - 56), 2, APEX - 14),
                    (s * (end - 44), -18, APEX - 24),
                ],
                radius=7,
                end=5,
                cortex=1.2,
            ),
            _blade(s, end),
        ]
        if arms:
            strips.append(_humerus(torso, s))
    strips.append(
        _bar(
            [(0, -78, APEX - 52), (0, -92, APEX - 95), (0, -98, APEX - 190)],
            radius=21,
            end=15,
            cortex=1.0,
            flat=0.25,
        )
    )
    return merge([fill_strip(strip, step, torso.bone) for strip in strips])


def _blade(s: int, end: float) -> Strip:
    """Returns the thin plate of a shoulder blade."""
    t = np.linspace(0, 1, 24)
    x = end - 68 + 3 * t
    z = APEX - 24 - 118 * t
    y = 74 + 10 * t
    line = np.stack([z, y, s * x], axis=1)
    face = np.tile([0.1, 1.0, 0.45 * s], (24, 1))
    height = np.interp(t, [0, 0.15, 0.5, 1], [20, 30, 22, 6])
    return Strip(line, face, height, np.full(24, 1.4), 0.5)


def _humerus(torso: Torso, s: int) -> Strip:
    """Returns the head and shaft of an upper arm."""
    angle = np.radians(torso.arm_angle)
    x0, z0 = torso.shoulder - 26, APEX - 38
    down = np.array([-np.cos(angle), 0.0, s * np.sin(angle)])
    base = np.array([z0, 20.0, s * x0])
    t = np.concatenate([np.linspace(-24, 24, 30), np.linspace(30, 280, 30)])
    ball = 24 * np.sqrt(np.clip(1 - ((t + 1) / 25) ** 2, 0.05, 1))
    shaft = np.interp(t, [0, 20, 40, 70, 280], [0, 19, 14.5, 11.5, 11])
    size = np.maximum(ball, shaft) * torso.build
    line = base + t[:, None] * down
    # The ball sits towards the joint.
    line[:, 2] -= s * 7 * np.clip(1 - (t + 24) / 60, 0, 1)
    return Strip(line, np.tile([0.0, 1.0, 0.0], (60, 1)), size, size, 1.9)


def vertebrae(torso: Torso, step: float) -> Cloud:
    """Returns the spine from the neck to the sacrum."""
    clouds = []
    for k in range(-5, 19):
        z = vertebra_z(torso, k)
        x = float(spine_x(torso, np.array([z], np.float32))[0])
        tall = 0.5 * abs(vertebra_z(torso, k) - vertebra_z(torso, k + 1)) - 2.4
        half = (
            np.interp(k, [-5, -1, 1, 6, 12, 16], [11, 12, 14, 15, 19, 22]) * torso.build
        )
        y = 52.0 + 8 * np.sin((z + 20) / 120)
        clouds.append(_vertebra(torso, (z, y, x), float(half), tall, step))
    return merge(clouds)


def _vertebra(
    torso: Torso, at: tuple[float, float, float], half: float, tall: float, step: float
) -> Cloud:
    """Returns one vertebra: body, pedicles, transverse and spinous process."""
    z, y, x = at
    t = np.linspace(-1, 1, 25)
    # A waist, and dense end plates (slices of their own).
    size = half * (1 - 0.1 * (1 - t**2))
    body = Strip(
        np.stack([z + tall * t, np.full(25, y), np.full(25, x)], axis=1),
        np.tile([0.0, 1.0, 0.0], (25, 1)),
        size,
        size * 0.85,
        0.8,
    )
    strips = [body]
    plates: list[Strip] = []
    for plate in (-1, 1):
        line = np.array(
            [[z + plate * tall - 0.6, y, x], [z + plate * tall + 0.6, y, x]]
        )
        plates.append(
            Strip(
                line,
                np.tile([0.0, 1.0, 0.0], (2, 1)),
                np.full(2, half),
                np.full(2, half * 0.85),
                half,
            )
        )
    for s in (-1, 1):
        strips += [
            _bar(
                [
                    (x + s * 0.62 * half, y + 0.7 * half, z + 0.3 * tall),
                    (x + s * 0.72 * half, y + 1.3 * half, z + 0.3 * tall),
                    (x + s * 0.6 * half, y + 1.8 * half, z),
                ],
                radius=0.28 * half,
                cortex=0.8,
            ),
            _bar(
                [
                    (x + s * 0.6 * half, y + 1.5 * half, z + 0.3 * tall),
                    (x + s * 1.5 * half, y + 1.75 * half, z + 0.5 * tall),
                    (x + s * 1.9 * half, y + 1.9 * half, z + 0.45 * tall),
                ],
                radius=0.27 * half,
                end=0.2 * half,
                cortex=0.9,
            ),
        ]
    strips.append(
        _bar(
            [
                (x, y + 1.8 * half, z - 0.2 * tall),
                (x, y + 2.4 * half, z - 0.9 * tall),
                (x, y + 2.9 * half, z - 1.3 * tall),
            ],
            radius=0.2 * half,
            cortex=0.9,
        )
    )
    bone = 0.62 * torso.bone
    return merge(
        [fill_strip(strip, step, bone) for strip in strips]
        + [fill_strip(strip, step, 0.35 * bone) for strip in plates]
    )

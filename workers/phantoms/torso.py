"""The measures of one torso, and its outlines as functions of height and width.

Coordinates are millimetres: z up, y to the back, x to the patient's left; the tops of
the lungs lie at z = 120. An outline is a *span*: for columns (x, z) the y at which
a shape begins and ends. Spans give thickness along a frontal beam without voxels,
at any resolution, and fill volumes too.
"""

from dataclasses import dataclass

import numpy as np

from workers.phantoms.settings import BodySettings
from workers.phantoms.shapes import Floats, rng_for

APEX = 120.0
_NOWHERE = np.float32(1e4)


@dataclass(frozen=True)
class Span:
    """Where a shape begins and ends along y; begins after it ends where absent."""

    front: Floats
    back: Floats

    def length(self) -> Floats:
        """Returns millimetres inside the shape along each column."""
        return np.maximum(self.back - self.front, 0.0)

    def hull(self, other: "Span") -> "Span":
        """Joins two shapes that touch."""
        return Span(
            np.minimum(self.front, other.front), np.maximum(self.back, other.back)
        )

    def within(self, other: "Span") -> "Span":
        """Returns what lies inside both."""
        return Span(
            np.maximum(self.front, other.front), np.minimum(self.back, other.back)
        )


def span(middle: Floats | float, half: Floats) -> Span:
    """Makes a span from its middle and half length (absent where not positive)."""
    present = half > 0
    return Span(
        np.where(present, middle - half, _NOWHERE).astype(np.float32),
        np.where(present, middle + half, -_NOWHERE).astype(np.float32),
    )


def union_length(spans: list[Span], inside: Span) -> Floats:
    """Returns how much of `inside` the shapes cover together, per column."""
    clipped = [s.within(inside) for s in spans]
    fronts = np.stack([s.front for s in clipped])
    backs = np.stack([s.back for s in clipped])
    order = np.argsort(fronts, axis=0)
    fronts = np.take_along_axis(fronts, order, axis=0)
    backs = np.take_along_axis(backs, order, axis=0)
    total = np.zeros(fronts.shape[1:], dtype=np.float32)
    reached = np.full(fronts.shape[1:], -_NOWHERE, dtype=np.float32)
    for front, back in zip(fronts, backs, strict=True):
        total += np.maximum(back - np.maximum(front, reached), 0.0)
        reached = np.maximum(reached, np.where(back > front, back, reached))
    return total


@dataclass(frozen=True)
class Torso:
    """The measures of one patient, all in millimetres unless said.

    Attributes:
        seed: of everything about this patient's anatomy.
        width: greatest inner half width of the chest.
        depth: greatest inner half depth of the chest.
        heart_ratio: heart's width over the chest's inner width.
        dome_right: height of the right dome of the diaphragm.
        knob: how far the aortic knob stands out.
        bone: mineral content relative to a young adult.
        wave: random numbers about 0 for the many small differences.
    """

    seed: int
    age: float
    female: bool
    build: float
    fat: float
    width: float
    depth: float
    heart_ratio: float
    heart_tilt: float
    dome_right: float
    dome_left: float
    knob: float
    rotation: float
    tilt: float
    bone: float
    breast: float
    arm_angle: float
    wave: tuple[float, ...]

    @property
    def shoulder(self) -> float:
        """Half width of the shoulders."""
        return self.width + 48 + 5 * float(self.wave[0])


def draw_torso(seed: int, settings: BodySettings) -> Torso:
    """Draws one patient."""
    rng = rng_for(seed, "torso")
    female = bool(rng.random() < settings.female)
    age = settings.age.draw(rng)
    build = settings.build.draw(rng) * (0.93 if female else 1.02)
    breath = settings.inspiration.draw(rng)
    dome = -78 - 36 * breath + rng.normal(0, 4)
    return Torso(
        seed=seed,
        age=age,
        female=female,
        build=build,
        fat=settings.fat_mm.draw(rng) * (1.15 if female else 1.0),
        width=138 * build + rng.normal(0, 3),
        depth=(84 + 0.12 * (age - 50)) * build + rng.normal(0, 4),
        heart_ratio=settings.heart_ratio.draw(rng),
        heart_tilt=float(rng.uniform(30, 48)),
        dome_right=float(dome),
        dome_left=float(dome - rng.normal(11, 4)),
        knob=float(np.clip(5 + 0.16 * (age - 30) + rng.normal(0, 2), 2, 17)),
        rotation=settings.rotation_deg.draw(rng),
        tilt=float(rng.normal(0, 1.0)),
        bone=float(np.clip(1.05 - 0.004 * (age - 40) + rng.normal(0, 0.06), 0.7, 1.2)),
        breast=float(rng.uniform(0.35, 1.0)) if female else 0.0,
        arm_angle=float(rng.uniform(8, 30)),
        wave=tuple(float(v) for v in rng.normal(0, 1, 24)),
    )


def _rise(t: Floats, power: float) -> Floats:
    """Goes from 0 at t = 0 to 1 at t = 1 as a quarter of a superellipse."""
    t = np.clip(t, 0.0, 1.0)
    out: Floats = (1.0 - (1.0 - t) ** power) ** (1.0 / power)
    return out


def _ease(t: Floats) -> Floats:
    """Goes from 0 at t = 0 to 1 at t = 1, flat at both ends."""
    t = np.clip(t, 0.0, 1.0)
    out: Floats = t * t * (3.0 - 2.0 * t)
    return out


def chest_size(torso: Torso, x: Floats, z: Floats) -> tuple[Floats, Floats, Floats]:
    """Returns the inner half width, half depth and middle (y) of the chest.

    Args:
        torso: whose.
        x: columns.
        z: heights.
    """
    low = -105.0
    inward = np.maximum(50.0 - np.abs(x), 0.0)
    t = (APEX - z) / (APEX - low)
    t_medial = (APEX - z - 0.014 * inward**2) / (APEX - low)
    width = 50 + (torso.width - 50) * _rise(t, 1.95 + 0.06 * float(torso.wave[1]))
    width = width * (1.0 - 0.0007 * np.maximum(low - z, 0.0))
    depth = torso.depth * _rise(t_medial * 1.25, 2.1)
    middle = 24.0 * np.clip(1.0 - t * 1.6, 0.0, 1.0) ** 1.5
    return (
        np.asarray(width, dtype=np.float32),
        np.asarray(depth, dtype=np.float32),
        np.asarray(middle, dtype=np.float32),
    )


def chest(torso: Torso, x: Floats, z: Floats) -> Span:
    """Returns the span of the chest cavity."""
    width, depth, middle = chest_size(torso, x, z)
    across = np.clip(np.abs(x) / width, 0.0, 1.0)
    return span(middle, depth * (1.0 - across**2.5) ** (1 / 2.5))


def _bump(z: Floats, at: float, width: float) -> Floats:
    out: Floats = np.exp(-(((z - at) / width) ** 2))
    return out


def mediastinum(torso: Torso, x: Floats, z: Floats) -> Span:
    """Returns the span of the great vessels and what lies between the lungs."""
    w = torso.wave
    _, depth, middle = chest_size(torso, np.full_like(x, 60.0), z)
    grow = torso.width / 138
    right = (15 + 12 * _step(z, -8, 18) + 2 * w[2] * _bump(z, 60, 30)) * grow
    right = right - 7 * _bump(z, 128, 34)
    left = 15 + 8 * _step(z, 20, 25)
    left = left + (torso.knob + 6) * _arch(z, 47 + 2 * float(w[3]), 21)
    left = left + (13 + 3 * w[4]) * _bump(z, 8, 18) + 9 * _bump(z, -18, 16)
    left = (left - 4 * _bump(z, 125, 30)) * grow
    shift = np.float32(-np.sin(np.radians(torso.rotation)) * 25)
    inner = np.where(x < shift, x - shift + right, left - (x - shift))
    round_edge = _rise(inner / 22.0, 1.8)
    fill = 0.62 + 0.2 * _step(z, 0, 30)
    return span(middle, np.asarray(depth * fill * round_edge, dtype=np.float32))


def _arch(z: Floats, at: float, width: float) -> Floats:
    """Goes up to 1 and down again as a half circle with soft feet."""
    rest = np.maximum(1.0 - ((z - at) / width) ** 2, 0.0)
    out: Floats = 0.8 * np.sqrt(rest) * rest**0.15 + 0.2 * _bump(z, at, 1.3 * width)
    return out


def _step(z: Floats, at: float, width: float) -> Floats:
    """Goes from 0 below to 1 above a height."""
    out: Floats = 0.5 * (1.0 + np.tanh((z - at) / width))
    return out


@dataclass(frozen=True)
class Egg:
    """An ellipsoid tilted in the frontal plane."""

    x: float
    y: float
    z: float
    long: float
    short: float
    deep: float
    tilt: float

    def at(self, x: Floats, z: Floats) -> Span:
        """Returns its span."""
        c, s = np.cos(np.radians(self.tilt)), np.sin(np.radians(self.tilt))
        u = (c * (x - self.x) - s * (z - self.z)) / self.long
        v = (s * (x - self.x) + c * (z - self.z)) / self.short
        rest = 1.0 - u**2 - v**2
        return span(
            self.y,
            np.asarray(self.deep * np.sqrt(np.maximum(rest, 0.0)), dtype=np.float32),
        )

    def reach(self) -> float:
        """Returns the half width in the frontal plane."""
        angle = np.radians(self.tilt)
        return float(np.hypot(self.long * np.cos(angle), self.short * np.sin(angle)))


def heart_eggs(torso: Torso) -> tuple[Egg, ...]:
    """Returns the heart's chambers as eggs; its width is as the ratio says."""
    whole = torso.heart_ratio * 2 * torso.width
    floor = 0.5 * (torso.dome_right + torso.dome_left)
    high = floor + 22 + 2 * float(torso.wave[5])
    shift = -np.sin(np.radians(torso.rotation)) * -25
    right = 0.305 * whole + 2 * float(torso.wave[6])
    left = whole - right
    short = 0.36 * whole
    long = 0.47 * whole
    reach = Egg(0, 0, 0, long, short, 1, torso.heart_tilt).reach()
    deep = min(0.5 * whole, 0.78 * torso.depth)
    ventricle = Egg(
        left - reach + shift, -14, high, long, short, deep, torso.heart_tilt
    )
    atrium = Egg(
        -right + 0.27 * whole + shift,
        -8,
        high + 4,
        0.27 * whole,
        0.36 * whole,
        0.85 * deep,
        8,
    )
    base = Egg(
        0.07 * whole + shift, -15, high + 48, 0.24 * whole, 0.42 * whole, 0.7 * deep, 24
    )
    return ventricle, atrium, base


def heart(torso: Torso, x: Floats, z: Floats) -> Span:
    """Returns the span of the heart."""
    eggs = heart_eggs(torso)
    out = eggs[0].at(x, z)
    for egg in eggs[1:]:
        out = out.hull(egg.at(x, z))
    return out


def spine_x(torso: Torso, z: Floats) -> Floats:
    """Returns how far the spine bends to the side."""
    bend = 3.0 * float(torso.wave[7]) * np.sin((z + 40) / 90.0)
    return np.asarray(bend, dtype=np.float32)


def spine(torso: Torso, x: Floats, z: Floats) -> Span:
    """Returns the span of the spine and the soft tissue beside it."""
    across = (x - spine_x(torso, z) + _turned(torso, 55)) / 23.0
    round_edge = np.clip(1.0 - np.abs(across) ** 2.6, 0.0, 1.0) ** 0.6
    return span(70.0, 40.0 * round_edge)


def _turned(torso: Torso, y: float) -> float:
    return float(-np.sin(np.radians(torso.rotation)) * y)


def aorta(torso: Torso, x: Floats, z: Floats) -> Span:
    """Returns the span of the descending aorta."""
    radius = 11 + 0.05 * (torso.age - 40)
    line = 17 + 0.35 * torso.knob + 0.03 * (z + 40) + _turned(torso, -45)
    inside = radius**2 - (x - line) ** 2
    below = z < 55
    return span(48.0, np.sqrt(np.maximum(inside, 0.0)) * below)


def dome(torso: Torso, x: Floats, z: Floats, *, side: int) -> Span:
    """Returns the span of what the diaphragm covers on one side.

    Args:
        torso: whose.
        x: columns.
        z: heights.
        side: -1 right (x < 0), +1 left.
    """
    top = torso.dome_right if side < 0 else torso.dome_left
    w = torso.wave[8] if side < 0 else torso.wave[9]
    middle = 0.46 * torso.width
    out = side * x - middle
    # Outwards it falls to the sulcus beside the ribs, inwards only to the heart.
    reach = np.where(out > 0, 0.56 * torso.width, 0.95 * torso.width)
    below = np.maximum(top - z, 0.0) / (50.0 + 4 * float(w))
    level = below ** (1 / 1.12) - (out / reach) ** 2
    half = 0.86 * torso.depth * np.sqrt(np.maximum(level, 0.0))
    on_side = side * x > -5
    return span(-0.18 * torso.depth, np.asarray(half * on_side, dtype=np.float32))


def body(torso: Torso, x: Floats, z: Floats) -> Span:
    """Returns the span of trunk, neck and shoulders, without arms and breasts."""
    wall = 16 + torso.fat
    a = np.abs(x)
    slim = 1.0 - 0.05 * (1.3 - torso.build) * np.clip((-150 - z) / 60, 0, 1)
    wide = (torso.width + wall + 4) * slim * (1 - 0.2 * np.clip((z - 40) / 120, 0, 1))
    across = np.clip(a / wide, 0.0, 1.0)
    deep = torso.depth + 9 + 0.66 * wall
    fade = _rise((APEX + 6 - z) / 130.0, 2.4)
    trunk = span(4.0, deep * fade * (1.0 - across**3.3) ** (1 / 3.3))
    neck_wide = 52 + 6 * torso.build + 0.2 * torso.fat
    neck = span(
        8.0,
        62 * np.sqrt(np.clip(1.0 - (a / neck_wide) ** 2, 0.0, 1.0)) * (z > APEX - 40),
    )
    return trunk.hull(neck).hull(_shoulders(torso, a, z, neck_wide))


def _shoulders(torso: Torso, a: Floats, z: Floats, neck: float) -> Span:
    """Returns the span of the shoulder girdle for |x| = a."""
    end = torso.shoulder
    s = np.clip((a - neck * 0.8) / (end - neck * 0.8), 0.0, 1.0)
    top = APEX - 2 + 4 * torso.wave[10] + 78 * (1 - s) ** 2.1
    corner = np.clip((a - (end - 42)) / 42, 0.0, 1.0)
    top = top - 46 * (1 - np.sqrt(1 - corner**2))
    rise = (top - z) / 95.0
    floor = _ease((z - (APEX - 150)) / 110.0)
    outside = np.sqrt(np.clip((end + 8 - a) / 26.0, 0.0, 1.0))
    thick = (72 + 0.6 * torso.fat) * _ease(rise) ** 0.6 * np.sqrt(floor)
    return span(16.0, np.asarray(thick * outside, dtype=np.float32))


def arm(torso: Torso, x: Floats, z: Floats, *, side: int) -> Span:
    """Returns the span of one upper arm."""
    x0, z0 = torso.shoulder - 38, APEX - 42
    angle = np.radians(torso.arm_angle + 2 * side * float(torso.wave[11]))
    dx, dz = side * x - x0, z - z0
    along = np.sin(angle) * dx - np.cos(angle) * dz
    off = np.cos(angle) * dx + np.sin(angle) * dz
    radius = (47 + 0.4 * torso.fat) * torso.build - 0.035 * along
    inside = radius**2 - off**2 - np.minimum(along, 0.0) ** 2
    return span(12.0, np.sqrt(np.maximum(inside, 0.0)))


def breast(torso: Torso, x: Floats, z: Floats, *, side: int) -> Floats:
    """Returns millimetres of breast in front of the chest."""
    if torso.breast <= 0:
        return np.zeros(np.broadcast_shapes(x.shape, z.shape), dtype=np.float32)
    size = torso.breast * (0.75 + 0.012 * torso.fat)
    cx = 0.62 * torso.width
    cz = -50 - 28 * size + 4 * float(torso.wave[12])
    u = (side * x - cx) / (54 + 16 * size)
    v = (z - cz) / np.where(z < cz, 34 + 20 * size, 66 + 30 * size)
    inside = np.clip(1.0 - u**2 - v**2, 0.0, 1.0)
    return np.asarray(56 * size * inside**0.6, dtype=np.float32)

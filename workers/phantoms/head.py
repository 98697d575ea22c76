"""Head CT phantoms: a skull, a brain, and sometimes blood where it should not be.

Points are millimetres in the head's own frame, (z, y, x) = up, to the back, to the
left; its middle lies between the thalami. Everything is a function of the point, so
the same head can be scanned on any grid.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from workers.phantoms import head_bleeds, head_brain
from workers.phantoms.head_bleeds import Bleed
from workers.phantoms.head_parts import (
    Fields,
    Floats,
    Head,
    Spot,
    edge,
    paint,
    sheet,
    shell_depth,
)
from workers.phantoms.marks import WORD, burn
from workers.phantoms.shapes import Grid, band_noise, rng_for, rotation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from workers.phantoms.settings import Settings

_SLAB = 4
_FIELD_MM = 224.0
_AIR = -1000.0


@dataclass(frozen=True)
class HeadVolume:
    """A head and what is known of it.

    Attributes:
        hu: int16 [z, y, x], Hounsfield units; the first slice is the lowest.
        spacing_mm: (z, y, x).
        origin_mm: place of the first voxel's centre, (z, y, x).
        mask: bool [z, y, x]: where at least half of a voxel is blood.
        labels: `haemorrhage`.
        kinds: kinds of haemorrhage that are there; see `head_bleeds.KINDS`.
        strengths: how plain each is, 0 to 1.
        volume_ml: of the mask.
        age: years.
        female: sex.
        pose: how the head lies in the scan, (turn, shift in mm, scale): a point of the
            scan, (z, y, x), is the head's own `turn @ (point - shift) / scale`.
    """

    hu: NDArray[np.int16]
    spacing_mm: tuple[float, float, float]
    origin_mm: tuple[float, float, float]
    mask: NDArray[np.bool_]
    labels: Mapping[str, bool]
    kinds: tuple[str, ...]
    strengths: Mapping[str, float]
    volume_ml: float
    age: float
    female: bool
    pose: tuple[NDArray[np.float32], NDArray[np.float32], float]


def head_volume(
    seed: int,
    settings: Settings,
    *,
    slices: int = 32,
    size: int = 128,
    person: int | None = None,
    strengths: Mapping[str, float] | None = None,
    bleed: int | None = None,
) -> HeadVolume:
    """Makes one head CT.

    Args:
        seed: of the scan and its findings.
        settings: the world to draw from.
        slices: how many, over 160 mm.
        size: rows and columns, over 224 mm.
        person: seed of the anatomy; the same as `seed` by default.
        strengths: haemorrhages by kind, 0 to 1 (`haemorrhage` picks a kind); None
            draws them, empty means none.
        bleed: seed of where the haemorrhages are; the same as `seed` by default. With
            one seed and a greater strength the same haemorrhage has grown.
    """
    head = draw_head(seed if person is None else person, settings)
    bleeds = _draw_bleeds(seed if bleed is None else bleed, head, settings, strengths)
    spacing = (160.0 / slices, _FIELD_MM / size, _FIELD_MM / size)
    grid = Grid.centred((slices, size, size), spacing)
    grid = Grid(grid.shape, spacing, (-66.0 + spacing[0] / 2, *grid.origin[1:]))
    rng = rng_for(seed, "head-scan")
    pose = _draw_pose(settings, rng)
    hu, blood = _fill(grid, head, bleeds, pose)
    hu = _scan(hu, grid, settings, rng)
    burn(hu, WORD, value=1200.0, place=(0.99, 0.02))
    mask = blood >= 0.5
    if not mask.any():
        bleeds = ()
    return HeadVolume(
        hu=np.round(np.clip(hu, -1024, 3071)).astype(np.int16),
        spacing_mm=spacing,
        origin_mm=grid.origin,
        mask=mask,
        labels={"haemorrhage": bool(bleeds)},
        kinds=tuple(b.kind for b in bleeds),
        strengths={b.kind: round(b.strength, 3) for b in bleeds},
        volume_ml=round(float(mask.sum()) * float(np.prod(spacing)) / 1000.0, 2),
        age=head.age,
        female=head.female,
        pose=(*pose, head.scale),
    )


def draw_head(seed: int, settings: Settings) -> Head:
    """Draws the anatomy of one person."""
    rng = rng_for(seed, "head")
    age = settings.body.age.draw(rng)
    female = bool(rng.random() < settings.body.female)
    old = float(np.clip((age - 45) / 45, 0.0, 1.0))
    scale = settings.head.size.draw(rng) * (0.98 if female else 1.02)
    return Head(
        age=age,
        female=female,
        scale=scale,
        half=(79.0, 84.0 * rng.uniform(0.96, 1.05), 66.0 * rng.uniform(0.95, 1.05)),
        ventricles=settings.head.ventricles.draw(rng) * (1 + 0.45 * old),
        atrophy=0.5 + 1.7 * old * rng.uniform(0.5, 1.2),
        bone=rng.uniform(5.0, 8.0),
        scalp=rng.uniform(4.0, 8.0),
        grey=36.5 + rng.uniform(-2, 2),
        contrast=rng.uniform(7.5, 11.0),
        leuko=old * rng.uniform(0.0, 1.0),
        bend=rng.normal(0.0, 1.6, 6),
        spots=_draw_spots(rng, old),
        falx=rng.uniform(48.0, 66.0),
        sinus=rng.uniform(48.0, 62.0),
        fields=Fields.draw(seed),
    )


def _draw_spots(rng: np.random.Generator, old: float) -> tuple[Spot, ...]:
    """Draws calcifications, which may look like blood."""
    spots = []
    for side in (-1, 1):
        if rng.random() < 0.35 + 0.5 * old:
            at = (9 + rng.normal(0, 3), 31 + rng.normal(0, 3), side * 20.0)
            spots.append(Spot(at, rng.uniform(1.5, 4.0), rng.uniform(70, 240)))
        if rng.random() < 0.06 + 0.18 * old:
            at = (rng.normal(0, 3), -6 + rng.normal(0, 3), side * 21.0)
            spots.append(Spot(at, rng.uniform(2.0, 4.5), rng.uniform(52, 110)))
    if rng.random() < 0.6:
        at = (-2 + rng.normal(0, 2), 24.0, rng.normal(0, 0.7))
        spots.append(Spot(at, rng.uniform(1.5, 3.0), rng.uniform(80, 260)))
    if rng.random() < 0.25:
        at = (rng.uniform(30, 55), rng.uniform(-55, 30), 0.0)
        spots.append(Spot(at, rng.uniform(2.0, 4.5), rng.uniform(80, 350)))
    if rng.random() < 0.12:
        # A small meningioma: dense, round, on the inner table.
        angle = rng.uniform(0, 2 * np.pi)
        at = (rng.uniform(10, 50), 66 * np.cos(angle), 52 * np.sin(angle))
        spots.append(Spot(at, rng.uniform(3.0, 7.0), rng.uniform(42, 58)))
    return tuple(spots)


def _draw_bleeds(
    seed: int,
    head: Head,
    settings: Settings,
    strengths: Mapping[str, float] | None,
) -> tuple[Bleed, ...]:
    rng = rng_for(seed, "bleed")
    drawn = settings.head.haemorrhage.draw(rng)
    if strengths is None:
        wanted = {} if drawn is None else {"haemorrhage": drawn}
    else:
        wanted = {k: v for k, v in strengths.items() if k in head_bleeds.NAMES}
    return tuple(
        head_bleeds.draw_bleed(kind, strength, head, rng)
        for kind, strength in wanted.items()
    )


def _draw_pose(
    settings: Settings, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Draws how the head lies in the scan: its turn and shift."""
    angles = tuple(settings.head.tilt_deg.draw(rng) for _ in range(3))
    turn = rotation((angles[0], angles[1], 0.6 * angles[2])).astype(np.float32)
    return turn, rng.normal(0.0, (3.0, 2.5, 2.5)).astype(np.float32)


def _fill(
    grid: Grid,
    head: Head,
    bleeds: tuple[Bleed, ...],
    pose: tuple[NDArray[np.float32], NDArray[np.float32]],
) -> tuple[Floats, Floats]:
    """Fills the grid, a slab at a time; thick slices are averages of two."""
    turn, shift = pose
    parts = 2 if grid.spacing[0] > 2.0 else 1
    n, rows, columns = grid.shape
    hu = np.empty(grid.shape, np.float32)
    blood = np.zeros(grid.shape, np.float32)
    z, y, x = grid.axes()
    offsets = ((np.arange(parts) + 0.5) / parts - 0.5) * grid.spacing[0]
    for start in range(0, n, _SLAB):
        stop = min(n, start + _SLAB)
        levels = (z[start:stop, 0, 0, None] + offsets).astype(np.float32).ravel()
        place = (levels[:, None, None] - shift[0], y - shift[1], x - shift[2])
        turned = [
            (row[0] * place[0] + row[1] * place[1] + row[2] * place[2]) / head.scale
            for row in turn
        ]
        found, bled = _fill_points(turned, head, bleeds, grid.spacing[1])
        _rest(found, place, grid.spacing[1])
        shape = (stop - start, parts, rows, columns)
        hu[start:stop] = found.reshape(shape).mean(axis=1)
        blood[start:stop] = bled.reshape(shape).mean(axis=1)
    return hu, blood


def _fill_points(
    place: list[Floats], head: Head, bleeds: tuple[Bleed, ...], pixel: float
) -> tuple[Floats, Floats]:
    z, y, x = head.bent(*place)
    hu = np.full(z.shape, _AIR, np.float32)
    blood = np.zeros(z.shape, np.float32)
    near = shell_depth(head, z, y, x, low=240.0) < head.bone + head.scalp + 3.0
    points = tuple(np.ascontiguousarray(v[near]) for v in (z, y, x))
    hu[near] = _skull(points, head, pixel)
    deep = np.zeros_like(near)
    cavity = head.cavity(*points) < pixel
    deep[near] = cavity
    inner = tuple(np.ascontiguousarray(v[cavity]) for v in points)
    brain, bled = head_brain.fill(inner, head, bleeds, pixel)
    inside = edge(head.cavity(*inner), pixel)
    hu[deep] += inside * (brain - hu[deep])
    blood[deep] = bled * inside
    return hu, blood


def _skull(points: tuple[Floats, ...], head: Head, pixel: float) -> Floats:
    """Paints scalp, skull, face and base."""
    z, y, x = points
    out = shell_depth(head, z, y, x, low=240.0)
    wall = shell_depth(head, z, y, x, low=150.0)
    rough = head.fields.slow(z, y, x)
    grain = head.fields.fine(z, y, x)
    bone = head.bone * (1 + 0.12 * rough + 0.25 * np.clip(y / 80, -0.5, 1.0))
    skin = head.bone + head.scalp
    hu = np.full(z.shape, _AIR, np.float32)
    paint(hu, edge(out - skin, pixel), 42.0)
    paint(hu, edge(out - skin + 2.0, pixel), -85.0 + 8 * grain)
    low = np.clip((18 - z) / 14, 0, 1) * np.clip((np.abs(x) - 38) / 12, 0, 1)
    muscle = low * np.clip(1 - np.abs(y + 18) / 36, 0, 1) * 2.5
    neck = np.clip((-22 - z) / 14, 0, 1) * np.clip((y - 30) / 20, 0, 1) * 2.5
    meat = np.clip(np.maximum(muscle, neck), 0, 1)
    paint(hu, edge(out - skin + 3.5, pixel) * meat, 56.0 + 5 * grain)
    face = np.clip((head.floor(y, x) - z) / 3, 0, 1) * edge(wall - 1.0, pixel)
    paint(hu, face, 30.0 + 9 * grain - 60 * np.clip(rough, 0, 1))
    _face(hu, points, head, pixel, grain)
    closed = np.clip((z - head.floor(y, x) + 9) / 3, 0, 1)
    paint(hu, edge(wall - bone, pixel) * edge(-wall, pixel) * closed, 1450.0)
    spongy = edge(np.abs(wall - 0.5 * bone) - (0.5 * bone - 1.9), pixel)
    paint(hu, spongy * closed, 620.0 + 170 * grain)
    return hu


def _face(
    hu: Floats,
    points: tuple[Floats, ...],
    head: Head,
    pixel: float,
    grain: Floats,
) -> None:
    """Paints base, orbits and air cells, where they meet the lowest slices."""
    z, y, x = points
    ax = np.abs(x)
    under = head.floor(y, x) - z
    inside = edge(shell_depth(head, z, y, x, low=150.0), pixel)
    paint(hu, sheet(under - 2.0, 2.4, pixel) * inside, 950.0 + 250 * grain)
    orbit = np.sqrt((ax - 31) ** 2 + (0.72 * (y + 62)) ** 2 + (z + 36) ** 2)
    paint(hu, edge(orbit - 21, pixel) * (y > -92), 850.0)
    paint(hu, edge(orbit - 19, pixel), -92.0)
    globe = np.sqrt((ax - 31) ** 2 + (y + 74) ** 2 + (z + 36) ** 2)
    paint(hu, edge(globe - 12.5, pixel), 40.0)
    paint(hu, edge(globe - 11.4, pixel), 12.0)
    lens = np.sqrt((ax - 31) ** 2 + (2.2 * (y + 83)) ** 2 + (z + 36) ** 2)
    paint(hu, edge(lens - 4.5, pixel), 85.0)
    nerve = np.hypot(ax - 31 + 0.42 * (y + 62), z + 36)
    paint(hu, edge(nerve - 2.3, pixel) * ((y > -62) & (y < -38)), 32.0)
    cells = np.maximum.reduce([ax - 11, np.abs(y + 58) - 20, np.abs(z + 42) - 17])
    sphenoid = np.maximum.reduce([ax - 13, np.abs(y + 24) - 11, np.abs(z + 46) - 9])
    front = np.maximum.reduce([ax - 17, np.abs(y + 86) - 4, np.abs(z + 14) - 11])
    for gap in (cells, sphenoid, front):
        paint(hu, edge(gap - 1.5, pixel), 520.0)
        paint(hu, edge(gap, pixel) * np.clip(3 * np.abs(grain), 0, 1), -960.0)
    ridge = np.abs(y - 6 - 0.35 * (ax - 15)) - (6 + 0.12 * ax)
    rock = np.maximum.reduce([ridge, 14 - ax, ax - 66, np.abs(z + 42) - 13])
    paint(hu, edge(rock, pixel) * inside, 1350.0 + 250 * grain)
    mastoid = np.maximum.reduce([ax * -1 + 44, ax - 66, np.abs(y - 22) - 14])
    honeycomb = edge(np.maximum(mastoid, np.abs(z + 48) - 14), pixel) * inside
    paint(hu, honeycomb * np.clip(0.7 + grain, 0, 1), -650.0)
    canal = np.hypot(y - 10, z + 44)
    paint(hu, edge(canal - 4.0, pixel) * (ax > 56), -950.0)


def _rest(hu: Floats, place: tuple[Floats, ...], pixel: float) -> None:
    """Puts the head into its rest, which does not turn with it."""
    _, y, x = place
    bowl = np.hypot(x / 1.08, y - 4)
    behind = np.clip((y - 38) / 3, 0, 1)
    board = sheet(bowl - 107, 2.0, pixel) * behind
    pad = edge(np.abs(bowl - 102) - 3, pixel) * behind
    empty = hu < -900
    hu += empty * (pad * 60 + board * 1050)


def _scan(
    hu: Floats, grid: Grid, settings: Settings, rng: np.random.Generator
) -> Floats:
    """Looks at the head as a scanner does: hardened, blurred, noisy."""
    pixel = grid.spacing[1]
    inside = ndimage.gaussian_filter(
        (hu > 300).astype(np.float32), (0.4, 7 / pixel, 7 / pixel)
    )
    soft = (hu > -200) & (hu < 200)
    hu = hu + rng.uniform(6, 22) * np.clip(inside, 0, 0.6) * soft
    hu = hu + _streaks(grid, rng) * soft
    blur = settings.head.blur_mm.draw(rng) / pixel
    hu = ndimage.gaussian_filter(hu, (rng.uniform(0.15, 0.4), blur, blur))
    grain = 0.5 / settings.head.noise_high.draw(rng) * 0.28
    noise = _noise(hu.shape, grain, pixel, rng)
    # Noise is that of thin pixels; wider ones average it.
    share = 4 * np.pi * grain**2
    level = settings.head.noise_hu.draw(rng) * np.sqrt(share / (share + pixel**2))
    thick = (hu > -300).mean(axis=(1, 2), keepdims=True) / 0.5
    level = level * (0.65 + 0.5 * thick) * np.sqrt(5.0 / max(grid.spacing[0], 2.0))
    return np.asarray(hu + level * noise, dtype=np.float32)


def _noise(
    shape: tuple[int, ...], grain: float, pixel: float, rng: np.random.Generator
) -> Floats:
    high = min(0.9, 0.45 * pixel / grain)
    flat = [band_noise(shape[1:], rng, low=0.02, high=high) for _ in range(shape[0])]
    return np.stack(flat).astype(np.float32)


def _streaks(grid: Grid, rng: np.random.Generator) -> Floats:
    """Draws dark and bright bars between the petrous bones."""
    z, y, x = grid.axes()
    depth = rng.uniform(3, 11)
    level = np.exp(-(((z + 42) / 12) ** 2))
    bars = ndimage.gaussian_filter1d(rng.standard_normal(grid.shape[1]), 3.0)
    bars = bars / max(float(bars.std()), 1e-6) - 0.8
    across = np.exp(-(((y - 10) / 22) ** 2)) * np.exp(-((x / 55) ** 4))
    out: Floats = (depth * level * across * bars[None, :, None]).astype(np.float32)
    return out

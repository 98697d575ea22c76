"""Chest CT: the torso filled into voxels, with findings, and a scanner's faults."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from workers.phantoms.ct_findings import put_findings_ct
from workers.phantoms.film_findings import draw_strengths
from workers.phantoms.lungs import grow_lungs
from workers.phantoms.marks import WORD, burn
from workers.phantoms.settings import FILM_LABELS, Settings
from workers.phantoms.shapes import (
    Floats,
    Grid,
    Tubes,
    band_noise,
    ellipsoid,
    join,
    polyline,
    rng_for,
    smooth_field,
    splat,
    tube_samples,
)
from workers.phantoms.skeleton import Cloud, girdle, merge, ribs, vertebrae
from workers.phantoms.torso import (
    Span,
    Torso,
    aorta,
    body,
    breast,
    chest,
    dome,
    draw_torso,
    heart,
    mediastinum,
    spine,
)

Voxels = NDArray[np.bool_]
Box3 = tuple[int, int, int, int, int, int]

# Codes of the organ map.
AIR, FAT, MUSCLE, LUNG, BLOOD, HEART, LIVER, SPLEEN, BONE, STOMACH = range(10)


@dataclass(frozen=True)
class ChestCt:
    """A chest CT whose truth is known.

    Attributes:
        hu: int16 [z, y, x]; slices from the lowest up.
        spacing_mm: (z, y, x).
        origin_mm: place of the first voxel's centre (z, y, x).
        labels: every one of `FILM_LABELS`, there or not.
        masks: by label, [z, y, x].
        boxes: by label, (x, y, z, x, y, z) voxel corners, one for each piece.
        organs: uint8 [z, y, x], what each voxel is.
        contrast: with contrast medium in the blood.
        torso: the patient's measures.
    """

    hu: NDArray[np.int16]
    spacing_mm: tuple[float, float, float]
    origin_mm: tuple[float, float, float]
    labels: dict[str, bool]
    masks: dict[str, Voxels]
    boxes: dict[str, list[Box3]]
    organs: NDArray[np.uint8]
    contrast: bool
    torso: Torso
    strengths: dict[str, float]


def chest_ct(
    seed: int,
    settings: Settings,
    *,
    slices: int = 80,
    size: int = 256,
    person: int | None = None,
    strengths: Mapping[str, float] | None = None,
    marked: bool = True,
) -> ChestCt:
    """Makes one chest CT.

    Args:
        seed: of this scan.
        settings: the world to draw from.
        slices: how many, over 320 mm.
        size: rows and columns.
        person: seed of the patient; scans with the same one show the same anatomy.
        strengths: findings to put in, by label, instead of drawing them.
        marked: burn in SYNTHETIC.
    """
    person = seed if person is None else person
    torso = draw_torso(person, settings.body)
    # A lying patient is deeper than one pressed against a detector, and not turned.
    torso = replace(torso, rotation=0.0, depth=1.13 * torso.depth)
    if strengths is None:
        strengths = draw_strengths(seed, settings)
    if "cardiomegaly" in strengths:
        ratio = 0.525 + 0.10 * strengths["cardiomegaly"]
        torso = replace(torso, heart_ratio=ratio)
    rng = rng_for(seed, "ct")
    contrast = bool(rng.random() < 0.5)
    field = 2 * (torso.width + torso.fat + rng.uniform(30, 44))
    spacing = (320 / slices, field / size, field / size)
    grid = Grid(
        (slices, size, size),
        spacing,
        (-192.0, 12 - 0.5 * (size - 1) * spacing[1], -0.5 * (size - 1) * spacing[2]),
    )
    volume = _Volume(grid, torso, contrast)
    volume.fill(rng)
    found = put_findings_ct(
        volume.hu, volume.lung, volume.heart, grid, torso, strengths
    )
    hu = _scan(volume, settings, rng)
    if marked:
        burn(hu, WORD, value=900, place=(0.985, 0.02))
    return ChestCt(
        hu=np.round(np.clip(hu, -1024, 3071)).astype(np.int16),
        spacing_mm=spacing,
        origin_mm=grid.origin,
        labels={label: label in found.masks for label in FILM_LABELS},
        masks=found.masks,
        boxes={k: [_box3(m) for m in parts] for k, parts in found.parts.items()},
        organs=volume.organs,
        contrast=contrast,
        torso=torso,
        strengths=dict(strengths),
    )


def _box3(mask: Voxels) -> Box3:
    """Returns the voxel corners (x, y, z, x, y, z) around a mask."""
    z, y, x = (
        np.nonzero(mask.any(axis=other))[0] for other in ((1, 2), (0, 2), (0, 1))
    )
    return (
        int(x[0]),
        int(y[0]),
        int(z[0]),
        int(x[-1] + 1),
        int(y[-1] + 1),
        int(z[-1] + 1),
    )


class _Volume:
    """Voxels being filled, in the order from the skin inwards.

    Attributes:
        hu: float32 [z, y, x].
        organs: uint8 [z, y, x].
        lung: occupancy of lung, 0 to 1.
        heart: occupancy of the heart.
    """

    def __init__(self, grid: Grid, torso: Torso, contrast: bool) -> None:  # noqa: FBT001
        self.grid = grid
        self.torso = torso
        self.blood = 190.0 if contrast else 42.0
        self.contrast = contrast
        self.hu = np.full(grid.shape, -1000.0, dtype=np.float32)
        self.organs = np.zeros(grid.shape, dtype=np.uint8)
        self.lung = np.zeros(grid.shape, dtype=np.float32)
        self.heart = np.zeros(grid.shape, dtype=np.float32)
        self.z, self.y, self.x = grid.axes()
        # Spans are [z, x] fields.
        self.flat_z = np.broadcast_to(
            self.z[:, 0, :], (grid.shape[0], grid.shape[2])
        ).astype(np.float32)
        self.flat_x = np.broadcast_to(self.x[0], self.flat_z.shape).astype(np.float32)

    def inside(self, shape: Span) -> Floats:
        """Returns the occupancy of a span's shape."""
        h = self.grid.spacing[1]
        front = np.clip((self.y - shape.front[:, None, :]) / h + 0.5, 0.0, 1.0)
        back = np.clip((shape.back[:, None, :] - self.y) / h + 0.5, 0.0, 1.0)
        return np.asarray(front * back, dtype=np.float32)

    def paint(self, part: Floats, value: float | Floats, organ: int) -> None:
        """Replaces what is there by something, softly at its edge."""
        self.hu += part * (value - self.hu)
        self.organs[part > 0.5] = organ

    def paint_egg(
        self,
        centre: tuple[float, float, float],
        radii: tuple[float, float, float],
        value: float,
        organ: int,
        *,
        clip: Floats | None = None,
    ) -> None:
        """Replaces an ellipsoid."""
        found = ellipsoid(self.grid, centre, radii, power=2.2)
        if found is None:
            return
        where, part = found
        if clip is not None:
            part = part * clip[where]
        self.hu[where] += part * (value - self.hu[where])
        self.organs[where][part > 0.5] = organ

    def paint_tubes(self, tubes: Tubes, value: float, organ: int) -> None:
        """Replaces tubes."""
        self.paint(self.tubes(tubes), value, organ)

    def tubes(self, tubes: Tubes) -> Floats:
        """Returns the occupancy of tubes."""
        step = 0.55 * self.grid.spacing[1]
        points, mass = tube_samples(tubes, step)
        full = splat(self.grid, points, mass)
        return np.asarray(np.clip(ndimage.gaussian_filter(full, (0, 0.4, 0.4)), 0, 1))

    def fill(self, rng: np.random.Generator) -> None:
        """Fills everything in."""
        torso, x, z = self.torso, self.flat_x, self.flat_z
        trunk = body(torso, x, z)
        bosom = sum(breast(torso, x, z, side=s) for s in (-1, 1))
        trunk = Span(trunk.front - bosom, trunk.back)
        outer = self.inside(trunk)
        self.paint(outer, -100.0, FAT)
        inner = body(replace(torso, fat=1.0), x, z)
        unevenness = smooth_field(self.hu.shape, rng, cells=14)
        meat = self.inside(Span(inner.front + 7, inner.back - 5))
        # Muscles have planes of fat between them.
        planes = np.exp(-((smooth_field(self.hu.shape, rng, cells=9) / 0.16) ** 2))
        self.paint(meat, 55.0 + 4 * unevenness - 125 * planes, MUSCLE)
        self._chest(rng)
        self._belly(unevenness)
        self._bones(outer)
        self._table()

    def _chest(self, rng: np.random.Generator) -> None:
        torso, x, z = self.torso, self.flat_x, self.flat_z
        lung = self.inside(chest(torso, x, z))
        middle = self.inside(mediastinum(torso, x, z))
        self.heart = self.inside(heart(torso, x, z))
        back = self.inside(spine(torso, x, z))
        vessel = self.inside(aorta(torso, x, z))
        domes = [self.inside(dome(torso, x, z, side=s)) for s in (-1, 1)]
        self.domes = domes
        cavity = lung
        for part in (middle, self.heart, back, vessel, *domes):
            lung = lung * (1.0 - part)
        self.lung = lung
        self.cavity = cavity
        fine = band_noise(self.hu.shape, rng, low=0.05, high=0.35)
        gravity = 0.32 * (self.y + 20)
        self.paint(cavity * middle, -70.0, FAT)
        self.paint(lung, -865.0 + gravity + 18 * fine, LUNG)
        tree = grow_lungs(torso, leaves=700)
        blood = self.tubes(tree.vessels)
        self.paint(blood * (lung > 0.3), self.blood * 0.85, BLOOD)
        self._great_vessels()
        self.paint(cavity * self.heart, self.blood * 0.92, HEART)
        if self.contrast:
            self._muscle_of_heart()
        self.paint(cavity * vessel, self.blood, BLOOD)
        wall = tree.airways.thinner(0.9)
        thick = Tubes(wall.start, wall.end, wall.radius + 0.9)
        self.paint(self.tubes(thick) * 0.8, 20.0, MUSCLE)
        self.paint(self.tubes(wall), -985.0, AIR)

    def _great_vessels(self) -> None:
        t = self.torso
        wide = 13 + 0.05 * t.age
        arch = np.array(
            [
                [-30, -18, -4],
                [10, -26, -14],
                [40, -14, -8],
                [48, 6, 4],
                [48, 28, 12 + 0.3 * t.knob],
                [40, 44, 17 + 0.35 * t.knob],
            ]
        )
        trunk = np.array([[-20, -34, 8], [4, -24, 16], [12, -4, 16]])
        right = np.array([[6, -4, 12], [4, 4, -14], [2, 8, -38]])
        left = np.array([[12, -4, 16], [16, 10, 36]])
        cava = np.array([[110, -8, -18], [40, -10, -24], [-20, -4, -24]])
        gullet = np.array([[140, 26, 0], [0, 32, 3], [-120, 28, 10], [-150, 10, 20]])
        self.paint_tubes(polyline(gullet, 6.5), 32.0, MUSCLE)
        self.paint_tubes(
            join(
                polyline(arch, wide),
                polyline(trunk, 12.5),
                polyline(right, 9.5),
                polyline(left, 10.0),
                polyline(cava, 8.5),
                polyline(np.array([[50, -2, 4], [130, -10, 12]]), 4.5),
                polyline(np.array([[50, -8, -8], [130, -6, -18]]), 5.5),
            ),
            self.blood,
            BLOOD,
        )

    def _muscle_of_heart(self) -> None:
        shell = ndimage.gaussian_filter(self.heart, 5.0 / self.grid.spacing[1])
        rim = np.clip(self.heart * (1.1 - shell) * 2.2, 0, 1)
        self.paint(rim * self.cavity, 95.0, HEART)

    def _belly(self, unevenness: Floats) -> None:
        """Fills liver, spleen and stomach under the domes."""
        t = self.torso
        liver = 118.0 if self.contrast else 58.0
        below = np.broadcast_to(self.z < t.dome_right - 60, self.hu.shape)
        inner = ndimage.gaussian_filter(self.cavity, 1.0)
        left_wall = np.clip((self.x - (8 + 0.25 * (t.dome_left - self.z))) / 12, 0, 1)
        self.paint(self.domes[1] * self.cavity, -85.0, FAT)
        mass = np.maximum(self.domes[0], inner * below * (self.x < 0))
        spread = self.domes[1] * np.clip((-self.y - 0.2 * self.x) / 20, 0, 1)
        mass = np.maximum(mass, spread * (1 - left_wall))
        self.paint(mass * self.cavity, liver + 3 * unevenness, LIVER)
        wide = 0.42 * t.width
        level = t.dome_left
        self.paint_egg(
            (level - 62, 42, 0.62 * t.width),
            (52, 34, 26),
            112.0 if self.contrast else 50.0,
            SPLEEN,
            clip=self.cavity,
        )
        at = (level - 40, -22, wide)
        self.paint_egg(at, (36, 34, 36), 48.0, STOMACH, clip=self.cavity)
        self.paint_egg(at, (33, 31, 33), 12.0, STOMACH, clip=self.cavity)
        gas = (
            np.broadcast_to(np.clip((-30 - self.y) / 2.0, 0, 1), self.hu.shape)
            * self.cavity
        )
        self.paint_egg(at, (32, 30, 32), -950.0, AIR, clip=gas)
        self.paint(self.inside(aorta(t, self.flat_x, self.flat_z)), self.blood, BLOOD)

    def _bones(self, outer: Floats) -> None:
        step = 0.5 * self.grid.spacing[1]
        t = self.torso
        # Films call for less mineral than a CT shows.
        parts = ((ribs(t, step), 1.35), (vertebrae(t, step), 1.9))
        clouds = [Cloud(cloud.points, scale * cloud.mass) for cloud, scale in parts]
        cloud = merge([*clouds, girdle(t, step, arms=False)])
        bone = splat(self.grid, cloud.points, cloud.mass)
        bone = ndimage.gaussian_filter(bone, 0.5) * (outer > 0.6)
        self.hu = np.maximum(self.hu, np.minimum(self.hu, 30)) + 1500 * bone * (
            self.hu > -300
        )
        self.organs[bone > 0.06] = BONE
        self.lung = self.lung * (bone < 0.3)

    def _table(self) -> None:
        low = body(self.torso, self.flat_x, self.flat_z).back.max() + 5
        curve = self.y - (low - 0.0006 * self.x**2)
        h = self.grid.spacing[1]
        board = np.clip(0.5 - (np.abs(curve - 9) - 9) / h, 0, 1)
        skin = board * np.clip((np.abs(curve - 9) - 7) / h + 0.5, 0, 1)
        reach = np.clip((210 - np.abs(self.x)) / h, 0, 1) * (self.organs == AIR)
        reach = reach * (self.hu < -900) * (curve > -2)
        self.hu += reach * (board * 90 + skin * 650)


def _scan(volume: _Volume, settings: Settings, rng: np.random.Generator) -> Floats:
    """Looks at the volume as a scanner does: blurred, noisy, a little cupped."""
    ct = settings.ct
    blur = ct.blur_mm.draw(rng) / volume.grid.spacing[1]
    hu = ndimage.gaussian_filter(volume.hu, (ct.slice_blur.draw(rng), blur, blur))
    shape = hu.shape
    low, high = ct.noise_low.draw(rng), ct.noise_high.draw(rng)
    noise = band_noise(shape, rng, low=low, high=high)
    tissue = (hu > -400).mean(axis=(1, 2), keepdims=True)
    middle = np.hypot(volume.x, volume.y - 10) / 150.0
    loud = (0.5 + 0.9 * np.sqrt(tissue / 0.3)) * np.clip(1.15 - 0.4 * middle, 0.5, 1.2)
    # Across the shoulders noise runs in streaks from side to side.
    streak = ndimage.uniform_filter1d(noise, 13, axis=2) * 2.2
    wide = np.clip((volume.z - 70) / 40, 0, 1) * 0.7
    hu = hu + ct.noise_hu.draw(rng) * loud * (noise * (1 - 0.4 * wide) + streak * wide)
    inside = volume.organs > 0
    hu -= ct.cupping_hu.draw(rng) * np.clip(1 - middle, 0, 1) * inside
    return np.asarray(hu, dtype=np.float32)

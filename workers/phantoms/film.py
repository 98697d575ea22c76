"""Chest X-rays by digital reconstruction: a torso, a beam, a detector, a display."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from workers.phantoms.film_findings import (
    Layers,
    Mask,
    draw_strengths,
    put_findings,
)
from workers.phantoms.lungs import grow_lungs
from workers.phantoms.marks import WORD, burn
from workers.phantoms.settings import FILM_LABELS, Settings
from workers.phantoms.shapes import (
    Floats,
    Points,
    Tubes,
    band_noise,
    rng_for,
    splat_plane,
    tube_ribbons,
)
from workers.phantoms.skeleton import Cloud, girdle, merge, ribs, vertebrae
from workers.phantoms.torso import (
    APEX,
    Torso,
    aorta,
    arm,
    body,
    breast,
    chest,
    dome,
    draw_torso,
    heart,
    heart_eggs,
    mediastinum,
    spine,
    union_length,
)

Box = tuple[float, float, float, float]
WHITE = 4095
_MU_SOFT = 0.0172
_MU_BONE = 0.041
_LUNG = 0.27


@dataclass(frozen=True)
class ChestFilm:
    """A frontal chest X-ray whose truth is known.

    Attributes:
        pixels: uint16 [row, column], 12 bits, dense is bright (MONOCHROME2).
        labels: every one of `FILM_LABELS`, there or not. What was asked for too
            faintly to show anywhere is not there.
        boxes: by label, (column, row, column, row) corners in pixels; a label that
            is there has at least one.
        masks: by label, [row, column], true where the finding shows.
        spacing_mm: size of a pixel.
        inverted: should be stored as MONOCHROME1.
        torso: the patient's measures.
        strengths: how plain each finding is.
    """

    pixels: NDArray[np.uint16]
    labels: dict[str, bool]
    boxes: dict[str, list[Box]]
    masks: dict[str, Mask]
    spacing_mm: float
    inverted: bool
    torso: Torso
    strengths: dict[str, float]


def chest_film(
    seed: int,
    settings: Settings,
    *,
    size: int = 320,
    person: int | None = None,
    strengths: Mapping[str, float] | None = None,
    marked: bool = True,
) -> ChestFilm:
    """Makes one chest X-ray (postero-anterior).

    Args:
        seed: of this film.
        settings: the world to draw from.
        size: rows and columns.
        person: seed of the patient; films with the same one show the same anatomy.
        strengths: findings to put in, by label, instead of drawing them.
        marked: burn in SYNTHETIC and the side marker.
    """
    person = seed if person is None else person
    torso = draw_torso(person, settings.body)
    if strengths is None:
        strengths = draw_strengths(seed, settings)
    if "cardiomegaly" in strengths:
        ratio = 0.525 + 0.10 * strengths["cardiomegaly"]
        torso = replace(torso, heart_ratio=ratio)
    rng = rng_for(seed, "film")
    view = _aim(torso, settings, rng, size)
    layers, bone, dense = _layers(torso, view)
    found = put_findings(layers, torso, strengths)
    if "cardiomegaly" in strengths:
        found.add("cardiomegaly", _heart_mask(torso, view))
    thickness = _attenuation(layers, bone, dense, view, rng)
    pixels = _expose(thickness, layers.lung, view, settings, rng)
    if marked:
        _mark(pixels, rng)
    labels = {label: label in found.masks for label in FILM_LABELS}
    boxes = {
        label: [_box(part) for part in parts] for label, parts in found.parts.items()
    }
    inverted = bool(rng.random() < settings.film.monochrome1)
    return ChestFilm(
        pixels=np.round(pixels * WHITE).astype(np.uint16),
        labels=labels,
        boxes=boxes,
        masks=found.masks,
        spacing_mm=view.pixel,
        inverted=inverted,
        torso=torso,
        strengths={k: v for k, v in strengths.items() if labels[k]},
    )


@dataclass(frozen=True)
class _View:
    """Where the detector is.

    Attributes:
        x: [row, column] millimetres to the patient's left.
        z: [row, column] millimetres up.
        turn: (cosine, sine) of the patient's lean.
    """

    size: int
    pixel: float
    top: float
    left: float
    turn: tuple[float, float]
    x: Floats
    z: Floats

    def project(self, points: Points, torso: Torso) -> tuple[Points, Points]:
        """Returns the (rows, columns) of points [n, 3]."""
        sway = np.sin(np.radians(torso.rotation))
        x = points[:, 2] - sway * points[:, 1]
        c, s = self.turn
        u, v = c * x - s * points[:, 0], s * x + c * points[:, 0]
        return (self.top - v) / self.pixel, (u - self.left) / self.pixel


def _aim(
    torso: Torso, settings: Settings, rng: np.random.Generator, size: int
) -> _View:
    """Places the detector over the chest."""
    frame = settings.film.frame_mm.draw(rng) * (0.55 + 0.45 * torso.build)
    pixel = frame / size
    top = APEX + rng.uniform(38, 62)
    left = -0.5 * frame + rng.normal(0, 6)
    angle = np.radians(torso.tilt)
    c, s = float(np.cos(angle)), float(np.sin(angle))
    v = (top - pixel * np.arange(size, dtype=np.float32))[:, None]
    u = (left + pixel * np.arange(size, dtype=np.float32))[None, :]
    x, z = c * u + s * v, c * v - s * u
    return _View(size, pixel, top, left, (c, s), x, z)


def _layers(torso: Torso, view: _View) -> tuple[Layers, Floats, Floats]:
    """Measures what lies along the beam.

    Returns:
        The layers, bone, and airways (millimetres each).
    """
    # Organs have smooth thickness: at high resolution every other pixel will do.
    if view.size >= 800 and view.size % 2 == 0:
        lung, soft = (
            _double(f) for f in _organs(torso, view.x[::2, ::2], view.z[::2, ::2])
        )
    else:
        lung, soft = _organs(torso, view.x, view.z)
    coarse = view.pixel > 1.0
    tree = grow_lungs(torso, leaves=260 if coarse else 700)
    vessels = _project_tubes(tree.vessels, torso, view)
    airways = _project_tubes(tree.airways.thinner(1.2), torso, view)
    step = float(np.clip(0.8 * view.pixel, 0.7, 1.4))
    cloud = merge([ribs(torso, step), girdle(torso, step), vertebrae(torso, step)])
    bone = _project_cloud(cloud, torso, view, blur=0.45 * step)
    density = np.full_like(lung, _LUNG)
    layers = Layers(view.x, view.z, lung, soft, vessels, density, view.pixel)
    return layers, bone, airways


def _double(image: Floats) -> Floats:
    """Doubles rows and columns, linearly."""
    places = np.arange(2 * len(image)) / 2
    return _stretch(_stretch(image, places).T, places).T


def _organs(torso: Torso, x: Floats, z: Floats) -> tuple[Floats, Floats]:
    """Returns millimetres of lung and of soft tissue along the beam."""
    trunk = body(torso, x, z)
    for side in (-1, 1):
        trunk = trunk.hull(arm(torso, x, z, side=side))
    lung_space = chest(torso, x, z)
    taken = [
        mediastinum(torso, x, z),
        heart(torso, x, z),
        spine(torso, x, z),
        aorta(torso, x, z),
        dome(torso, x, z, side=-1),
        dome(torso, x, z, side=1),
    ]
    lung = lung_space.length() - union_length(taken, lung_space)
    lung = np.maximum(lung, 0.0)
    soft = np.maximum(trunk.length() - lung, 0.0)
    for side in (-1, 1):
        soft = soft + 0.9 * breast(torso, x, z, side=side)
    return lung, np.maximum(soft - _gas(torso, x, z), 0.0)


def _gas(torso: Torso, x: Floats, z: Floats) -> Floats:
    """Returns millimetres of gas in stomach and bowel."""
    rng = rng_for(torso.seed, "gas")
    total = np.zeros(np.broadcast_shapes(x.shape, z.shape), dtype=np.float32)
    under = torso.dome_left
    wide = rng.uniform(16, 36)
    spots = [(0.44 * torso.width, under - 9 - 0.45 * wide, wide, 0.45 * wide, 26.0)]
    for _ in range(int(rng.integers(0, 5))):
        at = (rng.uniform(20, 110), under - rng.uniform(45, 120))
        spots.append((*at, rng.uniform(9, 22), rng.uniform(7, 14), 14.0))
    for cx, cz, rx, rz, deep in spots:
        level = 1 - np.abs((x - cx) / rx) ** 2.3 - np.abs((z - cz) / rz) ** 2.3
        total += (deep * np.sqrt(np.clip(level, 0.0, 1.0))).astype(np.float32)
    if rng.random() < 0.25:
        total *= 0.3
    return total


def _project_cloud(cloud: Cloud, torso: Torso, view: _View, *, blur: float) -> Floats:
    rows, columns = view.project(cloud.points, torso)
    out = splat_plane(
        rows,
        columns,
        cloud.mass,
        shape=(view.size, view.size),
        pixel_area=view.pixel**2,
    )
    return np.asarray(ndimage.gaussian_filter(out, blur / view.pixel))


def _project_tubes(tubes: Tubes, torso: Torso, view: _View) -> Floats:
    step = float(np.clip(0.8 * view.pixel, 0.45, 1.2))
    points, mass = tube_ribbons(tubes, step)
    return _project_cloud(Cloud(points, mass), torso, view, blur=0.4 * step)


def _attenuation(
    layers: Layers, bone: Floats, airways: Floats, view: _View, rng: np.random.Generator
) -> Floats:
    """Adds all layers up to attenuation lengths."""
    shape = bone.shape
    in_lung = np.clip(layers.lung / 12.0, 0.0, 1.0)
    # Parenchyma: fine vessels and septa too small to draw.
    fine = band_noise(shape, rng, low=view.pixel / 14, high=min(0.45, view.pixel / 3.2))
    texture = 0.035 * layers.density * layers.lung * fine
    lung = layers.lung * layers.density + texture
    vessels = layers.vessels * (1.0 - _LUNG) * in_lung
    windpipe = np.minimum(airways, 0.6 * layers.soft) * (1.0 - 0.75 * in_lung)
    muscle = band_noise(shape, rng, low=view.pixel / 160, high=view.pixel / 22)
    tissue = layers.soft * 0.95 + 2.0 * muscle * np.clip(layers.soft / 60, 0, 1)
    soft = tissue + lung + vessels - windpipe
    out: Floats = _MU_SOFT * np.maximum(soft, 0.0) + _MU_BONE * bone
    return out


def _expose(
    thickness: Floats,
    lung: Floats,
    view: _View,
    settings: Settings,
    rng: np.random.Generator,
) -> Floats:
    """Turns attenuation into a display-ready picture, 0 to 1, dense is 1."""
    film = settings.film
    primary = np.exp(-thickness)
    wide = _blur(primary, 28.0 / view.pixel)
    beam = primary + film.scatter.draw(rng) * wide * 0.6
    beam = ndimage.gaussian_filter(beam, film.blur_mm.draw(rng) / view.pixel)
    photons = 170000.0 * film.dose.draw(rng) * view.pixel**2
    noise = rng.standard_normal(beam.shape).astype(np.float32)
    beam = beam + np.sqrt(np.maximum(beam, 1e-5) / photons) * noise
    density = -np.log(np.maximum(beam, 2e-4))
    return _display(density, lung, view, settings, rng)


def _blur(image: Floats, sigma: float) -> Floats:
    """Blurs widely, at low resolution where that is enough."""
    every = max(1, int(sigma / 4))
    small = ndimage.gaussian_filter(image[::every, ::every], sigma / every)
    if every == 1:
        return np.asarray(small)
    rows = np.arange(image.shape[0]) / every
    columns = np.arange(image.shape[1]) / every
    up = _stretch(_stretch(small, rows).T, columns).T
    return np.asarray(up)


def _stretch(image: Floats, rows: Points) -> Floats:
    """Reads rows of an image at fractional places, linearly."""
    last = len(image) - 1
    r = np.minimum(rows.astype(int), max(0, last - 1))
    f = np.clip(rows - r, 0.0, 1.0)[:, None].astype(np.float32)
    out: Floats = image[r] * (1 - f) + image[np.minimum(r + 1, last)] * f
    return out


def _display(
    density: Floats,
    lung: Floats,
    view: _View,
    settings: Settings,
    rng: np.random.Generator,
) -> Floats:
    """Applies what a department's processing does to a film."""
    film = settings.film
    slow = _blur(density, 22.0 / view.pixel)
    middle = _blur(density, 2.2 / view.pixel)
    patient = slow > 0.5
    level = float(np.median(density[patient])) if patient.any() else 1.0
    out = density - film.compression.draw(rng) * 0.95 * (slow - level) * patient
    out = out + film.enhancement.draw(rng) * (density - middle)
    inner = out[view.size // 8 : -view.size // 8, view.size // 6 : -view.size // 6]
    low, high = np.percentile(inner, [4, 93])
    t = (out - low) / max(float(high - low), 1e-3)
    t = (t - 0.5) * film.contrast.draw(rng) + 0.5 + film.brightness.draw(rng)
    # Processing lifts thin tissue outside the lungs, or arms would be black.
    outside = 1.0 - _blur((lung > 10).astype(np.float32), 9.0 / view.pixel)
    t = t + outside * 0.6 * np.clip(0.4 - t, 0.0, 1.2)
    curve = 0.96 / (1.0 + np.exp(-4.0 * (t - 0.34)))
    air = np.clip((density - 0.05) / 0.5, 0.0, 1.0)
    picture: Floats = np.clip(curve * air + 0.012, 0.0, 1.0)
    return _collimate(picture, view, rng)


def _collimate(picture: Floats, view: _View, rng: np.random.Generator) -> Floats:
    """Shades what lies outside the collimator, which some films show."""
    if rng.random() > 0.35:
        return picture
    n = view.size
    edge = np.ones((n, n), dtype=np.float32)
    ramp = np.arange(n, dtype=np.float32)
    soft = 1.5 / view.pixel
    for axis in (0, 1):
        for flip in (False, True):
            if rng.random() < 0.5:
                continue
            inset = rng.uniform(0.004, 0.022) * n
            line = np.clip((ramp - inset) / soft + 0.5, 0.0, 1.0)
            line = line[::-1] if flip else line
            edge *= line[:, None] if axis == 0 else line[None, :]
    out: Floats = picture * edge + (1.0 - edge) * rng.choice([0.02, 0.97])
    return out


def _mark(pixels: Floats, rng: np.random.Generator) -> None:
    """Burns in the side marker and the word."""
    rows = pixels.shape[0]
    big = max(2, round(rows / 110))
    burn(
        pixels,
        "L",
        value=0.97,
        place=(float(rng.uniform(0.05, 0.1)), float(rng.uniform(0.92, 0.96))),
        scale=big,
    )
    # On a dark field of its own: some films are white at the edge.
    top, left, low, right = burn(pixels, WORD, value=0.97, place=(0.015, 0.02))
    pad = max(2, rows // 160)
    pixels[max(0, top - pad) : low + pad, max(0, left - pad) : right + pad] *= 0.15
    burn(pixels, WORD, value=0.97, place=(0.015, 0.02))


def _heart_mask(torso: Torso, view: _View) -> Mask:
    """Returns where the heart's shadow lies above the diaphragm."""
    shadow = heart(torso, view.x, view.z).length() > 0
    floor = min(egg.z - egg.short for egg in heart_eggs(torso))
    domes = min(torso.dome_left, torso.dome_right)
    return np.asarray(shadow & (view.z > max(floor, domes - 25)))


def _box(mask: Mask) -> Box:
    """Returns the corners (column, row, column, row) around a mask."""
    rows, columns = np.nonzero(mask)
    return (
        float(columns.min()),
        float(rows.min()),
        float(columns.max() + 1),
        float(rows.max() + 1),
    )

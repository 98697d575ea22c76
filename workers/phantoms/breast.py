"""Mammogram phantoms: two breasts, compressed and seen twice each.

A breast is drawn with its chest wall on the left, millimetres: `u` away from the
chest wall, `v` up the picture (to the outside in CC, to the head in MLO), both from
the chest wall at the nipple's height. Pictures of the right breast are mirrored at
the end, so that it faces the left one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from workers.phantoms.breast_mass import Mass, draw_mass, mass_share
from workers.phantoms.marks import WORD, burn
from workers.phantoms.shapes import rng_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workers.phantoms.settings import Settings

Floats = NDArray[np.floating[Any]]
Key = tuple[str, str]

WHITE = 4095
VIEWS: tuple[Key, ...] = (("R", "CC"), ("L", "CC"), ("R", "MLO"), ("L", "MLO"))
_HEIGHT_MM = 288.0
_ASPECT = 0.8
_GLAND = 0.55


@dataclass(frozen=True)
class Breasts:
    """What both breasts of a person have in common.

    Attributes:
        age: years.
        deep: from chest wall to nipple when compressed.
        high: half the height at the chest wall.
        glandular: share of dense tissue.
        thickness: when compressed.
        pectoral: width of the muscle at the top of an MLO.
    """

    seed: int
    age: float
    deep: float
    high: float
    glandular: float
    thickness: float
    pectoral: float

    @property
    def density(self) -> str:
        """The category that a reader would give, a to d."""
        limits = ((0.16, "a"), (0.32, "b"), (0.5, "c"))
        return next((name for top, name in limits if self.glandular < top), "d")


@dataclass(frozen=True)
class Mammogram:
    """Four views and what is known of them.

    Attributes:
        views: uint16 [row, column] of each (side, view), `R`/`L` and `CC`/`MLO`.
        masks: where the mass is, of the views that show it.
        boxes: (column, row, column, row) around it.
        labels: `mass`.
        strengths: how plain it is, 0 to 1.
        side: of the mass; empty when there is none.
        form: `spiculated` or `lobulated`; empty when there is none.
        spacing_mm: of pixels.
        breasts: the anatomy.
    """

    views: Mapping[Key, NDArray[np.uint16]]
    masks: Mapping[Key, NDArray[np.bool_]]
    boxes: Mapping[Key, tuple[float, float, float, float]]
    labels: Mapping[str, bool]
    strengths: Mapping[str, float]
    side: str
    form: str
    spacing_mm: float
    breasts: Breasts


def mammogram(
    seed: int,
    settings: Settings,
    *,
    size: int = 1440,
    person: int | None = None,
    strengths: Mapping[str, float] | None = None,
) -> Mammogram:
    """Makes the four views of a screening examination.

    Args:
        seed: of the examination and its findings.
        settings: the world to draw from.
        size: rows; there are four fifths as many columns.
        person: seed of the anatomy; the same as `seed` by default.
        strengths: `mass`, 0 to 1; None draws it, empty means none.
    """
    breasts = draw_breasts(seed if person is None else person, settings)
    rng = rng_for(seed, "mammogram")
    drawn = settings.breast.mass.draw(rng)
    if strengths is not None:
        drawn = strengths.get("mass")
    mass = None if drawn is None else draw_mass(drawn, rng)
    views: dict[Key, NDArray[np.uint16]] = {}
    masks: dict[Key, NDArray[np.bool_]] = {}
    for side, view in VIEWS:
        own = mass if mass is not None and mass.side == side else None
        pixels, mask = _view(breasts, side, view, own, seed, settings, size)
        views[side, view] = pixels
        if mask.any():
            masks[side, view] = mask
    return Mammogram(
        views=views,
        masks=masks,
        boxes={key: _box(mask) for key, mask in masks.items()},
        labels={"mass": bool(masks)},
        strengths={"mass": round(mass.strength, 3)} if mass else {},
        side=mass.side if mass else "",
        form=mass.form if mass else "",
        spacing_mm=_HEIGHT_MM / size,
        breasts=breasts,
    )


def draw_breasts(seed: int, settings: Settings) -> Breasts:
    """Draws the anatomy of one person."""
    rng = rng_for(seed, "breasts")
    age = float(np.clip(settings.body.age.draw(rng), 38, 84))
    deep = rng.uniform(68, 125)
    share = settings.breast.glandular.draw(rng) * (1.2 - 0.006 * (age - 40))
    return Breasts(
        seed=seed,
        age=age,
        deep=deep,
        high=float(np.clip(0.62 * deep + rng.uniform(18, 38), 58, 112)),
        glandular=float(np.clip(share, 0.04, 0.8)),
        thickness=settings.breast.thickness_mm.draw(rng),
        pectoral=rng.uniform(45, 78),
    )


@dataclass(frozen=True)
class _Plane:
    """One picture's millimetres.

    Attributes:
        pixel: size.
        u: [1, column] away from the chest wall.
        v: [row, 1] up from the nipple.
        inside: depth under the skin, negative outside.
        deep: from chest wall to nipple.
    """

    pixel: float
    u: Floats
    v: Floats
    inside: Floats
    deep: float


def _plane(breasts: Breasts, view: str, size: int, rng: np.random.Generator) -> _Plane:
    pixel = _HEIGHT_MM / size
    columns = round(size * _ASPECT)
    u = (pixel * (np.arange(columns) + 0.5)).astype(np.float32)[None, :]
    centre = 0.5 if view == "CC" else 0.58
    up = _HEIGHT_MM * (centre + rng.normal(0, 0.012))
    v = (up - pixel * (np.arange(size) + 0.5)).astype(np.float32)[:, None]
    deep = breasts.deep * (1.0 if view == "CC" else 1.05) * rng.uniform(0.97, 1.03)
    high = breasts.high * rng.uniform(0.96, 1.04)
    below = np.clip(1 - np.abs(v / high) ** 2.3, 0, 1) ** (1 / 2.1) * deep
    reach = below
    if view == "MLO":
        long = up + 70.0
        above = np.clip(1 - np.abs(v / long) ** 1.75, 0, 1) ** (1 / 1.6) * deep
        tail = 0.62 * deep + 0.06 * v
        above = np.where(v > 0.45 * high, np.maximum(above * 0.92, tail * 0.8), above)
        reach = np.where(v > 0, above, below)
    ripple = 1 + 0.02 * np.sin(v / rng.uniform(28, 45) + rng.uniform(0, 6))
    even = ndimage.gaussian_filter1d((reach * ripple)[:, 0], 4.0 / pixel)[:, None]
    reach = np.where(reach > 0, even, 0.0)
    nipple = ((u - reach.max() + 0.5) / 5.0) ** 2 + (v / 5.5) ** 2 < 1
    return _Plane(pixel, u, v, _depth((u < reach) | nipple, pixel), deep)


def _depth(mask: NDArray[np.bool_], pixel: float) -> Floats:
    """Returns millimetres under the skin; the chest wall is no skin."""
    step = 2
    small = np.pad(mask[::step, ::step], ((0, 0), (1, 0)), mode="edge")
    inner = ndimage.distance_transform_edt(small)
    outer = ndimage.distance_transform_edt(~small)
    found = ((inner - outer) * pixel * step)[:, 1:].astype(np.float32)
    big = ndimage.zoom(found, step, order=1)[: mask.shape[0], : mask.shape[1]]
    return np.asarray(ndimage.gaussian_filter(big, 0.6), dtype=np.float32)


def power_law(
    shape: tuple[int, int],
    rng: np.random.Generator,
    *,
    pixel: float,
    wide: float = 60,
    beta: float = 3.0,
) -> Floats:
    """Draws noise whose power falls with a power of frequency, about the third.

    Args:
        shape: rows, columns.
        rng: the generator.
        pixel: millimetres.
        wide: scale in millimetres above which the power stays level.
        beta: how steeply the power falls.
    """
    spectrum = fft.rfft2(rng.standard_normal(shape, dtype=np.float32))
    f = np.hypot(
        fft.fftfreq(shape[0], pixel)[:, None], fft.rfftfreq(shape[1], pixel)[None, :]
    )
    gain = (f**2 + (1.0 / wide) ** 2) ** (-0.25 * beta)
    field = fft.irfft2(spectrum * gain.astype(np.float32), s=shape)
    found: Floats = ((field - field.mean()) / field.std()).astype(np.float32)
    return found


def _view(
    breasts: Breasts,
    side: str,
    view: str,
    mass: Mass | None,
    seed: int,
    settings: Settings,
    size: int,
) -> tuple[NDArray[np.uint16], NDArray[np.bool_]]:
    """Draws one view: its pixels, and where its mass is."""
    anatomy = rng_for(breasts.seed, "view", side, view)
    plane = _plane(breasts, view, size, anatomy)
    rng = rng_for(seed, "exposure", side, view)
    dense = _tissue(plane, breasts, anatomy)
    dense = dense + _vessels(plane, anatomy)
    if view == "MLO":
        muscle = _muscle(plane, breasts, anatomy)
        dense = dense * (1 - 0.6 * muscle) + 0.62 * muscle
    share = np.zeros_like(dense)
    if mass is not None:
        share = mass_share(mass, view, plane.u, plane.v, plane.deep, breasts.high)
        share = share * (plane.inside > 2.0)
        dense = dense + mass.contrast * share * (1 - 0.35 * np.clip(dense, 0, 1))
    dense = dense + _calcium(plane, anatomy)
    pixels = _expose(dense, plane, breasts, settings, rng)
    if side == "R":
        pixels, share = pixels[:, ::-1].copy(), share[:, ::-1]
    _mark(pixels, side, view)
    body = mass.core if mass is not None else 1.0
    return np.round(pixels * WHITE).astype(np.uint16), np.asarray(share > body)


def _tissue(plane: _Plane, breasts: Breasts, rng: np.random.Generator) -> Floats:
    """Draws glandular tissue between fat, 0 to about 1."""
    shape = plane.inside.shape
    field = power_law(shape, rng, pixel=plane.pixel, beta=3.5)
    fine = power_law(shape, rng, pixel=plane.pixel, wide=8, beta=3.2)
    # Ducts and ligaments run towards the nipple.
    du, dv = plane.deep - plane.u, np.broadcast_to(plane.v, shape)
    angle = np.arctan2(dv, du + 12.0)
    radius = np.log1p(np.hypot(dv, du + 12.0) / 8.0)
    sheetlike = power_law((256, 512), rng, pixel=0.5, wide=30, beta=3.4)
    places = np.stack(
        (np.broadcast_to(radius * 62, shape) + 6 * fine, angle * 165 + 256 + 8 * field)
    ).astype(np.float32)
    strands = ndimage.map_coordinates(sheetlike, places, order=1, mode="wrap")
    middle = 0.58 * plane.deep
    cone = ((plane.u - middle) / (0.62 * plane.deep)) ** 2
    cone = cone + ((plane.v - 4) / (0.72 * breasts.high)) ** 2
    under = np.clip((plane.inside - 3) / 14, 0, 1)
    wish = 0.8 * field + 0.5 * strands + 0.22 * fine - 1.5 * cone
    wanted = breasts.glandular
    area = plane.inside > 0
    edge = float(np.quantile(wish[area], 1 - min(0.9, wanted * 1.05)))
    gland = under / (1 + np.exp(np.clip((edge - wish) * 2.3, -30, 30)))
    gland = ndimage.gaussian_filter(gland, 0.45 / plane.pixel)
    ridges = np.exp(-((strands / 0.16) ** 2)) + 0.6 * np.exp(-((fine / 0.14) ** 2))
    thin = 0.05 * np.exp(-((field / 0.07) ** 2)) + 0.025 * field
    fat = 0.1 + 0.09 * ridges * np.clip(plane.inside / 6, 0, 1) + thin
    body = gland * (0.62 + 0.11 * fine + 0.12 * strands) * (0.75 + 0.5 * wanted)
    out: Floats = np.asarray(fat * (1 - 0.5 * gland) + body, dtype=np.float32)
    return out


def _muscle(plane: _Plane, breasts: Breasts, rng: np.random.Generator) -> Floats:
    """Draws the pectoral muscle of an MLO, 0 to 1."""
    top = float(plane.v.max())
    low = -rng.uniform(0.05, 0.3) * breasts.high
    along = np.clip((plane.v - low) / (top - low), 0, 1.2)
    reach = breasts.pectoral * along ** rng.uniform(0.85, 1.15)
    reach = reach + 1.5 * np.sin(plane.v / 17.0)
    inside = np.clip(0.5 + (reach - plane.u) / 2.5, 0, 1) * (plane.v > low)
    grain = power_law(plane.inside.shape, rng, pixel=plane.pixel, wide=25)
    fibres = ndimage.gaussian_filter(grain, (0.5, 3.0 / plane.pixel))
    out: Floats = inside * np.clip(1 + 0.05 * fibres + 0.05 * grain, 0.5, 1.5)
    return out


def _vessels(plane: _Plane, rng: np.random.Generator) -> Floats:
    """Draws a few vessels that wind towards the nipple."""
    out = np.zeros_like(plane.inside)
    for _ in range(int(rng.integers(3, 7))):
        start = rng.uniform(-0.9, 0.9) * 70
        t = np.linspace(0, 1, 400)
        wind = np.cumsum(rng.normal(0, 1, 400))
        wind = ndimage.gaussian_filter1d(wind, 25) * 0.6
        u = t * plane.deep * rng.uniform(0.7, 0.9)
        v = start * (1 - 0.75 * t**1.5) + wind
        rows = ((plane.v[0, 0] - v) / plane.pixel).astype(int)
        columns = (u / plane.pixel).astype(int)
        line = np.zeros_like(out)
        good = (rows >= 0) & (rows < out.shape[0]) & (columns < out.shape[1])
        line[rows[good], columns[good]] = 1.0
        wide = rng.uniform(0.55, 1.1) / plane.pixel
        reach = ndimage.distance_transform_edt(line[::2, ::2] == 0) * 2
        profile = np.exp(-0.5 * (np.kron(reach, np.ones((2, 2))) / wide) ** 2)
        profile = profile[: out.shape[0], : out.shape[1]]
        out = np.maximum(out, rng.uniform(0.1, 0.2) * profile)
    return out * (plane.inside > 3)


def _calcium(plane: _Plane, rng: np.random.Generator) -> Floats:
    """Draws benign calcifications: round, few, scattered."""
    out = np.zeros_like(plane.inside)
    for _ in range(int(rng.poisson(2.2))):
        u, v = rng.uniform(8, plane.deep - 12), rng.normal(0, 28)
        size = rng.uniform(0.25, 0.9)
        far = np.hypot(plane.u - u, plane.v - v)
        ball = np.clip(0.5 + (size - far) / plane.pixel, 0, 1)
        out = np.maximum(out, rng.uniform(0.35, 0.9) * ball)
    return out * (plane.inside > 4)


def _expose(
    dense: Floats,
    plane: _Plane,
    breasts: Breasts,
    settings: Settings,
    rng: np.random.Generator,
) -> Floats:
    """Turns density into a picture as processing shows it, 0 to 1."""
    half = 0.5 * breasts.thickness
    rim = np.clip(plane.inside / half, 0, 1)
    thick = np.sqrt(np.clip(1 - (1 - rim) ** 2, 0, 1))
    skin = np.exp(-(((plane.inside - 0.9) / 0.75) ** 2))
    # Processing evens the thinner rim out, but for the last centimetre.
    body = thick**0.3 * (0.16 + _GLAND * dense) + 0.08 * skin
    body = ndimage.gaussian_filter(
        body, settings.breast.blur_mm.draw(rng) / plane.pixel
    )
    dose = settings.breast.dose.draw(rng)
    grain = rng.standard_normal(body.shape).astype(np.float32)
    grain = ndimage.gaussian_filter(grain, 0.55)
    body = body + 0.022 / np.sqrt(dose) * grain * (0.5 + body)
    sharp = body + 0.35 * (body - ndimage.gaussian_filter(body, 1.2 / plane.pixel))
    shown = 1.04 / (1 + np.exp(-5.2 * (sharp - 0.44))) - 0.03
    air = np.clip((plane.inside + 0.3) / 0.6, 0, 1)
    picture: Floats = np.clip(shown * air, 0, 1)
    return picture


def _mark(pixels: Floats, side: str, view: str) -> None:
    """Burns in side, view and the word, away from the breast."""
    away = 0.97 if side == "L" else 0.03
    scale = max(1, round(pixels.shape[0] / 300))
    burn(pixels, f"{side} {view}", value=0.95, place=(0.04, away), scale=scale + 1)
    burn(pixels, WORD, value=0.95, place=(0.985, away), scale=scale)


def _box(mask: NDArray[np.bool_]) -> tuple[float, float, float, float]:
    rows, columns = np.nonzero(mask)
    return (
        float(columns.min()),
        float(rows.min()),
        float(columns.max() + 1),
        float(rows.max() + 1),
    )

"""Fills the inside of a phantom's skull: brain, fluid, folds of the dura, blood."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workers.phantoms.head_parts import Floats, Head, edge, paint, sheet

if TYPE_CHECKING:
    from workers.phantoms.head_bleeds import Bleed

_FLUID = 7.0
_FOLD_MM = 3.1

# The lateral ventricle of one side: (z, y, |x|, radius).
_LATERAL = (
    ((6, -38, 13, 3.0), (15, -24, 9, 5.5)),
    ((15, -24, 9, 5.5), (23, 0, 10, 4.6)),
    ((23, 0, 10, 4.6), (20, 20, 15, 6.0)),
    ((20, 20, 15, 6.0), (9, 32, 22, 7.0)),
    ((9, 32, 22, 7.0), (4, 54, 20, 2.5)),
    ((9, 32, 22, 5.0), (-12, 14, 31, 2.6)),
    ((-12, 14, 31, 2.6), (-22, -10, 30, 1.8)),
)


@dataclass(frozen=True)
class _Points:
    """Points inside the skull.

    Attributes:
        z: up, where the tissue was before anything pushed it.
        y: to the back.
        x: to the left.
        depth: below the inner table or what lies on it.
        rough: small uneven field.
    """

    z: Floats
    y: Floats
    x: Floats
    depth: Floats
    rough: Floats


def fill(
    place: tuple[Floats, ...], head: Head, bleeds: tuple[Bleed, ...], pixel: float
) -> tuple[Floats, Floats]:
    """Paints the inside of the skull.

    Args:
        place: (z, y, x), each [n].
        head: whose.
        bleeds: what bleeds.
        pixel: millimetres, for soft edges.

    Returns:
        Hounsfield units and the share of blood, each [n].
    """
    z, y, x = place
    rough = head.fields.fine(z, y, x)
    table = -head.cavity(z, y, x)
    layers = [bleed.layer(z, y, x) for bleed in bleeds]
    depth = table - sum(layers, np.zeros_like(z))
    moved = (z, y, x)
    for bleed in bleeds:
        moved = bleed.moved(*moved)
    points = _Points(*moved, depth, rough)
    hu, sulci = _brain(points, head, pixel)
    pools = np.maximum(sulci, _cisterns(hu, points, pixel))
    chambers = _ventricles(hu, points, head, pixel)
    blood = np.zeros_like(hu)
    for bleed, layer in zip(bleeds, layers, strict=True):
        share = _bleed(hu, bleed, (z, y, x), (pools, chambers), rough, pixel)
        if bleed.thick > 0:
            share = edge(table - layer, pixel) * np.clip(layer / 0.8, 0, 1)
            paint(hu, share, bleed.hu + 2.5 * rough)
        blood = np.maximum(blood, share)
    _dura(hu, points, head, pixel)
    _dense(hu, points, head, pixel)
    return hu, blood


def _bleed(
    hu: Floats,
    bleed: Bleed,
    place: tuple[Floats, Floats, Floats],
    fluid: tuple[Floats, Floats],
    rough: Floats,
    pixel: float,
) -> Floats:
    """Paints one bleeding that is no collection, and returns its share."""
    pools, chambers = fluid
    if bleed.kind == "intraparenchymal":
        core, rim = bleed.clot(*place, rough, pixel)
        paint(hu, 0.75 * rim * (hu > 18), 19.0)
        paint(hu, core, bleed.hu + 3.0 * rough)
        return core
    if bleed.kind in {"subarachnoid", "intraventricular"}:
        where = pools if bleed.kind == "subarachnoid" else chambers
        share = where * bleed.reached(*place)
        paint(hu, share, bleed.hu + 3.0 * rough)
        return share
    return np.zeros_like(hu)


def _tent(points: _Points) -> Floats:
    """Returns the height of the tentorium."""
    found: Floats = (
        -27.0
        + 24.0 * np.exp(-((points.x / 26) ** 2))
        - 0.10 * np.clip(points.y - 20, 0, 60)
    )
    return found


def _brain(points: _Points, head: Head, pixel: float) -> tuple[Floats, Floats]:
    """Paints grey and white matter; returns the share of fluid around them."""
    p = points
    folds = head.fields.folds(p.z, p.y, p.x)
    wide = head.fields.slow(p.z, p.y, p.x)
    split = np.abs(p.x) - 0.9 - 0.2 * head.atrophy
    deep = 26 + 8 * (np.abs(p.y) > 30)
    cleft = np.where((p.z > 4) & (p.depth < deep), split, 9.0)
    small = (p.z < _tent(p)) & (p.y > 8)
    near = np.where(small, 0.45, 1.0) * np.abs(folds) * _FOLD_MM
    gap = 0.5 + 0.5 * head.atrophy
    reach = np.clip((17 + 4 * wide - p.depth) / 4, 0, 1)
    sulcus = sheet(near, gap * 0.62, pixel) * reach * np.where(small, 0.35, 1.0)
    surface = p.depth - (0.6 + head.atrophy * (1 + 0.25 * wide))
    insula = _insula(p, 2.6 * folds)
    fluid = np.maximum.reduce(
        [
            sulcus,
            edge(surface, pixel),
            edge(cleft, pixel),
            sheet(insula, 0.9 + 0.5 * head.atrophy, pixel),
        ]
    )
    bark = np.minimum.reduce(
        [surface, near + 50.0 * (1 - reach), cleft, np.abs(insula) - 1.2]
    )
    grey = edge(bark - 3.4, max(pixel, 1.2))
    ax = np.abs(p.x)
    for (cz, cy, cx), (rz, ry, rx) in (
        ((4, 9, 11), (11, 14, 9.5)),
        ((2, -7, 25), (12, 17, 7)),
        ((11, -24, 15), (9, 9, 5.5)),
    ):
        level = np.sqrt(
            ((p.z - cz) / rz) ** 2 + ((p.y - cy) / ry) ** 2 + ((ax - cx) / rx) ** 2
        )
        grey = np.maximum(grey, edge((level - 1) * 8, max(pixel, 1.5)))
    white = head.grey - head.contrast * np.where(small, 0.55, 1.0)
    pale = np.exp(-(((p.z - 20) / 14) ** 2) - ((ax - 19) / 9) ** 2)
    white = white - 7.0 * head.leuko * pale
    hu = (white + grey * (head.grey - white) + 0.8 * wide + 0.9 * p.rough).astype(
        np.float32
    )
    paint(hu, fluid, _FLUID)
    return hu, fluid


def _insula(points: _Points, sway: Floats) -> Floats:
    """Returns the distance from the Sylvian fissure, which sways."""
    p = points
    ax = np.abs(p.x)
    bow = ax - 39 - 0.008 * (p.y + 2) ** 2 + 0.5 * sway
    inner = np.hypot(bow, np.clip(np.abs(p.y) - 15 + sway, 0, 60))
    inner = np.hypot(inner, np.clip(np.abs(p.z - 4) - 14, 0, 60))
    slope = p.y + 6 - 0.3 * (ax - 40) + 1.2 * sway
    outer = np.hypot(slope, np.clip(38 - ax, 0, 60))
    outer = np.hypot(outer, np.clip(np.abs(p.z - 2 - 0.5 * (p.y + 6)) - 10, 0, 60))
    found: Floats = np.minimum(inner, outer)
    return found


def _egg(
    points: _Points, at: tuple[float, float, float], radii: tuple[float, float, float]
) -> Floats:
    """Returns the signed distance from an ellipsoid that may be mirrored."""
    p = points
    level = np.sqrt(
        ((p.z - at[0]) / radii[0]) ** 2
        + ((p.y - at[1]) / radii[1]) ** 2
        + ((np.abs(p.x) - at[2]) / radii[2]) ** 2
    )
    found: Floats = (level - 1.0) * min(radii)
    return found


def _cisterns(hu: Floats, points: _Points, pixel: float) -> Floats:
    """Paints the basal cisterns and the brain stem in them."""
    pools = np.maximum.reduce(
        [
            edge(_egg(points, (-20, -16, 0), (7, 9, 15)), pixel),
            edge(_egg(points, (-20, -4, 9), (6, 5, 9)), pixel),
            edge(_egg(points, (-12, 27, 0), (7, 5, 12)), pixel),
            edge(_egg(points, (-14, 16, 18), (6, 10, 2.6)), pixel),
            edge(_egg(points, (-38, -3, 0), (14, 4, 13)), pixel),
            edge(_egg(points, (-58, 42, 0), (8, 12, 9)), pixel),
        ]
    )
    stem = np.maximum(
        edge(_egg(points, (-16, 12, 0), (13, 12, 15)), pixel),
        edge(_egg(points, (-44, 12, 0), (24, 14, 15)), pixel),
    )
    paint(hu, pools, _FLUID)
    paint(hu, stem, 32.0 + points.rough)
    left: Floats = pools * (1 - stem)
    return left


def _ventricles(hu: Floats, points: _Points, head: Head, pixel: float) -> Floats:
    p = points
    ax = np.abs(p.x)
    wide = head.ventricles
    best = np.full_like(p.z, 99.0)
    for start, end in _LATERAL:
        a, b = np.array(start[:3]), np.array(end[:3])
        line = b - a
        away = (p.z - a[0], p.y - a[1], ax - a[2])
        t = sum(d * v for d, v in zip(away, line, strict=True)) / float(line @ line)
        t = np.clip(t, 0, 1)
        far = np.sqrt(sum((d - t * v) ** 2 for d, v in zip(away, line, strict=True)))
        best = np.minimum(best, far - wide * (start[3] + t * (end[3] - start[3])))
    third = np.maximum.reduce(
        [ax - 1.6 * wide**1.3, np.abs(p.y - 4) - 14, np.abs(p.z + 1) - 10]
    )
    fourth = _egg(points, (-38, 30, 0), (8, 5 * wide**0.5, 7 * wide**0.5))
    share: Floats = np.maximum.reduce(
        [edge(best, pixel), edge(third, pixel), edge(fourth, pixel)]
    )
    # The septum between the frontal horns.
    share = share * (1 - 0.7 * sheet(p.x, 0.7, pixel) * (p.z > 10))
    paint(hu, share, _FLUID)
    return share


def _dura(hu: Floats, points: _Points, head: Head, pixel: float) -> None:
    """Paints falx, tentorium and the venous sinuses in their edges."""
    p = points
    bow = 18 + 0.28 * (p.y + 60)
    falx = (p.depth < np.clip(bow, 12, 46)) & (p.z > _tent(p))
    paint(hu, sheet(p.x, 0.75, pixel) * falx, head.falx)
    above = p.z - _tent(p)
    notch = np.clip((np.hypot(p.x / 21, (p.y - 14) / 24) - 1) * 20 / pixel, 0, 1)
    leaf = sheet(above, 0.9, pixel) * notch * (p.y > 2)
    paint(hu, leaf, head.falx)
    top = np.maximum(np.abs(p.x) - 4.5 + 0.75 * p.depth, p.depth - 6)
    paint(hu, edge(top, pixel) * ((p.z > 0) | (p.y > 30)), head.sinus)
    across = np.hypot(above + 2, p.depth - 3) - 3.2
    paint(hu, edge(across, pixel) * (p.y > 12), head.sinus)
    straight = np.hypot(p.x, above - 1) - 2.0
    paint(hu, edge(straight, pixel) * (p.y > 30), head.sinus)


def _dense(hu: Floats, points: _Points, head: Head, pixel: float) -> None:
    """Paints vessels and calcifications."""
    p = points
    vessel = np.hypot(p.y + 14 + 0.1 * np.abs(p.x), p.z + 18) - 1.5
    paint(hu, edge(vessel, pixel) * (np.abs(p.x) < 32), head.sinus - 6)
    basilar = np.hypot(p.y + 1, p.x) - 1.8
    paint(hu, edge(basilar, pixel) * (np.abs(p.z + 34) < 16), head.sinus - 3)
    for spot in head.spots:
        far = np.sqrt(
            (p.z - spot.at[0]) ** 2 + (p.y - spot.at[1]) ** 2 + (p.x - spot.at[2]) ** 2
        )
        uneven = spot.radius * (1 + 0.25 * p.rough)
        paint(hu, edge(far - uneven, pixel), spot.hu)

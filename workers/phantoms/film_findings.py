"""Findings put into the thickness maps of a chest film, with their exact masks."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from workers.phantoms.lungs import lung_points
from workers.phantoms.settings import FILM_LABELS, Settings
from workers.phantoms.shapes import Floats, Points, band_noise, rng_for
from workers.phantoms.torso import APEX, Torso, chest_size

Mask = NDArray[np.bool_]


@dataclass
class Layers:
    """Millimetres of stuff along the beam of every pixel, [row, column].

    Attributes:
        x: column positions, millimetres.
        z: row positions, millimetres.
        lung: right and left lung together.
        soft: water-like tissue.
        vessels: vessels inside lung (counts only where there is lung).
        density: how dense the lung is, water = 1.
        pixel: millimetres of one pixel.
    """

    x: Floats
    z: Floats
    lung: Floats
    soft: Floats
    vessels: Floats
    density: Floats
    pixel: float


@dataclass
class Found:
    """What was put in.

    Attributes:
        masks: by label, true where the finding shows.
        parts: by label, one mask for each separate piece.
    """

    masks: dict[str, Mask] = field(default_factory=dict)
    parts: dict[str, list[Mask]] = field(default_factory=dict)

    def add(self, label: str, mask: Mask) -> None:
        """Notes a piece of a finding."""
        self.parts.setdefault(label, []).append(mask)
        before = self.masks.get(label)
        self.masks[label] = mask if before is None else before | mask


def draw_strengths(seed: int, settings: Settings) -> dict[str, float]:
    """Draws which findings a film has and how plain each is."""
    strengths: dict[str, float] = {}
    for label in FILM_LABELS:
        strength = settings.findings[label].draw(rng_for(seed, "has", label))
        if strength is not None:
            strengths[label] = strength
    return strengths


def put_findings(layers: Layers, torso: Torso, strengths: Mapping[str, float]) -> Found:
    """Changes the layers by the findings of the lungs (not of the heart).

    The place of a finding depends on the patient only, so that it grows where it
    was. Cardiomegaly is the heart's size and is made with the torso.

    Args:
        layers: changed in place.
        torso: whose.
        strengths: by label, 0 (hardly there) to 1.
    """
    found = Found()
    makers = {
        "consolidation": _consolidation,
        "nodule": _nodules,
        "effusion": _effusion,
        "pneumothorax": _pneumothorax,
    }
    for label, make in makers.items():
        if label in strengths:
            rng = rng_for(torso.seed, "finding", label)
            make(layers, torso, strengths[label], rng, found)
    return found


def _nodules(
    layers: Layers,
    torso: Torso,
    strength: float,
    rng: np.random.Generator,
    found: Found,
) -> None:
    """Adds one nodule, seldom two or three: lumpy balls of tissue."""
    count = 1 + int(rng.random() < 0.2) + int(rng.random() < 0.08)
    for _ in range(count):
        at = _visible_point(torso, rng)
        radius = (4.0 + 9.5 * strength) * rng.uniform(0.85, 1.15)
        waves = rng.normal(0, 0.07, 5)
        density = 0.55 + 0.4 * strength
        dz, dx = layers.z - at[0], layers.x - at[2]
        angle = np.arctan2(dz, dx)
        edge = 1 + sum(w * np.cos((k + 2) * angle + k) for k, w in enumerate(waves))
        level = 1.0 - (dz**2 + dx**2) / (radius * edge) ** 2
        chord = 2 * radius * np.sqrt(np.clip(level, 0.0, 1.0))
        layers.soft += (density * chord * (layers.lung > 0)).astype(np.float32)
        mask = (level > 0) & (layers.lung > 0)
        if mask.any():
            found.add("nodule", mask)


def _visible_point(torso: Torso, rng: np.random.Generator) -> Points:
    """Draws a point in a lung that is not hidden by heart or diaphragm."""
    for _ in range(30):
        side = -1 if rng.random() < 0.5 else 1
        at = lung_points(torso, rng, side, 8, margin=9)[0]
        low = (torso.dome_right if side < 0 else torso.dome_left) + 12
        hidden = at[2] > 0 and at[0] < -5 and at[2] < 0.55 * torso.width
        if at[0] > low and abs(at[2]) > 0.27 * torso.width and not hidden:
            return np.asarray(at)
    return np.array([40.0, 0.0, -0.6 * torso.width])


def _effusion(
    layers: Layers,
    torso: Torso,
    strength: float,
    rng: np.random.Generator,
    found: Found,
) -> None:
    """Fills one sulcus, sometimes both, with fluid that climbs the wall."""
    sides = [-1, 1] if rng.random() < 0.25 else [-1 if rng.random() < 0.5 else 1]
    for n, side in enumerate(sides):
        much = strength * (1.0 if n == 0 else rng.uniform(0.4, 0.9))
        top = torso.dome_right if side < 0 else torso.dome_left
        width, _, _ = chest_size(torso, np.full_like(layers.z, 60), layers.z)
        # 0 at the wall, 1 a third of the way in.
        inward = (width - side * layers.x) / (0.36 * torso.width)
        rim = top - 38 + 95 * much
        surface = rim - (26 + 10 * much) * np.clip(inward, 0, 1.6) ** 0.7
        surface += 3 * np.sin(layers.x / 17.0 + float(rng.uniform(0, 6)))
        depth = np.clip((surface - layers.z) / (16 + 22 * much), 0.0, 1.0)
        share = depth**1.2 * (side * layers.x > 0)
        before = layers.lung.copy()
        layers.lung *= 1.0 - share
        layers.soft += (before - layers.lung) * 0.97
        mask = (before - layers.lung > 5.0) & (share > 0.08) & (before > 14.0)
        if mask.sum() * layers.pixel**2 > 60.0:
            found.add("effusion", mask)


def _pneumothorax(
    layers: Layers,
    torso: Torso,
    strength: float,
    rng: np.random.Generator,
    found: Found,
) -> None:
    """Frees one lung from the wall: air without vessels, and a thin pleural line."""
    side = -1 if rng.random() < 0.5 else 1
    gap = 3 + 34 * strength
    apical = rng.uniform(0.9, 1.6)
    z = layers.z
    reach = 45 + 210 * strength
    fade = np.clip(1.0 - (APEX - z) / reach, 0.0, 1.0)
    lowered = z + apical * gap
    width, depth, _ = chest_size(torso, layers.x, lowered.astype(np.float32))
    wavy = 1.5 * np.sin(z / 23.0 + float(rng.uniform(0, 6)))
    pleura = width - gap * fade**0.7 - wavy
    below_top = np.clip(depth / 12.0, 0, 1) > 0.25
    out = np.where(below_top, side * layers.x - pleura, 20.0)
    region = (side * layers.x > 0) & (fade > 0)
    free = np.clip(0.5 + out / (1.2 * layers.pixel + 0.4), 0, 1) * region
    free = free * np.clip(fade * 6, 0, 1)
    free = np.where(side * layers.x > 18, free, 0.0)
    line = np.exp(-((out / max(0.55, 0.6 * layers.pixel)) ** 2)) * region
    line = line * np.clip(fade * 6, 0, 1) * (layers.lung > 6)
    layers.density = layers.density * (1.0 - (0.45 + 0.3 * strength) * free)
    layers.vessels = layers.vessels * (1.0 - free)
    squeezed = 1.0 + 0.35 * strength
    rest = (side * layers.x > 0) * (1.0 - free)
    layers.density = layers.density * (1.0 + (squeezed - 1.0) * rest)
    amount = min(1.0, 0.75 / layers.pixel)
    layers.soft += (line * (3.0 + 4.5 * strength) * amount).astype(np.float32)
    mask = (free > 0.5) & (layers.lung > 3)
    if mask.any():
        found.add("pneumothorax", mask)


def _consolidation(
    layers: Layers,
    torso: Torso,
    strength: float,
    rng: np.random.Generator,
    found: Found,
) -> None:
    """Fills patches of lung, with soft ragged borders and open bronchi."""
    count = 1 + int(rng.random() < 0.3)
    shape = layers.lung.shape
    for _ in range(count):
        side = -1 if rng.random() < 0.5 else 1
        at = lung_points(torso, rng, side, 1, margin=14)[0]
        wide, high = rng.uniform(20, 34, 2) * (0.75 + 0.75 * strength)
        high = max(high, 0.7 * wide)
        dz, dx = (layers.z - at[0]) / high, (layers.x - at[2]) / wide
        # Noise on a fixed grid of millimetres: the same at every resolution.
        patch = _grid_noise(layers, rng)
        level = 1.15 - np.sqrt(dz**2 + dx**2) + 0.3 * patch
        share = np.clip(level / 1.05, 0.0, 1.0) ** 1.2 * (side * layers.x > 0)
        depth = np.minimum(layers.lung, 2.0 * wide)
        amount = (0.16 + 0.64 * strength) * share * depth
        layers.soft += amount.astype(np.float32)
        mask = amount > max(3.0, 0.3 * float(amount.max()))
        if mask.shape == shape and mask.any():
            found.add("consolidation", mask)


def _grid_noise(layers: Layers, rng: np.random.Generator) -> Floats:
    """Draws uneven noise on a 4 mm grid and reads it at the pixels' places."""
    coarse = band_noise((128, 128), rng, low=0.02, high=0.28)
    row = np.clip((layers.z + 260) / 4.0, 0, 126.99)
    column = np.clip((layers.x + 256) / 4.0, 0, 126.99)
    r, c = row.astype(int), column.astype(int)
    fr, fc = row - r, column - c
    top = coarse[r, c] * (1 - fc) + coarse[r, c + 1] * fc
    low = coarse[r + 1, c] * (1 - fc) + coarse[r + 1, c + 1] * fc
    out: Floats = top * (1 - fr) + low * fr
    return out

"""Masses of breast phantoms: where they lie, and their shape in each view."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Mass:
    """One mass.

    Attributes:
        side: L or R.
        form: spiculated or lobulated.
        strength: how plain, 0 to 1.
        deep: place from chest wall (0) to nipple (1).
        out: place towards the outside, in half heights; CC shows it.
        up: place towards the head, in half heights; MLO shows it.
        radius: millimetres.
        contrast: added density in its middle.
        waves: (height, phase) of its outline's lobes, from the second on.
        arms: (angle, length, width) of spicules.
    """

    side: str
    form: str
    strength: float
    deep: float
    out: float
    up: float
    radius: float
    contrast: float
    waves: tuple[tuple[float, float], ...]
    arms: tuple[tuple[float, float, float], ...]

    @property
    def core(self) -> float:
        """Share from which on a pixel counts as mass: spicules do not."""
        return 0.5


def draw_mass(strength: float, rng: np.random.Generator) -> Mass:
    """Draws one mass.

    Args:
        strength: 0 to 1.
        rng: the generator.
    """
    s = float(np.clip(strength, 0.0, 1.0))
    spiky = bool(rng.random() < 0.55)
    lobes = 0.05 if spiky else 0.12
    waves = tuple(
        (float(rng.normal(0, lobes / k**0.4)), float(rng.uniform(0, 2 * np.pi)))
        for k in range(2, 7)
    )
    arms = tuple(
        (
            float(rng.uniform(0, 2 * np.pi)),
            float(rng.uniform(0.8, 2.2)),
            float(rng.uniform(0.25, 0.6)),
        )
        for _ in range(int(rng.integers(12, 22)) if spiky else 0)
    )
    return Mass(
        side=str(rng.choice(["L", "R"])),
        form="spiculated" if spiky else "lobulated",
        strength=s,
        deep=float(rng.uniform(0.3, 0.72)),
        out=float(rng.uniform(-0.35, 0.5)),
        up=float(rng.uniform(-0.35, 0.5)),
        radius=float((3.2 + 8.5 * s) * rng.uniform(0.9, 1.15)),
        contrast=float(0.22 + 0.5 * s + rng.uniform(-0.04, 0.04)),
        waves=waves,
        arms=arms,
    )


def mass_share(
    mass: Mass, view: str, u: Floats, v: Floats, deep: float, high: float
) -> Floats:
    """Returns how much of the mass each pixel shows, 0 to 1.

    Args:
        mass: what to draw.
        view: CC or MLO; its outline turns between them.
        u: [1, column] millimetres away from the chest wall.
        v: [row, 1] millimetres up from the nipple.
        deep: from chest wall to nipple.
        high: half the height of the breast.
    """
    turn = 0.0 if view == "CC" else 0.9
    place = (mass.deep * deep, (mass.out if view == "CC" else mass.up) * high)
    du, dv = u - place[0], v - place[1]
    far = np.hypot(du, dv)
    angle = np.arctan2(dv, du) + turn
    outline = np.ones_like(far)
    for k, (height, phase) in enumerate(mass.waves, start=2):
        outline = outline + height * np.cos(k * angle + phase)
    level = far / (mass.radius * outline)
    soft = 0.16 if mass.form == "spiculated" else 0.09
    share = 1.0 / (1.0 + np.exp(np.clip((level - 1.0) / soft, -30, 30)))
    # A ball is thickest in the middle.
    share = share * (0.62 + 0.38 * np.sqrt(np.clip(1 - level**2, 0, 1)))
    spikes = np.zeros_like(share)
    for towards, length, width in mass.arms:
        c, s = np.cos(towards - turn), np.sin(towards - turn)
        along, aside = du * c + dv * s, -du * s + dv * c
        fade = np.clip(1 - (along / mass.radius - 0.7) / length, 0, 1)
        line = np.exp(-0.5 * (aside / width) ** 2) * fade * (along > 0.5 * mass.radius)
        spikes = np.maximum(spikes, 0.42 * line)
    found: Floats = np.maximum(share, spikes).astype(np.float32)
    return found

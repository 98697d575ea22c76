"""Bleeding in and around the brain: what kind, where, how much, how dense."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workers.phantoms.head_parts import Floats, Head, edge

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

KINDS = (
    "intraparenchymal",
    "subdural",
    "epidural",
    "subarachnoid",
    "intraventricular",
)
NAMES = ("haemorrhage", *KINDS)
_SHARES = (0.32, 0.24, 0.1, 0.2, 0.14)

# Where blood in the brain likes to be: (z, y, |x|) and how often.
_PLACES = (
    ((4, -6, 25), 0.3),
    ((3, 10, 13), 0.18),
    ((34, -38, 26), 0.12),
    ((38, 32, 28), 0.14),
    ((-18, 0, 42), 0.1),
    ((-44, 46, 18), 0.1),
    ((-30, 16, 3), 0.06),
)


@dataclass(frozen=True)
class Bleed:
    """One haemorrhage.

    Attributes:
        kind: see `KINDS`.
        strength: how plain, 0 to 1.
        hu: density.
        centre: (z, y, x); of those in the skull's shape a place on the inner table.
        radii: of blood in the brain, (z, y, x); of collections the reach along the
            table, thrice.
        thick: of collections, millimetres.
        oedema: width of the dark rim.
        push: how far the brain gives way.
        level: of blood in ventricles: it lies behind this y.
    """

    kind: str
    strength: float
    hu: float
    centre: tuple[float, float, float]
    radii: tuple[float, float, float]
    thick: float = 0.0
    oedema: float = 0.0
    push: float = 0.0
    level: float = 0.0

    @property
    def side(self) -> float:
        """1 on the left, -1 on the right."""
        return 1.0 if self.centre[2] >= 0 else -1.0

    def moved(self, z: Floats, y: Floats, x: Floats) -> tuple[Floats, Floats, Floats]:
        """Returns where the tissue at points was before the blood came."""
        if self.push <= 0:
            return z, y, x
        if self.kind != "intraparenchymal":
            return z, y, x + self.side * self.push * np.exp(-((z - 12) ** 2) / 3200)
        away = np.stack((z, y, x)) - _column(self.centre)
        far = np.sqrt((away**2).sum(axis=0)) + 1e-3
        size = float(np.prod(self.radii)) ** (1 / 3)
        near = self.push * np.exp(-((far / (3.0 * size)) ** 2)) / far
        moved = np.stack((z, y, x)) - away * near
        return moved[0], moved[1], moved[2]

    def layer(self, z: Floats, y: Floats, x: Floats) -> Floats:
        """Returns the thickness of a collection on the table under points."""
        if self.thick <= 0:
            return np.zeros_like(z)
        away = (np.stack((z, y, x)) - _column(self.centre)) / _column(self.radii)
        square = (away**2).sum(axis=0)
        if self.kind == "epidural":
            shape = np.clip(1.0 - square, 0.0, 1.0)
        else:
            shape = np.clip(1.0 - square**1.5, 0.0, 1.0) ** 0.6
        found: Floats = self.thick * shape * (x * self.side > 1.0)
        return found

    def clot(
        self, z: Floats, y: Floats, x: Floats, rough: Floats, pixel: float
    ) -> tuple[Floats, Floats]:
        """Returns the share of blood and of its dark rim, of blood in the brain."""
        away = (np.stack((z, y, x)) - _column(self.centre)) / _column(self.radii)
        size = float(np.prod(self.radii)) ** (1 / 3)
        distance = (np.sqrt((away**2).sum(axis=0)) - 1.0 + 0.16 * rough) * size
        core = edge(distance, pixel)
        rim = np.clip(1.0 - (distance - 1.0) / max(self.oedema, 0.1), 0, 1) - core
        return core, np.clip(rim, 0, 1)

    def reached(self, z: Floats, y: Floats, x: Floats) -> Floats:
        """Returns how far fluid at points is mixed with blood, 0 or 1."""
        if self.kind == "intraventricular":
            return (y > self.level) * (x * self.side > -3.0) * 1.0
        away = (np.stack((z, y, x)) - _column(self.centre)) / _column(self.radii)
        found: Floats = ((away**2).sum(axis=0) < 1.0) * 1.0
        return found


def _column(values: tuple[float, float, float]) -> NDArray[np.float32]:
    return np.array(values, dtype=np.float32)[:, None]


def draw_bleed(
    kind: str, strength: float, head: Head, rng: np.random.Generator
) -> Bleed:
    """Draws one haemorrhage.

    Args:
        kind: of `KINDS`, or `haemorrhage` for any.
        strength: 0 to 1.
        head: in whom.
        rng: the generator.
    """
    found = kind
    if kind == "haemorrhage":
        found = str(rng.choice(KINDS, p=_SHARES))
    return _DRAW[found](float(np.clip(strength, 0.02, 1.0)), head, rng)


def _density(strength: float, rng: np.random.Generator) -> float:
    return float(48 + 24 * strength**0.8 + rng.uniform(-2, 4))


def _in_brain(strength: float, _: Head, rng: np.random.Generator) -> Bleed:
    shares = np.array([share for _, share in _PLACES])
    place = _PLACES[int(rng.choice(len(_PLACES), p=shares / shares.sum()))][0]
    side = rng.choice([-1.0, 1.0])
    spread = rng.normal(0.0, 4.0, 3)
    size = (3000.0 / (4 * np.pi) * 0.2 * 220.0**strength) ** (1 / 3)
    form = np.exp(rng.normal(0.0, 0.18, 3))
    form = form / float(np.prod(form)) ** (1 / 3)
    return Bleed(
        kind="intraparenchymal",
        strength=strength,
        hu=_density(strength, rng),
        centre=(
            place[0] + spread[0],
            place[1] + spread[1],
            side * (place[2] + 0.4 * spread[2]),
        ),
        radii=(size * form[0], size * form[1], size * form[2]),
        oedema=float(rng.uniform(1.0, 4.0) + 5.0 * strength * rng.random()),
        push=float(0.35 * size * rng.uniform(0.4, 1.0)),
    )


def _on_table(head: Head, rng: np.random.Generator) -> tuple[float, float, float]:
    """Draws a place on the inner table, above the base."""
    angle = rng.uniform(-0.9, 0.95)
    up = rng.uniform(0.05, 0.75)
    side = rng.choice([-1.0, 1.0])
    ring = float(np.sqrt(1.0 - up**2))
    return (
        head.half[0] * up,
        head.half[1] * ring * float(np.sin(angle)),
        side * head.half[2] * ring * float(np.cos(angle)),
    )


def _subdural(strength: float, head: Head, rng: np.random.Generator) -> Bleed:
    reach = 26.0 + 50.0 * strength * rng.uniform(0.6, 1.0)
    thick = 1.6 + 11.0 * strength * rng.uniform(0.6, 1.0)
    # Days-old blood fades towards the brain's own density.
    faded = rng.random() < 0.25
    hu = rng.uniform(43, 52) if faded else _density(strength, rng)
    return Bleed(
        kind="subdural",
        strength=strength,
        hu=float(hu),
        centre=_on_table(head, rng),
        radii=(0.8 * reach, 1.1 * reach, reach),
        thick=thick,
        push=0.45 * thick,
    )


def _epidural(strength: float, head: Head, rng: np.random.Generator) -> Bleed:
    reach = 14.0 + 24.0 * strength
    thick = 2.5 + 17.0 * strength * rng.uniform(0.7, 1.0)
    return Bleed(
        kind="epidural",
        strength=strength,
        hu=_density(strength, rng) + 3.0,
        centre=_on_table(head, rng),
        radii=(reach, reach, reach),
        thick=thick,
        push=0.3 * thick,
    )


def _subarachnoid(strength: float, head: Head, rng: np.random.Generator) -> Bleed:
    reach = 13.0 + 48.0 * strength
    if rng.random() < 0.5 * strength + 0.2:
        centre = (-16.0, float(rng.normal(-10, 8)), float(rng.normal(0, 14)))
    else:
        z, y, x = _on_table(head, rng)
        centre = (0.9 * z, 0.9 * y, 0.9 * x)
    return Bleed(
        kind="subarachnoid",
        strength=strength,
        hu=float(46 + 22 * strength + rng.uniform(-3, 3)),
        centre=centre,
        radii=(reach, reach, reach),
    )


def _in_ventricles(strength: float, _: Head, rng: np.random.Generator) -> Bleed:
    side = rng.choice([-1.0, 1.0])
    return Bleed(
        kind="intraventricular",
        strength=strength,
        hu=float(50 + 20 * strength + rng.uniform(-3, 3)),
        centre=(8.0, 40.0, side * (20.0 if strength < 0.7 else 0.0)),
        radii=(1.0, 1.0, 1.0),
        level=float(47.0 - 62.0 * strength**1.3 + rng.uniform(-3, 3)),
    )


_DRAW: dict[str, Callable[[float, Head, np.random.Generator], Bleed]] = {
    "intraparenchymal": _in_brain,
    "subdural": _subdural,
    "epidural": _epidural,
    "subarachnoid": _subarachnoid,
    "intraventricular": _in_ventricles,
}

"""Findings put into chest CT volumes, with their exact masks."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from workers.phantoms.lungs import lung_points
from workers.phantoms.shapes import Floats, Grid, band_noise, ellipsoid, rng_for
from workers.phantoms.torso import Torso

Voxels = NDArray[np.bool_]


@dataclass
class FoundCt:
    """What was put in.

    Attributes:
        masks: by label, [z, y, x], true where the finding is.
        parts: by label, one mask for each separate piece.
    """

    masks: dict[str, Voxels] = field(default_factory=dict)
    parts: dict[str, list[Voxels]] = field(default_factory=dict)

    def add(self, label: str, mask: Voxels) -> None:
        """Notes a piece of a finding, unless it is empty."""
        if not mask.any():
            return
        self.parts.setdefault(label, []).append(mask)
        before = self.masks.get(label)
        self.masks[label] = mask if before is None else before | mask


def put_findings_ct(
    hu: Floats,
    lung: Floats,
    heart: Floats,
    grid: Grid,
    torso: Torso,
    strengths: Mapping[str, float],
) -> FoundCt:
    """Changes a volume by its findings; a lying patient, so fluid goes to the back.

    Args:
        hu: [z, y, x], changed in place.
        lung: occupancy of lung, [z, y, x].
        heart: occupancy of the heart, [z, y, x].
        grid: where the voxels lie.
        torso: whose.
        strengths: by label, 0 (hardly there) to 1.
    """
    found = FoundCt()
    if "cardiomegaly" in strengths:
        found.add("cardiomegaly", heart > 0.5)
    for label, make in (
        ("consolidation", _consolidation),
        ("nodule", _nodules),
        ("effusion", _effusion),
        ("pneumothorax", _pneumothorax),
    ):
        if label in strengths:
            # The same generator as the film's: the same side and place.
            rng = rng_for(torso.seed, "finding", label)
            make(hu, lung, grid, torso, strengths[label], rng, found)
    return found


def _nodules(
    hu: Floats,
    lung: Floats,
    grid: Grid,
    torso: Torso,
    strength: float,
    rng: np.random.Generator,
    found: FoundCt,
) -> None:
    for _ in range(1 + int(rng.random() < 0.35) + int(rng.random() < 0.2)):
        side = -1 if rng.random() < 0.5 else 1
        at = lung_points(torso, rng, side, 1, margin=9)[0]
        radius = (3.5 + 8.5 * strength) * rng.uniform(0.8, 1.2)
        shape = ellipsoid(
            grid,
            (float(at[0]), float(at[1]), float(at[2])),
            (radius, radius * rng.uniform(0.8, 1.2), radius),
            wobble=0.14,
            rng=rng,
        )
        if shape is None:
            continue
        where, part = shape
        part = part * (lung[where] > 0.2)
        hu[where] += part * (38.0 - hu[where])
        mask = np.zeros(grid.shape, dtype=bool)
        mask[where] = part > 0.5
        found.add("nodule", mask)


def _effusion(
    hu: Floats,
    lung: Floats,
    grid: Grid,
    torso: Torso,
    strength: float,
    rng: np.random.Generator,
    found: FoundCt,
) -> None:
    sides = [-1, 1] if rng.random() < 0.25 else [-1 if rng.random() < 0.5 else 1]
    z, y, x = grid.axes()
    for side in sides:
        ours = lung * (side * x > 0)
        back = float(y.max())
        rows = np.nonzero((ours > 0.5).any(axis=(0, 2)))[0]
        if len(rows):
            back = float(y[0, rows[-1], 0])
        deep = 10 + 55 * strength
        level = back - deep + 0.12 * np.maximum(z - (torso.dome_right + 30), 0)
        level = level + 0.0016 * (np.abs(x) - 70) ** 2 * 0.4
        part = ours * np.clip((y - level) / 2.0 + 0.5, 0.0, 1.0)
        hu += part * (12.0 - hu)
        found.add("effusion", part > 0.5)
        lung -= part


def _pneumothorax(
    hu: Floats,
    lung: Floats,
    grid: Grid,
    torso: Torso,  # noqa: ARG001  one signature for all findings
    strength: float,
    rng: np.random.Generator,
    found: FoundCt,
) -> None:
    side = -1 if rng.random() < 0.5 else 1
    z, y, x = grid.axes()
    ours = (lung > 0.5) & (side * x > 0)
    rows = np.nonzero(ours.any(axis=(0, 2)))[0]
    if not len(rows):
        return
    front = float(y[0, rows[0], 0])
    gap = 8 + 48 * strength
    level = front + gap + 0.05 * (z - 40) - 0.0014 * (np.abs(x) - 60) ** 2
    free = np.clip((level - y) / 1.5 + 0.5, 0.0, 1.0) * (lung > 0.02) * (side * x > 0)
    rim = np.exp(-(((y - level) / 0.9) ** 2)) * ours
    hu += free * (-1000.0 - hu)
    hu += rim * 420.0
    lung *= 1.0 - free
    found.add("pneumothorax", free > 0.5)


def _consolidation(
    hu: Floats,
    lung: Floats,
    grid: Grid,
    torso: Torso,
    strength: float,
    rng: np.random.Generator,
    found: FoundCt,
) -> None:
    z, y, x = grid.axes()
    for _ in range(1 + int(rng.random() < 0.3)):
        side = -1 if rng.random() < 0.5 else 1
        at = lung_points(torso, rng, side, 1, margin=14)[0]
        wide = rng.uniform(20, 34) * (0.75 + 0.75 * strength)
        far = np.sqrt((z - at[0]) ** 2 + (y - at[1]) ** 2 + (x - at[2]) ** 2) / wide
        patch = band_noise(grid.shape, rng, low=0.01, high=0.09)
        share = np.clip((1.1 - far + 0.3 * patch) / 0.5, 0.0, 1.0)
        # Bronchi keep their air.
        part = share * lung * (side * x > 0) * (hu > -960)
        hu += part * (0.35 + 0.6 * strength) * (35.0 - hu) * (hu < 0)
        found.add("consolidation", part > 0.4)

"""FDG-PET over a chest CT: uptake by organ, hot lesions, a camera's blur and noise."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from workers.phantoms import ct as organs
from workers.phantoms.ct import Box3, ChestCt
from workers.phantoms.marks import WORD, burn
from workers.phantoms.shapes import Floats, band_noise, rng_for

# Standardised uptake by organ: lowest and highest usual value.
_UPTAKE = {
    organs.FAT: (0.2, 0.4),
    organs.MUSCLE: (0.5, 0.8),
    organs.LUNG: (0.3, 0.5),
    organs.BLOOD: (1.3, 1.9),
    organs.HEART: (1.6, 5.5),
    organs.LIVER: (1.9, 2.6),
    organs.SPLEEN: (1.5, 2.1),
    organs.BONE: (0.9, 1.5),
    organs.STOMACH: (1.0, 2.2),
}


@dataclass(frozen=True)
class PetVolume:
    """PET on the CT's frame of reference.

    Attributes:
        suv: float32 [z, y, x], by body weight.
        spacing_mm: (z, y, x).
        origin_mm: place of the first voxel's centre (z, y, x).
        lesions: (x, y, z, x, y, z) voxel corners of each hot lesion, with its peak.
    """

    suv: NDArray[np.float32]
    spacing_mm: tuple[float, float, float]
    origin_mm: tuple[float, float, float]
    lesions: list[tuple[Box3, float]]


def pet_over(seed: int, scan: ChestCt, *, marked: bool = True) -> PetVolume:
    """Makes the PET that belongs to a CT: its nodules are hot.

    Args:
        seed: of the uptake and noise.
        scan: the CT; the PET has half its columns and rows, and the same slices.
        marked: burn in SYNTHETIC.
    """
    rng = rng_for(seed, "pet")
    uptake = np.full(scan.hu.shape, 0.02, dtype=np.float32)
    for organ, (low, high) in _UPTAKE.items():
        uptake[scan.organs == organ] = rng.uniform(low, high)
    hot = scan.masks.get("nodule")
    if hot is not None:
        # Blur lowers the peak of what is small: lesions begin higher.
        uptake[hot] = rng.uniform(9.0, 22.0)
    suv = _camera(uptake, scan, rng)
    dz, dy, dx = scan.spacing_mm
    z, y, x = scan.origin_mm
    lesions = []
    for x0, y0, z0, x1, y1, z1 in scan.boxes.get("nodule", []):
        x1h, y1h = -(-x1 // 2), -(-y1 // 2)
        peak = float(suv[z0:z1, y0 // 2 : y1h, x0 // 2 : x1h].max())
        lesions.append(((x0 // 2, y0 // 2, z0, x1h, y1h, z1), peak))
    if marked:
        burn(suv, WORD, value=3.0, place=(0.985, 0.02))
    return PetVolume(
        suv=suv.astype(np.float32),
        spacing_mm=(dz, 2 * dy, 2 * dx),
        origin_mm=(z, y + 0.5 * dy, x + 0.5 * dx),
        lesions=lesions,
    )


def _camera(uptake: Floats, scan: ChestCt, rng: np.random.Generator) -> Floats:
    """Blurs to about 6 mm, halves rows and columns, adds grainy noise."""
    sigma = [2.6 / s for s in scan.spacing_mm]
    blurred = ndimage.gaussian_filter(uptake, sigma)
    depth, rows, columns = blurred.shape
    small = blurred.reshape(depth, rows // 2, 2, columns // 2, 2).mean(axis=(2, 4))
    grain = band_noise(small.shape, rng, low=0.0, high=0.3)
    noisy = small + 0.11 * grain * np.sqrt(small * 0.8 + 0.01)
    return np.asarray(np.maximum(noisy, 0.0))

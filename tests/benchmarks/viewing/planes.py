"""Planes through a volume, computed from the files, to compare canvases with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.pixels import apply_rescale, pixel_array
from scipy import ndimage

from tests.benchmarks.viewing.check import Floats, Picture, window

if TYPE_CHECKING:
    from collections.abc import Sequence

FEWEST = 5
EVEN = 0.02


@dataclass(frozen=True)
class Volume:
    """Slices that lie as one regular grid.

    Attributes:
        grey: [slice, row, column], 0 to 255 or beyond, by a window.
        affine: 4 × 4, from (column, row, slice) to millimetres, LPS.
    """

    grey: Floats
    affine: NDArray[np.float64]

    @property
    def steps(self) -> Floats:
        """Millimetres from voxel to voxel along columns, rows and slices."""
        lengths: Floats = np.linalg.norm(self.affine[:3, :3], axis=0)
        return lengths


def volumes_of(
    datasets: list[pydicom.Dataset], windows: Sequence[tuple[float, float]] = ()
) -> list[Volume]:
    """Return the volume of a series in each window that its planes may begin with.

    Args:
        datasets: Its images; none where they lie on no grid.
        windows: (centre, width) that a viewer may hang the series with, beside that of
            its first and of its middle image.
    """
    if len(datasets) < FEWEST or "ImageOrientationPatient" not in datasets[0]:
        return []
    first = datasets[0]
    row, column = np.array(first.ImageOrientationPatient, float).reshape(2, 3)
    normal = np.cross(row, column)
    ordered = sorted(datasets, key=lambda one: float(_origin(one) @ normal))
    at = np.array([_origin(one) @ normal for one in ordered])
    gaps = np.diff(at)
    if gaps.min() <= 0 or np.ptp(gaps) > max(0.02, EVEN * gaps.mean()):
        return []
    if len({(one.Rows, one.Columns) for one in ordered}) > 1:
        return []
    middle = ordered[len(ordered) // 2]
    values = np.stack(
        [apply_rescale(pixel_array(one), one).astype(np.float32) for one in ordered]
    )
    own = [
        (_one(one.WindowCenter), _one(one.WindowWidth))
        for one in (middle, ordered[0], ordered[-1])
    ]
    affine = np.eye(4)
    affine[:3, 0] = row * float(first.PixelSpacing[1])
    affine[:3, 1] = column * float(first.PixelSpacing[0])
    affine[:3, 2] = (_origin(ordered[-1]) - _origin(ordered[0])) / (len(ordered) - 1)
    affine[:3, 3] = _origin(ordered[0])
    return [
        Volume(window(values, centre=centre, width=width), affine)
        for centre, width in dict.fromkeys((*own, *windows))
    ]


def _origin(dataset: pydicom.Dataset) -> Floats:
    return np.array(dataset.ImagePositionPatient, float)


def _one(value: object) -> float:
    several = isinstance(value, pydicom.multival.MultiValue)
    return float(value[0] if several else value)  # type: ignore[index, arg-type]


# Which way the screen's right and its lower edge lie in the patient, LPS.
VIEWS = {
    "axial": ((1, 0, 0), (0, 1, 0)),
    "coronal": ((1, 0, 0), (0, 0, -1)),
    "sagittal": ((0, 1, 0), (0, 0, -1)),
}


def planes_of(volume: Volume) -> dict[str, list[Picture]]:
    """Return what viewers may show of each plane.

    A viewer cuts along the voxels or along the patient's own axes, through the middle
    or, along the slices, through any of them.
    """
    return {
        name: [*_along_voxels(volume, name), *_along_patient(volume, name)]
        for name in VIEWS
    }


def _along_voxels(volume: Volume, name: str) -> list[Picture]:
    """Planes of whole voxels that lie nearest to a patient's plane."""
    right, below = (np.array(one, float) for one in VIEWS[name])
    directions = volume.affine[:3, :3] / volume.steps
    through = int(np.argmax(np.abs(np.cross(right, below) @ directions)))
    others = [axis for axis in range(3) if axis != through]
    across = max(others, key=lambda axis: abs(float(right @ directions[:, axis])))
    down = next(axis for axis in others if axis != across)
    # The array's axes are slice, row, column; the volume's are column, row, slice.
    turned = np.transpose(volume.grey, (2 - through, 2 - down, 2 - across))
    if right @ directions[:, across] < 0:
        turned = turned[:, :, ::-1]
    if below @ directions[:, down] < 0:
        turned = turned[:, ::-1, :]
    count = turned.shape[0]
    middle = count // 2
    places = range(count) if through == 2 else range(middle - 2, middle + 2)
    cuts = [turned[place] for place in places]
    cuts += [turned[middle - 1 : middle + 1].mean(axis=0)]
    spacing = (float(volume.steps[down]), float(volume.steps[across]))
    return [Picture(f"{name} along the voxels", cut, spacing) for cut in cuts]


def _along_patient(volume: Volume, name: str) -> list[Picture]:
    """Return the plane through the middle of the volume along the patient's axes."""
    right, below = (np.array(one, float) for one in VIEWS[name])
    size = np.array(volume.grey.shape[::-1])
    centre = volume.affine @ np.append((size - 1) / 2, 1)
    step = float(volume.steps.min())
    corners = np.array(np.meshgrid(*[(-0.5, n - 0.5) for n in size])).reshape(3, -1)
    points = volume.affine[:3, :3] @ corners
    wide, high = (int(np.ptp(axis @ points) / step) for axis in (right, below))
    j, i = np.mgrid[:high, :wide]
    mm = (
        centre[:3, None, None]
        + right[:, None, None] * (i - (wide - 1) / 2) * step
        + below[:, None, None] * (j - (high - 1) / 2) * step
    )
    back = np.linalg.inv(volume.affine)
    index = np.tensordot(back[:3, :3], mm, axes=1) + back[:3, 3][:, None, None]
    grey = ndimage.map_coordinates(volume.grey, index[::-1], order=1, cval=0.0)
    return [Picture(f"{name} along the patient", grey, (step, step))]

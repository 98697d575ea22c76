"""Volumes on grids in the patient, held and resampled by SimpleITK.

Arrays are [slice, row, column]; SimpleITK counts (column, row, slice) and speaks
LPS millimetres, as DICOM does, so nothing is turned on the way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from workers.pixels.image import ImageError
from workers.pixels.stacks import Stack

MOST_VOXELS: Final = 256 * 1024 * 1024
_FWHM_VARIANCE: Final = 1.0 / (8.0 * np.log(2.0))
INTERPOLATORS: Final = {
    "linear": sitk.sitkLinear,
    "nearest": sitk.sitkNearestNeighbor,
    "bspline": sitk.sitkBSpline,
}

Floats = NDArray[np.float32]


def to_grid(stack: Stack, values: NDArray[Any]) -> sitk.Image:
    """Lay the slices of a stack on their grid.

    The grid is straight: slices of a tilted gantry lie on it as if they were not
    (`straighten` puts them where they belong).

    Args:
        stack: An even stack of at least two slices.
        values: [slice, row, column], in the order of the stack.

    Raises:
        ImageError: The stack is no grid, or the values are not its own.
    """
    first = stack.headers[0]
    if len(stack.headers) < 2 or first.pixel_spacing is None:
        raise ImageError("the images make up no volume")
    if values.shape != (len(stack.headers), first.rows, first.columns):
        raise ImageError("the images have another size than their headers say")
    image = sitk.GetImageFromArray(np.ascontiguousarray(values, dtype=np.float32))
    cosines = first.orientation or ()
    across, down = np.array(cosines[:3]), np.array(cosines[3:])
    rows_mm, columns_mm = first.pixel_spacing
    heights = stack.heights
    step = float(heights[-1] - heights[0]) / (len(heights) - 1)
    image.SetSpacing((float(columns_mm), float(rows_mm), step))
    image.SetOrigin([float(part) for part in first.position or ()])
    axes = np.stack((across, down, np.array(stack.normal)), axis=1)
    image.SetDirection([float(part) for part in axes.ravel()])
    return image


def values_of(image: sitk.Image) -> Floats:
    """Return the values of a grid, float32 [slice, row, column]."""
    found: Floats = sitk.GetArrayFromImage(image).astype(np.float32)
    return found


def to_lps(image: sitk.Image) -> sitk.Image:
    """Turn a grid so that its axes run to the left, the back and up, nearest."""
    return sitk.DICOMOrient(image, "LPS")


def resample(
    image: sitk.Image,
    *,
    spacing_mm: Sequence[float],
    interpolator: str = "linear",
) -> sitk.Image:
    """Resample a grid to another spacing; the outer edges stay where they are.

    What gets coarser is smoothed first by a Gaussian of variance
    (k² − 1) / (2·√(2 ln 2))² old voxels, k old voxels a new one: full widths at
    half maximum add up (Cardoso et al., MICCAI 2015, scale factor point spread
    function).

    Args:
        image: The grid.
        spacing_mm: Wanted distances (slice, row, column), mm.
        interpolator: `linear`, `nearest` or `bspline`.

    Raises:
        ImageError: It would become too large.
    """
    wanted = [float(part) for part in reversed(spacing_mm)]
    old = image.GetSpacing()
    size = [
        max(1, round(n * has / want))
        for n, has, want in zip(image.GetSize(), old, wanted, strict=True)
    ]
    if int(np.prod(size)) > MOST_VOXELS:
        raise ImageError("the volume would be too large at that spacing")
    spacing = [
        has * n / m for has, n, m in zip(old, image.GetSize(), size, strict=True)
    ]
    # The centre of the first voxel moves, so that the edges do not.
    shift = [(new / has - 1.0) / 2.0 for new, has in zip(spacing, old, strict=True)]
    origin = image.TransformContinuousIndexToPhysicalPoint(shift)
    if interpolator != "nearest":
        image = _smooth(image, spacing)
    return sitk.Resample(
        image,
        size,
        sitk.Transform(),
        INTERPOLATORS[interpolator],
        origin,
        spacing,
        image.GetDirection(),
        _edge_value(image),
        image.GetPixelID(),
        useNearestNeighborExtrapolator=True,
    )


def _smooth(image: sitk.Image, spacing: Sequence[float]) -> sitk.Image:
    variances = [
        max(0.0, (new / old) ** 2 - 1.0) * _FWHM_VARIANCE * old**2
        for new, old in zip(spacing, image.GetSpacing(), strict=True)
    ]
    if not any(variances):
        return image
    found = sitk.DiscreteGaussian(image, variances, 32, 0.01, useImageSpacing=True)
    found.CopyInformation(image)
    return found


def _edge_value(image: sitk.Image) -> float:
    """What lies outside: the least value, which is air or nothing."""
    found = sitk.MinimumMaximumImageFilter()
    found.Execute(image)
    return float(found.GetMinimum())


def lay_on(
    image: sitk.Image, reference: sitk.Image, *, interpolator: str = "linear"
) -> tuple[sitk.Image, float]:
    """Resample a grid onto another one of the same frame of reference.

    Returns:
        The values on the reference's grid, and the share of it that the image covers.
    """
    inside = sitk.Image(image.GetSize(), sitk.sitkUInt8) + 1
    inside.CopyInformation(image)
    covered = sitk.Resample(
        inside, reference, sitk.Transform(), sitk.sitkNearestNeighbor, 0.0
    )
    found = sitk.Resample(
        image,
        reference,
        sitk.Transform(),
        INTERPOLATORS[interpolator],
        _edge_value(image),
        image.GetPixelID(),
    )
    return found, float(sitk.GetArrayViewFromImage(covered).mean())


def straighten(stack: Stack, image: sitk.Image) -> sitk.Image:
    """Put the slices of a tilted gantry where they belong, on a straight grid.

    Each slice is shifted within its plane by what the path of the slices leaves
    their normal: a shear, done by one linear resampling.
    """
    positions, normal = stack.positions, np.array(stack.normal)
    path = positions[-1] - positions[0]
    rise = float(path @ normal)
    lean = path / rise - normal
    shear = np.eye(3) - np.outer(lean, normal)
    transform = sitk.AffineTransform(3)
    transform.SetMatrix([float(part) for part in shear.ravel()])
    transform.SetCenter(image.GetOrigin())
    return sitk.Resample(image, image, transform, sitk.sitkLinear, _edge_value(image))

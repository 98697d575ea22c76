"""Preprocessing of volumes as MONAI's transforms do it, and the way back.

An import maps a bundle's transforms to declared steps; here each step becomes the same
transform of MONAI again, with literal arguments, so that the numbers are the bundle's.
Volumes are ours, (z, y, x) = up, to the back, to the patient's left; MONAI's axes are
(x, y, z) with an affine to right, front, up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from monai.data.meta_tensor import MetaTensor
from monai.transforms.croppad.array import CropForeground
from monai.transforms.intensity.array import (
    NormalizeIntensity,
    ScaleIntensity,
    ScaleIntensityRange,
    ScaleIntensityRangePercentiles,
)
from monai.transforms.spatial.array import Orientation, Resize, Spacing
from monai.transforms.utils import convert_applied_interp_mode
from torch import Tensor

from workers.models.preprocess import PreprocessError
from workers.models.volume_prepare import Spacing as Millimetres
from workers.models.volume_prepare import prepare_volume

STEPS: Final[dict[str, Any]] = {
    "orient": Orientation,
    "spacing": Spacing,
    "resize": Resize,
    "crop_foreground": CropForeground,
    "scale_intensity": ScaleIntensity,
    "scale_intensity_range": ScaleIntensityRange,
    "scale_intensity_percentiles": ScaleIntensityRangePercentiles,
    "normalise_intensity": NormalizeIntensity,
}
"""Declared steps and the transforms that do them."""
SPATIAL: Final = frozenset({"orient", "spacing", "resize", "crop_foreground"})
_MOST_VOXELS: Final = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class MonaiVolume:
    """A volume on the network's grid, and what was done to bring it there.

    Attributes:
        ready: [C, i, j, k], in the network's axes.
        spatial: The transforms that moved voxels, in order.
    """

    ready: MetaTensor
    spatial: tuple[Any, ...]

    @property
    def voxel_ml(self) -> float:
        """Millilitres of a voxel of the network's grid."""
        matrix = np.asarray(self.ready.affine)[:3, :3]
        return float(abs(np.linalg.det(matrix))) / 1000.0

    def lay_back(self, values: Tensor, *, between: bool = True) -> Tensor:
        """Return values on the source's grid, [C, z, y, x], of [C, i, j, k].

        Args:
            values: On the network's grid.
            between: Whether they are interpolated; else the nearest is taken.
        """
        operations = deepcopy(list(self.ready.applied_operations))
        if not between:
            operations = convert_applied_interp_mode(
                operations, mode="nearest", align_corners=None
            )
        moved = MetaTensor(
            values, meta=dict(self.ready.meta), applied_operations=operations
        )
        for transform in reversed(self.spatial):
            moved = transform.inverse(moved)
        plain = moved.as_tensor()
        return plain.permute(0, 3, 2, 1).contiguous()


def to_monai(values: Tensor, spacing: Millimetres) -> MetaTensor:
    """Return a volume as MONAI has it: [C, x, y, z] with an affine.

    Args:
        values: [z, y, x] (C is 1), or [C, z, y, x].
        spacing: Millimetres between voxels, (z, y, x).
    """
    dz, dy, dx = spacing
    affine = torch.diag(torch.tensor([-dx, -dy, dz, 1.0], dtype=torch.float64))
    channels = values[None] if values.ndim == 3 else values
    image = channels.float().permute(0, 3, 2, 1).contiguous()
    return MetaTensor(image, affine=affine)


def prepare_monai(
    values: Tensor, spacing: Millimetres, *, steps: Sequence[Mapping[str, Any]]
) -> MonaiVolume:
    """Execute declared steps on one volume.

    Args:
        values: [z, y, x] in the modality's own unit; or [C, z, y, x].
        spacing: Millimetres between voxels, (z, y, x).
        steps: As in the card's `preprocessing`: names of `STEPS` and their arguments.

    Raises:
        PreprocessError: A step is unknown, or the volume can not be used.
    """
    if values.ndim not in (3, 4) or not bool(torch.isfinite(values.float()).all()):
        raise PreprocessError("the volume has values that are not numbers")
    image = to_monai(values, spacing)
    spatial = []
    for step in steps:
        name = str(step.get("name"))
        transform = make_step(step)
        try:
            image = transform(image)
        except (RuntimeError, ValueError, TypeError) as error:
            raise PreprocessError(f"preprocessing step “{name}”: {error}") from error
        if image.numel() > _MOST_VOXELS:
            raise PreprocessError("the volume would be too large at the model's grid")
        if name in SPATIAL:
            spatial.append(transform)
    return MonaiVolume(ready=image, spatial=tuple(spatial))


def make_step(step: Mapping[str, Any]) -> Any:
    """Return the transform of a declared step.

    Raises:
        PreprocessError: It is unknown, or its arguments are not its own.
    """
    name = str(step.get("name"))
    if name not in STEPS:
        raise PreprocessError(f"preprocessing step “{name}” is unknown")
    arguments = {key: value for key, value in step.items() if key != "name"}
    try:
        return STEPS[name](**arguments)
    except (TypeError, ValueError) as error:
        raise PreprocessError(
            f"preprocessing step “{name}”: bad parameters ({error})"
        ) from error


def run_role_steps(
    values: Tensor, spacing: Millimetres, *, steps: Sequence[Mapping[str, Any]]
) -> Tensor:
    """Execute the own steps of one role, of `ROLE_STEPS`; no voxel moves.

    Args:
        values: [slice, row, column] in the modality's own unit.
        spacing: Millimetres between slices, rows and columns.
        steps: As in the role's `preprocessing`.

    Returns:
        float32 of the same shape.

    Raises:
        PreprocessError: A step is unknown or can not be done.
    """
    found = values.float()
    for step in steps:
        name = str(step.get("name"))
        if name not in STEPS:
            found, _ = prepare_volume(found, spacing, steps=[step])
            continue
        try:
            made = make_step(step)(found[None])
        except (RuntimeError, ValueError, TypeError) as error:
            raise PreprocessError(f"preprocessing step “{name}”: {error}") from error
        plain = made.as_tensor() if isinstance(made, MetaTensor) else made
        found = torch.as_tensor(plain)[0].float()
    return found

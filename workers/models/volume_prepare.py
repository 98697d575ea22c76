"""Declared preprocessing of volumes: the card names the steps, this executes them.

Training and inference call the same `prepare_volume`. Axes are (z, y, x): up, to the
back, to the patient's left (LPS). A volume covers its grid from edge to edge, so that
what a network says on its grid can be laid over the source by stretching it back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import SimpleITK as sitk
import torch
from torch import Tensor
from torch.nn import functional

from workers.models.preprocess import PreprocessError
from workers.pixels.grids import values_of
from workers.pixels.image import ImageError
from workers.pixels.mr import body_mask, correct_bias, standardise

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Spacing = tuple[float, float, float]

_MOST_VOXELS = 256 * 1024 * 1024


def _resample(
    values: Tensor, spacing: Spacing, *, spacing_mm: Sequence[float]
) -> tuple[Tensor, Spacing]:
    """Stretch to another spacing; what gets coarser is averaged first."""
    size = [
        max(1, round(n * s / float(wanted)))
        for n, s, wanted in zip(values.shape, spacing, spacing_mm, strict=True)
    ]
    if size[0] * size[1] * size[2] > _MOST_VOXELS:
        raise PreprocessError("the volume would be too large at the model's spacing")
    found = stretch(values, (size[0], size[1], size[2]))
    exact = tuple(
        s * n / m for s, n, m in zip(spacing, values.shape, size, strict=True)
    )
    return found, (exact[0], exact[1], exact[2])


def _clip_hu(
    values: Tensor, spacing: Spacing, *, low: float, high: float
) -> tuple[Tensor, Spacing]:
    """Clip to two Hounsfield values and scale them to 0 and 1."""
    return ((values - low) / (high - low)).clamp(0.0, 1.0), spacing


def _grid(values: Tensor, spacing: Spacing) -> sitk.Image:
    image = sitk.GetImageFromArray(values.numpy())
    image.SetSpacing([float(part) for part in reversed(spacing)])
    return image


def _correct_bias(values: Tensor, spacing: Spacing) -> tuple[Tensor, Spacing]:
    """Take an MR coil's shading out (N4)."""
    found = correct_bias(_grid(values, spacing))
    return torch.from_numpy(values_of(found)), spacing


def _standardise_tissue(values: Tensor, spacing: Spacing) -> tuple[Tensor, Spacing]:
    """Bring the tissue of MR to mean 0 and spread 1; the air around it is 0."""
    inside = values_of(body_mask(_grid(values, spacing))).astype(bool)
    try:
        return torch.from_numpy(standardise(values.numpy(), mask=inside)), spacing
    except ImageError as error:
        raise PreprocessError(str(error)) from error


_STEPS: dict[str, Callable[..., tuple[Tensor, Spacing]]] = {
    "resample": _resample,
    "clip_hu": _clip_hu,
    "correct_bias": _correct_bias,
    "standardise_tissue": _standardise_tissue,
}


def stretch(values: Tensor, size: tuple[int, int, int]) -> Tensor:
    """Resize a volume, [z, y, x], edges on edges, axis by axis.

    An axis that gets coarser is averaged over each new voxel's extent; one that gets
    finer is interpolated linearly.
    """
    # The axes that shrink first: less to do for the others.
    order = sorted(range(3), key=lambda axis: size[axis] / values.shape[axis])
    for axis in order:
        if size[axis] != values.shape[axis]:
            values = _stretch_axis(values, axis, size[axis])
    return values.contiguous()


def _stretch_axis(values: Tensor, axis: int, n: int) -> Tensor:
    lines = values.movedim(axis, -1)
    shape = lines.shape[:-1]
    flat = lines.reshape(shape[0], shape[1], lines.shape[-1])
    # Antialiased resizing works in two dimensions: the other one stays as it is.
    found = functional.interpolate(
        flat[None],
        size=(int(flat.shape[1]), n),
        mode="bilinear",
        align_corners=False,
        antialias=True,
    )[0]
    return found.reshape(*shape, n).movedim(-1, axis)


def prepare_volume(
    values: Tensor, spacing: Spacing, *, steps: Sequence[Mapping[str, Any]]
) -> tuple[Tensor, Spacing]:
    """Execute declared steps on one volume, or on each channel of one.

    Args:
        values: [z, y, x] in Hounsfield units (or the modality's own), float32; or
            [channel, z, y, x].
        spacing: Millimetres between voxels, (z, y, x).
        steps: As in the card's `preprocessing`: each a `name` and its parameters.
            `resample` (`spacing_mm`), `clip_hu` (`low`, `high`); of MR `correct_bias`
            (N4) and `standardise_tissue`.

    Returns:
        float32 of the same axes on the network's grid, and its spacing.

    Raises:
        PreprocessError: A step is unknown, or the volume can not be used.
    """
    if values.ndim == 4:
        ready = [prepare_volume(one, spacing, steps=steps) for one in values]
        return torch.stack([one for one, _ in ready]), ready[0][1]
    found = values.float()
    if found.ndim != 3 or not bool(torch.isfinite(found).all()):
        raise PreprocessError("the volume has values that are not numbers")
    for step in steps:
        params = {key: value for key, value in step.items() if key != "name"}
        name = str(step.get("name"))
        if name not in _STEPS:
            raise PreprocessError(f"preprocessing step “{name}” is unknown")
        try:
            found, spacing = _STEPS[name](found, spacing, **params)
        except TypeError as error:
            raise PreprocessError(
                f"preprocessing step “{name}”: bad parameters ({error})"
            ) from error
    return found, spacing

"""MR as a model is given it: series by role, the coil's shading out, z-scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import SimpleITK as sitk
from monai.transforms.intensity.array import NormalizeIntensity
from numpy.typing import NDArray

from workers.model_card import WEIGHTINGS
from workers.pixels.image import ImageError, ImageHeader
from workers.pixels.stacks import Stack
from workers.series_roles import SeriesFacts, weighting_of

ROLES: Final = WEIGHTINGS

_PLANES: Final = ("sagittal", "coronal", "axial")
_STRAIGHT: Final = 0.8
_N4_ITERATIONS: Final = (40, 40, 20)
_N4_SIDE: Final = 32


def facts_of(
    header: ImageHeader, *, n_images: int = 0, b_value: float | None = None
) -> SeriesFacts:
    """Return what a series' first image says of how the series was made.

    Args:
        header: One image of it.
        n_images: How many it has.
        b_value: That of all its images, where it is known to be one.
    """
    made = header.acquisition
    return SeriesFacts(
        uid=header.series_uid,
        number=header.series_number,
        modality=header.modality,
        body_part=header.body_part,
        description=header.description,
        plane=plane_of(header.orientation),
        image_type=header.image_type,
        n_images=n_images,
        frame_of_reference_uid=header.frame_of_reference_uid,
        contrast=made.contrast,
        scanning=made.scanning,
        sequence_name=made.sequence_name,
        echo_ms=made.echo_ms,
        repetition_ms=made.repetition_ms,
        inversion_ms=made.inversion_ms,
        b_value=b_value,
        is_diffusion=made.b_value is not None,
        has_contrast_agent=made.has_contrast_agent,
    )


def role_of(header: ImageHeader) -> str:
    """Return which of `ROLES` a series has; '' when nothing tells."""
    return weighting_of(facts_of(header))


def plane_of(orientation: tuple[float, ...] | None) -> str:
    """Return `axial`, `coronal` or `sagittal`; '' when it is askew or not said."""
    if orientation is None:
        return ""
    normal = np.abs(np.cross(orientation[:3], orientation[3:]))
    along = int(normal.argmax())
    return _PLANES[along] if normal[along] >= _STRAIGHT else ""


def match_roles(
    stacks: Mapping[str, Sequence[Stack]], *, wanted: Sequence[str]
) -> dict[str, Stack]:
    """Return the stack of each wanted role.

    Of several of one role that which lies most parallel to the first role's is
    taken, then the one of the highest b-value, then the one of most slices.

    Args:
        stacks: The stacks of each series of a study.
        wanted: Roles, the reference first.

    Raises:
        ImageError: One is not there; the text names every one that is missing.
    """
    by_role: dict[str, list[Stack]] = {}
    for parts in stacks.values():
        for stack in parts:
            by_role.setdefault(role_of(stack.headers[0]), []).append(stack)
    missing = [role for role in wanted if role not in by_role]
    if missing:
        has = ", ".join(sorted(role for role in by_role if role)) or "none by its kind"
        raise ImageError(
            f"the study has no {' and no '.join(missing)} series; it has {has}"
        )
    reference = _best(by_role[wanted[0]], like=None)
    found = {wanted[0]: reference}
    for role in wanted[1:]:
        found[role] = _best(by_role[role], like=reference)
    return found


def _best(stacks: Sequence[Stack], *, like: Stack | None) -> Stack:
    def worth(stack: Stack) -> tuple[float, float, int]:
        # Without a reference the most axial stack leads: most models are of those.
        axis = np.array(like.normal) if like else np.array([0.0, 0.0, 1.0])
        parallel = abs(float(np.array(stack.normal) @ axis))
        b_value = stack.headers[0].acquisition.b_value or 0.0
        return round(parallel, 1), b_value, len(stack.headers)

    return max(stacks, key=worth)


def body_mask(image: sitk.Image) -> sitk.Image:
    """Return where there is tissue: above Otsu's threshold, holes filled."""
    found = sitk.OtsuThreshold(image, 0, 1, 128)
    closed = sitk.BinaryMorphologicalClosing(found, [2, 2, 0])
    return sitk.BinaryFillhole(closed)


def correct_bias(image: sitk.Image, *, mask: sitk.Image | None = None) -> sitk.Image:
    """Take the coil's shading out by N4 (Tustison et al., IEEE TMI 2010).

    The field is smooth, so it is fitted on a grid of about 32 voxels a side and laid
    over the whole one.

    Args:
        image: A grid of MR values, 0 or more.
        mask: Where to fit; `body_mask` by default.
    """
    whole = sitk.Cast(image, sitk.sitkFloat32)
    inside = sitk.Cast(mask if mask is not None else body_mask(whole), sitk.sitkUInt8)
    factors = [max(1, n // _N4_SIDE) for n in whole.GetSize()]
    fit = sitk.N4BiasFieldCorrectionImageFilter()
    fit.SetMaximumNumberOfIterations(list(_N4_ITERATIONS))
    fit.SetConvergenceThreshold(1e-4)
    fit.Execute(sitk.Shrink(whole, factors), sitk.Shrink(inside, factors))
    field = sitk.Exp(fit.GetLogBiasFieldAsImage(whole))
    return sitk.Divide(whole, sitk.Cast(field, sitk.sitkFloat32))


def standardise(
    values: NDArray[Any], *, mask: NDArray[np.bool_] | None = None
) -> NDArray[np.float32]:
    """Return z-scores: mean 0 and spread 1 within the mask, 0 outside it.

    Args:
        values: Of any shape.
        mask: Of the same shape; by default where values are not 0.
    """
    inside = np.asarray(values != 0) if mask is None else mask
    if not inside.any():
        raise ImageError("the image holds no tissue")
    chosen = np.asarray(values, dtype=np.float32)[inside]
    scaled = np.zeros(values.shape, dtype=np.float32)
    scaled[inside] = np.asarray(NormalizeIntensity()(chosen), dtype=np.float32)
    return scaled

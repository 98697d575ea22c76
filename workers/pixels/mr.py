"""MR as a model is given it: series by role, the coil's shading out, z-scores."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import SimpleITK as sitk
from monai.transforms.intensity.array import NormalizeIntensity
from numpy.typing import NDArray

from workers.pixels.image import Acquisition, ImageError, ImageHeader
from workers.pixels.stacks import Stack

ROLES: Final = ("T1", "T1C", "T2", "T2*", "FLAIR", "PD", "DWI", "ADC", "SWI")

_N4_ITERATIONS: Final = (40, 40, 20)
_N4_SIDE: Final = 32

# Acquisition Contrast of enhanced MR (PS3.3 C.8.13.3.1) in our words.
_CONTRASTS: Final = {
    "DIFFUSION": "DWI",
    "FLAIR": "FLAIR",
    "FLUID_ATTENUATED": "FLAIR",
    "PROTON_DENSITY": "PD",
    "T1": "T1",
    "T2": "T2",
    "T2_STAR": "T2*",
}
_WORDS: Final = (
    ("ADC", re.compile(r"\bE?ADC\b|APPARENT DIFF|_ADC")),
    ("DWI", re.compile(r"\bDWI\b|DIFF|TRACEW?\b")),
    ("SWI", re.compile(r"\bSWI\b|SUSCEPT|VENO_?BOLD|SWAN")),
    ("FLAIR", re.compile(r"FLAIR|DARK.?FLUID|TIRM_DA")),
    ("T2*", re.compile(r"T2.?\*|T2.?STAR|HEMO|HÄMO")),
    ("T1C", re.compile(r"T1.*(\+ ?C\b|GAD|\bGD\b|POST|\bKM\b|CE\b)")),
    ("T1", re.compile(r"T1|MPRAGE|MP2RAGE|BRAVO")),
    ("T2", re.compile(r"T2")),
    ("PD", re.compile(r"\bPD|PROTON.?DENS")),
)


def role_of(header: ImageHeader) -> str:
    """Return which of `ROLES` a series has; '' when nothing tells.

    The image type and the acquisition say it before the description does, and echo
    and repetition times come last: words are a person's, times can be read two ways.
    """
    found = header.acquisition
    types = set(header.image_type)
    if "ADC" in types:
        return "ADC"
    named = _CONTRASTS.get(found.contrast, "")
    diffusion = "DIFFUSION" in types or found.b_value is not None
    by_words = _role_by_words(header.description)
    if diffusion:
        return "ADC" if by_words == "ADC" else "DWI"
    role = named or by_words or _role_by_times(found)
    return "T1C" if role == "T1" and found.has_contrast_agent else role


def _role_by_words(description: str) -> str:
    return next((role for role, words in _WORDS if words.search(description)), "")


def _role_by_times(found: Acquisition) -> str:
    """Return the weighting that echo, repetition and inversion times give, ms."""
    echo, repetition = found.echo_ms, found.repetition_ms
    if echo is None or repetition is None:
        return ""
    if "IR" in found.scanning and (found.inversion_ms or 0.0) > 1500 and echo > 70:
        return "FLAIR"
    if "GR" in found.scanning and "SE" not in found.scanning:
        return "T2*" if echo > 15 else "T1"
    if echo >= 60 and repetition >= 1500:
        return "T2"
    if echo <= 40:
        return "T1" if repetition <= 1200 else "PD"
    return ""


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

"""Lay an earlier volume over a newer one: a rigid movement, and how far to trust it.

Mattes' mutual information with a regular-step descent over several resolutions, as
SimpleITK has them (Mattes et al., IEEE TMI 22:120, 2003; Lowekamp et al., Front.
Neuroinform. 7:45, 2013). Nothing is known of the truth at use, so three things are
asked of the outcome: that the two volumes show the same part of the body, that they
look alike there, and that the way there and the way back meet (inverse consistency;
Christensen and Johnson, IEEE TMI 20:568, 2001). What fails one of them is not
comparable, and says why.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

Points = NDArray[np.float64]
Spacing = tuple[float, float, float]

GRID_MM: Final = 3.0
"""Voxels that the movement is sought on."""
LEAST_OVERLAP: Final = 0.6
"""Least share of the newer body that the earlier volume must show."""
LEAST_CORRELATION: Final = 0.7
"""Least correlation of clipped Hounsfield units within the overlap."""
MOST_INCONSISTENT_MM: Final = 2.0
"""Furthest that points may land from where they began, there and back, on average."""
MOST_SPACING_RATIO: Final = 3.0
"""Largest ratio of the two voxels' longest edges."""
_LOW_HU, _HIGH_HU = -200.0, 400.0
_BODY_HU: Final = -300
_SEED: Final = 20261122
_SHARE: Final = 0.25
_BINS: Final = 50
_LEVELS: Final = (4, 2, 1)
_STEPS: Final = 400
_PROBES: Final = 2000


class NotComparableError(ValueError):
    """The two volumes cannot be laid over each other; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """A volume in Hounsfield units.

    Attributes:
        hu: [z, y, x], axes up, to the back, to the patient's left.
        spacing: Millimetres between voxels, (z, y, x).
    """

    hu: NDArray[np.int16]
    spacing: Spacing


@dataclass(frozen=True, slots=True, kw_only=True)
class Rigid:
    """A turn and a shift: `turn @ point + shift`, millimetres, (z, y, x).

    Points are counted from the centre of a volume's first voxel.
    """

    turn: NDArray[np.float64]
    shift: NDArray[np.float64]

    def apply(self, points: Points) -> Points:
        """Return where points, [n, 3], come to lie."""
        moved: Points = points @ self.turn.T + self.shift
        return moved

    def inverse(self) -> Rigid:
        """Return the way back."""
        return Rigid(turn=self.turn.T, shift=-self.turn.T @ self.shift)

    @property
    def degrees(self) -> float:
        """The angle of the turn."""
        cosine = (float(np.trace(self.turn)) - 1.0) / 2.0
        return float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """Where an earlier volume lies in a newer one.

    Attributes:
        to_now: From the earlier volume's points to the newer one's.
        overlap: Share of the newer body that the earlier volume shows, 0 to 1.
        correlation: Of clipped Hounsfield units of the body within the overlap.
        inconsistency_mm: How far points of the body land from where they began, on
            average, when they go there and come back by a movement sought anew.
    """

    to_now: Rigid
    overlap: float
    correlation: float
    inconsistency_mm: float


def register(*, now: Volume, then: Volume) -> Registration:
    """Find the rigid movement that lays an earlier volume over a newer one.

    The same volumes give the same movement to a thousandth of a millimetre: samples
    are seeded, one thread is used.

    Raises:
        NotComparableError: They cannot be laid over each other; says why.
    """
    _check_sampling(now, then)
    here, there = _prepare(now), _prepare(then)
    to_then = _seek(fixed=here, moving=there)
    to_now = _seek(fixed=there, moving=here)
    probes = _probes(here)
    inconsistency = float(
        np.linalg.norm(to_now.apply(to_then.apply(probes)) - probes, axis=1).mean()
    )
    overlap, correlation = _likeness(here, there, to_then)
    if overlap < LEAST_OVERLAP:
        raise NotComparableError(
            f"the earlier study shows {overlap:.0%} of what this one shows;"
            f" {LEAST_OVERLAP:.0%} are needed"
        )
    if correlation < LEAST_CORRELATION or inconsistency > MOST_INCONSISTENT_MM:
        raise NotComparableError(
            "the two studies could not be laid over each other reliably"
            f" (likeness {correlation:.2f}, there and back {inconsistency:.1f} mm)"
        )
    return Registration(
        to_now=to_then.inverse(),
        overlap=overlap,
        correlation=correlation,
        inconsistency_mm=inconsistency,
    )


def _check_sampling(now: Volume, then: Volume) -> None:
    edges = (max(now.spacing), max(then.spacing))
    if max(edges) > MOST_SPACING_RATIO * min(edges):
        raise NotComparableError(
            f"the studies are sampled too differently: slices or pixels lie up to"
            f" {edges[0]:.1f} mm apart now and {edges[1]:.1f} mm then"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ready:
    image: Any
    body: NDArray[np.bool_]


def _prepare(volume: Volume) -> _Ready:
    """Return a volume on even voxels, clipped, with the body marked.

    Raises:
        NotComparableError: No body is seen.
    """
    clipped = np.clip(volume.hu, _LOW_HU, _HIGH_HU).astype(np.float32)
    image = sitk.GetImageFromArray(clipped)
    spacing = tuple(float(one) for one in reversed(volume.spacing))
    image.SetSpacing(spacing)
    blurs = [max(0.0, (GRID_MM**2 - one**2)) ** 0.5 / 2.355 for one in spacing]
    image = sitk.SmoothingRecursiveGaussian(image, [max(b, 0.05) for b in blurs])
    size = [
        max(1, int(np.ceil(n * one / GRID_MM)))
        for n, one in zip(image.GetSize(), spacing, strict=True)
    ]
    grid = sitk.Resample(
        image,
        size,
        sitk.Transform(),
        sitk.sitkLinear,
        (0.0, 0.0, 0.0),
        (GRID_MM,) * 3,
        image.GetDirection(),
        _LOW_HU,
        sitk.sitkFloat32,
    )
    body = _body(sitk.GetArrayViewFromImage(grid))
    return _Ready(image=grid, body=body)


def _body(values: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return the largest piece that is no air, with a rim: no rest, no table."""
    solid = ndimage.binary_opening(values > max(_BODY_HU, _LOW_HU + 1), iterations=2)
    pieces, n = ndimage.label(solid)
    if not n:
        raise NotComparableError("no body is seen on one of the studies")
    counts = np.bincount(pieces.ravel())
    counts[0] = 0
    found: NDArray[np.bool_] = ndimage.binary_dilation(
        pieces == int(counts.argmax()), iterations=3
    )
    return found


def _seek(*, fixed: _Ready, moving: _Ready) -> Rigid:
    """Return the movement from the fixed volume's points to the moving one's."""
    mask = sitk.GetImageFromArray(fixed.body.astype(np.uint8))
    mask.CopyInformation(fixed.image)
    start = sitk.Euler3DTransform()
    start.SetCenter(_middle(fixed))
    start.SetTranslation(
        [b - a for a, b in zip(_middle(fixed), _middle(moving), strict=True)]
    )
    method = sitk.ImageRegistrationMethod()
    method.SetNumberOfThreads(1)
    method.SetMetricAsMattesMutualInformation(numberOfHistogramBins=_BINS)
    method.SetMetricFixedMask(mask)
    method.SetMetricSamplingStrategy(method.RANDOM)
    method.SetMetricSamplingPercentage(_SHARE, _SEED)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(
        learningRate=1.0,
        minStep=1e-3,
        numberOfIterations=_STEPS,
        relaxationFactor=0.6,
        gradientMagnitudeTolerance=1e-6,
    )
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel(list(_LEVELS))
    method.SetSmoothingSigmasPerLevel([float(one) / 2 for one in _LEVELS])
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOff()
    method.SetInitialTransform(start, inPlace=True)
    try:
        method.Execute(fixed.image, moving.image)
    except RuntimeError as error:
        raise NotComparableError(
            "the two studies could not be laid over each other: no overlap was found"
        ) from error
    return _rigid(start)


def _middle(ready: _Ready) -> list[float]:
    """Return the middle of the body, (x, y, z) mm."""
    middle = ndimage.center_of_mass(ready.body)
    return [float(one) * GRID_MM for one in reversed(middle)]


def _rigid(found: Any) -> Rigid:
    """Return SimpleITK's movement, which is of (x, y, z), as one of (z, y, x)."""
    turn = np.array(found.GetMatrix()).reshape(3, 3)
    centre, by = np.array(found.GetCenter()), np.array(found.GetTranslation())
    shift = centre + by - turn @ centre
    return Rigid(turn=turn[::-1, ::-1].copy(), shift=shift[::-1].copy())


def _probes(ready: _Ready) -> Points:
    """Return points of the body, mm, evenly taken."""
    places = np.argwhere(ready.body).astype(np.float64)
    step = max(1, len(places) // _PROBES)
    found: Points = places[::step] * GRID_MM
    return found


def _likeness(here: _Ready, there: _Ready, to_then: Rigid) -> tuple[float, float]:
    """Return the overlap of the bodies, and their correlation in it."""
    places = np.argwhere(here.body)
    moved = to_then.apply(places.astype(np.float64) * GRID_MM) / GRID_MM
    shape = np.array(there.body.shape)
    inside = np.all((moved >= 0) & (moved <= shape - 1), axis=1)
    overlap = float(inside.mean())
    if inside.sum() < 2:
        return overlap, 0.0
    values = sitk.GetArrayViewFromImage(there.image)
    seen = ndimage.map_coordinates(values, moved[inside].T, order=1)
    own = sitk.GetArrayViewFromImage(here.image)[tuple(places[inside].T)]
    if own.std() == 0 or seen.std() == 0:
        return overlap, 0.0
    return overlap, float(np.corrcoef(own, seen)[0, 1])

"""A series as a volume: which series, in what order, whether it is one at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from workers.packs.geometry import Placed, sort_along_normal
from workers.pixels.image import ImageHeader

MAX_VOXELS: Final = 150_000_000
MIN_SLICES: Final = 5
_LEAST_AXIAL: Final = 0.9
_MOST_TILT_DEG: Final = 1.0
_MOST_UNEVEN: Final = 0.1
_MOST_TURNED: Final = 0.02
_NOT_A_SLICE: Final = frozenset({"LOCALIZER", "SCREEN SAVE", "SCREENSHOT"})

Vector = NDArray[np.float64]


class VolumeError(ValueError):
    """The series is no volume that a model may judge; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Geometry:
    """Where the voxels of a series are.

    Attributes:
        series_uid: The series.
        sop_uids: Its images in the order of the frames: along the slices' normal.
        rows: Lines of every image.
        columns: Pixels a line.
        spacing: Millimetres between slices, rows and columns.
        flips: Which axes, of (slice, row, column), run against (up, to the back,
            to the patient's left).
    """

    series_uid: str
    sop_uids: tuple[str, ...]
    rows: int
    columns: int
    spacing: tuple[float, float, float]
    flips: tuple[bool, bool, bool]

    @property
    def voxel_ml(self) -> float:
        """Millilitres of one voxel."""
        dz, dy, dx = self.spacing
        return dz * dy * dx / 1000.0

    def turn(self, values: NDArray[Any]) -> NDArray[Any]:
        """Turn frames, [frame, row, column], to (z, y, x), or the reverse."""
        steps = [slice(None, None, -1 if flip else 1) for flip in self.flips]
        turned: NDArray[Any] = values[tuple(steps)]
        return turned


def choose_series(
    firsts: Mapping[str, ImageHeader],
    counts: Mapping[str, int],
    *,
    rules: Mapping[str, Any],
) -> str:
    """Return the series that a model is given: the eligible one of most images.

    Args:
        firsts: The header of one image of each series.
        counts: Images of each series.
        rules: The card's `input`.

    Raises:
        VolumeError: There is none.
    """
    wanted = {str(name).upper() for name in rules.get("modalities", [])}
    parts = {str(name).upper() for name in rules.get("body_parts", [])}
    least = int(rules.get("volume", {}).get("min_slices", MIN_SLICES))
    fitting = [
        uid
        for uid, header in firsts.items()
        if (not wanted or header.modality in wanted)
        and (not parts or not header.body_part or header.body_part in parts)
        and not _NOT_A_SLICE & set(header.image_type)
        and header.orientation is not None
        and header.n_frames == 1
        and header.samples == 1
    ]
    if not fitting:
        raise VolumeError("the study has no series of slices that the model judges")
    best = max(fitting, key=lambda uid: (counts[uid], -firsts[uid].series_number, uid))
    if counts[best] < least:
        raise VolumeError(
            f"the longest series has {counts[best]} slices; at least {least} are needed"
        )
    _check_size(firsts[best], counts[best], rules=rules)
    return best


def _check_size(first: ImageHeader, count: int, *, rules: Mapping[str, Any]) -> None:
    most = min(int(rules.get("volume", {}).get("max_voxels", MAX_VOXELS)), MAX_VOXELS)
    if first.rows * first.columns * count > most:
        raise VolumeError(
            f"the series has {count} slices of {first.columns}×{first.rows} pixels:"
            f" more than the model's limit of {most / 1e6:.0f} million voxels"
        )


def find_geometry(
    headers: Iterable[ImageHeader], *, rules: Mapping[str, Any]
) -> Geometry:
    """Return where the voxels of a series are, whatever order its images came in.

    Args:
        headers: Its images, each of one frame.
        rules: The card's `input`.

    Raises:
        VolumeError: They do not make up one straight, even, axial volume.
    """
    by_uid = {header.sop_uid: header for header in headers}
    first = next(iter(by_uid.values()))
    _check_alike(by_uid.values(), first)
    order = sort_along_normal(
        Placed(
            sop_uid=h.sop_uid,
            number=h.instance_number,
            position=h.position,
            orientation=h.orientation,
        )
        for h in by_uid.values()
    )
    across = np.array(first.orientation, dtype=np.float64)[:3]
    down = np.array(first.orientation, dtype=np.float64)[3:]
    normal = np.cross(across, down)
    positions = np.array([by_uid[uid].position for uid in order], dtype=np.float64)
    step = _even_step(positions, normal)
    _check_axial(normal, down, across)
    rows_mm, columns_mm = first.pixel_spacing or (0.0, 0.0)
    found = Geometry(
        series_uid=first.series_uid,
        sop_uids=tuple(order),
        rows=first.rows,
        columns=first.columns,
        spacing=(step, rows_mm, columns_mm),
        flips=(bool(normal[2] < 0), bool(down[1] < 0), bool(across[0] < 0)),
    )
    _check_spacing(found, rules=rules)
    return found


def _check_alike(headers: Iterable[ImageHeader], first: ImageHeader) -> None:
    """Check that all images are slices of one size, spacing and direction."""
    for header in headers:
        if header.position is None or header.orientation is None:
            raise VolumeError("not every image says where it lies")
        if header.pixel_spacing is None:
            raise VolumeError("not every image says how large its pixels are")
        if (header.rows, header.columns) != (first.rows, first.columns):
            raise VolumeError("the images of the series differ in size")
        if not np.allclose(
            header.pixel_spacing, first.pixel_spacing or (0, 0), rtol=1e-3
        ):
            raise VolumeError("the images of the series differ in pixel size")
        if not np.allclose(
            header.orientation, first.orientation or (), atol=_MOST_TURNED / 20
        ):
            raise VolumeError("the images of the series are not parallel")


def _even_step(positions: Vector, normal: Vector) -> float:
    """Return the millimetres between slices, which must be even and straight."""
    steps = np.diff(positions, axis=0)
    heights = steps @ normal
    if len(heights) == 0 or float(heights.min()) < 1e-3:
        raise VolumeError("several images lie at one place: repeats, not one volume")
    typical = float(np.median(heights))
    if float(np.abs(heights - typical).max()) > _MOST_UNEVEN * typical:
        raise VolumeError("slices are missing or lie at uneven distances")
    path = positions[-1] - positions[0]
    rise = float(path @ normal)
    aside = float(np.linalg.norm(path - rise * normal))
    tilt = float(np.degrees(np.arctan2(aside, rise)))
    if tilt > _MOST_TILT_DEG:
        raise VolumeError(
            f"the gantry was tilted by {tilt:.0f}°: the slices do not stand straight"
            " on one another"
        )
    return rise / (len(positions) - 1)


def _check_axial(normal: Vector, down: Vector, across: Vector) -> None:
    straight = (abs(normal[2]), abs(down[1]), abs(across[0]))
    if min(straight) < _LEAST_AXIAL:
        raise VolumeError("the slices are not axial")


def _check_spacing(found: Geometry, *, rules: Mapping[str, Any]) -> None:
    limits: Sequence[float] | None = rules.get("volume", {}).get("max_spacing_mm")
    if not limits:
        return
    for name, has, most in zip(
        ("slices", "rows", "columns"), found.spacing, limits, strict=True
    ):
        if has > float(most) + 1e-6:
            raise VolumeError(
                f"the {name} lie {has:.1f} mm apart; the model judges up to {most:g} mm"
            )

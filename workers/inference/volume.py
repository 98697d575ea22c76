"""A series as a volume: which series, in what order, whether it is one at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from workers.pixels.image import ImageHeader
from workers.pixels.stacks import sort_series

MAX_VOXELS: Final = 150_000_000
MIN_SLICES: Final = 5
_LEAST_AXIAL: Final = 0.9
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
        """Turn frames, […, frame, row, column], to (…, z, y, x), or the reverse."""
        z, y, x = (slice(None, None, -1 if flip else 1) for flip in self.flips)
        turned: NDArray[Any] = values[..., z, y, x]
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
    series = sort_series(headers)
    if series.problems:
        raise VolumeError("; ".join(problem.words for problem in series.problems))
    if not series.stacks or len(series.stacks[0].headers) < 2:
        raise VolumeError("the series is no stack of slices")
    stack = series.stacks[0]
    first = stack.headers[0]
    across = np.array(first.orientation, dtype=np.float64)[:3]
    down = np.array(first.orientation, dtype=np.float64)[3:]
    normal = np.array(stack.normal)
    _check_axial(normal, down, across)
    heights = stack.heights
    step = float(heights[-1] - heights[0]) / (len(heights) - 1)
    rows_mm, columns_mm = first.pixel_spacing or (0.0, 0.0)
    found = Geometry(
        series_uid=first.series_uid,
        sop_uids=tuple(header.sop_uid for header in stack.headers),
        rows=first.rows,
        columns=first.columns,
        spacing=(step, rows_mm, columns_mm),
        flips=(bool(normal[2] < 0), bool(down[1] < 0), bool(across[0] < 0)),
    )
    _check_spacing(found, rules=rules)
    return found


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

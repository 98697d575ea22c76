"""The breast on a mammogram: where it is, which way it looks, the rest black."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from workers.pixels.image import ImageError

_GRID_SIDE: Final = 512
_LEAST_SHARE: Final = 0.02
_OPENING: Final = 3
_EDGE_SHARE: Final = 0.03


@dataclass(frozen=True, slots=True, kw_only=True)
class BreastRegion:
    """Where the breast is on a displayed mammogram.

    Attributes:
        mask: bool [rows, columns]: the breast, with the pectoral muscle where seen.
        box: First row, row after the last, first column, column after the last.
        chest_wall: `left` or `right`: the picture's edge that the breast comes from.
        share: Of the picture that it takes.
    """

    mask: NDArray[np.bool_]
    box: tuple[int, int, int, int]
    chest_wall: str
    share: float


def find_breast(values: NDArray[np.float32]) -> BreastRegion:
    """Find the breast: the largest bright piece that touches a side edge.

    Otsu's threshold on a coarse picture, opened (labels and lead letters are thin
    and stand alone), the largest connected piece, its holes filled.

    Args:
        values: The displayed picture, [rows, columns], 0 black to 1 white.

    Raises:
        ImageError: There is no such piece.
    """
    if float(np.ptp(values)) < _LEAST_SHARE:
        raise ImageError("no breast is seen on the picture")
    step = max(1, max(values.shape) // _GRID_SIDE)
    coarse = sitk.GetImageFromArray(np.ascontiguousarray(values[::step, ::step]))
    bright = _bright(coarse)
    pieces = sitk.RelabelComponent(
        sitk.ConnectedComponent(bright), sortByObjectSize=True
    )
    largest = sitk.BinaryFillhole(
        sitk.BinaryMorphologicalClosing(pieces == 1, [_OPENING, _OPENING])
    )
    small = sitk.GetArrayFromImage(largest).astype(bool)
    if small.mean() < _LEAST_SHARE:
        raise ImageError("no breast is seen on the picture")
    mask = np.repeat(np.repeat(small, step, axis=0), step, axis=1)
    mask = mask[: values.shape[0], : values.shape[1]]
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return BreastRegion(
        mask=mask,
        box=(int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1),
        chest_wall=_chest_wall(small),
        share=float(small.mean()),
    )


def _bright(image: sitk.Image) -> sitk.Image:
    """Return what is brighter than the air around the breast.

    Otsu's threshold separates dense tissue from fat as readily as skin from air, so it
    is taken of the darker half a second time when it lies far above the air.
    """
    values = sitk.GetArrayViewFromImage(image)
    otsu = sitk.OtsuThresholdImageFilter()
    otsu.Execute(image)
    threshold = otsu.GetThreshold()
    darker = values[values < threshold]
    air = float(np.median(darker)) if darker.size else 0.0
    limit = air + 0.25 * (threshold - air)
    found = sitk.BinaryThreshold(image, limit, 1e9, 1, 0)
    return sitk.BinaryMorphologicalOpening(found, [_OPENING, _OPENING])


def _chest_wall(mask: NDArray[np.bool_]) -> str:
    """Return the edge along which more of the breast lies."""
    width = max(1, round(mask.shape[1] * _EDGE_SHARE))
    return "left" if mask[:, :width].sum() >= mask[:, -width:].sum() else "right"


def chest_wall_expected(*, side: str, left: str) -> str:
    """Return the edge where a header says that the chest wall is; '' when it does not.

    Hung by the book (PS3.3 C.8.11.7), the columns of a mammogram run from the chest
    wall to the nipple or the reverse, and Patient Orientation says which.

    Args:
        side: L or R breast.
        left: What the picture's left edge is: A (nipple) or P (chest wall).
    """
    if left in {"A", "P"}:
        return "left" if left == "P" else "right"
    return {"L": "left", "R": "right"}.get(side, "")

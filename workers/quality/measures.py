"""How noisy, sharp, ringed, shaken or written upon a picture is. NumPy and SciPy only.

Each figure says its source; none of them reads a header.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from workers.measures.percentile import percentiles

_SIDE: Final = 512
_BLUR_WINDOW: Final = 9
_SOFT_TISSUE: Final = (-150.0, 250.0)
_LEAST_ARC: Final = 0.3
_RING_WINDOW: Final = 7
_WHITE: Final = 0.98
_LETTER_HEIGHT: Final = (0.007, 0.06)
_LEAST_LETTERS: Final = 5

Floats = NDArray[np.float32]


def noise(values: NDArray[Any]) -> float:
    """Return the standard deviation of the noise, in the picture's own unit.

    Immerkær, "Fast noise variance estimation", CVIU 64, 1996: the mean magnitude
    after a mask that is blind to edges, which is the second difference down and then
    across. Where a quarter of the picture or more is exactly even (collimation,
    filler), that part is left out.
    """
    picture = np.asarray(values, dtype=np.float32)
    if min(picture.shape) < 8:
        return 0.0
    down = picture[2:] - 2 * picture[1:-1] + picture[:-2]
    response = np.abs(down[:, 2:] - 2 * down[:, 1:-1] + down[:, :-2])
    lively = int(np.count_nonzero(response))
    if not lively:
        return 0.0
    counted = lively if lively < 0.75 * response.size else response.size
    mean = float(response.sum(dtype=np.float64)) / counted
    return float(np.sqrt(np.pi / 2) * mean / 6)


def blur(values: NDArray[Any]) -> tuple[float, float]:
    """Return how blurred a picture is along rows and columns, 0 sharp to 1 blurred.

    Crété-Roffet et al., "The blur effect", SPIE 6492, 2007: what of the differences
    between neighbours is left when the picture is blurred once more.
    """
    picture = _small(values)
    return _blur_down(picture), _blur_down(picture.T)


def _blur_down(picture: Floats) -> float:
    """Return how blurred a picture is from row to row.

    Blurred once more by the mean of nine rows, two neighbours differ by a ninth of the
    row that enters less the one that leaves: no mean is made. Beyond its edges the
    picture is mirrored.
    """
    half = _BLUR_WINDOW // 2
    if len(picture) < half:
        around = np.pad(picture, ((half, half), (0, 0)), mode="symmetric")
    else:
        ends = picture[half - 1 :: -1], picture[: -half - 1 : -1]
        around = np.concatenate((ends[0], picture, ends[1]))
    lost = np.abs(np.diff(picture, axis=0))
    total = float(lost.sum())
    if total <= 0:
        return 1.0
    soft = np.abs(around[_BLUR_WINDOW:] - around[:-_BLUR_WINDOW])
    lost -= soft * np.float32(1 / _BLUR_WINDOW)
    return (total - float(np.maximum(lost, 0.0, out=lost).sum())) / total


def contrast(values: NDArray[Any]) -> float:
    """Return the span of the middle 90% of the values, in their own unit."""
    low, high = percentiles(_small(values), (5, 95))
    return high - low


def ghosting(values: NDArray[Any]) -> float:
    """Return how much signal lies beside the body along one axis, as a share of it.

    The percent signal ghosting of the ACR's MR quality manual, |(up + down) − (left +
    right)| / (2 · body), on the air around the body instead of a phantom: movement
    repeats the body along the phase direction only.
    """
    picture = _small(values)
    body = picture > _otsu(picture)
    if not body.any() or body.mean() > 0.9:
        return 0.0
    rows, columns = np.flatnonzero(body.any(1)), np.flatnonzero(body.any(0))
    top, bottom, left, right = rows[0], rows[-1], columns[0], columns[-1]
    inside_rows, inside_columns = slice(top, bottom + 1), slice(left, right + 1)
    vertical = [picture[:top, inside_columns], picture[bottom + 1 :, inside_columns]]
    sideways = [picture[inside_rows, :left], picture[inside_rows, right + 1 :]]
    up, across = _mean_of(vertical), _mean_of(sideways)
    if up is None or across is None:
        return 0.0
    return abs(up - across) / max(2 * float(picture[body].mean()), 1e-6)


def _mean_of(parts: list[Floats]) -> float | None:
    kept = [part.ravel() for part in parts if min(part.shape, default=0) >= 4]
    return float(np.concatenate(kept).mean()) if kept else None


def _otsu(picture: Floats) -> float:
    """Return the threshold that separates two classes best (Otsu, 1979)."""
    counts, edges = np.histogram(picture, bins=128)
    middles = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)
    above = below[-1] - below
    sums = np.cumsum(counts * middles)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = below * above * (sums / below - (sums[-1] - sums) / above) ** 2
    return float(middles[np.nanargmax(spread)])


def rings(hu: NDArray[Any]) -> float:
    """Return how strong rings about the middle of a CT slice are, in HU.

    The mean along each circle of the soft tissue on it, minus the same smoothed over
    nine circles (median): what is left on one circle alone is a detector's fault. The
    largest magnitude, less three robust spreads of all circles (anatomy and noise).
    Before, what is larger than a ring is taken off: the medians of seven rows and then
    of seven columns, which is within 1% of the median of the square and takes a fifth.
    """
    picture = np.asarray(hu, dtype=np.float32)
    rows, columns = picture.shape
    radius, whole = _circles(rows, columns)
    soft = (picture > _SOFT_TISSUE[0]) & (picture < _SOFT_TISSUE[1])
    tissue = ndimage.binary_erosion(soft, iterations=3)
    most = whole.size
    chosen = tissue & (radius < most)
    if not chosen.any():
        return 0.0
    inside = _around(chosen, margin=_RING_WINDOW)
    chosen, place = chosen[inside], radius[inside]
    level = ndimage.median_filter(picture[inside], (_RING_WINDOW, 1))
    detail = picture[inside] - ndimage.median_filter(level, (1, _RING_WINDOW))
    counts = np.bincount(place[chosen], minlength=most)
    sums = np.bincount(place[chosen], weights=detail[chosen], minlength=most)
    with np.errstate(divide="ignore", invalid="ignore"):
        profile = np.where(counts > 0, sums / counts, 0.0)
    enough = (counts > _LEAST_ARC * whole) & (np.arange(most) > 12)
    if enough.sum() < 10:
        return 0.0
    left = np.abs(profile - ndimage.median_filter(profile, 9))[enough]
    usual = 3 * 1.4826 * float(np.median(left))
    return max(0.0, float(left.max()) - usual)


@lru_cache(maxsize=4)
def _circles(rows: int, columns: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return on which circle about the middle a pixel lies, and the pixels of each.

    Circles are a pixel wide; those that do not fit into the picture are not counted.
    """
    y, x = np.ogrid[:rows, :columns]
    radius = np.hypot(y - (rows - 1) / 2, x - (columns - 1) / 2).astype(np.int64)
    most = min(rows, columns) // 2
    whole = np.bincount(radius[radius < most], minlength=most)
    for kept in (radius, whole):
        kept.flags.writeable = False
    return radius, whole


def _around(mask: NDArray[np.bool_], *, margin: int) -> tuple[slice, slice]:
    """Return the box of a mask, which is not empty, with a margin."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return (
        slice(max(0, int(rows[0]) - margin), int(rows[-1]) + margin + 1),
        slice(max(0, int(columns[0]) - margin), int(columns[-1]) + margin + 1),
    )


def tissue_noise(hu: NDArray[Any]) -> float:
    """Return the noise of a CT slice's soft tissue in HU: the median local spread."""
    picture = np.asarray(hu, dtype=np.float32)
    tissue = (picture > _SOFT_TISSUE[0]) & (picture < _SOFT_TISSUE[1])
    mean = ndimage.uniform_filter(picture, 5)
    square = ndimage.uniform_filter(picture.astype(np.float64) ** 2, 5)
    spread = np.sqrt(np.maximum(square - mean.astype(np.float64) ** 2, 0.0))
    inside = ndimage.binary_erosion(tissue, iterations=3)
    return float(np.median(spread[inside])) if inside.any() else 0.0


def written_letters(values: NDArray[Any]) -> int:
    """Return how many letters stand in the longest line of writing on a picture.

    Letters are small, wholly white pieces of like height on one line, close together;
    a side marker alone is one or two of them.
    """
    picture = np.asarray(values, dtype=np.float32)
    pieces, n = ndimage.label(picture >= _WHITE)
    if not 0 < n < 20_000:
        return 0
    low, high = (share * picture.shape[0] for share in _LETTER_HEIGHT)
    boxes = []
    for rows, columns in ndimage.find_objects(pieces):
        height, width = rows.stop - rows.start, columns.stop - columns.start
        if max(low, 5) <= height <= high and width <= 1.5 * height:
            boxes.append((rows.stop, columns.start, columns.stop, height))
    return _longest_line(sorted(boxes, key=lambda box: box[1]))


def _longest_line(boxes: list[tuple[int, int, int, int]]) -> int:
    best, lines = 0, list[tuple[int, int, int, int]]()
    for base, start, stop, height in boxes:
        for index, (line_base, line_stop, line_height, count) in enumerate(lines):
            near = start - line_stop < 2 * line_height
            level = abs(base - line_base) <= 0.3 * line_height
            alike = 0.6 < height / line_height < 1.6
            if near and level and alike:
                lines[index] = (line_base, max(stop, line_stop), line_height, count + 1)
                best = max(best, count + 1)
                break
        else:
            lines.append((base, stop, height, 1))
            best = max(best, 1)
    return best if best >= _LEAST_LETTERS else 0


def _small(values: NDArray[Any]) -> Floats:
    """Return a picture at most some 512 pixels a side, by means of blocks."""
    picture = np.asarray(values, dtype=np.float32)
    step = max(1, max(picture.shape) // _SIDE)
    if step == 1:
        return picture
    rows, columns = (n // step * step for n in picture.shape)
    blocks = picture[:rows, :columns].reshape(rows // step, step, columns // step, step)
    found: Floats = blocks.mean(axis=(1, 3))
    return found

"""The box that a saliency map speaks for. Pure."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from workers.inference.saliency import SaliencyMap

Corners = tuple[tuple[float, float], tuple[float, float]]


def box_of(found: SaliencyMap) -> Corners | None:
    """Return the box around the largest connected region at or above the cut-off.

    Returns:
        Top left and bottom right as (column, row) of the source image, (0, 0)
        being the top left corner of its top left pixel; None without a region.
    """
    marked = found.values >= found.cut_off
    labels, count = ndimage.label(marked)
    if not count:
        return None
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    down, across = np.nonzero(labels == int(sizes.argmax()))
    n_rows, n_columns = found.values.shape
    per_column, per_row = found.columns / n_columns, found.rows / n_rows
    return (
        (
            round(float(across.min() * per_column), 2),
            round(float(down.min() * per_row), 2),
        ),
        (
            round(float((across.max() + 1) * per_column), 2),
            round(float((down.max() + 1) * per_row), 2),
        ),
    )

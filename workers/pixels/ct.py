"""CT as a model is given it: Hounsfield units, one channel a window."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from monai.transforms.intensity.array import ScaleIntensityRange
from numpy.typing import NDArray

from workers.pixels.image import ImageError

LEAST_HU: Final = -1024.0
"""What lies outside the scanned circle counts as air."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A range of Hounsfield units that becomes 0 to 1.

    Attributes:
        level: Its middle.
        width: From black to white; more than 0.
    """

    level: float
    width: float

    def __post_init__(self) -> None:
        """Check the width."""
        if not self.width > 0:
            raise ImageError("a window's width must be more than 0")


def window_channels(hu: NDArray[Any], windows: Iterable[Window]) -> NDArray[np.float32]:
    """Return one channel a window, float32 [window, …], each from 0 to 1.

    Args:
        hu: Hounsfield units of any shape; filler below air counts as air.
        windows: In the order of the channels.
    """
    values = np.maximum(hu, LEAST_HU).astype(np.float32)
    channels = []
    for window in windows:
        low, high = (
            window.level - window.width / 2,
            window.level + window.width / 2,
        )
        scale = ScaleIntensityRange(
            a_min=low, a_max=high, b_min=0.0, b_max=1.0, clip=True
        )
        channels.append(np.asarray(scale(values), dtype=np.float32))
    if not channels:
        raise ImageError("no window is named")
    return np.stack(channels)

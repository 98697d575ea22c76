"""Is this film something a model may judge? Measured on the displayed image."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from workers.pixels.image import DisplayImage, ImageHeader

MIN_SIDE_PX: Final = 128
MAX_ASPECT: Final = 2.5
MIN_SPREAD: Final = 0.02
MIN_LEVELS: Final = 16
MAX_CLIPPED: Final = 0.9
_COLOUR_SAMPLES: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """What the gate found.

    Attributes:
        sop_uid: The image.
        is_accepted: Whether the model may judge it.
        reasons: Why not, in plain words; empty when accepted.
        rows: Lines.
        columns: Pixels a line.
        spread: Standard deviation of the displayed values (0–0.5).
        n_levels: Different grey values, of 256.
        clipped: Share of pixels that are wholly black or wholly white.
    """

    sop_uid: str
    is_accepted: bool
    reasons: tuple[str, ...]
    rows: int
    columns: int
    spread: float
    n_levels: int
    clipped: float

    def as_json(self) -> dict[str, Any]:
        """Return it for an `InferResult`'s `quality`."""
        return {**asdict(self), "reasons": list(self.reasons)}


def assess_header(header: ImageHeader) -> tuple[str, ...]:
    """Return why an image is refused by its header alone; nothing when it is not."""
    reasons = []
    if header.samples == _COLOUR_SAMPLES:
        reasons.append("the image is in colour")
    if min(header.rows, header.columns) < MIN_SIDE_PX:
        reasons.append(
            f"the image is {header.columns}×{header.rows} pixels;"
            f" at least {MIN_SIDE_PX} are needed each way"
        )
    elif max(header.rows, header.columns) > MAX_ASPECT * min(
        header.rows, header.columns
    ):
        reasons.append("the image is much longer than wide, or the reverse")
    if header.n_frames > 1:
        reasons.append("the image has several frames")
    return tuple(reasons)


def assess(image: DisplayImage) -> Quality:
    """Measure a film and decide whether the model may judge it."""
    reasons = list(assess_header(image.header))
    spread, n_levels, clipped = _measure(image.values)
    if n_levels <= 1:
        reasons.append("the image is blank")
    elif spread < MIN_SPREAD or n_levels < MIN_LEVELS:
        reasons.append("the image has almost no contrast")
    elif clipped > MAX_CLIPPED:
        reasons.append("the image is almost wholly black and white")
    return Quality(
        sop_uid=image.header.sop_uid,
        is_accepted=not reasons,
        reasons=tuple(reasons),
        rows=image.header.rows,
        columns=image.header.columns,
        spread=round(spread, 4),
        n_levels=n_levels,
        clipped=round(clipped, 4),
    )


def _measure(values: NDArray[np.float32]) -> tuple[float, int, float]:
    levels = np.round(values * 255).astype(np.uint8)
    counts = np.bincount(levels.ravel(), minlength=256)
    clipped = float(counts[0] + counts[255]) / max(levels.size, 1)
    return float(values.std()), int((counts > 0).sum()), clipped

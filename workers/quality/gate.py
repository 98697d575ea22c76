"""The gate before a model: may it judge this input, and what should a person know?

    (image or series, what the card declares) → checks with measures and words

Limits are wide: they turn away what nobody would read, and note what a person should
look at (blur is noted only: a soft film can be read). What each measure is, says
`workers.quality.measures`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from workers.model_card import InputRules
from workers.models.input_space import InputSpace
from workers.pixels.image import DisplayImage, ImageHeader
from workers.quality.declared import check_declared
from workers.quality.measures import (
    blur,
    contrast,
    ghosting,
    noise,
    rings,
    tissue_noise,
    written_letters,
)
from workers.quality.verdict import (
    Check,
    failed,
    noted,
    passed,
    verdict_of,
    words_of,
)

MIN_SIDE_PX: Final = 128
MAX_ASPECT: Final = 2.5
MIN_SPREAD: Final = 0.02
MIN_LEVELS: Final = 16
MAX_CLIPPED: Final = 0.9
NOISE_NOTED, NOISE_FAILED = 0.04, 0.15
BLUR_NOTED: Final = 0.65
SHAKE_NOTED: Final = 0.25
GHOSTS_NOTED: Final = 0.05
CT_NOISE_NOTED, CT_NOISE_FAILED = 60.0, 300.0
RINGS_NOTED: Final = 15.0
_SLICES_MEASURED: Final = 7
_COLOUR_SAMPLES: Final = 3
_ANY: Final = InputRules()


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """What the gate found of one image.

    Attributes:
        sop_uid: The image.
        frame: 1-based.
        checks: Each thing that was looked at.
        rows: Lines.
        columns: Pixels a line.
        spread: Standard deviation of the displayed values (0–0.5).
        n_levels: Different grey values, of 256.
        clipped: Share of pixels that are wholly black or wholly white.
    """

    sop_uid: str
    checks: tuple[Check, ...]
    rows: int
    columns: int
    spread: float
    n_levels: int
    clipped: float
    frame: int = 1

    @property
    def is_accepted(self) -> bool:
        """Whether the model may judge it."""
        return not any(check.is_failed for check in self.checks)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why not, in plain words; empty when accepted."""
        return words_of(self.checks)

    def as_json(self) -> dict[str, Any]:
        """Return it for an `InferResult`'s `quality`."""
        return {
            "sop_uid": self.sop_uid,
            "frame": self.frame,
            "is_accepted": self.is_accepted,
            "reasons": list(self.reasons),
            "rows": self.rows,
            "columns": self.columns,
            "spread": self.spread,
            "n_levels": self.n_levels,
            "clipped": self.clipped,
            "checks": [check.as_json() for check in self.checks],
        }


def assess_header(header: ImageHeader, rules: InputRules = _ANY) -> tuple[str, ...]:
    """Return why an image is refused by its header alone; nothing when it is not."""
    return words_of((*_shape(header, rules), *check_declared(header, rules)))


def assess(image: DisplayImage, rules: InputRules = _ANY) -> Quality:
    """Measure a film (or a frame) and decide whether the model may judge it.

    Args:
        image: As displayed.
        rules: What the model's card declares; by default anything.
    """
    header = image.header
    spread, n_levels, clipped = _measure(image.values)
    seen = _contrast(image.values, spread, n_levels, clipped)
    checks = (
        *_shape(header, rules),
        *check_declared(header, rules),
        seen,
        *(() if seen.is_failed else _sharpness(image.values)),
        _writing(header, image.values),
    )
    return Quality(
        sop_uid=header.sop_uid,
        frame=image.frame,
        checks=checks,
        rows=header.rows,
        columns=header.columns,
        spread=round(spread, 4),
        n_levels=n_levels,
        clipped=round(clipped, 4),
    )


def assess_volume(
    headers: Sequence[ImageHeader], values: NDArray[Any], rules: InputRules = _ANY
) -> tuple[Check, ...]:
    """Measure a series in its own unit and compare it with what the card declares.

    Whether it is a volume at all (missing slices, tilt, …) is known before: see
    `workers.pixels.stacks`.

    Args:
        headers: The slices in order.
        values: [slice, row, column]; Hounsfield units for CT.
        rules: What the model's card declares.
    """
    first = headers[0]
    chosen = np.unique(
        np.linspace(0, len(values) - 1, _SLICES_MEASURED + 2).astype(int)[1:-1]
    )
    slices = [np.asarray(values[index], dtype=np.float32) for index in chosen]
    checks = [*check_declared(first, rules), _not_empty(slices)]
    if first.modality == "CT":
        checks += _ct_checks(slices)
    if first.modality == "MR":
        checks.append(
            _graded(
                "ghosting",
                float(np.median([ghosting(s) for s in slices])),
                noted_at=GHOSTS_NOTED,
                words="repeats of the body lie beside it: it moved",
            )
        )
    return tuple(checks)


def check_space(space: InputSpace, far: float) -> Check:
    """Say what it means that an input is so far from the training inputs.

    Args:
        space: Where those lie.
        far: How far this one is, see `InputSpace.distance`.
    """
    if far <= space.threshold:
        return passed("input_space", value=far, limit=space.threshold)
    nearer = space.share_nearer(far)
    n = len(space.reference)
    return failed(
        "input_space",
        "the picture is unlike those that the model was made with: it lies at"
        f" {far:.1f} spreads, the limit is {space.threshold:.1f}, and"
        f" {nearer:.1%} of {n} pictures of the model's own kind lie nearer",
        value=far,
        limit=space.threshold,
    )


def summary_of(checks: Sequence[Check]) -> dict[str, Any]:
    """Return what goes on record of a series' checks."""
    return {
        "verdict": verdict_of(checks),
        "checks": [check.as_json() for check in checks],
    }


# --- of one picture


def _shape(header: ImageHeader, rules: InputRules) -> list[Check]:
    found = []
    # Ultrasound comes in colour and in loops; it is made grey and cut up before.
    is_film = "US" not in rules.modalities
    if header.samples == _COLOUR_SAMPLES and is_film:
        found.append(failed("colour", "the image is in colour"))
    low, high = sorted((header.rows, header.columns))
    if low < MIN_SIDE_PX:
        found.append(
            failed(
                "size",
                f"the image is {header.columns}×{header.rows} pixels;"
                f" at least {MIN_SIDE_PX} are needed each way",
                value=float(low),
                limit=float(MIN_SIDE_PX),
            )
        )
    elif high > MAX_ASPECT * low:
        found.append(
            failed("size", "the image is much longer than wide, or the reverse")
        )
    if header.n_frames > 1 and is_film:
        found.append(failed("frames", "the image has several frames"))
    return found


def _contrast(
    values: NDArray[np.float32], spread: float, n_levels: int, clipped: float
) -> Check:
    if n_levels <= 1:
        return failed("contrast", "the image is blank", value=spread, limit=MIN_SPREAD)
    if spread < MIN_SPREAD or n_levels < MIN_LEVELS:
        return failed(
            "contrast",
            "the image has almost no contrast",
            value=spread,
            limit=MIN_SPREAD,
        )
    if clipped > MAX_CLIPPED:
        return failed(
            "clipped",
            "the image is almost wholly black and white",
            value=clipped,
            limit=MAX_CLIPPED,
        )
    return passed("contrast", value=contrast(values))


def _sharpness(values: NDArray[np.float32]) -> list[Check]:
    down, across = blur(values)
    return [
        _graded(
            "noise",
            noise(values),
            noted_at=NOISE_NOTED,
            failed_at=NOISE_FAILED,
            words="the image is very noisy",
        ),
        _graded(
            "sharpness",
            min(down, across),
            noted_at=BLUR_NOTED,
            words="the image is blurred",
        ),
        _graded(
            "motion",
            abs(down - across),
            noted_at=SHAKE_NOTED,
            words="the image is blurred along one direction: it may have moved",
        ),
    ]


def _writing(header: ImageHeader, values: NDArray[np.float32]) -> Check:
    letters = written_letters(values)
    if letters:
        return noted(
            "burned_in",
            f"text is burnt into the picture ({letters} letters in a line)",
            value=float(letters),
        )
    if header.burned_in == "YES":
        return noted("burned_in", "the file says that text is burnt into the picture")
    return passed("burned_in", value=0.0)


def _measure(values: NDArray[np.float32]) -> tuple[float, int, float]:
    levels = np.round(values * 255).astype(np.uint8)
    counts = np.bincount(levels.ravel(), minlength=256)
    clipped = float(counts[0] + counts[255]) / max(levels.size, 1)
    return float(values.std()), int((counts > 0).sum()), clipped


# --- of a series


def _not_empty(slices: Sequence[NDArray[np.float32]]) -> Check:
    span = float(max(s.max() for s in slices) - min(s.min() for s in slices))
    if span <= 0:
        return failed("contrast", "the series is blank", value=span)
    return passed("contrast", value=float(np.median([contrast(s) for s in slices])))


def _ct_checks(slices: Sequence[NDArray[np.float32]]) -> list[Check]:
    return [
        _graded(
            "noise",
            float(np.median([tissue_noise(s) for s in slices])),
            noted_at=CT_NOISE_NOTED,
            failed_at=CT_NOISE_FAILED,
            words="the series is very noisy",
            unit="[hnsf'U]",
        ),
        _graded(
            "rings",
            float(np.median([rings(s) for s in slices])),
            noted_at=RINGS_NOTED,
            words="rings lie about the middle of the slices",
            unit="[hnsf'U]",
        ),
    ]


def _graded(
    name: str,
    value: float,
    *,
    noted_at: float,
    words: str,
    failed_at: float = float("inf"),
    unit: str = "",
) -> Check:
    if value > failed_at:
        return failed(name, words, value=value, limit=failed_at, unit=unit)
    if value > noted_at:
        return noted(name, words, value=value, limit=noted_at, unit=unit)
    return passed(name, value=value, limit=noted_at, unit=unit)

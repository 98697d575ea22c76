"""An AI that flags studies, drawn so that its sensitivity and specificity are exact.

The scores are binormal: the diseased are drawn from a normal distribution that is
shifted by d = Φ⁻¹(Se) + Φ⁻¹(Sp), and what lies above Φ⁻¹(Sp) is flagged. The
probability of a study is Bayes' posterior, so it is calibrated by construction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import norm

from workers.measures.estimate import MeasureError

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Flagged:
    """What is so of each study, and what the AI says of it; shape (n,) each.

    Attributes:
        diseased: The truth.
        flagged: Whether the AI's score is at or above its threshold.
        probability: The calibrated probability of the disease.
    """

    diseased: NDArray[np.bool_]
    flagged: NDArray[np.bool_]
    probability: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class TriageReader:
    """An AI by its operating point.

    Attributes:
        prevalence: Share of studies with the disease, 0 < π < 1.
        sensitivity: 0 < Se < 1.
        specificity: 0 < Sp < 1.
    """

    prevalence: float
    sensitivity: float
    specificity: float

    def __post_init__(self) -> None:
        """Refuse what has no binormal model."""
        for name in ("prevalence", "sensitivity", "specificity"):
            if not 0 < getattr(self, name) < 1:
                raise MeasureError(f"{name}: lies between 0 and 1")

    def read(self, *, n: int, draw: np.random.Generator) -> Flagged:
        """Draw `n` studies and what the AI says of them."""
        shift = norm.ppf(self.sensitivity) + norm.ppf(self.specificity)
        diseased = draw.random(n) < self.prevalence
        score = draw.standard_normal(n) + shift * diseased
        odds = (
            self.prevalence
            / (1 - self.prevalence)
            * np.exp(shift * score - shift**2 / 2)
        )
        return Flagged(
            diseased=diseased,
            flagged=score >= norm.ppf(self.specificity),
            probability=odds / (1 + odds),
        )

"""Events per unit of time with their exact interval."""

from __future__ import annotations

from scipy.stats import chi2

from workers.measures.estimate import Estimate, MeasureError


def poisson_rate(*, events: int, exposure: float, confidence: float = 0.95) -> Estimate:
    """Return events per unit of exposure with Garwood's exact interval (1936).

    Args:
        events: How many, 0 or more.
        exposure: How long was looked, above 0; the rate is per one of it.
        confidence: Of the interval.

    Raises:
        MeasureError: A number is outside its range.
    """
    if events < 0 or not exposure > 0 or not 0 < confidence < 1:
        raise MeasureError("events: at least 0; exposure: above 0; confidence: 0 to 1")
    tail = (1 - confidence) / 2
    low = 0.0 if events == 0 else float(chi2.ppf(tail, 2 * events)) / 2
    high = float(chi2.ppf(1 - tail, 2 * (events + 1))) / 2
    return Estimate(
        value=events / exposure, low=low / exposure, high=high / exposure, n=events
    )

"""When a model is so unsure of a finding that a specialist should look."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apps.inference.models import Finding, ModelVersion


def review_limit(model: ModelVersion) -> float | None:
    """Return the uncertainty from which a model's findings go to a specialist.

    It is `uncertainty.review_from` of the card, in bits of mutual information
    (`workers.training.doubt`); None where the card states none above 0 and up to 1.
    """
    said = model.card.get("uncertainty")
    limit = said.get("review_from") if isinstance(said, dict) else None
    if isinstance(limit, bool) or not isinstance(limit, int | float):
        return None
    return float(limit) if 0 < limit <= 1 else None


def needs_specialist(*, finding: Finding, model: ModelVersion) -> bool:
    """Whether a finding is beyond its model's own limit of uncertainty.

    Args:
        finding: What the model said.
        model: The model that said it.
    """
    limit = review_limit(model)
    doubt = finding.uncertainty
    return limit is not None and doubt is not None and doubt >= limit

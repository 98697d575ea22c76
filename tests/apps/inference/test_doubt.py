"""From where on a finding is marked for a specialist: the card's word, or nowhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from apps.inference.doubt import needs_specialist, review_limit
from apps.inference.models import Finding, ModelVersion

SHIPPED = Path("workers/models/shipped/paediatric-pneumonia/card.json")


def model(said: Any) -> ModelVersion:
    return ModelVersion(card={} if said is None else {"uncertainty": said})


@pytest.mark.parametrize(
    ("doubt", "needed"), [(0.1, False), (0.12, True), (0.9, True), (None, False)]
)
def test_the_limit_of_the_card_decides(doubt: float | None, needed: bool):
    found = needs_specialist(
        finding=Finding(uncertainty=doubt), model=model({"review_from": 0.12})
    )
    assert found is needed


@pytest.mark.parametrize(
    "said",
    [None, "0.1", [], {}, {"review_from": "0.1"}, {"review_from": True}]
    + [{"review_from": limit} for limit in (0, -1, 1.5, None)],
)
def test_a_card_without_a_usable_limit_marks_nothing(said: Any):
    assert review_limit(model(said)) is None
    assert not needs_specialist(finding=Finding(uncertainty=1.0), model=model(said))


def test_the_shipped_ensemble_errs_more_where_it_is_unsure():
    card = json.loads(SHIPPED.read_text())
    assert review_limit(ModelVersion(card=card)) is not None
    errors = card["uncertainty"]["held_out_errors"]
    assert errors["unsure"]["ci_low"] > errors["sure"]["ci_high"]

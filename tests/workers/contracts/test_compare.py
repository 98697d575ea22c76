"""Messages about comparisons keep to their contract."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from workers.compare_contracts import (
    REGISTRATION,
    CompareRequest,
    CompareResult,
    LesionPair,
    Size,
    Spot,
)
from workers.contract_checks import ContractError

ID = "6f1f3c55-2f5d-4f0e-8a5c-6d1b8f7d9a10"
REQUEST = CompareRequest(
    comparison_id=ID,
    revision_id=ID,
    prior_revision_id=ID,
    token="secret-1",
    prior_token="secret-2",
    portal_url="http://127.0.0.1:1",
)
PAIR = LesionPair(
    label_code="1386000",
    now_number=1,
    then_number=None,
    now=Size(volume_ml=2.5, diameter_mm=17.0),
    then=None,
    now_at=Spot(sop_uid="1.2.3", column=10.5, row=20.0),
    then_at=None,
)
RESULT = CompareResult(
    comparison_id=ID,
    state="done",
    registration=dict.fromkeys(REGISTRATION, 0.97),
    lesions=(PAIR, replace(PAIR, now_number=2)),
)


def test_there_and_back() -> None:
    """What is sent is what is read."""
    sent = json.loads(json.dumps(REQUEST.to_message()))
    assert CompareRequest.from_message(sent) == REQUEST
    answer = json.loads(json.dumps(RESULT.to_message()))
    assert CompareResult.from_message(answer) == RESULT
    assert "secret" not in repr(REQUEST)


@pytest.mark.parametrize(
    "change",
    [
        {"state": "perhaps"},
        {"state": "failed"},
        {"reason": "done all the same"},
        {"comparison_id": "x"},
        {"registration": {"overlap": "much"}},
        {"lesions": {}},
        {"lesions": [{}]},
        {"lesions": [{**RESULT.to_message()["lesions"][0], "now": None}]},
        {"lesions": [{**RESULT.to_message()["lesions"][0], "now_number": 0}]},
        {"version": 2},
        {"more": 1},
    ],
)
def test_what_is_not_in_the_contract_is_refused(change: dict[str, object]) -> None:
    """An answer that is odd in one thing is no answer."""
    with pytest.raises(ContractError):
        CompareResult.from_message({**RESULT.to_message(), **change})


@pytest.mark.parametrize(
    "change", [{"token": 1}, {"portal_url": "ftp://x"}, {"revision_id": "1"}]
)
def test_odd_requests_are_refused(change: dict[str, object]) -> None:
    """So is a request."""
    with pytest.raises(ContractError):
        CompareRequest.from_message({**REQUEST.to_message(), **change})

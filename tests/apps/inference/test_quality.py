"""The record of the gate: kept with the run, shown to people, neutral on the list."""

from __future__ import annotations

import pytest

from apps.inference.quality import input_quality
from apps.workflow import flow
from tests.factories.domain import (
    answer,
    client_for,
    make_department,
    make_item,
    make_model,
)
from tests.fakes.border import archive as archive
from tests.fakes.border import broker as broker
from workers.contracts import InferResult

FAR = {
    "name": "input_space",
    "outcome": "failed",
    "words": "the picture is unlike those that the model was made with",
    "value": 41.1,
    "limit": 34.2,
}
SHARP = {"name": "sharpness", "outcome": "passed", "value": 0.4, "limit": 0.65}
NOISY = {"name": "noise", "outcome": "noted", "words": "very noisy", "value": 0.05}


def test_the_worst_of_several_pictures_is_told_once_and_first():
    said = input_quality(
        {
            "verdict": "accepted with notes",
            "images": [
                {"checks": [SHARP, {**NOISY, "outcome": "passed", "words": ""}]},
                {"checks": [SHARP, NOISY]},
            ],
        }
    )
    assert [(c["name"], c["outcome"]) for c in said["checks"]] == [
        ("noise", "noted"),
        ("sharpness", "passed"),
    ]
    assert said["verdict"] == "accepted with notes"


@pytest.mark.parametrize(
    "old", [{}, {"images": [{"sop_uid": "1.2", "reasons": []}]}, {"images": "?"}]
)
def test_runs_of_before_have_none(old):
    assert input_quality(old) is None


@pytest.mark.django_db(transaction=True)
def test_a_rejected_input_says_why_ranks_neutral_and_keeps_its_measures(
    archive, broker
):
    place = make_department()
    make_model(place.site)
    neutral, item = make_item(place), make_item(place)
    flow.request_inference(revision_id=item.case.revision_id)
    run = item.case.revision.runs.get()
    message = answer(run, state="rejected", reason=FAR["words"]).to_message()
    quality = {
        "verdict": "rejected",
        "images": [{"sop_uid": "1.2.3", "checks": [SHARP, FAR]}],
    }
    flow.accept_result(result=InferResult.from_message(message | {"quality": quality}))
    item.refresh_from_db()
    assert (item.ai_state, item.ai_reason) == ("rejected", FAR["words"])
    gap = item.sort_at - item.arrived_at
    assert gap == neutral.sort_at - neutral.arrived_at
    assert item.rank_class == neutral.rank_class
    ai = client_for(place.reader).get(f"/api/worklist/items/{item.id}/ai").json()
    [said] = ai["runs"]
    assert (said["state"], said["findings"]) == ("rejected", [])
    assert said["quality"]["verdict"] == "rejected"
    first = said["quality"]["checks"][0]
    assert (first["name"], first["value"], first["limit"]) == (
        "input_space",
        41.1,
        34.2,
    )

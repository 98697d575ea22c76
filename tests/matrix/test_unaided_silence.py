"""Every route there is, asked by a reader who has committed nothing: not a word of AI.

The matrix knows how to ask each route; here its study is read unaided, and what its AI
found cannot be mistaken for anything else.
"""

from __future__ import annotations

import pytest

from apps.annotations.models import Reading, ReadingProtocol
from apps.inference.models import (
    Comparison,
    Explanation,
    Finding,
    InferenceRun,
    ModelVersion,
)
from apps.studies.models import Attachment
from apps.worklist.models import WorkItem
from tests.matrix.frame import ask
from tests.matrix.test_matrix import CALLS, TABLE, populated

__all__ = ["populated"]
READER = "radiologist@a"
WORDS = (
    "QZXFINDING",
    "QZXCODE",
    "QZXMODEL",
    "0.98765",
    "0.87654",
    "QZXRIVAL",
    "QZXCHANGE",
    "QZXWHY",
)
SAID = "QZXSAID"
BLIND = "AI says so"


@pytest.fixture
def blinded(populated):
    """A's study under `after_commit`, with a finding that nothing else looks like.

    Returns the worlds and the tokens that may not be sent.
    """
    world = populated.a
    study, revision = world.things["study"], world.things["revision"]
    ReadingProtocol.objects.filter(site=world.site, code="clinical").update(
        display_mode="after_commit"
    )
    Reading.objects.filter(revision=revision).update(state="unaided")
    Finding.objects.filter(run__revision=revision).update(
        label_display="QZXFINDING",
        label_code="QZXCODE",
        probability=0.98765,
        raw_score=0.87654,
    )
    runs = InferenceRun.objects.filter(revision=revision)
    ModelVersion.objects.filter(inferencerun__in=runs).update(name="QZXMODEL")
    WorkItem.objects.filter(case__revision=revision).update(
        ai_state="done",
        ai_label="QZXFINDING",
        ai_probability=0.98765,
        ai_reason=BLIND,
        ai_model_name="QZXMODEL",
    )
    for run in runs:
        # Beside itself: whatever it is compared with, nothing of it may be told.
        Comparison.objects.create(
            run=run, prior_run=run, days=0, state="failed", reason="QZXCHANGE"
        )
        Explanation.objects.create(
            run=run, labels=["QZXCODE"], state="failed", reason="QZXWHY"
        )
    tokens = {str(run.id) for run in runs}
    for finding in Finding.objects.filter(run__in=runs):
        tokens |= {str(finding.id), str(finding.saliency_id)}
    for number, modality in enumerate(("SR", "SEG", "PR", "RTSTRUCT", "KO", "DOC")):
        uid = f"2.25.777{number}"
        Attachment.objects.create(
            study=study,
            series_uid=uid,
            modality=modality,
            description="QZXRIVAL",
            creator="QZXRIVAL",
        )
        tokens.add(uid)
    return populated, tokens | {*WORDS, BLIND, SAID}


@pytest.mark.parametrize("key", sorted(TABLE), ids=" ".join)
def test_no_route_says_a_word_before_the_commit(blinded, key):
    worlds, tokens = blinded
    call = CALLS[key](worlds)
    answer = ask(worlds, READER, key[0], call)
    if key == ("POST", "api/worklist/items/<uuid:item_id>/commit"):
        assert answer.status_code == 200  # this one is the reveal
        assert b"QZXFINDING" in answer.content
        return
    said = answer.content.decode("utf-8", "replace") + str(dict(answer.items()))
    known = call.text()
    assert {token for token in tokens if token in said and token not in known} == set()


def test_the_words_are_there_after_it(blinded):
    """The test above has teeth: the same routes say it all once it is revealed."""
    worlds, _ = blinded
    revision = worlds.a.things["revision"]
    Reading.objects.filter(revision=revision).update(state="revealed")
    item = f"/api/worklist/items/{worlds.a.things['item'].id}"
    client = worlds.client(READER)
    said = client.get(f"{item}/ai").content
    assert b"QZXFINDING" in said
    assert b"QZXCHANGE" in said
    assert b"QZXWHY" in said
    assert b"QZXMODEL" in client.get(item).content
    WorkItem.objects.exclude(id=worlds.a.things["item"].id).filter(
        study_id=worlds.a.things["study"].id
    ).delete()
    assert SAID.encode() in client.get(f"{item}/discussion").content
    study = client.get(f"/api/studies/{worlds.a.things['study'].id}")
    assert b"QZXRIVAL" in study.content
    picture = worlds.a.things["picture"]
    assert client.get(f"{item}/artefacts/{picture.id}").status_code == 200

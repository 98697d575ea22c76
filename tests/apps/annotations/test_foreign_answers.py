"""Answers to objects of others: checked, kept, and complete before signing."""

from __future__ import annotations

import pytest

from apps.annotations.content import missing_for_signing, parse_content, plain_content
from apps.core.errors import Invalid

ANSWER = {
    "sop_uid": "1.2.3",
    "series_uid": "1.2",
    "sop_class_uid": "1.2.840.10008.5.1.4.1.1.88.34",
    "key": "g3",
    "tracking_uid": "1.9",
    "tracking_id": "3",
    "scheme": "SCT",
    "code": "52988006",
    "display": "Lesion",
    "image_uid": "1.5",
    "verdict": "accept",
    "reason_code": "",
    "reason_text": "",
}


def content(name="1.2.3#g3", **change):
    return {"foreign": {name: {**ANSWER, **change}}}


def test_an_answer_comes_back_as_it_was_given():
    parsed = parse_content(raw=content())
    plain = plain_content(parsed)
    assert plain["foreign"] == {"1.2.3#g3": ANSWER}
    assert parse_content(raw=plain) == parsed


def test_a_reading_without_answers_does_not_speak_of_them():
    assert "foreign" not in plain_content(parse_content(raw={"foreign": {}}))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sop_uid": "x"}, "sop_uid"),
        ({"sop_uid": "1.2.4"}, "is named by"),
        ({"key": "G 3"}, "key"),
        ({"verdict": "modify"}, "verdict"),
        ({"reason_code": "because"}, "reason_code"),
        ({"display": ""}, "display"),
        ({"display": "a\x00"}, "display"),
        ({"tracking_uid": "1..2"}, "tracking_uid"),
        ({"reason_text": "x" * 2001}, "reason_text"),
    ],
)
def test_what_is_wrong_is_named(change, words):
    with pytest.raises(Invalid, match=words):
        parse_content(raw=content(**change))


def test_a_rejection_says_why_before_it_is_signed():
    rejected = parse_content(raw=content(verdict="reject"))
    [gap] = missing_for_signing(content=rejected, findings={})
    assert "Say why" in gap["detail"]
    reasoned = parse_content(raw=content(verdict="reject", reason_code="artefact"))
    assert missing_for_signing(content=reasoned, findings={}) == []
    accepted = parse_content(raw=content())
    assert missing_for_signing(content=accepted, findings={}) == []

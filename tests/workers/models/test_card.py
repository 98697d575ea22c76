"""Cards: what is wrong is named, all at once; what is right is parsed once."""

import json
from pathlib import Path

import pytest

from workers.measures.change import Repeatability, read_repeatability
from workers.model_card import CardError, Range, check_told, read_card
from workers.model_trust import (
    AllowedPackage,
    UntrustedError,
    make_key,
    public_key_of,
    read_list,
    sign_list,
)

SHIPPED = Path(__file__).parents[3] / "workers" / "models" / "shipped"
CARD = {
    "name": "nodule",
    "version": "2",
    "intended_use": "triage",
    "labels": [{"scheme": "SCT", "code": "427359005", "display": "Nodule"}],
    "input": {
        "kind": "film",
        "modalities": ["dx"],
        "age_years": {"min": 18, "unknown": "accept"},
        "slice_thickness_mm": {"max": 2.5},
        "manufacturers": ["Acme"],
        "synthetic": "allowed",
        "roles": [{"name": "t2", "words": ["t2", "flair"]}],
    },
    "preprocessing": [{"name": "squeeze_resize", "height": 32, "width": 32}],
}


def test_a_card_is_parsed():
    card = read_card(CARD)
    assert card.title == "nodule"
    assert card.input.modalities == {"DX"}
    assert card.input.manufacturers == {"ACME"}
    assert card.input.age_years == Range(least=18, most=None, unknown=True)
    assert card.input.synthetic is None
    assert card.input.roles[0].words == ("T2", "FLAIR")
    assert card.labels[0].threshold == 0.5


@pytest.mark.parametrize(
    ("value", "taken"), [(2.5, True), (2.6, False), (None, True), (0.1, True)]
)
def test_a_range_is_inclusive_and_may_be_open(value, taken):
    thickness = read_card(CARD).input.slice_thickness_mm
    assert thickness.covers(value) is taken


@pytest.mark.parametrize(
    "rows",
    [
        "33%",
        [{"code": "1", "percent": 0, "least_ml": 0.5, "source": "x"}],
        [{"code": "1", "percent": "33", "least_ml": 0.5, "source": "x"}],
        [{"code": "1", "percent": 33.0, "least_ml": -1, "source": "x"}],
        [{"code": "1", "percent": 33.0, "least_ml": 0.5}],
    ],
)
def test_half_a_repeatability_is_refused(rows):
    with pytest.raises(CardError, match="repeatability"):
        read_card({**CARD, "repeatability": rows})
    row = {"code": "427359005", "percent": 41, "least_ml": 0.2, "source": "measured"}
    said = read_repeatability(read_card({**CARD, "repeatability": [row]}).raw)
    assert said["427359005"] == Repeatability(
        percent=41.0, least_ml=0.2, source="measured"
    )
    assert read_repeatability(CARD) == {}


def test_all_that_is_wrong_is_named():
    wrong = {
        **CARD,
        "intended_use": "diagnosis",
        "labels": [{"scheme": "ICD", "code": "1", "display": "x", "threshold": 2}],
        "input": {"kind": "film", "modalities": "DX", "age_years": {"min": "old"}},
        "preprocessing": [{"name": "exec"}],
    }
    with pytest.raises(CardError) as caught:
        read_card(wrong)
    for words in ("intended_use", "scheme", "threshold", "modalities", "age", "exec"):
        assert words in str(caught.value)


def test_a_step_of_volumes_is_none_of_films():
    with pytest.raises(CardError, match="unknown for a film"):
        read_card({**CARD, "preprocessing": [{"name": "resample"}]})


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*/card.json")), ids=str)
def test_the_shipped_cards_keep_to_the_rules(path):
    assert read_card(json.loads(path.read_text("utf-8"))).limits


def test_what_is_not_said_is_listed():
    unsaid = check_told(CARD)
    assert any("performance" in words for words in unsaid)
    assert any("acuity" in words for words in unsaid)


def entry(name):
    return AllowedPackage(
        package_hash=name * 64, name="m", version="1", admitted_at="2026"
    )


def test_a_signed_list_is_read_back():
    key = make_key()
    content = sign_list([entry("a")], number=7, issued_at="now", private_key=key)
    found = read_list(content, public_key=public_key_of(key))
    assert (found.number, found.hashes) == (7, frozenset({"a" * 64}))


@pytest.mark.parametrize("content", [b"", b"[]", b'{"body": "{}", "signature": "!"}'])
def test_a_damaged_list_is_refused(content):
    with pytest.raises(UntrustedError):
        read_list(content, public_key=public_key_of(make_key()))

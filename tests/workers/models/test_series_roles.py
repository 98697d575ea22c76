"""Which series a model of several is given: by how they were made, not by name."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from workers.model_card import CardError, read_card, read_input
from workers.series_roles import SeriesFacts, choose_series, fits, weighting_of

FRAME = "1.2.3"
T2 = SeriesFacts(
    uid="1.4",
    number=4,
    modality="MR",
    body_part="PROSTATE",
    description="T2_TSE_TRA",
    plane="axial",
    image_type=("ORIGINAL", "PRIMARY", "M"),
    n_images=21,
    frame_of_reference_uid=FRAME,
    scanning=("SE",),
    sequence_name="*TSE2D1_25",
    echo_ms=104.0,
    repetition_ms=6250.0,
)
ADC = replace(
    T2,
    uid="1.9",
    number=9,
    description="EP2D_DIFF_TRA_ADC",
    image_type=("DERIVED", "PRIMARY", "DIFFUSION", "ADC"),
    n_images=19,
    scanning=("EP",),
    sequence_name="*EP_B50_800",
    echo_ms=63.0,
    repetition_ms=3200.0,
)
DWI = replace(
    ADC,
    uid="1.8",
    number=8,
    description="EP2D_DIFF_TRA",
    image_type=("DERIVED", "PRIMARY", "DIFFUSION", "TRACEW"),
    n_images=57,
    sequence_name="*EP_B50T",
    is_diffusion=True,
)
CORONAL = replace(T2, uid="1.5", number=5, description="T2_TSE_COR", plane="coronal")
PD = replace(
    T2,
    uid="1.11",
    number=11,
    description="TFL_3D PD REF",
    scanning=("GR",),
    sequence_name="*TFL3D1_16",
    echo_ms=1.53,
    repetition_ms=800.0,
)
STUDY = (T2, ADC, DWI, CORONAL, PD)
ROLES = [
    {"name": "T2", "weighting": "T2", "planes": ["axial"], "echo_ms": {"min": 60}},
    {"name": "ADC", "weighting": "ADC"},
    {"name": "DWI", "weighting": "DWI", "b_value": {"min": 700}},
]


def rules(*roles, **more):
    return read_input(
        {"kind": "volume", "modalities": ["MR"], "roles": list(roles), **more}
    )


def chosen(series, *roles, **more):
    return choose_series(rules(*(roles or ROLES), **more), series)


def test_a_prostate_study_gives_each_role_its_series_in_whatever_order_they_come():
    for shuffled in itertools.permutations(STUDY):
        choice = chosen(shuffled)
        assert (dict(choice.series), choice.reason) == (
            {"T2": "1.4", "ADC": "1.9", "DWI": "1.8"},
            "",
        )


@pytest.mark.parametrize(
    ("series", "reason"),
    [
        ((T2, DWI), "needs ADC, which this study lacks; it has T2 and DWI"),
        ((PD,), "needs T2, ADC and DWI, which this study lacks; it has PD"),
        (
            (),
            "needs T2, ADC and DWI, which this study lacks;"
            " of no series is known what it is",
        ),
        (
            (*STUDY, replace(T2, uid="1.12", number=12)),
            "which series is its T2 is not clear: series 4 and series 12 could be",
        ),
        (
            (T2, DWI, replace(ADC, frame_of_reference_uid="9.9")),
            "the ADC series is in another frame of reference than the T2",
        ),
    ],
)
def test_what_keeps_a_study_from_a_model_is_said_in_words(series, reason):
    choice = chosen(series)
    assert (dict(choice.series), choice.reason) == ({}, reason)


def test_of_several_what_lies_with_the_first_role_goes_before_what_does_not():
    apart = replace(ADC, uid="1.20", number=3, frame_of_reference_uid="9.9")
    assert chosen((*STUDY, apart)).series["ADC"] == "1.9"


@pytest.mark.parametrize(
    ("several", "uid"), [("most_images", "1.4"), ("first", "1.4"), ("last", "1.12")]
)
def test_a_card_may_say_which_of_several_it_takes(several, uid):
    again = replace(T2, uid="1.12", number=12, n_images=10)
    choice = chosen((*STUDY, again), {**ROLES[0], "several": several})
    assert choice.series == {"T2": uid}


def test_equals_stay_unclear_whatever_the_card_says():
    again = replace(T2, uid="1.12", number=12)
    choice = chosen((T2, again), {**ROLES[0], "several": "most_images"})
    assert "is not clear" in choice.reason


@pytest.mark.parametrize(
    ("role", "facts", "does"),
    [
        # What is stated decides, whatever the name says.
        ({"weighting": "T2"}, replace(T2, description="T1"), False),
        ({"weighting": "T2"}, replace(T2, description="T2", echo_ms=10.0), True),
        (
            {"weighting": "T2"},
            replace(T2, description="T2", echo_ms=10.0, repetition_ms=500.0),
            False,
        ),
        ({"weighting": "ADC"}, replace(ADC, description="T2"), True),
        ({"weighting": "T2"}, replace(T2, description="SERIES 4"), True),
        ({"weighting": "T1"}, replace(PD, description="", echo_ms=2.0), True),
        (
            {"weighting": "T1"},
            replace(PD, description="T1", has_contrast_agent=True),
            False,
        ),
        ({"echo_ms": {"min": 60, "max": 120}}, T2, True),
        ({"echo_ms": {"min": 60, "max": 120}}, PD, False),
        ({"repetition_ms": {"max": 1200}}, PD, True),
        ({"inversion_ms": {"min": 1500}}, T2, False),
        ({"sequence_names": ["*tse2d"]}, T2, True),
        ({"sequence_names": ["tfl"]}, T2, False),
        ({"scanning_sequences": ["GR"]}, PD, True),
        ({"image_types": ["ADC"]}, ADC, True),
        ({"image_types": ["ADC"]}, replace(ADC, image_type=()), False),
        ({"weighting": "DWI", "image_types_excluded": ["TRACEW"]}, DWI, False),
        ({"weighting": "T2", "contrast_agent": True}, T2, False),
        # Words: only where nothing of what is asked is stated.
        ({"words": ["t2"]}, T2, True),
        ({"words": ["flair"]}, T2, False),
        ({"words": ["t2"], "echo_ms": {"max": 20}}, T2, False),
        ({"words": ["adc"], "echo_ms": {"min": 60}}, T2, True),
        (
            {"words": ["t2"], "echo_ms": {"min": 60}},
            replace(T2, echo_ms=None),
            True,
        ),
        ({"echo_ms": {"min": 60}}, replace(T2, echo_ms=None), False),
        ({"words": ["t1"], "image_types": ["ORIGINAL"]}, T2, False),
        # Never a picture that is no slice, of another part or another machine.
        ({"weighting": "T2"}, replace(T2, image_type=("LOCALIZER",)), False),
        ({"weighting": "T2"}, replace(T2, modality="CT"), False),
        ({"weighting": "T2", "body_parts": ["HEAD"]}, T2, False),
        ({"weighting": "T2", "body_parts": ["HEAD"]}, replace(T2, body_part=""), True),
        ({"modalities": ["CT"]}, replace(T2, modality="CT"), True),
        ({}, T2, True),
        # Whether all images have one b-value is for the files to say.
        ({"weighting": "DWI", "b_value": {"min": 700}}, DWI, True),
        (
            {"weighting": "DWI", "b_value": {"min": 700}},
            replace(DWI, b_value=50.0),
            False,
        ),
    ],
)
def test_a_role_asks_how_a_series_was_made(role, facts, does):
    found = rules({"name": "r", **role})
    assert fits(found.roles[0], facts, rules=found) is does


def test_one_series_is_two_roles_only_by_its_b_values():
    high = {"name": "high", "weighting": "DWI", "b_value": {"min": 700}}
    low = {"name": "low", "weighting": "DWI", "b_value": {"max": 100}}
    assert chosen(STUDY, high, low).series == {"high": "1.8", "low": "1.8"}
    reason = chosen(STUDY, high, {"name": "any", "weighting": "DWI"}).reason
    assert reason == "series 8 would be high and any at once"


def test_a_series_says_what_it_is():
    assert [weighting_of(one) for one in STUDY] == ["T2", "ADC", "DWI", "T2", "PD"]


CARD = {
    "name": "prostate",
    "version": "1",
    "intended_use": "detection",
    "labels": [{"scheme": "SCT", "code": "1", "display": "Lesion"}],
    "preprocessing": [],
}


@pytest.mark.parametrize(
    ("roles", "problem"),
    [
        ([{}], "“input.roles” 1: “name” must be a text"),
        ([{"name": "a"}, {"name": "a"}], "two roles have one name"),
        (["a"], "“input.roles” 1: must be an object"),
        ([{"name": "a", "echo": 3}], "echo is unknown"),
        ([{"name": "a", "weighting": "t2"}], "weighting must be one of T1, "),
        ([{"name": "a", "planes": ["oblique"]}], "planes must be of axial"),
        ([{"name": "a", "words": "t2"}], "words must be a list of words"),
        ([{"name": "a", "echo_ms": 60}], "“echo_ms” must be an object"),
        ([{"name": "a", "several": "best"}], "several must be one of"),
        ([{"name": "a", "min_cover": 0}], "min_cover must be above 0"),
        (
            [{"name": "a", "contrast_agent": "yes"}],
            "contrast_agent must be one of True",
        ),
        (
            [{"name": "a", "preprocessing": [{"name": "resample"}]}],
            "preprocessing step “resample” is not one of a role",
        ),
    ],
)
def test_a_role_that_can_not_be_used_is_named(roles, problem):
    with pytest.raises(CardError) as caught:
        read_card({**CARD, "input": {"kind": "volume", "roles": roles}})
    assert problem in str(caught.value)

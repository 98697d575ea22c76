"""The content of a reading: whatever comes in is parsed or refused, never a crash."""

from __future__ import annotations

import json
import uuid
from copy import deepcopy

import pytest
from django.db import connection
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from apps.annotations.content import (
    EMPTY,
    missing_for_signing,
    parse_content,
    plain_content,
)
from apps.annotations.geometry import GEOMETRY_KINDS, OPEN_ENDED, require_inside
from apps.annotations.types import REJECT_REASONS
from apps.core.errors import Invalid

# What JSON can say, as Python's parser gives it: lone surrogates, NUL and integers
# that no float can hold included.
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.just(10**400),
    st.floats(),
    st.text(st.characters(), max_size=8),
    st.sampled_from(["\ud800", "\x00", "1.2\n", "box", "image", "accept", "reject"]),
)
anything = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.text(max_size=6), inner, max_size=4),
    ),
    max_leaves=12,
)
uids = st.from_regex(r"[1-9](\.[1-9][0-9]{0,5}){2,6}", fullmatch=True)
numbers = st.floats(-1e6, 1e6).map(lambda x: round(x, 3))
words = st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=30
)
filled = words.filter(bool)
labels = st.fixed_dictionaries(
    {
        "scheme": filled.map(lambda t: t[:16]),
        "code": filled.map(lambda t: t[:32]),
        "display": filled,
    }
)


@st.composite
def geometries(draw):
    kind = draw(st.sampled_from(sorted(GEOMETRY_KINDS)))
    space = draw(st.sampled_from(["image", "patient"]))
    least = GEOMETRY_KINDS[kind]
    most = 9 if kind in OPEN_ENDED else least
    size = 2 + (space == "patient")
    point = st.lists(numbers, min_size=size, max_size=size)
    return {
        "kind": kind,
        "space": space,
        "sop_uid": draw(uids),
        "frame": draw(st.integers(1, 300)),
        "frame_of_reference_uid": draw(uids) if space == "patient" else None,
        "points": draw(st.lists(point, min_size=least, max_size=most)),
    }


verdicts = st.fixed_dictionaries(
    {
        "verdict": st.sampled_from(["accept", "reject", "modify"]),
        "reason_code": st.sampled_from(["", *REJECT_REASONS]),
        "reason_text": words,
        "label": st.none() | labels,
        "geometry": st.none() | geometries(),
    }
)
marks = st.fixed_dictionaries(
    {
        "id": st.uuids().map(str),
        "tracking_uid": uids,
        "label": labels,
        "geometry": geometries(),
        "text": words,
        "missed_by_ai": st.booleans(),
    }
)
contents = st.fixed_dictionaries(
    {
        "verdicts": st.dictionaries(st.uuids().map(str), verdicts, max_size=3),
        "annotations": st.lists(marks, max_size=3, unique_by=lambda m: m["id"]),
        "impression": words,
    }
)


def _parsed_or_refused(raw):
    refused = None
    try:
        return parse_content(raw=raw)
    except Invalid as error:
        refused = error
    assert refused.code == "invalid"
    assert refused.extra["field"], "the error names the field"
    return None


@given(anything)
def test_anything_is_parsed_or_refused(raw):
    _parsed_or_refused(raw)


@given(contents, st.data())
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_one_spoilt_part_is_parsed_or_refused(content, data):
    spoilt = deepcopy(content)
    places = list(_places(spoilt))
    container, key = data.draw(st.sampled_from(places))
    container[key] = data.draw(anything)
    _parsed_or_refused(spoilt)


def _places(value):
    keys = value.keys() if isinstance(value, dict) else range(len(value))
    for key in list(keys):
        yield value, key
        if isinstance(value[key], dict | list):
            yield from _places(value[key])


@given(contents)
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_what_is_valid_comes_back_as_it_was(content):
    plain = plain_content(parse_content(raw=content))
    assert json.loads(json.dumps(plain)) == content
    assert plain_content(parse_content(raw=json.loads(json.dumps(plain)))) == plain


@given(raw=anything)
@example(raw="\ud800")
@example(raw="\x00")
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
    max_examples=60,
)
@pytest.mark.django_db
def test_what_is_parsed_the_database_takes(raw):
    content = {
        "verdicts": {str(raw): {"verdict": "accept"}},
        "annotations": [],
        "impression": raw,
    }
    for part in ({"impression": raw}, {"verdicts": content["verdicts"]}):
        parsed = _parsed_or_refused(part)
        if parsed is not None:
            with connection.cursor() as cursor:
                cursor.execute("SELECT %s::jsonb", [json.dumps(plain_content(parsed))])


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        (("verdicts",), [], "content.verdicts"),
        (("other",), 1, "content.other"),
        (("annotations",), {}, "content.annotations"),
        (("impression",), 3, "content.impression"),
        (("impression",), "a\x00b", "content.impression"),
        (("impression",), "a\ud800b", "content.impression"),
        (("impression",), "x" * 20_001, "content.impression"),
        (("verdicts", "F", "verdict"), "maybe", "content.verdicts.F.verdict"),
        (("verdicts", "F", "reason_code"), "bored", "content.verdicts.F.reason_code"),
        (("annotations", 0, "geometry", "kind"), ["box"], ".geometry.kind"),
        (("annotations", 0, "geometry", "space"), {}, ".geometry.space"),
        (("annotations", 0, "geometry", "frame"), 0, ".geometry.frame"),
        (("annotations", 0, "geometry", "frame"), True, ".geometry.frame"),
        (("annotations", 0, "geometry", "frame"), 10**30, ".geometry.frame"),
        (("annotations", 0, "geometry", "sop_uid"), "1.2\n", ".geometry.sop_uid"),
        (("annotations", 0, "geometry", "points"), [[1, 2]], ".geometry.points"),
        (
            ("annotations", 0, "geometry", "points"),
            [[1, 2], [3, float("nan")]],
            ".geometry.points[1]",
        ),
        (
            ("annotations", 0, "geometry", "points"),
            [[1, 2], [3, 10**400]],
            ".geometry.points[1]",
        ),
        (("annotations", 0, "geometry", "points"), [[1, 2, 3], [3, 4]], ".points[0]"),
        (("annotations", 0, "label"), {"code": "1"}, ".label"),
        (("annotations", 0, "missed_by_ai"), "no", ".missed_by_ai"),
        (("annotations", 0, "tracking_uid"), "x", "content.annotations[0]"),
    ],
)
def test_the_refusal_names_the_field(path, value, field):
    key = str(uuid.uuid4())
    content = {
        "verdicts": {key: {"verdict": "accept"}},
        "annotations": [
            {
                "id": "m1",
                "tracking_uid": "1.2.3",
                "label": {"scheme": "SCT", "code": "1", "display": "x"},
                "geometry": {
                    "kind": "box",
                    "space": "image",
                    "sop_uid": "1.2.3",
                    "frame": 1,
                    "points": [[1, 2], [3, 4]],
                },
            }
        ],
        "impression": "",
    }
    parse_content(raw=content)
    target = content
    path = [key if part == "F" else part for part in path]
    for part in path[:-1]:
        target = target[part]
    target[path[-1]] = value
    with pytest.raises(Invalid) as caught:
        parse_content(raw=content)
    assert field.replace("F", key) in caught.value.extra["field"]


def test_a_verdict_is_of_a_finding_and_two_marks_have_two_ids():
    with pytest.raises(Invalid, match="verdicts"):
        parse_content(raw={"verdicts": {"\x00": {"verdict": "accept"}}})
    mark = {
        "id": "m",
        "tracking_uid": "1.2",
        "label": {"scheme": "SCT", "code": "1", "display": "x"},
        "geometry": {
            "kind": "point",
            "space": "image",
            "sop_uid": "1.2",
            "points": [[1, 2]],
        },
    }
    with pytest.raises(Invalid, match="one id"):
        parse_content(raw={"annotations": [mark, mark]})


@pytest.mark.parametrize(
    ("verdict", "detail"),
    [
        (None, "Answer “Pneumonia” first."),
        ({"verdict": "accept"}, None),
        ({"verdict": "reject"}, "Say why “Pneumonia” is rejected."),
        ({"verdict": "reject", "reason_code": "artefact"}, None),
        (
            {"verdict": "reject", "reason_code": "other", "reason_text": "  "},
            "Say in words why “Pneumonia” is rejected.",
        ),
        ({"verdict": "reject", "reason_code": "other", "reason_text": "a fold"}, None),
        ({"verdict": "modify"}, "Change the label or box of “Pneumonia”."),
        (
            {
                "verdict": "modify",
                "label": {"scheme": "SCT", "code": "1", "display": "x"},
            },
            None,
        ),
    ],
)
def test_what_is_missing_before_it_can_be_signed(verdict, detail):
    key = str(uuid.uuid4())
    content = parse_content(raw={"verdicts": {key: verdict} if verdict else {}})
    missing = missing_for_signing(content=content, findings={key: "Pneumonia"})
    assert [m["detail"] for m in missing] == ([detail] if detail else [])
    assert all(m["field"] == f"verdicts.{key}" for m in missing)


def test_nothing_to_answer_is_nothing_missing():
    assert missing_for_signing(content=parse_content(raw=EMPTY), findings={}) == []


def _measurement(**change):
    return {
        "id": "m",
        "tracking_uid": "1.2.3",
        "label": {"scheme": "99OVERREAD", "code": "measurement", "display": "M"},
        "geometry": {
            "kind": "length",
            "space": "image",
            "sop_uid": "1.2.5",
            "frame": 1,
            "frame_of_reference_uid": None,
            "points": [[1.0, 2.0], [4.0, 6.0]],
        },
        "text": "Nodule",
        "missed_by_ai": False,
        "measured": {
            "scale": "patient",
            "calibration_mm": None,
            "values": [
                {
                    "scheme": "SCT",
                    "code": "410668003",
                    "display": "Length",
                    "value": 5.0,
                    "unit": "mm",
                }
            ],
        },
        **change,
    }


def test_a_measurement_comes_back_as_it_went_in():
    raw = {**EMPTY, "annotations": [_measurement()]}
    again = plain_content(parse_content(raw=raw))
    assert json.loads(json.dumps(again)) == raw


def _with(path, value):
    mark = _measurement()
    inner = mark
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return mark


@pytest.mark.parametrize(
    ("mark", "field"),
    [
        (_with(["measured", "scale"], "guess"), "measured.scale"),
        (_with(["measured", "values"], "five"), "measured.values"),
        (_with(["measured", "values", 0, "value"], float("nan")), "values[0].value"),
        (_with(["measured", "values", 0, "value"], True), "values[0].value"),
        (_with(["measured", "values", 0, "unit"], "cubit"), "values[0].unit"),
        (_with(["measured", "values", 0, "code"], "1"), "values[0].code"),
        (_with(["measured", "calibration_mm"], 0), "calibration_mm"),
        (_with(["measured", "calibration_mm"], float("inf")), "calibration_mm"),
        (_with(["geometry", "points"], [[1, 2], [1, 2]]), "geometry.points"),
        (_with(["geometry", "points"], [[1, 2]]), "geometry.points"),
        (_with(["geometry", "points"], [[1, 2], [float("nan"), 2]]), "points[1]"),
        (_with(["geometry", "kind"], "angle"), "geometry.points"),
        (_with(["geometry", "kind"], "heart"), "geometry.kind"),
    ],
)
def test_a_wrong_measurement_is_refused_by_its_field(mark, field):
    with pytest.raises(Invalid) as refused:
        parse_content(raw={**EMPTY, "annotations": [mark]})
    assert refused.value.extra["field"].endswith(field)


def test_a_quantity_is_said_once_and_in_our_words():
    mark = _measurement()
    mark["measured"]["values"][0]["display"] = "Height of the sender"
    parsed = parse_content(raw={**EMPTY, "annotations": [mark]})
    assert parsed.annotations[0].measured.values[0].display == "Length"
    mark["measured"]["values"] *= 2
    with pytest.raises(Invalid, match="twice"):
        parse_content(raw={**EMPTY, "annotations": [mark]})


def test_a_mark_lies_on_its_image():
    mark = parse_content(raw={**EMPTY, "annotations": [_measurement()]}).annotations[0]
    place = {"geometry": mark.geometry, "field": "here"}
    require_inside(**place, columns=4, rows=6, frames=1)
    with pytest.raises(Invalid, match="outside the image of 3 × 6"):
        require_inside(**place, columns=3, rows=6, frames=1)

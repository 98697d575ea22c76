"""DICOM's text values."""

import datetime as dt

import pytest

from apps.interop.dicom.values import (
    age_at,
    format_person_name,
    parse_date,
    parse_time,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20260105", dt.date(2026, 1, 5)),
        ("2026.01.05", dt.date(2026, 1, 5)),
        (" 20260105 ", dt.date(2026, 1, 5)),
        ("20260230", None),
        ("", None),
        ("2026", None),
        ("٢٠٢٦٠١٠٥", None),
        ("19000101-", None),
    ],
)
def test_date(text, expected):
    assert parse_date(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("091500.25", dt.time(9, 15, 0, 250000)),
        ("0915", dt.time(9, 15)),
        ("09", dt.time(9)),
        ("09:15:30", dt.time(9, 15, 30)),
        ("235960", dt.time(23, 59, 59)),
        ("250000", None),
        ("", None),
        ("nine", None),
    ],
)
def test_time(text, expected):
    assert parse_time(text) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Müller^Zoë", "Müller, Zoë"),
        ("Adams^John Robert Quincy^^Rev.^B.A.", "Adams, Rev. John Robert Quincy, B.A."),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "Yamada, Tarou"),
        ("=山田^太郎", "山田, 太郎"),
        ("Anonymous", "Anonymous"),
        ("^Zoë", "Zoë"),
        ("^^^^", ""),
        ("", ""),
    ],
)
def test_person_name(value, expected):
    assert format_person_name(value) == expected


@pytest.mark.parametrize(
    ("age", "birth", "study", "text", "years"),
    [
        ("002Y", "20100101", "20260105", "2 y", 2.0),
        ("010M", "", "", "10 mo", 0.833),
        ("003W", "", "", "3 w", 0.057),
        ("", "20230214", "20260105", "2 y", 2.89),
        ("", "20250214", "20260105", "10 mo", 0.89),
        ("", "20260101", "20260105", "4 d", 0.011),
        ("", "20260105", "20260101", "", None),
        ("", "17890304", "20260101", "", None),
        ("2Y", "", "20260101", "", None),
    ],
)
def test_age(age, birth, study, text, years):
    said, number = age_at(
        age=age, birth_date=parse_date(birth), study_date=parse_date(study)
    )
    assert said == text
    assert number == (None if years is None else pytest.approx(years, abs=0.01))

"""DICOM's text values as Python values; unreadable ones become None or ''."""

import datetime as dt
import re
from typing import Final

_AGE: Final = re.compile(r"^(\d{3})([DWMY])$")
_AGE_WORDS: Final = {"D": "d", "W": "w", "M": "mo", "Y": "y"}
_AGE_DAYS: Final = {"D": 1.0, "W": 7.0, "M": 30.4375, "Y": 365.25}
_DAYS_A_YEAR: Final = 365.25
_OLDEST_YEARS: Final = 130


def parse_date(text: str) -> dt.date | None:
    """Read a DA value (``YYYYMMDD``, or the old ``YYYY.MM.DD``).

    Args:
        text: The value as sent.

    Returns:
        The date, or None when the text is empty or no real date.
    """
    digits = text.strip().replace(".", "")
    if len(digits) != 8 or not digits.isascii() or not digits.isdigit():
        return None
    try:
        return dt.date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None


def parse_time(text: str) -> dt.time | None:
    """Read a TM value (``HH[MM[SS[.ffffff]]]``, or the old form with colons).

    Args:
        text: The value as sent.

    Returns:
        The time without a zone, or None when the text is empty or no time.
    """
    whole, _, fraction = text.strip().replace(":", "").partition(".")
    if not re.fullmatch(r"\d{2}(\d{2}(\d{2})?)?", whole, re.ASCII):
        return None
    if fraction and not re.fullmatch(r"\d{1,6}", fraction, re.ASCII):
        return None
    parts = [int(whole[i : i + 2]) for i in range(0, len(whole), 2)] + [0, 0]
    try:
        second = min(parts[2], 59)  # a leap second is a value of TM, not of time
        return dt.time(parts[0], parts[1], second, int(fraction.ljust(6, "0") or 0))
    except ValueError:
        return None


def format_person_name(value: str) -> str:
    """Format a PN value for display.

    Args:
        value: Component groups as sent: ``Family^Given^Middle^Prefix^Suffix``,
            alphabetic first, ``=`` between groups.

    Returns:
        ``Family, Prefix Given Middle, Suffix`` of the first group that is not
        empty; '' when there is none.
    """
    group = next((g for g in value.split("=") if g.strip(" ^")), "")
    parts = [" ".join(part.split()) for part in group.split("^")] + [""] * 5
    family, given, middle, prefix, suffix = parts[:5]
    fore = " ".join(part for part in (prefix, given, middle) if part)
    return ", ".join(part for part in (family, fore, suffix) if part)


def age_at(
    *, age: str, birth_date: dt.date | None, study_date: dt.date | None
) -> tuple[str, float | None]:
    """Say how old the patient was at the study.

    Args:
        age: Patient's Age (AS), such as ``005Y``; believed first.
        birth_date: Used with ``study_date`` when the age is absent.
        study_date: Day of the study.

    Returns:
        Text for people (``5 y``, ``10 mo``, ``3 w``, ``2 d`` or '') and the age
        in years (None when unknown).
    """
    match = _AGE.match(age.strip().upper())
    if match:
        number, unit = int(match[1]), match[2]
        years = number * _AGE_DAYS[unit] / _DAYS_A_YEAR
        return f"{number} {_AGE_WORDS[unit]}", years
    if birth_date is None or study_date is None or study_date < birth_date:
        return "", None
    days = (study_date - birth_date).days
    if days > _OLDEST_YEARS * _DAYS_A_YEAR:
        return "", None  # a placeholder birth date
    months = (study_date.year - birth_date.year) * 12
    months += study_date.month - birth_date.month
    months -= study_date.day < birth_date.day
    years = days / _DAYS_A_YEAR
    if days < 28:
        return f"{days} d", years
    if months < 24:
        return f"{max(months, 1)} mo", years
    return f"{months // 12} y", years

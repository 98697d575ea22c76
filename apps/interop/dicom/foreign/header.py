"""What every object says of itself, and the parts that all readers share."""

import math
import re
from collections.abc import Iterable
from typing import Any, Final

from pydicom.dataset import Dataset

from apps.interop.dicom.charset import decoded_text
from apps.interop.dicom.foreign.types import Coded, Creator, Origin
from apps.interop.dicom.values import format_person_name, parse_date, parse_time

_AI_NAMES: Final = re.compile(
    r"sybil|totalsegmentator|nnu-?net|monai|lunit|annalise|qure\b|aidoc|"
    r"deep[- ]?learning|artificial intelligence|neural network|\bcad\b",
    re.IGNORECASE,
)
"""Words in an object's maker, model or title that name an algorithm.

Some algorithms sign as a person: the objects of Sybil in the public archives do.
"""

_UID: Final = re.compile(r"[0-9]+(\.[0-9]+)*")
_LONGEST_UID: Final = 64
MAX_POINTS: Final = 10_000
NO_CODE: Final = Coded(scheme="", code="", display="")


def coded(items: Any) -> Coded | None:
    """Return the first code of a code sequence; None without one."""
    if not items:
        return None
    item = items[0]
    value = next(
        (
            decoded_text(item, keyword)
            for keyword in ("CodeValue", "LongCodeValue", "URNCodeValue")
            if item.get(keyword)
        ),
        "",
    )
    words = decoded_text(item, "CodeMeaning")
    if not (value or words):
        return None
    return Coded(
        scheme=decoded_text(item, "CodingSchemeDesignator"),
        code=value,
        display=words or value,
    )


def uid_of(item: Dataset, keyword: str) -> str:
    """Return a UID as text, '' when it is absent or none."""
    text = str(item.get(keyword) or "").strip()
    return text if len(text) <= _LONGEST_UID and _UID.fullmatch(text) else ""


def moment_of(dataset: Dataset, *pairs: tuple[str, str]) -> str:
    """Return the first date, with its time when there is one, in ISO words."""
    for date_keyword, time_keyword in pairs:
        day = parse_date(str(dataset.get(date_keyword) or ""))
        if day is None:
            continue
        time = parse_time(str(dataset.get(time_keyword) or ""))
        return day.isoformat() + (f"T{time:%H:%M:%S}" if time else "")
    return ""


def numbers_of(values: Any) -> list[float]:
    """Return finite numbers.

    Raises:
        ValueError: One of them is none.
    """
    found = [float(value) for value in values or ()]
    if not all(map(math.isfinite, found)):
        msg = "a coordinate is no number"
        raise ValueError(msg)
    return found


def points_of(values: Any, size: int) -> tuple[tuple[float, ...], ...]:
    """Return a flat list of coordinates as points of `size` numbers.

    Raises:
        ValueError: They are none, too many, or not whole points.
    """
    flat = numbers_of(values)
    if not flat or len(flat) % size:
        msg = f"its coordinates are no points of {size} numbers"
        raise ValueError(msg)
    if len(flat) > MAX_POINTS * size:
        msg = f"a shape has more than {MAX_POINTS} points"
        raise ValueError(msg)
    return tuple(tuple(flat[at : at + size]) for at in range(0, len(flat), size))


def circle_as_ellipse(
    points: tuple[tuple[float, ...], ...],
) -> tuple[tuple[float, ...], ...]:
    """Return a circle (centre, a point on it) as the ends of two axes."""
    if len(points) != 2:
        msg = "a circle has a centre and a point on it"
        raise ValueError(msg)
    (x, y), (px, py) = points
    radius = math.hypot(px - x, py - y)
    return ((x - radius, y), (x + radius, y), (x, y - radius), (x, y + radius))


def as_box(
    points: tuple[tuple[float, ...], ...],
) -> tuple[tuple[float, ...], ...] | None:
    """Return the two corners of a closed upright rectangle; None when it is none."""
    ring = points[:-1] if len(points) == 5 and points[0] == points[-1] else ()
    if len(ring) != 4 or len(ring[0]) != 2:
        return None
    xs, ys = {p[0] for p in ring}, {p[1] for p in ring}
    if len(xs) != 2 or len(ys) != 2 or len(set(ring)) != 4:
        return None
    aside = all(
        (p[0] == q[0]) != (p[1] == q[1])
        for p, q in zip(ring, (*ring[1:], ring[0]), strict=True)
    )
    return ((min(xs), min(ys)), (max(xs), max(ys))) if aside else None


def origin_of(dataset: Dataset, *, algorithm: str, person: str, title: str) -> Origin:
    """Say whether an algorithm or a person made it, as far as that can be known."""
    names = [
        algorithm,
        title,
        *(
            decoded_text(dataset, keyword)
            for keyword in ("Manufacturer", "ManufacturerModelName")
        ),
    ]
    if algorithm or any(_AI_NAMES.search(name) for name in names):
        return "ai"
    return "person" if person else "unknown"


def creator_of(
    dataset: Dataset,
    *,
    algorithm: str = "",
    version: str = "",
    person: str = "",
    title: str = "",
) -> Creator:
    """Return who made an object."""
    origin = origin_of(dataset, algorithm=algorithm, person=person, title=title)
    maker = decoded_text(dataset, "Manufacturer")
    # An algorithm that signs as somebody is named by who made it.
    signed = maker if origin == "ai" else format_person_name(person)
    return Creator(
        origin=origin,
        name=algorithm or signed,
        version=version,
        maker=maker,
        model=decoded_text(dataset, "ManufacturerModelName"),
    )


def title_of(dataset: Dataset, *keywords: str) -> str:
    """Return the first of some texts that says something."""
    return next(
        (text for k in keywords if (text := decoded_text(dataset, k))),
        "",
    )


def unique(values: Iterable[str]) -> tuple[str, ...]:
    """Return values without repeats and blanks, in order."""
    return tuple(dict.fromkeys(value for value in values if value))

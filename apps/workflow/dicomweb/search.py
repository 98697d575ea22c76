"""QIDO-RS: what is there, as far as the asker may see, from our own tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, time
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from django.db.models import Q

from apps.core.errors import Invalid, NotFound
from apps.core.permissions import Permission
from apps.interop.dicomweb import NotHad, metadata_of
from apps.studies.selectors import visible_studies
from apps.workflow.dicomweb.contents import objects_of, series_of
from apps.workflow.dicomweb.retrieve import content_of, object_url

if TYPE_CHECKING:
    from django.http import QueryDict

    from apps.accounts.types import Actor
    from apps.studies.models import Study
    from apps.workflow.dicomweb.contents import SeriesShown, WebObject

MAX_LIMIT: Final = 1000
MAX_INSTANCES: Final = 5000
"""Of one answer that lists instances; the rest is got with `offset`."""
_MAX_TEXT: Final = 4000
_MAX_WILD: Final = 32
"""Wildcards of one pattern: what they cost grows with their number."""


class Level(StrEnum):
    """What is listed."""

    STUDY = "study"
    SERIES = "series"
    INSTANCE = "instance"


_TAGS: Final[dict[str, tuple[str, str]]] = {
    "SOPClassUID": ("00080016", "UI"),
    "SOPInstanceUID": ("00080018", "UI"),
    "StudyDate": ("00080020", "DA"),
    "StudyTime": ("00080030", "TM"),
    "AccessionNumber": ("00080050", "SH"),
    "InstanceAvailability": ("00080056", "CS"),
    "Modality": ("00080060", "CS"),
    "ModalitiesInStudy": ("00080061", "CS"),
    "ReferringPhysicianName": ("00080090", "PN"),
    "StudyDescription": ("00081030", "LO"),
    "SeriesDescription": ("0008103E", "LO"),
    "RetrieveURL": ("00081190", "UR"),
    "PatientName": ("00100010", "PN"),
    "PatientID": ("00100020", "LO"),
    "PatientBirthDate": ("00100030", "DA"),
    "PatientSex": ("00100040", "CS"),
    "BodyPartExamined": ("00180015", "CS"),
    "StudyInstanceUID": ("0020000D", "UI"),
    "SeriesInstanceUID": ("0020000E", "UI"),
    "StudyID": ("00200010", "SH"),
    "SeriesNumber": ("00200011", "IS"),
    "InstanceNumber": ("00200013", "IS"),
    "Laterality": ("00200060", "CS"),
    "NumberOfStudyRelatedSeries": ("00201206", "IS"),
    "NumberOfStudyRelatedInstances": ("00201208", "IS"),
    "NumberOfSeriesRelatedInstances": ("00201209", "IS"),
}
_KEYWORD_OF: Final = {tag: keyword for keyword, (tag, _) in _TAGS.items()}
_ALWAYS_OF_FILE: Final = (
    "00080016",
    "00080018",
    "00200013",
    "00280008",
    "00280010",
    "00280011",
    "00280100",
)
_STUDY_COLUMNS: Final = {
    "StudyInstanceUID": "study_uid",
    "AccessionNumber": "accession_number",
    "StudyDescription": "description",
    "PatientID": "patient__patient_id",
    "PatientSex": "patient__sex",
    "ReferringPhysicianName": "referring_physician",
    "PatientName": "patient__name",
}
_DAY_COLUMNS: Final = {
    "StudyDate": "study_date",
    "PatientBirthDate": "patient__birth_date",
}
_SERIES_KEYS: Final = frozenset(
    {
        "SeriesInstanceUID",
        "Modality",
        "SeriesNumber",
        "SeriesDescription",
        "BodyPartExamined",
        "Laterality",
    }
)
_OBJECT_KEYS: Final = frozenset({"SOPInstanceUID", "SOPClassUID", "InstanceNumber"})
_ANY_CASE: Final = frozenset(
    {
        "PatientName",
        "ReferringPhysicianName",
        "StudyDescription",
        "SeriesDescription",
    }
)
_TAG: Final = re.compile(r"[0-9A-Fa-f]{8}")
_DAY: Final = re.compile(r"[0-9]{8}")
_MOMENT: Final = re.compile(r"([0-9]{2})(?:([0-9]{2})(?:([0-9]{2})(\.[0-9]{1,6})?)?)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is asked for.

    Attributes:
        filters: Keyword → pattern.
        limit: At most so many matches.
        offset: So many are passed over.
        include: Tags wanted beyond the usual ones.
        include_all: Everything that is known is wanted.
        ignored: Parameters that are not understood.
    """

    filters: dict[str, str] = field(default_factory=dict)
    limit: int = 100
    offset: int = 0
    include: frozenset[str] = frozenset()
    include_all: bool = False
    ignored: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class Found:
    """One page of matches, and whose studies it names."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    studies: dict[Any, Study] = field(default_factory=dict)


def parse_query(query: QueryDict, *, level: Level) -> Query:
    """Read the parameters of a search."""
    filters: dict[str, str] = {}
    include: set[str] = set()
    ignored: list[str] = []
    for name, values in query.lists():
        text = ",".join(values)
        if len(text) > _MAX_TEXT or "\x00" in text:
            raise Invalid("invalid", "A parameter is too long or has a NUL.")
        if name in {"limit", "offset"}:
            continue
        if name == "includefield":
            include.update(_include(text))
            continue
        keyword = _KEYWORD_OF.get(name.upper(), name)
        if keyword in _known_keys(level):
            filters[keyword] = _bounded(re.sub(r"\*+", "*", text), keyword)
        elif name != "fuzzymatching" or text.lower() != "false":
            ignored.append(keyword if keyword in _TAGS else "unknown")
    top = MAX_INSTANCES if level is Level.INSTANCE else MAX_LIMIT
    return Query(
        filters={k: v for k, v in filters.items() if v not in {"", "*"}},
        limit=min(_number(query, "limit", top), top),
        offset=_number(query, "offset", 0),
        include=frozenset(include),
        include_all="all" in include,
        ignored=tuple(ignored),
    )


def _bounded(pattern: str, keyword: str) -> str:
    if pattern.count("*") + pattern.count("?") > _MAX_WILD:
        detail = f"{keyword}: has more than {_MAX_WILD} wildcards."
        raise Invalid("invalid", detail, field=keyword)
    return pattern


def _include(text: str) -> Iterator[str]:
    for name in text.split(","):
        name = name.strip()
        if name == "all":
            yield name
        elif name in _TAGS:
            yield _TAGS[name][0]
        elif _TAG.fullmatch(name):
            yield name.upper()


def _known_keys(level: Level) -> frozenset[str]:
    keys = {*_STUDY_COLUMNS, *_DAY_COLUMNS, "StudyTime", "ModalitiesInStudy"}
    if level is not Level.STUDY:
        keys |= _SERIES_KEYS
    if level is Level.INSTANCE:
        keys |= _OBJECT_KEYS
    return frozenset(keys)


def _number(query: QueryDict, name: str, default: int) -> int:
    text = query.get(name, "")
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise Invalid("invalid", f"{name}: is a number.", field=name)
    return int(text)


# --- matching


def _pattern(value: str) -> str:
    """Return a DICOM pattern as a regular expression: `*` any, `?` one, `^` a gap."""
    some = {"*": ".*", "?": "."}
    parts = [some.get(letter) or re.escape(letter) for letter in value]
    return "^(" + "".join(parts) + ")$"


def _name_pattern(value: str) -> str:
    """Match a name as we keep it (`Family, Given`) by one as DICOM writes it."""
    text = value.strip().strip("^")
    escaped = _pattern(text)
    return escaped.replace(r"\^", "[, ]+").replace("^([, ]+", "^(")


def _text_filter(keyword: str, value: str) -> Q:
    column = _STUDY_COLUMNS[keyword]
    if keyword == "StudyInstanceUID":
        return Q(study_uid__in=re.split(r"[,\\]", value))
    if keyword in {"PatientName", "ReferringPhysicianName"}:
        return Q(**{f"{column}__iregex": _name_pattern(value)})
    if keyword in _ANY_CASE:
        return Q(**{f"{column}__iregex": _pattern(value)})
    if "*" in value or "?" in value:
        return Q(**{f"{column}__regex": _pattern(value)})
    return Q(**{column: value})


def _day(text: str) -> date:
    try:
        if _DAY.fullmatch(text):
            return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        pass
    raise Invalid("invalid", "A date is YYYYMMDD, a range YYYYMMDD-YYYYMMDD.")


def _moment(text: str, *, end: bool) -> time:
    found = _MOMENT.fullmatch(text)
    try:
        if found:
            hour, minute, second, part = found.groups()
            rest = 59 if end else 0
            fraction = 999_999 if end else 0
            if part:
                fraction = int(part[1:].ljust(6, "0"))
            return time(int(hour), int(minute or rest), int(second or rest), fraction)
    except ValueError:
        pass
    raise Invalid("invalid", "A time is HHMMSS, a range HHMMSS-HHMMSS.")


def _range_filter(column: str, value: str, *, times: bool) -> Q:
    first, dash, last = value.partition("-")
    last = last if dash else first
    found = Q(**{f"{column}__isnull": False})
    if first:
        low = _moment(first, end=False) if times else _day(first)
        found &= Q(**{f"{column}__gte": low})
    if last:
        high = _moment(last, end=True) if times else _day(last)
        found &= Q(**{f"{column}__lte": high})
    return found


def _study_filter(filters: dict[str, str]) -> Q:
    found = Q()
    for keyword, value in filters.items():
        if keyword in _STUDY_COLUMNS:
            found &= _text_filter(keyword, value)
        elif keyword in _DAY_COLUMNS:
            found &= _range_filter(_DAY_COLUMNS[keyword], value, times=False)
        elif keyword == "StudyTime":
            found &= _range_filter("study_time", value, times=True)
    return found


def _matches(row: dict[str, Any], filters: dict[str, str]) -> bool:
    return all(
        _value_matches(row.get(keyword), value, keyword)
        for keyword, value in filters.items()
    )


def _value_matches(known: Any, value: str, keyword: str) -> bool:
    if keyword.endswith("UID"):
        return str(known) in re.split(r"[,\\]", value)
    any_case = keyword in _ANY_CASE
    every = known if isinstance(known, list) else [known]
    wanted = value.split(",") if keyword == "ModalitiesInStudy" else [value]
    return any(
        _fits("" if one is None else str(one), want, any_case=any_case)
        for one in every
        for want in wanted
    )


def _fits(text: str, pattern: str, *, any_case: bool) -> bool:
    """Match `*` and `?`, in time that grows with the product of both lengths only.

    Regular expressions take for ever for patterns such as `*a*a*a*b`.
    """
    if any_case:
        text, pattern = text.lower(), pattern.lower()
    at = place = 0
    star, resumed = -1, 0
    while at < len(text):
        here = pattern[place] if place < len(pattern) else ""
        if here == "*":
            star, resumed = place, at
            place += 1
        elif here in {"?", text[at]}:
            at, place = at + 1, place + 1
        elif star >= 0:
            resumed += 1
            at, place = resumed, star + 1
        else:
            return False
    return not pattern[place:].strip("*")


# --- rows


def _dicom_name(shown: str) -> str:
    """Return a name as DICOM writes it, from `Family, Given, Suffix`."""
    family, given, suffix = ([*shown.split(", "), "", ""])[:3]
    return f"{family}^{given}^^^{suffix}".rstrip("^")


def _study_row(study: Study, series: list[SeriesShown], base: str) -> dict[str, Any]:
    modalities = sorted({str(s.header.get("modality") or "") for s in series} - {""})
    day, moment = study.study_date, study.study_time
    born = study.patient.birth_date
    return {
        "StudyInstanceUID": study.study_uid,
        "StudyDate": day.strftime("%Y%m%d") if day else None,
        "StudyTime": moment.strftime("%H%M%S.%f") if moment else None,
        "AccessionNumber": study.accession_number,
        "InstanceAvailability": "ONLINE",
        "ModalitiesInStudy": modalities,
        "ReferringPhysicianName": _dicom_name(study.referring_physician),
        "StudyDescription": study.description,
        "RetrieveURL": f"{base}/studies/{study.study_uid}",
        "PatientName": _dicom_name(study.patient.name),
        "PatientID": study.patient.patient_id,
        "PatientBirthDate": born.strftime("%Y%m%d") if born else None,
        "PatientSex": study.patient.sex,
        "StudyID": None,
        "NumberOfStudyRelatedSeries": len(series),
        "NumberOfStudyRelatedInstances": sum(s.n_instances for s in series),
    }


def _series_row(series: SeriesShown, base: str) -> dict[str, Any]:
    uid = series.study.study_uid
    return {
        "StudyInstanceUID": uid,
        "SeriesInstanceUID": series.uid,
        "Modality": series.header.get("modality"),
        "SeriesNumber": series.header.get("number"),
        "SeriesDescription": series.header.get("description"),
        "BodyPartExamined": series.header.get("body_part"),
        "Laterality": series.header.get("laterality"),
        "NumberOfSeriesRelatedInstances": series.n_instances,
        "RetrieveURL": f"{base}/studies/{uid}/series/{series.uid}",
    }


def encode_row(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row in the DICOM JSON model; what is empty has no value."""
    return {
        tag: _encoded(vr, row[keyword])
        for keyword, (tag, vr) in sorted(_TAGS.items(), key=lambda entry: entry[1][0])
        if keyword in row
    }


def _encoded(vr: str, value: Any) -> dict[str, Any]:
    if value in (None, "", []):
        return {"vr": vr}
    values = value if isinstance(value, list) else [value]
    if vr == "PN":
        return {"vr": vr, "Value": [{"Alphabetic": name} for name in values]}
    return {"vr": vr, "Value": values}


# --- searching


def _studies(
    *, actor: Actor, query: Query, study: Study | None
) -> Iterator[tuple[Study, list[SeriesShown]]]:
    if study is not None:
        yield study, series_of(actor=actor, study=study)
        return
    found = (
        visible_studies(actor=actor, need=Permission.STUDY_READ)
        .filter(_study_filter(query.filters))
        .select_related("site", "patient")
        .order_by("-arrived_at", "id")
    )
    modalities = query.filters.get("ModalitiesInStudy", "")
    for one in found.iterator(chunk_size=100):
        series = series_of(actor=actor, study=one)
        here = [str(s.header.get("modality") or "") for s in series]
        if modalities and not _value_matches(here, modalities, "ModalitiesInStudy"):
            continue
        if series:
            yield one, series


def find_studies(*, actor: Actor, query: Query, base: str) -> Found:
    """Return the studies that match and that the actor may see, newest first."""
    found = Found()
    every = _studies(actor=actor, query=query, study=None)
    for study, series in islice(every, query.offset, query.offset + query.limit):
        found.rows.append(encode_row(_study_row(study, series, base)))
        found.studies[study.id] = study
    return found


def _matching_series(
    *, actor: Actor, query: Query, study: Study | None, only: str
) -> Iterator[tuple[dict[str, Any], SeriesShown]]:
    """Yield series with their rows; with the study's when no study was named."""
    wanted = {k: v for k, v in query.filters.items() if k in _SERIES_KEYS}
    for one, series in _studies(actor=actor, query=query, study=study):
        for shown in series:
            row = _series_row(shown, "")
            if (not only or shown.uid == only) and _matches(row, wanted):
                yield (_study_row(one, series, "") if study is None else {}), shown


def find_series(*, actor: Actor, query: Query, base: str, study: Study | None) -> Found:
    """Return the series that match: of one study, or of all that the actor sees."""
    found = Found()
    every = _matching_series(actor=actor, query=query, study=study, only="")
    for study_row, shown in islice(every, query.offset, query.offset + query.limit):
        row = {**study_row, **_series_row(shown, base)}
        found.rows.append(encode_row(row))
        found.studies[shown.study.id] = shown.study
    return found


def find_instances(
    *, actor: Actor, query: Query, base: str, study: Study | None, series_uid: str
) -> Found:
    """Return the objects that match: of a series, of a study, or of all."""
    found = Found()
    every = _matching_objects(
        actor=actor, query=query, study=study, series_uid=series_uid
    )
    for row, one, thing in islice(every, query.offset, query.offset + query.limit):
        found.rows.append(_instance_json(row, thing, query=query, base=base))
        found.studies[one.id] = one
    return found


def _matching_objects(
    *, actor: Actor, query: Query, study: Study | None, series_uid: str
) -> Iterator[tuple[dict[str, Any], Study, WebObject]]:
    wanted = {
        k: v for k, v in query.filters.items() if k in {"SOPInstanceUID", "SOPClassUID"}
    }
    number = query.filters.get("InstanceNumber", "")
    if number and study is None and "StudyInstanceUID" not in query.filters:
        # Every file would be read for it.
        detail = "InstanceNumber: name the study as well."
        raise Invalid("invalid", detail, field="InstanceNumber")
    for study_row, shown in _matching_series(
        actor=actor, query=query, study=study, only=series_uid
    ):
        above = {} if series_uid else _series_row(shown, "")
        for thing in _objects_in(actor=actor, shown=shown):
            row = {
                "SOPInstanceUID": thing.sop_uid,
                "SOPClassUID": thing.sop_class_uid,
            }
            if not _matches(row, wanted):
                continue
            if number and not _has_number(thing, number):
                continue
            yield {**study_row, **above, **row}, shown.study, thing


def _objects_in(*, actor: Actor, shown: SeriesShown) -> list[WebObject]:
    """Return the objects of a series; one that lists none ends no search."""
    try:
        return objects_of(actor=actor, study=shown.study, series_uid=shown.uid)
    except NotFound:
        return []


def _has_number(thing: WebObject, wanted: str) -> bool:
    try:
        header = metadata_of(content_of(thing), bulk_url="")
    except NotHad:
        return False
    values = header.get("00200013", {}).get("Value", [])
    return wanted in {str(value) for value in values}


def _instance_json(
    row: dict[str, Any], thing: WebObject, *, query: Query, base: str
) -> dict[str, Any]:
    url = object_url(base, thing)
    known = encode_row(
        {
            **row,
            "StudyInstanceUID": thing.study_uid,
            "SeriesInstanceUID": thing.series_uid,
            "InstanceAvailability": "ONLINE",
            "RetrieveURL": url,
        }
    )
    try:
        header = metadata_of(content_of(thing), bulk_url=f"{url}/bulk")
    except NotHad:
        return known
    wanted = header if query.include_all else {*_ALWAYS_OF_FILE, *query.include}
    return {**{tag: header[tag] for tag in wanted if tag in header}, **known}

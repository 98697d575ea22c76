"""What rows of the list show, read in one statement and without the ORM's objects.

A page has a hundred rows of seven tables. Made as model objects they cost more
processor time than everything else of a page together, so they are read as plain
values, ids and times already as the text that goes over the wire. What an action
answers with is read the same way, after it was written: there is one way to a row.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import connection

from apps.accounts.models import User
from apps.annotations.types import DisplayMode
from apps.worklist.models import LISTED, WorkItem
from apps.worklist.types import ON_LIST

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from uuid import UUID


class Line(NamedTuple):
    """One work item with all that its row shows; the same for everybody.

    Ids are UUIDs as text. Times are ISO 8601 in UTC, always with microseconds, days
    are ISO 8601. `series` is there only where some are `withheld`; `n_series` and
    `n_images` count all of them.
    """

    id: str
    site_id: str
    study_id: str
    revision_id: str
    protocol_id: str
    patient: str
    version: int
    reason: str
    state: str
    band: str
    band_source: str
    band_reason: str
    rank_class: int
    sort_at: str
    arrived_at: str
    due_at: str
    deadline_at: str
    ai_state: str
    ai_reason: str
    ai_label: str
    ai_probability: float | None
    ai_threshold: float | None
    ai_acuity: str
    ai_positive: bool
    ai_n_more: int
    ai_model_name: str
    ai_model_version: str
    tier: str
    lease_holder_id: str | None
    lease_since: str | None
    lease_expires_at: str | None
    lease_number: int
    draft_saved_at: str | None
    assignee_id: str | None
    assigned_at: str | None
    site_name: str
    protocol_name: str
    display_mode: str
    patient_name: str
    patient_id: str
    patient_sex: str
    patient_birth_date: str | None
    patient_age_text: str
    study_uid: str
    modality: str
    description: str
    body_part: str
    station: str
    study_date: str | None
    accession_number: str
    revision_number: int
    n_images: int
    n_series: int
    series: list[dict[str, Any]] | None
    withheld: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """Lines in the order asked for.

    Attributes:
        lines: One of each item that is there.
        people: Those whom the lines name, by id as text.
    """

    lines: list[Line]
    people: dict[str, User]


def _iso(column: str) -> str:
    form = 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'
    return f"to_char({column} AT TIME ZONE 'UTC', '{form}')"


# In the order of the fields of `Line`.
_COLUMNS = (
    *("i.id::text", "i.site_id::text", "i.study_id::text"),
    *("c.revision_id::text", "c.protocol_id::text", "s.patient_id::text"),
    *("i.version", "i.reason", "i.state", "i.band", "i.band_source"),
    "coalesce(nullif(i.band_reason_text, ''), i.band_reason_code)",
    *("i.rank_class", _iso("i.sort_at"), _iso("i.arrived_at")),
    *(_iso("i.due_at"), _iso("i.deadline_at")),
    *("i.ai_state", "i.ai_reason", "i.ai_label", "i.ai_probability"),
    *("i.ai_threshold", "i.ai_acuity", "i.ai_positive", "i.ai_n_more"),
    *("i.ai_model_name", "i.ai_model_version", "i.tier"),
    *("i.lease_holder_id::text", _iso("i.lease_since")),
    *(_iso("i.lease_expires_at"), "i.lease_number", _iso("g.saved_at")),
    *("i.assignee_id::text", _iso("i.assigned_at")),
    *("w.name", "p.name", "p.display_mode"),
    *("t.name", "t.patient_id", "t.sex", "t.birth_date::text"),
    *("s.patient_age_text", "s.study_uid", "array_to_string(s.modalities, '/')"),
    *("s.description", "s.body_part", "s.station", "s.study_date::text"),
    *("s.accession_number", "r.number", "r.n_images"),
    "jsonb_array_length(r.series)",
    "CASE WHEN r.withheld <> '[]' THEN r.series END",
    "r.withheld",
)
_READ = f"""
SELECT {", ".join(_COLUMNS)}
FROM unnest(%s::uuid[]) WITH ORDINALITY AS wanted (id, n)
JOIN worklist_workitem i ON i.id = wanted.id
JOIN worklist_case c ON c.id = i.case_id
JOIN studies_studyrevision r ON r.id = c.revision_id
JOIN studies_study s ON s.id = r.study_id
JOIN studies_patient t ON t.id = s.patient_id
JOIN annotations_readingprotocol p ON p.id = c.protocol_id
JOIN accounts_site w ON w.id = i.site_id
LEFT JOIN annotations_reading g ON g.id = i.reading_id
ORDER BY wanted.n
"""  # noqa: S608  columns of ours, values apart


def read_lines(*, ids: Iterable[UUID]) -> Lines:
    """Read the lines of items, in the order of their ids; who may was asked before."""
    wanted = [str(one) for one in ids]
    if not wanted:
        return Lines(lines=[], people={})
    with connection.cursor() as cursor:
        cursor.execute(_READ, [_array(wanted)])
        lines = [_line(row) for row in cursor.fetchall()]
    named = {
        one
        for line in lines
        for one in (line.lease_holder_id, line.assignee_id)
        if one is not None
    }
    users = User.objects.filter(id__in=named) if named else ()
    return Lines(lines=lines, people={str(user.pk): user for user in users})


def listed_lines(*, site_id: UUID, ids: Iterable[UUID]) -> Lines:
    """Read those of the items that are on a site's list; who may see it is known."""
    there = WorkItem.objects.filter(LISTED, site_id=site_id, id__in=list(ids))
    return read_lines(ids=there.values_list("id", flat=True))


def _line(row: Sequence[Any]) -> Line:
    # The driver leaves JSON as text.
    series = json.loads(row[-2]) if row[-2] is not None else None
    return Line._make([*row[:-2], series, json.loads(row[-1])])


class Read(NamedTuple):
    """What decides whether the AI of a work item is shown; ids as text."""

    id: str
    site_id: str
    study_id: str
    revision_id: str
    protocol_id: str
    display_mode: str


_HIDING = """
SELECT i.id::text, i.site_id::text, i.study_id::text, c.revision_id::text,
    c.protocol_id::text, p.display_mode
FROM worklist_workitem i
JOIN worklist_case c ON c.id = i.case_id
JOIN annotations_readingprotocol p ON p.id = c.protocol_id
WHERE i.study_id = ANY(%s::uuid[]) AND i.state = ANY(%s) AND NOT i.withdrawn
    AND p.display_mode <> %s
"""


def reads_hiding_ai(*, study_ids: Iterable[str]) -> list[Read]:
    """Return what is to be read of studies under a protocol that hides the AI.

    Of every kind of work, not the clinical list alone.
    """
    wanted = list(study_ids)
    if not wanted:
        return []
    asked: list[Any] = [_array(wanted), list(ON_LIST), DisplayMode.CONCURRENT.value]
    with connection.cursor() as cursor:
        cursor.execute(_HIDING, asked)
        return [Read._make(row) for row in cursor.fetchall()]


def _array(ids: Iterable[str]) -> str:
    return "{" + ",".join(ids) + "}"


def wire_time(at: datetime) -> str:
    """Return a time as rows have it: such texts stand in the order of the times."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"

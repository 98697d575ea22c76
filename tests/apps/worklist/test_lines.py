"""Rows read as plain values say what the model objects say."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.worklist.lines import lines_of, listed_lines, read_lines, wire_time
from apps.worklist.models import WorkItem
from apps.worklist.selectors import related_items
from apps.worklist.services import lease_item
from tests.factories.domain import (
    actor_for,
    give_ai,
    make_department,
    make_item,
    make_model,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def items(department):
    """Make items that differ in all that a row can be without."""
    make_model(department.site)
    plain, found, held, meant, partly = (
        make_item(department, patient_id=f"L{n}", name=f"Öl, {n}") for n in range(5)
    )
    give_ai(found, probabilities={"233604007": 0.83})
    lease_item(actor=actor_for(department.reader), item_id=held.id)
    WorkItem.objects.filter(id=meant.id).update(
        assignee=department.reader,
        assigned_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        band_reason_code="code",
    )
    revision = partly.case.revision
    revision.withheld = [revision.series[0]["uid"]]
    revision.save()
    patient = plain.case.revision.study.patient
    patient.birth_date = date(1957, 3, 9)
    patient.save()
    return [plain, found, held, meant, partly]


def test_lines_are_the_same_however_they_were_read(items):
    ids = [item.id for item in items]
    loaded = {i.id: i for i in related_items(WorkItem.objects.filter(id__in=ids))}
    read = read_lines(ids=ids)
    assert [line.id for line in read.lines] == [str(one) for one in ids]
    made = lines_of(loaded[one] for one in ids)
    for ours, theirs in zip(read.lines, made.lines, strict=True):
        assert ours._asdict() == theirs._asdict()
    assert read.people == made.people
    assert len(read.people) == 1


def test_lines_come_in_the_order_asked_for_and_missing_ones_are_left_out(items):
    wanted = [items[3].id, items[0].id, items[0].case_id, items[1].id]
    read = read_lines(ids=wanted)
    assert [line.id for line in read.lines] == [str(items[n].id) for n in (3, 0, 1)]
    assert read_lines(ids=[]).lines == []


def test_a_line_costs_no_query_of_its_own(items):
    with CaptureQueriesContext(connection) as few:
        read_lines(ids=[items[0].id])
    with CaptureQueriesContext(connection) as many:
        read_lines(ids=[item.id for item in items])
    assert (len(few), len(many)) == (1, 2)  # the second names people


def test_only_what_is_on_the_list_of_the_site_is_listed(items, department):
    other = make_department(code="other")
    elsewhere = make_item(other)
    gone, done = items[0], items[1]
    WorkItem.objects.filter(id=gone.id).update(withdrawn=True)
    WorkItem.objects.filter(id=done.id).update(state="done")
    ids = [*(item.id for item in items), elsewhere.id]
    found = listed_lines(site_id=department.site.id, ids=ids)
    assert {line.id for line in found.lines} == {str(i.id) for i in items[2:]}


def test_times_as_text_stand_in_the_order_of_times():
    whole = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
    assert wire_time(whole) == "2026-11-21T20:00:00.000000Z"
    zone = timezone(timedelta(hours=2))
    assert wire_time(whole.astimezone(zone)) == wire_time(whole)
    assert wire_time(whole) < wire_time(whole + timedelta(microseconds=1))

"""Rows read as plain values say what the model objects say."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.worklist.lines import Line, listed_lines, read_lines, wire_time
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


def _said_by_objects(item):
    revision, protocol = item.case.revision, item.case.protocol
    study = revision.study
    patient = study.patient
    return Line(
        id=str(item.id),
        site_id=str(item.site_id),
        study_id=str(study.id),
        revision_id=str(revision.id),
        protocol_id=str(protocol.id),
        patient=str(patient.id),
        version=item.version,
        reason=item.reason,
        state=item.state,
        band=item.band,
        band_source=item.band_source,
        band_reason=item.band_reason_text or item.band_reason_code,
        rank_class=item.rank_class,
        sort_at=wire_time(item.sort_at),
        arrived_at=wire_time(item.arrived_at),
        due_at=wire_time(item.due_at),
        deadline_at=wire_time(item.deadline_at),
        ai_state=item.ai_state,
        ai_reason=item.ai_reason,
        ai_label=item.ai_label,
        ai_probability=item.ai_probability,
        ai_threshold=item.ai_threshold,
        ai_acuity=item.ai_acuity,
        ai_positive=item.ai_positive,
        ai_n_more=item.ai_n_more,
        ai_model_name=item.ai_model_name,
        ai_model_version=item.ai_model_version,
        tier=item.tier,
        lease_holder_id=str_or_none(item.lease_holder_id),
        lease_since=time_or_none(item.lease_since),
        lease_expires_at=time_or_none(item.lease_expires_at),
        lease_number=item.lease_number,
        draft_saved_at=time_or_none(item.reading.saved_at) if item.reading else None,
        assignee_id=str_or_none(item.assignee_id),
        assigned_at=time_or_none(item.assigned_at),
        site_name=item.site.name,
        protocol_name=protocol.name,
        display_mode=protocol.display_mode,
        patient_name=patient.name,
        patient_id=patient.patient_id,
        patient_sex=patient.sex,
        patient_birth_date=day_or_none(patient.birth_date),
        patient_age_text=study.patient_age_text,
        study_uid=study.study_uid,
        modality="/".join(study.modalities),
        description=study.description,
        body_part=study.body_part,
        station=study.station,
        study_date=day_or_none(study.study_date),
        accession_number=study.accession_number,
        revision_number=revision.number,
        n_images=revision.n_images,
        n_series=len(revision.series),
        series=revision.series if revision.withheld else None,
        withheld=revision.withheld,
    )


def str_or_none(value):
    return None if value is None else str(value)


def time_or_none(at):
    return None if at is None else wire_time(at)


def day_or_none(day):
    return None if day is None else day.isoformat()


def test_lines_say_what_the_model_objects_say(items, department):
    ids = [item.id for item in items]
    loaded = {i.id: i for i in related_items(WorkItem.objects.filter(id__in=ids))}
    read = read_lines(ids=ids)
    assert [line.id for line in read.lines] == [str(one) for one in ids]
    for line, one in zip(read.lines, ids, strict=True):
        assert line._asdict() == _said_by_objects(loaded[one])._asdict()
    assert read.people == {str(department.reader.pk): department.reader}


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

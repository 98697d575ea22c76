"""Many rows by one statement: each its own values, and nothing else of them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext

from apps.core import clock
from apps.core.rows import update_each
from apps.inference.models import Artefact, Finding, InferenceRun
from apps.inference.types import RunState
from apps.workflow import flow
from apps.worklist.models import WorkItem
from tests.factories.domain import dump_tables, make_item, make_model

pytestmark = pytest.mark.django_db


@pytest.fixture
def runs(department):
    make_model(department.site)
    for _ in range(3):
        flow.request_inference(revision_id=make_item(department).case.revision_id)
    return list(InferenceRun.objects.order_by("id"))


def test_each_row_gets_its_own_values_of_every_kind_by_one_statement(runs):
    made = Artefact.objects.create(sha256="a" * 64, media_type="image/png", size=1)
    first, second, third = runs
    first.state, first.reason = RunState.DONE, 'it\'s "100%" {sure}, \\ and\nso, NULL'
    first.quality = {"verdict": "ok", "values": [1, 2.5, None, "ü"], "%s": {"{": "}"}}
    first.finished_at, first.embedding = clock.now(), made
    second.state, second.quality, second.attempts = "failed", {}, 3
    third.attempts = 30_000
    before = {run.id: InferenceRun.objects.get(id=run.id) for run in runs}
    names = ("state", "reason", "quality", "finished_at", "embedding", "attempts")
    with CaptureQueriesContext(connection) as asked:
        assert update_each(runs, fields=(*names, "updated_at")) == 3
    assert len(asked) == 1
    for run in runs:
        kept = InferenceRun.objects.get(id=run.id)
        assert {n: getattr(kept, n) for n in names} == {
            n: getattr(run, n) for n in names
        }
        assert kept.updated_at > before[run.id].updated_at
        assert kept.created_at == before[run.id].created_at


def test_what_is_not_named_and_who_is_not_given_stays(runs):
    first, second, _ = runs
    for run in runs:
        run.reason, run.device = "changed", "changed"
    update_each([first, second], fields=["reason"])
    found = list(InferenceRun.objects.order_by("id").values_list("reason", "device"))
    assert found == [("changed", ""), ("changed", ""), ("", "")]
    untouched = dump_tables()
    assert update_each([], fields=["reason"]) == 0
    assert dump_tables() == untouched


def test_numbers_times_and_flags_of_a_list_row_and_nothing_where_all_are_empty(
    department,
):
    items = [make_item(department) for _ in range(3)]
    for at, item in enumerate(items):
        item.ai_probability = [0.25, 1.0, None][at]
        item.ai_positive = [True, False, True][at]
        item.sort_at += timedelta(microseconds=at)
        item.ai_threshold = None
        item.version += 2**20 * at
    names = ("ai_probability", "ai_positive", "sort_at", "ai_threshold", "version")
    assert update_each(items, fields=names) == 3
    for item in items:
        kept = WorkItem.objects.get(id=item.id)
        assert [getattr(kept, n) for n in names] == [getattr(item, n) for n in names]


def test_json_of_many_rows_keeps_its_order_and_nothing_is_nothing(department):
    items = [make_item(department) for _ in range(12)]
    revisions = [item.case.revision for item in items]
    for at, revision in enumerate(revisions):
        revision.series = [{"n": at, "words": 'a "b" \\ {c}'}]
        revision.withheld = [] if at % 2 else ["1.2"] * at
    assert update_each(revisions, fields=["series", "withheld"]) == 12
    for revision in revisions:
        kept = type(revision).objects.get(id=revision.id)
        assert (kept.series, kept.withheld) == (revision.series, revision.withheld)


@pytest.mark.parametrize("places", [[{"kind": "box"}, None], [None, None]])
def test_json_that_is_empty_in_some_rows_is_null_there(runs, places):
    made = [
        Finding.objects.create(
            run=run, label_code="x", raw_score=0, probability=0.5, location={"a": 1}
        )
        for run in runs[:2]
    ]
    for finding, place in zip(made, places, strict=True):
        finding.location = place
    update_each(made, fields=["location"])
    for finding, place in zip(made, places, strict=True):
        assert Finding.objects.get(id=finding.id).location == place
        empty = Finding.objects.filter(id=finding.id, location__isnull=True)
        assert empty.exists() == (place is None)


def test_what_the_table_refuses_is_refused(runs):
    runs[1].device = "d" * 81
    with pytest.raises(DatabaseError, match="too long"):
        update_each(runs, fields=["device"])

"""The list's counters: counted once for each change, right whatever is kept."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from redis.exceptions import ConnectionError as RedisAway

from apps.core import clock
from apps.core.realtime import last_sequences
from apps.worklist.listing import Filters
from apps.worklist.models import WorkItem
from apps.worklist.stock import KEPT_S, sum_up, take_stock, total_of
from tests.factories.domain import make_department, make_item

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _empty_cache():
    cache.clear()


@pytest.fixture
def several(department):
    for n in range(6):
        make_item(
            department,
            patient_id=f"S{n}",
            modality="CT" if n % 2 else "DX",
            body_part="HEAD" if n < 4 else "CHEST",
        )
    return department


def stock(*departments, now=None):
    sites = [one.site.id for one in departments]
    return take_stock(sequences=last_sequences(site_ids=sites), now=now or clock.now())


def test_groups_say_what_the_list_has(several):
    bands, facets = sum_up(stock(several))
    assert bands["ROUTINE"].n == 6
    assert bands["ROUTINE"].oldest_arrived_at == min(
        WorkItem.objects.values_list("arrived_at", flat=True)
    )
    assert (facets.modalities, facets.body_parts) == (["CT", "DX"], ["CHEST", "HEAD"])


def test_totals_of_what_groups_tell_apart_need_no_count(several):
    groups = stock(several)
    assert total_of(groups, Filters(modalities=("CT",))) == 3
    assert total_of(groups, Filters(modalities=("CT", "DX"))) == 6
    assert total_of(groups, Filters(modalities=("CT",), body_parts=("HEAD",))) == 2
    assert total_of(groups, Filters(bands=("STAT",))) == 0
    assert total_of(groups, Filters(text="doe")) is None
    assert total_of(groups, Filters(unassigned=True)) is None


def test_a_change_is_counted_and_the_same_state_is_not_counted_twice(several):
    now = clock.now()
    stock(several, now=now)
    with CaptureQueriesContext(connection) as queries:
        kept = stock(several, now=now)
    assert len(queries) == 1  # the sequence numbers
    assert sum(group.n for group in kept) == 6
    make_item(several, patient_id="S9")
    assert sum(group.n for group in stock(several, now=now)) == 7


def test_who_is_late_is_counted_anew_as_time_goes_by(several):
    now = clock.now()
    assert sum(group.late for group in stock(several, now=now)) == 0
    late = WorkItem.objects.order_by("-deadline_at").first().deadline_at
    after = late + timedelta(seconds=KEPT_S)
    groups = stock(several, now=after)
    assert sum(group.late for group in groups) == 6
    assert total_of(groups, Filters(past_deadline_at=after)) == 6


def test_each_site_has_its_own(several):
    other = make_department(code="other")
    make_item(other, patient_id="S1")
    assert sum(group.n for group in stock(several)) == 6
    assert sum(group.n for group in stock(other)) == 1
    assert sum(group.n for group in stock(several, other)) == 7


def test_without_a_cache_the_list_is_counted_each_time(several, monkeypatch):
    def away(*_args, **_kwargs):
        raise RedisAway

    monkeypatch.setattr(cache, "get_many", away)
    monkeypatch.setattr(cache, "set_many", away)
    assert sum(group.n for group in stock(several)) == 6

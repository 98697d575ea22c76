"""A model that flags everything: whoever has the switch hears of it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.accounts.models import Role
from apps.audit.events import Event
from apps.audit.models import AuditRecord
from apps.core import clock
from apps.core.steps import Step
from apps.notifications.models import Notification
from apps.worklist.bands import set_band
from apps.worklist.flood import HISTORY, stat_share
from apps.worklist.models import WorkItem
from tests.factories.domain import (
    actor_for,
    client_for,
    give_ai,
    make_department,
    make_item,
    make_model,
    make_person,
    run_task,
)

pytestmark = pytest.mark.django_db
CRITICAL = {"36118008": 0.95}


@pytest.fixture(autouse=True)
def _broker(monkeypatch):
    """Nothing of these tests leaves the process."""
    monkeypatch.setattr("apps.core.queue._send", lambda *args: None)


@pytest.fixture
def department():
    department = make_department()
    make_model(department.site)
    return department


@pytest.fixture
def lead(department):
    return make_person(site=department.site, role=Role.CLINICAL_LEAD, name="lead")


def arrive(department, n, *, stat, age_s=60):
    items = []
    for _ in range(n):
        uid = f"1.2.{WorkItem.objects.count() + 1}"
        item = make_item(department, study_uid=uid, sop_uids=[f"{uid}.1"], age_s=age_s)
        if stat:
            give_ai(item, probabilities=CRITICAL)
        items.append(item)
    return items


def told(person):
    notices = client_for(person).get("/api/notifications?unread=true").json()
    return [one for one in notices["items"] if one["kind"] == "flood"]


def test_what_is_usual_tells_nobody(department, lead):
    arrive(department, 18, stat=False)
    arrive(department, 4, stat=True)
    run_task(Step.WATCH_STAT_SHARE, {})
    share = stat_share(site_id=department.site.pk)
    assert (share.arrived, share.stat, share.is_flood) == (22, 4, False)
    assert told(lead) == []
    assert not AuditRecord.objects.filter(event=Event.LIST_FLOOD).exists()


def test_a_flood_is_told_once_an_hour_and_is_over_when_it_is_over(department, lead):
    arrive(department, 8, stat=False)
    arrive(department, 12, stat=True)
    for minutes in (0, 5, 10):
        with clock.standing_at(clock.now() + timedelta(minutes=minutes)):
            run_task(Step.WATCH_STAT_SHARE, {})
    [notice] = told(lead)
    assert notice["n"] == 12
    assert notice["title"] == "More STAT by AI than expected"
    assert notice["about"] is None, "it names no patient"
    assert told(department.reader) == []
    [row] = AuditRecord.objects.filter(event=Event.LIST_FLOOD)
    assert row.detail == {
        "arrived": 20,
        "stat": 12,
        "expected_share": 0.1,
        "most_expected": 7,
    }
    with clock.standing_at(clock.now() + timedelta(hours=2)):
        run_task(Step.WATCH_STAT_SHARE, {})
        assert told(lead) == []
    assert Notification.objects.filter(kind="flood").count() == 1


def test_a_department_that_is_used_to_many_is_not_flooded_by_them(department):
    arrive(department, 30, stat=True, age_s=3 * 86400)
    arrive(department, 30, stat=False, age_s=3 * 86400)
    arrive(department, 12, stat=True)
    arrive(department, 8, stat=False)
    share = stat_share(site_id=department.site.pk)
    assert share.expected == pytest.approx((30 + 2) / (60 + 20))
    assert not share.is_flood


def test_neither_people_nor_the_distant_past_count(department, lead):
    arrive(department, 20, stat=True, age_s=HISTORY.total_seconds() + 2 * 3600)
    for item in arrive(department, 12, stat=False):
        set_band(
            actor=actor_for(lead),
            item_id=item.id,
            band="STAT",
            reason_code="clinical_info",
            reason_text="",
        )
    share = stat_share(site_id=department.site.pk)
    assert (share.arrived, share.stat, share.expected) == (12, 0, pytest.approx(0.1))

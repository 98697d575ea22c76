"""A site's deadlines and weights: one action, and the whole list follows."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.accounts.models import Role
from apps.audit.events import Event
from apps.audit.models import AuditRecord
from apps.core.models import Change
from apps.worklist.services import rank_now, set_band
from apps.worklist.site_policy import POLICY
from tests.factories.domain import (
    actor_for,
    client_for,
    give_ai,
    make_department,
    make_item,
    make_model,
    make_person,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _broker(monkeypatch):
    """Nothing of these tests leaves the process."""
    monkeypatch.setattr("apps.core.queue._send", lambda *args: None)


@pytest.fixture
def department():
    department = make_department()
    make_model(department.site)
    return department


def policy_of(client, site):
    return client.get(f"/api/sites/{site.pk}/policy").json()


def put(client, site, **changes):
    body = {**policy_of(client, site), "reason": "winter", **changes}
    address = f"/api/sites/{site.pk}/policy"
    return client.put(address, body, content_type="application/json")


def test_everything_on_the_list_is_ranked_by_the_new_rules(department):
    site = department.site
    lead = make_person(site=site, role=Role.CLINICAL_LEAD, name="lead")
    client = client_for(lead)
    routine = make_item(department, study_uid="1.2.1", sop_uids=["1.2.1.1"], age_s=60)
    urgent = make_item(department, study_uid="1.2.2", sop_uids=["1.2.2.1"])
    give_ai(urgent, probabilities={"233604007": 0.95})
    stat = make_item(department, study_uid="1.2.3", sop_uids=["1.2.3.1"])
    set_band(
        actor=actor_for(lead),
        item_id=stat.id,
        band="STAT",
        reason_code="clinical_info",
        reason_text="",
    )
    answer = put(client, site, stat_deadline_s=600, routine_deadline_s=14400)
    assert answer.status_code == 200
    assert answer.json()["stat_deadline_s"] == 600
    for item in (routine, urgent, stat):
        before = item.version
        item.refresh_from_db()
        item.site.refresh_from_db()
        rank = rank_now(item=item)
        assert item.version > before
        assert (item.sort_at, item.due_at) == (rank.sort_at, rank.due_at)
        assert (item.rank_class, item.band) == (rank.rank_class, rank.band)
    assert stat.deadline_at - stat.arrived_at == timedelta(seconds=600)
    assert routine.deadline_at - routine.arrived_at == timedelta(seconds=14400)
    assert Change.objects.filter(site_id=site.pk).latest("seq").kind == "resync"
    row = AuditRecord.objects.get(event=Event.SITE_CHANGE)
    assert row.detail == {
        "changes": {
            "stat_deadline_s": [1800, 600],
            "routine_deadline_s": [28800, 14400],
        },
        "items": 3,
        "reason": "winter",
    }


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"stat_deadline_s": 7201}, "stat_deadline_s"),
        ({"stat_deadline_s": 59}, "stat_deadline_s"),
        ({"routine_deadline_s": 40 * 86400}, "routine_deadline_s"),
        ({"base_rate": 1.2}, "base_rate"),
        ({"urgent_weight": -0.1}, "urgent_weight"),
        ({"stat_in_a_row": 0}, "stat_in_a_row"),
        ({"reason": " "}, "reason"),
    ],
)
def test_what_cannot_be_is_refused_by_its_name(department, changes, field):
    site = department.site
    client = client_for(make_person(site=site, role=Role.ADMIN, name="adm"))
    before = policy_of(client, site)
    answer = put(client, site, **changes)
    assert answer.status_code == 400
    assert field in str(answer.json())
    assert policy_of(client, site) == before
    assert set(before) == set(POLICY)
    assert not AuditRecord.objects.filter(event=Event.SITE_CHANGE).exists()


def test_the_same_again_changes_and_records_nothing(department):
    site = department.site
    client = client_for(make_person(site=site, role=Role.ADMIN, name="adm"))
    assert put(client, site).status_code == 200
    assert not Change.objects.filter(site_id=site.pk).exists()
    assert not AuditRecord.objects.filter(event=Event.SITE_CHANGE).exists()

"""A site's deadlines and weights: one action, and the whole list follows."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.accounts.models import Role
from apps.audit.events import Event
from apps.audit.models import AuditRecord
from apps.core.models import Change
from apps.worklist.bands import set_band
from apps.worklist.services import rank_now
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
from tests.matrix.people import SIMULATION

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


# --- what the rule does to waiting


def simulated(client, site, **changes):
    body = {**SIMULATION, **changes}
    address = f"/api/sites/{site.pk}/simulation"
    return client.post(address, body, content_type="application/json")


def test_a_lead_sees_what_the_sites_own_rule_does(department):
    site = department.site
    client = client_for(make_person(site=site, role=Role.CLINICAL_LEAD, name="lead"))
    said = simulated(client, site, arrivals=[4.5] * 24).json()
    assert said["load"] == pytest.approx(0.75)
    rules = said["rules"]
    assert set(rules) == {
        *("fifo", "strict", "accumulating", "overread", "overread_ai_off")
    }
    ill = {rule: groups["diseased"]["mean"]["value"] for rule, groups in rules.items()}
    assert ill["overread"] < 0.7 * ill["fifo"]
    assert ill["overread_ai_off"] > ill["overread"]
    for groups in rules.values():
        waits = groups["diseased"]
        assert waits["mean"]["low"] < waits["mean"]["value"] < waits["mean"]["high"]
        assert waits["mean"]["value"] < waits["p99"]["value"] <= waits["longest"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"arrivals": [9.0] * 24}, "readers: 216 studies a day"),
        ({"readers": [1] * 23}, "24"),
        ({"ai": {**SIMULATION["ai"], "sensitivity": 1.5}}, "sensitivity"),
        ({"arrivals": None}, "arrivals"),
    ],
)
def test_a_department_that_cannot_be_says_why(department, changes, words):
    site = department.site
    client = client_for(make_person(site=site, role=Role.CLINICAL_LEAD, name="lead"))
    answer = simulated(client, site, **changes)
    assert answer.status_code == 400
    assert words in str(answer.json())


def test_the_arrivals_are_the_sites_own(department):
    site = department.site
    client = client_for(make_person(site=site, role=Role.CLINICAL_LEAD, name="lead"))
    for n in range(28):
        make_item(
            department, study_uid=f"1.9.{n}", sop_uids=[f"1.9.{n}.1"], age_s=86400 * n
        )
    known = client.get(f"/api/sites/{site.pk}/simulation").json()
    assert sum(known["arrivals"]) == pytest.approx(1.0)
    answer = simulated(client, site, arrivals=None, readers=[1] * 24)
    assert answer.status_code == 400, "null is no list"
    body = {key: value for key, value in SIMULATION.items() if key != "arrivals"}
    address = f"/api/sites/{site.pk}/simulation"
    said = client.post(address, body, content_type="application/json").json()
    assert said["arrivals"] == known["arrivals"]

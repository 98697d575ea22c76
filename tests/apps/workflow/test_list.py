"""The list over REST: order, pages, filters, bands, the off-switch, bad input."""

from __future__ import annotations

import random
from datetime import timedelta
from uuid import uuid4

import pytest

from apps.accounts.models import Role
from apps.audit.models import AuditRecord
from apps.core import clock
from apps.worklist.models import WorkItem
from apps.worklist.priority import SitePolicy, compute_rank
from apps.worklist.services import lease_item
from tests.factories.domain import (
    actor_for,
    client_for,
    give_ai,
    make_department,
    make_item,
    make_model,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(department):
    return client_for(department.reader)


@pytest.fixture
def lead(department):
    return client_for(department.person(Role.CLINICAL_LEAD))


def listed(client, query="", **more):
    answer = client.get(f"/api/worklist?{query}", more)
    assert answer.status_code == 200, answer.content
    return answer.json()


def ids(page):
    return [row["id"] for row in page["items"]]


def walk(client, query, limit, between=lambda: None):
    """Follow the cursors to the end."""
    rows, cursor = [], ""
    while True:
        page = listed(client, f"{query}&limit={limit}&cursor={cursor}")
        rows += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return rows
        between()


# --- pages


@pytest.mark.parametrize("limit", [1, 3, 7, 25, 200])
def test_pages_are_exact_where_everything_ties(department, client, limit):
    items = [make_item(department) for _ in range(25)]
    same = clock.now()
    WorkItem.objects.update(sort_at=same, arrived_at=same, due_at=same)
    rows = walk(client, "", limit)
    assert [row["id"] for row in rows] == sorted(str(item.id) for item in items)
    assert [row["rank"] for row in rows] == list(range(1, 26))


def test_what_comes_in_between_pages_moves_no_row_out_of_them(department, client):
    start = [make_item(department, age_s=n * 10) for n in range(20)]
    seed = random.Random(1)  # noqa: S311  a repeatable order

    def meanwhile():
        make_item(department, age_s=seed.choice([1, 105, 5000]))

    rows = walk(client, "", 4, between=meanwhile)
    found = [row["id"] for row in rows]
    assert len(found) == len(set(found)), "no row twice"
    assert {str(item.id) for item in start} <= set(found), "no row left out"
    keys = [row["sort_key"] for row in rows]
    assert keys == sorted(keys)


def test_the_rank_of_a_filtered_row_is_its_place_in_the_whole_list(department, client):
    for n in range(6):
        make_item(department, age_s=100 - n, modality="CT" if n % 2 else "DX")
    everything = {row["id"]: row["rank"] for row in listed(client)["items"]}
    page = listed(client, "modality=CT")
    assert page["total"] == 3
    for row in page["items"]:
        assert row["rank"] == everything[row["id"]]
        assert row["rank_total"] == 6
        alone = client.get(f"/api/worklist/items/{row['id']}").json()
        why = client.get(f"/api/worklist/items/{row['id']}/why").json()
        assert alone["rank"] == why["rank"] == row["rank"]
    assert sorted(everything.values()) == [1, 2, 3, 4, 5, 6]


def test_two_sites_make_one_list_that_one_may_limit_to_a_site(department):
    south = make_department("south")
    reader = department.reader
    reader.memberships.create(site=south.site, role=Role.RADIOLOGIST)
    here = make_item(department, age_s=50)
    there = make_item(south, age_s=100)
    client = client_for(reader)
    assert ids(listed(client)) == [str(there.id), str(here.id)]
    page = listed(client, f"site={south.site.id}")
    assert ids(page) == [str(there.id)]
    assert set(page["seq"]) == {str(department.site.id), str(south.site.id)}


# --- filters


@pytest.fixture
def mixed(department):
    """Name → item: one of each kind."""
    make_model(department.site)
    items = {
        "film": make_item(department, name="Alpha, Ann", patient_id="PID-77"),
        "ct": make_item(department, modality="CT", body_part="HEAD", name="Beta, Bo"),
        "late": make_item(department, age_s=90_000, name="Gamma, Gil"),
        "mine": make_item(department, name="Delta, Di"),
    }
    give_ai(items["film"])
    lease_item(actor=actor_for(department.reader), item_id=items["mine"].id)
    return items


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", "late film mine ct"),
        ("band=PRIORITY", "film"),
        ("band=PRIORITY&band=ROUTINE", "late film mine ct"),
        ("band=STAT", ""),
        ("modality=CT", "ct"),
        ("modality=CT&modality=DX", "late film mine ct"),
        ("body_part=HEAD", "ct"),
        ("ai=done", "film"),
        ("ai=done&ai=pending", "late film mine ct"),
        ("state=leased", "mine"),
        ("state=done", ""),
        ("mine=true", "mine"),
        ("past_deadline=1", "late"),
        ("q=alpha", "film"),
        ("q=PID-77", "film"),
        ("q=ann+alpha", "film"),
        ("q=ann+beta", ""),
        ("q=pneumonia", "film"),
        ("q=%25", ""),
        ("q=+++", "late film mine ct"),
        ("band=PRIORITY&modality=CT", ""),
    ],
)
def test_filters(mixed, client, query, names):
    page = listed(client, query)
    found = {str(item.id): name for name, item in mixed.items()}
    assert {found[i] for i in ids(page)} == set(names.split())
    assert page["total"] == len(names.split())


def test_bands_and_facets_count_the_whole_list(mixed, client):
    page = listed(client, "modality=CT")
    assert page["bands"]["PRIORITY"]["n"] == 1
    assert page["bands"]["ROUTINE"] == {
        "n": 3,
        "oldest_arrived_at": page["bands"]["ROUTINE"]["oldest_arrived_at"],
        "past_deadline": 1,
    }
    assert page["bands"]["STAT"] == {
        "n": 0,
        "oldest_arrived_at": None,
        "past_deadline": 0,
    }
    assert page["facets"] == {"modality": ["CT", "DX"], "body_part": ["CHEST", "HEAD"]}


def test_one_audit_event_names_the_patients_of_a_page(mixed, client):
    listed(client, "limit=2")
    event = AuditRecord.objects.filter(event="worklist:list").latest("id")
    assert len(event.patients) == 2
    assert event.actor_name.startswith("reader")


@pytest.mark.parametrize(
    "query",
    [
        "site=north",
        "site=%00",
        "limit=0",
        "limit=201",
        "limit=-1",
        "limit=x",
        "limit=%C2%B2",
        "limit=" + "9" * 5000,
        "cursor=forged",
        "cursor=%00",
    ],
)
def test_a_bad_query_is_told_which_field(client, query):
    answer = client.get(f"/api/worklist?{query}")
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith(query.split("=")[0])


@pytest.mark.parametrize("name", ["q", "band", "modality", "ai", "state", "body_part"])
def test_a_nul_in_the_query_is_no_500(client, name):
    assert client.get(f"/api/worklist?{name}=%00").status_code in {200, 400}


@pytest.mark.parametrize(
    "body", ["[]", "1", "null", '"x"', "{", "{}", '{"content": 3}']
)
@pytest.mark.parametrize("path", ["reading", "sign"])
def test_a_body_that_is_no_reading_is_400(department, client, body, path):
    item = make_item(department)
    client.post(f"/api/worklist/items/{item.id}/lease")
    call = client.put if path == "reading" else client.post
    for version in ('"0"', "0", 'W/"0"'):
        answer = call(
            f"/api/worklist/items/{item.id}/{path}",
            body,
            content_type="application/json",
            headers={"If-Match": version},
        )
        assert answer.status_code == 400, answer.content
        assert set(answer.json()) >= {"code", "detail"}


@pytest.mark.parametrize("version", ["x", "²", "-1", "9" * 5000, '"0'])
def test_an_if_match_that_is_no_version_is_400(department, client, version):
    item = make_item(department)
    client.post(f"/api/worklist/items/{item.id}/lease")
    answer = client.put(
        f"/api/worklist/items/{item.id}/reading",
        {"content": {}},
        content_type="application/json",
        headers={"If-Match": version},
    )
    assert answer.status_code in {400, 200} if version == '"0' else 400


# --- bands


def set_band(client, item, **body):
    return client.post(
        f"/api/worklist/items/{item.id}/band", body, content_type="application/json"
    )


class TestBand:
    def test_it_overrides_the_ai_upwards_and_downwards(self, department, client):
        make_model(department.site)
        item = make_item(department)
        give_ai(item, probabilities={"36118008": 0.99})
        item.refresh_from_db()
        assert (item.band, item.band_source, item.rank_class) == ("STAT", "ai", 1)
        row = set_band(client, item, band="ROUTINE", reason_code="ai_wrong").json()
        assert (row["band"], row["band_source"]) == ("ROUTINE", "clinician")
        event = AuditRecord.objects.get(event="item:band")
        assert event.detail["before"] == "STAT"
        assert event.detail["after"] == "ROUTINE"
        assert event.detail["override"] is True
        assert event.patients == [item.case.revision.study.patient_id]
        row = set_band(client, item, band="STAT", reason_code="patient_waiting").json()
        item.refresh_from_db()
        assert (row["band"], item.rank_class) == ("STAT", 0)
        again = AuditRecord.objects.filter(event="item:band").latest("id")
        assert again.detail["override"] is False

    def test_what_the_ai_says_later_moves_it_no_more(self, department, client):
        make_model(department.site)
        item = make_item(department)
        set_band(client, item, band="ROUTINE", reason_code="already_known")
        item.refresh_from_db()
        before = (item.band, item.rank_class, item.sort_at)
        give_ai(item, probabilities={"36118008": 0.99})
        assert (item.band, item.rank_class, item.sort_at) == before
        why = client.get(f"/api/worklist/items/{item.id}/why").json()
        assert why["probability_source"] == "clinician"
        assert why["band_reason"] == "Already known or treated"
        assert any("set by a clinician" in line for line in why["rule"])

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"band": "URGENT", "reason_code": "clinical_info"}, "band"),
            ({"band": "STAT", "reason_code": "because"}, "reason_code"),
            ({"band": "STAT", "reason_code": "other"}, "reason_text"),
            (
                {"band": "STAT", "reason_code": "other", "reason_text": " "},
                "reason_text",
            ),
            ({"band": "STAT"}, "reason_code"),
            ({}, "band"),
        ],
    )
    def test_it_needs_a_band_and_a_reason(self, department, client, body, field):
        item = make_item(department)
        answer = set_band(client, item, **body)
        assert answer.status_code == 400
        assert field in answer.json()["detail"]
        item.refresh_from_db()
        assert item.clinician_band == ""

    def test_what_is_off_the_list_has_no_band_to_set(self, department, client):
        item = make_item(department)
        WorkItem.objects.update(state="cancelled")
        answer = set_band(client, item, band="STAT", reason_code="clinical_info")
        assert (answer.status_code, answer.json()["code"]) == (409, "not_open")

    def test_a_new_revision_keeps_a_clinicians_band_even_of_a_leased_item(
        self, department, client
    ):
        item = make_item(department, study_uid="1.2.3", sop_uids=["1.2.3.1"], age_s=99)
        set_band(client, item, band="STAT", reason_code="patient_waiting")
        client.post(f"/api/worklist/items/{item.id}/lease")
        new = make_item(department, study_uid="1.2.3", sop_uids=["1.2.3.1", "1.2.3.2"])
        item.refresh_from_db()
        assert (item.state, item.band) == ("leased", "STAT")
        assert (new.band, new.band_source) == ("STAT", "clinician")
        assert new.arrived_at == item.arrived_at
        client.delete(f"/api/worklist/items/{item.id}/lease")
        item.refresh_from_db()
        assert item.state == "cancelled"
        assert ids(listed(client)) == [str(new.id)]

    def test_a_leased_older_revision_is_still_signed(self, department, client):
        item = make_item(department, study_uid="1.2.3", sop_uids=["1.2.3.1"])
        client.post(f"/api/worklist/items/{item.id}/lease")
        new = make_item(department, study_uid="1.2.3", sop_uids=["1.2.3.1", "1.2.3.2"])
        answer = client.post(
            f"/api/worklist/items/{item.id}/sign",
            {"content": {"impression": "x"}},
            content_type="application/json",
            headers={"If-Match": '"0"'},
        )
        assert answer.status_code == 200
        assert answer.json()["next"]["id"] == str(new.id)


# --- the off-switch


class TestOffSwitch:
    def switch(self, client, department, *, enabled, reason="the model misbehaves"):
        return client.post(
            f"/api/sites/{department.site.id}/ai-ordering",
            {"enabled": enabled, "reason": reason},
            content_type="application/json",
        )

    def test_off_is_first_in_first_out_within_the_clinicians_bands(
        self, department, client, lead
    ):
        make_model(department.site)
        oldest = make_item(department, age_s=500)
        stat = make_item(department, age_s=10)
        raised = make_item(department, age_s=300)
        priority = make_item(department, age_s=20)
        youngest = make_item(department, age_s=1)
        give_ai(raised, probabilities={"36118008": 0.99})
        set_band(client, stat, band="STAT", reason_code="clinical_info")
        set_band(client, priority, band="PRIORITY", reason_code="clinical_info")
        on = ids(listed(client))
        assert on[:2] == [str(stat.id), str(raised.id)]

        assert self.switch(lead, department, enabled=False).json() == {"enabled": False}
        page = listed(client)
        order = [stat, priority, oldest, raised, youngest]
        assert ids(page) == [str(item.id) for item in order]
        assert page["ai_ordering"] == {str(department.site.id): False}
        assert page["items"][3]["band"] == "ROUTINE"
        new = make_item(department)
        assert ids(listed(client))[-1] == str(new.id)

        self.switch(lead, department, enabled=True)
        assert ids(listed(client))[:5] == on

    def test_every_stored_key_is_what_the_rule_gives(self, department, client, lead):
        make_model(department.site)
        for n in range(6):
            item = make_item(department, age_s=n * 50)
            if n % 2:
                give_ai(item, probabilities={"233604007": n / 6})
        for enabled in (False, True):
            self.switch(lead, department, enabled=enabled)
            policy = SitePolicy(ai_ordering=enabled)
            for item in WorkItem.objects.filter(ai_state="pending"):
                rank = compute_rank(arrived_at=item.arrived_at, policy=policy)
                assert (item.rank_class, item.sort_at) == (
                    rank.rank_class,
                    rank.sort_at,
                )

    def test_twice_is_once_and_on_the_record(self, department, lead):
        make_item(department)
        for _ in range(2):
            self.switch(lead, department, enabled=False)
        [event] = AuditRecord.objects.filter(event="ai:switch")
        assert event.detail == {
            "enabled": False,
            "reason": "the model misbehaves",
            "items": 1,
        }

    def test_it_needs_a_reason_and_the_right_person(self, department, client, lead):
        assert (
            self.switch(lead, department, enabled=False, reason=" ").status_code == 400
        )
        assert self.switch(client, department, enabled=False).status_code == 403
        south = make_department("south")
        assert self.switch(lead, south, enabled=False).status_code == 404
        south.site.refresh_from_db()
        assert south.site.ai_ordering is True


# --- why here


def test_why_here_names_the_neighbours_and_the_place_without_ai(department, client):
    make_model(department.site)
    first = make_item(department, age_s=4000)
    mine = make_item(department, age_s=1000)
    last = make_item(department, age_s=10)
    give_ai(mine, probabilities={"233604007": 0.95})
    why = client.get(f"/api/worklist/items/{mine.id}/why").json()
    assert (why["rank"], why["band"], why["acuity"]) == (1, "PRIORITY", "urgent")
    assert why["neighbours"]["above"] is None
    assert why["neighbours"]["below"]["id"] == str(first.id)
    assert why["without_ai"]["rank"] == 2
    assert why["model"] == {"name": "paediatric-pneumonia", "version": "1.0.0"}
    below = client.get(f"/api/worklist/items/{last.id}/why").json()
    assert (below["rank"], below["probability_source"]) == (3, "base_rate")
    assert below["neighbours"]["above"]["id"] == str(first.id)
    assert below["allowance_s"] == pytest.approx(28800 - 21600 * 0.1 * 0.7)


def test_what_is_not_there_is_404(client):
    for path in ("", "/why", "/ai", "/reading"):
        assert client.get(f"/api/worklist/items/{uuid4()}{path}").status_code == 404


def test_a_deadline_passes_without_moving_anything(department, client, monkeypatch):
    items = [make_item(department, age_s=n * 10) for n in range(4)]
    before = ids(listed(client))
    later = clock.now() + timedelta(days=2)
    monkeypatch.setattr(clock, "now", lambda: later)
    page = listed(client)
    assert ids(page) == before
    assert page["bands"]["ROUTINE"]["past_deadline"] == len(items)

"""The worklist page over REST: windows, order within bands, views, assigning."""

from __future__ import annotations

import itertools
import random
import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Role
from apps.audit.models import AuditRecord
from apps.core import clock
from apps.core.models import Change
from apps.core.presence import note_presence
from apps.core.realtime import last_seq
from apps.workflow import flow
from apps.workflow.lists.serializers import WindowSerializer
from apps.worklist.listed import MODALITIES, SORTED, WORDS
from apps.worklist.models import WorkItem
from apps.worklist.saved_views import PLAIN
from apps.worklist.services import lease_item, relist_study
from apps.worklist.taking import peek_next, take_next
from tests.factories.domain import (
    actor_for,
    client_for,
    give_ai,
    make_department,
    make_header,
    make_item,
    make_model,
    make_person,
    make_protocol,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(department):
    return client_for(department.reader)


@pytest.fixture
def lead(department):
    return client_for(department.person(Role.CLINICAL_LEAD))


def post(client, path, body=None, status=200):
    answer = client.post(f"/api/{path}", body or {}, content_type="application/json")
    assert answer.status_code == status, answer.content
    return answer.json()


def window(client, **body):
    return post(client, "worklist/window", body)


def ids(page):
    return [row["id"] for row in page["items"]]


def place(row, sort=None):
    """Say where a row stands, as the browser does."""
    rank_class, sort_at, arrived_at, item = row["sort_key"]
    values = {
        "waiting": row["arrived_at"],
        "deadline": row["deadline_at"],
        "patient": row["patient"]["name"],
        "study": row["study"]["description"],
        "modality": row["study"]["modality"],
        "body_part": row["study"]["body_part"],
        "ai": row["ai"]["probability"] if row["ai"]["state"] == "done" else -1,
    }
    return {
        "rank_class": rank_class,
        "sort_at": sort_at,
        "arrived_at": arrived_at,
        "id": item,
        "band": row["band"],
        "value": str(values[sort["by"]]) if sort else "",
    }


@pytest.fixture
def many(department):
    """Make two dozen items of all bands, with names that tie and differ in case."""
    make_model(department.site, input={"modalities": ["CT", "DX"]})
    names = ["Ödön, A", "adler, B", "Adler, b", "Zorn, C", "zorn, c", "Ärger, D"]
    items = []
    for n in range(24):
        item = make_item(
            department,
            age_s=60 * ((n * 7) % 24),
            name=f"{names[n % 6]}{n // 12}",
            patient_id=f"P{n}",
            modality="CT" if n % 3 else "DX",
            description=f"Study {n % 4}",
            body_part="HEAD" if n % 5 else "CHEST",
        )
        if n % 4 == 0:
            give_ai(item, probabilities={"233604007": 0.5 + n / 60})
        if n % 7 == 0:
            give_ai(item, probabilities={"36118008": 0.9})
        items.append(item)
    return items


SORTS = [
    None,
    *(
        {"by": by, "descending": descending}
        for by, descending in itertools.product(
            ("waiting", "deadline", "patient", "study", "modality", "body_part", "ai"),
            (False, True),
        )
    ),
]


@pytest.mark.parametrize("sort", SORTS, ids=str)
def test_windows_join_without_gap_in_both_directions(many, client, sort):
    whole = window(client, limit=200, sort=sort)["items"]
    assert len(whole) == len(many)
    down, edge = [], None
    while True:
        page = window(client, limit=5, sort=sort, after=edge)
        down += page["items"]
        if not page["more"]:
            break
        edge = place(down[-1], sort)
    assert [row["id"] for row in down] == [row["id"] for row in whole]
    up, edge = [], place(whole[-1], sort)
    while True:
        page = window(client, limit=5, sort=sort, before=edge)
        up = page["items"] + up
        if not page["more"]:
            break
        edge = place(up[0], sort)
    assert [row["id"] for row in up] == [row["id"] for row in whole[:-1]]
    middle = window(client, limit=6, sort=sort, at=9)
    assert ids(middle) == [row["id"] for row in whole[9:15]]


@pytest.mark.parametrize("sort", SORTS[1:], ids=str)
def test_no_sort_ever_breaks_the_order_of_the_bands(many, client, sort):
    rows = window(client, limit=200, sort=sort)["items"]
    bands = [row["band"] for row in rows]
    assert bands == sorted(bands, key=["STAT", "PRIORITY", "ROUTINE"].index)
    assert set(bands) >= {"STAT", "ROUTINE"}
    for _, group in itertools.groupby(rows, key=lambda row: row["band"]):
        values = [place(row, sort)["value"].lower() for row in group]
        if sort["by"] == "ai":
            values = [float(value) for value in values]
        assert values == sorted(values, reverse=sort["descending"])


def test_the_rank_of_a_sorted_row_stays_its_place_in_the_whole_list(many, client):
    ranks = {row["id"]: row["rank"] for row in window(client, limit=200)["items"]}
    assert sorted(ranks.values()) == list(range(1, len(many) + 1))
    for body in (
        {"sort": {"by": "patient", "descending": True}},
        {"filters": {"modality": ["DX"]}},
    ):
        for row in window(client, limit=200, **body)["items"]:
            assert row["rank"] == ranks[row["id"]]


@pytest.mark.usefixtures("many")
def test_rows_have_the_shape_that_the_schema_says(client):
    page = window(client, limit=3, counts=True)
    assert set(WindowSerializer().fields) == set(page)
    shown = client.get("/api/worklist?limit=3").json()
    total = page["counts"]["rank_total"]
    assert page["items"] == shown["items"]
    assert all(row["rank_total"] == total for row in page["items"])
    assert page["counts"]["bands"] == shown["bands"]
    assert page["counts"]["facets"] == shown["facets"]


@pytest.mark.usefixtures("many")
def test_counts_come_when_asked_for(client):
    assert window(client)["counts"] is None
    counts = window(client, counts=True, filters={"modality": ["DX"]})["counts"]
    assert (counts["total"], counts["rank_total"]) == (8, 24)
    assert sum(band["n"] for band in counts["bands"].values()) == 24
    assert counts["facets"] == {
        "modality": ["CT", "DX"],
        "body_part": ["CHEST", "HEAD"],
    }
    alone = post(client, "worklist/summary", {"filters": {"modality": ["DX"]}})
    assert alone["counts"] == counts


def test_a_page_costs_the_same_queries_however_long_the_list(department, client):
    window(client)  # the first request of a session also marks it as used
    sizes = {}
    for wanted in (3, 12, 40):
        while WorkItem.objects.count() < wanted:
            make_item(department, patient_id=f"N{WorkItem.objects.count()}")
        for name, body in {
            "plain": {"counts": True},
            "narrow": {"counts": True, "filters": {"q": "doe", "modality": ["DX"]}},
            "sorted": {"sort": {"by": "patient"}},
            "ai": {"sort": {"by": "ai"}, "filters": {"ai": ["pending"]}},
        }.items():
            cache.clear()  # what is kept for seconds is counted each time
            with CaptureQueriesContext(
                connection,
            ) as queries:
                window(client, limit=200, **body)
            sizes.setdefault(name, set()).add(len(queries))
        cache.clear()
        with CaptureQueriesContext(connection) as queries:
            client.get("/api/worklist?limit=200")
        sizes.setdefault("page", set()).add(len(queries))
        cache.clear()
        with CaptureQueriesContext(connection) as queries:
            post(client, "worklist/summary")
        sizes.setdefault("summary", set()).add(len(queries))
    assert {name: len(found) for name, found in sizes.items()} == dict.fromkeys(
        sizes, 1
    )
    assert max(max(found) for found in sizes.values()) <= 20


def test_what_the_ai_says_of_a_blinded_item_neither_sorts_nor_filters(
    department, client
):
    make_model(department.site)
    blind = make_protocol(department, "after_commit")
    hidden = make_item(department, protocol=blind, age_s=10)
    shown = make_item(department, age_s=20)
    give_ai(hidden, probabilities={"233604007": 0.69})
    give_ai(shown, probabilities={"233604007": 0.1})
    sort = {"by": "ai", "descending": True}
    assert ids(window(client, sort=sort)) == [str(shown.id), str(hidden.id)]
    assert ids(window(client, filters={"ai": ["done"]})) == [str(shown.id)]
    assert ids(window(client, filters={"ai": ["blinded"]})) == [str(hidden.id)]
    assert ids(window(client, filters={"q": "pneumonia"})) == [str(shown.id)]


def test_another_read_without_ai_hides_a_study_from_filters_and_order(
    department, client
):
    make_model(department.site)
    item = make_item(department)
    give_ai(item, probabilities={"233604007": 0.6})
    assert ids(window(client, filters={"ai": ["done"]})) == [str(item.id)]
    blind = make_protocol(department, "none")
    case = item.case
    case.pk, case.protocol = uuid4(), blind
    case.save(force_insert=True)
    other = WorkItem.objects.get(id=item.id)
    other.pk, other.case, other.shows_ai = uuid4(), case, False
    other.save(force_insert=True)
    assert ids(window(client, filters={"ai": ["done"]})) == []
    assert ids(window(client, filters={"q": "pneumonia"})) == []


@pytest.mark.parametrize("by", ["patient", "study", "modality", "body_part", "ai"])
@pytest.mark.parametrize("filters", [{}, {"q": "doe", "modality": ["DX"]}])
def test_a_sorted_page_reads_the_index_of_the_list_alone(client, many, by, filters):
    sort = {"by": by, "descending": True}
    with CaptureQueriesContext(connection) as queries:
        window(client, sort=sort, filters=filters)
    [page] = [one["sql"] for one in queries if "ROW_NUMBER()" in one["sql"]]
    read = set(re.findall(r'"worklist_workitem"\."(\w+)"', page))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = 'item_list'::regclass"
        )
        there = {row[0] for row in cursor.fetchall()}
    # Its condition says the rest: what is on the list.
    assert read <= there | {"reason", "withdrawn"}


def test_names_sort_by_their_first_letters_and_equal_ones_by_rank(department, client):
    start = "Überlang" * 5
    late = make_item(department, name=f"{start}A", patient_id="L", age_s=10)
    early = make_item(department, name=f"{start}B", patient_id="E", age_s=99)
    first = make_item(department, name="Anton", patient_id="A", age_s=1)
    sort = {"by": "patient"}
    rows = window(client, sort=sort)["items"]
    assert ids({"items": rows}) == [str(i.id) for i in (first, early, late)]
    key = dict(
        zip(
            ("rank_class", "sort_at", "arrived_at", "id"),
            rows[1]["sort_key"],
            strict=True,
        )
    )
    after = {**key, "band": rows[1]["band"], "value": rows[1]["patient"]["name"]}
    assert ids(window(client, sort=sort, after=after)) == [str(late.id)]


def test_the_longest_names_still_fit_an_entry_of_the_index(department):
    draw = random.Random(4)  # noqa: S311  letters
    odd = "".join(chr(draw.randrange(0x20000, 0x2A6D0)) for _ in range(400))
    item = make_item(department, name=odd[:64], patient_id="L", description=odd[:64])
    WorkItem.objects.filter(id=item.id).update(
        list_patient=odd[:SORTED],
        list_study=odd[50 : 50 + SORTED],
        list_modality="/".join(f"M{n:02}" for n in range(MODALITIES))[:SORTED],
        list_modalities=[f"MODALITY{n:08}" for n in range(MODALITIES)],
        list_body_part=odd[:16],
        list_words=odd[:WORDS],
        ai_label=("Pneumothorax, under tension " * 5)[:120],
    )
    assert WorkItem.objects.filter(list_words=odd[:WORDS]).count() == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 201}, "limit"),
        ({"at": -1}, "at"),
        ({"sort": {"by": "rank"}}, "by"),
        ({"filters": {"band": ["URGENT"]}}, "URGENT"),
        ({"filters": {"assignee": "somebody"}}, "assignee"),
        ({"filters": {"q": "\x00"}}, "q"),
        ({"after": {"id": "x"}}, "id"),
    ],
)
def test_a_strange_question_is_told_what_is_wrong(client, body, field):
    answer = client.post("/api/worklist/window", body, content_type="application/json")
    assert answer.status_code == 400
    assert field in answer.json()["detail"]


def test_a_window_is_audited_with_the_patients_it_names(many, client):
    window(client, limit=5)
    event = AuditRecord.objects.filter(event="worklist:list").latest("id")
    assert len(event.patients) == 5
    post(client, "worklist/summary")
    assert AuditRecord.objects.latest("id").id == event.id, "a summary names nobody"


def test_the_list_follows_when_a_study_is_described_anew(department, client):
    item = make_item(department, description="Chest", study_uid="1.2.3")
    study = item.study
    study.description = "Chest, lateral"
    study.save()
    assert relist_study(study_id=study.id) == 1
    assert relist_study(study_id=study.id) == 0
    assert ids(window(client, filters={"q": "lateral"})) == [str(item.id)]
    item.refresh_from_db()
    assert item.version == 2


# --- saved views


def view(**change):
    return {"name": "Night", "filters": {}, "columns": list(PLAIN), **change}


class TestViews:
    def test_a_persons_view_comes_back_to_that_person_alone(self, department, client):
        kept = post(
            client,
            "worklist/views",
            view(
                filters={"past_deadline": True, "modality": ["CT"]},
                sort={"by": "waiting", "descending": True},
                columns=["rank", "band", "waiting", "site"],
                is_default=True,
            ),
            201,
        )
        answer = client.get("/api/worklist/views").json()
        assert answer["items"] == [kept]
        assert answer["default"] == kept["id"]
        assert kept["filters"]["past_deadline"] is True
        assert kept["filters"]["band"] == []
        assert kept["sort"] == {"by": "waiting", "descending": True}
        other = client_for(
            make_person(site=department.site, role=Role.RADIOLOGIST, name="o")
        )
        assert other.get("/api/worklist/views").json()["items"] == []
        assert other.delete(f"/api/worklist/views/{kept['id']}").status_code == 404

    def test_the_same_name_replaces(self, client):
        first = post(client, "worklist/views", view(), 201)
        second = post(client, "worklist/views", view(filters={"mine": True}), 201)
        assert first["id"] == second["id"]
        [only] = client.get("/api/worklist/views").json()["items"]
        assert only["filters"]["mine"] is True

    def test_a_lead_shares_with_a_site_and_nobody_elses(self, department, client, lead):
        site = str(department.site.id)
        post(client, "worklist/views", view(site=site), 403)
        shared = post(lead, "worklist/views", view(site=site, is_default=True), 201)
        answer = client.get("/api/worklist/views").json()
        assert answer["items"] == [{**shared, "may_delete": False}]
        assert (answer["default"], answer["share_at"]) == (shared["id"], [])
        assert client.delete(f"/api/worklist/views/{shared['id']}").status_code == 403
        mine = post(client, "worklist/views", view(name="Mine", is_default=True), 201)
        assert client.get("/api/worklist/views").json()["default"] == mine["id"]
        far = make_department("south")
        post(lead, "worklist/views", view(site=str(far.site.id)), 404)
        assert client_for(far.reader).get("/api/worklist/views").json()["items"] == []
        assert lead.delete(f"/api/worklist/views/{shared['id']}").status_code == 204
        [event] = AuditRecord.objects.filter(event="view:delete")
        assert event.site_id == department.site.id

    def test_what_was_searched_for_is_not_shared(self, department, lead):
        body = view(site=str(department.site.id), filters={"q": "Doe"})
        post(lead, "worklist/views", body, 400)
        assert post(lead, "worklist/views", view(filters={"q": "Doe"}), 201)

    @pytest.mark.parametrize(
        "columns",
        [
            ["rank"],
            ["rank", "band", "waiting", "nose"],
            ["rank", "rank", "band", "waiting"],
        ],
    )
    def test_columns_are_known_ones_and_urgency_always_shows(self, client, columns):
        post(client, "worklist/views", view(columns=columns), 400)
        answer = client.put(
            "/api/worklist/settings",
            {"columns": columns, "compact": False},
            content_type="application/json",
        )
        assert answer.status_code == 400

    def test_columns_are_kept_for_the_person(self, client):
        settings = {"columns": ["waiting", "rank", "band", "site"], "compact": True}
        for _ in range(2):
            answer = client.put(
                "/api/worklist/settings", settings, content_type="application/json"
            )
            assert answer.json() == settings
        assert client.get("/api/worklist/views").json()["settings"] == settings


# --- assigning


class TestAssign:
    def assign(self, client, items, to, status=200):
        body = {"items": [str(item.id) for item in items], "to": to and str(to.pk)}
        return post(client, "worklist/assignments", body, status)

    def test_a_lead_assigns_and_undoes_once(self, department, client, lead):
        items = [make_item(department) for _ in range(3)]
        reader = department.reader
        done = self.assign(lead, items, reader)
        assert done["refused"] == []
        assert {row["assignee"]["person"]["id"] for row in done["items"]} == {
            str(reader.pk)
        }
        events = AuditRecord.objects.filter(event="item:assign")
        assert {event.object_id for event in events} == {item.id for item in items}
        for event in events:
            assert len(event.patients) == len(event.studies) == 1
            assert event.site_id == department.site.id
            assert event.detail == {
                "to": str(reader.pk),
                "before": None,
                "batch": done["batch"],
            }
        mine = window(client, filters={"mine": True})["items"]
        assert len(mine) == 3
        assert all(row["assignee"]["mine"] for row in mine)
        assert window(client, filters={"assignee": "nobody"})["items"] == []
        back = post(lead, f"worklist/assignments/{done['batch']}/undo")
        assert all(row["assignee"] is None for row in back["items"])
        post(lead, f"worklist/assignments/{done['batch']}/undo", status=409)
        undone = AuditRecord.objects.filter(event="item:assign_undo")
        assert {event.detail["to"] for event in undone} == {None}
        assert undone.count() == 3

    def test_many_cost_as_many_statements_as_few(self, department, client, lead):
        counts = []
        for n in (1, 2, 12):  # the first warms what is kept of a session
            items = [make_item(department) for _ in range(n)]
            before = last_seq(site_id=department.site.id)
            with CaptureQueriesContext(connection) as queries:
                done = self.assign(lead, items, department.reader)
            counts.append(len(queries))
            with CaptureQueriesContext(connection) as queries:
                post(lead, f"worklist/assignments/{done['batch']}/undo")
            counts.append(len(queries))
            # The sockets are told of each, as if it had been saved alone.
            told = Change.objects.filter(site_id=department.site.id, seq__gt=before)
            numbers = list(told.order_by("seq").values_list("seq", flat=True))
            assert numbers == list(range(before + 1, before + 2 * n + 1))
            assert set(told.values_list("object_id", flat=True)) == {
                item.id for item in items
            }
            versions = WorkItem.objects.filter(id__in=[item.id for item in items])
            assert set(versions.values_list("version", flat=True)) == {3}
        assert counts[2:4] == counts[4:]

    def test_the_list_says_for_whom_it_is(self, department, client, lead):
        url = "/api/worklist/assignees"
        assert client.get(url).json() == {"items": []}
        other = make_person(site=department.site, role=Role.RADIOLOGIST, name="other")
        for_me, for_other, done = (make_item(department) for _ in range(3))
        self.assign(lead, [for_me, done], department.reader)
        self.assign(lead, [for_other], other)
        WorkItem.objects.filter(id=done.id).update(state="done")
        people = client.get(url).json()["items"]
        assert {one["id"]: one["assigned"] for one in people} == {
            str(department.reader.pk): 1,
            str(other.pk): 1,
        }
        for person, item in ((department.reader, for_me), (other, for_other)):
            found = window(client, filters={"assignee": str(person.pk)})
            assert ids(found) == [str(item.id)]
        assert client_for(make_department("south").reader).get(url).json() == {
            "items": []
        }

    def test_what_cannot_be_is_listed_and_the_rest_is_done(self, department, lead):
        other = make_person(site=department.site, role=Role.RADIOLOGIST, name="other")
        free, read, signed, gone = (make_item(department) for _ in range(4))
        far = make_item(make_department("south"))
        lease_item(actor=actor_for(department.reader), item_id=read.id)
        WorkItem.objects.filter(id=signed.id).update(state="done")
        WorkItem.objects.filter(id=gone.id).update(withdrawn=True)
        done = self.assign(lead, [free, read, signed, gone, far], other)
        assert [row["id"] for row in done["items"]] == [str(free.id)]
        assert {one["id"]: one["code"] for one in done["refused"]} == {
            str(read.id): "leased",
            str(signed.id): "not_open",
            str(gone.id): "not_open",
            str(far.id): "not_found",
        }
        assert all(one["detail"] for one in done["refused"])

    def test_undo_leaves_what_somebody_assigned_since(self, department, lead):
        other = make_person(site=department.site, role=Role.RADIOLOGIST, name="other")
        kept, moved = make_item(department), make_item(department)
        first = self.assign(lead, [kept, moved], department.reader)
        self.assign(lead, [moved], other)
        back = post(lead, f"worklist/assignments/{first['batch']}/undo")
        assert [row["id"] for row in back["items"]] == [str(kept.id)]
        assert [one["code"] for one in back["refused"]] == ["changed"]
        moved.refresh_from_db()
        assert moved.assignee_id == other.pk

    def test_only_to_who_reads_there_and_only_by_a_lead(self, department, client, lead):
        item = make_item(department)
        far = make_department("south")
        self.assign(lead, [item], far.reader, 400)
        self.assign(lead, [item], department.person(Role.ANNOTATOR), 400)
        self.assign(client, [item], department.reader, 403)

    def test_a_reader_of_one_of_two_sites_gets_only_that_sites(self, department, lead):
        far = make_department("south")
        boss = department.person(Role.CLINICAL_LEAD, name="boss")
        boss.memberships.create(site=far.site, role=Role.CLINICAL_LEAD)
        here, there = make_item(department), make_item(far)
        done = self.assign(client_for(boss), [here, there], department.reader)
        assert [row["id"] for row in done["items"]] == [str(here.id)]
        assert done["refused"][0]["code"] == "not_here"

    def test_nobody_waits_for_an_absent_colleague(self, department, lead):
        other = make_person(site=department.site, role=Role.RADIOLOGIST, name="other")
        item = make_item(department, age_s=100)
        self.assign(lead, [item], other)
        reader = actor_for(department.reader)
        assert take_next(actor=reader, site_ids=[]) is None
        WorkItem.objects.update(deadline_at=clock.now() - timedelta(seconds=1))
        assert take_next(actor=reader, site_ids=[]).id == item.id

    @pytest.mark.parametrize("gone", ["closed", "no longer a reader here"])
    def test_nobody_waits_for_a_colleague_who_has_left(self, department, lead, gone):
        other = make_person(site=department.site, role=Role.RADIOLOGIST, name="other")
        item = make_item(department, age_s=100)
        self.assign(lead, [item], other)
        reader = actor_for(department.reader)
        assert peek_next(actor=reader) is None
        if gone == "closed":
            other.is_active = False
            other.save()
        else:
            other.memberships.update(role=Role.CLINICAL_LEAD)
        assert peek_next(actor=reader) == item.id
        assert take_next(actor=reader, site_ids=[]).id == item.id

    def test_ones_own_are_taken_by_rank(self, department, lead):
        first, second = make_item(department, age_s=50), make_item(department, age_s=10)
        self.assign(lead, [second], department.reader)
        reader = actor_for(department.reader)
        taken = [take_next(actor=reader, site_ids=[]).id for _ in range(2)]
        assert taken == [first.id, second.id]

    def test_a_new_revision_is_for_the_same_reader(self, department, lead):
        item = make_item(department, study_uid="1.2.3", sop_uids=["1.2.3.1"])
        self.assign(lead, [item], department.reader)
        new = make_item(department, study_uid="1.2.3", sop_uids=["1.2.3.1", "1.2.3.2"])
        assert new.assignee_id == department.reader.pk

    def test_readers_are_listed_with_what_they_have(self, department, lead):
        self.assign(lead, [make_item(department)], department.reader)
        note_presence(user_id=department.reader.pk)
        [reader] = lead.get("/api/worklist/readers").json()["items"]
        assert reader["sites"] == [str(department.site.id)]
        assert (reader["assigned"], reader["reading"], reader["here"]) == (1, 0, True)


def test_colleagues_are_seen_at_ones_own_sites_only(department, client):
    other = make_person(site=department.site, role=Role.RADIOLOGIST, name="other")
    far = make_department("south")
    for person in (other, far.reader, department.reader):
        note_presence(user_id=person.pk)
    lease_item(actor=actor_for(other), item_id=make_item(department).id)
    [one] = post(client, "worklist/summary")["people"]
    assert (one["id"], one["reading"]) == (str(other.pk), 1)


def test_flow_keeps_the_list_in_step_with_the_study(department, client, monkeypatch):
    item = make_item(department, study_uid="1.2.3", description="Chest")
    header = make_header(department, study_uid="1.2.3", description="Thorax")

    class Archive:
        def study_header(self, archive_id):
            return header

    monkeypatch.setattr(flow, "archive", Archive)
    flow.take_study(archive_id=header.orthanc_id)
    assert ids(window(client, filters={"q": "thorax"})) == [str(item.id)]

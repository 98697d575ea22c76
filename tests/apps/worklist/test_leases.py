"""Who gets an item: races with real threads and transactions, leases, fairness."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection, transaction

from apps.accounts.models import Role, User
from apps.accounts.types import SYSTEM
from apps.audit.models import AuditRecord
from apps.core import clock
from apps.core.errors import Conflict, DomainError, Forbidden, PreconditionFailed
from apps.workflow import desk, flow
from apps.worklist.bands import set_band
from apps.worklist.models import WorkItem
from apps.worklist.services import (
    expire_lease,
    lease_item,
    release_lease,
    renew_lease,
)
from apps.worklist.taking import peek_next, take_next
from tests.factories.domain import (
    actor_for,
    client_for,
    make_department,
    make_header,
    make_item,
    make_person,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from apps.accounts.types import Actor

ROUNDS = 200


@pytest.fixture
def race() -> Iterator[Callable[..., list[Any]]]:
    """Run calls at one moment, each in a thread, connection and transaction of its own.

    A refusal is returned, not raised.
    """
    pools: dict[int, ThreadPoolExecutor] = {}

    def at_once(*calls: Callable[[], Any]) -> list[Any]:
        barrier = Barrier(len(calls))

        def one(call: Callable[[], Any]) -> Any:
            barrier.wait()
            try:
                return call()
            except DomainError as error:
                return error

        pool = pools.setdefault(len(calls), ThreadPoolExecutor(len(calls)))
        return list(pool.map(one, calls))

    yield at_once
    for size in pools:
        at_once(*[lambda: connection.close()] * size)
        pools[size].shutdown()


@pytest.fixture
def item(department):
    return make_item(department)


@pytest.fixture
def two(department) -> tuple[Actor, Actor]:
    other = make_person(site=department.site, role=Role.RADIOLOGIST, name="other")
    return actor_for(department.reader), actor_for(other)


@pytest.mark.django_db(transaction=True)
def test_two_readers_race_for_a_study_two_hundred_times(department, item, two, race):
    names = {actor.user_id: actor.display_name for actor in two}
    wins = dict.fromkeys(names, 0)
    for number in range(ROUNDS):
        WorkItem.objects.filter(id=item.id).update(
            state="open", lease_holder=None, lease_since=None, lease_expires_at=None
        )
        before = WorkItem.objects.get(id=item.id).version
        out = race(*(lambda a=a: lease_item(actor=a, item_id=item.id) for a in two))
        losers = [o for o in out if isinstance(o, Conflict)]
        winners = [o for o in out if isinstance(o, WorkItem)]
        assert (len(winners), len(losers)) == (1, 1), f"round {number}: {out}"
        row = WorkItem.objects.get(id=item.id)
        assert row.lease_holder_id == winners[0].lease_holder_id
        assert row.reading.reader_id == row.lease_holder_id
        assert row.version == before + 1, "the loser wrote nothing"
        said = losers[0]
        assert (said.code, said.status) == ("leased", 409)
        assert said.extra["holder"]["id"] == str(row.lease_holder_id)
        assert said.extra["holder"]["display_name"] == names[row.lease_holder_id]
        assert said.extra["since"] == row.lease_since.isoformat()
        assert said.extra["expires_at"] == row.lease_expires_at.isoformat()
        wins[row.lease_holder_id] += 1
    assert sum(wins.values()) == ROUNDS
    leases = AuditRecord.objects.filter(event="item:lease").count()
    assert leases == ROUNDS


@pytest.mark.django_db(transaction=True)
def test_the_loser_is_told_over_rest_who_and_since_when(department, item, two):
    client_for(department.reader).post(f"/api/worklist/items/{item.id}/lease")
    other = make_person(site=department.site, role=Role.RADIOLOGIST, name="third")
    told = client_for(other).post(f"/api/worklist/items/{item.id}/lease")
    assert told.status_code == 409
    body = told.json()
    assert body["code"] == "leased"
    assert body["holder"]["display_name"] == department.reader.display_name
    assert body["holder"]["initials"] == department.reader.initials
    assert body["since"]
    assert department.reader.display_name in body["detail"]


@pytest.mark.django_db(transaction=True)
def test_take_next_under_eight_threads_hands_out_distinct_items(department, race):
    readers = [
        actor_for(
            make_person(site=department.site, role=Role.RADIOLOGIST, name=f"r{n}")
        )
        for n in range(8)
    ]
    items = {make_item(department, age_s=n).id for n in range(24)}
    taken = []
    for _ in range(4):
        taken += race(*(lambda a=a: take_next(actor=a, site_ids=[]) for a in readers))
    given = [t.id for t in taken if isinstance(t, WorkItem)]
    assert len(given) == len(set(given)) == 24
    assert set(given) == items
    assert sum(t is None for t in taken) == 8
    for t in filter(None, taken):
        row = WorkItem.objects.get(id=t.id)
        assert row.lease_holder_id == t.lease_holder_id


@pytest.mark.django_db(transaction=True)
def test_two_windows_save_one_draft_and_one_learns_of_the_other(
    department, item, two, race
):
    mine = two[0]
    lease_item(actor=mine, item_id=item.id)
    for version in range(15):

        def save(text: str, version: int = version) -> dict[str, Any]:
            return desk.save_reading(
                actor=mine,
                item_id=item.id,
                expected_version=version,
                raw={"impression": text},
            )

        out = race(lambda: save("left"), lambda: save("right"))
        [saved] = [o for o in out if isinstance(o, dict)]
        [refused] = [o for o in out if isinstance(o, PreconditionFailed)]
        assert refused.status == 412
        assert saved["version"] == version + 1
        current = refused.extra["current"]
        assert current["version"] == version + 1
        assert current["content"] == saved["content"]
        row = WorkItem.objects.get(id=item.id).reading
        assert row.content["impression"] == saved["content"]["impression"]


@pytest.mark.django_db(transaction=True)
def test_one_study_registered_by_five_at_once_is_there_once(department, race):
    header = make_header(department, study_uid="1.2.3.4.5")
    for _ in range(3):
        out = race(*[lambda: flow_register(header)] * 5)
        assert not [o for o in out if isinstance(o, Exception)], out
    assert WorkItem.objects.count() == 1
    events = list(AuditRecord.objects.values_list("event", flat=True))
    assert events.count("study:register") == events.count("item:place") == 1


@pytest.mark.django_db(transaction=True)
def test_studies_of_one_patient_at_once_share_the_patient(department, race):
    headers = [
        make_header(department, study_uid=f"1.2.3.{n}", patient_id="P-9")
        for n in range(5)
    ]
    race(*(lambda h=h: flow_register(h) for h in headers))
    patients = WorkItem.objects.values_list("case__revision__study__patient")
    assert len(patients) == 5
    assert len(set(patients)) == 1


def flow_register(header: Any) -> None:
    with transaction.atomic():
        outcome = flow.register_study(actor=SYSTEM, header=header)
        flow.place_revision(revision_id=outcome.revision_id)


# --- leases in time


@pytest.fixture
def now(monkeypatch):
    """Move the clock: `now(seconds)`."""
    start = clock.now()
    state = {"s": 0.0}
    monkeypatch.setattr(clock, "now", lambda: start + timedelta(seconds=state["s"]))

    def move(seconds: float) -> None:
        state["s"] += seconds

    return move


@pytest.mark.django_db
class TestLease:
    def test_the_holder_may_take_it_again_and_keeps_since_and_draft(
        self, item, two, now
    ):
        first = lease_item(actor=two[0], item_id=item.id)
        now(60)
        again = lease_item(actor=two[0], item_id=item.id)
        assert again.lease_since == first.lease_since
        assert again.lease_expires_at == first.lease_expires_at + timedelta(seconds=60)
        assert again.reading_id == first.reading_id

    def test_it_is_renewed_by_its_holder_only(self, item, two, now):
        lease_item(actor=two[0], item_id=item.id)
        now(200)
        renew_lease(actor=two[0], item_id=item.id)
        now(200)
        with pytest.raises(Conflict, match="leased"):
            lease_item(actor=two[1], item_id=item.id)
        with pytest.raises(Conflict) as caught:
            renew_lease(actor=two[1], item_id=item.id)
        assert caught.value.code == "lease_lost"
        assert caught.value.extra["holder"]["display_name"] == two[0].display_name

    def test_it_runs_out_and_the_draft_stays(self, item, two, now):
        first = lease_item(actor=two[0], item_id=item.id)
        desk.save_reading(
            actor=two[0], item_id=item.id, expected_version=0, raw={"impression": "x"}
        )
        assert expire_lease(actor=SYSTEM, item_id=item.id) is False
        now(301)
        assert flow.expired_leases(now=clock.now(), limit=9) == [item.id]
        assert expire_lease(actor=SYSTEM, item_id=item.id) is True
        assert expire_lease(actor=SYSTEM, item_id=item.id) is False
        item.refresh_from_db()
        assert (item.state, item.lease_holder) == ("open", None)
        again = lease_item(actor=two[0], item_id=item.id)
        assert again.reading_id == first.reading_id
        assert again.reading.content["impression"] == "x"

    def test_one_that_ran_out_still_lets_its_holder_save_until_another_takes_it(
        self, item, two, now
    ):
        lease_item(actor=two[0], item_id=item.id)
        now(301)
        desk.save_reading(
            actor=two[0], item_id=item.id, expected_version=0, raw={"impression": "x"}
        )
        taken = lease_item(actor=two[1], item_id=item.id)
        assert taken.reading.reader_id == two[1].user_id
        assert taken.reading.content["impression"] == ""
        with pytest.raises(Conflict) as caught:
            desk.save_reading(
                actor=two[0],
                item_id=item.id,
                expected_version=1,
                raw={"impression": "y"},
            )
        assert caught.value.code == "lease_lost"

    def test_giving_back_what_one_does_not_hold_changes_nothing(self, item, two):
        lease_item(actor=two[0], item_id=item.id)
        release_lease(actor=two[1], item_id=item.id)
        item.refresh_from_db()
        assert item.state == "leased"
        release_lease(actor=two[0], item_id=item.id)
        release_lease(actor=two[0], item_id=item.id)
        item.refresh_from_db()
        assert item.state == "open"
        events = list(AuditRecord.objects.values_list("event", flat=True))
        assert events.count("item:release") == 1

    def test_the_late_last_word_of_a_page_leaves_what_was_taken_again_since(
        self, item, two
    ):
        first = lease_item(actor=two[0], item_id=item.id).lease_number
        again = lease_item(actor=two[0], item_id=item.id).lease_number
        release_lease(actor=two[0], item_id=item.id, number=first)
        renewed = renew_lease(actor=two[0], item_id=item.id)
        assert renewed.lease_number == again
        release_lease(actor=two[0], item_id=item.id, number=again)
        item.refresh_from_db()
        assert item.state == "open"

    def test_the_address_names_which_taking_is_given_back(self, item, two):
        client = client_for(User.objects.get(id=two[0].user_id))
        path = f"/api/worklist/items/{item.id}/lease"
        first = client.post(path).json()["lease"]["number"]
        again = client.post(path).json()["lease"]["number"]
        assert client.delete(f"{path}?number={first}").status_code == 204
        assert client.put(path).json()["lease"]["number"] == again
        assert client.delete(f"{path}?number=x").status_code == 400
        assert client.delete(f"{path}?number={again}").status_code == 204
        assert client.put(path).status_code == 409

    def test_what_is_done_is_not_leased_again(self, item, two):
        lease_item(actor=two[0], item_id=item.id)
        flow.sign_item(
            actor=two[0], item_id=item.id, expected_version=0, raw={"impression": "n"}
        )
        with pytest.raises(Conflict) as caught:
            lease_item(actor=two[1], item_id=item.id)
        assert caught.value.code == "not_open"

    def test_a_reader_of_another_site_learns_nothing(self, item):
        stranger = make_department("south").reader
        answer = client_for(stranger).post(f"/api/worklist/items/{item.id}/lease")
        assert answer.status_code == 404
        assert set(answer.json()) == {"code", "detail"}


# --- take next


@pytest.mark.django_db
class TestTakeNext:
    def _stat(self, department, n, *, age_s):
        items = [make_item(department, age_s=age_s + i) for i in range(n)]
        for item in items:
            set_band(
                actor=actor_for(department.reader),
                item_id=item.id,
                band="STAT",
                reason_code="clinical_info",
                reason_text="",
            )
        return items

    def test_after_three_stats_in_a_row_the_most_overdue_comes(self, department, two):
        self._stat(department, 6, age_s=10)
        late = make_item(department, age_s=40_000)
        later = make_item(department, age_s=50_000)
        bands = []
        given = []
        for _ in range(8):
            taken = take_next(actor=two[0], site_ids=[])
            bands.append(taken.band)
            given.append(taken.id)
        assert bands == ["STAT"] * 3 + ["ROUTINE"] + ["STAT"] * 3 + ["ROUTINE"]
        assert given[3] == later.id
        assert given[7] == late.id
        assert take_next(actor=two[0], site_ids=[]) is None

    def test_what_is_not_overdue_waits_for_all_stats(self, department, two):
        stats = self._stat(department, 5, age_s=10)
        make_item(department, age_s=10)
        given = [take_next(actor=two[0], site_ids=[]) for _ in range(6)]
        assert [g.band for g in given] == ["STAT"] * 5 + ["ROUTINE"]
        assert {g.id for g in given[:5]} == {s.id for s in stats}

    def test_what_comes_next_is_what_was_announced(self, department, two):
        self._stat(department, 4, age_s=10)
        make_item(department, age_s=40_000)
        for _ in range(5):
            announced = peek_next(actor=two[0])
            assert take_next(actor=two[0], site_ids=[]).id == announced

    def test_only_sites_one_reads_at(self, department, two):
        south = make_department("south")
        make_item(south)
        assert take_next(actor=two[0], site_ids=[]) is None
        with pytest.raises(Forbidden):
            take_next(actor=two[0], site_ids=[south.site.id])

    def test_over_rest_nothing_free_is_204(self, department):
        client = client_for(department.reader)
        path = "/api/worklist/take-next"
        assert client.post(path, {}, content_type="application/json").status_code == 204
        item = make_item(department)
        body = client.post(path, {}, content_type="application/json").json()
        assert body["item"]["id"] == str(item.id)
        assert body["lease"]["mine"] is True
        assert body["reading"]["version"] == 0

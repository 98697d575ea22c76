"""The live list: `apply(old, events) == snapshot()`, and who is told what."""

from __future__ import annotations

import random
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connection

from apps.accounts.models import Membership, Role
from apps.accounts.types import SYSTEM
from apps.audit.models import AuditRecord
from apps.core.models import Change
from apps.core.realtime import last_seq, prune_changes
from apps.inference.explanations import MAX_ATTEMPTS, record_explanation
from apps.inference.models import Explanation
from apps.studies.models import Patient
from apps.workflow import flow
from apps.workflow.consumers import CLOSE_NO_WORKLIST, CLOSE_NOT_LOGGED_IN
from apps.workflow.visibility import shown_findings
from apps.worklist.bands import set_band
from apps.worklist.models import WorkItem
from apps.worklist.services import (
    lease_item,
    release_lease,
)
from apps.worklist.site_policy import set_ai_ordering
from portal.asgi import application
from tests.factories.domain import (
    Department,
    actor_for,
    client_for,
    give_ai,
    make_department,
    make_item,
    make_model,
    make_person,
    make_protocol,
)
from tests.fakes.browser_socket import BrowserSocket
from workers.contracts import InferResult

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from django.test import Client

    from apps.annotations.models import ReadingProtocol

pytestmark = pytest.mark.django_db(transaction=True)

Rows = dict[str, dict[str, Any]]
PLACED_BY_CLIENT = ("rank", "rank_total")
"""An event does not say these: they follow from the order of all rows."""


@pytest.fixture(autouse=True)
def _broker(monkeypatch):
    """Nothing of these tests leaves the process."""
    monkeypatch.setattr("apps.core.queue._send", lambda *args: None)


@pytest.fixture(autouse=True)
async def _let_go_of_the_database():
    yield
    await sync_to_async(lambda: connection.close())()


# --- a client, as the browser is one


def bare(row: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in row.items() if k not in PLACED_BY_CLIENT}


def apply(rows: Rows, events: list[dict[str, Any]]) -> Rows:
    """Bring a list up to date: an upsert by version."""
    out = dict(rows)
    for event in events:
        item = event["item"]
        if item is None:
            out.pop(event["id"], None)
        elif event["id"] not in out or out[event["id"]]["version"] <= item["version"]:
            out[event["id"]] = bare(item)
    return out


def in_order(rows: Rows) -> list[dict[str, Any]]:
    return sorted(rows.values(), key=lambda row: row["sort_key"])


def snapshot(client: Client) -> tuple[Rows, dict[str, int], list[str]]:
    """Return rows by id, sequence numbers and the order of a REST list."""
    page = client.get("/api/worklist?limit=200").json()
    rows = {row["id"]: bare(row) for row in page["items"]}
    assert [row["rank"] for row in page["items"]] == list(range(1, len(rows) + 1))
    return rows, page["seq"], [row["id"] for row in page["items"]]


@asynccontextmanager
async def socket(client: Client | None) -> AsyncIterator[BrowserSocket]:
    headers = [(b"origin", b"http://testserver")]
    if client is not None:
        key = client.cookies[settings.SESSION_COOKIE_NAME].value
        cookie = f"{settings.SESSION_COOKIE_NAME}={key}"
        headers.append((b"cookie", cookie.encode()))
    communicator = BrowserSocket(application, "/ws/worklist", headers=headers)
    await communicator.connect()
    try:
        yield communicator
    finally:
        await communicator.disconnect()


class Follower:
    """A browser that took a snapshot and follows its socket."""

    def __init__(self, communicator: BrowserSocket, client: Client) -> None:
        self.communicator, self.client = communicator, client
        self.rows: Rows = {}
        self.seq: dict[str, int] = {}
        self.resyncs: list[str] = []
        self.seen: list[int] = []

    async def begin(self, rows: Rows | None = None, seq: Any = None) -> None:
        if rows is None:
            self.rows, self.seq, _ = await sync_to_async(snapshot)(self.client)
        else:
            self.rows, self.seq = dict(rows), dict(seq)
        await self.communicator.send_json({"type": "subscribe", "since": self.seq})

    async def catch_up(self, site: str, until: int) -> None:
        while self.seq[site] < until:
            await self.take(await self.communicator.receive_json())

    async def take(self, message: dict[str, Any]) -> None:
        if message["type"] == "resync":
            self.resyncs.append(message["reason"])
            await self.begin()
        elif message["type"] == "events":
            for event in message["events"]:
                at = self.seq[event["site"]]
                if event["seq"] > at:
                    assert event["seq"] == at + 1, "gap-free"
                    self.seq[event["site"]] = event["seq"]
                    self.seen.append(event["seq"])
            self.rows = apply(self.rows, message["events"])


# --- what people and models do to a list


class Ward:
    """One department at work, in random steps."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311  a repeatable story
        self.department: Department = make_department()
        site = self.department.site
        make_model(site)
        self.readers = [
            actor_for(self.department.reader),
            actor_for(make_person(site=site, role=Role.RADIOLOGIST, name="other")),
        ]
        self.lead = actor_for(
            make_person(site=site, role=Role.CLINICAL_LEAD, name="lead")
        )
        self.blind = make_protocol(self.department, "after_commit")
        self.uids: list[str] = []

    def step(self) -> str:
        verb = self.random.choice(
            ["place", "place", "ai", "ai", "lease", "release", "band", "sign", "late"]
        )
        getattr(self, verb)()
        return verb

    def place(self) -> None:
        uid = f"1.2.{len(self.uids) + 1}"
        self.uids.append(uid)
        blind = self.random.random() < 0.2
        make_item(
            self.department,
            study_uid=uid,
            sop_uids=[f"{uid}.1"],
            age_s=self.random.choice([0, 60, 60, 5000]),
            protocol=self.blind if blind else None,
        )

    def late(self) -> None:
        if self.uids:
            uid = self.random.choice(self.uids)
            sops = [f"{uid}.{n}" for n in range(1, self.random.randint(2, 4) + 1)]
            make_item(self.department, study_uid=uid, sop_uids=sops)

    def _any(self, **where: Any) -> WorkItem | None:
        found = list(WorkItem.objects.filter(**where).order_by("id"))
        return self.random.choice(found) if found else None

    def ai(self) -> None:
        item = self._any(state__in=["open", "leased"], ai_state="pending")
        if item is not None:
            codes = {"233604007": self.random.random(), "36118008": 0.6}
            if self.random.random() < 0.7:
                del codes["36118008"]
            give_ai(item, probabilities=codes)

    def lease(self) -> None:
        item = self._any(state="open")
        if item is not None:
            lease_item(actor=self.random.choice(self.readers), item_id=item.id)

    def _holder(self, item: WorkItem) -> Any:
        return next(a for a in self.readers if a.user_id == item.lease_holder_id)

    def release(self) -> None:
        item = self._any(state="leased")
        if item is not None:
            release_lease(actor=self._holder(item), item_id=item.id)

    def band(self) -> None:
        item = self._any(state__in=["open", "leased"])
        if item is not None:
            set_band(
                actor=self.lead,
                item_id=item.id,
                band=self.random.choice(["STAT", "PRIORITY", "ROUTINE"]),
                reason_code="clinical_info",
                reason_text="",
            )

    def sign(self) -> None:
        item = self._any(state="leased")
        if item is not None:
            actor = self._holder(item)
            if item.case.protocol_id == self.blind.id:
                flow.commit_item(
                    actor=actor,
                    item_id=item.id,
                    expected_version=item.reading.version,
                    raw={},
                )
                item = WorkItem.objects.get(id=item.id)
            shown = shown_findings(actor=actor, item=item)
            flow.sign_item(
                actor=actor,
                item_id=item.id,
                expected_version=item.reading.version,
                raw={"verdicts": {key: {"verdict": "accept"} for key in shown}},
            )

    def switch(self) -> None:
        self.department.site.refresh_from_db()
        set_ai_ordering(
            actor=self.lead,
            site_id=self.department.site.id,
            enabled=not self.department.site.ai_ordering,
            reason="a test",
        )


async def test_what_the_socket_sends_makes_the_snapshot():
    ward = await sync_to_async(Ward)(7)
    client = await sync_to_async(client_for)(ward.department.reader)
    site = str(ward.department.site.id)
    async with socket(client) as communicator:
        follower = Follower(communicator, client)
        await follower.begin()
        for number in range(1, 121):
            await sync_to_async(ward.switch if number % 40 == 0 else ward.step)()
            if number % 6 == 0:
                rows, seq, order = await sync_to_async(snapshot)(client)
                await follower.catch_up(site, seq[site])
                assert follower.rows == rows, f"after step {number}"
                assert [row["id"] for row in in_order(follower.rows)] == order
    assert follower.resyncs == ["the order of the whole list changed"] * 3
    assert len(follower.seen) > 60


async def test_a_read_without_ai_hides_and_gives_back_the_ai_of_its_studys_rows():
    ward = await sync_to_async(Ward)(1)
    other = ward.readers[1]
    client = await sync_to_async(client_for)(ward.department.reader)
    site = str(ward.department.site.id)

    def place(*sops: str, blind: bool) -> WorkItem:
        item: WorkItem = make_item(
            ward.department,
            study_uid="1.2.1",
            sop_uids=list(sops),
            protocol=ward.blind if blind else None,
        )
        return item

    def sign(item: WorkItem) -> None:
        flow.commit_item(
            actor=other, item_id=item.id, expected_version=item.reading.version, raw={}
        )
        item.refresh_from_db()
        flow.sign_item(
            actor=other, item_id=item.id, expected_version=item.reading.version, raw={}
        )

    blind = await sync_to_async(place)("1.2.1.1", blind=True)
    blind = await sync_to_async(lease_item)(actor=other, item_id=blind.id)
    async with socket(client) as communicator:
        follower = Follower(communicator, client)
        await follower.begin()
        shown = await sync_to_async(place)("1.2.1.1", "1.2.1.2", blind=False)
        for verb, state in (
            (None, "blinded"),
            (partial(sign, blind), "pending"),
            (partial(place, "1.2.1.1", "1.2.1.2", "1.2.1.3", blind=True), None),
        ):
            if verb is not None:
                await sync_to_async(verb)()
            rows, seq, _ = await sync_to_async(snapshot)(client)
            await follower.catch_up(site, seq[site])
            assert follower.rows == rows
            row = rows.get(str(shown.id))
            assert (row["ai"]["state"] if row else None) == state


async def test_one_resumes_from_any_number():
    ward = await sync_to_async(Ward)(11)
    client = await sync_to_async(client_for)(ward.department.reader)
    site = str(ward.department.site.id)
    past = [await sync_to_async(snapshot)(client)]
    for _ in range(60):
        await sync_to_async(ward.step)()
        past.append(await sync_to_async(snapshot)(client))
    rows, seq, _ = past[-1]
    for old, since, _ in past[::6]:
        async with socket(client) as communicator:
            follower = Follower(communicator, client)
            await follower.begin(old, since)
            await follower.catch_up(site, seq[site])
            assert follower.rows == rows
            assert follower.resyncs == []
            assert follower.seen == list(range(since[site] + 1, seq[site] + 1))


async def test_who_is_too_far_behind_takes_the_list_anew():
    ward = await sync_to_async(Ward)(3)
    client = await sync_to_async(client_for)(ward.department.reader)
    for _ in range(30):
        await sync_to_async(ward.step)()
    site = ward.department.site.id
    last = await sync_to_async(last_seq)(site_id=site)
    await sync_to_async(prune_changes)(site_id=site, last=last, keep=3)
    for since, told in (
        (1, "resync"),
        (last - 4, "resync"),
        (last + 1, "resync"),
        ("x", "resync"),
        (None, "resync"),
        (last - 3, "events"),
        (last - 1, "events"),
    ):
        async with socket(client) as communicator:
            await communicator.send_json(
                {"type": "subscribe", "since": {str(site): since}}
            )
            message = await communicator.receive_json()
            assert message["type"] == told, since
            if told == "resync":
                assert message["site"] == str(site)


async def test_what_is_no_subscription_is_answered_in_words():
    ward = await sync_to_async(Ward)(3)
    client = await sync_to_async(client_for)(ward.department.reader)
    async with socket(client) as communicator:
        for nonsense in ([], "x", {"type": "other"}, {}):
            await communicator.send_json(nonsense)
            message = await communicator.receive_json()
            assert message["type"] == "error"
        await communicator.send_text("{no json")
        assert (await communicator.receive_json())["type"] == "error"
        await communicator.send_json({"type": "subscribe", "since": [1]})
        assert (await communicator.receive_json())["type"] == "resync"


async def test_the_clock_ticks_with_the_numbers(monkeypatch):
    monkeypatch.setattr("apps.workflow.consumers.TICK_S", 0.05)
    ward = await sync_to_async(Ward)(5)
    client = await sync_to_async(client_for)(ward.department.reader)
    async with socket(client) as communicator:
        follower = Follower(communicator, client)
        await follower.begin()
        message = await communicator.receive_json()
        while not message["seq"]:  # before the subscription was taken
            message = await communicator.receive_json()
        assert message["type"] == "tick"
        assert message["seq"] == follower.seq
        # A change whose announcement was lost comes with the next tick.
        monkeypatch.setattr("apps.core.realtime.get_channel_layer", lambda: None)
        await sync_to_async(ward.place)()
        site = str(ward.department.site.id)
        await follower.catch_up(site, 1)
        assert len(follower.rows) == 1


# --- who is told


@pytest.mark.parametrize(
    ("who", "code"),
    [
        (None, CLOSE_NOT_LOGGED_IN),
        (Role.ANNOTATOR, CLOSE_NO_WORKLIST),
        (Role.ADMIN, CLOSE_NO_WORKLIST),
    ],
)
async def test_who_has_no_worklist_is_refused(who, code):
    department = await sync_to_async(make_department)()
    client = None
    if who is not None:
        person = await sync_to_async(department.person)(who)
        client = await sync_to_async(client_for)(person)
    async with socket(client) as communicator:
        message = await communicator.receive_output(timeout=5)
        assert (message["type"], message["code"]) == ("websocket.close", code)


async def test_another_sites_changes_are_never_sent():
    north = await sync_to_async(make_department)()
    south = await sync_to_async(make_department)("south")
    client = await sync_to_async(client_for)(south.reader)
    async with socket(client) as communicator:
        since = {str(north.site.id): 0, str(south.site.id): 0}
        await communicator.send_json({"type": "subscribe", "since": since})
        await sync_to_async(make_item)(north)
        assert await communicator.receive_nothing(timeout=0.3)
        await sync_to_async(make_item)(south)
        message = await communicator.receive_json()
        assert {event["site"] for event in message["events"]} == {str(south.site.id)}


async def test_a_revoked_membership_bites_on_the_open_socket():
    north = await sync_to_async(make_department)()
    client = await sync_to_async(client_for)(north.reader)
    async with socket(client) as communicator:
        follower = Follower(communicator, client)
        await follower.begin()
        await sync_to_async(make_item)(north)
        await follower.catch_up(str(north.site.id), 1)
        await sync_to_async(Membership.objects.all().delete)()
        await sync_to_async(make_item)(north)
        message = await communicator.receive_json()
        assert message["type"] == "resync"
        assert "item" not in str(message)
        await sync_to_async(make_item)(north)
        assert await communicator.receive_nothing(timeout=0.3)


async def test_a_logout_bites_on_the_open_socket(monkeypatch):
    monkeypatch.setattr("apps.workflow.consumers.TICK_S", 0.1)
    north = await sync_to_async(make_department)()
    client = await sync_to_async(client_for)(north.reader)
    async with socket(client) as communicator:
        follower = Follower(communicator, client)
        await follower.begin()
        await sync_to_async(client.logout)()
        await sync_to_async(make_item)(north)
        while True:
            message = await communicator.receive_output(timeout=5)
            if message["type"] == "websocket.close":
                break
            assert "Doe" not in message["text"]
        assert message["code"] == CLOSE_NOT_LOGGED_IN


async def test_each_patient_is_on_the_record_once_per_socket():
    north = await sync_to_async(make_department)()
    client = await sync_to_async(client_for)(north.reader)
    async with socket(client) as communicator:
        follower = Follower(communicator, client)
        await follower.begin()
        first = await sync_to_async(make_item)(north, patient_id="P-1")
        await follower.catch_up(str(north.site.id), 1)
        await sync_to_async(make_item)(north, patient_id="P-1")
        await sync_to_async(make_item)(north, patient_id="P-2")
        await _lease(north, first)
        await follower.catch_up(str(north.site.id), 4)
    pushes = await sync_to_async(list)(
        AuditRecord.objects.filter(event="worklist:push").order_by("id")
    )
    named = [patient for push in pushes for patient in push.patients]
    known = await sync_to_async(list)(Patient.objects.values_list("id", flat=True))
    assert sorted(named) == sorted(known)
    assert len(named) == len(set(named)) == 2
    assert {push.actor_id for push in pushes} == {north.reader.id}


async def _lease(department: Department, item: WorkItem) -> None:
    actor = await sync_to_async(actor_for)(department.reader)
    await sync_to_async(lease_item)(actor=actor, item_id=item.id)


async def test_a_blinded_item_says_nothing_of_the_ai_on_the_socket():
    north = await sync_to_async(make_department)()
    await sync_to_async(make_model)(north.site)
    blind = await sync_to_async(make_protocol)(north, "after_commit")
    client = await sync_to_async(client_for)(north.reader)
    async with socket(client) as communicator:
        follower = Follower(communicator, client)
        await follower.begin()
        item = await sync_to_async(make_item)(north, protocol=blind)
        before = (item.band, item.due_at)
        await sync_to_async(give_ai)(item, probabilities={"36118008": 0.99})
        last = await sync_to_async(last_seq)(site_id=north.site.id)
        await follower.catch_up(str(north.site.id), last)
        row = follower.rows[str(item.id)]
    assert row["ai"]["state"] == "blinded"
    assert (row["ai"]["label"], row["ai"]["probability"]) == ("", None)
    assert "Pneumothorax" not in str(row)
    assert (item.band, item.due_at) == before
    assert await sync_to_async(Change.objects.count)() == last


def _explained(department: Department, protocol: ReadingProtocol | None) -> Any:
    """Let a study arrive, be found positive, and give up to explain it; the item."""
    item = make_item(department, protocol=protocol)
    run = give_ai(item, probabilities={"36118008": 0.99})
    Explanation.objects.create(run=run, labels=["36118008"], attempts=MAX_ATTEMPTS)
    return item


def _give_up(item: WorkItem) -> None:
    explanation = Explanation.objects.get(run__revision=item.case.revision)
    result = InferResult(
        run_id=str(explanation.id),
        package_hash=explanation.run.model_version.package_hash,
        state="rejected",
        reason="others come first",
    )
    record_explanation(actor=SYSTEM, result=result)


def _commit(department: Department, item: WorkItem) -> None:
    actor = actor_for(department.reader)
    lease_item(actor=actor, item_id=item.id)
    item.refresh_from_db()
    version = item.reading.version
    flow.commit_item(actor=actor, item_id=item.id, expected_version=version, raw={})


async def _words_until(communicator: BrowserSocket, item: WorkItem) -> list[str]:
    """Return the items that a socket calls explained, up to a certain one."""
    told: list[str] = []
    while str(item.id) not in told:
        message = await communicator.receive_json()
        if message["type"] == "explained":
            told.append(message["item"])
    return told


@pytest.mark.asyncio
@pytest.mark.parametrize("mode", ["concurrent", "after_commit"])
async def test_that_a_finding_is_explained_is_told_to_who_may_see_it(mode):
    """A word to others would say that something was found: no word, and no number."""
    north = await sync_to_async(make_department)()
    await sync_to_async(make_model)(north.site)
    other = await sync_to_async(make_person)(
        site=north.site, role=Role.RADIOLOGIST, name="other"
    )
    protocol = await sync_to_async(make_protocol)(north, mode)
    item = await sync_to_async(_explained)(north, protocol)
    shown = await sync_to_async(_explained)(north, None)
    if mode == "after_commit":
        await sync_to_async(_commit)(north, item)
    reader = await sync_to_async(client_for)(north.reader)
    unaided = await sync_to_async(client_for)(other)
    before = await sync_to_async(last_seq)(site_id=north.site.id)
    async with socket(reader) as one, socket(unaided) as two:
        await sync_to_async(_give_up)(item)
        await sync_to_async(_give_up)(shown)
        told = [await _words_until(each, shown) for each in (one, two)]
    assert await sync_to_async(last_seq)(site_id=north.site.id) == before
    both = [str(item.id), str(shown.id)]
    assert told == [both, both if mode == "concurrent" else both[1:]]


def _signed_by_a_resident(department: Department) -> WorkItem:
    resident = make_person(site=department.site, role=Role.RESIDENT, name="resident")
    item = make_item(department)
    lease_item(actor=actor_for(resident), item_id=item.id)
    done = client_for(resident).post(
        f"/api/worklist/items/{item.id}/sign",
        {"content": {"verdicts": {}, "annotations": [], "impression": "Clear."}},
        content_type="application/json",
        headers={"If-Match": '"0"'},
    )
    assert done.status_code == 200, done.content
    return item


@pytest.mark.asyncio
async def test_what_a_resident_signs_comes_to_who_verifies_and_leaves_again(
    department,
):
    """A preliminary reading is pushed to attendings, and to nobody else."""
    attending = await sync_to_async(client_for)(department.reader)
    lead = await sync_to_async(client_for)(
        await sync_to_async(department.person)(Role.CLINICAL_LEAD)
    )
    async with socket(attending) as one, socket(lead) as two:
        first, second = Follower(one, attending), Follower(two, lead)
        await first.begin()
        await second.begin()
        item = await sync_to_async(_signed_by_a_resident)(department)
        site = str(department.site.id)
        until = await sync_to_async(last_seq)(site_id=department.site.id)
        await first.catch_up(site, until)
        await second.catch_up(site, until)
        row = first.rows[str(item.id)]
        assert row["state"] == "done"
        assert row["preliminary"]["state"] == "waiting"
        assert str(item.id) not in second.rows
        await sync_to_async(item.refresh_from_db)()
        verified = await sync_to_async(attending.post)(
            f"/api/readings/{item.reading_id}/verify"
        )
        assert verified.status_code == 200
        until = await sync_to_async(last_seq)(site_id=department.site.id)
        await first.catch_up(site, until)
        assert first.rows == {}

"""What is ready together goes together, and nobody is told too early."""

from __future__ import annotations

import itertools
import json
import threading
import time

import httpx
import pytest

from workers import portal_client
from workers.contracts import PRIORITY_NORMAL
from workers.gathering import Gatherer
from workers.inputs import StudyInputs, pack_inputs
from workers.packs.source import InstanceRef
from workers.portal_client import PortalClient, PortalLine

LONG_S = 30.0


_numbers = itertools.count()


class Post:
    """Keeps what was sent; may be closed, or refuse."""

    def __init__(self):
        self.sent, self.error = [], None
        self.is_open = threading.Event()
        self.is_open.set()

    def __call__(self, results, priority):
        self.is_open.wait(LONG_S)
        if self.error is not None:
            raise self.error
        self.sent.append((priority, list(results)))
        return [one * 10 for one in results]


class Sender(threading.Thread):
    """Hands an answer over and waits."""

    def __init__(self, outbox, priority=6):
        super().__init__(daemon=True)
        self.outbox, self.priority = outbox, priority
        self.given, self.done, self.error = next(_numbers), None, None
        self.start()

    def run(self):
        try:
            self.done = self.outbox.do(self.given, priority=self.priority)
        except OSError as error:
            self.error = error


@pytest.fixture
def post():
    return Post()


def gatherer(post, **given):
    return Gatherer(work=post, **{"most": 16, "wait_s": LONG_S, **given})


def until(condition):
    end = time.monotonic() + LONG_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_what_is_ready_together_is_one_message(post):
    outbox = gatherer(post, most=4)
    senders = [Sender(outbox) for _ in range(4)]
    for sender in senders:
        sender.join(LONG_S)
    [(priority, runs)] = post.sent
    assert priority == 6
    assert set(runs) == {sender.given for sender in senders}
    assert [one.done for one in senders] == [one.given * 10 for one in senders]


def test_nobody_waits_for_others_where_none_are_in_hand(post):
    outbox = gatherer(post, in_hand=lambda: 0)
    Sender(outbox).join(LONG_S / 2)
    assert len(post.sent) == 1


def test_what_is_urgent_goes_at_once_and_first(post):
    outbox = gatherer(post)
    calm = Sender(outbox)
    until(lambda: outbox.waiting == 1)
    urgent = Sender(outbox, priority=0)
    urgent.join(LONG_S / 2)
    assert post.sent == [(0, [urgent.given])], "and not the one that waits for others"
    assert calm.is_alive()


def test_whoever_hands_over_learns_that_it_was_not_sent(post):
    post.error = OSError("the broker is away")
    outbox = gatherer(post, wait_s=0.0)
    sender = Sender(outbox)
    sender.join(LONG_S)
    assert sender.error is post.error
    post.error = None
    again = Sender(outbox)
    again.join(LONG_S)
    assert again.error is None


def test_nobody_goes_on_before_it_was_sent(post):
    post.is_open.clear()
    outbox = gatherer(post, wait_s=0.0)
    sender = Sender(outbox)
    until(lambda: not outbox.waiting)
    assert sender.is_alive()
    post.is_open.set()
    sender.join(LONG_S)
    assert not sender.is_alive()
    assert len(post.sent) == 1


def test_what_is_urgent_does_not_wait_until_others_are_done(post):
    line = gatherer(post, wait_s=0.0, has_express=True)
    post.is_open.clear()
    calm = Sender(line)
    until(lambda: not line.waiting)
    urgent = Sender(line, priority=0)
    until(lambda: not line.waiting)
    another = Sender(line)
    post.is_open.set()
    for sender in (calm, urgent, another):
        sender.join(LONG_S)
    assert sorted(post.sent) == [
        (0, [urgent.given]),
        (6, [calm.given]),
        (6, [another.given]),
    ]


def test_what_waits_for_others_goes_when_it_must_not_wait_any_more(post):
    must = threading.Event()
    outbox = gatherer(post, is_hurried=must.is_set)
    senders = [Sender(outbox) for _ in range(3)]
    until(lambda: outbox.waiting == 3)
    assert post.sent == []
    must.set()
    for sender in senders:
        sender.join(LONG_S / 2)
    [(_, sent)] = post.sent
    assert set(sent) == {sender.given for sender in senders}


def test_of_two_threads_one_is_told_and_what_is_left_over_is_not_forgotten(post):
    outbox = gatherer(post, most=4, threads=2, wait_s=0.05)
    for _ in range(20):
        senders = [Sender(outbox) for _ in range(9)]
        for sender in senders:
            sender.join(LONG_S)
        assert [s.done for s in senders] == [s.given * 10 for s in senders]
    assert max(len(sent) for _, sent in post.sent) <= 4


def test_the_express_is_woken_by_what_is_urgent_only(post, monkeypatch):
    outbox = gatherer(post, has_express=True, wait_s=0.0)
    times, notify = [], outbox._urgent.notify
    monkeypatch.setattr(
        outbox._urgent, "notify", lambda: (times.append(None), notify())
    )
    Sender(outbox).join(LONG_S)
    assert times == []
    urgent = Sender(outbox, priority=0)
    urgent.join(LONG_S)
    assert (len(times), urgent.done) == (1, urgent.given * 10)


# --- the line to the portal


class Portal:
    """Gives every revision no images, and notes for whom it was asked together."""

    def __init__(self):
        self.asked, self.stored = [], 0

    def __call__(self, request):
        if request.url.path.endswith("/artefacts"):
            self.stored += 1
            return httpx.Response(200)
        tokens = json.loads(request.content)["tokens"]
        self.asked.append(sorted(tokens))
        studies = {token: StudyInputs(instances=[]) for token in tokens}
        return httpx.Response(200, content=pack_inputs(studies))


@pytest.fixture
def portal():
    return Portal()


@pytest.fixture
def line(portal, monkeypatch):
    monkeypatch.setattr(portal_client, "GATHER_S", LONG_S)
    return PortalLine(
        portal_url="http://portal.test", transport=httpx.MockTransport(portal)
    )


def client(line, name):
    return PortalClient(
        portal_url="http://portal.test", token=name, revision_id=name, line=line
    )


def apart(do):
    thread = threading.Thread(target=do, daemon=True)
    thread.start()
    return thread


def test_a_study_that_is_alone_waits_for_nobody(line, portal):
    def whole_way():
        with client(line, "a") as alone:
            alone.list_instances()
            alone.store_artefact(b"x", media_type="image/png")
            alone.flush()

    for _ in range(2):
        thread = apart(whole_way)
        thread.join(LONG_S / 2)
        assert not thread.is_alive()
    assert (portal.asked, portal.stored) == ([["a"], ["a"]], 2)


def test_what_is_not_urgent_is_not_asked_for_while_it_lets_others_pass(
    portal, monkeypatch
):
    waits_now, go_on = threading.Event(), threading.Event()

    def let_pass(priority):
        if priority:
            waits_now.set()
            go_on.wait(20)

    line = PortalLine(
        portal_url="http://portal.test",
        transport=httpx.MockTransport(portal),
        let_pass=let_pass,
    )
    waits = apart(client(line, "a").list_instances)
    assert waits_now.wait(20)
    urgent = PortalClient(
        portal_url="http://portal.test",
        token="b",
        revision_id="b",
        line=line,
        priority=0,
    )
    urgent.list_instances()
    assert portal.asked == [["b"]]
    go_on.set()
    waits.join(20)
    assert portal.asked == [["b"], ["a"]]


def test_files_of_a_volume_wait_too_each_before_it_is_asked_for():
    asked, passing = [], []

    def answer(request):
        asked.append(len(passing))
        return httpx.Response(200, content=b"DICM")

    line = PortalLine(
        portal_url="http://portal.test",
        transport=httpx.MockTransport(answer),
        let_pass=passing.append,
    )
    refs = [
        InstanceRef(
            sop_uid=f"1.2.{n}", series_uid="1.2", sop_class_uid="", size=5 << 20
        )
        for n in range(9)
    ]
    found = list(client(line, "a").read_instances(refs))
    assert ([ref for ref, _ in found], len(asked)) == (refs, 9)
    assert passing == [PRIORITY_NORMAL] * 9
    assert all(before > nth for nth, before in enumerate(asked)), "before, not after"


def test_of_studies_in_hand_each_waits_for_the_others_and_asks_with_them(line, portal):
    with client(line, "a") as one, client(line, "b") as other:
        first = apart(one.list_instances)
        until(lambda: line.inputs.waiting == 1)
        second = apart(other.list_instances)
        for thread in (first, second):
            thread.join(LONG_S / 2)
            assert not thread.is_alive()
    assert portal.asked == [["a", "b"]]

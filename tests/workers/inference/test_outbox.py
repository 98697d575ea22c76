"""Answers go together where they are ready together, and nobody is told too early."""

from __future__ import annotations

import threading
import time
import uuid

import pytest

from workers.contracts import InferResult
from workers.outbox import Outbox

LONG_S = 30.0


def result(state="done"):
    reason = "" if state == "done" else "why"
    return InferResult(
        run_id=str(uuid.uuid4()), package_hash="0" * 64, state=state, reason=reason
    )


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
        self.sent.append((priority, [one.run_id for one in results]))


class Sender(threading.Thread):
    """Hands an answer over and waits."""

    def __init__(self, outbox, priority=6):
        super().__init__(daemon=True)
        self.outbox, self.priority = outbox, priority
        self.result, self.error = result(), None
        self.start()

    def run(self):
        try:
            self.outbox.send(self.result, priority=self.priority)
        except OSError as error:
            self.error = error


@pytest.fixture
def post():
    return Post()


def until(condition):
    end = time.monotonic() + LONG_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_what_is_ready_together_is_one_message(post):
    outbox = Outbox(send=post, in_hand=lambda: 1, most=4, wait_s=LONG_S)
    senders = [Sender(outbox) for _ in range(4)]
    for sender in senders:
        sender.join(LONG_S)
    [(priority, runs)] = post.sent
    assert priority == 6
    assert set(runs) == {sender.result.run_id for sender in senders}


def test_nobody_waits_for_others_where_none_are_in_hand(post):
    outbox = Outbox(send=post, in_hand=lambda: 0, wait_s=LONG_S)
    Sender(outbox).join(LONG_S / 2)
    assert len(post.sent) == 1


def test_what_is_urgent_goes_at_once_and_first(post):
    outbox = Outbox(send=post, in_hand=lambda: 1, wait_s=LONG_S)
    calm = Sender(outbox)
    until(lambda: len(outbox._letters) == 1)
    urgent = Sender(outbox, priority=0)
    for sender in (urgent, calm):
        sender.join(LONG_S / 2)
    assert post.sent == [(0, [urgent.result.run_id]), (6, [calm.result.run_id])]


def test_whoever_hands_over_learns_that_it_was_not_sent(post):
    post.error = OSError("the broker is away")
    outbox = Outbox(send=post)
    sender = Sender(outbox)
    sender.join(LONG_S)
    assert sender.error is post.error
    post.error = None
    again = Sender(outbox)
    again.join(LONG_S)
    assert again.error is None


def test_nobody_goes_on_before_it_was_sent(post):
    post.is_open.clear()
    outbox = Outbox(send=post)
    sender = Sender(outbox)
    until(lambda: not outbox._letters)
    assert sender.is_alive()
    post.is_open.set()
    sender.join(LONG_S)
    assert not sender.is_alive()
    assert len(post.sent) == 1

"""A group is told from threads without an event loop: one connection for all of it."""

from __future__ import annotations

import asyncio
import threading

import pytest
import redis

from apps.core import layers, realtime
from apps.core.layers import KeptLoopLayer
from tests.faults.brokers import own_broker


@pytest.fixture
def broker(tmp_path):
    with own_broker(tmp_path) as url:
        yield url


def hear(url, n, *, began, heard):
    """Follow a group as a socket does, in a process' event loop."""

    async def follow():
        layer = KeptLoopLayer(hosts=[url], prefix="overread")
        channel = await layer.new_channel()
        await layer.group_add("site.1", channel)
        began.set()
        for _ in range(n):
            heard.append((await asyncio.wait_for(layer.receive(channel), 20))["seq"])

    asyncio.run(follow())


def test_many_messages_go_through_one_connection(broker, monkeypatch):
    began, heard = threading.Event(), []
    follower = threading.Thread(
        target=hear, args=(broker, 30), kwargs={"began": began, "heard": heard}
    )
    follower.start()
    assert began.wait(20)
    before = redis.Redis.from_url(broker).info("stats")["total_connections_received"]
    layer = KeptLoopLayer(hosts=[broker], prefix="overread")
    monkeypatch.setattr(realtime, "get_channel_layer", lambda: layer)
    for number in range(30):
        realtime._tell(layer, "site.1", {"type": "changed", "seq": number})
    follower.join(20)
    assert heard == list(range(30))
    after = redis.Redis.from_url(broker).info("stats")["total_connections_received"]
    assert after - before <= 2  # the layer's, and ours that asks


def test_it_works_in_a_thread_whose_caller_runs_a_loop(broker):
    layer = KeptLoopLayer(hosts=[broker], prefix="overread")

    async def within():
        await asyncio.to_thread(layer.tell, "site.1", {"type": "changed"})

    asyncio.run(within())


def test_redis_that_is_away_is_said_in_time(monkeypatch):
    monkeypatch.setattr(layers, "TELL_S", 0.5)
    layer = KeptLoopLayer(hosts=["redis://127.0.0.1:1/0"], prefix="overread")
    with pytest.raises((OSError, redis.ConnectionError, TimeoutError)):
        layer.tell("site.1", {"type": "changed"})

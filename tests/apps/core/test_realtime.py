"""Changes are numbered without gaps, in commit order, whoever writes at once."""

from __future__ import annotations

import threading
import time
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer  # noqa: TID251  the door's own test
from django.db import connection, transaction

from apps.core import realtime
from apps.core.models import Change
from apps.core.realtime import last_seq, prune_changes, publish_change, site_group


@pytest.mark.django_db(transaction=True)
def test_twenty_writers_get_gapless_numbers_in_commit_order():
    site, per_writer, writers = uuid4(), 5, 20
    seen: list[list[int]] = []
    done = threading.Event()

    def watch() -> None:
        # Whatever is visible at any moment is a run from 1 without a hole.
        try:
            while not done.is_set():
                rows = Change.objects.filter(site_id=site).order_by("seq")
                seen.append(list(rows.values_list("seq", flat=True)))
                time.sleep(0.002)
        finally:
            connection.close()

    def write() -> None:
        try:
            for _ in range(per_writer):
                with transaction.atomic():
                    publish_change(site_id=site, kind="item", object_id=uuid4())
                    time.sleep(0.001)
                with transaction.atomic():
                    publish_change(site_id=site, kind="undone", object_id=uuid4())
                    transaction.set_rollback(True)
        finally:
            connection.close()

    watcher = threading.Thread(target=watch)
    threads = [threading.Thread(target=write) for _ in range(writers)]
    watcher.start()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    watcher.join()

    rows = Change.objects.filter(site_id=site).order_by("seq")
    assert [row.seq for row in rows] == list(range(1, writers * per_writer + 1))
    assert {row.kind for row in rows} == {"item"}
    assert last_seq(site_id=site) == writers * per_writer
    assert len(seen) > 3
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in seen)


@pytest.mark.django_db(transaction=True)
def test_sites_count_for_themselves_and_do_not_wait_for_each_other():
    one, other = uuid4(), uuid4()
    with transaction.atomic():
        assert publish_change(site_id=one, kind="item", object_id=uuid4()) == 1
        assert publish_change(site_id=other, kind="item", object_id=uuid4()) == 1
        assert publish_change(site_id=one, kind="item", object_id=uuid4()) == 2


@pytest.mark.django_db(transaction=True)
def test_the_group_is_told_on_commit_and_not_before():
    layer = get_channel_layer()
    assert layer is not None
    site = uuid4()

    async def listen() -> str:
        name = await layer.new_channel()
        await layer.group_add(site_group(site), name)
        return name

    channel = async_to_sync(listen)()
    with transaction.atomic():
        publish_change(site_id=site, kind="item", object_id=uuid4())
        assert channel not in layer.channels  # made with the first message
    message = async_to_sync(layer.receive)(channel)
    assert message == {"type": "changed", "site": str(site), "seq": 1}


@pytest.mark.django_db(transaction=True)
def test_a_channel_layer_that_is_down_loses_no_change(monkeypatch, caplog):
    class Down:
        async def group_send(self, group, message):
            raise ConnectionError("refused")

    monkeypatch.setattr(realtime, "get_channel_layer", Down)
    site = uuid4()
    with transaction.atomic():
        publish_change(site_id=site, kind="item", object_id=uuid4())
    assert last_seq(site_id=site) == 1
    assert "catch up by polling" in caplog.text


@pytest.mark.django_db
def test_pruning_keeps_the_newest():
    site, other = uuid4(), uuid4()
    for _ in range(12):
        publish_change(site_id=site, kind="item", object_id=uuid4())
    publish_change(site_id=other, kind="item", object_id=uuid4())
    assert prune_changes(site_id=site, last=12, keep=5) == 7
    left = Change.objects.filter(site_id=site).order_by("seq")
    assert [row.seq for row in left] == [8, 9, 10, 11, 12]
    assert Change.objects.filter(site_id=other).count() == 1


@pytest.mark.django_db
def test_numbers_go_on_and_old_ones_go_while_publishing(monkeypatch):
    monkeypatch.setattr(realtime, "_PRUNE_EVERY", 10)
    monkeypatch.setattr(realtime, "KEPT_CHANGES", 4)
    monkeypatch.setattr(realtime.prune_changes, "__kwdefaults__", {"keep": 4})
    site = uuid4()
    for _ in range(20):
        publish_change(site_id=site, kind="item", object_id=uuid4())
    left = Change.objects.filter(site_id=site).order_by("seq")
    assert [row.seq for row in left] == [17, 18, 19, 20]

"""A browser whose line drops again and again during 500 changes misses none."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
import websockets

from tests.faults.running import make_bystanders

if TYPE_CHECKING:
    from tests.faults.running import Running
    from tests.person import Person

pytestmark = [pytest.mark.stack, pytest.mark.real_data]

CHANGES, ITEMS, DROP_EVERY = 500, 5, 40
BESIDE_THE_LAW = {"rank", "rank_total"}
"""Where a row stands follows from the others; the list numbers them itself."""


def snapshot(person: Person) -> tuple[dict[str, dict[str, Any]], dict[str, int]]:
    """Read the whole list by REST: rows by id, and the number it stands at."""
    first = page = person.get("worklist", limit=200)
    rows = {row["id"]: row for row in page["items"]}
    while page["next_cursor"]:
        page = person.get("worklist", limit=200, cursor=page["next_cursor"])
        rows |= {row["id"]: row for row in page["items"]}
    return rows, dict(first["seq"])


class Browser:
    """Rows by id, kept true by the socket; reconnects from the last number seen."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.rows, self.seq = snapshot(person)
        self.events = 0
        self.drops = 0
        self.gaps: list[str] = []
        self.socket: Any = None

    async def listen(self) -> None:
        url = self.person.stack.url.replace("http", "ws", 1) + "/ws/worklist"
        headers = {"Cookie": self.person.cookie}
        while True:
            try:
                async with websockets.connect(
                    url, additional_headers=headers, origin=self.person.stack.url
                ) as self.socket:
                    word = {"type": "subscribe", "since": self.seq}
                    await self.socket.send(json.dumps(word))
                    async for text in self.socket:
                        self.take(json.loads(text))
            except (OSError, websockets.WebSocketException):
                await asyncio.sleep(0.05)

    def take(self, message: dict[str, Any]) -> None:
        if message["type"] == "resync":
            self.gaps.append(f"resync: {message['reason']}")
        for event in message.get("events", []):
            site, seq = event["site"], event["seq"]
            if seq != self.seq[site] + 1:
                self.gaps.append(f"{self.seq[site]} → {seq}")
            self.seq[site] = seq
            self.events += 1
            if event["item"] is None:
                self.rows.pop(event["id"], None)
            else:
                self.rows[event["id"]] = event["item"]

    def drop(self) -> None:
        """Lose the line in the middle of whatever is on it."""
        if self.socket is not None:
            self.drops += 1
            self.socket.transport.abort()


async def test_the_socket_dropped_during_500_changes(running, reader):
    studies = make_bystanders(ITEMS)
    await asyncio.to_thread(running.send, studies)
    await asyncio.to_thread(running.wait_known, studies)
    rows = [reader.row_of(sent.patient_id) for sent in studies]
    paths = [f"worklist/items/{row['id']}/band" for row in rows if row]
    browser = Browser(reader)
    began = dict(browser.seq)
    task = asyncio.create_task(browser.listen())
    reason = reader.get("vocabulary")["band_reasons"][0]["code"]
    for n in range(CHANGES):
        body = {
            "band": "STAT" if (n // ITEMS) % 2 else "PRIORITY",
            "reason_code": reason,
            "reason_text": f"change {n}",
        }
        answer = await asyncio.to_thread(
            reader.send, "POST", paths[n % ITEMS], json=body
        )
        answer.raise_for_status()
        if n % DROP_EVERY == DROP_EVERY // 2:
            browser.drop()
        if n == CHANGES // 2:
            running.kill("sockets")
    await _catch_up(running, reader, browser)
    task.cancel()
    numbers = sum(browser.seq.values()) - sum(began.values())
    running.say(
        f"{CHANGES} changes, line lost {browser.drops} times and the server of sockets"
        f" killed once; {numbers} numbered events, {browser.events} received"
    )
    assert browser.gaps == []
    assert numbers == browser.events >= CHANGES
    assert browser.drops >= 10
    running.check_balance()


async def _catch_up(running: Running, reader: Person, browser: Browser) -> None:
    """Wait until the browser's rows are those of a fresh list."""
    different: set[str] = set()
    for _ in range(60):
        rows, seq = await asyncio.to_thread(snapshot, reader)
        fresh = {i: _comparable(row) for i, row in rows.items()}
        mine = {i: _comparable(row) for i, row in browser.rows.items()}
        different = {i for i in fresh | mine if mine.get(i) != fresh.get(i)}
        if not different and browser.seq == seq:
            return
        await asyncio.sleep(0.5)
    raise AssertionError(f"{len(different)} rows differ; at {browser.seq}")


def _comparable(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in BESIDE_THE_LAW}

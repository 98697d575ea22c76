"""PostgreSQL restarts again and again while people write: no answer is taken back."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import psutil
import psycopg
import pytest

from tests.faults.running import make_bystanders, make_films, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.running import Running, Sent
    from tests.person import Person

pytestmark = [pytest.mark.stack, pytest.mark.real_data]

FULL_RESTARTS, CRASHES = 3, 17
BETWEEN_S = 0.8


@dataclass
class Writer:
    """Somebody who writes without a pause and keeps count of the answers.

    Attributes:
        write: Writes once, the n-th time; the answer.
        acked: Numbers whose answer was 2xx.
        unknown: Numbers without an answer, or with a server error: they may have
            been written or not.
        refused: Other answers by status; there should be none.
    """

    write: Callable[[int], httpx.Response]
    acked: list[int] = field(default_factory=list)
    unknown: list[int] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def run(self, stop: threading.Event) -> None:
        n = 0
        while not stop.is_set():
            n += 1
            try:
                answer = self.write(n)
            except httpx.TransportError:
                self.unknown.append(n)
                continue
            if answer.is_success:
                self.acked.append(n)
            elif answer.status_code >= 500:
                self.unknown.append(n)
                time.sleep(0.1)
            else:
                self.refused.append(f"{answer.status_code} {answer.text[:200]}")

    def may_be(self, seen: int) -> bool:
        """Whether what is there now is the last answered, or one after it."""
        last = self.acked[-1]
        return seen == last or (seen > last and seen in self.unknown)


def _draft(reader: Person, item: str, version: str) -> Callable[[int], httpx.Response]:
    etag = {"If-Match": version}

    def write(n: int) -> httpx.Response:
        body = {
            "content": {"verdicts": {}, "annotations": [], "impression": f"note {n}"}
        }
        answer = reader.send("PUT", f"{item}/reading", json=body, headers=etag)
        if answer.status_code == 412:
            # The one before had no answer, and was written.
            etag["If-Match"] = f'"{answer.json()["current"]["version"]}"'
            answer = reader.send("PUT", f"{item}/reading", json=body, headers=etag)
        if answer.is_success:
            etag["If-Match"] = answer.headers["ETag"]
        return answer

    return write


def _rebrand(reader: Person, item: str) -> Callable[[int], httpx.Response]:
    reason = reader.get("vocabulary")["band_reasons"][0]["code"]

    def write(n: int) -> httpx.Response:
        band = "STAT" if n % 2 else "ROUTINE"
        body = {"band": band, "reason_code": reason, "reason_text": f"change {n}"}
        return reader.send("POST", f"{item}/band", json=body)

    return write


def _restart(running: Running) -> None:
    """Stop the server the orderly way; the supervisor starts it again."""
    running.process("postgres").send_signal(signal.SIGINT)
    time.sleep(0.3)


def _crash(running: Running) -> None:
    """Kill one of its backends: it drops every connection and recovers."""
    for child in running.process("postgres").children():
        with contextlib.suppress(psutil.Error):
            if "overread_app" in " ".join(child.cmdline()):
                child.kill()
                return


def _serves(running: Running) -> bool:
    try:
        return running.count("SELECT 1") == 1
    except (psycopg.Error, psutil.Error, OSError):
        return False


def _items(reader: Person, studies: list[Sent]) -> list[dict[str, Any]]:
    rows = [reader.wait_for(s.patient_id, lambda _: True) for s in studies]
    return [{"id": row["id"], "path": f"worklist/items/{row['id']}"} for row in rows]


def test_postgresql_restarted_20_times_under_writes(running, reader):
    first = make_bystanders(2)
    running.send(first)
    running.wait_known(first)
    drafted, banded = _items(reader, first)
    lease = reader.send("POST", f"{drafted['path']}/lease").raise_for_status().json()
    began_at = lease["reading"]["version"]
    bands_before = _events(running, "item:band", banded["id"])
    writers = [
        Writer(_draft(reader, drafted["path"], f'"{began_at}"')),
        Writer(_rebrand(reader, banded["path"])),
    ]
    sent = _while_restarting(running, writers)
    drafts, bands = writers
    assert [w.refused for w in writers] == [[], []]
    assert len(drafts.acked) > 20
    assert len(bands.acked) > 20
    running.wait_done(sent)
    running.check_once(sent)

    reading = reader.get(f"{drafted['path']}/reading")
    assert drafts.may_be(int(reading["content"]["impression"].split()[1]))
    told = _events(running, "reading:draft", reading["id"])
    assert told == reading["version"] - began_at, "each saved version is told once"
    assert len(drafts.acked) <= told <= len(drafts.acked) + len(drafts.unknown)

    text = reader.get(banded["path"])["band_reason"]
    assert bands.may_be(int(text.split("change ")[1].split()[0]))
    told = _events(running, "item:band", banded["id"]) - bands_before
    assert len(bands.acked) <= told <= len(bands.acked) + len(bands.unknown)
    for what, writer in (("drafts", drafts), ("bands", bands)):
        counts = f"{len(writer.acked)} answered, {len(writer.unknown)} without answer"
        running.say(f"{what}: {counts}")
    running.say(f"{len(sent)} studies sent, {running.known(sent)} on the list")
    reader.send("DELETE", f"{drafted['path']}/lease")
    running.check_balance()


def _events(running: Running, event: str, object_id: str) -> int:
    query = "SELECT count(*) FROM audit_auditrecord WHERE event = %s AND object_id = %s"
    return running.count(query, event, object_id)


def _while_restarting(running: Running, writers: list[Writer]) -> list[Sent]:
    stop = threading.Event()
    threads = [threading.Thread(target=w.run, args=[stop]) for w in writers]
    for thread in threads:
        thread.start()
    coming, sent = [*make_films(4), *make_bystanders(16)], []
    try:
        for n in range(FULL_RESTARTS + CRASHES):
            running.send([coming[n]])
            sent.append(coming[n])
            (_restart if n < FULL_RESTARTS else _crash)(running)
            wait_until(lambda: _serves(running), "PostgreSQL serves", every_s=0.1)
            time.sleep(BETWEEN_S)
    finally:
        stop.set()
        for thread in threads:
            thread.join(timeout=60)
    return sent

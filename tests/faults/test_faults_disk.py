"""The disk is full: what was answered stays, the rest is refused, and it recovers.

A stack of its own, its state on a small file system in memory.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from deploy.local.checks import free_base
from tests.benchmarks.harness import Stack
from tests.faults.running import Running, make_bystanders, make_films, wait_until
from tests.person import Person

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.stack, pytest.mark.real_data]

ROOT = Path(__file__).parents[2]
SIZE = "900m"
FULL_S = 15.0


@pytest.fixture(scope="module")
def small_disk() -> Iterator[Path]:
    """A folder on a file system of its own, readable on the way like any other."""
    folder = Path(tempfile.mkdtemp(prefix="overread-disk-"))
    folder.chmod(0o755)
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=755", "overread"]
    done = subprocess.run(
        [*command, str(folder)], check=False, capture_output=True, text=True
    )
    if done.returncode != 0:
        folder.rmdir()
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
        folder.rmdir()


@pytest.fixture(scope="module")
def on_small_disk(small_disk: Path, running: Running) -> Iterator[Running]:
    """A whole stack whose state is on the small disk."""
    port = free_base()
    state = small_disk / "state"
    command = [sys.executable, "-m", "deploy.local"]
    where = ["--state", str(state), "--port", str(port), "--test"]
    env = {k: v for k, v in os.environ.items() if k not in running.env}
    try:
        subprocess.run(
            [*command, "up", *where, "--no-setup"], cwd=ROOT, env=env, check=True
        )
        values = dict(
            line.split("=", 1)
            for line in (state / "env").read_text().splitlines()
            if "=" in line and not line.startswith("#")
        )
        dicom = int(values["OVERREAD_DICOM_PORT"].strip("'"))
        yield Running(
            Stack(
                url=f"http://127.0.0.1:{port}",
                dicom_host="127.0.0.1",
                dicom_port=dicom,
                state=state,
            )
        )
    finally:
        subprocess.run([*command, "down", *where], cwd=ROOT, env=env, check=False)
        kept = running.stack.state / "log" / "small-disk"
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(state / "log", kept)


@contextlib.contextmanager
def no_room(folder: Path) -> Iterator[None]:
    """Fill the file system to the last byte; make room again at the end."""
    ballast = folder / "ballast"
    block = bytes(1 << 20)
    with ballast.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(block[:size])
    try:
        yield
    finally:
        ballast.unlink()


def save(reader: Person, item: str, text: str) -> bool:
    """Save a draft on top of whatever is there; whether it was answered with 2xx."""
    body = {"content": {"verdicts": {}, "annotations": [], "impression": text}}
    with contextlib.suppress(httpx.HTTPError):
        now = reader.send("GET", f"{item}/reading")
        if now.is_success:
            etag = {"If-Match": now.headers["ETag"]}
            answer = reader.send("PUT", f"{item}/reading", json=body, headers=etag)
            return answer.is_success
    return False


def test_a_full_disk(small_disk, on_small_disk):
    running = on_small_disk
    before, during = make_films(3), make_films(5)
    desk = make_bystanders(1)
    running.send([*before, *desk])
    running.wait_done([*before, *desk])
    reader = Person(running.stack, "radiologist")
    row = reader.wait_for(desk[0].patient_id, lambda _: True)
    item = f"worklist/items/{row['id']}"
    reader.send("POST", f"{item}/lease").raise_for_status()
    assert save(reader, item, "draft 0")

    acked, refused = [0], 0
    with no_room(small_disk):
        assert shutil.disk_usage(small_disk).free == 0
        sent = [sent for sent in during if _is_taken(running, sent)]
        end, n = time.monotonic() + FULL_S, 0
        while time.monotonic() < end:
            n += 1
            if save(reader, item, f"draft {n}"):
                acked.append(n)
            else:
                refused += 1
            time.sleep(0.2)
    # What was not taken is sent again, as a modality does.
    wait_until(lambda: _healthy(running), "the portal is healthy again")
    running.send([s for s in during if s not in sent])
    running.wait_done([*before, *during])
    running.check_once([*before, *during])
    reader = Person(running.stack, "radiologist")
    reading = reader.get(f"{item}/reading")
    kept = int(reading["content"]["impression"].split()[1])
    assert kept >= acked[-1], "an answered draft was lost"
    told = running.count(
        "SELECT count(*) FROM audit_auditrecord"
        " WHERE event = 'reading:draft' AND object_id = %s",
        reading["id"],
    )
    assert len(acked) <= told <= len(acked) + refused
    running.say(
        f"{len(sent)} of {len(during)} studies taken while full, {len(acked)} drafts"
        f" answered and {refused} refused; all {len(before) + len(during)} arrived"
    )
    running.check_balance()


def _is_taken(running: Running, sent: object) -> bool:
    try:
        running.send([sent])
    except subprocess.CalledProcessError:
        return False
    return True


def _healthy(running: Running) -> bool:
    answer = httpx.get(f"{running.stack.url}/api/health", timeout=10)
    return answer.is_success and answer.json()["status"] == "ok"

"""Orthanc answers slowly and fails three times in ten: everything still arrives."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import psutil
import pytest

from tests.faults.flaky import FlakyArchive
from tests.faults.running import make_bystanders, make_films, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.running import Running

pytestmark = [pytest.mark.stack, pytest.mark.real_data]

SHARE, DELAY_S = 0.3, 2.0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def _portal_with_archive(running: Running, url: str) -> Iterator[None]:
    """Run a portal worker and a web server that know only that archive.

    Those of the stack are frozen, so that these do all the work.
    """
    port = _free_port()
    portal_url = f"http://127.0.0.1:{port}"
    env = {
        **os.environ,
        **running.env,
        "ORTHANC_URL": url,
        "OVERREAD_PORTAL_URL": portal_url,
    }
    programs = Path(sys.executable).parent
    web = [str(programs / "granian"), "--interface", "wsgi", "--host", "127.0.0.1"]
    web += ["--port", str(port), "--workers", "1", "--blocking-threads", "8"]
    web += ["--no-access-log", "--no-ws", "portal.wsgi:application"]
    work = [sys.executable, "-m", "celery", "-A", "portal.celery", "worker"]
    work += ["-Q", "portal", "-n", "flaky@%h", "-c", "4", "--without-gossip"]
    log = (running.stack.state / "log" / "flaky.log").open("ab")
    with contextlib.ExitStack() as undo:
        undo.enter_context(log)
        undo.enter_context(running.stopped("worker-portal"))
        for command in (web, work):
            child = subprocess.Popen(command, env=env, stdout=log, stderr=log)
            undo.callback(_end, child)
        wait_until(lambda: _answers(portal_url), "the other portal answers")
        yield


def _end(child: subprocess.Popen[bytes]) -> None:
    """Ask it to end; what it is at by then is done again by the others."""
    child.terminate()
    try:
        child.wait(timeout=20)
    except subprocess.TimeoutExpired:
        for process in psutil.Process(child.pid).children(recursive=True):
            process.kill()
        child.kill()
        child.wait()


def _answers(url: str) -> bool:
    return httpx.get(f"{url}/api/session", timeout=10).is_success


def test_an_archive_that_is_slow_and_fails_three_times_in_ten(running):
    studies = [*make_films(3), *make_bystanders(3)]
    target = running.env["ORTHANC_URL"]
    with (
        FlakyArchive(target, share=SHARE, delay_s=DELAY_S) as archive,
        _portal_with_archive(running, archive.url),
    ):
        began = time.monotonic()
        running.send(studies)
        running.wait_done(studies, within_s=420)
        took = time.monotonic() - began
    running.check_once(studies)
    running.say(
        f"{len(studies)} studies sent, {running.known(studies)} on the list after"
        f" {took:.0f} s; {archive.failed} of {archive.asked} requests failed"
    )
    assert archive.failed >= 10
    running.check_balance()

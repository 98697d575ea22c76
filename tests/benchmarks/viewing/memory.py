"""Peak memory of a viewer's renderer, in a browser that nobody looks into.

Playwright listens to the network, and Chromium keeps all that it hears in the renderer:
up to 200 MB beside what the viewer holds. Here only a few questions are asked.
"""

from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

START_S = 30


class QuietBrowser:
    """One Chromium with one page, spoken to by its own protocol.

    Args:
        connection: To the browser.
    """

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._numbers = itertools.count(1)
        self._session: str | None = None

    def ask(self, method: str, **values: Any) -> dict[str, Any]:
        """Send one command and return its answer; events are not heard."""
        number = next(self._numbers)
        message: dict[str, Any] = {"id": number, "method": method, "params": values}
        in_page = method.partition(".")[0] in {"Page", "Runtime"}
        if in_page and self._session:
            message["sessionId"] = self._session
        self._connection.send(json.dumps(message))
        while True:
            answer: dict[str, Any] = json.loads(self._connection.recv(timeout=60))
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                result: dict[str, Any] = answer["result"]
                return result

    def open(self, url: str, cookies: Sequence[dict[str, str]]) -> None:
        """Open a page with cookies that are there from the beginning."""
        self.ask("Storage.setCookies", cookies=list(cookies))
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        attached = self.ask("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        self.ask("Page.navigate", url=url)

    def is_true(self, script: str) -> bool:
        """Ask the page a question."""
        answer = self.ask("Runtime.evaluate", expression=f"!!({script})")
        return answer["result"].get("value") is True

    def peak_mb(self) -> float:
        """Return the largest resident size that a renderer ever had."""
        peaks = [0.0]
        for process in self.ask("SystemInfo.getProcessInfo")["processInfo"]:
            if process["type"] == "renderer":
                status = Path(f"/proc/{process['id']}/status").read_text()
                found = re.search(r"VmHWM:\s+(\d+) kB", status)
                peaks.append(int(found[1]) / 1024 if found else 0.0)
        return max(peaks)


@contextmanager
def quiet_browser(flags: Sequence[str]) -> Iterator[QuietBrowser]:
    """Run a browser of its own, with an empty cache."""
    profile = Path(tempfile.mkdtemp(prefix="overread-benchmark-"))
    process = subprocess.Popen(
        [
            "/usr/bin/chromium",
            "--headless=new",
            "--window-size=1600,1000",
            "--remote-debugging-port=0",
            f"--user-data-dir={profile}",
            *flags,
            "about:blank",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        address = _address(profile / "DevToolsActivePort")
        with connect(address, max_size=None) as connection:
            yield QuietBrowser(connection)
    finally:
        process.terminate()
        process.wait(20)
        shutil.rmtree(profile, ignore_errors=True)


def _address(place: Path) -> str:
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        if place.exists():
            lines = place.read_text().split()
            if len(lines) == 2:
                return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
        time.sleep(0.1)
    raise TimeoutError("The browser did not start.")

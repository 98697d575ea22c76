"""People at the list: pages asked for as they come, and sockets that follow it."""

from __future__ import annotations

import json
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
from websockets.sync.client import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

COOKIE = "overread_session"
WORDS = ("chest", "a12", "ct protocol 7", "b77")


@dataclass(frozen=True)
class Asked:
    """One request.

    Attributes:
        kind: open, scroll, jump, filter, search, sort or counters.
        seconds: From the moment it was due to the last byte: queueing counts.
        ok: It was answered 200.
    """

    kind: str
    seconds: float
    ok: bool


def _question(kind: str, edge: dict[str, Any] | None, draw: random.Random) -> Any:
    body: dict[str, Any] = {"limit": 100}
    match kind:
        case "open":
            body["counts"] = True
        case "scroll":
            body["after"] = edge
        case "jump":
            body["at"] = draw.randrange(3000)
        case "filter":
            chosen = {"modality": [draw.choice(["CT", "MR", "DX"])]}
            body |= {"counts": True, "filters": chosen}
        case "search":
            body |= {"counts": True, "filters": {"q": draw.choice(WORDS)}}
        case "sort":
            by = draw.choice(["patient", "waiting", "ai", "deadline"])
            body["sort"] = {"by": by, "descending": draw.random() < 0.5}
        case "counters":
            body = {}
    return body


KINDS = (
    *(["open"] * 5 + ["scroll"] * 5 + ["counters"] * 4),
    *("jump", "filter", "filter", "search", "sort", "sort"),
)


class People:
    """Everybody with a session, asking the portal's HTTP server.

    Args:
        url: Of the WSGI server, without a slash at the end.
        sessions: Session keys, one a person.
    """

    def __init__(self, url: str, sessions: list[str]) -> None:
        self.url = url
        self.sessions = sessions
        limits = httpx.Limits(max_connections=64, max_keepalive_connections=64)
        self.client = httpx.Client(base_url=url, limits=limits, timeout=60)
        self.tokens: dict[str, str] = {}
        self.edge: dict[str, Any] | None = None

    def headers(self, session: str) -> dict[str, str]:
        """Return what a person's browser sends along, from the portal's own origin."""
        cookie = f"{COOKIE}={session}"
        if session not in self.tokens:
            answer = self.client.get("/api/session", headers={"Cookie": cookie})
            secret = answer.cookies.get("overread_csrf") or ""
            names = [name for name in answer.cookies if "csrf" in name.lower()]
            secret = answer.cookies[names[0]] if names else secret
            token = answer.json()["csrf_token"]
            self.tokens[session] = json.dumps(
                [names[0] if names else "", secret, token]
            )
        name, secret, token = json.loads(self.tokens[session])
        if name:
            cookie = f"{cookie}; {name}={secret}"
        return {
            "Cookie": cookie,
            "X-CSRFToken": token,
            "Origin": self.url,
            "Referer": f"{self.url}/",
        }

    def warm(self) -> None:
        """Log everybody in to the list once, and find where scrolling goes on."""
        for session in self.sessions:
            self.headers(session)
        answer = self.client.post(
            "/api/worklist/window",
            json={"limit": 100},
            headers=self.headers(self.sessions[0]),
        )
        answer.raise_for_status()
        last = answer.json()["items"][-1]
        rank_class, sort_at, arrived_at, item = last["sort_key"]
        self.edge = {
            "rank_class": rank_class,
            "sort_at": sort_at,
            "arrived_at": arrived_at,
            "id": item,
        }

    def _ask(self, kind: str, due: float, draw: random.Random) -> Asked:
        session = draw.choice(self.sessions)
        path = "summary" if kind == "counters" else "window"
        answer = self.client.post(
            f"/api/worklist/{path}",
            json=_question(kind, self.edge, draw),
            headers=self.headers(session),
        )
        return Asked(
            kind=kind, seconds=time.monotonic() - due, ok=answer.status_code == 200
        )

    def arrive(self, *, a_second: float, seconds: float, seed: int) -> list[Asked]:
        """Let requests come at random moments, whether earlier ones are answered."""
        draw = random.Random(seed)  # noqa: S311  a repeatable day
        asked = []
        with ThreadPoolExecutor(32) as pool:
            due, end = time.monotonic(), time.monotonic() + seconds
            while due < end:
                time.sleep(max(0.0, due - time.monotonic()))
                own = random.Random(draw.random())  # noqa: S311
                asked.append(pool.submit(self._ask, draw.choice(KINDS), due, own))
                due += draw.expovariate(a_second)
        return [one.result() for one in asked]


class Followers:
    """Browsers on the live list: each notes when it hears of which item."""

    def __init__(self, url: str, sessions: list[str], seq: dict[str, int]) -> None:
        self.heard: list[dict[str, float]] = [{} for _ in sessions]
        self._sockets = [
            connect(
                f"{url}/ws/worklist",
                additional_headers={"Cookie": f"{COOKIE}={session}"},
                origin=url.replace("ws://", "http://"),  # type: ignore[arg-type]
                max_size=None,
            )
            for session in sessions
        ]
        for number, socket in enumerate(self._sockets):
            socket.send(json.dumps({"type": "subscribe", "since": seq}))
            threading.Thread(target=self._listen, args=(number,), daemon=True).start()

    def _listen(self, number: int) -> None:
        for text in self._messages(number):
            now = time.time()
            message = json.loads(text)
            for event in message.get("events", []):
                self.heard[number].setdefault(event["id"], now)

    def _messages(self, number: int) -> Iterator[str]:
        try:
            for text in self._sockets[number]:
                yield str(text)
        except OSError:
            return

    def wait(self, item: str, seconds: float) -> list[float] | None:
        """Return when each heard of an item; None when somebody never did."""
        end = time.time() + seconds
        while time.time() < end:
            if all(item in heard for heard in self.heard):
                return [heard[item] for heard in self.heard]
            time.sleep(0.005)
        return None

    def close(self) -> None:
        """Hang up."""
        for socket in self._sockets:
            socket.close()

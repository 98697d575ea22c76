"""The worklist with a million studies: pages, queries, and the push of arrivals.

Two databases of their own (`listing/seed.py`) are served in turn, as script/server
serves: granian for HTTP, uvicorn for sockets, real PostgreSQL and Redis; nginx, which
passes such requests on, is left out. 200 people ask for 7 pages a second between them
(each about every half minute), at random moments, while 5 follow the list by socket
and studies arrive. Every time is counted from the moment a request was due.

`script/benchmark worklist --studies 10000` measures that size alone.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from deploy.local.checks import free_base
from tests.benchmarks.harness import Metric, Stack
from tests.benchmarks.listing.load import Followers, People
from tests.benchmarks.listing.seed import Database, fill, freshen

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
SMALL, LARGE = 10_000, 1_000_000
PAGES_A_SECOND = 7.0
SOCKETS = 5
PAGE_MS, PUSH_MS, GROWTH = 150.0, 500.0, 1.5


def _serve(words: list[str], env: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(
            words, cwd=ROOT, env=env, stdout=output, stderr=subprocess.STDOUT
        )


@contextmanager
def _portal(database: Database, state: Path) -> Iterator[tuple[str, str, Any]]:
    """Serve one database; yields the addresses and the process inside."""
    base = free_base()
    http, sockets = base, base + 1
    url = f"http://127.0.0.1:{http}"
    env = {
        **os.environ,
        "DATABASE_URL": database.url,
        "OVERREAD_PUBLIC_URL": url,
        "DJANGO_SETTINGS_MODULE": "portal.settings.local",
    }
    python = Path(sys.executable).parent
    log = state / "log" / "benchmark-worklist.log"
    web = [str(python / "granian"), "--interface", "wsgi", "--host", "127.0.0.1"]
    web += ["--port", str(http), "--workers", "2", "--blocking-threads", "8"]
    web += ["--no-access-log", "--no-ws", "portal.wsgi:application"]
    live = [sys.executable, "-m", "uvicorn", "portal.asgi:application"]
    live += ["--host", "127.0.0.1", "--port", str(sockets), "--lifespan", "off"]
    processes = [_serve(web, env, log), _serve(live, env, log)]
    inside = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.listing.people"],
        cwd=ROOT,
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        _wait(url)
        yield url, f"ws://127.0.0.1:{sockets}", inside
    finally:
        for process in (inside, *processes):
            process.terminate()
            process.wait(timeout=30)


def _wait(url: str) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end:
        try:
            httpx.get(f"{url}/api/health", timeout=5)
        except httpx.HTTPError:
            time.sleep(0.2)
        else:
            return
    raise TimeoutError("the portal did not start")


def _line(inside: Any) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(inside.stdout.readline())
    return answer


def _percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _pushes(inside: Any, followers: Followers, *, times: int) -> list[float]:
    """Let studies arrive; return the milliseconds until the last socket had each."""
    taken = []
    for _ in range(times):
        inside.stdin.write("arrive\n")
        inside.stdin.flush()
        arrival = _line(inside)
        heard = followers.wait(arrival["item"], 30)
        last = max(heard) if heard else time.time()
        taken.append((last - arrival["committed"]) * 1000)
        time.sleep(0.5)
    return taken


def _measure(
    stack: Stack, *, studies: int, seconds: float, pushes: int
) -> tuple[dict[str, list[float]], list[float], float]:
    """Return milliseconds a page by kind, milliseconds a push, and the load."""
    database = fill(state=stack.state, studies=studies)
    freshen(database)
    with _portal(database, stack.state) as (url, live, inside):
        told = _line(inside)
        people = People(url, told["sessions"])
        people.warm()
        people.arrive(a_second=PAGES_A_SECOND, seconds=5, seed=1)  # caches, JIT
        summary = people.client.post(
            "/api/worklist/summary",
            json={},
            headers=people.headers(told["followers"][0]),
        ).json()
        reading = told["followers"][:SOCKETS]
        seq = {told["site"]: summary["seq"].get(told["site"], 0)}
        followers = Followers(live, reading, seq)
        try:
            asked = people.arrive(a_second=PAGES_A_SECOND, seconds=seconds, seed=2)
            pushed = _pushes(inside, followers, times=pushes)
        finally:
            followers.close()
    wrong = [one for one in asked if not one.ok]
    if wrong:
        raise RuntimeError(f"{len(wrong)} of {len(asked)} pages were not answered")
    kinds: dict[str, list[float]] = {}
    for one in asked:
        kinds.setdefault(one.kind, []).append(one.seconds * 1000)
    return kinds, pushed, os.getloadavg()[0]


def _pages(kinds: dict[str, list[float]]) -> list[float]:
    return [ms for kind, values in kinds.items() if kind != "counters" for ms in values]


def run(stack: Stack) -> list[Metric]:
    """Measure the large department, and the small one beside it."""
    quick = bool(os.environ.get("OVERREAD_BENCHMARK_QUICK"))
    wanted = int(os.environ.get("OVERREAD_BENCHMARK_STUDIES") or LARGE)
    sizes = [wanted] if wanted <= SMALL else [SMALL, wanted]
    seconds, pushes = (20.0, 5) if quick else (60.0, 20)
    metrics: list[Metric] = []
    slowest: dict[int, float] = {}
    for studies in sizes:
        kinds, pushed, load = _measure(
            stack, studies=studies, seconds=seconds, pushes=pushes
        )
        pages = _pages(kinds)
        name = f"{studies:,} studies"
        slowest[studies] = _percentile(pages, 0.95)
        metrics += [
            Metric.at_most(
                f"{name}: page p95 of {len(pages)}", slowest[studies], "ms", PAGE_MS
            ),
            Metric(f"{name}: page median", statistics.median(pages), "ms"),
            *(
                Metric(f"{name}: {kind} p95 of {len(ms)}", _percentile(ms, 0.95), "ms")
                for kind, ms in sorted(kinds.items())
            ),
            Metric.at_most(
                f"{name}: arrival → all {SOCKETS} sockets, worst of {len(pushed)}",
                max(pushed),
                "ms",
                PUSH_MS,
            ),
            Metric(f"{name}: the same, median", statistics.median(pushed), "ms"),
            Metric(f"{name}: load of the machine", load, "1"),
        ]
    if len(sizes) == 2:
        growth = slowest[sizes[1]] / slowest[sizes[0]]
        metrics.append(Metric.at_most("page p95, large ÷ small", growth, "1", GROWTH))
    return metrics

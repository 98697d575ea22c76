"""Our reading room against OHIF: same Chromium, same archive, same studies.

The two take turns. Every figure is the median over the rounds that fit into the
time; memory, sizes and frames per second likewise. A first image counts when every
pixel of the canvas agrees with the one computed from the file (`viewing/check.py`).
"""

from __future__ import annotations

import os
import socket
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import httpx
from playwright.sync_api import Error, Playwright, sync_playwright

from tests.benchmarks.harness import Metric, Stack
from tests.benchmarks.viewing.browsers import (
    Figures,
    NotShownError,
    Ohif,
    Overread,
    Viewer,
    measure_memory,
    measure_next,
    measure_planes,
    measure_reading,
)
from tests.benchmarks.viewing.cases import Case, all_cases, companion, prepare
from tests.benchmarks.viewing.peer import FOLDER, peer

QUICK = bool(os.environ.get("OVERREAD_BENCHMARK_QUICK"))
ONLY = os.environ.get("OVERREAD_VIEWER_ONLY", "")
ROUNDS = 1 if QUICK else 5
LIMIT_S = 23 * 60
# Peaks of memory hardly differ from round to round.
MEMORY_ROUNDS = 2
# Metric → unit, goal as a share of the peer's, whether large is good.
GOALS: dict[str, tuple[str, float | None, bool]] = {
    "first image": ("s", 0.5, False),
    "all slices": ("s", 0.6, False),
    "MPR": ("s", None, False),
    "next study": ("s", 0.2, False),
    "scroll": ("frames/s", 1.0, True),
    "memory": ("MB", 0.7, False),
    "sent": ("MB", None, False),
}
Samples = dict[tuple[str, str, str], list[float]]


def environment(stack: Stack) -> dict[str, str]:
    """The variables that the stack runs with."""
    lines = (stack.state / "env").read_text().splitlines()
    pairs = (line.split("=", 1) for line in lines if "=" in line and line[0] != "#")
    return {name: value.strip("'\"") for name, value in pairs}


def login(stack: Stack) -> httpx.Client:
    """A radiologist's session."""
    portal = httpx.Client(base_url=stack.url, timeout=60)
    portal.headers["Referer"] = stack.url
    token = portal.get("/api/session").json()["csrf_token"]
    body = {"username": "radiologist", "password": "overread-demo"}
    answer = portal.post("/api/session", json=body, headers={"X-CSRFToken": token})
    portal.headers["X-CSRFToken"] = answer.raise_for_status().json()["csrf_token"]
    return portal


def _say(words: str) -> None:
    sys.stderr.write(f"  {words}\n")


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class _Table:
    """All that was measured."""

    def __init__(self) -> None:
        self.samples: Samples = defaultdict(list)
        self.failures: list[str] = []
        self.loads: list[float] = []

    def take(self, viewer: Viewer, case: Case, act: Callable[[], Figures]) -> None:
        """Measure once; what fails is told and does not end the others."""
        load = os.getloadavg()[0]
        self.loads.append(load)
        try:
            figures = act()
        except (Error, NotShownError, OSError, RuntimeError) as error:
            first = (str(error) or repr(error)).splitlines()[0]
            why = f"{viewer.name}, {case.name}: {first}"
            self.failures.append(why)
            _say(f"✗ {why}")
            return
        for name, value in figures.values.items():
            self.samples[case.name, name, viewer.name].append(value)
        told = ", ".join(f"{n} {v:.2f}" for n, v in figures.values.items())
        notes = "; ".join([*figures.notes, f"load {load:.1f}"])
        _say(f"{viewer.name}, {case.name}: {told} ({notes})")

    def metrics(self, cases: list[Case]) -> list[Metric]:
        """Medians and ratios, case by case."""
        found = []
        for case in cases:
            for name, (unit, share, more) in GOALS.items():
                ours = self.samples.get((case.name, name, "Overread"), [])
                theirs = self.samples.get((case.name, name, "OHIF"), [])
                if ours or theirs:
                    title = (
                        f"{case.name}: {_title(name)} (n {len(ours)}, {len(theirs)})"
                    )
                    found.append(_metric(title, ours, theirs, unit, share, more))
        if self.loads:
            load = statistics.median(self.loads)
            found.append(Metric("load of the machine while measuring", load, "1"))
            found.append(
                Metric("measurements that failed", float(len(self.failures)), "1")
            )
        return found


def _title(name: str) -> str:
    titles = {
        "first image": "navigation → first image",
        "all slices": "navigation → all slices",
        "MPR": "navigation → three planes",
        "next study": "next study → first image",
        "memory": "renderer's peak memory",
        "sent": "bytes over the wire",
    }
    return titles.get(name, name)


def _metric(
    title: str,
    ours: list[float],
    theirs: list[float],
    unit: str,
    share: float | None,
    more: bool,
) -> Metric:
    value = statistics.median(ours) if ours else float("nan")
    if not theirs or not ours:
        goal = "measured" if share is not None else ""
        return Metric(title, value, unit, goal=goal, met=False if goal else None)
    other = statistics.median(theirs)
    ratio = value / other
    if share is None:
        return Metric(title, value, unit, peer=other, ratio=ratio)
    met = ratio >= share if more else ratio <= share
    sign = "≥" if more else "≤"
    goal = f"{sign} {share:g} × peer"
    return Metric(title, value, unit, peer=other, ratio=ratio, goal=goal, met=met)


def _measures(
    playwright: Playwright, viewer: Viewer, case: Case, *, memory: bool
) -> Iterator[Callable[[], Figures]]:
    """All that is measured of one viewer with one study."""
    yield partial(measure_reading, playwright, viewer, case)
    yield partial(measure_next, playwright, viewer, companion(case), case)
    if case.volume:
        yield partial(measure_planes, playwright, viewer, case)
    if memory:
        yield partial(measure_memory, viewer, case)


def _round(
    playwright: Playwright,
    viewers: list[Viewer],
    cases: list[Case],
    table: _Table,
    *,
    end: float,
    memory: bool,
) -> None:
    """Measure everything once; the viewers take turns measure by measure."""
    for case in cases:
        both = [_measures(playwright, one, case, memory=memory) for one in viewers]
        for pair in zip(*both, strict=True):
            if time.monotonic() > end:
                return
            for viewer, act in zip(viewers, pair, strict=True):
                table.take(viewer, case, act)


def run(stack: Stack) -> list[Metric]:
    """Measure both viewers in turn and return medians with their ratios."""
    end = time.monotonic() + LIMIT_S
    cases = [case for case in all_cases() if ONLY in case.name]
    portal = login(stack)
    every = [*cases, *map(companion, cases)]
    items = {case.study_uid: prepare(stack, portal, case) for case in every}
    cookies = [
        {"name": one.name, "value": one.value or "", "url": stack.url}
        for one in portal.cookies.jar
    ]
    table = _Table()
    with (
        peer(environment(stack), port=_free_port()) as url,
        sync_playwright() as playwright,
    ):
        log = stack.state / "log" / "nginx-access.log"
        ours = Overread(stack.url, log, cookies, items)
        theirs = Ohif(url, Path(FOLDER / "access.log").resolve())
        pair: list[Viewer] = [ours, theirs]
        for number in range(ROUNDS):
            if time.monotonic() > end:
                break
            _say(f"round {number + 1}")
            memory = number < MEMORY_ROUNDS
            _round(playwright, pair, cases, table, end=end, memory=memory)
            pair.reverse()
    return table.metrics(cases)

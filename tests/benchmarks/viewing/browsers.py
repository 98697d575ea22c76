"""Two viewers driven the same way in the same Chromium, one fresh browser each time."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlencode

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Error, Locator, Page, Playwright

from tests.benchmarks.viewing.cases import Case
from tests.benchmarks.viewing.check import WIDE, Picture, find
from tests.benchmarks.viewing.memory import quiet_browser

PROBE = Path(__file__).with_name("probe.js")
WAIT_MS = 120_000
QUIET_S = 2.5
SCROLL_S = 4
PREFETCH_S = 8
SETTLE_S = 4
PLANES = 3
TRIES = 5
TRY_MS = 8000
# Cards interpolate in steps between slices that lie far apart.
WORST_PLANE_ERROR = 3.0
FLAGS = (
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
)


class NotShownError(RuntimeError):
    """A viewer did not show what it should, or not in time."""


@dataclass
class Figures:
    """What was measured of one viewer with one study, by name."""

    values: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


class Viewer(Protocol):
    """How one viewer is driven."""

    name: str
    url: str
    log: Path
    cookies: list[dict[str, str]]

    def address(self, case: Case) -> str:
        """Where the study is shown."""

    def ready_script(self, case: Case) -> str:
        """JavaScript: whether all slices of the shown series are decoded."""

    def slice_script(self) -> str:
        """JavaScript: which slice is shown."""

    def planes_address(self, case: Case) -> str:
        """Where to go for three planes."""

    def ask_planes(self, page: Page) -> None:
        """Ask for three planes once there."""

    def planes_script(self) -> str:
        """JavaScript: whether the planes have all their slices."""

    def go_next(self, page: Page, before: Case, case: Case) -> None:
        """Read `before`, then open `case`; the last click or key counts."""

    def settle(self, page: Page) -> None:
        """Clear away what lies over the image."""


@contextmanager
def page_of(playwright: Playwright, viewer: Viewer) -> Iterator[Page]:
    """Start a browser of its own, with an empty cache."""
    browser = playwright.chromium.launch(
        executable_path="/usr/bin/chromium", args=list(FLAGS)
    )
    try:
        context = browser.new_context(viewport={"width": 1600, "height": 1000})
        context.set_default_timeout(WAIT_MS)
        context.add_cookies(viewer.cookies)  # type: ignore[arg-type]
        context.add_init_script(path=PROBE)
        yield context.new_page()
    finally:
        browser.close()


def wait_until(page: Page, script: str) -> None:
    """Wait for a condition. Playwright's own wait needs `eval`, which we forbid.

    Raises:
        NotShownError: It never came true.
    """
    end = time.monotonic() + WAIT_MS / 1000
    while time.monotonic() < end:
        if page.evaluate(script):
            return
        page.wait_for_timeout(100)
    raise NotShownError(f"never came true: {' '.join(script.split())}")


def _shots(page: Page) -> list[dict[str, Any]]:
    shots: list[dict[str, Any]] = page.evaluate("__probe.list()")
    return shots


def _picture(page: Page, place: int, shot: dict[str, Any]) -> NDArray[np.uint8]:
    text = page.evaluate(f"__probe.picture({place})")
    pixels = np.frombuffer(base64.b64decode(text), np.uint8)
    return pixels.reshape(shot["height"], shot["width"])


def first_image(page: Page, pictures: list[Picture], notes: list[str]) -> float:
    """Return when (epoch, ms) the page first showed one of the pictures.

    Every picture that the canvas ever showed is compared, the earliest first.

    Raises:
        NotShownError: None came, or none of them was right.
    """
    tried = 0
    end = time.monotonic() + WAIT_MS / 1000
    while time.monotonic() < end:
        shots = _shots(page)
        for place in range(tried, len(shots)):
            match = find(_picture(page, place, shots[place]), pictures)
            if match.shown:
                notes.append(f"{match.name}, off by {match.error:.2f} grey levels")
                return float(shots[place]["at"])
            notes.append(f"not counted: {match.name}, off by {match.error:.2f}")
        tried = len(shots)
        page.wait_for_timeout(250)
    raise NotShownError(f"{tried} pictures, none of them right")


def _wait_ready(page: Page, script: str) -> float:
    page.evaluate(f"__probe.readyAt = 0; __probe.isReady = () => ({script})")
    wait_until(page, "__probe.readyAt > 0")
    return float(page.evaluate("__probe.readyAt"))


def _quiet(page: Page) -> float:
    """Return when a canvas was last painted, once none has been for a while."""
    wait_until(
        page,
        "performance.timeOrigin + performance.now() - __probe.lastPaint"
        f" > {QUIET_S * 1000}",
    )
    return float(page.evaluate("__probe.lastPaint"))


def _scroll(page: Page, viewer: Viewer, slices: int) -> float:
    """Turn the wheel to and fro, as fast as the page takes it; images a second.

    An image counts when a canvas was painted and the viewer is at another slice.
    """
    page.evaluate(
        f"__probe.sliceOf = () => {viewer.slice_script()}; __probe.slices = 0;"
        " __probe.mode = 'slices'"
    )
    page.mouse.move(*page.evaluate("__probe.middle()"))
    begun, turned = time.monotonic(), 0
    while (passed := time.monotonic() - begun) < SCROLL_S:
        there = (turned // max(1, slices - 2)) % 2 == 0
        page.mouse.wheel(0, 100 if there else -100)
        turned += 1
    drawn = float(page.evaluate("__probe.slices"))
    page.evaluate("__probe.mode = 'pictures'; __probe.clear()")
    return drawn / passed


def _sent(log: Path, since: int) -> float:
    """Return the megabytes of bodies that nginx sent since a place in its log."""
    time.sleep(2.5)  # it writes with a delay
    lines = log.read_text(errors="replace")[since:].splitlines()
    found = (re.search(r" \d{3} (\d+)(?: [\d.]+)?$", line) for line in lines)
    return sum(int(match[1]) for match in found if match) / 1e6


def measure_reading(playwright: Playwright, viewer: Viewer, case: Case) -> Figures:
    """Open a study by its address, wait for all of it, scroll through it."""
    figures = Figures()
    since = len(viewer.log.read_text(errors="replace")) if viewer.log.exists() else 0
    with page_of(playwright, viewer) as page:
        page.goto(viewer.address(case), wait_until="commit")
        origin = page.evaluate("performance.timeOrigin")
        ready = _wait_ready(page, viewer.ready_script(case))
        shown = first_image(page, case.pictures, figures.notes)
        figures.values["first image"] = (shown - origin) / 1000
        figures.values["all slices"] = (max(ready, shown) - origin) / 1000
        _quiet(page)
        figures.values["sent"] = _sent(viewer.log, since)
        if case.slices > 1:
            viewer.settle(page)
            figures.values["scroll"] = _scroll(page, viewer, case.slices)
            first_image(page, case.pictures, figures.notes)
    return figures


def measure_memory(viewer: Viewer, case: Case) -> Figures:
    """Open a study, wait for all of it, and return the renderer's peak."""
    figures = Figures()
    with quiet_browser(FLAGS) as browser:
        browser.open(viewer.address(case), viewer.cookies)
        end = time.monotonic() + WAIT_MS / 1000
        while not browser.is_true(viewer.ready_script(case)):
            if time.monotonic() > end:
                raise NotShownError("not all slices came")
            time.sleep(0.5)
        time.sleep(SETTLE_S)
        figures.values["memory"] = browser.peak_mb()
    return figures


def measure_planes(playwright: Playwright, viewer: Viewer, case: Case) -> Figures:
    """Open a study in three planes.

    They are ready when they were painted for the last time, all slices are here, and
    each of them shows another plane through the whole volume, compared with Python's.
    """
    figures = Figures()
    with page_of(playwright, viewer) as page:
        page.goto(viewer.planes_address(case), wait_until="commit")
        origin = page.evaluate("performance.timeOrigin")
        page.evaluate("__probe.mode = 'paints'")
        viewer.ask_planes(page)
        wait_until(page, f"__probe.canvases().length >= {PLANES}")
        ready = _wait_ready(page, viewer.planes_script())
        last = _quiet(page)
        figures.values["MPR"] = (max(ready, last) - origin) / 1000
        page.evaluate("__probe.mode = 'pictures'; __probe.clear()")
        wait_until(page, f"__probe.list().length >= {PLANES}")
        canvases = [_picture(page, at, shot) for at, shot in enumerate(_shots(page))]
        figures.notes.append(_same_planes(canvases[:PLANES], case))
    return figures


def _same_planes(canvases: list[NDArray[np.uint8]], case: Case) -> str:
    """Compare each canvas with the planes that Python computes.

    Raises:
        NotShownError: Not every plane is shown by a canvas of its own.
    """
    found: dict[str, float] = {}
    for canvas in canvases:
        errors = {
            name: find(canvas, pictures, WIDE).error
            for name, pictures in case.planes.items()
        }
        best = min(errors, key=lambda name: errors[name])
        found[best] = errors[best]
    words = ", ".join(f"{name} off by {error:.2f}" for name, error in found.items())
    if len(found) < PLANES or max(found.values()) > WORST_PLANE_ERROR:
        raise NotShownError(f"not three planes of the volume: {words}")
    return words


def measure_next(
    playwright: Playwright, viewer: Viewer, before: Case, case: Case
) -> Figures:
    """Read one study, then open the next one in the same page."""
    figures = Figures()
    with page_of(playwright, viewer) as page:
        page.goto(viewer.url)
        viewer.go_next(page, before, case)
        shown = first_image(page, case.pictures, figures.notes)
        acted = page.evaluate("__probe.acted")
        figures.values["next study"] = (shown - acted) / 1000
    return figures


@dataclass(frozen=True)
class Overread:
    """Ours."""

    url: str
    log: Path
    cookies: list[dict[str, str]]
    items: dict[str, str]
    name: str = "Overread"

    def address(self, case: Case) -> str:
        """Where the study is shown."""
        return f"{self.url}/read/{self.items[case.study_uid]}"

    def ready_script(self, case: Case) -> str:
        """JavaScript: whether all slices of the shown series are decoded."""
        del case
        return "document.querySelector('.series.on .loaded') !== null"

    def slice_script(self) -> str:
        """JavaScript: which slice is shown."""
        return "document.querySelector('.stage .pane .corner.tr b')?.textContent"

    def planes_address(self, case: Case) -> str:
        """Where to go for three planes."""
        return self.address(case)

    def ask_planes(self, page: Page) -> None:
        """Ask for three planes once there."""
        button = page.get_by_role("button", name="Three planes")
        button.and_(page.locator("[aria-disabled=false]")).click()

    def planes_script(self) -> str:
        """JavaScript: whether the planes have all their slices."""
        return "document.querySelector('.mpr-word') === null"

    def go_next(self, page: Page, before: Case, case: Case) -> None:
        """Read `before`, then open `case`; the last click or key counts."""
        page.locator("input[type=search]").first.fill(case.patient)
        row = page.locator(f"#row-{self.items[before.study_uid]}")
        row.wait_for()
        # The list searches a moment after the typing: opened before that, a study of
        # the whole list comes next.
        wait_until(
            page,
            """[...document.querySelectorAll('[id^="row-"]')]"""
            f".every((one) => one.textContent.includes({json.dumps(case.patient)}))",
        )
        row.dblclick()
        wait_until(page, "__probe.list().length > 0")
        page.wait_for_timeout(PREFETCH_S * 1000)
        page.evaluate("history.back()")
        page.locator(f"#row-{self.items[case.study_uid]}").click()
        page.wait_for_timeout(500)
        page.evaluate("__probe.clear()")
        page.keyboard.press("Enter")

    def settle(self, page: Page) -> None:
        """Nothing lies over the image."""


# Of all its engines: which one has the viewports is a matter of chance.
_VIEWS = (
    "(window.cornerstone?.getRenderingEngines?.() ?? [])"
    ".flatMap((engine) => engine.getViewports())"
)


@dataclass(frozen=True)
class Ohif:
    """The peer."""

    url: str
    log: Path
    cookies: list[dict[str, str]] = field(default_factory=list)
    name: str = "OHIF"

    def address(self, case: Case) -> str:
        """Where the study is shown."""
        return f"{self.url}/viewer?StudyInstanceUIDs={case.study_uid}"

    def ready_script(self, case: Case) -> str:
        """JavaScript: whether all slices of the shown series are decoded."""
        del case
        return f"""(() => {{
          const ids = {_VIEWS}[0]?.getImageIds?.() ?? [];
          return ids.length > 0 &&
            ids.every((id) => window.cornerstone.cache.isLoaded(id));
        }})()"""

    def slice_script(self) -> str:
        """JavaScript: which slice is shown."""
        return f"{_VIEWS}.map((one) => one.getCurrentImageIdIndex?.())[0]"

    def planes_address(self, case: Case) -> str:
        """Where to go for three planes."""
        return f"{self.address(case)}&hangingprotocolId=mpr"

    def ask_planes(self, page: Page) -> None:
        """Its address has asked already."""

    def planes_script(self) -> str:
        """JavaScript: whether the planes have all their slices."""
        return f"""(() => {{
          const ids = {_VIEWS}.map((one) => one.getVolumeId?.()).filter(Boolean);
          const volumeOf = (id) => window.cornerstone.cache.getVolume(id);
          return ids.length >= {PLANES} &&
            ids.every((id) => volumeOf(id)?.loadStatus?.loaded);
        }})()"""

    def go_next(self, page: Page, before: Case, case: Case) -> None:
        """Read `before`, then open `case`; the last click or key counts."""
        # The list's pages are short: both studies are searched for, as in ours.
        page.goto(f"{self.url}/?{urlencode({'mrn': case.patient})}")
        self._unfold(page, before).click()
        wait_until(page, "__probe.list().length > 0")
        page.wait_for_timeout(PREFETCH_S * 1000)
        self.settle(page)
        page.evaluate("history.back()")
        button = self._unfold(page, case)
        page.wait_for_timeout(2000)  # the list's own questions
        page.evaluate("__probe.clear()")
        button.click()

    def _unfold(self, page: Page, case: Case) -> Locator:
        """Unfold a study's row of its list; return the button that opens it.

        A click while the list is drawn anew is lost or undone: it is tried again.
        """
        button = page.get_by_role("button", name="Basic Viewer").first
        for _ in range(TRIES):
            with suppress(Error):
                page.get_by_text(case.patient, exact=True).first.click(timeout=TRY_MS)
                button.wait_for(timeout=TRY_MS)
                return button
        raise NotShownError(f"no row of {case.name} could be unfolded")

    def settle(self, page: Page) -> None:
        """End its tour."""
        with suppress(Error):
            page.get_by_text("Skip all").first.click(timeout=5000)

"""A browser at the running stack; every picture it takes is kept to be looked at."""

from __future__ import annotations

import io
import os
import subprocess
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.benchmarks.harness import Stack
from tests.factories.dicom import make_dx, to_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

SHARED = Path(__file__).parents[3] / "shared" / "data"
FILMS = SHARED / "cxr_paediatric_train.zip"
PASSWORD = "overread-demo"
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
WAIT_MS = 120_000
# What draws: "card" or "processor"; the application chooses when it is empty.
DRAWING = os.environ.get("OVERREAD_DRAWING", "")

# Whether every row of the list, its head aside, has a text.
_ONLY = """wanted => [...document.querySelectorAll('[role="row"]')]
  .filter(row => row.querySelector('[role="gridcell"]'))
  .every(row => row.textContent.toLowerCase().includes(wanted))"""


@dataclass
class Reader:
    """One person at one browser window. Errors of the page fail the test."""

    page: Page
    stack: Stack
    errors: list[str]

    def login(self, username: str) -> None:
        self.page.goto(self.stack.url)
        self.page.locator("input").first.fill(username)
        self.page.locator("input[type=password]").fill(PASSWORD)
        self.page.keyboard.press("Enter")
        expect(self.page.get_by_role("button", name="Your account")).to_be_visible()

    def find(self, name: str) -> None:
        """Narrow the list to one patient, and wait until nobody else is on it.

        Rows move while a list narrows: a click meant for one would meet another.
        """
        self.page.locator("input[type=search]").first.fill(name)
        self.answered()
        self.page.wait_for_function(_ONLY, arg=name.lower(), timeout=60_000)

    def answered(self) -> None:
        """Wait until the list is the one that was asked for last."""
        expect(self.page.locator("[role=grid][aria-busy=false]")).to_be_visible()

    def row(self, name: str):
        return self.page.get_by_role("row").filter(has_text=name)

    def picture(self, name: str) -> None:
        folder = self.stack.state / "pictures"
        folder.mkdir(exist_ok=True)
        self.page.screenshot(path=folder / f"{name}.png")

    def pane_pixels(self) -> np.ndarray:
        """Return what the first image pane shows, grey levels [rows, columns]."""
        body = self.page.locator("canvas:not(.early-pixels)").first.screenshot()
        return np.asarray(Image.open(io.BytesIO(body)).convert("L"))


@pytest.fixture(scope="session")
def stack() -> Stack:
    if "OVERREAD_STACK_URL" not in os.environ:
        pytest.skip("needs the running stack")
    return Stack.from_environment()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=list(FLAGS)
        )
        yield browser
        browser.close()


@pytest.fixture
def new_reader(stack, browser):
    """Open a window of one's own, with its own session."""
    contexts = []

    def open_window() -> Reader:
        # What fades in is there at once: half of the way its contrast is too low.
        context = browser.new_context(
            viewport={"width": 1600, "height": 1000}, reduced_motion="reduce"
        )
        context.set_default_timeout(WAIT_MS)
        contexts.append(context)
        if DRAWING:
            context.add_init_script(
                f"localStorage.setItem('overread.drawing', '{DRAWING}')"
            )
        page = context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        return Reader(page=page, stack=stack, errors=errors)

    expect.set_options(timeout=WAIT_MS)
    yield open_window
    for context in contexts:
        context.close()


@pytest.fixture
def reader(new_reader) -> Iterator[Reader]:
    reader = new_reader()
    yield reader
    assert reader.errors == []


def send(stack: Stack, path: Path, *, called: str = "OVERREAD") -> None:
    """Send a file or folder as a modality would."""
    subprocess.run(
        [
            "storescu",
            "-R",
            "-xt",
            "-aec",
            called,
            stack.dicom_host,
            str(stack.dicom_port),
            "+sd",
            "+r",
            str(path),
        ],
        check=True,
        env={**os.environ, "TCP_NODELAY": "1"},
    )


def film(number: int = 0) -> np.ndarray:
    """Return a pneumonia film, as square as a detector."""
    with zipfile.ZipFile(FILMS) as archive:
        names = sorted(n for n in archive.namelist() if "PNEUMONIA/person" in n)
        picture = Image.open(io.BytesIO(archive.read(names[number]))).convert("L")
    return np.asarray(picture.resize((1024, 1024), Image.Resampling.BICUBIC))


def send_film(
    stack: Stack, *, age: str = "004Y", called: str = "OVERREAD", number: int = 0
) -> str:
    """Send a film of a new patient; return the name that the list shows."""
    name = f"E2E{uuid4().hex[:9].upper()}"
    dataset = make_dx(film(number), patient_name=name, patient_id=name, age=age)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "film.dcm").write_bytes(to_bytes(dataset))
        send(stack, Path(folder), called=called)
    return name

"""Every file of the small collection in the reading room: its pixels, or why not.

All files are sent as series of one study and led through one viewport. What the
canvas holds is compared with what Python computes of the same file.
"""

from __future__ import annotations

import base64
import csv
import io
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect
from pydicom.uid import generate_uid
from scipy.ndimage import map_coordinates

from tests.e2e.conftest import WAIT_MS, Reader
from tests.e2e.every_file import (
    aspect_of,
    expected_picture,
    files_with_pixels,
    make_copy,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

    from tests.benchmarks.harness import Stack

ROOT = Path(__file__).parents[2]
PATHS = files_with_pixels()
VIEW = {"width": 1190, "height": 560}
BLOCKS = 24
pytestmark = [
    pytest.mark.stack,
    pytest.mark.browser,
    pytest.mark.real_data,
    pytest.mark.skipif(not PATHS, reason="../shared/data is not here"),
]

_SETTLED = """name => {
  const pane = document.querySelector("[data-pane='1']");
  const words = [...pane.querySelectorAll('.pane-word')].map(one => one.textContent);
  if (words.length) return words.every(one => !one.startsWith('Reading'));
  return pane.querySelector('.corner.tl')?.textContent.includes(name) ?? false;
}"""
_CANVAS = """() => document.querySelector(
  "[data-pane='1'] canvas:not(.early-pixels):not(.pane-over canvas)").toDataURL()"""


@dataclass
class Walk:
    """The opened study with all files.

    Attributes:
        page: The reading room, one viewport.
        errors: What the page could not catch.
        outcomes: By Series Number: how the door took the file, and its words.
        cards: By Series Number: the card that hangs the series.
        listed: What the room lists beside images.
    """

    page: Page
    errors: list[str]
    outcomes: dict[int, tuple[str, str]]
    cards: dict[int, Locator] = field(default_factory=dict)
    listed: str = ""

    def show(self, number: int) -> None:
        """Hang a series and wait until it is drawn, or said why it is not."""
        name = PATHS[number - 1].rsplit("/", maxsplit=1)[-1][:60]
        self.cards[number].press("Enter")
        self.page.wait_for_function(_SETTLED, arg=name, timeout=WAIT_MS)

    def words(self) -> str:
        found = self.page.locator("[data-pane='1'] .pane-word").all_inner_texts()
        return " ".join(found)

    def canvas(self) -> np.ndarray:
        """Return the canvas itself, [rows, columns, 3]."""
        _, _, body = self.page.evaluate(_CANVAS).partition(",")
        picture = Image.open(io.BytesIO(base64.b64decode(body)))
        return np.asarray(picture.convert("RGB")).astype(float)


def import_folder(stack: Stack, folder: Path) -> dict[int, tuple[str, str]]:
    """Import a folder as an administrator would; return each file's outcome."""
    lines = (stack.state / "env").read_text().splitlines()
    pairs = (one.split("=", 1) for one in lines if "=" in one and one[0] != "#")
    env = {key: value.strip("'\"") for key, value in pairs}
    report = folder.parent / "report.csv"
    subprocess.run(
        [
            *(sys.executable, "manage.py", "import_dicom", str(folder)),
            *("--site", "northfield", "--report", str(report)),
        ],
        cwd=ROOT,
        env={**os.environ, **env},
        check=True,
        capture_output=True,
    )
    with report.open() as file:
        rows = list(csv.DictReader(file))
    return {int(Path(row["name"]).stem): (row["status"], row["reason"]) for row in rows}


@pytest.fixture(scope="module")
def walk(stack: Stack, browser: Browser) -> Iterator[Walk]:
    patient = f"EVERY{uuid4().hex[:8].upper()}"
    study_uid = generate_uid()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "files")
        folder.mkdir()
        for number, path in enumerate(PATHS, start=1):
            copy = make_copy(path, number=number, study_uid=study_uid, patient=patient)
            if copy is not None:
                (folder / f"{number:03}.dcm").write_bytes(copy.content)
        outcomes = import_folder(stack, folder)
    context = browser.new_context(viewport=VIEW)
    context.set_default_timeout(WAIT_MS)
    expect.set_options(timeout=WAIT_MS)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    reader = Reader(page=page, stack=stack, errors=errors)
    reader.login("radiologist2")
    reader.find(patient)
    reader.row(patient).dblclick()
    page.wait_for_url(re.compile("/read/"))
    expect(page.locator("[data-pane='1'] .pane-over")).to_be_visible()
    page.keyboard.press("g")
    page.locator("[data-grid]").first.click()
    walk = Walk(page, errors, outcomes)
    cards = page.locator(".rail .series")
    for place, words in enumerate(cards.locator(".about b").all_inner_texts()):
        walk.cards[int(words.split()[0])] = cards.nth(place)
    # What others left is read after the images.
    expect(page.locator(".from-pacs [data-foreign-object]").first).to_be_visible()
    more = page.get_by_role("button", name=re.compile("^Show all"))
    if more.count():
        more.first.click()
    walk.listed = page.locator(".room").inner_text()
    yield walk
    page.keyboard.press("Escape")
    context.close()


def _blocks(picture: np.ndarray, box: tuple[float, float, float, float]) -> np.ndarray:
    """Return the means of a table of blocks of a part of a picture."""
    left, top, width, height = box
    rows = np.round(np.linspace(top, top + height, BLOCKS + 1)).astype(int)
    columns = np.round(np.linspace(left, left + width, BLOCKS + 1)).astype(int)
    return np.array(
        [
            picture[a : max(b, a + 1), c : max(d, c + 1)].mean(axis=(0, 1))
            for a, b in pairwise(rows)
            for c, d in pairwise(columns)
        ]
    )


def _differences(canvas: np.ndarray, wanted: np.ndarray, aspect: float) -> np.ndarray:
    """Return how far the canvas is off, in grey levels.

    An image fills its viewport as far as it can. Enlarged, it is compared where the
    centres of its pixels are; made smaller, by the means of blocks.
    """
    height, width = canvas.shape[:2]
    rows, columns = wanted.shape[:2]
    scale = min(width / columns, height / (rows * aspect))
    wide, high = columns * scale, rows * aspect * scale
    left, top = (width - wide) / 2, (height - high) / 2
    if scale < 2:
        seen = _blocks(canvas, (left, top, wide, high))
        return np.abs(seen - _blocks(wanted, (0, 0, columns, rows)))
    y, x = np.mgrid[int(top) + 1 : int(top + high), int(left) + 1 : int(left + wide)]
    row = (y + 0.5 - top) / (scale * aspect) - 0.5
    column = (x + 0.5 - left) / scale - 0.5
    # Between centres the values are interpolated before the window is applied.
    near = (abs(row - np.round(row)) < 0.15) & (abs(column - np.round(column)) < 0.15)
    at = (row[near], column[near])
    inside = {"order": 1, "mode": "nearest"}
    shape = [map_coordinates(wanted[..., n], at, **inside) for n in range(3)]
    return np.abs(canvas[y[near], x[near]] - np.stack(shape, axis=-1))


@pytest.mark.parametrize("number", range(1, len(PATHS) + 1), ids=PATHS)
def test_its_pixels_or_why_not(walk: Walk, number: int) -> None:
    if number not in walk.outcomes:
        pytest.skip("pydicom cannot write the copy")
    path = PATHS[number - 1]
    status, reason = walk.outcomes[number]
    if status == "refused":
        assert len(reason) > 20, "refused in words"
        return
    assert status == "stored", reason
    if number not in walk.cards:
        assert Path(path).name[:60] in walk.listed, "not an image, and nowhere listed"
        return
    walk.show(number)
    assert walk.errors == []
    words = walk.words()
    if words:
        assert words.startswith("Not shown")
        assert len(words) > 30, "says why"
        return
    frames = walk.page.locator("[data-pane='1'] .corner.tr").inner_text()
    n_frames = re.match(r"\d+ / (\d+)", frames)
    assert n_frames, frames
    card = walk.cards[number].inner_text()
    assert re.search(rf"(?<!\d){n_frames[1]} im", card), "its card says how many"
    wanted = expected_picture(path)
    canvas = walk.canvas()
    if wanted is None:
        return  # one value, and no window that says which grey it is
    off = _differences(canvas, wanted, aspect_of(path))
    assert off.mean() < 1.5, path
    assert np.percentile(off, 95) < 6, path


def test_what_lies_over_an_image_is_drawn_and_put_away(walk: Walk) -> None:
    number = next(n for n, one in enumerate(PATHS, 1) if "examples_overlay" in one)
    walk.show(number)
    plane = walk.page.locator("[data-pane='1'] canvas.overlay-plane")
    expect(plane).to_be_visible()
    assert plane.evaluate("one => [one.height, one.width]") == [300, 484]
    walk.page.keyboard.press("Alt+o")
    expect(plane).to_have_count(0)
    walk.page.keyboard.press("Alt+o")
    expect(plane).to_have_count(1)


def test_words_in_the_corners_can_be_taken_off(walk: Walk) -> None:
    label = walk.page.locator("[data-pane='1'] .corner.tl")
    expect(label).to_be_visible()
    walk.page.keyboard.press("Alt+t")
    expect(label).to_be_hidden()
    expect(walk.page.locator("[data-pane='1'] .corner.bl")).to_be_visible()
    walk.page.keyboard.press("Alt+t")
    expect(label).to_be_visible()

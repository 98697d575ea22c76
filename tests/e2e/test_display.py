"""How studies hang, are compared and are seen in depth, in a real Chromium."""

from __future__ import annotations

import io
import itertools
import re
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.e2e.conftest import SHARED, Reader, send

if TYPE_CHECKING:
    from pathlib import Path

NLST = SHARED / "ct_chest_nlst_143"
NLST_PATIENT = "149872"
pytestmark = [pytest.mark.stack, pytest.mark.browser]


@pytest.fixture
def phantoms(reader: Reader, tmp_path: Path):
    """Send studies of one new phantom; return how its Patient ID reads."""
    person = time.time_ns() % 900_000 + 100_000
    made = itertools.count()  # studies of one seed have one UID

    def make(kind: str, *more: str, at: str) -> str:
        folder = tmp_path / f"{kind}-{at}"
        subprocess.run(
            [
                *(sys.executable, "-m", "workers.phantoms", "study"),
                *(
                    "--kind",
                    kind,
                    "--seed",
                    str(person + next(made)),
                    "--person",
                    str(person),
                ),
                *("--at", at, "--out", str(folder), *more),
            ],
            check=True,
        )
        (folder / "truth.json").unlink(missing_ok=True)
        send(reader.stack, folder)
        shutil.rmtree(folder)
        return f"PHANTOM-{person:06d}"

    return make


def open_row(reader: Reader, patient: str, words: str) -> None:
    reader.find(patient)
    row = reader.row(patient).filter(has_text=words)
    expect(row.first).to_be_visible(timeout=60_000)
    row.first.dblclick()
    reader.page.wait_for_url(re.compile("/read/"))
    expect(reader.page.locator(".pane-over").first).to_be_visible(timeout=60_000)


def corner(reader: Reader, pane: int, which: str):
    return reader.page.locator(f"[data-pane='{pane}'] .corner.{which}")


def test_a_mammogram_hangs_in_four_views_with_chest_walls_in_the_middle(
    reader, phantoms
):
    reader.login("radiologist2")
    patient = phantoms("mammogram", "--size", "512", at="2026-11-20T10:00")
    open_row(reader, patient, "MG")
    for pane, name in enumerate(("R CC", "L CC", "R MLO", "L MLO"), start=1):
        expect(corner(reader, pane, "tl")).to_contain_text(name)
    expect(
        reader.page.get_by_role("button", name="Choose a hanging protocol")
    ).to_contain_text("Mammogram, four views")
    right = reader.page.locator("[data-pane='1'] .edge.right")
    left = reader.page.locator("[data-pane='2'] .edge.left")
    expect(right).to_have_text("P")
    expect(left).to_have_text("P")
    reader.page.wait_for_timeout(1500)
    reader.picture("mammogram")
    # The breast touches the middle line: bright there, dark at the outer edge.
    for pane, wall in ((1, -1), (2, 0)):
        pixels = f"[data-pane='{pane}'] .pane-pixels canvas"
        body = reader.page.locator(pixels).screenshot()
        grey = _grey(body)
        edges = grey[:, 4:24].mean(), grey[:, -24:-4].mean()
        assert edges[wall] > edges[-1 - wall] + 5, edges


def _grey(body: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(body)).convert("L")).astype(float)


def test_the_grid_takes_series_by_key_and_by_dragging(reader, phantoms):
    reader.login("radiologist2")
    patient = phantoms("mammogram", "--size", "512", at="2026-11-20T10:00")
    open_row(reader, patient, "MG")
    page = reader.page
    page.keyboard.press("g")
    expect(page.get_by_role("button", name="2 by 2 viewports")).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator("[data-pane]")).to_have_count(6)
    expect(corner(reader, 4, "tl")).to_contain_text("R MLO")
    card = page.locator(".rail .series").filter(has_text="L CC")
    card.drag_to(page.locator("[data-pane='3']"))
    expect(corner(reader, 3, "tl")).to_contain_text("L CC")
    page.keyboard.press("Shift+ArrowDown")
    page.locator(".rail .series").filter(has_text="R CC").press("Enter")
    expect(corner(reader, 6, "tl")).to_contain_text("R CC")
    page.locator("[data-pane='6']").dblclick()
    expect(page.locator(".pane.large")).to_have_attribute("data-pane", "6")
    page.get_by_role("button", name="Show all").click()
    expect(page.locator(".pane.large")).to_have_count(0)


def test_an_earlier_ct_stands_beside_and_scrolls_by_place(reader, phantoms):
    reader.login("radiologist2")
    size = ("--size", "128", "--slices", "40")
    phantoms("chest-ct", *size, at="2025-03-02T09:00")
    patient = phantoms("chest-ct", *size, at="2026-11-20T09:00")
    reader.find(patient)
    expect(reader.row(patient)).to_have_count(2, timeout=60_000)
    # The newer of the two is the one with an earlier study.
    page = reader.page
    for place in (0, 1):
        reader.row(patient).nth(place).dblclick()
        page.wait_for_url(re.compile("/read/"))
        expect(page.locator(".pane-over").first).to_be_visible(timeout=60_000)
        expect(page.get_by_text(re.compile("found|No earlier study"))).to_be_visible()
        if page.get_by_text("1 found").count():
            break
        page.keyboard.press("Escape")
        page.wait_for_url(lambda url: "/read/" not in url)
        reader.find(patient)
    for _ in range(10):
        page.keyboard.press("ArrowDown")
    expect(corner(reader, 1, "tr")).to_contain_text("11 / 40")
    page.keyboard.press("Alt+c")
    expect(page.locator(".prior-badge")).to_contain_text("PRIOR, 21 months")
    expect(corner(reader, 2, "tr")).to_contain_text(re.compile(r"\d+ / 40"))
    before = _place(reader, 2)
    for _ in range(8):
        page.keyboard.press("ArrowDown")
    expect(corner(reader, 1, "tr")).to_contain_text("19 / 40")
    page.wait_for_timeout(1500)
    reader.picture("compare")
    moved = abs(_place(reader, 2) - before)
    assert moved == pytest.approx(_step(reader) * 8, abs=_step(reader))
    page.keyboard.press("d")
    expect(page.locator(".stage.mpr .pane.axial .corner.tr")).to_contain_text(
        "19 / 40", timeout=60_000
    )
    page.get_by_role("button", name="MIP", exact=True).click()
    expect(page.locator(".slab-word").first).to_have_text("MIP 10 mm")
    page.wait_for_timeout(1500)
    reader.picture("slab")


def _place(reader: Reader, pane: int) -> float:
    words = corner(reader, pane, "br").inner_text().replace("−", "-")
    found = re.search(r"(-?\d+\.\d) mm", words)
    assert found, words
    return float(found[1])


def _step(reader: Reader) -> float:
    words = corner(reader, 1, "tl").inner_text()
    found = re.search(r"(\d+\.\d) mm", words)
    assert found, words
    return float(found[1])


def test_a_film_with_burned_in_words_is_not_saved_as_a_picture(reader, phantoms):
    reader.login("radiologist2")
    patient = phantoms("chest-film", "--size", "512", at="2026-11-20T10:00")
    open_row(reader, patient, "CHEST PA")
    reader.page.keyboard.press("Alt+p")
    notice = reader.page.get_by_text("burned into its pixels")
    expect(notice).to_be_visible()
    reader.page.get_by_role("button", name="Close").click()
    expect(notice).to_have_count(0)


@pytest.mark.real_data
@pytest.mark.skipif(not NLST.exists(), reason="the NLST CT is not here")
def test_a_picture_of_a_viewport_carries_no_patient(reader):
    reader.login("radiologist2")
    send(reader.stack, NLST)
    open_row(reader, NLST_PATIENT, "143 images")
    expect(corner(reader, 1, "bl")).to_contain_text("WW")
    reader.page.wait_for_timeout(1000)
    with reader.page.expect_download() as saving:
        reader.page.keyboard.press("Alt+p")
    download = saving.value
    assert re.fullmatch(
        r"overread-CT-series-\d+-image-\d+\.png", download.suggested_filename
    )
    picture = Image.open(download.path())
    shown = reader.page.locator("[data-pane='1']").bounding_box()
    assert shown
    assert abs(picture.width - shown["width"]) <= 2
    assert np.asarray(picture.convert("L")).std() > 20

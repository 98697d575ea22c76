"""A series drawn as a body, in a real Chromium without a graphics card."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.e2e.conftest import SHARED, Reader, send

NLST = SHARED / "ct_chest_nlst_143"
MR = SHARED / "mr_prostatex"
pytestmark = [
    pytest.mark.stack,
    pytest.mark.browser,
    pytest.mark.real_data,
    pytest.mark.skipif(not NLST.exists(), reason="the NLST CT is not here"),
]

_CANVAS = "() => document.querySelector('.solid canvas').toDataURL()"


def _open(reader: Reader, patient: str, words: str) -> None:
    reader.find(patient)
    row = reader.row(patient)
    expect(row).to_contain_text(words)
    row.dblclick()
    reader.page.wait_for_url(re.compile("/read/"))
    expect(reader.page.locator(".pane-over").first).to_be_visible()


def _drawn(reader: Reader) -> np.ndarray:
    """Return what is drawn once it rests, [rows, columns, 3]."""
    pictures: list[np.ndarray] = []
    for _ in range(60):
        reader.page.wait_for_timeout(1000)
        _, _, body = reader.page.evaluate(_CANVAS).partition(",")
        picture = Image.open(io.BytesIO(base64.b64decode(body))).convert("RGB")
        pictures.append(np.asarray(picture).astype(float))
        if len(pictures) > 2 and np.array_equal(pictures[-1], pictures[-3]):
            return pictures[-1]
    return pictures[-1]


def test_a_chest_is_drawn_turned_and_coloured(reader: Reader) -> None:
    page = reader.page
    reader.login("radiologist2")
    send(reader.stack, NLST)
    _open(reader, "149872", "143 images")
    expect(page.get_by_text("Loaded")).to_be_visible()
    page.keyboard.press("Shift+d")
    expect(page.locator(".solid .corner.tr")).to_contain_text("Not for measuring")
    expect(page.locator(".solid .corner.tr")).to_contain_text("seen from A")
    expect(page.locator(".solid")).to_have_attribute("data-solid", re.compile("[1-9]"))
    front = _drawn(reader)
    reader.picture("volume-front")
    # Bones are bright, and a thorax is about as wide on the left as on the right.
    bright = front.mean(axis=2) > 60
    assert 0.1 < bright.mean() < 0.9
    half = bright.shape[1] // 2
    left, right = bright[:, :half].mean(), bright[:, half:].mean()
    assert left == pytest.approx(right, rel=0.35)

    for _ in range(9):
        page.keyboard.press("ArrowRight")
    expect(page.locator(".solid .corner.tr")).to_contain_text("seen from R")
    side = _drawn(reader)
    reader.picture("volume-side")
    assert abs(side - front).mean() > 10, "turned, it looks different"
    page.get_by_role("button", name="Lung", exact=True).click()
    lung = _drawn(reader)
    reader.picture("volume-lung")
    assert abs(lung - side).mean() > 10
    for tool in ("Length", "Ellipse"):
        button = page.get_by_role("button", name=tool, exact=True)
        if button.count():
            expect(button).to_have_attribute("aria-disabled", "true")
    page.keyboard.press("0")
    expect(page.locator(".solid .corner.tr")).to_contain_text("seen from A")
    lit = (_drawn(reader).mean(axis=2) > 20).mean()
    page.locator(".solid canvas").hover()
    for _ in range(4):
        page.mouse.wheel(0, 100)  # towards the reader: it becomes smaller
    assert (_drawn(reader).mean(axis=2) > 20).mean() < 0.8 * lit
    page.keyboard.press("d")  # the same series in three planes, then as it hung
    expect(page.locator(".stage.mpr > .pane.axial .corner.tr")).to_contain_text("/ 143")
    page.keyboard.press("d")
    expect(page.locator("[data-pane='1'] .corner.tr")).to_contain_text("/ 143")
    page.keyboard.press("Escape")


@pytest.mark.skipif(not MR.exists(), reason="the prostate MR is not here")
def test_what_has_no_regular_grid_has_no_volume(reader: Reader) -> None:
    page = reader.page
    reader.login("radiologist2")
    send(reader.stack, MR)
    _open(reader, "ProstateX-0207", "147 images")
    page.get_by_text("DYNDIST", exact=False).first.click()
    planes = page.get_by_role("button", name="Three planes", exact=True)
    expect(planes).to_have_attribute("aria-disabled", "true")
    page.keyboard.press("Shift+d")
    notice = page.get_by_text("several images lie at the same place")
    expect(notice).to_be_visible()
    expect(page.locator(".solid")).to_have_count(0)
    page.keyboard.press("Escape")

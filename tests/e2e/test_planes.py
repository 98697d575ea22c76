"""Three orthogonal planes through a real CT, in a real Chromium."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, expect

from tests.e2e.conftest import SHARED, Reader, send

NLST = SHARED / "ct_chest_nlst_143"
PATIENT = "149872"
pytestmark = [
    pytest.mark.stack,
    pytest.mark.browser,
    pytest.mark.real_data,
    pytest.mark.skipif(not NLST.exists(), reason="the NLST CT is not here"),
]


@pytest.fixture
def chest(reader: Reader) -> Reader:
    """Open the chest CT at its first image."""
    reader.login("radiologist2")
    send(reader.stack, NLST)
    reader.find(PATIENT)
    row = reader.row(PATIENT)
    expect(row).to_contain_text("143 images")
    row.dblclick()
    reader.page.wait_for_url(re.compile("/read/"))
    expect(reader.page.get_by_text("Loaded")).to_be_visible()
    return reader


def _grey(pane: Locator) -> np.ndarray:
    body = pane.screenshot()
    return np.asarray(Image.open(io.BytesIO(body)).convert("L")).astype(float)


def _number(pane: Locator) -> int:
    """Return which of its planes a view shows."""
    found = re.match(r"(\d+) / \d+", pane.locator(".corner.tr").inner_text())
    assert found
    return int(found.group(1))


def test_planes_follow_the_crosshairs_and_go_back_to_the_image(chest):
    page = chest.page
    for _ in range(70):
        page.keyboard.press("ArrowDown")
    expect(page.locator(".corner.tr").first).to_contain_text("71 / 143")
    page.get_by_role("button", name="Three planes", exact=True).click()
    axial, coronal, sagittal = (
        page.locator(f".stage.mpr > .pane.{name}")
        for name in ("axial", "coronal", "sagittal")
    )
    expect(sagittal.locator(".corner.tr")).to_contain_text("/ 512")
    expect(page.locator(".mpr-word")).to_have_count(0)
    page.wait_for_timeout(2000)
    chest.picture("planes")
    assert _number(axial) == 71
    for pane in (axial, coronal, sagittal):
        assert _grey(pane).std() > 20, "every plane shows the patient"
    # In a chest seen from the front the head is up, the right side at the left.
    assert coronal.locator(".edge").all_inner_texts() == ["H", "R", "L"]
    assert sagittal.locator(".edge").all_inner_texts() == ["H", "A", "P"]

    before = _grey(sagittal), _number(sagittal)
    box = axial.bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] * 0.3, box["y"] + box["height"] / 2)
    page.wait_for_timeout(1500)
    assert _number(sagittal) != before[1]
    assert abs(_grey(sagittal) - before[0]).mean() > 3
    assert _number(axial) == 71, "a click in a plane does not leave it"

    for _ in range(3):
        page.mouse.wheel(0, 120)
        page.wait_for_timeout(200)
    assert _number(axial) == 74, "the wheel goes the way of the stack"
    page.keyboard.press("ArrowDown")
    expect(axial.locator(".corner.tr")).to_contain_text("75 / 143")

    page.keyboard.press("Alt+2")  # a window chosen once holds for all planes
    windows = page.locator(".stage.mpr .corner.bl")
    expect(windows).to_have_text(["WW 1500 WL −600"] * 3)
    chest.picture("planes-lung")
    page.keyboard.press("d")
    expect(page.locator(".corner.tr").first).to_contain_text("75 / 143")
    page.keyboard.press("Escape")


_DRAWN = """path => {
  const box = path.getBBox();
  return [box.x + box.width / 2, box.y + box.height / 2];
}"""
_CROSSED = """lines => {
  const middle = of => of.reduce((sum, one) => sum + one, 0) / of.length;
  const read = name => middle(lines.map(line => Number(line.getAttribute(name))));
  return [read('x1'), read('y1')];
}"""


def test_a_mark_of_the_list_is_shown_where_it_is_in_the_planes(chest):
    page = chest.page
    marks = page.locator(".block.mine li")
    before = marks.count()
    for _ in range(4):
        page.keyboard.press("ArrowDown")
    expect(page.locator(".corner.tr").first).to_contain_text("5 / 143")
    box = page.locator(".pane-over").first.bounding_box()
    assert box
    page.keyboard.press("l")
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.6)
    page.mouse.down()
    page.mouse.move(
        box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.65, steps=4
    )
    page.mouse.up()
    expect(marks).to_have_count(before + 1)
    figure = marks.last.locator(".figure").inner_text()
    for _ in range(20):
        page.keyboard.press("ArrowDown")
    expect(page.locator(".corner.tr").first).to_contain_text("25 / 143")

    page.keyboard.press("d")
    axial, coronal = (
        page.locator(f".stage.mpr > .pane.{name}") for name in ("axial", "coronal")
    )
    expect(axial.locator(".corner.tr")).to_contain_text("25 / 143")
    drawn = axial.locator("[data-kind=length] path.mark-human")
    expect(drawn).to_have_count(0)
    marks.last.locator("button.go").click()
    expect(axial.locator(".corner.tr")).to_contain_text("5 / 143")
    expect(drawn).to_have_class(re.compile("active"))
    expect(axial.locator(".measure-plate")).to_contain_text(figure)
    expect(coronal.locator("[data-kind=length]")).to_have_count(0)
    chest.picture("planes-mark")
    crossed = axial.locator(".crosshairs .cross-line").evaluate_all(_CROSSED)
    assert crossed == pytest.approx(drawn.evaluate(_DRAWN), abs=6)
    assert axial.locator(".measure-grip").count() == 0, "it cannot be dragged here"
    page.keyboard.press("ArrowDown")
    expect(axial.locator(".corner.tr")).to_contain_text("6 / 143")
    expect(drawn).to_have_count(0)
    page.keyboard.press("d")
    marks.last.get_by_role("button", name=re.compile("^Delete")).click()
    expect(marks).to_have_count(before)
    page.keyboard.press("Escape")


def test_a_series_that_is_no_volume_says_why(reader):
    mr = SHARED / "mr_prostatex"
    reader.login("radiologist2")
    send(reader.stack, mr)
    reader.find("ProstateX-0207")
    row = reader.row("ProstateX-0207")
    expect(row).to_contain_text("147 images")
    row.dblclick()
    reader.page.wait_for_url(re.compile("/read/"))
    planes = reader.page.get_by_role("button", name="Three planes", exact=True)
    expect(planes).to_have_attribute("aria-disabled", "false")
    reader.page.get_by_text("DYNDIST", exact=False).first.click()
    expect(planes).to_have_attribute("aria-disabled", "true")
    expect(planes).to_have_attribute(
        "aria-description", "several images lie at the same place"
    )
    planes.hover()
    expect(reader.page.get_by_text("several images lie at the same")).to_be_visible()
    reader.picture("no-planes")
    reader.page.keyboard.press("Escape")

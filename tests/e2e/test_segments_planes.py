"""Segments in planes through a volume, and where others look at them, against NumPy."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.e2e.test_segments import (
    NLST,
    Bench,
    Series,
    ml,
    open_series,
    said_ml,
    send_series,
)

if TYPE_CHECKING:
    from tests.e2e.conftest import Reader

pytestmark = [
    pytest.mark.stack,
    pytest.mark.browser,
    pytest.mark.real_data,
    pytest.mark.skipif(not NLST.exists(), reason="../shared/data is not here"),
]
# Pixels of a canvas that are not clear.
_SEEN = """canvas => canvas.getContext('2d')
  .getImageData(0, 0, canvas.width, canvas.height).data
  .filter((value, at) => at % 4 === 3 && value > 0).length"""


def seen_in(bench: Bench, selector: str, least: int = 200) -> None:
    """Wait until labels are drawn in a pane."""
    canvas = bench.page.locator(f"{selector} canvas.labels").last
    expect(canvas).to_be_attached()
    for _ in range(100):
        if canvas.evaluate(_SEEN) > least:
            return
        bench.page.wait_for_timeout(200)
    raise AssertionError(f"nothing is drawn in {selector}")


def volume_of(bench: Bench) -> tuple[dict, np.ndarray]:
    """Return the segmentation, and its labels [image of the stack][row][column]."""
    one, maps = bench.saved()
    empty = np.zeros(bench.series.values.shape[1:], dtype=np.uint8)
    return one, np.stack([maps.get(key, empty) for key in bench.series.keys])


class Plane:
    """A plane of the three, on the screen."""

    def __init__(self, bench: Bench, name: str) -> None:
        self.bench, self.pane = bench, bench.page.locator(f".pane.{name}")

    def move(self, x: float, y: float) -> tuple[float, float]:
        """Move the tool to a place in parts of the pane; return it in its pixels."""
        box = self.pane.locator(".pane-pixels").bounding_box()
        assert box
        self.bench.page.mouse.move(
            box["x"] + x * box["width"], box["y"] + y * box["height"]
        )
        said = self.pane.locator(".tool-cursor .brush").get_attribute("data-at") or ""
        across, _, down = said.partition(",")
        return float(across), float(down)

    def click(self, x: float, y: float) -> tuple[float, float]:
        at = self.move(x, y)
        self.bench.page.mouse.down()
        self.bench.page.mouse.up()
        self.bench.page.wait_for_timeout(1500)  # on its way into the draft
        return at


def open_planes(bench: Bench) -> None:
    bench.press("d")
    expect(bench.page.locator(".mpr .pane-over")).to_have_count(3)
    expect(bench.page.locator(".mpr-word")).to_have_count(0)
    bench.page.wait_for_timeout(1000)


def upward(series: Series) -> bool:
    """Say whether the stack's next image is the grid's next slice."""
    return series.heights[1] > series.heights[0]


def disc_across(
    series: Series,
    at: tuple[float, float],
    diameter: float,
    *,
    spacing: float,
    size: int,
) -> np.ndarray:
    """Return which voxels of a plane [image of the stack][index] a brush takes.

    The plane's pixels are (index in the image, slice of the grid), `spacing` and the
    images' distance apart in mm.
    """
    n = len(series.keys)
    slices, across = np.mgrid[:n, :size] + 0.5
    taken = (
        np.hypot((across - at[0]) * spacing, (slices - at[1]) * series.apart_mm)
        <= diameter / 2 + 1e-9
    )
    return taken if upward(series) else taken[::-1]


def _erase_in_the_sagittal_plane(
    bench: Bench, coronal: Plane, wanted: np.ndarray
) -> np.ndarray:
    """Erase in the middle of what was painted; return what is left."""
    bench.press("8", "[", "[")
    bench.page.get_by_role("button", name=re.compile("Crosshair")).first.click()
    box = coronal.pane.locator(".pane-pixels").bounding_box()
    assert box
    bench.page.mouse.click(
        box["x"] + 0.45 * box["width"], box["y"] + 0.5 * box["height"]
    )
    bench.press("8")
    sagittal = Plane(bench, "sagittal")
    seen_in(bench, ".pane.sagittal", 30)  # one voxel wide
    canvas = sagittal.pane.locator("canvas.labels")
    x, y = canvas.evaluate(
        """canvas => { const { width, height } = canvas;
          const data = canvas.getContext('2d').getImageData(0, 0, width, height).data;
          let [n, x, y] = [0, 0, 0];
          for (let at = 0; at < width * height; at += 1) if (data[4 * at + 3] > 0) {
            n += 1; x += at % width; y += Math.floor(at / width);
          }
          return [x / n / width, y / n / height]; }"""
    )
    there = sagittal.click(x, y)
    _, labels = volume_of(bench)
    gone = wanted & (labels == 0)
    (column,) = np.unique(np.nonzero(gone)[2])
    cut = np.zeros_like(gone)
    series = bench.series
    size = labels.shape[1]
    cut[:, :, column] = disc_across(
        series, there, 12, spacing=series.spacing[0], size=size
    )
    assert gone.any()
    assert np.array_equal(gone, cut & wanted)
    left = wanted & ~cut
    assert np.array_equal(labels == 1, left)
    return left


def test_the_brush_paints_in_planes_what_the_stack_has(reader: Reader) -> None:
    """A disc in the coronal plane, erased in part in the sagittal one; all by NumPy."""
    reader.login("radiologist2")
    series = send_series(reader)
    bench = open_series(reader, series)
    open_planes(bench)
    bench.press("4", "]", "]", "]")  # 10, 12, 15, 20 mm
    coronal = Plane(bench, "coronal")
    at = coronal.click(0.45, 0.5)
    one, labels = volume_of(bench)
    assert [s["number"] for s in one["segments"]] == [1]
    (row,) = np.unique(np.nonzero(labels)[1])
    columns = labels.shape[2]
    wanted = np.zeros_like(labels)
    wanted[:, row] = disc_across(
        series, at, 20, spacing=series.spacing[1], size=columns
    )
    assert wanted.sum() > 100
    assert np.array_equal(labels, wanted)
    assert said_ml(bench.figure(1)) == pytest.approx(
        ml(series, int(wanted.sum())), abs=0.006
    )
    seen_in(bench, ".pane.coronal")
    reader.picture("segment-coronal")

    left = _erase_in_the_sagittal_plane(bench, coronal, wanted.astype(bool))

    bench.press("Control+z")
    bench.page.wait_for_timeout(900)
    assert np.array_equal(volume_of(bench)[1], wanted), "one stroke, one step of undo"
    bench.press("Control+z")
    bench.page.wait_for_timeout(900)
    bench.settle()
    assert not bench.content().get("segmentations")
    bench.press("Control+y", "Control+y")
    bench.page.wait_for_timeout(900)
    assert np.array_equal(volume_of(bench)[1] == 1, left)

    bench.press("d")
    bench.press("4")
    place = int(np.argmax(left.sum(axis=(1, 2))))
    corner = bench.page.locator(".corner.tr").first
    for _ in range(len(series.keys)):
        if re.match(rf"^{place + 1} /", corner.inner_text()):
            break
        now = int(corner.inner_text().split("/")[0])
        bench.press("ArrowDown" if now <= place else "ArrowUp")
        bench.page.wait_for_timeout(200)
    seen_in(bench, "[data-pane='1']", 30)


def test_a_plane_is_painted_by_keys_and_by_value(reader: Reader) -> None:
    """Enter paints where the cursor is; the threshold brush asks for values."""
    reader.login("radiologist2")
    series = send_series(reader)
    bench = open_series(reader, series)
    open_planes(bench)
    bench.press("5", "]", "]", "]", "]", "]")  # 30 mm
    bench.page.get_by_label("Lowest value").fill("-50")
    bench.page.get_by_label("Highest value").fill("150")
    coronal = Plane(bench, "coronal")
    at = coronal.click(0.5, 0.5)
    _, labels = volume_of(bench)
    (row,) = np.unique(np.nonzero(labels)[1])
    columns = labels.shape[2]
    round_ = disc_across(series, at, 30, spacing=series.spacing[1], size=columns)
    values = series.values[:, row]
    wanted = round_ & (values >= -50) & (values <= 150)
    assert 0 < wanted.sum() < round_.sum()
    assert np.array_equal(labels[:, row] == 1, wanted)

    bench.press("4", "Control+ArrowUp", "Enter", "Enter")
    _, more = volume_of(bench)
    assert (more[:, row] == 1).sum() > wanted.sum()
    expect(bench.page.get_by_text("A slab is several planes")).to_have_count(0)
    bench.page.get_by_role("button", name="MIP", exact=True).click()
    coronal.click(0.3, 0.5)
    expect(bench.page.get_by_text("A slab is several planes")).to_be_visible()
    assert np.array_equal(volume_of(bench)[1], more)


def test_signed_segments_are_seen_by_who_looks_and_beside_a_later_study(
    reader: Reader, new_reader
) -> None:
    """A colleague's segments and marks, when one looks, and in a prior's pane."""
    reader.login("radiologist2")
    series = send_series(reader, date="20250302")
    bench = open_series(reader, series)
    bench.press("4", "]", "]", "]", "]")  # 20 mm
    bench.page.mouse.move(*bench.place(0.5, 0.5))
    bench.page.mouse.down()
    bench.page.mouse.up()
    bench.press("l", "Enter")
    mark = "[data-pane='1'] .measure-plate"
    expect(bench.page.locator(mark)).to_have_count(1)
    bench.saved()
    figure = bench.figure(1)
    plate = bench.page.locator(mark).inner_text()
    bench.press("Control+Enter")
    bench.page.wait_for_url(lambda url: bench.item not in url)

    other = new_reader()
    other.login("radiologist")
    other.page.goto(f"{other.stack.url}/signed")
    other.page.get_by_text("Everybody’s", exact=True).click()
    other.page.get_by_role("searchbox").fill(series.name)
    look = other.page.get_by_role("link", name=re.compile(f"Look at {series.name}"))
    look.click()
    expect(
        other.page.get_by_text(re.compile("signed", re.IGNORECASE)).first
    ).to_be_visible()
    expect(other.page.locator(".pane .corner.bl").first).to_be_visible()
    seen = Bench(other, series, bench.item)
    seen_in(seen, "[data-pane='1']")
    assert seen.figure(1) == figure
    expect(other.page.locator(mark)).to_have_text(plate, use_inner_text=True)
    other.picture("segment-looked-at")
    other.page.keyboard.press("Escape")

    send_series(reader, name=series.name, date="20261120")
    _beside_a_later_study(seen, plate.split("\n")[0])


def _beside_a_later_study(seen: Bench, name: str) -> None:
    """The prior in the second pane, with what its reader drew, under a name."""
    other, series = seen.reader, seen.series
    other.page.goto(other.stack.url)
    other.find(series.name)
    expect(other.row(series.name)).to_have_count(1)
    other.row(series.name).dblclick()
    other.page.wait_for_url(re.compile("/read/"))
    expect(other.page.get_by_text("1 found")).to_be_visible()
    expect(other.page.locator(".pane .corner.bl").first).to_be_visible()
    other.page.keyboard.press("Alt+c")
    expect(other.page.locator(".prior-badge")).to_contain_text("PRIOR, 21 months")
    windows = other.page.locator(".pane .corner.bl div:first-child")
    expect(windows).to_have_text(["WW 400 WL 40"] * 2)  # a CT's prior in its window
    seen_in(seen, "[data-pane='2']")
    prior = other.page.locator("[data-pane='2']")
    expect(prior.locator(".measure-plate")).to_contain_text(name)
    legend = prior.locator(".signed-segments")
    expect(legend).to_contain_text("Tissue")
    expect(legend).to_contain_text("signed by")
    assert other.page.locator("[data-pane='1'] .signed-segments").count() == 0
    other.picture("segment-of-a-prior")
    assert other.errors == []

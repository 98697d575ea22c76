"""Segments in planes through a volume, and where others look at them, against NumPy."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest
from playwright.sync_api import expect
from scipy import ndimage

from tests.e2e.planes import Plane, open_planes
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


def upward(series: Series) -> bool:
    """Say whether the stack's next image is the grid's next slice."""
    return series.heights[1] > series.heights[0]


@dataclass(frozen=True)
class Cut:
    """How a plane lies in a volume [slice of the grid][row][column]."""

    through: int
    """The axis that the plane lies across."""
    spacing: tuple[float, float]
    """Of the plane's pixels, mm: across and down."""

    @classmethod
    def of(cls, name: str, series: Series) -> Cut:
        row, column, slice_ = *series.spacing, series.apart_mm
        return {
            "axial": cls(0, (column, row)),
            "coronal": cls(1, (column, slice_)),
            "sagittal": cls(2, (row, slice_)),
        }[name]

    def plane(self, volume: np.ndarray, at: int) -> np.ndarray:
        """Return a view of the plane, [down][across], through which one may write."""
        return np.moveaxis(volume, self.through, 0)[at]

    def centres(self, plane: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return (across, down) of the centres of a plane's pixels."""
        down, across = np.mgrid[: plane.shape[0], : plane.shape[1]] + 0.5
        return across, down

    def off(self, plane: np.ndarray, at: tuple[float, float]) -> np.ndarray:
        """Return how far each pixel's centre is from a place, mm."""
        across, down = self.centres(plane)
        return np.hypot(
            (across - at[0]) * self.spacing[0], (down - at[1]) * self.spacing[1]
        )


def in_grid(series: Series, volume: np.ndarray) -> np.ndarray:
    """Turn [image of the stack] into [slice of the grid], or back."""
    return volume if upward(series) else volume[::-1]


def inside(corners: list[tuple[float, float]], x: np.ndarray, y: np.ndarray):
    """Say which points a closed contour encloses, by the crossings to their left."""
    found = np.zeros(x.shape, dtype=bool)
    for (px, py), (qx, qy) in zip(corners, corners[1:] + corners[:1], strict=True):
        if py == qy:
            continue
        across = px + (y - py) * (qx - px) / (qy - py)
        found ^= ((py <= y) != (qy <= y)) & (across <= x)
    return found


class Painted:
    """What is to be in the portal after each step, and the steps back to it."""

    def __init__(self, bench: Bench, plane: Plane) -> None:
        self.bench, self.plane = bench, plane
        self.cut = Cut.of(plane.name, bench.series)
        self.values = in_grid(bench.series, bench.series.values)
        self.states = [np.zeros(self.values.shape, dtype=bool)]
        # Planes begin at the stack's first image, and in the middle of its rows.
        first = 0 if upward(bench.series) else len(bench.series.keys) - 1
        _, rows, columns = self.values.shape
        self.at = (first, rows // 2, columns // 2)[self.cut.through]
        self._read: dict[str, np.ndarray] = {}

    @property
    def now(self) -> np.ndarray:
        return self.states[-1]

    @property
    def in_plane(self) -> np.ndarray:
        """The values on the plane, [down][across]."""
        return self.cut.plane(self.values, self.at)

    def allow(self, low: int, high: int) -> np.ndarray:
        """Set the range of values; return which voxels of the plane have them."""
        self.bench.page.get_by_label("Lowest value").fill(str(low))
        self.bench.page.get_by_label("Highest value").fill(str(high))
        return (self.in_plane >= low) & (self.in_plane <= high)

    def _saved(self) -> np.ndarray:
        """Return the saved labels, [slice of the grid][row][column]."""
        labels = np.zeros(self.values.shape, dtype=np.uint8)
        for one in self.bench.content().get("segmentations") or []:
            for key, sha in one["slices"].items():
                if sha not in self._read:
                    body = self.bench.page.evaluate(_READ, [self.bench.item, sha])
                    found = np.frombuffer(base64.b64decode(body), np.uint8)
                    self._read[sha] = found.reshape(labels.shape[1:])
                labels[self.bench.series.keys.index(key)] = self._read[sha]
        return in_grid(self.bench.series, labels)

    def expect(self, wanted: np.ndarray, what: str) -> None:
        """Wait until the portal has exactly these voxels."""
        for _ in range(150):
            found = self._saved()
            if np.array_equal(found, wanted):
                return
            self.bench.page.wait_for_timeout(200)
        off = np.argwhere(found != wanted)
        raise AssertionError(f"{what}: {len(off)} voxels differ, {off[:5].tolist()}")

    def paint(self, what: str, taken: np.ndarray, *, erase: bool = False) -> None:
        """Expect that a stroke painted (or erased) the voxels of the plane."""
        wanted = self.now.copy()
        part = self.cut.plane(wanted, self.at)
        part[:] = part & ~taken if erase else part | taken
        assert (wanted != self.now).sum() > 20, f"{what} does something"
        self.states.append(wanted)
        self.expect(wanted, what)

    def drag(self, *ways: tuple[float, float]) -> list[tuple[float, float]]:
        """Press at the first place, go along the others; return them in voxels."""
        went = [self.plane.move(*ways[0])]
        self.plane.page.mouse.down()
        went += [self.plane.move(*way) for way in ways[1:]]
        self.plane.page.mouse.up()
        return went


_READ = """async ([item, sha]) => {
  const at = `/api/worklist/items/${item}/segment-slices/${sha}`;
  const bytes = new Uint8Array(await (await fetch(at)).arrayBuffer());
  return btoa(Array.from(bytes, byte => String.fromCharCode(byte)).join(''));
}"""


def _two_pieces(made: Painted, fits: np.ndarray):
    """Find places of the pane in the two largest pieces of a plane; and the pieces."""
    pieces, _ = ndimage.label(fits)
    found = {}
    for x in np.arange(0.1, 0.9, 0.02):
        at = made.plane.move(float(x), 0.5)
        column, row = int(np.floor(at[0])), int(np.floor(at[1]))
        if (
            0 <= column < fits.shape[1]
            and 0 <= row < fits.shape[0]
            and fits[row, column]
        ):
            found[pieces[row, column]] = (float(x), 0.5)
    large = sorted(found, key=lambda one: -(pieces == one).sum())[:2]
    assert len(large) == 2
    return [(found[one], pieces == one) for one in large]


def _paint_with_brushes(made: Painted) -> None:
    """A disc of 20 mm, and of another what has values in a range."""
    bench, cut, values = made.bench, made.cut, made.in_plane
    bench.press("4", "]", "]", "]")  # 10, 12, 15, 20 mm
    (at,) = made.drag((0.45, 0.5))
    made.paint("brush", cut.off(values, at) <= 10 + 1e-9)
    seen_in(bench, f".pane.{made.plane.name}")
    figure = said_ml(bench.figure(1))
    assert figure == pytest.approx(ml(bench.series, int(made.now.sum())), abs=0.006)

    bench.press("5", "]", "]")  # 30 mm
    fits = made.allow(-50, 150)
    (at,) = made.drag((0.58, 0.5))
    made.paint("threshold brush", (cut.off(values, at) <= 15 + 1e-9) & fits)


def _cut_with_scissors(made: Painted, tall: float) -> None:
    """A rectangle, a circle that is taken away, and a contour."""
    bench, cut, values = made.bench, made.cut, made.in_plane
    x, y = cut.centres(values)
    bench.press("6", "Shift+X")  # rectangle
    ends = made.drag((0.35, 0.5 - tall), (0.5, 0.5 + tall))
    (x0, x1), (y0, y1) = (sorted(pair) for pair in zip(*ends, strict=True))
    made.paint("rectangle", (x >= x0) & (x < x1) & (y >= y0) & (y < y1))

    bench.press("Shift+X")  # circle
    bench.page.keyboard.down("Control")
    centre, rim = made.drag((0.43, 0.5), (0.46, 0.5))
    bench.page.keyboard.up("Control")
    mm = np.hypot(*((np.array(rim) - centre) * cut.spacing))
    made.paint("circle", cut.off(values, centre) < mm, erase=True)

    bench.press("Shift+X")  # freehand
    corners = made.drag(
        (0.6, 0.5 - tall), (0.7, 0.5 - tall / 2), (0.68, 0.5 + tall), (0.61, 0.5)
    )
    made.paint("contour", inside(corners, x, y))


def _fill_and_erase(made: Painted) -> None:
    """Two pieces by their values; what hangs together goes; the eraser."""
    bench, cut = made.bench, made.cut
    bench.press("7")
    (first, one), (second, other) = _two_pieces(made, made.allow(-1100, -600))
    made.drag(first)
    made.paint("fill", one)
    made.drag(second)
    made.paint("fill of another piece", other)
    bench.page.keyboard.down("Control")
    went = made.drag(first)[0]
    bench.page.keyboard.up("Control")
    pieces, _ = ndimage.label(cut.plane(made.now, made.at))
    piece = pieces == pieces[int(went[1]), int(went[0])]
    made.paint("erasing fill", piece, erase=True)

    bench.press("8")
    (at,) = made.drag(second)
    made.paint("eraser", cut.off(made.in_plane, at) <= 15 + 1e-9, erase=True)


@pytest.mark.parametrize("name", ["axial", "coronal", "sagittal"])
def test_each_tool_paints_in_a_plane_what_numpy_paints(reader: Reader, name) -> None:
    """Brush, threshold, scissors, fill and eraser; then back and forth through them."""
    reader.login("radiologist2")
    series = send_series(reader)
    bench = open_series(reader, series)
    open_planes(bench.page)
    made = Painted(bench, Plane(bench.page, name))
    _paint_with_brushes(made)
    _cut_with_scissors(made, tall=0.1 if name == "axial" else 0.03)
    _fill_and_erase(made)
    reader.picture(f"segment-tools-{name}")
    for state in made.states[-2::-1]:
        bench.press("Control+z")
        made.expect(state, "undo")
    for state in made.states[1:]:
        bench.press("Control+y")
        made.expect(state, "redo")


def test_a_plane_is_painted_by_keys_and_no_slab_is(reader: Reader) -> None:
    """Enter paints where the cursor is; arrows move it as one sees it move."""
    reader.login("radiologist2")
    series = send_series(reader)
    bench = open_series(reader, series)
    open_planes(bench.page)
    bench.press("4", "]", "]")  # 15 mm
    coronal = Plane(bench.page, "coronal")
    made = Painted(bench, coronal)
    values = made.in_plane
    (at,) = made.drag((0.5, 0.5))
    made.paint("brush", made.cut.off(values, at) <= 7.5 + 1e-9)
    ring = coronal.pane.locator(".tool-cursor .brush")
    heights = [ring.bounding_box()["y"]]
    for key in ("Control+ArrowUp", "Control+ArrowRight"):
        bench.press(key)
    heights.append(ring.bounding_box()["y"])
    assert heights[1] < heights[0], "up is up on the screen"
    across, _, down = (ring.get_attribute("data-at") or "").partition(",")
    at = (float(across), float(down))
    bench.press("Enter", "Enter")
    made.paint("brush by keys", made.cut.off(values, at) <= 7.5 + 1e-9)
    expect(bench.page.get_by_text("A slab is several planes")).to_have_count(0)
    bench.page.get_by_role("button", name="MIP", exact=True).click()
    made.drag((0.3, 0.5))
    expect(bench.page.get_by_text("A slab is several planes")).to_be_visible()
    made.expect(made.now, "a slab is not painted")


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

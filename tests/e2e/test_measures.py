"""Every measuring tool in a real Chromium, against Python on the same pixels."""

from __future__ import annotations

import io
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.e2e.conftest import Reader, send
from tests.factories.dicom import make_ct_series, make_dx, to_bytes
from workers.measures.marks import (
    Spacing,
    angle_of,
    area_of,
    cobb_of,
    length_of,
    region_statistics,
    value_at,
)

pytestmark = [pytest.mark.stack, pytest.mark.browser]

SIDE = 160
SPACING = Spacing(row=1.2, column=0.75)
HU = "[hnsf'U]"
# Black and white borders that are seen at any window: corners in pixels.
PLATE = (40, 30, 120, 100)
VIEW = {"width": 1600, "height": 1000}


def _values() -> np.ndarray:
    """Return Hounsfield units, [rows, columns]: waves and noise, a bright plate."""
    y, x = np.mgrid[:SIDE, :SIDE]
    values = 40 * np.sin(x / 7) + 30 * np.cos(y / 5) - 20
    values += np.random.default_rng(7).normal(0, 25, values.shape)
    left, top, right, bottom = PLATE
    values[top:bottom, left:right] += 400
    return np.round(values).astype(np.int16)


VALUES = _values()


@dataclass
class Bench:
    """An opened study, where its pixels are on the screen, and what was saved."""

    reader: Reader
    name: str
    item: str
    scale: tuple[float, float]
    origin: tuple[float, float]

    def on(self, column: float, row: float) -> tuple[float, float]:
        """Return the place on the page of a place on the image."""
        return (
            self.origin[0] + column * self.scale[0],
            self.origin[1] + row * self.scale[1],
        )

    def take(self, tool: str) -> None:
        self.reader.page.keyboard.press(tool)

    def drag(self, *points: tuple[float, float]) -> None:
        mouse = self.reader.page.mouse
        mouse.move(*self.on(*points[0]))
        mouse.down()
        for point in points[1:]:
            mouse.move(*self.on(*point), steps=4)
        mouse.up()

    def click(self, *point: float) -> None:
        self.reader.page.mouse.click(*self.on(*point))

    def saved(self, count: int) -> list[dict]:
        """Return the marks that the portal has, once there are as many."""
        page = self.reader.page
        for _ in range(60):
            body = page.evaluate(
                "async item => (await fetch(`/api/worklist/items/${item}/reading`))"
                ".json()",
                self.item,
            )
            marks = body["content"]["annotations"]
            if len(marks) == count:
                return marks
            page.wait_for_timeout(100)
        raise AssertionError(f"{len(marks)} marks are saved, not {count}")

    def last(self, count: int) -> tuple[list, dict[str, tuple[float, str]]]:
        """Return points and numbers of the newest of `count` marks."""
        mark = self.saved(count)[-1]
        numbers = {
            one["display"]: (one["value"], one["unit"])
            for one in mark["measured"]["values"]
        }
        return mark["geometry"]["points"], numbers


def _open(reader: Reader, name: str) -> str:
    reader.find(name)
    row = reader.row(name)
    expect(row).to_have_count(1)
    row.dblclick()
    reader.page.wait_for_url(re.compile("/read/"))
    expect(reader.page.locator(".pane .corner.bl").first).to_be_visible()
    reader.page.wait_for_timeout(1200)
    return reader.page.url.rstrip("/").split("/")[-1]


_BARE = ".pane-over, .pane.active::after { visibility: hidden !important }"


def _grey(reader: Reader) -> tuple[np.ndarray, dict]:
    """Return the grey levels of the first pane without its overlay, and its place."""
    canvas = reader.page.locator(".pane-pixels canvas").first
    box = canvas.bounding_box()
    assert box
    style = reader.page.add_style_tag(content=_BARE)
    grey = np.asarray(Image.open(io.BytesIO(canvas.screenshot())).convert("L"))
    style.evaluate("node => node.remove()")
    return grey.astype(float), box


def _bench(reader: Reader, name: str, item: str) -> Bench:
    """Find the plate's borders on the screen: the map is not asked of the viewer."""
    reader.page.keyboard.press("Alt+3")  # bone: the plate's border is in range
    reader.page.wait_for_timeout(700)
    grey, box = _grey(reader)
    left, top, right, bottom = PLATE
    shown = grey > (np.median(grey[grey > 5]) + grey.max()) / 2
    rows = np.where(shown.mean(axis=1) > 0.5 * shown.mean(axis=1).max())[0]
    columns = np.where(shown.mean(axis=0) > 0.5 * shown.mean(axis=0).max())[0]
    scale = (
        (columns[-1] + 1 - columns[0]) / (right - left),
        (rows[-1] + 1 - rows[0]) / (bottom - top),
    )
    origin = (
        box["x"] + columns[0] - left * scale[0],
        box["y"] + rows[0] - top * scale[1],
    )
    return Bench(reader, name, item, scale, origin)


def _send_ct(reader: Reader, *, frame_ms: int = 0) -> str:
    name = f"MEAS{uuid4().hex[:8].upper()}"
    series = make_ct_series(n_slices=3, side=SIDE, patient_name=name, patient_id=name)
    with tempfile.TemporaryDirectory() as folder:
        for index, dataset in enumerate(series):
            dataset.PixelSpacing = [SPACING.row, SPACING.column]
            if frame_ms:
                dataset.FrameTime = str(frame_ms)
            dataset.RescaleIntercept = "-1024"
            dataset.PixelData = (VALUES + 1024).astype(np.int16).tobytes()
            Path(folder, f"{index}.dcm").write_bytes(to_bytes(dataset))
        send(reader.stack, Path(folder))
    return name


@pytest.fixture
def bench(reader: Reader) -> Bench:
    reader.login("radiologist2")
    name = _send_ct(reader)
    return _bench(reader, name, _open(reader, name))


def _close(points: list, wanted: list, within: float = 0.75) -> None:
    assert np.abs(np.array(points) - np.array(wanted)).max() < within, points


def test_lengths_and_angles_on_anisotropic_pixels(bench):
    left, top, right, bottom = PLATE
    bench.take("l")
    bench.drag((left, top), (right, bottom))
    points, said = bench.last(1)
    _close(points, [(left, top), (right, bottom)])
    exact = length_of(points=points, spacing=SPACING)
    assert said == {"Length": (pytest.approx(exact, abs=1e-3), "mm")}
    diagonal = np.hypot((right - left) * 0.75, (bottom - top) * 1.2)
    assert exact == pytest.approx(diagonal, abs=1.0), "the plate's known diagonal"

    bench.take("j")
    bench.drag((60, 90), (60, 50))
    bench.click(100, 90)
    points, said = bench.last(2)
    _close(points, [(60, 90), (60, 50), (100, 90)])
    angle = angle_of(points=points, spacing=SPACING)
    assert said == {"Angle": (pytest.approx(angle, abs=1e-3), "deg")}
    assert angle == pytest.approx(np.degrees(np.arctan2(40 * 0.75, 40 * 1.2)), abs=1.5)

    bench.take("Shift+j")
    bench.drag((50, 40), (110, 48))
    bench.drag((50, 95), (110, 80))
    points, said = bench.last(3)
    cobb = cobb_of(points=points, spacing=SPACING)
    assert said == {"Cobb angle": (pytest.approx(cobb, abs=1e-3), "deg")}

    bench.take("Shift+l")
    bench.drag((70, 110), (130, 140))
    points, said = bench.last(4)
    long = length_of(points=points[:2], spacing=SPACING)
    short = length_of(points=points[2:], spacing=SPACING)
    assert said == {
        "Long axis": (pytest.approx(long, abs=1e-3), "mm"),
        "Short axis": (pytest.approx(short, abs=1e-3), "mm"),
    }
    a, b, c, d = np.array(points) * (SPACING.column, SPACING.row)
    across = (b - a) @ (d - c) / (np.hypot(*(b - a)) * np.hypot(*(d - c)))
    assert abs(across) < 0.01, "at right angles in the patient"
    bench.reader.picture("measures-lines")


def test_a_picture_of_the_viewport_has_the_figures_of_its_marks(bench):
    page = bench.reader.page
    bench.take("l")
    bench.drag((20, 20), (100, 120))
    bench.saved(1)
    pane = page.locator("[data-pane='1']").bounding_box()
    plate = page.locator("[data-pane='1'] .measure-plate").bounding_box()
    assert pane
    assert plate
    marked = _picture(page)
    page.keyboard.press("o")  # one's own marks are put away
    expect(page.locator("[data-pane='1'] .measure-plate")).to_have_count(0)
    bare = _picture(page)
    left, top = int(plate["x"] - pane["x"]), int(plate["y"] - pane["y"])
    part = np.s_[top : top + int(plate["height"]), left : left + int(plate["width"])]
    assert marked.shape == bare.shape
    changed = np.abs(marked - bare) > 20
    assert changed[part].mean() > 0.1, "the figure is written where it stands"
    assert not changed[-40:].any(), "nothing else is"


def _picture(page) -> np.ndarray:
    """Save the viewport as a picture; return its grey levels."""
    with page.expect_download() as saving:
        page.keyboard.press("Alt+p")
    return np.asarray(Image.open(saving.value.path()).convert("L")).astype(float)


def test_regions_hold_the_pixels_of_the_stated_rule(bench):
    page = bench.reader.page
    drawn = [
        ("e", "ellipse", lambda: bench.drag((30, 20), (90, 70))),
        ("Shift+q", "box", lambda: bench.drag((95.3, 85.4), (140.2, 130.7))),
        ("Shift+c", "circle", lambda: bench.drag((60, 110), (75, 122))),
        (
            "k",
            "polygon",
            lambda: bench.drag((20, 80), (50, 78), (55, 110), (30, 130), (18, 100)),
        ),
        ("Shift+k", "spline", lambda: _spline(bench)),
    ]
    for count, (key, kind, make) in enumerate(drawn, start=1):
        bench.take(key)
        make()
        points, said = bench.last(count)
        assert bench.saved(count)[-1]["geometry"]["kind"] == kind
        found = region_statistics(
            kind=kind, points=points, spacing=SPACING, values=VALUES
        )
        assert found is not None
        assert found.count > 100
        area = area_of(kind=kind, points=points, spacing=SPACING)
        assert said == {
            "Area": (pytest.approx(area, abs=1e-3), "mm2"),
            "Mean": (pytest.approx(found.mean, abs=1e-3), HU),
            "Standard Deviation": (pytest.approx(found.deviation, abs=1e-3), HU),
            "Minimum": (found.least, HU),
            "Maximum": (found.most, HU),
        }, kind
    bench.reader.picture("measures-regions")
    bench.take("u")
    for count, place in enumerate([(10, 10), (80.6, 60.2), (150, 20)], start=6):
        bench.click(*place)
        points, said = bench.last(count)
        _close(points, [place])
        value = value_at(point=points[0], values=VALUES)
        assert said == {"Attenuation Coefficient": (value, HU)}
    page.keyboard.press("Escape")
    bench.reader.picture("measures-probes")


def _spline(bench: Bench) -> None:
    for point in [(100, 20), (145, 25), (150, 65), (110, 70)]:
        bench.click(*point)
    bench.reader.page.keyboard.press("Enter")


def test_marks_come_back_are_named_moved_undone_and_deleted_by_keyboard(bench):
    page = bench.reader.page
    bench.take("l")
    page.keyboard.press("Enter")  # in the middle, without a pointer
    first = bench.saved(1)[0]
    page.keyboard.press("Shift+m")
    for _ in range(3):
        page.keyboard.press("Control+ArrowRight")
    page.wait_for_timeout(1500)
    moved = bench.saved(1)[0]
    before, after = first["geometry"]["points"], moved["geometry"]["points"]
    assert after[0][0] == pytest.approx(before[0][0] + 3, abs=0.011)
    assert after[1] == before[1]
    length = length_of(points=after, spacing=SPACING)
    assert moved["measured"]["values"][0]["value"] == pytest.approx(length, abs=1e-3)

    page.keyboard.press("F2")
    page.keyboard.type("Nodule, left")
    page.keyboard.press("Enter")
    mine = page.get_by_label("My annotations")
    expect(mine).to_contain_text("Nodule, left")
    expect(mine).to_contain_text(f"{length:.1f}")
    bench.take("u")
    page.keyboard.press("Enter")
    bench.saved(2)
    page.reload()
    expect(mine).to_contain_text("Nodule, left")
    assert bench.saved(2)[0]["id"] == first["id"]
    expect(page.locator("[data-pane='1'] [data-mark]")).to_have_count(2)
    page.keyboard.press("ArrowDown")
    expect(page.locator("[data-pane='1'] [data-mark]")).to_have_count(0)
    page.keyboard.press("n")
    expect(page.locator("[data-pane='1'] [data-mark]")).to_have_count(2)
    page.keyboard.press("Delete")
    left = bench.saved(1)
    page.keyboard.press("Control+z")
    bench.saved(2)
    page.keyboard.press("Control+y")
    assert bench.saved(1) == left
    bench.reader.picture("measures-keyboard")
    page.keyboard.press("Escape")


def test_marks_are_dragged_and_drawn_again_in_a_turned_view(bench):
    page = bench.reader.page
    bench.take("e")
    bench.drag((30, 20), (90, 70))
    page.keyboard.press("w")
    bench.drag((60, 70), (60, 80))  # the lower end of the axis that is longer in mm
    page.wait_for_timeout(1500)
    points, said = bench.last(1)
    _close(points[:2], [(60, 10), (60, 80)], within=1.2)
    found = region_statistics(
        kind="ellipse", points=points, spacing=SPACING, values=VALUES
    )
    assert found is not None
    assert said["Mean"][0] == pytest.approx(found.mean, abs=1e-3)
    page.keyboard.press("t")  # turned by 90 degrees: points stay where they are
    page.wait_for_timeout(600)
    assert bench.last(1)[0] == points
    bench.reader.picture("measures-turned")


def test_window_and_level_are_dicoms_formula(bench):
    """Compare the canvas with PS3.3 C.11.2.1.2.1, at centres of pixels."""
    reader = bench.reader
    windows = {"Alt+1": (400, 40), "Alt+2": (1500, -600), "Alt+3": (2000, 500)}
    for key, (width, level) in windows.items():
        reader.page.keyboard.press(key)
        reader.page.wait_for_timeout(600)
        grey, box = _grey(reader)
        inside = []
        for row in range(5, SIDE - 5, 7):
            for column in range(5, SIDE - 5, 7):
                x, y = bench.on(column + 0.5, row + 0.5)
                around = VALUES[row - 1 : row + 2, column - 1 : column + 2].astype(
                    float
                )
                low, high = (
                    _greys(around.min(), width, level),
                    _greys(around.max(), width, level),
                )
                seen = grey[int(y - box["y"]), int(x - box["x"])]
                exact = _greys(float(VALUES[row, column]), width, level)
                assert low - 2 <= seen <= high + 2, (key, row, column)
                inside.append(seen - exact)
        assert np.abs(np.mean(inside)) < 1.5, key


def _greys(value: float, width: float, level: float) -> float:
    share = (value - (level - 0.5)) / (width - 1) + 0.5
    return 255 * min(1.0, max(0.0, share))


def test_a_film_says_detector_and_a_known_length_calibrates_it(reader):
    reader.login("radiologist2")
    name = f"CALIB{uuid4().hex[:8].upper()}"
    pixels = np.full((200, 160), 60, dtype=np.uint8)
    left, top, right, bottom = PLATE
    pixels[top:bottom, left:right] = 220
    dataset = make_dx(pixels, patient_name=name, patient_id=name, age="054Y")
    dataset.ImagerPixelSpacing = [0.2, 0.2]
    if "PixelSpacing" in dataset:
        del dataset.PixelSpacing
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "film.dcm").write_bytes(to_bytes(dataset))
        send(reader.stack, Path(folder))
    item = _open(reader, name)
    bench = _bench(reader, name, item)
    bench.take("l")
    bench.drag((left, top), (right, top))
    points, said = bench.last(1)
    assert said["Length"] == (
        pytest.approx(length_of(points=points, spacing=Spacing(0.2, 0.2)), abs=1e-3),
        "mm",
    )
    expect(reader.page.locator(".measure-plate")).to_contain_text("at the detector")
    bench.take("Shift+u")
    bench.drag((left, bottom), (right, bottom))
    field = reader.page.get_by_label("Known length, mm")
    expect(field).to_be_visible()
    # What the tool is for would lie over the field.
    expect(reader.page.locator(".pane-hint")).to_have_count(0)
    field.fill("8")
    reader.page.keyboard.press("Enter")
    expect(reader.page.locator(".measure-plate").first).to_contain_text("calibrated")
    expect(reader.page.locator(".pane .scale")).to_contain_text("calibrated")
    reader.page.wait_for_timeout(1500)
    length, known = bench.saved(2)
    factor = 8 / length_of(points=known["geometry"]["points"], spacing=Spacing(1, 1))
    exact = length_of(points=points, spacing=Spacing(factor, factor))
    assert length["measured"]["scale"] == "calibrated"
    assert length["measured"]["values"][0]["value"] == pytest.approx(exact, abs=1e-3)
    reader.picture("measures-calibrated")


def test_a_stack_plays_at_its_own_rate_and_the_bar_fits_a_small_screen(reader):
    reader.login("radiologist2")
    _open(reader, _send_ct(reader, frame_ms=250))
    page = reader.page
    place = page.locator(".pane .corner.tr").first
    page.keyboard.press("Space")
    cine = page.get_by_test_id("cine")
    expect(cine).to_contain_text("4 fps, the images’ own")
    seen, seconds = page.evaluate(
        """async () => {
          const place = document.querySelector('.pane .corner.tr');
          const found = [];
          const begun = performance.now();
          const over = () => performance.now() - begun;
          while (over() < 4000 || (found.length < 5 && over() < 40000)) {
            const now = place.textContent;
            if (found.at(-1) !== now) found.push(now);
            await new Promise(requestAnimationFrame);
          }
          return [found, over() / 1000];
        }"""
    )
    assert len(set(seen)) == 3, "all images"
    assert len(seen) <= 4 * seconds + 2, "4 a second, or slower on a busy machine"
    reader.picture("cine")
    page.keyboard.press(".")
    expect(cine).to_contain_text("5 fps")
    page.keyboard.press("Space")
    page.wait_for_timeout(700)
    still = place.inner_text()
    page.wait_for_timeout(800)
    assert place.inner_text() == still
    for width in (1280, 1600):
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_timeout(400)
        bar = page.get_by_role("toolbar")
        sizes = bar.evaluate("bar => [bar.scrollWidth, bar.clientWidth]")
        assert sizes[0] <= sizes[1], f"the bar overflows at {width}"
        reader.picture(f"bar-{width}")


def test_the_glass_shows_the_image_larger(bench):
    page = bench.reader.page
    bench.take("q")
    page.mouse.move(*bench.on(50, 50))
    page.mouse.down()
    page.wait_for_timeout(1500)
    glass = page.locator(".magnifyTool canvas")
    expect(glass).to_be_visible()
    grey = np.asarray(Image.open(io.BytesIO(glass.screenshot())).convert("L"))
    bench.reader.picture("magnified")
    page.mouse.up()
    middle = grey.shape[0] // 2
    profile = grey[middle - 20 : middle + 20].mean(axis=0)
    inside = profile > (profile.min() + profile.max()) / 2
    border = middle - int(np.argmax(inside))
    assert border == pytest.approx(3 * 10 * bench.scale[0], rel=0.1), "three times"
    expect(glass).to_have_count(0)


def test_words_beside_marks_are_whole_and_not_over_one_another(reader):
    reader.login("radiologist2")
    name = f"WORDS{uuid4().hex[:8].upper()}"
    red = np.zeros((200, 160, 3), dtype=np.uint8)
    red[..., 0] = np.arange(160)
    dataset = make_dx(red[..., 0], patient_name=name, patient_id=name, age="054Y")
    dataset.SamplesPerPixel, dataset.PlanarConfiguration = 3, 0
    dataset.PhotometricInterpretation = "RGB"
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit = 7
    dataset.PixelData = red.tobytes()
    for keyword in ("PixelSpacing", "ImagerPixelSpacing"):
        if keyword in dataset:
            delattr(dataset, keyword)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "film.dcm").write_bytes(to_bytes(dataset))
        send(reader.stack, Path(folder))
    bench = _bench(reader, name, _open(reader, name))
    bench.take("l")
    for row in (60, 62, 64):
        bench.drag((100, row), (150, row))
    bench.take("u")
    bench.click(40, 60)
    plates = reader.page.locator("[data-pane='1'] .measure-plate")
    expect(plates).to_have_count(4)
    expect(plates.last).to_contain_text("a colour image: no value")
    expect(plates.first).to_contain_text("no scale in the image")
    pane = reader.page.locator("[data-pane='1']").bounding_box()
    boxes = sorted(
        (plate.bounding_box() for plate in plates.all()), key=lambda b: b["y"]
    )
    assert pane
    for box in boxes:
        assert box["x"] >= pane["x"]
        assert box["x"] + box["width"] <= pane["x"] + pane["width"]
    for number, one in enumerate(boxes):
        for other in boxes[number + 1 :]:
            beside = (
                one["x"] + one["width"] <= other["x"]
                or other["x"] + other["width"] <= one["x"]
            )
            assert beside or one["y"] + one["height"] <= other["y"]
    reader.picture("measures-words")

"""Segments painted in a real Chromium on a real CT, against NumPy."""

from __future__ import annotations

import io
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx
import numpy as np
import pydicom
import pytest
from playwright.sync_api import expect
from pydicom.uid import generate_uid

from tests.e2e.conftest import SHARED, Reader, send
from tests.e2e.test_accessibility import AXE, _violations
from tests.factories.dicom import to_bytes

NLST = SHARED / "ct_chest_nlst_143"
N_IMAGES = 12
pytestmark = [
    pytest.mark.stack,
    pytest.mark.browser,
    pytest.mark.real_data,
    pytest.mark.skipif(not NLST.exists(), reason="../shared/data is not here"),
]


@dataclass(frozen=True)
class Series:
    """A few neighbouring images of the CT, in the order of the stack."""

    name: str
    uid: str
    study_uid: str
    keys: tuple[str, ...]
    values: np.ndarray
    spacing: tuple[float, float]
    apart_mm: float
    heights: tuple[float, ...]


def _slices() -> list[pydicom.Dataset]:
    images = [pydicom.dcmread(path) for path in sorted(NLST.glob("CT_*/*.dcm"))]
    images.sort(key=lambda one: int(one.InstanceNumber))
    return images[60 : 60 + N_IMAGES]


def send_series(reader: Reader, name: str = "", date: str = "") -> Series:
    """Send images of the CT as a patient's, a new one's without a name given.

    Their pixels stay as they are; `date` ("YYYYMMDD") is another date of the study.
    """
    name = name or f"SEGM{uuid4().hex[:8].upper()}"
    study, series = generate_uid(), generate_uid()
    images = _slices()
    with tempfile.TemporaryDirectory() as folder:
        for number, one in enumerate(images):
            one.PatientName = one.PatientID = name
            one.StudyInstanceUID, one.SeriesInstanceUID = study, series
            one.StudyDate = date or one.StudyDate
            one.SOPInstanceUID = generate_uid()
            one.file_meta.MediaStorageSOPInstanceUID = one.SOPInstanceUID
            Path(folder, f"{number}.dcm").write_bytes(to_bytes(one))
        send(reader.stack, Path(folder))
    values = np.stack(
        [
            one.pixel_array * float(one.RescaleSlope) + float(one.RescaleIntercept)
            for one in images
        ]
    )
    heights = [float(one.ImagePositionPatient[2]) for one in images]
    return Series(
        name=name,
        uid=series,
        study_uid=study,
        keys=tuple(f"{one.SOPInstanceUID}#1" for one in images),
        values=values,
        spacing=(float(images[0].PixelSpacing[0]), float(images[0].PixelSpacing[1])),
        apart_mm=abs(heights[1] - heights[0]),
        heights=tuple(heights),
    )


def disc(series: Series, at: tuple[float, float], diameter: float) -> np.ndarray:
    """Return which pixels' centres lie within half a diameter (mm) of a place."""
    rows, columns = series.values.shape[1:]
    y, x = np.mgrid[:rows, :columns] + 0.5
    dx = (x - at[0]) * series.spacing[1]
    dy = (y - at[1]) * series.spacing[0]
    return np.hypot(dx, dy) <= diameter / 2 + 1e-9


@dataclass
class Bench:
    """An opened study."""

    reader: Reader
    series: Series
    item: str

    @property
    def page(self):
        return self.reader.page

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Return a place on the page, in parts of the first pane."""
        box = self.page.locator(".pane-pixels").first.bounding_box()
        assert box
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    def cursor(self) -> tuple[float, float]:
        """Return where the tool is, in the image's pixels."""
        ring = self.page.locator(".tool-cursor .brush").first
        said = ring.get_attribute("data-at") or ""
        x, _, y = said.partition(",")
        return float(x), float(y)

    def content(self) -> dict:
        return self.page.evaluate(
            "async item => (await (await fetch(`/api/worklist/items/${item}/reading`))"
            ".json()).content",
            self.item,
        )

    def settle(self) -> None:
        """Wait until everything is saved."""
        expect(self.page.get_by_text("All changes saved")).to_be_visible()
        self.page.wait_for_timeout(300)
        expect(self.page.get_by_text("All changes saved")).to_be_visible()

    def saved(self) -> tuple[dict, dict[str, np.ndarray]]:
        """Return the saved segmentation, and its label maps by image."""
        self.settle()
        (one,) = self.content().get("segmentations") or [None]
        assert one is not None
        shape = (one["rows"], one["columns"])
        maps = {}
        for key, sha in one["slices"].items():
            numbers = self.page.evaluate(
                "async ([item, sha]) => Array.from(new Uint8Array(await (await fetch("
                "`/api/worklist/items/${item}/segment-slices/${sha}`)).arrayBuffer()))",
                [self.item, sha],
            )
            maps[key] = np.array(numbers, dtype=np.uint8).reshape(shape)
        return one, maps

    def figure(self, number: int) -> str:
        """Return the size that the list shows of a segment."""
        line = self.page.locator(f'[data-segment="{number}"] .figure')
        expect(line).not_to_have_text("…")
        return line.inner_text().replace("\u202f", " ")


def open_series(reader: Reader, series: Series) -> Bench:
    reader.find(series.name)
    row = reader.row(series.name)
    expect(row).to_have_count(1)
    row.dblclick()
    reader.page.wait_for_url(re.compile("/read/"))
    expect(reader.page.locator(".pane .corner.bl").first).to_be_visible()
    expect(reader.page.get_by_text("Loaded").first).to_be_visible()
    reader.page.wait_for_timeout(500)
    item = reader.page.url.rstrip("/").split("/")[-1]
    return Bench(reader, series, item)


@pytest.fixture
def bench(reader: Reader) -> Bench:
    reader.login("radiologist2")
    return open_series(reader, send_series(reader))


def ml(series: Series, voxels: int) -> float:
    return voxels * series.spacing[0] * series.spacing[1] * series.apart_mm / 1000


def said_ml(text: str) -> float:
    assert text.endswith(" ml"), text
    return float(text.split()[0])


def test_a_brush_of_millimetres_is_saved_voxel_by_voxel(bench: Bench):
    """A click, then a stroke; the volume and the mean that are shown are NumPy's."""
    series = bench.series
    # A canvas with nothing on it would cost as much as the image with every frame.
    labels = bench.page.locator(".pane canvas.labels").first
    expect(labels).to_be_attached()
    expect(labels).to_be_hidden()
    bench.press("4", "]", "]")  # 10, 12, 15 mm
    bench.page.mouse.move(*bench.place(0.45, 0.5))
    at = bench.cursor()
    bench.page.mouse.down()
    bench.page.mouse.up()
    one, maps = bench.saved()
    wanted = disc(series, at, 15)
    (key,) = maps
    assert key == series.keys[0]
    assert np.array_equal(maps[key], wanted.astype(np.uint8))
    expect(labels).to_be_visible()
    assert one["series_uid"] == series.uid
    assert [s["number"] for s in one["segments"]] == [1]
    assert said_ml(bench.figure(1)) == pytest.approx(
        ml(series, int(wanted.sum())), abs=0.006
    )
    values = series.values[0][wanted]
    shown = bench.page.locator('[data-segment="1"] .words')
    expect(shown).to_contain_text("HU")
    mean, deviation = (
        float(n) for n in re.findall(r"-?[\d.]+", shown.inner_text().replace("−", "-"))
    )
    assert mean == pytest.approx(values.mean(), abs=0.051)
    assert deviation == pytest.approx(values.std(), abs=0.051)
    bench.reader.picture("segment-brush")

    # A stroke on the next image: everything within the radius of the line.
    bench.press("ArrowDown")
    expect(bench.page.locator(".corner.tr").first).to_contain_text("2 /")
    start, end = bench.place(0.4, 0.45), bench.place(0.55, 0.6)
    bench.page.mouse.move(*start)
    first = np.array(bench.cursor())
    bench.page.mouse.down()
    bench.page.mouse.move(*end, steps=1)
    last = np.array(bench.cursor())
    bench.page.mouse.up()
    _, maps = bench.saved()
    y, x = np.mgrid[: wanted.shape[0], : wanted.shape[1]] + 0.5
    mm = np.array([series.spacing[1], series.spacing[0]])
    points = np.stack([x, y], axis=-1) * mm
    way = (last - first) * mm
    along = np.clip(((points - first * mm) @ way) / (way @ way), 0, 1)
    off = np.linalg.norm(points - first * mm - along[..., None] * way, axis=-1)
    sure = np.abs(off - 7.5) > 1e-6
    assert np.array_equal((maps[series.keys[1]] == 1)[sure], (off <= 7.5)[sure])


def test_the_threshold_brush_takes_what_numpy_takes(bench: Bench):
    series = bench.series
    bench.press("5")
    for _ in range(8):
        bench.press("]")
    bench.page.get_by_label("Lowest value").fill("-50")
    bench.page.get_by_label("Highest value").fill("150")
    bench.page.mouse.move(*bench.place(0.5, 0.45))
    at = bench.cursor()
    bench.page.mouse.down()
    bench.page.mouse.up()
    _, maps = bench.saved()
    inside = (series.values[0] >= -50) & (series.values[0] <= 150)
    wanted = disc(series, at, 60) & inside
    assert 0 < wanted.sum() < disc(series, at, 60).sum()
    assert np.array_equal(maps[series.keys[0]] == 1, wanted)
    bench.reader.picture("segment-threshold")


def test_scissors_fill_eraser_and_undo(bench: Bench):
    """A rectangle is cut out, its middle erased; undo and redo bring both back."""
    series = bench.series
    bench.press("6", "Shift+X")
    bench.page.mouse.move(*bench.place(0.3, 0.4))
    x0, y0 = bench.cursor()
    bench.page.mouse.down()
    bench.page.mouse.move(*bench.place(0.6, 0.6), steps=4)
    x1, y1 = bench.cursor()
    bench.page.mouse.up()
    _, maps = bench.saved()
    wanted = np.zeros(series.values.shape[1:], dtype=bool)
    y, x = np.mgrid[: wanted.shape[0], : wanted.shape[1]] + 0.5
    wanted = (x >= x0) & (x < x1) & (y >= y0) & (y < y1)
    assert np.array_equal(maps[series.keys[0]] == 1, wanted)

    bench.press("8")
    bench.page.mouse.move(*bench.place(0.45, 0.5))
    at = bench.cursor()
    bench.page.mouse.down()
    bench.page.mouse.up()
    _, maps = bench.saved()
    rest = wanted & ~disc(series, at, 10)
    assert np.array_equal(maps[series.keys[0]] == 1, rest)

    bench.press("Control+z")
    bench.page.wait_for_timeout(900)
    _, maps = bench.saved()
    assert np.array_equal(maps[series.keys[0]] == 1, wanted)
    bench.press("Control+z")
    bench.page.wait_for_timeout(900)
    bench.settle()
    assert not bench.content().get("segmentations")
    bench.press("Control+y", "Control+y")
    bench.page.wait_for_timeout(900)
    _, maps = bench.saved()
    assert np.array_equal(maps[series.keys[0]] == 1, rest)


def test_everything_comes_back_and_nobody_else_sees_it(bench: Bench, new_reader):
    series = bench.series
    bench.press("4")
    bench.page.mouse.move(*bench.place(0.5, 0.5))
    bench.page.mouse.down()
    bench.page.mouse.up()
    bench.press("Shift+S")
    bench.page.get_by_label("Label of the segment").first.fill("Live")
    bench.page.keyboard.press("ArrowDown")
    bench.page.keyboard.press("Enter")
    expect(bench.page.locator('[data-segment="2"]')).to_be_visible()
    bench.page.mouse.move(*bench.place(0.6, 0.5))
    bench.page.mouse.down()
    bench.page.mouse.up()
    one, before = bench.saved()
    assert [s["number"] for s in one["segments"]] == [1, 2]
    figures = [bench.figure(n) for n in (1, 2)]
    sha = next(iter(one["slices"].values()))

    bench.page.reload()
    expect(bench.page.locator(".pane .corner.bl").first).to_be_visible()
    again, maps = bench.saved()
    assert again == one
    assert all(np.array_equal(maps[key], before[key]) for key in before)
    assert [bench.figure(n) for n in (1, 2)] == figures
    bench.page.wait_for_timeout(800)
    bench.reader.picture("segment-again")

    other = new_reader()
    other.login("radiologist")
    asked = other.page.request.get
    base = f"{other.stack.url}/api/worklist/items/{bench.item}"
    assert asked(f"{base}/segment-slices/{sha}").status in (403, 404)
    assert series.name


def test_one_paints_with_the_keyboard_alone(bench: Bench):
    series = bench.series
    bench.press("4", "Enter", "Enter")
    at = bench.cursor()
    _, maps = bench.saved()
    assert np.array_equal(maps[series.keys[0]] == 1, disc(series, at, 10))
    bench.press("Control+ArrowRight", "Control+ArrowRight", "Shift+Enter", "Enter")
    bench.page.wait_for_timeout(900)
    there = bench.cursor()
    assert there[0] > at[0]
    _, maps = bench.saved()
    wanted = disc(series, at, 10) & ~disc(series, there, 10)
    assert np.array_equal(maps[series.keys[0]] == 1, wanted)


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed (npm ci)")
def test_the_list_of_segments_is_accessible(bench: Bench):
    bench.press("5")
    bench.page.mouse.move(*bench.place(0.5, 0.5))
    bench.page.mouse.down()
    bench.page.mouse.up()
    expect(bench.page.locator('[data-segment="1"]')).to_be_visible()
    bench.page.wait_for_timeout(500)
    assert _violations(bench.page) == []
    bench.press("Shift+S")
    bench.page.wait_for_timeout(500)
    assert _violations(bench.page) == []


def test_what_was_painted_offline_is_sent_later(bench: Bench):
    series = bench.series
    context = bench.page.context
    context.set_offline(True)
    bench.press("4")
    bench.page.mouse.move(*bench.place(0.5, 0.5))
    at = bench.cursor()
    bench.page.mouse.down()
    bench.page.mouse.up()
    expect(
        bench.page.get_by_role("button", name=re.compile("Try again"))
        .or_(bench.page.locator("output.bad"))
        .first
    ).to_be_visible()
    context.set_offline(False)
    expect(bench.page.get_by_text("All changes saved")).to_be_visible()
    _, maps = bench.saved()
    assert np.array_equal(maps[series.keys[0]] == 1, disc(series, at, 10))


def _scroll_to(bench: Bench, number: int) -> None:
    """Go forward to an image of the stack, counted from 1."""
    corner = bench.page.locator(".corner.tr").first
    now = int(corner.inner_text().split("/")[0])
    for step in range(now + 1, number + 1):
        bench.press("ArrowDown")
        expect(corner).to_contain_text(re.compile(rf"^{step} /"))


def _segs(reader: Reader, study_uid: str) -> list[pydicom.Dataset]:
    """Return the segmentations of a study in the archive, once there are any."""
    lines = (reader.stack.state / "env").read_text().splitlines()
    facts = {
        key.removeprefix("export "): value.strip("'\"")
        for key, _, value in (line.partition("=") for line in lines)
    }
    archive = httpx.Client(
        base_url=facts["ORTHANC_URL"],
        auth=(facts["ORTHANC_USER"], facts["ORTHANC_PASSWORD"]),
    )
    query = {
        "Level": "Instance",
        "Query": {"StudyInstanceUID": study_uid, "Modality": "SEG"},
    }
    for _ in range(120):
        found = archive.post("/tools/find", json=query).json()
        if found:
            files = [archive.get(f"/instances/{one}/file").content for one in found]
            return [pydicom.dcmread(io.BytesIO(file)) for file in files]
        reader.page.wait_for_timeout(1000)
    return []


def test_images_between_are_filled_and_all_is_signed_as_a_segmentation(bench: Bench):
    """Two discs, the images between by the worker; the SEG has these very voxels."""
    series = bench.series
    bench.press("4", "]", "]", "]", "]", "]")  # 30 mm
    for number, x in ((2, 0.45), (6, 0.5)):
        _scroll_to(bench, number)
        bench.page.mouse.move(*bench.place(x, 0.5))
        bench.page.mouse.down()
        bench.page.mouse.up()
    one, drawn = bench.saved()
    assert set(drawn) == {series.keys[1], series.keys[5]}

    bench.press("Shift+I")
    expect(bench.page.get_by_text("The images between are filled.")).to_be_visible()
    one, maps = bench.saved()
    assert set(maps) == set(series.keys[1:6])
    for key, before in drawn.items():
        assert np.array_equal(maps[key], before)
    n = {key: int((maps[key] == 1).sum()) for key in maps}
    middle = n[series.keys[3]]
    assert middle == pytest.approx(n[series.keys[1]], rel=0.05), "a disc on the way"
    total = sum(n.values())
    assert said_ml(bench.figure(1)) == pytest.approx(ml(series, total), rel=0.006)
    bench.reader.picture("segment-between")

    bench.press("Control+z")
    bench.page.wait_for_timeout(900)
    assert set(bench.saved()[1]) == set(drawn), "one step of undo"
    bench.press("Control+y")
    bench.page.wait_for_timeout(900)
    assert set(bench.saved()[1]) == set(maps)

    bench.press("Control+Enter")
    bench.page.wait_for_url(lambda url: bench.item not in url)
    (seg,) = _segs(bench.reader, series.study_uid)
    found = np.zeros(series.values.shape, dtype=bool)
    pixels = seg.pixel_array.reshape(-1, *series.values.shape[1:])
    names = [key.split("#")[0] for key in series.keys]
    for frame, content in zip(
        seg.PerFrameFunctionalGroupsSequence, pixels, strict=True
    ):
        source = content_source(frame)
        found[names.index(source)] |= content.astype(bool)
    wanted = np.stack(
        [maps.get(key, np.zeros(found.shape[1:])) == 1 for key in series.keys]
    )
    assert np.array_equal(found, wanted)
    assert (
        seg.SegmentSequence[0].SegmentedPropertyTypeCodeSequence[0].CodeValue
        == (one["segments"][0]["label"]["code"])
    )


def content_source(frame: pydicom.Dataset) -> str:
    """Return the image that a frame of a segmentation was drawn on."""
    derived = frame.DerivationImageSequence[0].SourceImageSequence[0]
    return str(derived.ReferencedSOPInstanceUID)


def test_planes_show_what_was_painted(bench: Bench):
    bench.press("4", "]", "]", "]", "]", "]")
    for number in (1, 2, 3):
        _scroll_to(bench, number)
        bench.page.mouse.move(*bench.place(0.5, 0.5))
        bench.page.mouse.down()
        bench.page.mouse.up()
    bench.settle()
    bench.press("d")
    labels = bench.page.locator(".mpr canvas.labels")
    expect(labels).to_have_count(3)
    bench.page.wait_for_timeout(2500)
    seen = labels.first.evaluate(
        """canvas => canvas.getContext('2d')
          .getImageData(0, 0, canvas.width, canvas.height).data
          .filter((value, at) => at % 4 === 3 && value > 0).length"""
    )
    assert seen > 500
    bench.reader.picture("segment-planes")

"""A study of each kind is read to the end by keys alone: open, look, measure, sign."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import numpy as np
import pytest
from playwright.sync_api import expect
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from tests.e2e.conftest import _ONLY, send
from tests.e2e.test_keyboard import _log_in, _no_mouse, _signed, _tab_to
from tests.factories.dicom import make_ct_series, make_dx, to_bytes

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.e2e.conftest import Reader

pytestmark = [pytest.mark.stack, pytest.mark.browser]
MR = "1.2.840.10008.5.1.4.1.1.4"
PT = "1.2.840.10008.5.1.4.1.1.128"
MG = "1.2.840.10008.5.1.4.1.1.1.2"
US = "1.2.840.10008.5.1.4.1.1.6.1"


def _as(dataset: Dataset, modality: str, sop_class: str) -> Dataset:
    dataset.Modality, dataset.SOPClassUID = modality, sop_class
    dataset.file_meta.MediaStorageSOPClassUID = sop_class
    return dataset


def _picture() -> np.ndarray:
    y, x = np.mgrid[:256, :256]
    return (2000 + 900 * np.sin(x / 20) * np.cos(y / 25)).astype(np.uint16)


def _stack(name: str) -> list[Dataset]:
    return list(make_ct_series(n_slices=6, patient_name=name, patient_id=name))


def _mr(name: str) -> list[Dataset]:
    return [_as(one, "MR", MR) for one in _stack(name)]


def _mg(name: str) -> list[Dataset]:
    """Return the two views from above; each hangs in a viewport of its own."""
    study = generate_uid()
    views = []
    for number, side in enumerate("RL", start=1):
        one = make_dx(
            _picture(),
            patient_name=name,
            patient_id=name,
            age="055Y",
            view="CC",
            body_part="BREAST",
            study_uid=study,
        )
        one.SeriesNumber, one.ImageLaterality = number, side
        one.PatientOrientation = ["P", "L"] if side == "R" else ["A", "R"]
        views.append(_as(one, "MG", MG))
    return views


def region(left: int, right: int, cm: float) -> Dataset:
    """Return a region of columns `left` to `right`, `cm` centimetres a pixel."""
    one = Dataset()
    one.RegionSpatialFormat, one.RegionDataType, one.RegionFlags = 1, 1, 0
    one.RegionLocationMinX0, one.RegionLocationMaxX1 = left, right
    one.RegionLocationMinY0, one.RegionLocationMaxY1 = 20, 235
    one.PhysicalUnitsXDirection = one.PhysicalUnitsYDirection = 3
    one.PhysicalDeltaX = one.PhysicalDeltaY = cm
    return one


def ultrasound(name: str, *regions: Dataset) -> Dataset:
    """Return an ultrasound image whose scales are those of its regions."""
    one = make_dx(_picture(), patient_name=name, patient_id=name, age="055Y")
    for word in ("PixelSpacing", "ImagerPixelSpacing", "DetectorActiveShape"):
        if word in one:
            delattr(one, word)
    one.SequenceOfUltrasoundRegions = list(regions)
    return _as(one, "US", US)


def _us(name: str) -> list[Dataset]:
    return [ultrasound(name, region(0, 255, 0.02))]


def _pt_ct(name: str) -> list[Dataset]:
    images = _stack(name)
    series, uptake = generate_uid(), _stack(name)
    for one, below in zip(uptake, images, strict=True):
        one.StudyInstanceUID, one.SeriesInstanceUID = below.StudyInstanceUID, series
        one.FrameOfReferenceUID = below.FrameOfReferenceUID
        one.SeriesNumber, one.Units = 3, "BQML"
        _as(one, "PT", PT)
    return images + uptake


MAKERS = {"CT": _stack, "MR": _mr, "MG": _mg, "US": _us, "PT and CT": _pt_ct}


def send_all(reader: Reader, datasets: list[Dataset]) -> None:
    """Send datasets as a modality would."""
    with tempfile.TemporaryDirectory() as folder:
        for number, one in enumerate(datasets):
            Path(folder, f"{number}.dcm").write_bytes(to_bytes(one))
        send(reader.stack, Path(folder))


def _open(page: Page, reader: Reader, name: str) -> None:
    page.keyboard.press("/")
    page.keyboard.type(name)
    expect(reader.row(name)).to_have_count(1)
    page.wait_for_function(_ONLY, arg=name.lower())  # nobody else is on the list
    page.keyboard.press("Escape")
    page.wait_for_timeout(500)
    expect(page.locator("input[type=search]").first).to_have_value(name)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/read/"))
    expect(page.get_by_text(name).first).to_be_visible()
    expect(page.locator(".pane .corner.bl").first).to_be_visible()


def _look(page: Page, *, presets: bool) -> None:
    """Scroll where there is something to scroll, set windows, go through the panes."""
    number = page.locator("[data-pane='1'] .corner.tr")
    expect(number).to_contain_text("1 /")
    if not re.match(r"\d+ / 1\b", number.inner_text()):
        page.keyboard.press("ArrowDown")
        expect(number).to_contain_text("2 /")
    window = page.locator("[data-pane='1'] .corner.bl div").first
    own = window.inner_text()
    page.keyboard.press("i")
    expect(page.locator("[data-pane='1'] .corner.bl")).to_contain_text("Inverted")
    page.keyboard.press("i")
    page.keyboard.press("Alt+2")
    if presets:  # only a CT has windows of its own
        expect(window).not_to_have_text(own)
    page.keyboard.press("Alt+0")
    if page.locator("[data-pane]").count() > 1:
        page.keyboard.press("v")
        expect(page.locator("[data-pane='2'].active")).to_be_visible()
        page.keyboard.press("Shift+ArrowLeft")
        expect(page.locator("[data-pane='1'].active")).to_be_visible()


def _answer_all(page: Page) -> None:
    """Accept what waits for an answer, one after another."""
    sign = page.get_by_role("button", name=re.compile("^Sign"))
    for _ in range(10):
        if sign.get_attribute("aria-disabled") != "true":
            return
        page.keyboard.press("1")
        page.keyboard.press("n")
    raise AssertionError("signing still waits for something")


@pytest.mark.parametrize("kind", MAKERS)
def test_a_study_is_read_by_keys_alone(reader: Reader, kind: str) -> None:
    page = reader.page
    _no_mouse(page)
    name = f"KEYS{uuid4().hex[:8].upper()}"
    send_all(reader, MAKERS[kind](name))
    _log_in(reader, "radiologist2")
    _open(page, reader, name)
    _look(page, presets="CT" in kind)
    page.keyboard.press("l")
    page.keyboard.press("Enter")
    # A series that hangs in two windows shows it in both.
    plate = page.locator("[data-pane='1'] .measure-plate")
    expect(plate).to_have_count(1)
    expect(plate).to_contain_text("mm")
    expect(page.get_by_text("All changes saved")).to_be_visible()
    reader.picture(f"keys-{kind.replace(' ', '-')}")
    for _ in range(2):
        page.keyboard.press("Escape")
    assert "/read/" in page.url
    _answer_all(page)
    _tab_to(page, "impression", most=120)
    page.keyboard.type("Read by keys.")
    page.keyboard.press("Control+Enter")
    gone = "name => !document.body.textContent.includes(name)"
    page.wait_for_function(gone, arg=name)
    assert page.evaluate("() => window.mouseEvents") == 0
    content = _signed(reader, name)
    assert content["impression"] == "Read by keys."
    assert [one["geometry"]["kind"] for one in content["annotations"]] == ["length"]


def test_lengths_in_an_ultrasound_image_have_the_scale_of_their_region(reader) -> None:
    """Two regions of two scales: in each its own, across both none, and it says why."""
    name = f"KEYS{uuid4().hex[:8].upper()}"
    scales = (0.02, 0.05)
    image = ultrasound(name, region(0, 119, scales[0]), region(130, 255, scales[1]))
    send_all(reader, [image])
    reader.login("radiologist2")
    reader.find(name)
    reader.row(name).dblclick()
    page = reader.page
    page.wait_for_url(re.compile("/read/"))
    expect(page.locator(".scale")).to_contain_text("Regions have scales of their own")
    page.wait_for_timeout(1000)
    box = page.locator(".pane-pixels").first.bounding_box()
    assert box
    size = min(box["width"], box["height"])

    def place(x: float, y: float) -> tuple[float, float]:
        return (
            box["x"] + box["width"] / 2 + (x / 256 - 0.5) * size,
            box["y"] + box["height"] / 2 + (y / 256 - 0.5) * size,
        )

    page.keyboard.press("l")
    lines = (((10, 60), (100, 60)), ((150, 100), (240, 130)), ((60, 180), (200, 190)))
    for number, (start, end) in enumerate(lines, start=1):
        page.mouse.move(*place(*start))
        page.mouse.down()
        page.mouse.move(*place(*end), steps=4)
        page.mouse.up()
        expect(page.locator(".measure-plate")).to_have_count(number)
    expect(page.get_by_text("no scale: not within one region")).to_be_visible()
    reader.picture("ultrasound-regions")
    page.wait_for_timeout(1500)
    expect(page.get_by_text("All changes saved")).to_be_visible()
    item = page.url.rstrip("/").split("/")[-1]
    marks = page.evaluate(
        "async item => (await (await fetch(`/api/worklist/items/${item}/reading`))"
        ".json()).content.annotations",
        item,
    )
    assert len(marks) == len(lines)
    for mark, mm in zip(marks, (scales[0] * 10, scales[1] * 10, None), strict=True):
        (value,) = mark["measured"]["values"]
        drawn = np.linalg.norm(np.subtract(*mark["geometry"]["points"]))
        assert value["value"] == pytest.approx(drawn * (mm or 1), abs=1e-4)
        assert value["unit"] == ("mm" if mm else "{pixels}")
        assert mark["measured"]["scale"] == ("patient" if mm else "none")

"""PET is windowed and measured in SUV, where its header says enough; against NumPy."""

from __future__ import annotations

import re
from uuid import uuid4

import numpy as np
import pytest
from playwright.sync_api import Locator, expect
from pydicom.dataset import Dataset
from pydicom.uid import PositronEmissionTomographyImageStorage

from tests.e2e.conftest import Reader
from tests.e2e.test_keyboard_kinds import send_all
from tests.factories.dicom import make_ct_series

pytestmark = [pytest.mark.stack, pytest.mark.browser]
SIDE, SLICES = 64, 6
WEIGHT_KG, DOSE_BQ, HALF_LIFE_S = 80.0, 300e6, 6586.2
WAITED_S = 3600
SLOPE = 0.5
SUV = WEIGHT_KG * 1000 / (DOSE_BQ * 2 ** (-WAITED_S / HALF_LIFE_S))
"""g/ml of one Bq/ml (QIBA): written here once more, by hand."""


def _activity() -> np.ndarray:
    """Return a slice's activity, Bq/ml: from left to right SUV 0 to 12."""
    column = np.arange(SIDE) / (SIDE - 1)
    return np.broadcast_to(12 / SUV * column, (SIDE, SIDE))


def _pet(name: str, *, dose: bool) -> list[Dataset]:
    images = make_ct_series(
        n_slices=SLICES, side=SIDE, patient_name=name, patient_id=name
    )
    stored = np.rint(_activity() / SLOPE).astype("<u2")
    for one in images:
        one.SOPClassUID = PositronEmissionTomographyImageStorage
        one.file_meta.MediaStorageSOPClassUID = one.SOPClassUID
        one.Modality, one.Units, one.DecayCorrection = "PT", "BQML", "START"
        one.PixelRepresentation = 0
        del one.RescaleType  # a CT's
        one.RescaleSlope, one.RescaleIntercept = str(SLOPE), "0"
        one.WindowCenter, one.WindowWidth = "10000", "20000"
        one.CorrectedImage = ["NORM", "DECY", "ATTN", "SCAT"]
        one.SeriesDate = one.AcquisitionDate = "20261120"
        one.SeriesTime = one.AcquisitionTime = "110000"
        one.PatientWeight = WEIGHT_KG
        drug = Dataset()
        drug.RadiopharmaceuticalStartTime = "100000"
        if dose:
            drug.RadionuclideTotalDose = DOSE_BQ
        drug.RadionuclideHalfLife = HALF_LIFE_S
        one.RadiopharmaceuticalInformationSequence = [drug]
        one.PixelData = stored.tobytes()
    return images


def _open(reader: Reader, *, dose: bool) -> Locator:
    """Return the words of the first pane's window, once it shows the images."""
    name = f"SUV{uuid4().hex[:8].upper()}"
    send_all(reader, _pet(name, dose=dose))
    reader.login("radiologist2")
    reader.find(name)
    reader.row(name).first.dblclick()
    reader.page.wait_for_url(re.compile("/read/"))
    corner = reader.page.locator("[data-pane='1'] .corner.bl div").first
    expect(corner).to_be_visible()
    return corner


def _grey_at(reader: Reader, part: float) -> int:
    """Return the grey at a part of the image's width, in the middle of its height."""
    box = reader.page.locator("[data-pane='1'] .pane-pixels").bounding_box()
    assert box
    high, wide = (seen := reader.pane_pixels()).shape
    side = min(high, wide)
    return int(seen[int(high * 0.45), int(wide / 2 + side * (part - 0.5))])


def _drag(reader: Reader, down: float) -> None:
    """Drag through a part of the pane's height."""
    page = reader.page
    box = page.locator("[data-pane='1'] .pane-pixels").bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y + down * box["height"], steps=4)
    page.mouse.up()


def test_the_window_is_in_suv_and_so_are_its_presets(reader: Reader) -> None:
    corner = _open(reader, dose=True)
    page = reader.page
    expect(corner).to_have_text("SUV 0.0–7.0")
    # Black is uptake: half of the window's range is half grey.
    assert _grey_at(reader, 3.5 / 12) == pytest.approx(128, abs=6)
    page.keyboard.press("Alt+3")
    expect(corner).to_have_text("SUV 0.0–10.0")
    assert _grey_at(reader, 5 / 12) == pytest.approx(128, abs=6)
    page.get_by_role("region", name="Window").get_by_role("button").click()
    reader.picture("uptake-presets")
    page.get_by_role("menuitem", name="SUV 0–5").click()
    expect(corner).to_have_text("SUV 0.0–5.0")
    page.keyboard.press("w")
    _drag(reader, -0.25)
    expect(corner).to_have_text("SUV 0.0–7.1")  # 5 × 4^(1/4)
    _drag(reader, 0.25)
    expect(corner).to_have_text("SUV 0.0–5.0")
    # In three planes it is said, and chosen, in the same words.
    page.keyboard.press("d")
    planes = page.locator(".stage.mpr .corner.bl")
    expect(planes.first).to_contain_text("SUV 0.0–5.0")
    page.keyboard.press("Alt+5")
    expect(planes.first).to_contain_text("SUV 0.0–20.0")
    reader.picture("uptake-planes")


def test_what_is_measured_is_suv_as_numpy_says(reader: Reader) -> None:
    _open(reader, dose=True)
    page = reader.page
    page.keyboard.press("e")
    box = page.locator("[data-pane='1'] .pane-pixels").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.45, box["y"] + box["height"] * 0.4)
    page.mouse.down()
    page.mouse.move(
        box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.6, steps=4
    )
    page.mouse.up()
    plate = page.locator("[data-pane='1'] .measure-plate")
    expect(plate).to_contain_text("SUV")
    expect(page.get_by_text("All changes saved")).to_be_visible()
    reader.picture("uptake-ellipse")
    item = page.url.rstrip("/").split("/")[-1]
    (mark,) = page.evaluate(
        "async item => (await (await fetch(`/api/worklist/items/${item}/reading`))"
        ".json()).content.annotations",
        item,
    )
    corners = np.array(mark["geometry"]["points"], float)
    low, high = corners.min(axis=0), corners.max(axis=0)
    centre, radius = (low + high) / 2, (high - low) / 2
    row, column = np.mgrid[:SIDE, :SIDE] + 0.5
    inside = ((column - centre[0]) / radius[0]) ** 2 + (
        (row - centre[1]) / radius[1]
    ) ** 2 <= 1
    values = (np.rint(_activity() / SLOPE) * SLOPE * SUV)[inside]
    said = {one["display"]: one for one in mark["measured"]["values"]}
    assert said["Mean"]["unit"] == "{SUVbw}g/ml"
    assert said["Mean"]["value"] == pytest.approx(values.mean(), rel=0.01)
    assert said["Maximum"]["value"] == pytest.approx(values.max(), rel=0.02)


def test_without_the_dose_the_window_says_the_stored_unit(reader: Reader) -> None:
    corner = _open(reader, dose=False)
    page = reader.page
    expect(corner).to_have_text(re.compile(r"^WW \d+ WL \d+ Bq/ml$"))
    own = corner.inner_text()
    page.get_by_role("region", name="Window").get_by_role("button").click()
    expect(page.get_by_role("menuitem", name="Window of the image")).to_have_count(1)
    expect(page.get_by_role("menuitem", name="SUV")).to_have_count(0)
    page.keyboard.press("Escape")
    page.keyboard.press("w")
    _drag(reader, -0.25)
    expect(corner).not_to_have_text(own)
    expect(corner).to_contain_text("Bq/ml")

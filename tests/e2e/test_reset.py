"""A reset after scrolling: the shown image's own greys come back, not another's."""

from __future__ import annotations

import base64
import io
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from pydicom.dataset import Dataset
from pydicom.pixels import apply_voi_lut
from pydicom.uid import generate_uid

from tests.e2e.conftest import send
from tests.factories.dicom import make_mr_series, to_bytes

if TYPE_CHECKING:
    from tests.e2e.conftest import Reader

pytestmark = [pytest.mark.stack, pytest.mark.browser]
SIDE, SLICES, BLOCK = 64, 3, 16
OFF = 2.5
"""Grey levels that a browser's own rounding and a table's pieces may add."""
TONES = ["LINEAR", "LINEAR_EXACT", "SIGMOID", "LOOKUP", "MONOCHROME1"]


def _values(place: int) -> np.ndarray:
    """Return even blocks, no two alike, [row][column]."""
    steps = np.arange(SIDE) // BLOCK
    return (200 + 140 * steps[None, :] + 30 * steps[:, None] + 50 * place).astype("<u2")


def _table(place: int) -> Dataset:
    """Return a VOI table that is no line, and another one for each image."""
    item = Dataset()
    greys = 65535 * (0.5 + 0.5 * np.sin((5 + place) * np.linspace(0, 1, 1000) - 1.2))
    item.add_new("LUTDescriptor", "US", [1000, 0, 16])
    item.add_new("LUTData", "US", np.round(greys).astype(np.uint16).tolist())
    return item


def _series(name: str, study: str, tones: str, number: int) -> list[Dataset]:
    images = make_mr_series(
        study_uid=study,
        frame_of_reference_uid=generate_uid(),
        description=f"{tones} tones",
        series_number=number,
        # They are numbered against their order in space.
        values=np.array([_values(place) for place in range(SLICES)])[::-1],
    )[::-1]
    for place, image in enumerate(images):
        image.PatientName = image.PatientID = name
        # Each image another window, as MR often has.
        image.WindowCenter = str(400 + 120 * place)
        image.WindowWidth = str(900 - 150 * place)
        if tones == "LOOKUP":
            del image.WindowCenter, image.WindowWidth
            image.VOILUTSequence = [_table(place)]
        elif tones == "MONOCHROME1":
            image.PhotometricInterpretation = tones
        else:
            image.VOILUTFunction = tones
    return images


def _greys(image: Dataset, place: int) -> np.ndarray:
    """Return what pydicom makes of it, 0 to 255."""
    shown = apply_voi_lut(_values(place).astype(np.uint16), image).astype(float)
    most = 65535 if "VOILUTSequence" in image else 2.0**image.BitsStored - 1
    grey = 255 * shown / most
    return 255 - grey if image.PhotometricInterpretation == "MONOCHROME1" else grey


def _seen(page: Page) -> np.ndarray:
    """Return the greys in the middle of each block on the first viewport's canvas."""
    canvas = page.locator(".pane .pane-pixels canvas:not(.early-pixels)").first
    url = canvas.evaluate("node => node.toDataURL()")
    body = base64.b64decode(url.split(",")[1])
    shown = np.asarray(Image.open(io.BytesIO(body)).convert("RGB")).astype(float)
    height, width, _ = shown.shape
    scale = min(width, height) / SIDE
    middles = (np.arange(SIDE // BLOCK) + 0.5) * BLOCK - SIDE / 2
    down = (middles * scale + height / 2).astype(int)
    across = (middles * scale + width / 2).astype(int)
    seen: np.ndarray = shown[np.ix_(down, across)].mean(axis=2)
    return seen


def _expect_greys(page: Page, wanted: np.ndarray, what: str) -> None:
    """Wait until the first viewport shows an image's greys."""
    blocks = wanted[BLOCK // 2 :: BLOCK, BLOCK // 2 :: BLOCK]
    assert np.ptp(blocks) > 20 * OFF, "blocks of several greys"
    seen = _seen(page)
    for _ in range(100):
        if np.abs(seen - blocks).max() <= OFF:
            return
        page.wait_for_timeout(100)
        seen = _seen(page)
    raise AssertionError(f"{what}: {seen.round()} instead of {blocks.round()}")


@pytest.mark.parametrize("drawing", ["card", "processor"])
def test_a_reset_brings_back_the_greys_of_the_image_that_is_shown(
    new_reader, drawing: str
) -> None:
    """The last image's, of a series in which each states others; so after the first."""
    reader: Reader = new_reader()
    reader.page.context.add_init_script(
        f"localStorage.setItem('overread.drawing', '{drawing}')"
    )
    name, study = f"RESET{uuid4().hex[:8].upper()}", generate_uid()
    greys = {}
    with tempfile.TemporaryDirectory() as folder:
        for number, tones in enumerate(TONES, start=1):
            images = _series(name, study, tones, number)
            for image in images:
                Path(folder, f"{image.SOPInstanceUID}.dcm").write_bytes(to_bytes(image))
            greys[tones] = [_greys(one, place) for place, one in enumerate(images)]
        send(reader.stack, Path(folder))
    page = reader.page
    reader.login("radiologist2")
    reader.find(name)
    reader.row(name).first.dblclick()
    page.wait_for_url(re.compile("/read/"))
    corner = page.locator(".pane .corner.bl").first
    place = page.locator(".pane .corner.tr").first
    expect(corner).to_be_visible()
    for tones, (first, *_, last) in greys.items():
        page.locator(".rail .series").filter(has_text=f"{tones} tones").last.click()
        expect(page.locator(".pane .corner.tl").first).to_contain_text(f"{tones} tones")
        expect(place).to_contain_text(f"1 / {SLICES}")
        _expect_greys(page, first, f"{tones} as it opens")
        page.keyboard.press("End")
        expect(place).to_contain_text(f"{SLICES} / {SLICES}")
        _expect_greys(page, last, f"{tones} scrolled")
        page.keyboard.press("0")
        _expect_greys(page, last, f"{tones} reset")
        page.keyboard.press("i")
        expect(corner).to_contain_text("Inverted")
        _expect_greys(page, 255 - last, f"{tones} inverted")
        page.keyboard.press("Alt+0")
        _expect_greys(page, 255 - last, f"{tones} inverted, its own window")
        page.keyboard.press("0")
        expect(corner).not_to_contain_text("Inverted")
        _expect_greys(page, last, f"{tones} reset from inverted")
        page.keyboard.press("Home")
        expect(place).to_contain_text(f"1 / {SLICES}")
        _expect_greys(page, first, f"{tones} back at the first")
    assert reader.errors == []

"""How planes become grey: windows, functions and tables, against pydicom; pictures."""

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
from tests.e2e.planes import NAMES, Plane, open_planes
from tests.factories.dicom import make_ct_series, to_bytes

if TYPE_CHECKING:
    from tests.e2e.conftest import Reader

pytestmark = [pytest.mark.stack, pytest.mark.browser]
SIDE, SLICES, BLOCK = 64, 32, 8
OFF = 2.5
"""Grey levels that a plane may differ by: a table is drawn by its straight pieces."""


def _blocks() -> np.ndarray:
    """Return values [slice][row][column], even in blocks of 8 voxels a side.

    Their borders are away from the middle: a card takes some of a plane's neighbours.
    """
    slices, rows, columns = (
        (np.arange(n) + BLOCK // 2) // BLOCK for n in (SLICES, SIDE, SIDE)
    )
    return (
        100 * columns[None, None]
        + 40 * rows[None, :, None]
        + 30 * slices[:, None, None]
    ).astype(np.int16)


def _table(first: int, n: int) -> Dataset:
    """Return a VOI table that is anything but a line."""
    item = Dataset()
    steps = np.linspace(0, 1, n)
    greys = np.round(65535 * (0.5 + 0.5 * np.sin(11 * steps - 1.2)))
    item.add_new("LUTDescriptor", "US", [n, first, 16])
    item.add_new("LUTData", "US", greys.astype(np.uint16).tolist())
    return item


def _state(image: Dataset, tones: str) -> None:
    """Let an image state how it is to become grey."""
    image.PixelRepresentation = 0
    image.RescaleIntercept, image.RescaleSlope = "0", "1"
    image.WindowCenter, image.WindowWidth = "500", "400"
    if "TABLE" in tones or tones == "LOOKUP":
        del image.WindowCenter, image.WindowWidth
        image.VOILUTSequence = [_table(0, 1000 if tones != "TABLES" else 800)]
    elif tones != "MONOCHROME1":
        image.VOILUTFunction = tones
    if tones == "MONOCHROME1":
        image.PhotometricInterpretation = "MONOCHROME1"


def _volume(name: str, study: str, tones: str, number: int) -> list[Dataset]:
    images = make_ct_series(
        n_slices=SLICES,
        side=SIDE,
        spacing_mm=1.0,
        study_uid=study,
        patient_name=name,
        patient_id=name,
        series_number=number,
    )
    for place, (image, values) in enumerate(zip(images, _blocks(), strict=True)):
        image.SeriesDescription = tones
        _state(image, tones)
        if tones == "TABLES" and place == 0:
            image.VOILUTSequence = [_table(0, 900)]
        image.PixelData = values.astype("<u2").tobytes()
    return images


def _send(reader: Reader, tones: list[str]) -> tuple[str, dict[str, np.ndarray]]:
    """Send a study with a series for each; return its name and greys by series."""
    name, study = f"GREY{uuid4().hex[:8].upper()}", generate_uid()
    greys = {}
    with tempfile.TemporaryDirectory() as folder:
        for number, one in enumerate(tones, start=1):
            images = _volume(name, study, one, number)
            for image in images:
                Path(folder, f"{image.SOPInstanceUID}.dcm").write_bytes(to_bytes(image))
            greys[one] = _greys(images[SLICES // 2])
        send(reader.stack, Path(folder))
    return name, greys


def _greys(image: Dataset) -> np.ndarray:
    """Return what pydicom makes of the volume as the image says, 0 to 255."""
    values = _blocks()
    shown = apply_voi_lut(values.astype(np.uint16), image).astype(float)
    most = 65535 if "VOILUTSequence" in image else 2.0**image.BitsStored - 1
    grey = 255 * shown / most
    inverse = image.PhotometricInterpretation == "MONOCHROME1"
    return 255 - grey if inverse else grey


def _open(reader: Reader, name: str) -> None:
    reader.login("radiologist2")
    reader.find(name)
    reader.row(name).first.dblclick()
    reader.page.wait_for_url(re.compile("/read/"))
    expect(reader.page.locator(".pane .corner.bl").first).to_be_visible()


def _seen(plane: Plane) -> np.ndarray:
    """Return what the plane's canvas holds, grey levels [row][column]."""
    url = plane.pixels.evaluate("node => node.toDataURL()")
    body = base64.b64decode(url.split(",")[1])
    return np.asarray(Image.open(io.BytesIO(body)).convert("RGB")).astype(float)


def _places(plane: Plane) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Return pixels of the pane (row, column) and the voxels (down, across) there.

    Places near the border of a block are left out: between two voxels is no value.
    """
    box = plane.pixels.bounding_box()
    assert box
    rows = SLICES if plane.name != "axial" else SIDE
    found = []
    for part in np.arange(0.31, 0.7, 0.017):
        across, down = plane.move(part, 0.3 + 0.5 * (part - 0.3))
        near = [abs(n / BLOCK % 1 - 0.5) * BLOCK for n in (across, down)]
        if min(near) < 1 or not (0 < across < SIDE and 0 < down < rows):
            continue
        x, y = plane.spot(part, 0.3 + 0.5 * (part - 0.3))
        at = int(y - box["y"]), int(x - box["x"])
        found.append((at, (int(down), int(across))))
    assert len(found) > 8
    return found


def _cut(plane: Plane, volume: np.ndarray) -> np.ndarray:
    """Return the plane's greys [down][across] where its view says that it is."""
    if plane.name == "axial":
        # The stack goes from the head down, the grid from the feet up.
        return volume[SLICES - plane.shown()]
    return volume[:, SIDE // 2] if plane.name == "coronal" else volume[:, :, SIDE // 2]


def _expect_greys(page: Page, volume: np.ndarray, what: str) -> None:
    """Wait until all planes show a volume's greys."""
    page.keyboard.press("4")  # its cursor says which voxel is where
    for name in NAMES:
        plane = Plane(page, name)
        cut, places = _cut(plane, volume), _places(plane)
        wanted = np.array([cut[voxel] for _, voxel in places])
        assert np.ptp(wanted) > 4 * OFF, "places of several greys"
        for _ in range(60):
            seen = _seen(plane)
            shown = np.array([seen[at].mean() for at, _ in places])
            off = np.abs(shown - wanted)
            if off.max() <= OFF:
                break
            page.wait_for_timeout(100)
        assert off.max() <= OFF, (what, name, shown.round(1), wanted.round(1))


TONES = ["LINEAR_EXACT", "SIGMOID", "LOOKUP", "MONOCHROME1"]


@pytest.mark.parametrize("drawing", ["card", "processor"])
def test_planes_are_as_grey_as_the_images_say(new_reader, drawing: str) -> None:
    """Of each series as it opens, inverted and back, and after a reset."""
    reader = new_reader()
    reader.page.context.add_init_script(
        f"localStorage.setItem('overread.drawing', '{drawing}')"
    )
    name, greys = _send(reader, TONES)
    _open(reader, name)
    page = reader.page
    for tones, volume in greys.items():
        page.locator(".rail .series").filter(has_text=tones).last.click()
        expect(page.locator(".pane .corner.tl").first).to_contain_text(tones)
        corner = page.locator(".pane .corner.bl").first
        expect(corner).to_contain_text("WW")
        open_planes(page)
        page.keyboard.press("Alt+0")  # the images' own; a CT hangs in another one
        if tones in ("LINEAR_EXACT", "SIGMOID"):
            expect(page.locator(".mpr .corner.bl").first).to_have_text("WW 400 WL 500")
        expect(page.get_by_text("different grey scales")).to_have_count(0)
        _expect_greys(page, volume, tones)
        page.keyboard.press("i")
        _expect_greys(page, 255 - volume, f"{tones} inverted")
        page.keyboard.press("0")
        _expect_greys(page, volume, f"{tones} reset")
        reader.picture(f"planes-{tones.lower().replace(' ', '-')}-{drawing}")
        page.keyboard.press("d")
        expect(page.locator(".mpr")).to_have_count(0)
    assert reader.errors == []


def test_planes_begin_as_the_stack_was_looked_at(reader: Reader) -> None:
    """Window and inversion go along, a slab stays, and unlike tables are told."""
    name, greys = _send(reader, ["LINEAR", "TABLES"])
    _open(reader, name)
    page = reader.page
    page.locator(".rail .series").filter(has_text="LINEAR").click()
    expect(page.locator(".pane .corner.tl").first).to_contain_text("LINEAR")
    corner = page.locator(".pane .corner.bl").first
    expect(corner).to_contain_text("WW 400")
    page.keyboard.press("Alt+2")
    expect(corner).to_contain_text("WW 1500")
    page.keyboard.press("i")
    expect(corner).to_contain_text("Inverted")
    open_planes(page)
    words = page.locator(".mpr .corner.bl")
    expect(words).to_have_text(["WW 1500 WL −600 · Inverted"] * 3)
    coronal = Plane(page, "coronal")
    page.mouse.move(*coronal.spot(0.4, 0.4))
    page.mouse.click(*coronal.spot(0.4, 0.4))
    place = [Plane(page, one).shown() for one in NAMES]
    page.keyboard.press("Alt+0")
    expect(words).to_have_text(["WW 400 WL 500 · Inverted"] * 3)
    assert [Plane(page, one).shown() for one in NAMES] == place, "where one was"
    page.get_by_role("button", name="MIP", exact=True).click()
    page.keyboard.press("0")
    expect(words).to_have_text(["WW 400 WL 500"] * 3)
    expect(page.locator(".slab-word").first).to_have_text("MIP 10 mm")
    highest = greys["LINEAR"][:, SIDE // 2 - 5 : SIDE // 2 + 6].max(axis=1)
    page.keyboard.press("4")
    places = _places(coronal)
    wanted = np.array([highest[voxel] for _, voxel in places])
    for _ in range(60):
        seen = _seen(coronal)
        off = np.abs([seen[at].mean() for at, _ in places] - wanted)
        if off.max() <= OFF:
            break
        page.wait_for_timeout(100)
    assert off.max() <= OFF, "the slab that the view names is the one that it shows"

    page.keyboard.press("d")
    page.locator(".rail .series").filter(has_text="TABLES").click()
    expect(page.locator(".pane .corner.tl").first).to_contain_text("TABLES")
    page.keyboard.press("d")
    expect(page.get_by_text("different grey scales")).to_be_visible()


def test_a_picture_of_a_plane_has_its_pixels_and_marks(reader: Reader) -> None:
    """As it is on the screen, with what was painted, and without a word."""
    name, greys = _send(reader, ["LINEAR"])
    _open(reader, name)
    page = reader.page
    open_planes(page)
    page.keyboard.press("Alt+0")
    _expect_greys(page, greys["LINEAR"], "LINEAR")
    page.keyboard.press("]")
    coronal = Plane(page, "coronal")
    page.mouse.click(*coronal.spot(0.5, 0.5))
    labels = coronal.pane.locator("canvas.labels")
    expect(labels).to_be_visible()
    expect(page.get_by_text("All changes saved")).to_be_visible()
    button = page.get_by_role("button", name="Save the viewport as a picture")
    expect(button).to_have_attribute("aria-disabled", "false")
    with page.expect_download() as saving:
        page.keyboard.press("Alt+p")
    number = coronal.shown()
    assert (
        saving.value.suggested_filename == f"overread-CT-series-1-coronal-{number}.png"
    )
    picture = np.asarray(Image.open(saving.value.path()).convert("RGB")).astype(float)
    seen = _seen(coronal)
    assert picture.shape == seen.shape
    drawn = np.abs(picture - seen).max(axis=2) > 3
    # The crosshairs and the painted disc; nothing in the corners, where words are.
    assert drawn.sum() > 200
    words = coronal.pane.locator(".corner.tl").bounding_box()
    pane = coronal.pane.bounding_box()
    assert words
    assert pane
    x, y = int(words["x"] - pane["x"]), int(words["y"] - pane["y"])
    part = drawn[y : y + int(words["height"]), x : x + int(words["width"])]
    assert not part.any()
    colours = picture[drawn]
    assert (np.ptp(colours, axis=1) > 30).any(), "the segment's colour"
    assert reader.errors == []

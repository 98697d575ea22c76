"""Others' parametric maps on the screen: the canvas against NumPy and SciPy.

The map is made by highdicom, oblique and on a grid of its own; what is expected at each
pixel is computed here from the map's pixels and the two geometries alone.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from uuid import uuid4

import highdicom as hd
import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect
from pydicom.dataset import Dataset
from scipy.ndimage import map_coordinates

from tests.e2e.conftest import Reader, send
from tests.e2e.planes import Plane, open_planes
from tests.factories.dicom import make_ct_series, to_bytes
from tests.factories.maps import make_map

pytestmark = [pytest.mark.stack, pytest.mark.browser]

SIDE, SLICES = 48, 9
SPACING = (4.1, 2.3, 1.7)
ORIGIN = (-17.3, -15.2, -7.9)
ROW = np.array([np.cos(0.2), np.sin(0.2), 0.0])
COLUMN = np.array([-np.sin(0.2) * np.cos(0.1), np.cos(0.2) * np.cos(0.1), np.sin(0.1)])
SLOPE, INTERCEPT = 0.01, -2.0
_READ = """canvas => {
    const pen = canvas.getContext('2d');
    const { data } = pen.getImageData(0, 0, canvas.width, canvas.height);
    return [canvas.width, canvas.height, Array.from(data)];
}"""


def stored() -> np.ndarray:
    frame, row, column = np.mgrid[:6, :14, :19]
    return (300 + 60 * frame + 25 * row + 11 * column).astype(np.float32)


def expected(places: np.ndarray) -> np.ndarray:
    """Return the map's values at places in the patient, [..., 3]; NaN: none."""
    away = places - np.array(ORIGIN)
    index = np.stack(
        [
            away @ np.cross(ROW, COLUMN) / SPACING[0],
            away @ COLUMN / SPACING[1],
            away @ ROW / SPACING[2],
        ]
    )
    values = map_coordinates(
        stored().astype(float) * SLOPE + INTERCEPT, index, order=1, mode="nearest"
    )
    ends = np.array(stored().shape).reshape(3, *[1] * (index.ndim - 1))
    inside = ((index >= -0.5) & (index <= ends - 0.5)).all(axis=0)
    return np.where(inside, values, np.nan)


def differs(canvas: Locator, values: np.ndarray, low: float, high: float) -> str:
    """Say how a canvas in greys differs from values; '' when it does not."""
    columns, rows, data = canvas.evaluate(_READ)
    if (rows, columns) != values.shape:
        return f"it is {rows} × {columns}"
    rgba = np.reshape(data, (rows, columns, 4)).astype(int)
    drawn = rgba[..., 3] > 0
    wanted = np.isfinite(values) & (values >= low)
    if wanted.sum() < 50:
        return "there is nothing to compare"
    if (drawn != wanted).sum() > 2:
        return f"{(drawn != wanted).sum()} pixels are not where they should be"
    both = drawn & wanted
    shade = np.clip(np.rint((values[both] - low) / (high - low) * 255), 0, 255)
    worst = np.abs(rgba[..., 0][both] - shade).max()
    return f"a shade is off by {worst}" if worst > 1 else ""


def same(canvas: Locator, values: np.ndarray, low: float, high: float) -> None:
    """Wait until a canvas shows values: it is drawn after what is written beside it."""
    for _ in range(100):
        found = differs(canvas, values, low, high)
        if found == "":
            return
        canvas.page.wait_for_timeout(100)
    raise AssertionError(found)


def send_maps(reader: Reader, name: str) -> list[Dataset]:
    """Send a CT with two maps; return its images as a stack shows them."""
    images = make_ct_series(
        n_slices=SLICES, side=SIDE, patient_name=name, patient_id=name
    )
    whole = {"origin": ORIGIN, "orientation": (*ROW, *COLUMN), "spacing": SPACING}
    ours = make_map(images, stored(), slope=SLOPE, intercept=INTERCEPT, **whole)
    far = make_map(
        images, stored(), title="Map of elsewhere", frame_of_reference=hd.UID(), **whole
    )
    with tempfile.TemporaryDirectory() as folder:
        for number, one in enumerate([*images, ours, far]):
            Path(folder, f"{number}.dcm").write_bytes(to_bytes(one))
        send(reader.stack, Path(folder))
    # The stack goes by Instance Number: from head to feet.
    return sorted(images, key=lambda one: int(one.InstanceNumber))


def scroll_to(page: Page, number: int) -> None:
    """Show an image of the stack, from 1."""
    page.locator(".pane-pixels").first.hover()
    corner = page.locator(".corner.tr").first
    while not corner.inner_text().startswith(f"{number} /"):
        shown = int(corner.inner_text().split("/")[0])
        page.keyboard.press("ArrowDown" if shown < number else "ArrowUp")
        expect(corner).not_to_have_text(re.compile(rf"^{shown} /"))


def test_a_map_on_a_grid_of_its_own_lies_where_its_numbers_say(reader: Reader):
    name = f"MAP{uuid4().hex[:8].upper()}"
    stack = send_maps(reader, name)
    reader.login("radiologist2")
    reader.find(name)
    reader.row(name).first.dblclick()
    page = reader.page
    page.wait_for_url(re.compile("/read/"))
    panel = page.locator(".from-pacs")
    panel.get_by_role("button", name="Show ADC map on the images").click()
    legend = page.locator("[data-pane='1'] .map-legend")
    expect(legend).to_contain_text("Apparent Diffusion Coefficient")
    expect(legend).to_contain_text("um2/s")
    options = panel.get_by_role("group", name=re.compile("^How .* is shown"))
    options.get_by_role("combobox").select_option("grey")
    low, high = 1.2, 6.4
    for end, value in (("Colours from", low), ("to", high)):
        field = options.get_by_role("spinbutton", name=re.compile(f"^{end} "))
        field.fill(str(value))
        field.press("Enter")
    expect(legend).to_contain_text("6.40")
    canvas = page.locator("[data-pane='1'] canvas.foreign-map")
    row, column = np.mgrid[:SIDE, :SIDE]
    for number in (3, 5, 6):
        scroll_to(page, number)
        x, y, z = (float(n) for n in stack[number - 1].ImagePositionPatient)
        places = np.stack([x + column, y + row, np.full(row.shape, z)], axis=-1)
        same(canvas, expected(places), low, high)
    reader.picture("map-stack")
    panel.get_by_role("button", name="What Map of elsewhere says").click()
    elsewhere = panel.locator("[data-foreign-object]").filter(
        has_text="Map of elsewhere"
    )
    expect(elsewhere).to_contain_text("no images of this study are in its frame")
    expect(elsewhere.get_by_role("button", name=re.compile("^Show "))).to_have_count(0)
    open_planes(page)
    x, y, _ = (float(n) for n in stack[0].ImagePositionPatient)
    heights = sorted(float(one.ImagePositionPatient[2]) for one in stack)
    coronal = Plane(page, "coronal")
    # Into the screen is to the back: the planes count as the rows do.
    front = y + coronal.shown() - 1
    high_up, across = np.meshgrid(heights, x + np.arange(SIDE), indexing="ij")
    places = np.stack([across, np.full(across.shape, front), high_up], axis=-1)
    same(coronal.pane.locator("canvas.foreign-map"), expected(places), low, high)
    reader.picture("map-planes")

"""Lookup tables of the image itself: what is seen is what pydicom computes."""

from __future__ import annotations

import base64
import io
import tempfile
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect
from pydicom.dataset import Dataset
from pydicom.pixels import apply_modality_lut, apply_voi_lut

from tests.benchmarks.viewing.check import Picture, find
from tests.e2e.conftest import film, send
from tests.factories.dicom import make_dx, to_bytes

pytestmark = [pytest.mark.stack, pytest.mark.browser]
SPACING = 0.2
WORST = 2.5
"""Grey levels, mean: a curve is steeper than a line, and so is what rounding costs."""


def _table(first: int, values: np.ndarray) -> Dataset:
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [len(values), first, 16])
    item.add_new("LUTData", "US", values.astype(np.uint16).tolist())
    return item


@pytest.mark.parametrize("photometric", ["MONOCHROME2", "MONOCHROME1"])
def test_modality_and_voi_tables_are_applied(reader, stack, photometric):
    name = f"E2E{uuid4().hex[:9].upper()}"
    pixels = film().astype(np.uint16) * 4
    dataset = make_dx(
        pixels,
        patient_name=name,
        patient_id=name,
        age="044Y",
        photometric=photometric,
        pixel_spacing=SPACING,
    )
    for word in ("WindowCenter", "WindowWidth", "RescaleSlope", "RescaleIntercept"):
        if word in dataset:
            delattr(dataset, word)
    steps = np.arange(1024)
    dataset.ModalityLUTSequence = [_table(0, (steps**1.1) * 2)]
    dataset.ModalityLUTSequence[0].ModalityLUTType = "US"
    end = int((1023**1.1) * 2) + 1
    voi = 65535 / (1 + np.exp(-(np.arange(end) - end / 2) / (end / 9)))
    dataset.VOILUTSequence = [_table(0, voi)]
    shown = apply_voi_lut(
        apply_modality_lut(dataset.pixel_array, dataset).astype(np.uint16), dataset
    )
    grey = shown.astype(float) / 65535 * 255
    if photometric == "MONOCHROME1":
        grey = 255 - grey
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "film.dcm").write_bytes(to_bytes(dataset))
        send(stack, Path(folder))
    reader.login("radiologist2")
    reader.find(name)
    reader.row(name).first.dblclick()
    pane = reader.page.locator(".pane-pixels canvas").first
    expect(pane).to_be_visible()
    expect(reader.page.locator(".series.on .loaded")).to_be_visible()
    reader.page.wait_for_timeout(1500)
    reader.picture(f"tables-{photometric}")
    url = pane.evaluate("node => node.toDataURL()")
    body = np.frombuffer(base64.b64decode(url.split(",")[1]), np.uint8)
    canvas = np.asarray(Image.open(io.BytesIO(body.tobytes())).convert("L"))
    match = find(canvas, [Picture("tables", grey, (SPACING, SPACING))])
    assert match.error <= WORST, match

"""The lower series of a fused pane is as grey as its images say, against pydicom."""

from __future__ import annotations

import base64
import io
import re
import tempfile
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect
from pydicom.dataset import Dataset
from pydicom.pixels import apply_voi_lut
from pydicom.uid import PositronEmissionTomographyImageStorage, generate_uid

from tests.e2e.conftest import Reader, send
from tests.factories.dicom import make_ct_series, to_bytes

pytestmark = [pytest.mark.stack, pytest.mark.browser]
SIDE, SLICES = 64, 8
OFF = 3.0


LOWEST = -200
WINDOW = (40, 400)
"""Centre and width that a CT is hung with over its PET: the mediastinum's."""


def _values() -> np.ndarray:
    """Return a slice's values: four columns of even grey."""
    column = np.arange(SIDE) // (SIDE // 4)
    return np.broadcast_to(-110 + 100 * column, (SIDE, SIDE)).astype(np.int16)


def _state(image: Dataset, tones: str) -> None:
    image.PixelRepresentation = 0
    image.RescaleIntercept, image.RescaleSlope = str(LOWEST), "1"
    image.WindowCenter, image.WindowWidth = (str(n) for n in WINDOW)
    if tones == "MONOCHROME1":
        image.PhotometricInterpretation = tones
    else:
        image.VOILUTFunction = tones
    image.PixelData = (_values() - LOWEST).astype("<u2").tobytes()


def _send(reader: Reader, name: str, tones: str) -> Dataset:
    study = generate_uid()
    series = [
        make_ct_series(
            n_slices=SLICES,
            side=SIDE,
            study_uid=study,
            patient_name=name,
            patient_id=name,
            series_number=number,
        )
        for number in (2, 3)
    ]
    lower, upper = series
    for image, other in zip(lower, upper, strict=True):
        _state(image, tones)
        other.FrameOfReferenceUID = image.FrameOfReferenceUID
        other.SOPClassUID = PositronEmissionTomographyImageStorage
        other.file_meta.MediaStorageSOPClassUID = other.SOPClassUID
        other.Modality, other.Units = "PT", "BQML"
        other.WindowCenter, other.WindowWidth = "500", "1000"
        # Nothing is taken up: the colours let all of the lower series through.
        other.PixelData = bytes(2 * SIDE * SIDE)
    with tempfile.TemporaryDirectory() as folder:
        for image in (*lower, *upper):
            Path(folder, f"{image.SOPInstanceUID}.dcm").write_bytes(to_bytes(image))
        send(reader.stack, Path(folder))
    return lower[SLICES // 2]


def _expected(image: Dataset) -> np.ndarray:
    """Return the greys of the four columns, 0 to 255."""
    shown = apply_voi_lut(_values(), image).astype(float)
    grey = 255 * (shown - LOWEST) / (2.0**image.BitsStored - 1)
    inverse = image.PhotometricInterpretation == "MONOCHROME1"
    return (255 - grey if inverse else grey)[0, SIDE // 8 :: SIDE // 4]


@pytest.mark.parametrize("tones", ["MONOCHROME1", "SIGMOID", "LINEAR_EXACT"])
def test_the_lower_series_is_as_grey_as_it_says(reader: Reader, tones: str):
    name = f"FUSE{uuid4().hex[:8].upper()}"
    expected = _expected(_send(reader, name, tones))
    reader.login("radiologist2")
    reader.find(name)
    reader.row(name).first.dblclick()
    page = reader.page
    page.wait_for_url(re.compile("/read/"))
    pane = page.locator(".pane").filter(has=page.locator(".fusion-scale")).first
    expect(pane.locator(".corner.bl")).to_be_visible()
    width, level = WINDOW[1], WINDOW[0]
    expect(pane.locator(".corner.bl")).to_contain_text(f"WW {width} WL {level}")
    seen = np.zeros(4)
    for _ in range(100):
        url = pane.locator(".pane-pixels canvas").first.evaluate("n => n.toDataURL()")
        body = base64.b64decode(url.split(",")[1])
        picture = np.asarray(Image.open(io.BytesIO(body)).convert("L")).astype(float)
        high, wide = picture.shape
        side = min(high, wide)
        at = [int(wide / 2 + side * (n / 8 - 0.5)) for n in (1, 3, 5, 7)]
        seen = picture[int(high * 0.4), at]
        if np.abs(seen - expected).max() < OFF:
            break
        page.wait_for_timeout(100)
    reader.picture(f"fusion-{tones}")
    assert np.abs(seen - expected).max() < OFF, (seen, expected)

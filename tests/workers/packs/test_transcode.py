"""HTJ2K at the door: another coding, the same pixels, the same object."""

from __future__ import annotations

import io
import os
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom import encaps
from pydicom.uid import UID

from tests.factories.dicom import make_dx, to_bytes
from workers.packs import transcode
from workers.packs.isolation import IsolatedDecoder
from workers.packs.transcode import TranscodeError, to_storable, transfer_syntax_of

NOISE = np.random.default_rng(11)
SMALL = Path(__file__).parents[4] / "shared" / "data" / "dicom_small"
JPEG_2000_LOSSLESS = "1.2.840.10008.1.2.4.90"


def htj2k_file(frames, *, syntax="1.2.840.10008.1.2.4.201", **changes):
    """Return an HTJ2K file of frames that are [rows, columns(, 3)]."""
    first = frames[0]
    dataset = make_dx(first[..., 0].copy() if first.ndim == 3 else first)
    if first.ndim == 3:
        dataset.SamplesPerPixel = 3
        dataset.PlanarConfiguration = 0
        dataset.PhotometricInterpretation = "YBR_RCT"
    coded = [bytes(imagecodecs.htj2k_encode(f, reversible=True)) for f in frames]
    dataset.NumberOfFrames = len(frames)
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    dataset.PixelData = encaps.encapsulate(coded)
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    for keyword, value in changes.items():
        setattr(dataset, keyword, value)
    return to_bytes(dataset)


def grey(dtype, *, low, high, n=1):
    return [NOISE.integers(low, high, (20, 30)).astype(dtype) for _ in range(n)]


@pytest.mark.parametrize(
    "frames",
    [
        grey(np.uint8, low=0, high=256),
        grey(np.uint16, low=0, high=65536, n=3),
        grey(np.int16, low=-32768, high=32768),
        [NOISE.integers(0, 256, (20, 30, 3)).astype(np.uint8)],
    ],
)
def test_pixels_and_all_else_are_the_same(frames):
    content = htj2k_file(frames, PatientName="Größe^Ä", StudyDescription="Thorax")
    before = pydicom.dcmread(io.BytesIO(content))

    stored = to_storable(content)

    after = pydicom.dcmread(io.BytesIO(stored))
    assert after.file_meta.TransferSyntaxUID == JPEG_2000_LOSSLESS
    found = encaps.generate_frames(after.PixelData, number_of_frames=len(frames))
    for codestream, values in zip(found, frames, strict=True):
        np.testing.assert_array_equal(imagecodecs.jpeg2k_decode(codestream), values)
    changed = {"PixelData"}
    for element in before:
        if element.keyword not in changed:
            assert after[element.tag] == element
    assert transfer_syntax_of(stored) == JPEG_2000_LOSSLESS
    assert to_storable(stored) is None


def test_deep_pixels_go_uncompressed():
    values = NOISE.integers(0, 1 << 20, (20, 30)).astype(np.uint32)
    stored = pydicom.dcmread(
        io.BytesIO(to_storable(htj2k_file([values], BitsStored=20, HighBit=19)))
    )
    assert stored.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
    np.testing.assert_array_equal(stored.pixel_array, values)


def test_what_was_lossy_stays_marked():
    content = htj2k_file(
        grey(np.uint8, low=0, high=256),
        syntax="1.2.840.10008.1.2.4.203",
        LossyImageCompression="01",
        LossyImageCompressionRatio="12.5",
        LossyImageCompressionMethod="ISO_15444_15",
    )
    after = pydicom.dcmread(io.BytesIO(to_storable(content)))
    assert after.LossyImageCompression == "01"
    assert float(after.LossyImageCompressionRatio) == 12.5
    assert after.LossyImageCompressionMethod == "ISO_15444_15"
    assert after.SOPInstanceUID == pydicom.dcmread(io.BytesIO(content)).SOPInstanceUID


def test_other_files_are_left_alone():
    assert to_storable(to_bytes(make_dx(np.zeros((4, 4), np.uint8)))) is None
    for content in (
        b"",
        b"hello",
        b"\0" * 128 + b"DICM",
        b"\0" * 128 + b"DICM\2\0\x10",
    ):
        assert to_storable(content) is None


def test_damaged_frames_are_a_reason_and_the_next_file_is_served():
    good = htj2k_file(grey(np.uint8, low=0, high=256))
    for cut in (40, 200, 500):
        with pytest.raises(TranscodeError, match="compressed with HTJ2K and cannot"):
            to_storable(good[: good.index(b"\xff\x4f\xff\x51") + cut])
    with pytest.raises(TranscodeError, match="1 of 4 frames"):
        to_storable(htj2k_file(grey(np.uint8, low=0, high=256), NumberOfFrames=4))
    assert to_storable(good) is not None


def test_a_size_that_no_memory_holds_is_a_reason():
    content = bytearray(htj2k_file(grey(np.uint8, low=0, high=256)))
    siz = content.index(b"\xff\x4f\xff\x51") + 8
    content[siz : siz + 8] = (65535).to_bytes(4, "big") * 2
    with pytest.raises(TranscodeError):
        to_storable(bytes(content))


def test_the_helper_rests_when_idle(monkeypatch):
    helper = transcode._Helper()
    monkeypatch.setattr(transcode, "_IDLE_S", 0.05)
    helper.transcode(htj2k_file(grey(np.uint8, low=0, high=256)))
    assert isinstance(helper._decoder, IsolatedDecoder)
    helper._idle.join(5)
    assert helper._decoder._process is None
    assert helper._owner == os.getpid()


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["HTJ2KLossless_08_RGB.dcm", "HTJ2K_08_RGB.dcm"])
def test_real_htj2k(name):
    if not SMALL.exists():
        pytest.skip("no shared data here")
    content = next(SMALL.rglob(name)).read_bytes()
    before, after = (
        pydicom.dcmread(io.BytesIO(data)) for data in (content, to_storable(content))
    )
    assert after.PhotometricInterpretation == "YBR_RCT"
    np.testing.assert_array_equal(after.pixel_array, before.pixel_array)

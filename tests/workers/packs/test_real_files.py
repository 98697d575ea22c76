"""Every real file: the frames we send, decoded again, are the original's pixels."""

from __future__ import annotations

import subprocess
import tempfile
import warnings
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.pixels import convert_color_space
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID

from workers.packs.dataset import UnreadableInstanceError, read_dataset
from workers.packs.frames import FrameError, iter_frames, plan_instance
from workers.packs.layout import JPEG_EXTENDED, belongs_in_pack
from workers.packs.recode import iter_recoded

DATA = Path(__file__).parents[4] / "shared" / "data"
SMALL = DATA / "dicom_small"

pytestmark = pytest.mark.real_data

EXPECTED = {
    # as stored
    "CT_small.dcm": ("raw", False),
    "MR_small_implicit.dcm": ("raw", False),
    "MR_small_bigendian.dcm": ("raw", False),
    "ExplVR_BigEnd.dcm": ("raw", False),
    "SC_rgb_small_odd_big_endian.dcm": ("raw", False),
    "image_dfl.dcm": ("raw", False),
    "SC_ybr_full_422_uncompressed.dcm": ("raw", False),
    "examples_palette.dcm": ("raw", False),
    "rtdose.dcm": ("raw", False),
    "MR_small_RLE.dcm": ("rle", False),
    "SC_rgb_rle_2frame.dcm": ("rle", False),
    "examples_ybr_color.dcm": ("jpg", False),
    "SC_rgb_dcmtk_+eb+cr.dcm": ("jpg", False),
    "JPGLosslessP14SV1_1s_1f_8b.dcm": ("jpl", False),
    "SC_rgb_jpeg_gdcm.dcm": ("jpl", False),
    "MR_small_jpeg_ls_lossless.dcm": ("jls", False),
    "JPEGLSNearLossless_16.dcm": ("jls", False),
    "JLSL_16_15_1_1F.dcm": ("jls", False),
    "emri_small_jpeg_2k_lossless.dcm": ("j2k", False),
    "693_J2KR.dcm": ("j2k", False),
    "US1_J2KR.dcm": ("j2k", False),
    "HTJ2KLossless_08_RGB.dcm": ("jph", False),
    "HTJ2K_08_RGB.dcm": ("jph", False),
    # decoded, for the browser's codecs would show wrong pixels
    "J2K_pixelrep_mismatch.dcm": ("jph", True),
    "JPGExtended.dcm": ("jph", True),
    "JPEG-lossy.dcm": ("jph", True),
    "SC_jpeg_no_color_transform.dcm": ("raw", True),
    "SC_rgb_jls_lossy_sample.dcm": ("raw", True),
    "JLSL_RGB_ILV0.dcm": ("raw", True),
    "sm_image_jpegls_nobot.dcm": ("raw", True),
    "rtdose_rle.dcm": ("raw", True),
    # cut to the 8 bits a colour that screens show
    "SC_rgb_rle_16bit.dcm": ("raw", True),
    "SC_rgb_rle_16bit_2frame.dcm": ("raw", True),
    "SC_rgb_rle_32bit.dcm": ("raw", True),
    "SC_rgb_rle_32bit_2frame.dcm": ("raw", True),
}

REFUSED = {
    "MR_truncated.dcm": "incomplete",
    "parametric_map_float.dcm": "floating-point",
    "rtplan.dcm": "no pixel data",
    "reportsi.dcm": "no pixel data",
    "waveform_ecg.dcm": "no pixel data",
    "badVR.dcm": "NumberOfFrames",
    "JPEG2000-embedded-sequence-delimiter.dcm": "its header says",
    "README.md": "no pixel data",
}


def files():
    if not SMALL.exists():
        return [pytest.param(None, marks=pytest.mark.skip("no shared data here"))]
    found = sorted(p for p in SMALL.rglob("*") if p.is_file() and "TINY" not in str(p))
    return [pytest.param(p, id=str(p.relative_to(SMALL))) for p in found]


def frames_of(dataset, plan):
    if plan.needs_decoding:
        return list(iter_recoded(dataset, plan=plan))
    return list(iter_frames(dataset, plan=plan))


def decode(frame, plan):
    """Decode as the browser's codecs do; independent of `workers.packs.recode`."""
    header = plan.header
    bits = plan.changes.get("BitsAllocated", header.bits_allocated)
    kind = np.dtype(f"<{'i' if header.is_signed else 'u'}{bits // 8}")
    codecs = {
        "jpg": imagecodecs.jpeg8_decode,
        "jpl": imagecodecs.jpegsof3_decode,
        "jls": imagecodecs.jpegls_decode,
        "j2k": imagecodecs.jpeg2k_decode,
        "jph": imagecodecs.htj2k_decode,
    }
    if frame.ext in codecs:
        values = codecs[frame.ext](frame.codestream)
    elif frame.ext == "rle":
        values = unpack_rle(frame.codestream, header, kind)
    else:
        values = np.frombuffer(frame.codestream, kind)
    if header.samples == 3:
        keeps_planes = "PlanarConfiguration" not in plan.changes and header.is_planar
        if frame.ext == "rle" or (frame.ext == "raw" and keeps_planes):
            planes = values.reshape(3, header.rows, header.columns)
            return planes.transpose(1, 2, 0)
        return values.reshape(header.rows, header.columns, 3)
    values = values.reshape(header.rows, header.columns)
    if header.is_signed and bits == 16:  # the viewer extends the sign
        shift = 32 - plan.changes.get("BitsStored", header.bits_stored)
        return (values.astype(np.int32) << shift) >> shift
    return values


def unpack_rle(codestream, header, kind):
    """Return RLE segments as values, plane after plane."""
    starts = np.frombuffer(codestream, "<u4", 16)
    n_segments = int(starts[0])
    ends = [*starts[2 : n_segments + 1], len(codestream)]
    size = header.rows * header.columns
    planes = []
    for start, end in zip(starts[1 : n_segments + 1], ends, strict=True):
        planes.append(np.frombuffer(_packbits(codestream[start:end]), "u1")[:size])
    width = kind.itemsize
    grouped = np.stack(planes).reshape(-1, width, size)[:, ::-1]  # high byte first
    return np.ascontiguousarray(grouped.transpose(0, 2, 1)).view(kind).ravel()


def _packbits(packed):
    out = bytearray()
    position = 0
    while position < len(packed):
        count = packed[position]
        if count < 128:
            out += packed[position + 1 : position + 2 + count]
            position += 2 + count
        elif count > 128:
            out += packed[position + 1 : position + 2] * (257 - count)
            position += 2
        else:
            position += 1
    return bytes(out)


def original(dataset, plan, index):
    """Return a frame by pydicom's own decoders, in the colours that we send."""
    header = plan.header
    if header.stored_syntax == JPEG_EXTENDED:
        return by_dcmtk(dataset)
    decoder = get_decoder(UID(header.stored_syntax))
    shown = plan.changes.get("PhotometricInterpretation", header.photometric)
    raw = shown.startswith("YBR_FULL") and plan.ext != "jpg"
    values, props = decoder.as_array(dataset, index=index, raw=raw)
    if raw and props["photometric_interpretation"] == "RGB":
        return convert_color_space(values, "RGB", "YBR_FULL")
    if header.samples == 3 and values.dtype.itemsize > 1:
        return values >> (header.bits_stored - 8)
    return values


def by_dcmtk(dataset):
    """Return what DCMTK decodes: pydicom has no decoder of 12 bits here."""
    with tempfile.TemporaryDirectory() as folder:
        stored, plain = f"{folder}/stored.dcm", f"{folder}/plain.dcm"
        dataset.save_as(stored)
        subprocess.run(["dcmdjpeg", stored, plain], check=True)
        return dcmread(plain).pixel_array


@pytest.mark.parametrize("path", files())
def test_frames_are_the_originals_pixels(path):
    try:
        dataset = read_dataset(path.read_bytes())
    except UnreadableInstanceError:
        return
    plan = plan_instance(dataset)
    if path.name in REFUSED:
        assert_refused(dataset, plan, REFUSED[path.name])
        return
    if plan.why_not:
        assert not belongs_in_pack(str(dataset.get("SOPClassUID", ""))) or (
            "Rows" not in dataset or path.name in REFUSED or "float" in plan.why_not
        )
        return
    if not belongs_in_pack(str(dataset.get("SOPClassUID", ""))):
        return  # a mask or a report: never in a pack
    if path.name in EXPECTED:
        assert (plan.ext, plan.needs_decoding) == EXPECTED[path.name]
    frames = frames_of(dataset, plan)
    assert [frame.number for frame in frames] == list(range(1, plan.n_frames + 1))
    assert plan.n_frames == int(dataset.get("NumberOfFrames") or 1)
    for frame in frames:
        compare(frame, dataset, plan)


def assert_refused(dataset, plan, words):
    if plan.why_not:
        assert words in plan.why_not
        return
    with pytest.raises(FrameError, match=words):
        frames_of(dataset, plan)


def compare(frame, dataset, plan):
    found = decode(frame, plan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = original(dataset, plan, frame.number - 1)
    assert found.shape == expected.shape
    difference = np.abs(found.astype(np.int64) - expected.astype(np.int64))
    if plan.header.stored_syntax.endswith(".203"):
        # One of the two decoders wraps round where colours saturate.
        assert np.percentile(difference, 99) <= 4
        return
    assert difference.max() <= (4 if frame.ext == "jpg" else 0)


def test_every_expected_file_was_there():
    if not SMALL.exists():
        pytest.skip("no shared data here")
    names = {path.name for path in SMALL.rglob("*")}
    assert set(EXPECTED) | set(REFUSED) <= names


@pytest.mark.parametrize("folder", ["ct_chest_nlst_143", "mr_prostatex"])
def test_a_whole_study_is_sent_as_stored(folder):
    if not (DATA / folder).exists():
        pytest.skip("no shared data here")
    seen = 0
    for path in sorted((DATA / folder).rglob("*"))[::7]:
        if not path.is_file():
            continue
        dataset = read_dataset(path.read_bytes())
        if not belongs_in_pack(str(dataset.SOPClassUID)):
            continue
        plan = plan_instance(dataset)
        assert not plan.needs_decoding
        for frame in iter_frames(dataset, plan=plan):
            compare(frame, dataset, plan)
            seen += 1
    assert seen > 10

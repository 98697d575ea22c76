"""The same forty files through all four doors: each accounted for, and they agree.

`script/compare-doors` does it with the whole of `../shared/data`.
"""

from __future__ import annotations

import gzip
import os
import zipfile
from functools import cache
from pathlib import Path

import pydicom
import pytest

from apps.interop.dicom.examples import example_paths
from tests.benchmarks.harness import Stack
from tests.doors.compare import differences, judge, table
from tests.doors.run import send_through

SMALL = Path(__file__).parents[3] / "shared" / "data" / "dicom_small"
pytestmark = [
    pytest.mark.stack,
    pytest.mark.real_data,
    pytest.mark.skipif(not SMALL.is_dir(), reason="../shared/data is not here"),
]
CHOSEN = (
    # every encoding, plain ones first
    "pydicom_test_files/MR_small_implicit.dcm",
    "pydicom_test_files/MR_small.dcm",  # says the same: already there
    "pydicom_test_files/MR_small_bigendian.dcm",
    "pydicom_test_files/MR_small_RLE.dcm",
    "pydicom_test_files/MR_small_jp2klossless.dcm",
    "pydicom_test_files/MR_small_jpeg_ls_lossless.dcm",
    "pydicom_test_files/image_dfl.dcm",
    "pydicom_test_files/SC_rgb_small_odd_jpeg.dcm",
    "pydicom_test_files/JPEG-lossy.dcm",
    "pydicom_test_files/JPEG2000.dcm",
    "pydicom_test_files/SC_rgb_jpeg_gdcm.dcm",
    "pydicom_data/JPGLosslessP14SV1_1s_1f_8b.dcm",
    "pydicom_data/MR2_J2KI.dcm",
    "pydicom_data/liver_j2k.dcm",
    "pydicom_data/liver_deflate.dcm",
    "pydicom_data/HTJ2KLossless_08_RGB.dcm",
    "pydicom_data/HTJ2K_08_RGB.dcm",
    "pydicom_test_files/JPEGLSNearLossless_08.dcm",
    # objects that are no images, one in the series of an image
    "pydicom_test_files/reportsi.dcm",
    "pydicom_test_files/rtplan.dcm",
    "pydicom_test_files/CT_small.dcm",
    "highdicom/ct_image.dcm",  # the same UIDs, other content: held
    "highdicom/sr_document.dcm",
    # two files of one name, whose contents differ
    "pydicom_test_files/badVR.dcm",
    "pydicom_test_files/rtdose_1frame.dcm",
    # what is not taken, or not by everybody
    "pydicom_test_files/no_meta.dcm",
    "pydicom_test_files/ExplVR_LitEndNoMeta.dcm",
    "pydicom_test_files/MR_truncated.dcm",
    "pydicom_test_files/rtplan_truncated.dcm",
    "pydicom_test_files/UN_sequence.dcm",
    "pydicom_test_files/priv_SQ.dcm",
    "pydicom_test_files/meta_missing_tsyntax.dcm",
    "pydicom_test_files/empty_charset_LEI.dcm",
    "pydicom_data/bad_sequence.dcm",
    "pydicom_test_files/zipMR.gz",
    "pydicom_test_files/dicomdirtests/DICOMDIR-empty.dcm",
    "pydicom_test_files/README.txt",
    "pydicom_test_files/test1.json",
    "highdicom/frame_rgb.jpeg",
    "dcmqi/segmentations/23x38x3/nrrd/label.nrrd",
)


def _own_study(content: bytes) -> bytes:
    """Return a file as of another study, when the stack's examples have its own.

    Only digits of the UID change, wherever it stands: the rest stays as odd as it is.
    """
    for uid in _studies_of_examples():
        tail = "".join(str(int(c) % 9 + 1) if c.isdigit() else c for c in uid[-4:])
        content = content.replace(uid.encode(), f"{uid[:-4]}{tail}".encode())
    return content


@cache
def _studies_of_examples() -> frozenset[str]:
    paths = [path for site in example_paths() for path in site]
    found = (pydicom.dcmread(path, stop_before_pixels=True) for path in paths)
    return frozenset(str(file.StudyInstanceUID) for file in found)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The chosen files, an empty one, one of zeros, and a zip of two."""
    root = tmp_path / "disc"
    for name in CHOSEN:
        target = root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        content = (SMALL / name).read_bytes()
        if name.endswith(".gz"):
            content = gzip.compress(_own_study(gzip.decompress(content)))
        target.write_bytes(_own_study(content))
    (root / "empty.dcm").touch()
    (root / "zeros.dcm").write_bytes(bytes(4096))
    with zipfile.ZipFile(root / "more.zip", "w") as archive:
        archive.write(SMALL / "pydicom_data" / "emri_small_RLE.dcm", "IM0001")
        archive.writestr("README.md", "No image.")
    return root


@pytest.fixture(scope="module")
def stack() -> Stack:
    if "OVERREAD_STACK_URL" not in os.environ:
        pytest.skip("needs the running stack (script/test starts one)")
    return Stack.from_environment()


def test_the_doors_agree(stack, folder):
    names, passages = send_through(stack, folder=folder)
    print(table(passages, sent=names))  # noqa: T201  pytest -s shows it
    assert len(names) == len(CHOSEN) + 3
    assert judge(passages, sent=names) == []
    command, upload, stow, c_store = passages
    # The same words for the same file, whichever way it came.
    assert command.reasons() == upload.reasons()
    for passage in passages:
        counts = passage.count()
        assert counts["stored"] >= 15, passage.door
        assert counts["conflict"] >= 2, passage.door
        assert counts["already"] >= 1, passage.door
    assert command.count()["opened"] == upload.count()["opened"] == 1
    assert stow.count()["opened"] == 0
    assert c_store.count()["unsent"] >= 8
    # What STOW does not open is the only thing that command and upload add to it.
    assert {d.reason for d in differences([command, upload, stow])} == {
        "This is a ZIP archive, not a DICOM file."
    }

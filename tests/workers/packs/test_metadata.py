"""What the viewer is told: Unicode, no pixels, no bulk, as sent."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.sequence import Sequence

from tests.factories.dicom import make_ct_series, make_dx, to_bytes
from workers.packs.metadata import read_metadata

DATA = Path(__file__).parents[4] / "shared" / "data" / "dicom_small"
GREY = np.arange(400, dtype=np.uint16).reshape(20, 20)


def told(dataset):
    found = read_metadata(to_bytes(dataset))
    json.dumps(found, allow_nan=False)
    return found


def value(found, tag):
    return found[tag]["Value"][0]


def test_pixels_and_file_meta_stay_out():
    found = told(make_dx(GREY))
    assert not [tag for tag in found if tag.startswith(("7FE0", "0002"))]
    assert value(found, "00280010") == 20
    assert value(found, "00083002") == "1.2.840.10008.1.2.1"
    assert list(found) == sorted(found)


@pytest.mark.parametrize(
    ("charset", "name"),
    [
        ("ISO_IR 100", "Müller^Jürgen"),
        ("ISO_IR 144", "Люкceмбypг"),
        ("ISO_IR 192", "王^小东"),
        (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎"),
    ],
)
def test_names_become_unicode(charset, name):
    dataset = make_dx(GREY)
    dataset.SpecificCharacterSet = charset
    dataset.PatientName = name
    found = told(dataset)
    assert value(found, "00080005") == "ISO_IR 192"
    assert "=".join(value(found, "00100010").values()) == name


def test_what_the_viewer_needs_of_a_ct_slice():
    found = told(make_ct_series(n_slices=1)[0])
    assert found["00200037"]["Value"] == [1, 0, 0, 0, 1, 0]
    assert len(found["00200032"]["Value"]) == 3
    assert found["00280030"]["Value"] == [1.0, 1.0]
    assert value(found, "00281053") == 1
    assert value(found, "00281050") == 40
    assert value(found, "00200052")


def test_lookup_tables_are_numbers():
    dataset = make_dx(GREY)
    table = Dataset()
    table.LUTDescriptor = [4096, 0, 12]
    table.add_new(0x00283006, "OW", np.arange(4096, dtype="<u2").tobytes())
    dataset.VOILUTSequence = Sequence([table])
    item = value(told(dataset), "00283010")
    assert item["00283006"] == {"vr": "US", "Value": list(range(4096))}


def test_overlays_are_inline_and_bulk_is_not():
    dataset = make_dx(GREY)
    dataset.add_new(0x60003000, "OW", b"\1\0" * 50_000)
    dataset.add_new(0x00420011, "OB", b"\0" * 70_000)
    dataset.add_new(0x00091001, "OB", b"\0" * 10)
    dataset.add_new(0x00091002, "LO", "short private text")
    found = told(dataset)
    assert "InlineBinary" in found["60003000"]
    assert "00420011" not in found
    assert "00091001" not in found
    assert value(found, "00091002") == "short private text"


def test_not_a_number_is_nothing():
    dataset = make_dx(GREY)
    dataset.add_new(0x00189073, "FD", float("nan"))
    assert told(dataset)["00189073"]["Value"] == [None]


def test_it_describes_the_frames_as_sent():
    dataset = make_dx((GREY % 256).astype(np.uint8))
    dataset.PixelRepresentation = 1
    found = told(dataset)
    assert value(found, "00280100") == 16
    assert value(found, "00280101") == 16
    assert value(found, "00280102") == 15


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "check"),
    [
        (
            "pydicom_test_files/examples_palette.dcm",
            lambda m: len(m["00281201"]["Value"]) == 256,
        ),
        (
            "pydicom_test_files/examples_overlay.dcm",
            lambda m: "InlineBinary" in m["60003000"],
        ),
        (
            "dcm_qa_enh/Siemens/XA10/6_1.dcm",
            lambda m: (
                len(m["52009230"]["Value"]) == 6
                and "00209113" in m["52009230"]["Value"][0]
            ),
        ),
        (
            "pydicom_data/J2K_pixelrep_mismatch.dcm",
            lambda m: m["00083002"]["Value"] == ["1.2.840.10008.1.2.4.201"],
        ),
    ],
)
def test_real_files(name, check):
    path = DATA / name
    if not path.exists():
        path = DATA / "pydicom_test_files" / path.name
    if not path.exists():
        pytest.skip("no shared data here")
    found = read_metadata(path.read_bytes())
    json.dumps(found, allow_nan=False)
    assert check(found)


@pytest.mark.real_data
@pytest.mark.skipif(not DATA.exists(), reason="../shared/data is not here")
def test_what_a_lossy_syntax_left_unsaid_is_said():
    near = DATA / "pydicom_test_files" / "JPEGLSNearLossless_16.dcm"
    assert read_metadata(near.read_bytes())["00282110"]["Value"] == ["01"]
    exact = DATA / "pydicom_data" / "JLSL_16_15_1_1F.dcm"
    assert "00282110" not in read_metadata(exact.read_bytes())

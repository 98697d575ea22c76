"""Files that claim to be DICOM: accepted whole, or rejected with a reason."""

import gzip
import io
import struct
import time
import tracemalloc
import zlib
from collections import Counter

import pydicom
import pytest

from apps.interop.dicom.headers import (
    AcceptedFile,
    RejectedFile,
    Rejection,
    classify_bytes,
    classify_file,
    read_instance_header,
    read_part10,
    read_transfer_syntax,
    without_pixels,
)
from tests.fakes.dicom_files import make_dx, write_part10


def classify(tmp_path, content: bytes):
    path = tmp_path / "file"
    path.write_bytes(content)
    return classify_file(path)


def test_a_good_film_is_accepted(tmp_path):
    content = make_dx(study_uid="1.2.3", series_uid="1.2.4", sop_uid="1.2.5")

    found = classify(tmp_path, content)

    assert isinstance(found, AcceptedFile)
    assert not found.is_bare
    header = found.header
    assert (header.study_uid, header.series_uid, header.sop_uid) == (
        "1.2.3",
        "1.2.4",
        "1.2.5",
    )
    assert (header.modality, header.patient_id) == ("DX", "P-1")
    assert (header.rows, header.columns, header.n_frames) == (48, 64, 1)
    assert read_part10(found) == content
    assert read_instance_header(content) == header


def test_a_bare_dataset_gets_a_file_header_and_keeps_its_bytes(tmp_path):
    content = make_dx()
    start = content.index(struct.pack("<HH", 0x0008, 0x0005) + b"CS")

    found = classify(tmp_path, content[start:])

    assert isinstance(found, AcceptedFile)
    assert found.is_bare
    whole = read_part10(found)
    assert whole.endswith(content[start:])
    assert pydicom.dcmread(io.BytesIO(whole)).PatientID == "P-1"
    assert read_transfer_syntax(whole) == "1.2.840.10008.1.2.1"


@pytest.mark.parametrize("cut", [1, 700, 6000])
def test_a_truncated_file_is_named_so(tmp_path, cut):
    found = classify(tmp_path, make_dx()[:-cut])

    assert isinstance(found, RejectedFile)
    assert found.code is Rejection.TRUNCATED


def test_every_possible_cut_gives_a_decision(tmp_path):
    content = make_dx()
    before_pixels = len(without_pixels(content))

    codes = {
        type(classify(tmp_path, content[:cut])) for cut in range(1, len(content), 13)
    }
    assert codes == {RejectedFile}
    assert 132 < before_pixels < len(content)


def test_fewer_pixels_than_announced(tmp_path):
    found = classify(tmp_path, make_dx(Rows=4096))

    assert isinstance(found, RejectedFile)
    assert found.code is Rejection.TRUNCATED
    assert "fewer pixels" in found.reason


@pytest.mark.parametrize(
    ("attributes", "code", "words"),
    [
        ({"StudyInstanceUID": None}, Rejection.MISSING_IDENTIFIER, "Study Instance"),
        ({"SOPInstanceUID": "1.2.x"}, Rejection.BAD_IDENTIFIER, "SOP Instance UID"),
        ({"PixelData": None}, Rejection.NO_PIXELS, "without pixels"),
    ],
)
def test_rejections_say_what_is_wrong(tmp_path, attributes, code, words):
    dataset = pydicom.dcmread(io.BytesIO(make_dx()))
    for keyword, value in attributes.items():
        if value is None:
            del dataset[keyword]
        else:
            dataset[keyword].value = value
    buffer = io.BytesIO()
    dataset.save_as(buffer)

    found = classify(tmp_path, buffer.getvalue())

    assert isinstance(found, RejectedFile)
    assert found.code is code
    assert words in found.reason
    assert "Müller" not in found.reason


def test_htj2k_is_accepted_for_the_door_converts_it(tmp_path):
    plain = make_dx()
    meta_end = plain.index(struct.pack("<HH", 0x0008, 0x0005) + b"CS")
    head = plain[:meta_end].replace(
        b"1.2.840.10008.1.2.1\x00", b"1.2.840.10008.1.2.4.201\x00"
    )
    length_at = head.index(b"\x02\x00\x10\x00UI") + 6
    head = head[:length_at] + struct.pack("<H", 24) + head[length_at + 2 :]

    found = classify(tmp_path, head + plain[meta_end:])

    assert isinstance(found, AcceptedFile)
    assert found.header.transfer_syntax_uid == "1.2.840.10008.1.2.4.201"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", Rejection.EMPTY),
        (b"hello", Rejection.NOT_DICOM),
        (b"\x00" * 5000, Rejection.NOT_DICOM),
        (b"\x89PNG\r\n\x1a\n" + b"x" * 500, Rejection.NOT_DICOM),
        (zlib.compress(b"x" * 9999), Rejection.NOT_DICOM),
    ],
)
def test_what_is_not_dicom(tmp_path, content, code):
    found = classify(tmp_path, content)

    assert isinstance(found, RejectedFile)
    assert found.code is code


def test_a_folder_and_a_missing_file_are_reasons_not_crashes(tmp_path):
    for path in (tmp_path, tmp_path / "absent"):
        found = classify_file(path)
        assert isinstance(found, RejectedFile)
        assert found.code is Rejection.UNREADABLE


def test_random_damage_never_crashes(tmp_path):
    content = bytearray(make_dx())
    for at in range(132, len(without_pixels(bytes(content))), 3):
        damaged = bytearray(content)
        damaged[at] ^= 0xFF
        assert classify(tmp_path, bytes(damaged)) is not None


@pytest.mark.real_data
def test_every_small_file_is_accepted_or_has_a_reason(shared_data):
    files = [p for p in (shared_data / "dicom_small").rglob("*") if p.is_file()]

    found = [classify_file(path) for path in files]

    accepted = [f for f in found if isinstance(f, AcceptedFile)]
    rejected = [f for f in found if isinstance(f, RejectedFile)]
    assert len(accepted) + len(rejected) == len(files)
    assert all(f.reason.endswith(".") for f in rejected)
    codes = Counter(f.code for f in rejected)
    assert codes[Rejection.MEDIA_DIRECTORY] == 8
    assert all(f.is_skipped == (f.code == "media_directory") for f in rejected)
    assert codes[Rejection.TRUNCATED] == 3
    assert codes[Rejection.UNREADABLE] == 0
    assert len(accepted) == 171
    for file in accepted:
        whole = read_part10(file)
        assert read_instance_header(whole).sop_uid == file.header.sop_uid


def test_without_pixels_inflates_a_deflated_file():
    dataset = pydicom.dcmread(io.BytesIO(make_dx()))
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
    buffer = io.BytesIO()
    dataset.save_as(buffer)

    cut = pydicom.dcmread(io.BytesIO(without_pixels(buffer.getvalue())))

    assert cut.PatientID == "P-1"
    assert "PixelData" not in cut
    assert write_part10(cut)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff\xd8\xff\xe0" + b"\0" * 900, "a JPEG image"),
        (b"\x89PNG\r\n\x1a\n" + b"x" * 500, "a PNG image"),
        (b"PK\x03\x04" + b"\0" * 500, "a ZIP archive"),
        (b"%PDF-1.7\n" + b"x" * 500, "a PDF document"),
        (gzip.compress(b"x" * 999), "a gzip file"),
        (b"Dear colleague,\nthank you for Mr \xc3\x84.\n" * 9, "a text file"),
        (b'\xef\xbb\xbf{"a": 1}', "a JSON file"),
        (b"<?xml version='1.0'?><a/>" * 9, "an XML file"),
        (b"\0\0\0\x18ftypmp42" + b"\0" * 99, "a video"),
        (bytes(344) + b"n+1\0" + bytes(99), "a NIfTI volume"),
    ],
)
def test_what_is_not_dicom_is_named(tmp_path, content, words):
    for found in (classify(tmp_path, content), classify_bytes(content)):
        assert isinstance(found, RejectedFile)
        assert found.code is Rejection.NOT_DICOM
        assert found.reason == f"This is {words}, not a DICOM file."


def nested(depth):
    """Return sequences in sequences, all of undefined length."""
    opening = (
        struct.pack("<HH2sHL", 0x0040, 0xA730, b"SQ", 0, 0xFFFFFFFF)
        + b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    )
    return opening * depth


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (nested(5000), "nested over 48 deep"),
        (struct.pack("<HH2sH", 9, 0x1001, b"LO", 0) * 300_000, "250,000 elements"),
    ],
)
def test_what_would_cost_the_parser_too_much_is_not_parsed(tmp_path, body, words):
    good = make_dx()
    cut = len(without_pixels(good))
    started = time.monotonic()

    found = classify(tmp_path, good[:cut] + body + good[cut:])

    assert isinstance(found, RejectedFile)
    assert found.code is Rejection.UNSAFE
    assert words in found.reason
    assert time.monotonic() - started < 5


def test_a_deflated_bomb_is_not_unpacked(tmp_path):
    good = make_dx()
    start = good.index(struct.pack("<HH", 0x0008, 0x0005) + b"CS")
    head = good[:start].replace(b"1.2.840.10008.1.2.1\x00", b"1.2.840.10008.1.2.1.99")
    length_at = head.index(b"\x02\x00\x10\x00UI") + 6
    head = head[:length_at] + struct.pack("<H", 22) + head[length_at + 2 :]
    packer = zlib.compressobj(9, wbits=-15)
    filler = struct.pack("<HH2sHL", 9, 0x1001, b"OB", 0, 400 << 20)
    body = packer.compress(good[start:-6156] + filler)
    body += packer.compress(bytes(400 << 20)) + packer.flush()
    tracemalloc.start()

    found = classify(tmp_path, head + body)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert isinstance(found, RejectedFile)
    assert found.code is Rejection.UNSAFE
    assert "unpacks to more than" in found.reason
    assert peak < 150 << 20

"""Names are shown right, also where the declared character set is not the real one."""

from __future__ import annotations

import io

import pydicom
import pytest
from pydicom.uid import generate_uid

from apps.interop.dicom.summary import summarise_file
from tests.factories.domain import make_film

KANJI = b"\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B"
CASES = [
    ("ISO_IR 100", "Müller^Jürgen".encode("latin-1"), "Müller, Jürgen"),
    ("ISO_IR 192", "Müller^山田".encode(), "Müller, 山田"),
    (None, "Müller^Jürgen".encode(), "Müller, Jürgen"),
    ("ISO_IR 100", "Wang^小東".encode(), "Wang, 小東"),
    (None, "Müller^Jürgen".encode("latin-1"), "Müller, Jürgen"),
    ("ISO_IR 192", "Müller^Jürgen".encode("latin-1"), "Müller, Jürgen"),
    ("ISO_IR 144", "Люк^Илья".encode("iso8859_5"), "Люк, Илья"),
    ("GB18030", "王^小东".encode("gb18030"), "王, 小东"),
    (["", "ISO 2022 IR 87"], KANJI, "山田, 太郎"),
    (["", "ISO 2022 IR 87"], b"Yamada^Tarou=" + KANJI, "Yamada, Tarou"),
    (
        ["ISO 2022 IR 13", "ISO 2022 IR 87"],
        b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J",
        "ﾔﾏﾀﾞ, ﾀﾛｳ",
    ),
    (
        ["", "ISO 2022 IR 149"],
        b"\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf",
        "홍, 길동",
    ),
    ("ISO_IR 999", "Müller^J".encode("latin-1"), "Müller, J"),
]


def make_named(declared, raw):
    uid = generate_uid()
    film = make_film(study_uid=uid, PatientID=f"CS{uid[-9:]}")
    dataset = pydicom.dcmread(io.BytesIO(film))
    if "SpecificCharacterSet" in dataset:
        del dataset.SpecificCharacterSet
    if declared:
        dataset.SpecificCharacterSet = declared
    dataset.PatientName = "#" * len(raw)
    out = io.BytesIO()
    dataset.save_as(out)
    return out.getvalue().replace(b"#" * len(raw), raw)


@pytest.mark.parametrize(("declared", "raw", "shown"), CASES)
def test_a_file_names_its_patient(declared, raw, shown):
    summary = summarise_file(make_named(declared, raw))
    assert summary is not None
    assert summary.patient_name == shown


@pytest.mark.parametrize(("declared", "raw", "shown"), CASES)
def test_the_archives_header_names_the_patient(archive, declared, raw, shown):
    stored = archive.upload(make_named(declared, raw))
    try:
        assert archive.study_header(stored.study_id).patient.name == shown
    finally:
        archive.delete_study(stored.study_id)

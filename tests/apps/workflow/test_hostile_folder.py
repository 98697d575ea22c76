"""A watched folder whose writer wants what is outside it, or to stop its neighbours."""

from __future__ import annotations

import io
import os
import struct
import time
import zipfile
from types import SimpleNamespace

import pytest
from pydicom.dataset import Dataset

from apps.studies.models import Study
from apps.workflow.intake import beneath, door, watch
from apps.workflow.models import IntakeFile, WatchedFolder
from tests.factories.domain import make_department, make_film
from tests.fakes.dicom_files import write_part10

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_state(settings, tmp_path, monkeypatch):
    settings.STATE_DIR = tmp_path / "state"
    settings.WATCH_DIR = tmp_path / "state" / "watch"
    monkeypatch.setattr(door, "PAUSES_S", (0.0,))
    clock = SimpleNamespace(time=lambda: time.time() + 60)
    monkeypatch.setattr(watch, "time", clock)


@pytest.fixture
def folder(department, archive, broker):
    watch.watch_folders()
    return watch.watch_folder(site=department.site)


@pytest.fixture
def outside(tmp_path):
    """A folder of somebody else's, with a film and a note."""
    path = tmp_path / "state" / "held"
    path.mkdir(parents=True)
    (path / "theirs.dcm").write_bytes(make_film())
    (path / "note.txt").write_bytes(b"theirs")
    return path


def contents(path):
    return {p.name: p.read_bytes() for p in path.iterdir()}


def test_a_link_to_a_folder_brings_and_moves_nothing(folder, outside, archive):
    before = contents(outside)
    (folder / "mine").symlink_to(outside, target_is_directory=True)
    watch.watch_folders()
    assert contents(outside) == before
    assert not archive.files


def test_a_file_that_becomes_a_link_after_the_look_is_not_read(
    folder, outside, archive, monkeypatch
):
    (folder / "IM1").write_bytes(make_film())
    (folder / "sub").mkdir()
    (folder / "sub" / "theirs.dcm").write_bytes(make_film())
    look = watch._look

    def swapped(path):
        found = look(path)
        (folder / "IM1").unlink()
        (folder / "IM1").symlink_to(outside / "theirs.dcm")
        (folder / "sub").rename(folder / "was")
        (folder / "sub").symlink_to(outside, target_is_directory=True)
        return found

    monkeypatch.setattr(watch, "_look", swapped)
    before = contents(outside)
    watch.watch_folders()
    assert not archive.files
    assert contents(outside) == before


def test_a_pipe_does_not_stop_the_watch(folder, archive, monkeypatch):
    look = watch._look
    (folder / "IM1").write_bytes(make_film())

    def swapped(path):
        found = look(path)
        (folder / "IM1").unlink()
        os.mkfifo(folder / "IM1")
        return found

    monkeypatch.setattr(watch, "_look", swapped)
    watch.watch_folders()
    assert not archive.files


@pytest.mark.parametrize("name", ["done", "refused"])
def test_files_are_moved_to_no_link(folder, outside, name):
    before = contents(outside)
    (folder / "IM1").write_bytes(make_film())
    (folder / "note.txt").write_bytes(b"hello")
    (folder / name).symlink_to(outside, target_is_directory=True)
    watch.watch_folders()
    assert contents(outside) == before
    assert "link" in WatchedFolder.objects.get().trouble


def test_a_reason_is_written_over_nothing(folder, outside):
    (folder / "refused").mkdir()
    (folder / "refused" / "bad.reason.txt").symlink_to(outside / "note.txt")
    (folder / "bad").write_bytes(b"no DICOM")
    watch.watch_folders()
    assert (outside / "note.txt").read_bytes() == b"theirs"
    assert (folder / "refused" / "bad.reason.txt").is_symlink()
    moved = [p.name for p in (folder / "refused").iterdir()]
    assert {"bad.2", "bad.2.reason.txt"} <= set(moved)


def test_what_is_opened_stays_what_it_was(tmp_path):
    (tmp_path / "a").write_bytes(b"mine")
    with beneath.open_file(root=tmp_path, path=tmp_path / "a") as file:
        (tmp_path / "a").unlink()
        assert beneath.path_of(file).read_bytes() == b"mine"
    with pytest.raises(OSError, match=r"outside|link"):
        beneath.open_file(root=tmp_path, path=tmp_path / ".." / "a")


# --- files that break their reader


def odd_zip(kind):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as out:
        out.writestr("a" * 30_000 if kind == "name" else "IM1", b"x" * 4000)
    raw = bytearray(stream.getvalue())
    central = raw.rfind(b"PK\x01\x02")
    if kind == "version":
        raw[central + 6 : central + 8] = struct.pack("<H", 99)
    if kind == "size":
        # zip64: the sizes stand in an extra field, and are beyond every integer.
        raw = bytearray(huge_member())
    method = {"lzma": 14, "bzip2": 12}.get(kind)
    if method:
        raw[8:10] = raw[central + 10 : central + 12] = struct.pack("<H", method)
    return bytes(raw)


def huge_member():
    """A zip that announces 2^64 - 1 bytes."""
    local = struct.pack("<4s5H3L2H", b"PK\3\4", 45, 0, 0, 0, 0, 0, 1, 1, 1, 0) + b"ax"
    extra = struct.pack("<2H2Q", 1, 16, (1 << 64) - 1, (1 << 64) - 1)
    huge = 0xFFFFFFFF
    central = struct.pack(
        "<4s6H3L5H2L",
        b"PK\1\2",
        45,
        45,
        0,
        0,
        0,
        0,
        0,
        huge,
        huge,
        1,
        len(extra),
        0,
        0,
        0,
        0,
        0,
    )
    central += b"a" + extra
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, len(central), len(local), 0)
    return local + central + end


def media_directory(name):
    record = Dataset()
    record.DirectoryRecordType = "IMAGE"
    record.ReferencedFileID = name
    directory = Dataset()
    directory.SOPClassUID = "1.2.840.10008.1.3.10"
    directory.SOPInstanceUID = "1.2.3"
    directory.DirectoryRecordSequence = [record]
    return write_part10(directory)


ODD = {
    **{
        f"{kind}.zip": odd_zip(kind)
        for kind in ("lzma", "bzip2", "version", "name", "size")
    },
    "DICOMDIR": media_directory(["CD", "A\0B"]),
    "line\nbreak": b"no DICOM",
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_file_stops_no_neighbour_and_no_other_site(
    folder, name, archive, broker
):
    south = make_department("south")
    watch.watch_folders()
    (folder / name).write_bytes(ODD[name])
    (folder / "zz-film").write_bytes(make_film())
    theirs = watch.watch_folder(site=south.site)
    (theirs / "IM1").write_bytes(make_film())
    watch.watch_folders()
    assert Study.objects.count() == 2
    assert {row.trouble for row in WatchedFolder.objects.all()} == {""}
    assert not (folder / name).exists()
    assert not IntakeFile.objects.filter(status="").exists()


def test_trouble_in_one_folder_is_not_the_next_ones(
    folder, archive, broker, monkeypatch
):
    south = make_department("south")
    watch.watch_folders()
    theirs = watch.watch_folder(site=south.site)
    (theirs / "IM1").write_bytes(make_film())
    (folder / "IM1").write_bytes(make_film())
    take = watch._take

    def fails(*, site, **more):
        if site != south.site:
            message = "nobody foresaw this about DOE^JANE"
            raise RuntimeError(message)
        return take(site=site, **more)

    monkeypatch.setattr(watch, "_take", fails)
    watch.watch_folders()
    assert Study.objects.get().site == south.site
    [north] = WatchedFolder.objects.exclude(trouble="")
    assert "DOE" not in north.trouble

"""One file at the door: stored, there before, in conflict, refused or skipped."""

from __future__ import annotations

import io

import pydicom
import pytest

from apps.accounts.models import Role
from apps.accounts.types import SYSTEM
from apps.core.errors import Forbidden
from apps.interop.types import ArchiveRefused, ArchiveUnavailable
from apps.studies.models import ImportClaim
from apps.workflow.intake import Status, Via, door, take_file
from tests.factories.domain import actor_for, make_department, make_film

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(door, "PAUSES_S", (0.0, 0.0))


def take(department, source, name="film.dcm", actor=SYSTEM):
    return take_file(
        actor=actor, site=department.site, source=source, name=name, via=Via.STOW
    )


def edited(content, **values):
    dataset = pydicom.dcmread(io.BytesIO(content))
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    buffer = io.BytesIO()
    dataset.save_as(buffer)
    return buffer.getvalue()


def test_a_new_file_is_stored_and_its_study_claimed(department, archive):
    outcome = take(department, make_film())
    assert (outcome.status, outcome.reason) == (Status.STORED, "")
    assert outcome.archive_study_id in {f.study_id for f in archive.files.values()}
    claim = ImportClaim.objects.get()
    assert (claim.study_uid, claim.site) == (outcome.study_uid, department.site)


def test_the_same_again_changes_nothing(department, archive, tmp_path):
    film = make_film()
    take(department, film)
    path = tmp_path / "film"
    path.write_bytes(film)
    outcome = take(department, path)
    assert outcome.status == Status.ALREADY
    assert len(archive.files) == 1


def test_other_bytes_that_mean_the_same_are_the_same(department, archive):
    film = make_film()
    take(department, film)
    dataset = pydicom.dcmread(io.BytesIO(film))
    dataset.add_new(0xFFFCFFFC, "OB", b"\x00" * 64)
    dataset.file_meta.ImplementationVersionName = "OTHER"
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian
    buffer = io.BytesIO()
    dataset.save_as(buffer, implicit_vr=True, little_endian=True)
    assert buffer.getvalue() != film
    assert take(department, buffer.getvalue()).status == Status.ALREADY


@pytest.mark.parametrize("change", [{"WindowCenter": 7}, {"PatientName": "Else^Who"}])
def test_other_content_under_the_same_uids_is_a_conflict(department, archive, change):
    film = make_film()
    take(department, film)
    outcome = take(department, edited(film, **change))
    assert outcome.status == Status.CONFLICT
    assert outcome.reason
    assert [f.content for f in archive.files.values()] == [film]


def test_other_pixels_under_the_same_uids_are_a_conflict(department, archive):
    film = make_film()
    take(department, film)
    pixels = bytearray(pydicom.dcmread(io.BytesIO(film)).PixelData)
    pixels[100] ^= 1
    outcome = take(department, edited(film, PixelData=bytes(pixels)))
    assert outcome.status == Status.CONFLICT


def test_another_sites_study_is_refused(department, archive):
    film = make_film()
    take(department, film)
    outcome = take(make_department("south"), film)
    assert outcome.status == Status.REFUSED
    assert outcome.reason == door._OTHER_SITE


def test_who_may_not_import_is_stopped(department, archive):
    with pytest.raises(Forbidden):
        take(
            department, make_film(), actor=actor_for(department.person(Role.ANNOTATOR))
        )
    assert not archive.files


def test_an_archive_in_trouble_is_asked_again(department, archive, monkeypatch):
    asked = []
    upload = archive.upload

    def troubled(content):
        asked.append(1)
        if len(asked) == 1:
            raise ArchiveUnavailable("busy")
        if len(asked) == 2:
            error = ArchiveRefused("The archive said no (500): disk")
            error.status = 500
            raise error
        return upload(content)

    monkeypatch.setattr(archive, "upload", troubled)
    assert take(department, make_film()).status == Status.STORED
    assert len(asked) == 3


def test_an_archive_that_stays_away_is_an_error_and_nothing_is_lost(
    department, archive
):
    film = make_film()
    archive.down = True
    with pytest.raises(ArchiveUnavailable):
        take(department, film)
    archive.down = False
    assert take(department, film).status == Status.STORED

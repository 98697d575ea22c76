"""The fake archive keeps the promises of the real one: the same test on both."""

from __future__ import annotations

import os
import time

import pytest
from pydicom.uid import generate_uid

from apps.interop.orthanc import Archive, ArchiveUnavailable, orthanc_instance_id
from apps.interop.types import ArchiveRefused, NotInArchive
from tests.factories.domain import make_ct, make_film
from tests.fakes.archive import FakeArchive

STABLE_S = 8.0


class Waiting:
    """A fake settles at once; the real one after its silence."""

    def __init__(self, archive):
        self.archive = archive

    def stable(self, study_id, since):
        deadline = time.monotonic() + STABLE_S
        while time.monotonic() < deadline:
            if isinstance(self.archive, FakeArchive):
                self.archive.settle()
            arrivals = self.archive.stable_studies(since=since)
            if study_id in arrivals.study_ids:
                return arrivals
            time.sleep(0.2)
        pytest.fail("the study did not become stable")


@pytest.fixture(params=["fake", "real"])
def archive(request):
    if request.param == "fake":
        yield FakeArchive()
        return
    if "ORTHANC_URL" not in os.environ:
        pytest.skip("no Orthanc: ORTHANC_URL is not set (script/test sets it)")
    names = ("ORTHANC_URL", "ORTHANC_USER", "ORTHANC_PASSWORD")
    with Archive(*(os.environ[name] for name in names)) as real:
        try:
            real.ping()
        except ArchiveUnavailable:
            pytest.skip(f"no Orthanc at {os.environ['ORTHANC_URL']}")
        yield real


@pytest.fixture
def study(archive):
    """Store a study of two series; delete it in the end."""
    uid, patient = str(generate_uid()), f"P{generate_uid()[-10:]}"
    film = make_film(study_uid=uid, PatientID=patient)
    stored = [archive.upload(film)]
    stored += [archive.upload(f) for f in _same_patient(uid, patient)]
    yield uid, patient, film, stored
    archive.delete_study(stored[0].study_id)


def _same_patient(uid, patient):
    return [
        make_film(
            study_uid=uid,
            series_uid=f"{uid[:60]}.9",
            PatientID=patient,
            SeriesNumber=2,
            number=number,
            Modality="CT",
            SOPClassUID="1.2.840.10008.5.1.4.1.1.2",
            view="PA",
        )
        for number in (2, 1)
    ]


def test_the_header_of_a_study(archive, study):
    uid, patient, film, stored = study
    header = archive.study_header(stored[0].study_id)
    assert (header.study_uid, header.orthanc_id) == (uid, stored[0].study_id)
    seen = header.patient
    assert (seen.id, seen.name, seen.sex) == (patient, "Müller, Zoë", "F")
    assert seen.issuer == "CITY"
    assert seen.birth_date.isoformat() == "2022-01-05"
    assert (header.patient_age_text, header.patient_age_years) == ("4 y", 4.0)
    assert header.accession_number == "A-4711"
    assert header.study_date.isoformat() == "2026-01-05"
    assert header.study_time.isoformat() == "09:15:00"
    assert (header.description, header.body_part) == ("Chest", "CHEST")
    assert header.referring_physician == "House, Gregory"
    assert header.modalities == ("DX", "CT")
    assert (header.called_aet, header.calling_aet) == ("", "")
    assert header.origin == "rest"
    first, second = header.series
    assert (first.modality, first.number) == ("DX", 1)
    assert first.view_positions == ("AP",)
    assert (first.station, first.manufacturer) == ("XR2", "Acme")
    assert [i.index for i in second.instances] == [1, 2]
    assert all(i.is_image for s in header.series for i in s.instances)
    assert first.instances[0].size == len(film)
    assert first.instances[0].transfer_syntax_uid == "1.2.840.10008.1.2.1"
    assert len(header.image_sop_uids) == 3
    assert not header.written_by_overread


def test_ids_files_and_lookups(archive, study):
    uid, patient, film, stored = study
    header = archive.study_header(stored[0].study_id)
    for series in header.series:
        for instance in series.instances:
            assert instance.orthanc_id == orthanc_instance_id(
                patient_id=patient,
                study_uid=uid,
                series_uid=series.uid,
                sop_uid=instance.sop_uid,
            )
    assert archive.fetch_instance(stored[0].instance_id) == film
    with archive.stream_instance(stored[0].instance_id) as pieces:
        assert b"".join(pieces) == film
    sop = header.series[0].instances[0].sop_uid
    assert archive.find_study(uid) == stored[0].study_id
    assert archive.find_instance(sop) == stored[0].instance_id
    assert archive.find_study("1.2.3.999") is None
    assert archive.find_instance("1.2.3.999") is None


def test_storing_twice_changes_nothing(archive, study):
    _, _, film, stored = study
    before = archive.study_header(stored[0].study_id)
    again = archive.upload(film)
    assert [s.status for s in (stored[0], again)] == ["stored", "already"]
    assert again.instance_id == stored[0].instance_id
    assert archive.study_header(stored[0].study_id).image_hash == before.image_hash


def test_a_study_becomes_stable_once_for_each_arrival(archive, study):
    uid, patient, _, stored = study
    waiting = Waiting(archive)
    start = max(archive.last_change_seq() - 50, 0)
    first = waiting.stable(stored[0].study_id, start)
    assert first.study_ids.count(stored[0].study_id) == 1
    assert archive.study_header(stored[0].study_id).is_stable
    rest = archive.stable_studies(since=first.cursor)
    assert stored[0].study_id not in rest.study_ids
    assert not rest.history_lost
    [summary] = [s for s in archive.all_studies() if s.study_uid == uid]
    assert (summary.orthanc_id, summary.is_stable) == (stored[0].study_id, True)
    stamp = summary.last_update
    time.sleep(0 if isinstance(archive, FakeArchive) else 1.1)
    archive.upload(make_film(study_uid=uid, PatientID=patient, number=7))
    second = waiting.stable(stored[0].study_id, rest.cursor)
    assert second.cursor > first.cursor
    [summary] = [s for s in archive.all_studies() if s.study_uid == uid]
    assert summary.last_update != stamp


def test_what_is_gone_or_no_dicom(archive, study):
    _, _, _, stored = study
    with pytest.raises(ArchiveRefused):
        archive.upload(b"no DICOM at all")
    archive.delete_study(stored[0].study_id)
    archive.delete_study(stored[0].study_id)
    with pytest.raises(NotInArchive):
        archive.study_header(stored[0].study_id)
    with pytest.raises(NotInArchive):
        archive.fetch_instance(stored[0].instance_id)
    assert archive.find_instance("1.2.3") is None


def test_the_ct_of_these_tests_is_a_series(archive):
    files = make_ct(n=3)
    stored = [archive.upload(file) for file in files]
    try:
        header = archive.study_header(stored[0].study_id)
        assert [i.index for i in header.series[0].instances] == [1, 2, 3]
        assert header.modalities == ("CT",)
    finally:
        archive.delete_study(stored[0].study_id)

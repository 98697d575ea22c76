"""What an AI said leaves through DICOMweb only when its reader may see it."""

from __future__ import annotations

import io
import json

import pydicom
import pytest
from pydicom.uid import generate_uid

from apps.accounts.models import Role
from apps.accounts.types import SYSTEM
from apps.annotations.models import Reading
from apps.core import clock
from apps.studies.models import Study
from apps.workflow.intake import door
from apps.worklist.models import WorkItem
from apps.worklist.services import place_item
from tests.factories.domain import client_for, make_film, make_person

pytestmark = pytest.mark.django_db
B = "0123456789abcdef"
SR = "1.2.840.10008.5.1.4.1.1.88.33"
SEG = "1.2.840.10008.5.1.4.1.1.66.4"
MAP = "1.2.840.10008.5.1.4.1.1.30"
PDF = "1.2.840.10008.5.1.4.1.1.104.1"
ECG = "1.2.840.10008.5.1.4.1.1.9.1.1"
CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
HARMLESS = {"ecg"}


@pytest.fixture(autouse=True)
def own_state(settings, tmp_path, monkeypatch):
    settings.STATE_DIR = tmp_path / "state"
    monkeypatch.setattr(door, "PAUSES_S", (0.0,))


def beside(film, sop_class, modality):
    """Return an object of the film's study that is no acquired image."""
    dataset = pydicom.dcmread(io.BytesIO(film))
    if sop_class != CAPTURE:
        del dataset.PixelData
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = sop_class
    dataset.SOPInstanceUID = generate_uid()
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.SeriesInstanceUID = generate_uid()
    dataset.Modality = modality
    stream = io.BytesIO()
    dataset.save_as(stream)
    return dataset, stream.getvalue()


@pytest.fixture
def study(department, archive, broker):
    """A blinded study: a film, and beside it what others' AI and ours may send.

    A capture may be the film with an AI's boxes drawn in; only an ECG says nothing.
    """
    department.protocol.display_mode = "after_commit"
    department.protocol.save()
    film = make_film()
    made = {
        "sr": beside(film, SR, "SR"),
        "seg": beside(film, SEG, "SEG"),
        "pdf": beside(film, PDF, "DOC"),
        "ours": beside(film, PDF, "DOC"),
        "map": beside(film, MAP, "DX"),
        "capture": beside(film, CAPTURE, "OT"),
        "ecg": beside(film, ECG, "ECG"),
    }
    parts = [film, *(content for _, content in made.values())]
    body = b"".join(
        f"--{B}\r\nContent-Type: application/dicom\r\n\r\n".encode() + part + b"\r\n"
        for part in parts
    )
    answer = client_for(department.reader).post(
        "/dicom-web/studies",
        data=body + f"--{B}--\r\n".encode(),
        content_type=f'multipart/related; type="application/dicom"; boundary={B}',
    )
    assert answer.status_code == 200, answer.content
    found = Study.objects.get()
    ours = found.attachments.filter(series_uid=made["ours"][0].SeriesInstanceUID)
    assert ours.update(by_overread=True) == 1
    if not WorkItem.objects.exists():
        place_item(
            actor=SYSTEM,
            revision=found.revisions.get(),
            protocol=department.protocol,
        )
    return found, {name: dataset for name, (dataset, _) in made.items()}


def content(client, path, status=200):
    answer = client.get(f"/dicom-web{path}")
    body = answer.getvalue() if answer.streaming else answer.content
    assert answer.status_code == status, body[:300]
    return body


def assert_seen(client, found, made, seen):
    """Ask in every way that there is for each object."""
    base = f"/studies/{found.study_uid}"
    hidden = set(made) - seen
    words = {
        path: content(client, path).decode("latin-1")
        for path in (
            base,
            f"{base}/metadata",
            f"{base}/series",
            f"{base}/instances",
            "/series",
            "/instances",
        )
    }
    for path, text in words.items():
        for name in seen:
            assert made[name].SeriesInstanceUID in text, (name, path)
        for name in hidden:
            assert made[name].SeriesInstanceUID not in text, (name, path)
            assert made[name].SOPInstanceUID not in text, (name, path)
    [row] = json.loads(content(client, "/studies"))
    assert row["00201206"]["Value"] == [1 + len(seen)]
    shown = set(row["00080061"]["Value"])
    assert shown == {"DX"} | {made[name].Modality for name in seen}
    by_modality = json.loads(content(client, "/studies?ModalitiesInStudy=SEG"))
    assert len(by_modality) == int("seg" in seen)
    for name, dataset in made.items():
        series = f"{base}/series/{dataset.SeriesInstanceUID}"
        one = f"{series}/instances/{dataset.SOPInstanceUID}"
        status = 200 if name in seen else 404
        for path in (series, f"{series}/metadata", one, f"{one}/metadata"):
            content(client, path, status)
        if name in hidden:
            for tail in ("/rendered", "/frames/1", "/bulk/7FE00010"):
                content(client, one + tail, 404)


def read_by(found, person, protocol, state):
    Reading.objects.create(
        revision=found.revisions.get(),
        protocol=protocol,
        reader=person,
        state=state,
        saved_at=clock.now(),
    )


def test_nothing_of_ai_before_ones_own_read_is_committed(study, department):
    found, made = study
    reader = department.reader
    assert_seen(client_for(reader), found, made, HARMLESS)
    colleague = make_person(site=department.site, role=Role.RADIOLOGIST, name="other")
    read_by(found, colleague, department.protocol, "signed")
    assert_seen(client_for(reader), found, made, HARMLESS)
    assert_seen(client_for(colleague), found, made, set(made))


@pytest.mark.parametrize("state", ["draft", "unaided", "committed"])
def test_a_read_under_way_opens_nothing(study, department, state):
    found, made = study
    read_by(found, department.reader, department.protocol, state)
    assert_seen(client_for(department.reader), found, made, HARMLESS)


def test_all_after_the_reveal(study, department):
    found, made = study
    read_by(found, department.reader, department.protocol, "revealed")
    assert_seen(client_for(department.reader), found, made, set(made))


def test_never_where_the_protocol_shows_none(study, department):
    found, made = study
    department.protocol.display_mode = "none"
    department.protocol.save()
    assert_seen(client_for(department.reader), found, made, HARMLESS)


def test_at_once_where_it_is_concurrent(study, department):
    found, made = study
    department.protocol.display_mode = "concurrent"
    department.protocol.save()
    assert_seen(client_for(department.reader), found, made, set(made))


def test_on_no_list_is_nobodys_to_unblind(study, department):
    found, made = study
    WorkItem.objects.all().delete()
    assert_seen(client_for(department.reader), found, made, HARMLESS)

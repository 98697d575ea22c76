"""What a reader draws: signed, in the archive, and the same voxels when it is back."""

from __future__ import annotations

import io
import json

import numpy as np
import pydicom
import pytest
from django.db import transaction

from apps.accounts.types import SYSTEM
from apps.annotations.models import Reading
from apps.core import clock
from apps.interop.dicom.drawn import read_drawn
from apps.interop.dicom.foreign.read import read_foreign
from apps.interop.dicom.validate import validate_object
from apps.reports.models import ExportedObject
from apps.reports.selectors import exports_due
from apps.reports.services import export_reading
from apps.workflow import flow
from apps.worklist.models import WorkItem
from tests.factories.dicom import make_ct_series, to_bytes
from tests.factories.domain import client_for, make_film, make_protocol, unchanged_by
from tests.factories.segments import LIVER, put_map, segment, segmentation

pytestmark = pytest.mark.django_db
HEIGHTS = (0.0, 2.0, 5.0, 5.5, 11.0)
THICK = (2.0, 2.5, 1.75, 3.0, 5.5)
"""Half way to each neighbour; at the ends the one gap there is."""


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.SEGMENTS_DIR = tmp_path / "segments"
    settings.PACKS_DIR = tmp_path / "packs"


def arrive(archive, files):
    for content in files:
        archive.c_store(content, called="NORTH")
    archive.settle()
    flow.take_arrivals()
    return WorkItem.objects.get()


@pytest.fixture
def slices():
    slices = make_ct_series(n_slices=5)
    for dataset, height in zip(slices, HEIGHTS, strict=True):
        dataset.ImagePositionPatient[2] = height
        dataset.PixelSpacing = [0.5, 0.8]
    return slices


@pytest.fixture
def item(department, archive, broker, slices):
    return arrive(archive, [to_bytes(one) for one in slices])


@pytest.fixture
def reader(department, item):
    client = client_for(department.reader)
    assert client.post(f"/api/worklist/items/{item.id}/lease").status_code == 200
    item.refresh_from_db()
    return client


def maps_of(slices):
    """Return label maps of three images: segments 2 and 7; 2 alone; 7 alone."""
    maps = {}
    for at, numbers in ((1, (2, 7)), (2, (2,)), (4, (7,))):
        voxels = np.zeros((64, 64), dtype=np.uint8)
        for number in numbers:
            voxels[number : number + 10, 20 + at : 30] = number
        maps[f"{slices[at].SOPInstanceUID}#1"] = voxels
    return maps


def send(reader, item, drawn, verb="sign", version=None):
    item.reading.refresh_from_db()
    content = {"verdicts": {}, "annotations": [], "impression": ""}
    answer = reader.generic(
        "PUT" if verb == "reading" else "POST",
        f"/api/worklist/items/{item.id}/{verb}",
        json.dumps({"content": {**content, "segmentations": drawn}}),
        content_type="application/json",
        headers={"If-Match": f'"{item.reading.version}"'},
    )
    assert answer.status_code == 200, answer.content
    return answer.json()


def draw(reader, item, maps, series_uid, **parts):
    for voxels in maps.values():
        assert put_map(reader, item, voxels).status_code in {200, 201}
    return segmentation(series_uid, maps, **parts)


def exported(kind):
    return list(ExportedObject.objects.filter(kind=kind).order_by("part"))


def document(archive, row):
    content = archive.files[row.archive_id].content
    assert validate_object(content).is_valid, validate_object(content).words
    return content


def test_signed_voxels_are_in_the_archive_and_the_report_measures_them(
    item, reader, slices, archive
):
    maps = maps_of(slices)
    parts = [segment(2), segment(7, label=LIVER, note="Beside the vessel")]
    series_uid = slices[0].SeriesInstanceUID
    one = draw(reader, item, maps, series_uid, segments=parts)
    send(reader, item, [one])
    row = export_reading(actor=SYSTEM, reading_id=Reading.objects.get().id)
    assert row is not None
    assert row.state == "stored", row.problems
    [seg] = exported("drawn")
    assert seg.state == "stored", seg.problems
    content = document(archive, seg)
    back = read_drawn(content)
    assert set(back) == set(maps)
    for key, voxels in maps.items():
        wanted = np.select([voxels == 2, voxels == 7], [1, 2])
        assert np.array_equal(back[key], wanted)
    first, second = read_foreign(content).items
    assert (first.label.code, second.label.code) == ("27925004", "10200004")
    assert second.colour
    found = {
        one.tracking_uid: one for one in read_foreign(document(archive, row)).items
    }
    assert set(found) == {first.tracking_uid, second.tracking_uid}
    for item_, number in ((first, 2), (second, 7)):
        thick_voxels = sum(
            int((maps[f"{slices[at].SOPInstanceUID}#1"] == number).sum()) * THICK[at]
            for at in (1, 2, 4)
        )
        said = found[item_.tracking_uid]
        [volume] = said.measurements
        assert (volume.name.code, volume.unit.code) == ("118565006", "ml")
        assert volume.value == pytest.approx(thick_voxels * 0.5 * 0.8 / 1000, abs=1e-4)
        [reference] = said.segments
        assert reference.sop_uid == seg.sop_uid
        assert reference.number == (1 if number == 2 else 2)
    assert found[second.tracking_uid].text == "Beside the vessel"
    before = len(archive.files)
    unchanged_by(lambda: export_reading(actor=SYSTEM, reading_id=row.reading_id))
    assert len(archive.files) == before
    # They come back as ours: no new revision, nothing of others.
    archive.settle()
    flow.take_arrivals()
    assert item.case.revision.study.revisions.count() == 1
    path = f"/api/studies/{item.case.revision.study_id}/objects"
    assert reader.get(path).json()["items"] == []


def test_an_archive_that_is_away_is_asked_again(
    item, reader, slices, archive, settings
):
    maps = maps_of(slices)
    send(reader, item, [draw(reader, item, maps, slices[0].SeriesInstanceUID)])
    reading = Reading.objects.get()
    archive.down = True
    row = export_reading(actor=SYSTEM, reading_id=reading.id)
    assert row is not None
    assert row.state == "pending"
    archive.down = False
    now = row.retry_at + (row.retry_at - clock.now())
    due = exports_due(now=now, before=now, results_before=now, limit=9)
    assert ("reading_id", reading.id) in {entry[1:] for entry in due}
    row = export_reading(actor=SYSTEM, reading_id=reading.id)
    assert row is not None
    assert row.state == "stored", row.problems


def test_a_segmentation_that_cannot_leave_is_told_and_the_report_goes_alone(
    item, reader, slices, archive
):
    """Voxels of another size than the images: the object fails, in words."""
    maps = {f"{slices[1].SOPInstanceUID}#1": np.ones((5, 5), dtype=np.uint8)}
    with transaction.atomic():
        send(reader, item, [draw(reader, item, maps, slices[0].SeriesInstanceUID)])
    row = export_reading(actor=SYSTEM, reading_id=Reading.objects.get().id)
    [seg] = exported("drawn")
    assert seg.state == "failed"
    assert "size of their images" in seg.problems
    assert row is not None
    assert row.state == "stored", row.problems
    [said] = read_foreign(document(archive, row)).items
    assert said.segments == ()


def test_a_film_has_its_own_object_and_no_volume(department, archive, broker):
    film = make_film()
    item = arrive(archive, [film])
    client = client_for(department.reader)
    assert client.post(f"/api/worklist/items/{item.id}/lease").status_code == 200
    item.refresh_from_db()
    header = pydicom.dcmread(io.BytesIO(film))
    voxels = np.zeros((header.Rows, header.Columns), dtype=np.uint8)
    voxels[2:4, 1:3] = 1
    maps = {f"{header.SOPInstanceUID}#1": voxels}
    send(client, item, [draw(client, item, maps, header.SeriesInstanceUID)])
    row = export_reading(actor=SYSTEM, reading_id=Reading.objects.get().id)
    [seg] = exported("drawn")
    assert seg.state == "stored", seg.problems
    assert np.array_equal(
        read_drawn(document(archive, seg))[f"{header.SOPInstanceUID}#1"], voxels
    )
    assert row is not None
    assert row.state == "stored", row.problems
    [said] = read_foreign(document(archive, row)).items
    assert said.measurements == ()


def test_the_report_says_what_was_drawn_unaided(department, item, slices, archive):
    item.case.protocol = make_protocol(department, "after_commit")
    item.case.save()
    client = client_for(department.reader)
    assert client.post(f"/api/worklist/items/{item.id}/lease").status_code == 200
    item.refresh_from_db()
    maps, series = maps_of(slices), slices[0].SeriesInstanceUID
    one = draw(client, item, maps, series)
    send(client, item, [one], verb="commit")
    key = f"{slices[2].SOPInstanceUID}#1"
    more = {**maps, key: np.where(maps[key] == 2, 0, maps[key])}
    more[key][0, 0] = 2
    later = draw(client, item, more, series, id=one["id"])
    send(client, item, [later])
    row = export_reading(actor=SYSTEM, reading_id=Reading.objects.get().id)
    assert row is not None
    assert row.state == "stored", row.problems
    stages = [
        {e.name.code: e.value.code for e in said.evaluations}["read-stage"]
        for said in read_foreign(document(archive, row)).items
    ]
    assert stages == ["revised", "unaided"]


def test_nothing_is_signed_over_a_blank(item, reader, slices, archive):
    """A map that holds nothing is no voxel, and makes no object."""
    blank = {f"{slices[1].SOPInstanceUID}#1": np.zeros((64, 64), dtype=np.uint8)}
    send(reader, item, [draw(reader, item, blank, slices[0].SeriesInstanceUID)])
    row = export_reading(actor=SYSTEM, reading_id=Reading.objects.get().id)
    assert row is not None
    assert row.state == "stored", row.problems
    assert exported("drawn") == []

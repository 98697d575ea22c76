"""Objects from PACS: listed and shown to who may see them, and to nobody else."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import uuid

import highdicom as hd
import numpy as np
import pydicom
import pytest
from pydicom.sr.codedict import codes

from apps.accounts.models import Role
from apps.accounts.types import SYSTEM
from apps.annotations.models import Reading
from apps.audit.models import AuditRecord
from apps.core import clock
from apps.interop.dicom.sr_reading import encode_reading_report
from apps.interop.dicom.types import (
    CodedConcept,
    Geometry,
    ImageRef,
    PersonIdentity,
    ReaderAnnotation,
    ReadingReport,
)
from apps.reports.documents import images_of, reading_report_of
from apps.studies.models import Study
from apps.workflow.foreign import objects
from apps.workflow.intake import door
from apps.worklist.models import WorkItem
from apps.worklist.services import place_item
from tests.factories.dicom import make_ct_series, to_bytes
from tests.factories.domain import (
    client_for,
    make_ct,
    make_department,
    make_film,
    make_person,
)
from tests.factories.maps import make_map

pytestmark = pytest.mark.django_db
B = "0123456789abcdef"


@pytest.fixture(autouse=True)
def own_state(settings, tmp_path, monkeypatch):
    settings.STATE_DIR = tmp_path / "state"
    monkeypatch.setattr(door, "PAUSES_S", (0.0,))
    objects.forget()
    yield
    objects.forget()


def read(content):
    return pydicom.dcmread(io.BytesIO(content))


def report_on(film):
    """Return a report of somebody else's with a box on a film."""
    image = read(film)
    reference = ImageRef(
        str(image.SeriesInstanceUID), str(image.SOPClassUID), str(image.SOPInstanceUID)
    )
    mark = ReaderAnnotation(
        tracking_uid="1.2.3.4.5",
        tracking_id="Nodule 1",
        label=CodedConcept("27925004", "SCT", "Nodule"),
        geometry=Geometry("box", "image", ((1.5, 2.0), (6.0, 7.25)), reference),
    )
    report = ReadingReport(
        reading_id=uuid.uuid4(),
        reader=PersonIdentity("Other", "Ada", "Elsewhere"),
        signed_at=dt.datetime(2026, 1, 5, 10, tzinfo=dt.UTC),
        images=(reference,),
        annotations=(mark,),
    )
    return encode_reading_report(report, source=film, software_version="1")


def mask_on(film):
    """Return somebody's segmentation of a film, and its pixels."""
    image = read(film)
    mask = np.zeros((1, image.Rows, image.Columns), dtype=np.uint8)
    mask[0, 2:5, 3:7] = 1
    segment = hd.seg.SegmentDescription(
        segment_number=1,
        segment_label="Nodule",
        segmented_property_category=codes.SCT.MorphologicallyAbnormalStructure,
        segmented_property_type=codes.SCT.Nodule,
        algorithm_type="MANUAL",
    )
    document = hd.seg.Segmentation(
        source_images=[image],
        pixel_array=mask,
        segmentation_type="BINARY",
        segment_descriptions=[segment],
        series_instance_uid=hd.UID(),
        series_number=7,
        sop_instance_uid=hd.UID(),
        instance_number=1,
        manufacturer="Other",
        manufacturer_model_name="Other",
        software_versions="1",
        device_serial_number="1",
    )
    buffer = io.BytesIO()
    document.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue(), mask


def send(department, *parts):
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
    study = Study.objects.get(study_uid=read(parts[0]).StudyInstanceUID)
    revision = study.revisions.get()
    if not WorkItem.objects.filter(case__revision=revision).exists():
        place_item(actor=SYSTEM, revision=revision, protocol=department.protocol)
    return study


@pytest.fixture
def sent(department, archive, broker):
    """A film with others' report and mask, and a broken report."""
    film = make_film()
    report = report_on(film)
    mask, pixels = mask_on(film)
    broken = read(report.content)
    broken.SOPInstanceUID = broken.file_meta.MediaStorageSOPInstanceUID = hd.UID()
    broken.SeriesInstanceUID = hd.UID()
    del broken.ContentSequence
    buffer = io.BytesIO()
    broken.save_as(buffer, enforce_file_format=True)
    study = send(department, film, report.content, mask, buffer.getvalue())
    return study, read(film), report, read(mask), pixels


def ask(client, study, tail="", status=200):
    answer = client.get(f"/api/studies/{study.id}/objects{tail}")
    assert answer.status_code == status, answer.content
    return answer


def test_others_objects_are_listed_and_broken_ones_say_why(department, sent):
    study, film, report, mask, _ = sent
    client = client_for(department.reader)
    body = ask(client, study).json()
    assert (body["total"], body["hidden_reason"]) == (3, "")
    by_uid = {item["sop_uid"]: item for item in body["items"]}
    [item] = by_uid[report.sop_uid]["items"]
    assert item["tracking_uid"] == "1.2.3.4.5"
    assert item["label"] == {"scheme": "SCT", "code": "27925004", "display": "Nodule"}
    [mark] = item["marks"]
    assert mark["points"] == [[1.5, 2.0], [6.0, 7.25]]
    assert (mark["kind"], mark["sop_uid"]) == ("box", film.SOPInstanceUID)
    assert by_uid[report.sop_uid]["creator"]["origin"] == "person"
    assert by_uid[mask.SOPInstanceUID]["kind"] == "seg"
    [broken] = [one for one in body["items"] if one["trouble"]]
    assert broken["trouble"] == "It could not be read: the report has no content."
    assert ask(client, study, f"/{report.sop_uid}").json()["items"] == [item]
    kept = AuditRecord.objects.order_by("-id").first()
    assert kept.event == "artefact:read"
    assert kept.patients == [study.patient.patient_id] or kept.patients


def test_a_segments_voxels_come_as_they_were_drawn(department, sent):
    study, _, _, mask, pixels = sent
    client = client_for(department.reader)
    answer = ask(client, study, f"/{mask.SOPInstanceUID}/segments/1")
    assert answer["Content-Encoding"] == "gzip"
    voxels = np.frombuffer(gzip.decompress(answer.content), dtype=np.uint8)
    np.testing.assert_array_equal(voxels.reshape(pixels.shape), pixels)
    ask(client, study, f"/{mask.SOPInstanceUID}/segments/2", status=404)


def test_nothing_of_it_leaves_for_a_blinded_reader(department, sent):
    study, _, report, mask, _ = sent
    department.protocol.display_mode = "after_commit"
    department.protocol.save()
    client = client_for(department.reader)
    body = ask(client, study).json()
    assert (body["items"], body["total"]) == ([], 0)
    assert "hidden" in body["hidden_reason"]
    ask(client, study, f"/{report.sop_uid}", status=404)
    ask(client, study, f"/{mask.SOPInstanceUID}/segments/1", status=404)
    item = WorkItem.objects.get()
    Reading.objects.create(
        revision=item.case.revision,
        protocol=department.protocol,
        reader=department.reader,
        state="revealed",
        content={},
        saved_at=clock.now(),
    )
    assert ask(client, study).json()["total"] == 3
    ask(client, study, f"/{report.sop_uid}")


def test_what_we_wrote_and_other_studies_objects_are_not_foreign(department, sent):
    study, _, report, mask, _ = sent
    client = client_for(department.reader)
    mine = study.attachments.filter(series_uid=report.series_uid)
    assert mine.update(by_overread=True) == 1
    body = ask(client, study).json()
    assert report.sop_uid not in {item["sop_uid"] for item in body["items"]}
    ask(client, study, f"/{report.sop_uid}", status=404)
    other = send(department, *make_ct(n=1), report_on(make_film()).content)
    ask(client, other, f"/{mask.SOPInstanceUID}", status=404)


def test_another_site_and_another_role_get_nothing(department, sent):
    study, _, report, _, _ = sent
    elsewhere = make_department("south")
    for tail in ("", f"/{report.sop_uid}", f"/{report.sop_uid}/segments/1"):
        ask(client_for(elsewhere.reader), study, tail, status=404)
    annotator = make_person(site=department.site, role=Role.ANNOTATOR, name="annotator")
    ask(client_for(annotator), study, status=403)


def test_an_archive_that_is_away_is_said_in_the_list(department, sent, archive):
    study, *_ = sent
    archive.down = True
    answer = client_for(department.reader).get(f"/api/studies/{study.id}/objects")
    assert answer.status_code == 503


def answer_to(report, image, **change):
    answer = {
        "sop_uid": report.sop_uid,
        "series_uid": report.series_uid,
        "sop_class_uid": report.sop_class_uid,
        "key": "g1",
        "tracking_uid": "1.2.3.4.5",
        "tracking_id": "Nodule 1",
        "scheme": "SCT",
        "code": "27925004",
        "display": "Nodule",
        "image_uid": str(image.SOPInstanceUID),
        "verdict": "reject",
        "reason_code": "not_present",
        "reason_text": "",
        **change,
    }
    return {f"{answer['sop_uid']}#{answer['key']}": answer}


def test_an_answer_is_signed_and_points_at_what_it_answers(department, sent):
    _, film, report, *_ = sent
    client = client_for(department.reader)
    item = WorkItem.objects.get()
    base = f"/api/worklist/items/{item.id}"
    reading = client.post(f"{base}/lease").json()["reading"]

    def send_content(verb, foreign, version, status):
        content = {"verdicts": {}, "annotations": [], "impression": "", **foreign}
        answer = getattr(client, verb)(
            f"{base}/{'reading' if verb == 'put' else 'sign'}",
            data={"content": content},
            content_type="application/json",
            headers={"If-Match": f'"{version}"'},
        )
        assert answer.status_code == status, answer.content
        return answer.json()

    version = reading["version"]
    elsewhere = {"foreign": answer_to(report, film, series_uid="1.9.9")}
    send_content("put", elsewhere, version, 400)
    bare = {"foreign": answer_to(report, film, reason_code="")}
    saved = send_content("put", bare, version, 200)
    assert saved["content"]["foreign"] == bare["foreign"]
    gap = send_content("post", bare, saved["version"], 422)
    assert "Say why" in gap["detail"]
    given = {"foreign": answer_to(report, film)}
    signed = send_content("post", given, saved["version"], 200)["reading"]
    assert signed["content"]["foreign"] == given["foreign"]

    kept = Reading.objects.get(id=signed["id"])
    made = reading_report_of(
        reading=kept,
        images=images_of(revision=kept.revision),
        predecessors=(),
        marks=(),
    )
    [other] = made.others
    assert (other.sop_uid, other.tracking_uid) == (report.sop_uid, "1.2.3.4.5")
    assert not other.accepted
    assert other.reason.value == "NOT_PRESENT"
    assert other.image.sop_uid == film.SOPInstanceUID
    assert [ref.sop_uid for ref in made.predecessors] == [report.sop_uid]


def map_of(sources, **change):
    document = make_map(sources, np.ones((2, 4, 4), np.float32), **change)
    buffer = io.BytesIO()
    document.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def test_a_maps_values_come_and_one_of_elsewhere_says_so(department, archive, broker):
    sources = make_ct_series(n_slices=2, side=8)
    images = [to_bytes(one) for one in sources]
    near = map_of(sources, slope=3.0)
    far = map_of(sources, frame_of_reference=hd.UID())
    study = send(department, *images, near, far)
    client = client_for(department.reader)
    items = {
        one["sop_uid"]: one["items"][0] for one in ask(client, study).json()["items"]
    }
    here, there = read(near).SOPInstanceUID, read(far).SOPInstanceUID
    assert items[here]["why_not"] == ""
    assert items[here]["map"]["unit"]["code"] == "um2/s"
    assert items[there]["why_not"] == objects.ELSEWHERE
    assert ask(client, study, f"/{there}").json()["items"] == [items[there]]
    answer = ask(client, study, f"/{here}/maps/1")
    assert answer["Content-Encoding"] == "gzip"
    values = np.frombuffer(gzip.decompress(answer.content), dtype="<f4")
    np.testing.assert_array_equal(values, np.full(32, 3, np.float32))
    ask(client, study, f"/{here}/maps/2", status=404)
    department.protocol.display_mode = "after_commit"
    department.protocol.save()
    ask(client, study, f"/{here}/maps/1", status=404)

"""Our report, mask and map through a real Orthanc, read back as we meant them."""

from __future__ import annotations

import datetime as dt
import io
import uuid

import numpy as np
import pytest
from PIL import Image

from apps.interop.dicom.drawn import encode_drawn, read_drawn
from apps.interop.dicom.foreign.read import read_foreign, read_segment
from apps.interop.dicom.pictures import (
    Drawing,
    encode_saliency,
    encode_segmentation,
    read_saliency,
)
from apps.interop.dicom.sr_reading import encode_reading_report
from apps.interop.dicom.types import (
    AlgorithmIdentity,
    CodedConcept,
    Geometry,
    ImageRef,
    PersonIdentity,
    ReaderAnnotation,
    ReadingReport,
)
from tests.apps.interop.test_drawn import drawn_of
from tests.factories.dicom import make_ct_series, to_bytes

NODULE = CodedConcept("27925004", "SCT", "Nodule")
KINDS = {
    "box": ((10.25, 20.5), (40.0, 50.75)),
    "point": ((33.5, 44.5),),
    "ellipse": ((10.0, 30.0), (30.0, 30.0), (20.0, 25.0), (20.0, 35.0)),
    "polyline": ((1.0, 2.0), (3.5, 4.0), (9.0, 2.25)),
}


@pytest.fixture
def slices():
    return make_ct_series(n_slices=5)


@pytest.fixture
def drawing():
    return Drawing(
        finding_id=str(uuid.uuid4()),
        tracking_uid="2.25.77",
        tracking_id="Nodule 1",
        label=NODULE,
        algorithm=AlgorithmIdentity("chest", "1", "ab" * 32),
        software_version="1",
    )


def through(archive, encoded) -> bytes:
    """Store an object and fetch it again; the bytes are those that went in."""
    outcome = archive.upload(encoded.content)
    back = archive.fetch_instance(outcome.instance_id)
    assert back == encoded.content
    return back


def test_a_report_comes_back_with_every_mark(archive, slices):
    image = slices[2]
    ref = ImageRef(image.SeriesInstanceUID, image.SOPClassUID, image.SOPInstanceUID)
    reference = str(image.FrameOfReferenceUID)
    marks = [Geometry(kind, "image", points, ref) for kind, points in KINDS.items()]
    marks.append(
        Geometry(
            "point",
            "patient",
            ((1.5, -2.25, 3.0),),
            frame_of_reference_uid=reference,
        )
    )
    report = ReadingReport(
        reading_id=uuid.uuid4(),
        reader=PersonIdentity("Reader", "Rosa", "North"),
        signed_at=dt.datetime(2026, 1, 5, 10, tzinfo=dt.UTC),
        images=(ref,),
        annotations=tuple(
            ReaderAnnotation(
                tracking_uid=f"2.25.{number}",
                tracking_id=f"Nodule {number}",
                label=NODULE,
                geometry=geometry,
            )
            for number, geometry in enumerate(marks, 1)
        ),
    )
    encoded = encode_reading_report(
        report, source=to_bytes(image), software_version="1"
    )
    found = read_foreign(through(archive, encoded))
    assert len(found.items) == len(marks)
    for number, (item, geometry) in enumerate(zip(found.items, marks, strict=True), 1):
        [mark] = item.marks
        assert (mark.kind, mark.space) == (geometry.kind, geometry.space)
        assert mark.points == geometry.points
        assert item.tracking_uid == f"2.25.{number}"
        assert (item.label.scheme, item.label.code) == ("SCT", "27925004")
        if geometry.space == "image":
            assert mark.sop_uid == image.SOPInstanceUID
        else:
            assert mark.frame_of_reference_uid == reference


def test_a_mask_comes_back_voxel_by_voxel(archive, slices, drawing):
    mask = np.zeros((5, slices[0].Rows, slices[0].Columns), dtype=np.uint8)
    mask[1, 3:9, 5:14] = mask[3, 4:8, 6:12] = 1
    encoded = encode_segmentation(
        drawing, mask=mask, sources=[to_bytes(one) for one in slices]
    )
    content = through(archive, encoded)
    [item] = read_foreign(content).items
    uids = [one.SOPInstanceUID for one in slices]
    back = np.zeros_like(mask)
    voxels = read_segment(content, number=1)
    for frame, pixels in zip(item.segment.frames, voxels, strict=True):
        back[uids.index(frame.sop_uid)] = pixels
    np.testing.assert_array_equal(back, mask)
    assert (item.tracking_uid, item.tracking_id) == ("2.25.77", "Nodule 1")


def test_what_a_reader_drew_comes_back_voxel_by_voxel(archive, slices):
    """Ours into the archive, and ours again: the label maps are identical."""
    maps = np.random.default_rng(4).choice(
        np.array([0, 0, 2, 9], dtype=np.uint8), (5, slices[0].Rows, slices[0].Columns)
    )
    maps[2] = 0
    sources = [to_bytes(one) for one in slices]
    encoded = encode_drawn(drawn_of(2, 9), maps=maps, sources=sources)
    for source in sources:
        archive.upload(source)
    back = read_drawn(through(archive, encoded))
    assert f"{slices[2].SOPInstanceUID}#1" not in back
    for one, frame in zip(slices, maps, strict=True):
        found = back.get(f"{one.SOPInstanceUID}#1", np.zeros_like(frame))
        assert np.array_equal(found, np.select([frame == 2, frame == 9], [1, 2]))


def test_a_map_comes_back_value_by_value(archive, slices, drawing):
    side = (slices[2].Rows, slices[2].Columns)
    values = np.linspace(0, 255, side[0] * side[1]).reshape(side).astype(np.uint8)
    picture = io.BytesIO()
    Image.fromarray(values).save(picture, "PNG")
    encoded = encode_saliency(
        drawing, picture=picture.getvalue(), source=to_bytes(slices[2])
    )
    content = through(archive, encoded)
    np.testing.assert_allclose(read_saliency(content), values / 255, atol=1e-9)

"""Masks as Segmentations, saliency as Parametric Maps: valid, and read back exactly."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pydicom
import pytest
from PIL import Image

from apps.interop.dicom.errors import EncodingError
from apps.interop.dicom.pictures import (
    Drawing,
    encode_saliency,
    encode_segmentation,
    read_saliency,
    read_segmentation,
)
from apps.interop.dicom.types import (
    AlgorithmIdentity,
    CodedConcept,
    ImageRef,
    derive_uid,
)
from apps.interop.dicom.validate import validate_against_images, validate_object
from tests.factories.dicom import make_ct_series, make_dx, to_bytes

DRAWING = Drawing(
    finding_id="11111111-1111-4111-8111-111111111111",
    tracking_uid=derive_uid("f", "finding"),
    tracking_id="Haemorrhage, model 1",
    label=CodedConcept("50960005", "SCT", "Haemorrhage"),
    algorithm=AlgorithmIdentity("phantom-head", "1.0.0", "ab" * 32),
    software_version="0.1.0",
)


def conforms(content: bytes, *images: bytes) -> None:
    for report in (
        validate_object(content),
        validate_against_images(content, images=list(images)),
    ):
        assert report.is_valid, report.words


def oblique(slices: list[Any]) -> list[bytes]:
    """Tilt a series by 30° about x and give it pixels that are not square."""
    c, s = np.cos(np.pi / 6), np.sin(np.pi / 6)
    for dataset in slices:
        height = float(dataset.ImagePositionPatient[2])
        dataset.ImageOrientationPatient = [1, 0, 0, 0, c, s]
        dataset.ImagePositionPatient = [
            f"{v:.6f}" for v in (-30.0, -30.0 - height * s, height * c)
        ]
        dataset.PixelSpacing = [0.8, 0.5]
    return [to_bytes(d) for d in slices]


SERIES = {
    "axial": [to_bytes(d) for d in make_ct_series(n_slices=6)],
    "oblique, not square": oblique(make_ct_series(n_slices=6)),
}


@pytest.mark.parametrize("name", SERIES)
def test_a_mask_comes_back_pixel_by_pixel(name):
    sources = SERIES[name]
    mask = (np.random.default_rng(1).random((6, 64, 64)) < 0.3).astype(np.uint8)
    mask[[0, 3]] = 0
    encoded = encode_segmentation(DRAWING, mask=mask, sources=sources)
    conforms(encoded.content, sources[0])
    read = read_segmentation(encoded.content)
    uids = [str(pydicom.dcmread(io.BytesIO(s)).SOPInstanceUID) for s in sources]
    assert set(read) == {uids[i] for i in (1, 2, 4, 5)}
    for uid, frame in read.items():
        assert np.array_equal(frame, mask[uids.index(uid)])
    segment = pydicom.dcmread(io.BytesIO(encoded.content)).SegmentSequence[0]
    assert segment.SegmentAlgorithmType == "AUTOMATIC"
    assert segment.TrackingUID == DRAWING.tracking_uid
    assert segment.SegmentedPropertyTypeCodeSequence[0].CodeValue == "50960005"


def test_a_mask_names_the_other_series_that_the_model_was_given():
    sources = SERIES["axial"]
    other = make_ct_series(n_slices=3)
    refs = [
        ImageRef(
            series_uid=str(d.SeriesInstanceUID),
            sop_class_uid=str(d.SOPClassUID),
            sop_uid=str(d.SOPInstanceUID),
        )
        for d in other
    ]
    mask = np.ones((6, 64, 64), np.uint8)
    encoded = encode_segmentation(DRAWING, mask=mask, sources=sources, others=refs)
    conforms(encoded.content, sources[0])
    document = pydicom.dcmread(io.BytesIO(encoded.content))
    named = {
        str(series.SeriesInstanceUID): {
            str(image.ReferencedSOPInstanceUID)
            for image in series.ReferencedInstanceSequence
        }
        for series in document.ReferencedSeriesSequence
    }
    own = pydicom.dcmread(io.BytesIO(sources[0])).SeriesInstanceUID
    assert set(named) == {str(own), refs[0].series_uid}
    assert named[refs[0].series_uid] == {ref.sop_uid for ref in refs}


def test_an_empty_mask_is_an_object_too():
    sources = SERIES["axial"][:2]
    mask = np.zeros((2, 64, 64), np.uint8)
    encoded = encode_segmentation(DRAWING, mask=mask, sources=sources)
    conforms(encoded.content, sources[0])
    assert not any(frame.any() for frame in read_segmentation(encoded.content).values())


def test_the_same_finding_gives_the_same_object():
    sources = SERIES["axial"]
    mask = np.ones((6, 64, 64), np.uint8)
    first = encode_segmentation(DRAWING, mask=mask, sources=sources)
    again = encode_segmentation(DRAWING, mask=mask, sources=sources)
    assert (first.sop_uid, first.series_uid) == (again.sop_uid, again.series_uid)


def test_a_mask_on_a_film():
    film = to_bytes(make_dx(np.zeros((40, 30), np.uint8)))
    mask = np.zeros((1, 40, 30), np.uint8)
    mask[0, 10:20, 5:9] = 1
    encoded = encode_segmentation(DRAWING, mask=mask, sources=[film])
    conforms(encoded.content, film)
    [frame] = read_segmentation(encoded.content).values()
    assert np.array_equal(frame, mask[0])


def test_a_mask_of_another_size_is_refused():
    with pytest.raises(EncodingError, match="size of its images"):
        encode_segmentation(
            DRAWING, mask=np.ones((1, 3, 3), np.uint8), sources=SERIES["axial"][:1]
        )


@pytest.mark.parametrize(
    "source",
    [to_bytes(make_dx(np.zeros((64, 64), np.uint8))), SERIES["axial"][2]],
    ids=["film", "slice"],
)
def test_saliency_comes_back_within_a_step(source):
    values = np.linspace(0, 255, 64 * 64).reshape(64, 64).astype(np.uint8)
    picture = io.BytesIO()
    Image.fromarray(values).save(picture, "PNG")
    encoded = encode_saliency(DRAWING, picture=picture.getvalue(), source=source)
    conforms(encoded.content, source)
    assert np.allclose(read_saliency(encoded.content), values / 255, atol=1e-9)
    document = pydicom.dcmread(io.BytesIO(encoded.content))
    assert document.Modality == "OT"
    assert document.PatientID == pydicom.dcmread(io.BytesIO(source)).PatientID

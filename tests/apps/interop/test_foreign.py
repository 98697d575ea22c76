"""Objects of other makers, against what highdicom and pydicom say of the same files."""

from __future__ import annotations

import datetime as dt
import io
import random
import uuid
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from apps.interop.dicom.foreign.frames import unpack_bytes
from apps.interop.dicom.foreign.read import read_foreign, read_segment
from apps.interop.dicom.foreign.types import ForeignError
from apps.interop.dicom.pictures import Drawing, encode_segmentation
from apps.interop.dicom.sr_reading import encode_reading_report
from apps.interop.dicom.types import (
    AlgorithmIdentity,
    CodedConcept,
    DocumentRef,
    Geometry,
    ImageRef,
    OthersVerdict,
    PersonIdentity,
    ReaderAnnotation,
    ReadingReport,
)
from apps.interop.dicom.validate import validate_object
from tests.apps.interop.conftest import SHARED
from tests.factories.dicom import make_ct_series, make_dx, to_bytes

SMALL = SHARED / "dicom_small"
NLST = SHARED / "ct_chest_nlst_143"
PROSTATE = SHARED / "mr_prostatex"
real_data = pytest.mark.skipif(not SMALL.exists(), reason="../shared/data is not here")


def content_of(path: Path) -> bytes:
    return path.read_bytes()


def only(folder: Path) -> Path:
    [found] = sorted(folder.glob("SR_*/*.dcm"))
    return found


@pytest.mark.real_data
@real_data
def test_sybils_boxes_are_where_highdicom_has_them():
    path = only(NLST)
    found = read_foreign(content_of(path))
    assert (found.kind, found.creator.origin, found.trouble) == ("sr", "ai", "")
    assert found.creator.name == "Sybil"
    groups = hd.sr.srread(path).content.get_planar_roi_measurement_groups()
    assert len(found.items) == len(groups) == 8
    for item, group in zip(found.items, groups, strict=True):
        [mark] = item.marks
        points = group.roi.value
        assert mark.kind == "box"
        np.testing.assert_allclose(mark.points[0], points.min(axis=0), atol=1e-6)
        np.testing.assert_allclose(mark.points[1], points.max(axis=0), atol=1e-6)
        source = group.roi.ContentSequence[0].ReferencedSOPSequence[0]
        assert mark.sop_uid == source.ReferencedSOPInstanceUID
        assert item.tracking_uid == group.tracking_uid
        assert item.tracking_id == group.tracking_identifier
        assert item.label.code == "52988006"
        assert item.site is not None
        assert item.site.display == "Lung structure"


@pytest.mark.real_data
@real_data
def test_prostate_lesions_keep_their_place_in_the_patient():
    path = only(PROSTATE)
    found = read_foreign(content_of(path))
    assert found.creator.origin == "person"
    groups = hd.sr.srread(path).content.get_planar_roi_measurement_groups()
    assert len(found.items) == len(groups) == 2
    for item, group in zip(found.items, groups, strict=True):
        [mark] = item.marks
        assert (mark.kind, mark.space) == ("point", "patient")
        np.testing.assert_array_equal(mark.points, group.roi.value)
        assert mark.frame_of_reference_uid == group.roi.frame_of_reference_uid
        assert item.tracking_uid == group.tracking_uid


@pytest.mark.real_data
@real_data
def test_measurements_keep_their_units_and_a_circle_its_radius():
    found = read_foreign(
        content_of(SMALL / "highdicom/sr_document_with_multiple_groups.dcm")
    )
    by_id = {item.tracking_id: item for item in found.items}
    nodule = by_id["LungNodule0001"]
    [diameter] = nodule.measurements
    assert (diameter.value, diameter.unit.code) == (10.0, "mm")
    [circle] = nodule.marks
    assert circle.kind == "ellipse"
    assert circle.points == ((35, 55), (55, 55), (45, 45), (45, 65))
    [surface] = by_id["Vertebra0001"].marks
    assert surface.space == "patient"
    assert by_id["Image0001"].images


@pytest.mark.real_data
@real_data
@pytest.mark.parametrize(
    "name",
    [
        "highdicom/seg_image_ct_binary.dcm",
        "highdicom/seg_image_ct_binary_overlap.dcm",
        "highdicom/seg_image_ct_binary_fractional.dcm",
        "highdicom/seg_image_ct_true_fractional.dcm",
        "highdicom/seg_image_ct_binary_single_frame.dcm",
        "highdicom/seg_image_cr_binary.dcm",
        "dcmqi/segmentations/23x38x3/seg/label.seg",
        "dcmqi/segmentations/24x38x3/seg/label.seg",
        "dcmqi/segmentations/partial_overlaps.dcm",
        "dcmqi/segmentations/sparse-labelmap-ppv5.dcm",
        "dcmqi/segmentations/liver.dcm",
        "pydicom_data/liver_nonbyte_aligned.dcm",
        "pydicom_data/liver_j2k.dcm",
    ],
)
def test_segments_have_the_voxels_that_highdicom_reads(name):
    content = content_of(SMALL / name)
    found = read_foreign(content)
    assert (found.kind, found.trouble) == ("seg", "")
    reference = hd.seg.segread(io.BytesIO(content))
    whole = pydicom.dcmread(io.BytesIO(content))
    groups = whole.PerFrameFunctionalGroupsSequence
    is_map = whole.SegmentationType == "LABELMAP"
    pixels = whole.pixel_array.reshape(-1, whole.Rows, whole.Columns)
    half = int(whole.get("MaximumFractionalValue", 1)) / 2
    fractional = whole.SegmentationType == "FRACTIONAL"
    assert found.items
    for item in found.items:
        segment = item.segment
        assert segment is not None
        assert segment.fractional == fractional
        number = segment.number
        description = reference.get_segment_description(number)
        assert item.tracking_id in {
            description.tracking_id,
            description.segment_label,
        }
        if segment.fractional:
            _check_parts(content, number, whole, pixels)
            continue
        wanted = [
            frame == number if is_map else frame >= half
            for frame, group in zip(pixels, groups, strict=True)
            if is_map
            or group.SegmentIdentificationSequence[0].ReferencedSegmentNumber == number
        ]
        wanted = np.array([frame for frame in wanted if frame.any()])
        voxels = read_segment(content, number=number)
        np.testing.assert_array_equal(voxels, wanted)
        assert len(segment.frames) == len(wanted)


def _check_parts(content, number, whole, pixels):
    """Check that a fractional segment has the part of each voxel that it holds."""
    parts = read_segment(content, number=number)
    of_segment = [
        frame
        for frame, group in zip(
            pixels, whole.PerFrameFunctionalGroupsSequence, strict=True
        )
        if group.SegmentIdentificationSequence[0].ReferencedSegmentNumber == number
        and frame.any()
    ]
    most = int(whole.MaximumFractionalValue)
    wanted = np.array(of_segment) / most
    np.testing.assert_allclose(parts / 255, wanted, atol=0.5 / 255)
    np.testing.assert_array_equal(parts >= 128, wanted >= 0.5)


@pytest.mark.real_data
@real_data
def test_a_compressed_mask_is_the_mask_that_was_not_compressed():
    plain = read_segment(content_of(SMALL / "pydicom_data/liver.dcm"), number=1)
    for name in ("liver_rle.dcm", "liver_deflate.dcm", "liver_j2k.dcm"):
        packed = read_segment(content_of(SMALL / "pydicom_data" / name), number=1)
        np.testing.assert_array_equal(packed, plain)
    odd = read_segment(
        content_of(SMALL / "pydicom_data/liver_nonbyte_aligned_rle.dcm"), number=1
    )
    same = read_segment(
        content_of(SMALL / "pydicom_data/liver_nonbyte_aligned.dcm"), number=1
    )
    np.testing.assert_array_equal(odd, same)


@pytest.mark.real_data
@real_data
def test_a_mask_says_which_images_it_lies_on_and_how_large_it_is():
    content = content_of(SMALL / "dcmqi/segmentations/24x38x3/seg/label.seg")
    [item] = read_foreign(content).items
    segment = item.segment
    assert segment is not None
    images = {
        dataset.SOPInstanceUID: dataset
        for path in (SMALL / "dcmqi/segmentations/24x38x3/image").iterdir()
        for dataset in [pydicom.dcmread(path)]
    }
    for frame in segment.frames:
        image = images[frame.sop_uid]
        np.testing.assert_allclose(frame.origin, image.ImagePositionPatient, atol=1e-3)
        cosines = [*frame.row, *frame.column]
        np.testing.assert_allclose(cosines, image.ImageOrientationPatient, atol=1e-6)
    image = next(iter(images.values()))
    spacings = sorted(d.ImagePositionPatient[2] for d in images.values())
    voxel = np.prod(image.PixelSpacing) * (spacings[1] - spacings[0])
    count = int(read_segment(content, number=1).sum())
    assert segment.volume_ml == pytest.approx(count * voxel / 1000, rel=1e-3)


@pytest.mark.real_data
@real_data
def test_what_was_cut_short_shows_what_is_there_and_says_so():
    found = read_foreign(content_of(SMALL / "pydicom_test_files/liver_1frame.dcm"))
    assert found.trouble == ""
    assert found.notes == ("It describes 3 frames and has 1.",)
    assert len(found.items[0].segment.frames) == 1


@pytest.mark.real_data
@real_data
def test_structures_keep_contours_colours_and_frame_of_reference():
    content = content_of(SMALL / "dicompyler_rt/rtss.dcm")
    found = read_foreign(content)
    whole = pydicom.dcmread(io.BytesIO(content))
    assert len(found.items) == len(whole.StructureSetROISequence) == 10
    contours = {c.ReferencedROINumber: c for c in whole.ROIContourSequence}
    for item, region in zip(found.items, whole.StructureSetROISequence, strict=True):
        theirs = contours[region.ROINumber]
        wanted = list(theirs.get("ContourSequence") or ())
        assert item.label.display == region.ROIName
        assert item.colour == "#{:02x}{:02x}{:02x}".format(*theirs.ROIDisplayColor)
        assert len(item.marks) == len(wanted)
        for mark, contour in zip(item.marks, wanted, strict=True):
            points = np.array(contour.ContourData, dtype=float).reshape(-1, 3)
            np.testing.assert_allclose(mark.points[: len(points)], points)
            assert mark.points[0] == mark.points[-1]
            assert mark.frame_of_reference_uid == region.ReferencedFrameOfReferenceUID
            image = contour.ContourImageSequence[0]
            assert mark.sop_uid == image.ReferencedSOPInstanceUID


# --- presentation states, which the examples lack


def film() -> Dataset:
    pixels = np.zeros((200, 300), dtype=np.uint16)
    dataset = make_dx(pixels, patient_name="T", patient_id="T", age="040Y")
    return pydicom.dcmread(io.BytesIO(to_bytes(dataset)))


def state_of(image: Dataset, **more) -> Dataset:
    layer = hd.pr.GraphicLayer("NOTE", 1)
    annotation = hd.pr.GraphicAnnotation(
        referenced_images=[image],
        graphic_layer=layer,
        graphic_objects=[
            hd.pr.GraphicObject(
                graphic_type="CIRCLE",
                graphic_data=np.array([[100.0, 50.0], [110.0, 50.0]]),
                units="PIXEL",
            ),
            hd.pr.GraphicObject(
                graphic_type="POLYLINE",
                graphic_data=np.array([[0.25, 0.5], [0.75, 1.0]]),
                units="DISPLAY",
            ),
        ],
        text_objects=[
            hd.pr.TextObject(
                text_value="look here",
                anchor_point=(40.0, 60.0),
                units="PIXEL",
            )
        ],
    )
    return hd.pr.GrayscaleSoftcopyPresentationState(
        referenced_images=[image],
        graphic_layers=[layer],
        series_instance_uid=hd.UID(),
        series_number=1,
        sop_instance_uid=hd.UID(),
        instance_number=1,
        manufacturer="Other",
        manufacturer_model_name="PACS",
        software_versions="1",
        device_serial_number="1",
        content_label="MARKED",
        graphic_annotations=[annotation],
        voi_lut_transformations=[
            hd.pr.SoftcopyVOILUTTransformation(window_center=40.0, window_width=400.0)
        ],
        **more,
    )


def bytes_of(dataset: Dataset) -> bytes:
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def test_a_presentation_state_gives_graphics_words_window_and_area():
    image = film()
    state = state_of(image)
    area = state.DisplayedAreaSelectionSequence[0]
    area.DisplayedAreaTopLeftHandCorner = [51, 21]
    area.DisplayedAreaBottomRightHandCorner = [250, 120]
    found = read_foreign(bytes_of(state))
    assert (found.kind, found.trouble) == ("gsps", "")
    [item] = found.items
    circle, line, words = item.marks
    assert circle.points == ((90, 50), (110, 50), (100, 40), (100, 60))
    # A quarter of the way from column 50 to 250, half of the way from row 20 to 120.
    assert line.points == ((100, 70), (200, 120))
    assert (words.text, words.points) == ("look here", ((40, 60),))
    assert {mark.sop_uid for mark in item.marks} == {image.SOPInstanceUID}
    [shown] = found.presentations
    assert shown.window == (40, 400)
    assert shown.area == ((50, 20), (250, 120))
    assert (shown.rotation, shown.flip, shown.inverse) == (0, False, False)
    assert shown.images == ((image.SOPInstanceUID, 0),)


def test_a_turned_presentation_places_fractions_of_the_screen():
    image = film()
    state = state_of(image)
    state.ImageRotation, state.ImageHorizontalFlip = 90, "N"
    state.PresentationLUTShape = "INVERSE"
    # Turned clockwise by a quarter, the image's lower left is the screen's upper left.
    area = state.DisplayedAreaSelectionSequence[0]
    area.DisplayedAreaTopLeftHandCorner = [1, 200]
    area.DisplayedAreaBottomRightHandCorner = [300, 1]
    found = read_foreign(bytes_of(state))
    _, line, _ = found.items[0].marks
    # To the right on the screen is up in the image, down is to the right.
    assert line.points == ((150, 150), (300, 50))
    [shown] = found.presentations
    assert (shown.rotation, shown.inverse) == (90, True)


# --- broken ones


@pytest.mark.real_data
@real_data
@pytest.mark.parametrize(
    "path",
    [
        "ct_chest_nlst_143/SR_059961648991",
        "dicom_small/highdicom/seg_image_ct_binary_overlap.dcm",
        "dicom_small/pydicom_test_files/rtstruct.dcm",
        "dicom_small/dcmqi/segmentations/24x38x3/seg/label.seg",
    ],
)
def test_a_broken_object_says_why_and_never_fails(path):
    there = SHARED / path
    content = content_of(there if there.is_file() else next(there.glob("*.dcm")))
    dice = random.Random(5)  # noqa: S311  no secret
    for _ in range(60):
        broken = bytearray(content)
        for _ in range(dice.randrange(1, 40)):
            broken[dice.randrange(132, len(broken))] = dice.randrange(256)
        found = read_foreign(bytes(broken[: dice.randrange(200, len(broken) + 1)]))
        assert found.trouble == "" or found.trouble.startswith("It could not be read")


def test_what_is_no_dicom_is_said_to_be_none():
    found = read_foreign(b"nothing of the kind")
    assert found.kind == "other"
    with pytest.raises(ForeignError):
        read_segment(b"nothing of the kind", number=1)


def test_run_lengths_end_where_they_should():
    assert unpack_bytes(bytes([2, 1, 2, 3, 254, 9]), 6) == bytes([1, 2, 3, 9, 9, 9])
    assert unpack_bytes(bytes([128, 0, 7, 0, 5]), 2) == bytes([7, 5])
    with pytest.raises(ValueError, match="too early"):
        unpack_bytes(bytes([2, 1]), 6)


# --- ours, read back by the same readers


def test_our_own_objects_come_back_identical():
    image = film()
    source = bytes_of(image)
    ref = ImageRef(
        str(image.SeriesInstanceUID), str(image.SOPClassUID), str(image.SOPInstanceUID)
    )
    shapes = {
        "box": ((10.25, 20.5), (40.0, 60.75)),
        "point": ((33.5, 44.5),),
        "ellipse": ((10.0, 50.0), (30.0, 50.0), (20.0, 45.0), (20.0, 55.0)),
        "polyline": ((1.0, 2.0), (3.5, 4.0), (9.0, 2.25)),
    }
    report = ReadingReport(
        reading_id=uuid.uuid4(),
        reader=PersonIdentity("Reader", "Rosa", "North"),
        signed_at=dt.datetime(2026, 1, 5, 10, tzinfo=dt.UTC),
        images=(ref,),
        annotations=tuple(
            ReaderAnnotation(
                tracking_uid=f"2.25.{number}",
                tracking_id=kind,
                label=CodedConcept("27925004", "SCT", "Nodule"),
                geometry=Geometry(kind, "image", points, ref),
                text=f"about the {kind}",
            )
            for number, (kind, points) in enumerate(shapes.items(), 1)
        ),
        others=(
            OthersVerdict(
                sop_uid="1.2.3.4",
                tracking_uid="1.2.3.5",
                tracking_id="3",
                label=CodedConcept("52988006", "SCT", "Lesion"),
                accepted=False,
                image=ref,
                reason=CodedConcept("ARTEFACT", "99OVERREAD", "Artefact"),
            ),
        ),
        predecessors=(
            DocumentRef(
                image.StudyInstanceUID,
                "1.2.3",
                "1.2.840.10008.5.1.4.1.1.88.34",
                "1.2.3.4",
            ),
        ),
    )
    encoded = encode_reading_report(report, source=source, software_version="1")
    assert validate_object(encoded.content).errors == ()
    found = read_foreign(encoded.content)
    assert (found.trouble, found.creator.origin) == ("", "person")
    *marked, answered = found.items
    for item, mark in zip(marked, report.annotations, strict=True):
        [shape] = item.marks
        assert shape.kind == mark.geometry.kind
        np.testing.assert_allclose(shape.points, mark.geometry.points, atol=1e-4)
        assert shape.sop_uid == ref.sop_uid
        assert (item.tracking_uid, item.tracking_id) == (
            mark.tracking_uid,
            mark.tracking_id,
        )
        assert item.label.code == "27925004"
        assert item.text == mark.text
    assert answered.tracking_uid == "1.2.3.5"
    said = {e.value.code for e in answered.evaluations}
    assert said == {"other-rejected", "ARTEFACT"}
    whole = pydicom.dcmread(io.BytesIO(encoded.content))
    [predecessor] = whole.PredecessorDocumentsSequence
    [series] = predecessor.ReferencedSeriesSequence
    assert series.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == "1.2.3.4"


def test_our_own_masks_come_back_voxel_by_voxel():
    slices = make_ct_series(n_slices=4)
    files = [to_bytes(one) for one in slices]
    mask = np.zeros((4, slices[0].Rows, slices[0].Columns), dtype=np.uint8)
    mask[1, 3:9, 5:14] = mask[2, 4:8, 6:12] = 1
    drawing = Drawing(
        finding_id=str(uuid.uuid4()),
        tracking_uid="2.25.7",
        tracking_id="Haemorrhage 1",
        label=CodedConcept("50960005", "SCT", "Haemorrhage"),
        algorithm=AlgorithmIdentity("head", "1", "ab" * 32),
        software_version="1",
    )
    encoded = encode_segmentation(drawing, mask=mask, sources=files)
    found = read_foreign(encoded.content)
    assert found.creator.origin == "ai"
    [item] = found.items
    assert item.segment is not None
    uids = [str(pydicom.dcmread(io.BytesIO(f)).SOPInstanceUID) for f in files]
    voxels = read_segment(encoded.content, number=1)
    back = np.zeros_like(mask)
    for frame, pixels in zip(item.segment.frames, voxels, strict=True):
        back[uids.index(frame.sop_uid)] = pixels
    np.testing.assert_array_equal(back, mask)
    assert item.tracking_uid == "2.25.7"
    first, second = (one.ImagePositionPatient[2] for one in slices[:2])
    voxel = np.prod(slices[0].PixelSpacing) * abs(second - first)
    assert item.segment.volume_ml == pytest.approx(mask.sum() * voxel / 1000)

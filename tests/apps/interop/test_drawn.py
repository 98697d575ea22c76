"""What readers draw as Segmentations: valid, and the same voxels when read back."""

from __future__ import annotations

import datetime as dt
import io
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import pytest

from apps.interop.dicom.drawn import (
    DrawnObject,
    DrawnSegment,
    category_of,
    encode_drawn,
    read_drawn,
)
from apps.interop.dicom.errors import EncodingError
from apps.interop.dicom.foreign.read import read_foreign, read_segment
from apps.interop.dicom.types import CodedConcept, PersonIdentity, derive_uid
from tests.apps.interop.test_pictures import SERIES, conforms
from tests.factories.dicom import make_ct_series, make_dx, to_bytes

NODULE = CodedConcept("27925004", "SCT", "Nodule")
LIVER = CodedConcept("10200004", "SCT", "Liver")
SHARED = Path(__file__).parents[4] / "shared/data"


def drawn_of(*numbers, method=""):
    labels = [NODULE, LIVER, CodedConcept("mine", "99OVERREAD", "Something")]
    return DrawnObject(
        sop_uid=derive_uid("s", "drawn"),
        series_uid=derive_uid("s", "drawn-series"),
        segments=tuple(
            DrawnSegment(
                number=number,
                label=labels[at % 3],
                tracking_uid=f"2.25.{number}",
                tracking_id=f"Segment {number}",
                colour="#e01b24",
                method=method,
            )
            for at, number in enumerate(numbers)
        ),
        creator=PersonIdentity("Reader", "Rosa", "North"),
        made_at=dt.datetime(2026, 1, 5, 10, tzinfo=dt.UTC),
        software_version="1",
    )


def random_maps(shape, *numbers, seed=1):
    choices = np.array([0, 0, 0, *numbers], dtype=np.uint8)
    return np.random.default_rng(seed).choice(choices, shape)


@pytest.mark.parametrize("name", SERIES)
def test_several_segments_come_back_voxel_by_voxel(name):
    sources = SERIES[name]
    maps = random_maps((6, 64, 64), 2, 5, 255)
    maps[3] = 0
    encoded = encode_drawn(drawn_of(2, 5, 255), maps=maps, sources=sources)
    conforms(encoded.content, sources[0])
    back = read_drawn(encoded.content)
    uids = [str(pydicom.dcmread(io.BytesIO(s)).SOPInstanceUID) for s in sources]
    assert set(back) == {f"{uid}#1" for n, uid in enumerate(uids) if n != 3}
    for uid, voxels in zip(uids, maps, strict=True):
        if f"{uid}#1" in back:
            wanted = np.select([voxels == n for n in (2, 5, 255)], [1, 2, 3])
            assert np.array_equal(back[f"{uid}#1"], wanted)


def test_highdicom_and_our_reader_of_foreign_objects_find_the_same():
    sources = SERIES["oblique, not square"]
    maps = random_maps((6, 64, 64), 1, 2)
    encoded = encode_drawn(drawn_of(1, 2), maps=maps, sources=sources)
    theirs = hd.seg.segread(io.BytesIO(encoded.content))
    uids = [str(pydicom.dcmread(io.BytesIO(s)).SOPInstanceUID) for s in sources]
    stacked = theirs.get_pixels_by_source_instance(uids, combine_segments=True)
    assert np.array_equal(stacked, maps)
    found = read_foreign(encoded.content)
    assert [item.tracking_uid for item in found.items] == ["2.25.1", "2.25.2"]
    assert found.creator.origin == "person"
    for item in found.items:
        voxels = read_segment(encoded.content, number=item.segment.number)
        for place, frame in zip(item.segment.frames, voxels, strict=True):
            wanted = maps[uids.index(place.sop_uid)] == item.segment.number
            assert np.array_equal(frame, wanted)
        shown = [int(item.colour[at : at + 2], 16) for at in (1, 3, 5)]
        assert np.abs(np.array(shown) - [0xE0, 0x1B, 0x24]).max() <= 5


def test_what_drew_is_said():
    sources = SERIES["axial"]
    maps = random_maps((6, 64, 64), 1)
    by_hand = encode_drawn(drawn_of(1), maps=maps, sources=sources)
    helped = encode_drawn(
        drawn_of(1, method="Interpolation"), maps=maps, sources=sources
    )
    conforms(helped.content, sources[0])
    for encoded, kind in ((by_hand, "MANUAL"), (helped, "SEMIAUTOMATIC")):
        document = pydicom.dcmread(io.BytesIO(encoded.content))
        assert document.SegmentSequence[0].SegmentAlgorithmType == kind
        assert document.ContentCreatorName == "Reader^Rosa"
        assert document.SeriesDescription == "Signed segmentation"


def test_a_category_is_dicoms_own():
    assert category_of(LIVER).meaning == "Anatomical Structure"
    assert category_of(NODULE).meaning == "Morphologically Abnormal Structure"
    blood = CodedConcept("87612001", "SCT", "Blood")
    assert category_of(blood).meaning == "Tissue"


def test_a_film():
    film = to_bytes(make_dx(np.zeros((40, 30), np.uint8)))
    maps = random_maps((1, 40, 30), 1, 3)
    encoded = encode_drawn(drawn_of(1, 3), maps=maps, sources=[film])
    conforms(encoded.content, film)
    [back] = read_drawn(encoded.content).values()
    assert np.array_equal(back, np.select([maps[0] == 1, maps[0] == 3], [1, 2]))


WITH_FRAMES = [
    "dcm_qa_enh/Siemens/XA10/6_1.dcm",
    "dcmqi/segmentations/23x38x3/multiframe/mf.dcm",
]


@pytest.mark.parametrize("name", WITH_FRAMES)
def test_frames_of_one_image(name):
    path = SHARED / "dicom_small" / name
    if not path.exists():
        pytest.skip("needs the shared examples")
    content = path.read_bytes()
    header = pydicom.dcmread(io.BytesIO(content), stop_before_pixels=True)
    shape = (int(header.NumberOfFrames), header.Rows, header.Columns)
    maps = np.zeros(shape, dtype=np.uint8)
    maps[1] = random_maps(shape[1:], 1, 2)
    encoded = encode_drawn(drawn_of(1, 2), maps=maps, sources=[content])
    conforms(encoded.content)
    back = read_drawn(encoded.content)
    assert list(back) == [f"{header.SOPInstanceUID}#2"]
    assert np.array_equal(back[f"{header.SOPInstanceUID}#2"], maps[1])


def test_a_frame_of_a_loop_that_lies_nowhere():
    path = SHARED / "dicom_small/pydicom_test_files/examples_ybr_color.dcm"
    if not path.exists():
        pytest.skip("needs the shared examples")
    content = path.read_bytes()
    header = pydicom.dcmread(io.BytesIO(content), stop_before_pixels=True)
    maps = random_maps((1, header.Rows, header.Columns), 1, 2)
    encoded = encode_drawn(drawn_of(1, 2), maps=maps, sources=[content], frame=7)
    conforms(encoded.content)
    back = read_drawn(encoded.content)
    assert list(back) == [f"{header.SOPInstanceUID}#7"]
    assert np.array_equal(back[f"{header.SOPInstanceUID}#7"], maps[0])
    [item, _] = read_foreign(encoded.content).items
    assert {(f.sop_uid, f.frame) for f in item.segment.frames} == {
        (header.SOPInstanceUID, 7)
    }
    with pytest.raises(EncodingError, match="no such frame"):
        encode_drawn(drawn_of(1, 2), maps=maps, sources=[content], frame=99)


def test_what_does_not_fit_is_refused():
    sources = SERIES["axial"]
    maps = random_maps((6, 64, 64), 1, 2)
    with pytest.raises(EncodingError, match="size of their images"):
        encode_drawn(drawn_of(1, 2), maps=maps[:, :9], sources=sources)
    with pytest.raises(EncodingError, match="other segments"):
        encode_drawn(drawn_of(1), maps=maps, sources=sources)
    with pytest.raises(EncodingError, match="other segments"):
        encode_drawn(drawn_of(1, 2, 3), maps=maps, sources=sources)


def test_a_series_with_irregular_spacing():
    slices = make_ct_series(n_slices=5)
    for dataset, height in zip(slices, (0.0, 2.0, 5.0, 5.5, 11.0), strict=True):
        dataset.ImagePositionPatient[2] = height
    sources = [to_bytes(one) for one in slices]
    maps = random_maps((5, 64, 64), 1)
    encoded = encode_drawn(drawn_of(1), maps=maps, sources=sources)
    conforms(encoded.content, sources[0])
    uids = [one.SOPInstanceUID for one in slices]
    for key, voxels in read_drawn(encoded.content).items():
        assert np.array_equal(voxels, maps[uids.index(key.split("#")[0])])

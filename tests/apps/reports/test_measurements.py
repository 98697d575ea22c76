"""What is signed and leaves is measured here, whatever a browser says."""

from __future__ import annotations

import io
import json
import uuid

import numpy as np
import pydicom
import pytest

from apps.accounts.models import Role
from apps.accounts.types import SYSTEM
from apps.annotations.models import Annotation, Reading
from apps.reports.services import export_reading
from apps.workflow import flow
from apps.worklist.models import WorkItem
from apps.worklist.services import lease_item
from tests.factories.domain import actor_for, client_for, make_film
from workers.measures.marks import Spacing, region_statistics

pytestmark = pytest.mark.django_db

SIDE = 64
SPACING = (0.4, 0.25)
PIXELS = np.random.default_rng(3).integers(0, 4000, (SIDE, SIDE)).astype(np.uint16)


@pytest.fixture
def item(department, archive, broker):
    film = make_film(
        Rows=SIDE,
        Columns=SIDE,
        PixelData=PIXELS.tobytes(),
        ImagerPixelSpacing=list(SPACING),
    )
    archive.c_store(film, called="NORTH")
    archive.settle()
    flow.take_arrivals()
    item = WorkItem.objects.get()
    lease_item(actor=actor_for(department.reader), item_id=item.id)
    item.refresh_from_db()
    return item


@pytest.fixture
def sop(item):
    return item.case.revision.instances.get().sop_uid


def _mark(sop, kind, points, *values, calibration=None):
    return {
        "id": str(uuid.uuid4()),
        "tracking_uid": f"2.25.{uuid.uuid4().int}",
        "label": {"scheme": "99OVERREAD", "code": "measurement", "display": "M"},
        "geometry": {
            "kind": kind,
            "space": "image",
            "sop_uid": sop,
            "frame": 1,
            "frame_of_reference_uid": None,
            "points": points,
        },
        "text": "",
        "missed_by_ai": False,
        "measured": {
            "scale": "patient",
            "calibration_mm": calibration,
            "values": [
                {"scheme": "SCT", "code": code, "display": "", "value": 1, "unit": unit}
                for code, unit in values
            ],
        },
    }


LENGTH = ("410668003", "mm")
AREA = ("42798000", "mm2")
MEAN = ("373098007", "1")
DEVIATION = ("386136009", "1")


def _sign(department, item, *marks):
    return client_for(department.reader).post(
        f"/api/worklist/items/{item.id}/sign",
        data=json.dumps({"content": {"annotations": list(marks)}}),
        content_type="application/json",
        headers={"If-Match": f'"{item.reading.version}"'},
    )


def _said(name):
    (row,) = Annotation.objects.filter(geometry__kind=name)
    return row.measured


def _groups(archive):
    row = export_reading(actor=SYSTEM, reading_id=Reading.objects.get().id)
    assert (row.state, row.problems) == ("stored", "")
    report = pydicom.dcmread(io.BytesIO(archive.files[row.archive_id].content))
    (held,) = (
        one
        for one in report.ContentSequence
        if one.ConceptNameCodeSequence[0].CodeValue == "126010"
    )
    return list(held.ContentSequence)


def _numbers(group):
    return {
        one.ConceptNameCodeSequence[0].CodeMeaning: (
            float(one.MeasuredValueSequence[0].NumericValue),
            one.MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0].CodeValue,
        )
        for one in group.ContentSequence
        if one.ValueType == "NUM"
    }


def test_what_the_browser_says_is_computed_anew(department, archive, item, sop):
    ellipse = [[10, 30], [50, 30], [30, 20], [30, 40]]
    answer = _sign(
        department,
        item,
        _mark(sop, "length", [[0, 0], [12, 0]], LENGTH),
        _mark(sop, "ellipse", ellipse, AREA, MEAN, DEVIATION),
    )
    assert answer.status_code == 200, answer.content
    length = _said("length")
    assert length["scale"] == "detector"
    assert [v["value"] for v in length["values"]] == [12 * 0.25]
    area = np.pi * (20 * 0.25) * (10 * 0.4)
    assert _said("ellipse")["values"][0]["value"] == pytest.approx(area, abs=1e-4)
    shown = answer.json()["reading"]["content"]["annotations"]
    assert shown[0]["measured"]["values"][0]["value"] == 3.0

    found = region_statistics(
        kind="ellipse", points=ellipse, spacing=Spacing(*SPACING), values=PIXELS
    )
    assert found is not None
    numbers = [_numbers(group) for group in _groups(archive)]
    assert {"Length": (3.0, "mm")} in numbers
    assert {
        "Area": (pytest.approx(area, abs=1e-4), "mm2"),
        "Mean": (pytest.approx(found.mean, abs=1e-3), "1"),
        "Standard Deviation": (pytest.approx(found.deviation, abs=1e-3), "1"),
    } in numbers


def test_a_known_length_scales_its_image(department, archive, item, sop):
    answer = _sign(
        department,
        item,
        _mark(sop, "length", [[0, 10], [40, 10]], LENGTH, calibration=5),
        _mark(sop, "angle", [[0, 0], [10, 0], [10, 10]]),
        _mark(sop, "bidirectional", [[0, 0], [40, 0], [20, 0], [20, 20]]),
    )
    assert answer.status_code == 200, answer.content
    known = _said("length")
    assert (known["scale"], known["values"][0]["value"]) == ("calibrated", 5)
    axes = _said("bidirectional")
    # 5 mm over 40 columns; rows lie 1.6 times as far apart as columns.
    assert [v["value"] for v in axes["values"]] == [5, 20 * 0.125 * 1.6]
    assert _said("angle")["values"][0]["value"] == 90


@pytest.mark.parametrize(
    ("points", "why"),
    [
        ([[0, 0], [65, 3]], "outside the image of 64 × 64 pixels"),
        ([[0, 0], [0, 0]], "are one"),
    ],
)
def test_a_mark_off_its_image_is_not_signed(department, item, sop, points, why):
    answer = _sign(department, item, _mark(sop, "length", points, LENGTH))
    assert answer.status_code == 400
    assert why in answer.json()["detail"]
    assert "annotations[0].geometry" in answer.json()["field"]


def test_an_archive_that_is_away_keeps_nobody_from_signing(
    department, archive, item, sop
):
    archive.down = True
    answer = _sign(department, item, _mark(sop, "length", [[0, 0], [8, 0]], LENGTH))
    assert answer.status_code == 200, answer.content
    archive.down = False
    assert [_numbers(group) for group in _groups(archive)] == [{"Length": (2.0, "mm")}]


def test_a_colleague_sees_what_was_signed_and_not_before(department, item, sop):
    study = item.case.revision.study_id
    other = client_for(department.person(Role.RADIOLOGIST))
    hidden = other.get(f"/api/studies/{study}/marks").json()
    assert hidden["items"] == []
    assert "still reads" in hidden["hidden_reason"]
    missed = {
        **_mark(sop, "length", [[0, 0], [4, 0]], LENGTH),
        "missed_by_ai": True,
    }
    mine = _mark(sop, "length", [[0, 0], [12, 0]], LENGTH)
    assert _sign(department, item, mine, missed).status_code == 200
    shown = other.get(f"/api/studies/{study}/marks").json()
    assert shown["hidden_reason"] == ""
    (mark,) = shown["items"]
    assert mark["id"] == mine["id"]
    assert mark["geometry"]["points"] == [[0, 0], [12, 0]]
    assert mark["measured"]["values"][0]["value"] == 3.0
    assert mark["signed_by"]

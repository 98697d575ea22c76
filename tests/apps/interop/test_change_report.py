"""The report of what became of lesions: valid, and one lesion at two time points."""

from __future__ import annotations

import datetime as dt
import io
import uuid
from dataclasses import replace

import pydicom
import pytest
from highdicom.sr import srread
from pydicom.sr.coding import Code

from apps.interop.dicom.change_types import (
    ChangedLesion,
    ChangeReport,
    ComparedStudy,
    LesionSide,
)
from apps.interop.dicom.errors import EncodingError
from apps.interop.dicom.sr_change import encode_change_report
from apps.interop.dicom.types import (
    AlgorithmIdentity,
    CodedConcept,
    DocumentRef,
    ImageRef,
    SegmentRef,
)
from apps.interop.dicom.validate import validate_against_images, validate_object
from tests.fakes.dicom_files import DX_PRESENTATION, make_dx

SEG = "1.2.840.10008.5.1.4.1.1.66.4"
SR = "1.2.840.10008.5.1.4.1.1.88.34"
BLEED = CodedConcept("1386000", "SCT", "Intracranial haemorrhage")
MODEL = AlgorithmIdentity("bleeds", "2", "ab" * 32)
OLDER = AlgorithmIdentity("bleeds", "1", "cd" * 32)
ZONE = dt.timezone(dt.timedelta(hours=1))
SOURCE = make_dx(study_uid="1.2.60", series_uid="1.2.61", sop_uid="1.2.62")
HERE = ImageRef("1.2.61", DX_PRESENTATION, "1.2.62")
THERE = ImageRef("1.2.51", DX_PRESENTATION, "1.2.52", study_uid="1.2.50")
NOW = LesionSide(
    image=HERE,
    volume_ml=11.4,
    diameter_mm=31.0,
    finding_uid="2.25.7",
    segment=SegmentRef(ImageRef("1.2.63", SEG, "1.2.64"), "1.2.61"),
)
THEN = LesionSide(image=THERE, volume_ml=3.2, diameter_mm=20.0, finding_uid="2.25.6")
GROWN = ChangedLesion(
    tracking_uid="2.25.99",
    tracking_id="Intracranial haemorrhage, lesion",
    label=BLEED,
    kind="grown",
    now=NOW,
    then=THEN,
    percent=256.25,
    percent_range=(167.9, 373.8),
    doubling_days=21.8,
    rule="A change counts from 33% and 0.5 ml on: a setting.",
)
NEW = replace(
    GROWN,
    tracking_uid="2.25.98",
    kind="new",
    then=LesionSide(image=THERE),
    percent=None,
    percent_range=None,
    doubling_days=None,
)
GONE = replace(
    NEW,
    tracking_uid="2.25.97",
    kind="resolved",
    now=LesionSide(image=HERE),
    then=THEN,
    percent=-100.0,
)


def report(*lesions: ChangedLesion) -> ChangeReport:
    return ChangeReport(
        comparison_id=uuid.UUID("33333333-3333-4333-8333-333333333333"),
        created_at=dt.datetime(2026, 4, 11, 9, 20, tzinfo=ZONE),
        now=ComparedStudy(
            study_uid="1.2.60",
            study_date=dt.date(2026, 4, 11),
            algorithm=MODEL,
            report=DocumentRef("1.2.60", "1.2.65", SR, "1.2.66"),
        ),
        then=ComparedStudy(
            study_uid="1.2.50",
            study_date=dt.date(2026, 3, 2),
            algorithm=OLDER,
            report=DocumentRef("1.2.50", "1.2.55", SR, "1.2.56"),
        ),
        images=(HERE,),
        lesions=lesions,
        registration="By a rigid movement; there and back it misses by 0.1 mm.",
    )


def encode(*lesions):
    return encode_change_report(
        report(*lesions), source=SOURCE, software_version="0.1.0"
    )


def groups(document):
    [measured] = [
        one
        for one in document.ContentSequence
        if one.ConceptNameCodeSequence[0].CodeValue == "126010"
    ]
    return list(measured.ContentSequence)


def said(group):
    """What a group says, by code."""
    found = {}
    for item in group.ContentSequence:
        code = item.ConceptNameCodeSequence[0].CodeValue
        if item.ValueType == "NUM":
            found[code] = float(item.MeasuredValueSequence[0].NumericValue)
        elif item.ValueType == "CODE":
            found[code] = item.ConceptCodeSequence[0].CodeValue
        elif item.ValueType == "UIDREF":
            found[code] = str(item.UID)
        elif item.ValueType == "IMAGE":
            found[code] = str(item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID)
        elif item.ValueType == "TEXT":
            found[code] = str(item.TextValue)
    return found


@pytest.mark.parametrize(
    "lesions", [(GROWN,), (NEW, GONE, GROWN), ()], ids=["grown", "three", "none"]
)
def test_validators_find_nothing(lesions):
    encoded = encode(*lesions)
    assert validate_object(encoded.content).words == ""
    assert validate_against_images(encoded.content, images=[SOURCE]).words == ""
    assert encode(*lesions).content == encoded.content, "again the same bytes"


def test_a_lesion_has_a_group_at_each_time_point():
    document = pydicom.dcmread(io.BytesIO(encode(GROWN).content))
    assert document.StudyInstanceUID == "1.2.60"
    assert (document.VerificationFlag, document.PreliminaryFlag) == (
        "UNVERIFIED",
        "PRELIMINARY",
    )
    then, now = (said(group) for group in groups(document))
    assert then["112040"] == now["112040"] == "2.25.99"
    assert (then["C2348792"], now["C2348792"]) == ("2026-03-02", "2026-04-11")
    assert (then["126073"], now["126073"]) == (1, 2)
    assert (then["118565006"], now["118565006"]) == (3.2, 11.4)
    assert (then["103339001"], now["103339001"]) == (20.0, 31.0)
    assert (then["111003"], now["111003"]) == ("1", "2"), "each study's own model"
    assert (then["part-of-finding"], now["part-of-finding"]) == ("2.25.6", "2.25.7")
    assert now["lesion-change"] == "grown"
    assert now["volume-change"] == 256.25
    assert (now["volume-change-lo"], now["volume-change-hi"]) == (167.9, 373.8)
    assert now["doubling-time"] == 21.8
    assert "33%" in now["121106"]
    assert "volume-change" not in then


def test_what_is_new_was_absent_and_what_is_gone_is():
    document = pydicom.dcmread(io.BytesIO(encode(NEW, GONE).content))
    was, new, before, gone = (said(group) for group in groups(document))
    present, absent = "52101004", "272519000"
    assert [one["121052"] for one in (was, new, before, gone)] == [
        absent,
        present,
        present,
        absent,
    ]
    assert (new["lesion-change"], gone["lesion-change"]) == ("new", "resolved")
    assert "118565006" not in was
    assert gone["volume-change"] == -100.0
    assert "volume-change" not in new


def test_both_studies_reports_and_images_are_named():
    document = pydicom.dcmread(io.BytesIO(encode(GROWN).content))
    before = {
        (one.StudyInstanceUID, str(sop.ReferencedSOPInstanceUID))
        for one in document.PredecessorDocumentsSequence
        for series in one.ReferencedSeriesSequence
        for sop in series.ReferencedSOPSequence
    }
    assert before == {("1.2.60", "1.2.66"), ("1.2.50", "1.2.56")}
    [here] = document.CurrentRequestedProcedureEvidenceSequence
    [there] = document.PertinentOtherEvidenceSequence
    assert (here.StudyInstanceUID, there.StudyInstanceUID) == ("1.2.60", "1.2.50")


def test_highdicom_reads_it_back():
    read = srread(io.BytesIO(encode(GROWN).content))
    [now] = read.content.get_volumetric_roi_measurement_groups(tracking_uid="2.25.99")
    [volume] = now.get_measurements(Code("118565006", "SCT", "Volume"))
    assert volume.value == 11.4


def test_half_a_measurement_is_refused():
    with pytest.raises(EncodingError, match="neither"):
        LesionSide(image=HERE, volume_ml=1.0)
    with pytest.raises(EncodingError, match="one of the two"):
        replace(GROWN, now=None, then=None)

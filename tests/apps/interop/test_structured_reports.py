"""Our structured reports: valid, re-read by others, and pointing at each other."""

import datetime as dt
import io
import uuid
from dataclasses import replace

import numpy as np
import pydicom
import pytest
from highdicom.sr import Comprehensive3DSR, srread
from pydicom.sr.coding import Code

from apps.interop.dicom.errors import EncodingError
from apps.interop.dicom.sr_ai import encode_ai_report
from apps.interop.dicom.sr_reading import encode_reading_report
from apps.interop.dicom.types import (
    AiFinding,
    AiReport,
    AlgorithmIdentity,
    CodedConcept,
    DocumentRef,
    Geometry,
    ImageRef,
    MarkMeasurement,
    PersonIdentity,
    ReaderAnnotation,
    ReadingReport,
    UnaidedRead,
    Verdict,
    derive_uid,
)
from apps.interop.dicom.validate import validate_against_images, validate_object
from tests.fakes.dicom_files import DX_PRESENTATION, make_dx

PNEUMONIA = CodedConcept("233604007", "SCT", "Pneumonia")
LUNG = CodedConcept("39607008", "SCT", "Lung structure")
SKIN_FOLD = CodedConcept("artefact", "99OVERREAD", "Artefact")
SITE_TIME = dt.timezone(dt.timedelta(hours=1))
RUN = uuid.UUID("11111111-1111-4111-8111-111111111111")
READING = uuid.UUID("22222222-2222-4222-8222-222222222222")
MODEL = AlgorithmIdentity("paediatric-pneumonia", "1.2.0", "ab" * 32)
READER = PersonIdentity("Änderson", "Zoë", "Children's Hospital")

FILM = make_dx(study_uid="1.2.60", series_uid="1.2.61", sop_uid="1.2.62")
IMAGE = ImageRef("1.2.61", DX_PRESENTATION, "1.2.62", frame=1)
BOX = Geometry("box", "image", ((40.0, 30.0), (10.5, 12.0)), IMAGE)
FINDING = AiFinding(
    tracking_uid=derive_uid(RUN, "finding-0"),
    tracking_id="Pneumonia 1",
    label=PNEUMONIA,
    probability=0.91312345678,
    threshold=0.42,
    positive=True,
    geometry=BOX,
    site=LUNG,
)
AI = AiReport(
    run_id=RUN,
    algorithm=MODEL,
    created_at=dt.datetime(2026, 1, 5, 9, 20, 30, tzinfo=SITE_TIME),
    images=(IMAGE,),
    findings=(FINDING,),
)


def encode_ai(report=AI, source=FILM):
    return encode_ai_report(report, source=source, software_version="0.1.0")


def reading(**changes):
    base = ReadingReport(
        reading_id=READING,
        reader=READER,
        signed_at=dt.datetime(2026, 1, 5, 10, 0, 0, tzinfo=SITE_TIME),
        images=(IMAGE,),
        verdicts=(Verdict(FINDING, "accept"),),
        impression="Left lower lobe pneumonia.",
        predecessors=(encode_ai().reference,),
    )
    return replace(base, **changes)


def encode_reading(report, source=FILM):
    return encode_reading_report(report, source=source, software_version="0.1.0")


def reread(encoded) -> Comprehensive3DSR:
    return srread(io.BytesIO(encoded.content))


def items(container, name=None, value_type=None):
    """Content items below one item, by the code of their name."""
    return [
        item
        for item in container.ContentSequence
        if (name is None or code_of(item.ConceptNameCodeSequence) == name)
        and (value_type is None or item.ValueType == value_type)
    ]


def code_of(sequence):
    return sequence[0].CodeValue, sequence[0].CodingSchemeDesignator


def value_of(item):
    return code_of(item.ConceptCodeSequence)


def groups(document):
    (measurements,) = items(document, ("126010", "DCM"))
    return items(measurements, ("125007", "DCM"))


def evaluations(container):
    return {
        code_of(i.ConceptNameCodeSequence): value_of(i)
        for i in items(container, value_type="CODE")
        if i.RelationshipType == "CONTAINS"
    }


def template(item):
    return item.ContentTemplateSequence[0].TemplateIdentifier


def assert_valid(encoded, *others):
    report = validate_object(encoded.content)
    assert report.words == ""
    entity = validate_against_images(encoded.content, images=[FILM, *others])
    assert entity.words == ""


# ---------------------------------------------------------------- the AI's object


def test_ai_finding_is_valid_and_says_what_it_is():
    encoded = encode_ai()
    assert_valid(encoded)
    document = reread(encoded)

    assert document.SOPClassUID == "1.2.840.10008.5.1.4.1.1.88.34"
    assert (document.CompletionFlag, document.VerificationFlag) == (
        "COMPLETE",
        "UNVERIFIED",
    )
    assert document.PreliminaryFlag == "PRELIMINARY"
    assert document.SeriesDescription == "AI result, requires review"
    assert (document.Manufacturer, document.SoftwareVersions) == ("Overread", "0.1.0")
    assert document.ManufacturerModelName == "Overread"
    assert document.StudyInstanceUID == "1.2.60"
    assert str(document.PatientName) == "Müller^Zoë"
    assert document.PatientID == "P-1"
    assert document.PatientBirthDate == "20230214"
    assert document.AccessionNumber == "A-4711"
    assert document.IssuerOfPatientID == "CITY"
    assert (document.ContentDate, document.ContentTime) == ("20260105", "092030")
    assert template(document) == "1500"
    assert code_of(document.ConceptNameCodeSequence) == ("126000", "DCM")


def test_ai_content_tree():
    document = reread(encode_ai())

    (language,) = items(document, ("121049", "DCM"))
    assert value_of(language) == ("en-US", "RFC5646")
    (observer,) = items(document, ("121005", "DCM"))
    assert value_of(observer) == ("121007", "DCM")
    (device,) = items(document, ("121012", "DCM"))
    assert MODEL.observer_uid == device.UID
    (name,) = items(document, ("121013", "DCM"))
    assert "paediatric-pneumonia" in name.TextValue
    (model,) = items(document, ("121015", "DCM"))
    assert model.TextValue == "paediatric-pneumonia 1.2.0"
    (procedure,) = items(document, ("121058", "DCM"))
    assert value_of(procedure) == ("363679005", "SCT")

    (group,) = groups(document)
    assert template(group) == "1410"
    assert [i.TextValue for i in items(group, ("112039", "DCM"))] == ["Pneumonia 1"]
    assert [i.UID for i in items(group, ("112040", "DCM"))] == [FINDING.tracking_uid]
    (finding,) = items(group, ("121071", "DCM"))
    assert value_of(finding) == ("233604007", "SCT")
    (site,) = items(group, ("363698007", "SCT"))
    assert value_of(site) == ("39607008", "SCT")
    assert [i.TextValue for i in items(group, ("111001", "DCM"))] == [MODEL.name]
    assert [i.TextValue for i in items(group, ("111003", "DCM"))] == ["1.2.0"]
    assert [i.TextValue for i in items(group, ("111002", "DCM"))] == [
        "threshold=0.42",
        "model_sha256=" + "ab" * 32,
    ]
    (probability,) = items(group, ("122157", "DCM"))
    measured = probability.MeasuredValueSequence[0]
    assert float(measured.NumericValue) == pytest.approx(0.913123)
    assert code_of(measured.MeasurementUnitsCodeSequence) == ("1", "UCUM")
    assert evaluations(group)["121052", "DCM"] == ("52101004", "SCT")

    (region,) = items(group, ("111030", "DCM"))
    assert (region.ValueType, region.GraphicType) == ("SCOORD", "POLYLINE")
    points = np.array(region.GraphicData).reshape(-1, 2).tolist()
    assert points == [[10.5, 12], [40, 12], [40, 30], [10.5, 30], [10.5, 12]]
    (source,) = region.ContentSequence
    assert source.RelationshipType == "SELECTED FROM"
    reference = source.ReferencedSOPSequence[0]
    assert reference.ReferencedSOPInstanceUID == "1.2.62"
    assert "ReferencedFrameNumber" not in reference

    (statements,) = items(document, ("C0034375", "UMLS"))
    assert evaluations(statements) == {
        ("ai-status", "99OVERREAD"): ("ai-findings", "99OVERREAD")
    }
    assert "requires review" in items(statements, value_type="TEXT")[0].TextValue
    (scheme,) = document.CodingSchemeIdentificationSequence
    assert scheme.CodingSchemeDesignator == "99OVERREAD"


def test_highdicom_reads_the_group_back():
    report = reread(encode_ai()).content

    (group,) = report.get_planar_roi_measurement_groups(
        tracking_uid=FINDING.tracking_uid
    )
    assert group.finding_type == Code("233604007", "SCT", "Pneumonia")
    assert group.roi.value.shape == (5, 2)
    (measurement,) = group.get_measurements()
    assert measurement.name == Code("122157", "DCM", "Probability")


def test_replaying_a_run_gives_the_same_file():
    assert encode_ai() == encode_ai()
    assert encode_ai().sop_uid == derive_uid(RUN, "ai-sr")
    other = encode_ai(replace(AI, run_id=uuid.uuid4()))
    assert other.sop_uid != encode_ai().sop_uid
    assert other.series_uid != encode_ai().series_uid


def test_a_finding_without_place_names_its_image():
    document_ = encode_ai(replace(AI, findings=(replace(FINDING, geometry=None),)))
    assert_valid(document_)

    (group,) = groups(reread(document_))
    assert template(group) == "1501"
    (source,) = items(group, value_type="IMAGE")
    assert source.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == "1.2.62"


def test_a_negative_result_is_an_object_too():
    negative = replace(FINDING, positive=False, probability=0.03, geometry=None)
    for report in (replace(AI, findings=(negative,)), replace(AI, findings=())):
        encoded = encode_ai(report)
        assert_valid(encoded)
        document = reread(encoded)
        (statements,) = items(document, ("C0034375", "UMLS"))
        status = evaluations(statements)["ai-status", "99OVERREAD"]
        assert status == ("ai-negative", "99OVERREAD")
    (group,) = groups(reread(encode_ai(replace(AI, findings=(negative,)))))
    assert evaluations(group)["121052", "DCM"] == ("272519000", "SCT")


def test_a_refused_input_says_why():
    reason = "The patient is older than the model's 5 years."
    encoded = encode_ai(replace(AI, findings=(), rejected_because=reason))
    assert_valid(encoded)
    document = reread(encoded)

    (statements,) = items(document, ("C0034375", "UMLS"))
    status = evaluations(statements)["ai-status", "99OVERREAD"]
    assert status == ("ai-rejected", "99OVERREAD")
    assert reason in [i.TextValue for i in items(statements, value_type="TEXT")]
    (group,) = groups(document)
    assert [i.TextValue for i in items(group, ("111001", "DCM"))] == [MODEL.name]
    assert items(group, ("121071", "DCM")) == []


def test_evidence_lists_every_image():
    other = ImageRef("1.2.61", DX_PRESENTATION, "1.2.63")
    third = ImageRef("1.2.70", DX_PRESENTATION, "1.2.71")
    marked = replace(FINDING, geometry=replace(BOX, image=third))
    encoded = encode_ai(replace(AI, images=(IMAGE, other), findings=(marked,)))
    assert_valid(encoded)

    listed = {(series, sop) for _, series, sop, _ in reread(encoded).get_evidence()}
    assert listed == {
        ("1.2.61", "1.2.62"),
        ("1.2.61", "1.2.63"),
        ("1.2.70", "1.2.71"),
    }


def test_a_frame_of_a_multiframe_image_is_named():
    loop = ImageRef("1.2.61", "1.2.840.10008.5.1.4.1.1.3.1", "1.2.62", frame=7)
    film = make_dx(
        study_uid="1.2.60",
        series_uid="1.2.61",
        sop_uid="1.2.62",
        SOPClassUID=loop.sop_class_uid,
    )
    marked = replace(FINDING, geometry=replace(BOX, image=loop))
    encoded = encode_ai(replace(AI, images=(loop,), findings=(marked,)), film)

    (group,) = groups(reread(encoded))
    (region,) = items(group, ("111030", "DCM"))
    reference = region.ContentSequence[0].ReferencedSOPSequence[0]
    assert reference.ReferencedFrameNumber == 7


@pytest.mark.parametrize(
    "attributes",
    [
        {"PatientSex": "X"},
        {"PatientBirthDate": "unknown"},
        {"PatientAge": "2 years"},
        {"StudyTime": "soon", "StudyDate": ""},
        {"PatientSize": "0", "PatientWeight": "0"},
        {"PatientIdentityRemoved": "YES"},
        {"PatientName": "Anonymous", "StudyID": "", "AccessionNumber": None},
        {"SpecificCharacterSet": "ISO 2022 IR 87", "PatientName": "Yamada^Tarou"},
        {"ReferringPhysicianName": None, "PatientBirthDate": None},
    ],
)
def test_what_is_wrong_in_the_source_is_not_carried_on(attributes):
    with pydicom.config.disable_value_validation():
        film = make_dx(
            study_uid="1.2.60", series_uid="1.2.61", sop_uid="1.2.62", **attributes
        )
    encoded = encode_ai(source=film)

    assert validate_object(encoded.content).words == ""
    assert reread(encoded).PatientID == "P-1"


def test_names_keep_their_letters():
    film = make_dx(
        study_uid="1.2.60",
        series_uid="1.2.61",
        sop_uid="1.2.62",
        SpecificCharacterSet="ISO_IR 192",
        PatientName="Yamada^Tarou=山田^太郎=やまだ^たろう",
    )
    document = reread(encode_ai(source=film))

    assert document.SpecificCharacterSet == "ISO_IR 192"
    assert str(document.PatientName) == "Yamada^Tarou=山田^太郎=やまだ^たろう"


@pytest.mark.parametrize("source", [b"", b"no dicom", make_dx(sop_uid="1.2.99")])
def test_a_source_that_is_not_the_image_is_refused(source):
    with pytest.raises(EncodingError):
        encode_ai(source=source)


@pytest.mark.parametrize(
    ("broken", "name"),
    [({"study_uid": "1.2.007"}, "Study"), ({"series_uid": "1.02.61"}, "Series")],
)
def test_an_identifier_that_breaks_the_rule_is_said_in_words(broken, name):
    named = {"study_uid": "1.2.60", "series_uid": "1.2.61", "sop_uid": "1.2.62"}
    with pydicom.config.disable_value_validation():
        source = make_dx(**{**named, **broken})
    with pytest.raises(EncodingError, match=f"{name} Instance UID breaks DICOM's rule"):
        encode_ai(source=source)


# ---------------------------------------------------------------- the reading


def test_signed_reading_is_verified_and_points_at_the_ai():
    ai = encode_ai()
    encoded = encode_reading(reading())
    assert_valid(encoded, ai.content)
    document = reread(encoded)

    assert document.VerificationFlag == "VERIFIED"
    assert (document.CompletionFlag, document.PreliminaryFlag) == ("COMPLETE", "FINAL")
    (observer,) = document.VerifyingObserverSequence
    assert str(observer.VerifyingObserverName) == "Änderson^Zoë"
    assert observer.VerifyingOrganization == "Children's Hospital"
    assert observer.VerificationDateTime == "20260105100000.000000+0100"
    (study,) = document.PredecessorDocumentsSequence
    (series,) = study.ReferencedSeriesSequence
    (predecessor,) = series.ReferencedSOPSequence
    assert study.StudyInstanceUID == "1.2.60"
    assert series.SeriesInstanceUID == ai.series_uid
    assert predecessor.ReferencedSOPInstanceUID == ai.sop_uid
    assert predecessor.ReferencedSOPClassUID == ai.sop_class_uid
    assert document.SOPInstanceUID != ai.sop_uid
    assert document.SeriesInstanceUID != ai.series_uid

    (person,) = items(document, ("121008", "DCM"))
    assert str(person.PersonName) == "Änderson^Zoë"
    (statements,) = items(document, ("C0034375", "UMLS"))
    (impression,) = items(statements, ("121073", "DCM"))
    assert impression.TextValue == "Left lower lobe pneumonia."


ACCEPTED, REJECTED, MODIFIED = (
    (value, "99OVERREAD") for value in ("accepted", "rejected", "modified")
)
PRESENT, ABSENT = ("52101004", "SCT"), ("272519000", "SCT")
NEGATIVE = replace(FINDING, positive=False, probability=0.1)


@pytest.mark.parametrize(
    ("verdict", "assessment", "presence", "template_id"),
    [
        (Verdict(FINDING, "accept"), ACCEPTED, PRESENT, "1410"),
        (Verdict(NEGATIVE, "accept"), ACCEPTED, ABSENT, "1410"),
        (Verdict(FINDING, "reject", SKIN_FOLD), REJECTED, ABSENT, "1501"),
        (Verdict(NEGATIVE, "reject", SKIN_FOLD), REJECTED, PRESENT, "1501"),
        (Verdict(FINDING, "modify", geometry=BOX), MODIFIED, PRESENT, "1410"),
    ],
)
def test_verdicts(verdict, assessment, presence, template_id):
    encoded = encode_reading(reading(verdicts=(verdict,)))
    assert_valid(encoded)

    (group,) = groups(reread(encoded))
    assert template(group) == template_id
    assert [i.UID for i in items(group, ("112040", "DCM"))] == [FINDING.tracking_uid]
    answers = evaluations(group)
    assert answers["assessment", "99OVERREAD"] == assessment
    assert answers["121052", "DCM"] == presence


def test_a_rejection_carries_its_reason():
    verdict = Verdict(FINDING, "reject", SKIN_FOLD, "Skin fold,\nnot opacity\x07")
    (group,) = groups(reread(encode_reading(reading(verdicts=(verdict,)))))

    why = evaluations(group)["assessment-why", "99OVERREAD"]
    assert why == ("artefact", "99OVERREAD")
    (comment,) = items(group, ("121106", "DCM"))
    assert comment.TextValue == "Skin fold,\nnot opacity"


def test_a_modification_carries_label_and_place():
    nodule = CodedConcept("427359005", "SCT", "Solitary pulmonary nodule")
    ellipse = Geometry("ellipse", "image", ((1, 5), (9, 5), (5, 2), (5, 8)), IMAGE)
    verdict = Verdict(FINDING, "modify", label=nodule, geometry=ellipse)
    encoded = encode_reading(reading(verdicts=(verdict,)))
    assert_valid(encoded)

    (group,) = groups(reread(encoded))
    (finding,) = items(group, ("121071", "DCM"))
    assert value_of(finding) == ("427359005", "SCT")
    (region,) = items(group, ("111030", "DCM"))
    assert region.GraphicType == "ELLIPSE"


FRAME_OF_REFERENCE = "1.2.80"
MARKS = {
    "box": (Geometry("box", "image", ((1, 2), (3, 4)), IMAGE), "SCOORD", "POLYLINE"),
    "point": (Geometry("point", "image", ((1, 2),), IMAGE), "SCOORD", "POINT"),
    "polyline": (
        Geometry("polyline", "image", ((1, 2), (3, 4), (5, 1)), IMAGE),
        "SCOORD",
        "POLYLINE",
    ),
    "length": (
        Geometry("length", "image", ((1, 2), (3, 4)), IMAGE),
        "SCOORD",
        "POLYLINE",
    ),
    "point 3d": (
        Geometry(
            "point", "patient", ((1, 2, 3),), frame_of_reference_uid=FRAME_OF_REFERENCE
        ),
        "SCOORD3D",
        "POINT",
    ),
    "polyline 3d": (
        Geometry(
            "polyline",
            "patient",
            ((1, 2, 3), (3, 4, 3)),
            frame_of_reference_uid=FRAME_OF_REFERENCE,
        ),
        "SCOORD3D",
        "POLYLINE",
    ),
    "ellipse 3d": (
        Geometry(
            "ellipse",
            "patient",
            ((1, 5, 0), (9, 5, 0), (5, 2, 0), (5, 8, 0)),
            frame_of_reference_uid=FRAME_OF_REFERENCE,
        ),
        "SCOORD3D",
        "ELLIPSE",
    ),
}


@pytest.mark.parametrize("name", MARKS)
def test_added_marks(name):
    geometry, value_type, graphic_type = MARKS[name]
    mark = ReaderAnnotation(
        derive_uid(READING, name), "Mark 1", PNEUMONIA, geometry, "see here", True
    )
    encoded = encode_reading(reading(annotations=(mark,)))
    assert_valid(encoded)

    group = groups(reread(encoded))[1]
    assert [i.UID for i in items(group, ("112040", "DCM"))] == [mark.tracking_uid]
    (region,) = items(group, ("111030", "DCM"))
    assert (region.ValueType, region.GraphicType) == (value_type, graphic_type)
    if value_type == "SCOORD3D":
        assert region.ReferencedFrameOfReferenceUID == FRAME_OF_REFERENCE
    assert evaluations(group)["assessment", "99OVERREAD"] == ("missed", "99OVERREAD")
    (comment,) = items(group, ("121106", "DCM"))
    assert comment.TextValue == "see here"


LENGTH_MM = MarkMeasurement(CodedConcept("410668003", "SCT", "Length"), 12.34567, "mm")


@pytest.mark.parametrize("space", ["image", "patient"])
def test_a_length_in_millimetres_is_a_measurement(space):
    geometry = {
        "image": Geometry("length", "image", ((1, 2), (3, 4)), IMAGE),
        "patient": Geometry(
            "length",
            "patient",
            ((1, 2, 3), (3, 4, 3)),
            frame_of_reference_uid=FRAME_OF_REFERENCE,
        ),
    }[space]
    mark = ReaderAnnotation(
        "1.2.90", "L1", PNEUMONIA, geometry, measurements=(LENGTH_MM,)
    )
    encoded = encode_reading(reading(annotations=(mark,)))
    assert_valid(encoded)

    (length,) = items(groups(reread(encoded))[1], ("410668003", "SCT"))
    measured = length.MeasuredValueSequence[0]
    assert float(measured.NumericValue) == 12.3457
    assert code_of(measured.MeasurementUnitsCodeSequence) == ("mm", "UCUM")
    (line,) = length.ContentSequence
    assert line.GraphicType == "POLYLINE"


def _number(display, value, unit, code):
    return MarkMeasurement(CodedConcept(code, "SCT", display), value, unit)


ROI = (
    _number("Area", 51.5, "mm2", "42798000"),
    _number("Mean", -12.25, "[hnsf'U]", "373098007"),
    _number("Standard Deviation", 3.5, "[hnsf'U]", "386136009"),
)
MEASURED = {
    "angle": (
        ((1, 2), (3.5, 4.25), (5, 6)),
        (_number("Angle", 31.9, "deg", "1483009"),),
        [("Angle", [(1, 2), (3.5, 4.25), (5, 6)])],
    ),
    "cobb": (
        ((1, 2), (9, 3), (1, 8), (9, 6)),
        (_number("Cobb angle", 21.1, "deg", "285285000"),),
        [("Cobb angle", [(1, 2), (9, 3)]), ("Cobb angle", [(1, 8), (9, 6)])],
    ),
    "bidirectional": (
        ((1, 1), (9, 9), (6, 4), (4, 6)),
        (
            _number("Long axis", 11.3, "mm", "103339001"),
            _number("Short axis", 2.8, "mm", "103340004"),
        ),
        [("Long axis", [(1, 1), (9, 9)]), ("Short axis", [(6, 4), (4, 6)])],
    ),
}
REGIONS = {
    "circle": (((20, 20), (25, 20)), "CIRCLE", [(20, 20), (25, 20)]),
    "ellipse": (
        ((5, 20), (25, 20), (15, 15), (15, 25)),
        "ELLIPSE",
        [(5, 20), (25, 20), (15, 15), (15, 25)],
    ),
    "polygon": (
        ((1, 1), (9, 2), (5, 8.25)),
        "POLYLINE",
        [(1, 1), (9, 2), (5, 8.25), (1, 1)],
    ),
    "box": (
        ((2, 3), (8, 9)),
        "POLYLINE",
        [(2, 3), (8, 3), (8, 9), (2, 9), (2, 3)],
    ),
    "point": (((7.5, 8.5),), "POINT", [(7.5, 8.5)]),
    "arrow": (((1, 2), (8, 9)), "POLYLINE", [(1, 2), (8, 9)]),
}


def _points(item):
    data = [float(number) for number in item.GraphicData]
    return list(zip(data[::2], data[1::2], strict=True))


def _numbers(group):
    return {
        item.ConceptNameCodeSequence[0].CodeMeaning: (
            float(item.MeasuredValueSequence[0].NumericValue),
            item.MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0].CodeValue,
        )
        for item in items(group, value_type="NUM")
    }


@pytest.mark.parametrize("kind", MEASURED)
def test_lines_belong_to_what_they_measure(kind):
    points, numbers, lines = MEASURED[kind]
    mark = ReaderAnnotation(
        "1.2.92",
        "Mark",
        geometry=Geometry(kind, "image", points, IMAGE),
        measurements=numbers,
        scale_note="Pixel spacing at the detector",
    )
    encoded = encode_reading(reading(annotations=(mark,)))
    assert_valid(encoded)
    group = groups(reread(encoded))[1]
    assert _numbers(group) == {
        one.quantity.meaning: (one.value, one.unit) for one in numbers
    }
    drawn = [
        (item.ConceptNameCodeSequence[0].CodeMeaning, _points(line))
        for item in items(group, value_type="NUM")
        for line in item.ContentSequence
    ]
    assert drawn == lines
    (note,) = items(group, ("scale", "99OVERREAD"))
    assert note.TextValue == "Pixel spacing at the detector"
    assert not items(group, ("121071", "DCM")), "nobody labelled it"


@pytest.mark.parametrize("kind", REGIONS)
def test_regions_keep_their_points_and_numbers(kind):
    points, graphic_type, stored = REGIONS[kind]
    numbers = () if kind == "arrow" else ROI
    mark = ReaderAnnotation(
        "1.2.93",
        "Mark",
        geometry=Geometry(kind, "image", points, IMAGE),
        measurements=numbers,
        text="Here",
    )
    encoded = encode_reading(reading(annotations=(mark,)))
    assert_valid(encoded)
    group = groups(reread(encoded))[1]
    (region,) = items(group, ("111030", "DCM"))
    assert region.GraphicType == graphic_type
    assert _points(region) == stored
    assert _numbers(group) == {
        one.quantity.meaning: (one.value, one.unit) for one in numbers
    }


def test_a_unit_that_no_report_knows_is_refused():
    mark = ReaderAnnotation(
        "1.2.94", "Mark", measurements=(_number("Length", 1, "cubit", "410668003"),)
    )
    with pytest.raises(EncodingError, match="cubit"):
        encode_reading(reading(annotations=(mark,)))


def test_a_supplement_that_nobody_missed():
    mark = ReaderAnnotation("1.2.91", "Note", PNEUMONIA)
    (_, group) = groups(reread(encode_reading(reading(annotations=(mark,)))))

    answer = evaluations(group)["assessment", "99OVERREAD"]
    assert answer == ("supplemented", "99OVERREAD")


def test_a_reading_with_nothing_but_words():
    encoded = encode_reading(
        reading(verdicts=(), predecessors=(), impression="No finding. 異常なし")
    )
    assert_valid(encoded)
    document = reread(encoded)

    assert "PredecessorDocumentsSequence" not in document
    (statements,) = items(document, ("C0034375", "UMLS"))
    (impression,) = items(statements, ("121073", "DCM"))
    assert impression.TextValue == "No finding. 異常なし"


def test_an_unaided_read_is_told_apart_from_what_came_after():
    unaided = UnaidedRead(
        committed_at=dt.datetime(2026, 1, 5, 9, 58, 0, tzinfo=SITE_TIME),
        impression="Clear.",
        n_marks=1,
    )
    marks = (
        ReaderAnnotation("1.2.91", "Mine", PNEUMONIA, stage="unaided"),
        ReaderAnnotation("1.2.92", "Seen after", PNEUMONIA, stage="revised"),
    )
    encoded = encode_reading(reading(annotations=marks, unaided=unaided))
    assert_valid(encoded)
    document = reread(encoded)
    (_, mine, after) = groups(document)
    assert evaluations(mine)["read-stage", "99OVERREAD"][0] == "unaided"
    assert evaluations(after)["read-stage", "99OVERREAD"][0] == "revised"
    (statements,) = items(document, ("C0034375", "UMLS"))
    (told,) = items(statements, ("unaided-read", "99OVERREAD"))
    assert told.TextValue.startswith("Committed unaided at 2026-01-05T09:58:00")
    (before,) = items(statements, ("unaided-impr", "99OVERREAD"))
    assert before.TextValue == "Clear."


def test_an_amendment_points_at_the_reading_before():
    first = encode_reading(reading())
    amended = encode_reading(
        reading(
            reading_id=uuid.uuid4(),
            predecessors=(encode_ai().reference, first.reference),
            is_amendment=True,
        )
    )
    assert_valid(amended, first.content)
    document = reread(amended)

    pointed = {
        instance.ReferencedSOPInstanceUID
        for study in document.PredecessorDocumentsSequence
        for series in study.ReferencedSeriesSequence
        for instance in series.ReferencedSOPSequence
    }
    assert pointed == {encode_ai().sop_uid, first.sop_uid}
    assert document.SeriesDescription == "Signed reading, amended"


def test_replaying_a_signature_gives_the_same_file():
    assert encode_reading(reading()) == encode_reading(reading())


def test_a_name_cannot_break_out_of_its_component():
    person = PersonIdentity("O^Brien=X\\Y", "", "H")

    assert person.dicom_name == "O Brien X Y^"


# ---------------------------------------------------------------- values are valid


@pytest.mark.parametrize(
    "make",
    [
        lambda: replace(FINDING, probability=1.2),
        lambda: replace(FINDING, tracking_uid="x"),
        lambda: CodedConcept("", "SCT", "x"),
        lambda: CodedConcept("1" * 17, "SCT", "x"),
        lambda: Geometry("box", "image", ((1, 2),), IMAGE),
        lambda: Geometry("box", "image", ((1, 2), (3, float("nan"))), IMAGE),
        lambda: Geometry("point", "image", ((1, 2),)),
        lambda: Geometry("point", "patient", ((1, 2, 3),)),
        lambda: Geometry("point", "patient", ((1, 2),), frame_of_reference_uid="1.2"),
        lambda: replace(AI, images=()),
        lambda: replace(AI, rejected_because="why"),
        lambda: replace(AI, created_at=AI.created_at.replace(tzinfo=None)),
        lambda: reading(predecessors=()),
        lambda: PersonIdentity("", "Zoë", "H"),
        lambda: replace(IMAGE, frame=0),
        lambda: DocumentRef("1.2", "1.2", "1.2", "not a uid"),
    ],
)
def test_what_cannot_be_valid_cannot_be_made(make):
    with pytest.raises(EncodingError):
        make()


# ---------------------------------------------------------------- in the archive


def test_our_objects_in_the_archive_change_no_revision(archive):
    film = archive.upload(FILM)
    before = archive.study_header(film.study_id)
    ai, signed = encode_ai(), encode_reading(reading())

    for encoded in (ai, signed):
        outcome = archive.upload(encoded.content)
        assert outcome.study_id == film.study_id
        assert archive.fetch_instance(outcome.instance_id) == encoded.content
    after = archive.study_header(film.study_id)

    assert after.image_hash == before.image_hash
    assert after.image_sop_uids == ("1.2.62",)
    ours = [s for s in after.series if s.written_by_overread]
    assert {s.uid for s in ours} == {ai.series_uid, signed.series_uid}
    assert not any(s.is_image for s in ours)
    assert archive.upload(encode_ai().content).status == "already"
    assert sum(len(s.instances) for s in after.series) == 3


@pytest.mark.real_data
def test_a_mark_on_a_real_ct_is_valid(shared_data):
    folder = shared_data / "ct_chest_nlst_143"
    path = sorted(p for p in folder.rglob("*") if p.is_file() and "CT" in str(p))[40]
    content = path.read_bytes()
    header = pydicom.dcmread(path, stop_before_pixels=True)
    image = ImageRef(
        header.SeriesInstanceUID, header.SOPClassUID, header.SOPInstanceUID, 1
    )
    position = [float(v) for v in header.ImagePositionPatient]
    mark = ReaderAnnotation(
        "1.2.95",
        "Nodule",
        PNEUMONIA,
        Geometry(
            "point",
            "patient",
            (tuple(position),),
            frame_of_reference_uid=header.FrameOfReferenceUID,
        ),
    )
    encoded = encode_reading(
        reading(images=(image,), verdicts=(), predecessors=(), annotations=(mark,)),
        content,
    )

    assert validate_object(encoded.content).words == ""
    against = validate_against_images(encoded.content, images=[content])
    assert against.words == ""

"""A signed report as text and as PDF: read back from the files themselves."""

from __future__ import annotations

import io
import logging
import re

import pypdf
import pytest

from apps.accounts.models import Role
from apps.audit.models import AuditRecord
from apps.inference.models import Finding
from apps.reports.paper import AI_NOTE, Paper, Statement, as_text
from apps.reports.pdf import as_pdf
from apps.studies.models import Patient
from apps.worklist.services import lease_item
from tests.factories.domain import (
    actor_for,
    client_for,
    give_ai,
    make_department,
    make_item,
    make_model,
    make_person,
    make_protocol,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(department):
    return client_for(department.reader)


def post(client, item, tail, body, version=0):
    return client.post(
        f"/api/worklist/items/{item.id}/{tail}",
        body,
        content_type="application/json",
        headers={"If-Match": f'"{version}"'},
    )


def signed(department, client, name="Doe, Jane", impression="Right lower lobe."):
    make_model(department.site)
    item = make_item(department, name=name)
    give_ai(item, probabilities={"233604007": 0.9, "36118008": 0.8})
    lease_item(actor=actor_for(department.reader), item_id=item.id)
    sop_uid = item.case.revision.instances.get().sop_uid
    answers = {
        str(one.id): {"verdict": "accept"}
        if one.label_code == "233604007"
        else {"verdict": "reject", "reason_code": "artefact", "reason_text": "Fold"}
        for one in Finding.objects.filter(run__revision=item.case.revision)
    }
    mark = {
        "id": "m1",
        "tracking_uid": "1.2.3",
        "label": {"scheme": "SCT", "code": "27925004", "display": "Nodule"},
        "geometry": {
            "kind": "length",
            "space": "image",
            "sop_uid": sop_uid,
            "frame": 1,
            "frame_of_reference_uid": None,
            "points": [[1, 1], [5, 1]],
        },
        "text": "",
        "missed_by_ai": True,
        "measured": {
            "scale": "none",
            "calibration_mm": None,
            "values": [
                {
                    "scheme": "SCT",
                    "code": "410668003",
                    "display": "Length",
                    "value": 4.0,
                    "unit": "{pixels}",
                }
            ],
        },
    }
    content = {"verdicts": answers, "annotations": [mark], "impression": impression}
    drafted = post(client, item, "report-draft", {"content": content}).json()
    report = drafted["report"]
    report["sections"][0] |= {"text": "Cough & <fever>.", "edited": True}
    body = {"content": content | {"report": report}}
    answer = post(client, item, "sign", body)
    assert answer.status_code == 200, answer.content
    return item, answer.json()["reading"]["id"]


def take(client, reading, form):
    return client.get(f"/api/readings/{reading}/report.{form}")


def pages(answer):
    document = pypdf.PdfReader(io.BytesIO(answer.content))
    return [page.extract_text() for page in document.pages]


def words(text):
    return re.sub(r"\s+", " ", text)


SAID = (
    "Jane",
    "Cough & <fever>.",
    "Right lower lobe.",
    "Pneumonia",
    "SCT 233604007",
    "Pneumonia present, probability 0.90 (paediatric-pneumonia 1.0.0)",
    "No Pneumothorax",
    "Reader: rejected: Artefact or device, Fold",
    "Reader: accepted",
    AI_NOTE,
    "Nodule: Length 4 pixels",
    "Dr. Reader North",
    "Version 1",
)


@pytest.mark.parametrize("form", ["txt", "pdf"])
def test_the_report_says_all_that_was_signed(department, client, form):
    item, reading = signed(department, client)
    answer = take(client, reading, form)
    assert answer.status_code == 200
    text = words(answer.content.decode() if form == "txt" else " ".join(pages(answer)))
    for said in SAID:
        assert said in text, said
    study = item.case.revision.study
    assert study.accession_number in text
    assert study.patient.patient_id in text
    assert "Signed electronically by" in text
    assert "DRAFT" not in text


def test_it_is_on_record_as_an_export_and_its_name_names_nobody(department, client):
    item, reading = signed(department, client)
    for form in ("txt", "pdf"):
        answer = take(client, reading, form)
        assert (
            answer["Content-Disposition"]
            == f'inline; filename="report-{reading[:8]}-v1.{form}"'
        )
        assert answer["Cache-Control"] == "private, no-store"
    records = AuditRecord.objects.filter(event="reading:export").order_by("at")
    patient = item.case.revision.study.patient_id
    assert [(r.detail["form"], r.patients) for r in records] == [
        ("txt", [patient]),
        ("pdf", [patient]),
    ]
    information = pypdf.PdfReader(io.BytesIO(take(client, reading, "pdf").content))
    assert "Jane" not in str(information.metadata)


def test_versions_name_each_other(department, client):
    item, first = signed(department, client)
    why = {"reason_code": "correction", "reason_text": "Wrong side"}
    draft = post(client, item, "amend", why).json()["reading"]
    text = take(client, draft["id"], "txt").content.decode()
    assert "DRAFT, NOT SIGNED" in text
    assert "Signed electronically" not in text
    content = draft["content"] | {"impression": "Left lower lobe."}
    second = post(client, item, "sign", {"content": content}).json()["reading"]["id"]

    new = words(" ".join(pages(take(client, second, "pdf"))))
    assert "Amended radiology report" in new
    assert "Amended, version 2" in new
    assert "Replaces version 1, signed by Dr. Reader North" in new
    assert "Reason: Correction of an error: Wrong side" in new
    assert "Left lower lobe." in new
    old = words(" ".join(pages(take(client, first, "pdf"))))
    assert "SUPERSEDED" in old
    assert "Version 2, signed by Dr. Reader North" in old
    assert "Right lower lobe." in old


def test_only_who_may_see_the_reading_takes_its_report(department, client):
    item, reading = signed(department, client)
    colleague = make_person(site=department.site, role=Role.RADIOLOGIST, name="second")
    other = make_department("south")
    assert take(client_for(colleague), reading, "pdf").status_code == 200
    assert take(client_for(other.reader), reading, "pdf").status_code == 404
    assert take(client_for(other.reader), reading, "txt").status_code == 404
    admin = department.person(Role.ADMIN)
    assert take(client_for(admin), reading, "txt").status_code == 403
    assert take(client, reading, "docx").status_code == 404

    blind = make_item(
        department,
        protocol=make_protocol(department, "after_commit"),
        study_uid=item.case.revision.study.study_uid,
        sop_uids=("1.2.3.4", "1.2.3.5"),
    )
    assert blind.case.revision.study_id == item.case.revision.study_id
    assert take(client_for(colleague), reading, "txt").status_code == 404
    assert take(client, reading, "txt").status_code == 200


def test_a_draft_is_its_readers_alone(department, client):
    item = make_item(department)
    lease_item(actor=actor_for(department.reader), item_id=item.id)
    item.refresh_from_db()
    colleague = make_person(site=department.site, role=Role.RADIOLOGIST, name="second")
    assert b"DRAFT" in take(client, item.reading.id, "txt").content
    assert take(client_for(colleague), item.reading.id, "txt").status_code == 404


NAMES = [
    "Müller, Jürgen",
    "Łukasz Żółć",
    "Люк, Илья",
    "Παπαδόπουλος, Άννα",
    "山田, 太郎",
    "王, 小东",
    "ﾔﾏﾀﾞ, ﾀﾛｳ",
    "홍, 길동",
    "Nguyễn, Thị Hằng",
]
RIGHT_TO_LEFT = ["שרון, דבורה", "قباني، لنزار"]


def spoken(text):
    """The letters of a text without order of lines or kinds of space."""
    return re.sub(r"[\s\u200e\u200f\u202a-\u202e\u2066-\u2069]+", "", text)


@pytest.mark.parametrize("name", NAMES)
def test_names_in_every_script_come_out_right(department, client, name):
    _, reading = signed(department, client, name=name)
    Patient.objects.update(name=name)
    text = spoken(" ".join(pages(take(client, reading, "pdf"))))
    if "cannotbedrawnwith" in text:
        pytest.skip(f"this machine has no font for {name}; the PDF says so")
    assert spoken(name) in text
    assert name in take(client, reading, "txt").content.decode()


@pytest.mark.parametrize("name", RIGHT_TO_LEFT)
def test_words_from_right_to_left_keep_their_letters(department, client, name):
    _, reading = signed(department, client)
    Patient.objects.update(name=name)
    text = spoken(" ".join(pages(take(client, reading, "pdf"))))
    assert "cannotbedrawnwith" not in text
    for word in re.findall(r"\w+", name):  # extraction gives either order
        assert word in text or word[::-1] in text, text


def paper(**changes):
    return Paper(
        **{
            "state": "signed",
            "site": "North",
            "patient": (("Patient", "Doe, Jane"), ("Patient ID", "P1")),
            "study": (("Study", "Chest"),),
            "sections": (("Impression", "Clear."),),
            "signature": "Signed",
            "reference": "r",
            **changes,
        }
    )


def test_what_no_font_can_draw_is_said_on_the_page_and_not_in_the_log(caplog):
    with caplog.at_level(logging.DEBUG):
        content = as_pdf(paper(sections=(("Impression", "A \U0010fffd here."),)))
    document = pypdf.PdfReader(io.BytesIO(content))
    text = " ".join(page.extract_text() for page in document.pages)
    text = words(text.replace("\x00", ""))  # pypdf, where a font has gaps
    assert "cannot be drawn with the fonts of this server" in text
    assert "U+10FFFD" in text
    assert "Unicode" not in caplog.text
    assert "\U0010fffd" not in caplog.text


def test_every_page_says_whose_it_is_and_how_many_there_are():
    long = "\n".join(f"Line {n}." for n in range(150))
    content = as_pdf(paper(sections=(("Findings", long),), edition=2))
    texts = [p.extract_text() for p in pypdf.PdfReader(io.BytesIO(content)).pages]
    assert len(texts) > 2
    for number, text in enumerate(texts, start=1):
        assert f"Page {number} of {len(texts)}" in text
        assert "Doe, Jane" in text
        assert "Amended, version 2" in text


def test_fonts_are_embedded():
    content = as_pdf(paper())
    [page] = pypdf.PdfReader(io.BytesIO(content)).pages
    for font in page["/Resources"]["/Font"].values():
        [descendant] = font.get_object()["/DescendantFonts"]
        descriptor = descendant.get_object()["/FontDescriptor"]
        assert {"/FontFile2", "/FontFile3"} & set(descriptor)


def test_a_report_fetches_nothing_and_runs_nothing():
    evil = "</p><img src='file:///etc/passwd'><script>1</script>@import url(http://x)"
    content = as_pdf(
        paper(
            sections=(("Impression", evil),),
            site='a"; } body { display: none',
            statements=(Statement(display=evil, code="X 1", present=True, note=evil),),
        )
    )
    text = words(
        " ".join(p.extract_text() for p in pypdf.PdfReader(io.BytesIO(content)).pages)
    )
    assert "file:///etc/passwd" in text
    assert "root:" not in text


def test_a_report_too_long_for_a_pdf_is_refused_in_words():
    huge = paper(sections=(("Findings", "word " * 50_000),))
    with pytest.raises(Exception, match="too long"):
        as_pdf(huge)
    assert len(as_text(huge)) > 200_000

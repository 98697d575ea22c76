"""The written report: drafted from the answers, edited, required, kept as signed."""

from __future__ import annotations

import json

import pytest

from apps.accounts.models import Role
from apps.annotations.models import Reading
from apps.core.errors import Invalid
from apps.inference.models import Finding
from apps.reports.drafting import choose_template, parse_template
from apps.reports.shipped import SHIPPED
from apps.worklist.services import lease_item
from tests.factories.domain import (
    actor_for,
    client_for,
    give_ai,
    make_item,
    make_model,
    make_protocol,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(department):
    return client_for(department.reader)


@pytest.fixture
def lead(department):
    return client_for(department.person(Role.CLINICAL_LEAD))


def leased(department, probabilities=None, **header):
    make_model(department.site)
    item = make_item(department, **header)
    if probabilities:
        give_ai(item, probabilities=probabilities)
    lease_item(actor=actor_for(department.reader), item_id=item.id)
    return item


def answered(**kinds):
    return {
        str(finding.id): {
            "verdict": kinds[finding.label_display.lower()],
            "reason_code": "not_present",
            "reason_text": "",
            "label": None,
            "geometry": None,
        }
        for finding in Finding.objects.all()
        if finding.label_display.lower() in kinds
    }


def content(verdicts=None, report=None, impression="Done."):
    body = {"verdicts": verdicts or {}, "annotations": [], "impression": impression}
    return body | ({"report": report} if report else {})


def drafted(client, item, body):
    answer = client.post(
        f"/api/worklist/items/{item.id}/report-draft",
        {"content": body},
        content_type="application/json",
    )
    assert answer.status_code == 200, answer.content
    return answer.json()


def sign(client, item, body):
    return client.post(
        f"/api/worklist/items/{item.id}/sign",
        {"content": body},
        content_type="application/json",
        headers={"If-Match": '"0"'},
    )


def text_of(report, key):
    return next(one["text"] for one in report["sections"] if one["key"] == key)


@pytest.mark.parametrize(
    ("modalities", "part", "code"),
    [
        (["DX"], "CHEST", "chest-film"),
        (["CR"], "HAND", "general"),
        (["CT"], "CHEST", "chest-ct"),
        (["CT"], "head", "head-ct"),
        (["MG"], "BREAST", "mammogram"),
        (["MR"], "PROSTATE", "mr"),
        (["CT", "PT"], "WHOLEBODY", "pet-ct"),
        (["US"], "", "general"),
    ],
)
def test_the_template_is_that_of_modality_and_body_part(modalities, part, code):
    chosen = choose_template(
        templates=SHIPPED, modalities=modalities, body_part=part, protocol="clinical"
    )
    assert chosen["code"] == code


def test_every_shipped_template_is_one_that_a_site_could_write():
    for template in SHIPPED:
        parsed = parse_template(raw=template)
        assert template == parsed | {"code": template["code"], "version": 0}


def test_the_text_says_what_the_reader_answered_and_keeps_the_codes(department, client):
    item = leased(department, {"233604007": 0.9, "36118008": 0.8})
    verdicts = answered(pneumonia="accept", pneumothorax="reject")
    body = drafted(client, item, content(verdicts))
    assert body["report"]["template"]["code"] == "chest-film"
    assert text_of(body["report"], "findings") == "Pneumonia.\nNo pneumothorax."
    assert [
        (one["code"], one["scheme"], one["present"], one["source"])
        for one in body["report"]["codes"]
    ] == [("233604007", "SCT", True, "ai"), ("36118008", "SCT", False, "ai")]
    assert "impression" not in [one["key"] for one in body["report"]["sections"]]


def test_without_a_finding_the_templates_own_words_stand(department, client):
    item = leased(department)
    report = drafted(client, item, content())["report"]
    assert "lungs are clear" in text_of(report, "findings")
    assert text_of(report, "technique") == "Radiograph of the chest."


def test_the_readers_words_are_signed_and_the_codes_are_ours(department, client):
    item = leased(department, {"233604007": 0.9})
    body = content(answered(pneumonia="accept"))
    report = drafted(client, item, body)["report"]
    report["sections"][0]["text"] = "Cough, Ωμέγα 山田."
    report["sections"][0]["edited"] = True
    report["codes"] = [
        {
            "scheme": "SCT",
            "code": "1",
            "display": "Made up",
            "present": True,
            "source": "ai",
            "source_id": "x",
        }
    ]
    answer = sign(client, item, body | {"report": report})
    assert answer.status_code == 200, answer.content
    kept = Reading.objects.get(state="signed").content["report"]
    assert kept["sections"] == report["sections"]
    assert [one["code"] for one in kept["codes"]] == ["233604007"]
    assert answer.json()["reading"]["content"]["report"] == kept


def test_what_nobody_edited_follows_the_answers_that_are_signed(department, client):
    item = leased(department, {"233604007": 0.9})
    report = drafted(client, item, content(answered(pneumonia="accept")))["report"]
    assert text_of(report, "findings") == "Pneumonia."
    body = content(answered(pneumonia="reject"), report=report)
    assert sign(client, item, body).status_code == 200
    kept = Reading.objects.get(state="signed").content["report"]
    assert text_of(kept, "findings").startswith("No pneumonia.")


def test_what_a_template_requires_must_be_there_before_signing(
    department, client, lead
):
    own = {
        "name": "Chest of ours",
        "modalities": ["DX"],
        "body_parts": ["chest"],
        "protocols": [],
        "sections": [
            {"key": "quality", "title": "Image quality", "kind": "text"}
            | {"required": True},
            {"key": "findings", "title": "Findings", "kind": "findings"},
            {"key": "end", "title": "Impression", "kind": "impression"}
            | {"required": True},
        ],
    }
    path = f"/api/sites/{department.site.id}/report-templates"
    written = lead.put(f"{path}/chest-film", own, content_type="application/json")
    assert written.status_code == 200, written.content
    assert written.json()["version"] == 1

    item = leased(department)
    refused = sign(client, item, content(impression=" "))
    assert refused.status_code == 422
    assert [one["field"] for one in refused.json()["missing"]] == [
        "report.quality",
        "report.end",
    ]
    assert "Fill in “Image quality”" in refused.json()["detail"]
    report = drafted(client, item, content())["report"]
    assert report["template"] == {
        "code": "chest-film",
        "version": 1,
        "name": "Chest of ours",
    }
    report["sections"][0] |= {"text": "Good.", "edited": True}
    assert sign(client, item, content(report=report)).status_code == 200

    assert lead.delete(f"{path}/chest-film").status_code == 204
    held = {one["code"]: one for one in lead.get(path).json()["items"]}
    assert held["chest-film"]["version"] == 0
    again = lead.put(f"{path}/chest-film", own, content_type="application/json")
    assert again.json()["version"] == 3


@pytest.mark.parametrize(
    "change",
    [
        {"sections": []},
        {"sections": [{"key": "a", "title": "A", "kind": "poem"}]},
        {"sections": [{"key": "a", "title": "", "kind": "text"}]},
        {"sections": [{"key": "a", "title": "A", "kind": "text"}] * 2},
        {"modalities": "CR"},
        {"name": " "},
    ],
)
def test_half_a_template_is_refused(change):
    whole = dict(SHIPPED[0])
    with pytest.raises(Invalid):
        parse_template(raw=whole | change)


def test_earlier_reports_are_of_other_studies_and_of_no_blind_read(department, client):
    first = leased(department, patient_id="P1")
    sign(client, first, content(impression="Old words."))
    second = make_item(department, patient_id="P1")
    lease_item(actor=actor_for(department.reader), item_id=second.id)
    path = f"/api/worklist/items/{second.id}/earlier-reports"
    [earlier] = client.get(path).json()["items"]
    assert earlier["impression"] == "Old words."
    assert earlier["signed_by"] == department.reader.display_name

    again = make_item(department, protocol=make_protocol(department, "after_commit"))
    again.case.revision = first.case.revision
    again.case.save()
    assert client.get(path).json()["items"] == []


@pytest.mark.parametrize(
    "report",
    [
        {"template": {"code": "a", "version": True, "name": "n"}},
        {"template": {"code": "a", "version": 1, "name": 5}},
        {"template": {"code": "a", "version": 1, "name": "n"}, "sections": [{}]},
        {"template": {"code": "a", "version": 1, "name": "n"}, "codes": {}},
        [],
    ],
)
def test_a_broken_report_is_named_and_not_saved(department, client, report):
    item = leased(department)
    answer = client.put(
        f"/api/worklist/items/{item.id}/reading",
        json.dumps({"content": content() | {"report": report}}),
        content_type="application/json",
        headers={"If-Match": '"0"'},
    )
    assert answer.status_code == 400, answer.content
    assert "report" in answer.json()["detail"]


TEMPLATE = {
    "name": "Chest of ours",
    "modalities": ["DX"],
    "body_parts": ["CHEST"],
    "protocols": [],
    "sections": [
        {"key": "technique", "title": "Technique", "kind": "text", "start": "One."},
        {
            "key": "findings",
            "title": "Findings",
            "kind": "findings",
            "required": True,
            "normal": "Nothing.",
        },
    ],
}


def write(client, site, template, code="chest-film"):
    return client.put(
        f"/api/sites/{site.id}/report-templates/{code}",
        template,
        content_type="application/json",
    )


def test_versions_are_kept_and_an_older_one_holds_again_as_a_new_one(department, lead):
    site = department.site
    address = f"/api/sites/{site.id}/report-templates/chest-film"
    before = lead.get(f"{address}/versions").json()
    assert [one["version"] for one in before["items"]] == [0]
    assert before["holding"] == 0
    assert write(lead, site, TEMPLATE).json()["version"] == 1
    assert write(lead, site, TEMPLATE | {"name": "Second"}).json()["version"] == 2
    again = lead.post(
        f"{address}/versions", {"version": 1}, content_type="application/json"
    )
    assert (again.json()["version"], again.json()["name"]) == (3, "Chest of ours")
    assert lead.delete(address).status_code == 204
    body = lead.get(f"{address}/versions").json()
    assert [one["version"] for one in body["items"]] == [4, 3, 2, 1, 0]
    assert [one["template"] and one["template"]["name"] for one in body["items"]] == [
        None,
        "Chest of ours",
        "Second",
        "Chest of ours",
        "Chest radiograph",
    ]
    assert body["holding"] == 0
    assert body["items"][1]["by"]
    for wrong in (4, 9):
        answer = lead.post(
            f"{address}/versions", {"version": wrong}, content_type="application/json"
        )
        assert answer.status_code == 404
    nothing = lead.get(f"/api/sites/{site.id}/report-templates/nothing/versions")
    assert nothing.status_code == 404


def test_a_template_is_seen_before_it_is_saved(department, lead):
    address = f"/api/sites/{department.site.id}/report-template-preview"
    body = lead.post(address, TEMPLATE, content_type="application/json").json()
    assert [one["text"] for one in body["without"]] == ["One.", "Nothing."]
    assert body["with_finding"][1]["text"] == (
        "Pneumonia: right lower lobe.\nNo pneumothorax."
    )
    wrong = lead.post(address, {"sections": []}, content_type="application/json")
    assert wrong.status_code == 400
    assert len(
        lead.get(f"/api/sites/{department.site.id}/report-templates").json()["items"]
    ) == len(SHIPPED)

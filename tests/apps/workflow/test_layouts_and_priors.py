"""Saving how a study hangs, and finding the patient's earlier studies."""

from __future__ import annotations

from datetime import date

import pytest

from apps.accounts.models import Role
from apps.accounts.services import grant_membership
from apps.accounts.types import SYSTEM
from apps.audit.models import AuditRecord
from apps.studies.models import Attachment, Patient
from apps.workflow import flow
from apps.workflow.models import SavedLayout
from tests.factories.domain import client_for, make_department, make_revision

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(department):
    return client_for(department.reader)


def make_film(department, **more):
    return make_revision(department, **more).study


def ask(client, method, path, body=None):
    return client.generic(
        method, f"/api/{path}", data=body or "", content_type="application/json"
    )


def hanging(client, study):
    answer = client.get(f"/api/studies/{study.id}/hanging")
    assert answer.status_code == 200, answer.content
    return answer.json()


def save(client, study, **more):
    series = study.revisions.get().series[0]["uid"]
    wanted = {
        "study": str(study.id),
        "name": "Large",
        "scope": "user",
        "rows": 1,
        "columns": 2,
        "panes": [
            {"series_uid": series, "window": {"width": 300, "level": 10}},
            {"series_uid": "", "window": None},
        ],
        **more,
    }
    return client.post("/api/layouts", wanted, content_type="application/json")


def test_a_saved_layout_is_chosen_for_the_next_study_and_reset_forgets_it(
    client, department
):
    first, second = make_film(department), make_film(department)
    assert hanging(client, first)["chosen"] == "one"
    answer = save(client, first)
    assert answer.status_code == 201, answer.content
    body = hanging(client, second)
    assert body["chosen"] == answer.json()["id"]
    pane = body["items"][0]["panes"][0]
    assert pane["series_uid"] == second.revisions.get().series[0]["uid"]
    assert pane["window"] == {"width": 300, "level": 10}
    assert body["items"][0]["columns"] == 2
    head = make_film(department, body_part="HEAD", description="Head")
    assert hanging(client, head)["chosen"] == "one", "it was saved for the chest"

    assert client.delete("/api/layouts").status_code == 204
    assert hanging(client, second)["chosen"] == "one"
    events = AuditRecord.objects.filter(event__startswith="layout:")
    assert [one.event for one in events.order_by("at")] == [
        "layout:save",
        "layout:delete",
    ]


def test_the_sites_layout_is_the_leads_and_ones_own_goes_before_it(department):
    study = make_film(department)
    other = department.person(Role.RADIOLOGIST)
    plain, lead = client_for(department.reader), client_for(other)
    assert save(plain, study, scope="site").status_code == 403
    grant_membership(
        actor=SYSTEM,
        user_id=other.id,
        site_id=department.site.id,
        role=Role.CLINICAL_LEAD,
    )
    sites = save(lead, study, scope="site", name="Ours").json()["id"]
    assert hanging(plain, study)["chosen"] == sites
    mine = save(plain, study).json()["id"]
    assert hanging(plain, study)["chosen"] == mine
    assert hanging(lead, study)["chosen"] == sites
    assert plain.delete(f"/api/layouts/{sites}").status_code == 403
    assert plain.delete(f"/api/layouts/{mine}").status_code == 204
    assert lead.delete(f"/api/layouts/{sites}").status_code == 204
    assert not SavedLayout.objects.exists()


def test_saving_the_same_name_again_replaces_it(client, department):
    study = make_film(department)
    first = save(client, study).json()["id"]
    again = save(client, study, is_default=False).json()
    assert again["id"] == first
    assert hanging(client, study)["chosen"] == "one"


@pytest.mark.parametrize(
    "wrong",
    [
        {"rows": 4},
        {"panes": []},
        {"panes": [{"series_uid": "9.9", "window": None}]},
        {"name": ""},
        {"scope": "built_in"},
        {"rows": 1, "columns": 1},
    ],
)
def test_a_layout_that_makes_no_sense_is_refused(client, department, wrong):
    assert save(client, make_film(department), **wrong).status_code == 400


def priors(client, study):
    answer = client.get(f"/api/studies/{study.id}/priors")
    assert answer.status_code == 200, answer.content
    return answer.json()["items"]


def dated(department, day, **more):
    study = make_film(department, **{"patient_id": "P1", **more})
    study.study_date = day
    study.save()
    return study


def test_earlier_studies_are_of_the_region_first_and_then_the_newest(
    client, department
):
    now = dated(department, date(2026, 11, 21))
    old = dated(department, date(2024, 1, 1))
    newer = dated(department, date(2026, 2, 1), modality="CT")
    head = dated(department, date(2026, 11, 1), body_part="HEAD", description="Head")
    dated(department, date(2026, 12, 1))  # later
    dated(department, date(2026, 1, 1), patient_id="P2")  # somebody else
    items = priors(client, now)
    assert [one["id"] for one in items] == [str(s.id) for s in (newer, old, head)]
    assert [one["same_region"] for one in items] == [True, True, False]
    record = AuditRecord.objects.filter(event="study:list").latest("at")
    assert record.detail == {"n": 3, "priors": True}


def test_another_site_gives_the_same_number_to_somebody_else(department):
    other = make_department("south")
    now = dated(department, date(2026, 11, 21))
    there = dated(other, date(2026, 1, 1))
    reader = client_for(department.reader)
    assert priors(reader, now) == []
    grant_membership(
        actor=SYSTEM,
        user_id=department.reader.id,
        site_id=other.site.id,
        role=Role.RADIOLOGIST,
    )
    assert priors(reader, now) == [], "the same number alone is not the same person"
    Patient.objects.update(issuer="NATIONAL", birth_date=date(1970, 1, 1))
    assert [one["id"] for one in priors(reader, now)] == [str(there.id)]


def test_an_earlier_study_is_loaded_only_after_it_is_opened(client, department):
    now = dated(department, date(2026, 11, 21))
    old = dated(department, date(2024, 1, 1))
    assert client.get(f"/api/studies/{old.id}/manifest").status_code == 403
    assert ask(client, "POST", f"studies/{old.id}/open").status_code == 200
    assert client.get(f"/api/studies/{old.id}/manifest").status_code == 200
    opened = AuditRecord.objects.filter(event="study:open").latest("at")
    assert opened.studies == [old.id]
    assert now.id != old.id


def test_what_may_be_an_ais_picture_is_never_hung_nor_counted(client, department):
    now = dated(department, date(2026, 11, 21))
    old = dated(department, date(2024, 1, 1))
    for study in (now, old):
        revision = study.revisions.get()
        hidden = {**revision.series[0], "uid": "9.9.9", "n_instances": 40}
        revision.series = [*revision.series, hidden]
        revision.withheld = ["9.9.9"]
        revision.save()
    assert "9.9.9" not in client.get(f"/api/studies/{now.id}/hanging").content.decode()
    assert [one["n_images"] for one in priors(client, now)] == [1]


def test_what_is_no_image_is_listed_by_what_it_is(client, department):
    """A map that its maker calls OT is told by its class; so is a captured picture."""
    now = dated(department, date(2026, 11, 21))
    Attachment.objects.create(
        study=now,
        series_uid="9.9.8",
        sop_class_uid="1.2.840.10008.5.1.4.1.1.30",
        modality="OT",
        n_instances=1,
    )
    revision = now.revisions.get()
    revision.series = [*revision.series, {**revision.series[0], "uid": "9.9.9"}]
    revision.withheld = ["9.9.9"]
    revision.save()
    flow.place_revision(revision_id=revision.id)  # on a list, whose protocol shows AI
    assert ask(client, "POST", f"studies/{now.id}/open").status_code == 200
    listed = client.get(f"/api/studies/{now.id}/manifest").json()["attachments"]
    assert [(one["uid"], one["sop_class_uid"]) for one in listed] == [
        ("9.9.8", "1.2.840.10008.5.1.4.1.1.30"),
        ("9.9.9", "1.2.840.10008.5.1.4.1.1.7"),
    ]

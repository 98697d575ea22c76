"""A browser may fetch the next study beforehand; the record says that nobody looked."""

from __future__ import annotations

import pytest

from apps.audit.models import AuditRecord
from apps.studies.models import StudyRevision
from apps.workflow import flow
from tests.factories.domain import client_for, make_film

pytestmark = pytest.mark.django_db


@pytest.fixture
def revision(department, archive, broker):
    archive.c_store(make_film(), called="NORTH")
    archive.settle()
    flow.take_arrivals()
    return StudyRevision.objects.get()


def _open(client, revision, body):
    path = f"/api/studies/{revision.study_id}/open"
    return client.post(path, body, content_type="application/json")


def test_fetching_ahead_is_recorded_as_that_and_looking_is_another_record(
    department, revision
):
    client = client_for(department.reader)
    assert _open(client, revision, {"ahead": True}).status_code == 200
    assert _open(client, revision, {}).status_code == 200
    told = [
        event.detail
        for event in AuditRecord.objects.filter(event="study:open").order_by("id")
    ]
    assert [detail.get("ahead", False) for detail in told] == [True, False]


def test_fetching_ahead_opens_it_for_nobody_else(department, revision):
    address = {"X-Original-URI": f"/pixels/{revision.id}/"}
    path = "/internal/authorise-pixels"
    client = client_for(department.reader)
    assert _open(client, revision, {"ahead": True}).status_code == 200
    assert client.get(path, headers=address).status_code == 204
    colleague = client_for(department.person("radiologist", "other"))
    assert colleague.get(path, headers=address).status_code == 403

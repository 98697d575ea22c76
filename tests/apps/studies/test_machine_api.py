"""What a worker's token opens, and nothing else."""

from __future__ import annotations

import hashlib
from uuid import uuid4

import pytest
from django.core import signing

from apps.studies.machine import (
    LIFETIME_S,
    READ_INSTANCES,
    READ_MODEL,
    WRITE_ARTEFACT,
    issue_token,
)
from apps.studies.models import StudyRevision
from apps.workflow import flow
from tests.factories.domain import client_for, make_ct, make_film

pytestmark = pytest.mark.django_db
SHA = hashlib.sha256(b"abc").hexdigest()


@pytest.fixture
def revision(department, archive, broker, settings, tmp_path):
    settings.ARTEFACTS_DIR = tmp_path
    for file in make_ct(n=3):
        archive.c_store(file, called="NORTH")
    archive.settle()
    flow.take_arrivals()
    return StudyRevision.objects.get()


def token(revision, *verbs, **more):
    return issue_token(
        request_id="r", revision_id=more.get("revision_id", revision.id), verbs=verbs
    )


def call(client, method, path, key=None, **kwargs):
    headers = {"Authorization": f"Bearer {key}"} if key is not None else {}
    return getattr(client, method)(f"/api/machine/{path}", headers=headers, **kwargs)


def test_the_instances_of_its_revision(client, revision, archive):
    key = token(revision, READ_INSTANCES)
    path = f"revisions/{revision.id}/instances"
    body = call(client, "get", path, key).json()
    assert body["revision_id"] == str(revision.id)
    assert len(body["instances"]) == 3
    for instance in body["instances"]:
        file = call(client, "get", f"{path}/{instance['sop_uid']}", key)
        assert file.content == archive.fetch_instance(
            archive.find_instance(instance["sop_uid"])
        )
        assert instance["size"] == len(file.content)
    assert call(client, "get", f"{path}/1.2.3", key).status_code == 404


def test_no_token_no_answer(client, revision, department):
    path = f"revisions/{revision.id}/instances"
    assert call(client, "get", path).status_code == 401
    assert call(client, "get", path, "").status_code == 401
    assert call(client, "get", path, "nonsense").status_code == 403
    session = client_for(department.reader)
    assert call(session, "get", path).status_code == 401, "a session is no token"


def test_a_token_opens_one_revision_and_its_verbs(client, revision, archive, broker):
    archive.c_store(make_film(), called="NORTH")
    archive.settle()
    flow.take_arrivals()
    other = StudyRevision.objects.exclude(id=revision.id).get()
    mine = token(revision, READ_INSTANCES)
    path = f"revisions/{other.id}/instances"
    assert call(client, "get", path, mine).status_code == 403
    sop = other.instances.get().sop_uid
    assert call(client, "get", f"{path}/{sop}", mine).status_code == 403
    # An image of another study under the token's own revision is not there.
    own = f"revisions/{revision.id}/instances/{sop}"
    assert call(client, "get", own, mine).status_code == 404
    assert call(client, "get", f"models/{SHA}", mine).status_code == 403
    put = {"data": b"abc", "content_type": "image/png"}
    assert call(client, "put", f"artefacts/{SHA}", mine, **put).status_code == 403
    writer = token(revision, WRITE_ARTEFACT)
    path = f"revisions/{revision.id}/instances"
    assert call(client, "get", path, writer).status_code == 403


def test_a_token_that_was_changed_or_has_ended_is_refused(
    client, revision, monkeypatch
):
    path = f"revisions/{revision.id}/instances"
    good = token(revision, READ_INSTANCES)
    body, rest = good.split(":", 1)
    for bad in (good[:-1], good[1:], f"{body}x:{rest}", good.swapcase()):
        assert call(client, "get", path, bad).status_code == 403, bad
    forged = signing.dumps(
        {"rid": "r", "revision": str(revision.id), "verbs": [READ_INSTANCES]},
        salt="another",
    )
    assert call(client, "get", path, forged).status_code == 403
    now = signing.time.time
    monkeypatch.setattr(signing.time, "time", lambda: now() + LIFETIME_S - 5)
    assert call(client, "get", path, good).status_code == 200
    monkeypatch.setattr(signing.time, "time", lambda: now() + LIFETIME_S + 5)
    ended = call(client, "get", path, good)
    assert (ended.status_code, ended.json()["code"]) == (403, "token_expired")


def test_the_artefact_store(client, revision):
    key = token(revision, WRITE_ARTEFACT)
    put = {"data": b"abc", "content_type": "image/png"}
    assert call(client, "put", f"artefacts/{SHA}", key, **put).status_code == 201
    assert call(client, "put", f"artefacts/{SHA}", key, **put).status_code == 200
    wrong = call(client, "put", f"artefacts/{'0' * 64}", key, **put)
    assert (wrong.status_code, wrong.json()["code"]) == (422, "hash_mismatch")
    assert call(client, "put", "artefacts/x", key, **put).status_code == 400


def test_a_model_that_is_not_there(client, revision):
    key = token(revision, READ_MODEL)
    assert call(client, "get", f"models/{SHA}", key).status_code == 404


def test_an_archive_that_is_away_or_lost_a_file(client, revision, archive):
    key = token(revision, READ_INSTANCES)
    sop = revision.instances.first().sop_uid
    path = f"revisions/{revision.id}/instances/{sop}"
    archive.down = True
    assert call(client, "get", path, key).status_code == 503
    archive.down = False
    archive.delete_instance(archive.find_instance(sop))
    gone = call(client, "get", path, key)
    assert (gone.status_code, gone.json()["code"]) == (404, "not_found")


def test_a_revision_that_is_not_there_has_no_instances(client, revision):
    nobody = uuid4()
    key = token(revision, READ_INSTANCES, revision_id=nobody)
    body = call(client, "get", f"revisions/{nobody}/instances", key)
    assert body.status_code == 404

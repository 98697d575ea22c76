"""What a worker's token opens, and nothing else."""

from __future__ import annotations

import hashlib
import io
import zipfile
from uuid import uuid4

import pytest
from django.core import signing

from apps.core.errors import NotFound
from apps.inference.artefacts import read_artefact
from apps.interop.types import ArchiveError
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
from workers.inputs import MOST_STUDIES, MOST_TOGETHER, pack, unpack, unpack_inputs

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


def together(client, revision, uids, key):
    return call(
        client,
        "post",
        f"revisions/{revision.id}/instances",
        key,
        data={"instances": uids},
        content_type="application/json",
    )


def test_some_files_of_a_study_come_together(client, revision, monkeypatch):
    key = token(revision, READ_INSTANCES)
    path = f"revisions/{revision.id}/instances"
    listed = call(client, "get", path, key).json()["instances"]
    uids = [one["sop_uid"] for one in listed][::-1]
    files = unpack(together(client, revision, uids, key).content, limit=1 << 30)
    assert list(files) == uids, "in the order asked for"
    for uid, body in files.items():
        assert body == call(client, "get", f"{path}/{uid}", key).content
    size = listed[0]["size"]
    for limit, n in ((2 * size, 2), (size - 1, 1)):
        monkeypatch.setattr("apps.studies.inputs.TOGETHER_BYTES", limit)
        some = unpack(together(client, revision, uids, key).content, limit=1 << 30)
        assert list(some) == uids[:n], "the first is always there"


def test_files_together_are_of_the_tokens_own_study(client, revision):
    key = token(revision, READ_INSTANCES)
    uids = list(revision.instances.values_list("sop_uid", flat=True))
    assert together(client, revision, [*uids, "1.2.3"], key).status_code == 404
    other = token(revision, READ_INSTANCES, revision_id=uuid4())
    assert together(client, revision, uids, other).status_code == 403
    writer = token(revision, WRITE_ARTEFACT)
    assert together(client, revision, uids, writer).status_code == 403
    for wrong in ([], uids * MOST_TOGETHER, "1.2.3"):
        assert together(client, revision, wrong, key).status_code == 400
    revision.withheld = [revision.instances.first().series_uid]
    revision.save()
    assert together(client, revision, uids, key).status_code == 404


def test_an_archive_that_is_away_is_asked_again(client, revision, archive, monkeypatch):
    key = token(revision, READ_INSTANCES)
    uids = list(revision.instances.values_list("sop_uid", flat=True))

    def away(_):
        raise ArchiveError("the archive is away")

    monkeypatch.setattr("apps.studies.inputs.fetch_file", away)
    answered = together(client, revision, uids, key)
    assert (answered.status_code, answered.json()["code"]) == (503, "archive_down")


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


# --- several studies in one answer


def inputs(client, key, *tokens):
    answered = call(
        client,
        "post",
        "inputs",
        key,
        data={"tokens": list(tokens)},
        content_type="application/json",
    )
    assert answered.status_code == 200, answered.content
    return unpack_inputs(answered.content)


@pytest.fixture
def film(revision, archive):
    archive.c_store(make_film(), called="NORTH")
    archive.settle()
    flow.take_arrivals()
    return StudyRevision.objects.exclude(id=revision.id).get()


def test_several_studies_come_in_one_answer(client, revision, film, archive):
    keys = [token(one, READ_INSTANCES) for one in (revision, film)]
    found = inputs(client, keys[0], *keys)
    assert set(found) == {str(revision.id), str(film.id)}
    for one in (revision, film):
        path = f"revisions/{one.id}/instances"
        alone = call(client, "get", path, token(one, READ_INSTANCES)).json()
        together = found[str(one.id)]
        assert together.instances == alone["instances"]
        assert together.files == {
            row["sop_uid"]: archive.fetch_instance(
                archive.find_instance(row["sop_uid"])
            )
            for row in alone["instances"]
        }


def test_of_several_studies_each_needs_its_own_token(client, revision, film):
    mine = token(revision, READ_INSTANCES)
    wrong = [token(film, READ_MODEL), "nonsense", f"{token(film, READ_INSTANCES)}x"]
    assert set(inputs(client, mine, mine, *wrong)) == {str(revision.id)}
    body = {"tokens": [mine]}
    for key, status in ((None, 401), ("nonsense", 403), (wrong[0], 403)):
        kind = "application/json"
        refused = call(client, "post", "inputs", key, data=body, content_type=kind)
        assert refused.status_code == status
    many = call(
        client,
        "post",
        "inputs",
        mine,
        data={"tokens": [mine] * (MOST_STUDIES + 1)},
        content_type="application/json",
    )
    assert many.status_code == 400


def test_what_is_withheld_is_not_among_several_either(client, revision):
    uids = set(revision.instances.values_list("series_uid", flat=True))
    key = token(revision, READ_INSTANCES)
    StudyRevision.objects.filter(id=revision.id).update(withheld=sorted(uids))
    assert inputs(client, key, key) == {}


def test_large_studies_and_a_silent_archive_give_the_list_alone(
    client, revision, archive, monkeypatch
):
    key = token(revision, READ_INSTANCES)
    archive.down = True
    assert inputs(client, key, key)[str(revision.id)].files == {}
    archive.down = False
    monkeypatch.setattr("apps.studies.inputs.MOST_FILES", 2)
    found = inputs(client, key, key)[str(revision.id)]
    assert (len(found.instances), found.files) == (3, {})


def store(client, key, content):
    kind = "application/zip"
    return call(client, "post", "artefacts", key, data=content, content_type=kind)


def test_several_artefacts_are_stored_together(client, revision):
    key = token(revision, WRITE_ARTEFACT)
    bodies = [b"abc", b"def"]
    named = [(hashlib.sha256(body).hexdigest(), body) for body in bodies]
    assert store(client, key, pack(named)).status_code == 200
    assert [read_artefact(sha256=name) for name, _ in named] == bodies
    assert store(client, key, pack(named)).status_code == 200


def test_artefacts_together_are_judged_as_each_alone(client, revision):
    key = token(revision, WRITE_ARTEFACT)
    reading = token(revision, READ_INSTANCES)
    assert store(client, reading, pack([(SHA, b"abc")])).status_code == 403
    assert store(client, key, pack([(SHA, b"other")])).status_code == 422
    assert store(client, key, pack([("../etc/x", b"abc")])).status_code == 400
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(SHA, b"abc")
    for content in (b"no zip", packed.getvalue(), pack([(SHA, b"abc")])[:-9]):
        refused = store(client, key, content)
        assert (refused.status_code, refused.json()["code"]) == (400, "bad_parcel")
    with pytest.raises(NotFound):
        read_artefact(sha256=SHA)

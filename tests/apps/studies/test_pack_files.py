"""Packs of deleted studies leave the disk, whatever happens on the way."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from apps.accounts.types import SYSTEM
from apps.core import clock
from apps.studies import pack_files
from apps.studies.models import Study, StudyRevision
from apps.studies.pack_files import packs_to_remove, remove_packs
from apps.studies.services import finish_pack, start_pack
from apps.workflow import flow
from tests.factories.domain import client_for, make_film, unchanged_by

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def packs(settings, tmp_path):
    settings.PACKS_DIR = tmp_path / "packs"
    return Path(settings.PACKS_DIR)


@pytest.fixture
def revision(department, archive, broker):
    archive.c_store(make_film(), called="NORTH")
    archive.settle()
    flow.take_arrivals()
    return StudyRevision.objects.get()


def build(packs, revision, *, name=""):
    start_pack(actor=SYSTEM, revision_id=revision.id)
    folder = packs / (name or str(revision.id))
    (folder / "frames" / "1.2").mkdir(parents=True)
    (folder / "frames" / "1.2" / "1.raw").write_bytes(b"frame")
    (folder / "index.json").write_text("{}")
    finish_pack(actor=SYSTEM, revision_id=revision.id, ready=True, reason="")
    return folder


def delete(archive, revision):
    archive.delete_study(revision.study.archive_id)
    assert flow.bury(archive_id=revision.study.archive_id)


def test_a_pack_goes_when_its_study_is_deleted_and_not_before_it_is_certain(
    revision, packs, archive, django_capture_on_commit_callbacks
):
    folder = build(packs, revision)
    build(packs, revision, name=f".{revision.id}.abc")
    other = packs / "another"
    other.mkdir()
    with django_capture_on_commit_callbacks(execute=True):
        delete(archive, revision)
        assert folder.exists(), "the transaction may still fail"
    assert list(packs.iterdir()) == [other]
    revision.refresh_from_db()
    assert revision.pack_state == "absent"
    assert packs_to_remove(limit=9) == []
    unchanged_by(lambda: remove_packs(study_id=revision.study_id))
    flow.sweep()
    revision.refresh_from_db()
    assert revision.pack_state == "absent", "nobody asks for it again"


def test_what_a_crash_left_is_removed_by_the_sweep(revision, packs, archive):
    folder = build(packs, revision)
    delete(archive, revision)  # and what follows the commit never came
    assert folder.exists()
    flow.sweep()
    assert not folder.exists()


def test_a_pack_that_is_finished_after_the_deletion_goes_too(
    revision, packs, archive, monkeypatch
):
    start_pack(actor=SYSTEM, revision_id=revision.id)
    delete(archive, revision)
    flow.sweep()
    folder = build(packs, revision)
    flow.sweep()
    assert not folder.exists()
    revision.refresh_from_db()
    assert revision.pack_state == "absent"
    # A worker that never answers is not waited for for ever.
    StudyRevision.objects.update(
        pack_state="building", pack_requested_at=clock.now() - timedelta(hours=2)
    )
    flow.sweep()
    assert packs_to_remove(limit=9) == []


def test_a_disk_that_says_no_is_asked_again(revision, packs, archive, monkeypatch):
    folder = build(packs, revision)
    delete(archive, revision)

    def refuses(path):
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(pack_files.shutil, "rmtree", refuses)
        assert remove_packs(study_id=revision.study_id) == 0
    assert packs_to_remove(limit=9) == [revision.study_id]
    assert remove_packs(study_id=revision.study_id) == 1
    assert not folder.exists()


def test_the_pack_of_a_study_that_lives_stays(revision, packs):
    folder = build(packs, revision)
    assert remove_packs(study_id=revision.study_id) == 0
    flow.sweep()
    assert folder.exists()


def test_nginx_is_told_that_a_study_was_deleted(revision, department):
    client = client_for(department.reader)
    assert client.post(f"/api/studies/{revision.study_id}/open").status_code == 200
    address = {"X-Original-URI": f"/pixels/{revision.id}/"}
    path = "/internal/authorise-pixels"
    assert client.get(path, headers=address).status_code == 204
    Study.objects.update(deleted_at=clock.now())
    answer = client.get(path, headers=address)
    assert (answer.status_code, answer["X-Pixels"]) == (403, "deleted")
    stranger = client_for(department.person("radiologist", "other"))
    refused = stranger.get(path, headers=address)
    assert (refused.status_code, "X-Pixels" in refused) == (403, False)

"""A broad sample of real files through the door into a real Orthanc."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from apps.accounts.types import SYSTEM
from apps.interop.orthanc import Archive
from apps.interop.types import ArchiveUnavailable
from apps.studies import archive as archive_module
from apps.studies.models import QuarantinedStudy, Study
from apps.workflow.intake import Via, take_paths
from apps.workflow.intake.report import Counts
from apps.workflow.models import IntakeFile

DATA = Path(__file__).resolve().parents[4] / "shared/data"
_NAMES = ("ORTHANC_URL", "ORTHANC_USER", "ORTHANC_PASSWORD")
pytestmark = pytest.mark.django_db


@pytest.fixture
def orthanc(settings, tmp_path):
    """Give a real archive, empty before and after."""
    if any(name not in os.environ for name in _NAMES):
        pytest.skip("no Orthanc: ORTHANC_URL is not set (script/test sets it)")
    settings.STATE_DIR = tmp_path / "state"
    for name in _NAMES:
        setattr(settings, name, os.environ[name])
    with Archive(*(os.environ[name] for name in _NAMES)) as real:
        try:
            real.ping()
        except ArchiveUnavailable:
            pytest.skip(f"no Orthanc at {os.environ['ORTHANC_URL']}")
        _empty(real)
        archive_module.archive.cache_clear()
        yield real
        _empty(real)
    archive_module.archive.cache_clear()


def _empty(real):
    for study_id in list(real.all_study_ids()):
        real.delete_study(study_id)


def take(department, *paths):
    intake = take_paths(
        actor=SYSTEM, site=department.site, paths=paths, via=Via.COMMAND
    )
    return Counts(**intake.counts), IntakeFile.objects.filter(intake=intake)


@pytest.mark.real_data
def test_small_files_of_every_kind(department, orthanc, broker):
    folders = [DATA / "dicom_small", DATA / "mr_prostatex"]
    if not all(folder.is_dir() for folder in folders):
        pytest.skip(f"no real data: {DATA} is missing")
    counts, files = take(department, *folders)
    there = sum(p.is_file() for folder in folders for p in folder.rglob("*"))
    members = files.filter(in_zip__isnull=False).count()
    assert counts.adds_up
    assert counts.waiting == 0
    assert counts.files == there - counts.zips + members
    assert counts.stored > 200
    assert not files.filter(status__in=["refused", "conflict"], reason="").exists()
    assert not files.filter(reason__contains="(400)").exists()
    # What the report calls stored is in the archive, and nothing else is.
    assert orthanc.statistics().instances == counts.stored
    # One study's UID is another patient's too: the archive has both, one is held.
    held = QuarantinedStudy.objects.filter(kind="other_patient").count()
    assert held == 1
    assert Study.objects.count() + held == len(list(orthanc.all_study_ids()))
    again, lines = take(department, folders[1])
    assert again.files == again.already > 0
    assert not lines.exclude(status="already").exists()

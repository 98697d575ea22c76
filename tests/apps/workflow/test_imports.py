"""Files into the archive: every one accounted for, twice adds nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from apps.accounts.types import SYSTEM
from apps.interop.types import ArchiveUnavailable
from apps.studies.models import Study, StudyRevision
from apps.workflow.imports import import_files
from apps.worklist.models import WorkItem
from tests.factories.domain import make_ct, make_department, make_film, unchanged_by

DATA = Path(__file__).resolve().parents[4] / "shared/data/dicom_small"
pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path):
    """A disc as it comes: two studies, a text, an empty file, a broken one."""
    for number, file in enumerate(make_ct(n=3)):
        (tmp_path / f"CT{number}").write_bytes(file)
    film = make_film()
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "film.dcm").write_bytes(film)
    (tmp_path / "sub" / "again.dcm").write_bytes(film)
    (tmp_path / "README.txt").write_text("read me")
    (tmp_path / "empty.dcm").write_bytes(b"")
    (tmp_path / "cut.dcm").write_bytes(film[: len(film) // 2])
    return tmp_path


def run(department, *paths):
    return import_files(actor=SYSTEM, site=department.site, paths=paths)


def test_every_file_is_accounted_for(department, archive, broker, folder):
    report = run(department, folder)
    assert report.adds_up
    assert (report.files, report.stored, report.already) == (8, 4, 1)
    reasons = {r.path.name: r.reason for r in report.rejected}
    assert set(reasons) == {"README.txt", "empty.dcm", "cut.dcm"}
    assert all(reason.endswith(".") or reason for reason in reasons.values())
    assert len(report.studies) == 2
    assert WorkItem.objects.count() == Study.objects.count() == 2
    assert {study.site for study in Study.objects.all()} == {department.site}


def test_again_adds_nothing(department, archive, broker, folder):
    run(department, folder)
    report = unchanged_by(lambda: run(department, folder))
    assert report.adds_up
    assert (report.stored, report.already) == (0, 5)


def test_what_is_another_sites_is_rejected_with_the_reason(
    department, archive, broker, folder
):
    south = make_department("south")
    run(department, folder / "sub")
    report = run(south, folder / "sub")
    assert report.adds_up
    assert {r.reason for r in report.rejected} == {
        "The study belongs to another site already."
    }
    assert {study.site for study in Study.objects.all()} == {department.site}


def test_an_archive_that_goes_away_says_so_and_it_goes_on_later(
    department, archive, broker, folder
):
    archive.down = True
    with pytest.raises(ArchiveUnavailable):
        run(department, folder)
    with pytest.raises(CommandError, match="run the same command again"):
        call_command("import_dicom", str(folder), site="north")
    archive.down = False
    assert run(department, folder).stored == 4


def test_the_command_fails_when_a_file_was_rejected(
    department, archive, broker, folder, capsys
):
    with pytest.raises(SystemExit):
        call_command("import_dicom", str(folder), site="north")
    out = capsys.readouterr().out
    assert "README.txt" in out
    assert "8 files = 4 stored + 1 there before + 3 rejected + 0 skipped" in out
    with pytest.raises(CommandError, match="Known: north"):
        call_command("import_dicom", str(folder), site="nowhere")
    with pytest.raises(CommandError, match="No such file"):
        call_command("import_dicom", "/nowhere/at/all", site="north")


@pytest.mark.real_data
def test_the_odd_files_of_others(department, archive, broker):
    if not DATA.is_dir():
        pytest.skip(f"no real data: {DATA} is missing")
    report = run(department, DATA)
    assert report.adds_up
    assert report.files == sum(1 for p in DATA.rglob("*") if p.is_file())
    assert report.stored > 100
    assert all(r.reason for r in (*report.rejected, *report.skipped))
    known = Study.objects.count()
    assert known == len(report.studies)
    with_images = StudyRevision.objects.values("study").distinct().count()
    assert WorkItem.objects.count() == with_images
    again = unchanged_by(lambda: run(department, DATA))
    assert again.adds_up
    assert again.stored == 0
    assert len(again.rejected) == len(report.rejected)

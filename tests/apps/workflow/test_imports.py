"""Files into the archive: every one accounted for, twice adds nothing."""

from __future__ import annotations

import csv
import gzip
import io
import time
import zipfile
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from apps.accounts.types import SYSTEM
from apps.audit.models import AuditRecord
from apps.interop.types import ArchiveUnavailable
from apps.studies.models import Study, StudyRevision
from apps.workflow.intake import (
    FileOutcome,
    Status,
    Via,
    batch,
    door,
    keep_report,
    take_paths,
)
from apps.workflow.intake.report import Counts
from apps.workflow.models import IntakeFile
from apps.worklist.models import WorkItem
from tests.factories.domain import make_ct, make_department, make_film, unchanged_by

DATA = Path(__file__).resolve().parents[4] / "shared/data/dicom_small"
REPORT = ("workflow.Intake", "workflow.IntakeFile", "audit.AuditRecord")
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_state(settings, tmp_path, monkeypatch):
    settings.STATE_DIR = tmp_path / "state"
    monkeypatch.setattr(door, "PAUSES_S", (0.0,))


@pytest.fixture
def folder(tmp_path):
    """A disc as it comes: two studies, a text, an empty file, a broken one."""
    disc = tmp_path / "disc"
    (disc / "sub").mkdir(parents=True)
    for number, file in enumerate(make_ct(n=3)):
        (disc / f"CT{number}").write_bytes(file)
    film = make_film()
    (disc / "sub" / "film.dcm").write_bytes(film)
    (disc / "sub" / "again.dcm").write_bytes(film)
    (disc / "README.txt").write_text("read me")
    (disc / "empty.dcm").write_bytes(b"")
    (disc / "cut.dcm").write_bytes(film[: len(film) // 2])
    return disc


def run(department, *paths):
    intake = take_paths(
        actor=SYSTEM, site=department.site, paths=paths, via=Via.COMMAND
    )
    return Counts(**intake.counts), IntakeFile.objects.filter(intake=intake)


def test_every_file_is_accounted_for(department, archive, broker, folder):
    counts, files = run(department, folder)
    assert counts.adds_up
    assert (counts.files, counts.stored, counts.already) == (8, 4, 1)
    assert counts.bytes == sum(p.stat().st_size for p in folder.rglob("*.*")) + sum(
        p.stat().st_size for p in folder.glob("CT*")
    )
    reasons = dict(files.filter(status="refused").values_list("name", "reason"))
    assert set(reasons) == {"disc/README.txt", "disc/empty.dcm", "disc/cut.dcm"}
    assert all(reason.endswith(".") for reason in reasons.values())
    assert WorkItem.objects.count() == Study.objects.count() == 2
    assert {study.site for study in Study.objects.all()} == {department.site}
    end = AuditRecord.objects.get(event="intake:finish")
    assert (end.detail["files"], end.detail["stored"]) == (8, 4)
    assert "film" not in str(end.detail)


def test_again_adds_nothing(department, archive, broker, folder):
    run(department, folder)
    counts, _ = unchanged_by(lambda: run(department, folder), *REPORT)
    assert counts.adds_up
    assert (counts.stored, counts.already) == (0, 5)


def test_what_is_another_sites_is_refused_with_the_reason(
    department, archive, broker, folder
):
    south = make_department("south")
    run(department, folder / "sub")
    counts, files = run(south, folder / "sub")
    assert counts.adds_up
    assert set(files.values_list("reason", flat=True)) == {door._OTHER_SITE}
    assert {study.site for study in Study.objects.all()} == {department.site}


def test_a_zip_is_opened_and_its_members_count(department, archive, broker, tmp_path):
    inner, outer = io.BytesIO(), tmp_path / "disc.zip"
    with zipfile.ZipFile(inner, "w") as disc:
        disc.writestr("b/film.dcm", make_film())
    with zipfile.ZipFile(outer, "w") as disc:
        disc.writestr("../../etc/evil.dcm", make_film())
        disc.writestr("inner.zip", inner.getvalue())
        disc.writestr("note.txt", "hello")
        disc.writestr("__MACOSX/._film.dcm", "x")
    packed = tmp_path / "film.dcm.gz"
    packed.write_bytes(gzip.compress(make_film()))
    counts, files = run(department, outer, packed)
    assert counts.adds_up
    assert (counts.files, counts.stored, counts.refused, counts.skipped) == (5, 3, 1, 1)
    assert counts.zips == 1
    members = files.filter(in_zip__name="disc.zip").values_list("name", flat=True)
    assert set(members) == {
        "disc.zip!../../etc/evil.dcm",
        "disc.zip!inner.zip!b/film.dcm",
        "disc.zip!note.txt",
        "disc.zip!__MACOSX/._film.dcm",
    }
    assert not list((tmp_path / "state").rglob("*.dcm"))


def test_a_bomb_and_a_lock_are_refused(department, archive, broker, tmp_path):
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as disc:
        disc.writestr("huge.dcm", bytes(100 << 20))
    (tmp_path / "torn.zip").write_bytes(bomb.read_bytes()[:2000])
    counts, files = run(department, bomb, tmp_path / "torn.zip")
    assert (counts.files, counts.refused) == (2, 2)
    reasons = dict(files.filter(status="refused").values_list("name", "reason"))
    assert "ZIP bomb" in reasons["bomb.zip!huge.dcm"]
    assert "damaged" in reasons["torn.zip"]


def test_other_content_under_the_same_uids_is_held(
    department, archive, broker, tmp_path
):
    first = make_film(
        study_uid="1.2.3", SOPInstanceUID="1.2.3.4", SeriesInstanceUID="1.2.5"
    )
    other = make_film(
        study_uid="1.2.3",
        SOPInstanceUID="1.2.3.4",
        SeriesInstanceUID="1.2.5",
        WindowCenter=7,
    )
    (tmp_path / "1.dcm").write_bytes(first)
    (tmp_path / "2.dcm").write_bytes(other)
    run(department, tmp_path / "1.dcm")
    counts, files = run(department, tmp_path / "2.dcm")
    assert (counts.conflict, counts.adds_up) == (1, True)
    assert "held for a decision" in files.get().reason
    assert len(list((tmp_path / "state" / "held").glob("*.dcm"))) == 1


def test_of_several_files_of_one_uid_the_first_is_kept_however_slow_it_is(
    department, archive, broker, tmp_path, monkeypatch
):
    def slow_at_first(prepared):
        if prepared.name.endswith("1.dcm"):
            time.sleep(0.3)
        return door.deliver(prepared)

    monkeypatch.setattr(batch, "deliver", slow_at_first)
    uids = {"SOPInstanceUID": "1.2.3.4", "SeriesInstanceUID": "1.2.5"}
    for number in (1, 2, 3):
        film = make_film(study_uid="1.2.3", **uids, WindowCenter=number)
        (tmp_path / f"{number}.dcm").write_bytes(film)
    _, files = run(department, tmp_path)
    said = {
        Path(name).name: status for name, status in files.values_list("name", "status")
    }
    assert said == {"1.dcm": "stored", "2.dcm": "conflict", "3.dcm": "conflict"}


def test_a_report_of_files_taken_one_by_one(department, archive, broker):
    outcomes = [
        FileOutcome(name="1", status=Status.STORED, study_uid="1.2"),
        FileOutcome(name="2", status=Status.REFUSED, reason="No."),
    ]
    intake = keep_report(
        actor=SYSTEM, site=department.site, via=Via.STOW, outcomes=outcomes
    )
    assert Counts(**intake.counts) == Counts(files=2, stored=1, refused=1)
    assert (intake.state, intake.via) == ("done", "stow")


def test_an_archive_that_goes_away_says_so_and_it_goes_on_later(
    department, archive, broker, folder
):
    archive.down = True
    with pytest.raises(ArchiveUnavailable):
        run(department, folder)
    with pytest.raises(CommandError, match="run the same command again"):
        call_command("import_dicom", str(folder), site="north")
    archive.down = False
    assert run(department, folder)[0].stored == 4


def test_the_command_prints_a_report_that_adds_up(
    department, archive, broker, folder, capsys, tmp_path
):
    table = tmp_path / "report.csv"
    call_command("import_dicom", str(folder), site="north", report=table)
    out = capsys.readouterr().out
    assert (
        "8 files = 4 stored + 1 already + 0 conflict + 3 refused + 0 skipped;"
        " 2 studies" in out
    )
    assert "refused      1  " in out
    table_rows = [line.split() for line in out.splitlines()]
    assert ["6", "3", "0", "0", "3", "0", "disc"] in table_rows
    assert ["2", "1", "1", "0", "0", "0", "disc/sub"] in table_rows
    assert ["8", "4", "1", "0", "3", "0", "in", "all"] in table_rows
    with table.open() as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == 8
    assert {row["status"] for row in rows} == {"stored", "already", "refused"}
    with pytest.raises(CommandError, match="Known: north"):
        call_command("import_dicom", str(folder), site="nowhere")
    with pytest.raises(CommandError, match="No such file"):
        call_command("import_dicom", "/nowhere/at/all", site="north")


@pytest.mark.real_data
def test_the_odd_files_of_others(department, archive, broker):
    if not DATA.is_dir():
        pytest.skip(f"no real data: {DATA} is missing")
    counts, files = run(department, DATA)
    assert counts.adds_up
    there = sum(1 for p in DATA.rglob("*") if p.is_file())
    members = files.filter(in_zip__isnull=False).count()
    assert counts.files == there - counts.zips + members
    assert counts.stored > 100
    assert not files.filter(status__in=["refused", "skipped"], reason="").exists()
    known = Study.objects.count()
    ids = files.exclude(archive_study_id="").values("archive_study_id").distinct()
    assert known == ids.count()
    with_images = StudyRevision.objects.values("study").distinct().count()
    assert WorkItem.objects.count() == with_images
    again, _ = unchanged_by(lambda: run(department, DATA), *REPORT)
    assert again.adds_up
    assert again.stored == 0
    assert again.refused == counts.refused

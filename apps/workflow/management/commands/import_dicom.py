"""`manage.py import_dicom PATH… --site CODE`: files, folders and zips into a site."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError

from apps.accounts.models import Site
from apps.accounts.types import SYSTEM
from apps.interop.types import ArchiveUnavailable
from apps.studies.models import QuarantinedStudy
from apps.workflow.intake import Via, take_paths
from apps.workflow.intake.report import Counts
from apps.workflow.models import Intake, IntakeFile

if TYPE_CHECKING:
    from argparse import ArgumentParser

WAYS = ("stored", "already", "conflict", "refused", "skipped")
DEPTH = 3
COLUMNS = ("name", "size", "status", "reason", "study_uid", "series_uid", "sop_uid")


class Command(BaseCommand):
    """Imports DICOM files and says of every file what became of it."""

    help = "Import DICOM files, folders and zips into a site. Safe to run again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take paths, the site's code, and where the full report goes."""
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
        parser.add_argument("--site", required=True, help="code of the site")
        parser.add_argument(
            "--report", type=Path, help="write a line for every file to this CSV"
        )

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        """Import and print the report; fail when a file is unaccounted for."""
        site = Site.objects.filter(code=options["site"]).first()
        if site is None:
            known = ", ".join(Site.objects.values_list("code", flat=True)) or "none"
            raise CommandError(f"There is no site “{options['site']}”. Known: {known}.")
        missing = [str(path) for path in options["paths"] if not path.exists()]
        if missing:
            raise CommandError(f"No such file or folder: {', '.join(missing)}")
        try:
            intake = take_paths(
                actor=SYSTEM,
                site=site,
                paths=options["paths"],
                via=Via.COMMAND,
                progress=self._progress,
            )
        except ArchiveUnavailable as error:
            raise CommandError(
                f"{error} What was stored is safe: run the same command again."
            ) from error
        if options["report"]:
            self._write(intake, options["report"])
        self._print(intake)
        if not Counts(**intake.counts).adds_up:
            raise CommandError("The report does not add up. Please report this.")

    def _progress(self, counts: Counts) -> None:
        ways = ", ".join(f"{getattr(counts, way)} {way}" for way in WAYS)
        self.stderr.write(f"  {counts.files} files: {ways}")

    def _print(self, intake: Intake) -> None:
        self._print_folders(intake)
        files = IntakeFile.objects.filter(intake=intake).exclude(reason="")
        reasons = Counter(files.values_list("status", "reason"))
        for (status, reason), n in sorted(reasons.items()):
            self.stdout.write(f"{status:>9} {n:6}  {reason}")
        counts = Counts(**intake.counts)
        ways = " + ".join(f"{getattr(counts, way)} {way}" for way in WAYS)
        lines = IntakeFile.objects.filter(intake=intake).exclude(archive_study_id="")
        ids = lines.order_by().values("archive_study_id").distinct()
        studies = ids.count()
        held = QuarantinedStudy.objects.filter(archive_id__in=ids, state="held").count()
        self.stdout.write(
            f"{counts.files} files = {ways}; {studies} studies, {held} of them held"
            f" for a decision (page “Quarantine”); {counts.zips} zips"
            f" opened; {counts.missing} named by a DICOMDIR and not there."
        )

    def _print_folders(self, intake: Intake) -> None:
        """Print how many files of each folder, or zip, ended in which way."""
        folders: dict[str, Counter[str]] = {}
        files = IntakeFile.objects.filter(intake=intake, status__in=WAYS)
        for name, status in files.values_list("name", "status").iterator():
            folder = _folder_of(name)
            folders.setdefault(folder, Counter())[status] += 1
        self.stdout.write(f"{'files':>7} " + " ".join(f"{way:>8}" for way in WAYS))
        for folder, ways in sorted(folders.items()):
            numbers = " ".join(f"{ways[way]:8}" for way in WAYS)
            self.stdout.write(f"{ways.total():7} {numbers}  {folder}")
        total = sum(folders.values(), Counter())
        numbers = " ".join(f"{total[way]:8}" for way in WAYS)
        self.stdout.write(f"{total.total():7} {numbers}  in all")

    def _write(self, intake: Intake, path: Path) -> None:
        files = IntakeFile.objects.filter(intake=intake).order_by("created_at", "id")
        with path.open("w", newline="", encoding="utf-8") as target:
            writer = csv.writer(target)
            writer.writerow(COLUMNS)
            writer.writerows(files.values_list(*COLUMNS).iterator())


def _folder_of(name: str) -> str:
    """Return the folder that a line counts in, at most `DEPTH` deep; a zip is one."""
    outer, in_zip, _ = name.partition("!")
    if in_zip:
        return outer
    return "/".join(outer.split("/")[:-1][:DEPTH]) or "."

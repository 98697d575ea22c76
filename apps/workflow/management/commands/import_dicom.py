"""`manage.py import_dicom PATH… --site CODE`: files and folders into a site."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError

from apps.accounts.models import Site
from apps.accounts.types import SYSTEM
from apps.interop.types import ArchiveUnavailable
from apps.workflow.imports import ImportReport, import_files

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(BaseCommand):
    """Imports DICOM files and says of every file what became of it."""

    help = "Import DICOM files and folders into a site. Safe to run again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take paths and the site's code."""
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
        parser.add_argument("--site", required=True, help="code of the site")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        """Import, print the report, fail when a file was rejected."""
        site = Site.objects.filter(code=options["site"]).first()
        if site is None:
            known = ", ".join(Site.objects.values_list("code", flat=True)) or "none"
            raise CommandError(f"There is no site “{options['site']}”. Known: {known}.")
        missing = [str(path) for path in options["paths"] if not path.exists()]
        if missing:
            raise CommandError(f"No such file or folder: {', '.join(missing)}")
        try:
            report = import_files(
                actor=SYSTEM, site=site, paths=options["paths"], progress=self._progress
            )
        except ArchiveUnavailable as error:
            raise CommandError(
                f"{error} What was stored is safe: run the same command again."
            ) from error
        self._print(report)
        if report.rejected:
            raise SystemExit(1)

    def _progress(self, report: ImportReport) -> None:
        if report.files:
            self.stderr.write(
                f"  {report.files} files: {report.stored} stored, "
                f"{report.already} there before, {len(report.rejected)} rejected"
            )

    def _print(self, report: ImportReport) -> None:
        for file in report.skipped:
            self.stdout.write(f"skipped   {file.path}: {file.reason}")
        for file in report.rejected:
            self.stdout.write(f"rejected  {file.path}: {file.reason}")
        self.stdout.write(
            f"{report.files} files = {report.stored} stored + {report.already} there "
            f"before + {len(report.rejected)} rejected + {len(report.skipped)} "
            f"skipped; "
            f"{len(report.studies)} studies."
        )

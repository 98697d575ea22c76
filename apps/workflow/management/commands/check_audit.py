"""Compare the audit log with its seals."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError

from apps.accounts.types import SYSTEM
from apps.audit.seals import check_audit
from apps.core.errors import DomainError

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from apps.audit.seals import Problem

WORDS = {
    "changed": "records {first} to {last}: at least one was changed",
    "removed": "records {first} to {last}: {n} removed",
    "added": "records {first} to {last}: {n} added",
    "seal_changed": "seal {seal} itself was changed, or signed by another key",
    "seal_removed": "seal {seal} is gone, with it the proof of {first} to {last}",
}


class Command(BaseCommand):
    """Checks all sealed records; ends with status 1 when something was changed."""

    help = "Check that no sealed record of the audit log was changed, removed or added."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the list to compare with."""
        parser.add_argument(
            "--seals",
            type=Path,
            help="a copy of audit-seals.jsonl that was kept elsewhere",
        )

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        """Check, print, and fail where something does not agree."""
        seals: Path | None = options["seals"]
        if seals is not None and not seals.is_file():
            message = f"--seals: there is no file {seals}."
            raise CommandError(message)
        try:
            check = check_audit(actor=SYSTEM, seals_file=seals)
        except DomainError as error:
            raise CommandError(error.detail) from error
        for problem in check.problems:
            self.stdout.write(_words(problem))
        if not check.intact:
            message = f"The audit log was changed: {len(check.problems)} findings."
            raise CommandError(message)
        self.stdout.write(
            f"Intact: {check.records} records under {check.seals} seals agree."
        )


def _words(problem: Problem) -> str:
    return WORDS[problem.what].format(
        first=problem.first_id,
        last=problem.last_id,
        n=problem.n,
        seal=problem.seal,
    )

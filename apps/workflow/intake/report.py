"""The report of a batch: its lines, and counts that add up."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Count, Q, Sum

from apps.workflow.intake.media import missing_files
from apps.workflow.intake.types import FileOutcome, FileState, RowStatus, Status
from apps.workflow.models import Intake, IntakeFile

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_REASON = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many files ended in which way.

    Attributes:
        files: Files of the batch; the sum of the next six.
        stored: New in the archive.
        already: There before, the same.
        conflict: Other content under the same UIDs; held for a decision.
        refused: Not taken, with a reason.
        skipped: Left out without loss.
        waiting: Not taken yet.
        missing: Named by a media directory and not there.
        zips: Zips that were opened; their members count in their place.
        bytes: Of all files.
    """

    files: int = 0
    stored: int = 0
    already: int = 0
    conflict: int = 0
    refused: int = 0
    skipped: int = 0
    waiting: int = 0
    missing: int = 0
    zips: int = 0
    bytes: int = 0

    @property
    def adds_up(self) -> bool:
        """True when every file is accounted for exactly once."""
        ways = self.stored + self.already + self.conflict + self.refused
        return self.files == ways + self.skipped + self.waiting


def count_files(*, intake: Intake) -> Counts:
    """Count the lines of a batch."""
    lines = IntakeFile.objects.filter(intake=intake)
    by_status = dict(lines.values_list("status").annotate(n=Count("id")).order_by())
    taken = {status.value: by_status.get(status.value, 0) for status in Status}
    waiting = by_status.get("", 0)
    plain = ~Q(status__in=[RowStatus.MISSING, RowStatus.OPENED])
    size = lines.filter(plain).aggregate(n=Sum("size"))["n"] or 0
    return Counts(
        **taken,
        files=sum(taken.values()) + waiting,
        waiting=waiting,
        missing=by_status.get(RowStatus.MISSING, 0),
        zips=by_status.get(RowStatus.OPENED, 0),
        bytes=size,
    )


def plain_counts(counts: Counts) -> dict[str, Any]:
    """Return the JSON form."""
    return asdict(counts)


def write_outcome(*, line: IntakeFile, outcome: FileOutcome) -> None:
    """Write what became of a file onto its line, without saving it."""
    line.state = FileState.TAKEN
    line.received = line.size
    line.status = outcome.status
    line.reason = outcome.reason[:MAX_REASON]
    line.study_uid = outcome.study_uid[:64]
    line.series_uid = outcome.series_uid[:64]
    line.sop_uid = outcome.sop_uid[:64]
    line.archive_study_id = outcome.archive_study_id
    line.transcoded = outcome.transcoded
    line.references = list(outcome.references)


def add_missing(*, intake: Intake) -> None:
    """Add a line for each file that a media directory names and that is not there."""
    lines = IntakeFile.objects.filter(intake=intake)
    directories = dict(lines.exclude(references=[]).values_list("name", "references"))
    if not directories:
        return
    there = lines.exclude(status=RowStatus.MISSING).values_list("name", flat=True)
    missing = missing_files(names=there.iterator(), directories=directories)
    IntakeFile.objects.bulk_create(
        [
            IntakeFile(
                intake=intake,
                key=f"missing:{number}",
                name=name,
                size=0,
                state=FileState.TAKEN,
                status=RowStatus.MISSING,
                reason="The disc's directory (DICOMDIR) names this file; it is not"
                " among the files brought.",
            )
            for number, name in enumerate(missing)
        ],
        ignore_conflicts=True,
        batch_size=1000,
    )


def touched_studies(lines: Iterable[IntakeFile]) -> list[str]:
    """Return the archive's ids of the studies that lines belong to, each once."""
    return sorted({line.archive_study_id for line in lines if line.archive_study_id})

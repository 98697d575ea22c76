"""Files and folders into the archive, with a report that accounts for each file."""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from apps.interop.dicom.headers import (
    AcceptedFile,
    RejectedFile,
    classify_file,
    read_part10,
)
from apps.interop.types import ArchiveRefused, ArchiveUnavailable, StoreOutcome
from apps.studies.archive import archive
from apps.studies.services import claim_import
from apps.workflow import flow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from apps.accounts.models import Site
    from apps.accounts.types import Actor

UPLOADS_AT_ONCE = 4
WINDOW = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """One file that was not taken, and why, in plain words."""

    path: Path
    reason: str


@dataclass(slots=True, kw_only=True)
class ImportReport:
    """What became of every file: `files` = `stored` + `already` + the two lists.

    Attributes:
        files: Files looked at.
        stored: Files that are new in the archive.
        already: Files that were there before.
        rejected: Files that could not be taken.
        skipped: Files left out without loss (media directories).
        studies: Archive ids of the studies touched.
    """

    files: int = 0
    stored: int = 0
    already: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    skipped: list[Rejected] = field(default_factory=list)
    studies: set[str] = field(default_factory=set)

    @property
    def adds_up(self) -> bool:
        """True when every file is accounted for exactly once."""
        taken = self.stored + self.already
        return self.files == taken + len(self.rejected) + len(self.skipped)


def walk_files(*, paths: Iterable[Path]) -> Iterator[Path]:
    """Yield every file below the paths, in a stable order; links are not followed."""
    for path in paths:
        if path.is_dir():
            for folder, folders, names in os.walk(path):
                folders.sort()
                yield from (Path(folder, name) for name in sorted(names))
        else:
            yield path


def import_files(
    *,
    actor: Actor,
    site: Site,
    paths: Iterable[Path],
    progress: Callable[[ImportReport], None] = lambda _: None,
) -> ImportReport:
    """Store files in the archive as studies of one site, and register them.

    Running it again stores nothing twice. A bad file never stops its neighbours.

    Raises:
        ArchiveUnavailable: The archive went away; what is stored is safe, and
            running it again goes on.
    """
    report = ImportReport()
    claims: dict[str, bool] = {}
    with ThreadPoolExecutor(max_workers=UPLOADS_AT_ONCE) as pool:
        waiting: dict[Future[StoreOutcome], Path] = {}
        for path in walk_files(paths=paths):
            report.files += 1
            accepted = _accept(
                actor=actor, site=site, path=path, claims=claims, report=report
            )
            if accepted is not None:
                waiting[pool.submit(_upload, accepted)] = path
            if len(waiting) >= WINDOW:
                _collect(waiting, report)
                progress(report)
        _collect(waiting, report)
    progress(report)
    for archive_id in sorted(report.studies):
        flow.take_one(archive_id=archive_id)
    return report


def _upload(accepted: AcceptedFile) -> StoreOutcome:
    return archive().upload(read_part10(accepted))


def _accept(
    *,
    actor: Actor,
    site: Site,
    path: Path,
    claims: dict[str, bool],
    report: ImportReport,
) -> AcceptedFile | None:
    outcome = classify_file(path)
    if isinstance(outcome, RejectedFile):
        target = report.skipped if outcome.is_skipped else report.rejected
        target.append(Rejected(path=path, reason=outcome.reason))
        return None
    uid = outcome.header.study_uid
    if uid not in claims:
        claims[uid] = claim_import(actor=actor, study_uid=uid, site=site)
    if not claims[uid]:
        reason = "The study belongs to another site already."
        report.rejected.append(Rejected(path=path, reason=reason))
        return None
    return outcome


def _collect(waiting: dict[Future[StoreOutcome], Path], report: ImportReport) -> None:
    for future in as_completed(list(waiting)):
        path = waiting.pop(future)
        try:
            outcome = future.result()
        except ArchiveUnavailable:
            raise
        except (ArchiveRefused, OSError) as error:
            report.rejected.append(Rejected(path=path, reason=str(error)))
            continue
        if outcome.status == "already":
            report.already += 1
        else:
            report.stored += 1
        report.studies.add(outcome.study_id)

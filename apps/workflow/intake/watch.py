"""The watched folders: what is put into `<OVERREAD_WATCH_DIR>/<site code>/` is taken.

A file is taken once it has not changed for some seconds. Taken files go to `done/`,
those that were refused or are held to `refused/` with the reason in a text beside.
A file is moved after the archive has it: a crash in between takes it once more,
which changes nothing. No link is followed, whenever it was put there: a site's folder
reaches nothing but itself.
"""

from __future__ import annotations

import logging
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from django.conf import settings

from apps.accounts.models import Site
from apps.accounts.types import SYSTEM
from apps.core import clock
from apps.interop.types import ArchiveUnavailable
from apps.studies.locks import only_one
from apps.workflow import flow
from apps.workflow.intake.batch import take_paths
from apps.workflow.intake.beneath import make_folder, move_file
from apps.workflow.intake.types import Status, Via
from apps.workflow.intake.unpack import is_plain_file, walk_files
from apps.workflow.models import IntakeFile, WatchedFolder

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger(__name__)
QUIET_S: Final = 5.0
"""A file that changed within so many seconds may still be on its way."""
AT_ONCE: Final = 500
DONE, REFUSED = "done", "refused"
ODDITIES: Final = (*flow.ODDITIES, RuntimeError, MemoryError)
"""What one odd file may raise; it never stops the other sites' folders."""

_ODD: Final = "Something in this folder cannot be taken: an admin finds it in the log."
_NOT_TAKEN = {Status.REFUSED.value, Status.CONFLICT.value}


@dataclass(frozen=True, slots=True)
class Found:
    """Files of one folder: those to take now, and how many still change."""

    ready: tuple[Path, ...]
    waiting: int


def watch_folder(*, site: Site) -> Path:
    """Return a site's folder."""
    return Path(settings.WATCH_DIR) / site.code


def watch_folders() -> int:
    """Take what is ready in every site's folder; return how many files."""
    taken = 0
    for site in Site.objects.all():
        folder = watch_folder(site=site)
        if not folder.is_dir():
            folder.mkdir(parents=True, mode=0o770)
        taken += _watch_one(site=site, folder=folder)
    return taken


def _watch_one(*, site: Site, folder: Path) -> int:
    """Take what is ready in one folder; one process at a time is at it."""
    with only_one(f"watch {site.id}") as is_ours:
        if not is_ours:
            return 0
        found = _look(folder)
        waiting, trouble = found.waiting, ""
        try:
            if found.ready:
                trouble = _take(site=site, folder=folder, paths=found.ready)
        except ArchiveUnavailable as error:
            waiting, trouble = waiting + len(found.ready), str(error)[:400]
        except OSError as error:
            trouble = f"The folder cannot be used: {error.strerror}."
            log.warning("watched folder of %s: %s", site.code, error.strerror)
        except ODDITIES as error:
            # What is said of it may quote a file's name: the kind alone is logged.
            waiting, trouble = waiting + len(found.ready), _ODD
            log.error("watched folder of %s: %s", site.code, type(error).__name__)
        WatchedFolder.objects.update_or_create(
            site=site,
            defaults={
                "looked_at": clock.now(),
                "waiting": waiting,
                "trouble": trouble,
            },
        )
    return len(found.ready)


def _look(folder: Path) -> Found:
    quiet_since = time.time() - QUIET_S
    ready: list[Path] = []
    waiting = 0
    for path in _inbox(folder):
        if not is_plain_file(path):
            continue
        if _changed_at(path) > quiet_since or len(ready) >= AT_ONCE:
            waiting += 1
        else:
            ready.append(path)
    return Found(tuple(ready), waiting)


def _changed_at(path: Path) -> float:
    """Return when a file last changed in seconds since 1970.

    A copy may be given its original's time before it is whole; the time of its
    inode moves with every write and cannot be set.
    """
    known = path.stat()
    return max(known.st_mtime, known.st_ctime)


def _inbox(folder: Path) -> Iterator[Path]:
    for entry in sorted(folder.iterdir()):
        if entry.name not in {DONE, REFUSED} and not entry.is_symlink():
            yield from walk_files(paths=[entry])


def _take(*, site: Site, folder: Path, paths: tuple[Path, ...]) -> str:
    """Take files and move them; return what went wrong with moving, or ''."""
    for name in (DONE, REFUSED):
        make_folder(root=folder, name=name)
    intake = take_paths(
        actor=SYSTEM, site=site, paths=paths, via=Via.WATCH, within=folder
    )
    lines = IntakeFile.objects.filter(intake=intake).order_by("created_at", "id")
    # Keys are "<number>" of the path, and "<number>:<member>" within a zip.
    reasons: dict[int, list[str]] = {}
    for key, name, status, reason in lines.values_list(
        "key", "name", "status", "reason"
    ):
        number = key.split(":")[0]
        if number.isdigit() and status in _NOT_TAKEN:
            reasons.setdefault(int(number), []).append(f"{name}: {reason}")
    trouble = ""
    for place, path in enumerate(paths, start=1):
        said = reasons.get(place)
        into, note = (REFUSED, "\n".join(said) + "\n") if said else (DONE, "")
        try:
            move_file(root=folder, path=path, into=into, note=note)
        except OSError as error:
            trouble = f"A file cannot be moved: {error.strerror}."
    _tidy(folder)
    return trouble


def _tidy(folder: Path) -> None:
    """Remove folders that became empty, and are quiet."""
    quiet_since = time.time() - QUIET_S
    for current, _, _ in os.walk(folder, topdown=False):
        path = Path(current)
        top = path.relative_to(folder).parts[:1]
        if top in {(), (DONE,), (REFUSED,)} or any(path.iterdir()):
            continue
        if _changed_at(path) < quiet_since:
            path.rmdir()

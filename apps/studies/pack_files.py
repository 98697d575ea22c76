"""Pixel packs of deleted studies: taken off the disk, as often as it takes.

The row's state is the truth: a pack that may still lie somewhere is not `absent`. The
sweep comes back for it, also for one that a worker finishes after the deletion.
"""

from __future__ import annotations

import logging
import shutil
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.conf import settings
from django.db import transaction

from apps.core import clock
from apps.studies.models import Study, StudyRevision
from apps.studies.types import PackState

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger(__name__)
WORKED_ON: Final = timedelta(hours=1)
"""So long after it was asked for, a worker may still write a pack."""


def packs_to_remove(*, limit: int) -> list[UUID]:
    """Return deleted studies of which a pack may be on disk."""
    left = StudyRevision.objects.filter(study__deleted_at__isnull=False).exclude(
        pack_state=PackState.ABSENT
    )
    ids = left.order_by("study_id").values_list("study_id", flat=True).distinct()
    return list(ids[:limit])


@transaction.atomic
def remove_packs(*, study_id: UUID) -> int:
    """Remove the packs of a deleted study; of one that lives again nothing.

    Returns:
        How many packs are known to be gone.
    """
    study = Study.objects.select_for_update().filter(id=study_id).first()
    if study is None or study.deleted_at is None:
        return 0
    revisions = study.revisions.select_for_update().exclude(pack_state=PackState.ABSENT)
    removed = 0
    for revision in revisions.order_by("number"):
        if not _is_off_disk(revision.id) or _is_worked_on(revision):
            continue
        revision.pack_state, revision.pack_reason = PackState.ABSENT, ""
        revision.pack_attempts, revision.pack_requested_at = 0, None
        revision.save()
        removed += 1
    return removed


def _is_worked_on(revision: StudyRevision) -> bool:
    asked = revision.pack_requested_at
    return (
        revision.pack_state == PackState.BUILDING
        and asked is not None
        and asked > clock.now() - WORKED_ON
    )


def _is_off_disk(revision_id: UUID) -> bool:
    """Remove a pack's folder; say whether none is left."""
    for folder in _folders(revision_id):
        try:
            shutil.rmtree(folder)
        except FileNotFoundError:
            continue
        except OSError as error:
            log.warning("pack %s is still on disk: %s", revision_id, error.strerror)
            return False
    return True


def _folders(revision_id: UUID) -> Iterator[Path]:
    """Yield where a pack is, and where one was being written (`workers.packs`)."""
    root = Path(settings.PACKS_DIR)
    yield root / str(revision_id)
    yield from root.glob(f".{revision_id}.*")

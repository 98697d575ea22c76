"""A study that the archive has no longer: a tombstone, under which its history lies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from apps.audit.events import Event
from apps.audit.services import record
from apps.core import clock
from apps.interop.types import NotInArchive
from apps.studies.archive import archive
from apps.studies.locks import lock_study_uid
from apps.studies.models import QuarantinedStudy, Study
from apps.studies.types import QuarantineKind, QuarantineState

if TYPE_CHECKING:
    from apps.accounts.types import Actor


@transaction.atomic
def bury_study(*, actor: Actor, archive_id: str) -> Study | None:
    """Mark a study as deleted, if the archive really has it no longer.

    Its readings, results, revisions and audit stay. The archive is asked under the
    study's lock: a study whose content is just being replaced is not gone.

    Returns:
        The study that was marked; None when there was nothing to mark.
    """
    found = Study.objects.filter(archive_id=archive_id, deleted_at=None).first()
    if found is None or _is_there(archive_id):
        return None
    lock_study_uid(study_uid=found.study_uid)
    study = Study.objects.select_for_update().get(id=found.id)
    if study.deleted_at or study.archive_id != archive_id or _is_there(archive_id):
        return None
    study.deleted_at = clock.now()
    study.save(update_fields=["deleted_at", "updated_at"])
    record(
        actor=actor,
        event=Event.STUDY_DELETE,
        site_id=study.site_id,
        patients=[study.patient_id],
        studies=[study.id],
        object_kind="study",
        object_id=study.id,
        detail={"reason": "The archive has it no longer."},
    )
    return study


def _is_there(archive_id: str) -> bool:
    try:
        archive().study_header(archive_id)
    except NotInArchive:
        return False
    return True


def forget_held(*, there: set[str]) -> int:
    """Take out of quarantine what the archive has no longer.

    Args:
        there: Archive ids of all studies of the archive.
    """
    gone = [
        row
        for row in QuarantinedStudy.objects.filter(state=QuarantineState.HELD).exclude(
            kind=QuarantineKind.CONFLICT
        )
        if row.archive_id not in there and not _is_there(row.archive_id)
    ]
    for row in gone:
        row.state = QuarantineState.GONE
        row.resolved_at = clock.now()
        row.save(update_fields=["state", "resolved_at", "updated_at"])
    return len(gone)

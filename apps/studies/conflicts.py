"""Other content under UIDs that are taken: it is held, shown, and decided upon.

The archive keeps the first of two files with the same UIDs. The second one is kept
here, under `held`, until a person has looked at both.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import DatabaseError, transaction

from apps.accounts.types import SYSTEM
from apps.audit.events import Event
from apps.audit.services import record
from apps.core import clock
from apps.core.errors import DomainError
from apps.interop.dicom.compare import same_content
from apps.interop.dicom.headers import (
    AcceptedFile,
    RejectedFile,
    classify_bytes,
)
from apps.interop.types import ArchiveError, ArchiveRefused, ArchiveUnavailable
from apps.studies.archive import archive
from apps.studies.held import arrivals_folder, keep_file
from apps.studies.locks import lock_study_uid
from apps.studies.models import HeldFile, QuarantinedStudy, Study
from apps.studies.types import QuarantineKind, QuarantineState
from apps.studies.unread import set_aside

if TYPE_CHECKING:
    from pathlib import Path

    from apps.accounts.models import Site
    from apps.accounts.types import Actor

log = logging.getLogger(__name__)
AT_ONCE = 50
_TROUBLE = (ArchiveError, DomainError, DatabaseError, OSError, ValueError)
_REASON = (
    "Other content arrived under UIDs that are in the archive already. Nothing was "
    "changed there. Compare both and decide which one counts."
)

_ARCHIVE_CANNOT = "The archive cannot read it: its structure is not valid DICOM."


@transaction.atomic
def hold_conflict(
    *,
    actor: Actor,
    site: Site | None,
    data: bytes,
    study_uid: str,
    series_uid: str,
    sop_uid: str,
    via: str,
) -> UUID:
    """Keep a file whose UIDs are taken by other content, for a person to decide.

    Holding the same file again changes nothing, nor does a file that was turned
    down before: the decision about it stands.

    Args:
        actor: Who brought it.
        site: Where it was to go; None when nobody knows.
        data: The whole file.
        study_uid: Its Study Instance UID.
        series_uid: Its Series Instance UID.
        sop_uid: Its SOP Instance UID.
        via: Which way it came.

    Returns:
        The id of the row in quarantine.
    """
    sha256 = keep_file(data=data)
    lock_study_uid(study_uid=study_uid)
    decided = (
        HeldFile.objects.filter(
            sha256=sha256,
            quarantined__study_uid=study_uid,
            quarantined__state__in=[QuarantineState.HELD, QuarantineState.KEPT],
        )
        .order_by("-arrived_at")
        .first()
    )
    if decided is not None:
        return decided.quarantined_id
    held, created = _open_conflict(site=site, study_uid=study_uid)
    HeldFile.objects.create(
        quarantined=held,
        sha256=sha256,
        size=len(data),
        series_uid=series_uid[:64],
        sop_uid=sop_uid[:64],
        via=via[:16],
        arrived_at=clock.now(),
    )
    held.n_images = held.files.count()
    held.save(update_fields=["n_images", "updated_at"])
    if created:
        record(
            actor=actor,
            event=Event.STUDY_QUARANTINE,
            site_id=held.site_id,
            studies=[held.study_id] if held.study_id else [],
            object_kind="quarantine",
            object_id=held.id,
            detail={"kind": held.kind, "via": via[:16]},
        )
    return held.id


def _open_conflict(
    *, site: Site | None, study_uid: str
) -> tuple[QuarantinedStudy, bool]:
    study = Study.objects.filter(study_uid=study_uid).first()
    return QuarantinedStudy.objects.get_or_create(
        study_uid=study_uid,
        kind=QuarantineKind.CONFLICT,
        state=QuarantineState.HELD,
        defaults={
            "study": study,
            "site_id": study.site_id if study else (site.id if site else None),
            "modalities": study.modalities if study else [],
            "reason": _REASON,
            "arrived_at": clock.now(),
        },
    )


def take_held_arrivals() -> int:
    """Take what the archive's plugin kept because its UIDs were taken.

    What says the same as the archive's is dropped, other content is held, and what
    the archive does not have after all is stored there. A file leaves the folder
    only when one of these is done.

    Returns:
        How many files were taken.
    """
    try:
        files = sorted(arrivals_folder().glob("*.dcm"), key=_left_at)[:AT_ONCE]
    except FileNotFoundError:
        return 0
    taken = 0
    for path in files:
        try:
            _take_held_arrival(path)
            taken += 1
        except ArchiveUnavailable:
            raise
        except _TROUBLE as error:
            # It is tried again after all that wait now.
            with suppress(OSError):
                path.touch()
            log.warning("held arrival %s: %s", path.name, type(error).__name__)
    return taken


def _left_at(path: Path) -> float:
    return path.stat().st_mtime


def _take_held_arrival(path: Path) -> None:
    data = path.read_bytes()
    accepted = classify_bytes(data)
    try:
        stored = archive().upload(data)
        there = archive().fetch_instance(stored.instance_id)
    except ArchiveRefused:
        there = None
    if there is None or not isinstance(accepted, AcceptedFile):
        log.warning("held arrival %s cannot be read; it is left there", path.name)
        reason = _ARCHIVE_CANNOT
        if isinstance(accepted, RejectedFile):
            reason = accepted.reason
        set_aside(path, reason=reason)
        return
    if not same_content(there, data):
        header = accepted.header
        hold_conflict(
            actor=SYSTEM,
            site=None,
            data=data,
            study_uid=header.study_uid,
            series_uid=header.series_uid,
            sop_uid=header.sop_uid,
            via="dicom",
        )
    path.unlink(missing_ok=True)

"""The one door for files: every way in takes each file through here.

`take_file` does it all for one file. A batch uses its three parts: `prepare` and
`settle` touch the database, `deliver` only talks to the archive and may run in a
thread.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from apps.core.errors import Forbidden
from apps.core.permissions import Permission
from apps.interop.dicom.compare import same_content
from apps.interop.dicom.headers import (
    AcceptedFile,
    RejectedFile,
    Rejection,
    classify_bytes,
    classify_file,
    complete_part10,
)
from apps.interop.dicom.media import referenced_files
from apps.interop.orthanc import orthanc_study_id
from apps.interop.types import (
    ArchiveError,
    ArchiveRefused,
    ArchiveUnavailable,
    StoreOutcome,
)
from apps.studies.archive import archive
from apps.studies.conflicts import hold_conflict
from apps.studies.services import claim_import
from apps.workflow.intake.media import system_note
from apps.workflow.intake.types import FileOutcome, Status, Via
from workers.packs.transcode import TranscodeError, to_storable

if TYPE_CHECKING:
    from apps.accounts.models import Site
    from apps.accounts.types import Actor

PAUSES_S: Final = (0.5, 1.0, 2.0, 4.0)
"""Seconds between the attempts to store a file in an archive that has trouble."""

MAX_INSTANCE_BYTES: Final = 2 << 30
"""One DICOM file is in memory while it is taken, so it may be no larger."""

_TOO_LARGE: Final = "It is larger than the 2 GiB that one DICOM file may have."
_OTHER_STUDY: Final = (
    "The file does not say clearly which study it belongs to: readers would differ."
)
_OTHER_SITE: Final = (
    "The study belongs to another site already, or nobody has said yet where it does."
)
_CONFLICT: Final = (
    "The archive has another object under the same UIDs. It was left as it is; "
    "this one is held for a decision."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A file that may go to the archive."""

    name: str
    source: Path | bytes
    accepted: AcceptedFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What the archive said of a file.

    Attributes:
        prepared: The file.
        outcome: How it ended.
        conflicting: The whole file, when other content is there under its UIDs.
    """

    prepared: Prepared
    outcome: FileOutcome
    conflicting: bytes | None = None


def take_file(
    *, actor: Actor, site: Site, source: Path | bytes, name: str, via: Via
) -> FileOutcome:
    """Take one file into the archive as part of a site's study.

    Args:
        actor: Who brings it.
        site: The site that its study belongs to.
        source: The file, or its bytes.
        name: Its name as the sender knows it.
        via: Which way it came.

    Returns:
        What became of it. A bad file is an outcome, never an error.

    Raises:
        Forbidden: The actor may not bring files to this site.
        ArchiveUnavailable: The archive does not answer, after several attempts.
            Nothing is lost: the same call may be made again.
    """
    prepared = prepare(actor=actor, site=site, source=source, name=name)
    if isinstance(prepared, FileOutcome):
        return prepared
    return settle(actor=actor, site=site, delivered=deliver(prepared), via=via)


def prepare(
    *,
    actor: Actor,
    site: Site,
    source: Path | bytes,
    name: str,
    claims: dict[str, bool] | None = None,
) -> Prepared | FileOutcome:
    """Classify a file and claim its study for the site.

    Args:
        actor: Who brings it.
        site: The site that its study belongs to.
        source: The file, or its bytes.
        name: Its name as the sender knows it.
        claims: What was claimed before in the same batch; added to.
    """
    if not actor.can(Permission.STUDY_IMPORT, site.id):
        raise Forbidden("forbidden", "You may not bring studies to this site.")
    if _size_of(source) > MAX_INSTANCE_BYTES:
        return FileOutcome(name=name, status=Status.REFUSED, reason=_TOO_LARGE)
    accepted = (
        classify_bytes(source) if isinstance(source, bytes) else classify_file(source)
    )
    if isinstance(accepted, RejectedFile):
        return _turned_away(name, source, accepted)
    known = {} if claims is None else claims
    uid = accepted.header.study_uid
    if uid not in known:
        known[uid] = claim_import(actor=actor, study_uid=uid, site=site)
    prepared = Prepared(name=name, source=source, accepted=accepted)
    if not known[uid]:
        return _outcome(prepared, status=Status.REFUSED, reason=_OTHER_SITE)
    return prepared


def deliver(prepared: Prepared) -> Delivered:
    """Store a file in the archive, and compare when it has one of that name.

    Raises:
        ArchiveUnavailable: It does not answer, after several attempts.
    """
    try:
        content = _content_of(prepared)
        storable = to_storable(content)
        transcoded, content = storable is not None, storable or content
        stored = _upload(content)
        if not _is_claimed_study(prepared, stored):
            return _taken_back(prepared, stored)
        if stored.status == "stored" or _is_same(stored, content):
            outcome = _outcome(
                prepared,
                status=Status(stored.status),
                study_id=stored.study_id,
                transcoded=transcoded,
            )
            return Delivered(prepared=prepared, outcome=outcome)
    except ArchiveUnavailable:
        raise
    except ArchiveRefused as error:
        outcome = _outcome(
            prepared,
            status=Status.REFUSED,
            reason=_refusal(error),
            may_try_again=error.status >= 500,
        )
        return Delivered(prepared=prepared, outcome=outcome)
    except TranscodeError as error:
        outcome = _outcome(prepared, status=Status.REFUSED, reason=str(error))
        return Delivered(prepared=prepared, outcome=outcome)
    except OSError as error:
        reason = f"The file cannot be read: {error.strerror or 'input error'}."
        outcome = _outcome(prepared, status=Status.REFUSED, reason=reason)
        return Delivered(prepared=prepared, outcome=outcome)
    outcome = _outcome(
        prepared, status=Status.CONFLICT, reason=_CONFLICT, study_id=stored.study_id
    )
    return Delivered(prepared=prepared, outcome=outcome, conflicting=content)


def _size_of(source: Path | bytes) -> int:
    if isinstance(source, bytes):
        return len(source)
    try:
        return source.stat().st_size
    except OSError:
        return 0  # whoever reads it says what is wrong


def _is_claimed_study(prepared: Prepared, stored: StoreOutcome) -> bool:
    """Whether the archive filed it under the study that was claimed for the site.

    A file may be written so that two readers see two studies, or may have changed
    since it was looked at: the archive's word counts, it decides who sees it.
    """
    header = prepared.accepted.header
    expected = orthanc_study_id(
        patient_id=header.patient_id, study_uid=header.study_uid
    )
    if stored.study_id == expected:
        return True
    return archive().study_uid(stored.study_id) == header.study_uid


def _taken_back(prepared: Prepared, stored: StoreOutcome) -> Delivered:
    if stored.status == "stored":
        archive().delete_instance(stored.instance_id)
    header = prepared.accepted.header
    outcome = FileOutcome(
        name=prepared.name,
        status=Status.REFUSED,
        reason=_OTHER_STUDY,
        sop_uid=header.sop_uid,
        sop_class_uid=header.sop_class_uid,
    )
    return Delivered(prepared=prepared, outcome=outcome)


def _turned_away(
    name: str, source: Path | bytes, rejected: RejectedFile
) -> FileOutcome:
    if rejected.code is Rejection.MEDIA_DIRECTORY:
        return FileOutcome(
            name=name,
            status=Status.SKIPPED,
            reason=rejected.reason,
            references=referenced_files(source),
        )
    note = system_note(name)
    if note and rejected.code in {Rejection.NOT_DICOM, Rejection.EMPTY}:
        return FileOutcome(name=name, status=Status.SKIPPED, reason=note)
    return FileOutcome(name=name, status=Status.REFUSED, reason=rejected.reason)


def settle(*, actor: Actor, site: Site, delivered: Delivered, via: Via) -> FileOutcome:
    """Hold what is in conflict, and say how it ended."""
    outcome = delivered.outcome
    if delivered.conflicting is not None:
        hold_conflict(
            actor=actor,
            site=site,
            data=delivered.conflicting,
            study_uid=outcome.study_uid,
            series_uid=outcome.series_uid,
            sop_uid=outcome.sop_uid,
            via=via.value,
        )
    return outcome


def _content_of(prepared: Prepared) -> bytes:
    source = prepared.source
    content = source if isinstance(source, bytes) else source.read_bytes()
    return complete_part10(prepared.accepted, content)


def _upload(content: bytes) -> StoreOutcome:
    """Store a file, with patience for an archive that has trouble."""
    for pause in PAUSES_S:
        try:
            return archive().upload(content)
        except ArchiveError as error:
            if not isinstance(error, ArchiveUnavailable) and error.status < 500:
                raise
        time.sleep(pause)
    return archive().upload(content)


def _is_same(stored: StoreOutcome, content: bytes) -> bool:
    """Whether the archive's object of that name says what this one says."""
    digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if archive().instance_md5(stored.instance_id) == digest:
        return True
    return same_content(archive().fetch_instance(stored.instance_id), content)


def _refusal(error: ArchiveRefused) -> str:
    """Say in plain words why the archive did not take a file."""
    if error.status == 400:
        return "The archive cannot read this file: its structure is not valid DICOM."
    return str(error)


def _outcome(
    prepared: Prepared,
    *,
    status: Status,
    reason: str = "",
    study_id: str = "",
    transcoded: bool = False,
    may_try_again: bool = False,
) -> FileOutcome:
    header = prepared.accepted.header
    return FileOutcome(
        name=prepared.name,
        status=status,
        reason=reason,
        study_uid=header.study_uid,
        series_uid=header.series_uid,
        sop_uid=header.sop_uid,
        sop_class_uid=header.sop_class_uid,
        archive_study_id=study_id,
        transcoded=transcoded,
        may_try_again=may_try_again,
    )

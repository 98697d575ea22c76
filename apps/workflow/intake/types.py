"""What becomes of one file at the door."""

from __future__ import annotations

from dataclasses import dataclass

from apps.workflow.types import FileState as FileState
from apps.workflow.types import IntakeState as IntakeState
from apps.workflow.types import RowStatus as RowStatus
from apps.workflow.types import Status as Status
from apps.workflow.types import Via as Via


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOutcome:
    """What became of one file.

    Attributes:
        name: The file's name as its sender knows it; may name a patient.
        status: How it ended.
        reason: Why, in plain words that name no patient; '' when it was stored.
        study_uid: Study Instance UID, '' when it was not read.
        series_uid: Series Instance UID, '' when it was not read.
        sop_uid: SOP Instance UID, '' when it was not read.
        sop_class_uid: SOP Class UID, '' when it was not read.
        archive_study_id: The archive's id of the study, '' when nothing of the
            file is there.
        transcoded: The file was stored in another, lossless encoding.
        may_try_again: Nothing is wrong with the file: the same file may be taken
            later (the archive failed on it).
        references: What a media directory (DICOMDIR) lists: paths relative to it,
            with `/` between folders.
    """

    name: str
    status: Status
    reason: str = ""
    study_uid: str = ""
    series_uid: str = ""
    sop_uid: str = ""
    sop_class_uid: str = ""
    archive_study_id: str = ""
    transcoded: bool = False
    may_try_again: bool = False
    references: tuple[str, ...] = ()

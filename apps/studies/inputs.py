"""What workers are given of several studies in one answer."""

from __future__ import annotations

import logging
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from apps.core.errors import DomainError
from apps.interop.types import ArchiveError
from apps.studies.machine import READ_INSTANCES, read_token
from apps.studies.models import RevisionInstance, StudyRevision
from apps.studies.stored import fetch_file
from workers.inputs import (
    ANSWER_BYTES,
    MOST_FILES,
    STUDY_BYTES,
    TOGETHER_BYTES,
    StudyInputs,
    pack,
    pack_inputs,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from uuid import UUID

log = logging.getLogger(__name__)


def gather_inputs(*, tokens: Iterable[str]) -> bytes:
    """Return the instances of the revisions that tokens open, with their files.

    Each token is judged by itself: what one does not open is left out, and so are
    files of large studies and those that the archive does not give just now. A worker
    asks for these one by one, and hears why.

    Returns:
        A zip, see `workers.inputs`.
    """
    revision_ids = [one for one in map(_opened, tokens) if one is not None]
    left = ANSWER_BYTES
    studies: dict[str, StudyInputs] = {}
    for revision_id, instances in _instances_of(revision_ids).items():
        size = sum(one.size for one in instances)
        files: Mapping[str, bytes] = {}
        if len(instances) <= MOST_FILES and size <= min(STUDY_BYTES, left):
            left -= size
            files = _files_of(instances)
        studies[str(revision_id)] = StudyInputs(
            instances=[_listed(one) for one in instances], files=files
        )
    return pack_inputs(studies)


def gather_files(instances: Sequence[RevisionInstance]) -> bytes:
    """Return files of one study, as many of the first as go together.

    The first is always among them. A worker asks again for what is not.

    Returns:
        A zip, see `workers.inputs`.

    Raises:
        ArchiveError: The archive does not give one.
    """
    left = TOGETHER_BYTES
    named: list[tuple[str, bytes]] = []
    for one in instances:
        if named and one.size > left:
            break
        left -= one.size
        named.append((one.sop_uid, fetch_file(one)))
    return pack(named)


def _opened(token: str) -> UUID | None:
    """Return the revision whose instances a token opens; None where it opens none."""
    try:
        scope = read_token(token=token)
        scope.require(verb=READ_INSTANCES)
    except DomainError:
        return None
    return scope.revision_id


def _instances_of(
    revision_ids: Sequence[UUID],
) -> dict[UUID, list[RevisionInstance]]:
    """Return the image instances of revisions, without what is withheld."""
    revisions = StudyRevision.objects.filter(id__in=revision_ids)
    withheld = dict(revisions.values_list("id", "withheld"))
    found: dict[UUID, list[RevisionInstance]] = defaultdict(list)
    rows = RevisionInstance.objects.filter(revision_id__in=list(withheld))
    for row in rows.order_by("id"):
        if row.series_uid not in withheld[row.revision_id]:
            found[row.revision_id].append(row)
    return found


def _files_of(instances: Sequence[RevisionInstance]) -> dict[str, bytes]:
    """Return files by SOP Instance UID; nothing when one can not be had now."""
    try:
        return {one.sop_uid: fetch_file(one) for one in instances}
    except (ArchiveError, DomainError) as error:
        log.info("files are left to be asked for: %s", type(error).__name__)
        return {}


def _listed(instance: RevisionInstance) -> dict[str, Any]:
    return {
        "sop_uid": instance.sop_uid,
        "series_uid": instance.series_uid,
        "sop_class_uid": instance.sop_class_uid,
        "size": instance.size,
    }

"""The file behind an instance of a revision, wherever it is by now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apps.studies.archive import archive
from apps.studies.held import read_held

if TYPE_CHECKING:
    from apps.studies.models import RevisionInstance


def fetch_file(instance: RevisionInstance) -> bytes:
    """Return the file of an instance as this revision was read.

    Raises:
        ArchiveError: The archive does not have it, or does not answer.
        NotFound: It was kept here, and is here no longer.
    """
    if instance.kept_sha256:
        return read_held(sha256=instance.kept_sha256)
    return archive().fetch_instance(instance.archive_id)

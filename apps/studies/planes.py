"""Where the images of a revision's series lie."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings

from apps.interop.series_planes import planes_of_file, read_pack_planes
from apps.studies.stored import fetch_file

if TYPE_CHECKING:
    from apps.studies.models import StudyRevision
    from workers.measures.planes import Plane


def planes_of_series(*, revision: StudyRevision, series_uid: str) -> tuple[Plane, ...]:
    """Return the planes of a series: from the pack where there is one, else the files.

    Raises:
        ArchiveError: There is no pack, and the archive does not give a file.
        NotFound: A file that was kept here is here no longer.
    """
    packed = read_pack_planes(
        Path(settings.PACKS_DIR), revision_id=str(revision.id), series_uid=series_uid
    )
    if packed is not None:
        return packed
    rows = revision.instances.filter(series_uid=series_uid).order_by("sop_uid")
    return tuple(plane for row in rows for plane in planes_of_file(fetch_file(row)))

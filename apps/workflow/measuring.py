"""What a reader measured, checked and computed anew before it is signed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from apps.annotations.content import parse_content, plain_content
from apps.annotations.geometry import require_inside
from apps.annotations.remeasure import Scale, remeasure
from apps.core.permissions import Permission
from apps.interop.dicom.errors import EncodingError
from apps.interop.dicom.scale import ImageScale, read_image_scale
from apps.interop.types import ArchiveError
from apps.studies.stored import fetch_file
from apps.worklist.selectors import access_item
from workers.measures.marks import Spacing

if TYPE_CHECKING:
    from apps.accounts.types import Actor
    from apps.annotations.content import AnnotationContent
    from apps.studies.models import StudyRevision


def checked_content(*, actor: Actor, item_id: UUID, raw: object) -> object:
    """Return a content to sign with every measurement computed here.

    An archive that is away keeps nobody from signing: such marks stay as they were
    drawn, and the report that goes to the archive is computed anew in any case.

    Raises:
        Invalid: A field is wrong, or a mark lies off its image.
    """
    content = parse_content(raw=raw)
    if not any(mark.measured for mark in content.annotations):
        return raw
    item = access_item(actor=actor, item_id=item_id, need=Permission.READING_SIGN)
    scales = _scales(revision=item.case.revision, marks=content.annotations)
    for i, mark in enumerate(content.annotations):
        if mark.geometry.sop_uid in scales:
            grid = scales[mark.geometry.sop_uid]
            require_inside(
                geometry=mark.geometry,
                field=f"content.annotations[{i}].geometry",
                columns=grid.columns,
                rows=grid.rows,
                frames=grid.frames,
            )
    stated = {uid: stated_scale(grid) for uid, grid in scales.items()}
    marks = remeasure(marks=content.annotations, stated=stated)
    body: dict[str, Any] = plain_content(replace(content, annotations=marks))
    return body


def stated_scale(grid: ImageScale) -> Scale:
    """Return what an image says of its pixels, as marks are measured by it."""
    return Scale(spacing=Spacing(row=grid.row, column=grid.column), source=grid.source)


def _scales(
    *, revision: StudyRevision, marks: tuple[AnnotationContent, ...]
) -> dict[str, ImageScale]:
    """Return the grids of the images that are measured on, as far as they are there."""
    first = {m.geometry.sop_uid: m.geometry.frame for m in marks if m.measured}
    scales: dict[str, ImageScale] = {}
    for instance in revision.instances.filter(sop_uid__in=first):
        try:
            content = fetch_file(instance)
            scales[instance.sop_uid] = read_image_scale(
                content, frame=first[instance.sop_uid]
            )
        except (ArchiveError, EncodingError):
            continue
    return scales

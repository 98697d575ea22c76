"""Verbs of label maps: keep one, check what a draft names, forget what nobody named."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from apps.accounts.types import SYSTEM
from apps.annotations.geometry import wrong
from apps.annotations.models import Reading, Segmentation, SegmentSlice
from apps.annotations.segment_content import (
    is_sha256,
    parse_size,
    plain_segmentation,
    split_key,
)
from apps.annotations.segment_files import (
    count_labels,
    inflate,
    lock_file,
    remove_label_map,
    require_hash,
    write_label_map,
)
from apps.annotations.selectors import access_reading
from apps.annotations.types import ReadingState
from apps.audit.events import Event
from apps.audit.services import record
from apps.core import clock
from apps.core.errors import Conflict, DomainError, Invalid
from apps.core.permissions import Permission

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from django.db.models import QuerySet

    from apps.accounts.types import Actor
    from apps.annotations.content import ReadingContent
    from apps.annotations.segment_content import SegmentationContent
    from apps.studies.models import Study

MAX_SLICES_OF_A_READER: Final = 50_000
"""Label maps of one reader on one study: some 300 images, drawn on 150 times each."""
UNNAMED_FOR: Final = timedelta(days=1)
_FIELD: Final = "content.segmentations"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptSlice:
    """What became of a label map that was put.

    Attributes:
        row: Its record.
        created: Whether this reader had not put it on this study before.
    """

    row: SegmentSlice
    created: bool


@transaction.atomic
def put_slice(
    *,
    actor: Actor,
    reading_id: UUID,
    sha256: str,
    rows: object,
    columns: object,
    packed: bytes,
) -> KeptSlice:
    """Keep a label map for a reading; when this returns, it is on disk.

    Args:
        actor: The reader.
        reading_id: The reading that will name it.
        sha256: Of the bytes, uncompressed.
        rows: Of the image.
        columns: Of the image.
        packed: The bytes, uint8 [row][column], as gzip.

    Raises:
        Invalid: The name or the size is none.
        DomainError: 422 `bad_slice` or `hash_mismatch`: the bytes are not what
            their name says.
        Conflict: The reading is signed, or its reader has put too many.
    """
    if not is_sha256(sha256):
        raise Invalid("invalid", "sha256: not a SHA-256 in hexadecimal.")
    height, width = parse_size(rows=rows, columns=columns, field="slice")
    content = inflate(packed, size=height * width)
    require_hash(content, sha256=sha256)
    reading = access_reading(
        actor=actor, reading_id=reading_id, need=Permission.READING_WRITE
    )
    if reading.state == ReadingState.SIGNED:
        raise Conflict("signed", "This reading is signed; amend it instead.")
    return keep_slice(
        actor=actor,
        reading=reading,
        sha256=sha256,
        rows=height,
        columns=width,
        content=content,
    )


@transaction.atomic
def keep_slice(
    *,
    actor: Actor,
    reading: Reading,
    sha256: str,
    rows: int,
    columns: int,
    content: bytes,
) -> KeptSlice:
    """Keep a label map whose size and hash were checked, as the reading's reader's.

    Raises:
        Conflict: Its reader has put too many on this study.
    """
    study = reading.revision.study
    mine = SegmentSlice.objects.filter(study=study, reader_id=reading.reader_id)
    if mine.count() >= MAX_SLICES_OF_A_READER:
        raise Conflict("too_many_slices", "Too much was drawn here. Sign, then amend.")
    lock_file(sha256=sha256)
    write_label_map(content=content, sha256=sha256)
    row, created = mine.get_or_create(
        sha256=sha256,
        rows=rows,
        columns=columns,
        defaults={
            "study": study,
            "reader_id": reading.reader_id,
            "counts": count_labels(content),
        },
    )
    if not created and row.named_at is None:
        row.created_at = clock.now()  # its day begins again
        row.save(update_fields=["created_at", "updated_at"])
    record(
        actor=actor,
        event=Event.SEGMENT_WRITE,
        site_id=study.site_id,
        patients=[study.patient_id],
        studies=[study.id],
        object_kind="reading",
        object_id=reading.id,
        detail={"sha256": sha256, "new": created},
    )
    return KeptSlice(row=row, created=created)


def known_slices(
    *, study: Study, reader_id: UUID, hashes: Iterable[str]
) -> dict[tuple[str, int, int], SegmentSlice]:
    """Return those label maps that a reader's draft may name, by hash and size.

    They are those that the reader put on the study, and those that a signed reading
    of it names: an amendment begins with them.
    """
    wanted = set(hashes)
    rows = SegmentSlice.objects.filter(study=study, sha256__in=wanted)
    found = {_name(row): row for row in rows.filter(reader_id=reader_id)}
    missing = wanted - {sha256 for sha256, _, _ in found}
    if missing:
        signed = _signed_hashes(study=study, hashes=missing)
        found |= {_name(row): row for row in rows.filter(sha256__in=signed)}
    return found


def _name(row: SegmentSlice) -> tuple[str, int, int]:
    return row.sha256, row.rows, row.columns


def _signed_hashes(*, study: Study, hashes: set[str]) -> set[str]:
    rows = Segmentation.objects.filter(
        reading__revision__study=study, hashes__overlap=list(hashes)
    ).values_list("hashes", flat=True)
    return {sha256 for row in rows for sha256 in row} & hashes


def check_segments(*, reading: Reading, content: ReadingContent) -> None:
    """Refuse segmentations of images or label maps that are not there; name the rest.

    Raises:
        Invalid: Names the field that is wrong.
        DomainError: 422 `unknown_slices` with the images whose label map is `missing`
            here: put them, then save again.
    """
    drawn = content.segmentations
    if not drawn:
        return
    if reading.state == ReadingState.UNAIDED:
        _require_own_hand(drawn)
    _require_images(reading, drawn)
    known = known_slices(
        study=reading.revision.study,
        reader_id=reading.reader_id,
        hashes={sha256 for one in drawn for _, sha256 in one.slices},
    )
    missing: list[str] = []
    unnamed: dict[UUID, str] = {}
    for i, one in enumerate(drawn):
        for key, sha256 in one.slices:
            row = known.get((sha256, one.rows, one.columns))
            if row is None:
                missing.append(key)
                continue
            _require_numbers(row, one, f"{_FIELD}[{i}].slices.{key}")
            if row.named_at is None:
                unnamed[row.id] = key
    missing += _name_them(unnamed)
    if missing:
        raise DomainError(
            "unknown_slices",
            f"What was drawn on {len(missing)} images is not here. Send it again.",
            422,
            missing=missing,
        )


def _require_numbers(row: SegmentSlice, one: SegmentationContent, field: str) -> None:
    if not {int(number) for number in row.counts} <= one.numbers:
        raise wrong(field, "holds a number that is no segment")


def _name_them(unnamed: dict[UUID, str]) -> list[str]:
    """Let rows stay for good; return the keys of those that have just been removed."""
    if not unnamed:
        return []
    rows = SegmentSlice.objects.filter(id__in=unnamed)
    rows.update(named_at=clock.now())
    there = set(rows.values_list("id", flat=True))
    return [key for row_id, key in unnamed.items() if row_id not in there]


def _require_own_hand(drawn: tuple[SegmentationContent, ...]) -> None:
    """Before the commit there is nothing to copy, as far as the reader may know."""
    for i, one in enumerate(drawn):
        for j, segment in enumerate(one.segments):
            if segment.source is not None and segment.source.kind != "reader":
                raise wrong(
                    f"{_FIELD}[{i}].segments[{j}].source", "no such object is here"
                )


def _require_images(reading: Reading, drawn: tuple[SegmentationContent, ...]) -> None:
    """Refuse images that are not of the series, or not of what is read."""
    rows = reading.revision.instances.filter(
        series_uid__in={one.series_uid for one in drawn}
    )
    series: dict[str, set[str]] = defaultdict(set)
    for series_uid, sop_uid in rows.values_list("series_uid", "sop_uid"):
        series[series_uid].add(sop_uid)
    for i, one in enumerate(drawn):
        if one.series_uid not in series:
            raise wrong(f"{_FIELD}[{i}].series_uid", "is no series of this study")
        for key, _ in one.slices:
            if split_key(key)[0] not in series[one.series_uid]:
                raise wrong(f"{_FIELD}[{i}].slices.{key}", "is no image of this series")


def write_segmentations(*, reading: Reading, content: ReadingContent) -> None:
    """Write down what a reading segments as it is signed; what is empty is left out."""
    Segmentation.objects.bulk_create(
        Segmentation(
            reading=reading,
            series_uid=one.series_uid,
            body=plain_segmentation(one),
            hashes=sorted({sha256 for _, sha256 in one.slices}),
        )
        for one in content.segmentations
        if one.slices
    )


# --- what nobody names


def forget_slices(*, limit: int = 500) -> int:
    """Remove label maps that no saved draft has named for a day; return how many."""
    before = clock.now() - UNNAMED_FOR
    rows = _unnamed(before=before).order_by("created_at")[:limit]
    by_study: dict[UUID, list[SegmentSlice]] = defaultdict(list)
    for row in rows.select_related("study"):
        by_study[row.study_id].append(row)
    return sum(
        _forget_of_study(rows=found, before=before) for found in by_study.values()
    )


def _unnamed(*, before: Any) -> QuerySet[SegmentSlice]:
    return SegmentSlice.objects.filter(Q(named_at__isnull=True), created_at__lt=before)


@transaction.atomic
def _forget_of_study(*, rows: list[SegmentSlice], before: Any) -> int:
    removed = sum(1 for _ in _forgotten(rows=rows, before=before))
    study = rows[0].study
    if removed:
        record(
            actor=SYSTEM,
            event=Event.SEGMENT_REMOVE,
            site_id=study.site_id,
            patients=[study.patient_id],
            studies=[study.id],
            object_kind="study",
            object_id=study.id,
            detail={"removed": removed},
        )
    return removed


def _forgotten(*, rows: list[SegmentSlice], before: Any) -> Iterator[str]:
    """Remove rows that are still unnamed, and the file when nobody else has it.

    The file's lock is held until the end of the transaction: who puts the same bytes
    meanwhile waits, and then writes them anew.
    """
    for row in sorted(rows, key=lambda one: one.sha256):
        lock_file(sha256=row.sha256)
        gone, _ = _unnamed(before=before).filter(id=row.id).delete()
        if not gone:
            continue
        if not SegmentSlice.objects.filter(sha256=row.sha256).exists():
            remove_label_map(sha256=row.sha256)
        yield row.sha256

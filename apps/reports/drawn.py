"""What a signed reading drew voxel by voxel: into the archive, and into its report."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from django.conf import settings
from django.utils.timezone import localtime

from apps.annotations.content import parse_content
from apps.annotations.models import SegmentInterpolation, SegmentSlice
from apps.annotations.segment_content import parse_segmentations, split_key
from apps.annotations.segment_files import count_labels, read_label_map
from apps.annotations.types import JobState, ReadingState
from apps.core.errors import NotFound
from apps.interop.dicom.drawn import DrawnObject, DrawnSegment, encode_drawn
from apps.interop.dicom.errors import EncodingError
from apps.interop.dicom.types import (
    CodedConcept,
    EncodedObject,
    ImageRef,
    MarkMeasurement,
    PersonIdentity,
    ReaderSegment,
    SegmentRef,
    derive_uid,
)
from apps.interop.sop_classes import is_multiframe_class
from apps.interop.types import ArchiveRefused
from apps.reports.drawings import explanation_ref
from apps.studies.planes import planes_of_series
from apps.studies.stored import fetch_file
from workers.measures.planes import places_of, volumes_ml

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Literal

    from numpy.typing import NDArray

    from apps.annotations.models import Reading, Segmentation
    from apps.annotations.segment_content import SegmentationContent, SegmentContent
    from apps.reports.models import ExportedObject
    from apps.reports.types import Images
    from workers.measures.planes import Plane

VOLUME: Final = CodedConcept("118565006", "SCT", "Volume")
METHODS: Final = {
    "ai": "AI mask, edited by the reader",
    "foreign": "Segment from PACS, edited by the reader",
    "interpolation": "Shape-based interpolation between slices",
}
Counts = dict[str, dict[int, int]]
"""By image, voxels by segment number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnSeries:
    """What was drawn on one series, and where its images lie.

    Attributes:
        row: The signed segmentation.
        content: Its body, parsed.
        counts: Of each image that holds voxels.
        planes: Of all images of the series; () when they are not to be had.
    """

    row: Segmentation
    content: SegmentationContent
    counts: Counts
    planes: tuple[Plane, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnPart:
    """What becomes one DICOM object.

    Attributes:
        series: Of what.
        part: '' for the slices of a series; an image with frames is a part of its
            own, and so is each image or frame that has no place in the patient.
        keys: The images that hold voxels, in the order in which they lie.
        frame: Of the one image, when the part is of one frame of several.
    """

    series: DrawnSeries
    part: str
    keys: tuple[str, ...]
    frame: int | None = None

    @property
    def numbers(self) -> tuple[int, ...]:
        """The segments that have voxels here, in the reader's order."""
        there = {n for key in self.keys for n in self.series.counts[key]}
        listed = (segment.number for segment in self.series.content.segments)
        return tuple(number for number in listed if number in there)

    @property
    def sop_uid(self) -> str:
        """SOP Instance UID of the object."""
        return derive_uid(self.series.row.id, f"drawn-{self.part}")

    @property
    def series_uid(self) -> str:
        """Series Instance UID of the object."""
        return derive_uid(self.series.row.id, f"drawn-series-{self.part}")


def drawn_series(*, reading: Reading) -> tuple[DrawnSeries, ...]:
    """Return what a signed reading drew, by series.

    Raises:
        ArchiveUnavailable: The archive does not answer.
    """
    return tuple(_series(row) for row in reading.segmentations.order_by("series_uid"))


def _series(row: Segmentation) -> DrawnSeries:
    [content] = parse_segmentations(raw=[row.body], field="segmentation")
    revision = row.reading.revision
    try:
        planes = planes_of_series(revision=revision, series_uid=row.series_uid)
    except (ArchiveRefused, NotFound):
        planes = ()
    known = SegmentSlice.objects.filter(
        study_id=revision.study_id, sha256__in=row.hashes
    )
    said = {one.sha256: one.counts for one in known}
    counts: Counts = {}
    for key, sha256 in content.slices:
        found = said.get(sha256)
        if found is None:
            found = count_labels(_voxels(content, sha256).tobytes())
        if found:
            counts[key] = {int(number): int(n) for number, n in found.items()}
    return DrawnSeries(row=row, content=content, counts=counts, planes=planes)


def _voxels(content: SegmentationContent, sha256: str) -> NDArray[np.uint8]:
    return read_label_map(sha256=sha256, rows=content.rows, columns=content.columns)


def parts_of(series: DrawnSeries, images: Images) -> tuple[DrawnPart, ...]:
    """Return the objects that a series' voxels become; none where nothing is drawn."""
    frames = Counter(split_key(plane.key)[0] for plane in series.planes)
    placed = {plane.key for plane in series.planes if plane.position is not None}
    places = places_of(series.planes)
    keys: dict[tuple[str, int | None], list[str]] = defaultdict(list)
    for key in series.counts:
        sop_uid, frame = split_key(key)
        several = frames[sop_uid] > 1 or frame > 1
        if key in placed:
            keys[sop_uid if several else "", None].append(key)
        else:
            by_frame = several or is_multiframe_class(images[sop_uid].sop_class_uid)
            keys[key, frame if by_frame else None].append(key)
    return tuple(
        DrawnPart(
            series=series,
            part=part,
            frame=frame,
            keys=tuple(sorted(found, key=lambda key: (places.get(key, 0.0), key))),
        )
        for (part, frame), found in sorted(keys.items(), key=lambda one: one[0][0])
    )


def encode_part(
    part: DrawnPart, *, images: Images, creator: PersonIdentity
) -> EncodedObject:
    """Write one object.

    Raises:
        EncodingError: A label map or an image is not here, or they do not fit.
        ArchiveError: The archive does not give an image.
    """
    signed_at = part.series.row.reading.signed_at
    if signed_at is None:
        msg = "an unsigned reading has no segmentation"
        raise ValueError(msg)
    uids = list(dict.fromkeys(split_key(key)[0] for key in part.keys))
    try:
        maps = _maps(part, uids)
        sources = [fetch_file(images[uid]) for uid in uids]
    except (NotFound, KeyError) as error:
        raise EncodingError("What was drawn, or its image, is not here.") from error
    return encode_drawn(
        DrawnObject(
            sop_uid=part.sop_uid,
            series_uid=part.series_uid,
            segments=_described(part),
            creator=creator,
            made_at=localtime(signed_at),
            software_version=settings.SOFTWARE_VERSION,
        ),
        maps=maps,
        sources=sources,
        frame=part.frame,
    )


def _maps(part: DrawnPart, uids: list[str]) -> NDArray[np.uint8]:
    """Return the label maps of a part: of its slices, or of all frames of its image."""
    content, slices = part.series.content, dict(part.series.content.slices)
    if part.part == uids[0] and part.frame is None:
        keys = [p.key for p in part.series.planes if split_key(p.key)[0] == uids[0]]
    else:
        keys = list(part.keys)
    maps = np.zeros((len(keys), content.rows, content.columns), dtype=np.uint8)
    for at, key in enumerate(keys):
        if key in slices:
            maps[at] = _voxels(content, slices[key])
    return maps


def _described(part: DrawnPart) -> tuple[DrawnSegment, ...]:
    helped = _interpolated(part.series)
    by_number = {segment.number: segment for segment in part.series.content.segments}
    return tuple(
        DrawnSegment(
            number=number,
            label=_concept(by_number[number]),
            tracking_uid=_tracking_uid(part.series.content, number),
            tracking_id=_tracking_id(by_number[number]),
            colour=by_number[number].colour,
            method=_method(by_number[number], helped),
        )
        for number in part.numbers
    )


def _interpolated(series: DrawnSeries) -> set[int]:
    """Return the segments of which a draft took what a worker had interpolated."""
    reading = series.row.reading
    jobs = SegmentInterpolation.objects.filter(
        reading=reading, series_uid=series.row.series_uid, state=JobState.DONE
    )
    taken = SegmentSlice.objects.filter(
        study_id=reading.revision.study_id,
        reader_id=reading.reader_id,
        named_at__isnull=False,
    )
    return {
        job.number
        for job in jobs
        if taken.filter(sha256__in=list(job.filled.values())).exists()
    }


def _method(segment: SegmentContent, interpolated: set[int]) -> str:
    if segment.source is not None and segment.source.kind in METHODS:
        return METHODS[segment.source.kind]
    return METHODS["interpolation"] if segment.number in interpolated else ""


def _concept(segment: SegmentContent) -> CodedConcept:
    label = segment.label
    return CodedConcept(
        value=label.code[:16], scheme=label.scheme[:16], meaning=label.display[:64]
    )


def _tracking_uid(content: SegmentationContent, number: int) -> str:
    return derive_uid(content.id, f"segment-{number}")


def _tracking_id(segment: SegmentContent) -> str:
    return f"{segment.label.display} {segment.number}"[:64]


# --- the report


def segments_of_report(
    *,
    reading: Reading,
    series: Iterable[DrawnSeries],
    images: Images,
    stored: dict[tuple[Any, str], ExportedObject],
) -> tuple[ReaderSegment, ...]:
    """Return the segments of a signed reading, measured, as its report says them.

    Args:
        reading: The reading.
        series: What it drew.
        images: Of its revision.
        stored: Their objects, by the id of the segmentation and the part.
    """
    before = _unaided(reading)
    said: list[ReaderSegment] = []
    for one in series:
        volumes = volumes_ml(planes=one.planes, counts=one.counts)
        parts = parts_of(one, images)
        for segment in one.content.segments:
            mine = [part for part in parts if segment.number in part.numbers]
            volume = volumes.get(segment.number) if len(mine) == 1 else None
            for part in mine:
                row = stored.get((one.row.id, part.part))
                said.append(
                    ReaderSegment(
                        tracking_uid=_tracking_uid(one.content, segment.number),
                        tracking_id=_tracking_id(segment),
                        label=_concept(segment),
                        segment=_reference(row, part, segment.number),
                        images=tuple(_image(key, images) for key in part.keys),
                        measurements=()
                        if volume is None
                        else (MarkMeasurement(VOLUME, volume, "ml"),),
                        text=segment.note,
                        stage=_stage(one.content, segment, before),
                    )
                )
    return tuple(said)


def _reference(
    row: ExportedObject | None, part: DrawnPart, number: int
) -> SegmentRef | None:
    image = None if row is None else explanation_ref(row)
    if image is None:
        return None
    return SegmentRef(
        image=image,
        source_series_uid=part.series.row.series_uid,
        number=part.numbers.index(number) + 1,
    )


def _image(key: str, images: Images) -> ImageRef:
    sop_uid, frame = split_key(key)
    instance = images[sop_uid]
    return ImageRef(
        series_uid=instance.series_uid,
        sop_class_uid=instance.sop_class_uid,
        sop_uid=sop_uid,
        frame=frame if is_multiframe_class(instance.sop_class_uid) else None,
    )


def _unaided(reading: Reading) -> dict[str, SegmentationContent] | None:
    """Return what was drawn before the AI was revealed; None of any other read."""
    stage = reading.stages.filter(state=ReadingState.COMMITTED).first()
    if stage is None:
        return None
    drawn = parse_content(raw=stage.content).segmentations
    return {one.series_uid: one for one in drawn}


def _stage(
    now: SegmentationContent,
    segment: SegmentContent,
    before: dict[str, SegmentationContent] | None,
) -> Literal["", "unaided", "revised"]:
    """Say whether a segment stands as it was committed, voxel by voxel."""
    if before is None:
        return ""
    then = before.get(now.series_uid)
    same = then is not None and segment in then.segments
    if then is None or not same or not _same_voxels(now, then, segment.number):
        return "revised"
    return "unaided"


def _same_voxels(
    now: SegmentationContent, then: SegmentationContent, number: int
) -> bool:
    first, second = dict(now.slices), dict(then.slices)
    for key in first.keys() | second.keys():
        one, other = first.get(key), second.get(key)
        if one == other:
            continue
        masks = [
            np.False_ if sha256 is None else _voxels(content, sha256) == number
            for content, sha256 in ((now, one), (then, other))
        ]
        if np.any(masks[0] != masks[1]):
            return False
    return True

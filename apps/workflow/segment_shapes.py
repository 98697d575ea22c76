"""Shapes of segmentations in JSON, as a reading's content has them."""

from __future__ import annotations

from rest_framework import serializers as s

from apps.annotations.segment_content import SOURCES


class SegmentLabelSerializer(s.Serializer):  # type: ignore[type-arg]
    """A coded label."""

    scheme = s.CharField()
    code = s.CharField()
    display = s.CharField()


class SegmentSourceSerializer(s.Serializer):  # type: ignore[type-arg]
    """Where a segment's first voxels came from."""

    kind = s.ChoiceField(choices=list(SOURCES))
    sop_uid = s.CharField(required=False)
    segment = s.IntegerField(required=False)
    finding_id = s.UUIDField(required=False)


class DrawnSegmentSerializer(s.Serializer):  # type: ignore[type-arg]
    """One segment: the voxels that hold its number."""

    number = s.IntegerField(min_value=1, max_value=255)
    label = SegmentLabelSerializer()  # type: ignore[assignment]
    colour = s.CharField(help_text="#rrggbb")
    note = s.CharField(required=False, allow_blank=True)
    source = SegmentSourceSerializer(  # type: ignore[assignment]
        required=False, allow_null=True
    )


class SegmentationSerializer(s.Serializer):  # type: ignore[type-arg]
    """All segments of one series; `slices` names the label map of each image."""

    id = s.UUIDField()
    series_uid = s.CharField()
    frame_of_reference_uid = s.CharField(allow_null=True)
    rows = s.IntegerField()
    columns = s.IntegerField()
    segments = DrawnSegmentSerializer(many=True)
    slices = s.DictField(
        child=s.CharField(), help_text="<sop_uid>#<frame, 1-based> → SHA-256"
    )

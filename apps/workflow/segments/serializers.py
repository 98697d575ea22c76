"""Shapes of label maps and signed segmentations in JSON."""

from __future__ import annotations

from rest_framework import serializers as s

from apps.workflow.segment_shapes import SegmentationSerializer


class KeptSliceSerializer(s.Serializer):  # type: ignore[type-arg]
    """A label map that is kept; `numbers` are the segments that it holds."""

    sha256 = s.CharField()
    rows = s.IntegerField()
    columns = s.IntegerField()
    numbers = s.ListField(child=s.IntegerField())


class SignedSegmentationSerializer(SegmentationSerializer):
    """A segmentation with who signed it, and when."""

    signed_by = s.CharField()
    signed_at = s.DateTimeField()


class SignedSegmentationsSerializer(s.Serializer):  # type: ignore[type-arg]
    """The signed segmentations of a study, or why none is shown."""

    items = SignedSegmentationSerializer(many=True)
    hidden_reason = s.CharField(allow_blank=True)

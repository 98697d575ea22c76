"""Shapes of label maps and signed segmentations in JSON."""

from __future__ import annotations

from rest_framework import serializers as s

from apps.annotations.types import JobState
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


class InterpolationRequest(s.Serializer):  # type: ignore[type-arg]
    """What is to be filled; `slices` is the series' whole present map by image."""

    series_uid = s.CharField()
    number = s.IntegerField(min_value=1, max_value=255)
    slices = s.DictField(child=s.CharField())


class InterpolationAskedSerializer(s.Serializer):  # type: ignore[type-arg]
    """The request's id: ask with it how far it is."""

    id = s.UUIDField()


class InterpolationSerializer(s.Serializer):  # type: ignore[type-arg]
    """How far it is; `slices` are whole new label maps of the filled images only."""

    state = s.ChoiceField(choices=[state.value for state in JobState])
    reason = s.CharField(allow_blank=True)
    slices = s.DictField(child=s.CharField())


class InterpolationImageSerializer(s.Serializer):  # type: ignore[type-arg]
    """One image: where it lies, and what is drawn on it."""

    key = s.CharField()
    place_mm = s.FloatField()
    sha256 = s.CharField(allow_null=True)


class InterpolationWorkSerializer(s.Serializer):  # type: ignore[type-arg]
    """What a worker has to fill."""

    rows = s.IntegerField()
    columns = s.IntegerField()
    number = s.IntegerField()
    spacing = s.ListField(child=s.FloatField())
    images = InterpolationImageSerializer(many=True)

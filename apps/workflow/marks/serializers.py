"""Shapes of signed measurements in JSON."""

from __future__ import annotations

from rest_framework import serializers as s

from apps.workflow.serializers import AnnotationSerializer


class SignedMarkSerializer(AnnotationSerializer):
    """A mark with who signed it, and when."""

    signed_by = s.CharField()
    signed_at = s.DateTimeField()


class SignedMarksSerializer(s.Serializer):  # type: ignore[type-arg]
    """The signed measurements on a study, or why none is shown."""

    items = SignedMarkSerializer(many=True)
    hidden_reason = s.CharField(allow_blank=True)

"""Shapes of the exports page (OpenAPI)."""

from __future__ import annotations

from rest_framework import serializers as s


class ExportSerializer(s.Serializer):  # type: ignore[type-arg]
    """One object that left, or failed to."""

    id = s.UUIDField()
    kind = s.CharField()
    state = s.CharField()
    attempts = s.IntegerField()
    problems = s.CharField()
    sop_uid = s.CharField()
    study_uid = s.CharField(source="study.study_uid")
    site = s.CharField(source="study.site.name")
    created_at = s.DateTimeField()
    stored_at = s.DateTimeField(allow_null=True)


class ExportsSerializer(s.Serializer):  # type: ignore[type-arg]
    """The newest exports."""

    items = ExportSerializer(many=True)

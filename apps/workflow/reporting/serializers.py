"""Shapes of the written report on the wire (OpenAPI)."""

from __future__ import annotations

from rest_framework import serializers as s

from apps.workflow.serializers import ReportSectionSerializer, ReportSerializer


class TemplateSectionSerializer(s.Serializer):  # type: ignore[type-arg]
    """A section as a template asks for it."""

    key = s.CharField()
    title = s.CharField()
    kind = s.CharField()
    required = s.BooleanField()  # type: ignore[assignment]
    start = s.CharField(allow_blank=True)
    normal = s.CharField(allow_blank=True)


class TemplateRequest(s.Serializer):  # type: ignore[type-arg]
    """A template as an administrator writes it."""

    name = s.CharField()
    modalities = s.ListField(child=s.CharField())
    body_parts = s.ListField(child=s.CharField())
    protocols = s.ListField(child=s.CharField())
    sections = TemplateSectionSerializer(many=True)


class TemplateSerializer(TemplateRequest):
    """A template that holds; version 0 came with Overread."""

    code = s.CharField()
    version = s.IntegerField()


class TemplatesSerializer(s.Serializer):  # type: ignore[type-arg]
    """The templates of a site."""

    items = TemplateSerializer(many=True)


class TemplateVersionSerializer(s.Serializer):  # type: ignore[type-arg]
    """One version of a template; null where it took the template away."""

    version = s.IntegerField()
    at = s.DateTimeField(allow_null=True)
    by = s.CharField(allow_blank=True)
    template = TemplateSerializer(allow_null=True)


class TemplateVersionsSerializer(s.Serializer):  # type: ignore[type-arg]
    """All versions, newest first, and which holds."""

    items = TemplateVersionSerializer(many=True)
    holding = s.IntegerField(allow_null=True)


class ActivateRequest(s.Serializer):  # type: ignore[type-arg]
    """Which version is to hold again."""

    version = s.IntegerField(min_value=1)


class TemplatePreviewSerializer(s.Serializer):  # type: ignore[type-arg]
    """What a template drafts."""

    without = ReportSectionSerializer(many=True)
    with_finding = ReportSectionSerializer(many=True)


class DraftedSerializer(s.Serializer):  # type: ignore[type-arg]
    """A drafted report with its template."""

    template = TemplateSerializer()
    report = ReportSerializer()


class ReportedStudySerializer(s.Serializer):  # type: ignore[type-arg]
    """The study of an earlier report."""

    id = s.UUIDField()
    description = s.CharField()
    modality = s.CharField()
    study_date = s.DateField(allow_null=True)


class EarlierSectionSerializer(s.Serializer):  # type: ignore[type-arg]
    """A section of an earlier report."""

    title = s.CharField()
    text = s.CharField()


class EarlierReportSerializer(s.Serializer):  # type: ignore[type-arg]
    """A signed report of another study."""

    id = s.UUIDField()
    study = ReportedStudySerializer()
    signed_by = s.CharField()
    signed_at = s.DateTimeField()
    preliminary = s.BooleanField()
    sections = EarlierSectionSerializer(many=True)
    impression = s.CharField()


class EarlierReportsSerializer(s.Serializer):  # type: ignore[type-arg]
    """Signed reports, newest first."""

    items = EarlierReportSerializer(many=True)

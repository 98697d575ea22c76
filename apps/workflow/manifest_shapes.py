"""Shapes of what there is of a study to show on the wire (OpenAPI)."""

from __future__ import annotations

from rest_framework import serializers as s

from apps.workflow.serializers import PatientSerializer, StudySerializer


class PackSerializer(s.Serializer):  # type: ignore[type-arg]
    """Where the pixels are."""

    state = s.ChoiceField(choices=["ready", "building", "absent", "failed"])
    reason = s.CharField()
    base = s.CharField()


class ImageViewSerializer(s.Serializer):  # type: ignore[type-arg]
    """How one projection image was taken."""

    sop_uid = s.CharField()
    view = s.CharField(allow_blank=True)
    laterality = s.CharField(allow_blank=True)


class SeriesSerializer(s.Serializer):  # type: ignore[type-arg]
    """One series of images; `views` of projections, `plane` of stacks."""

    index = s.IntegerField()
    uid = s.CharField()
    number = s.IntegerField(allow_null=True)
    modality = s.CharField()
    description = s.CharField()
    body_part = s.CharField()
    n_instances = s.IntegerField()
    n_frames = s.IntegerField()
    laterality = s.CharField(allow_blank=True)
    plane = s.CharField(allow_blank=True)
    views = ImageViewSerializer(many=True)


class AttachmentSerializer(s.Serializer):  # type: ignore[type-arg]
    """A series that is no image. What is not known is ''."""

    uid = s.CharField()
    sop_class_uid = s.CharField(allow_blank=True)
    modality = s.CharField()
    description = s.CharField()
    n_instances = s.IntegerField()


class RevisionSerializer(s.Serializer):  # type: ignore[type-arg]
    """Which revision of the study this is."""

    id = s.UUIDField()
    number = s.IntegerField()


class ManifestSerializer(s.Serializer):  # type: ignore[type-arg]
    """What there is to show of a study."""

    study = StudySerializer()
    patient = PatientSerializer()
    revision = RevisionSerializer()
    pack = PackSerializer()
    series = SeriesSerializer(many=True)
    attachments = AttachmentSerializer(many=True)


class OpenRequest(s.Serializer):  # type: ignore[type-arg]
    """How a study is opened; `ahead`: its images are fetched, nobody looks yet."""

    ahead = s.BooleanField(default=False)


class OpenedSerializer(s.Serializer):  # type: ignore[type-arg]
    """A study that this session has opened."""

    manifest = ManifestSerializer()

"""Shapes of quarantine, AE titles and the machine API (OpenAPI)."""

from __future__ import annotations

from rest_framework import serializers as s


class SiteNameSerializer(s.Serializer):  # type: ignore[type-arg]
    """A site."""

    id = s.UUIDField()
    name = s.CharField()


class QuarantinedSerializer(s.Serializer):  # type: ignore[type-arg]
    """A study whose site is unknown; says nothing of the patient."""

    id = s.UUIDField()
    arrived_at = s.DateTimeField()
    called_aet = s.CharField()
    calling_aet = s.CharField()
    study_uid = s.CharField()
    modality = s.SerializerMethodField()
    n_images = s.IntegerField()
    reason = s.CharField()
    state = s.CharField()

    def get_modality(self, held: object) -> str:
        """Return the modalities, joined."""
        return "/".join(getattr(held, "modalities", []))


class QuarantineSerializer(s.Serializer):  # type: ignore[type-arg]
    """What is held."""

    items = QuarantinedSerializer(many=True)


class ReleaseRequest(s.Serializer):  # type: ignore[type-arg]
    """Which site a held study belongs to, and why."""

    site = s.UUIDField()
    reason = s.CharField(max_length=200)


class AETitleSerializer(s.Serializer):  # type: ignore[type-arg]
    """Which site an association belongs to."""

    id = s.UUIDField(read_only=True)
    called_aet = s.CharField()
    calling_aet = s.CharField(allow_blank=True)
    site = SiteNameSerializer()


class AETitlesSerializer(s.Serializer):  # type: ignore[type-arg]
    """The table of AE titles."""

    items = AETitleSerializer(many=True)


class AETitleRequest(s.Serializer):  # type: ignore[type-arg]
    """A new line of the table; an empty calling title is any."""

    called_aet = s.CharField(max_length=16)
    calling_aet = s.CharField(max_length=16, allow_blank=True, default="")
    site = s.UUIDField()


class MachineInstanceSerializer(s.Serializer):  # type: ignore[type-arg]
    """One image instance, for workers."""

    sop_uid = s.CharField()
    series_uid = s.CharField()
    sop_class_uid = s.CharField()
    size = s.IntegerField()


class MachineInstancesSerializer(s.Serializer):  # type: ignore[type-arg]
    """The image instances of a revision, for workers."""

    revision_id = s.UUIDField()
    instances = MachineInstanceSerializer(many=True)

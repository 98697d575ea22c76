"""Shapes of signed readings on the wire (OpenAPI)."""

from __future__ import annotations

from rest_framework import serializers as s

from apps.workflow.serializers import NamedSerializer, VerificationSerializer


class AmendRequest(s.Serializer):  # type: ignore[type-arg]
    """Why a signed reading is amended."""

    reason_code = s.CharField(max_length=32)
    reason_text = s.CharField(max_length=400, allow_blank=True, default="")


class EditionSerializer(s.Serializer):  # type: ignore[type-arg]
    """One signed version; version 1 has no reason."""

    id = s.UUIDField()
    edition = s.IntegerField()
    signed_at = s.DateTimeField()
    signed_by = s.CharField()
    reason = s.CharField(allow_blank=True)
    reason_text = s.CharField(allow_blank=True)


class WhoseSerializer(s.Serializer):  # type: ignore[type-arg]
    """The patient; `id` is the Patient ID."""

    name = s.CharField()
    id = s.CharField()


class SignedStudySerializer(s.Serializer):  # type: ignore[type-arg]
    """The study that was read."""

    id = s.UUIDField()
    description = s.CharField()
    modality = s.CharField()
    study_date = s.DateField(allow_null=True)
    accession_number = s.CharField()


class AmendReasonSerializer(s.Serializer):  # type: ignore[type-arg]
    """A reason to amend."""

    code = s.CharField()
    display = s.CharField()


class SignedReadingSerializer(EditionSerializer):
    """A signed reading that holds, with the versions that it superseded."""

    item_id = s.UUIDField(allow_null=True)
    mine = s.BooleanField()
    may_amend = s.BooleanField()
    amended_by = s.CharField(allow_null=True, help_text="who amends it just now")
    site = NamedSerializer()
    patient = WhoseSerializer()
    study = SignedStudySerializer()
    before = EditionSerializer(many=True)
    verification = VerificationSerializer(allow_null=True)


class SignedReadingsSerializer(s.Serializer):  # type: ignore[type-arg]
    """A page of signed readings, newest first."""

    items = SignedReadingSerializer(many=True)
    next_cursor = s.CharField(allow_null=True)
    reasons = AmendReasonSerializer(many=True)


class SendBackRequest(s.Serializer):  # type: ignore[type-arg]
    """What its reader is to look at again."""

    reason = s.CharField(max_length=400, allow_blank=True)

"""Shapes of critical results on the wire (OpenAPI)."""

from __future__ import annotations

from rest_framework import serializers as s

from apps.reports.models import CriticalState
from apps.workflow.serializers import NamedSerializer


class CriticalChoiceSerializer(s.Serializer):  # type: ignore[type-arg]
    """A word to choose."""

    code = s.CharField()
    display = s.CharField()


class CriticalPersonSerializer(s.Serializer):  # type: ignore[type-arg]
    """A colleague."""

    id = s.UUIDField()
    display_name = s.CharField()


class CriticalPatientSerializer(s.Serializer):  # type: ignore[type-arg]
    """Whose result it is."""

    name = s.CharField()
    id = s.CharField()


class CriticalStudySerializer(s.Serializer):  # type: ignore[type-arg]
    """Which examination says it."""

    id = s.UUIDField()
    description = s.CharField()
    modality = s.CharField()
    study_date = s.DateField(allow_null=True)
    accession_number = s.CharField()


class CriticalLabelSerializer(s.Serializer):  # type: ignore[type-arg]
    """What was found, coded."""

    scheme = s.CharField()
    code = s.CharField()
    display = s.CharField()


class ToldSerializer(s.Serializer):  # type: ignore[type-arg]
    """Who was told and how, or why nobody was."""

    told_to = s.CharField()
    told_role = s.CharField()
    how = s.CharField()
    told_at = s.DateTimeField(allow_null=True)
    read_back = s.BooleanField(allow_null=True)
    reason = s.CharField()
    reason_text = s.CharField()
    closed_at = s.DateTimeField()
    closed_by = CriticalPersonSerializer(allow_null=True)


class CriticalSerializer(s.Serializer):  # type: ignore[type-arg]
    """A critical result."""

    id = s.UUIDField()
    state = s.ChoiceField(choices=CriticalState.values)
    item_id = s.UUIDField()
    source_id = s.CharField()
    site = NamedSerializer()
    patient = CriticalPatientSerializer()
    study = CriticalStudySerializer()
    label = CriticalLabelSerializer()  # type: ignore[assignment]
    n_places = s.IntegerField(help_text="at how many places of the study it was found")
    reader = CriticalPersonSerializer()
    mine = s.BooleanField()
    raised_at = s.DateTimeField()
    remind_at = s.DateTimeField()
    reminders = s.IntegerField()
    told = ToldSerializer(allow_null=True)


class CriticalListSerializer(s.Serializer):  # type: ignore[type-arg]
    """The critical results of one's sites."""

    items = CriticalSerializer(many=True)
    total = s.IntegerField()
    how = CriticalChoiceSerializer(many=True)
    why_not = CriticalChoiceSerializer(many=True)


class ItemCriticalSerializer(s.Serializer):  # type: ignore[type-arg]
    """What is critical at the item's site, and its patient's results."""

    codes = s.ListField(child=s.CharField())
    items = CriticalSerializer(many=True)
    how = CriticalChoiceSerializer(many=True)
    why_not = CriticalChoiceSerializer(many=True)


class CloseRequest(s.Serializer):  # type: ignore[type-arg]
    """Somebody was told, or a reason why nobody was."""

    told_to = s.CharField(required=False, allow_blank=True)
    told_role = s.CharField(required=False, allow_blank=True)
    how = s.CharField(required=False, allow_blank=True)
    told_at = s.DateTimeField(required=False, allow_null=True)
    read_back = s.BooleanField(required=False, allow_null=True)
    reason_code = s.CharField(required=False, allow_blank=True)
    reason_text = s.CharField(required=False, allow_blank=True)

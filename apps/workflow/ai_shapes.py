"""Shapes of what the AI says of an item on the wire (OpenAPI)."""

from __future__ import annotations

from rest_framework import serializers as s

from apps.annotations.geometry import GEOMETRY_KINDS
from apps.annotations.types import DisplayMode
from apps.inference.types import ExplanationState
from apps.workflow.longitudinal.shapes import RunComparisonSerializer

AI_STATES = ["pending", "running", "done", "failed", "rejected", "none", "blinded"]


class ModelNameSerializer(s.Serializer):  # type: ignore[type-arg]
    """Name and version of a model."""

    name = s.CharField()
    version = s.CharField()


class GeometrySerializer(s.Serializer):  # type: ignore[type-arg]
    """A place on a named image (docs/architecture.md)."""

    kind = s.ChoiceField(choices=list(GEOMETRY_KINDS))
    space = s.ChoiceField(choices=["image", "patient"])
    sop_uid = s.CharField()
    frame = s.IntegerField()
    frame_of_reference_uid = s.CharField(allow_null=True)
    points = s.ListField(child=s.ListField(child=s.FloatField()))


class LabelSerializer(s.Serializer):  # type: ignore[type-arg]
    """A coded label."""

    scheme = s.CharField()
    code = s.CharField()
    display = s.CharField()


class SaliencySerializer(s.Serializer):  # type: ignore[type-arg]
    """Where the picture of the saliency is."""

    artefact_id = s.UUIDField()
    cut_off = s.FloatField()
    sop_uid = s.CharField()
    frame = s.IntegerField()


class ExplanationSerializer(s.Serializer):  # type: ignore[type-arg]
    """How far it is with showing, by occlusion, where a finding comes from."""

    state = s.ChoiceField(choices=[state.value for state in ExplanationState])
    reason = s.CharField()


class MaskSerializer(s.Serializer):  # type: ignore[type-arg]
    """Where the voxels of a finding are: one frame for each image."""

    artefact_id = s.UUIDField()
    series_uid = s.CharField()
    sop_uids = s.ListField(child=s.CharField())
    rows = s.IntegerField()
    columns = s.IntegerField()
    volume_ml = s.FloatField()


class FindingSerializer(s.Serializer):  # type: ignore[type-arg]
    """What a model says."""

    id = s.UUIDField()
    label = LabelSerializer()  # type: ignore[assignment]
    probability = s.FloatField()
    raw_score = s.FloatField()
    uncertainty = s.FloatField(
        allow_null=True, help_text="mutual information of an ensemble's members, bits"
    )
    needs_specialist = s.BooleanField(
        help_text="the uncertainty reaches the limit that the model's card states"
    )
    threshold = s.FloatField()
    positive = s.BooleanField()
    acuity = s.CharField()
    tracking_uid = s.CharField()
    location = GeometrySerializer(allow_null=True)
    saliency = SaliencySerializer(allow_null=True)
    explanation = ExplanationSerializer(
        allow_null=True, help_text="null where the card asks for no occlusion of it"
    )
    mask = MaskSerializer(allow_null=True)


class ModelSerializer(ModelNameSerializer):
    """A model with its card."""

    intended_use = s.CharField()
    card = s.DictField()


class CheckSerializer(s.Serializer):  # type: ignore[type-arg]
    """One thing that the input gate looked at."""

    name = s.CharField()
    outcome = s.ChoiceField(choices=["passed", "noted", "failed"])
    words = s.CharField(allow_blank=True)
    value = s.FloatField(allow_null=True)
    limit = s.FloatField(allow_null=True)
    unit = s.CharField(allow_blank=True, help_text="UCUM")


class QualitySerializer(s.Serializer):  # type: ignore[type-arg]
    """What the input gate said, the worst first."""

    verdict = s.CharField(allow_blank=True)
    checks = CheckSerializer(many=True)


class RunSerializer(s.Serializer):  # type: ignore[type-arg]
    """One inference run."""

    id = s.UUIDField()
    state = s.CharField()
    reason = s.CharField()
    finished_at = s.DateTimeField(allow_null=True)
    quality = QualitySerializer(allow_null=True)
    model = ModelSerializer()
    findings = FindingSerializer(many=True)
    comparison = RunComparisonSerializer(allow_null=True)


class AiSerializer(s.Serializer):  # type: ignore[type-arg]
    """All that this person may see of the AI on an item."""

    display_mode = s.ChoiceField(choices=[mode.value for mode in DisplayMode])
    visible = s.BooleanField()
    hidden_reason = s.CharField()
    requires_review = s.BooleanField()
    state = s.ChoiceField(choices=AI_STATES)
    reason = s.CharField()
    runs = RunSerializer(many=True)

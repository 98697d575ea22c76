"""Shapes of comparisons on the wire (OpenAPI)."""

from __future__ import annotations

from rest_framework import serializers as s

from apps.inference.types import ComparisonState
from workers.measures.change import Change


class LesionLabelSerializer(s.Serializer):  # type: ignore[type-arg]
    """A coded label."""

    scheme = s.CharField()
    code = s.CharField()
    display = s.CharField()


class LesionSizeSerializer(s.Serializer):  # type: ignore[type-arg]
    """How large a lesion is."""

    volume_ml = s.FloatField()
    diameter_mm = s.FloatField(help_text="the longest in one slice")


class LesionSpotSerializer(s.Serializer):  # type: ignore[type-arg]
    """A place on an image, in pixels."""

    sop_uid = s.CharField()
    column = s.FloatField()
    row = s.FloatField()


class RepeatabilitySerializer(s.Serializer):  # type: ignore[type-arg]
    """Beyond what a volume counts as changed."""

    percent = s.FloatField()
    least_ml = s.FloatField()
    source = s.CharField()  # type: ignore[assignment]


class LesionSerializer(s.Serializer):  # type: ignore[type-arg]
    """A lesion now and then."""

    finding_id = s.UUIDField(allow_null=True, help_text="null: not found now")
    label = LesionLabelSerializer()  # type: ignore[assignment]
    tracking_uid = s.CharField()
    kind = s.ChoiceField(choices=[one.value for one in Change])
    now = LesionSizeSerializer(allow_null=True)
    then = LesionSizeSerializer(allow_null=True)
    now_at = LesionSpotSerializer(allow_null=True)
    then_at = LesionSpotSerializer(allow_null=True)
    change_ml = s.FloatField()
    percent = s.FloatField(allow_null=True)
    percent_low = s.FloatField(allow_null=True)
    percent_high = s.FloatField(allow_null=True)
    doubling_days = s.FloatField(allow_null=True)
    repeatability = RepeatabilitySerializer()


class PriorModelSerializer(s.Serializer):  # type: ignore[type-arg]
    """Name and version of the model that judged the earlier study."""

    name = s.CharField()
    version = s.CharField()


class ComparedPriorSerializer(s.Serializer):  # type: ignore[type-arg]
    """The earlier study."""

    study_id = s.UUIDField()
    study_date = s.DateField()
    model = PriorModelSerializer()
    same_version = s.BooleanField()


class RegistrationSerializer(s.Serializer):  # type: ignore[type-arg]
    """How the two studies lie over each other."""

    overlap = s.FloatField(help_text="share of the body that both show")
    correlation = s.FloatField()
    inconsistency_mm = s.FloatField(help_text="mean error there and back")
    turn_degrees = s.FloatField()
    shift_mm = s.FloatField()


class RunComparisonSerializer(s.Serializer):  # type: ignore[type-arg]
    """What a model marked beside what it marked on an earlier study."""

    id = s.UUIDField()
    state = s.ChoiceField(choices=[one.value for one in ComparisonState])
    reason = s.CharField()
    days = s.IntegerField()
    prior = ComparedPriorSerializer()
    registration = RegistrationSerializer(allow_null=True)
    lesions = LesionSerializer(many=True)


class WorkMaskSerializer(s.Serializer):  # type: ignore[type-arg]
    """A mask to compare."""

    label_code = s.CharField()
    sha256 = s.CharField()
    sop_uids = s.ListField(child=s.CharField())
    rows = s.IntegerField()
    columns = s.IntegerField()


class WorkSideSerializer(s.Serializer):  # type: ignore[type-arg]
    """One of the two studies of a comparison."""

    series_uid = s.CharField()
    masks = WorkMaskSerializer(many=True)


class ComparisonWorkSerializer(s.Serializer):  # type: ignore[type-arg]
    """What a worker has to compare."""

    now = WorkSideSerializer()
    then = WorkSideSerializer()

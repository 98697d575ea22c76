"""Shapes of hanging (OpenAPI)."""

from __future__ import annotations

from rest_framework import serializers as s

from apps.workflow.hanging.types import Scope

_LEAN = ["", "left", "right"]


class GreyWindowSerializer(s.Serializer):  # type: ignore[type-arg]
    """A window in the image's own units."""

    width = s.FloatField(min_value=1, max_value=1e6)
    level = s.FloatField(min_value=-1e6, max_value=1e6)


class HungPaneSerializer(s.Serializer):  # type: ignore[type-arg]
    """What one viewport shows; an empty series leaves it empty."""

    series_uid = s.CharField(max_length=64, allow_blank=True)
    sop_uid = s.CharField(max_length=64, allow_blank=True, default="")
    window = GreyWindowSerializer(allow_null=True)
    lean = s.ChoiceField(choices=_LEAN, default="")
    over_uid = s.CharField(max_length=64, allow_blank=True, default="")


class HangingSerializer(s.Serializer):  # type: ignore[type-arg]
    """One way to hang a study, applied to it."""

    id = s.CharField()
    name = s.CharField()
    scope = s.ChoiceField(choices=[scope.value for scope in Scope])
    is_default = s.BooleanField()
    may_delete = s.BooleanField()
    rows = s.IntegerField()
    columns = s.IntegerField()
    panes = HungPaneSerializer(many=True)


class PresetSerializer(s.Serializer):  # type: ignore[type-arg]
    """A window with a name."""

    name = s.CharField()
    width = s.FloatField()
    level = s.FloatField()


class PresetsSerializer(s.Serializer):  # type: ignore[type-arg]
    """The windows of one modality."""

    modality = s.CharField()
    items = PresetSerializer(many=True)


class HangingsSerializer(s.Serializer):  # type: ignore[type-arg]
    """How a study may be hung; `chosen` is the id of what is used by itself."""

    region = s.CharField(allow_blank=True)
    chosen = s.CharField(allow_null=True)
    may_manage_site = s.BooleanField()
    items = HangingSerializer(many=True)
    presets = PresetsSerializer(many=True)


class SaveLayoutRequest(s.Serializer):  # type: ignore[type-arg]
    """What the viewports show, to be hung again."""

    study = s.UUIDField()
    name = s.CharField(max_length=60)
    scope = s.ChoiceField(choices=[scope.value for scope in Scope])
    is_default = s.BooleanField(default=True)
    any_region = s.BooleanField(default=False)
    rows = s.IntegerField(min_value=1, max_value=3)
    columns = s.IntegerField(min_value=1, max_value=3)
    panes = HungPaneSerializer(many=True, max_length=9)  # type: ignore[call-arg]


class SavedLayoutSerializer(s.Serializer):  # type: ignore[type-arg]
    """A layout as it is kept."""

    id = s.CharField()
    name = s.CharField()
    scope = s.ChoiceField(choices=[scope.value for scope in Scope])
    is_default = s.BooleanField()
    modalities = s.ListField(child=s.CharField())
    region = s.CharField(allow_blank=True)
    rows = s.IntegerField()
    columns = s.IntegerField()


class EarlierStudySerializer(s.Serializer):  # type: ignore[type-arg]
    """An earlier study of the patient."""

    id = s.UUIDField()
    uid = s.CharField()
    description = s.CharField(allow_blank=True)
    modality = s.CharField(allow_blank=True)
    region = s.CharField(allow_blank=True)
    same_region = s.BooleanField()
    study_date = s.DateField(allow_null=True)
    n_images = s.IntegerField()
    site = s.CharField()


class PriorsSerializer(s.Serializer):  # type: ignore[type-arg]
    """Earlier studies: of the same region first, then the newest first."""

    items = EarlierStudySerializer(many=True)

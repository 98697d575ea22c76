"""Shapes of foreign objects, as the contract names them."""

from __future__ import annotations

from rest_framework import serializers as s


class CodedSerializer(s.Serializer):  # type: ignore[type-arg]
    """A code; scheme and code may be ''."""

    scheme = s.CharField()
    code = s.CharField()
    display = s.CharField()


class MarkSerializer(s.Serializer):  # type: ignore[type-arg]
    """One shape, in an image or in the patient."""

    kind = s.ChoiceField(choices=["box", "point", "polyline", "ellipse", "text"])
    space = s.ChoiceField(choices=["image", "patient"])
    points = s.ListField(child=s.ListField(child=s.FloatField()))
    sop_uid = s.CharField()
    frame = s.IntegerField()
    frame_of_reference_uid = s.CharField()
    text = s.CharField()
    filled = s.BooleanField()


class ForeignMeasurementSerializer(s.Serializer):  # type: ignore[type-arg]
    """A number with its unit."""

    name = CodedSerializer()
    value = s.FloatField()
    unit = CodedSerializer()


class ForeignEvaluationSerializer(s.Serializer):  # type: ignore[type-arg]
    """A coded question and answer."""

    name = CodedSerializer()
    value = CodedSerializer()


class SegmentFrameSerializer(s.Serializer):  # type: ignore[type-arg]
    """Where a frame of a mask lies."""

    sop_uid = s.CharField()
    frame = s.IntegerField()
    origin = s.ListField(child=s.FloatField(), allow_null=True)
    row = s.ListField(child=s.FloatField())
    column = s.ListField(child=s.FloatField())
    row_spacing = s.FloatField()
    column_spacing = s.FloatField()


class SegmentSerializer(s.Serializer):  # type: ignore[type-arg]
    """A mask; its voxels are had by its number."""

    number = s.IntegerField()
    rows = s.IntegerField()
    columns = s.IntegerField()
    frames = SegmentFrameSerializer(many=True)
    frame_of_reference_uid = s.CharField()
    fractional = s.BooleanField()
    volume_ml = s.FloatField(allow_null=True)


class ValueMapSerializer(s.Serializer):  # type: ignore[type-arg]
    """A quantity of a parametric map; its values are had by its number."""

    number = s.IntegerField()
    rows = s.IntegerField()
    columns = s.IntegerField()
    frames = SegmentFrameSerializer(many=True)
    frame_of_reference_uid = s.CharField()
    unit = CodedSerializer()
    least = s.FloatField()
    most = s.FloatField()
    low = s.FloatField()
    high = s.FloatField()


class SegmentRefSerializer(s.Serializer):  # type: ignore[type-arg]
    """A segment of another object."""

    sop_uid = s.CharField()
    number = s.IntegerField()


class ForeignItemSerializer(s.Serializer):  # type: ignore[type-arg]
    """One thing that an object says."""

    key = s.CharField()
    # `label` is a word of the base class, so the field is put in below.
    tracking_uid = s.CharField()
    tracking_id = s.CharField()
    category = CodedSerializer(allow_null=True)
    site = CodedSerializer(allow_null=True)
    text = s.CharField()
    colour = s.CharField()
    measurements = ForeignMeasurementSerializer(many=True)
    evaluations = ForeignEvaluationSerializer(many=True)
    marks = MarkSerializer(many=True)
    images = s.ListField(child=s.CharField())
    segments = SegmentRefSerializer(many=True)
    segment = SegmentSerializer(allow_null=True)
    map = ValueMapSerializer(allow_null=True)
    why_not = s.CharField()

    def get_fields(self) -> dict[str, s.Field]:  # type: ignore[type-arg]
        """Add the label."""
        return {**super().get_fields(), "label": CodedSerializer()}


class OpeningSerializer(s.Serializer):  # type: ignore[type-arg]
    """An area that a shutter leaves open, in image space."""

    kind = s.ChoiceField(choices=["rectangle", "circle", "polygon"])
    points = s.ListField(child=s.ListField(child=s.FloatField()))
    radius = s.FloatField()


class BitmapSerializer(s.Serializer):  # type: ignore[type-arg]
    """Pixels that a shutter covers: runs row by row, open and covered in turn."""

    rows = s.IntegerField()
    columns = s.IntegerField()
    left = s.IntegerField()
    top = s.IntegerField()
    runs = s.ListField(child=s.IntegerField())


class ShutterSerializer(s.Serializer):  # type: ignore[type-arg]
    """What of an image is covered: all outside any opening, in a grey of 0 to 255."""

    openings = OpeningSerializer(many=True)
    level = s.IntegerField()
    bitmap = BitmapSerializer(allow_null=True)


class PresentationSerializer(s.Serializer):  # type: ignore[type-arg]
    """How some images are to be shown; an image is [SOP Instance UID, frame or 0]."""

    images = s.ListField(child=s.ListField())
    window = s.ListField(child=s.FloatField(), allow_null=True)
    inverse = s.BooleanField()
    rotation = s.IntegerField()
    flip = s.BooleanField()
    area = s.ListField(child=s.ListField(child=s.FloatField()), allow_null=True)
    shutter = ShutterSerializer(allow_null=True)


class CreatorSerializer(s.Serializer):  # type: ignore[type-arg]
    """Who made it."""

    origin = s.ChoiceField(choices=["ai", "person", "unknown"])
    name = s.CharField()
    version = s.CharField()
    maker = s.CharField()
    model = s.CharField()


class ForeignObjectSerializer(s.Serializer):  # type: ignore[type-arg]
    """An object that we did not make; without its shapes when it is not `whole`."""

    study_uid = s.CharField()
    series_uid = s.CharField()
    sop_uid = s.CharField()
    sop_class_uid = s.CharField()
    kind = s.ChoiceField(
        choices=["sr", "seg", "rtstruct", "gsps", "kos", "pm", "other"]
    )
    modality = s.CharField()
    title = s.CharField()
    creator = CreatorSerializer()
    made_at = s.CharField()
    items = ForeignItemSerializer(many=True)
    presentations = PresentationSerializer(many=True)
    trouble = s.CharField()
    notes = s.ListField(child=s.CharField())
    whole = s.BooleanField()


class ForeignObjectsSerializer(s.Serializer):  # type: ignore[type-arg]
    """What others left about a study."""

    items = ForeignObjectSerializer(many=True)
    total = s.IntegerField()
    hidden_reason = s.CharField()

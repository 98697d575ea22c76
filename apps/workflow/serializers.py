"""Shapes of the worklist and the reading room on the wire (OpenAPI).

What the AI says of an item is in `ai_shapes`, what there is of a study to show in
`manifest_shapes`.
"""

from __future__ import annotations

from rest_framework import serializers as s

from apps.annotations.measured import SCALES
from apps.annotations.types import DisplayMode, ReadingState, VerificationState
from apps.inference.tiers import Tier
from apps.workflow.ai_shapes import (
    AI_STATES,
    GeometrySerializer,
    LabelSerializer,
    ModelNameSerializer,
)
from apps.workflow.segment_shapes import SegmentationSerializer
from apps.worklist.types import Band, BandSource, ItemReason, ItemState


def _values(enum: type) -> list[str]:
    return [member.value for member in enum]  # type: ignore[attr-defined]


class NamedSerializer(s.Serializer):  # type: ignore[type-arg]
    """Something with an id and a name."""

    id = s.UUIDField()
    name = s.CharField()


class ProtocolSerializer(NamedSerializer):
    """The reading protocol of an item."""

    display_mode = s.ChoiceField(choices=_values(DisplayMode))


class PatientSerializer(s.Serializer):  # type: ignore[type-arg]
    """A patient as the list shows one."""

    name = s.CharField()
    id = s.CharField()
    sex = s.CharField()
    birth_date = s.DateField(allow_null=True)
    age_text = s.CharField()


class StudySerializer(s.Serializer):  # type: ignore[type-arg]
    """A study as the list shows one."""

    id = s.UUIDField()
    uid = s.CharField()
    revision_id = s.UUIDField()
    revision = s.IntegerField()
    modality = s.CharField()
    description = s.CharField()
    body_part = s.CharField()
    n_images = s.IntegerField()
    n_series = s.IntegerField()
    station = s.CharField()
    study_date = s.DateField(allow_null=True)
    accession_number = s.CharField()


class RowAiSerializer(s.Serializer):  # type: ignore[type-arg]
    """What the AI saw, in one line."""

    state = s.ChoiceField(choices=AI_STATES)
    reason = s.CharField()
    label = s.CharField()  # type: ignore[assignment]
    probability = s.FloatField(allow_null=True)
    threshold = s.FloatField(allow_null=True)
    acuity = s.CharField()
    positive = s.BooleanField()
    n_more = s.IntegerField()
    model = ModelNameSerializer(allow_null=True)


class PersonSerializer(s.Serializer):  # type: ignore[type-arg]
    """A colleague."""

    id = s.UUIDField()
    display_name = s.CharField()
    initials = s.CharField()


class LeaseSerializer(s.Serializer):  # type: ignore[type-arg]
    """Who holds an item."""

    holder = PersonSerializer()
    mine = s.BooleanField()
    since = s.DateTimeField()
    expires_at = s.DateTimeField()
    number = s.IntegerField()
    draft_saved_at = s.DateTimeField(allow_null=True)


class ReleaseQuery(s.Serializer):  # type: ignore[type-arg]
    """Which taking of an item is given back; without it, any."""

    number = s.IntegerField(required=False, min_value=1)


class AssigneeSerializer(s.Serializer):  # type: ignore[type-arg]
    """For whom a lead meant an item."""

    person = PersonSerializer()
    mine = s.BooleanField()
    at = s.DateTimeField()


class VerificationSerializer(s.Serializer):  # type: ignore[type-arg]
    """How far the verification of a preliminary reading is."""

    state = s.ChoiceField(choices=_values(VerificationState))
    asked_at = s.DateTimeField()
    decided_at = s.DateTimeField(allow_null=True)
    decided_by = s.CharField(allow_blank=True)
    reason = s.CharField(allow_blank=True)


class PreliminarySerializer(VerificationSerializer):
    """Of a signed study that waits for me: who signed it, and what is to be done."""

    signed_by = s.CharField()
    mine = s.BooleanField(help_text="I signed it, and it was sent back to me")


class RowSerializer(s.Serializer):  # type: ignore[type-arg]
    """One line of the worklist."""

    id = s.UUIDField()
    version = s.IntegerField()
    reason = s.ChoiceField(choices=_values(ItemReason))
    state = s.ChoiceField(choices=_values(ItemState))
    rank = s.IntegerField(allow_null=True)
    rank_total = s.IntegerField()
    band = s.ChoiceField(choices=_values(Band))
    band_source = s.ChoiceField(choices=_values(BandSource))
    band_reason = s.CharField()
    arrived_at = s.DateTimeField()
    due_at = s.DateTimeField()
    deadline_at = s.DateTimeField()
    sort_key = s.ListField()
    site = NamedSerializer()
    protocol = ProtocolSerializer()
    patient = PatientSerializer()
    study = StudySerializer()
    ai = RowAiSerializer()
    tier = s.ChoiceField(choices=[t.value for t in Tier if t], allow_blank=True)
    lease = LeaseSerializer(allow_null=True)
    assignee = AssigneeSerializer(allow_null=True)
    preliminary = PreliminarySerializer(
        allow_null=True, help_text="only where the list is asked for what waits for me"
    )


class BandCountSerializer(s.Serializer):  # type: ignore[type-arg]
    """How one band stands."""

    n = s.IntegerField()
    oldest_arrived_at = s.DateTimeField(allow_null=True)
    past_deadline = s.IntegerField()


class BandCountsSerializer(s.Serializer):  # type: ignore[type-arg]
    """How the bands stand."""

    STAT = BandCountSerializer()
    PRIORITY = BandCountSerializer()
    ROUTINE = BandCountSerializer()


class FacetsSerializer(s.Serializer):  # type: ignore[type-arg]
    """Values for the filter menus."""

    modality = s.ListField(child=s.CharField())
    body_part = s.ListField(child=s.CharField())


class PageSerializer(s.Serializer):  # type: ignore[type-arg]
    """One page of the worklist, with the sequence number it is true at."""

    seq = s.DictField(child=s.IntegerField())
    now = s.DateTimeField()
    ai_ordering = s.DictField(child=s.BooleanField())
    items = RowSerializer(many=True)
    next_cursor = s.CharField(allow_null=True)
    total = s.IntegerField()
    bands = BandCountsSerializer()
    facets = FacetsSerializer()


class DueSerializer(s.Serializer):  # type: ignore[type-arg]
    """A neighbour on the list."""

    id = s.UUIDField()
    due_at = s.DateTimeField()


class NeighboursSerializer(s.Serializer):  # type: ignore[type-arg]
    """The items just above and below."""

    above = DueSerializer(allow_null=True)
    below = DueSerializer(allow_null=True)


class WithoutAiSerializer(s.Serializer):  # type: ignore[type-arg]
    """Where the item would be without any AI result of its own."""

    rank = s.IntegerField()
    due_at = s.DateTimeField()


class WhySerializer(s.Serializer):  # type: ignore[type-arg]
    """The parts of an item's place."""

    rank = s.IntegerField()
    band = s.ChoiceField(choices=_values(Band))
    band_source = s.ChoiceField(choices=_values(BandSource))
    band_reason = s.CharField()
    arrived_at = s.DateTimeField()
    allowance_s = s.FloatField()
    due_at = s.DateTimeField()
    deadline_at = s.DateTimeField()
    acuity = s.CharField()
    acuity_weight = s.FloatField()
    probability = s.FloatField(allow_null=True)
    probability_source = s.ChoiceField(choices=["finding", "base_rate", "clinician"])
    neighbours = NeighboursSerializer()
    without_ai = WithoutAiSerializer()
    model = ModelNameSerializer(allow_null=True)
    rule = s.ListField(child=s.CharField())


class VerdictSerializer(s.Serializer):  # type: ignore[type-arg]
    """The answer to one finding."""

    verdict = s.ChoiceField(choices=["accept", "reject", "modify"])
    reason_code = s.CharField(allow_blank=True)
    reason_text = s.CharField(allow_blank=True)
    label = LabelSerializer(allow_null=True)  # type: ignore[assignment]
    geometry = GeometrySerializer(allow_null=True)


class MeasuredValueSerializer(LabelSerializer):
    """One number that a mark measures."""

    value = s.FloatField()
    unit = s.CharField(help_text="UCUM")


class MeasuredSerializer(s.Serializer):  # type: ignore[type-arg]
    """What a mark of a measuring tool says."""

    scale = s.ChoiceField(choices=list(SCALES))
    calibration_mm = s.FloatField(allow_null=True)
    values = MeasuredValueSerializer(many=True)


class AnnotationSerializer(s.Serializer):  # type: ignore[type-arg]
    """A mark of the reader."""

    id = s.CharField()
    tracking_uid = s.CharField()
    label = LabelSerializer()  # type: ignore[assignment]
    geometry = GeometrySerializer()
    text = s.CharField(allow_blank=True)
    missed_by_ai = s.BooleanField()
    measured = MeasuredSerializer(required=False)


class ForeignAnswerSerializer(s.Serializer):  # type: ignore[type-arg]
    """The answer to one thing that an object from PACS says."""

    sop_uid = s.CharField()
    series_uid = s.CharField()
    sop_class_uid = s.CharField()
    key = s.CharField()
    tracking_uid = s.CharField(allow_blank=True)
    tracking_id = s.CharField(allow_blank=True)
    scheme = s.CharField(allow_blank=True)
    code = s.CharField(allow_blank=True)
    display = s.CharField()
    image_uid = s.CharField(allow_blank=True)
    verdict = s.ChoiceField(choices=["accept", "reject"])
    reason_code = s.CharField(allow_blank=True)
    reason_text = s.CharField(allow_blank=True)


class ReportTemplateRefSerializer(s.Serializer):  # type: ignore[type-arg]
    """Which template a report was drafted by."""

    code = s.CharField()
    version = s.IntegerField()
    name = s.CharField()


class ReportSectionSerializer(s.Serializer):  # type: ignore[type-arg]
    """One section of a report, in the reader's words."""

    key = s.CharField()
    title = s.CharField()
    text = s.CharField(allow_blank=True)
    edited = s.BooleanField()


class ReportCodeSerializer(s.Serializer):  # type: ignore[type-arg]
    """One coded thing that is there, or is not."""

    scheme = s.CharField()
    code = s.CharField()
    display = s.CharField()
    present = s.BooleanField()
    source = s.ChoiceField(choices=["ai", "reader"])  # type: ignore[assignment]
    source_id = s.CharField()


class ReportSerializer(s.Serializer):  # type: ignore[type-arg]
    """The written report of a reading."""

    template = ReportTemplateRefSerializer()
    sections = ReportSectionSerializer(many=True)
    codes = ReportCodeSerializer(many=True)


class ContentSerializer(s.Serializer):  # type: ignore[type-arg]
    """What a reading says."""

    verdicts = s.DictField(child=VerdictSerializer())
    annotations = AnnotationSerializer(many=True)
    impression = s.CharField(allow_blank=True)
    foreign = s.DictField(child=ForeignAnswerSerializer(), required=False)
    report = ReportSerializer(required=False, allow_null=True)
    segmentations = SegmentationSerializer(many=True, required=False)


class StageSerializer(s.Serializer):  # type: ignore[type-arg]
    """A state that a reading entered, and when."""

    state = s.ChoiceField(choices=_values(ReadingState))
    at = s.DateTimeField()


class UnaidedSerializer(s.Serializer):  # type: ignore[type-arg]
    """What a reader had committed before the AI was revealed. It never changes."""

    committed_at = s.DateTimeField()
    content = ContentSerializer()


class AmendsSerializer(s.Serializer):  # type: ignore[type-arg]
    """The signed version that an amendment takes the place of, and why."""

    id = s.UUIDField()
    edition = s.IntegerField()
    signed_at = s.DateTimeField()
    signed_by = s.CharField()
    reason = s.CharField()
    reason_text = s.CharField(allow_blank=True)


class ReadingSerializer(s.Serializer):  # type: ignore[type-arg]
    """A reading."""

    id = s.UUIDField()
    item_id = s.UUIDField()
    state = s.ChoiceField(choices=_values(ReadingState))
    version = s.IntegerField()
    saved_at = s.DateTimeField()
    signed_at = s.DateTimeField(allow_null=True)
    signed_by = s.CharField(allow_null=True)
    content = ContentSerializer()
    edition = s.IntegerField(help_text="1, and one more with each amendment")
    amends = AmendsSerializer(allow_null=True)
    verification = VerificationSerializer(allow_null=True)
    asks = s.ListField(
        child=s.CharField(), help_text="Not marked when it is signed: absent"
    )
    stages = StageSerializer(many=True)
    unaided = UnaidedSerializer(allow_null=True)


class LeasedSerializer(s.Serializer):  # type: ignore[type-arg]
    """An item that is yours now, with its reading."""

    lease = LeaseSerializer()
    item = RowSerializer()
    reading = ReadingSerializer()


class LookedSerializer(s.Serializer):  # type: ignore[type-arg]
    """An item that is only looked at; its signed reading, where there is one."""

    may_verify = s.BooleanField(help_text="the reading waits for my verification")
    may_amend = s.BooleanField(help_text="the reading is mine to amend, or to verify")

    item = RowSerializer()
    reading = ReadingSerializer(allow_null=True)


class RenewedSerializer(s.Serializer):  # type: ignore[type-arg]
    """A lease that goes on."""

    lease = LeaseSerializer()


class SignedSerializer(s.Serializer):  # type: ignore[type-arg]
    """A signed reading, and what comes next."""

    reading = ReadingSerializer()
    next = RowSerializer(allow_null=True)


class CommittedSerializer(s.Serializer):  # type: ignore[type-arg]
    """A committed read, and the item with what the AI says of it."""

    reading = ReadingSerializer()
    item = RowSerializer()


class ContentRequest(s.Serializer):  # type: ignore[type-arg]
    """A draft or a reading to sign."""

    content = ContentSerializer()


class SignRequest(ContentRequest):
    """A reading to sign; `told` says who was told of its critical findings."""

    told = s.DictField(child=s.DictField(), required=False)


class BandRequest(s.Serializer):  # type: ignore[type-arg]
    """A clinician's band."""

    band = s.ChoiceField(choices=_values(Band))
    reason_code = s.CharField()
    reason_text = s.CharField(allow_blank=True, default="", max_length=400)


class TakeNextRequest(s.Serializer):  # type: ignore[type-arg]
    """Sites to take the next item from; none means all of the reader's."""

    site = s.ListField(child=s.UUIDField(), default=list)


class AiOrderingRequest(s.Serializer):  # type: ignore[type-arg]
    """The switch of the AI's part in the order."""

    enabled = s.BooleanField()
    reason = s.CharField(max_length=200)


class AiOrderingSerializer(s.Serializer):  # type: ignore[type-arg]
    """Whether AI takes part in the order."""

    enabled = s.BooleanField()


class ReasonSerializer(s.Serializer):  # type: ignore[type-arg]
    """One reason code."""

    code = s.CharField()
    display = s.CharField()


class VocabularySerializer(s.Serializer):  # type: ignore[type-arg]
    """Codes that people choose from."""

    reject_reasons = ReasonSerializer(many=True)
    band_reasons = ReasonSerializer(many=True)
    amend_reasons = ReasonSerializer(many=True)
    labels = LabelSerializer(many=True)

"""The shapes of slots over REST."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers as s

from apps.annotations.truth import TruthKind
from apps.inference.types import Acuity, IntendedUse, SlotKind
from workers.measures.recalibration import Method

_PACKAGE = "package"
_REASON = 400


class FigureSerializer(s.Serializer[Any]):
    """A figure with its 95% interval; the value is null where n is too small."""

    value = s.FloatField(allow_null=True)
    low = s.FloatField(allow_null=True)
    high = s.FloatField(allow_null=True)
    n = s.IntegerField()


class SlotOutputSerializer(s.Serializer[Any]):
    """How one label is read; `suggested` is the card's threshold."""

    code = s.CharField()
    display = s.CharField()
    threshold = s.FloatField()
    suggested = s.FloatField(allow_null=True)
    acuity = s.ChoiceField(choices=[a.value for a in Acuity])
    method = s.ChoiceField(choices=[_PACKAGE, *(m.value for m in Method)])
    n = s.IntegerField(allow_null=True)


class SlotModelSerializer(s.Serializer[Any]):
    """The model of a version."""

    id = s.UUIDField()
    name = s.CharField()
    version = s.CharField()
    intended_use = s.ChoiceField(choices=[use.value for use in IntendedUse])


class RoutingSerializer(s.Serializer[Any]):
    """A site's rule; what is left out asks for nothing."""

    modalities = s.ListField(child=s.CharField(), required=False)
    body_parts = s.ListField(child=s.CharField(), required=False)
    views = s.ListField(child=s.CharField(), required=False)
    age_min = s.IntegerField(required=False, allow_null=True)
    age_max = s.IntegerField(required=False, allow_null=True)
    description_has = s.ListField(child=s.CharField(), required=False)
    description_lacks = s.ListField(child=s.CharField(), required=False)
    hour_from = s.IntegerField(required=False, allow_null=True)
    hour_to = s.IntegerField(required=False, allow_null=True)
    resident_first = s.BooleanField(required=False)
    specialist_if_unsure = s.BooleanField(required=False)
    unsure_from = s.FloatField(required=False, allow_null=True)
    unsure_to = s.FloatField(required=False, allow_null=True)


class SlotVersionSerializer(s.Serializer[Any]):
    """One version of a slot; `settled`: the open list follows it."""

    id = s.UUIDField()
    task = s.CharField()
    kind = s.ChoiceField(choices=[kind.value for kind in SlotKind])
    number = s.IntegerField()
    active = s.BooleanField()
    settled = s.BooleanField()
    model = SlotModelSerializer()
    outputs = SlotOutputSerializer(many=True)
    routing = RoutingSerializer()
    reason = s.CharField(allow_blank=True)
    made_at = s.DateTimeField()
    made_by = s.CharField(allow_null=True)
    ended_at = s.DateTimeField(allow_null=True)


class SlotsSerializer(s.Serializer[Any]):
    """What holds at a site."""

    may_change = s.BooleanField()
    items = SlotVersionSerializer(many=True)


class SlotVersionsSerializer(s.Serializer[Any]):
    """All versions of one slot, the newest first."""

    items = SlotVersionSerializer(many=True)


class ReasonRequest(s.Serializer[Any]):
    """Why, for the record."""

    reason = s.CharField(max_length=_REASON)


class SlotChangeRequest(ReasonRequest):
    """What is to be otherwise; what is left out stays."""

    thresholds = s.DictField(child=s.FloatField(), required=False)
    acuities = s.DictField(
        child=s.ChoiceField(choices=[a.value for a in Acuity]), required=False
    )
    routing = RoutingSerializer(required=False)


class ThresholdQuery(s.Serializer[Any]):
    """Which label, at which threshold, by whose readings."""

    code = s.CharField(max_length=64)
    threshold = s.FloatField()
    truth = s.ChoiceField(
        choices=[kind.value for kind in TruthKind], default=TruthKind.UNAIDED.value
    )


class PointSerializer(s.Serializer[Any]):
    """What a threshold does."""

    alerts = s.IntegerField()
    alerts_per_day = FigureSerializer()
    sensitivity = FigureSerializer()
    specificity = FigureSerializer()
    ppv = FigureSerializer()
    npv = FigureSerializer()


class TruthCountSerializer(s.Serializer[Any]):
    """How many studies have a truth of a kind."""

    kind = s.ChoiceField(choices=[kind.value for kind in TruthKind])
    n = s.IntegerField()
    n_present = s.IntegerField()
    n_readers = s.IntegerField()
    n_disagreed = s.IntegerField()
    n_unasked = s.IntegerField()


class ScoreBinSerializer(s.Serializer[Any]):
    """Scored studies between two probabilities, by what readers say."""

    low = s.FloatField()
    high = s.FloatField()
    present = s.IntegerField()
    absent = s.IntegerField()
    unknown = s.IntegerField()


class OtherPackageSerializer(s.Serializer[Any]):
    """Another package of the slot, and how many studies it has scored."""

    model = s.CharField()
    n = s.IntegerField()


class ThresholdSerializer(s.Serializer[Any]):
    """What a threshold would do, beside the one that holds.

    By the scores of this package alone; `others` have scores that do not count.
    """

    code = s.CharField()
    display = s.CharField()
    threshold = s.FloatField()
    holding = s.FloatField()
    truth = s.ChoiceField(choices=[kind.value for kind in TruthKind])
    truths = TruthCountSerializer(many=True)
    least = s.IntegerField()
    scored = s.IntegerField()
    package_hash = s.CharField()
    others = OtherPackageSerializer(many=True)
    days = s.FloatField()
    at_holding = PointSerializer()
    at_threshold = PointSerializer()
    more_alerts_per_day = s.FloatField()
    histogram = ScoreBinSerializer(many=True)


class CalibrationQuery(s.Serializer[Any]):
    """Which label, and how."""

    code = s.CharField(max_length=64)
    method = s.ChoiceField(choices=[m.value for m in Method])


class CalibrationRequest(ReasonRequest):
    """Which label, how (`package`: as the package says), and why."""

    code = s.CharField(max_length=64)
    method = s.ChoiceField(choices=[_PACKAGE, *(m.value for m in Method)])


class ReliabilityBinSerializer(s.Serializer[Any]):
    """One bin of a reliability curve."""

    stated = s.FloatField()
    observed = s.FloatField()
    n = s.IntegerField()


class ReliabilitySerializer(s.Serializer[Any]):
    """How well probabilities mean what they say."""

    ece = s.FloatField()
    brier = s.FloatField()
    n = s.IntegerField()
    curve = ReliabilityBinSerializer(many=True)


class CalibrationSerializer(s.Serializer[Any]):
    """What a calibration would be like, or in `refused` why there can be none."""

    code = s.CharField()
    display = s.CharField()
    method = s.ChoiceField(choices=[m.value for m in Method])
    holding = s.ChoiceField(choices=[_PACKAGE, *(m.value for m in Method)])
    refused = s.CharField(allow_blank=True)
    n = s.IntegerField()
    n_present = s.IntegerField()
    n_readers = s.IntegerField()
    n_disagreed = s.IntegerField()
    n_unasked = s.IntegerField()
    least = s.IntegerField()
    least_each = s.IntegerField()
    before = ReliabilitySerializer(allow_null=True)
    after = ReliabilitySerializer(allow_null=True)
    threshold = s.FloatField()
    new_threshold = s.FloatField(allow_null=True)


class RoutingTrialRequest(s.Serializer[Any]):
    """A rule to try."""

    routing = RoutingSerializer()


class RoutingDaySerializer(s.Serializer[Any]):
    """One day of a trial."""

    day = s.DateField()
    arrived = s.IntegerField()
    fired = s.IntegerField()


class RoutingExampleSerializer(s.Serializer[Any]):
    """One study of a trial; `reason` is empty when the rule would have fired."""

    study_id = s.UUIDField()
    arrived_at = s.DateTimeField()
    modality = s.CharField(allow_blank=True)
    reason = s.CharField(allow_blank=True)


class TierTrialSerializer(s.Serializer[Any]):
    """For whom the studies would have been that the model has scored.

    `unscored` of those that the rule sends have no result of this model.
    """

    resident = s.IntegerField()
    specialist = s.IntegerField()
    anybody = s.IntegerField()
    unscored = s.IntegerField()


class RoutingTrialSerializer(s.Serializer[Any]):
    """What a rule would have done; `fits` counts what the model's card takes."""

    days = s.FloatField()
    arrived = s.IntegerField()
    fits = s.IntegerField()
    fired = s.IntegerField()
    fired_now = s.IntegerField()
    per_day = FigureSerializer()
    tiers = TierTrialSerializer(allow_null=True)
    by_day = RoutingDaySerializer(many=True)
    examples = RoutingExampleSerializer(many=True)


class SlotComparisonQuery(s.Serializer[Any]):
    """Which label, by whose readings."""

    code = s.CharField(max_length=64)
    truth = s.ChoiceField(
        choices=[kind.value for kind in TruthKind], default=TruthKind.UNAIDED.value
    )


class SlotComparedSerializer(s.Serializer[Any]):
    """One model on the common studies, at its own threshold."""

    slot_id = s.UUIDField()
    kind = s.ChoiceField(choices=[kind.value for kind in SlotKind])
    number = s.IntegerField()
    model = s.CharField()
    threshold = s.FloatField()
    alerts = s.IntegerField()
    alerts_per_day = FigureSerializer()
    sensitivity = FigureSerializer()
    specificity = FigureSerializer()
    auroc = FigureSerializer()


class SlotDiscordanceSerializer(s.Serializer[Any]):
    """How the two differ on the same cases; `first` is the live one. p: McNemar."""

    n = s.IntegerField()
    only_first = s.IntegerField()
    only_second = s.IntegerField()
    p = s.FloatField()


class SlotPairedSerializer(s.Serializer[Any]):
    """The paired tests, the newest study of each patient; or in `refused` why not.

    `difference` is the AUROC of the other less that of the live one (DeLong).
    """

    n = s.IntegerField()
    n_present = s.IntegerField()
    refused = s.CharField(allow_blank=True)
    difference = FigureSerializer(allow_null=True)
    z = s.FloatField(allow_null=True)
    p = s.FloatField(allow_null=True)
    sensitivity = SlotDiscordanceSerializer(allow_null=True)
    specificity = SlotDiscordanceSerializer(allow_null=True)


class SlotDiscordantSerializer(s.Serializer[Any]):
    """A study that one of the models flags and the other does not."""

    study_id = s.UUIDField()
    item_id = s.UUIDField(allow_null=True)
    at = s.DateTimeField()
    present = s.BooleanField()
    live = s.FloatField()
    other = s.FloatField()


class SlotComparisonSerializer(s.Serializer[Any]):
    """A challenger or shadow beside the live model."""

    code = s.CharField()
    display = s.CharField()
    truth = s.ChoiceField(choices=[kind.value for kind in TruthKind])
    least = s.IntegerField()
    n_both = s.IntegerField()
    days = s.FloatField()
    truths = TruthCountSerializer(many=True)
    live = SlotComparedSerializer()
    other = SlotComparedSerializer()
    paired = SlotPairedSerializer()
    n_discordant = s.IntegerField()
    discordant = SlotDiscordantSerializer(many=True)

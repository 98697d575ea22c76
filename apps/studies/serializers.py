"""Shapes of quarantine, AE titles and the machine API (OpenAPI)."""

from __future__ import annotations

from rest_framework import serializers as s

from apps.studies.types import QuarantineKind
from workers.inputs import MOST_STUDIES, MOST_TOGETHER


class SiteNameSerializer(s.Serializer):  # type: ignore[type-arg]
    """A site."""

    id = s.UUIDField()
    name = s.CharField()


class QuarantinedSerializer(s.Serializer):  # type: ignore[type-arg]
    """Something held; says nothing of the patient."""

    id = s.UUIDField()
    kind = s.ChoiceField(choices=[kind.value for kind in QuarantineKind])
    site = SiteNameSerializer(allow_null=True)
    study_id = s.UUIDField(allow_null=True)
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


class SideSummarySerializer(s.Serializer):  # type: ignore[type-arg]
    """What a side says of its patient and study."""

    patient_name = s.CharField(allow_blank=True)
    patient_id = s.CharField(allow_blank=True)
    birth_date = s.DateField(allow_null=True)
    sex = s.CharField(allow_blank=True)
    study_date = s.DateField(allow_null=True)
    study_description = s.CharField(allow_blank=True)
    series_description = s.CharField(allow_blank=True)
    accession_number = s.CharField(allow_blank=True)
    modality = s.CharField(allow_blank=True)
    station = s.CharField(allow_blank=True)
    rows = s.IntegerField()
    columns = s.IntegerField()


class SideSerializer(s.Serializer):  # type: ignore[type-arg]
    """One side; `pictures` are SOP Instance UIDs, or say why it is hidden."""

    hidden_reason = s.CharField(allow_blank=True)
    site = SiteNameSerializer(allow_null=True)
    summary = SideSummarySerializer(allow_null=True)
    pictures = s.ListField(child=s.CharField())


class SidesSerializer(s.Serializer):  # type: ignore[type-arg]
    """What is there, and what arrived."""

    there = SideSerializer(allow_null=True)
    arrived = SideSerializer(allow_null=True)


class DifferingFileSerializer(s.Serializer):  # type: ignore[type-arg]
    """How one file differs; names of attributes, null when that cannot be said."""

    sop_uid = s.CharField()
    via = s.CharField(allow_blank=True)
    size = s.IntegerField()
    differs = s.ListField(child=s.CharField(), allow_null=True)
    same_pixels = s.BooleanField(allow_null=True)


class ComparisonSerializer(s.Serializer):  # type: ignore[type-arg]
    """Both sides of what is held."""

    item = QuarantinedSerializer()
    sides = SidesSerializer()
    files = DifferingFileSerializer(many=True)
    n_files = s.IntegerField()
    actions = s.ListField(child=s.ChoiceField(choices=["assign", "keep", "accept"]))


class DecisionRequest(s.Serializer):  # type: ignore[type-arg]
    """Why, and that both were compared."""

    reason = s.CharField(max_length=200)
    confirm = s.BooleanField(default=False)


class ArrivalFailureSerializer(s.Serializer):  # type: ignore[type-arg]
    """A study of the archive that could not be registered."""

    id = s.UUIDField()
    reason = s.CharField()
    attempts = s.IntegerField()
    first_at = s.DateTimeField(source="created_at")
    retry_at = s.DateTimeField()


class UnreadSerializer(s.Serializer):  # type: ignore[type-arg]
    """A file that was kept and that nobody can read."""

    name = s.CharField()
    reason = s.CharField()
    size = s.IntegerField()
    arrived_at = s.DateTimeField()


class RefusalSerializer(s.Serializer):  # type: ignore[type-arg]
    """What the archive refused of one sender for one reason."""

    id = s.CharField()
    sender = s.CharField(allow_blank=True)
    reason = s.CharField()
    n = s.IntegerField()
    first_at = s.DateTimeField()
    last_at = s.DateTimeField()


class ArrivalFailuresSerializer(s.Serializer):  # type: ignore[type-arg]
    """What could not be registered, could not be read, and was refused."""

    items = ArrivalFailureSerializer(many=True)
    unread = UnreadSerializer(many=True)
    refused = RefusalSerializer(many=True)


class ListedAttachmentSerializer(s.Serializer):  # type: ignore[type-arg]
    """A series that is no image."""

    uid = s.CharField(source="series_uid")
    modality = s.CharField(allow_blank=True)
    description = s.CharField(allow_blank=True)
    creator = s.CharField(allow_blank=True)
    n_instances = s.IntegerField()
    n_bytes = s.IntegerField()
    by_overread = s.BooleanField()


class StudyRevisionSerializer(s.Serializer):  # type: ignore[type-arg]
    """One revision of a study."""

    id = s.UUIDField()
    number = s.IntegerField()
    n_images = s.IntegerField()
    arrived_at = s.DateTimeField()


class StudyPatientSerializer(s.Serializer):  # type: ignore[type-arg]
    """Whose study it is."""

    name = s.CharField(allow_blank=True)
    id = s.CharField(allow_blank=True)
    sex = s.CharField(allow_blank=True)
    birth_date = s.DateField(allow_null=True)


class ListedStudySerializer(s.Serializer):  # type: ignore[type-arg]
    """A study, its revisions and what is attached to it."""

    id = s.UUIDField()
    uid = s.CharField()
    description = s.CharField(allow_blank=True)
    modality = s.CharField(allow_blank=True)
    study_date = s.DateField(allow_null=True)
    arrived_at = s.DateTimeField()
    deleted_at = s.DateTimeField(allow_null=True)
    site = SiteNameSerializer()
    patient = StudyPatientSerializer()
    revisions = StudyRevisionSerializer(many=True)
    attachments = ListedAttachmentSerializer(many=True)


class StudiesSerializer(s.Serializer):  # type: ignore[type-arg]
    """Studies, newest first."""

    items = ListedStudySerializer(many=True)


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


class MachineTokensSerializer(s.Serializer):  # type: ignore[type-arg]
    """The tokens of several requests of a worker."""

    tokens = s.ListField(
        child=s.CharField(max_length=1000), min_length=1, max_length=MOST_STUDIES
    )


class MachineFilesSerializer(s.Serializer):  # type: ignore[type-arg]
    """The SOP Instance UIDs of files that a worker wants together."""

    instances = s.ListField(
        child=s.CharField(max_length=64), min_length=1, max_length=MOST_TOGETHER
    )


class MachineInstancesSerializer(s.Serializer):  # type: ignore[type-arg]
    """The image instances of a revision, for workers."""

    revision_id = s.UUIDField()
    instances = MachineInstanceSerializer(many=True)

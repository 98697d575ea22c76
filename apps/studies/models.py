"""Tables of patients, studies, their revisions and how they arrived."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from apps.accounts.models import Site, User
from apps.core.models import BaseModel
from apps.core.permissions import Permission
from apps.studies.types import PackState, QuarantineKind, QuarantineState


class Patient(BaseModel):
    """A patient as one site knows them.

    Two sites may use the same Patient ID for different people, so a patient
    belongs to a site. `identity_key` is the Patient ID, or, when a study carries
    none, a key of that study alone: two unidentified studies are never joined.
    """

    site = models.ForeignKey(Site, on_delete=models.PROTECT)
    identity_key = models.CharField(max_length=160)
    issuer = models.CharField(max_length=64, blank=True, default="")
    patient_id = models.CharField(max_length=64, blank=True, default="")
    name = models.CharField(max_length=320, blank=True, default="")
    birth_date = models.DateField(null=True)
    sex = models.CharField(max_length=16, blank=True, default="")

    class Meta:
        """One row per site, issuer and identity."""

        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["site", "issuer", "identity_key"], name="patient_identity"
            )
        ]


class Study(BaseModel):
    """A DICOM study that belongs to one site.

    A study with `deleted_at` is a tombstone: the archive has it no longer, and what
    people and models said of it stays. `generation` counts how often a person let
    other content take the place of what was there under the same UIDs.
    """

    allowed_object_permissions = frozenset(
        {Permission.STUDY_READ, Permission.STUDY_PIXELS_READ}
    )

    site = models.ForeignKey(Site, on_delete=models.PROTECT)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT)
    study_uid = models.CharField(max_length=64, unique=True)
    archive_id = models.CharField(max_length=64)
    accession_number = models.CharField(max_length=64, blank=True, default="")
    accession_issuer = models.CharField(max_length=64, blank=True, default="")
    referring_physician = models.CharField(max_length=320, blank=True, default="")
    description = models.CharField(max_length=200, blank=True, default="")
    study_date = models.DateField(null=True)
    study_time = models.TimeField(null=True)
    modalities = ArrayField(models.CharField(max_length=16), default=list)
    body_part = models.CharField(max_length=64, blank=True, default="")
    station = models.CharField(max_length=64, blank=True, default="")
    patient_age_text = models.CharField(max_length=16, blank=True, default="")
    patient_age_years = models.FloatField(null=True)
    archive_updated = models.CharField(max_length=32, blank=True, default="")
    called_aet = models.CharField(max_length=64, blank=True, default="")
    calling_aet = models.CharField(max_length=64, blank=True, default="")
    arrived_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True)
    generation = models.PositiveIntegerField(default=0)

    class Meta:
        """Indexes for the site filter."""

        indexes: ClassVar = [models.Index(fields=["site", "-arrived_at"])]


class StudyRevision(BaseModel):
    """A study plus the hash of its image instances' UIDs.

    `series` is the header of each image series in display order:
    uid, number, modality, description, body_part, laterality, view_positions,
    station, manufacturer, n_instances, is_synthetic, views (of projections: sop_uid,
    view, laterality), plane, is_localizer, frame_of_reference_uid, n_frames, making
    (`SeriesMaking`, None where it is not known); revisions of older installations lack
    the last six. `n_images` counts instances.
    `withheld` names the series that may be an AI's pictures in a study that is read
    unaided: no pack, no worker and no pane ever gets them.
    `pack_renewals` counts how often the pack's request had waited until the token
    ended, and was sent again.
    """

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="revisions")
    number = models.PositiveIntegerField()
    image_hash = models.CharField(max_length=64)
    n_images = models.PositiveIntegerField()
    series = models.JSONField(default=list)
    withheld = models.JSONField(default=list)
    arrived_at = models.DateTimeField()
    pack_state = models.CharField(
        max_length=16,
        choices=[(s.value, s.value) for s in PackState],
        default=PackState.ABSENT,
    )
    pack_reason = models.CharField(max_length=400, blank=True, default="")
    pack_requested_at = models.DateTimeField(null=True)
    pack_attempts = models.PositiveSmallIntegerField(default=0)
    pack_renewals = models.PositiveSmallIntegerField(default=0, db_default=0)

    class Meta:
        """A revision is its image hash; numbers count up from 1."""

        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["study", "image_hash"], name="revision_hash"
            ),
            models.UniqueConstraint(fields=["study", "number"], name="revision_number"),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["pack_requested_at"],
                name="revision_pack_open",
                condition=models.Q(pack_state__in=["absent", "building"]),
            )
        ]


class RevisionInstance(models.Model):
    """One image instance of a revision: what binds a frame to a study.

    `kept_sha256` names the file under the folder of held files when the archive has
    other content under the same UIDs by now: a revision never changes.
    """

    revision = models.ForeignKey(
        StudyRevision, on_delete=models.CASCADE, related_name="instances"
    )
    sop_uid = models.CharField(max_length=64)
    series_uid = models.CharField(max_length=64)
    sop_class_uid = models.CharField(max_length=64, blank=True, default="")
    archive_id = models.CharField(max_length=64)
    size = models.BigIntegerField(default=0)
    kept_sha256 = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        """One row per instance and revision."""

        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["revision", "sop_uid"], name="revision_instance"
            )
        ]

    def __str__(self) -> str:
        """Return the UID."""
        return self.sop_uid


class Attachment(BaseModel):
    """A series that is no image (SR, SEG, PR, KOS, RT, PDF), listed with its study."""

    study = models.ForeignKey(
        Study, on_delete=models.PROTECT, related_name="attachments"
    )
    series_uid = models.CharField(max_length=64)
    # Of the first object; '' when the archive does not say it, or did not when it came.
    sop_class_uid = models.CharField(max_length=64, blank=True, default="")
    modality = models.CharField(max_length=16, blank=True, default="")
    description = models.CharField(max_length=200, blank=True, default="")
    n_instances = models.PositiveIntegerField(default=0)
    n_bytes = models.BigIntegerField(default=0)
    creator = models.CharField(max_length=64, blank=True, default="")
    by_overread = models.BooleanField(default=False)

    class Meta:
        """One row per series."""

        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["study", "series_uid"], name="attachment_series"
            )
        ]


class AETitle(BaseModel):
    """Which site a DICOM association belongs to. An empty calling title is any."""

    called_aet = models.CharField(max_length=16)
    calling_aet = models.CharField(max_length=16, blank=True, default="")
    site = models.ForeignKey(Site, on_delete=models.CASCADE)

    class Meta:
        """One site per pair of titles."""

        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["called_aet", "calling_aet"], name="ae_title_pair"
            )
        ]


class ImportClaim(BaseModel):
    """The site that a person named for a study before importing its files."""

    study_uid = models.CharField(max_length=64, unique=True)
    site = models.ForeignKey(Site, on_delete=models.CASCADE)


class QuarantinedStudy(BaseModel):
    """Something that arrived and that nobody reads until a person decided.

    Of kind `unknown_site` and `other_patient`: a study in the archive, `archive_id`.
    Of kind `conflict`: files of a study that the archive has, with other content
    under the same UIDs; they are `files`. `study` is what is there already, `site`
    is where the arrival belongs, both as far as known. `archive_updated` is the
    archive's stamp when it was looked at last.
    """

    kind = models.CharField(
        max_length=16,
        choices=[(k.value, k.value) for k in QuarantineKind],
        default=QuarantineKind.UNKNOWN_SITE,
    )
    archive_id = models.CharField(max_length=64, blank=True, default="")
    archive_updated = models.CharField(max_length=32, blank=True, default="")
    study_uid = models.CharField(max_length=64)
    study = models.ForeignKey(
        Study, null=True, on_delete=models.PROTECT, related_name="quarantined"
    )
    site = models.ForeignKey(
        Site, null=True, on_delete=models.PROTECT, related_name="quarantined"
    )
    called_aet = models.CharField(max_length=64, blank=True, default="")
    calling_aet = models.CharField(max_length=64, blank=True, default="")
    modalities = ArrayField(models.CharField(max_length=16), default=list)
    n_images = models.PositiveIntegerField(default=0)
    reason = models.CharField(max_length=400)
    state = models.CharField(
        max_length=16,
        choices=[(s.value, s.value) for s in QuarantineState],
        default=QuarantineState.HELD,
    )
    arrived_at = models.DateTimeField()
    released_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT)
    released_to = models.ForeignKey(
        Site, null=True, on_delete=models.PROTECT, related_name="+"
    )
    resolved_at = models.DateTimeField(null=True)

    class Meta:
        """One row per study of the archive; one open conflict per study."""

        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["archive_id"],
                name="quarantine_archive_once",
                condition=~models.Q(kind=QuarantineKind.CONFLICT),
            ),
            models.UniqueConstraint(
                fields=["study_uid"],
                name="quarantine_open_conflict_once",
                condition=models.Q(
                    kind=QuarantineKind.CONFLICT, state=QuarantineState.HELD
                ),
            ),
        ]


class HeldFile(BaseModel):
    """One file kept outside the archive, because its UIDs are taken there."""

    quarantined = models.ForeignKey(
        QuarantinedStudy, on_delete=models.CASCADE, related_name="files"
    )
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField()
    series_uid = models.CharField(max_length=64)
    sop_uid = models.CharField(max_length=64)
    via = models.CharField(max_length=16)
    arrived_at = models.DateTimeField()

    class Meta:
        """The same file is held once."""

        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["quarantined", "sha256"], name="held_file_once"
            )
        ]


class ArrivalCursor(models.Model):
    """The one row that remembers how far the archive's change list was taken."""

    name = models.CharField(max_length=16, primary_key=True, default="changes")
    seq = models.BigIntegerField(default=0)
    looked_at = models.DateTimeField(null=True)
    reconciled_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        """Return where it stands."""
        return f"{self.name} {self.seq}"


class ArrivalFailure(BaseModel):
    """A study that could not be registered; tried again by every reconcile."""

    archive_id = models.CharField(max_length=64, unique=True)
    attempts = models.PositiveIntegerField(default=0)
    reason = models.CharField(max_length=400)
    retry_at = models.DateTimeField()


class StudyOpen(models.Model):
    """A person opened a study in a session: without it no frame is served."""

    session_hash = models.CharField(max_length=64)
    user = models.ForeignKey(User, on_delete=models.CASCADE)
    revision = models.ForeignKey(StudyRevision, on_delete=models.CASCADE)
    opened_at = models.DateTimeField()

    class Meta:
        """One row per session and revision."""

        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["session_hash", "revision"], name="study_open_once"
            )
        ]

    def __str__(self) -> str:
        """Return which revision was opened."""
        return str(self.revision_id)

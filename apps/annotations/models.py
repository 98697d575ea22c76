"""Tables of protocols, readings, verdicts and annotations."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from apps.accounts.models import Site, User
from apps.annotations.types import (
    DisplayMode,
    JobState,
    ReadingState,
    VerdictKind,
    VerificationState,
)
from apps.core.models import BaseModel
from apps.inference.models import Finding
from apps.studies.models import Study, StudyRevision


class ReadingProtocol(BaseModel):
    """What a reading must contain and when its reader sees the AI.

    Of the clinical protocols of a site, the one for a study's modality goes before
    the one for any (''). A retired one takes no new studies.
    """

    site = models.ForeignKey(Site, null=True, on_delete=models.PROTECT)
    code = models.CharField(max_length=40)
    name = models.CharField(max_length=120)
    modality = models.CharField(max_length=16, blank=True, default="")
    retired_at = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=1)
    display_mode = models.CharField(
        max_length=16,
        choices=[(m.value, m.value) for m in DisplayMode],
        default=DisplayMode.CONCURRENT,
    )
    n_readers = models.PositiveSmallIntegerField(default=1)
    labels = models.JSONField(default=list)

    class Meta:
        """A protocol changes by a new version."""

        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["site", "code", "version"],
                name="protocol_version",
                nulls_distinct=False,
            )
        ]


class Reading(BaseModel):
    """One person's act on one work item. Signed, it never changes again.

    `version` counts the saves; it is the ETag. `content` is the shape of
    `apps.annotations.content`. An amendment is a reading of its own: `amends` is the
    signed one before it, `edition` counts from 1 along that chain, and `amend_code`
    and `amend_text` say why. A signed amendment supersedes what it amends.
    """

    revision = models.ForeignKey(
        StudyRevision, on_delete=models.PROTECT, related_name="readings"
    )
    protocol = models.ForeignKey(ReadingProtocol, on_delete=models.PROTECT)
    reader = models.ForeignKey(User, on_delete=models.PROTECT)
    state = models.CharField(
        max_length=16,
        choices=[(s.value, s.value) for s in ReadingState],
        default=ReadingState.DRAFT,
    )
    version = models.PositiveIntegerField(default=0)
    content = models.JSONField(default=dict)
    saved_at = models.DateTimeField()
    signed_at = models.DateTimeField(null=True)
    signed_name = models.CharField(max_length=160, blank=True, default="")
    amends = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="amended_by"
    )
    edition = models.PositiveSmallIntegerField(default=1)
    amend_code = models.CharField(max_length=32, blank=True, default="")
    amend_text = models.CharField(max_length=400, blank=True, default="")

    class Meta:
        """A signed reading is superseded once; signed ones are listed newest first."""

        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["amends"],
                name="superseded_once",
                condition=models.Q(signed_at__isnull=False),
            ),
            models.CheckConstraint(
                condition=models.Q(amends__isnull=True, edition=1, amend_code="")
                | models.Q(amends__isnull=False, edition__gt=1, amend_code__gt=""),
                name="amendment_says_why",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["-signed_at", "-id"],
                name="reading_signed",
                condition=models.Q(signed_at__isnull=False),
            ),
        ]


class Verification(BaseModel):
    """That a signed reading is preliminary, and what became of it.

    Whoever signs without being allowed to verify has their reading verified by
    somebody who is. `waiting` is preliminary; `sent_back` is too, with its reader to
    amend it; `verified` is final as it was signed; `replaced` was superseded by an
    amendment, which is final, or has a verification of its own.
    """

    reading = models.OneToOneField(
        Reading, on_delete=models.PROTECT, related_name="verification"
    )
    state = models.CharField(
        max_length=16,
        choices=[(s.value, s.value) for s in VerificationState],
        default=VerificationState.WAITING,
    )
    asked_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(
        User, null=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_name = models.CharField(max_length=160, blank=True, default="")
    reason = models.CharField(max_length=400, blank=True, default="")

    class Meta:
        """What waits has not been decided; what does not was, by somebody."""

        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(state="waiting", decided_at__isnull=True)
                | ~models.Q(state="waiting")
                & models.Q(decided_at__isnull=False, decided_by__isnull=False),
                name="verification_decided_by",
            )
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["asked_at"],
                name="verification_open",
                condition=models.Q(state__in=["waiting", "sent_back"]),
            )
        ]


class ReadingStage(BaseModel):
    """A state that a reading entered: when, and with what content. Written once.

    `detail` of a revealed one says what there was to see: `ai_state`, and the ids of
    the `findings` shown.
    """

    reading = models.ForeignKey(
        Reading, on_delete=models.PROTECT, related_name="stages"
    )
    state = models.CharField(
        max_length=16, choices=[(s.value, s.value) for s in ReadingState]
    )
    at = models.DateTimeField()
    content = models.JSONField()
    detail = models.JSONField(default=dict)

    class Meta:
        """A reading enters a state once."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["reading", "state"], name="stage_once")
        ]


class Verdict(BaseModel):
    """The signed answer to one finding. An override goes against the model."""

    reading = models.ForeignKey(
        Reading, on_delete=models.PROTECT, related_name="verdicts"
    )
    finding = models.ForeignKey(
        Finding, on_delete=models.PROTECT, related_name="verdicts"
    )
    verdict = models.CharField(
        max_length=8, choices=[(v.value, v.value) for v in VerdictKind]
    )
    reason_code = models.CharField(max_length=32, blank=True, default="")
    reason_text = models.CharField(max_length=2000, blank=True, default="")
    label = models.JSONField(null=True)
    geometry = models.JSONField(null=True)
    override = models.BooleanField(default=False)

    class Meta:
        """One answer per finding and reading."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["reading", "finding"], name="verdict_once")
        ]


class Annotation(BaseModel):
    """A signed mark of a reader; `measured` as in `apps.annotations.measured`."""

    reading = models.ForeignKey(
        Reading, on_delete=models.PROTECT, related_name="annotations"
    )
    mark_id = models.CharField(max_length=64)
    tracking_uid = models.CharField(max_length=64)
    label_scheme = models.CharField(max_length=16)
    label_code = models.CharField(max_length=32)
    label_display = models.CharField(max_length=120)
    geometry = models.JSONField()
    text = models.CharField(max_length=2000, blank=True, default="")
    missed_by_ai = models.BooleanField(default=False)
    measured = models.JSONField(null=True)

    class Meta:
        """One row per mark and reading."""

        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["reading", "mark_id"], name="annotation_once"
            )
        ]


class SegmentSlice(BaseModel):
    """A label map of one image that a reader of a study has put here.

    The bytes are on disk (`apps.annotations.segment_files`), once for all who put
    the same. `counts` says how many voxels each segment number has. One that no saved
    draft has ever named (`named_at`) is removed after a day.
    """

    study = models.ForeignKey(Study, on_delete=models.PROTECT)
    reader = models.ForeignKey(User, on_delete=models.PROTECT)
    sha256 = models.CharField(max_length=64)
    rows = models.PositiveIntegerField()
    columns = models.PositiveIntegerField()
    counts = models.JSONField(default=dict)
    named_at = models.DateTimeField(null=True)

    class Meta:
        """One row for who put it where; the unnamed are found by their age."""

        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["study", "reader", "sha256", "rows", "columns"],
                name="segment_slice_once",
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["sha256"], name="segment_slice_hash"),
            models.Index(
                fields=["created_at"],
                name="segment_slice_unnamed",
                condition=models.Q(named_at__isnull=True),
            ),
        ]


class Segmentation(BaseModel):
    """What a signed reading drew on one series, voxel by voxel.

    `body` is one of the content's `segmentations`; `hashes` are the label maps that
    it names.
    """

    reading = models.ForeignKey(
        Reading, on_delete=models.PROTECT, related_name="segmentations"
    )
    series_uid = models.CharField(max_length=64)
    body = models.JSONField()
    hashes = ArrayField(models.CharField(max_length=64))

    class Meta:
        """One row per series and reading."""

        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["reading", "series_uid"], name="segmentation_once"
            )
        ]
        indexes: ClassVar = [GinIndex(fields=["hashes"], name="segmentation_hashes")]


class SegmentInterpolation(BaseModel):
    """A request to fill the images between those that one segment was drawn on.

    `slices` is the series' label maps as they were, by image; `filled` are those that
    the worker made. The row's state is the truth, the queue a hint. `renewals` counts
    how often a request had waited until its token ended, and was sent again.
    """

    reading = models.ForeignKey(
        Reading, on_delete=models.PROTECT, related_name="interpolations"
    )
    series_uid = models.CharField(max_length=64)
    rows = models.PositiveIntegerField()
    columns = models.PositiveIntegerField()
    number = models.PositiveSmallIntegerField()
    slices = models.JSONField()
    state = models.CharField(
        max_length=8,
        choices=[(s.value, s.value) for s in JobState],
        default=JobState.QUEUED,
    )
    reason = models.CharField(max_length=400, blank=True, default="")
    filled = models.JSONField(default=dict)
    asked_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    renewals = models.PositiveSmallIntegerField(default=0, db_default=0)

    class Meta:
        """What waits is found by when it was asked for."""

        indexes: ClassVar = [
            models.Index(
                fields=["asked_at"],
                name="interpolation_waiting",
                condition=models.Q(state__in=["queued", "running"]),
            )
        ]

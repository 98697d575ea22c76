"""The record of every object that left for the archive, or failed to."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from apps.accounts.models import Site, User
from apps.annotations.models import Reading, Segmentation, Verification
from apps.core.models import BaseModel
from apps.inference.models import Comparison, Finding, InferenceRun
from apps.studies.models import Study


class ExportState(models.TextChoices):
    """How far an export is."""

    PENDING = "pending"
    STORED = "stored"
    FAILED = "failed"


class ExportKind(models.TextChoices):
    """What an exported object says."""

    AI_RESULT = "ai_result"
    READING = "reading"
    SEGMENTATION = "segmentation"
    SALIENCY = "saliency"
    DRAWN = "drawn"
    CHANGE = "change"


def _only(source: str) -> models.Q:
    """Return that one source of an object is there and no other."""
    sources = (
        *("run", "reading", "finding", "segmentation", "verification", "comparison"),
    )
    return models.Q(**{f"{name}__isnull": name != source for name in sources})


class ExportedObject(BaseModel):
    """One DICOM object of ours. Its SOP Instance UID follows from its source.

    What a reader drew on a series leaves as one object, or, where images have frames,
    as one for each `part` (`apps.reports.drawn`). A verified reading leaves a second
    time, with the `verification` as its source. What became of a result since an
    earlier study leaves with the `comparison` as its source.
    `problems` holds the validator's own words; nothing with an error leaves.
    """

    study = models.ForeignKey(Study, on_delete=models.PROTECT)
    kind = models.CharField(max_length=16, choices=ExportKind.choices)
    run = models.OneToOneField(InferenceRun, null=True, on_delete=models.PROTECT)
    reading = models.OneToOneField(Reading, null=True, on_delete=models.PROTECT)
    finding = models.ForeignKey(Finding, null=True, on_delete=models.PROTECT)
    segmentation = models.ForeignKey(Segmentation, null=True, on_delete=models.PROTECT)
    verification = models.OneToOneField(
        Verification, null=True, on_delete=models.PROTECT
    )
    comparison = models.OneToOneField(Comparison, null=True, on_delete=models.PROTECT)
    part = models.CharField(max_length=80, blank=True, default="")
    sop_uid = models.CharField(max_length=64, unique=True)
    series_uid = models.CharField(max_length=64)
    sop_class_uid = models.CharField(max_length=64, blank=True, default="")
    state = models.CharField(
        max_length=16, choices=ExportState.choices, default=ExportState.PENDING
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    problems = models.TextField(blank=True, default="")
    archive_id = models.CharField(max_length=64, blank=True, default="")
    stored_at = models.DateTimeField(null=True)
    retry_at = models.DateTimeField(null=True)

    class Meta:
        """A run, a reading, a finding … is the source, each once."""

        constraints: ClassVar = [
            models.CheckConstraint(
                condition=_only("run")
                | _only("reading")
                | _only("finding")
                | _only("segmentation")
                | _only("verification")
                | _only("comparison"),
                name="export_one_source",
            ),
            models.UniqueConstraint(
                fields=["segmentation", "part"], name="export_part_once"
            ),
            models.UniqueConstraint(
                fields=["finding", "kind"], name="export_finding_once"
            ),
        ]


class CriticalState(models.TextChoices):
    """Whether somebody still has to be told."""

    OPEN = "open"
    CLOSED = "closed"


class CriticalResult(BaseModel):
    """A signed critical finding, and who was told of it.

    One of a label and a reading, however many places the label is marked at
    (`n_places`): who is told is told of all. `source` and `source_id` name the first
    of what in the reading says it: `finding` and the finding's id, or `annotation`
    and the mark's. Closed it never changes: either
    somebody was told (`told_to`, `how`, `told_at`, `read_back`) or `reason_code`
    says why nobody was. While it is open, `remind_at` is when to remind next.
    """

    site = models.ForeignKey(Site, on_delete=models.PROTECT)
    study = models.ForeignKey(Study, on_delete=models.PROTECT)
    reading = models.ForeignKey(
        Reading, on_delete=models.PROTECT, related_name="critical_results"
    )
    item_id = models.UUIDField()
    source = models.CharField(max_length=16)
    source_id = models.CharField(max_length=64)
    label_scheme = models.CharField(max_length=16)
    label_code = models.CharField(max_length=32)
    label_display = models.CharField(max_length=120)
    n_places = models.PositiveSmallIntegerField(default=1)
    state = models.CharField(
        max_length=8, choices=CriticalState.choices, default=CriticalState.OPEN
    )
    raised_at = models.DateTimeField()
    remind_at = models.DateTimeField()
    reminders = models.PositiveIntegerField(default=0)
    told_to = models.CharField(max_length=160, blank=True, default="")
    told_role = models.CharField(max_length=80, blank=True, default="")
    how = models.CharField(max_length=16, blank=True, default="")
    told_at = models.DateTimeField(null=True)
    read_back = models.BooleanField(null=True)
    reason_code = models.CharField(max_length=32, blank=True, default="")
    reason_text = models.CharField(max_length=400, blank=True, default="")
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(
        User, null=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        """What a reading says is raised once; closed means told, or why not."""

        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["reading", "source", "source_id"], name="critical_once"
            ),
            models.CheckConstraint(
                condition=models.Q(state="open", closed_at__isnull=True)
                | models.Q(
                    state="closed", closed_at__isnull=False, reason_code="", how__gt=""
                )
                | models.Q(
                    state="closed", closed_at__isnull=False, reason_code__gt="", how=""
                ),
                name="critical_told_or_why",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["site", "remind_at"],
                name="critical_open",
                condition=models.Q(state="open"),
            ),
            models.Index(fields=["study"], name="critical_study"),
        ]


class ReportTemplate(BaseModel):
    """A site's own report template; `body` is as `drafting.parse_template` reads it.

    A change is a new version: signed reports name theirs. Of one code the newest
    that is `active` holds, in the place of a shipped one of the same code.
    """

    site = models.ForeignKey(Site, on_delete=models.PROTECT)
    code = models.SlugField(max_length=40)
    version = models.PositiveIntegerField()
    active = models.BooleanField(default=True)
    body = models.JSONField()
    made_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT)

    class Meta:
        """A version is written once."""

        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["site", "code", "version"], name="report_template_version"
            )
        ]

"""The record of every object that left for the archive, or failed to."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from apps.annotations.models import Reading
from apps.core.models import BaseModel
from apps.inference.models import Finding, InferenceRun
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


class ExportedObject(BaseModel):
    """One DICOM object of ours. Its SOP Instance UID follows from its source.

    `problems` holds the validator's own words; nothing with an error leaves.
    """

    study = models.ForeignKey(Study, on_delete=models.PROTECT)
    kind = models.CharField(max_length=16, choices=ExportKind.choices)
    run = models.OneToOneField(InferenceRun, null=True, on_delete=models.PROTECT)
    reading = models.OneToOneField(Reading, null=True, on_delete=models.PROTECT)
    finding = models.ForeignKey(Finding, null=True, on_delete=models.PROTECT)
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
        """A run, a reading or a finding is the source; a finding is drawn once."""

        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(
                    run__isnull=False, reading__isnull=True, finding__isnull=True
                )
                | models.Q(
                    run__isnull=True, reading__isnull=False, finding__isnull=True
                )
                | models.Q(
                    run__isnull=True, reading__isnull=True, finding__isnull=False
                ),
                name="export_one_source",
            ),
            models.UniqueConstraint(
                fields=["finding", "kind"], name="export_finding_once"
            ),
        ]

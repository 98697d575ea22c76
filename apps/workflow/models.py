"""Tables of what came in, of saved layouts, and of what people write of a study."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from apps.accounts.models import Site, User
from apps.core.models import BaseModel
from apps.studies.models import Study
from apps.workflow.types import FileState, IntakeState, RowStatus, Status, Via
from apps.worklist.models import WorkItem


class Intake(BaseModel):
    """One batch of files, brought to one site in one way.

    `counts` is filled when it ends; until then it is counted from the files.
    """

    site = models.ForeignKey(Site, on_delete=models.PROTECT)
    by = models.ForeignKey(User, null=True, on_delete=models.PROTECT)
    via = models.CharField(max_length=16, choices=[(v.value, v.value) for v in Via])
    state = models.CharField(
        max_length=16,
        choices=[(s.value, s.value) for s in IntakeState],
        default=IntakeState.OPEN,
    )
    counts = models.JSONField(default=dict)
    started_at = models.DateTimeField()
    touched_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        """Indexes for the list of a site and for the sweep."""

        indexes: ClassVar = [
            models.Index(fields=["site", "-started_at"]),
            models.Index(
                fields=["touched_at"],
                name="intake_open",
                condition=models.Q(state="open"),
            ),
        ]


class IntakeFile(BaseModel):
    """One line of a batch's report.

    A zip that was opened is a line of status `opened`; its members, lines with
    `in_zip`, are counted in its place. A line of status `missing` is a file that a
    media directory lists and that is not there; it is not counted either.
    `name` may name a patient: it is shown to who may see the batch, and never logged.
    """

    intake = models.ForeignKey(Intake, on_delete=models.CASCADE, related_name="files")
    in_zip = models.ForeignKey(
        "self", null=True, on_delete=models.CASCADE, related_name="members"
    )
    key = models.CharField(max_length=128)
    name = models.TextField()
    size = models.BigIntegerField()
    received = models.BigIntegerField(default=0)
    state = models.CharField(
        max_length=16,
        choices=[(s.value, s.value) for s in FileState],
        default=FileState.WAITING,
    )
    status = models.CharField(
        max_length=16,
        blank=True,
        default="",
        choices=[(s.value, s.value) for s in (*Status, *RowStatus)],
    )
    reason = models.CharField(max_length=400, blank=True, default="")
    study_uid = models.CharField(max_length=64, blank=True, default="")
    series_uid = models.CharField(max_length=64, blank=True, default="")
    sop_uid = models.CharField(max_length=64, blank=True, default="")
    archive_study_id = models.CharField(max_length=64, blank=True, default="")
    transcoded = models.BooleanField(default=False)
    members_total = models.PositiveIntegerField(null=True)
    references = models.JSONField(default=list)
    taking_since = models.DateTimeField(null=True)

    class Meta:
        """A key is used once in a batch; lines are read in order of coming."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["intake", "key"], name="intake_file_key")
        ]
        indexes: ClassVar = [
            models.Index(fields=["intake", "created_at", "id"]),
            models.Index(fields=["intake", "status"]),
        ]


class WatchedFolder(BaseModel):
    """How the watched folder of one site is doing, for the health page."""

    site = models.OneToOneField(Site, on_delete=models.CASCADE)
    looked_at = models.DateTimeField()
    waiting = models.PositiveIntegerField(default=0)
    trouble = models.CharField(max_length=400, blank=True, default="")


class SavedLayout(BaseModel):
    """A way to hang studies that a person saved, for oneself or for a site.

    `rules` are the viewports' rules as `apps.workflow.hanging.saved` writes them.
    One with `is_default` is chosen by itself for studies of its modalities and region.
    """

    site = models.ForeignKey(Site, null=True, on_delete=models.CASCADE)
    owner = models.ForeignKey(User, null=True, on_delete=models.CASCADE)
    saved_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=60)
    is_default = models.BooleanField(default=False)
    modalities = ArrayField(models.CharField(max_length=16), default=list)
    region = models.CharField(max_length=16, blank=True, default="")
    rows = models.PositiveSmallIntegerField()
    columns = models.PositiveSmallIntegerField()
    rules = models.JSONField()

    class Meta:
        """It is a site's or a person's; a name is used once by each."""

        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(site__isnull=True) ^ models.Q(owner__isnull=True),
                name="layout_of_site_or_person",
            ),
            models.UniqueConstraint(
                fields=["owner", "name"],
                name="layout_name_of_person",
                condition=models.Q(owner__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["site", "name"],
                name="layout_name_of_site",
                condition=models.Q(site__isnull=False),
            ),
        ]


class StudyMessage(BaseModel):
    """What one person wrote about a study to those who may see it; it never changes.

    `item` is the work item from which it was written, `mentioned` are those whom the
    text calls. Who is shown it is asked each time (`apps.workflow.discussion`).
    """

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+")
    item = models.ForeignKey(WorkItem, on_delete=models.PROTECT, related_name="+")
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    text = models.TextField()
    mentioned = ArrayField(models.UUIDField(), default=list)

    class Meta:
        """A study's are read the newest first."""

        indexes: ClassVar = [
            models.Index(fields=["study", "-at", "-id"], name="message_newest")
        ]

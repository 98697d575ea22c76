"""Tables of cases, work items and the queue of a site."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from apps.accounts.models import Site, User
from apps.annotations.models import Reading, ReadingProtocol
from apps.core.models import BaseModel
from apps.studies.models import Study, StudyRevision
from apps.worklist.types import ON_LIST, Band, BandSource, ItemReason, ItemState


def _choices(values: type) -> list[tuple[str, str]]:
    return [(v.value, v.value) for v in values]  # type: ignore[attr-defined]


LISTED = models.Q(state__in=ON_LIST, reason=ItemReason.CLINICAL, withdrawn=False)
"""What is on the clinical worklist."""

DONE = models.Q(state=ItemState.DONE, reason=ItemReason.CLINICAL, withdrawn=False)
"""What was read from it."""


class Case(BaseModel):
    """One study revision under one protocol."""

    revision = models.ForeignKey(
        StudyRevision, on_delete=models.PROTECT, related_name="cases"
    )
    protocol = models.ForeignKey(ReadingProtocol, on_delete=models.PROTECT)

    class Meta:
        """A revision is a case of a protocol once."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["revision", "protocol"], name="case_once")
        ]


class WorkItem(BaseModel):
    """One read to be done, for one reason.

    The sort key is (`rank_class`, `sort_at`, `arrived_at`, `id`), computed by
    `apps.worklist.priority` and stored, so that it is fixed between events. The
    `ai_*` columns are the deciding finding as the list shows it. `version`
    counts the changes that people can see. A `withdrawn` item is of a study that was
    deleted from the archive: no list shows it. A done one that has a lease is being
    amended: `reading` is the draft then, and its `amends` what is signed.

    The `list_*` columns are the list's own copy of what it is sorted, filtered and
    searched by (`apps.worklist.listed`), so that a page reads one table however many
    studies there are. `shows_ai` says that its protocol hides nothing of the AI.
    `assignee` is for whom a lead meant it; reading it takes a lease all the same.
    `tier` is who the models' sureness means it for (`apps.inference.tiers`); under a
    protocol that hides the AI it is empty.
    """

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="items")
    site = models.ForeignKey(Site, on_delete=models.PROTECT)
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="items")
    shows_ai = models.BooleanField(default=False)
    list_patient = models.CharField(max_length=400, default="", db_collation="C")
    list_study = models.CharField(max_length=250, default="", db_collation="C")
    list_modality = models.CharField(max_length=200, default="", db_collation="C")
    list_modalities = ArrayField(models.CharField(max_length=16), default=list)
    list_body_part = models.CharField(max_length=64, default="", db_collation="C")
    list_words = models.TextField(default="", db_collation="C")
    slot = models.PositiveSmallIntegerField(default=1)
    reason = models.CharField(max_length=16, choices=_choices(ItemReason))
    state = models.CharField(
        max_length=16, choices=_choices(ItemState), default=ItemState.OPEN
    )
    version = models.PositiveIntegerField(default=1)
    arrived_at = models.DateTimeField()

    band = models.CharField(max_length=8, choices=_choices(Band), default=Band.ROUTINE)
    band_source = models.CharField(
        max_length=16, choices=_choices(BandSource), default=BandSource.SITE_RULE
    )
    clinician_band = models.CharField(max_length=8, blank=True, default="")
    band_reason_code = models.CharField(max_length=32, blank=True, default="")
    band_reason_text = models.CharField(max_length=400, blank=True, default="")
    band_by = models.ForeignKey(
        User, null=True, on_delete=models.PROTECT, related_name="+"
    )

    rank_class = models.SmallIntegerField(default=2)
    sort_at = models.DateTimeField()
    due_at = models.DateTimeField()
    deadline_at = models.DateTimeField()
    allowance_s = models.FloatField()

    ai_state = models.CharField(max_length=16, default="pending")
    ai_reason = models.CharField(max_length=400, blank=True, default="")
    ai_label = models.CharField(max_length=120, blank=True, default="")
    ai_probability = models.FloatField(null=True)
    ai_threshold = models.FloatField(null=True)
    ai_acuity = models.CharField(max_length=16, blank=True, default="")
    ai_positive = models.BooleanField(default=False)
    ai_n_more = models.PositiveSmallIntegerField(default=0)
    ai_model_name = models.CharField(max_length=80, blank=True, default="")
    ai_model_version = models.CharField(max_length=40, blank=True, default="")
    tier = models.CharField(max_length=16, blank=True, default="")

    assignee = models.ForeignKey(
        User, null=True, on_delete=models.PROTECT, related_name="assigned_items"
    )
    assigned_by = models.ForeignKey(
        User, null=True, on_delete=models.PROTECT, related_name="+"
    )
    assigned_at = models.DateTimeField(null=True)

    lease_holder = models.ForeignKey(
        User, null=True, on_delete=models.PROTECT, related_name="leased_items"
    )
    lease_since = models.DateTimeField(null=True)
    lease_expires_at = models.DateTimeField(null=True)
    # Counts how often it was taken: each window releases only its own taking.
    lease_number = models.PositiveIntegerField(default=0)
    reading = models.ForeignKey(
        Reading, null=True, on_delete=models.PROTECT, related_name="items"
    )
    done_at = models.DateTimeField(null=True)
    cancelled_reason = models.CharField(max_length=200, blank=True, default="")
    withdrawn = models.BooleanField(default=False)

    class Meta:
        """The open list is one index scan in rank order.

        `item_list` has all that the list is narrowed, counted and sorted by, so that
        this reads the index alone; `apps.worklist.listed` keeps its texts short enough
        for an entry of an index.
        """

        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["case", "reason", "slot"], name="item_once"
            ),
            models.CheckConstraint(
                condition=~models.Q(state="leased")
                | models.Q(lease_holder__isnull=False, lease_expires_at__isnull=False),
                name="leased_has_holder",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["site", "rank_class", "sort_at", "arrived_at", "id"],
                name="item_open_order",
                condition=models.Q(state__in=ON_LIST),
            ),
            models.Index(
                fields=["rank_class", "sort_at", "arrived_at", "id"],
                name="item_list",
                include=[
                    *("site", "state", "band", "deadline_at", "study", "shows_ai"),
                    *("list_modalities", "list_body_part", "list_words"),
                    *("list_patient", "list_study", "list_modality"),
                    *("ai_state", "ai_label", "ai_probability"),
                    *("assignee", "lease_holder"),
                ],
                condition=LISTED,
            ),
            models.Index(
                fields=["rank_class", "sort_at", "arrived_at", "id"],
                name="item_done",
                include=["site"],
                condition=DONE,
            ),
            models.Index(
                fields=["assignee"],
                name="item_assigned",
                condition=LISTED & models.Q(assignee__isnull=False),
            ),
            models.Index(
                fields=["study"],
                name="item_blind",
                condition=LISTED & models.Q(shows_ai=False),
            ),
            models.Index(fields=["site", "arrived_at"], name="item_arrivals"),
            models.Index(
                fields=["lease_expires_at"],
                name="item_leases_held",
                condition=models.Q(lease_expires_at__isnull=False),
            ),
        ]

    @property
    def in_hand(self) -> bool:
        """Somebody reads it, or amends what was signed: only then has it a lease."""
        held = (ItemState.LEASED.value, ItemState.DONE.value)
        return self.lease_holder_id is not None and self.state in held


class QueueState(models.Model):
    """How many STAT items in a row `take next` has handed out at a site."""

    site = models.OneToOneField(Site, primary_key=True, on_delete=models.CASCADE)
    stat_streak = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        """Return the streak."""
        return f"{self.stat_streak} STAT in a row"


class AssignmentBatch(BaseModel):
    """What one person assigned in one action, so that it can be undone once.

    `entries` are {"item", "before"}: ids of the items that changed, and of whom each
    was assigned to before (null for nobody).
    """

    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    to = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    entries = models.JSONField()
    undone_at = models.DateTimeField(null=True)


class SavedView(BaseModel):
    """Filters, order and columns of the list under a name.

    It is one person's, or a site's: then everybody who reads there has it. What is
    stored is checked by `apps.worklist.saved_views`. Of several defaults of a person
    or a site the one saved last holds.
    """

    site = models.ForeignKey(Site, null=True, on_delete=models.CASCADE)
    owner = models.ForeignKey(User, null=True, on_delete=models.CASCADE)
    saved_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=40)
    is_default = models.BooleanField(default=False)
    filters = models.JSONField()
    sort = models.JSONField(null=True)
    columns = models.JSONField()

    class Meta:
        """It is a site's or a person's; a name is used once by each."""

        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(site__isnull=True) ^ models.Q(owner__isnull=True),
                name="view_of_site_or_person",
            ),
            models.UniqueConstraint(
                fields=["owner", "name"],
                name="view_name_of_person",
                condition=models.Q(owner__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["site", "name"],
                name="view_name_of_site",
                condition=models.Q(site__isnull=False),
            ),
        ]


class ListSettings(BaseModel):
    """How one person likes the list: columns in their order, and tight rows."""

    user = models.OneToOneField(User, on_delete=models.CASCADE)
    columns = models.JSONField()
    compact = models.BooleanField(default=False)

"""Tables of models, slots, runs and what the models said."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from apps.accounts.models import Site, User
from apps.core.models import BaseModel
from apps.inference.types import (
    ComparisonState,
    ExplanationState,
    ImportState,
    IntendedUse,
    RunState,
    SlotKind,
)
from apps.studies.models import StudyRevision


class ModelVersion(BaseModel):
    """An immutable, content-addressed model with its card."""

    name = models.CharField(max_length=80)
    version = models.CharField(max_length=40)
    package_hash = models.CharField(max_length=64, unique=True)
    intended_use = models.CharField(
        max_length=16, choices=[(u.value, u.value) for u in IntendedUse]
    )
    card = models.JSONField()
    package_path = models.CharField(max_length=400)
    device_uid = models.CharField(max_length=64)

    class Meta:
        """Newest version first."""

        ordering: ClassVar = ["name", "-created_at"]

    def __str__(self) -> str:
        """Return name and version."""
        return f"{self.name} {self.version}"


class Slot(BaseModel):
    """One version of a site's slot: a model in a kind, and how its scores are read.

    A slot is a site and a task (what it is about); its versions are numbered through
    and at most one of each kind is active. What a version says never changes (a
    trigger of the database refuses it): a change is a new version. Runs keep raw
    scores and name the version that they are read with.

    Attributes:
        task: What the slot is about; the name of its first model.
        thresholds: Label code → displayed probability from which it is positive.
        acuities: Label code → acuity.
        calibrations: Label code → a fitted calibration
            (`workers.measures.recalibration`); without one a label has the
            probability of its package.
        routing: Which studies it is given, beyond what the model's card says
            (`apps.inference.slot_routing`); empty is all of them.
        settled_at: When the open list had been read by it; None while it has not.
    """

    site = models.ForeignKey(Site, on_delete=models.PROTECT)
    model_version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT)
    task = models.CharField(max_length=80, blank=True, default="")
    kind = models.CharField(
        max_length=16, choices=[(k.value, k.value) for k in SlotKind]
    )
    number = models.PositiveIntegerField(default=1)
    active = models.BooleanField(default=True)
    thresholds = models.JSONField(default=dict)
    acuities = models.JSONField(default=dict)
    calibrations = models.JSONField(default=dict)
    routing = models.JSONField(default=dict)
    reason = models.CharField(max_length=400, blank=True, default="")
    made_by = models.ForeignKey(
        User, null=True, on_delete=models.PROTECT, related_name="+"
    )
    ended_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        """A model is in one active place of a site; a slot has one of each kind."""

        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["site", "model_version"],
                condition=models.Q(active=True),
                name="slot_active_once",
            ),
            models.UniqueConstraint(
                fields=["site", "task", "kind"],
                condition=models.Q(active=True),
                name="slot_kind_once",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["site"],
                name="slot_unsettled",
                condition=models.Q(settled_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        """Return task, kind and number."""
        return f"{self.task} {self.kind} {self.number}"


class Artefact(BaseModel):
    """A file a worker made (saliency, embedding), addressed by its SHA-256."""

    sha256 = models.CharField(max_length=64, unique=True)
    media_type = models.CharField(max_length=80)
    size = models.BigIntegerField()


class InferenceRun(BaseModel):
    """One model version on one study revision. Exactly one result can exist.

    Attributes:
        slot: The version of the slot that its scores are read with.
        reread_at: When another version took the place of the first.
        set_aside_at: Since when it counts no longer: the site uses its model no
            more, and nobody had begun to read the study.
        renewals: How often its request had waited until the token ended, and was sent
            again with a fresh one.
    """

    revision = models.ForeignKey(
        StudyRevision, on_delete=models.PROTECT, related_name="runs"
    )
    model_version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT)
    slot = models.ForeignKey(Slot, on_delete=models.PROTECT)
    state = models.CharField(
        max_length=16,
        choices=[(s.value, s.value) for s in RunState],
        default=RunState.QUEUED,
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    renewals = models.PositiveSmallIntegerField(default=0, db_default=0)
    requested_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=400, blank=True, default="")
    quality = models.JSONField(default=dict)
    timings = models.JSONField(default=dict)
    device = models.CharField(max_length=80, blank=True, default="")
    embedding = models.ForeignKey(
        Artefact, null=True, on_delete=models.PROTECT, related_name="+"
    )
    reread_at = models.DateTimeField(null=True)
    set_aside_at = models.DateTimeField(null=True)

    class Meta:
        """One run per revision and model version."""

        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["revision", "model_version"], name="run_once"
            )
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["requested_at"],
                name="run_open",
                condition=models.Q(state__in=["queued", "running"]),
            )
        ]


class Finding(BaseModel):
    """What a model says: label, score, location, explanation.

    `raw_score` (log odds) and `probability` are the package's word and never change;
    what people see is `selectors.probability_of`.
    `location` is a Geometry (docs/architecture.md) or None. `saliency_meta`
    holds `sop_uid`, `frame` and `cut_off` of the saliency artefact; `mask_meta`
    holds `series_uid`, `sop_uids` (frame order), `rows`, `columns` and `volume_ml`
    of the mask.
    """

    run = models.ForeignKey(
        InferenceRun, on_delete=models.PROTECT, related_name="findings"
    )
    label_scheme = models.CharField(max_length=16)
    label_code = models.CharField(max_length=32)
    label_display = models.CharField(max_length=120)
    raw_score = models.FloatField()
    probability = models.FloatField()
    uncertainty = models.FloatField(null=True)
    tracking_uid = models.CharField(max_length=64)
    location = models.JSONField(null=True)
    saliency = models.ForeignKey(
        Artefact, null=True, on_delete=models.PROTECT, related_name="+"
    )
    saliency_meta = models.JSONField(default=dict)
    mask = models.ForeignKey(
        Artefact, null=True, on_delete=models.PROTECT, related_name="+"
    )
    mask_meta = models.JSONField(default=dict)

    class Meta:
        """A run says one thing per label."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["run", "label_code"], name="finding_once")
        ]


class Comparison(BaseModel):
    """What a model marked on a study, beside what it marked on an earlier one.

    Attributes:
        run: Of the study; `prior_run` of the earlier one, by the same model.
        days: Whole days between the two.
        repeatability: `{percent, least_ml, source}` that a change has to exceed.
        registration: How the studies lie over each other; numbers by name.
        lesions: One object a lesion: `{label_code, tracking_uid, now, then, now_at,
            then_at}` and what `workers.measures.change.VolumeChange` says.
        renewals: As of a run.
    """

    run = models.ForeignKey(
        InferenceRun, on_delete=models.PROTECT, related_name="comparisons"
    )
    prior_run = models.ForeignKey(
        InferenceRun, on_delete=models.PROTECT, related_name="+"
    )
    state = models.CharField(
        max_length=16,
        choices=[(s.value, s.value) for s in ComparisonState],
        default=ComparisonState.QUEUED,
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    requested_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=400, blank=True, default="")
    days = models.PositiveIntegerField()
    repeatability = models.JSONField(default=dict)
    registration = models.JSONField(default=dict)
    lesions = models.JSONField(default=list)
    renewals = models.PositiveSmallIntegerField(default=0, db_default=0)

    class Meta:
        """One of each pair of runs."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["run", "prior_run"], name="comparison_once")
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["requested_at"],
                name="comparison_open",
                condition=models.Q(state__in=["queued", "running"]),
            )
        ]


class Explanation(BaseModel):
    """That a worker is asked, after a result, where the findings of a run come from.

    For models whose card asks for occlusion, which takes hundreds of times as long as
    the result itself. What comes of it is the findings' saliency.

    Attributes:
        labels: Codes of the labels that were positive by the slot.
        renewals: As of a run.
    """

    run = models.OneToOneField(
        InferenceRun, on_delete=models.PROTECT, related_name="explanation"
    )
    labels = models.JSONField(default=list)
    state = models.CharField(
        max_length=16,
        choices=[(s.value, s.value) for s in ExplanationState],
        default=ExplanationState.QUEUED,
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    renewals = models.PositiveSmallIntegerField(default=0, db_default=0)
    requested_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=400, blank=True, default="")

    class Meta:
        """Found by what is still to be done."""

        indexes: ClassVar = [
            models.Index(
                fields=["created_at"],
                name="explanation_open",
                condition=models.Q(state__in=["queued", "running"]),
            )
        ]


class ModelImport(BaseModel):
    """The import of one model from a page: its upload, its card, what became of it.

    `steps` is what the importer said in its latest run, `[{seconds, words}]` since it
    began; `tries` are the runs that ended, `[{at, seconds, outcome, reason}]`. `claim`
    names the run that works at it: the word of another one does not count.
    """

    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=16, default="auto")
    card = models.JSONField(default=dict)
    expected_sha256 = models.CharField(max_length=64, blank=True, default="")
    state = models.CharField(
        max_length=16,
        choices=[(s.value, s.value) for s in ImportState],
        default=ImportState.UPLOADING,
    )
    files_kept = models.BooleanField(default=True)
    sha256 = models.CharField(max_length=64, blank=True, default="")
    steps = models.JSONField(default=list)
    tries = models.JSONField(default=list)
    reason = models.TextField(blank=True, default="")
    model = models.ForeignKey(
        ModelVersion, null=True, on_delete=models.PROTECT, related_name="+"
    )
    claim = models.UUIDField(null=True)
    asked_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    beat_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    cancel_asked = models.BooleanField(default=False)

    class Meta:
        """One import at a time."""

        ordering: ClassVar = ["-created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["state"],
                condition=models.Q(state="running"),
                name="model_import_one_at_a_time",
            )
        ]


class ModelImportFile(BaseModel):
    """A file of an import: its path as chosen, and how much of it is here."""

    model_import = models.ForeignKey(
        ModelImport, on_delete=models.CASCADE, related_name="files"
    )
    key = models.CharField(max_length=64)
    name = models.CharField(max_length=400)
    size = models.BigIntegerField()
    received = models.BigIntegerField(default=0)

    class Meta:
        """A key names one file, and so does a path."""

        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["model_import", "key"], name="model_import_file_key"
            ),
            models.UniqueConstraint(
                fields=["model_import", "name"], name="model_import_file_name"
            ),
        ]

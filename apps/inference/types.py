"""Plain values of the inference application."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID


class SlotKind(StrEnum):
    """How a site uses a model version."""

    LIVE = "live"
    SHADOW = "shadow"
    CHALLENGER = "challenger"


class IntendedUse(StrEnum):
    """What a model may do: re-order the list, also show marks, also outline."""

    TRIAGE = "triage"
    DETECTION = "detection"
    SEGMENTATION = "segmentation"


class RunState(StrEnum):
    """Where an inference run is."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    REJECTED = "rejected"


class ComparisonState(StrEnum):
    """Where a comparison with an earlier study is."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    INCOMPARABLE = "incomparable"
    FAILED = "failed"


class ExplanationState(StrEnum):
    """Where it stands with showing what a model without gradients looked at."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class ImportState(StrEnum):
    """Where the import of a model from a page is."""

    UPLOADING = "uploading"
    WAITING = "waiting"
    RUNNING = "running"
    ADDED = "added"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"


STARTABLE = frozenset(
    {ImportState.UPLOADING, ImportState.REFUSED, ImportState.INTERRUPTED}
)
"""From these an import may be started: its upload is here, and nobody works at it."""
UNDER_WAY = frozenset({ImportState.WAITING, ImportState.RUNNING})


class Acuity(StrEnum):
    """How bad a positive would be."""

    CRITICAL = "critical"
    URGENT = "urgent"
    ROUTINE = "routine"


FINAL_STATES = frozenset({RunState.DONE, RunState.FAILED, RunState.REJECTED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """Whether a model's declared input covers a study, and if not, why.

    `near`: it is for such images, and something else is in the way; that is the
    reason that a reader wants to see first. `rejects`: it is for such images of that
    part of the body, and its card rules this study out: a rejected input, as the
    gate's are; the site's own rule never makes one. `check` names what failed.
    """

    fits: bool
    reason: str = ""
    near: bool = True
    rejects: bool = False
    check: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedRuns:
    """What opening the runs of a revision came to.

    Attributes:
        run_ids: Runs that wait for the GPU queue, old and new.
        rejected_ids: Runs that have just ended: the card rules the study out.
        refusals: For each model of the site that does not fit, why not; those of
            models for such images first.
    """

    run_ids: tuple[UUID, ...] = ()
    rejected_ids: tuple[UUID, ...] = ()
    refusals: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class AiSummary:
    """What the live models say of one revision, for the worklist.

    Attributes:
        state: pending, running, done, failed, rejected or none.
        reason: Plain words behind the state.
        label: Display of the finding that decides the rank.
        probability: Its calibrated probability, 0 to 1; None without a result.
        threshold: The site's threshold for it.
        acuity: The site's acuity for it.
        positive: True at or above the threshold.
        n_more: Further positive findings.
        model_name: Model of that finding.
        model_version: Version of that model.
        tier: Who the study is for by how sure the models are (`tiers.Tier`).
    """

    state: str
    reason: str = ""
    label: str = ""
    probability: float | None = None
    threshold: float | None = None
    acuity: str = ""
    positive: bool = False
    n_more: int = 0
    model_name: str = ""
    model_version: str = ""
    tier: str = ""

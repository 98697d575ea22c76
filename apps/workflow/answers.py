"""What the models say of studies, brought onto the items of the list."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from apps.accounts.types import SYSTEM
from apps.inference import selectors as inference
from apps.inference.tiers import tier_of
from apps.workflow.notices.telling import tell_stat
from apps.worklist.selectors import lock_items, policy_of
from apps.worklist.services import apply_ai_each

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from apps.inference.models import InferenceRun
    from apps.inference.types import AiSummary
    from apps.worklist.models import WorkItem


def show_ai(
    *, revision_id: UUID, refusals: tuple[str, ...] = (), cause: str = "ai"
) -> None:
    """Bring what the models say of a revision onto its items, in the transaction."""
    show_ai_of(revision_ids=[revision_id], refusals=refusals, cause=cause)


def show_ai_of(
    *,
    revision_ids: Sequence[UUID],
    refusals: tuple[str, ...] = (),
    cause: str = "ai",
) -> None:
    """Bring what the models say of revisions onto their items, in one go.

    Args:
        revision_ids: Whose runs have changed.
        refusals: Why models do not apply, where none does.
        cause: What made them say so, for the record: `ai` or `slot`.
    """
    items = lock_items(revision_ids=revision_ids)
    runs = inference.scored_runs_of(revision_ids=revision_ids)
    before = {item.id: item.band for item in items}
    shown = [
        (item, _summary(item=item, runs=runs[item.case.revision_id], refusals=refusals))
        for item in items
    ]
    apply_ai_each(actor=SYSTEM, shown=shown, cause=cause)
    for item in items:
        tell_stat(item=item, before=before[item.id])


def _summary(
    *, item: WorkItem, runs: Sequence[InferenceRun], refusals: tuple[str, ...]
) -> AiSummary:
    policy = policy_of(site=item.site)
    summary = inference.summarise(
        runs=runs,
        refusals=refusals,
        weights={
            "critical": policy.critical_weight,
            "urgent": policy.urgent_weight,
            "routine": policy.routine_weight,
        },
    )
    return replace(summary, tier=tier_of(runs=runs))

"""Packs that failed: which, and how one is tried again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.db import transaction

from apps.audit.events import Event
from apps.audit.services import record
from apps.core.permissions import Permission
from apps.core.queue import forget_losses
from apps.studies.given_up import Work, require_failed, work_at
from apps.studies.models import StudyRevision
from apps.studies.selectors import access_revision
from apps.studies.types import PackState

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from apps.accounts.types import Actor

_WORK: Final = Work(name="pixel pack", study="study", state="pack_state")


def packs_at(*, actor: Actor, state: str) -> QuerySet[StudyRevision]:
    """Return revisions of the actor's sites by pack, the last changed first."""
    rows = StudyRevision.objects.select_related("study__site")
    return work_at(actor=actor, work=_WORK, rows=rows, state=state)


@transaction.atomic
def retry_pack(*, actor: Actor, revision_id: UUID) -> StudyRevision:
    """Let a failed pack be asked for anew, as if it had never been tried.

    Raises:
        NotFound: There is none, or not at a site where the actor may do that.
        Conflict: It has not failed.
    """
    revision = access_revision(
        actor=actor,
        revision_id=revision_id,
        need=Permission.DEAD_LETTER_RETRY,
        lock=True,
    )
    require_failed(revision, work=_WORK)
    study, given_up_for = revision.study, revision.pack_reason
    revision.pack_state, revision.pack_reason = PackState.ABSENT, ""
    revision.pack_attempts, revision.pack_requested_at = 0, None
    revision.save()
    record(
        actor=actor,
        event=Event.PACK_RETRY,
        site_id=study.site_id,
        patients=[study.patient_id],
        studies=[study.id],
        object_kind="revision",
        object_id=revision.id,
        detail={"failed": given_up_for},
    )
    forget_losses(f"pack-{revision.id}")
    return revision

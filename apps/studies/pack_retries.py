"""Packs that failed: which, and how one is asked for anew."""

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
from apps.studies.renewing import judge_renewal
from apps.studies.selectors import access_revision
from apps.studies.services import PACK_NO_ANSWER
from apps.studies.types import PackState, Renewal

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
    given_up_for = revision.pack_reason
    revision.pack_renewals = 0
    _begin_anew(revision)
    _audit(revision, actor=actor, event=Event.PACK_RETRY, failed=given_up_for)
    forget_losses(f"pack-{revision.id}")
    return revision


@transaction.atomic
def renew_pack(*, actor: Actor, revision_id: UUID) -> Renewal:
    """Let a pack whose request is outdated be asked for anew, on record.

    One that was given up because no worker answered is taken up again.

    Returns:
        What is to be done; `FAIL` leaves it as it is, for its answer to be recorded.

    Raises:
        NotFound: There is no such revision.
    """
    revision = access_revision(
        actor=actor, revision_id=revision_id, need=Permission.MACHINE_WORK, lock=True
    )
    given_up = revision.pack_reason.startswith(PACK_NO_ANSWER)
    failed = revision.pack_state == PackState.FAILED and not given_up
    if revision.pack_state == PackState.READY or failed:
        return Renewal.LEAVE
    renewal = judge_renewal(
        requested_at=revision.pack_requested_at,
        renewals=revision.pack_renewals,
        is_wanted=revision.study.deleted_at is None,
    )
    if renewal is Renewal.SEND:
        revision.pack_renewals += 1
        _begin_anew(revision)
        times = revision.pack_renewals
        _audit(revision, actor=actor, event=Event.PACK_RENEW, renewals=times)
    return renewal


def _begin_anew(revision: StudyRevision) -> None:
    revision.pack_state, revision.pack_reason = PackState.ABSENT, ""
    revision.pack_attempts, revision.pack_requested_at = 0, None
    revision.save()


def _audit(
    revision: StudyRevision, *, actor: Actor, event: Event, **detail: object
) -> None:
    study = revision.study
    record(
        actor=actor,
        event=event,
        site_id=study.site_id,
        patients=[study.patient_id],
        studies=[study.id],
        object_kind="revision",
        object_id=revision.id,
        detail=detail,
    )

"""Loading studies is authorising: nothing here answers without an actor."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Q, QuerySet

from apps.core.errors import Forbidden, Gone, NotFound
from apps.core.permissions import Permission, has_object_permission, objects_shared_with
from apps.studies.models import (
    AETitle,
    ArrivalCursor,
    ArrivalFailure,
    QuarantinedStudy,
    RevisionInstance,
    Study,
    StudyOpen,
    StudyRevision,
)
from apps.studies.types import PackState, QuarantineKind, QuarantineState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from apps.accounts.types import Actor

_GONE = "There is no such study, or it is not yours to see."
DELETED = "This study was deleted from the archive. What was read of it is kept."


def visible_studies(*, actor: Actor, need: Permission) -> QuerySet[Study]:
    """Studies of the actor's sites, and those shared with the actor by name.

    Tombstones are not among them.
    """
    mine = Q(site_id__in=actor.sites_with(need))
    if actor.user_id is not None:
        mine |= Q(id__in=objects_shared_with(actor=actor, permission=need, model=Study))
    return Study.objects.filter(mine, deleted_at=None)


def access_study(
    *, actor: Actor, study_id: UUID, need: Permission, lock: bool = False
) -> Study:
    """Return one study that the actor may use for `need`.

    Raises:
        NotFound: There is none, or it is of a site that is not the actor's.
        Forbidden: It is of the actor's site but the role does not allow `need`.
        Gone: Its pixels are wanted, and the archive has them no longer.
    """
    studies = Study.objects.select_related("site", "patient")
    if lock:
        studies = studies.select_for_update(of=("self",))
    study = studies.filter(id=study_id).first()
    if study is None:
        raise NotFound("not_found", _GONE)
    _require(actor=actor, study=study, need=need)
    return study


def access_revision(
    *, actor: Actor, revision_id: UUID, need: Permission, lock: bool = False
) -> StudyRevision:
    """Return one revision of a study that the actor may use for `need`."""
    revisions = StudyRevision.objects.select_related("study__site", "study__patient")
    if lock:
        revisions = revisions.select_for_update(of=("self",))
    revision = revisions.filter(id=revision_id).first()
    if revision is None:
        raise NotFound("not_found", _GONE)
    _require(actor=actor, study=revision.study, need=need)
    return revision


def _require(*, actor: Actor, study: Study, need: Permission) -> None:
    if actor.can(need, study.site_id) or has_object_permission(
        actor=actor, permission=need, obj=study
    ):
        if need == Permission.STUDY_PIXELS_READ and study.deleted_at is not None:
            raise Gone("deleted", DELETED)
        return
    if actor.is_member(study.site_id):
        raise Forbidden("forbidden", "Your role at this site does not allow this.")
    raise NotFound("not_found", _GONE)


def may_see_pixels(*, actor: Actor, revision_id: UUID) -> bool:
    """Say whether this session opened the revision and may still see its study."""
    opened = (
        StudyOpen.objects.select_related("revision__study")
        .filter(session_hash=actor.session_key_hash, revision_id=revision_id)
        .first()
    )
    if opened is None or opened.user_id != actor.user_id:
        return False
    study = opened.revision.study
    need = Permission.STUDY_PIXELS_READ
    return actor.can(need, study.site_id) or has_object_permission(
        actor=actor, permission=need, obj=study
    )


def require_pixels(*, actor: Actor, revision_id: UUID) -> None:
    """Raise `Forbidden` unless `may_see_pixels`, `Gone` when they were deleted."""
    if not may_see_pixels(actor=actor, revision_id=revision_id):
        raise Forbidden("not_opened", "Open the study first, if it is yours to see.")
    if Study.objects.filter(
        revisions__id=revision_id, deleted_at__isnull=False
    ).exists():
        raise Gone("deleted", DELETED)


def held_studies(*, actor: Actor) -> QuerySet[QuarantinedStudy]:
    """What is held, for people who manage a quarantine.

    What is of no site yet is shown to all of them; the rest to the managers of the
    site of either side.
    """
    sites = actor.sites_with(Permission.QUARANTINE_MANAGE)
    if not sites:
        raise Forbidden("forbidden", "You do not manage the quarantine.")
    mine = Q(site_id__in=sites) | Q(study__site_id__in=sites)
    return (
        QuarantinedStudy.objects.select_related("site", "study__site", "study__patient")
        .filter(mine | Q(site=None, study=None))
        .order_by("-arrived_at")
    )


def open_quarantine(*, actor: Actor) -> QuerySet[QuarantinedStudy]:
    """What waits for a decision, or is being put in place."""
    return held_studies(actor=actor).filter(
        state__in=[QuarantineState.HELD, QuarantineState.ACCEPTING]
    )


def access_held(
    *, actor: Actor, quarantine_id: UUID, lock: bool = False
) -> QuarantinedStudy:
    """Return one row of the quarantine that the actor may look at."""
    rows = held_studies(actor=actor)
    if lock:
        rows = rows.select_for_update(of=("self",))
    held = rows.filter(id=quarantine_id).first()
    if held is None:
        raise NotFound("not_found", "This is not in quarantine.")
    return held


def arrival_failures(*, actor: Actor) -> QuerySet[ArrivalFailure]:
    """Studies that could not be registered, for people who manage a quarantine.

    Nobody knows whose they are: they say nothing but why.
    """
    if not actor.sites_with(Permission.QUARANTINE_MANAGE):
        raise Forbidden("forbidden", "You do not manage the quarantine.")
    return ArrivalFailure.objects.order_by("-created_at")


def studies_without_images(*, actor: Actor) -> QuerySet[Study]:
    """Studies of reports and the like alone; with their attachments."""
    return (
        visible_studies(actor=actor, need=Permission.STUDY_READ)
        .filter(revisions=None)
        .select_related("site", "patient")
        .prefetch_related("revisions", "attachments")
        .order_by("-arrived_at")
    )


def ae_titles(*, actor: Actor) -> QuerySet[AETitle]:
    """AE titles of the sites that the actor manages."""
    sites = actor.sites_with(Permission.AE_TITLE_MANAGE)
    if not sites:
        raise Forbidden("forbidden", "You do not manage AE titles.")
    return (
        AETitle.objects.select_related("site")
        .filter(site_id__in=sites)
        .order_by("called_aet", "calling_aet")
    )


def find_study(*, study_uid: str) -> Study | None:
    """Return the study of a UID for the system's own use; decides nothing."""
    return (
        Study.objects.select_related("site", "patient")
        .filter(study_uid=study_uid)
        .first()
    )


def registered_archive_stamps() -> dict[str, str]:
    """Return archive id → the archive's last-update stamp when it was registered."""
    alive = Study.objects.filter(deleted_at=None)
    return dict(alive.values_list("archive_id", "archive_updated"))


def held_archive_stamps() -> dict[str, str]:
    """Return archive id → the archive's stamp, of what is held or was decided upon."""
    held = QuarantinedStudy.objects.exclude(kind=QuarantineKind.CONFLICT).filter(
        state__in=[
            QuarantineState.HELD,
            QuarantineState.KEPT,
            QuarantineState.ACCEPTING,
            QuarantineState.REPLACED,
        ]
    )
    return dict(held.values_list("archive_id", "archive_updated"))


def retries_due(*, now: datetime, limit: int) -> list[str]:
    """Archive ids of failed arrivals whose next try is due."""
    due = ArrivalFailure.objects.filter(retry_at__lte=now).order_by("retry_at")
    return list(due.values_list("archive_id", flat=True)[:limit])


def cursor_position() -> int:
    """Return how far the archive's change list was taken."""
    cursor = arrival_cursor()
    return cursor.seq if cursor else 0


def arrival_cursor() -> ArrivalCursor | None:
    """Return the arrival cursor as it stands."""
    return ArrivalCursor.objects.filter(name="changes").first()


def stale_packs(
    *, absent_before: datetime, building_before: datetime, limit: int
) -> list[UUID]:
    """Revisions whose pack was never asked for, or was lost on the way."""
    open_packs = StudyRevision.objects.filter(
        Q(pack_state=PackState.ABSENT, created_at__lt=absent_before)
        | Q(pack_state=PackState.BUILDING, pack_requested_at__lt=building_before),
        study__deleted_at=None,
    ).order_by("created_at")
    return list(open_packs.values_list("id", flat=True)[:limit])


def opened_revision(
    *, actor: Actor, study: Study, revision_id: UUID | None
) -> StudyRevision:
    """Return the revision of a study that this session has opened.

    Raises:
        Forbidden: `not_opened`; open the study first, so that the view is on record.
    """
    opened = StudyOpen.objects.select_related("revision__study__patient").filter(
        session_hash=actor.session_key_hash,
        user_id=actor.person_id,
        revision__study=study,
    )
    if revision_id is not None:
        opened = opened.filter(revision_id=revision_id)
    last = opened.order_by("-revision__number").first()
    if last is None:
        raise Forbidden("not_opened", "Open the study first.")
    return last.revision


def instances_of_revision(*, revision_id: UUID) -> list[RevisionInstance]:
    """Return the image instances of a revision, in the archive's order.

    What is withheld is not among them.
    """
    found = list(_instances(revision_id).order_by("id"))
    if not found:  # a revision is its images: there is none without any
        raise NotFound("not_found", _GONE)
    return found


def _instances(revision_id: UUID) -> QuerySet[RevisionInstance]:
    withheld = StudyRevision.objects.filter(id=revision_id).values_list(
        "withheld", flat=True
    )
    return RevisionInstance.objects.filter(revision_id=revision_id).exclude(
        series_uid__in=withheld.first() or []
    )


def some_of_revision(
    *, revision_id: UUID, sop_uids: Sequence[str]
) -> list[RevisionInstance]:
    """Return instances that are bound to the revision, in the order asked for.

    Raises:
        NotFound: One is not.
    """
    found = {
        one.sop_uid: one
        for one in _instances(revision_id).filter(sop_uid__in=list(sop_uids))
    }
    if not found.keys() >= set(sop_uids):
        raise NotFound("not_found", "An image is not of this study.")
    return [found[uid] for uid in dict.fromkeys(sop_uids)]


def instance_of_revision(*, revision_id: UUID, sop_uid: str) -> RevisionInstance:
    """Return one instance that is bound to the revision."""
    instance = _instances(revision_id).filter(sop_uid=sop_uid).first()
    if instance is None:
        raise NotFound("not_found", "This image is not of this study.")
    return instance

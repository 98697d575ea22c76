"""Holding a study that nobody may read yet, and letting it go to a site."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction

from apps.audit.events import Event
from apps.audit.services import record
from apps.core import clock
from apps.core.errors import Conflict, Forbidden, Invalid, NotFound
from apps.core.permissions import Permission
from apps.core.queue import enqueue
from apps.core.steps import Step
from apps.studies.models import ImportClaim, QuarantinedStudy, Study
from apps.studies.types import Held, QuarantineKind, QuarantineState

if TYPE_CHECKING:
    from apps.accounts.models import Site
    from apps.accounts.types import Actor
    from apps.interop.types import StudyHeader

OTHER_PATIENT = (
    "Another patient's study has this Study Instance UID already. Compare both and "
    "decide which one counts, or correct the Patient ID or the UID at the sender and "
    "send it again."
)
_DECIDED = (QuarantineState.KEPT, QuarantineState.REPLACED, QuarantineState.ACCEPTING)


def hold_unknown_site(*, actor: Actor, header: StudyHeader) -> Held:
    """Hold a study of which nobody knows the site."""
    reason = (
        f"No site is set for called AE title “{header.called_aet or '(none)'}” "
        f"and calling AE title “{header.calling_aet or '(none)'}”."
    )
    return _hold(
        actor=actor,
        header=header,
        facts={"kind": QuarantineKind.UNKNOWN_SITE, "reason": reason[:400]},
    )


def hold_other_patient(
    *, actor: Actor, header: StudyHeader, study: Study, site: Site | None
) -> Held:
    """Hold a study whose UID another patient's study has.

    Args:
        actor: Who registers.
        header: What arrived.
        study: What is there.
        site: Where the arrival belongs, as far as known.
    """
    return _hold(
        actor=actor,
        header=header,
        facts={
            "kind": QuarantineKind.OTHER_PATIENT,
            "reason": OTHER_PATIENT,
            "study": study,
            "site": site,
        },
    )


def _hold(*, actor: Actor, header: StudyHeader, facts: dict[str, Any]) -> Held:
    """Hold, or hold up to date; a decision stands until more arrives."""
    held = (
        QuarantinedStudy.objects.select_for_update()
        .exclude(kind=QuarantineKind.CONFLICT)
        .filter(archive_id=header.orthanc_id)
        .first()
    )
    stamp = header.last_update[:32]
    if held is not None and held.archive_updated == stamp and held.state in _DECIDED:
        return Held(quarantine_id=held.id, reason=held.reason)
    is_new = held is None
    held = held or QuarantinedStudy(
        archive_id=header.orthanc_id, arrived_at=clock.now()
    )
    seen = {
        "study_uid": header.study_uid,
        "called_aet": header.called_aet[:64],
        "calling_aet": header.calling_aet[:64],
        "modalities": sorted({s.modality for s in header.series if s.modality}),
        "n_images": len(header.image_sop_uids),
        "archive_updated": stamp,
        "state": QuarantineState.HELD,
        **facts,
    }
    if is_new or any(getattr(held, name) != value for name, value in seen.items()):
        for name, value in seen.items():
            setattr(held, name, value)
        held.save()
    if is_new:
        record(
            actor=actor,
            event=Event.STUDY_QUARANTINE,
            site_id=held.site_id,
            object_kind="quarantine",
            object_id=held.id,
            detail={
                "kind": held.kind,
                "called_aet": header.called_aet,
                "calling_aet": header.calling_aet,
            },
        )
    return Held(quarantine_id=held.id, reason=held.reason)


def settle_quarantine(*, study: Study) -> None:
    """Bring the rows of a study that is registered now up to date."""
    QuarantinedStudy.objects.filter(
        archive_id=study.archive_id, kind=QuarantineKind.UNKNOWN_SITE
    ).update(state=QuarantineState.RELEASED, released_to=study.site)
    QuarantinedStudy.objects.filter(
        study_uid=study.study_uid, kind=QuarantineKind.CONFLICT, study=None
    ).update(study=study, site=study.site)


@transaction.atomic
def release_quarantine(
    *, actor: Actor, quarantine_id: UUID, site_id: UUID, reason: str
) -> QuarantinedStudy:
    """Give a held study to a site; a reconcile, asked for here, registers it."""
    held = QuarantinedStudy.objects.select_for_update().filter(id=quarantine_id).first()
    if held is None:
        raise NotFound("not_found", "This study is not in quarantine.")
    if not actor.can(Permission.QUARANTINE_MANAGE, site_id):
        raise Forbidden("forbidden", "You do not manage the quarantine of this site.")
    if held.state != QuarantineState.HELD:
        raise Conflict("already_released", "This study was released before.")
    if not reason.strip():
        raise Invalid("invalid", "reason: say why this study belongs to the site.")
    taken = Study.objects.filter(study_uid=held.study_uid)
    if taken.exclude(archive_id=held.archive_id).exists():
        raise Conflict("uid_taken", OTHER_PATIENT)
    if held.kind != QuarantineKind.UNKNOWN_SITE:
        raise Conflict("not_assignable", "Keep what is there, or accept this one.")
    ImportClaim.objects.update_or_create(
        study_uid=held.study_uid, defaults={"site_id": site_id}
    )
    held.state = QuarantineState.RELEASED
    held.released_by_id = actor.user_id
    held.released_to_id = site_id
    held.resolved_at = clock.now()
    held.save()
    record(
        actor=actor,
        event=Event.QUARANTINE_RELEASE,
        site_id=site_id,
        object_kind="quarantine",
        object_id=held.id,
        detail={"reason": reason.strip()[:200]},
    )
    enqueue(Step.RECONCILE)
    return held

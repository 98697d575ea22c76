"""What a person decides about what is held: keep what is there, or accept the other.

Nothing is thrown away by either. What is turned down stays where it is held, and
what is replaced is kept for the revisions that were read with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction

from apps.audit.events import Event
from apps.audit.services import record
from apps.core import clock
from apps.core.errors import Conflict, Forbidden, Invalid
from apps.core.permissions import Permission
from apps.core.queue import enqueue
from apps.core.steps import Step
from apps.interop.dicom.compare import same_content
from apps.studies.archive import archive
from apps.studies.held import keep_file, read_held
from apps.studies.locks import lock_study_uid
from apps.studies.models import QuarantinedStudy, RevisionInstance, Study
from apps.studies.selectors import access_held
from apps.studies.services import patient_of
from apps.studies.types import QuarantineKind, QuarantineState

if TYPE_CHECKING:
    from apps.accounts.types import Actor


@transaction.atomic
def keep_what_is_there(
    *, actor: Actor, quarantine_id: UUID, reason: str, confirm: bool
) -> QuarantinedStudy:
    """Turn down what arrived; it stays held, and what is there stays as it is."""
    held = _to_decide(
        actor=actor, quarantine_id=quarantine_id, reason=reason, confirm=confirm
    )
    _decide(
        actor=actor,
        held=held,
        state=QuarantineState.KEPT,
        event=Event.QUARANTINE_KEEP,
        reason=reason,
    )
    return held


@transaction.atomic
def accept_arrival(
    *, actor: Actor, quarantine_id: UUID, reason: str, confirm: bool
) -> QuarantinedStudy:
    """Let what arrived take the place of what is there, as a new revision.

    The decision is recorded here; `finish_accept` carries it out.
    """
    held = _to_decide(
        actor=actor, quarantine_id=quarantine_id, reason=reason, confirm=confirm
    )
    _decide(
        actor=actor,
        held=held,
        state=QuarantineState.ACCEPTING,
        event=Event.QUARANTINE_ACCEPT,
        reason=reason,
    )
    enqueue(Step.FINISH_ACCEPT, quarantine_id=str(held.id))
    return held


def _to_decide(
    *, actor: Actor, quarantine_id: UUID, reason: str, confirm: bool
) -> QuarantinedStudy:
    held = access_held(actor=actor, quarantine_id=quarantine_id, lock=True)
    if held.study is None:
        raise Conflict("no_study", "Give the study to a site first.")
    for site_id in {held.study.site_id, held.site_id or held.study.site_id}:
        if not actor.can(Permission.QUARANTINE_MANAGE, site_id):
            raise Forbidden(
                "forbidden",
                "Both sides must be of sites whose quarantine you manage.",
            )
    if held.state != QuarantineState.HELD:
        raise Conflict("decided", "This was decided before.")
    if not reason.strip():
        raise Invalid("invalid", "reason: say why.", field="reason")
    if not confirm:
        raise Invalid(
            "unconfirmed", "confirm: say that you compared both.", field="confirm"
        )
    return held


def _decide(
    *,
    actor: Actor,
    held: QuarantinedStudy,
    state: QuarantineState,
    event: Event,
    reason: str,
) -> None:
    held.state = state
    held.released_by_id = actor.user_id
    held.resolved_at = clock.now()
    held.save(update_fields=["state", "released_by", "resolved_at", "updated_at"])
    study = held.study
    record(
        actor=actor,
        event=event,
        site_id=study.site_id if study else None,
        patients=[study.patient_id] if study else [],
        studies=[study.id] if study else [],
        object_kind="quarantine",
        object_id=held.id,
        detail={"kind": held.kind, "reason": reason.strip()[:200]},
    )


def accepting() -> list[UUID]:
    """Return what was accepted and is not in place yet."""
    rows = QuarantinedStudy.objects.filter(state=QuarantineState.ACCEPTING)
    return list(rows.order_by("resolved_at").values_list("id", flat=True))


def finish_accept(*, actor: Actor, quarantine_id: UUID) -> str:
    """Put what was accepted in place; may run again after any failure.

    Returns:
        The archive's id of the study to register, '' when there is nothing to do.
    """
    held = (
        QuarantinedStudy.objects.select_related("study")
        .filter(id=quarantine_id, state=QuarantineState.ACCEPTING)
        .first()
    )
    if held is None or held.study is None:
        return ""
    if held.kind == QuarantineKind.CONFLICT:
        _keep_replaced(held)
    with transaction.atomic():
        lock_study_uid(study_uid=held.study_uid)
        study = Study.objects.select_for_update().get(id=held.study.id)
        before = study.patient_id
        if held.kind == QuarantineKind.CONFLICT:
            _replace_files(held)
        else:
            _leave_behind(study=study, held=held)
            study.archive_id = held.archive_id
        header = archive().study_header(study.archive_id)
        study.patient = patient_of(header=header, site=study.site)
        study.generation += 1
        study.deleted_at = None
        study.archive_updated = ""  # differs from the archive's: it is taken anew
        study.save()
        held.state = QuarantineState.ACCEPTED
        held.save(update_fields=["state", "updated_at"])
        record(
            actor=actor,
            event=Event.STUDY_REPLACE,
            site_id=study.site_id,
            patients=sorted({before, study.patient_id}),
            studies=[study.id],
            object_kind="quarantine",
            object_id=held.id,
            detail={"kind": held.kind},
        )
    return study.archive_id


def _wanted(held: QuarantinedStudy) -> dict[str, str]:
    """Return the SHA-256 of the last file held for each SOP Instance UID."""
    files = held.files.order_by("arrived_at", "id")
    return {file.sop_uid: file.sha256 for file in files}


@transaction.atomic
def _keep_replaced(held: QuarantinedStudy) -> None:
    """Keep what will be replaced, and tie the revisions to it that were read with it.

    This is committed before the archive is touched.
    """
    for sha256 in _wanted(held).values():
        content = read_held(sha256=sha256)
        stored = archive().upload(content)
        if stored.status == "stored":
            continue
        there = archive().fetch_instance(stored.instance_id)
        if not same_content(there, content):
            RevisionInstance.objects.filter(
                archive_id=stored.instance_id, kept_sha256=""
            ).update(kept_sha256=keep_file(data=there))


def _replace_files(held: QuarantinedStudy) -> None:
    """Delete all that differs first: the archive then forgets the old headers."""
    contents = [read_held(sha256=sha256) for sha256 in _wanted(held).values()]
    changed = []
    for content in contents:
        stored = archive().upload(content)
        there = archive().fetch_instance(stored.instance_id)
        if not same_content(there, content):
            changed.append((stored.instance_id, content))
    for instance_id, _ in changed:
        archive().delete_instance(instance_id)
    for _, content in changed:
        archive().upload(content)


def _leave_behind(*, study: Study, held: QuarantinedStudy) -> None:
    """Remember the study that was there: it stays in the archive and is not read."""
    facts = {
        "archive_updated": study.archive_updated,
        "study_uid": study.study_uid,
        "study": study,
        "site": study.site,
        "modalities": study.modalities,
        "reason": "Another patient's study took its place.",
        "state": QuarantineState.REPLACED,
        "resolved_at": clock.now(),
        "released_by": held.released_by,
    }
    QuarantinedStudy.objects.exclude(kind=QuarantineKind.CONFLICT).update_or_create(
        archive_id=study.archive_id,
        defaults=facts,
        create_defaults={
            **facts,
            "kind": QuarantineKind.OTHER_PATIENT,
            "arrived_at": study.arrived_at,
        },
    )

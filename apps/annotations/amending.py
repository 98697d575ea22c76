"""The verb that begins an amendment: a new reading in the place of a signed one."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction

from apps.annotations.models import Reading
from apps.annotations.services import enter_stage
from apps.annotations.types import AMEND_REASONS, DisplayMode, ReadingState
from apps.annotations.verifying import may_verify
from apps.audit.events import Event
from apps.audit.services import record
from apps.core import clock
from apps.core.errors import Conflict, Forbidden, Invalid
from apps.core.permissions import Permission
from apps.studies.selectors import access_study

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apps.accounts.types import Actor


def may_amend(*, actor: Actor, reading: Reading) -> bool:
    """Say whether a person may amend a reading.

    One's own; a lead who reads too any; and who may verify a preliminary one, that.
    """
    site_id = reading.revision.study.site_id
    if not actor.can(Permission.READING_SIGN, site_id):
        return False
    mine = reading.reader_id == actor.user_id
    leads = actor.can(Permission.READING_AMEND, site_id)
    return mine or leads or may_verify(actor=actor, reading=reading)


@transaction.atomic
def start_amendment(
    *,
    actor: Actor,
    reading_id: UUID,
    reason_code: str,
    reason_text: str,
    ai_state: str,
    findings: Iterable[str],
) -> Reading:
    """Return the actor's draft of the version after a signed reading.

    It begins with what was signed; one that the actor began before goes on.

    Args:
        actor: Who amends.
        reading_id: The signed reading.
        reason_code: Why, a key of `AMEND_REASONS`.
        reason_text: The reason in words; needed for `other`.
        ai_state: How far the AI is with the study, as the worklist says it.
        findings: Ids of what the AI found, which the amender sees from the start.

    Raises:
        Invalid: There is no reason.
        Conflict: The reading is not signed, or an amendment supersedes it already.
        Forbidden: It is another's, and the actor leads nobody.
    """
    code, words = _reason(reason_code, reason_text)
    reading = _signed(actor=actor, reading_id=reading_id)
    draft = reading.amended_by.filter(
        reader_id=actor.person_id, signed_at__isnull=True
    ).first()
    if draft is None:
        blinded = reading.protocol.display_mode == DisplayMode.AFTER_COMMIT
        draft = Reading(
            revision=reading.revision,
            protocol=reading.protocol,
            reader_id=actor.person_id,
            state=ReadingState.REVEALED if blinded else ReadingState.DRAFT,
            content=reading.content,
            saved_at=clock.now(),
            amends=reading,
            edition=reading.edition + 1,
        )
    begun = draft._state.adding
    draft.amend_code, draft.amend_text = code, words
    draft.save()
    if begun:
        detail = {"ai_state": ai_state, "findings": sorted(findings)}
        enter_stage(reading=draft, at=draft.saved_at, detail=detail)
    study = reading.revision.study
    record(
        actor=actor,
        event=Event.READING_AMEND,
        site_id=study.site_id,
        patients=[study.patient_id],
        studies=[study.id],
        object_kind="reading",
        object_id=draft.id,
        detail={
            "amends": str(reading.id),
            "edition": draft.edition,
            "reason_code": code,
            "own": reading.reader_id == actor.user_id,
        },
    )
    return draft


def _reason(code: str, text: str) -> tuple[str, str]:
    if code not in AMEND_REASONS:
        raise Invalid("invalid", "reason_code: choose a reason.", field="reason_code")
    words = text.strip()[:400]
    if code == "other" and not words:
        raise Invalid(
            "invalid", "reason_text: say the reason in words.", field="reason_text"
        )
    return code, words


def _signed(*, actor: Actor, reading_id: UUID) -> Reading:
    """Return a signed reading that nothing supersedes, locked, for its amender."""
    reading = (
        Reading.objects.select_for_update(of=("self",))
        .select_related("revision__study", "protocol")
        .get(id=reading_id)
    )
    study_id = reading.revision.study_id
    access_study(actor=actor, study_id=study_id, need=Permission.READING_SIGN)
    if not may_amend(actor=actor, reading=reading):
        raise Forbidden(
            "not_yours",
            "Only its reader amends a reading, a clinical lead who reads here, or who "
            "verifies it.",
        )
    if reading.signed_at is None:
        raise Conflict("not_signed", "This reading is not signed yet: just change it.")
    if reading.amended_by.filter(signed_at__isnull=False).exists():
        raise Conflict("superseded", "This reading has been amended already.")
    return reading


def chains(*, readings: Iterable[Reading]) -> dict[UUID, list[Reading]]:
    """Return the versions before each reading, newest first, by its id."""
    found: dict[UUID, list[Reading]] = {one.id: [] for one in readings}
    wanted = {one.amends_id: one.id for one in readings if one.amends_id}
    while wanted:
        rows = Reading.objects.filter(id__in=wanted)
        further: dict[UUID, UUID] = {}
        for row in rows:
            top = wanted[row.id]
            found[top].append(row)
            if row.amends_id is not None:
                further[row.amends_id] = top
        wanted = further
    return found

"""Verification: what a resident signed is preliminary until somebody else verifies it.

Who may not verify at a site has their signed readings verified there. An attending
verifies a reading as it stands, amends it (the amendment is final), or sends it back to
its reader, whose amendment is preliminary again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction

from apps.annotations.models import Reading, Verification
from apps.annotations.types import VerificationState
from apps.audit.events import Event
from apps.audit.services import record
from apps.core import clock
from apps.core.errors import Conflict, Forbidden, Invalid
from apps.core.permissions import Permission

if TYPE_CHECKING:
    from apps.accounts.types import Actor

OPEN = (VerificationState.WAITING.value, VerificationState.SENT_BACK.value)


def verification_of(*, reading: Reading) -> Verification | None:
    """Return the verification of a reading; None for one that needs none."""
    try:
        return reading.verification
    except Verification.DoesNotExist:
        return None


def is_preliminary(*, reading: Reading) -> bool:
    """Say whether a signed reading still has to be verified."""
    said = verification_of(reading=reading)
    return said is not None and said.state in OPEN


def may_verify(*, actor: Actor, reading: Reading) -> bool:
    """Say whether a person may verify a reading now: never one's own."""
    said = verification_of(reading=reading)
    if said is None or said.state != VerificationState.WAITING:
        return False
    return _is_verifier(actor=actor, reading=reading)


def _is_verifier(*, actor: Actor, reading: Reading) -> bool:
    site_id = reading.revision.study.site_id
    may = actor.can(Permission.READING_VERIFY, site_id)
    return may and reading.reader_id != actor.user_id


def settle_signature(*, actor: Actor, reading: Reading) -> None:
    """Say of a reading that is just signed whether it is preliminary.

    Where it amends a preliminary one, that one's verification ends: it is replaced.
    """
    now = clock.now()
    before = reading.amends and verification_of(reading=reading.amends)
    if before and before.state in OPEN:
        _decide(before, VerificationState.REPLACED, actor)
    if not actor.can(Permission.READING_VERIFY, reading.revision.study.site_id):
        Verification.objects.create(reading=reading, asked_at=now)
    elif before and reading.amends and reading.amends.reader_id != actor.user_id:
        _audit(actor, Event.READING_VERIFY, reading, how="amended")


@transaction.atomic
def verify_reading(*, actor: Actor, reading_id: UUID) -> Verification:
    """Make a preliminary reading final as it stands, in the actor's name.

    Args:
        actor: Who answers for it from now on; not its reader.
        reading_id: The reading; that the actor may see it was asked before.

    Raises:
        Forbidden: `own`, or the actor verifies nothing at the site.
        Conflict: `not_waiting`: it was verified, sent back or amended by now.
    """
    said = _waiting(actor=actor, reading_id=reading_id)
    _decide(said, VerificationState.VERIFIED, actor)
    _audit(actor, Event.READING_VERIFY, said.reading, how="as_signed")
    return said


@transaction.atomic
def send_back_reading(*, actor: Actor, reading_id: UUID, reason: str) -> Verification:
    """Send a preliminary reading back to its reader, who is to amend it.

    Args:
        actor: Who may verify it.
        reading_id: The reading; that the actor may see it was asked before.
        reason: What is to be looked at again.

    Raises:
        Invalid: No reason is given.
        Forbidden, Conflict: As `verify_reading`.
    """
    words = reason.strip()[:400]
    if not words:
        raise Invalid("no_reason", "reason: say what to look at again.", field="reason")
    said = _waiting(actor=actor, reading_id=reading_id)
    said.reason = words
    _decide(said, VerificationState.SENT_BACK, actor)
    _audit(actor, Event.READING_SEND_BACK, said.reading, reason=words)
    return said


def _waiting(*, actor: Actor, reading_id: UUID) -> Verification:
    """Return the open verification of a reading, locked, for who may decide it."""
    reading = (
        Reading.objects.select_for_update(of=("self",))
        .select_related("revision__study")
        .get(id=reading_id)
    )
    if reading.reader_id == actor.user_id:
        raise Forbidden("own", "Nobody verifies their own reading.")
    if not _is_verifier(actor=actor, reading=reading):
        raise Forbidden("forbidden", "Your role at this site verifies no readings.")
    said = Verification.objects.select_for_update().filter(reading=reading).first()
    if said is None or said.state != VerificationState.WAITING:
        raise Conflict(
            "not_waiting",
            "This reading awaits no verification: it was decided, or needs none.",
        )
    said.reading = reading
    return said


def _decide(said: Verification, state: VerificationState, actor: Actor) -> None:
    said.state = state
    said.decided_at = clock.now()
    said.decided_by_id = actor.person_id
    said.decided_name = actor.display_name[:160]
    said.save()


def _audit(actor: Actor, event: Event, reading: Reading, **detail: object) -> None:
    study = reading.revision.study
    record(
        actor=actor,
        event=event,
        site_id=study.site_id,
        patients=[study.patient_id],
        studies=[study.id],
        object_kind="reading",
        object_id=reading.id,
        detail={"edition": reading.edition, **detail},
    )

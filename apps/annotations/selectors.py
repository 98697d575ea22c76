"""Loading readings is authorising."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from apps.annotations.models import Reading
from apps.core.errors import Forbidden, NotFound
from apps.core.permissions import Permission
from apps.studies.selectors import access_study

if TYPE_CHECKING:
    from apps.accounts.types import Actor


def access_reading(
    *, actor: Actor, reading_id: UUID, need: Permission, lock: bool = False
) -> Reading:
    """Return a reading. Only its own reader may write or sign it."""
    readings = Reading.objects.select_related(
        "revision__study__patient", "revision__study__site", "protocol", "reader"
    )
    if lock:
        readings = readings.select_for_update(of=("self",))
    reading = readings.filter(id=reading_id).first()
    if reading is None:
        raise NotFound("not_found", "There is no such reading.")
    if actor.kind != "user":
        return reading
    access_study(actor=actor, study_id=reading.revision.study_id, need=need)
    if reading.reader_id != actor.user_id:
        raise Forbidden("not_yours", "This reading is another reader's.")
    return reading

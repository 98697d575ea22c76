"""What readers measured on a study and signed, to be looked at by others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.db import transaction

from apps.annotations.models import Annotation
from apps.annotations.types import ReadingState
from apps.audit.events import Event
from apps.audit.services import record
from apps.core.permissions import Permission
from apps.studies.selectors import access_study
from apps.workflow.visibility import is_waiting

if TYPE_CHECKING:
    from apps.accounts.types import Actor

HIDDEN: Final = "What others measured is hidden while somebody still reads this study."
MAX_MARKS: Final = 2_000


@transaction.atomic
def list_marks(*, actor: Actor, study_id: UUID) -> dict[str, Any]:
    """Return the signed measurements on a study; none while it is still to be read.

    One reader's marks would anchor the next. Marks that say that the AI missed
    something tell of the AI, and are left out. An amended reading speaks through its
    amendment alone.
    """
    study = access_study(actor=actor, study_id=study_id, need=Permission.STUDY_READ)
    waiting = is_waiting(study=study)
    rows = [] if waiting else list(_signed(study_id=study.id)[:MAX_MARKS])
    record(
        actor=actor,
        event=Event.READING_READ,
        site_id=study.site_id,
        patients=[study.patient_id],
        studies=[study.id],
        object_kind="study",
        object_id=study.id,
        detail={"marks": len(rows)},
    )
    return {
        "items": [_plain(row) for row in rows],
        "hidden_reason": HIDDEN if waiting else "",
    }


def _signed(*, study_id: UUID) -> Any:
    return (
        Annotation.objects.filter(
            reading__revision__study_id=study_id,
            reading__state=ReadingState.SIGNED,
            measured__isnull=False,
            missed_by_ai=False,
        )
        .exclude(reading__amended_by__signed_at__isnull=False)
        .select_related("reading")
        .order_by("reading__signed_at", "mark_id")
    )


def _plain(row: Annotation) -> dict[str, Any]:
    return {
        "id": row.mark_id,
        "tracking_uid": row.tracking_uid,
        "label": {
            "scheme": row.label_scheme,
            "code": row.label_code,
            "display": row.label_display,
        },
        "geometry": row.geometry,
        "text": row.text,
        "missed_by_ai": row.missed_by_ai,
        "measured": row.measured,
        "signed_by": row.reading.signed_name,
        "signed_at": row.reading.signed_at,
    }

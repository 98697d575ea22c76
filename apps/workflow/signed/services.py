"""Verbs on what was signed: list it, amend it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction

from apps.annotations.amending import chains, may_amend, start_amendment
from apps.annotations.types import AMEND_REASONS
from apps.audit.events import Event
from apps.audit.services import record
from apps.core.errors import Conflict, Invalid
from apps.core.permissions import Permission
from apps.workflow.cursors import read_moment, write_moment
from apps.workflow.rows import show_choices, show_verification
from apps.workflow.signed.selectors import is_blinding, items_of, signed_page
from apps.workflow.visibility import live_findings
from apps.worklist.amending import reopen_item, signed_of
from apps.worklist.selectors import access_item

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from apps.accounts.types import Actor
    from apps.annotations.models import Reading
    from apps.worklist.models import WorkItem

PAGE = 50
_SALT = "overread.signed.cursor"


@transaction.atomic
def amend_item(
    *, actor: Actor, item_id: UUID, reason_code: str, reason_text: str
) -> WorkItem:
    """Take a done item in hand to amend its signed reading.

    Raises:
        Conflict: `blinded`: knowing it would spoil a read that is to be done without;
            and as `signed_of` and `start_amendment` say.
    """
    item = access_item(
        actor=actor, item_id=item_id, need=Permission.READING_SIGN, lock=True
    )
    reading = signed_of(actor=actor, item=item)
    if reading.reader_id != actor.user_id and is_blinding(actor=actor, item=item):
        raise Conflict(
            "blinded",
            "Another read of this study is to be done without knowing this one. "
            "Amend it when that is signed.",
        )
    draft = start_amendment(
        actor=actor,
        reading_id=reading.id,
        reason_code=reason_code,
        reason_text=reason_text,
        ai_state=item.ai_state,
        findings=live_findings(item=item),
    )
    return reopen_item(actor=actor, item=item, draft=draft)


@transaction.atomic
def list_signed(*, actor: Actor, mine: bool, text: str, cursor: str) -> dict[str, Any]:
    """Return a page of the signed readings that hold, newest first; audited."""
    if "\x00" in text:
        raise Invalid("invalid", "q: has a NUL character.", field="q")
    rows = signed_page(
        actor=actor,
        mine=mine,
        text=text[:100],
        after=read_moment(text=cursor, salt=_SALT),
        limit=PAGE + 1,
    )
    more, rows = len(rows) > PAGE, rows[:PAGE]
    last = rows[-1] if more else None
    return {
        "items": show_readings(actor=actor, rows=rows, asked={"mine": mine}),
        "next_cursor": last
        and write_moment(at=last.signed_at, row_id=last.id, salt=_SALT),
        "reasons": show_choices(AMEND_REASONS),
    }


def show_readings(
    *, actor: Actor, rows: Sequence[Reading], asked: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return readings as a person may see them, and record that they were read.

    Args:
        actor: Who asks.
        rows: What they may see.
        asked: What of, for the audit log.
    """
    items, before = items_of(readings=rows), chains(readings=rows)
    record(
        actor=actor,
        event=Event.READING_READ,
        patients=sorted({row.revision.study.patient_id for row in rows}),
        studies=sorted({row.revision.study_id for row in rows}),
        detail={"n": len(rows), **asked},
    )
    return [
        show_signed(actor=actor, row=row, item=items.get(row.id), before=before[row.id])
        for row in rows
    ]


def show_signed(
    *, actor: Actor, row: Reading, item: WorkItem | None, before: list[Reading]
) -> dict[str, Any]:
    """Return a signed reading as lists show it, with the versions before it."""
    study = row.revision.study
    patient = study.patient
    holder = item.lease_holder if item is not None and item.in_hand else None
    return {
        **_edition(row),
        "item_id": None if item is None else item.id,
        "mine": row.reader_id == actor.user_id,
        "may_amend": item is not None and may_amend(actor=actor, reading=row),
        "amended_by": None if holder is None else holder.display_name,
        "site": {"id": study.site_id, "name": study.site.name},
        "patient": {"name": patient.name, "id": patient.patient_id},
        "study": {
            "id": study.id,
            "description": study.description,
            "modality": "/".join(study.modalities),
            "study_date": study.study_date,
            "accession_number": study.accession_number,
        },
        "before": [_edition(one) for one in before],
        "verification": show_verification(reading=row),
    }


def _edition(row: Reading) -> dict[str, Any]:
    return {
        "id": row.id,
        "edition": row.edition,
        "signed_at": row.signed_at,
        "signed_by": row.signed_name,
        "reason": AMEND_REASONS.get(row.amend_code, ""),
        "reason_text": row.amend_text,
    }

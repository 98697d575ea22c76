"""Verbs of critical results: raised by a signature, reminded of, closed by a person."""

from __future__ import annotations

import logging
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, transaction

from apps.accounts.types import SYSTEM
from apps.audit.events import Event
from apps.audit.services import record
from apps.core import clock
from apps.core.errors import Conflict, Invalid
from apps.core.permissions import Permission
from apps.core.realtime import publish_change
from apps.reports.models import CriticalResult, CriticalState
from apps.workflow.critical.selectors import (
    access_critical,
    critical_codes,
    critical_statements,
    reminders_due,
    visible_critical,
)
from apps.workflow.critical.types import HOW, WHY_NOT, Told, parse_told
from apps.workflow.notices.telling import tell_reminder, untell_reminder
from apps.worklist.selectors import access_item

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from apps.accounts.types import Actor
    from apps.annotations.models import Reading
    from apps.workflow.critical.selectors import Statement
    from apps.worklist.models import WorkItem

log = logging.getLogger(__name__)
BATCH = 100
PAGE = 200


def remind_every() -> timedelta:
    """Return how long to wait between two reminders of an open result."""
    return timedelta(seconds=settings.CRITICAL_REMIND_S)


@transaction.atomic
def raise_critical(
    *, actor: Actor, item: WorkItem, reading: Reading, told: object = None
) -> list[CriticalResult]:
    """Record the critical findings of a reading that was just signed.

    One is raised of a label, however many places it was found at. An amendment goes
    on with what the versions before it raised: the same finding is not raised again,
    and one that was taken back is closed.

    Args:
        actor: The reader.
        item: The work item that was read.
        reading: Signed.
        told: `{source_id: …}` as `parse_told` reads it, of those already told: of a
            label it is enough to name one place.

    Raises:
        Invalid: What was told is of no critical finding of the reading, or a field
            of it is wrong: nothing is signed then.
    """
    said = critical_statements(reading=reading)
    given = _given(told, {one.source_id for one in said})
    before = _before(reading)
    rows = []
    for label, places in _by_label(said).items():
        one, row = places[0], before.pop(label, None)
        if row is None:
            row = CriticalResult.objects.create(
                site=item.site,
                study=reading.revision.study,
                reading=reading,
                item_id=item.id,
                source=one.source,
                source_id=one.source_id,
                label_scheme=one.scheme,
                label_code=one.code,
                label_display=one.display,
                n_places=len(places),
                raised_at=clock.now(),
                remind_at=clock.now() + remind_every(),
            )
            _audit(actor, Event.CRITICAL_RAISE, row)
        elif row.state == CriticalState.OPEN and row.n_places != len(places):
            row.n_places = len(places)
            row.save(update_fields=["n_places", "updated_at"])
        rows.append(row)
        answer = next(
            (given[at.source_id] for at in places if at.source_id in given), None
        )
        if answer is not None and row.state == CriticalState.OPEN:
            _close(actor=actor, row=row, told=answer)
    for row in before.values():
        if row.state == CriticalState.OPEN:
            _close(actor=actor, row=row, told=Told(reason_code="amended"))
    if rows or before:
        publish_change(site_id=item.site_id, kind="critical", object_id=item.id)
    return rows


def _by_label(said: Iterable[Statement]) -> dict[tuple[str, str], list[Statement]]:
    """Return what a reading says is there by label, with each place of it."""
    found: dict[tuple[str, str], list[Statement]] = {}
    for one in said:
        found.setdefault((one.scheme, one.code), []).append(one)
    return found


def _given(told: object, said: set[str]) -> dict[str, Told]:
    if told is None:
        return {}
    if not isinstance(told, dict):
        raise Invalid("invalid", "told: is an object.", field="told")
    strange = set(map(str, told)) - said
    if strange:
        raise Invalid(
            "invalid",
            "told: names something that is no critical finding of this reading.",
            field="told",
        )
    now = clock.now()
    return {str(key): parse_told(raw=raw, now=now) for key, raw in told.items()}


def _before(reading: Reading) -> dict[tuple[str, str], CriticalResult]:
    """Return what the versions before an amendment raised, by label."""
    versions: list[UUID] = []
    earlier = reading.amends
    while earlier is not None:
        versions.append(earlier.id)
        earlier = earlier.amends
    rows = (
        CriticalResult.objects.filter(reading_id__in=versions)
        .exclude(reason_code="amended")  # taken back: said again, it is raised again
        .order_by("raised_at")
    )
    return {(row.label_scheme, row.label_code): row for row in rows}


def _close(*, actor: Actor, row: CriticalResult, told: Told) -> None:
    for name, value in asdict(told).items():
        setattr(row, name, value)
    row.state = CriticalState.CLOSED
    row.closed_at = clock.now()
    row.closed_by_id = actor.user_id
    row.save()
    untell_reminder(row=row)
    detail = {
        "how": row.how,
        "read_back": row.read_back,
        "reason_code": row.reason_code,
        "after_s": round((row.closed_at - row.raised_at).total_seconds()),
    }
    _audit(actor, Event.CRITICAL_CLOSE, row, **detail)


def _audit(actor: Actor, event: Event, row: CriticalResult, **detail: Any) -> None:
    record(
        actor=actor,
        event=event,
        site_id=row.site_id,
        patients=[row.study.patient_id],
        studies=[row.study_id],
        object_kind="critical_result",
        object_id=row.id,
        detail={"label": row.label_code, **detail},
    )


@transaction.atomic
def close_critical(*, actor: Actor, critical_id: UUID, raw: object) -> dict[str, Any]:
    """Close a critical result: somebody was told, or there is a reason why not.

    Raises:
        Conflict: `closed`, with what was recorded, when somebody was quicker.
    """
    row = access_critical(
        actor=actor, critical_id=critical_id, need=Permission.CRITICAL_CLOSE
    )
    told = parse_told(raw=raw, now=clock.now())
    if row.state == CriticalState.CLOSED:
        name = row.closed_by.display_name if row.closed_by else "the portal"
        raise Conflict("closed", f"{name} has closed this result already.")
    _close(actor=actor, row=row, told=told)
    publish_change(site_id=row.site_id, kind="critical", object_id=row.id)
    row.refresh_from_db()
    return build_critical(actor=actor, row=row)


@transaction.atomic
def list_critical(*, actor: Actor, state: str) -> dict[str, Any]:
    """Return the critical results of the actor's sites, the oldest open one first."""
    if state not in {"", *CriticalState.values}:
        raise Invalid("invalid", "state: is open or closed.", field="state")
    rows = visible_critical(actor=actor)
    if state:
        rows = rows.filter(state=state)
    order = ("raised_at",) if state == CriticalState.OPEN else ("-raised_at",)
    found = list(rows.order_by(*order, "id")[:PAGE])
    record(
        actor=actor,
        event=Event.CRITICAL_READ,
        patients=sorted({row.study.patient_id for row in found}),
        studies=sorted({row.study_id for row in found}),
        detail={"n": len(found), "state": state},
    )
    return {
        "items": [build_critical(actor=actor, row=row) for row in found],
        "total": rows.count(),
        **choices(),
    }


@transaction.atomic
def critical_of_item(*, actor: Actor, item_id: UUID) -> dict[str, Any]:
    """Return what is critical at an item's site, and the results of its patient."""
    item = access_item(actor=actor, item_id=item_id, need=Permission.CRITICAL_READ)
    patient_id = item.case.revision.study.patient_id
    rows = list(
        visible_critical(actor=actor)
        .filter(study__patient_id=patient_id)
        .order_by("-raised_at")[:50]
    )
    record(
        actor=actor,
        event=Event.CRITICAL_READ,
        site_id=item.site_id,
        patients=[patient_id],
        studies=[item.case.revision.study_id],
        object_kind="item",
        object_id=item.id,
        detail={"n": len(rows)},
    )
    return {
        "codes": sorted(critical_codes(site_id=item.site_id)),
        "items": [build_critical(actor=actor, row=row) for row in rows],
        **choices(),
    }


def choices() -> dict[str, list[dict[str, str]]]:
    """Return what people choose from when they close a result."""
    return {
        "how": [{"code": code, "display": words} for code, words in HOW.items()],
        "why_not": [
            {"code": code, "display": words}
            for code, words in WHY_NOT.items()
            if code != "amended"
        ],
    }


def remind_critical() -> int:
    """Remind of every open result whose time has come; a lost one stops no other."""
    due = reminders_due(now=clock.now(), limit=BATCH)
    for critical_id in due:
        try:
            _remind(critical_id=critical_id)
        except DatabaseError as error:
            log.warning("a reminder failed: %s", type(error).__name__)
    return len(due)


@transaction.atomic
def _remind(*, critical_id: UUID) -> None:
    row = (
        CriticalResult.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("study", "reading")
        .filter(id=critical_id, state=CriticalState.OPEN, remind_at__lte=clock.now())
        .first()
    )
    if row is None:
        return
    row.reminders += 1
    row.remind_at = clock.now() + remind_every()
    row.save(update_fields=["reminders", "remind_at", "updated_at"])
    _audit(SYSTEM, Event.CRITICAL_REMIND, row, n=row.reminders)
    tell_reminder(row=row)
    publish_change(site_id=row.site_id, kind="critical", object_id=row.id)


def build_critical(*, actor: Actor, row: CriticalResult) -> dict[str, Any]:
    """Return a critical result as people see it (docs/architecture.md)."""
    patient, study = row.study.patient, row.study
    return {
        "id": row.id,
        "state": row.state,
        "item_id": row.item_id,
        "source_id": row.source_id,
        "site": {"id": row.site_id, "name": row.site.name},
        "patient": {"name": patient.name, "id": patient.patient_id},
        "study": {
            "id": row.study_id,
            "description": study.description,
            "modality": "/".join(study.modalities),
            "study_date": study.study_date,
            "accession_number": study.accession_number,
        },
        "label": {
            "scheme": row.label_scheme,
            "code": row.label_code,
            "display": row.label_display,
        },
        "n_places": row.n_places,
        "reader": _person(row.reading.reader),
        "mine": row.reading.reader_id == actor.user_id,
        "raised_at": row.raised_at,
        "remind_at": row.remind_at,
        "reminders": row.reminders,
        "told": _told(row),
    }


def _person(user: Any) -> Mapping[str, Any]:
    return {"id": user.id, "display_name": user.display_name}


def _told(row: CriticalResult) -> dict[str, Any] | None:
    if row.state != CriticalState.CLOSED:
        return None
    return {
        "told_to": row.told_to,
        "told_role": row.told_role,
        "how": HOW.get(row.how, ""),
        "told_at": row.told_at,
        "read_back": row.read_back,
        "reason": WHY_NOT.get(row.reason_code, ""),
        "reason_text": row.reason_text,
        "closed_at": row.closed_at,
        "closed_by": _person(row.closed_by) if row.closed_by else None,
    }

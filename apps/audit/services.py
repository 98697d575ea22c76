"""Writing to the audit log."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db import transaction

from apps.audit.events import Event, Outcome
from apps.audit.models import AuditRecord
from apps.audit.selectors import search_records
from apps.core import clock

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from uuid import UUID

    from apps.audit.selectors import AuditQuery, Page
    from apps.core.types import ActorLike


def record(
    *,
    actor: ActorLike,
    event: Event,
    site_id: UUID | None = None,
    patients: Iterable[UUID] = (),
    studies: Iterable[UUID] = (),
    object_kind: str = "",
    object_id: UUID | None = None,
    outcome: Outcome = Outcome.SUCCESS,
    detail: Mapping[str, Any] | None = None,
) -> AuditRecord:
    """Insert one record in the present transaction.

    When this fails, so does what it guards: call it inside the verb's transaction,
    or before an answer with patient data is given.

    Args:
        actor: Who did it.
        event: What; anything that is not an `Event` raises.
        site_id: Whose data or settings it concerned, if one site's.
        patients: Ids (ours) of the patients whose data was shown or changed.
        studies: Ids (ours) of the studies.
        object_kind: The kind of the object in the domain's words: `item`, `reading`.
        object_id: Its id.
        outcome: How it went.
        detail: Further JSON: codes, counts, reasons; never names of patients.

    Raises:
        ValueError: The event is not one that the log knows.
    """
    about = Subject(
        site_id=site_id,
        patients=patients,
        studies=studies,
        object_kind=object_kind,
        object_id=object_id,
        detail=detail or {},
    )
    made = _record_of(actor=actor, event=event, about=about, outcome=outcome)
    made.save()
    return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What one record of several is about; the fields are those of `record`."""

    site_id: UUID | None = None
    patients: Iterable[UUID] = ()
    studies: Iterable[UUID] = ()
    object_kind: str = ""
    object_id: UUID | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


def record_each(*, actor: ActorLike, event: Event, about: Iterable[Subject]) -> None:
    """Insert one record for each of many things that one action did, in one go.

    Args:
        actor: Who did it.
        event: What; anything that is not an `Event` raises.
        about: To what, one record each.
    """
    made = [_record_of(actor=actor, event=event, about=one) for one in about]
    AuditRecord.objects.bulk_create(made)


def _record_of(
    *,
    actor: ActorLike,
    event: Event,
    about: Subject,
    outcome: Outcome = Outcome.SUCCESS,
) -> AuditRecord:
    roles = actor.roles_at(about.site_id) if about.site_id else frozenset()
    return AuditRecord(
        at=clock.now(),
        event=Event(event).value,
        outcome=int(outcome),
        actor_kind=actor.kind,
        actor_id=actor.user_id,
        actor_name=actor.username[:150],
        actor_roles=sorted(roles),
        actor_sites=sorted(actor.site_ids),
        as_superuser=actor.is_superuser,
        session_hash=actor.session_key_hash,
        source_ip=actor.source_ip,
        site_id=about.site_id,
        patients=_unique(about.patients),
        studies=_unique(about.studies),
        object_kind=about.object_kind,
        object_id=about.object_id,
        detail=dict(about.detail),
    )


def _unique(ids: Iterable[UUID]) -> list[UUID]:
    return list(dict.fromkeys(ids))


@transaction.atomic
def read_audit(
    *, actor: ActorLike, query: AuditQuery, before_id: int | None, limit: int
) -> Page:
    """Return one page of the log; reading the log is itself on the record."""
    page = search_records(actor=actor, query=query, before_id=before_id, limit=limit)
    record(
        actor=actor,
        event=Event.AUDIT_READ,
        detail={
            "n": len(page.items),
            "events": list(query.events),
            "actor": query.actor,
            "from": query.since.isoformat() if query.since else None,
            "to": query.until.isoformat() if query.until else None,
            "q": query.q,
        },
    )
    return page

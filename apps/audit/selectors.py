"""Finding things in the audit log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Q, QuerySet

from apps.audit.models import AuditRecord
from apps.core.errors import Forbidden
from apps.core.permissions import Permission

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from apps.audit.events import Event
    from apps.core.types import ActorLike


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuery:
    """What to look for; an empty member does not filter.

    Attributes:
        events: Any of these events.
        actor: A login name, whole.
        since: Not before this moment.
        until: Before this moment.
        q: An id of ours (of a patient, study, object, account or site), or the
            beginning of a login name.
    """

    events: tuple[str, ...] = ()
    actor: str = ""
    since: datetime | None = None
    until: datetime | None = None
    q: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """Records, newest first, and where the next page begins."""

    items: list[AuditRecord]
    next_cursor: str | None


def visible_records(*, actor: ActorLike) -> QuerySet[AuditRecord]:
    """Records that the actor may read.

    Those of the sites whose log they read; of records of no site (a login), those
    of people who belonged to such a site at that moment. Superusers read all.

    Raises:
        Forbidden: The actor reads no site's log.
    """
    sites = actor.sites_with(Permission.AUDIT_READ)
    if actor.is_superuser:
        return AuditRecord.objects.all()
    if not sites:
        raise Forbidden("forbidden", "Your role does not read the audit log.")
    ids = list(sites)
    of_site = Q(site_id__in=ids)
    of_people = Q(site_id__isnull=True, actor_sites__overlap=ids)
    return AuditRecord.objects.filter(of_site | of_people)


def search_records(
    *, actor: ActorLike, query: AuditQuery, before_id: int | None, limit: int
) -> Page:
    """Return one page of what matches, newest first, below `before_id`."""
    records = _matching(visible_records(actor=actor), query)
    if before_id is not None:
        records = records.filter(id__lt=before_id)
    rows = list(records.order_by("-id")[: limit + 1])
    more = len(rows) > limit
    rows = rows[:limit]
    return Page(items=rows, next_cursor=str(rows[-1].id) if more else None)


def _matching(
    records: QuerySet[AuditRecord], query: AuditQuery
) -> QuerySet[AuditRecord]:
    wanted = Q()
    if query.events:
        wanted &= Q(event__in=query.events)
    if query.actor:
        wanted &= Q(actor_name=query.actor)
    if query.since:
        wanted &= Q(at__gte=query.since)
    if query.until:
        wanted &= Q(at__lt=query.until)
    if query.q:
        wanted &= _mentions(query.q.strip())
    return records.filter(wanted)


def _mentions(q: str) -> Q:
    try:
        known = UUID(q)
    except ValueError:
        return Q(actor_name__istartswith=q)
    return (
        Q(patients__contains=[known])
        | Q(studies__contains=[known])
        | Q(object_id=known)
        | Q(actor_id=known)
        | Q(site_id=known)
    )


def first_events(
    *, event: Event, studies: Iterable[UUID]
) -> dict[tuple[UUID, UUID], datetime]:
    """Return when each person first did something to each study.

    For the portal's own questions; nobody is shown these records.

    Args:
        event: What.
        studies: Ids (ours) of the studies that are asked about.

    Returns:
        (study, account) → moment.
    """
    asked = set(studies)
    rows = (
        AuditRecord.objects.filter(
            event=event.value, studies__overlap=list(asked), actor_id__isnull=False
        )
        .order_by("at")
        .values_list("studies", "actor_id", "at")
    )
    found: dict[tuple[UUID, UUID], datetime] = {}
    for about, actor_id, at in rows:
        if actor_id is None:
            continue
        for study_id in asked.intersection(about):
            found.setdefault((study_id, actor_id), at)
    return found

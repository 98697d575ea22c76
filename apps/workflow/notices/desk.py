"""A person's notifications as they see them, and their choices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction

from apps.accounts.models import User
from apps.audit.events import Event
from apps.audit.services import record
from apps.core.permissions import Permission
from apps.notifications import selectors, services
from apps.notifications.types import CHOICES, TITLES, Channel, Kind
from apps.workflow.cursors import read_moment, write_moment
from apps.worklist.selectors import items_by_id

if TYPE_CHECKING:
    from apps.accounts.types import Actor
    from apps.notifications.models import Notification, Webhook
    from apps.worklist.models import WorkItem

PAGE = 50
_SALT = "overread.notifications.cursor"


@transaction.atomic
def list_notices(*, actor: Actor, unread: bool, cursor: str) -> dict[str, Any]:
    """Return a page of what the actor was told, newest first; audited.

    Whose study it is stands there only where the actor may see the item now.
    """
    rows = selectors.notified_page(
        actor=actor,
        unread=unread,
        after=read_moment(text=cursor, salt=_SALT),
        limit=PAGE + 1,
    )
    more, rows = len(rows) > PAGE, rows[:PAGE]
    last = rows[-1] if more else None
    items = _items(actor=actor, rows=rows)
    record(
        actor=actor,
        event=Event.NOTIFICATION_LIST,
        patients=sorted({i.case.revision.study.patient_id for i in items.values()}),
        detail={"n": len(rows)},
    )
    return {
        "items": [
            _notice(row, items.get(row.item_id) if row.item_id else None)
            for row in rows
        ],
        "unread": selectors.count_unread(user_id=actor.person_id),
        "next_cursor": last and write_moment(at=last.at, row_id=last.id, salt=_SALT),
    }


def _items(*, actor: Actor, rows: list[Notification]) -> dict[UUID, WorkItem]:
    if not actor.sites_with(Permission.WORKLIST_READ):
        return {}
    ids = {row.item_id for row in rows if row.item_id is not None}
    return items_by_id(actor=actor, ids=ids)


def _notice(row: Notification, item: WorkItem | None) -> dict[str, Any]:
    about = None
    if item is not None:
        study = item.case.revision.study
        about = {
            "patient": study.patient.name,
            "study": study.description or "/".join(study.modalities),
            "state": item.state,
            "band": item.band,
        }
    return {
        "id": row.id,
        "kind": row.kind,
        "title": TITLES[Kind(row.kind)],
        "site": row.site.name if row.site else "",
        "item_id": row.item_id,
        "n": row.n,
        "at": row.at,
        "read_at": row.read_at,
        "about": about,
    }


def read_notices(*, actor: Actor, ids: list[UUID] | None) -> dict[str, int]:
    """Mark what the actor was told as read."""
    services.mark_read(actor=actor, ids=ids)
    return {"unread": selectors.count_unread(user_id=actor.person_id)}


def count_notices(*, actor: Actor) -> dict[str, int]:
    """Return how much the actor has not read."""
    return {"unread": selectors.count_unread(user_id=actor.person_id)}


def show_settings(*, actor: Actor) -> dict[str, Any]:
    """Return what the actor is told, how, and where messages go."""
    user = User.objects.get(id=actor.person_id)
    wanted = selectors.wanted_by(people=[user.pk])[user.pk]
    return {
        "kinds": [
            {
                "kind": kind,
                "title": TITLES[kind],
                "channels": {
                    channel.value: wanted[kind][channel] for channel in Channel
                },
            }
            for kind in CHOICES
        ],
        "email": {"address": user.email, "is_on": selectors.email_is_on()},
        "webhook": _webhook(selectors.webhook_of(actor=actor)),
    }


def _webhook(hook: Webhook | None) -> dict[str, Any] | None:
    if hook is None:
        return None
    return {
        "url": hook.url,
        "created_at": hook.created_at,
        "failed_since": hook.failed_since,
        "problem": hook.problem,
    }


def choose(*, actor: Actor, choices: dict[str, dict[str, bool]]) -> dict[str, Any]:
    """Keep the actor's choices."""
    services.choose_channels(actor=actor, choices=choices)
    return show_settings(actor=actor)


def set_webhook(*, actor: Actor, url: str) -> dict[str, Any]:
    """Set where the actor's messages are posted to; the secret is shown once."""
    hook, secret = services.set_webhook(actor=actor, url=url)
    return {"webhook": _webhook(hook), "secret": secret}

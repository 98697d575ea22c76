"""Views, settings and assignments of the list, as they go over the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Count

from apps.accounts.models import User
from apps.core.errors import Forbidden
from apps.core.permissions import Permission
from apps.core.presence import present_of
from apps.workflow.notices.telling import tell_assigned
from apps.workflow.rows import build_person, build_rows
from apps.worklist import assigning, saved_views
from apps.worklist.lines import read_lines
from apps.worklist.models import LISTED, WorkItem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from apps.accounts.types import Actor
    from apps.worklist.models import ListSettings, SavedView


def show_views(*, actor: Actor) -> dict[str, Any]:
    """Return a person's views and settings of the list."""
    if not actor.sites_with(Permission.WORKLIST_READ):
        raise Forbidden("forbidden", "Your role has no clinical worklist.")
    views = saved_views.views_for(actor=actor)
    first = saved_views.default_view(views=views)
    return {
        "items": [_view(actor, view) for view in views],
        "default": first.id if first else None,
        "settings": _settings(saved_views.settings_for(actor=actor)),
        "plain_columns": list(saved_views.PLAIN),
        "share_at": sorted(actor.sites_with(Permission.VIEW_MANAGE)),
    }


def _view(actor: Actor, view: SavedView) -> dict[str, Any]:
    may = view.site_id is None or actor.can(Permission.VIEW_MANAGE, view.site_id)
    return {
        "id": view.id,
        "name": view.name,
        "site": {"id": view.site_id, "name": view.site.name} if view.site else None,
        "is_default": view.is_default,
        "may_delete": may,
        "filters": view.filters,
        "sort": view.sort,
        "columns": view.columns,
    }


def _settings(kept: ListSettings) -> dict[str, Any]:
    return {"columns": kept.columns, "compact": kept.compact}


def keep_view(*, actor: Actor, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Save a view for oneself or a site."""
    rest = dict(wanted)
    view = saved_views.save_view(
        actor=actor, site_id=rest.pop("site"), name=rest.pop("name"), wanted=rest
    )
    return _view(actor, view)


def keep_settings(*, actor: Actor, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Save a person's columns."""
    return _settings(saved_views.keep_settings(actor=actor, **wanted))


@transaction.atomic
def show_readers(*, actor: Actor) -> list[dict[str, Any]]:
    """Return whom the actor may assign to, how much each has, and who is here."""
    readers = assigning.readers_of(actor=actor)
    ids = {user.pk for user, _ in readers}
    waiting = _per_person("assignee_id", ids)
    held = _per_person("lease_holder_id", ids)
    here = present_of(user_ids=ids)
    return [
        {
            **build_person(user),
            "sites": sorted(sites),
            "assigned": waiting.get(user.pk, 0),
            "reading": held.get(user.pk, 0),
            "here": user.pk in here,
        }
        for user, sites in readers
    ]


@transaction.atomic
def show_assignees(*, actor: Actor) -> list[dict[str, Any]]:
    """Return for whom the studies on the actor's list are, and how many, by name."""
    on_list = WorkItem.objects.filter(
        LISTED,
        site_id__in=actor.sites_with(Permission.WORKLIST_READ),
        assignee__isnull=False,
    )
    rows = on_list.order_by().values("assignee_id").annotate(n=Count("id"))
    counts = {row["assignee_id"]: row["n"] for row in rows}
    people = User.objects.filter(id__in=counts).order_by("display_name", "id")
    return [{**build_person(user), "assigned": counts[user.pk]} for user in people]


def _per_person(field: str, ids: set[UUID]) -> dict[UUID, int]:
    rows = (
        WorkItem.objects.filter(LISTED, **{f"{field}__in": ids})
        .values(field)
        .annotate(n=Count("id"))
    )
    return {row[field]: row["n"] for row in rows}


@transaction.atomic
def assign(*, actor: Actor, items: Sequence[UUID], to: UUID | None) -> dict[str, Any]:
    """Assign items to a reader, or to nobody."""
    done = assigning.assign_items(actor=actor, item_ids=items, to=to)
    if to is not None and to != actor.user_id and done.batch_id is not None:
        tell_assigned(to=to, batch_id=done.batch_id, items=done.items)
    return _assigned(actor, done)


@transaction.atomic
def undo_assign(*, actor: Actor, batch_id: UUID) -> dict[str, Any]:
    """Undo one's own assignment."""
    return _assigned(actor, assigning.undo_assignment(actor=actor, batch_id=batch_id))


def _assigned(actor: Actor, done: assigning.Assigned) -> dict[str, Any]:
    return {
        "batch": done.batch_id,
        "items": build_rows(
            actor=actor, found=read_lines(ids=[i.id for i in done.items])
        ),
        "refused": [
            {"id": one.item_id, "code": one.code, "detail": one.detail}
            for one in done.refused
        ],
    }

"""Views of the list that people keep: filters, order and columns under a name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.db import transaction
from django.db.models import Q

from apps.audit.events import Event
from apps.audit.services import record
from apps.core.errors import Conflict, Forbidden, Invalid, NotFound
from apps.core.permissions import Permission
from apps.worklist.models import ListSettings, SavedView

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from apps.accounts.types import Actor

MOST: Final = 30
"""Views that a person or a site may keep."""
COLUMNS: Final = (
    "rank",
    "band",
    "waiting",
    "patient",
    "study",
    "ai",
    "ai_state",
    "reader",
    "deadline",
    "body_part",
    "accession",
    "station",
    "study_date",
    "site",
    "images",
    "actions",
)
"""Every column that the list can show, in the order of the menu."""
PLAIN: Final = (
    "rank",
    "band",
    "waiting",
    "patient",
    "study",
    "ai",
    "ai_state",
    "reader",
    "actions",
)
"""The columns that a person has who chose none."""
ALWAYS: Final = frozenset({"rank", "band", "waiting"})
"""What tells how urgent a row is cannot be taken off the list."""


def check_columns(names: Sequence[str]) -> list[str]:
    """Return the columns to show.

    Raises:
        Invalid: One is unknown or named twice, or band, rank or waiting is missing.
    """
    chosen = list(names)
    if len(set(chosen)) != len(chosen) or not set(chosen) <= set(COLUMNS):
        raise Invalid("invalid", "columns: each of the known ones once.")
    if not set(chosen) >= ALWAYS:
        raise Invalid("invalid", "columns: rank, band and waiting are always shown.")
    return chosen


def views_for(*, actor: Actor) -> list[SavedView]:
    """Return one's own views and those of one's sites, one's own first, by name."""
    own = Q(owner_id=actor.person_id)
    sites = Q(site_id__in=actor.sites_with(Permission.WORKLIST_READ))
    found = SavedView.objects.filter(own | sites).select_related("site", "saved_by")
    return sorted(
        found, key=lambda view: (view.owner_id is None, view.name.lower(), view.id)
    )


def default_view(*, views: Sequence[SavedView]) -> SavedView | None:
    """Return the view to open with: one's own default, else a site's, else none."""
    defaults = [view for view in views if view.is_default]
    own = [view for view in defaults if view.owner_id is not None]
    return max(own or defaults, key=lambda view: view.updated_at, default=None)


@transaction.atomic
def save_view(
    *, actor: Actor, site_id: UUID | None, name: str, wanted: Mapping[str, Any]
) -> SavedView:
    """Keep a view for oneself, or for a site; the same name again replaces it.

    Args:
        actor: Who saves; for a site it takes `view:manage` there.
        site_id: The site; None for oneself.
        name: What its tab says.
        wanted: `filters`, `sort`, `columns`, `is_default`.

    Raises:
        Forbidden: The site's views are not the actor's to change.
        NotFound: There is no such site, or it is not the actor's.
        Conflict: There are too many already.
    """
    whose = _owner(actor=actor, site_id=site_id)
    title = name.strip()
    if not title:
        raise Invalid("invalid", "name: say how the view is called.", field="name")
    if site_id and (wanted["filters"].get("q") or "").strip():
        # What was searched for may name a patient; colleagues have no need of it.
        raise Invalid("invalid", "A view for all is saved without searched words.")
    mine = SavedView.objects.filter(**whose)
    if not mine.filter(name=title).exists() and mine.count() >= MOST:
        raise Conflict("too_many", f"There are {MOST} views already; delete one.")
    view, created = SavedView.objects.update_or_create(
        **whose,
        name=title,
        defaults={
            "saved_by_id": actor.person_id,
            "is_default": wanted["is_default"],
            "filters": wanted["filters"],
            "sort": wanted["sort"],
            "columns": check_columns(wanted["columns"]),
        },
    )
    record(
        actor=actor,
        event=Event.VIEW_SAVE,
        site_id=site_id,
        object_kind="view",
        object_id=view.id,
        detail={"scope": "site" if site_id else "user", "new": created},
    )
    return view


def _owner(*, actor: Actor, site_id: UUID | None) -> dict[str, Any]:
    if site_id is None:
        return {"owner_id": actor.person_id}
    if not actor.is_member(site_id):
        raise NotFound("not_found", "There is no such site, or it is not yours.")
    if not actor.can(Permission.VIEW_MANAGE, site_id):
        raise Forbidden("forbidden", "The site's views are kept by its clinical lead.")
    return {"site_id": site_id}


@transaction.atomic
def delete_view(*, actor: Actor, view_id: UUID) -> None:
    """Delete a view: one's own, or the site's with `view:manage`.

    Raises:
        NotFound: There is none, or it is somebody else's.
        Forbidden: It is the site's, and not the actor's to change.
    """
    view = SavedView.objects.filter(id=view_id).first()
    mine = view is not None and view.owner_id == actor.person_id
    if view is None or not (mine or view.site_id in actor.site_ids):
        raise NotFound("not_found", "There is no such view, or it is not yours.")
    if view.site_id and not actor.can(Permission.VIEW_MANAGE, view.site_id):
        raise Forbidden("forbidden", "The site's views are kept by its clinical lead.")
    record(
        actor=actor,
        event=Event.VIEW_DELETE,
        site_id=view.site_id,
        object_kind="view",
        object_id=view.id,
    )
    view.delete()


def settings_for(*, actor: Actor) -> ListSettings:
    """Return how the person likes the list; the plain way if they never said."""
    kept = ListSettings.objects.filter(user_id=actor.person_id).first()
    if kept is None:
        return ListSettings(user_id=actor.person_id, columns=list(PLAIN))
    return kept


@transaction.atomic
def keep_settings(
    *, actor: Actor, columns: Sequence[str], compact: bool
) -> ListSettings:
    """Keep the person's columns, in their order, and how tight rows are.

    It is no patient's data and nobody else's business: nothing goes on the record.
    """
    kept, _ = ListSettings.objects.update_or_create(
        user_id=actor.person_id,
        defaults={"columns": check_columns(columns), "compact": compact},
    )
    return kept

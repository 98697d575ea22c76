"""How a site's list is ordered: deadlines, weights, and the AI's off-switch."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction

from apps.accounts.models import Site
from apps.accounts.selectors import access_site
from apps.audit.events import Event
from apps.audit.services import record
from apps.core.errors import Invalid
from apps.core.permissions import Permission
from apps.core.realtime import publish_change
from apps.worklist.models import WorkItem
from apps.worklist.services import RANKED, apply_rank
from apps.worklist.types import ON_LIST

if TYPE_CHECKING:
    from uuid import UUID

    from apps.accounts.types import Actor

DEADLINES: Final = ("stat_deadline_s", "priority_deadline_s", "routine_deadline_s")
FRACTIONS: Final = ("base_rate", "critical_weight", "urgent_weight", "routine_weight")
POLICY: Final = (*DEADLINES, *FRACTIONS, "stat_in_a_row")
_SHORTEST_S: Final = 60
_LONGEST_S: Final = 30 * 24 * 3600
_MOST_IN_A_ROW: Final = 20


def read_policy(*, actor: Actor, site_id: UUID) -> Site:
    """Return a site whose list the actor may set the rules of."""
    return access_site(actor=actor, site_id=site_id, need=Permission.SITE_MANAGE)


@transaction.atomic
def set_policy(
    *, actor: Actor, site_id: UUID, policy: dict[str, Any], reason: str
) -> Site:
    """Set deadlines and weights of a site; its whole list is ranked anew.

    Args:
        actor: A lead or admin of the site.
        site_id: The site.
        policy: All of `POLICY`; deadlines in seconds, fractions from 0 to 1.
        reason: Why, for the record.

    Raises:
        Invalid: A value is out of range; the detail names it and the range.
    """
    site = access_site(actor=actor, site_id=site_id, need=Permission.SITE_MANAGE)
    _require_reason(reason)
    _require_sound(policy)
    site = Site.objects.select_for_update().get(id=site.id)
    moved = {
        name: [getattr(site, name), policy[name]]
        for name in POLICY
        if getattr(site, name) != policy[name]
    }
    if not moved:
        return site
    for name in moved:
        setattr(site, name, policy[name])
    site.save(update_fields=[*moved, "updated_at"])
    n_items = _rank_all(site)
    _record(actor, Event.SITE_CHANGE, site, reason, changes=moved, items=n_items)
    return site


@transaction.atomic
def set_ai_ordering(*, actor: Actor, site_id: UUID, enabled: bool, reason: str) -> Site:
    """Switch the AI's part in the order of a site's list on or off, in one action."""
    site = access_site(actor=actor, site_id=site_id, need=Permission.AI_SWITCH)
    _require_reason(reason)
    site = Site.objects.select_for_update().get(id=site.id)
    if site.ai_ordering == enabled:
        return site
    site.ai_ordering = enabled
    site.save(update_fields=["ai_ordering", "updated_at"])
    n_items = _rank_all(site)
    _record(actor, Event.AI_SWITCH, site, reason, enabled=enabled, items=n_items)
    return site


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise Invalid("invalid", "reason: say why.", field="reason")


def _require_sound(policy: dict[str, Any]) -> None:
    for name in DEADLINES:
        _require_between(name, policy[name], _SHORTEST_S, _LONGEST_S)
    for name in FRACTIONS:
        _require_between(name, policy[name], 0, 1)
    _require_between("stat_in_a_row", policy["stat_in_a_row"], 1, _MOST_IN_A_ROW)
    for sooner, later in itertools.pairwise(DEADLINES):
        if policy[sooner] > policy[later]:
            message = f"{sooner}: is later than {later}; a higher band comes first."
            raise Invalid("invalid", message, field=sooner)


def _require_between(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise Invalid("invalid", f"{name}: is {least} to {most}.", field=name)


def _rank_all(site: Site) -> int:
    """Rank everything on a site's list anew; return how much that is."""
    items = list(
        WorkItem.objects.select_for_update(of=("self",))
        .select_related("case__protocol")
        .filter(site=site, state__in=ON_LIST)
    )
    for item in items:
        item.site = site
        apply_rank(item)
        item.version += 1
    WorkItem.objects.bulk_update(items, [*RANKED, "version"], batch_size=1000)
    publish_change(site_id=site.id, kind="resync", object_id=site.id)
    return len(items)


def _record(
    actor: Actor, event: Event, site: Site, reason: str, **detail: object
) -> None:
    record(
        actor=actor,
        event=event,
        site_id=site.id,
        object_kind="site",
        object_id=site.id,
        detail={**detail, "reason": reason.strip()[:200]},
    )

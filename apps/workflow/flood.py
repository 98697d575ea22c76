"""Tell leads when AI makes more studies STAT than it is expected to."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db import transaction

from apps.accounts.models import Site
from apps.accounts.types import SYSTEM
from apps.audit.events import Event
from apps.audit.services import record
from apps.core import clock
from apps.core.permissions import Permission
from apps.notifications.selectors import people_who_may, was_told
from apps.notifications.services import forget, notify
from apps.notifications.types import Kind
from apps.worklist.flood import stat_share

AGAIN: Final = timedelta(hours=1)
"""After so long people are told once more, if it goes on."""


def watch_stat_share() -> int:
    """Look at every site's last hour; return how many are flooded.

    Whoever may switch the AI's part in the order is told, once an hour while it
    lasts; the audit keeps the counts.
    """
    return sum(_watch(site) for site in Site.objects.order_by("id"))


@transaction.atomic
def _watch(site: Site) -> bool:
    share = stat_share(site_id=site.id)
    if not share.is_flood:
        forget(kind=Kind.FLOOD, object_id=site.id)
        return False
    since = clock.now() - AGAIN
    if not was_told(kind=Kind.FLOOD, object_id=site.id, since=since):
        record(
            actor=SYSTEM,
            event=Event.LIST_FLOOD,
            site_id=site.id,
            object_kind="site",
            object_id=site.id,
            detail={
                "arrived": share.arrived,
                "stat": share.stat,
                "expected_share": round(share.expected, 4),
                "most_expected": share.most,
            },
        )
        notify(
            kind=Kind.FLOOD,
            people=people_who_may(permission=Permission.AI_SWITCH, site_id=site.id),
            site_id=site.id,
            object_id=site.id,
            n=share.stat,
        )
    return True

"""Numbered changes of a site, and the nudge to the sockets that follow it."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import connection, transaction
from django.db.models import Q

from apps.core import clock
from apps.core.layers import KeptLoopLayer
from apps.core.models import Change, SiteSequence

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from uuid import UUID

log = logging.getLogger(__name__)

KEPT_CHANGES = 10_000
"""How many changes a site keeps; a client that is further behind resynchronises."""

_PRUNE_EVERY = 500
_NEXT = """
    INSERT INTO core_sitesequence (site_id, last) VALUES (%s, %s)
    ON CONFLICT (site_id) DO UPDATE
    SET last = core_sitesequence.last + excluded.last
    RETURNING last
"""


def site_group(site_id: UUID) -> str:
    """Return the channel-layer group of everybody who follows the site."""
    return f"site.{site_id}"


def publish_change(*, site_id: UUID, kind: str, object_id: UUID) -> int:
    """Number a change in the present transaction and tell the sockets on commit.

    The site's sequence row stays locked until the transaction ends, so numbers
    have no gaps and become visible in their order. Call it late in the
    transaction: everybody else who writes to the site waits behind the lock.

    Returns:
        The number of the change, from 1.
    """
    return publish_changes(site_id=site_id, kind=kind, object_ids=[object_id])


def publish_changes(*, site_id: UUID, kind: str, object_ids: Sequence[UUID]) -> int:
    """Do the same for many changes of one kind, in their order and in one go.

    Args:
        site_id: The site of them all.
        kind: What changed.
        object_ids: The things that did, at least one.

    Returns:
        The number of the last.
    """
    n = len(object_ids)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_NEXT, [site_id, n])
            seq = int(cursor.fetchone()[0])
        now = clock.now()
        Change.objects.bulk_create(
            Change(site_id=site_id, seq=number, kind=kind, object_id=one, at=now)
            for number, one in enumerate(object_ids, start=seq - n + 1)
        )
        if seq // _PRUNE_EVERY > (seq - n) // _PRUNE_EVERY:
            prune_changes(site_id=site_id, last=seq)
        transaction.on_commit(partial(_announce, site_id, seq))
    return seq


def person_group(user_id: UUID) -> str:
    """Return the channel-layer group of one person's sockets."""
    return f"person.{user_id}"


def nudge_people(*, user_ids: Iterable[UUID]) -> None:
    """Tell people's sockets, on commit, that what they were told of has changed."""
    people = sorted(set(user_ids))
    if people:
        transaction.on_commit(partial(_nudge, people))


def _tell(layer: Any, group: str, message: dict[str, Any]) -> None:
    if isinstance(layer, KeptLoopLayer):
        layer.tell(group, message)
    else:
        async_to_sync(layer.group_send)(group, message)


def _nudge(people: list[UUID]) -> None:
    layer = get_channel_layer()
    if layer is None:
        return
    try:
        for user_id in people:
            _tell(layer, person_group(user_id), {"type": "notified"})
    except Exception as error:  # noqa: BLE001  any Redis or socket failure
        log.warning("A nudge failed (%s); pages ask again.", type(error).__name__)


def prune_changes(*, site_id: UUID, last: int, keep: int = KEPT_CHANGES) -> int:
    """Delete all but the newest `keep` changes of a site; return how many went."""
    removed, _ = Change.objects.filter(site_id=site_id, seq__lte=last - keep).delete()
    return removed


def last_seq(*, site_id: UUID) -> int:
    """Return the number of the site's newest committed change, 0 if none."""
    row = SiteSequence.objects.filter(site_id=site_id).first()
    return row.last if row else 0


def last_sequences(*, site_ids: Iterable[UUID]) -> dict[UUID, int]:
    """Return the newest committed number of each site, 0 where nothing happened."""
    wanted = list(site_ids)
    rows = SiteSequence.objects.filter(site_id__in=wanted)
    found = dict(rows.values_list("site_id", "last"))
    return {site_id: found.get(site_id, 0) for site_id in wanted}


def oldest_sequence(*, site_id: UUID) -> int | None:
    """Return the oldest number that is still kept for a site; None without any."""
    changes = Change.objects.filter(site_id=site_id).order_by("seq")
    return changes.values_list("seq", flat=True).first()


def changes_after(*, since: Mapping[UUID, int], limit: int) -> list[Change]:
    """Return the changes after each site's number, site by site in their order.

    Args:
        since: The sites, each with the number of the last change that is known.
        limit: At most so many of all sites together.
    """
    later = Q()
    for site_id, seq in since.items():
        later |= Q(site_id=site_id, seq__gt=seq)
    if not later:
        return []
    return list(Change.objects.filter(later).order_by("site_id", "seq")[:limit])


def nudge_site(*, site_id: UUID, message: Mapping[str, str]) -> None:
    """Tell the site's sockets, on commit, of what not all of its people may learn.

    It has no number: a gap in those would tell of it. Each socket decides for its
    person whether anything leaves, so the message names ids and nothing else. Who
    misses it sees the change with the next answer.

    Args:
        site_id: The site.
        message: `type` is the consumer's method.
    """
    transaction.on_commit(partial(_pass_on, site_id, dict(message)))


def _pass_on(site_id: UUID, message: dict[str, Any]) -> None:
    layer = get_channel_layer()
    if layer is None:
        return
    try:
        _tell(layer, site_group(site_id), message)
    except Exception as error:  # noqa: BLE001  any Redis or socket failure
        log.warning("A word to a site failed (%s).", type(error).__name__)


def _announce(site_id: UUID, seq: int) -> None:
    # The change is committed: whatever fails here, the socket's own poll of the
    # table catches up, so a failure is a log line and not an error of the writer.
    layer = get_channel_layer()
    if layer is None:
        return
    message = {"type": "changed", "site": str(site_id), "seq": seq}
    try:
        _tell(layer, site_group(site_id), message)
    except Exception as error:  # noqa: BLE001  any Redis or socket failure
        log.warning(
            "The live push of site %s failed (%s); sockets catch up by polling.",
            site_id,
            type(error).__name__,
        )

"""The live worklist: snapshot by REST, then numbered events on a socket.

The numbered changes in the database are the truth; the channel layer only says
"look again". So a lost message costs at most one tick, and never an event.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any
from uuid import UUID

from asgiref.sync import sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.db import InterfaceError, OperationalError, close_old_connections
from rest_framework.utils.encoders import JSONEncoder

from apps.accounts.selectors import actor_of_scope
from apps.audit.events import Event
from apps.audit.services import record
from apps.core import clock
from apps.core.permissions import Permission
from apps.core.presence import note_presence
from apps.core.realtime import (
    changes_after,
    last_sequences,
    oldest_sequence,
    person_group,
    site_group,
)
from apps.notifications.selectors import count_unread
from apps.workflow.lists.waiting import waiting_rows
from apps.workflow.rows import build_rows
from apps.workflow.visibility import blind_reads, visible_ai_of
from apps.worklist.lines import listed_lines
from apps.worklist.selectors import items_of_revision

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apps.accounts.types import Actor
    from apps.core.models import Change
    from apps.workflow.visibility import Blinds
    from apps.worklist.lines import Line, Lines

log = logging.getLogger(__name__)
TICK_S = 5.0
BATCH = 500
CLOSE_NOT_LOGGED_IN = 4401
CLOSE_NO_WORKLIST = 4403


class Delivery:
    """What one socket has been sent so far; its methods touch the database."""

    def __init__(self, *, scope: dict[str, Any]) -> None:
        """Begin with nothing delivered."""
        self.scope = scope
        self.sent: dict[UUID, int] = {}
        self.patients: set[UUID] = set()

    def actor(self) -> Actor | None:
        """Return who is on the socket now; None once the session has ended."""
        return actor_of_scope(self.scope)

    def heartbeat(self) -> Actor | None:
        """Return the same, and note that this person is here."""
        # To ask at each push whether the connection lives would cost as much as
        # a statement of the push itself.
        close_old_connections()
        actor = self.actor()
        if actor is not None:
            note_presence(user_id=actor.person_id)
        return actor

    def unread(self) -> int | None:
        """Return how many notifications wait; None once the session has ended."""
        actor = self.actor()
        return count_unread(user_id=actor.person_id) if actor else None

    def shown_items(self, *, revision_id: UUID) -> list[UUID]:
        """Return the items of a revision whose AI this person may see now."""
        actor = self.actor()
        if actor is None:
            return []
        sites = actor.sites_with(Permission.AI_READ)
        items = [
            item
            for item in items_of_revision(revision_id=revision_id)
            if item.site_id in sites
        ]
        sights = visible_ai_of(actor=actor, items=items)
        return [item.id for item in items if sights[item.id].visible]

    def sites(self) -> frozenset[UUID]:
        """Return the sites whose list this person may read now."""
        actor = self.actor()
        return actor.sites_with(Permission.WORKLIST_READ) if actor else frozenset()

    def begin(self, since: dict[str, Any]) -> list[dict[str, Any]]:
        """Start each site at the client's number; tell it where that is too old."""
        messages = []
        last = last_sequences(site_ids=self.sites())
        for site, newest in last.items():
            wanted = since.get(str(site))
            if isinstance(wanted, int) and _kept(site, wanted, newest):
                self.sent[site] = wanted
                continue
            self.sent[site] = newest
            messages.append(_resync(site, "the list moved on too far"))
        return messages

    def knows(self, *, site: UUID, seq: int) -> bool:
        """Say whether a change was sent, or is of a site that is not followed."""
        return self.sent.get(site, seq) >= seq

    def collect(self) -> tuple[list[dict[str, Any]], bool]:
        """Return the messages that bring the client up to date.

        Returns:
            The messages, and whether there is more than goes at once.
        """
        actor = self.actor()
        if actor is None:
            return [], False
        messages: list[dict[str, Any]] = []
        allowed = actor.sites_with(Permission.WORKLIST_READ)
        for site in self.sent.keys() - allowed:
            del self.sent[site]
            messages.append(_resync(site, "you no longer read at this site"))
        changes = changes_after(since=self.sent, limit=BATCH)
        by_site: dict[UUID, list[Change]] = defaultdict(list)
        for change in changes:
            by_site[change.site_id].append(change)
        for site, its in by_site.items():
            messages.append(self._site(actor=actor, site=site, changes=its))
        return messages, len(changes) == BATCH

    def _site(
        self, *, actor: Actor, site: UUID, changes: list[Change]
    ) -> dict[str, Any]:
        if any(change.kind == "resync" for change in changes):
            self.sent[site] = changes[-1].seq
            return _resync(site, "the order of the whole list changed")
        found, blinds = _listed(site, changes)
        rows = build_rows(actor=actor, found=found, blinds=blinds)
        off_list = _items(changes) - {UUID(line.id) for line in found.lines}
        waiting, done = waiting_rows(actor=actor, site_id=site, ids=off_list)
        shown = {row["id"]: row for row in (*rows, *done)}
        # On the record before anything leaves, in one statement: no transaction.
        self._audit_new(actor=actor, site=site, lines=(*found.lines, *waiting.lines))
        self.sent[site] = changes[-1].seq
        events = [_event(change, shown) for change in changes]
        return {"type": "events", "events": events, "now": clock.now()}

    def _audit_new(self, *, actor: Actor, site: UUID, lines: Iterable[Line]) -> None:
        fresh = {UUID(line.patient) for line in lines} - self.patients
        if not fresh:
            return
        record(
            actor=actor,
            event=Event.WORKLIST_PUSH,
            site_id=site,
            patients=sorted(fresh),
        )
        self.patients |= fresh


def _resync(site: UUID, reason: str) -> dict[str, Any]:
    return {"type": "resync", "site": site, "reason": reason}


def _kept(site: UUID, wanted: int, newest: int) -> bool:
    """Say whether every change after the client's number is still there."""
    oldest = oldest_sequence(site_id=site)
    return wanted <= newest and (oldest is None or wanted >= oldest - 1)


def _listed(site: UUID, changes: list[Change]) -> tuple[Lines, Blinds]:
    """Return those of the changed items that are on the site's list now.

    With them the reads of their studies that hide the AI.

    The sockets of a process that stand at the same numbers need the same: it is read
    once. A later change has a later number, so what is kept is never older than the
    last change that it is for.
    """
    key = (site, changes[0].seq, changes[-1].seq)
    kept = _KEPT.get(key)
    if kept is not None and time.monotonic() - kept[0] < KEPT_S:
        return kept[1:]
    found = listed_lines(site_id=site, ids=_items(changes))
    if len(_KEPT) >= KEPT_MOST:
        _KEPT.clear()
    blinds = blind_reads({line.study_id for line in found.lines})
    _KEPT[key] = (time.monotonic(), found, blinds)
    return found, blinds


KEPT_S = 5.0
KEPT_MOST = 64
_KEPT: dict[tuple[UUID, int, int], tuple[float, Lines, Blinds]] = {}


def _items(changes: Iterable[Change]) -> set[UUID]:
    return {change.object_id for change in changes if change.kind == "item"}


def _event(change: Change, rows: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {
        "site": change.site_id,
        "seq": change.seq,
        "kind": change.kind,
        "id": change.object_id,
        "item": rows.get(str(change.object_id)),
    }


class WorklistConsumer(AsyncJsonWebsocketConsumer):
    """`/ws/worklist` (docs/architecture.md)."""

    delivery: Delivery
    ticker: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        """Accept people who have a clinical worklist, and nobody else."""
        self.delivery = Delivery(scope=dict(self.scope))
        self.lock = asyncio.Lock()
        self.ready = False
        actor = await sync_to_async(self.delivery.heartbeat)()
        await self.accept()
        if actor is None:
            await self.close(code=CLOSE_NOT_LOGGED_IN)
            return
        if not actor.sites_with(Permission.WORKLIST_READ):
            await self.close(code=CLOSE_NO_WORKLIST)
            return
        for site in actor.sites_with(Permission.WORKLIST_READ):
            await self._join(site_group(site))
        await self._join(person_group(actor.person_id))
        self.ticker = asyncio.create_task(self._tick())

    async def _join(self, group: str) -> None:
        # Without the channel layer events still come, with the next tick.
        with contextlib.suppress(OSError, ConnectionError):
            await self.channel_layer.group_add(group, self.channel_name)

    async def disconnect(self, code: int) -> None:  # noqa: ARG002  # noqa: ARG002
        """Stop ticking."""
        if self.ticker is not None:
            self.ticker.cancel()

    async def receive_json(self, content: Any, **kwargs: Any) -> None:  # noqa: ARG002  # noqa: ARG002
        """Take the client's numbers and send what it missed."""
        if not isinstance(content, dict) or content.get("type") != "subscribe":
            await self.send_json(
                {"type": "error", "detail": "Send a subscribe message."}
            )
            return
        since = content.get("since")
        async with self.lock:
            messages = await sync_to_async(self.delivery.begin)(
                since if isinstance(since, dict) else {}
            )
            self.ready = True
        for message in messages:
            await self.send_json(message)
        await self._push()

    async def changed(self, event: dict[str, Any]) -> None:  # noqa: ARG002  # noqa: ARG002
        """The channel layer says that something changed."""
        await self._push()

    async def notified(self, event: dict[str, Any]) -> None:  # noqa: ARG002
        """The channel layer says that this person was told something, or read it."""
        unread = await sync_to_async(self.delivery.unread)()
        if unread is not None:
            await self.send_json({"type": "notified", "unread": unread})

    async def explained(self, event: dict[str, Any]) -> None:
        """It is known where findings come from: for those alone who may see them."""
        shown = await sync_to_async(self.delivery.shown_items)(
            revision_id=UUID(event["revision"])
        )
        for item_id in shown:
            await self.send_json({"type": "explained", "item": item_id})

    async def _push(self) -> None:
        if not self.ready:
            return
        async with self.lock:
            more = True
            while more:
                messages, more = await sync_to_async(self.delivery.collect)()
                for message in messages:
                    await self.send_json(message)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            try:
                actor = await sync_to_async(self.delivery.heartbeat)()
                if actor is None:
                    await self.close(code=CLOSE_NOT_LOGGED_IN)
                    return
                await self._push()
                await self.send_json(
                    {
                        "type": "tick",
                        "seq": {str(k): v for k, v in self.delivery.sent.items()},
                        "now": clock.now(),
                    }
                )
            except (InterfaceError, OperationalError):
                log.warning("worklist socket: the database is away; trying again")

    @classmethod
    async def encode_json(cls, content: Any) -> str:
        """Encode with ids and times as text, as REST does."""
        return JSONEncoder().encode(content)

    @classmethod
    async def decode_json(cls, text_data: str) -> Any:
        """Return what the client sent; None for what is no JSON."""
        try:
            return json.loads(text_data)
        except ValueError:
            return None

"""The live worklist: snapshot by REST, then numbered events on a socket.

The numbered changes in the database are the truth; the channel layer only says
"look again". So a lost message costs at most one tick, and never an event.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from typing import TYPE_CHECKING, Any
from uuid import UUID

from asgiref.sync import sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.db import OperationalError, close_old_connections, transaction
from rest_framework.utils.encoders import JSONEncoder

from apps.accounts.selectors import actor_of_scope
from apps.audit.events import Event
from apps.audit.services import record
from apps.core import clock
from apps.core.permissions import Permission
from apps.core.presence import note_presence
from apps.core.realtime import (
    changes_since,
    last_sequences,
    oldest_sequence,
    person_group,
    site_group,
)
from apps.notifications.selectors import count_unread
from apps.workflow.rows import build_row
from apps.workflow.serializers import RowSerializer
from apps.workflow.visibility import visible_ai_of
from apps.worklist.selectors import items_by_id
from apps.worklist.types import ON_LIST

if TYPE_CHECKING:
    from apps.accounts.types import Actor
    from apps.core.models import Change
    from apps.worklist.models import WorkItem

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
        close_old_connections()
        return actor_of_scope(self.scope)

    def heartbeat(self) -> Actor | None:
        """Return the same, and note that this person is here."""
        actor = self.actor()
        if actor is not None:
            note_presence(user_id=actor.person_id)
        return actor

    def unread(self) -> int | None:
        """Return how many notifications wait; None once the session has ended."""
        actor = self.actor()
        return count_unread(user_id=actor.person_id) if actor else None

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

    def collect(self) -> list[dict[str, Any]]:
        """Return the messages that bring the client up to date."""
        actor = self.actor()
        if actor is None:
            return []
        messages: list[dict[str, Any]] = []
        allowed = actor.sites_with(Permission.WORKLIST_READ)
        for site in list(self.sent):
            if site not in allowed:
                del self.sent[site]
                messages.append(_resync(site, "you no longer read at this site"))
                continue
            messages += self._site(actor=actor, site=site)
        return messages

    def _site(self, *, actor: Actor, site: UUID) -> list[dict[str, Any]]:
        with transaction.atomic():
            changes = changes_since(site_id=site, seq=self.sent[site], limit=BATCH)
            if not changes:
                return []
            if any(change.kind == "resync" for change in changes):
                self.sent[site] = changes[-1].seq
                return [_resync(site, "the order of the whole list changed")]
            items = _listed(actor, changes)
            self._audit_new(actor=actor, site=site, items=items)
        self.sent[site] = changes[-1].seq
        rows = _rows(actor, items)
        events = [_event(change, rows) for change in changes]
        return [{"type": "events", "events": events, "now": clock.now()}]

    def _audit_new(
        self, *, actor: Actor, site: UUID, items: dict[UUID, WorkItem]
    ) -> None:
        seen = {i.case.revision.study.patient_id for i in items.values()}
        fresh = seen - self.patients
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


def _listed(actor: Actor, changes: list[Change]) -> dict[UUID, WorkItem]:
    """Return those of the changed items that are on the actor's list now."""
    ids = {change.object_id for change in changes if change.kind == "item"}
    items = items_by_id(actor=actor, ids=ids)
    return {key: item for key, item in items.items() if item.state in ON_LIST}


def _rows(actor: Actor, items: dict[UUID, WorkItem]) -> dict[UUID, dict[str, Any]]:
    """Return the very shape of REST: a row must not depend on the way it came."""
    sights = visible_ai_of(actor=actor, items=items.values())
    return {
        key: dict(
            RowSerializer(build_row(actor=actor, item=item, sight=sights[key])).data
        )
        for key, item in items.items()
    }


def _event(change: Change, rows: dict[UUID, dict[str, Any]]) -> dict[str, Any]:
    return {
        "site": change.site_id,
        "seq": change.seq,
        "kind": change.kind,
        "id": change.object_id,
        "item": rows.get(change.object_id),
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

    async def _push(self) -> None:
        if not self.ready:
            return
        async with self.lock:
            while True:
                messages = await sync_to_async(self.delivery.collect)()
                for message in messages:
                    await self.send_json(message)
                if not any(message["type"] == "events" for message in messages):
                    return

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
            except OperationalError:
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

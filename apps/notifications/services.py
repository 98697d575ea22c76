"""Verbs of notifications: tell, read, choose."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction

from apps.audit.events import Event
from apps.audit.services import record
from apps.core import clock
from apps.core.errors import Invalid
from apps.core.queue import enqueue
from apps.core.realtime import nudge_people
from apps.core.steps import Step
from apps.interop.outbound import OutboundFailed, OutboundRefused, check_address
from apps.notifications.models import ChannelChoice, Delivery, Notification, Webhook
from apps.notifications.selectors import (
    email_is_on,
    wanted_by,
    webhook_of,
    webhook_secret,
    with_webhook,
)
from apps.notifications.types import CHOICES, Channel, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apps.accounts.types import Actor
    from apps.notifications.selectors import Wanted


@transaction.atomic
def notify(
    *,
    kind: Kind,
    people: Iterable[UUID],
    site_id: UUID,
    object_id: UUID,
    item_id: UUID | None = None,
    n: int = 1,
) -> int:
    """Tell people of something, each by the channels that they chose.

    Told of the same thing again, a person has it unread again, once.

    Args:
        kind: What it is.
        people: Ids of those to tell.
        site_id: Where it happened.
        object_id: What it is about; it names the thing, never a patient.
        item_id: The work item to open.
        n: How many studies it is about.

    Returns:
        How many people were told by any channel.
    """
    wanted = wanted_by(people=set(people))
    told = {user: by[kind] for user, by in wanted.items() if any(by[kind].values())}
    if not told:
        return 0
    now = clock.now()
    Notification.objects.bulk_create(
        [
            Notification(
                user_id=user,
                kind=kind,
                site_id=site_id,
                object_id=object_id,
                item_id=item_id,
                n=n,
                at=now,
                in_app=by[Channel.APP],
            )
            for user, by in sorted(told.items())
        ],
        update_conflicts=True,
        unique_fields=["user", "kind", "object_id"],
        update_fields=["at", "read_at", "n", "in_app", "item_id"],
    )
    rows = Notification.objects.filter(
        kind=kind, object_id=object_id, user_id__in=list(told)
    )
    hooked = with_webhook(people=told)
    for row in rows:
        channels = told[row.user_id]
        if channels[Channel.EMAIL] and email_is_on():
            _send(row, Channel.EMAIL)
        if channels[Channel.WEBHOOK] and row.user_id in hooked:
            _send(row, Channel.WEBHOOK)
    nudge_people(user_ids=[row.user_id for row in rows if row.in_app])
    return len(rows)


def _send(row: Notification, channel: Channel) -> None:
    delivery = Delivery.objects.create(
        notification=row, channel=channel, due_at=clock.now()
    )
    enqueue(Step.DELIVER_NOTIFICATION, delivery_id=str(delivery.id))


@transaction.atomic
def forget(*, kind: Kind, object_id: UUID) -> None:
    """Mark what people were told of a thing as read: it is over."""
    rows = Notification.objects.filter(
        kind=kind, object_id=object_id, read_at__isnull=True
    )
    people = list(rows.values_list("user_id", flat=True))
    rows.update(read_at=clock.now())
    nudge_people(user_ids=people)


@transaction.atomic
def mark_read(*, actor: Actor, ids: list[UUID] | None) -> None:
    """Mark notifications of the actor as read; all of them where `ids` is None."""
    rows = Notification.objects.filter(
        user_id=actor.person_id, read_at__isnull=True, in_app=True
    )
    if ids is not None:
        rows = rows.filter(id__in=ids)
    rows.update(read_at=clock.now())
    nudge_people(user_ids=[actor.person_id])


@transaction.atomic
def choose_channels(*, actor: Actor, choices: dict[str, dict[str, bool]]) -> Wanted:
    """Keep which kinds the actor wants by which channels.

    Args:
        actor: Whose choice it is.
        choices: Kind → channel → wanted; what is left out stays.

    Raises:
        Invalid: There is no such kind or channel.
    """
    kinds, channels = {k.value for k in CHOICES}, {c.value for c in Channel}
    for kind, by in choices.items():
        if kind not in kinds or set(by) - channels:
            raise Invalid("invalid", f"{kind}: no such kind or channel.", field=kind)
        for channel, wanted in by.items():
            ChannelChoice.objects.update_or_create(
                user_id=actor.person_id,
                kind=kind,
                channel=channel,
                defaults={"wanted": wanted},
            )
    record(
        actor=actor, event=Event.NOTIFICATION_CHOOSE, detail={"choices": dict(choices)}
    )
    return wanted_by(people=[actor.person_id])[actor.person_id]


@transaction.atomic
def set_webhook(*, actor: Actor, url: str) -> tuple[Webhook, str]:
    """Post the actor's messages to an address from now on; return its new secret.

    Raises:
        Invalid: The address is none that the portal posts to.
    """
    try:
        check_address(url, allowed=settings.WEBHOOK_ALLOW)
    except (OutboundRefused, OutboundFailed) as error:
        raise Invalid("invalid", f"url: {error}", field="url") from error
    Webhook.objects.filter(user_id=actor.person_id).delete()
    webhook = Webhook.objects.create(user_id=actor.person_id, url=url)
    record(
        actor=actor,
        event=Event.WEBHOOK_SET,
        object_kind="webhook",
        object_id=webhook.id,
        detail={"host": urlsplit(url).hostname or ""},
    )
    return webhook, webhook_secret(webhook=webhook)


@transaction.atomic
def remove_webhook(*, actor: Actor) -> None:
    """Post no more; without one it is no error."""
    webhook = webhook_of(actor=actor)
    if webhook is None:
        return
    record(
        actor=actor,
        event=Event.WEBHOOK_REMOVE,
        object_kind="webhook",
        object_id=webhook.id,
    )
    webhook.delete()


@transaction.atomic
def send_test(*, actor: Actor, channel: Channel) -> None:
    """Send the actor a message that says that messages come.

    Raises:
        Invalid: The channel leads nowhere yet.
    """
    if channel == Channel.WEBHOOK and webhook_of(actor=actor) is None:
        raise Invalid("invalid", "channel: say first where to post to.")
    if channel == Channel.EMAIL and not email_is_on():
        raise Invalid("invalid", "channel: this portal sends no e-mail.")
    if channel == Channel.APP:
        raise Invalid("invalid", "channel: is email or webhook.")
    row = Notification.objects.create(
        user_id=actor.person_id,
        kind=Kind.TEST,
        object_id=uuid4(),
        at=clock.now(),
        in_app=False,
    )
    _send(row, channel)

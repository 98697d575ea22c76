"""What leaves the portal: by e-mail and webhook, without a word on any patient."""

from __future__ import annotations

import hashlib
import hmac
import json
import smtplib
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction

from apps.accounts.types import SYSTEM
from apps.audit.events import Event
from apps.audit.services import record
from apps.core import clock
from apps.core.queue import enqueue
from apps.core.steps import Step
from apps.interop.outbound import OutboundFailed, OutboundRefused, post
from apps.notifications.models import Delivery, Notification, Webhook
from apps.notifications.selectors import deliveries_due, webhook_secret
from apps.notifications.types import (
    TITLES,
    Channel,
    DeliveryState,
    Kind,
    outside_words,
)

if TYPE_CHECKING:
    from datetime import datetime

MAX_ATTEMPTS: Final = 8
BATCH: Final = 100
KEPT: Final = timedelta(days=90)
CLAIM: Final = timedelta(minutes=2)
"""How long one try may take before another worker may try."""


class NotSent(Exception):
    """A message could not be sent.

    Attributes:
        final: Trying again cannot help.
    """

    def __init__(self, words: str, *, final: bool = False) -> None:
        """Keep the words, which name neither people nor addresses."""
        super().__init__(words)
        self.final = final


def deliver(*, delivery_id: UUID) -> None:
    """Try to send one message; a failure is tried again later, ever more slowly."""
    delivery = _claim(delivery_id)
    if delivery is None:
        return
    try:
        if delivery.notification.user.is_active:
            _SENDERS[Channel(delivery.channel)](delivery)
            _finish(delivery)
        else:
            _drop(delivery, "The account is closed.")
    except NotSent as error:
        _postpone(delivery, error)


@transaction.atomic
def _claim(delivery_id: UUID) -> Delivery | None:
    row = (
        Delivery.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("notification__user", "notification__site")
        .filter(id=delivery_id, state=DeliveryState.PENDING, due_at__lte=clock.now())
        .first()
    )
    if row is None:
        return None
    row.attempts += 1
    row.due_at = clock.now() + CLAIM
    row.save(update_fields=["attempts", "due_at", "updated_at"])
    return row


@transaction.atomic
def _finish(row: Delivery) -> None:
    row.state, row.problem, row.sent_at = DeliveryState.SENT, "", clock.now()
    row.save(update_fields=["state", "problem", "sent_at", "updated_at"])
    if row.channel == Channel.WEBHOOK:
        Webhook.objects.filter(user_id=row.notification.user_id).update(
            failed_since=None, problem=""
        )
    _audit(row)


@transaction.atomic
def _drop(row: Delivery, words: str) -> None:
    row.state, row.problem = DeliveryState.DROPPED, words
    row.save(update_fields=["state", "problem", "updated_at"])


@transaction.atomic
def _postpone(row: Delivery, error: NotSent) -> None:
    row.problem = str(error)[:200]
    given_up = error.final or row.attempts >= MAX_ATTEMPTS
    wait = pause_after(row.attempts)
    row.state = DeliveryState.FAILED if given_up else DeliveryState.PENDING
    row.due_at = clock.now() + wait
    row.save(update_fields=["state", "problem", "due_at", "updated_at"])
    if row.channel == Channel.WEBHOOK:
        hook = Webhook.objects.filter(user_id=row.notification.user_id).first()
        if hook is not None:
            hook.failed_since = hook.failed_since or clock.now()
            hook.problem = row.problem
            hook.save(update_fields=["failed_since", "problem", "updated_at"])
    if given_up:
        _audit(row)
        return
    enqueue(
        Step.DELIVER_NOTIFICATION,
        countdown=wait.total_seconds(),
        delivery_id=str(row.id),
    )


def pause_after(attempts: int) -> timedelta:
    """Return how long to wait after so many tries: 10 s, 20 s, … at most an hour."""
    return timedelta(seconds=min(10 * 2 ** (attempts - 1), 3600))


def _audit(row: Delivery) -> None:
    told = row.notification
    record(
        actor=SYSTEM,
        event=Event.NOTIFICATION_SEND,
        site_id=told.site_id,
        object_kind="notification",
        object_id=told.id,
        detail={
            "kind": told.kind,
            "channel": row.channel,
            "state": row.state,
            "attempts": row.attempts,
            "to": str(told.user_id),
        },
    )


def words_of(told: Notification) -> str:
    """Return what a message says."""
    site = told.site.name if told.site else ""
    return outside_words(kind=Kind(told.kind), site=site, n=told.n)


def _address() -> str:
    return f"{settings.PUBLIC_URL.rstrip('/')}/notifications"


def _email(row: Delivery) -> None:
    told = row.notification
    if not told.user.email:
        raise NotSent("The account has no e-mail address.", final=True)
    message = EmailMessage(
        subject=f"Overread: {TITLES[Kind(told.kind)]}",
        body=f"{words_of(told)}\n\nLog in to see it: {_address()}\n\n"
        "This message names no patient. What you are told, and how, you choose in "
        f"Overread: {_address()}/settings\n",
        to=[told.user.email],
        headers={"Auto-Submitted": "auto-generated"},
    )
    try:
        message.send()
    except smtplib.SMTPRecipientsRefused as error:
        raise NotSent("The mail server refuses the address.", final=True) from error
    except (smtplib.SMTPException, OSError) as error:
        name = type(error).__name__
        raise NotSent(f"The mail server did not take it ({name}).") from error


def _webhook(row: Delivery) -> None:
    told = row.notification
    hook = Webhook.objects.filter(user_id=told.user_id).first()
    if hook is None:
        raise NotSent("There is no webhook any more.", final=True)
    now = clock.now()
    body = json.dumps(
        {
            "id": str(told.id),
            "kind": told.kind,
            "title": TITLES[Kind(told.kind)],
            "text": words_of(told),
            "at": told.at.isoformat(),
            "url": _address(),
        }
    ).encode()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"Overread/{settings.SOFTWARE_VERSION}",
        "X-Overread-Kind": told.kind,
        "X-Overread-Delivery": str(row.id),
        **signed_headers(secret=webhook_secret(webhook=hook), at=now, body=body),
    }
    try:
        status = post(
            hook.url, body=body, headers=headers, allowed=settings.WEBHOOK_ALLOW
        )
    except OutboundRefused as error:
        raise NotSent(str(error), final=True) from error
    except OutboundFailed as error:
        raise NotSent(str(error)) from error
    if not 200 <= status < 300:
        raise NotSent(f"The webhook answered {status}.", final=status == 410)


def signed_headers(*, secret: str, at: datetime, body: bytes) -> dict[str, str]:
    """Return the headers by which a receiver knows that a message is ours and new.

    The signature is HMAC-SHA256 of `<timestamp>.<body>` with the webhook's secret.
    """
    stamp = str(int(at.timestamp()))
    digest = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256)
    return {
        "X-Overread-Timestamp": stamp,
        "X-Overread-Signature": f"sha256={digest.hexdigest()}",
    }


_SENDERS = {Channel.EMAIL: _email, Channel.WEBHOOK: _webhook}


def deliver_due() -> int:
    """Send what was lost on the way, and forget what is long read."""
    due = deliveries_due(now=clock.now(), limit=BATCH)
    for delivery_id in due:
        enqueue(Step.DELIVER_NOTIFICATION, delivery_id=str(delivery_id))
    Notification.objects.filter(at__lt=clock.now() - KEPT).delete()
    return len(due)

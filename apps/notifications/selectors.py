"""What a person was told, chose, and where messages go."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.db.models import Q
from django.utils.crypto import salted_hmac

from apps.accounts.models import Membership
from apps.accounts.roles import roles_that_may
from apps.notifications.models import ChannelChoice, Delivery, Notification, Webhook
from apps.notifications.types import CHOICES, DEFAULTS, Channel, DeliveryState, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apps.accounts.types import Actor
    from apps.core.permissions import Permission

Wanted = dict[Kind, dict[Channel, bool]]
Key = tuple[datetime, UUID]


def people_who_may(*, permission: Permission, site_id: UUID) -> list[UUID]:
    """Return the active people who hold a permission at a site by their roles."""
    rows = Membership.objects.filter(
        site_id=site_id, role__in=roles_that_may(permission), user__is_active=True
    )
    return list(rows.values_list("user_id", flat=True).distinct())


def was_told(*, kind: Kind, object_id: UUID, since: datetime) -> bool:
    """Say whether anybody was told of a thing since a moment, read or not."""
    return Notification.objects.filter(
        kind=kind, object_id=object_id, at__gt=since
    ).exists()


def wanted_by(*, people: Iterable[UUID]) -> dict[UUID, Wanted]:
    """Return what each person wants, by kind and channel."""
    people = list(people)
    found: dict[UUID, Wanted] = {
        user_id: {kind: dict(DEFAULTS) for kind in CHOICES} for user_id in people
    }
    for row in ChannelChoice.objects.filter(user_id__in=people):
        if row.kind in found[row.user_id]:
            found[row.user_id][Kind(row.kind)][Channel(row.channel)] = row.wanted
    return found


def with_webhook(*, people: Iterable[UUID]) -> set[UUID]:
    """Return those of the people who have said where to post to."""
    rows = Webhook.objects.filter(user_id__in=list(people))
    return set(rows.values_list("user_id", flat=True))


def webhook_of(*, actor: Actor) -> Webhook | None:
    """Return where the actor's messages are posted to."""
    return Webhook.objects.filter(user_id=actor.person_id).first()


def webhook_secret(*, webhook: Webhook) -> str:
    """Return the secret that signs what is posted; it is in no table."""
    return salted_hmac(
        "overread.notifications.webhook", str(webhook.id), algorithm="sha256"
    ).hexdigest()


def email_is_on() -> bool:
    """Say whether this portal can send e-mail at all."""
    return bool(settings.EMAIL_IS_ON)


def count_unread(*, user_id: UUID) -> int:
    """Return how many notifications a person has not read."""
    return Notification.objects.filter(
        user_id=user_id, read_at__isnull=True, in_app=True
    ).count()


def notified_page(
    *, actor: Actor, unread: bool, after: Key | None, limit: int
) -> list[Notification]:
    """Return what the actor was told in the app, newest first."""
    rows = Notification.objects.filter(
        user_id=actor.person_id, in_app=True
    ).select_related("site")
    if unread:
        rows = rows.filter(read_at__isnull=True)
    if after is not None:
        at, last = after
        rows = rows.filter(Q(at__lt=at) | Q(at=at, id__lt=last))
    return list(rows.order_by("-at", "-id")[:limit])


def deliveries_due(*, now: datetime, limit: int) -> list[UUID]:
    """Return the messages that are to be tried now, the longest due first."""
    rows = Delivery.objects.filter(state=DeliveryState.PENDING, due_at__lte=now)
    return list(rows.order_by("due_at").values_list("id", flat=True)[:limit])

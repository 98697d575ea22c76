"""Tables of notifications, of people's choices, and of what left the portal.

No row says whose study it is: names are read, with the reader's own rights, when a
notification is shown.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from apps.accounts.models import Site, User
from apps.core.models import BaseModel
from apps.notifications.types import Channel, DeliveryState, Kind


def _choices(values: type) -> list[tuple[str, str]]:
    return [(v.value, v.value) for v in values]  # type: ignore[attr-defined]


class Notification(BaseModel):
    """What one person was told, once for each thing: told again it is unread again.

    `object_id` is what it is about (a work item, a critical result, an assignment);
    `item_id` the work item to open, if there is one; `n` how many studies.
    """

    user = models.ForeignKey(
        User, on_delete=models.CASCADE, related_name="notifications"
    )
    site = models.ForeignKey(Site, null=True, on_delete=models.PROTECT)
    kind = models.CharField(max_length=16, choices=_choices(Kind))
    object_id = models.UUIDField()
    item_id = models.UUIDField(null=True)
    n = models.PositiveIntegerField(default=1)
    at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)
    in_app = models.BooleanField(default=True)

    class Meta:
        """One row for a person and a thing; the unread ones are counted often."""

        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user", "kind", "object_id"], name="notified_once"
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["user", "-at", "-id"], name="notified_newest"),
            models.Index(
                fields=["user"],
                name="notified_unread",
                condition=models.Q(read_at__isnull=True, in_app=True),
            ),
        ]


class ChannelChoice(BaseModel):
    """Whether a person wants a kind by a channel; without a row `DEFAULTS` holds."""

    user = models.ForeignKey(
        User, on_delete=models.CASCADE, related_name="channel_choices"
    )
    kind = models.CharField(max_length=16, choices=_choices(Kind))
    channel = models.CharField(max_length=8, choices=_choices(Channel))
    wanted = models.BooleanField()

    class Meta:
        """One choice each."""

        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user", "kind", "channel"], name="channel_chosen_once"
            )
        ]


class Webhook(BaseModel):
    """Where a person's messages are posted to. Its secret follows from its id."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="webhook")
    url = models.URLField(max_length=500)
    failed_since = models.DateTimeField(null=True)
    problem = models.CharField(max_length=200, blank=True, default="")


class Delivery(BaseModel):
    """One message that leaves the portal, or could not.

    While it is pending, `due_at` is when to try (again): whoever takes it moves that
    on first, so that a worker that dies does not lose it.
    """

    notification = models.ForeignKey(
        Notification, on_delete=models.CASCADE, related_name="deliveries"
    )
    channel = models.CharField(max_length=8, choices=_choices(Channel))
    state = models.CharField(
        max_length=8, choices=_choices(DeliveryState), default=DeliveryState.PENDING
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    problem = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        """What is due is found by one index scan."""

        indexes: ClassVar = [
            models.Index(
                fields=["due_at"],
                name="delivery_due",
                condition=models.Q(state="pending"),
            )
        ]

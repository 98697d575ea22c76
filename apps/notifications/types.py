"""Kinds of notifications, the ways they go, and their words. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """What somebody is told of."""

    STAT = "stat"
    ASSIGNED = "assigned"
    MENTION = "mention"
    CRITICAL = "critical"
    FLOOD = "flood"
    TEST = "test"


class Channel(StrEnum):
    """How somebody is told."""

    APP = "app"
    EMAIL = "email"
    WEBHOOK = "webhook"


class DeliveryState(StrEnum):
    """How far a message is that leaves the portal."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"
    DROPPED = "dropped"


CHOICES: Final = (
    Kind.STAT,
    Kind.ASSIGNED,
    Kind.MENTION,
    Kind.CRITICAL,
    Kind.FLOOD,
)
"""The kinds that a person chooses channels for."""

DEFAULTS: Final = {Channel.APP: True, Channel.EMAIL: False, Channel.WEBHOOK: False}
"""What holds until a person chooses: nothing leaves the portal unasked."""

TITLES: Final = {
    Kind.STAT: "New STAT study",
    Kind.ASSIGNED: "Assigned to you",
    Kind.MENTION: "You were mentioned",
    Kind.CRITICAL: "Critical result not told yet",
    Kind.FLOOD: "More STAT by AI than expected",
    Kind.TEST: "Test message",
}


def outside_words(*, kind: Kind, site: str, n: int) -> str:
    """Return what is said outside of the portal: never whose study it is.

    Args:
        kind: What it is about.
        site: The site's name.
        n: How many studies.
    """
    match kind:
        case Kind.STAT:
            return f"A study at {site} is STAT now."
        case Kind.ASSIGNED if n == 1:
            return f"A study at {site} was assigned to you."
        case Kind.ASSIGNED:
            return f"{n} studies at {site} were assigned to you."
        case Kind.MENTION:
            return f"A colleague mentioned you in the discussion of a study at {site}."
        case Kind.CRITICAL:
            return (
                f"A critical result that you signed at {site} waits: nobody was told "
                "of it yet."
            )
        case Kind.FLOOD:
            return (
                f"AI made {n} studies STAT at {site} within an hour, more than its "
                "usual share explains. Look at the list, and at the switch of AI "
                "ordering."
            )
        case Kind.TEST:
            return "Messages of Overread reach you here."

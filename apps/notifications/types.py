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
    SENT_BACK = "sent_back"
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
    Kind.SENT_BACK,
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
    Kind.SENT_BACK: "Reading sent back to you",
    Kind.TEST: "Test message",
}


def outside_words(*, kind: Kind, site: str, n: int) -> str:
    """Return what is said outside of the portal: never whose study it is.

    Args:
        kind: What it is about.
        site: The site's name.
        n: How many studies.
    """
    if kind is Kind.ASSIGNED and n == 1:
        return f"A study at {site} was assigned to you."
    return _OUTSIDE[kind].format(site=site, n=n)


_OUTSIDE: Final = {
    Kind.STAT: "A study at {site} is STAT now.",
    Kind.ASSIGNED: "{n} studies at {site} were assigned to you.",
    Kind.MENTION: ("A colleague mentioned you in the discussion of a study at {site}."),
    Kind.CRITICAL: (
        "A critical result that you signed at {site} waits: nobody was told of it yet."
    ),
    Kind.FLOOD: (
        "AI made {n} studies STAT at {site} within an hour, more than its usual share "
        "explains. Look at the list, and at the switch of AI ordering."
    ),
    Kind.SENT_BACK: (
        "A preliminary reading that you signed at {site} was sent back to you."
    ),
    Kind.TEST: "Messages of Overread reach you here.",
}

"""What too many tokens that are not good lead to: the same as wrong passwords.

A failure is a row among those of the log-in, under a key that no name has, so that
neither counts for the other: a program with a token that ran out must not keep the
people at its address from logging in.
"""

from __future__ import annotations

import hashlib
from typing import Final

from django.db import transaction
from django.db.models import Count, Max, Q
from django.utils.crypto import salted_hmac

from apps.accounts import sessions
from apps.accounts.models import ApiToken, LoginFailure
from apps.accounts.selectors import make_actor
from apps.accounts.types import Actor
from apps.audit.events import Event, Outcome
from apps.audit.services import record
from apps.core import clock

_KEY_LENGTH: Final = 64


def wait_for_token(*, secret: str, source_ip: str | None) -> int:
    """Return the seconds until a token from an address is looked at, 0 for now."""
    return _wait_s(_key_of(secret), source_ip)


@transaction.atomic
def note_failure(*, secret: str, source_ip: str | None) -> int:
    """Count a token that is not good, and put it on record.

    Args:
        secret: What was shown; only its keyed hash is kept.
        source_ip: Where from.

    Returns:
        The seconds to wait when others, at the same time, were too many; else 0.
    """
    key = _key_of(secret)
    sessions.lock_name(key[len(sessions.TOKEN_KEY) :])
    if wait_s := _wait_s(key, source_ip):
        return wait_s
    now = clock.now()
    LoginFailure.objects.filter(at__lte=now - sessions.WINDOW).delete()
    LoginFailure.objects.create(name_key=key, source_ip=source_ip, at=now)
    actor = _actor(secret, key, source_ip)
    detail = {"by": "token"}
    record(
        actor=actor,
        event=Event.SESSION_LOGIN_FAILED,
        outcome=Outcome.MINOR_FAILURE,
        detail=detail,
    )
    if wait_s := _wait_s(key, source_ip):
        record(
            actor=actor,
            event=Event.SESSION_LOCKED,
            outcome=Outcome.SERIOUS_FAILURE,
            detail={**detail, "retry_after_s": wait_s},
        )
    return 0


def _key_of(secret: str) -> str:
    digest = salted_hmac("overread.token", secret, algorithm="sha256").hexdigest()
    return (sessions.TOKEN_KEY + digest)[:_KEY_LENGTH]


def _actor(secret: str, key: str, source_ip: str | None) -> Actor:
    """Return whose token it was, where it ran out or was taken away."""
    digest = hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
    token = ApiToken.objects.select_related("user").filter(secret_hash=digest).first()
    if token is not None:
        return make_actor(user=token.user, source_ip=source_ip)
    name = f"unknown:{key[len(sessions.TOKEN_KEY) :][:12]}"
    return Actor(kind="user", username=name, source_ip=source_ip)


def _wait_s(key: str, source_ip: str | None) -> int:
    since = clock.now() - sessions.WINDOW
    by_token, by_ip = Q(name_key=key), Q(source_ip=source_ip)
    limits = {
        "pair": (by_token & by_ip, sessions.MAX_PER_PAIR),
        "token": (by_token, sessions.MAX_PER_NAME),
        "address": (by_ip, sessions.MAX_PER_ADDRESS),
    }
    counts = LoginFailure.objects.filter(
        by_token | by_ip, at__gt=since, name_key__startswith=sessions.TOKEN_KEY
    ).aggregate(
        **{name: Count("id", filter=which) for name, (which, _) in limits.items()},
        **{
            f"{name}_last": Max("at", filter=which)
            for name, (which, _) in limits.items()
        },
    )
    for name, (_, most) in limits.items():
        if counts[name] >= most:
            left = counts[f"{name}_last"] + sessions.WINDOW - clock.now()
            return max(1, int(left.total_seconds()))
    return 0

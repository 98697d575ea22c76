"""Personal API tokens: made, shown once, listed, taken away, and recognised."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.db.models import Q

from apps.accounts.models import ApiToken, User
from apps.accounts.selectors import make_actor
from apps.audit.events import Event
from apps.audit.services import record
from apps.core import clock
from apps.core.errors import Invalid, NotFound

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from django.db.models import QuerySet

    from apps.accounts.types import Actor

PREFIX: Final = "ovr_"
MAX_DAYS: Final = 365
_MAX_TOKENS: Final = 50
_USE_NOTED_EVERY: Final = timedelta(minutes=1)


class Scope(StrEnum):
    """What a token may be used for; its owner's rights are the other limit."""

    READ = "read"
    STORE = "store"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenUse:
    """Whoever shows a token, and what for it may be used."""

    user: User
    actor: Actor
    scopes: frozenset[Scope]


def _digest(secret: str) -> str:
    # 256 random bits need no slow hash.
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


@transaction.atomic
def create_token(
    *, actor: Actor, name: str, scopes: Iterable[Scope], days: int
) -> tuple[ApiToken, str]:
    """Make a token for the actor.

    Args:
        actor: The person who makes it for oneself.
        name: What its owner calls it.
        scopes: What it may be used for.
        days: Until it expires, 1 to 365.

    Returns:
        The token, and its secret, which nobody can be told again.
    """
    owner = User.objects.select_for_update().get(pk=actor.person_id)
    wanted = sorted({Scope(scope).value for scope in scopes})
    _require_sound(name=name, scopes=wanted, days=days)
    if live_tokens(actor=actor).count() >= _MAX_TOKENS:
        raise Invalid("too_many", f"At most {_MAX_TOKENS} tokens: take one away first.")
    secret = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        user=owner,
        name=name.strip(),
        hint=secret[:8],
        secret_hash=_digest(secret),
        scopes=wanted,
        expires_at=clock.now() + timedelta(days=days),
    )
    record(
        actor=actor,
        event=Event.TOKEN_CREATE,
        object_kind="token",
        object_id=token.id,
        detail={"scopes": wanted, "days": days},
    )
    return token, secret


def _require_sound(*, name: str, scopes: list[str], days: int) -> None:
    if not name.strip() or len(name) > 80 or "\x00" in name:
        raise Invalid("invalid", "name: is 1 to 80 letters.", field="name")
    if not scopes:
        raise Invalid("invalid", "scopes: say what it is for.", field="scopes")
    if not 1 <= days <= MAX_DAYS:
        raise Invalid("invalid", f"days: is 1 to {MAX_DAYS}.", field="days")


def live_tokens(*, actor: Actor) -> QuerySet[ApiToken]:
    """Return the actor's tokens that still work, newest first."""
    return ApiToken.objects.filter(
        user_id=actor.person_id, revoked_at=None, expires_at__gt=clock.now()
    ).order_by("-created_at")


@transaction.atomic
def revoke_token(*, actor: Actor, token_id: UUID) -> None:
    """Take one of the actor's own tokens away; it stops working at once."""
    token = (
        ApiToken.objects.select_for_update()
        .filter(id=token_id, user_id=actor.person_id, revoked_at=None)
        .first()
    )
    if token is None:
        raise NotFound("not_found", "There is no such token, or it is not yours.")
    token.revoked_at = clock.now()
    token.save(update_fields=["revoked_at", "updated_at"])
    record(
        actor=actor,
        event=Event.TOKEN_REVOKE,
        object_kind="token",
        object_id=token.id,
    )


def revoke_all_tokens(*, actor: Actor, user_id: UUID) -> int:
    """Take every live token of an account away; return how many there were.

    Called in the transaction in which the account's password was replaced.
    """
    live = ApiToken.objects.filter(
        user_id=user_id, revoked_at=None, expires_at__gt=clock.now()
    )
    gone = list(live.values_list("id", flat=True))
    live.update(revoked_at=clock.now())
    for token_id in gone:
        record(
            actor=actor,
            event=Event.TOKEN_REVOKE,
            object_kind="token",
            object_id=token_id,
        )
    return len(gone)


def recognise_token(*, secret: str, source_ip: str | None) -> TokenUse | None:
    """Return who shows a token; None when it is unknown, over, or its owner's is."""
    if not secret.startswith(PREFIX) or len(secret) > 100:
        return None
    now = clock.now()
    token = (
        ApiToken.objects.select_related("user")
        .filter(
            secret_hash=_digest(secret),
            revoked_at=None,
            expires_at__gt=now,
            user__is_active=True,
        )
        .first()
    )
    if token is None:
        return None
    ApiToken.objects.filter(
        Q(last_used_at=None) | Q(last_used_at__lt=now - _USE_NOTED_EVERY), id=token.id
    ).update(last_used_at=now)
    return TokenUse(
        user=token.user,
        actor=make_actor(
            user=token.user, session_key=f"token:{token.id}", source_ip=source_ip
        ),
        scopes=frozenset(Scope(scope) for scope in token.scopes),
    )

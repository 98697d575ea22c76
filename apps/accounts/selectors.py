"""Who is asking, and whom an admin may see."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from django.conf import settings
from django.contrib import auth
from django.contrib.sessions.backends.db import SessionStore
from django.db.models import Q, QuerySet

from apps.accounts.models import Membership, Role, Site, User
from apps.accounts.types import Actor
from apps.core.errors import DomainError, Forbidden, NotFound
from apps.core.permissions import Permission

if TYPE_CHECKING:
    from django.http import HttpRequest


class NotLoggedIn(DomainError):
    """There is no session, or it has ended."""

    default_status = 401

    def __init__(self) -> None:
        """Say it in plain words."""
        super().__init__("not_logged_in", "Please log in.")


def session_hash(session_key: str | None) -> str:
    """Return a name for a session that does not give the session away."""
    if not session_key:
        return ""
    return hashlib.sha256(f"overread:{session_key}".encode()).hexdigest()


def source_ip_of(remote: str | None, forwarded: str | None) -> str | None:
    """Return the client's address.

    Args:
        remote: Who opened the connection to us; None or empty on a local socket.
        forwarded: The `X-Real-IP` that our own nginx sets; believed only from it.
    """
    trusted = not remote or remote in settings.TRUSTED_PROXIES
    return (forwarded if trusted and forwarded else remote) or None


def make_actor(
    *, user: User, session_key: str | None = None, source_ip: str | None = None
) -> Actor:
    """Return the actor of an account, with its memberships (one query).

    With a password that somebody else set, the account is nothing anywhere.
    """
    if user.password_is_temporary:
        return Actor(
            kind="user",
            user_id=user.pk,
            username=user.username,
            display_name=user.display_name,
            session_key_hash=session_hash(session_key),
            source_ip=source_ip,
        )
    pairs = Membership.objects.filter(user_id=user.pk).values_list("site_id", "role")
    everywhere: frozenset[UUID] = frozenset()
    if user.is_superuser:
        everywhere = frozenset(Site.objects.values_list("id", flat=True))
    return Actor(
        kind="user",
        user_id=user.pk,
        username=user.username,
        display_name=user.display_name,
        session_key_hash=session_hash(session_key),
        source_ip=source_ip,
        memberships=tuple((site_id, Role(role)) for site_id, role in pairs),
        is_superuser=user.is_superuser,
        all_sites=everywhere,
    )


def actor_of(request: Any) -> Actor:
    """Return who makes this request (kept on it: one query of memberships).

    Raises:
        NotLoggedIn: Nobody is.
    """
    plain: HttpRequest = getattr(request, "_request", request)
    kept = getattr(plain, "overread_actor", None)
    if isinstance(kept, Actor):
        return kept
    user = getattr(plain, "user", None)
    if user is None or not user.is_authenticated:
        raise NotLoggedIn
    actor = make_actor(
        user=cast("User", user),
        session_key=plain.session.session_key,
        source_ip=request_ip(plain),
    )
    plain.overread_actor = actor  # type: ignore[attr-defined]
    return actor


def request_ip(request: HttpRequest) -> str | None:
    """Return the address of the request's client."""
    return source_ip_of(
        request.META.get("REMOTE_ADDR"), request.META.get("HTTP_X_REAL_IP")
    )


def actor_of_scope(scope: dict[str, Any]) -> Actor | None:
    """Return who is behind a socket *now*, or None.

    Reads session, account and memberships afresh from the database: call it again
    while the socket is open, and a logout, a lock or a revoked role bites. It
    blocks: a consumer calls it within `database_sync_to_async`.
    """
    key = scope.get("cookies", {}).get(settings.SESSION_COOKIE_NAME)
    if not key:
        return None
    user = _user_of_session(key)
    if user is None:
        return None
    headers = dict(scope.get("headers", []))
    forwarded = headers.get(b"x-real-ip", b"").decode("latin-1")
    client = scope.get("client") or (None,)
    return make_actor(
        user=user, session_key=key, source_ip=source_ip_of(client[0], forwarded)
    )


def _user_of_session(session_key: str) -> User | None:
    session = SessionStore(session_key)
    user_id = session.get(auth.SESSION_KEY)
    if user_id is None:
        return None
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None:
        return None
    expected = user.get_session_auth_hash()
    return user if session.get(auth.HASH_SESSION_KEY) == expected else None


def visible_users(*, actor: Actor) -> QuerySet[User]:
    """Accounts that the actor manages: members of their sites, and of none yet.

    Raises:
        Forbidden: The actor manages no accounts.
    """
    users = User.objects.prefetch_related("memberships__site")
    if actor.is_system or actor.is_superuser:
        return users
    sites = actor.sites_with(Permission.USER_MANAGE)
    if not sites:
        raise Forbidden("forbidden", "You do not manage accounts.")
    mine = Q(memberships__site_id__in=sites)
    unplaced = Q(memberships__isnull=True, is_superuser=False)
    return users.filter(mine | unplaced).distinct()


def access_user(*, actor: Actor, user_id: UUID) -> User:
    """Return one account that the actor manages."""
    user = visible_users(actor=actor).filter(pk=user_id).first()
    if user is None:
        raise NotFound("not_found", "There is no such account, or it is not yours.")
    return user


def access_site(*, actor: Actor, site_id: UUID, need: Permission) -> Site:
    """Return one site where the actor holds `need`."""
    site = Site.objects.filter(pk=site_id).first()
    if site is None or not actor.is_member(site_id):
        raise NotFound("not_found", "There is no such site, or it is not yours.")
    if not actor.can(need, site_id):
        raise Forbidden("forbidden", "Your role at this site does not allow this.")
    return site


def access_membership(*, actor: Actor, membership_id: UUID) -> Membership:
    """Return one membership at a site whose accounts the actor manages."""
    membership = (
        Membership.objects.select_related("user", "site")
        .filter(pk=membership_id)
        .first()
    )
    if membership is None or not actor.can(Permission.USER_MANAGE, membership.site_id):
        raise NotFound("not_found", "There is no such membership, or it is not yours.")
    return membership


def member_sites(*, actor: Actor) -> list[Site]:
    """Return the sites of the actor, by name; a superuser's are all."""
    ids = actor.all_sites if actor.is_superuser else actor.site_ids
    return list(Site.objects.filter(id__in=ids))

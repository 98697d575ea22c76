"""How a request with a personal API token becomes an actor.

Only addresses for other programs name this class; elsewhere a token opens nothing.
DRF imports this while it is itself being imported: no views from here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, Throttled

from apps.accounts.selectors import request_ip
from apps.accounts.token_failures import note_failure, wait_for_token
from apps.accounts.tokens import Scope, recognise_token
from apps.core.errors import Forbidden

if TYPE_CHECKING:
    from rest_framework.request import Request

    from apps.accounts.models import User
    from apps.accounts.types import Actor

_SCHEME = "bearer"


class TokenActor(BaseAuthentication):
    """`Authorization: Bearer …` in; account and actor out.

    A token that is not good is refused, even when a session came along: the
    program that sent it shall hear of it. After too many of them even a good one
    waits, as with passwords.
    """

    def authenticate(self, request: Request) -> tuple[User, Actor] | None:
        """Return account and actor, or None when no token was sent."""
        plain = request._request
        scheme, _, secret = plain.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != _SCHEME:
            return None
        shown: dict[str, Any] = {
            "secret": secret.strip(),
            "source_ip": request_ip(plain),
        }
        if wait_s := wait_for_token(**shown):
            raise Throttled(wait_s)
        use = recognise_token(**shown)
        if use is None:
            if wait_s := note_failure(**shown):
                raise Throttled(wait_s)
            raise AuthenticationFailed("This token is not (or no longer) good.")
        plain.overread_actor = use.actor  # type: ignore[attr-defined]
        plain.overread_scopes = use.scopes  # type: ignore[attr-defined]
        return use.user, use.actor

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002
        """Make a stranger's answer 401, and say how to log in."""
        return 'Bearer realm="Overread"'


def require_scope(request: Request, scope: Scope) -> None:
    """Refuse a token that was not made for this; a session may do all.

    Raises:
        Forbidden: The token has not this scope.
    """
    scopes = getattr(request._request, "overread_scopes", None)
    if scopes is not None and scope not in scopes:
        raise Forbidden("scope", f"This token was not made to {scope.value}.")

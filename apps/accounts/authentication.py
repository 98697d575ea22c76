"""How a REST request becomes an actor.

DRF imports this while it is itself being imported: no views from here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.authentication import SessionAuthentication

from apps.accounts.selectors import actor_of

if TYPE_CHECKING:
    from rest_framework.request import Request

    from apps.accounts.models import User
    from apps.accounts.types import Actor


class SessionActor(SessionAuthentication):
    """Session cookie in; `request.user` and the actor as `request.auth` out.

    CSRF is checked before anybody is logged in as well: a forged login would put a
    reader's work under somebody else's name.
    """

    def authenticate(self, request: Request) -> tuple[User, Actor] | None:
        """Return account and actor, or None for a stranger."""
        self.enforce_csrf(request)
        user = getattr(request._request, "user", None)
        if user is None or not user.is_authenticated:
            return None
        return user, actor_of(request)

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002
        """Make a stranger's answer 401, not 403."""
        return "Session"

"""Who may call a view at all; what they may touch is decided where it is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework.permissions import BasePermission

if TYPE_CHECKING:
    from rest_framework.request import Request
    from rest_framework.views import APIView

    from apps.core.permissions import Permission


class NotDeclared(BasePermission):
    """The default: a view that declares nothing answers nobody."""

    message = "This address declares no permission."

    def has_permission(self, request: Request, view: APIView) -> bool:  # noqa: ARG002
        """Refuse."""
        return False


class Open(BasePermission):
    """Anybody, logged in or not."""

    def has_permission(self, request: Request, view: APIView) -> bool:  # noqa: ARG002
        """Allow."""
        return True


class LoggedIn(BasePermission):
    """Anybody with a session."""

    def has_permission(self, request: Request, view: APIView) -> bool:  # noqa: ARG002
        """Ask for an authenticated account."""
        return bool(request.user.is_authenticated)


def holds(actor: Any, permission: Permission) -> bool:
    """Say whether the actor (None for a stranger) has it at one site at least.

    A superuser has it before the first site exists.
    """
    if actor is None:
        return False
    return bool(actor.is_superuser or actor.sites_with(permission))


def needs(permission: Permission) -> type[BasePermission]:
    """Return the class for views that need a permission at one site at least.

    The actor is `request.auth`, which the authentication put there.
    """

    class Needs(BasePermission):
        message = f"Your role does not allow {permission.value}."

        def has_permission(self, request: Request, view: APIView) -> bool:  # noqa: ARG002
            return holds(request.auth, permission)

    return Needs

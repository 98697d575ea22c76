"""What an admin may do to somebody's account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.passwords import require_strong
from apps.accounts.selectors import access_user
from apps.accounts.tokens import revoke_all_tokens
from apps.audit.events import Event
from apps.audit.services import record
from apps.core.errors import Conflict, Forbidden
from apps.core.permissions import Permission

if TYPE_CHECKING:
    from uuid import UUID

    from apps.accounts.types import Actor

CHANGEABLE = ("display_name", "email", "is_active")


@transaction.atomic
def change_person(*, actor: Actor, user_id: UUID, changes: dict[str, Any]) -> User:
    """Change name, e-mail or whether an account may be used.

    An account that may not be used any more loses its sessions and tokens with
    their next request. What its owner read and signed stays.

    Args:
        actor: An admin of every site where the person is something.
        user_id: Whose account.
        changes: Some of `CHANGEABLE`.

    Raises:
        NotFound: There is no such account that the actor manages.
        Forbidden: The person also works where the actor manages nobody.
        Conflict: The actor would lock themselves out.
    """
    user = _own(actor=actor, user_id=user_id)
    if changes.get("is_active") is False and user.pk == actor.user_id:
        raise Conflict("yourself", "Another admin has to close your own account.")
    wanted = {name: changes[name] for name in CHANGEABLE if name in changes}
    moved = {k: v for k, v in wanted.items() if getattr(user, k) != v}
    for name, value in moved.items():
        setattr(user, name, value)
    if moved:
        user.save(update_fields=[*moved, "updated_at"])
        _record(actor, Event.USER_CHANGE, user, changes=moved)
    return user


@transaction.atomic
def reset_password(*, actor: Actor, user_id: UUID, password: str) -> None:
    """Give somebody a password to log in with once, to choose one of their own.

    Their sessions and tokens end.

    Raises:
        NotFound: There is no such account that the actor manages.
        Forbidden: The person also works where the actor manages nobody.
        Conflict: It is the actor's own account.
        Invalid: The password is too weak; the detail says why.
    """
    user = _own(actor=actor, user_id=user_id)
    if user.pk == actor.user_id:
        raise Conflict("yourself", "Change your own password in your own menu.")
    require_strong(password, user)
    user.set_password(password)
    user.password_is_temporary = True
    user.save(update_fields=["password", "password_is_temporary", "updated_at"])
    revoke_all_tokens(actor=actor, user_id=user.pk)
    _record(actor, Event.USER_PASSWORD, user)


def _own(*, actor: Actor, user_id: UUID) -> User:
    """Return an account, locked, that is the actor's alone to change."""
    user = access_user(actor=actor, user_id=user_id)
    user = User.objects.select_for_update().get(pk=user.pk)
    if actor.is_superuser or actor.is_system:
        return user
    where = set(user.memberships.values_list("site_id", flat=True))
    if user.is_superuser or where - actor.sites_with(Permission.USER_MANAGE):
        raise Forbidden(
            "forbidden",
            "This account is not yours alone to change; ask a superuser. "
            "Roles at your own sites you can take away.",
        )
    return user


def _record(actor: Actor, event: Event, user: User, **detail: Any) -> None:
    record(
        actor=actor,
        event=event,
        object_kind="user",
        object_id=user.pk,
        detail={"username": user.username, **detail},
    )

"""Accounts, sites and memberships: every change is on the record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction

from apps.accounts.models import Membership, Role, Site, User
from apps.accounts.passwords import require_strong
from apps.accounts.selectors import (
    access_membership,
    access_site,
    access_user,
    visible_users,
)
from apps.audit.events import Event
from apps.audit.services import record
from apps.core.errors import Conflict, Forbidden
from apps.core.permissions import Permission

if TYPE_CHECKING:
    from uuid import UUID

    from apps.accounts.types import Actor


@transaction.atomic
def create_site(*, actor: Actor, name: str, code: str) -> Site:
    """Create a site; only the system and superusers may."""
    if not (actor.is_system or actor.is_superuser):
        raise Forbidden("forbidden", "Only a superuser creates sites.")
    try:
        with transaction.atomic():
            site = Site.objects.create(name=name, code=code)
    except IntegrityError:
        raise Conflict("taken", "There is a site of that name or code.") from None
    record(
        actor=actor,
        event=Event.SITE_CREATE,
        site_id=site.id,
        object_kind="site",
        object_id=site.id,
        detail={"code": code},
    )
    return site


@transaction.atomic
def create_user(
    *,
    actor: Actor,
    username: str,
    password: str | None,
    display_name: str,
    email: str = "",
    is_superuser: bool = False,
    temporary: bool = False,
) -> User:
    """Create an account; one without a password cannot log in.

    With a `temporary` password its owner has to choose another one first.

    Raises:
        Forbidden: The actor manages accounts nowhere, or is no superuser and asks
            for one.
        Invalid: The password is too weak; the detail says why.
        Conflict: The username is taken.
    """
    _may_create(actor, is_superuser=is_superuser)
    user = User(username=username, display_name=display_name, email=email)
    if password is not None:
        require_strong(password, user)
    try:
        with transaction.atomic():
            user = User.objects.create_user(
                username,
                password,
                display_name=display_name,
                email=email,
                is_superuser=is_superuser,
                password_is_temporary=temporary,
            )
    except IntegrityError:
        raise Conflict("taken", "There is an account of that name.") from None
    record(
        actor=actor,
        event=Event.USER_CREATE,
        object_kind="user",
        object_id=user.pk,
        detail={"username": username, "is_superuser": is_superuser},
    )
    return user


def _may_create(actor: Actor, *, is_superuser: bool) -> None:
    if actor.is_system or actor.is_superuser:
        return
    if is_superuser or not actor.sites_with(Permission.USER_MANAGE):
        raise Forbidden("forbidden", "You may not create this account.")


@transaction.atomic
def add_member(
    *,
    actor: Actor,
    username: str,
    password: str,
    display_name: str,
    site_id: UUID,
    role: Role,
    email: str = "",
) -> User:
    """Create an account together with its first role at a site.

    Its first password is the actor's, so it is temporary.
    """
    access_site(actor=actor, site_id=site_id, need=Permission.USER_MANAGE)
    user = create_user(
        actor=actor,
        username=username,
        password=password,
        display_name=display_name,
        email=email,
        temporary=True,
    )
    grant_membership(actor=actor, user_id=user.pk, site_id=site_id, role=role)
    return user


def list_users(*, actor: Actor) -> list[User]:
    """Return the accounts that the actor manages; the look is on the record."""
    users = list(visible_users(actor=actor))
    record(actor=actor, event=Event.USER_READ, detail={"n": len(users)})
    return users


@transaction.atomic
def grant_membership(
    *, actor: Actor, user_id: UUID, site_id: UUID, role: Role
) -> Membership:
    """Make an account something at a site; again is the same membership."""
    user = access_user(actor=actor, user_id=user_id)
    site = access_site(actor=actor, site_id=site_id, need=Permission.USER_MANAGE)
    membership, created = Membership.objects.get_or_create(
        user=user, site=site, role=Role(role).value
    )
    if created:
        record(
            actor=actor,
            event=Event.MEMBERSHIP_GRANT,
            site_id=site.id,
            object_kind="user",
            object_id=user.pk,
            detail={"username": user.username, "role": membership.role},
        )
    return membership


@transaction.atomic
def revoke_membership(*, actor: Actor, membership_id: UUID) -> None:
    """Take a role at a site from an account; bites with its next request."""
    membership = access_membership(actor=actor, membership_id=membership_id)
    record(
        actor=actor,
        event=Event.MEMBERSHIP_REVOKE,
        site_id=membership.site_id,
        object_kind="user",
        object_id=membership.user_id,
        detail={"username": membership.user.username, "role": membership.role},
    )
    membership.delete()

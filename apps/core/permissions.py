"""The names of what one may do, and the one door to object permissions.

Names follow `noun:verb` (`noun:part:verb`), as the audit events do. Membership
of a site with a role is the main filter (`apps.accounts`); a permission on one
object is the exception, kept by django-guardian, and only ever read or written
here. Whoever grants or revokes also records it (`apps.audit`): core cannot.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.apps import apps
from django.contrib.auth.models import Permission as StoredPermission
from django.contrib.contenttypes.models import ContentType
from django.db import models

from apps.core.types import Permission as Permission

if TYPE_CHECKING:
    from apps.core.types import ActorLike


def _allowed(model: type[models.Model]) -> frozenset[Permission]:
    declared: frozenset[Permission] = getattr(
        model, "allowed_object_permissions", frozenset()
    )
    return declared


def _require_declared(model: type[models.Model], permission: Permission) -> None:
    if permission not in _allowed(model):
        message = (
            f"{model.__name__} does not declare {permission} in "
            "allowed_object_permissions"
        )
        raise ValueError(message)


def _rows() -> Any:
    return apps.get_model("guardian", "UserObjectPermission").objects


def grant_object(*, user_id: UUID, permission: Permission, obj: models.Model) -> bool:
    """Let one account use one object; return False if it already could.

    Raises:
        ValueError: The object's model does not declare the permission.
    """
    _require_declared(type(obj), permission)
    content_type = ContentType.objects.get_for_model(obj)
    stored, _ = StoredPermission.objects.get_or_create(
        content_type=content_type,
        codename=permission.value,
        defaults={"name": f"On one object: {permission.value}"},
    )
    _, created = _rows().get_or_create(
        user_id=user_id,
        permission=stored,
        content_type=content_type,
        object_pk=str(obj.pk),
    )
    return bool(created)


def revoke_object(*, user_id: UUID, permission: Permission, obj: models.Model) -> bool:
    """Take an object's permission from one account; return False if it had none."""
    _require_declared(type(obj), permission)
    removed, _ = (
        _rows()
        .filter(
            user_id=user_id,
            permission__codename=permission.value,
            content_type=ContentType.objects.get_for_model(obj),
            object_pk=str(obj.pk),
        )
        .delete()
    )
    return bool(removed)


def has_object_permission(
    *, actor: ActorLike, permission: Permission, obj: models.Model
) -> bool:
    """Say whether this very object was shared with the actor for this.

    A model that does not declare the permission answers no. Roles at sites are
    not looked at: that is `actor.can`.
    """
    if actor.user_id is None or permission not in _allowed(type(obj)):
        return False
    found: bool = (
        _rows()
        .filter(
            user_id=actor.user_id,
            user__is_active=True,
            permission__codename=permission.value,
            content_type=ContentType.objects.get_for_model(obj),
            object_pk=str(obj.pk),
        )
        .exists()
    )
    return found


def objects_shared_with(
    *, actor: ActorLike, permission: Permission, model: type[models.Model]
) -> list[UUID]:
    """Return the ids of the model's objects that were shared with the actor."""
    if actor.user_id is None or permission not in _allowed(model):
        return []
    keys = (
        _rows()
        .filter(
            user_id=actor.user_id,
            user__is_active=True,
            permission__codename=permission.value,
            content_type=ContentType.objects.get_for_model(model),
        )
        .values_list("object_pk", flat=True)
    )
    return [UUID(key) for key in keys]

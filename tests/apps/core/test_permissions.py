"""Names have a grammar; an object's permission goes through one door."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.apps import apps as django_apps

from apps.accounts.models import Site
from apps.accounts.selectors import make_actor
from apps.accounts.types import SYSTEM
from apps.core.permissions import (
    Permission,
    grant_object,
    has_object_permission,
    objects_shared_with,
    revoke_object,
)

READ = Permission.STUDY_READ


@pytest.fixture
def shareable(monkeypatch):
    """Any model will do: the sites pretend to be shareable."""
    monkeypatch.setattr(
        Site, "allowed_object_permissions", frozenset({READ}), raising=False
    )


@pytest.mark.parametrize("permission", list(Permission))
def test_names_are_noun_and_verb(permission):
    assert re.fullmatch(r"[a-z_]+(:[a-z_]+){1,2}", permission.value)
    assert permission.name == permission.value.replace(":", "_").upper()


def test_what_is_granted_is_had_until_it_is_revoked(worlds, shareable):
    person, obj, other = worlds.person("radiologist@b"), worlds.a.site, worlds.b.site
    actor = make_actor(user=person)
    assert not has_object_permission(actor=actor, permission=READ, obj=obj)
    assert grant_object(user_id=person.pk, permission=READ, obj=obj)
    assert not grant_object(user_id=person.pk, permission=READ, obj=obj)
    assert has_object_permission(actor=actor, permission=READ, obj=obj)
    assert not has_object_permission(actor=actor, permission=READ, obj=other)
    assert objects_shared_with(actor=actor, permission=READ, model=Site) == [obj.pk]
    stranger = make_actor(user=worlds.person("radiologist@a"))
    assert not has_object_permission(actor=stranger, permission=READ, obj=obj)
    assert revoke_object(user_id=person.pk, permission=READ, obj=obj)
    assert not revoke_object(user_id=person.pk, permission=READ, obj=obj)
    assert not has_object_permission(actor=actor, permission=READ, obj=obj)
    assert objects_shared_with(actor=actor, permission=READ, model=Site) == []


def test_an_undeclared_permission_cannot_be_granted_and_is_never_had(worlds, shareable):
    person = worlds.person("radiologist@b")
    pixels = Permission.STUDY_PIXELS_READ
    with pytest.raises(ValueError, match="does not declare study:pixels:read"):
        grant_object(user_id=person.pk, permission=pixels, obj=worlds.a.site)
    with pytest.raises(ValueError, match="User does not declare"):
        grant_object(user_id=person.pk, permission=READ, obj=person)
    actor = make_actor(user=person)
    assert not has_object_permission(actor=actor, permission=pixels, obj=worlds.a.site)


def test_an_account_that_was_shut_off_has_nothing(worlds, shareable):
    person = worlds.person("radiologist@b")
    grant_object(user_id=person.pk, permission=READ, obj=worlds.a.site)
    actor = make_actor(user=person)
    person.is_active = False
    person.save()
    assert not has_object_permission(actor=actor, permission=READ, obj=worlds.a.site)


def test_machines_have_no_object_permissions(
    worlds, shareable, django_assert_num_queries
):
    with django_assert_num_queries(0):
        assert not has_object_permission(
            actor=SYSTEM, permission=READ, obj=worlds.a.site
        )
        assert objects_shared_with(actor=SYSTEM, permission=READ, model=Site) == []


def test_guardian_is_used_in_one_file_only():
    root = Path(__file__).parents[3]
    users = {
        path.relative_to(root).as_posix()
        for folder in ("apps", "portal")
        for path in (root / folder).rglob("*.py")
        if re.search(r"(import|from) guardian|\"guardian\"", path.read_text())
    }
    assert users == {"apps/core/permissions.py", "portal/settings/base.py"}


def test_models_declare_frozensets_of_known_permissions():
    for model in django_apps.get_models():
        declared = getattr(model, "allowed_object_permissions", frozenset())
        assert isinstance(declared, frozenset)
        assert all(isinstance(p, Permission) for p in declared)

"""The table of roles, written down a second time, by hand."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import uuid4

import pytest

from apps.accounts.models import Role
from apps.accounts.permissions import ROLE_PERMISSIONS
from apps.accounts.roles import roles_that_may
from apps.accounts.selectors import make_actor, member_sites
from apps.accounts.types import SYSTEM, Actor, worker_actor
from apps.core.permissions import Permission as P

#        radiologist, resident, specialist, annotator, clinical lead, admin, service
TABLE = {
    P.STUDY_READ: "rjS.c..",
    P.STUDY_PIXELS_READ: "rjS....",
    P.STUDY_IMPORT: "rjS..as",
    P.STUDY_SHARE: "....c..",
    P.WORKLIST_READ: "rjS.c..",
    P.ITEM_LEASE: "rjS....",
    P.ITEM_BAND: "rjS.c..",
    P.ITEM_ASSIGN: "....c..",
    P.VIEW_MANAGE: "....c..",
    P.READING_READ: "rjS....",
    P.READING_WRITE: "rjS....",
    P.READING_SIGN: "rjS....",
    P.READING_VERIFY: "r.S....",
    P.ITEM_SPECIALIST: "..S....",
    P.READING_AMEND: "....c..",
    P.CRITICAL_READ: "rjS.c..",
    P.CRITICAL_CLOSE: "rjS.c..",
    P.PROTOCOL_MANAGE: "....cA.",
    P.LAYOUT_MANAGE: "....c..",
    P.LABEL_READ: "...a...",
    P.LABEL_LEASE: "...a...",
    P.LABEL_WRITE: "...a...",
    P.LABEL_SIGN: "...a...",
    P.AI_READ: "rjS.c..",
    P.AI_SWITCH: "....cA.",
    P.MODEL_MANAGE: ".....A.",
    P.INSIGHTS_READ: "....c..",
    P.QUARANTINE_MANAGE: ".....A.",
    P.AE_TITLE_MANAGE: ".....A.",
    P.SITE_MANAGE: "....cA.",
    P.USER_MANAGE: ".....A.",
    P.AUDIT_READ: ".....A.",
    P.HEALTH_READ: ".....A.",
    P.EXPORT_READ: "....cA.",
    P.DEAD_LETTER_RETRY: ".....A.",
    P.MACHINE_WORK: "......s",
}
ORDER = [
    Role.RADIOLOGIST,
    Role.RESIDENT,
    Role.SPECIALIST,
    Role.ANNOTATOR,
    Role.CLINICAL_LEAD,
    Role.ADMIN,
    Role.SERVICE,
]


def test_the_table_is_whole():
    assert set(TABLE) == set(P)
    assert set(ORDER) == set(Role) == set(ROLE_PERMISSIONS)


@pytest.mark.parametrize("permission", list(P))
@pytest.mark.parametrize("role", list(Role))
def test_each_role_may_exactly_this_and_only_at_its_site(role, permission):
    here, elsewhere = uuid4(), uuid4()
    actor = Actor(kind="user", user_id=uuid4(), memberships=((here, role),))
    expected = TABLE[permission][ORDER.index(role)] != "."
    assert actor.can(permission, here) is expected
    assert not actor.can(permission, elsewhere)
    assert actor.sites_with(permission) == (
        frozenset({here}) if expected else frozenset()
    )


def test_the_table_cannot_be_changed_while_running():
    with pytest.raises(TypeError):
        ROLE_PERMISSIONS[Role.ADMIN] = frozenset(P)  # type: ignore[index]


def test_roles_add_up_per_site():
    one, two = uuid4(), uuid4()
    actor = Actor(
        kind="user",
        memberships=((one, Role.ADMIN), (one, Role.RADIOLOGIST), (two, Role.ADMIN)),
    )
    assert actor.sites_with(P.USER_MANAGE) == {one, two}
    assert actor.sites_with(P.READING_SIGN) == {one}
    assert actor.roles_at(one) == {"admin", "radiologist"}
    assert actor.is_member(two)
    assert not actor.is_member(uuid4())


def test_somebody_without_a_role_may_nothing():
    actor = Actor(kind="user", user_id=uuid4())
    assert not any(actor.can(p, uuid4()) for p in P)
    assert actor.permissions() == frozenset()


def test_a_worker_is_a_member_of_nothing():
    actor = worker_actor(name="gpu")
    assert not any(actor.can(p, uuid4()) for p in P)
    assert not any(actor.sites_with(p) for p in P)


def test_the_system_may_everything_and_is_not_silently_filtered():
    assert all(SYSTEM.can(p, uuid4()) for p in P)
    with pytest.raises(TypeError, match="not limited to sites"):
        SYSTEM.sites_with(P.STUDY_READ)


def test_a_superuser_may_everything_at_every_site(worlds):
    actor = make_actor(user=worlds.superuser)
    both = {worlds.a.site.pk, worlds.b.site.pk}
    assert all(actor.sites_with(p) == both for p in P)
    assert {site.pk for site in member_sites(actor=actor)} == both
    assert actor.permissions() == frozenset(P)


def test_an_actor_costs_one_query(worlds, django_assert_num_queries):
    person = worlds.person("radiologist@a")
    with django_assert_num_queries(1):
        actor = make_actor(user=person)
        assert actor.can(P.READING_SIGN, worlds.a.site.pk)


def test_the_pages_tell_the_truth_of_whose_they_are():
    """What the browser says to somebody who may not open a page is this very table."""
    folder = Path(__file__).parents[3] / "frontend" / "src" / "domain"
    said = json.loads((folder / "permission-roles.json").read_text())
    assert said == {name: roles_that_may(P(name)) for name in said}
    assert len(said) > 10

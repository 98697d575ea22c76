"""Two sites that may not see each other, and everybody in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.test import Client

from apps.accounts.models import Membership, Role, Site, User
from apps.accounts.services import create_site, create_user, grant_membership
from apps.accounts.types import SYSTEM

if TYPE_CHECKING:
    from collections.abc import Mapping

PASSWORD = "correct horse battery staple"


@dataclass(frozen=True)
class World:
    """One site, one person for each role there, and what else was put there.

    `things` holds the objects that the matrix asks for, by name. `secrets` are
    strings that nobody of the other site may ever be sent: ids, names, UIDs.
    """

    site: Site
    people: Mapping[Role, User]
    things: dict[str, Any] = field(default_factory=dict)
    secrets: set[str] = field(default_factory=set)

    def membership(self, role: Role) -> Membership:
        return Membership.objects.get(user=self.people[role], site=self.site)


@dataclass(frozen=True)
class Worlds:
    """Site A, whose objects are asked for, and site B, whose people ask too."""

    a: World
    b: World
    superuser: User

    def client(self, who: str, *, csrf: bool = False) -> Client:
        """A browser: `anonymous`, `superuser`, or a role and a site: `admin@a`."""
        client = Client(enforce_csrf_checks=csrf)
        if who != "anonymous":
            client.force_login(self.person(who))
        return client

    def person(self, who: str) -> User:
        if who == "superuser":
            return self.superuser
        role, _, site = who.partition("@")
        world = self.a if site == "a" else self.b
        return world.people[Role(role)]


ASKERS: tuple[str, ...] = (
    "anonymous",
    "radiologist@a",
    "annotator@a",
    "clinical_lead@a",
    "admin@a",
    "service@a",
    "radiologist@b",
    "annotator@b",
    "clinical_lead@b",
    "admin@b",
    "service@b",
)

READER_ASKERS: tuple[str, ...] = (
    "resident@a",
    "specialist@a",
    "resident@b",
    "specialist@b",
)
"""Who is answered as the site's radiologist is, but for what `readers.READERS` says."""


def make_world(letter: str) -> World:
    site = create_site(
        actor=SYSTEM, name=f"Site {letter.upper()}", code=f"site-{letter}"
    )
    people = {}
    for role in Role:
        person = create_user(
            actor=SYSTEM,
            username=f"{role.value}-{letter}",
            password=PASSWORD,
            display_name=f"{role.label} {letter.upper()}",
        )
        grant_membership(actor=SYSTEM, user_id=person.pk, site_id=site.pk, role=role)
        people[role] = person
    secrets = {str(site.pk), site.name, *(str(p.pk) for p in people.values())}
    return World(site=site, people=people, secrets=secrets)


def make_worlds() -> Worlds:
    superuser = create_user(
        actor=SYSTEM,
        username="root",
        password=PASSWORD,
        display_name="Root",
        is_superuser=True,
    )
    return Worlds(a=make_world("a"), b=make_world("b"), superuser=superuser)

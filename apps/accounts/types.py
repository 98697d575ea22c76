"""Who is acting, as a value that needs no database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from apps.accounts.roles import ROLE_PERMISSIONS, Role
from apps.core.permissions import Permission

if TYPE_CHECKING:
    from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who is acting, from where, and what they are at which site.

    Attributes:
        kind: `user` (a person or service account), `system` (the portal itself) or
            `worker` (a machine with a scoped token).
        user_id: The account, for a user.
        username: The login name, or the name of the system's part.
        display_name: The name that other people see.
        session_key_hash: Names the session without giving it away; empty outside.
        source_ip: Address of the client.
        memberships: (site, role) pairs as they were when the request began.
        is_superuser: Every permission at every site; the audit log marks its use.
        all_sites: All sites, loaded for a superuser only.
    """

    kind: Literal["user", "system", "worker"]
    user_id: UUID | None = None
    username: str = ""
    display_name: str = ""
    session_key_hash: str = ""
    source_ip: str | None = None
    memberships: tuple[tuple[UUID, Role], ...] = ()
    is_superuser: bool = False
    all_sites: frozenset[UUID] = frozenset()

    @property
    def is_system(self) -> bool:
        """True for the portal itself, which may do everything everywhere."""
        return self.kind == "system"

    @property
    def person_id(self) -> UUID:
        """The account of the person who acts.

        Raises:
            TypeError: No person acts: what a person must do was asked of a machine.
        """
        if self.user_id is None:
            message = f"{self.username} is no person."
            raise TypeError(message)
        return self.user_id

    @property
    def site_ids(self) -> frozenset[UUID]:
        """The sites that the actor is a member of, whatever the role."""
        return frozenset(site_id for site_id, _ in self.memberships)

    def can(self, permission: Permission, site_id: UUID) -> bool:
        """Say whether the actor holds the permission at the site."""
        if self.is_system or self.is_superuser:
            return True
        return any(
            member_of == site_id and permission in ROLE_PERMISSIONS[role]
            for member_of, role in self.memberships
        )

    def sites_with(self, permission: Permission) -> frozenset[UUID]:
        """Return the sites where the actor holds the permission.

        Raises:
            TypeError: The system is asked: it is bound to no sites, so a filter by
                them would silently find nothing.
        """
        if self.is_system:
            message = "The system is not limited to sites: select without this filter."
            raise TypeError(message)
        if self.is_superuser:
            return self.all_sites
        return frozenset(
            site_id
            for site_id, role in self.memberships
            if permission in ROLE_PERMISSIONS[role]
        )

    def is_member(self, site_id: UUID) -> bool:
        """Say whether the actor belongs to the site at all."""
        return self.is_system or self.is_superuser or site_id in self.site_ids

    def roles_at(self, site_id: UUID) -> frozenset[str]:
        """Return the actor's roles at the site."""
        return frozenset(
            role.value for member_of, role in self.memberships if member_of == site_id
        )

    def permissions(self) -> frozenset[Permission]:
        """Return what the actor may do at one site at least."""
        if self.is_system or self.is_superuser:
            return frozenset(Permission)
        return frozenset().union(
            *(ROLE_PERMISSIONS[role] for _, role in self.memberships)
        )


SYSTEM = Actor(kind="system", username="system", display_name="Overread")
"""The portal itself, for work that no person asked for."""


def worker_actor(*, name: str, source_ip: str | None = None) -> Actor:
    """Return the actor for a machine that showed a scoped token.

    It is a member of nothing: what it may do is what its token says.
    """
    return Actor(kind="worker", username=name, display_name=name, source_ip=source_ip)

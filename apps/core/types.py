"""What the lower apps need to know of who is acting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from uuid import UUID

    from apps.core.permissions import Permission


class ActorLike(Protocol):
    """The part of `apps.accounts.types.Actor` that core and audit rely on."""

    @property
    def kind(self) -> str:
        """`user`, `system` or `worker`."""

    @property
    def user_id(self) -> UUID | None:
        """The account, when a person or service account acts."""

    @property
    def username(self) -> str:
        """The name to log in with, or the system's or worker's name."""

    @property
    def is_superuser(self) -> bool:
        """True for an account that every permission check lets pass."""

    @property
    def session_key_hash(self) -> str:
        """A hash of the session, which names it without giving it away."""

    @property
    def source_ip(self) -> str | None:
        """Where the request came from."""

    @property
    def site_ids(self) -> frozenset[UUID]:
        """The sites that the actor is a member of."""

    def can(self, permission: Permission, site_id: UUID) -> bool:
        """Say whether the actor holds the permission at the site."""

    def sites_with(self, permission: Permission) -> frozenset[UUID]:
        """Return the sites where the actor holds the permission."""

    def roles_at(self, site_id: UUID) -> frozenset[str]:
        """Return the actor's roles at the site."""

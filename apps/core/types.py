"""Who is acting, as far as the lower apps need to know, and what one may do."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from uuid import UUID


class Permission(StrEnum):
    """One thing that somebody may do, at a site or on an object."""

    STUDY_READ = "study:read"
    STUDY_PIXELS_READ = "study:pixels:read"
    STUDY_IMPORT = "study:import"
    STUDY_SHARE = "study:share"
    WORKLIST_READ = "worklist:read"
    ITEM_LEASE = "item:lease"
    ITEM_BAND = "item:band"
    ITEM_ASSIGN = "item:assign"
    ITEM_SPECIALIST = "item:specialist"
    VIEW_MANAGE = "view:manage"
    READING_READ = "reading:read"
    READING_WRITE = "reading:write"
    READING_SIGN = "reading:sign"
    READING_AMEND = "reading:amend"
    READING_VERIFY = "reading:verify"
    CRITICAL_READ = "critical:read"
    CRITICAL_CLOSE = "critical:close"
    LABEL_READ = "label:read"
    LABEL_LEASE = "label:lease"
    LABEL_WRITE = "label:write"
    LABEL_SIGN = "label:sign"
    AI_READ = "ai:read"
    AI_SWITCH = "ai:switch"
    MODEL_MANAGE = "model:manage"
    PROTOCOL_MANAGE = "protocol:manage"
    INSIGHTS_READ = "insights:read"
    QUARANTINE_MANAGE = "quarantine:manage"
    AE_TITLE_MANAGE = "ae_title:manage"
    SITE_MANAGE = "site:manage"
    USER_MANAGE = "user:manage"
    AUDIT_READ = "audit:read"
    HEALTH_READ = "health:read"
    EXPORT_READ = "export:read"
    LAYOUT_MANAGE = "layout:manage"
    DEAD_LETTER_RETRY = "dead_letter:retry"
    MACHINE_WORK = "machine:work"


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

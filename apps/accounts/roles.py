"""The roles at a site and what each may do: the whole table, in one place."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from django.db.models import TextChoices

from apps.core.permissions import Permission

if TYPE_CHECKING:
    from collections.abc import Mapping


class Role(TextChoices):
    """What somebody is at a site; one person may be several."""

    RADIOLOGIST = "radiologist", "Radiologist"
    RESIDENT = "resident", "Resident"
    SPECIALIST = "specialist", "Specialist"
    ANNOTATOR = "annotator", "Annotator"
    CLINICAL_LEAD = "clinical_lead", "Clinical lead"
    ADMIN = "admin", "Admin"
    SERVICE = "service", "Service"


_READER: Final = frozenset(
    {
        Permission.WORKLIST_READ,
        Permission.STUDY_READ,
        Permission.STUDY_PIXELS_READ,
        Permission.STUDY_IMPORT,
        Permission.ITEM_LEASE,
        Permission.ITEM_BAND,
        Permission.READING_READ,
        Permission.READING_WRITE,
        Permission.READING_SIGN,
        Permission.CRITICAL_READ,
        Permission.CRITICAL_CLOSE,
        Permission.AI_READ,
    }
)

# What a resident signs is preliminary: who may not verify a reading has theirs
# verified. A specialist is a radiologist whom studies are routed to. An annotator has
# names of its own (`label:…`) rather than the clinical ones, so that no check for a
# clinical reading can ever pass by forgetting to ask what kind of item it is. An admin
# sees no pixels and no readings.
ROLE_PERMISSIONS: Final[Mapping[Role, frozenset[Permission]]] = MappingProxyType(
    {
        Role.RADIOLOGIST: _READER | {Permission.READING_VERIFY},
        Role.RESIDENT: _READER,
        Role.SPECIALIST: _READER
        | {Permission.READING_VERIFY, Permission.ITEM_SPECIALIST},
        Role.ANNOTATOR: frozenset(
            {
                Permission.LABEL_READ,
                Permission.LABEL_LEASE,
                Permission.LABEL_WRITE,
                Permission.LABEL_SIGN,
            }
        ),
        Role.CLINICAL_LEAD: frozenset(
            {
                Permission.WORKLIST_READ,
                Permission.STUDY_READ,
                Permission.ITEM_BAND,
                Permission.ITEM_ASSIGN,
                Permission.VIEW_MANAGE,
                Permission.CRITICAL_READ,
                Permission.CRITICAL_CLOSE,
                Permission.AI_READ,
                Permission.AI_SWITCH,
                Permission.SITE_MANAGE,
                Permission.INSIGHTS_READ,
                Permission.PROTOCOL_MANAGE,
                Permission.EXPORT_READ,
                Permission.STUDY_SHARE,
                Permission.LAYOUT_MANAGE,
                Permission.READING_AMEND,
            }
        ),
        Role.ADMIN: frozenset(
            {
                Permission.USER_MANAGE,
                Permission.AE_TITLE_MANAGE,
                Permission.QUARANTINE_MANAGE,
                Permission.STUDY_IMPORT,
                Permission.AUDIT_READ,
                Permission.HEALTH_READ,
                Permission.EXPORT_READ,
                Permission.DEAD_LETTER_RETRY,
                Permission.MODEL_MANAGE,
                Permission.PROTOCOL_MANAGE,
                Permission.AI_SWITCH,
                Permission.SITE_MANAGE,
            }
        ),
        Role.SERVICE: frozenset({Permission.MACHINE_WORK, Permission.STUDY_IMPORT}),
    }
)


def roles_that_may(permission: Permission) -> list[str]:
    """Return the roles that hold a permission, for a filter of memberships."""
    return [role.value for role, may in ROLE_PERMISSIONS.items() if permission in may]

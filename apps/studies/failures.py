"""Why a study could not be registered, in words for people."""

from __future__ import annotations

from django.db import DatabaseError

from apps.core.errors import DomainError
from apps.interop.types import ArchiveError


def plain_reason(error: Exception) -> str:
    """Say what was wrong; never with a value out of the study's headers."""
    if isinstance(error, DomainError):
        return error.detail
    if isinstance(error, ArchiveError):
        return str(error)
    name = type(error).__name__
    if isinstance(error, DatabaseError):
        return f"The database did not take what its headers say ({name})."
    return f"Its headers make no sense to the portal ({name})."

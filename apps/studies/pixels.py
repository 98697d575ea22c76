"""Pixels through the portal, for a study whose pack is not ready."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from apps.core.errors import Unavailable

if TYPE_CHECKING:
    from apps.studies.models import StudyRevision


@dataclass(frozen=True, slots=True, kw_only=True)
class PackFile:
    """One file of a pack: its bytes and its media type."""

    body: bytes
    media_type: str


def read_pack_file(*, revision: StudyRevision, path: str) -> PackFile:
    """Return what the pack would hold at `path`."""
    raise Unavailable("pack_building", f"{path}: the pack of {revision.id} is not ready.")

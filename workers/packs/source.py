"""Where a pack's instances come from, as the builder sees it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceRef:
    """An instance of the study revision, as the portal lists it.

    Attributes:
        sop_uid: SOP Instance UID.
        series_uid: Series Instance UID.
        sop_class_uid: SOP Class UID, '' when the portal does not know it.
        size: Bytes of the file; 0 when unknown.
    """

    sop_uid: str
    series_uid: str
    sop_class_uid: str
    size: int


class InstanceSource(Protocol):
    """What can list and read the instances of one study revision."""

    def list_instances(self) -> list[InstanceRef]:
        """Return the instances of the revision."""
        ...

    def read_instance(self, sop_uid: str) -> bytes:
        """Return the file of one instance, as stored."""
        ...

    def read_instances(
        self, refs: Iterable[InstanceRef]
    ) -> Iterator[tuple[InstanceRef, bytes]]:
        """Yield instances with their files, in any order, few at a time."""
        ...

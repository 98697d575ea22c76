"""Where the images of a series lie: from its pack, or from its files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.packs.dataset import UnreadableInstanceError
from workers.packs.metadata import read_metadata
from workers.packs.planes import planes_of, read_pack_planes

if TYPE_CHECKING:
    from workers.measures.planes import Plane

__all__ = ["planes_of_file", "read_pack_planes"]


def planes_of_file(content: bytes) -> tuple[Plane, ...]:
    """Return the planes of an image file, in the order of its frames; () when odd."""
    try:
        return planes_of(read_metadata(content))
    except UnreadableInstanceError:
        return ()
